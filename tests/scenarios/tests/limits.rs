//! The guards of the functions, at the moment for which they are there; and their numbers, at the limit and one beyond it.

use protocol::endpoint::{Endpoint, Setting};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use ports::inspection::TopicInspection;
use ports::{Answer, Clock, FunctionError, Functions};
use protocol::command::{Step, StepCommand};
use protocol::journal::Event;
use protocol::name::Name;
use protocol::plan::{Capacity, Mode, Plan};
use protocol::readiness::facts::Subscriptions;
use protocol::side::Side;
use protocol::state::State;
use scenarios::{COMMANDS_TOPIC, GOOD_MINUTES, Stage, has_begun, is_over, needs_operator, sns};
use serde_json::{Value, json};
use twin::RuntimeClock;
use twin::plans::small_plan;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

async fn lost(plan: Plan) -> Stage {
    let mut stage = Stage::new(plan);
    stage.lose_primary().await;
    stage
}

fn is_done(step: Step) -> impl Fn(&State) -> bool {
    move |state| {
        let mut progress = state.run.iter().flat_map(|run| run.steps.of(step));
        progress.any(|(_, progress)| progress.is_done())
    }
}

/// Somebody opens the primary side of every route again.
fn open_primary(stage: &Stage) {
    for route in stage.world.inner().routes.values_mut() {
        route.endpoints.primary = Endpoint::Open(Setting::Weight(128));
    }
}

/// The next command of a step, taken before anybody is started for it.
async fn take_command(stage: &mut Stage, step: Step) -> StepCommand {
    for _ in 0..20_000 {
        {
            let mut inner = stage.world.inner();
            if let Some(at) = inner.commands.iter().position(|command| command.step == step) {
                return inner.commands.remove(at).expect("it is there");
            }
        }
        stage.beat().await;
    }
    unreachable!("step {step} was never due: {:#?}", stage.sentences())
}

#[tokio::test(start_paused = true)]
async fn an_opening_closes_the_primary_side_that_somebody_has_opened_again() {
    let mut stage = lost(small_plan(Mode::Automatic)).await;
    let open = take_command(&mut stage, Step::Open).await;
    open_primary(&stage);
    stage.start(open);
    assert!(stage.until(HOUR, is_done(Step::Open)).await, "{:#?}", stage.sentences());
    let inner = stage.world.inner();
    assert!(
        inner.routes.values().all(|route| route.endpoints.primary == Endpoint::Closed),
        "{:?}",
        inner.routes
    );
    assert!(
        inner.routes.values().all(|route| route.endpoints.recovery == Endpoint::Open(Setting::Weight(128))),
        "{:?}",
        inner.routes
    );
}

