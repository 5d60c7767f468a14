//! The small stack's databases, made by the API before Terraform knows of them, and taken in by `import` blocks: as who has a
//! database and adds Pilotlight to it. The provider waits for minutes for a database that it makes itself, whatever the cloud says.

use std::path::Path;

use anyhow::{Context, Result};
use aws_sdk_rds::Client;

use crate::cloud::Cloud;
use crate::say;
use crate::terraform::{Terraform, attribute};
use crate::world::{PRIMARY, RECOVERY};

/// What a database needs to be there: its subnets, its security groups, the replica's key.
const GROUND: [&str; 5] = [
    "aws_db_subnet_group.primary",
    "aws_db_subnet_group.recovery",
    "aws_security_group.database_primary",
    "aws_security_group.database_recovery",
    "aws_kms_key.replica",
];

/// The password of the master user.
pub const PASSWORD: &str = "local-world-only-1";

/// Makes the database and its replica where a stack of this name has its networks, and has the stack's next apply take them in.
/// Gives how many resources were created for it.
pub async fn exist(terraform: &Terraform, cloud: &Cloud, name: &str) -> Result<usize> {
    let made = terraform.apply_only(&GROUND).await?;
    Box::pin(make(terraform, cloud, name))
        .await
        .with_context(|| format!("the databases of {name} can't be made"))?;
    say(&format!("{name}: a database and its replica exist; Terraform takes them in"));
    take_in(terraform.dir(), name)?;
    Ok(made)
}

async fn make(terraform: &Terraform, cloud: &Cloud, name: &str) -> Result<()> {
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
        .send()
        .await?;
    let source = source.db_instance.and_then(|made| made.db_instance_arn).context("no ARN was answered")?;
    Client::new(&cloud.config(RECOVERY).await)
        .create_db_instance_read_replica()
        .db_instance_identifier(format!("{name}-orders-replica"))
        .source_db_instance_identifier(source)
        .db_instance_class("db.t4g.micro")
        .storage_type("gp3")
        .kms_key_id(attribute(&state, "aws_kms_key.replica", "arn")?)
        .db_subnet_group_name(subnets)
        .vpc_security_group_ids(attribute(&state, "aws_security_group.database_recovery", "id")?)
        .auto_minor_version_upgrade(true)
        .copy_tags_to_snapshot(true)
        .deletion_protection(true)
        .publicly_accessible(false)
        .send()
        .await?;
    Ok(())
}

/// What a person writes beside a stack whose database exists.
fn take_in(dir: &Path, name: &str) -> Result<()> {
    let blocks = [("orders", "orders"), ("orders_replica", "orders-replica")].map(|(resource, suffix)| {
        format!("import {{\n  to = aws_db_instance.{resource}\n  id = \"{name}-{suffix}\"\n}}\n")
    });
    Ok(std::fs::write(dir.join("imports.tf"), blocks.concat())?)
}
