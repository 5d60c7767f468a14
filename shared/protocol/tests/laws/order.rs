//! Does it matter in which order things are heard, and where a run goes from where? Facts that have nothing to do with each
//! other commute, also when they come twice; phases go forward.

use crate::shapes::first_primary;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use protocol::decide::Facts;
use protocol::evidence::{EvidenceKey, EvidenceKind};
use protocol::journal::{AbortCause, Event};
use protocol::name::Name;
use protocol::signal::{AlarmSignal, AlarmState, MultiAzFailover, Signal, Via};
use protocol::state::{AlarmSeen, Phase, State, evolve};

use super::history::{Happening, History, happenings, modes};

/// A fact that has nothing to do with the others: each speaks of another alarm or another database.
#[derive(Clone, Debug)]
enum Fact {
    Alarm { number: usize, state: AlarmState, seconds_ago: i64 },
    MultiAzFailover { seconds_ago: i64 },
    Look { is_bad: bool, is_broken: bool },
}

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let alarm = |number: usize| {
        (prop::sample::select(vec![AlarmState::Alarm, AlarmState::Ok]), 0..60_i64)
            .prop_map(move |(state, seconds_ago)| Fact::Alarm { number, state, seconds_ago })
    };
    let look =
        (any::<bool>(), any::<bool>()).prop_map(|(is_bad, is_broken)| Fact::Look { is_bad, is_broken });
    let zone = (0..60_i64).prop_map(|seconds_ago| Fact::MultiAzFailover { seconds_ago });
    (alarm(0), alarm(1), alarm(2), zone, look)
        .prop_map(|(first, second, third, zone, look)| vec![first, second, third, zone, look])
        .prop_shuffle()
}

fn hear(history: &mut History, fact: &Fact) {
    let ago = |seconds: &i64| history.now.checked_sub(SignedDuration::from_secs(*seconds)).expect("a time");
    let facts = match fact {
        Fact::Alarm { number, state, seconds_ago } => Facts {
            signals: vec![Signal::Alarm(AlarmSignal {
                arn: history.plan.detection.sides.primary.alarms[*number].clone(),
                state: *state,
                changed_at: ago(seconds_ago),
                reason: "r".into(),
                contributor: None,
                held_back: None,
                via: Via::EventBridge,
            })],
            ..Facts::default()
        },
        Fact::MultiAzFailover { seconds_ago } => Facts {
            signals: vec![Signal::MultiAzFailover(MultiAzFailover {
                instance: first_primary(&history.plan),
                event_id: "RDS-EVENT-0013".into(),
                at: ago(seconds_ago),
                via: Via::EventBridge,
            })],
            ..Facts::default()
        },
        // A look that shows no life: what shows life is an answer to everything else.
        Fact::Look { is_bad, is_broken } => {
            let seen = |is_it: bool| is_it.then_some(false);
            Facts {
                observation: Some(history.look(seen(*is_bad), seen(*is_broken), Some(10))),
                ..Facts::default()
            }
        }
    };
    history.settle(facts);
}

/// What is known: which evidence stands, what was last heard of each alarm, and of each database. How often evidence was
/// seen again is not a fact, and is written down as often as somebody weighs it.
fn known(
    state: &State,
) -> (BTreeSet<&EvidenceKey>, &BTreeMap<String, AlarmSeen>, &BTreeMap<Name, Timestamp>) {
    (state.evidence.keys().collect(), &state.alarms, &state.multi_az_failovers)
}

/// What is known of those that speak up by themselves: alarms and RDS.
fn spoken(
    state: &State,
) -> (BTreeSet<&EvidenceKey>, &BTreeMap<String, AlarmSeen>, &BTreeMap<Name, Timestamp>) {
    let (mut evidence, alarms, multi_az_failovers) = known(state);
    evidence.retain(|key| key.kind == EvidenceKind::Alarm);
    (evidence, alarms, multi_az_failovers)
}

fn copy(history: &History) -> History {
    history.cut(history.records.len())
}

