//! What every file under `events/` is to the snapshot-scheduler: a request of its own, or refused.

use std::path::PathBuf;

use proptest::prelude::*;
use protocol::snapshots::SnapshotRequest;
use serde_json::{Value, json};

const REMEDY: &str =
    "send {\"snapshots\":\"keep\"}, or {\"snapshots\":\"dry_run\"} to see what that would do.";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

fn payload(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap()).unwrap()
}

#[test]
fn every_event_of_its_own_is_read_and_every_other_one_is_refused() {
    let own = [
        ("snapshots-keep", Ok(SnapshotRequest::Keep)),
        ("snapshots-scheduled-event", Ok(SnapshotRequest::Keep)),
        ("scheduled-event", Ok(SnapshotRequest::Keep)),
        ("scheduler-default-event", Ok(SnapshotRequest::Keep)),
        ("snapshots-dry-run", Ok(SnapshotRequest::DryRun)),
        ("snapshots-bad-word", Err(format!("`snapshots` has an unknown value: {REMEDY}"))),
        (
            "snapshots-bad-extra-field",
            Err(format!(
                "The event is an object with dry_run (true or false), snapshots (a string), which is not a \
                 snapshot request: {REMEDY}"
            )),
        ),
        (
            "snapshots-bad-type",
            Err(format!(
                "The event is an object with snapshots (an object), which is not a snapshot request: {REMEDY}"
            )),
        ),
    ];
    for (name, expected) in &own {
        assert_eq!(SnapshotRequest::read(&payload(name)), *expected, "{name}");
    }
    for entry in std::fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = file.strip_suffix(".json") else { continue };
        if own.iter().all(|(known, _)| *known != name) {
            let problem = SnapshotRequest::read(&payload(name)).unwrap_err();
            assert!(problem.ends_with(REMEDY), "{name}: {problem}");
        }
    }
}

#[test]
fn no_refusal_repeats_a_value() {
    let problem = SnapshotRequest::read(&json!({ "snapshots": "correct-horse" })).unwrap_err();
    assert!(!problem.contains("correct-horse"), "{problem}");
    let problem = SnapshotRequest::read(&payload("secret-in-unknown-event")).unwrap_err();
    assert!(!problem.contains("correct-horse"), "{problem}");
}

proptest! {
    #[test]
    fn only_the_two_words_alone_are_requests(word in "[a-z_]{0,8}", extra in prop::option::of("[a-z]{1,4}")) {
        let mut payload = json!({ "snapshots": word });
        if let Some(extra) = &extra {
            payload[extra] = json!(1);
        }
        let is_request = ["keep", "dry_run"].contains(&word.as_str()) && extra.is_none();
        prop_assert_eq!(SnapshotRequest::read(&payload).is_ok(), is_request);
    }
}
