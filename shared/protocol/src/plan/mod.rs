//! The plan: the typed, validated description of one workload.
//!
//! A plan is written by Terraform as JSON and read by every function. Durations are whole seconds.

pub mod bounds;
mod checksum;
mod document;
mod parameters;
mod problem;
mod read;
mod schema;
mod section;
mod snapshots;
mod validate;

pub use checksum::checksum;
pub use parameters::{Existing, Keys, Parameters};
pub use problem::{PlanProblems, Problem};
pub use schema::plan_schema;
pub use snapshots::{KeyArns, OptionGroups, SnapshotPolicy, Tiers};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arn::is_same;
use crate::name::Name;

/// The only plan schema this version reads.
pub const PLAN_SCHEMA: u16 = 1;

/// What the path of a problem says when it is about the document as a whole.
const ROOT: &str = "plan";

/// One workload: where it lives, what must move, when, and within which limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Version of this document's shape; always 1.
    #[schemars(range(min = bounds::SCHEMA.min, max = bounds::SCHEMA.max))]
    pub schema: u16,
    /// The plan's name: lower-case letters, digits and hyphens.
    pub name: Name,
    /// The AWS account, 12 digits.
    #[schemars(regex(pattern = r"^[0-9]{12}$"))]
    pub account: String,
    /// The account of the primary region, 12 digits, where it is not `account`: the recovery region's, and the functions' own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]{12}$"))]
    pub primary_account: Option<String>,
    /// Whether a person approves each failover, or evidence alone is enough.
    #[serde(default)]
    pub mode: Mode,
    /// The two regions.
    pub regions: Regions,
    /// The databases that must become writable in the recovery region.
    #[serde(default)]
    pub databases: Vec<Database>,
    /// The groups of servers that must be scaled out in the recovery region.
    #[serde(default)]
    pub fleets: Vec<Fleet>,
    /// The ways by which users reach the workload.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub routes: Vec<Route>,
    /// What counts as a sign of the primary region's loss.
    pub detection: Detection,
    /// The bounds of every run.
    #[serde(default)]
    pub limits: Limits,
    /// What of Parameter Store is kept the same in both regions; nothing if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
    /// How snapshots of the databases are kept; none are without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<SnapshotPolicy>,
    /// Name of the function that takes operators' commands; sentences print it.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_-]{1,64}$"))]
    pub operator_function: String,
}

impl Detection {
    /// The alarm that an ARN names, as the plan writes it, if the plan lists it.
    pub fn listed(&self, arn: &str) -> Option<&str> {
        self.alarms.iter().map(String::as_str).find(|listed| is_same(listed, arn))
    }
}

impl Plan {
    /// The account that what lies in a region belongs to.
    pub fn account_in(&self, region: &str) -> &str {
        match &self.primary_account {
            Some(account) if region == self.regions.primary => account,
            _ => &self.account,
        }
    }
}

/// Who decides that a confirmed loss is acted upon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A confirmed run waits for a person's approval.
    #[default]
    Approve,
    /// A confirmed run goes on by itself.
    Automatic,
}

/// The pair of regions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Regions {
    /// The region that serves on a good day.
    #[schemars(regex(pattern = r"^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$"))]
    pub primary: String,
    /// The region that everything runs in when the primary is lost.
    #[schemars(regex(pattern = r"^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$"))]
    pub recovery: String,
}

