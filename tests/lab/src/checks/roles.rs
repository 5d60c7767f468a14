//! Roles, enforced: each function's role does its own act, and every act that belongs to another is denied.
//!
//! The emulator checks IAM. The calls are made with a session of the function's own role, as its process has it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_credential_types::Credentials;
use serde_json::{Value, json};

use crate::cloud::ACCOUNT;
use crate::cloud::call::{Call, Reply, Shape};
use crate::say;
use crate::terraform::examples::administrator;
use crate::world::{PRIMARY, RECOVERY, World, pause};

/// How long a database may be busy.
const SECONDS_MAX: u32 = 60;

/// A function, and what its role may and may not do.
struct Row {
    function: &'static str,
    /// What it is there for. It must be done, not only permitted.
    own: Vec<Call>,
    /// What belongs to another, or to nobody.
    forbidden: Vec<Call>,
}

/// What the stack is made of, by its outputs.
struct Ground<'o> {
    outputs: &'o Value,
}

impl Ground<'_> {
    fn at(&self, path: &str) -> Result<String> {
        let (name, rest) = path.split_once('/').unwrap_or((path, ""));
        let pointer =
            if rest.is_empty() { format!("/{name}/value") } else { format!("/{name}/value/{rest}") };
        let found = self.outputs.pointer(&pointer).and_then(Value::as_str);
        Ok(found.with_context(|| format!("the stack has no output {path}"))?.to_owned())
    }
}

/// Checks every row of the table, and names everything that is wrong.
pub async fn are_enforced(world: &World, outputs: &Value) -> Result<()> {
    let ground = Ground { outputs };
    let mut wrong = Vec::new();
    let (mut done, mut denied) = (0, 0);
    foreign_snapshot(world, &ground).await?;
    for row in table(&ground)? {
        let name = ground.at(&format!("function_names/{}", row.function))?;
        let keys = session(world, &name).await?;
        for (calls, is_own) in [(&row.own, true), (&row.forbidden, false)] {
            for call in calls {
                let reply = settled(world, call, &keys).await?;
                let is_right = if is_own { reply.is_done() } else { reply.is_denied() };
                if is_right {
                    *(if is_own { &mut done } else { &mut denied }) += 1;
                    continue;
                }
                let wanted = if is_own { "do" } else { "be denied" };
                let what = format!("{} in {}: {:?}", call.action, call.region, call.shape);
                let answer = format!("{} {}", reply.status, reply.text.replace('\n', " "));
                wrong.push(format!("the role of {} must {wanted} {what}; it got {answer}", row.function));
            }
        }
    }
    clear(world, &ground).await?;
    ensure!(wrong.is_empty(), "roles are not what they should be:\n{}", wrong.join("\n"));
    say(&format!("roles: {done} acts of their own done, {denied} acts of others denied"));
    Ok(())
}

/// Makes a call, again and again while its database is busy with the one before.
async fn settled(world: &World, call: &Call, keys: &Credentials) -> Result<Reply> {
    let mut reply = call.send(world.endpoint_url(), keys).await?;
    for _ in 0..SECONDS_MAX {
        if !reply.code().is_some_and(|code| code.starts_with("InvalidDB") && code.contains("State")) {
            break;
        }
        pause(Duration::from_secs(1)).await;
        reply = call.send(world.endpoint_url(), keys).await?;
    }
    Ok(reply)
}

/// A session of a function's role.
pub(crate) async fn session(world: &World, function: &str) -> Result<Credentials> {
    let keys = world.lab(&format!("functions/{RECOVERY}/{function}/credentials")).await?;
    let part = |name: &str| keys.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (id, secret) = (part("AWS_ACCESS_KEY_ID"), part("AWS_SECRET_ACCESS_KEY"));
    ensure!(id.starts_with("ASIA"), "{function} has no session of a role; is IAM enforced?");
    Ok(Credentials::new(id, secret, Some(part("AWS_SESSION_TOKEN")), None, "lab"))
}