#[tokio::test(start_paused = true)]
async fn a_primary_side_that_is_open_at_the_end_is_not_verified() {
    let mut stage = lost(small_plan(Mode::Automatic)).await;
    let verify = take_command(&mut stage, Step::Verify).await;
    open_primary(&stage);
    stage.start(verify);
    assert!(stage.until(HOUR, needs_operator).await, "{}: {:#?}", stage.phase(), stage.sentences());
    let said = stage.sentences().join("\n");
    assert!(
        said.contains("the primary endpoint is open again, with weight 128; set its weight to 0"),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_scale_out_never_makes_a_bigger_group_smaller() {
    let plan = small_plan(Mode::Automatic);
    let planned = plan.fleets[0].at(plan.seat).expect("the plan has it").serving;
    // Bigger in one of its three figures than the plan says, and smaller in the others.
    for found in [
        Capacity { min: 0, desired: planned.desired + 3, max: planned.max + 3 },
        Capacity { min: planned.min + 1, desired: planned.min + 1, max: planned.min + 1 },
        Capacity { min: 0, desired: 0, max: planned.max + 5 },
    ] {
        let mut stage = Stage::new(plan.clone());
        for fleet in stage.world.inner().fleets.values_mut() {
            fleet.capacity = found;
            fleet.resized_at = Some(stage.clock.now());
        }
        stage.lose_primary().await;
        assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
        assert_eq!(stage.phase(), "completed");
        let expected = Capacity {
            min: found.min.max(planned.min),
            desired: found.desired.max(planned.desired),
            max: found.max.max(planned.max),
        };
        let sizes: Vec<Capacity> = stage.world.inner().fleets.values().map(|fleet| fleet.capacity).collect();
        assert_eq!(sizes, [expected], "found as {found:?}");
    }
}

/// A run that confirms for long: an alarm stands, and nothing else.
async fn confirming() -> (Stage, StepCommand) {
    let mut plan = small_plan(Mode::Approve);
    plan.detection.confirm_seconds = 900;
    let mut stage = Stage::new(plan);
    stage.pass(GOOD_MINUTES).await;
    stage.alarm("ALARM").await.expect("the alarm is taken");
    let confirm = take_command(&mut stage, Step::Confirm).await;
    (stage, confirm)
}

/// Watches the evidence in a function with so much time; says when records of a kind were written, from its beginning.
async fn watch(time_ms: i64, is_it: impl Fn(&Event) -> bool) -> Vec<i128> {
    let (stage, confirm) = confirming().await;
    let began = stage.now();
    let deadline = began.checked_add(SignedDuration::from_millis(time_ms)).expect("a time");
    let payload = sns(COMMANDS_TOPIC, &json!(confirm));
    let handler = stage.instance("alarm-handler/watch").alarm_handler();
    handler.handle(&payload, deadline).await.expect("it watches");
    let records = stage.records().into_iter().filter(|record| record.at >= began && is_it(&record.event));
    records.map(|record| record.at.duration_since(began).as_millis()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_watch_over_the_evidence_ends_twenty_five_seconds_before_the_functions_deadline() {
    // It looks every five seconds.
    for (time_ms, ended_ms) in [(60_000, 35_000), (60_001, 40_000), (64_999, 40_000), (65_001, 45_000)] {
        let handed_over = watch(time_ms, |event| matches!(event, Event::StepHandedOver { .. })).await;
        assert_eq!(handed_over, [ended_ms], "a function with {time_ms} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn the_watch_renews_its_lease_when_less_than_forty_five_seconds_of_it_are_left() {
    let renewed = watch(120_000, |event| matches!(event, Event::StepWaiting { .. })).await;
    // At 30 s of 75 s forty-five are left: the look after that renews it, until 110 s, and so on.
    assert_eq!(renewed, [35_000, 70_000]);
}

/// How many readiness passes an invocation by the schedule makes when the last one is so old.
async fn passes(age_ms: i64) -> usize {
    let stage = Stage::new(small_plan(Mode::Approve));
    stage.world.sample_lag(400);
    stage.check(json!({ "command": "pass" })).await.expect("a pass");
    assert_eq!(figures(&stage), 1, "the first invocation makes a pass");
    stage.clock.sleep(Duration::from_millis(age_ms.unsigned_abs())).await;
    stage.check(json!({ "command": "pass" })).await.expect("an answer");
    figures(&stage) - 1
}

fn figures(stage: &Stage) -> usize {
    stage.world.inner().samples.iter().filter(|sample| sample.name == "UnreadyChecks").count()
}

#[tokio::test(start_paused = true)]
async fn a_readiness_pass_comes_every_half_hour_less_half_a_minute() {
    let half_hour_ms = 30 * 60_000;
    for (age_ms, expected) in [(half_hour_ms - 30_001, 0), (half_hour_ms - 30_000, 1)] {
        assert_eq!(passes(age_ms).await, expected, "the last one is {age_ms} ms old");
    }
    assert_eq!(engine::readiness::LOOK_MAX.as_secs(), 25);
}

/// A function that takes a while to answer.
struct SlowFunction(Arc<RuntimeClock>, Duration);

#[async_trait]
impl Functions for SlowFunction {
    async fn invoke(&self, _function: &str, _payload: &Value) -> Answer<Result<Value, FunctionError>> {
        self.0.sleep(self.1).await;
        Ok(Ok(json!({ "sentence": "shop is ready." })))
    }
}

#[tokio::test(start_paused = true)]
async fn a_readiness_is_waited_for_until_three_seconds_before_the_functions_deadline() {
    for (takes_ms, is_answered) in [(27_000, true), (27_001, false)] {
        let stage = Stage::new(small_plan(Mode::Approve));
        let mut handler = stage.instance("alarm-handler/readiness").alarm_handler();
        handler.functions = Arc::new(SlowFunction(Arc::clone(&stage.clock), Duration::from_millis(takes_ms)));
        let (began, command) = (stage.now(), json!({ "command": "readiness" }));
        let deadline = began.checked_add(SignedDuration::from_secs(30)).expect("a time");
        let answer = handler.handle(&command, deadline).await;
        assert_eq!(stage.now().duration_since(began), SignedDuration::from_secs(27), "{takes_ms} ms");
        assert_eq!(answer.is_ok(), is_answered, "{takes_ms} ms: {answer:?}");
        if let Err(fault) = answer {
            assert_eq!(fault.code, "readiness_unknown");
            assert!(fault.message.contains("had not answered after 27 s"), "{}", fault.message);
        }
    }
}

/// Topics that take a while to answer.
struct SlowTopics(Arc<RuntimeClock>, Duration);

#[async_trait]
impl TopicInspection for SlowTopics {
    async fn subscriptions(&self, _topic: &str) -> Answer<Option<Subscriptions>> {
        self.0.sleep(self.1).await;
        Ok(Some(Subscriptions { confirmed: 4, pending: 0 }))
    }
}

#[tokio::test(start_paused = true)]
async fn all_looks_of_a_readiness_pass_take_twenty_five_seconds_at_most() {
    for (takes_ms, is_known) in [(25_000, true), (25_001, false)] {
        let stage = Stage::new(small_plan(Mode::Approve));
        stage.world.sample_lag(400);
        let mut checker = stage.instance("readiness-checker").readiness_checker();
        let slow = SlowTopics(Arc::clone(&stage.clock), Duration::from_millis(takes_ms));
        checker.inspection.topics = Arc::new(slow);
        let began = stage.now();
        let answer = checker.handle(&json!({ "command": "readiness" })).await.expect("an answer");
        assert_eq!(stage.now().duration_since(began), SignedDuration::from_secs(25), "{takes_ms} ms");
        let said = answer.to_string();
        assert_eq!(!said.contains("There was no answer within 25 s."), is_known, "{takes_ms} ms: {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_lets_the_next_loss_open_a_run_that_the_cooldown_would_not() {
    for acknowledges in [false, true] {
        let mut stage = lost(small_plan(Mode::Approve)).await;
        assert!(stage.until(HOUR, scenarios::awaits_approval).await);
        let first = stage.run();
        let abort = json!({ "command": "abort", "run": first, "by": "ana", "reason": "a drill" });
        stage.invoke(abort).await.expect("aborted");
        assert!(stage.until(HOUR, is_over).await);
        if acknowledges {
            let acknowledge = json!({ "command": "acknowledge", "run": first, "by": "ana" });
            stage.invoke(acknowledge).await.expect("acknowledged");
        }
        stage.pass(SignedDuration::from_mins(5)).await;
        assert_eq!(stage.run() != first, acknowledges, "{:#?}", stage.sentences());
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_moves_a_second_part_opens_only_while_the_first_part_serves() {
    let mut plan = small_plan(Mode::Automatic);
    // Two routes that share a fleet, each with a database of its own.
    let mut stock = plan.databases[0].clone();
    stock.name = Name::from("stock");
    *stock.arn_mut(Side::Primary) = format!("{}-stock", stock.arn(Side::Primary));
    *stock.arn_mut(Side::Recovery) = format!("{}-stock", stock.arn(Side::Recovery));
    plan.databases.push(stock);
    let mut back = plan.routes[0].clone();
    back.name = Name::from("back");
    back.after = vec![Name::from("stock"), Name::from("web")];
    for side in [&mut back.sides.primary, &mut back.sides.recovery] {
        side.endpoint = side.endpoint.replace("/app/shop-", "/app/back-");
    }
    if let Some(protocol::plan::Probe::Http { name, .. }) = &mut back.sides.recovery.probe {
        *name = Name::from("back-recovery");
    }
    plan.routes.push(back);
    assert_eq!(plan.validate(), vec![]);
    let mut stage = Stage::new(plan);
    stage.pass(GOOD_MINUTES).await;
    stage.world.inner().primary_lives = false;
    let part = |route: &str| {
        json!({ "command": "failover", "by": "ana", "reason": "r", "routes": [route], "allow_data_loss": true,
                "override_vetoes": true })
    };
    stage.invoke(part("front")).await.expect("the first part moves");
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!(stage.phase(), "completed");
    // What the first run moved serves no more.
    stage.world.inner().databases.get_mut(&Name::from("orders")).expect("it is there").promoted_at = None;
    stage.invoke(part("back")).await.expect("the second part moves");
    assert!(stage.until(HOUR, has_begun(Step::Open)).await, "{:#?}", stage.sentences());
    stage.pass(SignedDuration::from_mins(2)).await;
    let recovery = stage.world.inner().routes[&Name::from("back")].endpoints.recovery;
    assert_eq!(recovery, Endpoint::Closed, "database orders is not writable: {:#?}", stage.sentences());
}
