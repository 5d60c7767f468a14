//! Where do the golden journals come from? From whole runs of the functions as they are, written down by hand on request:
//!
//!     cargo test --profile lab --package scenarios --test scenarios golden:: -- --ignored
//!
//! They are what a release leaves behind in its customers' tables, so they are written anew only while their version of
//! the schema has not been released. `shared/protocol/tests/golden.rs` reads them.

use protocol::endpoint::{Endpoint, Setting};
use std::fmt::Write;
use std::path::PathBuf;

use jiff::SignedDuration;
use ports::FailureKind;
use protocol::command::Step;
use protocol::journal::JOURNAL_SCHEMA;
use protocol::observation::ProbeAnswer;
use protocol::plan::Mode;
use protocol::side::Side;
use protocol::signal::AlarmState;
use scenarios::{
    COMMANDS_TOPIC, GOOD_MINUTES, Stage, awaits_approval, has_begun, is_over, needs_operator, sns,
};
use serde_json::{Value, json};

use crate::witness::idle_source;
use twin::InjectedFault;
use twin::plans::{example_plan, small_plan};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

async fn seconds(stage: &mut Stage, count: i64) {
    stage.pass(SignedDuration::from_secs(count)).await;
}

async fn say(stage: &mut Stage, command: Value) {
    // Refused or not: both are in the journal.
    drop(stage.invoke(command).await);
}

async fn approve(stage: &mut Stage, allow_data_loss: bool) {
    let run = stage.run();
    let command =
        json!({ "command": "approve", "run": run, "by": "ana", "allow_data_loss": allow_data_loss });
    say(stage, command).await;
}

async fn abort(stage: &mut Stage) {
    let run = stage.run();
    say(stage, json!({ "command": "abort", "run": run, "by": "ana", "reason": "it is mended" })).await;
}

/// Databases, fleets and routes that wait for each other; the old primaries are cut off when their region is back.
async fn completed() -> Stage {
    let mut stage = Stage::new(example_plan(Mode::Automatic));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, is_over).await);
    stage.world.inner().primary_lives = true;
    seconds(&mut stage, 240).await;
    assert_eq!(stage.phase(), "completed");
    stage
}

/// A person aborts a run that has closed the old side; opening it again takes longer than it may.
async fn aborted() -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, awaits_approval).await);
    for _ in 0..40 {
        stage.world.fault("look_databases", InjectedFault::Fails(FailureKind::Unavailable));
    }
    approve(&mut stage, false).await;
    assert!(stage.until(HOUR, has_begun(Step::Fence)).await);
    seconds(&mut stage, 3).await;
    abort(&mut stage).await;
    for _ in 0..200 {
        stage.world.fault("set_primary", InjectedFault::Fails(FailureKind::Throttled));
    }
    assert!(stage.until(HOUR, is_over).await);
    let run = stage.run();
    say(&mut stage, json!({ "command": "acknowledge", "run": run, "by": "ana" })).await;
    assert_eq!(stage.phase(), "aborted");
    stage
}

/// An alarm alone; then the primary is gone for a moment, and back.
async fn dismissed() -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    stage.alarm("ALARM").await.expect("the alarm is taken");
    seconds(&mut stage, 12).await;
    stage.world.inner().primary_lives = false;
    seconds(&mut stage, 20).await;
    stage.world.inner().primary_lives = true;
    assert!(stage.until(HOUR, is_over).await);
    stage.alarm("OK").await.expect("the alarm is taken");
    assert_eq!(stage.phase(), "aborted");
    stage
}

/// The lag is not known; then the promotion outlives its worker; then it is denied.
async fn needs_an_operator() -> Stage {
    let mut plan = small_plan(Mode::Automatic);
    plan.limits.function_timeout_seconds.promote_replica = 60;
    let mut stage = Stage::new(plan);
    stage.lose_primary().await;
    stage.world.inner().lag.clear();
    assert!(stage.until(HOUR, needs_operator).await);
    stage.world.inner().lag.clear();
    approve(&mut stage, false).await;
    approve(&mut stage, true).await;
    assert!(stage.until(HOUR, has_begun(Step::Promote)).await);
    seconds(&mut stage, 150).await;
    // The tick's look may be the one that is denied, too.
    for _ in 0..6 {
        stage.world.fault("look_databases", InjectedFault::Fails(FailureKind::Denied));
    }
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    abort(&mut stage).await;
    assert_eq!(stage.phase(), "needs an operator");
    stage
}