/// A snapshot that a person took: nobody's to touch.
async fn foreign_snapshot(world: &World, ground: &Ground<'_>) -> Result<()> {
    let call = rds(
        PRIMARY,
        "CreateDBSnapshot",
        &[("DBSnapshotIdentifier", BY_HAND), ("DBInstanceIdentifier", &ground.at("databases/primary")?)],
    );
    call.done(world.endpoint_url(), &administrator()).await.map(drop)
}

/// Takes away what the check made, as an administrator.
async fn clear(world: &World, ground: &Ground<'_>) -> Result<()> {
    let snapshot = |name| rds(PRIMARY, "DeleteDBSnapshot", &[("DBSnapshotIdentifier", name)]);
    let parameter = ssm(RECOVERY, "DeleteParameter", json!({ "Name": CHECKED }));
    let item = |partition| -> Result<Call> {
        let key = json!({ "plan": { "S": partition }, "seq": { "N": FAR_AWAY } });
        let document = json!({ "TableName": ground.at("journal_table")?, "Key": key });
        Ok(json_call("dynamodb", RECOVERY, "DeleteItem", "DynamoDB_20120810", document))
    };
    for call in [snapshot(BY_HAND), snapshot(OWN), parameter, item("shop#vitals")?, item("shop#parameters")?]
    {
        // A snapshot can be deleted once it is taken.
        let reply = settled(world, &call, &administrator()).await?;
        // What a role was not let make is not there.
        let is_gone = reply.code().is_some_and(|code| code.contains("NotFound"));
        ensure!(reply.is_done() || is_gone, "what the check made is still there: {call:?}: {}", reply.text);
    }
    Ok(())
}

const BY_HAND: &str = "by-hand-before-the-migration";
const OWN: &str = "pilotlight-shop-orders-of-the-check";

fn table(ground: &Ground<'_>) -> Result<Vec<Row>> {
    Ok(vec![
        alarm_handler(ground)?,
        readiness_checker(ground)?,
        scale_asg(ground)?,
        shift_traffic(ground)?,
        snapshot_scheduler(ground)?,
        ssm_replicator(ground)?,
        promote_replica(ground)?,
    ])
}

fn alarm_handler(ground: &Ground<'_>) -> Result<Row> {
    let mut own = looks(ground)?;
    own.extend([journal(ground, "Query")?, publish(RECOVERY, &ground.at("topic_arns/commands")?)]);
    let mut forbidden = acts_on_the_world(ground)?;
    forbidden.extend(what_nobody_may(ground)?);
    // What only the readiness pass looks at.
    forbidden.push(query_of_types());
    // An alarm of its own would be evidence it made itself.
    forbidden.push(publish(RECOVERY, &ground.at("topic_arns/signals_recovery")?));
    forbidden.push(publish(PRIMARY, &ground.at("topic_arns/signals_primary")?));
    Ok(Row { function: "alarm-handler", own, forbidden })
}

fn readiness_checker(ground: &Ground<'_>) -> Result<Row> {
    let mut own = looks(ground)?;
    own.extend([query_of_types(), journal(ground, "Query")?, put_item(ground, "shop#vitals")?]);
    let mut forbidden = acts_on_the_world(ground)?;
    forbidden.extend(what_nobody_may(ground)?);
    // A record of its own could open or approve a run.
    forbidden.extend([put_item(ground, "shop")?, put_item(ground, "shop#snapshot")?]);
    forbidden.push(publish(RECOVERY, &ground.at("topic_arns/commands")?));
    forbidden.push(publish(RECOVERY, &ground.at("topic_arns/signals_recovery")?));
    Ok(Row { function: "readiness-checker", own, forbidden })
}

