//! The checks, in the order of the play.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_cloudwatch::types::StateValue;
use lab::world::{PRIMARY, RECOVERY};
use protocol::state::{Cleanup, Phase, State};
use serde_json::{Value, json};

use crate::scene::{Part, Scene};
use crate::scheduled_jobs;

const ALL: [Part; 5] = [Part::Approval, Part::Killed, Part::Throttled, Part::LostAnswer, Part::Denied];

/// How long something may take that comes within a minute on a quiet machine: long enough for any other.
const SOON: Duration = Duration::from_mins(10);

/// Terraform has nothing to change.
pub(crate) async fn no_drift(scene: &Scene<'_>) -> Result<()> {
    let drift = scene.stack(Part::Approval).drift().await?;
    ensure!(drift.is_empty, "Terraform wants to change something:\n{}", drift.text);
    Ok(())
}

/// The status is there and says that nothing is the matter.
pub(crate) async fn status_is_readable(scene: &Scene<'_>) -> Result<()> {
    let status = scene.operate(Part::Approval, &json!({ "command": "status" })).await?;
    let sentence = status.get("sentence").and_then(Value::as_str).unwrap_or_default();
    ensure!(
        sentence == format!("Nothing to do: {PRIMARY} serves, and there is no evidence of a loss."),
        "{sentence}"
    );
    ensure!(status.get("last_tick").is_some_and(Value::is_string), "no tick was seen: {status}");
    Ok(())
}

/// An alarm alone opens a run, which is dismissed with its reasons in one sentence.
pub(crate) async fn false_alarm(scene: &Scene<'_>) -> Result<()> {
    let alarm = scene.stack(Part::Approval).raise_alarm(&scene.world.cloud).await?;
    let dismissed = is_dismissed(scene).await;
    // Whatever became of it, what comes after begins without an alarm.
    scene.world.cloud.set_alarm(PRIMARY, &alarm, StateValue::Ok).await?;
    let quiet = |state: &State| state.evidence.is_empty();
    let quieted = scene.until(Part::Approval, "the alarm's OK arrives", SOON, quiet).await;
    dismissed?;
    quieted?;
    for (function, action) in
        [("promote-replica", "PromoteReadReplica"), ("shift-traffic", "UpdateEndpointGroup")]
    {
        for part in ALL {
            let called = scene.calls(part, function).await?.get(action).copied();
            ensure!(called.is_none(), "{part:?}: {action} was called {called:?} times");
        }
    }
    Ok(())
}

async fn is_dismissed(scene: &Scene<'_>) -> Result<()> {
    scheduled_jobs::stand_still_while_confirming(scene).await?;
    let over = |state: &State| state.run.as_ref().is_some_and(|run| run.phase.is_final());
    let state = scene.until(Part::Approval, "the alarm is dismissed", SOON, over).await?;
    let phase = state.run.as_ref().map(|run| &run.phase);
    ensure!(matches!(phase, Some(Phase::Aborted { .. })), "{phase:?}");
    let said: Vec<String> =
        scene.journal(Part::Approval).await?.into_iter().map(|record| record.sentence).collect();
    let why = said.iter().find(|said| said.starts_with("No failover:")).context("no reason was given")?;
    for words in [
        "1 of 2 required kinds of evidence",
        "probe front-primary gets good answers",
        "replica orders still replicates",
    ] {
        ensure!(why.contains(words), "{words:?} is missing in {why:?}");
    }
    Ok(())
}

/// What an operator gets wrong is an error that names the field and the remedy; nothing happens.
pub(crate) async fn refusals(scene: &Scene<'_>) -> Result<()> {
    let cases = [
        (json!({ "command": "aprove", "by": "ana", "run": 1 }), "approve"),
        (json!({ "command": "hold", "by": "ana", "reason": "r" }), "minutes"),
        (json!({ "command": "failover", "by": "ana", "reason": "test" }), "override_vetoes"),
        (json!({ "command": "failover", "by": "ana", "reason": "test", "routes": ["nope"] }), "front"),
        (json!({ "command": "approve", "by": "ana", "run": 99 }), "no run is under way"),
    ];
    for (command, word) in cases {
        let answer = scene.answer(Part::Approval, &command).await?;
        ensure!(answer.is_error, "{command} was accepted: {}", answer.payload);
        let message = answer.payload.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
        ensure!(message.contains(word), "{word:?} is missing in the answer to {command}: {message}");
    }
    Ok(())
}

/// The run stops, says the command, and goes on when exactly that payload is given.
pub(crate) async fn approval(scene: &Scene<'_>) -> Result<()> {
    let waits = |state: &State| {
        state.run.as_ref().is_some_and(|run| matches!(run.phase, Phase::AwaitingApproval { .. }))
    };
    scene.until(Part::Approval, "the run asks for an approval", SOON, waits).await?;
    let records = scene.journal(Part::Approval).await?;
    let line = records.iter().rev().find_map(|record| record.sentence.split_once("approve with: "));
    let (_, line) = line.context("the command is not said")?;
    let payload = line.split('\'').nth(1).context("the command has a payload")?;
    let by = line.contains(r#""by":"'"$(whoami | "#);
    ensure!(by && line.contains(&format!("--region {RECOVERY}")), "{line}");
    let command: Value = serde_json::from_str(&format!("{payload}ana\"}}"))?;
    scheduled_jobs::stand_still_while_awaiting_approval(scene).await?;
    scene.operate(Part::Approval, &command).await?;
    scene.must_complete(Part::Approval).await?;
    Ok(())
}

/// The region is back: its databases are cut off, and its side stays closed.
pub(crate) async fn region_returns(scene: &Scene<'_>) -> Result<()> {
    scene.world.give_back(PRIMARY).await?;
    let cut_off = |state: &State| state.cleanup.values().all(Cleanup::is_done);
    for part in ALL {
        let state = scene.until(part, "the old primary is cut off", SOON, cut_off).await?;
        ensure!(!state.cleanup.is_empty(), "{part:?}: nothing was to be cut off");
        scene.must_complete(part).await?;
    }
    Ok(())
}
