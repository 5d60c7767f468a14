//! The data-loss gate: how far behind a replica was when its source was last known to live, against the plan's limit. And how
//! much more may be lost: what was written after that.

use jiff::{SignedDuration, Timestamp};

use crate::evidence::{EvidenceKind, Standing};
use crate::journal::{Cause, DataLoss};
use crate::name::Name;
use crate::observation::{LagSample, Observation};
use crate::plan::Plan;
use crate::state::{Run, State};
use crate::words::{between_ms, of_ms};

/// Oldest sample, before the first sign of loss, that still says what would be lost.
const SAMPLE_AGE_MAX: SignedDuration = SignedDuration::from_secs(300);

/// Longest time from the beginning of a look to the record of what it saw.
const LOOK_MAX: SignedDuration = super::OBSERVATION_AGE_MAX;

/// When a loss began, as far as anybody knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct LossTimes {
    /// The first sign of it.
    first_signal_at: Timestamp,
    /// When the run was opened, or would be.
    opened_at: Timestamp,
    /// Whether signs of a loss say so. An operator may move a workload whose source still lives: then it is now.
    is_dated: bool,
}

impl LossTimes {
    /// Those of a run.
    pub(super) fn of(run: &Run, now: Timestamp) -> Self {
        let first_signal_at = run.first_signal_at;
        // One that began anew was opened for an earlier loss.
        let opened_at = if run.opened_at < first_signal_at { now } else { run.opened_at };
        Self { first_signal_at, opened_at, is_dated: run.cause == Cause::Evidence || run.is_dated }
    }

    /// Those of a run that an operator would begin now: where a look shows a loss and no life, the loss began with the first sign
    /// of it that no run has dismissed, and not before the last good answer.
    pub(super) fn of_a_run_from(state: &State, observation: &Observation, now: Timestamp) -> Self {
        let undated = Self { first_signal_at: now, opened_at: now, is_dated: false };
        if !observation.shows_a_sign() || observation.shows_life() {
            return undated;
        }
        let ended_seq = state.run.as_ref().map_or(0, |run| run.last_seq);
        let is_news = |standing: &&Standing| standing.raised_seq > ended_seq;
        let heard = state.counting(now).filter(|(key, _)| key.kind == EvidenceKind::Alarm);
        let heard = heard.map(|(_, standing)| standing).filter(is_news).map(|standing| standing.since);
        // What the look shows stands since it was first seen, also where nobody has written it down again since.
        let shown = observation.signs().map(|key| {
            state.standing(&key).filter(is_news).map_or(observation.at, |standing| standing.since)
        });
        let answered_at = observation.answered_at.unwrap_or(Timestamp::MIN);
        let first_sign = heard.chain(shown).min().unwrap_or(now);
        Self { first_signal_at: first_sign.max(answered_at).min(now), opened_at: now, is_dated: true }
    }

    /// Whether signs of a loss say when it began.
    pub(super) fn is_dated(self) -> bool {
        self.is_dated
    }

    /// The first sign of loss.
    pub(super) fn first_signal_at(self) -> Timestamp {
        self.first_signal_at
    }
}

/// The estimate for each database that is yet to be promoted.
pub(super) fn estimate(plan: &Plan, run: &Run, observation: &Observation, now: Timestamp) -> Vec<DataLoss> {
    estimate_of(plan, &run.scope.databases, LossTimes::of(run, now), observation, now)
}

/// The estimate for each of some databases.
pub(super) fn estimate_of(
    plan: &Plan,
    databases: &[Name],
    times: LossTimes,
    observation: &Observation,
    now: Timestamp,
) -> Vec<DataLoss> {
    let limit_ms = u64::from(plan.limits.lag_seconds_max) * 1000;
    let lived_until = lived_until(times, observation, now);
    let gone_by = gone_by(times, now);
    databases
        .iter()
        .map(|database| {
            let known = last_known(database, observation, lived_until);
            let lag_ms = known.as_ref().map(|known| known.lag_ms);
            DataLoss {
                database: database.clone(),
                lag_ms,
                sampled_at: known.as_ref().map(|known| known.at),
                unsampled_ms: known.as_ref().map(|known| between_ms(known.at, gone_by)),
                replayed_until: known.filter(|known| known.is_witnessed).map(|known| known.until),
                within_limit: lag_ms.is_some_and(|lag_ms| lag_ms <= limit_ms),
            }
        })
        .collect()
}

