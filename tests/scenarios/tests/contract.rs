//! The contract of a step: delivered twice or late, lost, throttled, unanswered, denied, or killed at any of its calls,
//! it ends in the same place. One test for each step and each harm; every test plays the run once for each call that the
//! step's workers make. `make scenarios` lists them.

use protocol::endpoint::Endpoint;
use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use ports::{FailureKind, RouteView};
use protocol::command::Step;
use protocol::journal::Event;
use protocol::name::Name;
use protocol::plan::{Capacity, Mode, Plan};
use protocol::state::{Cleanup, Phase, State};
use scenarios::fault_injection::{Harm, Tap};
use scenarios::{Stage, has_begun, is_over, needs_operator};
use serde_json::json;
use twin::plans::{as_aurora, small_plan};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// How the cloud stands in the end.
#[derive(Debug, PartialEq, Eq)]
struct Cloud {
    routes: BTreeMap<Name, RouteView>,
    fleets: BTreeMap<Name, Capacity>,
    promotions: BTreeMap<Name, u32>,
    cut_off: BTreeMap<Name, bool>,
    phase: &'static str,
}

impl Cloud {
    fn of(stage: &Stage) -> Self {
        let phase = stage.phase();
        let inner = stage.world.inner();
        Self {
            routes: inner.routes.clone(),
            fleets: inner.fleets.iter().map(|(name, twin)| (name.clone(), twin.capacity)).collect(),
            promotions: inner.databases.iter().map(|(name, twin)| (name.clone(), twin.promotions)).collect(),
            cut_off: inner.databases.iter().map(|(name, twin)| (name.clone(), twin.quarantined)).collect(),
            phase,
        }
    }
}

/// A step, and whether the plan's database is Aurora's.
#[derive(Clone, Copy)]
struct Case {
    step: Step,
    is_aurora: bool,
}

/// A step with an RDS instance as the database.
const fn of_an_instance(step: Step) -> Case {
    Case { step, is_aurora: false }
}

/// A step with an Aurora global database.
const fn of_a_global_database(step: Step) -> Case {
    Case { step, is_aurora: true }
}

/// One database, one fleet, two routes; everything quick, so that few calls are made.
fn quick_plan(is_aurora: bool) -> Plan {
    let mut plan = small_plan(Mode::Automatic);
    if is_aurora {
        plan.databases.iter_mut().for_each(as_aurora);
    }
    plan.detection.confirm_seconds = 10;
    let mut second = plan.routes[0].clone();
    second.name = Name::from("second");
    second.sides.primary.endpoint = format!("{}2", second.sides.primary.endpoint);
    second.sides.recovery.endpoint = format!("{}2", second.sides.recovery.endpoint);
    second.sides.recovery.probe = None;
    plan.routes.push(second);
    assert_eq!(plan.validate(), vec![]);
    plan
}

/// Whether a step undoes an aborted run.
fn is_undo(step: Step) -> bool {
    matches!(step, Step::Restore | Step::Unfence)
}

/// Plays a run to its end: it moves, or is aborted where the step is one that undoes. What stops it is mended, and a
/// person lets it go on.
fn play(case: Case, arrange: impl FnOnce(&mut Stage)) -> Stage {
    let step = case.step;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let mut stage = Stage::new(quick_plan(case.is_aurora));
        {
            let mut inner = stage.world.inner();
            inner.durations.promotion = SignedDuration::from_secs(6);
            inner.durations.launch = SignedDuration::from_secs(5);
            if is_undo(step) {
                // The second route can't be fenced: the run stops before it promotes anything.
                inner.routes.get_mut(&Name::from("second")).expect("a route").endpoints.primary =
                    Endpoint::Missing;
            }
        }
        arrange(&mut stage);
        stage.pass(SignedDuration::from_secs(5)).await;
        stage.world.inner().primary_lives = false;
        stage.alarm("ALARM").await.expect("the alarm is taken");
        match step {
            Step::Restore | Step::Unfence => undo(&mut stage).await,
            Step::Quarantine => return_of_the_primary(&mut stage).await,
            _ => go_on_until(&mut stage, is_over).await,
        }
        again_after_the_end(&mut stage, step).await;
        stage
    })
}

