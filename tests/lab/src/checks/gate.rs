//! The gate of the module `route53`: its health check follows an alarm of the recovery region, its commands move that alarm,
//! and its policy admits to it alone. What DNS answers is not in the emulator: that one is AWS's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use aws_credential_types::Credentials;
use serde_json::Value;

use crate::cloud::call::{Call, Reply, Shape};
use crate::say;
use crate::terraform::examples::administrator;
use crate::terraform::text;
use crate::world::{World, pause};

/// The role that is made to try the policy.
const MOVER: &str = "gate-mover-of-the-check";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;

/// Closes the gate and opens it again, by the words of its own commands.
pub async fn moves(world: &World, [primary, recovery]: [&str; 2], outputs: &Value) -> Result<()> {
    let gate = |name: &str| text(outputs, &format!("/gate/value/{name}"));
    let alarm = gate("alarm_arn")?.rsplit(':').next().unwrap_or_default();
    is_what_records_follow(world, outputs, alarm, recovery).await?;
    let (close, open) = (put(gate("close_command")?)?, put(gate("open_command")?)?);
    ensure!(close.region == recovery && open.region == recovery, "the gate is moved from another region");
    within_a_minute().await?;
    done(world, &close, &administrator()).await?;
    ensure!(
        state(world, recovery, alarm).await? == "ALARM",
        "the gate was closed, and its alarm is not raised"
    );
    done(world, &open, &administrator()).await?;
    // Within a minute the closing one of two data counts: the alarm takes the maximum.
    next_minute().await?;
    ensure!(state(world, recovery, alarm).await? == "ALARM", "the gate opened by itself");
    done(world, &open, &administrator()).await?;
    ensure!(
        state(world, recovery, alarm).await? == "OK",
        "the gate was opened, and its alarm is still raised"
    );
    let denied = admits_to_it_alone(world, &close, primary, alarm, gate("mover_policy")?).await?;
    done(world, &open, &administrator()).await?;
    say(&format!(
        "gate: its commands closed and opened it, its policy did so too, and {denied} other acts were denied"
    ));
    Ok(())
}

/// The health check names the alarm, and stands on every primary record and on no other.
async fn is_what_records_follow(world: &World, outputs: &Value, alarm: &str, region: &str) -> Result<()> {
    let id = text(outputs, "/gate/value/health_check_id")?;
    let check = ask(world, &format!("healthcheck/{id}")).await?;
    let fields = [
        ("Type", "CLOUDWATCH_METRIC"),
        ("InsufficientDataHealthStatus", "LastKnownStatus"),
        ("Name", alarm),
        ("Region", region),
    ];
    for (field, wanted) in fields {
        let found = between(&check, field);
        ensure!(found == Some(wanted), "the health check has {field} {found:?}, not {wanted}: {check}");
    }
    let zone = text(outputs, "/zone_id/value")?;
    let records = ask(world, &format!("hostedzone/{zone}/rrset")).await?;
    let mut sides = [0, 0];
    for record in records.split("<ResourceRecordSet>").skip(1) {
        let (side, behind) = (between(record, "Failover"), between(record, "HealthCheckId"));
        match side {
            Some("PRIMARY") => {
                ensure!(behind == Some(id), "a primary record is not behind the gate: {record}");
                sides[0] += 1;
            }
            Some("SECONDARY") => {
                ensure!(behind.is_none(), "a recovery record is behind a gate: {record}");
                sides[1] += 1;
            }
            _ => {}
        }
    }
    ensure!(sides == [2, 2], "{sides:?} records of either side instead of two: {records}");
    Ok(())
}

/// A role with the gate's policy may move it, and may do nothing else; gives how many acts it was denied.
async fn admits_to_it_alone(
    world: &World,
    close: &Call,
    elsewhere: &str,
    alarm: &str,
    policy: &str,
) -> Result<usize> {
    let iam = |action, more: &[(&'static str, &str)]| {
        let parameters = [&[("RoleName", MOVER)], more].concat();
        Call::query("iam", "us-east-1", action, "2010-05-08", &parameters)
    };
    done(world, &iam("CreateRole", &[("AssumeRolePolicyDocument", TRUST)]), &administrator()).await?;
    let put = iam("PutRolePolicy", &[("PolicyName", "gate"), ("PolicyDocument", policy)]);
    done(world, &put, &administrator()).await?;
    let mover = session(world).await?;
    done(world, close, &mover).await.context("the role of the gate's policy")?;
    let with = |name: &'static str, value: &str| {
        let mut call = close.clone();
        if let Shape::Query(_, parameters) = &mut call.shape {
            parameters.retain(|(known, _)| *known != name);
            parameters.push((name, value.to_owned()));
        }
        call
    };
    let set = [("AlarmName", alarm), ("StateValue", "OK"), ("StateReason", "r")];
    let others = [
        with("Namespace", "Pilotlight"),
        Call { region: elsewhere.to_owned(), ..close.clone() },
        monitoring(&close.region, "SetAlarmState", &set),
        monitoring(&close.region, "DeleteAlarms", &[("AlarmNames.member.1", alarm)]),
    ];
    for call in &others {
        let reply = call.send(world.endpoint_url(), &mover).await?;
        ensure!(
            reply.is_denied(),
            "who may move the gate may also {call:?}: {} {}",
            reply.status,
            reply.text
        );
    }
    done(world, &iam("DeleteRolePolicy", &[("PolicyName", "gate")]), &administrator()).await?;
    done(world, &iam("DeleteRole", &[]), &administrator()).await?;
    Ok(others.len())
}

