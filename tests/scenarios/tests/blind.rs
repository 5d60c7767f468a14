//! Where a witness can't be heard, nothing moves by itself; and what is half lost is cut off all the same.

use protocol::endpoint::Endpoint;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use ports::{Answer, Clock, FailureKind};
use protocol::command::{Step, StepCommand};
use protocol::journal::Event;
use protocol::observation::ProbeAnswer;
use protocol::plan::Mode;
use protocol::side::Side;
use scenarios::{COMMANDS_TOPIC, GOOD_MINUTES, Stage, awaits_approval, has_begun, is_over, sns};
use serde_json::{Value, json};
use twin::plans::{as_aurora, example_plan, small_plan};
use twin::{Call, InjectedFault, Policy};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The application of the primary region is broken, and its database is well.
async fn half_lost() -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    let bad = ProbeAnswer::Bad { detail: "status 500".to_owned() };
    for probe in &stage.plan.detection.sides.primary.probes {
        stage.world.inner().probes.insert(probe.name().clone(), bad.clone());
    }
    stage.alarm("ALARM").await.expect("the alarm is taken");
    stage
}

fn blind(stage: &Stage, looks: usize) {
    for _ in 0..looks {
        stage.world.fault("look_databases", InjectedFault::Fails(FailureKind::Throttled));
    }
}

fn promotions(stage: &Stage) -> u32 {
    stage.world.inner().databases.values().map(|database| database.promotions).sum()
}

#[tokio::test(start_paused = true)]
async fn a_sign_of_life_that_can_no_longer_be_seen_starts_nothing_by_itself() {
    let mut stage = half_lost().await;
    stage.pass(SignedDuration::from_secs(20)).await;
    assert!(
        stage.sentences().iter().any(|said| said.contains("still replicates")),
        "{:#?}",
        stage.sentences()
    );
    blind(&stage, 2_000);
    assert!(stage.until(HOUR, awaits_approval).await, "{:#?}", stage.sentences());
    let said = stage.sentences();
    assert!(
        said.iter()
            .any(|said| said.contains("Pilotlight could not check for a sign of life: replica orders")),
        "{said:#?}"
    );
    assert_eq!(promotions(&stage), 0);
    // When it can be seen again, its life ends the run.
    stage.world.inner().faults.clear();
    assert!(stage.until(HOUR, is_over).await);
    assert_eq!((stage.phase(), promotions(&stage)), ("aborted", 0), "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_replicates_at_an_unknown_distance_starts_nothing_by_itself() {
    let mut stage = half_lost().await;
    for _ in 0..5_000 {
        stage.world.fault("samples", InjectedFault::Fails(FailureKind::Unavailable));
    }
    assert!(stage.until(HOUR, awaits_approval).await, "{:#?}", stage.sentences());
    let said = stage.sentences();
    assert!(said.iter().any(|said| said.contains("its lag is unknown")), "{said:#?}");
    assert_eq!(promotions(&stage), 0);
}

#[tokio::test(start_paused = true)]
async fn questions_that_fail_for_a_while_only_cost_time() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.lose_primary().await;
    blind(&stage, 12);
    assert!(stage.until(HOUR, is_over).await);
    assert_eq!((stage.phase(), promotions(&stage)), ("completed", 1), "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn a_primary_that_answers_is_cut_off_as_soon_as_its_replica_is_promoted() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    let command = json!({ "command": "failover", "by": "ana", "reason": "the region is half lost",
        "override_vetoes": true });
    stage.invoke(command).await.expect("taken");
    assert!(stage.until(HOUR, has_begun(Step::Promote)).await);
    assert!(stage.world.inner().databases.values().all(|database| !database.quarantined), "not before");
    stage.pass(SignedDuration::from_secs(5)).await;
    assert!(stage.world.inner().databases.values().all(|database| database.quarantined));
    assert!(stage.until(HOUR, is_over).await);
    assert_eq!((stage.phase(), promotions(&stage)), ("completed", 1), "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn an_old_aurora_cluster_is_left_to_aws_for_a_minute() {
    let mut plan = small_plan(Mode::Automatic);
    plan.databases.iter_mut().for_each(as_aurora);
    let mut stage = Stage::new(plan);
    stage.pass(GOOD_MINUTES).await;
    let command = json!({ "command": "failover", "by": "ana", "reason": "the region is half lost",
        "override_vetoes": true });
    stage.invoke(command).await.expect("taken");
    assert!(stage.until(HOUR, has_begun(Step::Promote)).await);
    let asked = |stage: &Stage| stage.published.iter().any(|command| command.step == Step::Quarantine);
    stage.pass(SignedDuration::from_secs(1)).await;
    assert!(!asked(&stage), "{:#?}", stage.published);
    stage.pass(SignedDuration::from_secs(65)).await;
    assert!(asked(&stage), "the tick asks");
}

