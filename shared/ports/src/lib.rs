//! What may a step ask of the world? Small traits by capability, and their plain data. Tests have an in-memory twin of each
//! (`shared/twin`).
//!
//! Every call is bounded by its adapter (connect, read, attempt and operation timeouts), so that no caller has to.
//! Looks are batched: one call for all the items of a step.

use protocol::endpoint::{Endpoint, Setting};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use protocol::command::StepCommand;
use protocol::digest::Digest;
use protocol::journal::Record;
use protocol::name::Name;
use protocol::observation::{LagSample, ProbeAnswer};
use protocol::plan::{Capacity, Database, FleetAt, Probe, Route};
use protocol::readiness::LastReadiness;
use protocol::side::{Side, Sides};
use protocol::signal::AlarmNow;
use protocol::snapshots::{SnapshotListing, SourceKind};

mod database_tokens;
pub mod failure;
pub mod functions;
pub mod inspection;
pub mod log;
pub mod maintenance;
pub mod parameters;
mod secret;
pub mod witnesses;
pub mod words;

pub use database_tokens::DatabaseTokens;
pub use failure::{Failure, FailureKind};
pub use functions::{FunctionError, Functions};
pub use log::{Alert, AlertClaim, KeptSnapshot, Page, Rest, Slot, Which};
pub use maintenance::Maintenance;
pub use parameters::{ParameterStores, SeenPairs};
pub use protocol::readiness::facts::EndpointHealth;
pub use secret::Secret;
pub use witnesses::Witnesses;
pub use words::Words;

/// What every port answers with.
pub type Answer<T> = Result<T, Failure>;

/// Time and waiting.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// Fresh, unique texts: attempt ids.
pub trait Ids: Send + Sync {
    /// A text never given before.
    fn fresh(&self) -> String;
}

/// The journal: an append-only log for each plan, and what is kept beside it. Reads are strongly consistent.
#[async_trait]
pub trait Journal: Send + Sync {
    /// The next page of the log: the first records after a sequence number, in order.
    async fn load_after(&self, plan: &Name, seq: u64) -> Answer<Page>;
    /// Appends a record if its sequence number is free.
    async fn append(&self, record: &Record) -> Answer<Appended>;
    /// One of the snapshots of the state, as it was found; nothing where there is none. A cache only.
    async fn load_snapshot(&self, plan: &Name, which: Which) -> Answer<Option<KeptSnapshot>>;
    /// Keeps a snapshot in a slot, over the one that was there. What is half written is torn, and so it is read.
    async fn save_snapshot(&self, plan: &Name, kept: &KeptSnapshot) -> Answer<()>;
    /// Whether the caller may tell people of an alert: whoever asks first may, and then nobody for a while.
    async fn claim_alert(&self, plan: &Name, claim: &AlertClaim) -> Answer<bool>;
    /// Gives the right back: nobody could be told.
    async fn yield_alert(&self, plan: &Name, alert: Alert) -> Answer<()>;
    /// The vitals, if any were ever saved. Advisory only.
    async fn load_vitals(&self, plan: &Name) -> Answer<Option<Vitals>>;
    /// Saves the vitals over the old ones.
    async fn save_vitals(&self, plan: &Name, vitals: &Vitals) -> Answer<()>;
    /// The last readiness, if any was ever saved. Advisory only.
    async fn load_readiness(&self, plan: &Name) -> Answer<Option<LastReadiness>>;
    /// Saves the readiness over the old one.
    async fn save_readiness(&self, plan: &Name, readiness: &LastReadiness) -> Answer<()>;
}

/// What became of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// The record stands, perhaps by an earlier try whose acknowledgement was lost. With its digest, as the log keeps it.
    Stands(Digest),
    /// Another record has this sequence number: read again, decide again.
    Taken,
}

/// What the tick last saw. Advisory: nothing is decided by it that can't be decided without it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Vitals {
    /// When the tick last ran.
    pub ticked_at: Option<Timestamp>,
    /// When a probe of the primary last got a good answer.
    pub answered_at: Option<Timestamp>,
    /// The last good lag sample of each database.
    #[serde(default)]
    pub lag: std::collections::BTreeMap<Name, LagSample>,
    /// Why the snapshot of the state that was due could not be kept, if it could not. Readiness says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_unkept: Option<String>,
}

