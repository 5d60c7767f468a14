//! What was seen of the things that a failover needs. Everything that was not seen says why.

use crate::endpoint::Endpoint;
use std::collections::{BTreeMap, BTreeSet};

use crate::observation::{LagSample, ProbeSeen, ReplicaState};
use jiff::Timestamp;

use crate::journal::PoisonRecord;
use crate::maintenance::{ParameterPass, SnapshotLook};
use crate::name::Name;
use crate::side::Sides;
use crate::witness::Sight;

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
            "This was not checked.",
            "Run the command readiness. If the result stays the same, report a bug in Pilotlight.",
        )
    }
}

/// Everything that was seen in one pass. What is missing from a map was not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadinessFacts {
    /// The replicas by database; nothing where one does not exist.
    pub replicas: BTreeMap<Name, Seen<Option<ReplicaFacts>>>,
    /// The newest lag sample by database; nothing where there is none.
    pub lag: BTreeMap<Name, Seen<Option<LagSample>>>,
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
    /// How many concurrent executions each function has to itself; nothing where it has none.
    pub reserved: BTreeMap<String, Seen<Option<u32>>>,
    /// How many messages lie in each queue of dead letters, by name; nothing where it does not exist.
    pub dead_letters: BTreeMap<String, Seen<Option<u64>>>,
    /// The state of each KMS key; nothing where it does not exist.
    pub keys: BTreeMap<String, Seen<Option<String>>>,
    /// The launch templates; nothing where one, or its version, does not exist.
    pub templates: BTreeMap<TemplateRef, Seen<Option<TemplateFacts>>>,
    /// The certificates of the recovery load balancers, by ARN; nothing where one does not exist.
    pub certificates: BTreeMap<String, Seen<Option<Vec<CertificateFacts>>>>,
    /// What the functions are not allowed, by action.
    pub refused: BTreeMap<String, Seen<Vec<RefusedAction>>>,
    /// The primaries by database, while they serve; nothing where one does not exist.
    pub primaries: BTreeMap<Name, Seen<Option<InstanceFacts>>>,
    /// What the parameter group of an instance sets `read_only` to, by the group's name; nothing where it sets it not.
    pub read_only: BTreeMap<String, Seen<Option<String>>>,
    /// The options of an option group, by its region and name.
    pub options: BTreeMap<OptionGroupRef, Seen<Vec<String>>>,
    /// The target groups that a recovery load balancer sends to, by its ARN; nothing where it does not exist.
    pub attached: BTreeMap<String, Seen<Option<Vec<AttachedGroup>>>>,
    /// How many endpoint groups the listener of a route's recovery side has.
    pub endpoint_groups: BTreeMap<Name, Seen<u32>>,
    /// The scheduled actions of each fleet's group that have not ended.
    pub scheduled: BTreeMap<Name, Seen<Vec<ScheduledAction>>>,
    /// The zones of the recovery region that offer an instance type.
    pub offerings: BTreeMap<String, Seen<BTreeSet<String>>>,
    /// The vCPUs of an instance type; nothing where the region does not know it.
    pub vcpus: BTreeMap<String, Seen<Option<u32>>>,
    /// The vCPUs that the account may run in the recovery region, by the code of the quota.
    pub quotas: BTreeMap<String, Seen<u32>>,
    /// The free addresses of a subnet; nothing where it does not exist.
    pub free_addresses: BTreeMap<String, Seen<Option<u32>>>,
    /// The key that EBS encrypts with where nothing names one; nothing where it encrypts nothing by itself.
    pub default_volume_key: Option<Seen<Option<String>>>,
    /// Who may use a key; nothing where it does not exist.
    pub key_rights: BTreeMap<String, Seen<Option<KeyRights>>>,
    /// What the witness of the own side saw of each database that it reaches.
    pub witnessed: BTreeMap<Name, Seen<Sight>>,
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
    /// What it is made of; nothing for a cluster.
    pub instance: Option<InstanceFacts>,
}

