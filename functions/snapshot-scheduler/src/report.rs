//! What is said of it: the answer of an invocation, of a dry run, the metric, and what the readiness reads.

use engine::fault::Fault;
use jiff::Timestamp;
use ports::{MetricSample, MetricUnit};
use protocol::maintenance::{NewestSnapshot, SnapshotLook};
use protocol::name::Name;
use protocol::snapshots::{SnapshotDecision, SnapshotListing};
use serde_json::{Value, json};

use crate::outcome::Outcome;

/// The metric: the age of the newest good snapshot of a database in a region.
const METRIC: &str = "SnapshotAge";

/// What would be done, in the very words of doing it.
pub(crate) fn dry_run(decision: &SnapshotDecision) -> Value {
    let sentences: Vec<&String> = decision.actions.iter().map(|action| &action.sentence).collect();
    json!({
        "sentence": format!("Dry run: nothing was changed. {}", decision.sentence),
        "would": sentences,
        "waits": decision.waits,
        "blocked": decision.blocked,
        "age_seconds": ages(decision),
    })
}

/// The answer of the invocation. What only a person can help is an error: it reaches an alarm.
pub(crate) fn closing(mut outcome: Outcome, decision: &SnapshotDecision) -> Result<Value, Fault> {
    outcome.failed.extend(decision.blocked.iter().cloned());
    if outcome.failed.is_empty() {
        return Ok(answer(decision, &outcome));
    }
    for sentence in outcome.done.iter().chain(&outcome.put_off).chain(&decision.waits) {
        tracing::info!("{sentence}");
    }
    Err(Fault::new("snapshots_failed", outcome.failed.join(" ")))
}

/// What was done.
fn answer(decision: &SnapshotDecision, outcome: &Outcome) -> Value {
    let done = match (outcome.done.len(), decision.actions.len()) {
        (_, 0) => String::new(),
        (done, all) => format!(" {done} of {all} done."),
    };
    json!({
        "sentence": format!("{}{done}", decision.sentence),
        "done": outcome.done,
        "put_off": outcome.put_off,
        "waits": decision.waits,
        "age_seconds": ages(decision),
    })
}

fn ages(decision: &SnapshotDecision) -> Vec<Value> {
    let age = |age: &protocol::snapshots::Age| json!({ "database": age.database, "region": age.region, "seconds": age.age.as_secs() });
    decision.ages.iter().map(age).collect()
}

/// What the readiness reads: the newest good snapshots, and why some are not known.
pub(crate) fn look(decision: &SnapshotDecision, listings: &[SnapshotListing], at: Timestamp) -> SnapshotLook {
    let newest = decision.ages.iter().map(|age| NewestSnapshot {
        database: age.database.clone(),
        region: age.region.clone(),
        taken_at: at.checked_sub(age.age).unwrap_or(Timestamp::MIN),
    });
    let gaps = listings.iter().filter_map(|listing| Some((listing.region.clone(), listing.gap.clone()?)));
    SnapshotLook { at, newest: newest.collect(), gaps: gaps.collect() }
}

/// A sample for each database and region whose newest good snapshot is known.
pub(crate) fn samples(plan: &Name, decision: &SnapshotDecision, at: Timestamp) -> Vec<MetricSample> {
    let sample = |age: &protocol::snapshots::Age| MetricSample {
        name: METRIC,
        dimensions: vec![
            ("Plan", plan.to_string()),
            ("Database", age.database.to_string()),
            ("Region", age.region.clone()),
        ],
        value: u64::try_from(age.age.as_secs()).unwrap_or(0),
        unit: MetricUnit::Seconds,
        at,
    };
    decision.ages.iter().map(sample).collect()
}
