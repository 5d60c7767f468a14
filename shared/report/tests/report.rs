//! Does the text say what the journal says? Told of the kept journals of the protocol, whole runs as a release leaves them.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its journal fails")]

use std::path::Path;

use jiff::SignedDuration;
use protocol::journal::{Event, Record};
use protocol::state::{Run, State, fold};
use report::{measured, timeline};

fn journal(name: &str) -> (Vec<Record>, State) {
    journal_of(1, name)
}

/// A journal as a version of the schema has it.
fn journal_of(schema: u16, name: &str) -> (Vec<Record>, State) {
    let path = format!("../protocol/tests/journals/{schema}/{name}.jsonl");
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let records: Vec<Record> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let state = fold(&records).unwrap();
    (records, state)
}

fn run(state: &State) -> &Run {
    state.run.as_ref().unwrap()
}

#[test]
fn every_record_of_the_run_has_its_line_in_order_but_notices() {
    let (records, state) = journal("completed");
    let moments = timeline::lines(run(&state), &records);
    let left_out =
        |record: &&Record| matches!(record.event, Event::Noticed { .. } | Event::EvidenceCleared { .. });
    assert_eq!(moments.len() + records.iter().filter(left_out).count(), records.len());
    assert!(moments.is_sorted_by_key(|moment| moment.since));
    assert!(moments.iter().all(|moment| !moment.sentence.starts_with("People were told")));
}

#[test]
fn records_of_another_run_are_left_out() {
    let (mut records, state) = journal("completed");
    let all = timeline::lines(run(&state), &records).len();
    let last = records.iter_mut().find(|record| matches!(record.event, Event::Completed { .. })).unwrap();
    last.run = Some(run(&state).id + 1);
    assert_eq!(timeline::lines(run(&state), &records).len(), all - 1);
}

#[test]
fn a_line_says_when_which_step_who_and_what() {
    let (records, state) = journal("completed");
    let text = timeline::text(run(&state), &records);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "Timeline of run 2 (seconds since the first sign of loss)");
    assert_eq!(lines[2], "     time  step       by               what was done");
    for wanted in [
        "     0.0s  signal     alarm-handler    Recorded as evidence: alarm shop-front-errors in us-east-2 is in ALARM.",
        "    60.3s  fence      fence            Step fence is done: front: the primary endpoint has weight 0.",
        "   540.8s  open       open             Step open is done: front: the recovery endpoint has weight 128.",
    ] {
        assert!(lines.contains(&wanted), "no line {wanted:?} in\n{text}");
    }
    assert!(lines.iter().any(|line| line.contains("done       verify           Run 2 completed")), "{text}");
}

#[test]
fn a_writer_is_named_without_its_plan_and_its_instance() {
    let (mut records, _) = journal("completed");
    let record = &mut records[0];
    for (writer, by) in [
        ("shop-promote-replica@4f2a", "promote-replica"),
        ("promote-replica/8", "promote-replica"),
        ("other-promote-replica@4f2a", "other-promote-replica"),
        ("somebody", "somebody"),
    ] {
        writer.clone_into(&mut record.writer);
        assert_eq!(timeline::by(record), by);
    }
}

#[test]
fn the_journal_alone_gives_the_four_times_and_the_loss() {
    let (_, state) = journal_of(2, "completed");
    let report = measured::of(&state).unwrap();
    let text = measured::text(report, measured::Beside::default());
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "Measured",
            "  from the loss to traffic open, at most             550.8 s",
            "    from the last sign of life to the first of loss   10.0 s",
            "  recovery time (first sign to traffic open)         540.8 s",
            "    confirming and approval                           60.1 s",
            "    moving                                           480.7 s",
            "  data loss, at most                                  10.4 s of writes",
            "    last replication lag that was sampled              0.4 s of writes",
        ]
    );
}

#[test]
fn a_report_of_before_says_what_it_has() {
    let (_, state) = journal_of(1, "completed");
    let text = measured::text(measured::of(&state).unwrap(), measured::Beside::default());
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "Measured",
            "  recovery time (first sign to traffic open)         540.8 s",
            "    confirming and approval                           60.1 s",
            "    moving                                           480.7 s",
            "    last replication lag that was sampled              0.4 s of writes",
        ]
    );
}

#[test]
fn what_was_measured_beside_it_parts_the_clouds_time_from_the_overhead() {
    let (_, state) = journal("completed");
    let mut report = measured::of(&state).unwrap().clone();
    report.rpo_estimate_ms = None;
    report.loss_at_most_ms = None;
    let beside = measured::Beside {
        cloud: Some(SignedDuration::from_secs(480)),
        outage: Some(SignedDuration::from_millis(541_250)),
    };
    let text = measured::text(&report, beside);
    for wanted in [
        "    the cloud's own time (critical path)             480.0 s",
        "    orchestration overhead                             0.7 s",
        "  estimated data loss                              unknown",
        "  users without an answer                            541.2 s",
    ] {
        assert!(text.lines().any(|line| line == wanted), "no line {wanted:?} in\n{text}");
    }
    assert!(!text.contains("moving"), "{text}");
}

#[test]
fn a_run_that_did_not_complete_has_no_report() {
    for name in ["aborted", "needs-an-operator", "overdue"] {
        let (_, state) = journal(name);
        assert!(state.run.is_some() && measured::of(&state).is_none(), "{name}");
    }
    assert!(measured::of(&State::default()).is_none());
}
