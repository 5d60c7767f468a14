//! Does every invocation read the journal quickly, and to its end? How full it is: what lies after the snapshot of its state,
//! and how large the snapshot is. Nothing is refused because of it; people are warned before it gets slow.

use super::facts::{JournalFacts, SnapshotFacts, Unseen};
use super::{Check, Scene};
use crate::state::snapshot::SNAPSHOT_EVERY;
use crate::words::duration;

pub(super) const NAMES: &[&str] = &[COMPACT];

const COMPACT: &str = "journal_compact";

/// Most records that may lie after the snapshot: when five snapshots in a row were due and none was kept.
pub const RECORDS_SINCE_SNAPSHOT_MAX: u64 = 5 * SNAPSHOT_EVERY;

/// From this size on a snapshot is too large to stay unnoticed. The largest plan's, with a run under way, has about half.
pub const SNAPSHOT_BYTES_WARNED: usize = 4_000_000;

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    vec![compact(scene)]
}

fn compact(scene: &Scene<'_>) -> Check {
    let name = &scene.plan.name;
    let Some(facts) = &scene.facts.journal else {
        return Check::unknown(COMPACT, name, &Unseen::not_looked_at());
    };
    match trouble(scene, facts) {
        Some((sentence, remedy)) => Check::not_ready(COMPACT, name, sentence, remedy),
        None => Check::ready(COMPACT, name, fullness(scene, facts)),
    }
}

/// What is wrong with it, and what helps.
fn trouble(scene: &Scene<'_>, facts: &JournalFacts) -> Option<(String, String)> {
    let JournalFacts { records, records_since_snapshot: since, snapshot, refused, unkept, poison } = facts;
    if let Some(poison) = poison {
        let remedy = "docs/operating.md, \"A record that can't be read\", explains whether to remove the \
                      record or keep it, and how.";
        let sentence =
            format!("It can't be read beyond record {records}. Record {}: {}.", poison.seq, poison.why);
        return Some((sentence, remedy.to_owned()));
    }
    if let Some(why) = unkept {
        let name = &scene.plan.name;
        let remedy = format!(
            "The tick tries again each minute. If the write was denied, let the role of {name}-alarm-handler \
             write the partition {name}#snapshot of the journal: apply the orchestrator module again. If the \
             snapshot was too large, use the command status to find what fills the state."
        );
        return Some((
            format!(
                "It has {since} records since its snapshot, and the next snapshot can't be saved: {why}."
            ),
            remedy,
        ));
    }
    if *since > RECORDS_SINCE_SNAPSHOT_MAX {
        let remedy = "Make sure that the tick of alarm-handler runs without errors. It saves the snapshot.";
        let most = RECORDS_SINCE_SNAPSHOT_MAX;
        let sentence = format!(
            "It has {since} records since its snapshot, more than {most}. Every invocation reads them."
        );
        return Some((sentence, remedy.to_owned()));
    }
    if let Some(why) = refused {
        let remedy = "Wait for the next check: the tick saves a new snapshot. If the problem remains, report \
                      a bug.";
        return Some((format!("A snapshot of it is unusable: {why}."), remedy.to_owned()));
    }
    let SnapshotFacts { bytes, .. } = snapshot.as_ref().filter(|kept| kept.bytes > SNAPSHOT_BYTES_WARNED)?;
    let remedy = "Use the command status to find what fills the state, and stop what writes it.";
    let (size, most) = (megabytes(*bytes), megabytes(SNAPSHOT_BYTES_WARNED));
    Some((
        format!("The snapshot of its state has {size}, more than {most}. Every invocation reads it."),
        remedy.to_owned(),
    ))
}

fn fullness(scene: &Scene<'_>, facts: &JournalFacts) -> String {
    let JournalFacts { records, records_since_snapshot: since, snapshot, .. } = facts;
    let share = since.saturating_mul(100) / RECORDS_SINCE_SNAPSHOT_MAX;
    match snapshot {
        None => format!("It has {records} records and needs no snapshot yet ({share} % full)."),
        Some(SnapshotFacts { at, .. }) => format!(
            "It has {records} records, {since} of them since the snapshot of {} ago ({share} % full).",
            duration(scene.now.duration_since(*at))
        ),
    }
}

fn megabytes(bytes: usize) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}
