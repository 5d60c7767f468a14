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
mod witness;

pub use checksum::checksum;
pub use parameters::{Existing, Keys, Parameters};
pub use problem::{PlanProblems, Problem};
pub use schema::plan_schema;
pub use snapshots::{KeyArns, OptionGroups, SnapshotPolicy, Tiers};
pub use witness::{Connection, Witness, WitnessSide};

use crate::endpoint::Setting;
use std::ops::Deref;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arn::is_same;
use crate::name::Name;
use crate::side::{Direction, Side, Sides};

/// The plan schema that this version writes of; the one before is read too.
pub const PLAN_SCHEMA: u16 = 2;

/// What the path of a problem says when it is about the document as a whole.
const ROOT: &str = "plan";

/// One workload: where it lives, what must move, when, and within which limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Plan {
    /// Version of this document's shape; 2. A document of schema 1 is read as a plan that moves to its recovery side only.
    #[schemars(range(min = bounds::SCHEMA.min, max = bounds::SCHEMA.max))]
    pub schema: u16,
    /// The plan's name: lower-case letters, digits and hyphens.
    pub name: Name,
    /// Whether a person approves each failover, or evidence alone is enough.
    #[serde(default)]
    pub mode: Mode,
    /// The two places.
    pub sides: Sides<Place>,
    /// The databases.
    #[serde(default)]
    pub databases: Vec<Database>,
    /// The groups of servers.
    #[serde(default)]
    pub fleets: Vec<Fleet>,
    /// The ways by which users reach the workload.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub routes: Vec<Route>,
    /// What counts as a sign of a side's loss.
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
    /// The function that asks the databases in SQL; nobody does without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
    /// Name of the function that takes operators' commands; sentences print it.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_-]{1,64}$"))]
    pub operator_function: String,
    /// The side of the guard that reads the plan. It is in no document: whoever loads a plan knows its own region.
    #[serde(skip)]
    pub seat: Side,
}

impl Plan {
    /// From which side to which this guard moves items.
    pub fn direction(&self) -> Direction {
        Direction::to(self.seat)
    }

    /// The guard's own side.
    pub fn own(&self) -> &Place {
        &self.sides[self.seat]
    }

    /// The other guard's side.
    pub fn other(&self) -> &Place {
        &self.sides[self.seat.other()]
    }

    /// What speaks of the loss of the other side: of the one that this guard moves items away from.
    pub fn watched(&self) -> &SideDetection {
        &self.detection.sides[self.seat.other()]
    }

    /// The alarm of the other side that an ARN names, as the plan writes it, if the plan lists it.
    pub fn listed_alarm(&self, arn: &str) -> Option<&str> {
        self.watched().alarms.iter().map(String::as_str).find(|listed| is_same(listed, arn))
    }

    /// Whether an alarm speaks of the guard's own side: it is for the guard across, which hears it too.
    pub fn is_of_own_side(&self, arn: &str) -> bool {
        self.detection.sides[self.seat].alarms.iter().any(|listed| is_same(listed, arn))
    }

    /// The same plan as the guard of another side reads it.
    #[must_use]
    pub fn seated(self, seat: Side) -> Self {
        Self { seat, ..self }
    }

    /// The fleets as they are on a side.
    pub fn fleets_at(&self, side: Side) -> impl Iterator<Item = FleetAt<'_>> {
        self.fleets.iter().filter_map(move |fleet| fleet.at(side))
    }

    /// The side that a region is of.
    pub fn side_of(&self, region: &str) -> Option<Side> {
        Side::BOTH.into_iter().find(|side| self.sides[*side].region == region)
    }

    /// The account that what lies in a region belongs to; of a region that is neither side's, the guard's own.
    pub fn account_in(&self, region: &str) -> &str {
        &self.sides[self.side_of(region).unwrap_or(self.seat)].account
    }

    /// Whether the two sides lie in accounts of their own.
    pub fn has_two_accounts(&self) -> bool {
        self.sides.primary.account != self.sides.recovery.account
    }
}

/// A place where the workload can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Place {
    /// Its region.
    #[schemars(regex(pattern = r"^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$"))]
    pub region: String,
    /// The AWS account that what is there belongs to, 12 digits.
    #[schemars(regex(pattern = r"^[0-9]{12}$"))]
    pub account: String,
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