/// A look at the replica, and one at the route.
fn looks(ground: &Ground<'_>) -> Result<Vec<Call>> {
    let replica = ground.at("databases/replica")?;
    let group = ground.at("endpoint_group_arns/primary")?;
    Ok(vec![
        rds(RECOVERY, "DescribeDBInstances", &[("DBInstanceIdentifier", &replica)]),
        accelerator("DescribeEndpointGroup", json!({ "EndpointGroupArn": group })),
    ])
}

fn query_of_types() -> Call {
    let of = [("InstanceType.1", "t3.micro")];
    Call::query("ec2", RECOVERY, "DescribeInstanceTypes", "2016-11-15", &of)
}

fn promote_replica(ground: &Ground<'_>) -> Result<Row> {
    let (primary, replica) = (ground.at("databases/primary")?, ground.at("databases/replica")?);
    let own = vec![
        rds(RECOVERY, "DescribeDBInstances", &[("DBInstanceIdentifier", &replica)]),
        rds(
            PRIMARY,
            "ModifyDBInstance",
            &[("DBInstanceIdentifier", &primary), ("ApplyImmediately", "false")],
        ),
        accelerator(
            "DescribeEndpointGroup",
            json!({ "EndpointGroupArn": ground.at("endpoint_group_arns/primary")? }),
        ),
        // Its promotion is seen in the failover that follows: there is only one to be done.
    ];
    let mut forbidden = what_nobody_may(ground)?;
    forbidden.push(shift(ground, "recovery", 128)?);
    forbidden.push(scale(RECOVERY, &ground.at("groups/recovery")?, "4"));
    forbidden.push(rds(PRIMARY, "PromoteReadReplica", &[("DBInstanceIdentifier", &primary)]));
    forbidden.push(rds(
        RECOVERY,
        "ModifyDBInstance",
        &[("DBInstanceIdentifier", &replica), ("PubliclyAccessible", "true")],
    ));
    Ok(Row { function: "promote-replica", own, forbidden })
}

fn scale_asg(ground: &Ground<'_>) -> Result<Row> {
    let waiting = ground.at("groups/recovery")?;
    let own = vec![
        autoscaling(RECOVERY, "DescribeAutoScalingGroups", &[("AutoScalingGroupNames.member.1", &waiting)]),
        autoscaling(RECOVERY, "DescribeScalingActivities", &[("AutoScalingGroupName", &waiting)]),
        scale(RECOVERY, &waiting, "0"),
    ];
    let mut forbidden = what_nobody_may(ground)?;
    forbidden.push(promote(&ground.at("databases/replica")?));
    forbidden.push(put_item(ground, "shop#vitals")?);
    forbidden.push(shift(ground, "recovery", 128)?);
    forbidden.push(scale(PRIMARY, &ground.at("groups/primary")?, "0"));
    forbidden.push(autoscaling(RECOVERY, "SuspendProcesses", &[("AutoScalingGroupName", &waiting)]));
    Ok(Row { function: "scale-asg", own, forbidden })
}

fn shift_traffic(ground: &Ground<'_>) -> Result<Row> {
    let group = ground.at("endpoint_group_arns/recovery")?;
    let own = vec![
        accelerator("DescribeEndpointGroup", json!({ "EndpointGroupArn": group })),
        shift(ground, "recovery", 0)?,
    ];
    let mut forbidden = what_nobody_may(ground)?;
    forbidden.push(promote(&ground.at("databases/replica")?));
    forbidden.push(scale(RECOVERY, &ground.at("groups/recovery")?, "4"));
    forbidden.push(accelerator("DeleteEndpointGroup", json!({ "EndpointGroupArn": group })));
    Ok(Row { function: "shift-traffic", own, forbidden })
}

