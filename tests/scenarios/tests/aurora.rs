//! Failovers of an Aurora global database: what is particular to it, with one thing after the other going wrong.

use jiff::SignedDuration;
use ports::FailureKind;
use protocol::endpoint::Endpoint;
use protocol::observation::LagSample;
use protocol::plan::{Mode, Plan};
use scenarios::{GOOD_MINUTES, Stage, is_over, needs_operator};
use serde_json::json;
use twin::InjectedFault;
use twin::plans::{as_aurora, small_plan};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn plan() -> Plan {
    let mut plan = small_plan(Mode::Automatic);
    plan.databases.iter_mut().for_each(as_aurora);
    assert_eq!(plan.validate(), vec![]);
    plan
}

async fn moved(break_it: impl AsyncFnOnce(&mut Stage)) -> Stage {
    let mut stage = Stage::new(plan());
    stage.lose_primary().await;
    break_it(&mut stage).await;
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!(stage.phase(), "completed", "{:#?}", stage.sentences());
    stage
}

fn says(stage: &Stage, words: &str) -> bool {
    stage.sentences().iter().any(|sentence| sentence.contains(words))
}

fn promotions(stage: &Stage) -> u32 {
    stage.world.inner().databases.values().map(|database| database.promotions).sum()
}

#[tokio::test(start_paused = true)]
async fn a_global_database_is_failed_over_once_and_says_what_makes_it_writable() {
    let stage = moved(async |_| ()).await;
    assert_eq!(promotions(&stage), 1);
    let words = "Step promote is done: orders: available, with a writer instance and no replication source.";
    assert!(says(&stage, words), "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn a_failover_whose_answer_was_lost_is_not_asked_for_again() {
    let stage = moved(async |stage| stage.world.fault("promote", InjectedFault::LosesAnswer)).await;
    assert_eq!(promotions(&stage), 1);
    assert_eq!(stage.world.inner().calls.get("promote"), Some(&1), "it is seen to be under way");
}

#[tokio::test(start_paused = true)]
async fn a_failover_that_somebody_else_asked_for_is_waited_for() {
    let stage = moved(async |stage| {
        let now = stage.now();
        for twin in stage.world.inner().databases.values_mut() {
            twin.promoted_at = Some(now);
        }
    })
    .await;
    assert_eq!(stage.world.inner().calls.get("promote"), None);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_without_an_instance_needs_an_operator_and_goes_on_with_one() {
    let mut stage = Stage::new(plan());
    stage.lose_primary().await;
    set_headless(&stage, true);
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    assert!(says(&stage, "its cluster has no instance to promote"), "{:#?}", stage.sentences());
    assert_eq!(promotions(&stage), 0);
    assert!(
        stage.world.inner().routes.values().all(|route| route.endpoints.recovery == Endpoint::Closed),
        "nothing is open"
    );
    set_headless(&stage, false);
    stage
        .invoke(json!({ "command": "approve", "run": stage.run(), "by": "ana" }))
        .await
        .expect("approved again");
    assert!(stage.until(HOUR, is_over).await);
    assert_eq!((stage.phase(), promotions(&stage)), ("completed", 1));
}

fn set_headless(stage: &Stage, headless: bool) {
    stage.world.inner().databases.values_mut().for_each(|database| database.headless = headless);
}

#[tokio::test(start_paused = true)]
async fn an_old_primary_that_returns_before_aws_has_resynchronised_it_is_cut_off() {
    let mut stage = moved(async |_| ()).await;
    stage.world.inner().primary_lives = true;
    stage.pass(SignedDuration::from_mins(3)).await;
    assert!(stage.world.inner().databases.values().all(|database| database.quarantined));
    assert!(says(&stage, "the old primary is in its quarantine group only"), "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn an_old_primary_that_follows_already_is_left_as_it_is() {
    let mut stage = moved(async |_| ()).await;
    {
        let mut inner = stage.world.inner();
        inner.primary_lives = true;
        inner.databases.values_mut().for_each(|database| database.resynchronised = true);
    }
    stage.pass(SignedDuration::from_mins(3)).await;
    assert_eq!(stage.world.inner().calls.get("quarantine"), None);
    let words = "the old primary replicates from the new writer and accepts no writes";
    assert!(says(&stage, words), "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn an_old_primary_that_refuses_its_group_is_tried_until_aws_has_made_it_follow() {
    let mut stage = moved(async |_| ()).await;
    for _ in 0..400 {
        stage.world.fault("quarantine", InjectedFault::Fails(FailureKind::Conflict));
    }
    stage.world.inner().primary_lives = true;
    stage.pass(SignedDuration::from_mins(3)).await;
    assert!(stage.world.inner().databases.values().all(|database| !database.quarantined));
    assert!(stage.world.inner().calls.get("quarantine").is_some_and(|calls| *calls > 1));
    stage.world.inner().databases.values_mut().for_each(|database| database.resynchronised = true);
    stage.pass(SignedDuration::from_mins(3)).await;
    assert!(says(&stage, "the old primary replicates from the new writer"), "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn the_gate_holds_a_failover_whose_lag_was_too_large() {
    let mut stage = Stage::new(plan());
    stage.pass(GOOD_MINUTES).await;
    let at = stage.now();
    for samples in stage.world.inner().lag.values_mut() {
        *samples = vec![LagSample { at, lag_ms: Some(90_000) }];
    }
    stage.world.inner().primary_lives = false;
    stage.alarm("ALARM").await.expect("the alarm is taken");
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    assert_eq!(promotions(&stage), 0);
}
