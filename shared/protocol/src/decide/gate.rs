//! The data-loss gate: the last lag sampled while the source lived, against the plan's limit.

use jiff::{SignedDuration, Timestamp};

use crate::journal::{Cause, DataLoss};
use crate::observation::{LagSample, Observation};
use crate::plan::Plan;
use crate::state::Run;

/// Oldest sample, before the first sign of loss, that still says what would be lost.
const SAMPLE_AGE_MAX: SignedDuration = SignedDuration::from_secs(300);

/// The estimate for each database that is yet to be promoted.
pub(super) fn estimate(plan: &Plan, run: &Run, observation: &Observation, now: Timestamp) -> Vec<DataLoss> {
    let limit_ms = u64::from(plan.limits.lag_seconds_max) * 1000;
    let lived_until = lived_until(run, observation, now);
    run.scope
        .databases
        .iter()
        .map(|database| {
            let sample = observation.lag.get(database).and_then(|points| last_before(points, lived_until));
            DataLoss {
                database: database.clone(),
                lag_ms: sample.map(|point| point.lag_ms),
                sampled_at: sample.map(|point| point.at),
                within_limit: sample.is_some_and(|point| point.lag_ms <= limit_ms),
            }
        })
        .collect()
}

/// Until when the source is known to have lived. An operator may move a workload whose source still lives; then
/// the newest sample is the one that counts.
fn lived_until(run: &Run, observation: &Observation, now: Timestamp) -> Timestamp {
    if run.cause != Cause::Evidence {
        return now;
    }
    // An alarm needs minutes to notice a death, and lag grows meanwhile; the last good answer is nearer to it. One
    // from long before says nothing: nobody asked for a while.
    observation
        .answered_at
        .filter(|at| run.first_signal_at.duration_since(*at) <= SAMPLE_AGE_MAX)
        .unwrap_or(run.first_signal_at)
}

/// The last sample while the source lived. What is sampled after its death only says how long it is dead.
fn last_before(points: &[LagSample], lived_until: Timestamp) -> Option<&LagSample> {
    points
        .iter()
        .rev()
        .find(|point| point.at <= lived_until)
        .filter(|point| lived_until.duration_since(point.at) <= SAMPLE_AGE_MAX)
}

/// Whether every estimate is within the limit.
pub(super) fn is_open(losses: &[DataLoss]) -> bool {
    losses.iter().all(|loss| loss.within_limit)
}
