//! What one look at the world showed: probes, replicas, lag and alarms.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::evidence::EvidenceKey;
use crate::name::Name;
use crate::signal::AlarmNow;

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
    pub lag: BTreeMap<Name, Vec<LagSample>>,
    /// Until when each replica has replayed everything that its source committed, as the witness saw it.
    pub replayed: BTreeMap<Name, Timestamp>,
    /// When a probe of the primary region last got a good answer, if that is known.
    pub answered_at: Option<Timestamp>,
    /// What each region that was asked for the plan's alarms said.
    pub alarms: BTreeMap<String, AlarmsSeen>,
}

impl Observation {
    /// A look at nothing.
    pub fn blank(at: Timestamp, vantage: &str) -> Self {
        Self {
            at,
            vantage: vantage.to_owned(),
            probes: Vec::new(),
            replicas: Vec::new(),
            lag: BTreeMap::new(),
            replayed: BTreeMap::new(),
            answered_at: None,
            alarms: BTreeMap::new(),
        }
    }

    /// Whether a probe of the other side gets a good answer.
    pub fn answers_now(&self) -> bool {
        self.probes.iter().any(|probe| probe.answer == ProbeAnswer::Good)
    }

    /// Whether anything shows that the other side may live: a probe gets a good answer, or a replica hears its source. Nobody knows
    /// how far behind a replica is that says that it replicates.
    pub fn shows_life(&self) -> bool {
        self.answers_now() || self.replicas.iter().any(|replica| replica.state.hears_its_source())
    }

    /// The probes and replicas that show a sign of loss.
    pub fn signs(&self) -> impl Iterator<Item = EvidenceKey> {
        let probes = self.probes.iter().filter(|probe| matches!(probe.answer, ProbeAnswer::Bad { .. }));
        let replicas =
            self.replicas.iter().filter(|replica| matches!(replica.state, ReplicaState::Broken { .. }));
        probes
            .map(|probe| EvidenceKey::probe(&probe.name))
            .chain(replicas.map(|replica| EvidenceKey::replica(&replica.database)))
    }

    /// Whether a probe or a replica shows a sign of loss.
    pub fn shows_a_sign(&self) -> bool {
        self.signs().next().is_some()
    }
}

/// What a region said when it was asked for the plan's alarms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlarmsSeen {
    /// Their states; an alarm that does not exist is not among them.
    Answered {
        /// When it was asked.
        at: Timestamp,
        /// The alarms.
        alarms: Vec<AlarmNow>,
    },
    /// It did not answer.
    Silent {
        /// When it was asked.
        at: Timestamp,
        /// Why.
        detail: String,
    },
    /// It refused to answer: it says nothing of its alarms, nor that it is lost.
    Refused {
        /// Why.
        detail: String,
    },
}

/// What a probe got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeSeen {
    /// The probe.
    pub name: Name,
    /// What it got.
    pub answer: ProbeAnswer,
}

/// What a probe says of its endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeAnswer {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LagSample {
    /// When.
    pub at: Timestamp,
    /// How far behind the replica was; nothing where CloudWatch says that it isn't known (-1).
    pub lag_ms: Option<u64>,
}
