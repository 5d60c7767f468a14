//! What follows a state? Any record at all is folded or refused, the same each time, and without a panic; what is refused
//! is refused for good reason.

use jiff::SignedDuration;
use proptest::prelude::*;
use protocol::command::Step;
use protocol::decide::{Facts, decide};
use protocol::journal::{Event, Record, SubjectDone};
use protocol::name::Name;
use protocol::plan::Mode;
use protocol::state::{Illegality, State, evolve};

use super::history::{Happening, History, happenings, modes};

fn histories() -> impl Strategy<Value = Vec<Happening>> {
    prop::collection::vec(happenings(), 1..60)
}

/// A record of another history, put where it never was.
fn transplanted(record: &Record, state: &State, keeps_run: bool, seconds: i64) -> Record {
    let run = if keeps_run { record.run } else { state.run.as_ref().map(|run| run.id) };
    let at = record.at.checked_add(SignedDuration::from_secs(seconds)).expect("a time");
    Record { seq: state.next_seq(), run, at, ..record.clone() }
}

/// Outcomes of a step under an intent, of an item.
fn outcomes(step: Step, name: &Name, intent: u64) -> Vec<Event> {
    let subjects = vec![name.clone()];
    let until = jiff::Timestamp::MAX;
    let done = SubjectDone { subject: name.clone(), detail: "d".into(), changed: true, took_ms: 1 };
    vec![
        Event::StepDone { step, subjects: vec![done], intent },
        Event::StepWaiting { step, subjects: subjects.clone(), intent, until, note: "n".into() },
        Event::StepHandedOver { step, subjects: subjects.clone(), intent, note: "n".into() },
        Event::StepFailed { step, subjects, intent, code: "c".into(), message: "m".into(), quiet: false },
    ]
}

/// The items of a plan that a step has.
fn subjects(history: &History, step: Step) -> Vec<Name> {
    let plan = &history.plan;
    match step {
        Step::Promote | Step::Quarantine => plan.databases.iter().map(|item| item.name.clone()).collect(),
        Step::Scale | Step::Restore => plan.fleets.iter().map(|item| item.name.clone()).collect(),
        Step::Confirm => vec![plan.name.clone()],
        _ => plan.routes.iter().map(|item| item.name.clone()).collect(),
    }
}

