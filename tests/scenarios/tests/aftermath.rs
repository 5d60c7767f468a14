//! What comes late, what fails afterwards, and what must be done in any case.

use jiff::SignedDuration;
use ports::FailureKind;
use protocol::command::Step;
use protocol::endpoint::Endpoint;
use protocol::name::Name;
use protocol::plan::Mode;
use protocol::side::Side;
use scenarios::{Stage, awaits_approval, has_begun, is_over, needs_operator};
use serde_json::json;
use twin::InjectedFault;
use twin::plans::small_plan;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A stage whose primary is lost.
async fn lost(mode: Mode) -> Stage {
    let mut stage = Stage::new(small_plan(mode));
    stage.lose_primary().await;
    stage
}

/// A run that was approved and fenced its route, and that can't begin the promotion for a while.
async fn fenced(stage: &mut Stage) {
    assert!(stage.until(HOUR, awaits_approval).await);
    for _ in 0..40 {
        stage.world.fault("look_databases", InjectedFault::Fails(FailureKind::Unavailable));
    }
    let run = stage.run();
    stage.invoke(json!({ "command": "approve", "run": run, "by": "ana" })).await.expect("approved");
    assert!(stage.until(HOUR, has_begun(Step::Fence)).await);
    stage.pass(SignedDuration::from_secs(3)).await;
    assert!(!stage.state().run.is_some_and(|run| run.has_begun(Step::Promote)));
}

async fn abort(stage: &mut Stage) {
    let run = stage.run();
    let abort = json!({ "command": "abort", "run": run, "by": "ana", "reason": "it is mended" });
    stage.invoke(abort).await.expect("aborted");
}

#[tokio::test(start_paused = true)]
async fn an_approval_within_its_hour_needs_no_data_loss_because_it_is_late() {
    let mut stage = lost(Mode::Approve).await;
    assert!(stage.until(HOUR, awaits_approval).await);
    stage.pass(SignedDuration::from_mins(50)).await;
    let run = stage.run();
    stage.invoke(json!({ "command": "approve", "run": run, "by": "ana" })).await.expect("approved");
    assert!(stage.until(HOUR, is_over).await);
    assert_eq!(stage.phase(), "completed");
}

#[tokio::test(start_paused = true)]
async fn an_abort_opens_the_primary_side_again_that_the_run_had_closed() {
    let mut stage = lost(Mode::Approve).await;
    fenced(&mut stage).await;
    assert!(stage.world.inner().routes.values().all(|route| route.endpoints.primary == Endpoint::Closed));
    abort(&mut stage).await;
    assert!(stage.until(HOUR, is_over).await);
    let open = Endpoint::Open(stage.plan.routes[0].sides.primary.setting());
    assert!(stage.world.inner().routes.values().all(|route| route.endpoints.primary == open));
}

#[tokio::test(start_paused = true)]
async fn an_abort_does_not_open_a_side_that_the_run_found_closed() {
    let mut stage = lost(Mode::Approve).await;
    for route in stage.world.inner().routes.values_mut() {
        route.endpoints.primary = Endpoint::Closed;
    }
    fenced(&mut stage).await;
    abort(&mut stage).await;
    assert!(stage.until(HOUR, is_over).await);
    assert!(stage.world.inner().routes.values().all(|route| route.endpoints.primary == Endpoint::Closed));
}

