//! Fences hold until the end: a fenced side that somebody opens again, during a run or after it, and an accelerator that
//! can't be asked.

use jiff::SignedDuration;
use ports::{EndpointHealth, FailureKind};
use protocol::attention::Attention;
use protocol::command::Step;
use protocol::endpoint::{Endpoint, Setting};
use protocol::journal::{EndpointSeen, Event};
use protocol::name::Name;
use protocol::plan::{Mode, Plan};
use protocol::side::Side;
use protocol::state::{Progress, State};
use scenarios::{Stage, has_begun, is_over, needs_operator};
use serde_json::json;
use twin::InjectedFault;

use super::seat::{FROM, SET_OLD, TO, small_plan};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Two databases, the second after the first, so that a promotion lies minutes behind the fence.
fn in_a_row() -> Plan {
    let mut plan = small_plan(Mode::Automatic);
    let mut second = plan.databases[0].clone();
    second.name = Name::new("stock");
    second.arn_mut(Side::Primary).push_str("-stock");
    second.arn_mut(Side::Recovery).push_str("-stock");
    second.after = vec![plan.databases[0].name.clone()];
    plan.databases.push(second);
    plan.routes[0].after.push(Name::new("stock"));
    assert_eq!(plan.validate(), vec![]);
    plan
}

/// A run that has fenced, and whose first promotion is under way.
async fn promoting() -> Stage {
    let mut stage = Stage::new(in_a_row());
    stage.lose_primary().await;
    assert!(stage.until(HOUR, has_begun(Step::Promote)).await, "{:#?}", stage.sentences());
    stage.pass(SignedDuration::from_secs(5)).await;
    assert_eq!(promotions(&stage), [1, 0]);
    stage
}

fn promotions(stage: &Stage) -> [u32; 2] {
    let inner = stage.world.inner();
    ["orders", "stock"].map(|name| inner.databases[&Name::new(name)].promotions)
}

const OPEN: Endpoint = Endpoint::Open(Setting::Weight(128));

fn set_old(stage: &Stage, endpoint: Endpoint) {
    stage.world.inner().routes.values_mut().for_each(|route| route.endpoints[FROM] = endpoint);
}

fn old(stage: &Stage) -> Option<Endpoint> {
    stage.world.inner().routes.values().next().map(|route| route.endpoints[FROM])
}

/// Fences that were seen lost, in the order of the journal.
fn lost(stage: &Stage) -> Vec<(Option<u64>, EndpointSeen)> {
    let lost = |event: &Event| match event {
        Event::FenceLost { routes } => routes.first().map(|lost| lost.seen.clone()),
        _ => None,
    };
    stage.records().iter().filter_map(|record| Some((record.run, lost(&record.event)?))).collect()
}

/// Lets time pass until the first database is writable: the second promotion is due in this very moment.
async fn until_second_is_due(stage: &mut Stage) {
    let is_writable = |state: &State| {
        let run = state.run.as_ref();
        run.and_then(|run| run.progress(Step::Promote, &Name::new("orders"))).is_some_and(Progress::is_done)
    };
    assert!(stage.until(HOUR, is_writable).await, "{:#?}", stage.sentences());
    assert_eq!(promotions(stage), [1, 0]);
}

fn told(stage: &Stage, words: &str) -> usize {
    stage.world.inner().notices.iter().filter(|notice| notice.contains(words)).count()
}

fn is_subject(stage: &Stage, words: &str) -> bool {
    stage.world.inner().subjects.iter().any(|subject| subject.contains(words))
}