#[tokio::test(start_paused = true)]
async fn an_old_primary_that_can_not_be_asked_keeps_no_other_from_being_cut_off() {
    for kind in [FailureKind::Denied, FailureKind::Unreachable] {
        let mut plan = example_plan(Mode::Automatic);
        for database in &mut plan.databases {
            *database.quarantine_security_group_mut(Side::Primary) = Some("sg-0abc".to_owned());
        }
        let mut stage = Stage::new(plan);
        stage.lose_primary().await;
        assert!(stage.until(HOUR, is_over).await);
        assert!(stage.plan.databases.len() > 1, "one of several");
        stage.world.inner().primary_lives = true;
        stage.world.fault("old_primary", InjectedFault::Fails(kind));
        stage.pass(SignedDuration::from_secs(70)).await;
        let cut_off =
            |stage: &Stage| stage.world.inner().databases.values().filter(|one| one.quarantined).count();
        assert!(cut_off(&stage) + 1 >= stage.plan.databases.len(), "{kind:?}: {:#?}", stage.sentences());
        stage.pass(SignedDuration::from_mins(15)).await;
        assert_eq!(cut_off(&stage), stage.plan.databases.len(), "{kind:?}: {:#?}", stage.sentences());
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_does_not_move_alone_while_it_is_not_known_what_it_needs() {
    let mut plan = example_plan(Mode::Automatic);
    let route = plan.routes[0].name.clone();
    let loose = plan.databases[0].name.clone();
    for after in plan.routes.iter_mut().map(|route| &mut route.after) {
        after.retain(|name| *name != loose);
    }
    for after in plan.fleets.iter_mut().map(|fleet| &mut fleet.after) {
        after.retain(|name| *name != loose);
    }
    for after in plan.databases.iter_mut().map(|database| &mut database.after) {
        after.retain(|name| *name != loose);
    }
    let mut stage = Stage::new(plan);
    stage.pass(GOOD_MINUTES).await;
    let command = json!({ "command": "failover", "by": "ana", "reason": "a test", "routes": [route],
        "override_vetoes": true });
    let refused = stage.invoke(command).await.expect_err("refused");
    assert!(refused.message.contains(&format!("add {loose} to the after")), "{}", refused.message);
}

/// An accelerator whose API takes a minute and a half.
struct Slow {
    clock: Arc<dyn Clock>,
}

impl Policy for Slow {
    async fn pass<T: Send + 'static>(
        &self,
        call: Call,
        go: impl Future<Output = Answer<T>> + Send + 'static,
    ) -> Answer<T> {
        if matches!(call, Call::Open(..) | Call::Close(..)) {
            self.clock.sleep(Duration::from_secs(90)).await;
        }
        go.await
    }
}

#[tokio::test(start_paused = true)]
async fn a_fence_that_outlasts_its_lease_does_not_close_the_side_that_an_abort_left_open() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.lose_primary().await;
    let mut fence: Option<StepCommand> = None;
    while fence.is_none() {
        stage.beat().await;
        let mut inner = stage.world.inner();
        if let Some(at) = inner.commands.iter().position(|command| command.step == Step::Fence) {
            fence = inner.commands.remove(at);
        }
    }
    let clock = Arc::clone(&stage.clock) as Arc<dyn Clock>;
    let instance = stage.disturbed("shift-traffic/slow", Slow { clock });
    let deadline = stage.now().checked_add(SignedDuration::from_mins(10)).expect("a time");
    let payload: Value = sns(COMMANDS_TOPIC, &json!(fence));
    let worker = tokio::spawn(async move { instance.work(Step::Fence, &payload, deadline).await });
    stage.pass(SignedDuration::from_secs(10)).await;
    let abort = json!({ "command": "abort", "run": stage.run(), "by": "ana", "reason": "the fence hangs" });
    stage.invoke(abort).await.expect("the abort is taken");
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!(stage.phase(), "aborted");
    worker.await.expect("it does not panic").expect("it comes to an end");
    stage.pass(SignedDuration::from_mins(3)).await;
    let inner = stage.world.inner();
    assert!(
        inner.routes.values().all(|route| matches!(route.endpoints.primary, Endpoint::Open(_))),
        "{:#?}",
        inner.routes
    );
    assert!(
        inner
            .records
            .iter()
            .any(|record| matches!(record.event, Event::StepIntended { step: Step::Fence, .. }))
    );
}
