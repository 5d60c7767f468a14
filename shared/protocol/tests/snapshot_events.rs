//! What every file under `events/` is to the snapshot-scheduler: a command of its own, or refused.

use std::path::PathBuf;

use proptest::prelude::*;
use protocol::incoming::command::{SnapshotCommand, read};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

fn payload(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap()).unwrap()
}

fn command(payload: &Value) -> Result<SnapshotCommand, String> {
    read(payload)
}

#[test]
fn every_event_of_its_own_is_read_and_every_other_one_is_refused() {
    let own = [
        ("snapshots-keep", Ok(SnapshotCommand::Keep {})),
        ("snapshots-keep-of-old", Ok(SnapshotCommand::Keep {})),
        ("snapshots-scheduled-event", Ok(SnapshotCommand::Keep {})),
        ("scheduled-event", Ok(SnapshotCommand::Keep {})),
        ("scheduler-default-event", Ok(SnapshotCommand::Keep {})),
        ("snapshots-dry-run", Ok(SnapshotCommand::DryRun {})),
        ("snapshots-dry-run-of-old", Ok(SnapshotCommand::DryRun {})),
        ("snapshots-bad-word", Err("`delete_all` is not a command: Commands: keep, dry_run.".to_owned())),
        (
            "snapshots-bad-extra-field",
            Err("`dry_run` is not a field of keep: its only field is `command`.".to_owned()),
        ),
        ("snapshots-bad-type", Err("`command` is not a string: use one of keep, dry_run.".to_owned())),
    ];
    for (name, expected) in &own {
        assert_eq!(command(&payload(name)), *expected, "{name}");
    }
    for entry in std::fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = file.strip_suffix(".json") else { continue };
        if own.iter().all(|(known, _)| *known != name) {
            assert!(command(&payload(name)).is_err(), "{name}");
        }
    }
}

#[test]
fn no_refusal_repeats_a_value() {
    for payload in [
        json!({ "snapshots": "correct-horse" }),
        json!({ "command": "keep", "dry_run": "correct-horse" }),
        json!({ "command": { "keep": "correct-horse" } }),
        json!(["correct-horse"]),
        payload("secret-in-unknown-event"),
    ] {
        let problem = command(&payload).unwrap_err();
        assert!(!problem.contains("correct-horse"), "{problem}");
    }
}

proptest! {
    #[test]
    fn only_the_two_words_alone_are_commands(
        key in prop::sample::select(vec!["command", "snapshots"]),
        word in "[a-z_]{0,8}",
        extra in prop::option::of("[a-z]{1,4}"),
    ) {
        let mut payload = json!({ key: word });
        if let Some(extra) = &extra {
            payload[extra] = json!(1);
        }
        let is_command = ["keep", "dry_run"].contains(&word.as_str()) && extra.is_none();
        prop_assert_eq!(command(&payload).is_ok(), is_command);
    }
}
