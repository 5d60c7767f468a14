//! Is a journal that was written once read for ever? Complete journals of real runs, one folder for each version of the
//! schema, and what each must fold to.
//!
//! Those whose names begin with `before-calls-` were written before records knew of calls for people, of lost fences and of
//! silent regions, and are never written anew.
//!
//! The journals are written by `tests/scenarios/tests/golden.rs`, once. What they fold to stands beside them, and is
//! pinned anew only by hand, with the change in sight of whoever reviews it:
//!
//!     cargo test --profile lab --package protocol --test core golden:: -- --ignored

mod snapshots;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use protocol::attention::CallChange;
use protocol::command::Step;
use protocol::decide::{Facts, decide};
use protocol::journal::{AbortCause, Cause, Event, JOURNAL_SCHEMA, Need, Record, Rejection};
use protocol::plan::Plan;
use protocol::state::{Illegality, Phase, State, evolve, fold};
use serde_json::{Value, json};

/// A journal with its version, its name and its lines.
struct Golden {
    version: u16,
    name: String,
    lines: Vec<String>,
    pinned_at: PathBuf,
}

impl Golden {
    fn records(&self) -> Vec<Record> {
        let read = |line: &String| {
            serde_json::from_str(line).unwrap_or_else(|why| panic!("{} holds {line}: {why}", self.name))
        };
        self.lines.iter().map(read).collect()
    }

    fn state(&self) -> State {
        fold(&self.records()).unwrap_or_else(|illegal| panic!("{}: {illegal}", self.name))
    }
}

fn goldens() -> Vec<Golden> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/journals");
    let mut goldens = Vec::new();
    for folder in std::fs::read_dir(root).expect("a folder of versions") {
        let folder = folder.expect("a folder").path();
        let version = folder.file_name().and_then(|name| name.to_str()).expect("a name");
        let version: u16 = version.parse().expect("a folder is named after its version");
        for file in std::fs::read_dir(&folder).expect("a folder of journals") {
            let file = file.expect("a file").path();
            if file.extension().is_none_or(|extension| extension != "jsonl") {
                continue;
            }
            let text = std::fs::read_to_string(&file).expect("a text");
            goldens.push(Golden {
                version,
                name: file.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned(),
                lines: text.lines().map(str::to_owned).collect(),
                pinned_at: file.with_extension("state.txt"),
            });
        }
    }
    goldens.sort_by(|one, other| (one.version, &one.name).cmp(&(other.version, &other.name)));
    goldens
}

/// The names of the variants of an enum, and of a value's variant. A variant that is added and not listed here stops
/// this from compiling.
macro_rules! kinds {
    ($all:ident, $of:ident, $type:ident, $($variant:ident),* $(,)?) => {
        const $all: &[&str] = &[$(concat!(stringify!($type), "::", stringify!($variant))),*];
        fn $of(value: &$type) -> &'static str {
            match value {
                $($type::$variant { .. } => concat!(stringify!($type), "::", stringify!($variant)),)*
            }
        }
    };
}

kinds!(
    EVENTS,
    event,
    Event,
    SignalRejected,
    EvidenceSeen,
    EvidenceCleared,
    AlarmsSilent,
    AlarmsAnswer,
    MultiAzFailoverSeen,
    VetoesSeen,
    VetoesCleared,
    RunOpened,
    ApprovalAsked,
    Committed,
    StepIntended,
    StepWaiting,
    StepDone,
    StepHandedOver,
    StepFailed,
    OperatorNeeded,
    Resumed,
    AbortBegan,
    Aborted,
    Completed,
    HoldPlaced,
    HoldReleased,
    Acknowledged,
    CommandRefused,
    Overdue,
    FenceLost,
    FenceRegained,
    GuardStarted,
    GuardRestored,
    GroupsAdopted,
    GroupsActive,
    GroupsLeft,
    GroupsStandBy,
    Attention,
    Noticed,
);
kinds!(
    REJECTIONS,
    rejection,
    Rejection,
    Unrecognised,
    ForeignAccount,
    UnlistedAlarm,
    UnlistedInstance,
    UnlistedTopic,
    Stale,
    FromTheFuture,
    Suppressed,
);
kinds!(NEEDS, need, Need, DataLoss, StepOverdue, StepFailed, ApprovalExpired, PlanChanged, FenceLost);
kinds!(CAUSES, cause, Cause, Evidence, Operator);
kinds!(ABORT_CAUSES, abort_cause, AbortCause, Evidence, Operator);
kinds!(TURNS, turn, CallChange, Called, Eased, Returned, Ended);
kinds!(STEPS, step, Step, Confirm, Scale, Fence, Promote, Open, Verify, Quarantine, Restore, Unfence);