/// Lets a run go on, with a person who mends and approves, until something holds.
async fn go_on_until(stage: &mut Stage, holds: impl Fn(&State) -> bool) {
    for _ in 0..8 {
        let stops = |state: &State| holds(state) || needs_operator(state);
        assert!(stage.until(HOUR, stops).await, "{:#?}", stage.sentences());
        if holds(&stage.state()) {
            return;
        }
        let approval = json!({ "command": "approve", "run": stage.run(), "by": "ana", "allow_data_loss": true,
            "override_vetoes": true });
        // What is refused is refused for a reason that passes, such as a failing journal.
        drop(stage.invoke(approval).await);
    }
    panic!("a person had to approve again and again: {:#?}", stage.sentences());
}

/// The run stops at a fence and is aborted.
async fn undo(stage: &mut Stage) {
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    let abort =
        json!({ "command": "abort", "run": stage.run(), "by": "ana", "reason": "it can't be fenced" });
    stage.invoke(abort).await.expect("aborted");
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
}

/// The region comes back in the middle of the promotion: its database is to be cut off.
async fn return_of_the_primary(stage: &mut Stage) {
    go_on_until(stage, has_begun(Step::Promote)).await;
    stage.world.inner().primary_lives = true;
    let is_cut_off = |state: &State| is_over(state) && state.cleanup.values().all(Cleanup::is_done);
    go_on_until(stage, is_cut_off).await;
}

/// Every command of the step once more, long after it was done: nothing comes of it.
async fn again_after_the_end(stage: &mut Stage, step: Step) {
    stage.tap = stage.tap.take().filter(|tap| tap.step != step);
    let before = Cloud::of(stage);
    let changes = |stage: &Stage| {
        let inner = stage.world.inner();
        ["promote", "resize", "set_primary", "set_recovery", "quarantine"]
            .map(|action| inner.calls.get(action).copied().unwrap_or(0))
    };
    let calls = changes(stage);
    let late: Vec<_> = stage.published.iter().filter(|command| command.step == step).cloned().collect();
    for command in late {
        stage.start(command);
    }
    stage.pass(SignedDuration::from_secs(10)).await;
    assert_eq!((Cloud::of(stage), changes(stage)), (before, calls), "a late command of {step} did something");
}

/// The end that the run has when nothing harms it; and how many calls its step makes.
fn unharmed(case: Case) -> (Cloud, usize) {
    let step = case.step;
    let tap = Tap::counting(step);
    let stage = play(case, |stage| stage.tap = Some(tap.clone()));
    let cloud = Cloud::of(&stage);
    let wanted = if is_undo(step) { "aborted" } else { "completed" };
    assert_eq!(cloud.phase, wanted, "{:#?}", stage.sentences());
    let promotions = u32::from(!is_undo(step));
    assert!(cloud.promotions.values().all(|count| *count == promotions), "{cloud:?}");
    assert_eq!(cloud.cut_off.values().any(|is_cut_off| *is_cut_off), step == Step::Quarantine);
    assert_kept(step, &stage, &tap, &cloud);
    (cloud, tap.calls())
}

/// What must hold however the run was harmed.
fn assert_kept(step: Step, stage: &Stage, tap: &Tap, wanted: &Cloud) {
    let said = stage.sentences();
    assert_eq!(Cloud::of(stage), *wanted, "the end is another one: {said:#?}");
    let records = stage.records();
    for effect in tap.effects() {
        let is_its_intent = |event: &Event| match event {
            Event::StepIntended { step: intended, subjects, .. } => {
                *intended == step && subjects.contains(&effect.subject)
            }
            _ => false,
        };
        let intended = records.iter().take_while(|record| record.seq <= effect.after_seq);
        let mut own =
            intended.filter(|record| record.writer == effect.writer && is_its_intent(&record.event));
        assert!(own.next().is_some(), "{effect:?} was not intended: {said:#?}");
    }
    let run = stage.run();
    let expected = match step {
        Step::Confirm => format!("Run {run} moves shop to us-west-1: "),
        _ => format!("Step {step} is done: "),
    };
    let tells = |words: &str| said.iter().any(|sentence| sentence.starts_with(words));
    assert!(tells(&expected), "nothing says \"{expected}\": {said:#?}");
    let end = if is_undo(step) {
        format!("Run {run} is aborted and rolled back.")
    } else {
        format!("Run {run} completed: shop serves from us-west-1. Recovery took ")
    };
    assert!(tells(&end), "nothing says \"{end}\": {said:#?}");
    assert_one_outcome(step, stage);
}