/// Databases: look, promote, cut off.
#[async_trait]
pub trait Databases: Send + Sync {
    /// How the replicas of a side stand, in the order asked for.
    async fn look(&self, databases: &[&Database], side: Side) -> Answer<Vec<ReplicaView>>;
    /// Begins the promotion of a side's replica. Refused (`FailureKind::Conflict`) where one is under way or done.
    async fn promote(&self, database: &Database, side: Side) -> Answer<()>;
    /// Whether the old primary of a side can still take writes. Best effort, 2 s at most: its region may be lost.
    async fn old_primary(&self, database: &Database, side: Side) -> Answer<OldPrimary>;
    /// Cuts the old primary of a side off by its quarantine security group. Best effort, 2 s at most.
    async fn quarantine(&self, database: &Database, side: Side) -> Answer<()>;
}

/// Whether an old primary can still take writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldPrimary {
    /// It may: nothing keeps users away from it.
    Open,
    /// It is in its quarantine security group alone.
    CutOff,
    /// AWS has made it a read-only cluster that follows the new writer. Only an Aurora cluster becomes one.
    Follows,
}

/// How a replica stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplicaView {
    /// It follows its source.
    Replica {
        /// Its status, such as `available`.
        status: String,
        /// What it says of its replication.
        replication: Replication,
    },
    /// It follows nobody and accepts writes. An instance: an online status, and no source. A cluster: the only writer of
    /// its global database (or outside of it), online, and so is the instance that writes.
    Writable,
    /// A cluster without an instance: there is nothing that could be promoted or accept writes.
    Headless,
    /// It follows nobody, but does not accept writes yet.
    Changing {
        /// Its status, such as `rebooting`.
        status: String,
    },
    /// It does not exist.
    Missing,
}

/// What a replica says of its replication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replication {
    /// It replicates.
    Running,
    /// It still receives from its source, but not as it should: degraded, or up to a stop point that was set.
    Degraded {
        /// Its own words.
        detail: String,
    },
    /// It does not replicate, and that is no sign that the source is lost: somebody stopped it, or RDS ended it.
    Halted {
        /// Its own words.
        detail: String,
    },
    /// It is in error.
    Broken {
        /// Its own words.
        detail: String,
    },
    /// It does not say.
    Unknown,
}

