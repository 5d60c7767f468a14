//! No bytes make a function act: every event that is kept, every change to one, and anything at all.
//!
//! The same body is the fuzz target of `shared/protocol/fuzz`; the corpus of both is `events/`.

mod harmless;

use std::path::PathBuf;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::pointers::pointers;

/// Every kept event, with its name.
static CORPUS: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let mut corpus: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .expect("the events are there")
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| (path.display().to_string(), std::fs::read(&path).expect("a text")))
        .collect();
    corpus.sort();
    corpus
});

#[test]
fn no_kept_event_causes_anything() {
    assert!(CORPUS.len() > 90, "{} events", CORPUS.len());
    for (_, bytes) in CORPUS.iter() {
        harmless::check(bytes);
    }
}

#[test]
fn the_check_meets_every_phase() {
    let phases = harmless::phases();
    for phase in
        ["no run", "confirming", "awaiting approval", "moving", "needs an operator", "aborting", "aborted"]
    {
        assert!(phases.contains(phase), "{phase}: {phases:?}");
    }
}

fn leaf() -> impl Strategy<Value = Value> {
    let words = vec![
        "ALARM",
        "OK",
        "promote",
        "failover",
        "aws.rds",
        "aws.cloudwatch",
        "aws.events",
        "Scheduled Event",
        "123456789012",
        "us-east-2",
        "2026-11-20T10:00:00Z",
        "2262-04-11T23:47:16Z",
        "-9999-01-01T00:00:00Z",
        "arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-front-errors",
        "RDS-EVENT-0013",
        "\u{0}",
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(words).prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
    ]
}

/// One change to an event, as a fuzzer would make it.
#[derive(Clone, Debug)]
enum Change {
    /// A place gets another value.
    Put(prop::sample::Index, Value),
    /// A place gets what stands at some place of another event.
    Graft(prop::sample::Index, prop::sample::Index, prop::sample::Index),
    /// The text is cut.
    Cut(prop::sample::Index),
    /// A byte is another.
    Byte(prop::sample::Index, u8),
    /// A part of the text comes twice.
    Twice(prop::sample::Index, prop::sample::Index),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let index = any::<prop::sample::Index>;
    let change = prop_oneof![
        4 => (index(), leaf()).prop_map(|(at, value)| Change::Put(at, value)),
        4 => (index(), index(), index()).prop_map(|(at, event, from)| Change::Graft(at, event, from)),
        1 => index().prop_map(Change::Cut),
        2 => (index(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        1 => (index(), index()).prop_map(|(from, to)| Change::Twice(from, to)),
    ];
    prop::collection::vec(change, 1..6)
}

fn changed(mut bytes: Vec<u8>, changes: Vec<Change>) -> Vec<u8> {
    for change in changes {
        if bytes.is_empty() {
            return bytes;
        }
        match change {
            Change::Put(at, value) => replace(&mut bytes, at, value),
            Change::Graft(at, event, from) => {
                let (_, other) = &CORPUS[event.index(CORPUS.len())];
                let Ok(other) = serde_json::from_slice::<Value>(other) else { continue };
                let all = pointers(&other);
                let found = other.pointer(&all[from.index(all.len())]).cloned().unwrap_or_default();
                replace(&mut bytes, at, found);
            }
            Change::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Change::Byte(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            Change::Twice(from, to) => {
                let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
                let part = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.extend(part);
            }
        }
    }
    bytes
}

fn replace(bytes: &mut Vec<u8>, at: prop::sample::Index, with: Value) {
    let Ok(mut value) = serde_json::from_slice::<Value>(bytes) else { return };
    let all = pointers(&value);
    if let Some(place) = value.pointer_mut(&all[at.index(all.len())]) {
        *place = with;
    }
    *bytes = value.to_string().into_bytes();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_to_a_kept_event_causes_anything(event in any::<prop::sample::Index>(), changes in changes()) {
        let (_, bytes) = &CORPUS[event.index(CORPUS.len())];
        harmless::check(&changed(bytes.clone(), changes));
    }

    #[test]
    fn no_bytes_cause_anything(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        harmless::check(&bytes);
    }

    #[test]
    fn no_text_causes_anything(text in "\\PC{0,200}") {
        harmless::check(text.as_bytes());
    }
}
