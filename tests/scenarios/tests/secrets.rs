//! Secrets show nowhere: canaries are put where a secret could be, whole runs are played with the log at its most
//! talkative, and no log line, record, notice, answer or error holds one of them.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::process::Command;
use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;
use ports::FailureKind;
use protocol::plan::{Mode, Plan, Probe};
use scenarios::{GOOD_MINUTES, Stage, is_over, needs_operator, sns};
use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use twin::InjectedFault;
use twin::plans::small_plan;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What may show nowhere. Each says where it was put.
const CANARIES: [&str; 9] = [
    "canary-alarm-description",
    "canary-alarm-trigger",
    "canary-message-attribute",
    "canary-probe-token",
    "canary-plan-field",
    "canary-plan-value",
    "canary-unknown-event",
    "canary-access-key",
    "canary-session-token",
];

/// A log that is kept.
type Kept = &'static Mutex<Vec<u8>>;

fn text_logged(kept: Kept) -> String {
    String::from_utf8_lossy(&kept.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}

/// Keeps what is logged on this thread; the runtime of a test has no other.
fn keep(level: LevelFilter) -> (Kept, tracing::subscriber::DefaultGuard) {
    let kept: Kept = Box::leak(Box::default());
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(move || kept.make_writer());
    (kept, tracing::subscriber::set_default(log.finish()))
}

/// Everything that a run leaves behind for somebody to read.
fn all_of(stage: &Stage, kept: Kept, answers: &[String]) -> String {
    let records = serde_json::to_string(&stage.records()).expect("JSON");
    let inner = stage.world.inner();
    let vitals = serde_json::to_string(&inner.vitals).expect("JSON");
    [text_logged(kept), records, vitals, inner.notices.join("\n"), answers.join("\n")].join("\n")
}

fn assert_no_canary(text: &str) {
    for canary in CANARIES {
        let found = text.lines().find(|line| line.contains(canary));
        assert!(found.is_none(), "{canary} shows: {found:?}");
    }
}

/// A plan whose probe has a token in its address, as people do it.
fn plan_with_a_token(mode: Mode) -> Plan {
    let mut plan = small_plan(mode);
    for probe in &mut plan.detection.sides.primary.probes {
        if let Probe::Http { url, .. } = probe {
            url.push_str("?token=canary-probe-token");
        }
    }
    assert_eq!(plan.validate(), vec![]);
    plan
}

/// An alarm of the plan with secrets in all that is not needed of it.
fn talkative_alarm(stage: &Stage) -> Value {
    let detection = &stage.plan.detection;
    let body = json!({
        "AlarmName": "primary-health", "AlarmArn": detection.sides.primary.alarms[0], "NewStateValue": "ALARM",
        "AlarmDescription": "call the database with password canary-alarm-description",
        "NewStateReason": "Threshold Crossed", "StateChangeTime": stage.now().to_string(),
        "Trigger": { "Dimensions": [{ "name": "key", "value": "canary-alarm-trigger" }] },
    });
    let mut payload = sns(&detection.topics[0], &body);
    payload["Records"][0]["Sns"]["MessageAttributes"] =
        json!({ "key": { "Type": "String", "Value": "canary-message-attribute" } });
    payload
}

fn text_of(answer: Result<Value, engine::fault::Fault>) -> String {
    match answer {
        Ok(value) => value.to_string(),
        Err(fault) => format!("{fault} {fault:?}"),
    }
}

/// A whole failover with everything that goes wrong, at a level of the log.
async fn talkative_run(level: LevelFilter) -> (String, usize) {
    let (kept, _guard) = keep(level);
    let mut stage = Stage::new(plan_with_a_token(Mode::Automatic));
    let mut answers = Vec::new();
    stage.pass(GOOD_MINUTES).await;
    for action in
        ["promote", "look_databases", "look_route", "resize", "look_fleets", "samples", "commands", "notice"]
    {
        for fault in [
            InjectedFault::Fails(FailureKind::Throttled),
            InjectedFault::LosesAnswer,
            InjectedFault::Fails(FailureKind::Denied),
        ] {
            stage.world.fault(action, fault);
        }
    }
    let unknown = json!({ "password": "canary-unknown-event", "list": ["canary-unknown-event"] });
    answers.push(text_of(stage.invoke(unknown).await));
    let alarm = talkative_alarm(&stage);
    answers.push(text_of(stage.invoke(alarm).await));
    stage.world.inner().primary_lives = false;
    for _ in 0..8 {
        stage.until(HOUR, |state| is_over(state) || needs_operator(state)).await;
        if is_over(&stage.state()) {
            break;
        }
        let approval = json!({ "command": "approve", "run": stage.run(), "by": "ana", "allow_data_loss": true, "override_vetoes": true });
        answers.push(text_of(stage.invoke(approval).await));
    }
    assert_eq!(stage.phase(), "completed", "{:#?}", stage.sentences());
    answers.push(text_of(stage.invoke(json!({ "command": "status" })).await));
    (all_of(&stage, kept, &answers), text_logged(kept).lines().count())
}

#[tokio::test(start_paused = true)]
async fn a_whole_run_shows_no_secret_at_any_level_of_the_log() {
    let mut lines = Vec::new();
    for level in
        [LevelFilter::ERROR, LevelFilter::WARN, LevelFilter::INFO, LevelFilter::DEBUG, LevelFilter::TRACE]
    {
        let (text, count) = talkative_run(level).await;
        assert_no_canary(&text);
        lines.push(count);
    }
    assert!(lines[2] > lines[1] && lines[1] > 0, "the log was really kept: {lines:?}");
}

#[tokio::test(start_paused = true)]
async fn an_invalid_plan_is_described_without_any_of_its_values() {
    let (kept, _guard) = keep(LevelFilter::TRACE);
    let mut stage = Stage::new(plan_with_a_token(Mode::Automatic));
    let mut answers = Vec::new();
    let valid: Value = serde_json::from_str(&stage.world.inner().plan.clone()).expect("JSON");
    let spoil: [fn(&mut Value); 6] = [
        |plan| plan["database_password"] = json!("canary-plan-field"),
        |plan| plan["databases"][0]["password"] = json!("canary-plan-field"),
        |plan| plan["limits"]["rto_seconds"] = json!("canary-plan-value"),
        |plan| {
            plan["detection"]["sides"]["primary"]["probes"][0]["timeout_seconds"] =
                json!("canary-plan-value");
        },
        |plan| plan["detection"]["sides"]["primary"]["probes"][0]["expect_status"] = json!(7),
        |plan| {
            plan["detection"]["sides"]["primary"]["probes"][0]["url"] =
                json!("https://user:canary-plan-value@example.com/");
        },
    ];
    for spoil in spoil {
        let mut plan = valid.clone();
        spoil(&mut plan);
        stage.world.inner().plan = plan.to_string();
        let fault =
            stage.invoke(json!({ "command": "tick" })).await.expect_err("an invalid plan is an error");
        assert_eq!(fault.code, "plan_invalid", "{fault}");
        answers.push(format!("{fault} {fault:?}"));
    }
    for broken in ["{\"password\": \"canary-plan-value", "canary-plan-value", "[\"canary-plan-value\"]"] {
        stage.world.inner().plan = broken.to_owned();
        let fault =
            stage.invoke(json!({ "command": "tick" })).await.expect_err("an invalid plan is an error");
        answers.push(format!("{fault} {fault:?}"));
    }
    assert_no_canary(&all_of(&stage, kept, &answers));
}

#[tokio::test(start_paused = true)]
async fn a_bad_operators_command_is_refused_without_its_unknown_values() {
    let (kept, _guard) = keep(LevelFilter::TRACE);
    let mut stage = Stage::new(plan_with_a_token(Mode::Automatic));
    let mut answers = Vec::new();
    for command in [
        json!({ "command": "approve", "run": "canary-plan-value", "by": "ana" }),
        json!({ "command": "hold", "minutes": 5, "by": "ana", "reason": "r", "password": "canary-plan-field" }),
        json!({ "command": "failover", "by": "ana", "reason": "r", "routes": { "a": "canary-plan-value" } }),
    ] {
        let fault = stage.invoke(command).await.expect_err("refused");
        assert_eq!(fault.code, "bad_command");
        answers.push(format!("{fault} {fault:?}"));
    }
    assert_no_canary(&all_of(&stage, kept, &answers));
}

/// Plays a run where credentials are in the environment, as they are in a function's; run by the test below.
#[tokio::test(start_paused = true)]
#[ignore = "run by credentials_in_the_environment_show_nowhere, with an environment of its own"]
async fn a_run_with_credentials_in_the_environment() {
    let (text, _) = talkative_run(LevelFilter::TRACE).await;
    println!("{text}");
}

#[test]
fn credentials_in_the_environment_show_nowhere() {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .args(["--exact", "a_run_with_credentials_in_the_environment", "--ignored", "--nocapture"])
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "canary-access-key")
        .env("AWS_SESSION_TOKEN", "canary-session-token")
        .output()
        .expect("it runs");
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).join("\n");
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert!(text.contains("completed: shop serves from us-west-1"), "the run was shown");
    assert_no_canary(&text);
}
