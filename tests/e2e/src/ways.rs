//! The ways by which an alarm reaches the alarm-handler: by the topic of its region, as an event, and with the function itself as its
//! action. Each of them opens a run while the others are shut.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_cloudwatch::types::StateValue;
use lab::call::{Call, Shape};
use lab::examples::administrator;
use lab::world::{PRIMARY, RECOVERY};
use protocol::state::{Phase, State};
use serde_json::json;

use crate::scene::{Part, Scene};

const LIMIT: Duration = Duration::from_mins(2);

/// One way at a time.
pub(crate) async fn each_opens_a_run(scene: &Scene<'_>) -> Result<()> {
    rule(scene, "DisableRule").await?;
    opens_a_run(scene, PRIMARY, "web-unhealthy").await.context("by its topic, without EventBridge")?;
    // Its only action is the function.
    opens_a_run(scene, RECOVERY, "orders-replica-lag").await.context("directly, without EventBridge")?;
    rule(scene, "EnableRule").await?;
    let alarm = scene.stack(Part::Approval).output(&["alarms", "web-unhealthy", "name"])?;
    actions(scene, "DisableAlarmActions", alarm).await?;
    opens_a_run(scene, PRIMARY, "web-unhealthy").await.context("as an event, without any action")?;
    actions(scene, "EnableAlarmActions", alarm).await
}

/// An alarm opens a run, which is dismissed since the primary serves; then the alarm is over.
async fn opens_a_run(scene: &Scene<'_>, region: &str, short: &str) -> Result<()> {
    let alarm = scene.stack(Part::Approval).output(&["alarms", short, "name"])?;
    let last = |state: &State| state.run.as_ref().map_or(0, |run| run.id);
    let before = last(&scene.until(Part::Approval, "the journal is read", LIMIT, |_| true).await?);
    scene.world.cloud.set_alarm(region, alarm, StateValue::Alarm).await?;
    let over =
        |state: &State| last(state) > before && state.run.as_ref().is_some_and(|run| run.phase.is_final());
    let state = scene.until(Part::Approval, "the alarm opens a run, which ends", LIMIT, over).await?;
    let phase = state.run.map(|run| run.phase);
    ensure!(matches!(phase, Some(Phase::Aborted { .. })), "the run was not dismissed: {phase:?}");
    scene.world.cloud.set_alarm(region, alarm, StateValue::Ok).await?;
    scene.until(Part::Approval, "the alarm's OK arrives", LIMIT, |state| state.evidence.is_empty()).await?;
    Ok(())
}

/// Switches the rule that hands changes of alarms to the function.
async fn rule(scene: &Scene<'_>, action: &'static str) -> Result<()> {
    let name = format!("{}-alarms-0", scene.stack(Part::Approval).name);
    let shape = Shape::Json("AWSEvents", json!({ "Name": name }));
    done(scene, Call { service: "events", region: RECOVERY.to_owned(), action, shape }).await
}

/// Switches what an alarm does when its state changes.
async fn actions(scene: &Scene<'_>, action: &'static str, alarm: &str) -> Result<()> {
    let names = [("AlarmNames.member.1", alarm)];
    done(scene, Call::query("monitoring", PRIMARY, action, "2010-08-01", &names)).await
}

async fn done(scene: &Scene<'_>, call: Call) -> Result<()> {
    let reply = call.send(scene.world.endpoint_url(), &administrator()).await?;
    ensure!(reply.is_done(), "{} was refused: {}", call.action, reply.text);
    Ok(())
}
