//! The small stack's databases and the replica's key, made by the API before Terraform knows of them, and taken in by `import`
//! blocks: as who has a database and adds Pilotlight to it. The provider waits for minutes for a database that it makes itself,
//! and half a minute for a key, whatever the cloud says.

use std::path::Path;

use anyhow::{Context, Result};
use aws_sdk_rds::Client;
use serde_json::{Value, json};

use crate::cloud::call::{Call, Shape};
use crate::say;
use crate::terraform::examples::administrator;
use crate::terraform::stack::Wishes;
use crate::terraform::{Terraform, attribute};
use crate::world::{PRIMARY, RECOVERY, World};

/// What a database needs to be there: its subnets and its security groups.
const GROUND: [&str; 4] = [
    "aws_db_subnet_group.primary",
    "aws_db_subnet_group.recovery",
    "aws_security_group.database_primary",
    "aws_security_group.database_recovery",
];

/// The password of the master user.
pub const PASSWORD: &str = "local-world-only-1";

/// Makes the database and its replica where a stack of this name has its networks, and has the stack's next apply take them in.
/// Gives how many resources were created for it.
pub async fn exist(terraform: &Terraform, world: &World, wishes: &Wishes) -> Result<usize> {
    let name = wishes.name.as_str();
    let made = terraform.apply_only(&GROUND).await?;
    let key = make_key(world, name).await.with_context(|| format!("the key of {name} can't be made"))?;
    Box::pin(make(terraform, world, wishes, &key.arn))
        .await
        .with_context(|| format!("the databases of {name} can't be made"))?;
    say(&format!("{name}: a database and its replica exist; Terraform takes them in"));
    take_in(terraform.dir(), name, &key.id)?;
    Ok(made)
}

/// The key that encrypts the replica.
struct Key {
    id: String,
    arn: String,
}

async fn make_key(world: &World, name: &str) -> Result<Key> {
    let description = format!("Encrypts the database replica of {name}.");
    let made = kms(world, "CreateKey", json!({ "Description": description })).await?;
    let text = |path: &str| made.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let id = text("/KeyMetadata/KeyId").context("no key was answered")?;
    kms(world, "EnableKeyRotation", json!({ "KeyId": id })).await?;
    Ok(Key { id, arn: text("/KeyMetadata/Arn").context("no ARN was answered")? })
}

async fn kms(world: &World, action: &'static str, document: Value) -> Result<Value> {
    let shape = Shape::Json("TrentService", document);
    let call = Call { service: "kms", region: RECOVERY.to_owned(), action, shape };
    let text = call.done(world.endpoint_url(), &administrator()).await?;
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

async fn make(terraform: &Terraform, world: &World, wishes: &Wishes, key: &str) -> Result<()> {
    let Wishes { name, witness, .. } = wishes;
    let cloud = &world.cloud;
    let state = terraform.state().await?;
    let subnets = format!("{name}-orders");
    let primary = Client::new(&cloud.config(PRIMARY).await);
    let source = primary
        .create_db_instance()
        .db_instance_identifier(format!("{name}-orders"))
        .engine("postgres")
        .engine_version("16")
        .db_instance_class("db.t4g.micro")
        .allocated_storage(20)
        .storage_type("gp3")
        .storage_encrypted(true)
        .db_name("orders")
        .master_username("orders")
        .master_user_password(PASSWORD)
        .db_subnet_group_name(&subnets)
        .vpc_security_group_ids(attribute(&state, "aws_security_group.database_primary", "id")?)
        .backup_retention_period(7)
        .auto_minor_version_upgrade(true)
        .copy_tags_to_snapshot(true)
        .deletion_protection(true)
        .publicly_accessible(false)
        .enable_iam_database_authentication(*witness)
        .send()
        .await?;
    let source = source.db_instance.and_then(|made| made.db_instance_arn).context("no ARN was answered")?;
    Client::new(&cloud.config(RECOVERY).await)
        .create_db_instance_read_replica()
        .db_instance_identifier(format!("{name}-orders-replica"))
        .source_db_instance_identifier(source)
        .db_instance_class("db.t4g.micro")
        .storage_type("gp3")
        .kms_key_id(key)
        .db_subnet_group_name(subnets)
        .vpc_security_group_ids(attribute(&state, "aws_security_group.database_recovery", "id")?)
        .auto_minor_version_upgrade(true)
        .copy_tags_to_snapshot(true)
        .deletion_protection(true)
        .publicly_accessible(false)
        .enable_iam_database_authentication(*witness)
        .send()
        .await?;
    Ok(())
}

/// What a person writes beside a stack whose database exists.
fn take_in(dir: &Path, name: &str, key: &str) -> Result<()> {
    let blocks = [
        ("aws_kms_key.replica", key.to_owned()),
        ("aws_db_instance.orders", format!("{name}-orders")),
        ("aws_db_instance.orders_replica", format!("{name}-orders-replica")),
    ]
    .map(|(resource, id)| format!("import {{\n  to = {resource}\n  id = \"{id}\"\n}}\n"));
    Ok(std::fs::write(dir.join("imports.tf"), blocks.concat())?)
}