/// A database of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Name, unique among the items of the plan.
    pub name: Name,
    /// How it is replicated; an RDS read replica if it is left out.
    #[serde(default)]
    pub kind: DatabaseKind,
    /// Identifier of the Aurora global database that both clusters belong to; only for `aurora_global`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z][A-Za-z0-9-]{0,62}$"))]
    pub global_cluster: Option<String>,
    /// ARN of the instance in the primary region; with `aurora_global` of the cluster.
    #[schemars(regex(
        pattern = r"^arn:aws[a-z-]*:rds:[a-z0-9-]+:[0-9]{12}:(db|cluster):[A-Za-z0-9-]{1,63}$"
    ))]
    pub primary: String,
    /// ARN of the replica in the recovery region; with `aurora_global` of the secondary cluster.
    #[schemars(regex(
        pattern = r"^arn:aws[a-z-]*:rds:[a-z0-9-]+:[0-9]{12}:(db|cluster):[A-Za-z0-9-]{1,63}$"
    ))]
    pub replica: String,
    /// Days of automated backups the promoted instance keeps, 1 to 35. An Aurora cluster keeps its own setting.
    #[serde(default = "default_backup_retention_days")]
    #[schemars(range(min = bounds::BACKUP_RETENTION_DAYS.min, max = bounds::BACKUP_RETENTION_DAYS.max))]
    pub backup_retention_days: u8,
    /// Security group without rules, in the primary's VPC, that cuts the old primary off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^sg-[a-z0-9]{1,32}$"))]
    pub quarantine_security_group: Option<String>,
    /// Databases that must be promoted first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Name>,
}

/// How a database reaches the recovery region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseKind {
    /// An RDS instance with a cross-region read replica.
    #[default]
    RdsReplica,
    /// An Aurora global database: a cluster that writes in the primary region, and one that follows it in the recovery
    /// region.
    AuroraGlobal,
}

/// A fleet of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    /// Name, unique among the items of the plan.
    pub name: Name,
    /// What runs it.
    pub kind: FleetKind,
    /// Name of the Auto Scaling group in the recovery region.
    #[schemars(length(min = 1, max = 255))]
    pub group: String,
    /// ARNs of the target groups whose healthy targets count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(min = 1),
        inner(regex(
            pattern = r"^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:targetgroup/[^/]+/[^/]+$"
        ))
    )]
    pub target_groups: Vec<String>,
    /// The size the fleet takes in the recovery region.
    pub capacity: Capacity,
    /// How many targets of every target group must be healthy before traffic opens.
    #[schemars(range(min = bounds::HEALTHY_TARGETS.min, max = bounds::HEALTHY_TARGETS.max))]
    pub healthy_targets_min: u32,
    /// Databases or fleets that must be ready first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Name>,
}

/// What runs a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FleetKind {
    /// An EC2 Auto Scaling group.
    AutoScalingGroup,
}

/// The bounds and the wanted size of a fleet; `min <= desired <= max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Fewest instances.
    #[schemars(range(min = bounds::CAPACITY.min, max = bounds::CAPACITY.max))]
    pub min: u32,
    /// Wanted instances.
    #[schemars(range(min = bounds::CAPACITY_DESIRED.min, max = bounds::CAPACITY_DESIRED.max))]
    pub desired: u32,
    /// Most instances.
    #[schemars(range(min = bounds::CAPACITY.min, max = bounds::CAPACITY.max))]
    pub max: u32,
}

/// A route of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Name, unique among the items of the plan.
    pub name: Name,
    /// What steers it.
    pub kind: RouteKind,
    /// The side that serves on a good day.
    pub primary: RouteSide,
    /// The side that is opened by a failover.
    pub recovery: RouteSide,
    /// Probe of the recovery side, asked by the verify step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// Databases, fleets or routes that must be ready (or open) first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Name>,
}

/// What steers a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RouteKind {
    /// Endpoint weights of an AWS Global Accelerator. Its control plane is hosted in `us-west-2`.
    GlobalAccelerator,
}

/// One side of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteSide {
    /// ARN of the endpoint group.
    #[schemars(regex(
        pattern = r"^arn:aws[a-z-]*:globalaccelerator::[0-9]{12}:accelerator/[^/]+/listener/[^/]+/endpoint-group/[^/]+$"
    ))]
    pub endpoint_group: String,
    /// Id of the endpoint in it: the load balancer's ARN.
    #[schemars(regex(
        pattern = r"^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:loadbalancer/(app|net)/[^/]+/[^/]+$"
    ))]
    pub endpoint: String,
    /// The weight this endpoint has while its side is open, 1 to 255. A closed side has 0.
    #[schemars(range(min = bounds::WEIGHT.min, max = bounds::WEIGHT.max))]
    pub weight: u8,
}