/// Where a run may go from a phase.
fn may_follow(from: &Phase, to: &Phase) -> bool {
    let forward: &[&str] = match from {
        Phase::Confirming { .. } => {
            &["confirming", "awaiting approval", "moving", "needs an operator", "aborting", "aborted"]
        }
        Phase::AwaitingApproval { .. } => {
            &["awaiting approval", "moving", "needs an operator", "aborting", "aborted"]
        }
        Phase::Moving => &["moving", "needs an operator", "aborting", "aborted", "completed"],
        // A person lets it go on from where it was stopped, or ends it.
        Phase::NeedsOperator { .. } => &["needs an operator", "moving", "aborting", "aborted"],
        // From here there is one way.
        Phase::Aborting { .. } => &["aborting", "aborted"],
        Phase::Superseded { .. } => &["superseded"],
        Phase::Aborted { .. } => &["aborted"],
        Phase::Completed { .. } => &["completed"],
    };
    forward.contains(&to.as_str())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn facts_that_have_nothing_to_do_with_each_other_commute(
        mode in modes(),
        happenings in prop::collection::vec(happenings(), 0..40),
        first in facts(),
        order in any::<u64>(),
        repeats in any::<bool>(),
    ) {
        let lived = History::lived(mode, happenings);
        let (mut one, mut other) = (copy(&lived), copy(&lived));
        one.now = lived.now;
        other.now = lived.now;
        let mut second = first.clone();
        // Another order of the same: turned, and perhaps the other way round; and perhaps each twice.
        second.rotate_left(usize::try_from(order % 5).expect("small"));
        if order % 2 == 1 {
            second.reverse();
        }
        if repeats {
            second = second.iter().flat_map(|fact| [fact.clone(), fact.clone()]).collect();
        }
        for fact in &first {
            hear(&mut one, fact);
        }
        for fact in &second {
            hear(&mut other, fact);
        }
        let concludes = |history: &History| {
            history.records[lived.records.len()..].iter().any(|record| {
                !matches!(
                    record.event,
                    Event::EvidenceSeen { .. } | Event::EvidenceCleared { .. } | Event::MultiAzFailoverSeen { .. }
                        | Event::VetoesSeen { .. } | Event::VetoesCleared { .. } | Event::SignalRejected { .. }
                )
            })
        };
        // After dismissed runs a look that is not sufficient is not written down, and the next one shows the same again:
        // whether it was sufficient hangs on what was heard before it.
        let is_folding = |history: &History| history.state.dismissals.rest_until(history.now).is_some();
        if is_folding(&lived) || is_folding(&one) || is_folding(&other) {
            prop_assert_eq!(spoken(&one.state), spoken(&other.state));
        } else {
            prop_assert_eq!(known(&one.state), known(&other.state));
        }
        // Where some moment was the one to begin or to conclude something, what was heard by then decided, and rightly.
        if !concludes(&one) && !concludes(&other) {
            let phase = |state: &State| state.run.as_ref().map(|run| run.phase.as_str());
            prop_assert_eq!(phase(&one.state), phase(&other.state));
        }
    }

    #[test]
    fn phases_never_go_back_but_for_the_abort_path(
        mode in modes(),
        happenings in prop::collection::vec(happenings(), 1..120),
    ) {
        let lived = History::lived(mode, happenings);
        let mut state = State::default();
        for record in &lived.records {
            let next = evolve(state.clone(), record).expect("legal");
            if let (Some(before), Some(after)) = (&state.run, &next.run)
                && before.id == after.id
            {
                prop_assert!(may_follow(&before.phase, &after.phase), "{:?}: {record:?}", before.phase);
                prop_assert!(before.committed_at.is_none() || before.committed_at == after.committed_at);
                prop_assert!(before.begun.is_subset(&after.begun), "what was begun is not forgotten");
            }
            state = next;
        }
    }
}

#[test]
fn the_ways_of_a_run_are_told_apart() {
    let at = Timestamp::UNIX_EPOCH;
    let aborted = Phase::Aborted { at, cause: AbortCause::Evidence };
    assert!(!may_follow(&Phase::Moving, &Phase::Confirming { sufficient_since: None }));
    assert!(!may_follow(&aborted, &Phase::Moving));
    assert!(may_follow(&Phase::Moving, &aborted));
}

/// The same message twice, with another between: one record each.
#[test]
fn repeated_and_reordered_messages_are_one_record_each() {
    let mut history = History::lived(protocol::plan::Mode::Approve, vec![Happening::Wait(1)]);
    let old = Fact::Alarm { number: 0, state: AlarmState::Alarm, seconds_ago: 50 };
    let new = Fact::Alarm { number: 0, state: AlarmState::Ok, seconds_ago: 5 };
    for fact in [&old, &new, &old, &new, &old] {
        hear(&mut history, fact);
    }
    let kinds: Vec<&Event> = history.records.iter().map(|record| &record.event).collect();
    let heard = kinds
        .iter()
        .filter(|event| matches!(event, Event::EvidenceSeen { .. } | Event::EvidenceCleared { .. }));
    assert_eq!(heard.count(), 2, "{kinds:#?}");
}