/// Each item's step is done once: later ones who see it stand have nothing to say.
fn assert_one_outcome(step: Step, stage: &Stage) {
    let mut done = BTreeSet::new();
    for record in stage.records() {
        if let Event::StepDone { step: of, subjects, .. } = &record.event
            && *of == step
        {
            for outcome in subjects {
                assert!(done.insert(outcome.subject.clone()), "{step} of {} is done twice", outcome.subject);
            }
        }
    }
    let run = stage.state().run.expect("a run");
    assert!(matches!(run.phase, Phase::Completed { .. } | Phase::Aborted { .. }));
}

/// Harms each call of the step in turn, so many at a time.
fn each_call_in_turn(case: Case, harm: Harm, at_a_time: usize) {
    let step = case.step;
    let (cloud, calls) = unharmed(case);
    assert!(calls > 3, "{step} makes {calls} calls");
    for index in 0..calls {
        let tap = Tap::hurting(step, harm, index, index + at_a_time);
        let stage = play(case, |stage| stage.tap = Some(tap.clone()));
        assert!(tap.calls() > index, "call {index} of {step} was never made");
        assert_kept(step, &stage, &tap, &cloud);
    }
}

/// Arranges something and plays once.
fn once(case: Case, arrange: impl FnOnce(&mut Stage)) {
    let step = case.step;
    let (cloud, _) = unharmed(case);
    let tap = Tap::counting(step);
    let stage = play(case, |stage| {
        stage.tap = Some(tap.clone());
        arrange(stage);
    });
    assert_kept(step, &stage, &tap, &cloud);
}

macro_rules! contract {
    ($($step:ident: $of:expr;)*) => {
        $(mod $step {
            use super::*;

            #[test]
            fn delivered_twice() { once($of, |stage| stage.deliveries = 2); }

            #[test]
            fn delivered_five_times() { once($of, |stage| stage.deliveries = 5); }

            #[test]
            fn its_command_lost() { once($of, |stage| stage.loses = Some(($of.step, 1))); }

            #[test]
            fn its_commands_lost_for_minutes() { once($of, |stage| stage.loses = Some(($of.step, 4))); }

            #[test]
            fn every_call_throttled_in_turn() { each_call_in_turn($of, Harm::Fails(FailureKind::Throttled), 1); }

            #[test]
            fn five_calls_in_a_row_throttled() { each_call_in_turn($of, Harm::Fails(FailureKind::Throttled), 5); }

            #[test]
            fn every_call_failed_by_the_service_in_turn() {
                each_call_in_turn($of, Harm::Fails(FailureKind::Unavailable), 1);
            }

            #[test]
            fn every_call_without_an_answer_in_turn() {
                each_call_in_turn($of, Harm::Fails(FailureKind::Unreachable), 1);
            }

            #[test]
            fn every_answer_lost_in_turn() { each_call_in_turn($of, Harm::LosesAnswer, 1); }

            #[test]
            fn three_answers_in_a_row_lost() { each_call_in_turn($of, Harm::LosesAnswer, 3); }

            #[test]
            fn every_call_in_conflict_in_turn() { each_call_in_turn($of, Harm::Fails(FailureKind::Conflict), 1); }

            #[test]
            fn every_call_denied_in_turn_and_mended() {
                each_call_in_turn($of, Harm::Fails(FailureKind::Denied), 1);
            }

            #[test]
            fn killed_before_every_call_in_turn() { each_call_in_turn($of, Harm::KillsBefore, 1); }

            #[test]
            fn killed_after_every_call_in_turn() { each_call_in_turn($of, Harm::KillsAfter, 1); }

            #[test]
            fn two_workers_killed_one_after_the_other() { each_call_in_turn($of, Harm::KillsAfter, 2); }
        })*
    };
}

contract! {
    confirm: of_an_instance(Step::Confirm);
    scale: of_an_instance(Step::Scale);
    fence: of_an_instance(Step::Fence);
    promote: of_an_instance(Step::Promote);
    open: of_an_instance(Step::Open);
    verify: of_an_instance(Step::Verify);
    quarantine: of_an_instance(Step::Quarantine);
    restore: of_an_instance(Step::Restore);
    unfence: of_an_instance(Step::Unfence);
    promote_a_global_database: of_a_global_database(Step::Promote);
    quarantine_of_a_global_database: of_a_global_database(Step::Quarantine);
}