#[tokio::test(start_paused = true)]
async fn an_abort_that_cannot_be_undone_in_time_tells_someone_and_goes_on_trying() {
    let mut stage = lost(Mode::Approve).await;
    fenced(&mut stage).await;
    abort(&mut stage).await;
    for _ in 0..200 {
        stage.world.fault("set_primary", InjectedFault::Fails(FailureKind::Throttled));
    }
    stage.world.inner().notices.clear();
    let told = |stage: &Stage| {
        stage
            .world
            .inner()
            .notices
            .iter()
            .any(|notice| notice.contains("unfence of front missed its deadline"))
    };
    stage.until(SignedDuration::from_mins(10), |_| false).await;
    assert!(told(&stage), "{:#?}", stage.world.inner().notices);
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert!(stage.world.inner().routes.values().all(|route| route.endpoints.primary != Endpoint::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_failed_scale_out_does_not_stop_a_run_that_is_not_decided_yet() {
    let mut stage = lost(Mode::Approve).await;
    for fleet in stage.world.inner().fleets.values_mut() {
        fleet.launch_suspended = true;
    }
    assert!(stage.until(HOUR, awaits_approval).await, "{:#?}", stage.sentences());
    assert!(stage.sentences().iter().any(|said| said.contains("(launch_suspended)")));
    stage.world.inner().primary_lives = true;
    assert!(stage.until(HOUR, is_over).await);
    assert_eq!(stage.phase(), "aborted");
}

#[tokio::test(start_paused = true)]
async fn a_run_stopped_at_its_gate_ends_when_the_primary_is_back() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.world.inner().primary_lives = false;
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    stage.world.inner().primary_lives = true;
    assert!(stage.until(HOUR, is_over).await);
    assert_eq!(stage.phase(), "aborted");
    assert!(stage.world.inner().fleets.values().all(|fleet| fleet.capacity.desired == 0));
}

#[tokio::test(start_paused = true)]
async fn a_quarantine_that_was_denied_is_tried_again() {
    let mut stage = lost(Mode::Automatic).await;
    assert!(stage.until(HOUR, is_over).await);
    stage.world.fault("quarantine", InjectedFault::Fails(FailureKind::Denied));
    stage.world.inner().primary_lives = true;
    stage.pass(SignedDuration::from_mins(5)).await;
    assert!(stage.world.inner().databases.values().all(|database| !database.quarantined));
    assert!(
        stage.world.inner().notices.iter().any(|notice| notice.contains("Step quarantine of orders failed"))
    );
    stage.pass(SignedDuration::from_mins(20)).await;
    assert!(stage.world.inner().databases.values().all(|database| database.quarantined));
}

#[tokio::test(start_paused = true)]
async fn the_old_primary_is_cut_off_also_while_the_run_needs_an_operator() {
    let mut stage = lost(Mode::Automatic).await;
    for fleet in stage.world.inner().fleets.values_mut() {
        fleet.has_room = false;
    }
    assert!(stage.until(HOUR, needs_operator).await);
    stage.world.inner().primary_lives = true;
    stage.pass(SignedDuration::from_mins(5)).await;
    assert_eq!(stage.phase(), "needs an operator");
    assert!(stage.world.inner().databases.values().all(|database| database.quarantined));
}

#[tokio::test(start_paused = true)]
async fn an_item_gone_from_the_plan_stops_the_run_until_it_is_back() {
    let mut stage = lost(Mode::Approve).await;
    assert!(stage.until(HOUR, awaits_approval).await);
    let run = stage.run();
    let whole = stage.world.inner().plan.clone();
    let mut changed = stage.plan.clone();
    changed.fleets.clear();
    changed.routes[0].after.pop();
    stage.world.inner().plan = serde_json::to_string(&changed).expect("JSON");
    stage.invoke(json!({ "command": "approve", "run": run, "by": "ana" })).await.expect("approved");
    assert!(stage.until(HOUR, needs_operator).await);
    assert!(stage.sentences().iter().any(|said| said.contains("add them to the plan again")));
    stage.world.inner().plan = whole;
    stage.invoke(json!({ "command": "approve", "run": run, "by": "ana" })).await.expect("resumed");
    assert!(stage.until(HOUR, is_over).await);
    assert_eq!(stage.phase(), "completed");
}

#[tokio::test(start_paused = true)]
async fn a_fence_whose_endpoint_is_missing_promotes_nothing() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    for route in stage.world.inner().routes.values_mut() {
        route.endpoints.primary = Endpoint::Missing;
    }
    stage.lose_primary().await;
    assert!(stage.until(HOUR, needs_operator).await);
    let said = stage.sentences().join("\n");
    assert!(said.contains("correct routes[].sides.primary.endpoint of the plan"), "{said}");
    assert!(stage.world.inner().databases.values().all(|database| database.promotions == 0));
}

#[tokio::test(start_paused = true)]
async fn a_plan_with_many_databases_moves_as_a_small_one_does() {
    let mut plan = small_plan(Mode::Automatic);
    let pattern = plan.databases[0].clone();
    for number in 0..300 {
        let mut database = pattern.clone();
        database.name = Name::new(format!("orders-{number}"));
        *database.arn_mut(Side::Primary) = format!("{}-{number}", pattern.arn(Side::Primary));
        *database.arn_mut(Side::Recovery) = format!("{}-{number}", pattern.arn(Side::Recovery));
        plan.databases.push(database);
    }
    assert_eq!(plan.validate(), vec![]);
    let mut stage = Stage::new(plan);
    stage.lose_primary().await;
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences().last());
    assert_eq!(stage.phase(), "completed");
    assert!(stage.world.inner().databases.values().all(|database| database.promotions == 1));
    assert!(stage.records().len() < 250, "{} records", stage.records().len());
}

#[tokio::test(start_paused = true)]
async fn a_scale_out_that_failed_half_way_is_undone_too() {
    let mut stage = lost(Mode::Approve).await;
    // The group is resized and then can't launch: the step fails after its effect.
    assert!(stage.until(HOUR, has_begun(Step::Scale)).await);
    stage.pass(SignedDuration::from_secs(1)).await;
    for fleet in stage.world.inner().fleets.values_mut() {
        assert!(fleet.capacity.desired > 0);
        fleet.launch_suspended = true;
    }
    assert!(stage.until(HOUR, awaits_approval).await);
    stage.world.fault("resize", InjectedFault::Fails(FailureKind::Denied));
    abort(&mut stage).await;
    stage.pass(SignedDuration::from_mins(1)).await;
    assert_eq!(stage.phase(), "aborting");
    abort(&mut stage).await;
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert!(stage.world.inner().fleets.values().all(|fleet| fleet.capacity.desired == 0));
}

#[tokio::test(start_paused = true)]
async fn a_promotion_that_failed_and_was_approved_again_is_still_a_promotion_that_was_begun() {
    let mut stage = lost(Mode::Automatic).await;
    assert!(stage.until(HOUR, has_begun(Step::Promote)).await);
    stage.pass(SignedDuration::from_secs(5)).await;
    stage.world.fault("look_databases", InjectedFault::Fails(FailureKind::Denied));
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    let run = stage.run();
    stage.world.inner().commands.clear();
    stage.invoke(json!({ "command": "approve", "run": run, "by": "ana" })).await.expect("resumed");
    // Nobody has taken the promotion again yet; it is under way in the cloud all the same.
    let refused = stage.invoke(json!({ "command": "abort", "run": run, "by": "ana", "reason": "no" })).await;
    assert!(refused.is_err_and(|fault| fault.message.contains("has begun a promotion")));
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!(stage.phase(), "completed");
    assert!(stage.world.inner().databases.values().all(|database| database.promotions == 1));
}
