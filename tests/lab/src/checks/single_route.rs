//! One route of several services moves alone: its fleet is scaled out, its accelerator turned over, and everything else
//! stays as it was.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use protocol::state::{Phase, fold};
use serde_json::{Value, json};

use crate::cloud::call::Call;
use crate::say;
use crate::terraform::examples::administrator;
use crate::terraform::text;
use crate::world::{World, pause};

/// The plan's name.
const PLAN: &str = "shop";
/// The service that moves, and its route.
const SERVICE: &str = "catalog";
const ROUTE: &str = "catalog-front";
/// How long a run may take: the functions' own steps, and a fleet that starts in a twentieth of its time.
const LIMIT: Duration = Duration::from_mins(4);
const EVERY: Duration = Duration::from_millis(500);

/// What stands where: the weights of each endpoint group by its ARN, and the wanted size of each waiting fleet.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    weights: BTreeMap<String, u64>,
    sizes: BTreeMap<String, String>,
}

/// Moves one service while its region is well, as an operator does whose service alone is broken there.
pub async fn moves(world: &World, [_, recovery]: [&str; 2], outputs: &Value) -> Result<()> {
    let groups = outputs.pointer("/group_names/value").and_then(Value::as_object).context("group_names")?;
    let before = standing(world, recovery, groups).await?;
    say(&format!("{PLAN}: {ROUTE} is told to move alone"));
    let command = json!({
        "command": "failover", "routes": [ROUTE], "override_vetoes": true,
        "reason": "the catalog alone is broken", "by": "lab",
    });
    let function = text(outputs, "/function_names/value/alarm-handler")?;
    let answer = world.cloud.invoke(recovery, function, &command).await?;
    ensure!(!answer.is_error, "the command was refused: {}", answer.payload);
    let seconds = completed(world, recovery, text(outputs, "/journal_table/value")?).await?;
    let after = standing(world, recovery, groups).await?;
    judge(outputs, &before, &after)?;
    let promotions = world.lab("promotions").await?;
    ensure!(promotions.as_array().is_some_and(Vec::is_empty), "a database was promoted: {promotions}");
    say(&format!("{PLAN}: {ROUTE} moved alone in {seconds:.1} s; nothing else did"));
    Ok(())
}

/// The route's weights are turned over and its fleet is scaled out; every other weight and size is as it was.
fn judge(outputs: &Value, before: &Standing, after: &Standing) -> Result<()> {
    let group = |side: &str| text(outputs, &format!("/endpoint_group_arns/value/{SERVICE}/{side}"));
    let (from, to) = (group("primary")?, group("recovery")?);
    for (arn, weight) in &after.weights {
        let was = before.weights.get(arn).copied();
        let wanted = if arn == from {
            Some(0)
        } else if arn == to {
            Some(128)
        } else {
            was
        };
        ensure!(Some(*weight) == wanted, "{arn} has weight {weight}, not {wanted:?}; it had {was:?}");
    }
    let moves = [from, to].iter().all(|arn| before.weights.get(*arn) != after.weights.get(*arn));
    ensure!(moves && before.weights.len() == after.weights.len(), "nothing moved: {before:?}, {after:?}");
    let fleet = text(outputs, &format!("/group_names/value/{SERVICE}/recovery"))?;
    for (name, size) in &after.sizes {
        let was = before.sizes.get(name).context("no fleet appeared")?;
        let is_right = if name == fleet { was == "0" && size == "2" } else { was == size };
        ensure!(is_right, "the fleet {name} had {was} servers and is to have {size}");
    }
    Ok(())
}

/// Waits for the end of the run, and gives how long it moved.
async fn completed(world: &World, region: &str, table: &str) -> Result<f64> {
    let mut left = LIMIT;
    loop {
        let records = world.cloud.journal(region, table, PLAN).await?;
        let state = fold(&records)?;
        let phase = state.run.as_ref().map(|run| &run.phase);
        if let Some(Phase::Completed { report, .. }) = phase {
            let millis = u32::try_from(report.rto_ms).context("a run has an end")?;
            return Ok(f64::from(millis) / 1000.0);
        }
        let said = || records.iter().map(|record| record.sentence.as_str()).collect::<Vec<_>>().join("\n");
        ensure!(!phase.is_some_and(Phase::is_final), "the run ended otherwise:\n{}", said());
        let rest = left.checked_sub(EVERY);
        left = rest.with_context(|| format!("not within {} s:\n{}", LIMIT.as_secs(), said()))?;
        pause(EVERY).await;
    }
}

async fn standing(world: &World, region: &str, groups: &serde_json::Map<String, Value>) -> Result<Standing> {
    let accelerators = world.lab("accelerators").await?;
    let mut sizes = BTreeMap::new();
    for names in groups.values() {
        let name = text(names, "/recovery")?;
        sizes.insert(name.to_owned(), size(world, region, name).await?);
    }
    Ok(Standing { weights: weights(&accelerators), sizes })
}

fn weights(accelerators: &Value) -> BTreeMap<String, u64> {
    let list =
        |value: &Value, field: &str| value.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
    let accelerators = accelerators.as_array().cloned().unwrap_or_default();
    let groups = accelerators
        .iter()
        .flat_map(|accelerator| list(accelerator, "listeners"))
        .flat_map(|listener| list(&listener, "endpoint_groups"));
    let read = groups.filter_map(|group| {
        let arn = group.get("arn")?.as_str()?.to_owned();
        Some((arn, group.pointer("/endpoints/0/weight")?.as_u64()?))
    });
    read.collect()
}

/// The wanted size of a fleet.
async fn size(world: &World, region: &str, name: &str) -> Result<String> {
    let parameters = [("AutoScalingGroupNames.member.1", name)];
    let call = Call::query("autoscaling", region, "DescribeAutoScalingGroups", "2011-01-01", &parameters);
    let reply = call.send(world.endpoint_url(), &administrator()).await?;
    let (_, rest) = reply.text.split_once("<DesiredCapacity>").with_context(|| format!("no fleet {name}"))?;
    Ok(rest.split('<').next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs() -> Value {
        json!({
            "endpoint_group_arns": { "value": { "catalog": { "primary": "c-p", "recovery": "c-r" } } },
            "group_names": { "value": { "catalog": { "recovery": "c" }, "orders": { "recovery": "o" } } },
        })
    }

    fn standing(weights: [u64; 4], sizes: [&str; 2]) -> Standing {
        let weights = ["c-p", "c-r", "o-p", "o-r"].map(str::to_owned).into_iter().zip(weights).collect();
        let sizes = ["c", "o"].map(str::to_owned).into_iter().zip(sizes.map(str::to_owned)).collect();
        Standing { weights, sizes }
    }

    #[test]
    fn only_the_one_service_may_have_moved() {
        let before = standing([128, 0, 128, 0], ["0", "0"]);
        assert!(judge(&outputs(), &before, &standing([0, 128, 128, 0], ["2", "0"])).is_ok());
        for (weights, sizes) in [
            ([128, 0, 128, 0], ["2", "0"]),
            ([0, 128, 0, 128], ["2", "0"]),
            ([0, 128, 128, 0], ["0", "0"]),
            ([0, 128, 128, 0], ["2", "2"]),
            ([0, 0, 128, 0], ["2", "0"]),
        ] {
            assert!(judge(&outputs(), &before, &standing(weights, sizes)).is_err(), "{weights:?} {sizes:?}");
        }
    }
}
