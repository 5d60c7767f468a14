//! What every file under `events/` is to the readiness-checker: a command of its own, or refused.

use std::path::PathBuf;

use protocol::incoming::command::{ReadinessCommand, read};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

#[test]
fn every_event_of_its_own_is_read_and_every_other_one_is_refused() {
    let own = [
        ("readiness-pass", ReadinessCommand::Pass {}),
        ("readiness-now", ReadinessCommand::Readiness {}),
        // As written for alarm-handler, and for ssm-replicator.
        ("operator-readiness", ReadinessCommand::Readiness {}),
        ("operator-pass", ReadinessCommand::Pass {}),
        ("scheduled-event", ReadinessCommand::Pass {}),
        ("scheduler-default-event", ReadinessCommand::Pass {}),
        ("snapshots-scheduled-event", ReadinessCommand::Pass {}),
    ];
    let mut seen = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = file.strip_suffix(".json") else { continue };
        let text = std::fs::read_to_string(folder().join(&file)).unwrap();
        let payload: Value = serde_json::from_str(&text).unwrap();
        let command = read::<ReadinessCommand>(&payload);
        match own.iter().find(|(known, _)| *known == name) {
            Some((_, expected)) => assert_eq!(command.as_ref(), Ok(expected), "{name}"),
            None => assert!(command.is_err(), "{name}: {command:?}"),
        }
        seen += usize::from(command.is_ok());
    }
    assert_eq!(seen, own.len(), "a file is missing");
}
