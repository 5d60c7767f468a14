//! The scheduled jobs around a failover: they copy while the primary serves, stand still while a run is under
//! way, and turn round after it. Nobody touches them: events and schedules bring them on.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use lab::cloud::Answer;
use lab::world::{PRIMARY, RECOVERY, pause};
use protocol::state::{Phase, State};
use serde_json::{Value, json};

use crate::scene::{Part, Scene};
use crate::snapshots::Shelf;

/// The stack that has them.
const PART: Part = Part::Approval;

/// What they may not do while a run is under way.
const CHANGING: [&str; 8] = [
    "CreateDBSnapshot",
    "CopyDBSnapshot",
    "DeleteDBSnapshot",
    "PutParameter",
    "DeleteParameter",
    "LabelParameterVersion",
    "AddTagsToResource",
    "RemoveTagsFromResource",
];

/// How long an event or a schedule may take to have its effect: long enough for any machine.
const SOON: Duration = Duration::from_mins(5);

/// A parameter that is made, and one that is changed, in the region that serves is copied by its event alone.
pub(crate) async fn copied_by_event(scene: &Scene<'_>) -> Result<()> {
    // No full pass comes between.
    not_due(scene, "parameters").await?;
    for value in ["red", "blue"] {
        put(scene, PRIMARY, "color", value).await?;
        until_value(scene, RECOVERY, "color", value).await?;
    }
    Ok(())
}

/// While the evidence is weighed, and everything could be reached, nothing is copied, taken or deleted.
pub(crate) async fn stand_still_while_confirming(scene: &Scene<'_>) -> Result<()> {
    let confirming =
        |state: &State| state.active_run().is_some_and(|run| matches!(run.phase, Phase::Confirming { .. }));
    let state = scene.until(PART, "the run begins", SOON, confirming).await?;
    let run = state.active_run().map_or(0, |run| run.id);
    let before = changes(scene).await?;
    put(scene, PRIMARY, "color", "green").await?;
    let kept = scene.keep(PART).await?;
    ensure!(!kept.is_error, "{}", kept.payload);
    for words in [
        format!("No snapshot of orders is taken while run {run} moves it."),
        format!("run {run} is under way"),
    ] {
        let waits = kept.payload.get("waits").map(Value::to_string).unwrap_or_default();
        ensure!(waits.contains(&words), "{words:?} is missing in {waits}");
    }
    let waits = kept.payload.get("waits").map(Value::to_string).unwrap_or_default();
    ensure!(waits.contains("Nothing is deleted, although"), "nothing was there to be deleted: {waits}");
    must_say(&scene.pass(PART).await?, &format!("Nothing is copied: run {run} is under way (confirming)"))?;
    let state = protocol::state::fold(&scene.journal(PART).await?)?;
    ensure!(confirming(&state), "the run was over too soon for this to mean anything");
    must_be_the_same(&before, &changes(scene).await?)?;
    let there = value(scene, RECOVERY, "color").await?;
    ensure!(there.as_deref() == Some("blue"), "color was copied during the run: {there:?}");
    Ok(())
}

/// What was left during the run is made good when the schedules come: the parameter, the copy, the deletions.
pub(crate) async fn caught_up(scene: &Scene<'_>) -> Result<()> {
    // Where no run was seen, nothing was left of it; what follows is seen all the same.
    if value(scene, PRIMARY, "color").await?.as_deref() != Some("green") {
        put(scene, PRIMARY, "color", "green").await?;
    }
    due(scene, "parameters").await?;
    until_value(scene, RECOVERY, "color", "green").await?;
    let database = scene.stack(PART).output(&["databases", "primary"])?;
    let shelves = [PRIMARY, RECOVERY].map(|region| Shelf::of(scene, region, database));
    let shelves = futures::future::join_all(shelves).await;
    let before = futures::future::try_join_all(shelves.iter().map(Shelf::good)).await?;
    due(scene, "snapshots").await?;
    for (shelf, before) in shelves.iter().zip(before) {
        let mut left = SOON;
        loop {
            let now = shelf.good().await?;
            if before.iter().any(|had| now.iter().all(|found| found.arn != had.arn)) {
                break;
            }
            left = left.checked_sub(EVERY).with_context(|| format!("nothing was pruned: {now:?}"))?;
            pause(EVERY).await;
        }
    }
    Ok(())
}

/// The same while a failover waits for a person: with the primary region lost.
pub(crate) async fn stand_still_while_awaiting_approval(scene: &Scene<'_>) -> Result<()> {
    let before = changes(scene).await?;
    put(scene, RECOVERY, "made-in-the-run", "1").await?;
    let kept = scene.keep(PART).await?;
    let words = "No snapshot of orders is taken while run";
    let waits = kept.payload.get("waits").map(Value::to_string).unwrap_or_default();
    ensure!(waits.contains(words), "{words:?} is missing in {}", kept.payload);
    must_say(&scene.pass(PART).await?, "Nothing is copied: run")?;
    must_be_the_same(&before, &changes(scene).await?)
}