/// There is no room for the fleet, past the deadline.
async fn overdue() -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    for fleet in stage.world.inner().fleets.values_mut() {
        fleet.has_room = false;
    }
    stage.alarm("ALARM").await.expect("the alarm is taken");
    stage.world.inner().primary_lives = false;
    assert!(stage.until(HOUR, needs_operator).await);
    stage
}

/// Nobody approves in time; then an item is gone from the plan, and comes back.
async fn late() -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.lose_primary().await;
    assert!(stage.until(SignedDuration::from_hours(3), needs_operator).await);
    let whole = stage.world.inner().plan.clone();
    let mut changed = stage.plan.clone();
    changed.fleets.clear();
    changed.routes[0].after.pop();
    stage.world.inner().plan = serde_json::to_string(&changed).expect("JSON");
    approve(&mut stage, true).await;
    assert!(stage.until(HOUR, needs_operator).await);
    stage.world.inner().plan = whole;
    approve(&mut stage, true).await;
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!(stage.phase(), "completed");
    stage
}

/// Somebody opens the primary side again and again while the run moves, and once more after it.
async fn reopened() -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.lose_primary().await;
    for database in stage.world.inner().databases.values_mut() {
        database.status = Some("backing-up");
    }
    assert!(stage.until(HOUR, has_begun(Step::Promote)).await);
    while !needs_operator(&stage.state()) {
        for route in stage.world.inner().routes.values_mut() {
            route.endpoints.primary = Endpoint::Open(Setting::Weight(128));
        }
        seconds(&mut stage, 70).await;
    }
    for database in stage.world.inner().databases.values_mut() {
        database.status = None;
    }
    approve(&mut stage, false).await;
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!(stage.phase(), "completed");
    for endpoint in [Endpoint::Open(Setting::Weight(128)), Endpoint::Closed] {
        for route in stage.world.inner().routes.values_mut() {
            route.endpoints.primary = endpoint;
        }
        seconds(&mut stage, 130).await;
    }
    stage
}

/// An alarm, with one thing wrong.
fn alarm(stage: &Stage, arn: &str, seconds_ago: i64, topic: Option<&str>) -> Value {
    let at = stage.now().checked_sub(SignedDuration::from_secs(seconds_ago)).expect("a time");
    let body = json!({
        "AlarmName": "primary-health", "AlarmArn": arn, "NewStateValue": "ALARM", "OldStateValue": "OK",
        "NewStateReason": "Threshold Crossed", "StateChangeTime": at.to_string(), "Region": "US East (Ohio)",
    });
    sns(topic.unwrap_or(&stage.plan.detection.topics[0]), &body)
}

/// What RDS says when a database moves to its standby.
fn multi_az_failover(stage: &Stage, instance: &str) -> Value {
    let name = instance.rsplit(':').next().unwrap_or_default();
    json!({
        "version": "0", "id": "68f6e973-1a0c-d37b-f2f2-94a7f62ffd4e", "detail-type": "RDS DB Instance Event",
        "source": "aws.rds", "account": "123456789012", "time": stage.now().to_string(), "region": "us-east-2",
        "resources": [instance],
        "detail": {
            "EventCategories": ["failover"], "SourceType": "DB_INSTANCE", "SourceArn": instance,
            "Date": stage.now().to_string(), "Message": "A Multi-AZ failover has started.",
            "SourceIdentifier": name, "EventID": "RDS-EVENT-0013",
        },
    })
}

/// Everything that is said and not obeyed; a hold; and a person who moves a living primary.
async fn ordered() -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.pass(GOOD_MINUTES).await;
    let listed = stage.plan.detection.sides.primary.alarms[0].clone();
    let foreign = listed.replace("123456789012", "999999999999");
    for (arn, ago, topic) in [
        (foreign.as_str(), 0, None),
        ("arn:aws:cloudwatch:us-east-2:123456789012:alarm:of-somebody-else", 0, None),
        (listed.as_str(), 0, Some(COMMANDS_TOPIC)),
        (listed.as_str(), 4_000, None),
        (listed.as_str(), -4_000, None),
    ] {
        let payload = alarm(&stage, arn, ago, topic);
        say(&mut stage, payload).await;
    }
    say(&mut stage, json!({ "source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification" }))
        .await;
    let primary = stage.plan.databases[0].arn(Side::Primary).to_owned();
    for instance in [primary.clone(), format!("{primary}-of-somebody-else")] {
        let payload = multi_az_failover(&stage, &instance);
        say(&mut stage, payload).await;
    }
    say(&mut stage, json!({ "command": "hold", "minutes": 30, "by": "ana", "reason": "maintenance" })).await;
    seconds(&mut stage, 200).await;
    say(&mut stage, json!({ "command": "release", "by": "ana" })).await;
    say(&mut stage, json!({ "command": "failover", "by": "bob", "reason": "a game day" })).await;
    let passes = json!({ "command": "failover", "by": "bob", "reason": "a game day", "override_vetoes": true,
        "override_fence": true, "allow_data_loss": true });
    say(&mut stage, passes).await;
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!(stage.phase(), "completed");
    stage
}