/// A database of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Database {
    /// Name, unique among the items of the plan.
    pub name: Name,
    /// What it is, and what it is made of on each side.
    #[serde(flatten)]
    pub kind: DatabaseKind,
    /// Databases that must be promoted first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Name>,
}

/// How a database is kept on both sides. A kind owns its fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DatabaseKind {
    /// An RDS instance with a cross-region read replica.
    RdsReplica {
        /// The instance on each side: one writes, the other is its replica.
        sides: Sides<RdsInstance>,
    },
    /// An Aurora global database: on one side a cluster that writes, on the other one that follows it.
    AuroraGlobal {
        /// Identifier of the global database that both clusters belong to.
        #[schemars(regex(pattern = r"^[A-Za-z][A-Za-z0-9-]{0,62}$"))]
        global_cluster: String,
        /// The cluster on each side.
        sides: Sides<AuroraCluster>,
    },
}

/// An RDS instance, on one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RdsInstance {
    /// Its ARN.
    #[schemars(regex(pattern = r"^arn:aws[a-z-]*:rds:[a-z0-9-]+:[0-9]{12}:db:[A-Za-z0-9-]{1,63}$"))]
    pub arn: String,
    /// Days of automated backups that it keeps once it is promoted, 1 to 35.
    #[serde(default = "default_backup_retention_days")]
    #[schemars(range(min = bounds::BACKUP_RETENTION_DAYS.min, max = bounds::BACKUP_RETENTION_DAYS.max))]
    pub backup_retention_days: u8,
    /// Security group without rules, in its VPC, that cuts it off once the other side serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^sg-[a-z0-9]{1,32}$"))]
    pub quarantine_security_group: Option<String>,
    /// Where the witness of this side logs in to it; PostgreSQL only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<Connection>,
}

/// A cluster of an Aurora global database, on one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AuroraCluster {
    /// Its ARN.
    #[schemars(regex(pattern = r"^arn:aws[a-z-]*:rds:[a-z0-9-]+:[0-9]{12}:cluster:[A-Za-z0-9-]{1,63}$"))]
    pub arn: String,
    /// Security group without rules, in its VPC, that cuts it off once the other side serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^sg-[a-z0-9]{1,32}$"))]
    pub quarantine_security_group: Option<String>,
}

impl Database {
    /// The ARN of its instance or cluster on a side.
    pub fn arn(&self, side: Side) -> &str {
        match &self.kind {
            DatabaseKind::RdsReplica { sides } => &sides[side].arn,
            DatabaseKind::AuroraGlobal { sides, .. } => &sides[side].arn,
        }
    }

    /// The same, to be changed.
    pub fn arn_mut(&mut self, side: Side) -> &mut String {
        match &mut self.kind {
            DatabaseKind::RdsReplica { sides } => &mut sides[side].arn,
            DatabaseKind::AuroraGlobal { sides, .. } => &mut sides[side].arn,
        }
    }

    /// Both ARNs.
    pub fn arns(&self) -> Sides<&str> {
        Sides::from_fn(|side| self.arn(side))
    }

    /// The security group that cuts it off on a side, if the plan has one.
    pub fn quarantine_security_group(&self, side: Side) -> Option<&str> {
        match &self.kind {
            DatabaseKind::RdsReplica { sides } => sides[side].quarantine_security_group.as_deref(),
            DatabaseKind::AuroraGlobal { sides, .. } => sides[side].quarantine_security_group.as_deref(),
        }
    }

    /// The same, to be changed.
    pub fn quarantine_security_group_mut(&mut self, side: Side) -> &mut Option<String> {
        match &mut self.kind {
            DatabaseKind::RdsReplica { sides } => &mut sides[side].quarantine_security_group,
            DatabaseKind::AuroraGlobal { sides, .. } => &mut sides[side].quarantine_security_group,
        }
    }

    /// Where the witness of a side logs in to it, if the plan says so. Aurora speaks of its replication in another way.
    pub fn connection(&self, side: Side) -> Option<&Connection> {
        match &self.kind {
            DatabaseKind::RdsReplica { sides } => sides[side].connection.as_ref(),
            DatabaseKind::AuroraGlobal { .. } => None,
        }
    }