/// Fleets: look, resize.
#[async_trait]
pub trait Fleets: Send + Sync {
    /// How the fleets stand, in the order asked for.
    async fn look(&self, fleets: &[FleetAt<'_>]) -> Answer<Vec<FleetView>>;
    /// Sets the bounds and the wanted size in one call.
    async fn resize(&self, fleet: FleetAt<'_>, capacity: Capacity) -> Answer<()>;
    /// Why the last launch or termination since a time failed, in the service's own words; nothing if none did.
    async fn last_failure(&self, fleet: FleetAt<'_>, since: Timestamp) -> Answer<Option<String>>;
}

/// How a fleet stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FleetView {
    /// The group exists.
    Group {
        /// Its bounds and wanted size.
        capacity: Capacity,
        /// Instances in service.
        in_service: u32,
        /// Healthy targets of the target group that has the fewest.
        healthy_targets: u32,
        /// Whether its `Launch` process is suspended: it can't grow.
        launch_suspended: bool,
    },
    /// It does not exist.
    Missing,
}

/// Traffic: the endpoints of both sides of a route.
#[async_trait]
pub trait Traffic: Send + Sync {
    /// The endpoints as they are now.
    async fn look(&self, route: &Route) -> Answer<RouteView>;
    /// Lets users in at one side's endpoint, and leaves everything else as it is.
    async fn open(&self, route: &Route, side: Side, setting: Setting) -> Answer<()>;
    /// Lets no user in at one side's endpoint, and leaves everything else as it is.
    async fn close(&self, route: &Route, side: Side) -> Answer<()>;
}

/// A route's endpoints, as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteView {
    /// How each stands.
    pub endpoints: Sides<Endpoint>,
    /// The health of each.
    pub health: Sides<EndpointHealth>,
}

/// Alarms: in what state they are now.
#[async_trait]
pub trait Alarms: Send + Sync {
    /// The states of alarms of one region, given by their ARNs; one that does not exist is left out. Outside the own region
    /// best effort, 2 s at most: it may be lost.
    async fn states(&self, region: &str, arns: &[&str]) -> Answer<Vec<AlarmNow>>;
}

/// Replication lag.
#[async_trait]
pub trait Lag: Send + Sync {
    /// The samples of a database's replica on a side since a time, oldest first. Missing and negative ones are left out:
    /// they are not known, never zero.
    async fn samples(&self, database: &Database, side: Side, since: Timestamp) -> Answer<Vec<LagSample>>;
}

/// Probes of endpoints, from the own region.
#[async_trait]
pub trait Probes: Send + Sync {
    /// Asks once.
    async fn ask(&self, probe: &Probe) -> ProbeAnswer;
}

/// Publishing: commands to the workers, notices to people.
#[async_trait]
pub trait Publisher: Send + Sync {
    /// Publishes commands; the step's name goes along as an attribute.
    async fn commands(&self, commands: &[StepCommand]) -> Answer<()>;
    /// Tells people. The subject is at most 100 characters of ASCII.
    async fn notice(&self, subject: &str, text: &str) -> Answer<()>;
}

/// The plan's text.
#[async_trait]
pub trait Plans: Send + Sync {
    /// The plan's JSON as it is now.
    async fn load(&self) -> Answer<String>;
}

/// Snapshots of databases, in any region. Calls outside the own region are best effort, 2 s at most each: it may be lost.
#[async_trait]
pub trait Snapshots: Send + Sync {
    /// All manual snapshots of these kinds that a region has, ours and everybody's. A listing that is cut short says so.
    async fn list(&self, region: &str, kinds: &[SourceKind]) -> Answer<SnapshotListing>;
    /// Begins to take a snapshot; it may take hours. Done as well if the identifier is there already: a lost answer.
    async fn take(&self, region: &str, order: &TakeOrder) -> Answer<()>;
    /// Begins to copy a snapshot of another region; it may take hours. Done as well if the identifier is there already.
    async fn copy(&self, region: &str, order: &CopyOrder) -> Answer<()>;
    /// Deletes a snapshot. Done as well if it is gone already.
    async fn delete(&self, region: &str, kind: SourceKind, id: &str) -> Answer<()>;
}

/// A snapshot to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeOrder {
    /// ARN of the instance or cluster.
    pub source: String,
    /// The snapshot's identifier to be.
    pub id: String,
    /// Its tags.
    pub tags: std::collections::BTreeMap<String, String>,
}

/// A snapshot to be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOrder {
    /// ARN of the snapshot in the other region.
    pub snapshot: String,
    /// What it is of.
    pub kind: SourceKind,
    /// The copy's identifier to be.
    pub id: String,
    /// ARN of the key of the copy's region; nothing for a copy that is not encrypted.
    pub kms_key: Option<String>,
    /// The option group of the copy's region, where the engine encrypts by an option; only of an instance.
    pub option_group: Option<String>,
    /// All tags of the copy. None are taken over from the original by themselves.
    pub tags: std::collections::BTreeMap<String, String>,
}

/// Metrics for alarms and dashboards.
#[async_trait]
pub trait Metrics: Send + Sync {
    /// Puts samples.
    async fn put(&self, samples: &[MetricSample]) -> Answer<()>;
}

/// One sample of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricSample {
    /// The metric's name.
    pub name: &'static str,
    /// What it is about: names and values.
    pub dimensions: Vec<(&'static str, String)>,
    /// The value.
    pub value: u64,
    /// What it counts.
    pub unit: MetricUnit,
    /// When it was so.
    pub at: Timestamp,
}

/// What the value of a metric counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricUnit {
    /// Seconds.
    Seconds,
    /// Things.
    Count,
}