fn snapshot_scheduler(ground: &Ground<'_>) -> Result<Row> {
    let primary = ground.at("databases/primary")?;
    let arn = |name: &str| format!("arn:aws:rds:{PRIMARY}:{ACCOUNT}:snapshot:{name}");
    let tag = |arn: &str| {
        let tag =
            [("ResourceName", arn), ("Tags.Tag.1.Key", "pilotlight:plan"), ("Tags.Tag.1.Value", "shop")];
        rds(PRIMARY, "AddTagsToResource", &tag)
    };
    let take = |name: &str| {
        let of = [("DBSnapshotIdentifier", name), ("DBInstanceIdentifier", primary.as_str())];
        rds(PRIMARY, "CreateDBSnapshot", &of)
    };
    let share = |name: &str| {
        let with = [
            ("DBSnapshotIdentifier", name),
            ("AttributeName", "restore"),
            ("ValuesToAdd.AttributeValue.1", "all"),
        ];
        rds(PRIMARY, "ModifyDBSnapshotAttribute", &with)
    };
    let own = vec![
        take(OWN),
        tag(&arn(OWN)),
        rds(PRIMARY, "DescribeDBSnapshots", &[]),
        put_item(ground, "shop#vitals")?,
    ];
    let mut forbidden = acts_on_the_world(ground)?;
    forbidden.extend(what_nobody_may(ground)?);
    // A record of its own could open or approve a run.
    forbidden.extend([put_item(ground, "shop")?, put_item(ground, "shop#parameters")?]);
    forbidden.extend([
        take("mine"),
        tag(&arn(BY_HAND)),
        share(BY_HAND),
        share(OWN),
        rds(PRIMARY, "DeleteDBSnapshot", &[("DBSnapshotIdentifier", BY_HAND)]),
        publish(RECOVERY, &ground.at("topic_arns/commands")?),
    ]);
    Ok(Row { function: "snapshot-scheduler", own, forbidden })
}

fn ssm_replicator(ground: &Ground<'_>) -> Result<Row> {
    let put = |region: &str, name: &str| {
        ssm(
            region,
            "PutParameter",
            json!({ "Name": name, "Value": "x", "Type": "String", "Overwrite": true }),
        )
    };
    let own = vec![
        put(RECOVERY, CHECKED),
        ssm(RECOVERY, "GetParameters", json!({ "Names": [CHECKED] })),
        ssm(PRIMARY, "DescribeParameters", json!({})),
        put_item(ground, "shop#vitals")?,
        put_item(ground, "shop#parameters")?,
    ];
    let plan = ground.outputs.pointer("/plan_parameter_names/value/0").and_then(Value::as_str);
    let plan = plan.context("the plan lies in a parameter")?;
    let mut forbidden = acts_on_the_world(ground)?;
    forbidden.extend(what_nobody_may(ground)?);
    forbidden.extend([
        put(RECOVERY, plan),
        put(RECOVERY, "/payroll/key"),
        put(PRIMARY, "/payroll/key"),
        ssm(PRIMARY, "GetParameters", json!({ "Names": ["/payroll/key"] })),
        // It was put by a person, as far as anybody can see: it bears no copy's tag.
        ssm(RECOVERY, "DeleteParameter", json!({ "Name": CHECKED })),
        publish(RECOVERY, &ground.at("topic_arns/commands")?),
        put_item(ground, "shop")?,
    ]);
    Ok(Row { function: "ssm-replicator", own, forbidden })
}

const CHECKED: &str = "/shop/of-the-check";

/// The sort key of what the check puts beside the log.
const FAR_AWAY: &str = "1000000000";

/// What only the function of one step may do.
fn acts_on_the_world(ground: &Ground<'_>) -> Result<Vec<Call>> {
    let primary = ground.at("databases/primary")?;
    Ok(vec![
        promote(&ground.at("databases/replica")?),
        shift(ground, "recovery", 128)?,
        shift(ground, "primary", 0)?,
        scale(RECOVERY, &ground.at("groups/recovery")?, "4"),
        rds(PRIMARY, "ModifyDBInstance", &[("DBInstanceIdentifier", &primary), ("ApplyImmediately", "true")]),
    ])
}