/// A session of the role that is made here.
async fn session(world: &World) -> Result<Credentials> {
    let arn = format!("arn:aws:iam::{}:role/{MOVER}", crate::cloud::ACCOUNT);
    let parameters = [("RoleArn", arn.as_str()), ("RoleSessionName", "check")];
    let call = Call::query("sts", "us-east-1", "AssumeRole", "2011-06-15", &parameters);
    let reply = done(world, &call, &administrator()).await?;
    let part = |field: &str| between(&reply.text, field).map(str::to_owned).context("a session has keys");
    Ok(Credentials::new(
        part("AccessKeyId")?,
        part("SecretAccessKey")?,
        Some(part("SessionToken")?),
        None,
        "lab",
    ))
}

/// The call that a command of the AWS CLI makes, of the few options that the gate's commands have.
fn put(command: &str) -> Result<Call> {
    let words = command.strip_prefix("aws cloudwatch put-metric-data ");
    let words: Vec<&str> = words.with_context(|| format!("not a datum: {command}"))?.split(' ').collect();
    let (mut region, mut parameters) = (None, Vec::new());
    for pair in words.chunks(2) {
        let [option, value] = pair else { anyhow::bail!("an option without a value: {command}") };
        match *option {
            "--region" => region = Some(*value),
            "--namespace" => parameters.push(("Namespace", *value)),
            "--metric-name" => parameters.push(("MetricData.member.1.MetricName", *value)),
            "--value" => parameters.push(("MetricData.member.1.Value", *value)),
            "--dimensions" => {
                let (name, value) = value.split_once('=').context("a dimension is Name=Value")?;
                parameters.push(("MetricData.member.1.Dimensions.member.1.Name", name));
                parameters.push(("MetricData.member.1.Dimensions.member.1.Value", value));
            }
            _ => anyhow::bail!("{option} is not known here: {command}"),
        }
    }
    let region = region.with_context(|| format!("no region: {command}"))?;
    Ok(monitoring(region, "PutMetricData", &parameters))
}

fn monitoring(region: &str, action: &'static str, parameters: &[(&'static str, &str)]) -> Call {
    Call::query("monitoring", region, action, "2010-08-01", parameters)
}

async fn state(world: &World, region: &str, alarm: &str) -> Result<String> {
    let call = monitoring(region, "DescribeAlarms", &[("AlarmNames.member.1", alarm)]);
    let reply = done(world, &call, &administrator()).await?;
    Ok(between(&reply.text, "StateValue").with_context(|| format!("no alarm {alarm}"))?.to_owned())
}

/// Waits, if so little is left of this minute that two data in a row might not lie in the same one.
async fn within_a_minute() -> Result<()> {
    if second()? >= 40 { next_minute().await } else { Ok(()) }
}

/// Waits until the data of this minute are those of the last one.
async fn next_minute() -> Result<()> {
    pause(Duration::from_secs(61 - second()?)).await;
    Ok(())
}

/// The second of the minute.
#[expect(clippy::disallowed_methods, reason = "the lab lives in real time")]
fn second() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() % 60)
}

async fn done(world: &World, call: &Call, keys: &Credentials) -> Result<Reply> {
    let reply = call.send(world.endpoint_url(), keys).await?;
    ensure!(reply.is_done(), "{call:?} got {} {}", reply.status, reply.text);
    Ok(reply)
}

async fn ask(world: &World, path: &str) -> Result<String> {
    let shape = Shape::Get(format!("/2013-04-01/{path}"));
    let call = Call { service: "route53", region: "us-east-1".to_owned(), action: "Get", shape };
    Ok(done(world, &call, &administrator()).await?.text)
}

/// What the first element of a name holds.
fn between<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once('<').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_the_cli_reads_it() {
        let command = "aws cloudwatch put-metric-data --region us-west-1 --namespace Pilotlight/Gates \
                       --metric-name PrimaryClosed --dimensions Gate=shop --value 1";
        let call = put(command).unwrap();
        assert_eq!((call.region.as_str(), call.action), ("us-west-1", "PutMetricData"));
        let Shape::Query(_, parameters) = call.shape else { panic!("a form") };
        let value =
            |name| parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        assert_eq!(value("Namespace"), Some("Pilotlight/Gates"));
        assert_eq!(value("MetricData.member.1.Dimensions.member.1.Value"), Some("shop"));
        assert_eq!(value("MetricData.member.1.Value"), Some("1"));
    }

    #[test]
    fn another_command_is_no_move() {
        assert!(put("aws cloudwatch set-alarm-state --region us-west-1").is_err());
        assert!(put("aws cloudwatch put-metric-data --namespace N --value 1").is_err());
        assert!(put("aws cloudwatch put-metric-data --region us-west-1 --unit Count").is_err());
        assert!(put("aws cloudwatch put-metric-data --region").is_err());
    }

    #[test]
    fn an_element_is_found_by_its_whole_name() {
        let text = "<HealthCheckConfig><Type>CLOUDWATCH_METRIC</Type></HealthCheckConfig>";
        assert_eq!(between(text, "Type"), Some("CLOUDWATCH_METRIC"));
        assert_eq!(between(text, "Name"), None);
    }
}