const STEPS: [Step; 9] = [
    Step::Confirm,
    Step::Scale,
    Step::Fence,
    Step::Promote,
    Step::Open,
    Step::Verify,
    Step::Quarantine,
    Step::Restore,
    Step::Unfence,
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_record_on_any_state_is_folded_or_refused_and_the_same_each_time(
        modes in (modes(), modes()),
        here in histories(),
        elsewhere in histories(),
        keeps_run in any::<bool>(),
        seconds in -5_000..5_000_i64,
    ) {
        let lived = History::lived(modes.0, here);
        let other = History::lived(modes.1, elsewhere);
        let mut state = lived.state.clone();
        for record in &other.records {
            let record = transplanted(record, &state, keeps_run, seconds);
            let found = evolve(state.clone(), &record);
            prop_assert_eq!(&found, &evolve(state.clone(), &record), "deterministic");
            if let Ok(next) = found {
                prop_assert_eq!(next.last_seq, state.last_seq + 1);
                state = next;
                let decision = decide(&lived.plan, &state, &Facts::default(), record.at);
                prop_assert!(!decision.sentence.is_empty());
                let again = decide(&lived.plan, &state, &Facts::default(), record.at);
                prop_assert_eq!(decision, again, "deterministic");
            }
        }
    }

    #[test]
    fn a_run_that_is_over_takes_no_record_of_any_history(
        modes in (modes(), modes()),
        here in histories(),
        elsewhere in histories(),
    ) {
        let lived = History::lived(modes.0, here);
        let other = History::lived(modes.1, elsewhere);
        for end in 0..=lived.records.len() {
            let state = lived.cut(end).state;
            let Some(run) = state.run.clone().filter(|run| run.phase.is_final()) else { continue };
            for record in &other.records {
                let record = transplanted(record, &state, false, 0);
                if let Ok(next) = evolve(state.clone(), &record) {
                    let is_new = matches!(record.event, Event::RunOpened { .. });
                    prop_assert!(is_new || next.run.as_ref() == Some(&run), "{:?}", record.event);
                }
            }
            // One end of a history is as good as all its later moments.
            break;
        }
    }

    #[test]
    fn no_outcome_without_an_earlier_intent(
        mode in modes(),
        here in histories(),
        intent in 0..200_u64,
    ) {
        let lived = History::lived(mode, here);
        let Some(run) = lived.state.run.as_ref() else { return Ok(()) };
        for step in STEPS {
            for name in subjects(&lived, step) {
                let was_intended = lived.records.iter().any(|record| match &record.event {
                    Event::StepIntended { step: which, subjects, .. } => *which == step && subjects.contains(&name),
                    _ => false,
                });
                if was_intended {
                    continue;
                }
                for event in outcomes(step, &name, intent) {
                    let template = lived.records.last().expect("there is a run, so there are records");
                    let seq = lived.state.next_seq();
                    let record = Record { seq, run: Some(run.id), event, ..template.clone() };
                    let why = evolve(lived.state.clone(), &record).expect_err("nothing was intended").why;
                    let is_refused = matches!(
                        why,
                        Illegality::NotHeld { .. } | Illegality::Finished(_) | Illegality::Step { .. }
                    );
                    prop_assert!(is_refused, "{:?}: {why}", record.event);
                }
            }
        }
    }

    #[test]
    fn an_intent_of_this_run_stands_before_every_outcome(mode in modes(), here in histories()) {
        let lived = History::lived(mode, here);
        for (index, record) in lived.records.iter().enumerate() {
            let (step, names): (Step, Vec<&Name>) = match &record.event {
                Event::StepDone { step, subjects, .. } => (*step, subjects.iter().map(|done| &done.subject).collect()),
                Event::StepFailed { step, subjects, .. }
                | Event::StepWaiting { step, subjects, .. }
                | Event::StepHandedOver { step, subjects, .. } => (*step, subjects.iter().collect()),
                _ => continue,
            };
            for name in names {
                let is_its_intent = |earlier: &Record| match &earlier.event {
                    Event::StepIntended { step: which, subjects, .. } => {
                        *which == step && subjects.contains(name) && (earlier.run == record.run || step == Step::Quarantine)
                    }
                    _ => false,
                };
                prop_assert!(lived.records[..index].iter().any(is_its_intent), "{:?}", record.event);
            }
        }
    }

    #[test]
    fn a_decision_that_was_carried_out_is_not_made_again(mode in modes(), here in histories()) {
        let mut lived = History::lived(mode, here);
        lived.settle(Facts::default());
        let decision = decide(&lived.plan, &lived.state, &Facts::default(), lived.now);
        prop_assert!(decision.append.is_none(), "at rest");
        for command in &decision.commands {
            lived.take_command(command);
        }
        let again = decide(&lived.plan, &lived.state, &Facts::default(), lived.now);
        prop_assert!(again.append.is_none() && again.commands.is_empty(), "{again:?}");
    }
}

/// The laws above are about something: histories reach what they speak of.
#[test]
fn histories_reach_runs_that_are_over_and_runs_that_move() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut over, mut moving, mut done) = (0, 0, 0);
    for _ in 0..300 {
        let happenings = histories().new_tree(&mut runner).expect("a history").current();
        let lived = History::lived(Mode::Automatic, happenings);
        for record in &lived.records {
            match &record.event {
                Event::Aborted { .. } | Event::Completed { .. } => over += 1,
                Event::Committed { .. } => moving += 1,
                Event::StepDone { .. } => done += 1,
                _ => {}
            }
        }
    }
    assert!(over > 100 && moving > 50 && done > 150, "{over} over, {moving} moving, {done} done");
}