/// What no function may do.
fn what_nobody_may(ground: &Ground<'_>) -> Result<Vec<Call>> {
    let delete = |region, database: &str| {
        let how = [("DBInstanceIdentifier", database), ("SkipFinalSnapshot", "true")];
        rds(region, "DeleteDBInstance", &how)
    };
    Ok(vec![
        delete(PRIMARY, &ground.at("databases/primary")?),
        delete(RECOVERY, &ground.at("databases/replica")?),
        journal(ground, "DeleteItem")?,
        journal(ground, "UpdateItem")?,
        autoscaling(
            RECOVERY,
            "DeleteAutoScalingGroup",
            &[("AutoScalingGroupName", &ground.at("groups/recovery")?)],
        ),
    ])
}

fn promote(replica: &str) -> Call {
    rds(RECOVERY, "PromoteReadReplica", &[("DBInstanceIdentifier", replica)])
}

fn scale(region: &str, group: &str, size: &str) -> Call {
    let to = [("AutoScalingGroupName", group), ("MinSize", size), ("DesiredCapacity", size)];
    autoscaling(region, "UpdateAutoScalingGroup", &to)
}

fn shift(ground: &Ground<'_>, side: &str, weight: u32) -> Result<Call> {
    let endpoint = ground.at(&format!("load_balancer_arns/{side}"))?;
    let group = ground.at(&format!("endpoint_group_arns/{side}"))?;
    let endpoints =
        json!([{ "EndpointId": endpoint, "Weight": weight, "ClientIPPreservationEnabled": true }]);
    let document = json!({ "EndpointGroupArn": group, "EndpointConfigurations": endpoints });
    Ok(accelerator("UpdateEndpointGroup", document))
}

fn journal(ground: &Ground<'_>, action: &'static str) -> Result<Call> {
    let table = ground.at("journal_table")?;
    let key = json!({ "plan": { "S": "shop" }, "seq": { "N": "1" } });
    let document = if action == "Query" {
        let values = json!({ ":p": { "S": "shop" } });
        // `plan` is a reserved word.
        json!({ "TableName": table, "KeyConditionExpression": "#p = :p", "ExpressionAttributeValues": values,
            "ExpressionAttributeNames": { "#p": "plan" } })
    } else {
        json!({ "TableName": table, "Key": key })
    };
    Ok(json_call("dynamodb", RECOVERY, action, "DynamoDB_20120810", document))
}

/// Puts an item into a partition of the journal, at a place that nothing else has.
fn put_item(ground: &Ground<'_>, partition: &str) -> Result<Call> {
    let item = json!({ "plan": { "S": partition }, "seq": { "N": FAR_AWAY } });
    let document = json!({ "TableName": ground.at("journal_table")?, "Item": item });
    Ok(json_call("dynamodb", RECOVERY, "PutItem", "DynamoDB_20120810", document))
}

fn publish(region: &str, topic: &str) -> Call {
    let what = [("TopicArn", topic), ("Message", "{\"of\":\"the check\"}")];
    Call::query("sns", region, "Publish", "2010-03-31", &what)
}

fn rds(region: &str, action: &'static str, parameters: &[(&'static str, &str)]) -> Call {
    Call::query("rds", region, action, "2014-10-31", parameters)
}

fn autoscaling(region: &str, action: &'static str, parameters: &[(&'static str, &str)]) -> Call {
    Call::query("autoscaling", region, action, "2011-01-01", parameters)
}

fn accelerator(action: &'static str, document: Value) -> Call {
    // Its API answers in one region only, whatever regions it serves.
    json_call("globalaccelerator", "us-west-2", action, "GlobalAccelerator_V20180706", document)
}

fn ssm(region: &str, action: &'static str, document: Value) -> Call {
    json_call("ssm", region, action, "AmazonSSM", document)
}

fn json_call(
    service: &'static str,
    region: &str,
    action: &'static str,
    prefix: &'static str,
    document: Value,
) -> Call {
    Call { service, region: region.to_owned(), action, shape: Shape::Json(prefix, document) }
}
