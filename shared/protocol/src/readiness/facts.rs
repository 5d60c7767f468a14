//! What was seen of the things that a failover needs. Everything that was not seen says why.

use std::collections::BTreeMap;

use crate::decide::{LagPoint, ProbeSeen, ReplicaState};
use jiff::Timestamp;

use super::permissions::Refusal;
use crate::journal::PoisonRecord;
use crate::name::Name;
use crate::upkeep::{ParameterPass, SnapshotLook};

/// Something that was looked at, or why it was not seen.
pub type Seen<T> = Result<T, Unseen>;

/// Why something was not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// In one sentence.
    pub why: String,
    /// What helps.
    pub remedy: String,
}

impl Unseen {
    /// Why, and what helps.
    pub fn new(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { why: why.into(), remedy: remedy.into() }
    }

    /// Nobody looked.
    pub(super) fn not_looked_at() -> Self {
        Self::new(
            "It was not looked at.",
            "Run the command readiness; if it stays so, report a defect of Pilotlight.",
        )
    }
}

/// Everything that was seen in one pass. What is missing from a map was not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The replicas by database; nothing where one does not exist.
    pub replicas: BTreeMap<Name, Seen<Option<ReplicaFacts>>>,
    /// The newest lag sample by database; nothing where there is none.
    pub lag: BTreeMap<Name, Seen<Option<LagPoint>>>,
    /// The groups by fleet; nothing where one does not exist.
    pub groups: BTreeMap<Name, Seen<Option<GroupFacts>>>,
    /// The target groups by ARN; nothing where one does not exist.
    pub target_groups: BTreeMap<String, Seen<Option<TargetGroupFacts>>>,
    /// The healthy targets by fleet, of the fleets that have moved.
    pub healthy: BTreeMap<Name, Seen<u32>>,
    /// The routes.
    pub routes: BTreeMap<Name, Seen<RouteFacts>>,
    /// What the probes of the plan's detection got.
    pub probes: Vec<ProbeSeen>,
    /// Who is subscribed to a topic, by ARN.
    pub topics: BTreeMap<String, Seen<Option<Subscriptions>>>,
    /// The topic that tells people.
    pub notices_topic: String,
    /// The topic that commands steps.
    pub commands_topic: String,
    /// What the last full pass over the parameters came to; nothing where none ever ended.
    pub parameter_pass: Option<Seen<Option<ParameterPass>>>,
    /// What there is of snapshots; nothing where nobody ever looked.
    pub snapshot_look: Option<Seen<Option<SnapshotLook>>>,
    /// The code of each function that was released together, by the function's name.
    pub release: Option<Seen<BTreeMap<String, String>>>,
    /// The functions by name; nothing where one does not exist.
    pub functions: BTreeMap<String, Seen<Option<FunctionFacts>>>,
    /// How many messages lie in each queue of dead letters, by name; nothing where it does not exist.
    pub dead_letters: BTreeMap<String, Seen<Option<u64>>>,
    /// The state of each KMS key; nothing where it does not exist.
    pub keys: BTreeMap<String, Seen<Option<String>>>,
    /// The launch templates; nothing where one, or its version, does not exist.
    pub templates: BTreeMap<TemplateRef, Seen<Option<TemplateFacts>>>,
    /// The certificates of the recovery load balancers, by ARN; nothing where one does not exist.
    pub certificates: BTreeMap<String, Seen<Option<Vec<CertificateFacts>>>>,
    /// What the functions are not allowed, by action.
    pub refused: BTreeMap<String, Seen<Vec<Refusal>>>,
    /// How full the journal is.
    pub journal: Option<JournalFacts>,
}

/// How full the journal is, and whether a snapshot keeps its reading short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalFacts {
    /// All its records.
    pub records: u64,
    /// Those that every invocation reads: what came after the snapshot, or all of them.
    pub records_since_snapshot: u64,
    /// The snapshot that is in use.
    pub snapshot: Option<SnapshotFacts>,
    /// Why a newer snapshot than that is not used.
    pub refused: Option<String>,
    /// Why the snapshot that was due could not be kept.
    pub unkept: Option<String>,
    /// The record that it can't be read beyond.
    pub poison: Option<PoisonRecord>,
}

