//! What a look at the world showed.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::evidence::{Veto, ZONE_FAILOVER_TAKES};
use crate::name::Name;
use crate::plan::Plan;
use crate::state::State;

/// Longest age at which a lag sample says something about now.
const LAG_AGE_MAX: SignedDuration = SignedDuration::from_secs(180);

/// One look at the world, from one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// When.
    pub at: Timestamp,
    /// The region it was made from.
    pub vantage: String,
    /// What the probes of the primary region got.
    pub probes: Vec<ProbeSeen>,
    /// How the replicas stand.
    pub replicas: Vec<ReplicaSeen>,
    /// The recent lag samples of each database, oldest first.
    pub lag: BTreeMap<Name, Vec<LagPoint>>,
    /// When a probe of the primary region last got a good answer, if that is known.
    pub answered_at: Option<Timestamp>,
}

/// What a probe got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeSeen {
    /// The probe.
    pub name: Name,
    /// What it got.
    pub sight: Sight,
}

/// The three answers to "does the primary answer?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// A good answer.
    Good,
    /// A bad answer, or none in time.
    Bad {
        /// What was seen.
        detail: String,
    },
    /// It could not be asked: neither health nor death.
    Unknown {
        /// Why.
        detail: String,
    },
}

/// How a replica stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSeen {
    /// The database.
    pub database: Name,
    /// What was seen.
    pub state: ReplicaState,
}

/// What a replica says of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplicaState {
    /// It replicates.
    Replicating,
    /// It still receives from its source, but not as it should.
    Degraded {
        /// Its own words.
        detail: String,
    },
    /// It does not replicate, which is no sign of a loss: somebody stopped it, or RDS ended it.
    Halted {
        /// Its own words.
        detail: String,
    },
    /// Its replication is in error.
    Broken {
        /// Its own words.
        detail: String,
    },
    /// It is no replica (any more).
    Detached,
    /// It was asked, and does not say.
    Unknown {
        /// Why.
        detail: String,
    },
    /// It could not be asked.
    Unasked {
        /// Why.
        detail: String,
    },
}

impl ReplicaState {
    /// Whether the replica receives what its source writes: the source lives, if the lag is fresh and small.
    pub fn hears_its_source(&self) -> bool {
        matches!(self, Self::Replicating | Self::Degraded { .. })
    }
}

/// One sample of replication lag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LagPoint {
    /// When.
    pub at: Timestamp,
    /// How far behind the replica was.
    pub lag_ms: u64,
}

impl Observation {
    /// What forbids an automatic failover, each with what was seen: by this look, and by what RDS said before it.
    pub fn vetoes(&self, plan: &Plan, state: &State) -> BTreeMap<Veto, String> {
        let answers = self.probes.iter().filter(|probe| probe.sight == Sight::Good).map(|probe| {
            let veto = Veto::PrimaryAnswers { probe: probe.name.to_string() };
            (veto, "a good answer from the primary region".to_owned())
        });
        let replicates =
            self.replicas.iter().filter(|replica| replica.state.hears_its_source()).filter_map(|replica| {
                let point = self.latest_lag(&replica.database)?;
                let small = point.lag_ms <= u64::from(plan.limits.lag_seconds_max) * 1000;
                let veto = Veto::SourceReplicates { database: replica.database.to_string() };
                small.then(|| (veto, format!("lag {:.1} s", seconds(point.lag_ms))))
            });
        let zone_failovers = state
            .zone_failovers
            .iter()
            .filter(|(database, at)| {
                !state.moved.contains(*database) && self.at.duration_since(**at) < ZONE_FAILOVER_TAKES
            })
            .map(|(database, at)| {
                let veto = Veto::ZoneFailover { database: database.to_string() };
                (veto, format!("RDS said so at {at}"))
            });
        answers.chain(replicates).chain(zone_failovers).collect()
    }

    /// What this look could not see, and may be alive: witnesses that could not be asked, and replicas that say that they
    /// replicate while nobody knows how far behind. One that was asked and does not say is not among them.
    pub(super) fn in_the_dark(&self) -> Vec<String> {
        let probes = self.probes.iter().filter_map(|probe| match &probe.sight {
            Sight::Unknown { detail } => Some(format!("probe {} ({detail})", probe.name)),
            Sight::Good | Sight::Bad { .. } => None,
        });
        let replicas = self.replicas.iter().filter_map(|seen| match &seen.state {
            ReplicaState::Unasked { detail } => Some(format!("replica {} ({detail})", seen.database)),
            state if state.hears_its_source() && self.latest_lag(&seen.database).is_none() => Some(format!(
                "replica {} (it says that it replicates, and its lag is not known)",
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

    /// The newest lag sample that says something about now.
    fn latest_lag(&self, database: &Name) -> Option<&LagPoint> {
        self.lag.get(database)?.last().filter(|point| self.at.duration_since(point.at) <= LAG_AGE_MAX)
    }
}

/// Milliseconds as seconds, for sentences.
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal place")]
pub(super) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}