/// An alarm over two series that is red when its region falls silent; a person is asked, and then the region answers again.
async fn silent() -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.pass(GOOD_MINUTES).await;
    let arn = stage.plan.detection.sides.primary.alarms[0].clone();
    let topic = stage.plan.detection.topics[0].clone();
    let red = json!({ "value": "ALARM", "timestamp": stage.now().to_string(), "actionsSuppressedBy": "WaitPeriod" });
    let held_back = json!({ "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change",
        "account": "123456789012", "resources": [arn], "detail": { "state": red } });
    say(&mut stage, held_back).await;
    for series in ["6d442278dba546f6", "7e553389ecb657a7"] {
        let body = json!({ "AlarmArn": arn, "NewStateValue": "ALARM", "StateChangeTime": stage.now().to_string(),
            "NewStateReason": "Threshold Crossed", "AlarmContributorId": series });
        say(&mut stage, sns(&topic, &body)).await;
    }
    stage.world.inner().primary_lives = false;
    seconds(&mut stage, 20 * 60).await;
    stage.world.inner().primary_lives = true;
    stage.world.set_alarm(&arn, AlarmState::Ok);
    seconds(&mut stage, 3 * 60).await;
    assert_eq!(stage.phase(), "aborted");
    stage
}

/// What probes of the primary region get, whatever it is.
fn set_probes(stage: &Stage, is_good: bool) {
    let bad = ProbeAnswer::Bad { detail: "status 500".to_owned() };
    let answer = if is_good { ProbeAnswer::Good } else { bad };
    for probe in &stage.plan.detection.sides.primary.probes {
        stage.world.inner().probes.insert(probe.name().clone(), answer.clone());
    }
}

/// The application is dead and the database alive: people are called, the evidence eases and returns, and it is over.
async fn called() -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    set_probes(&stage, false);
    stage.alarm("ALARM").await.expect("the alarm is taken");
    seconds(&mut stage, 120).await;
    set_probes(&stage, true);
    seconds(&mut stage, 520).await;
    set_probes(&stage, false);
    seconds(&mut stage, 90).await;
    set_probes(&stage, true);
    stage.alarm("OK").await.expect("the alarm is taken");
    seconds(&mut stage, 1_100).await;
    assert_eq!(stage.phase(), "aborted");
    stage
}

/// To CloudWatch the replica of an idle source is minutes behind; the witness knows better.
async fn witnessed() -> Stage {
    let mut stage = Stage::new(twin::plans::witnessed(small_plan(Mode::Automatic)));
    idle_source(&mut stage).await;
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!(stage.phase(), "completed");
    stage
}

#[tokio::test(start_paused = true)]
#[ignore = "writes files; see the head of this file"]
async fn write_the_golden_journals_of_this_version_anew() {
    let journals = vec![
        ("completed", completed().await),
        ("aborted", aborted().await),
        ("dismissed", dismissed().await),
        ("needs-an-operator", needs_an_operator().await),
        ("overdue", overdue().await),
        ("late", late().await),
        ("ordered", ordered().await),
        ("reopened", reopened().await),
        ("silent", silent().await),
        ("called", called().await),
        ("witnessed", witnessed().await),
    ];
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/protocol/tests/journals")
        .join(JOURNAL_SCHEMA.to_string());
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, stage) in journals {
        let mut text = String::new();
        for record in stage.records() {
            writeln!(text, "{}", serde_json::to_string(&record).expect("JSON")).expect("a text");
        }
        std::fs::write(folder.join(format!("{name}.jsonl")), text).expect("a file");
    }
}
