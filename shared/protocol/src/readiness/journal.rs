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
        let remedy = "docs/operating.md, \"A record that can't be read\", says whether it is taken out or must stay, and how.";
        let sentence =
            format!("It can't be read beyond record {records}: record {}: {}.", poison.seq, poison.why);
        return Some((sentence, remedy.to_owned()));
    }
    if let Some(why) = unkept {
        let name = &scene.plan.name;
        let remedy = format!(
            "The tick tries again each minute. If it was denied, let the role of {name}-alarm-handler write the partition \
             {name}#snapshot of the journal: apply the orchestrator's module again. If it was too large, find out what the state \
             holds so much of (the command status)."
        );
        return Some((
            format!("{since} records came after its snapshot, and the next one can't be kept: {why}."),
            remedy,
        ));
    }
    if *since > RECORDS_SINCE_SNAPSHOT_MAX {
        let remedy =
            "See that the tick of the alarm-handler runs and ends without errors: it keeps the snapshot.";
        let most = RECORDS_SINCE_SNAPSHOT_MAX;
        let sentence = format!(
            "{since} records came after its snapshot, more than {most}; every invocation reads them."
        );
        return Some((sentence, remedy.to_owned()));
    }
    if let Some(why) = refused {
        let remedy = "Nothing, if it is gone at the next look: the tick keeps another one. If it stays, report a defect.";
        return Some((format!("A snapshot of it is of no use: {why}."), remedy.to_owned()));
    }
    let SnapshotFacts { bytes, .. } = snapshot.as_ref().filter(|kept| kept.bytes > SNAPSHOT_BYTES_WARNED)?;
    let remedy = "Find out what the state holds so much of (the command status), and end what writes it.";
    let (size, most) = (megabytes(*bytes), megabytes(SNAPSHOT_BYTES_WARNED));
    Some((
        format!("The snapshot of its state has {size}, more than {most}; every invocation reads it."),
        remedy.to_owned(),
    ))
}

fn fullness(scene: &Scene<'_>, facts: &JournalFacts) -> String {
    let JournalFacts { records, records_since_snapshot: since, snapshot, .. } = facts;
    let share = since.saturating_mul(100) / RECORDS_SINCE_SNAPSHOT_MAX;
    match snapshot {
        None => format!("It has {records} records and needs no snapshot yet ({share} % full)."),
        Some(SnapshotFacts { at, .. }) => format!(
            "It has {records} records; {since} came after the snapshot of {} ago ({share} % full).",
            duration(scene.now.duration_since(*at))
        ),
    }
}

fn megabytes(bytes: usize) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}
