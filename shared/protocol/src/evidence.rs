//! Evidence: signals that were checked and counted, by kind and by vantage; and what forbids acting on them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::arn::alarm_name;
use crate::name::Name;

/// For how long an alarm's last word counts: from that word, or from CloudWatch's last answer that it is still so, until
/// now, or until its region fell silent. An alarm speaks only when its state changes, and a lost OK must not let it
/// count for ever.
pub const ALARM_STANDS: SignedDuration = SignedDuration::from_secs(3600);

/// How often it is written down that an alarm is still in ALARM, or that its region can't be asked: often enough for
/// [`ALARM_STANDS`], seldom enough for an alarm that is red for weeks.
pub const ALARM_CONFIRMED_EVERY: SignedDuration = SignedDuration::from_mins(15);

/// How far CloudWatch's answer may trail behind a message: by its own delay, and by what clocks differ. What an answer says
/// holds for the time before by this much at least.
pub const ANSWER_TRAILS: SignedDuration = SignedDuration::from_secs(60);

/// Longest time since something was last looked at for it to count as still so. The tick comes once a minute.
pub const OBSERVATION_GAP_MAX: SignedDuration = SignedDuration::from_secs(90);

/// How often evidence that still stands is written down again while a run weighs it.
pub const REFRESH_EVERY: SignedDuration = SignedDuration::from_secs(20);

/// For how long after RDS's word a failover within the region forbids an automatic one to the other region: one takes
/// one to two minutes, and its alarms a while longer.
pub const MULTI_AZ_FAILOVER_TAKES: SignedDuration = SignedDuration::from_secs(180);

/// For how long RDS's words of such failovers forbid an automatic one in all, however often they come and whatever
/// databases they are about, while no probe and no replica shows life in between: several databases may move one after the
/// other, but not for ever.
pub const MULTI_AZ_FAILOVERS_TAKE: SignedDuration = SignedDuration::from_secs(600);

/// Words of such failovers that lie further apart have nothing to do with each other.
pub const MULTI_AZ_FAILOVERS_APART: SignedDuration = SignedDuration::from_hours(1);

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
    /// The time series of an alarm over several, by CloudWatch's id; nothing for the alarm as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contributor: Option<String>,
}

impl EvidenceKey {
    /// An alarm, or one of its contributors.
    pub fn alarm(arn: &str, contributor: Option<&str>) -> Self {
        let contributor = contributor.map(str::to_owned);
        Self { kind: EvidenceKind::Alarm, source: arn.to_owned(), contributor }
    }

    /// A probe.
    pub fn probe(name: &Name) -> Self {
        Self { kind: EvidenceKind::Probe, source: name.to_string(), contributor: None }
    }

    /// A replica, by its database.
    pub fn replica(database: &Name) -> Self {
        Self { kind: EvidenceKind::Replica, source: database.to_string(), contributor: None }
    }
}

impl std::fmt::Display for EvidenceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            EvidenceKind::Alarm => write!(f, "alarm {}", alarm_name(&self.source))?,
            EvidenceKind::Probe => write!(f, "probe {}", self.source)?,
            EvidenceKind::Replica => write!(f, "replica {}", self.source)?,
        }
        match &self.contributor {
            Some(contributor) => write!(f, " (series {contributor})"),
            None => Ok(()),
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

/// The regions whose alarms can't be asked for, and since when.
pub type Silences = BTreeMap<String, Timestamp>;

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
    #[serde(rename = "zone_failover")]
    MultiAzFailover {
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
            Self::MultiAzFailover { database } => {
                write!(f, "RDS reports a Multi-AZ failover of database {database}")
            }
        }
    }
}

/// Whether a piece of evidence still counts at a moment.
///
/// An alarm whose region can't be asked counts for as long as the silence lasts, if its last word was not too old when
/// the silence began.
pub fn counts(key: &EvidenceKey, standing: &Standing, silences: &Silences, now: Timestamp) -> bool {
    match key.kind {
        EvidenceKind::Alarm => {
            let silent_since = silences.get(&standing.vantage).copied();
            let until = silent_since.map_or(now, |since| since.min(now));
            until.duration_since(standing.last_seen) <= ALARM_STANDS
        }
        EvidenceKind::Probe | EvidenceKind::Replica => {
            now.duration_since(standing.last_seen) <= OBSERVATION_GAP_MAX
        }
    }
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
    /// Weighs what counts.
    pub fn of<'e>(counting: impl IntoIterator<Item = (&'e EvidenceKey, &'e Standing)>) -> Self {
        let mut weight = Self { kinds: BTreeSet::new(), outside: false, first_since: None };
        for (key, standing) in counting {
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