/// After the failover, and when the old region is back, snapshots and parameters go the other way.
pub(crate) async fn turned_round(scene: &Scene<'_>) -> Result<()> {
    futures::try_join!(snapshots_turned(scene), parameters_turned(scene))?;
    Ok(())
}

/// The schedule comes: a snapshot of what was the replica. It comes again: its copy in the old primary region.
async fn snapshots_turned(scene: &Scene<'_>) -> Result<()> {
    let stack = scene.stack(PART);
    let replica = stack.output(&["databases", "replica"])?;
    let (here, there) = (Shelf::of(scene, RECOVERY, replica).await, Shelf::of(scene, PRIMARY, replica).await);
    due(scene, "snapshots").await?;
    let taken = here.until_one_is_available(SOON).await?;
    due(scene, "snapshots").await?;
    let copy = there.until_one_is_available(SOON).await?;
    let (source, key) = (copy.source.context("a copy has a source")?, copy.kms_key.unwrap_or_default());
    ensure!(source == taken.arn, "{source} was copied, not {}", taken.arn);
    ensure!(key.contains(PRIMARY), "the copy lies under {key}, not under a key of {PRIMARY}");
    Ok(())
}

/// A change by its event; what was made during the run, and what is new, by the schedule.
async fn parameters_turned(scene: &Scene<'_>) -> Result<()> {
    put(scene, RECOVERY, "color", "black").await?;
    until_value(scene, PRIMARY, "color", "black").await?;
    due(scene, "parameters").await?;
    until_value(scene, PRIMARY, "made-in-the-run", "1").await?;
    // What somebody changes on the old side is no change of the plan's parameters any more.
    put(scene, PRIMARY, "color", "white").await?;
    due(scene, "parameters").await?;
    until_value(scene, PRIMARY, "color", "black").await?;
    let here = value(scene, RECOVERY, "color").await?;
    ensure!(here.as_deref() == Some("black"), "the old side was copied over the new one: {here:?}");
    Ok(())
}

const EVERY: Duration = Duration::from_millis(300);

/// Lets the time of a schedule come.
pub(crate) async fn due(scene: &Scene<'_>, what: &str) -> Result<()> {
    set_due(scene, what, true).await
}

/// Begins the interval of a schedule anew: it does not come for some minutes.
pub(crate) async fn not_due(scene: &Scene<'_>, what: &str) -> Result<()> {
    set_due(scene, what, false).await
}

async fn set_due(scene: &Scene<'_>, what: &str, is_due: bool) -> Result<()> {
    let name = format!("{}-{what}", scene.stack(PART).name);
    scene.world.disturb(&format!("schedules/{RECOVERY}/{name}"), &json!({ "due": is_due })).await?;
    Ok(())
}

fn must_say(answer: &Answer, words: &str) -> Result<()> {
    let sentence = answer.payload.get("sentence").and_then(Value::as_str).unwrap_or_default();
    ensure!(!answer.is_error && sentence.contains(words), "{words:?} is missing in {}", answer.payload);
    Ok(())
}

/// What both functions changed so far, by action.
async fn changes(scene: &Scene<'_>) -> Result<BTreeMap<String, u64>> {
    let mut changes = scene.calls(PART, "snapshot-scheduler").await?;
    changes.extend(scene.calls(PART, "ssm-replicator").await?);
    changes.retain(|action, _| CHANGING.contains(&action.as_str()));
    Ok(changes)
}

fn must_be_the_same(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> Result<()> {
    ensure!(before == after, "something was changed during the run: {before:?} became {after:?}");
    Ok(())
}

async fn ssm(scene: &Scene<'_>, region: &str) -> aws_sdk_ssm::Client {
    aws_sdk_ssm::Client::new(&scene.world.cloud.config(region).await)
}

fn full_name(scene: &Scene<'_>, name: &str) -> String {
    format!("/{}/app/{name}", scene.stack(PART).name)
}

async fn put(scene: &Scene<'_>, region: &str, name: &str, value: &str) -> Result<()> {
    let request = ssm(scene, region).await.put_parameter().name(full_name(scene, name)).value(value);
    let request = request.r#type(aws_sdk_ssm::types::ParameterType::String).overwrite(true);
    request.send().await.with_context(|| format!("cannot write {name} in {region}"))?;
    Ok(())
}

async fn value(scene: &Scene<'_>, region: &str, name: &str) -> Result<Option<String>> {
    let answer = ssm(scene, region).await.get_parameter().name(full_name(scene, name)).send().await;
    match answer {
        Ok(answer) => Ok(answer.parameter.and_then(|parameter| parameter.value)),
        Err(error) if error.as_service_error().is_some_and(GetParameterError::is_parameter_not_found) => {
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {name} in {region}")),
    }
}

async fn until_value(scene: &Scene<'_>, region: &str, name: &str, wanted: &str) -> Result<()> {
    let mut left = SOON;
    loop {
        let found = value(scene, region, name).await?;
        if found.as_deref() == Some(wanted) {
            return Ok(());
        }
        left = left
            .checked_sub(EVERY)
            .with_context(|| format!("{name} in {region} is {found:?}, and did not become {wanted}"))?;
        pause(EVERY).await;
    }
}