/// Everything that a record holds of what can be enumerated.
fn kinds_of(record: &Record) -> Vec<&'static str> {
    let mut kinds = vec![event(&record.event)];
    kinds.extend(match &record.event {
        Event::SignalRejected { reason, .. } => Some(rejection(reason)),
        Event::OperatorNeeded { need: why, .. } => Some(need(why)),
        Event::RunOpened { cause: why, .. } => Some(cause(why)),
        Event::AbortBegan { cause, .. } | Event::Aborted { cause, .. } => Some(abort_cause(cause)),
        Event::StepIntended { step: which, .. } => Some(step(which)),
        Event::Attention { turn: which, .. } => Some(turn(which)),
        _ => None,
    });
    kinds
}

fn missing(goldens: &[Golden]) -> BTreeSet<&'static str> {
    let all = [EVENTS, REJECTIONS, NEEDS, CAUSES, ABORT_CAUSES, STEPS, TURNS].concat();
    let records: Vec<Record> = goldens.iter().flat_map(Golden::records).collect();
    let mut there: BTreeSet<&str> = records.iter().flat_map(kinds_of).collect();
    // What a step's failure asks of an operator is in no record: it follows from the failure.
    let needs = goldens.iter().filter_map(|golden| match golden.state().run?.phase {
        Phase::NeedsOperator { need, .. } => Some(need),
        _ => None,
    });
    there.extend(needs.map(|why| need(&why)));
    all.into_iter().filter(|kind| !there.contains(kind)).collect()
}

#[test]
fn every_golden_journal_folds_to_its_pinned_state() {
    let goldens = goldens();
    for golden in &goldens {
        let pinned = std::fs::read_to_string(&golden.pinned_at).unwrap_or_default();
        let found = format!("{:#?}\n", golden.state());
        assert!(
            pinned == found,
            "journal {} of version {} folds to another state than the pinned one; if that is meant, pin it anew \
             (the head of this file says how) and look at the difference",
            golden.name,
            golden.version
        );
    }
    for version in 1..=JOURNAL_SCHEMA {
        assert!(goldens.iter().any(|golden| golden.version == version), "version {version} has no journal");
    }
}

#[test]
fn every_record_says_the_version_of_its_folder() {
    for golden in goldens() {
        assert!(golden.records().iter().all(|record| record.schema == golden.version), "{}", golden.name);
    }
}

#[test]
fn every_kind_of_record_is_in_a_golden_journal_of_the_newest_version() {
    let newest: Vec<Golden> =
        goldens().into_iter().filter(|golden| golden.version == JOURNAL_SCHEMA).collect();
    assert_eq!(missing(&newest), BTreeSet::new());
    let fewer: Vec<Golden> = newest.into_iter().filter(|golden| !golden.name.ends_with("ordered")).collect();
    assert!(missing(&fewer).contains("Event::HoldPlaced"), "what is missing is noticed");
}

#[test]
fn every_way_to_end_is_in_a_golden_journal() {
    let phases: BTreeSet<&str> =
        goldens().iter().filter_map(|golden| golden.state().run.map(|run| run.phase.as_str())).collect();
    for phase in ["completed", "aborted", "needs an operator", "superseded"] {
        assert!(phases.contains(phase), "{phase}: {phases:?}");
    }
}

/// What is written today is what was written then, field by field: no name was changed in passing.
#[test]
fn a_record_of_the_newest_version_is_written_as_it_was_read() {
    for golden in goldens().into_iter().filter(|golden| golden.version == JOURNAL_SCHEMA) {
        for (line, record) in golden.lines.iter().zip(golden.records()) {
            assert_eq!(&serde_json::to_string(&record).expect("JSON"), line, "{}", golden.name);
        }
    }
}

