//! The checks, in the order of the play.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_cloudwatch::types::StateValue;
use gateway::{CountFilter, Effect, ErrorAnswer, Match, Rule};
use lab::say;
use lab::world::{PRIMARY, RECOVERY, pause};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use protocol::command::Step;
use protocol::state::{Phase, Progress, State};
use serde_json::{Value, json};

use crate::scene::{Part, Scene};

const MINUTE: Duration = Duration::from_mins(1);

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
    ensure!(sentence == format!("Nothing to do: {PRIMARY} serves and no evidence stands."), "{sentence}");
    ensure!(status.get("last_tick").is_some_and(Value::is_string), "no tick was seen: {status}");
    Ok(())
}

/// An alarm alone opens a run, which is dismissed with its reasons in one sentence.
pub(crate) async fn false_alarm(scene: &Scene<'_>) -> Result<()> {
    let stack = scene.stack(Part::Approval);
    let alarm = stack.raise_alarm(&scene.world.cloud).await?;
    let over = |state: &State| state.run.as_ref().is_some_and(|run| run.phase.is_final());
    let state = scene.until(Part::Approval, "the alarm is dismissed", 2 * MINUTE, over).await?;
    let phase = state.run.as_ref().map(|run| &run.phase);
    ensure!(matches!(phase, Some(Phase::Aborted { .. })), "{phase:?}");
    let said: Vec<String> =
        scene.journal(Part::Approval).await?.into_iter().map(|record| record.sentence).collect();
    let why = said.iter().find(|said| said.starts_with("No failover:")).context("no reason was given")?;
    for words in [
        "1 of 2 kinds of evidence",
        "probe front-primary gets good answers",
        "replica orders still replicates",
    ] {
        ensure!(why.contains(words), "{words:?} is missing in {why:?}");
    }
    scene.world.cloud.set_alarm(PRIMARY, &alarm, StateValue::Ok).await?;
    let quiet = |state: &State| state.evidence.is_empty();
    scene.until(Part::Approval, "the alarm's OK arrives", MINUTE, quiet).await?;
    for (service, action) in [("rds", "PromoteReadReplica"), ("globalaccelerator", "UpdateEndpointGroup")] {
        let filter = CountFilter {
            service: Some(service.into()),
            action: Some(action.into()),
            ..CountFilter::default()
        };
        let seen = scene.world.switchboard().counts(&filter).total.seen;
        ensure!(seen == 0, "{action} was called {seen} times");
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
    scene.until(Part::Approval, "the run asks for an approval", 2 * MINUTE, waits).await?;
    let records = scene.journal(Part::Approval).await?;
    let line = records.iter().rev().find_map(|record| record.sentence.split_once("approve with: "));
    let (_, line) = line.context("the command is not said")?;
    let payload = line.split('\'').nth(1).context("the command has a payload")?;
    let by = line.contains(r#""by":"'"$(whoami)"'""#);
    ensure!(by && line.contains(&format!("--region {RECOVERY}")), "{line}");
    let command: Value = serde_json::from_str(&format!("{payload}ana\"}}"))?;
    scene.operate(Part::Approval, &command).await?;
    scene.must_complete(Part::Approval).await?;
    Ok(())
}

/// SIGKILL for the function that promotes, while the promotion is under way.
pub(crate) async fn killed(scene: &Scene<'_>) -> Result<()> {
    scene.bring_on(Part::Killed).await?;
    let function = scene.stack(Part::Killed).function("promote-replica")?.to_owned();
    promotion_begins(scene, Part::Killed).await?;
    let functions = scene.world.lab("functions").await?;
    let pids = functions
        .as_array()
        .context("functions are a list")?
        .iter()
        .filter(|found| found.get("name").and_then(Value::as_str) == Some(function.as_str()));
    let pids: Vec<i64> = pids
        .flat_map(|found| found.get("pids").and_then(Value::as_array).cloned().unwrap_or_default())
        .filter_map(|pid| pid.as_i64())
        .collect();
    ensure!(!pids.is_empty(), "no process of {function} is running: {functions}");
    for pid in pids {
        kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGKILL)?;
    }
    say("the worker is killed");
    let state = scene.must_complete(Part::Killed).await?;
    ensure!(state.run.is_some(), "a run");
    let intents = scene.journal(Part::Killed).await?;
    let intents =
        intents.iter().filter(|record| record.sentence.starts_with("Step promote of orders begins")).count();
    ensure!(intents >= 2, "another worker took over: {intents} intents");
    Ok(())
}

async fn promotion_begins(scene: &Scene<'_>, part: Part) -> Result<()> {
    let begun = |state: &State| state.run.as_ref().is_some_and(|run| run.has_begun(Step::Promote));
    scene.until(part, "the promotion begins", 2 * MINUTE, begun).await?;
    let replica = scene.stack(part).output(&["databases", "replica"])?;
    for _ in 0..100 {
        let promotions = scene.world.lab("promotions").await?.to_string();
        if promotions.contains(replica) {
            return Ok(());
        }
        pause(Duration::from_millis(100)).await;
    }
    bail!("RDS was not asked to promote {replica}")
}

/// RDS refuses calls; commands come twice, late and in the wrong order.
pub(crate) async fn throttled(scene: &Scene<'_>) -> Result<()> {
    let switchboard = scene.world.switchboard();
    let describe = Match::service("rds").region(RECOVERY).action("DescribeDBInstances");
    switchboard.add_rule(Rule::new(describe, Effect::Throttle).probability(0.5))?;
    let promote = Match::service("rds").region(RECOVERY).action("PromoteReadReplica");
    switchboard.add_rule(Rule::new(promote, Effect::Throttle).times(4))?;
    // Before anything is due, in the reverse order.
    let early = scene.journal(Part::Throttled).await?.len();
    for step in [Step::Verify, Step::Open, Step::Promote, Step::Fence, Step::Scale] {
        command_again(scene, Part::Throttled, step, 1).await?;
    }
    ensure!(scene.journal(Part::Throttled).await?.len() == early, "a command that is not due left a trace");
    scene.bring_on(Part::Throttled).await?;
    let begun = |state: &State| state.run.as_ref().is_some_and(|run| run.has_begun(Step::Promote));
    let state = scene.until(Part::Throttled, "the promotion begins", 3 * MINUTE, begun).await?;
    let run = state.run.map_or(0, |run| run.id);
    for step in [Step::Promote, Step::Fence, Step::Scale, Step::Promote] {
        command_again(scene, Part::Throttled, step, run).await?;
    }
    let state = scene.must_complete(Part::Throttled).await;
    switchboard.clear_rules();
    state.map(|_| ())
}

/// Delivers a command of the commands topic once more, as SNS may.
async fn command_again(scene: &Scene<'_>, part: Part, step: Step, run: u64) -> Result<()> {
    let stack = scene.stack(part);
    let (function, subject) = match step {
        Step::Promote => ("promote-replica", "orders"),
        Step::Scale => ("scale-asg", "web"),
        Step::Verify => ("alarm-handler", "front"),
        _ => ("shift-traffic", "front"),
    };
    let command = json!({ "plan": stack.name, "run": run, "step": step, "subjects": [subject] });
    let topic = stack.output(&["topic_arns", "commands"])?;
    let event = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "TopicArn": topic, "Message": command.to_string() } }] });
    let answer = scene.world.cloud.invoke(RECOVERY, stack.function(function)?, &event).await?;
    ensure!(!answer.is_error, "{step}: {}", answer.payload);
    Ok(())
}

