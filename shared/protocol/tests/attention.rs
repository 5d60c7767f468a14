//! Who is called, how often, and how urgent it is: every phase and every matter; every constant at its limit and one second
//! beyond it.

use jiff::{SignedDuration, Timestamp};
use protocol::attention::{Attention, CALM_AFTER, Call, Dismissals, Matter, TOLD_AT_ONCE_MAX, pause_after};
use protocol::command::Step;
use protocol::decide::is_known_failure;
use protocol::journal::RunReport;
use protocol::journal::{AbortCause, Cause, Event, JOURNAL_SCHEMA, Need, Record, RunKind, Scope};
use protocol::name::Name;
use protocol::operator::Overrides;
use protocol::state::{Phase, State, evolve};

const EVERY_MATTER: [Matter; 14] = [
    Matter::Vetoed,
    Matter::Held,
    Matter::CoolingDown,
    Matter::Lapsed,
    Matter::Alone,
    Matter::Approval,
    Matter::Operator,
    Matter::Undo,
    Matter::Quarantine,
    Matter::LostQuarantine,
    Matter::Reopened,
    Matter::RollingBack,
    Matter::NotStandby,
    Matter::Unprotected,
];

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time")
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

fn record(state: &State, event: Event) -> Record {
    Record {
        schema: JOURNAL_SCHEMA,
        previous: None,
        plan: Name::from("shop"),
        seq: state.next_seq(),
        run: state.run.as_ref().map(|run| run.id),
        at: at(0),
        writer: "test".to_owned(),
        request: None,
        attempt: "1".to_owned(),
        sentence: "s".to_owned(),
        event,
    }
}

/// A state with a run in a phase.
fn in_phase(phase: Option<Phase>) -> State {
    let Some(phase) = phase else { return State::default() };
    let event = Event::RunOpened {
        kind: RunKind::Failover,
        scope: Scope { databases: vec![Name::from("orders")], ..Scope::default() },
        cause: Cause::Evidence,
        first_signal_at: at(0),
        is_dated: false,
        overrides: Overrides::default(),
    };
    let opening = Record { run: Some(1), ..record(&State::default(), event) };
    let mut state = evolve(State::default(), &opening).expect("legal");
    state.run.as_mut().expect("a run").phase = phase;
    state
}

fn with_call(mut state: State, matter: Option<Matter>) -> State {
    state.calls.extend(matter.map(|matter| (matter, Call::first(at(0)))));
    state
}

fn report() -> RunReport {
    RunReport {
        first_signal_at: at(0),
        committed_at: at(60),
        opened_at: at(300),
        verified_at: at(310),
        rto_ms: 300_000,
        decision_ms: 60_000,
        moving_ms: 240_000,
        promote_ms: 240_000,
        scale_ms: 100_000,
        rpo_estimate_ms: None,
        loss_at_most_ms: None,
        alive_at: None,
        detect_ms: None,
        total_ms: None,
        data_loss: Vec::new(),
    }
}

fn phases() -> Vec<(Option<Phase>, &'static str)> {
    let cause = || AbortCause::Evidence;
    let report = Box::new(report());
    vec![
        (None, "no run"),
        (Some(Phase::Confirming { sufficient_since: None }), "confirming"),
        (Some(Phase::AwaitingApproval { since: at(0) }), "awaiting approval"),
        (Some(Phase::Moving), "moving"),
        (Some(Phase::NeedsOperator { need: Need::ApprovalExpired {}, since: at(0) }), "needs an operator"),
        (Some(Phase::Aborting { cause: cause() }), "aborting"),
        (Some(Phase::Aborted { at: at(0), cause: cause() }), "aborted"),
        (Some(Phase::Completed { at: at(0), report }), "completed"),
    ]
}

/// What stands in the table for a matter where no run says more.
fn of_matter(matter: Option<Matter>) -> Attention {
    match matter {
        Some(Matter::Quarantine) => Attention::NeedsOperator,
        Some(
            Matter::Held
            | Matter::CoolingDown
            | Matter::RollingBack
            | Matter::NotStandby
            | Matter::Unprotected
            | Matter::Lapsed
            | Matter::Alone
            | Matter::Reopened,
        ) => Attention::WaitsForPerson,
        Some(Matter::Vetoed) => Attention::Vetoed,
        _ => Attention::None,
    }
}

#[test]
fn the_figure_of_attention_over_all_phases_and_matters() {
    let mut seen = [false; 4];
    for (phase, words) in phases() {
        for matter in EVERY_MATTER.into_iter().map(Some).chain([None]) {
            let found = Attention::of(&with_call(in_phase(phase.clone()), matter));
            let by_run = match (words, matter) {
                ("needs an operator", _) | ("aborting", Some(Matter::Undo)) => Attention::NeedsOperator,
                ("awaiting approval", _) => Attention::WaitsForPerson,
                _ => Attention::None,
            };
            assert_eq!(found, by_run.max(of_matter(matter)), "{words}, {matter:?}");
            seen[usize::from(found.figure())] = true;
        }
    }
    assert_eq!(seen, [true; 4], "every figure is reached");
}

