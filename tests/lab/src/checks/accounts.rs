//! The two regions in two accounts: Terraform takes a role in each, and a changed parameter reaches the other account by
//! a role that one function alone may take.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_credential_types::Credentials;
use serde_json::{Value, json};

use crate::checks::roles::session;
use crate::cloud::ACCOUNT;
use crate::cloud::call::{Call, Reply, Shape};
use crate::say;
use crate::terraform::examples::administrator;
use crate::world::{PRIMARY, RECOVERY, World, pause};

/// The primary region's account.
const OTHER: &str = "210987654321";
const EXTERNAL_ID: &str = "shop-7f3a";
/// The role that Terraform takes in each account.
const TERRAFORM: &str = "terraform";
/// What is copied.
const NAME: &str = "/shop/url";
/// How long a change may be on its way.
const LIMIT: Duration = Duration::from_secs(30);
const EVERY: Duration = Duration::from_millis(200);

/// The root of the primary region's account: the emulator takes a key that is an account's number for that.
fn other() -> Credentials {
    Credentials::new(OTHER, OTHER, None, None, "lab")
}

/// Makes the role that Terraform takes in each account, as a team has it.
pub async fn prepare(world: &World) -> Result<()> {
    let statement = |more: Value| {
        let mut statement = json!({ "Effect": "Allow" });
        statement
            .as_object_mut()
            .into_iter()
            .for_each(|all| all.extend(more.as_object().cloned().unwrap_or_default()));
        json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
    };
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    let trust = statement(json!({ "Principal": { "AWS": root }, "Action": "sts:AssumeRole" }));
    let may = statement(json!({ "Action": "*", "Resource": "*" }));
    for keys in [administrator(), other()] {
        let fields = vec![("RoleName", TERRAFORM.to_owned()), ("AssumeRolePolicyDocument", trust.clone())];
        done(world, &iam("CreateRole", fields), &keys).await?;
        let fields = [("RoleName", TERRAFORM), ("PolicyName", "all"), ("PolicyDocument", &may)];
        let fields = fields.map(|(name, value)| (name, value.to_owned())).to_vec();
        done(world, &iam("PutRolePolicy", fields), &keys).await?;
    }
    Ok(())
}

/// The example's variables. What they name need not be there: nothing moves.
pub fn variables(world: &World) -> Value {
    let role = |account: &str| format!("arn:aws:iam::{account}:role/{TERRAFORM}");
    let group = |side: &str| {
        format!("arn:aws:globalaccelerator::{ACCOUNT}:accelerator/a/listener/l/endpoint-group/{side}")
    };
    let elb = |region: &str, account: &str, what: &str| {
        format!("arn:aws:elasticloadbalancing:{region}:{account}:{what}/0123456789abcdef")
    };
    json!({
        "regions": { "primary": PRIMARY, "recovery": RECOVERY },
        "primary_account": { "id": OTHER, "external_id": EXTERNAL_ID },
        "roles_to_assume": { "primary": role(OTHER), "recovery": role(ACCOUNT) },
        "parameters": { "include": ["/shop/**"] },
        "fleet": {
            "group": "web-recovery", "target_group": elb(RECOVERY, ACCOUNT, "targetgroup/web"),
            "capacity": { "min": 2, "desired": 2, "max": 8 },
        },
        "route": {
            "primary": { "endpoint_group": group("p"), "endpoint": elb(PRIMARY, OTHER, "loadbalancer/app/web") },
            "recovery": { "endpoint_group": group("r"), "endpoint": elb(RECOVERY, ACCOUNT, "loadbalancer/app/web") },
        },
        // A primary that is well, so that nothing is under way when all of it is destroyed.
        "health_url": format!("{}/_lab/health", world.endpoint_url()),
        "alarm_arns": [format!("arn:aws:cloudwatch:{PRIMARY}:{OTHER}:alarm:web-unhealthy")],
    })
}

/// A parameter changed over there comes over by its event, a pass finds it the same, and the role is for one function.
pub async fn are_bridged(world: &World) -> Result<()> {
    let put = json!({ "Name": NAME, "Value": "one", "Type": "String" });
    done(world, &ssm(PRIMARY, "PutParameter", put), &other()).await?;
    let copied = tokio::time::timeout(LIMIT, async {
        while !holds(world, RECOVERY, &administrator()).await? {
            pause(EVERY).await;
        }
        anyhow::Ok(())
    });
    copied.await.context("the changed parameter did not come over")??;
    let pass = world.cloud.invoke(RECOVERY, "shop-ssm-replicator", &json!({ "command": "pass" })).await?;
    ensure!(
        !pass.is_error && pass.payload["same"] == 1,
        "a pass does not find it the same: {}",
        pass.payload
    );
    let elsewhere = holds(world, PRIMARY, &administrator()).await?;
    ensure!(!elsewhere, "the parameter was written to the wrong account");
    let mut denied = 0;
    for (function, external_id) in [
        ("shop-ssm-replicator", Some("another")),
        ("shop-ssm-replicator", None),
        ("shop-shift-traffic", Some(EXTERNAL_ID)),
    ] {
        let reply = assume(world, function, external_id).await?;
        ensure!(reply.is_denied(), "{function} took the role with {external_id:?}: {}", reply.text);
        denied += 1;
    }
    let reply = assume(world, "shop-ssm-replicator", Some(EXTERNAL_ID)).await?;
    ensure!(reply.is_done(), "the function can't take its role: {}", reply.text);
    say(&format!(
        "accounts: a parameter of {OTHER} was copied to {ACCOUNT}; the role was denied {denied} times"
    ));
    // Nothing of it is Terraform's.
    for (region, keys) in [(PRIMARY, other()), (RECOVERY, administrator())] {
        done(world, &ssm(region, "DeleteParameter", json!({ "Name": NAME })), &keys).await?;
    }
    Ok(())
}

/// A function asks for the role of the primary region's account.
async fn assume(world: &World, function: &str, external_id: Option<&str>) -> Result<Reply> {
    let mut fields = vec![
        ("RoleArn", format!("arn:aws:iam::{OTHER}:role/shop-primary-region")),
        ("RoleSessionName", "lab".to_owned()),
    ];
    fields.extend(external_id.map(|id| ("ExternalId", id.to_owned())));
    let shape = Shape::Query("2011-06-15", fields);
    let call = Call { service: "sts", region: RECOVERY.to_owned(), action: "AssumeRole", shape };
    call.send(world.endpoint_url(), &session(world, function).await?).await
}

async fn holds(world: &World, region: &str, keys: &Credentials) -> Result<bool> {
    let call = ssm(region, "GetParameters", json!({ "Names": [NAME] }));
    let found: Value = serde_json::from_str(&done(world, &call, keys).await?)?;
    Ok(found["Parameters"].as_array().is_some_and(|found| !found.is_empty()))
}

async fn done(world: &World, call: &Call, keys: &Credentials) -> Result<String> {
    call.done(world.endpoint_url(), keys).await
}

fn iam(action: &'static str, fields: Vec<(&'static str, String)>) -> Call {
    let shape = Shape::Query("2010-05-08", fields);
    Call { service: "iam", region: "us-east-1".to_owned(), action, shape }
}

fn ssm(region: &str, action: &'static str, document: Value) -> Call {
    Call { service: "ssm", region: region.to_owned(), action, shape: Shape::Json("AmazonSSM", document) }
}