#[test]
fn a_newer_version_of_a_record_is_refused_with_the_remedy() {
    for golden in goldens() {
        let mut state = State::default();
        for record in golden.records() {
            let newer = Record { schema: JOURNAL_SCHEMA + 1, ..record.clone() };
            let illegal = evolve(state.clone(), &newer).expect_err("it is newer than what is read");
            assert_eq!(illegal.why, Illegality::Schema(JOURNAL_SCHEMA + 1));
            state = evolve(state, &record).expect("legal");
        }
    }
}

/// Every place of a record that holds fields.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.push(at.to_owned());
            let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
            fields.iter().for_each(|(key, value)| objects(value, &format!("{at}/{}", escaped(key)), found));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, value)| objects(value, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

/// One record of each kind, with the state that it follows.
fn examples() -> Vec<(State, Value)> {
    let mut examples: BTreeMap<Vec<&str>, (State, Value)> = BTreeMap::new();
    for golden in goldens() {
        let mut state = State::default();
        for (line, record) in golden.lines.iter().zip(golden.records()) {
            let value = serde_json::from_str(line).expect("JSON");
            examples.entry(kinds_of(&record)).or_insert((state.clone(), value));
            state = evolve(state, &record).expect("legal");
        }
    }
    examples.into_values().collect()
}

#[test]
fn fields_that_are_not_known_change_nothing() {
    for (state, value) in examples() {
        let record: Record = serde_json::from_value(value.clone()).expect("a record");
        let mut places = Vec::new();
        objects(&value, "", &mut places);
        // Where names are keys, another key is another name; there is no such place in a record but its report.
        for place in places.iter().filter(|place| !place.contains("/report/")) {
            let mut with = value.clone();
            with.pointer_mut(place).expect("a place")["of_the_future"] = json!({ "deep": [1, null] });
            let read: Record = serde_json::from_value(with).unwrap_or_else(|why| panic!("{place}: {why}"));
            assert_eq!(read, record, "{place}");
            assert_eq!(evolve(state.clone(), &read), evolve(state.clone(), &record));
        }
    }
}

#[test]
fn a_kind_that_is_not_known_is_an_error_and_no_panic() {
    for (_, mut value) in examples() {
        value["event"]["type"] = json!("of_the_future");
        let why = serde_json::from_value::<Record>(value).expect_err("it is not known").to_string();
        assert!(why.contains("of_the_future"), "{why}");
    }
}

/// Read once for all cases.
static GOLDENS: LazyLock<Vec<Golden>> = LazyLock::new(goldens);

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z_]{0,8}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({ "type": "of_the_future" })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands in a table, a function says what is wrong with it, or goes on from it; it never panics.
    #[test]
    fn no_spoilt_journal_makes_the_fold_or_the_decision_panic(
        which in any::<prop::sample::Index>(),
        spoils in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), leaf()), 1..4),
        later in 0..100_000_i64,
    ) {
        let golden = &GOLDENS[which.index(GOLDENS.len())];
        let mut values: Vec<Value> =
            golden.lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        for (record, place, leaf) in spoils {
            let index = record.index(values.len());
            let mut places = Vec::new();
            objects(&values[index], "", &mut places);
            let at = values[index].pointer_mut(&places[place.index(places.len())]).expect("a place");
            if let Value::Object(fields) = at
                && let Some(key) = fields.keys().nth(place.index(fields.len().max(1))).cloned()
            {
                fields.insert(key, leaf);
            }
        }
        let plan = Plan::from_json(include_str!("plans/shop.json")).expect("the example plan is valid");
        let mut state = State::default();
        for value in values {
            let Ok(record) = serde_json::from_value::<Record>(value) else { break };
            let Ok(next) = evolve(state.clone(), &record) else { break };
            prop_assert_eq!(&evolve(state, &record).expect("as before"), &next, "deterministic");
            state = next;
            let now = record.at.checked_add(SignedDuration::from_secs(later)).unwrap_or(Timestamp::MAX);
            prop_assert!(!decide(&plan, &state, &Facts::default(), now).sentence.is_empty());
        }
    }
}

#[test]
#[ignore = "writes files; see the head of this file"]
fn pin_the_states_of_the_golden_journals_anew() {
    for golden in goldens() {
        std::fs::write(&golden.pinned_at, format!("{:#?}\n", golden.state())).expect("a file");
    }
}