#[test]
fn the_pauses_between_calls_grow_to_four_hours_and_no_further() {
    let found: Vec<i64> = (1..=7).map(|calls| pause_after(calls).as_mins()).collect();
    assert_eq!(found, [15, 30, 60, 120, 240, 240, 240]);
    assert_eq!(pause_after(u32::MAX), minutes(240));
    assert_eq!(pause_after(0), minutes(15));
    for (calls, pause) in [(1, 15 * 60), (2, 30 * 60), (3, 3_600), (4, 7_200), (5, 14_400), (9, 14_400)] {
        let call = Call { times: calls, ..Call::first(at(0)) };
        assert!(!call.is_due(at(pause - 1)) && call.is_due(at(pause)), "call {calls}");
        let forgotten = pause + CALM_AFTER.as_secs();
        assert!(!call.is_stale(at(forgotten)) && call.is_stale(at(forgotten + 1)), "call {calls}");
    }
}

#[test]
fn dismissed_runs_rest_after_two_and_are_news_again_after_a_calm_hour() {
    assert_eq!(TOLD_AT_ONCE_MAX, 2);
    let mut dismissals = Dismissals::default();
    assert_eq!(dismissals.rest_until(at(0)), None);
    dismissals = dismissals.and_one(at(0));
    assert_eq!(dismissals.rest_until(at(0)), None, "the second is told at once");
    let mut now = 0;
    for pause in [15 * 60, 30 * 60, 3_600, 7_200, 14_400, 14_400] {
        dismissals = dismissals.and_one(at(now));
        assert_eq!(dismissals.rest_until(at(now + pause - 1)), Some(at(now + pause)));
        assert_eq!(dismissals.rest_until(at(now + pause)), None);
        now += pause;
    }
    let beyond = now - 14_400 + 14_400 + CALM_AFTER.as_secs();
    assert_eq!(
        dismissals.and_one(at(beyond)).told,
        dismissals.told + 1,
        "at the limit it is one more of the same"
    );
    let fresh = dismissals.and_one(at(beyond + 1));
    assert_eq!((fresh.told, fresh.since), (1, Some(at(beyond + 1))));
}

#[test]
fn a_failure_that_people_know_of_is_told_again_after_its_pause() {
    for (step, matter) in
        [(Step::Unfence, Matter::Undo), (Step::Restore, Matter::Undo), (Step::Quarantine, Matter::Quarantine)]
    {
        let state = State::default();
        assert!(!is_known_failure(&state, step, at(0)), "{step}: the first");
        let state = with_call(state, Some(matter));
        assert!(is_known_failure(&state, step, at(899)), "{step}");
        assert!(!is_known_failure(&state, step, at(900)), "{step}");
        assert!(
            !is_known_failure(&state, Step::Promote, at(0)),
            "a failed promotion stops the run and is told"
        );
    }
}

#[test]
fn titles_fit_into_a_subject_and_say_what_it_is_about() {
    let longest = Name::new("a".repeat(40));
    let mut titles = Vec::new();
    let state = in_phase(Some(Phase::Moving));
    let events = EVERY_MATTER.into_iter().flat_map(|matter| {
        use protocol::attention::CallChange::{Called, Ended};
        [Called, Ended].map(|turn| Event::Attention { matter, turn, subjects: Vec::new() })
    });
    let quiet = false;
    let cause = AbortCause::Evidence;
    let events = events.chain([
        Event::ApprovalAsked { data_loss: Vec::new(), quiet },
        Event::Committed {
            data_loss: Vec::new(),
            by: None,
            overrides: Overrides::default(),
            alive_at: None,
            anew: None,
        },
        Event::OperatorNeeded { need: Need::ApprovalExpired {}, quiet: None },
        Event::AbortBegan { cause: cause.clone(), quiet },
        Event::Aborted { cause, quiet },
        Event::Overdue { step: Step::Quarantine, subjects: Vec::new() },
        Event::StepFailed {
            step: Step::Quarantine,
            subjects: Vec::new(),
            intent: 1,
            code: "denied".to_owned(),
            message: "m".to_owned(),
            quiet,
        },
    ]);
    for event in events {
        assert!(event.is_notable(), "{event:?}");
        let record = Record { run: Some(u64::MAX), ..record(&state, event) };
        let subject = format!("Pilotlight {longest}: {}", record.title());
        assert!(subject.len() <= 120, "{subject}");
        assert!(subject.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{subject}");
        assert!(!record.title().starts_with("record"), "{:?}", record.event);
        titles.push(Record { run: Some(12), ..record }.title());
    }
    assert!(titles.contains(&"awaits approval (run 12)".to_owned()), "{titles:?}");
    assert!(titles.iter().all(|title| format!("Pilotlight {longest}: {title}").len() <= 100), "{titles:?}");
}

#[test]
fn a_quiet_record_is_told_to_nobody_and_an_older_one_to_people() {
    let text = r#"{"type":"aborted","cause":{"by":"evidence"}}"#;
    let event: Event = serde_json::from_str(text).expect("an older record");
    assert!(event.is_notable());
    assert_eq!(serde_json::to_string(&event).expect("JSON"), text, "nothing is added to it");
    let quiet = Event::Aborted { cause: AbortCause::Evidence, quiet: true };
    assert!(!quiet.is_notable());
}
