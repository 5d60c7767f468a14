//! Laws of the core, over arbitrary histories. Whatever happens, the rules hold.

mod history;
mod order;
mod resume;
mod snapshot;
mod totality;

use proptest::prelude::*;
use protocol::command::Step;
use protocol::decide::{Facts, decide};
use protocol::journal::{Event, JOURNAL_SCHEMA, Record};
use protocol::name::Name;
use protocol::plan::Mode;
use protocol::signal::AlarmState;
use protocol::state::{Phase, State, evolve, fold};

use self::history::{Happening, History, happenings, modes, plan};

fn done(state: &State, step: Step, names: &[Name]) -> bool {
    let run = state.run.as_ref().expect("a run");
    names.iter().all(|name| run.is_done(step, name))
}

/// The rules that must hold of each record, given the state before it.
fn check_rules(before: &State, record: &Record) {
    match &record.event {
        Event::StepIntended { step: Step::Promote, subjects, .. } => {
            let run = before.run.as_ref().expect("a run");
            assert!(run.overrides.override_fence || done(before, Step::Fence, &run.scope.routes), "R6");
            let within =
                |name: &Name| run.data_loss.iter().any(|loss| loss.database == *name && loss.within_limit);
            assert!(run.overrides.allow_data_loss || subjects.iter().all(within), "R8");
            assert_eq!(run.phase, Phase::Moving, "R5");
        }
        Event::StepIntended { step: Step::Open, .. } => {
            let scope = &before.run.as_ref().expect("a run").scope;
            assert!(
                done(before, Step::Promote, &scope.databases) && done(before, Step::Scale, &scope.fleets),
                "R7"
            );
        }
        Event::RunOpened { .. } => assert!(before.active_run().is_none(), "R3"),
        Event::AbortBegan { .. } | Event::Aborted { .. } => {
            assert!(!before.run.as_ref().expect("a run").has_begun(Step::Promote), "R11");
        }
        Event::Committed { by: None, .. } | Event::ApprovalAsked { .. } => {
            let weight = before.weight(record.at);
            assert!(weight.kinds.len() >= 2 && weight.outside, "R4: {weight:?}");
            assert!(before.run.as_ref().expect("a run").vetoes.is_empty(), "R4: a veto stands");
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_rules_hold(
        mode in modes(),
        history in prop::collection::vec(happenings(), 1..120),
    ) {
        let mut lived = History::new(plan(mode));
        for happening in history {
            lived.live(happening);
        }
        let mut state = State::default();
        for record in &lived.records {
            check_rules(&state, record);
            let last_run = state.run.clone();
            state = evolve(state, record).expect("a journal that was lived is legal");
            if let Some(last) = last_run && last.phase.is_final() {
                let same = state.run.as_ref().is_some_and(|run| *run == last);
                let new = matches!(record.event, Event::RunOpened { .. });
                prop_assert!(same || new, "a finished run never changes again");
            }
        }
        prop_assert_eq!(&state, &lived.state, "replay is the state");
        prop_assert_eq!(&fold(&lived.records).expect("legal"), &lived.state);
    }

    #[test]
    fn every_prefix_of_a_journal_folds_and_decides(
        mode in modes(),
        history in prop::collection::vec(happenings(), 1..80),
        later in 0..5_000i64,
    ) {
        let mut lived = History::new(plan(mode));
        for happening in history {
            lived.live(happening);
        }
        let later = lived.now.checked_add(jiff::SignedDuration::from_secs(later)).expect("a time");
        for end in 0..=lived.records.len() {
            let state = fold(&lived.records[..end]).expect("a prefix is legal");
            let decision = decide(&lived.plan, &state, &Facts::default(), later);
            prop_assert!(!decision.sentence.is_empty());
        }
    }

    #[test]
    fn the_same_facts_told_twice_change_nothing_more(
        mode in modes(),
        history in prop::collection::vec(happenings(), 1..60),
        good in prop::option::of(any::<bool>()),
        replicates in prop::option::of(any::<bool>()),
    ) {
        let mut lived = History::new(plan(mode));
        for happening in history {
            lived.live(happening);
        }
        let facts = Facts { observation: Some(lived.look(good, replicates, Some(10))), ..Facts::default() };
        lived.settle(facts.clone());
        let records = lived.records.len();
        lived.settle(facts);
        prop_assert_eq!(records, lived.records.len());
    }

    #[test]
    fn records_survive_their_json(
        mode in modes(),
        history in prop::collection::vec(happenings(), 1..60),
    ) {
        let mut lived = History::new(plan(mode));
        for happening in history {
            lived.live(happening);
        }
        for record in &lived.records {
            let text = serde_json::to_string(record).expect("a record is JSON");
            prop_assert_eq!(&serde_json::from_str::<Record>(&text).expect("and back"), record);
        }
    }
}

#[test]
fn a_gap_in_the_sequence_and_a_newer_schema_are_illegal() {
    let mut lived = History::new(plan(Mode::Approve));
    lived.live(Happening::Alarm(AlarmState::Alarm));
    let mut gap = lived.records[0].clone();
    gap.seq = 3;
    assert!(
        fold([&gap]).is_err_and(|illegal| illegal.to_string().contains("next sequence number is 1, not 3"))
    );
    let mut newer = lived.records[0].clone();
    newer.schema = JOURNAL_SCHEMA + 1;
    assert!(
        fold([&newer])
            .is_err_and(|illegal| illegal.to_string().contains("deploy all functions from one release"))
    );
}