/// A snapshot of the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// The sequence number of the record that it was taken after.
    pub seq: u64,
    /// When it was taken.
    pub at: Timestamp,
    /// How long its text is.
    pub bytes: usize,
}

/// How an instance or a cluster that is, or was, a replica stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaFacts {
    /// Its status, such as `available`.
    pub status: String,
    /// What it says of its source.
    pub replication: ReplicaState,
    /// For how many days its automated backups are kept; 0: it makes none.
    pub backup_retention_days: u32,
    /// When it makes its automated backup, as RDS writes it: `03:00-03:30`, UTC.
    pub backup_window: Option<String>,
    /// The KMS key that it is encrypted with; nothing where it is not encrypted.
    pub kms_key: Option<String>,
    /// What only an Aurora cluster has; nothing for an instance.
    pub cluster: Option<ClusterFacts>,
}

/// What only an Aurora cluster has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterFacts {
    /// What it is to the global database of the plan.
    pub role: ClusterRole,
    /// Its instances.
    pub instances: u32,
    /// Those of them that are available.
    pub instances_available: u32,
    /// The version of its engine, where it is told.
    pub engine_version: Option<String>,
    /// The version of the global database, where it is told.
    pub global_engine_version: Option<String>,
}

/// What a cluster is to a global database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterRole {
    /// It follows the writer.
    Secondary,
    /// It is the writer.
    Writer,
    /// It does not belong to it.
    Outside,
}

/// How an Auto Scaling group stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupFacts {
    /// The processes that are suspended.
    pub suspended: Vec<String>,
    /// The target groups that its instances are registered with.
    pub target_groups: Vec<String>,
    /// Its ARN.
    pub arn: String,
    /// The launch templates that it launches from.
    pub templates: Vec<TemplateRef>,
}

/// A version of a launch template, as a group names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TemplateRef {
    /// The template's id.
    pub id: String,
    /// A number, `$Latest` or `$Default`.
    pub version: String,
}

/// What a launch template would launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFacts {
    /// Its image; nothing where it names none.
    pub image: Option<String>,
    /// The image's state, such as `available`; nothing where the image does not exist.
    pub image_state: Option<String>,
}

/// How a function stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionFacts {
    /// The checksum of its code.
    pub code_sha256: String,
    /// Its state, such as `Active`.
    pub state: String,
    /// What became of its last update, such as `Successful`.
    pub last_update: String,
    /// The ARN of its role.
    pub role: String,
}

/// How a certificate stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Its ARN.
    pub arn: String,
    /// Its status, such as `ISSUED`.
    pub status: String,
    /// Until when it is good, where that is told.
    pub not_after: Option<Timestamp>,
}

/// How a target group stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetGroupFacts {
    /// The load balancers that send to it.
    pub load_balancers: Vec<String>,
}

/// How a route stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteFacts {
    /// The weight of the primary endpoint; nothing where its group does not have it.
    pub primary_weight: Option<u8>,
    /// The weight of the recovery endpoint; nothing where its group does not have it.
    pub recovery_weight: Option<u8>,
    /// The traffic dial of the recovery group, in thousandths.
    pub recovery_dial_permille: u32,
}

/// Who hears a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscriptions {
    /// Confirmed ones.
    pub confirmed: u32,
    /// Those that nobody has accepted yet.
    pub pending: u32,
}

/// What was seen of the one thing of its kind; that nobody looked, where there is nothing.
pub(super) fn seen_one<T>(thing: Option<&Seen<T>>) -> Result<&T, Unseen> {
    match thing {
        Some(Ok(thing)) => Ok(thing),
        Some(Err(unseen)) => Err(unseen.clone()),
        None => Err(Unseen::not_looked_at()),
    }
}

/// What was seen under a key; that nobody looked, where there is nothing.
pub(super) fn seen<'f, K: Ord + ?Sized, Q: Ord + std::borrow::Borrow<K>, T>(
    map: &'f BTreeMap<Q, Seen<T>>,
    key: &K,
) -> Result<&'f T, Unseen> {
    seen_one(map.get(key))
}
