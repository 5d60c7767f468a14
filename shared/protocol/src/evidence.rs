//! Evidence: signals that were checked and counted, by kind and by vantage; and what forbids acting on them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Longest time an alarm's word stands without being repeated: an alarm speaks only when its state changes, and
/// a lost OK must not let it count for ever.
pub const ALARM_STANDS: SignedDuration = SignedDuration::from_secs(3600);

/// Longest time since something was last looked at for it to count as still so. The tick comes once a minute.
pub const OBSERVATION_GAP_MAX: SignedDuration = SignedDuration::from_secs(90);

/// How often evidence that still stands is written down again while a run weighs it.
pub const REFRESH_EVERY: SignedDuration = SignedDuration::from_secs(20);

/// For how long after RDS's word a failover within the region forbids an automatic one to the other region: one takes
/// one to two minutes, and its alarms a while longer.
pub const ZONE_FAILOVER_TAKES: SignedDuration = SignedDuration::from_secs(180);

/// What sort of thing spoke. Two of the same kind are one witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// A CloudWatch alarm of the plan is in ALARM.
    Alarm,
    /// A probe of the primary region got no good answer.
    Probe,
    /// A replica says that it no longer replicates.
    Replica,
}

/// What a piece of evidence is about: the same key is the same evidence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EvidenceKey {
    /// Its kind.
    pub kind: EvidenceKind,
    /// The alarm's ARN, the probe's name or the database's name.
    pub source: String,
}

impl std::fmt::Display for EvidenceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.source.rsplit(':').next().unwrap_or(&self.source);
        match self.kind {
            EvidenceKind::Alarm => write!(f, "alarm {name}"),
            EvidenceKind::Probe => write!(f, "probe {name}"),
            EvidenceKind::Replica => write!(f, "replica {name}"),
        }
    }
}

/// One piece of evidence, as it is journaled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What it is about.
    #[serde(flatten)]
    pub key: EvidenceKey,
    /// The region it was seen from.
    pub vantage: String,
    /// Whether that is outside the primary region.
    pub outside: bool,
    /// When it was seen: the alarm's own time, or the time of the look.
    pub seen_at: Timestamp,
    /// What was seen, in a few words.
    pub detail: String,
}

/// Evidence that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// Since when without a gap.
    pub since: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
    /// Whether it was seen from outside the primary region.
    pub outside: bool,
    /// The region it was seen from.
    pub vantage: String,
    /// What was seen.
    pub detail: String,
    /// The sequence number of the record that raised it.
    pub raised_seq: u64,
}

/// Everything that stands, keyed by what it is about.
pub type EvidenceMap = BTreeMap<EvidenceKey, Standing>;

/// A fact that forbids an automatic failover.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "veto", rename_all = "snake_case")]
pub enum Veto {
    /// A replica still replicates with small lag: its source is alive.
    SourceReplicates {
        /// The database.
        database: String,
    },
    /// A probe got a good answer from the primary region.
    PrimaryAnswers {
        /// The probe.
        probe: String,
    },
    /// RDS moves a database to its standby in another zone: the region lives.
    ZoneFailover {
        /// The database.
        database: String,
    },
}

impl std::fmt::Display for Veto {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SourceReplicates { database } => {
                write!(f, "replica {database} still replicates with small lag")
            }
            Self::PrimaryAnswers { probe } => write!(f, "probe {probe} gets good answers"),
            Self::ZoneFailover { database } => {
                write!(f, "RDS moves database {database} to its standby in another zone")
            }
        }
    }
}

/// Whether a piece of evidence still counts at a moment.
pub fn counts(key: &EvidenceKey, standing: &Standing, now: Timestamp) -> bool {
    let age_max = match key.kind {
        EvidenceKind::Alarm => ALARM_STANDS,
        EvidenceKind::Probe | EvidenceKind::Replica => OBSERVATION_GAP_MAX,
    };
    now.duration_since(standing.last_seen) <= age_max
}

/// What the evidence amounts to at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight {
    /// The kinds that count.
    pub kinds: BTreeSet<EvidenceKind>,
    /// Whether one of them was seen from outside the primary region.
    pub outside: bool,
    /// Since when the first of what counts stands.
    pub first_since: Option<Timestamp>,
}

impl Weight {
    /// Weighs what stands.
    pub fn of(evidence: &EvidenceMap, now: Timestamp) -> Self {
        let mut weight = Self { kinds: BTreeSet::new(), outside: false, first_since: None };
        for (key, standing) in evidence.iter().filter(|(key, standing)| counts(key, standing, now)) {
            weight.kinds.insert(key.kind);
            weight.outside |= standing.outside;
            weight.first_since =
                Some(weight.first_since.map_or(standing.since, |first| first.min(standing.since)));
        }
        weight
    }

    /// At least two kinds, one of them seen from outside the primary region.
    pub fn is_sufficient(&self) -> bool {
        self.kinds.len() >= 2 && self.outside
    }
}