/// What counts as a sign of loss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Detection {
    /// ARNs of the alarms that may speak; any other is rejected.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^arn:aws[a-z-]*:cloudwatch:[a-z0-9-]+:[0-9]{12}:alarm:.+$")))]
    pub alarms: Vec<String>,
    /// ARNs of the topics that alarms arrive by; any other is rejected.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$")))]
    pub topics: Vec<String>,
    /// Probes of the primary region, asked from the recovery region.
    #[schemars(length(min = 1, max = 32))]
    pub probes: Vec<Probe>,
    /// How long sufficient evidence must hold before it is believed.
    #[serde(default = "default_confirm_seconds")]
    #[schemars(range(min = bounds::CONFIRM_SECONDS.min, max = bounds::CONFIRM_SECONDS.max))]
    pub confirm_seconds: u32,
    /// Oldest alarm that still counts, by its `StateChangeTime`.
    #[serde(default = "default_signal_age_seconds_max")]
    #[schemars(range(min = bounds::SIGNAL_AGE_SECONDS.min, max = bounds::SIGNAL_AGE_SECONDS.max))]
    pub signal_age_seconds_max: u32,
    /// How long after the end of a run no other starts by itself.
    #[serde(default = "default_cooldown_seconds")]
    #[schemars(range(min = bounds::COOLDOWN_SECONDS.min, max = bounds::COOLDOWN_SECONDS.max))]
    pub cooldown_seconds: u32,
}

/// A question put to an endpoint from the recovery region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Probe {
    /// Asks an URL with GET.
    Http {
        /// Name, unique among the probes of the plan.
        name: Name,
        /// `http://` or `https://` URL.
        #[schemars(regex(pattern = r"^https?://[^/?#@\s]+([/?][^#\s]*)?$"))]
        url: String,
        /// The status that means healthy.
        #[serde(default = "default_expect_status")]
        #[schemars(range(min = bounds::EXPECT_STATUS.min, max = bounds::EXPECT_STATUS.max))]
        expect_status: u16,
        /// Longest wait for an answer, 1 to 10.
        #[serde(default = "default_probe_timeout_seconds")]
        #[schemars(range(min = bounds::PROBE_TIMEOUT_SECONDS.min, max = bounds::PROBE_TIMEOUT_SECONDS.max))]
        timeout_seconds: u32,
    },
    /// Opens a TCP connection.
    Tcp {
        /// Name, unique among the probes of the plan.
        name: Name,
        /// Host name or address.
        #[schemars(length(min = 1, max = 253))]
        host: String,
        /// Port.
        #[schemars(range(min = bounds::PORT.min, max = bounds::PORT.max))]
        port: u16,
        /// Longest wait for the connection, 1 to 10.
        #[serde(default = "default_probe_timeout_seconds")]
        #[schemars(range(min = bounds::PROBE_TIMEOUT_SECONDS.min, max = bounds::PROBE_TIMEOUT_SECONDS.max))]
        timeout_seconds: u32,
    },
}

impl Probe {
    /// The probe's name.
    pub fn name(&self) -> &Name {
        match self {
            Self::Http { name, .. } | Self::Tcp { name, .. } => name,
        }
    }

    /// Longest wait for an answer.
    pub fn timeout_seconds(&self) -> u32 {
        match self {
            Self::Http { timeout_seconds, .. } | Self::Tcp { timeout_seconds, .. } => *timeout_seconds,
        }
    }
}