/// What an instance is made of. Of an Aurora cluster only the key is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceFacts {
    /// Its class, such as `db.r6g.large`.
    pub class: Option<String>,
    /// Whether it has a standby in another zone of its region.
    pub is_multi_az: bool,
    /// Its storage.
    pub storage_gib: u32,
    /// Its engine, such as `mysql`.
    pub engine: String,
    /// Its parameter group.
    pub parameter_group: Option<String>,
    /// Its option groups.
    pub option_groups: Vec<String>,
    /// The KMS key that it is encrypted with; nothing where it is not encrypted.
    pub kms_key: Option<String>,
}

/// An option group of a region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OptionGroupRef {
    /// The region.
    pub region: String,
    /// Its name.
    pub name: String,
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
    /// The instance types that it names itself; without any its templates do.
    pub types: Vec<String>,
    /// Whether it has its instance types chosen by what they must have.
    pub chooses_types: bool,
    /// Its zones.
    pub zones: Vec<String>,
    /// Its subnets.
    pub subnets: Vec<String>,
    /// How many instances it has.
    pub instances: u32,
    /// The role by which Auto Scaling launches; nothing where that is not told.
    pub service_role: Option<String>,
}

/// What changes a group at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduledAction {
    /// Its name.
    pub name: String,
    /// What it sets the fewest instances to, if it does.
    pub min: Option<u32>,
    /// What it sets the wanted instances to, if it does.
    pub desired: Option<u32>,
    /// What it sets the most instances to, if it does.
    pub max: Option<u32>,
}

/// A target group that a load balancer sends to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedGroup {
    /// Its ARN.
    pub arn: String,
    /// How many of its targets are healthy.
    pub healthy: u32,
}

/// Who may use a KMS key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRights {
    /// Whether it is one of AWS's own, such as `aws/ebs`, which every service may use for its account.
    pub is_of_aws: bool,
    /// Its grants.
    pub grants: Vec<KeyGrant>,
    /// The text of its policy.
    pub policy: String,
}

/// A grant on a KMS key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyGrant {
    /// Whom it is for, by ARN.
    pub grantee: String,
    /// What it allows, such as `CreateGrant`.
    pub operations: Vec<String>,
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateFacts {
    /// Its image, or the parameter that names it; nothing where it names none.
    pub image: Option<String>,
    /// The image's state, such as `available`; nothing where the image does not exist.
    pub image_state: Option<String>,
    /// Its instance type; nothing where it names none.
    pub instance_type: Option<String>,
    /// The keys that its volumes, and those of its image, are encrypted with.
    pub volume_keys: BTreeSet<String>,
    /// How many encrypted snapshots of the image can't be looked at, because they belong to another account.
    pub hidden_volumes: u32,
    /// Whether a volume names no key, so that EBS encrypts it by itself, or not at all.
    pub has_plain_volume: bool,
}

/// What a function is not allowed to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedAction {
    /// The action, as in a policy.
    pub action: String,
    /// The ARN it would be done to.
    pub resource: String,
    /// What the simulation says: `implicitDeny`, `explicitDeny`.
    pub decision: String,
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

/// What the traffic service itself makes of an endpoint: whether it sends users to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EndpointHealth {
    /// It is healthy.
    Healthy,
    /// It was not checked often enough yet.
    Initial {
        /// The service's reason.
        reason: String,
    },
    /// It is not healthy.
    Unhealthy {
        /// The service's reason.
        reason: String,
    },
    /// The service does not say.
    #[default]
    Unknown,
}

impl std::fmt::Display for EndpointHealth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (state, reason) = match self {
            Self::Healthy => ("HEALTHY", ""),
            Self::Initial { reason } => ("INITIAL", reason.as_str()),
            Self::Unhealthy { reason } => ("UNHEALTHY", reason.as_str()),
            Self::Unknown => ("not reported", ""),
        };
        match reason.trim_end_matches('.') {
            "" => f.write_str(state),
            reason => write!(f, "{state}: {reason}"),
        }
    }
}

/// How a route stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteFacts {
    /// How each endpoint stands.
    pub endpoints: Sides<Endpoint>,
    /// The traffic dial of each group, in thousandths.
    pub dials_permille: Sides<u32>,
    /// What the traffic service makes of each endpoint.
    pub health: Sides<EndpointHealth>,
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