#[tokio::test(start_paused = true)]
async fn an_old_side_that_is_opened_again_in_a_run_is_closed_before_anything_else_is_promoted() {
    let mut stage = promoting().await;
    set_old(&stage, OPEN);
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!(stage.phase(), "completed", "{:#?}", stage.sentences());
    assert_eq!((promotions(&stage), old(&stage)), ([1, 1], Some(Endpoint::Closed)));
    let run = stage.run();
    assert_eq!(lost(&stage), [(Some(run), EndpointSeen::Open { setting: Setting::Weight(128) })]);
    assert_eq!(told(&stage, &format!("The {} side of front is open with weight 128", FROM.as_str())), 1);
    assert!(is_subject(&stage, "a fenced side was opened again"), "{:?}", stage.world.inner().subjects);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_promoted_beside_an_old_side_that_opened_a_moment_before() {
    let mut stage = promoting().await;
    // Between two ticks, when the next promotion is due: what is read right before it counts.
    until_second_is_due(&mut stage).await;
    set_old(&stage, Endpoint::Open(Setting::Weight(7)));
    for _ in 0..400 {
        stage.world.fault(SET_OLD, InjectedFault::Fails(FailureKind::Throttled));
    }
    stage.pass(SignedDuration::from_mins(2)).await;
    assert_eq!(promotions(&stage), [1, 0], "{:#?}", stage.sentences());
    assert!(!lost(&stage).is_empty());
    // Nobody can close it: the fence's own deadline asks a person, and offers to go on without it.
    assert!(stage.until(HOUR, needs_operator).await);
    assert_eq!(promotions(&stage), [1, 0]);
    let said = stage.sentences().join("\n");
    assert!(said.contains("step fence of front is past its deadline"), "{said}");
    assert!(said.contains(r#""override_fence":true"#), "{said}");
}

#[tokio::test(start_paused = true)]
async fn who_opens_the_old_side_again_and_again_is_left_to_a_person() {
    let mut stage = promoting().await;
    for times in 1..=3 {
        set_old(&stage, OPEN);
        // The next tick sees it; the run closes it again, but not the third time.
        let seen = |state: &State| state.run.as_ref().is_some_and(|run| run.fences_lost == times);
        assert!(stage.until(SignedDuration::from_mins(2), seen).await, "{:#?}", stage.sentences());
        stage.pass(SignedDuration::from_secs(8)).await;
        let stands = if times < 3 { Endpoint::Closed } else { OPEN };
        assert_eq!(old(&stage), Some(stands), "{:#?}", stage.sentences());
    }
    assert_eq!(stage.phase(), "needs an operator");
    assert_eq!((lost(&stage).len(), promotions(&stage)), (3, [1, 0]), "{:#?}", stage.sentences());
    assert!(told(&stage, &format!("keeps reopening the {} side of front", FROM.as_str())) >= 1);
    let run = stage.run();
    stage
        .invoke(json!({ "command": "approve", "run": run, "by": "ana", "override_fence": true }))
        .await
        .expect("resumed");
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!((stage.phase(), promotions(&stage)), ("completed", [1, 1]));
}

#[tokio::test(start_paused = true)]
async fn an_accelerator_that_cannot_be_asked_lets_nothing_be_promoted_and_calls_a_person() {
    let mut stage = promoting().await;
    for _ in 0..3_000 {
        stage.world.fault("look_route", InjectedFault::Fails(FailureKind::Unavailable));
    }
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    assert_eq!(promotions(&stage), [1, 0]);
    assert!(matches!(&lost(&stage)[..], [(Some(_), EndpointSeen::Unread { .. })]), "{:#?}", lost(&stage));
    // Nobody has opened anything, as far as anybody knows.
    let subjects = stage.world.inner().subjects.clone();
    assert!(is_subject(&stage, "a fenced side can't be read"), "{subjects:?}");
    assert!(!is_subject(&stage, "opened again"), "{subjects:?}");
    let said = stage.sentences().join("\n");
    assert!(said.contains(r#""override_fence":true"#), "{said}");
    stage.world.inner().faults.clear();
    let run = stage.run();
    stage.invoke(json!({ "command": "approve", "run": run, "by": "ana" })).await.expect("resumed");
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!((stage.phase(), promotions(&stage)), ("completed", [1, 1]));
}

#[tokio::test(start_paused = true)]
async fn an_accelerator_that_answers_only_the_fence_is_told_by_pauses_and_not_every_few_seconds() {
    let mut stage = promoting().await;
    until_second_is_due(&mut stage).await;
    // Whoever closes the side is answered, whoever promotes is not.
    let end = stage.now() + SignedDuration::from_mins(20);
    while stage.now() < end {
        let is_fenced = stage
            .state()
            .active_run()
            .and_then(|run| run.progress(Step::Fence, &Name::new("front")))
            .is_some_and(Progress::is_done);
        stage.world.inner().faults.clear();
        for _ in 0..if is_fenced { 20 } else { 0 } {
            stage.world.fault("look_route", InjectedFault::Fails(FailureKind::Throttled));
        }
        stage.beat().await;
    }
    assert_eq!((stage.phase(), promotions(&stage)), ("moving", [1, 0]), "{:#?}", stage.sentences());
    assert_eq!(lost(&stage).len(), 2, "at once, and after a quarter of an hour: {:#?}", stage.sentences());
    // Once it answers again the promotion goes on by itself.
    stage.world.inner().faults.clear();
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!((stage.phase(), promotions(&stage)), ("completed", [1, 1]));
}

#[tokio::test(start_paused = true)]
async fn an_accelerator_that_fails_for_a_moment_only_delays_a_promotion() {
    let mut stage = promoting().await;
    until_second_is_due(&mut stage).await;
    for _ in 0..3 {
        stage.world.fault("look_route", InjectedFault::Fails(FailureKind::Unavailable));
    }
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!((stage.phase(), lost(&stage).len()), ("completed", 0));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_goes_on_without_the_fence_does_not_mind_an_open_old_side() {
    let mut stage = Stage::new(in_a_row());
    stage.pass(scenarios::GOOD_MINUTES).await;
    stage.world.inner().primary_lives = false;
    stage
        .invoke(json!({ "command": "failover", "by": "ana", "reason": "drill", "override_fence": true,
            "override_vetoes": true, "allow_data_loss": true }))
        .await
        .expect("begun");
    assert!(stage.until(HOUR, has_begun(Step::Promote)).await, "{:#?}", stage.sentences());
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!((stage.phase(), lost(&stage).len()), ("completed", 0));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_took_the_place_of_the_fenced_one_is_not_taken_for_fenced() {
    let mut stage = promoting().await;
    // The plan's new endpoint has traffic; the fence was of the one before.
    let mut plan = stage.plan.clone();
    plan.routes[0].sides[FROM].endpoint.push_str("-new");
    stage.world.inner().plan = serde_json::to_string(&plan).expect("JSON");
    set_old(&stage, OPEN);
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!((stage.phase(), old(&stage), lost(&stage).len()), ("completed", Some(Endpoint::Closed), 1));
}

async fn moved() -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!(stage.phase(), "completed");
    stage
}

fn is_reopened(state: &State) -> bool {
    state.reopened.values().any(|reopened| reopened.is_open)
}

#[tokio::test(start_paused = true)]
async fn an_old_side_that_is_opened_again_after_the_run_is_told_again_and_again_and_left_alone() {
    let mut stage = moved().await;
    set_old(&stage, OPEN);
    stage.pass(SignedDuration::from_mins(30)).await;
    assert_eq!(lost(&stage), [(None, EndpointSeen::Open { setting: Setting::Weight(128) })]);
    // At once and after 15 minutes; the next time after 30 more.
    let moved_to = format!("but the route has moved to {}", stage.plan.own().region);
    assert_eq!(told(&stage, &moved_to), 2, "{:#?}", stage.world.inner().notices);
    assert_eq!(Attention::of(&stage.state()), Attention::WaitsForPerson);
    stage.pass(SignedDuration::from_mins(14)).await;
    assert_eq!(told(&stage, &moved_to), 2, "{:#?}", stage.world.inner().notices);
    stage.pass(SignedDuration::from_mins(2)).await;
    assert_eq!(told(&stage, &moved_to), 3, "{:#?}", stage.world.inner().notices);
    assert_eq!(old(&stage), Some(OPEN), "nobody but a person closes it now");
    assert!(is_reopened(&stage.state()));
    set_old(&stage, Endpoint::Closed);
    stage.pass(SignedDuration::from_mins(2)).await;
    assert!(!is_reopened(&stage.state()));
    assert_eq!(Attention::of(&stage.state()), Attention::None);
    assert_eq!(told(&stage, &format!("The {} side of front is closed again", FROM.as_str())), 1);
}

#[tokio::test(start_paused = true)]
async fn an_old_side_that_flaps_after_the_run_is_written_down_every_ten_minutes_at_most() {
    let mut stage = moved().await;
    for minute in 0..60 {
        set_old(&stage, if minute % 2 == 0 { OPEN } else { Endpoint::Closed });
        stage.pass(SignedDuration::from_mins(1)).await;
    }
    let written = lost(&stage).len();
    assert!((2..=6).contains(&written), "{written}");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_was_taken_away_after_the_run_is_no_open_side() {
    let mut stage = moved().await;
    set_old(&stage, Endpoint::Missing);
    stage.pass(SignedDuration::from_mins(5)).await;
    assert_eq!(lost(&stage), []);
}

fn endpoint_health(stage: &Stage, health: &EndpointHealth) {
    stage.world.inner().routes.values_mut().for_each(|route| route.health[TO] = health.clone());
}

/// A run whose recovery side has a health of its own for the accelerator.
async fn opened_with(health: EndpointHealth) -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    endpoint_health(&stage, &health);
    stage.lose_primary().await;
    assert!(stage.until(HOUR, has_begun(Step::Verify)).await, "{:#?}", stage.sentences());
    stage.pass(SignedDuration::from_secs(70)).await;
    assert_eq!(stage.phase(), "moving", "{:#?}", stage.sentences());
    stage
}

#[tokio::test(start_paused = true)]
async fn ga_unhealthy_endpoint_not_verified() {
    let reason = "no healthy targets in one of its target groups".to_owned();
    let mut stage = opened_with(EndpointHealth::Unhealthy { reason }).await;
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    let endpoint = &stage.plan.routes[0].sides[TO].endpoint;
    let notices = stage.world.inner().notices.join("\n");
    let words = format!(
        "step verify of front is past its deadline; last status: front (the accelerator health of the endpoint \
         {endpoint} is UNHEALTHY: no healthy targets in one of its target groups)"
    );
    assert!(notices.contains(&words), "{notices}");
    endpoint_health(&stage, &EndpointHealth::Healthy);
    let run = stage.run();
    stage.invoke(json!({ "command": "approve", "run": run, "by": "ana" })).await.expect("resumed");
    assert!(stage.until(HOUR, is_over).await);
    assert_eq!(stage.phase(), "completed");
}

#[tokio::test(start_paused = true)]
async fn ga_initial_endpoint_is_waited_for() {
    let mut stage = opened_with(EndpointHealth::Initial { reason: "InitialHealthChecking".to_owned() }).await;
    endpoint_health(&stage, &EndpointHealth::Healthy);
    assert!(stage.until(SignedDuration::from_mins(1), is_over).await, "{:#?}", stage.sentences());
    assert_eq!(stage.phase(), "completed");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_whose_health_nobody_tells_is_not_verified() {
    let stage = opened_with(EndpointHealth::Unknown).await;
    assert!(stage.sentences().iter().any(|said| said.contains("not reported")));
}

#[tokio::test(start_paused = true)]
async fn an_old_endpoint_that_is_gone_when_the_route_is_verified_is_told_as_what_it_is() {
    let mut stage = opened_with(EndpointHealth::Initial { reason: String::new() }).await;
    set_old(&stage, Endpoint::Missing);
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    let said = stage.sentences().join("\n");
    assert!(said.contains("(endpoint_missing)") && !said.contains("set it to 0"), "{said}");
}

/// What was lost of a fence where an accelerator can't be asked for so long while a promotion is due.
async fn lost_after(silence: SignedDuration) -> Vec<(Option<u64>, EndpointSeen)> {
    let mut stage = promoting().await;
    until_second_is_due(&mut stage).await;
    let end = stage.now() + silence;
    while stage.now() < end {
        for _ in 0..20 {
            stage.world.fault("look_route", InjectedFault::Fails(FailureKind::Throttled));
        }
        stage.beat().await;
    }
    stage.world.inner().faults.clear();
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    lost(&stage)
}

#[tokio::test(start_paused = true)]
async fn an_old_side_that_cannot_be_read_for_fifteen_seconds_has_lost_its_fence() {
    assert_eq!(lost_after(SignedDuration::from_secs(14)).await.len(), 0);
    assert_eq!(lost_after(SignedDuration::from_secs(18)).await.len(), 1);
}