    /// The global database that it is of, if it is one of Aurora.
    pub fn global_cluster(&self) -> Option<&str> {
        match &self.kind {
            DatabaseKind::RdsReplica { .. } => None,
            DatabaseKind::AuroraGlobal { global_cluster, .. } => Some(global_cluster),
        }
    }

    /// Whether it is an Aurora global database.
    pub fn is_aurora(&self) -> bool {
        matches!(self.kind, DatabaseKind::AuroraGlobal { .. })
    }
}

/// A fleet of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Fleet {
    /// Name, unique among the items of the plan.
    pub name: Name,
    /// What runs it.
    pub kind: FleetKind,
    /// What it is on each side. A guard can move the plan only to a side that has all its fleets.
    pub sides: Sides<Option<FleetSide>>,
    /// Databases or fleets that must be ready first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Name>,
}

/// A fleet, on one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FleetSide {
    /// Name of the Auto Scaling group.
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
    /// The size that it takes to serve here.
    pub serving: Capacity,
    /// The size that it has while the other side serves; what it is left at, if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resting: Option<RestingCapacity>,
    /// How many targets of every target group must be healthy before traffic opens here.
    #[schemars(range(min = bounds::HEALTHY_TARGETS.min, max = bounds::HEALTHY_TARGETS.max))]
    pub healthy_targets_min: u32,
}

/// A fleet as it is on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetAt<'p> {
    /// Its name.
    pub name: &'p Name,
    /// The side.
    pub side: Side,
    /// What it is there.
    pub at: &'p FleetSide,
}

impl Deref for FleetAt<'_> {
    type Target = FleetSide;

    fn deref(&self) -> &FleetSide {
        self.at
    }
}

impl Fleet {
    /// What it is on a side, if the plan says so.
    pub fn at(&self, side: Side) -> Option<FleetAt<'_>> {
        Some(FleetAt { name: &self.name, side, at: self.sides[side].as_ref()? })
    }
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

/// The bounds and the size of a fleet that does not serve, often zero; `min <= desired <= max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RestingCapacity {
    /// Fewest instances.
    #[schemars(range(min = bounds::CAPACITY.min, max = bounds::CAPACITY.max))]
    pub min: u32,
    /// Wanted instances.
    #[schemars(range(min = bounds::CAPACITY.min, max = bounds::CAPACITY.max))]
    pub desired: u32,
    /// Most instances.
    #[schemars(range(min = bounds::CAPACITY.min, max = bounds::CAPACITY.max))]
    pub max: u32,
}

impl From<RestingCapacity> for Capacity {
    fn from(RestingCapacity { min, desired, max }: RestingCapacity) -> Self {
        Self { min, desired, max }
    }
}

/// A route of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Route {
    /// Name, unique among the items of the plan.
    pub name: Name,
    /// What steers it.
    pub kind: RouteKind,
    /// Where it leads on each side.
    pub sides: Sides<RouteSide>,
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

impl RouteKind {
    /// What a person does to close an endpoint.
    pub fn closing(self) -> &'static str {
        match self {
            Self::GlobalAccelerator => "set its weight to 0",
        }
    }
}

/// One side of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
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
    /// Probe of what is served here, asked by the verify step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
}

impl RouteSide {
    /// What lets users in while this side is open.
    pub fn setting(&self) -> Setting {
        Setting::Weight(self.weight)
    }
}

/// What counts as a sign of loss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Detection {
    /// What speaks of each side.
    pub sides: Sides<SideDetection>,
    /// ARNs of the topics that alarms arrive by; any other is rejected.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$")))]
    pub topics: Vec<String>,
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
    /// How often the tick looks again within its minute, at probes and replicas; absent: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = bounds::WATCH_SECONDS.min, max = bounds::WATCH_SECONDS.max))]
    pub watch_seconds: Option<u32>,
}

/// What speaks of one side's loss.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SideDetection {
    /// ARNs of the alarms that may speak of this side; any other is rejected. They may lie in either region.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^arn:aws[a-z-]*:cloudwatch:[a-z0-9-]+:[0-9]{12}:alarm:.+$")))]
    pub alarms: Vec<String>,
    /// Probes of this side, asked from the other one.
    #[serde(default)]
    #[schemars(length(max = 32))]
    pub probes: Vec<Probe>,
}

/// A question put to an endpoint from the other region.
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
