//! What a look at the world means: vetoes, what could not be seen, and the newest lag.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::arn::Arn;
use crate::evidence::{MULTI_AZ_FAILOVER_TAKES, Veto};
use crate::name::Name;
use crate::observation::{AlarmsSeen, Observation, ProbeAnswer, ReplicaState};
use crate::plan::Plan;
use crate::signal::AlarmNow;
use crate::state::State;
use crate::words::{between_ms, seconds};

/// So much may the clock of a database's server be ahead of a guard's: what was written later than that says nothing.
const CLOCKS_APART_MAX: SignedDuration = SignedDuration::from_secs(1);

/// Longest age at which a lag sample says something about now.
const LAG_AGE_MAX: SignedDuration = SignedDuration::from_secs(180);

impl Observation {
    /// What forbids an automatic failover, each with what was seen: by this look, and by what RDS said before it.
    pub fn vetoes(&self, plan: &Plan, state: &State) -> BTreeMap<Veto, String> {
        let answers = self.probes.iter().filter(|probe| probe.answer == ProbeAnswer::Good).map(|probe| {
            let veto = Veto::PrimaryAnswers { probe: probe.name.to_string() };
            (veto, format!("a good answer from the {} region", plan.seat.other().as_str()))
        });
        let replicates =
            self.replicas.iter().filter(|replica| replica.state.hears_its_source()).filter_map(|replica| {
                let lag_ms = self.latest_lag(&replica.database)?;
                let small = lag_ms <= u64::from(plan.limits.lag_seconds_max) * 1000;
                let veto = Veto::SourceReplicates { database: replica.database.to_string() };
                small.then(|| (veto, format!("lag {:.1} s", seconds(lag_ms))))
            });
        let multi_az_failovers = state
            .multi_az_failovers
            .iter()
            .filter(|(database, at)| {
                !state.holdings.is_active(database)
                    && self.at.duration_since(**at) < MULTI_AZ_FAILOVER_TAKES
                    && state.heeds_multi_az_failovers(self.at)
            })
            .map(|(database, at)| {
                let veto = Veto::MultiAzFailover { database: database.to_string() };
                (veto, format!("RDS reported it at {at}"))
            });
        answers.chain(replicates).chain(multi_az_failovers).collect()
    }

    /// What CloudWatch said of an alarm, and when it was asked, if it was.
    pub(super) fn alarm(&self, arn: &str) -> Option<(&AlarmNow, Timestamp)> {
        let region = Arn::parse(arn)?.region;
        let AlarmsSeen::Answered { at, alarms } = self.alarms.get(region)? else { return None };
        alarms.iter().find(|alarm| alarm.arn == arn).map(|alarm| (alarm, *at))
    }

    /// What this look could not see, and may be alive: witnesses that could not be asked, and replicas that say that they
    /// replicate while nobody knows how far behind. One that was asked and does not say is not among them.
    pub(super) fn in_the_dark(&self) -> Vec<String> {
        let probes = self.probes.iter().filter_map(|probe| match &probe.answer {
            ProbeAnswer::Unknown { detail } => Some(format!("probe {} ({detail})", probe.name)),
            ProbeAnswer::Good | ProbeAnswer::Bad { .. } => None,
        });
        let replicas = self.replicas.iter().filter_map(|seen| match &seen.state {
            ReplicaState::Unasked { detail } => Some(format!("replica {} ({detail})", seen.database)),
            state if state.hears_its_source() && self.latest_lag(&seen.database).is_none() => Some(format!(
                "replica {} (it reports that it replicates, but its lag is unknown)",
                seen.database
            )),
            ReplicaState::Replicating
            | ReplicaState::Degraded { .. }
            | ReplicaState::Halted { .. }
            | ReplicaState::Broken { .. }
            | ReplicaState::Detached
            | ReplicaState::Unknown { .. } => None,
        });
        probes.chain(replicas).collect()
    }

    /// The lag by the newest sample, if that says something about now, or by the witness: an idle source's replica looks minutes
    /// behind to CloudWatch, and is not.
    fn latest_lag(&self, database: &Name) -> Option<u64> {
        let newest = self.lag.get(database).and_then(|points| points.last());
        let sampled = newest.filter(|newest| self.at.duration_since(newest.at) <= LAG_AGE_MAX);
        let witnessed = self.replayed_until(database).map(|until| between_ms(until, self.at));
        sampled.and_then(|newest| newest.lag_ms).into_iter().chain(witnessed).min()
    }

    /// Until when a replica has replayed everything that its source committed, by the witness; nothing where that is said by a clock
    /// that is ahead.
    pub(super) fn replayed_until(&self, database: &Name) -> Option<Timestamp> {
        let until = *self.replayed.get(database)?;
        (until.duration_since(self.at) <= CLOCKS_APART_MAX).then_some(until)
    }
}