/// The promotion begins, and its answer never arrives.
pub(crate) async fn lost_answer(scene: &Scene<'_>) -> Result<()> {
    let switchboard = scene.world.switchboard();
    let promote = Match::service("rds").region(RECOVERY).action("PromoteReadReplica");
    switchboard.add_rule(Rule::new(promote, Effect::LoseAnswer).times(1))?;
    scene.bring_on(Part::LostAnswer).await?;
    let state = scene.must_complete(Part::LostAnswer).await;
    let fired: u64 = switchboard.rules().iter().map(|rule| rule.fired).sum();
    switchboard.clear_rules();
    state?;
    ensure!(fired == 1, "the answer was lost {fired} times");
    Ok(())
}

/// A permission is missing: the record names the action, and an approval goes on once it is there.
pub(crate) async fn denied(scene: &Scene<'_>) -> Result<()> {
    let switchboard = scene.world.switchboard();
    let promote = Match::service("rds").region(RECOVERY).action("PromoteReadReplica");
    let denied =
        ErrorAnswer { status: 403, code: "AccessDenied".into(), message: Some("not authorized".into()) };
    let rule = switchboard.add_rule(Rule::new(promote, Effect::Error(denied)))?;
    scene.bring_on(Part::Denied).await?;
    let stopped = |state: &State| {
        state.run.as_ref().is_some_and(|run| matches!(run.phase, Phase::NeedsOperator { .. }))
    };
    let state = scene.until(Part::Denied, "the run needs an operator", 2 * MINUTE, stopped).await?;
    switchboard.remove_rule(rule);
    let records = scene.journal(Part::Denied).await?;
    let said = records.iter().find(|record| record.sentence.contains("rds:PromoteReadReplica was denied"));
    ensure!(said.is_some(), "the denied action is not named");
    let run = state.run.map_or(0, |run| run.id);
    scene.operate(Part::Denied, &json!({ "command": "approve", "run": run, "by": "ana" })).await?;
    scene.must_complete(Part::Denied).await?;
    Ok(())
}

/// The region is back: its databases are cut off, and its side stays closed.
pub(crate) async fn region_returns(scene: &Scene<'_>) -> Result<()> {
    scene.world.give_back(PRIMARY).await?;
    let cut_off = |state: &State| {
        state
            .quarantine
            .values()
            .all(|quarantine| quarantine.progress.as_ref().is_some_and(Progress::is_done))
    };
    for part in [Part::Approval, Part::Killed, Part::Throttled, Part::LostAnswer, Part::Denied] {
        let state = scene.until(part, "the old primary is cut off", 3 * MINUTE, cut_off).await?;
        ensure!(!state.quarantine.is_empty(), "{part:?}: nothing was to be cut off");
        scene.must_complete(part).await?;
    }
    Ok(())
}