/// The bounds of every run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Most replication lag at which a promotion needs no `allow_data_loss`.
    #[schemars(range(min = bounds::LAG_SECONDS.min, max = bounds::LAG_SECONDS.max))]
    pub lag_seconds_max: u32,
    /// The recovery time objective.
    #[schemars(range(min = bounds::RTO_SECONDS.min, max = bounds::RTO_SECONDS.max))]
    pub rto_seconds: u32,
    /// How long a confirmed run waits for an approval.
    #[schemars(range(min = bounds::APPROVAL_SECONDS.min, max = bounds::APPROVAL_SECONDS.max))]
    pub approval_seconds_max: u32,
    /// The timeout of each function, as deployed.
    pub function_timeout_seconds: FunctionTimeouts,
    /// How long each step may take before an operator is asked.
    pub step_seconds_max: StepLimits,
}

/// The timeout of each function, as deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FunctionTimeouts {
    /// Steps confirm and verify.
    #[schemars(range(min = bounds::FUNCTION_TIMEOUT_SECONDS.min, max = bounds::FUNCTION_TIMEOUT_SECONDS.max))]
    pub alarm_handler: u32,
    /// Steps promote and quarantine.
    #[schemars(range(min = bounds::FUNCTION_TIMEOUT_SECONDS.min, max = bounds::FUNCTION_TIMEOUT_SECONDS.max))]
    pub promote_replica: u32,
    /// Steps scale and restore.
    #[schemars(range(min = bounds::FUNCTION_TIMEOUT_SECONDS.min, max = bounds::FUNCTION_TIMEOUT_SECONDS.max))]
    pub scale_asg: u32,
    /// Steps fence, unfence and open.
    #[schemars(range(min = bounds::FUNCTION_TIMEOUT_SECONDS.min, max = bounds::FUNCTION_TIMEOUT_SECONDS.max))]
    pub shift_traffic: u32,
}

/// How long each step may take, all its attempts together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StepLimits {
    /// Scale a fleet out (and back, after an abort).
    #[schemars(range(min = bounds::STEP_SECONDS.min, max = bounds::STEP_SECONDS.max))]
    pub scale: u32,
    /// Close the primary side of a route (and reopen it, after an abort).
    #[schemars(range(min = bounds::STEP_SECONDS.min, max = bounds::STEP_SECONDS.max))]
    pub fence: u32,
    /// Promote a replica.
    #[schemars(range(min = bounds::STEP_SECONDS.min, max = bounds::STEP_SECONDS.max))]
    pub promote: u32,
    /// Open the recovery side of a route.
    #[schemars(range(min = bounds::STEP_SECONDS.min, max = bounds::STEP_SECONDS.max))]
    pub open: u32,
    /// See the recovery side serve.
    #[schemars(range(min = bounds::STEP_SECONDS.min, max = bounds::STEP_SECONDS.max))]
    pub verify: u32,
    /// Keep the old side cut off; after this the operator is told, and it is still tried.
    #[schemars(range(min = bounds::STEP_SECONDS.min, max = bounds::STEP_SECONDS.max))]
    pub quarantine: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lag_seconds_max: 60,
            rto_seconds: 3600,
            approval_seconds_max: 3600,
            function_timeout_seconds: FunctionTimeouts::default(),
            step_seconds_max: StepLimits::default(),
        }
    }
}

impl Default for FunctionTimeouts {
    fn default() -> Self {
        Self { alarm_handler: 170, promote_replica: 840, scale_asg: 840, shift_traffic: 120 }
    }
}

impl Default for StepLimits {
    fn default() -> Self {
        Self { scale: 1200, fence: 180, promote: 1800, open: 240, verify: 240, quarantine: 900 }
    }
}

fn default_backup_retention_days() -> u8 {
    7
}
fn default_confirm_seconds() -> u32 {
    60
}
fn default_signal_age_seconds_max() -> u32 {
    300
}
fn default_cooldown_seconds() -> u32 {
    1800
}
fn default_expect_status() -> u16 {
    200
}
fn default_probe_timeout_seconds() -> u32 {
    3
}