/// How far behind a replica was when its source was last known to live.
struct Known {
    lag_ms: u64,
    /// As of when.
    at: Timestamp,
    /// Everything that the source had committed until then is replayed.
    until: Timestamp,
    /// Whether the witness says so, and not CloudWatch.
    is_witnessed: bool,
}

/// Two can say it, and neither says of a transaction that it is replayed while it is not: so whoever speaks of more of them is
/// nearer to the truth. CloudWatch is a minute late, and takes the replica of an idle source for minutes behind.
fn last_known(database: &Name, observation: &Observation, lived_until: Timestamp) -> Option<Known> {
    let points = observation.lag.get(database);
    let sampled = points.and_then(|points| last_before(points, lived_until)).map(|(lag_ms, at)| {
        let until = at.saturating_sub(of_ms(lag_ms)).unwrap_or(Timestamp::MIN);
        Known { lag_ms, at, until, is_witnessed: false }
    });
    let witnessed = observation.replayed_until(database).map(|until| {
        // A transaction of the source is a sign of its life.
        let at = lived_until.max(until);
        Known { lag_ms: between_ms(until, at), at, until, is_witnessed: true }
    });
    [sampled, witnessed].into_iter().flatten().max_by_key(|known| known.until)
}

/// Until when the source is known to have lived. An operator may move a workload whose source still lives; then
/// the newest sample is the one that counts.
fn lived_until(times: LossTimes, observation: &Observation, now: Timestamp) -> Timestamp {
    if !times.is_dated {
        return now;
    }
    // An alarm needs minutes to notice a death, and lag grows meanwhile; the last good answer is nearer to it. One
    // from long before says nothing: nobody asked for a while.
    observation
        .answered_at
        .filter(|at| times.first_signal_at.duration_since(*at) <= SAMPLE_AGE_MAX)
        .unwrap_or(times.first_signal_at)
}

/// The moment after which the source took no write that a promotion could lose, as far as anybody outside can know. An
/// operator may move a workload whose source still lives. A look begins before it sees, so that the source may have died
/// during the look that gave the first sign; the run was opened after it.
fn gone_by(times: LossTimes, now: Timestamp) -> Timestamp {
    let first = times.first_signal_at;
    let gone_by =
        if times.is_dated { first.saturating_add(LOOK_MAX).unwrap_or(now).min(times.opened_at) } else { now };
    gone_by.max(first)
}

/// The lag and the time of the last sample while the source lived, unless that sample says that the lag isn't known. What is
/// sampled after the source's death only says how long it is dead.
fn last_before(points: &[LagSample], lived_until: Timestamp) -> Option<(u64, Timestamp)> {
    let last = points.iter().rev().find(|point| point.at <= lived_until)?;
    let is_recent = lived_until.duration_since(last.at) <= SAMPLE_AGE_MAX;
    Some((last.lag_ms.filter(|_| is_recent)?, last.at))
}

/// The last sign of life of the source before the first sign of its loss, if one is known and not from long before: a good answer
/// of a probe, or a transaction that a replica has replayed.
pub(super) fn alive_at(times: LossTimes, observation: &Observation) -> Option<Timestamp> {
    if !times.is_dated {
        return None;
    }
    let replayed = observation.replayed.keys().filter_map(|database| observation.replayed_until(database));
    let signs = observation.answered_at.into_iter().chain(replayed);
    let is_shortly_before = |at: &Timestamp| {
        (SignedDuration::ZERO..=SAMPLE_AGE_MAX).contains(&times.first_signal_at.duration_since(*at))
    };
    signs.filter(is_shortly_before).max()
}

/// Whether every estimate is within the limit.
pub(super) fn is_open(losses: &[DataLoss]) -> bool {
    losses.iter().all(|loss| loss.within_limit)
}
