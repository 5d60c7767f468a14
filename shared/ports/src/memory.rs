//! The in-memory twin of every port: one small world with its own clock, durations and faults. What the adapters
//! promise of AWS holds here too, so that whole runs can be played through in no time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use protocol::command::StepCommand;
use protocol::database_status::Condition;
use protocol::journal::Record;
use protocol::maintenance::{ParameterPass, SnapshotLook};
use protocol::name::Name;
use protocol::observation::{LagSample, ProbeAnswer, ReplicaState};
use protocol::plan::{Capacity, Database, DatabaseKind, FleetAt, Plan, Probe, Route};
use protocol::readiness::LastReadiness;
use protocol::readiness::facts::RefusedAction;
use protocol::readiness::facts::{
    CertificateFacts, ClusterFacts, ClusterRole, FunctionFacts, GroupFacts, InstanceFacts, ReplicaFacts,
    RouteFacts, Subscriptions, TargetGroupFacts, TemplateFacts, TemplateRef,
};
use protocol::side::{Side, Sides};
use protocol::signal::{AlarmNow, AlarmState};
use protocol::state::snapshot::SealedSnapshot;

use crate::inspection::{FleetInspection, Inspection, ReplicaInspection, RouteInspection, TopicInspection};
use crate::{
    Alarms, Alert, Answer, Clock, Databases, EndpointHealth, Failure, FailureKind, FleetView, Fleets, Ids,
    Lag, MetricSample, Metrics, OldPrimary, Plans, Probes, Publisher, ReplicaView, Replication, RouteView,
    Slot, Traffic, Vitals,
};

mod journal;
mod maintenance;
mod readiness;
pub mod snapshots;

pub use readiness::Looks;

/// The key that all replicas are encrypted with.
pub const REPLICA_KEY: &str = "arn:aws:kms:us-west-1:123456789012:key/replica";

/// The role by which Auto Scaling launches.
const SERVICE_ROLE: &str =
    "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";

/// A clock that follows the runtime's: under a paused runtime, waiting takes no time at all.
pub struct RuntimeClock {
    base: Timestamp,
    started: tokio::time::Instant,
}

impl RuntimeClock {
    /// Begins at a time.
    pub fn starting_at(base: Timestamp) -> Self {
        Self { base, started: tokio::time::Instant::now() }
    }
}

#[async_trait]
impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::MAX);
        self.base.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that waiting goes through")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Ids that count up.
#[derive(Default)]
pub struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn fresh(&self) -> String {
        format!("attempt-{}", self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// What goes wrong with the next call of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InjectedFault {
    /// It fails without effect.
    Fails(FailureKind),
    /// It has its effect, and the answer is lost.
    LosesAnswer,
    /// Nothing: what comes after it in the queue is for a later call.
    Passes,
}

/// What setting the weight of a side is called.
const WEIGH: Sides<&str> = Sides { primary: "weigh_primary", recovery: "weigh_recovery" };

/// How the small world is made.
#[derive(Clone, Debug)]
pub struct Durations {
    /// From the call to a writable database.
    pub promotion: SignedDuration,
    /// From a bigger wanted size to healthy targets.
    pub launch: SignedDuration,
}

/// A world of one plan.
pub struct MemoryWorld {
    clock: std::sync::Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

/// What the world is like. Tests reach in to change it.
#[derive(Debug)]
pub struct Inner {
    /// The plan's text.
    pub plan: String,
    /// The journal.
    pub records: Vec<Record>,
    /// Records that can't be read, by their sequence number, and why.
    pub unreadable: BTreeMap<u64, String>,
    /// Most records of one page of the journal.
    pub page_records_max: usize,
    /// The snapshots of the state.
    pub state_snapshots: BTreeMap<Slot, SealedSnapshot>,
    /// When people were last told of what keeps the journal from being read.
    pub alerts: BTreeMap<Alert, Timestamp>,
    /// The vitals.
    pub vitals: Option<Vitals>,
    /// The last readiness.
    pub readiness: Option<LastReadiness>,
    /// Functions that differ from what was released.
    pub functions: BTreeMap<String, Option<FunctionFacts>>,
    /// What functions have of concurrent executions to themselves, where it isn't three.
    pub reserved: BTreeMap<String, Option<u32>>,
    /// What lies in the queues that aren't empty; nothing where one does not exist.
    pub dead_letters: BTreeMap<String, Option<u64>>,
    /// The states of KMS keys that aren't enabled; nothing where one does not exist.
    pub keys: BTreeMap<String, Option<String>>,
    /// Launch templates that differ from a good one, by id.
    pub templates: BTreeMap<String, Option<TemplateFacts>>,
    /// What only the further checks of the readiness look at.
    pub looks: Looks,
    /// The certificates of load balancers that have any; nothing where one does not exist.
    pub certificates: BTreeMap<String, Option<Vec<CertificateFacts>>>,
    /// What roles are not allowed, by action.
    pub refused: BTreeMap<String, Vec<RefusedAction>>,
    /// What the last full pass over the parameters came to.
    pub parameter_pass: Option<ParameterPass>,
    /// What there is of snapshots.
    pub snapshot_look: Option<SnapshotLook>,
    /// Who is subscribed to each topic; one that isn't named has all it needs.
    pub subscriptions: BTreeMap<String, Option<Subscriptions>>,
    /// Target groups that differ from what the plan says.
    pub target_groups: BTreeMap<String, Option<TargetGroupFacts>>,
    /// The figures that an alarm would have seen.
    pub samples: Vec<MetricSample>,
    /// Whether the primary region answers.
    pub primary_lives: bool,
    /// The primary region: the one that the guard moves items away from.
    pub primary_region: String,
    /// The side of the guard.
    pub seat: Side,
    /// The alarms that there are, by ARN.
    pub alarms: BTreeMap<String, AlarmTwin>,
    /// The databases by name.
    pub databases: BTreeMap<Name, DatabaseTwin>,
    /// The fleets by name.
    pub fleets: BTreeMap<Name, FleetTwin>,
    /// The routes by name. An endpoint that is healthy here is so only while the fleets behind it are.
    pub routes: BTreeMap<Name, RouteView>,
    /// The fleets behind the recovery side of each route.
    pub backends: BTreeMap<Name, Vec<Name>>,
    /// Lag samples by database.
    pub lag: BTreeMap<Name, Vec<LagSample>>,
    /// Answers of probes that differ from what `primary_lives` says.
    pub probes: BTreeMap<Name, ProbeAnswer>,
    /// Commands published and not yet taken.
    pub commands: VecDeque<StepCommand>,
    /// Notices published.
    pub notices: Vec<String>,
    /// The subjects of the notices published.
    pub subjects: Vec<String>,
    /// What goes wrong, by action.
    pub faults: BTreeMap<&'static str, VecDeque<InjectedFault>>,
    /// Calls by action.
    pub calls: BTreeMap<&'static str, u64>,
    /// How long things take.
    pub durations: Durations,
}

/// A database and its replica.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is something that a test turns on by itself")]
pub struct DatabaseTwin {
    /// When its promotion began.
    pub promoted_at: Option<Timestamp>,
    /// How many promotions were accepted.
    pub promotions: u32,
    /// How long its promotion takes, where that differs from [`Durations`].
    pub promotion: Option<SignedDuration>,
    /// The replica's status while it is one.
    pub status: Option<&'static str>,
    /// What the replica says of its replication, where that is not what `primary_lives` says.
    pub replication: Option<Replication>,
    /// The status of the writable database, where that is not `available`.
    pub writable_status: Option<&'static str>,
    /// Whether the old primary is cut off.
    pub quarantined: bool,
    /// Whether it is an Aurora global database.
    pub is_aurora: bool,
    /// A cluster without an instance.
    pub headless: bool,
    /// Whether AWS has made the old primary of a global database follow the new writer.
    pub resynchronised: bool,
}

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmTwin {
    /// Its state.
    pub state: AlarmState,
    /// When it took it.
    pub changed_at: Timestamp,
    /// What holds its actions back, if anything does.
    pub held_back: Option<String>,
}

/// A fleet.
#[derive(Clone, Copy, Debug)]
pub struct FleetTwin {
    /// Its bounds and wanted size.
    pub capacity: Capacity,
    /// When it was last made bigger.
    pub resized_at: Option<Timestamp>,
    /// How long its launch takes, where that differs from [`Durations`].
    pub launch: Option<SignedDuration>,
    /// Whether there is room for it.
    pub has_room: bool,
    /// Whether its `Launch` process is suspended.
    pub launch_suspended: bool,
    /// When a launch last failed, and what the service says of it.
    pub failure: Option<(Timestamp, &'static str)>,
}

impl DatabaseTwin {
    /// A database of a kind, as on a good day.
    pub fn of(kind: &DatabaseKind) -> Self {
        Self { is_aurora: matches!(kind, DatabaseKind::AuroraGlobal { .. }), ..Self::default() }
    }
}

impl MemoryWorld {
    /// A world as the plan wants it on a good day: everything in the primary, the fleets at zero.
    pub fn new(plan: &Plan, clock: std::sync::Arc<dyn Clock>) -> Self {
        let empty = Capacity { min: 0, desired: 0, max: 1 };
        let fleet = FleetTwin {
            capacity: empty,
            resized_at: None,
            launch: None,
            has_room: true,
            launch_suspended: false,
            failure: None,
        };
        let inner = Inner {
            plan: serde_json::to_string(plan).unwrap_or_default(),
            records: Vec::new(),
            unreadable: BTreeMap::new(),
            page_records_max: journal::PAGE_RECORDS_MAX,
            state_snapshots: BTreeMap::new(),
            alerts: BTreeMap::new(),
            vitals: None,
            readiness: None,
            reserved: BTreeMap::new(),
            functions: BTreeMap::new(),
            dead_letters: BTreeMap::new(),
            keys: BTreeMap::new(),
            templates: BTreeMap::new(),
            looks: Looks::default(),
            certificates: BTreeMap::new(),
            refused: BTreeMap::new(),
            parameter_pass: None,
            snapshot_look: None,
            subscriptions: BTreeMap::new(),
            target_groups: BTreeMap::new(),
            samples: Vec::new(),
            primary_lives: true,
            primary_region: plan.other().region.clone(),
            seat: plan.seat,
            alarms: BTreeMap::new(),
            databases: plan
                .databases
                .iter()
                .map(|db| (db.name.clone(), DatabaseTwin::of(&db.kind)))
                .collect(),
            fleets: plan.fleets.iter().map(|item| (item.name.clone(), fleet)).collect(),
            routes: plan
                .routes
                .iter()
                .map(|route| (route.name.clone(), open_elsewhere(plan, route)))
                .collect(),
            backends: plan.routes.iter().map(|route| (route.name.clone(), backends(plan, route))).collect(),
            lag: BTreeMap::new(),
            probes: own_probes(plan),
            commands: VecDeque::new(),
            notices: Vec::new(),
            subjects: Vec::new(),
            faults: BTreeMap::new(),
            calls: BTreeMap::new(),
            durations: Durations {
                promotion: SignedDuration::from_secs(240),
                launch: SignedDuration::from_secs(100),
            },
        };
        Self { clock, inner: Mutex::new(inner) }
    }

    /// The world itself, to look into or to change.
    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets something go wrong with the next call of an action.
    pub fn fault(&self, action: &'static str, fault: InjectedFault) {
        self.inner().faults.entry(action).or_default().push_back(fault);
    }

    /// Takes a lag sample of every database, as CloudWatch would while the source lives.
    pub fn sample_lag(&self, lag_ms: u64) {
        let at = self.clock.now();
        let mut inner = self.inner();
        let names: Vec<Name> = inner.databases.keys().cloned().collect();
        for name in names {
            inner.lag.entry(name).or_default().push(LagSample { at, lag_ms });
        }
    }

    /// Puts an alarm into a state, as of now.
    pub fn set_alarm(&self, arn: &str, state: AlarmState) {
        let changed_at = self.clock.now();
        let twin = AlarmTwin { state, changed_at, held_back: None };
        self.inner().alarms.insert(arn.to_owned(), twin);
    }

    /// The guard's side.
    fn own(&self) -> Side {
        self.inner().seat
    }

    /// Counts a call; says what goes wrong with it: before the effect (`Err`) or after it (`Ok(true)`).
    fn call(&self, action: &'static str) -> Answer<bool> {
        let mut inner = self.inner();
        *inner.calls.entry(action).or_default() += 1;
        match inner.faults.get_mut(action).and_then(VecDeque::pop_front) {
            None | Some(InjectedFault::Passes) => Ok(false),
            Some(InjectedFault::LosesAnswer) => Ok(true),
            Some(InjectedFault::Fails(kind)) => Err(failure(action, kind, "a fault of the test")),
        }
    }
}

/// The guard's own side answers, whatever becomes of the other.
fn own_probes(plan: &Plan) -> BTreeMap<Name, ProbeAnswer> {
    let probe =
        |route: &Route| Some((route.sides[plan.seat].probe.as_ref()?.name().clone(), ProbeAnswer::Good));
    plan.routes.iter().filter_map(probe).collect()
}

fn open_elsewhere(plan: &Plan, route: &Route) -> RouteView {
    let weight = |side: Side| if side == plan.seat { 0 } else { route.sides[side].weight };
    RouteView {
        weights: Sides::from_fn(|side| Some(weight(side))),
        health: Sides::from_fn(|_| EndpointHealth::Healthy),
    }
}

/// The fleets that a route names.
fn backends(plan: &Plan, route: &Route) -> Vec<Name> {
    let is_behind = |name: &&Name| plan.fleets.iter().any(|fleet| fleet.name == **name);
    route.after.iter().filter(is_behind).cloned().collect()
}

/// The days of backups that the plan wants of what is promoted; a cluster always makes backups.
fn retention(database: &Database, side: Side) -> u32 {
    match &database.kind {
        DatabaseKind::RdsReplica { sides } => u32::from(sides[side].backup_retention_days),
        DatabaseKind::AuroraGlobal { .. } => 7,
    }
}

/// Refuses a call that is meant for one side and names the other.
fn must_be(side: Side, wanted: Side, action: &'static str) -> Answer<()> {
    let (side, wanted) = (side.as_str(), wanted.as_str());
    if side == wanted {
        return Ok(());
    }
    let message = format!("asked of the {side} side, and only the {wanted} side has it");
    Err(failure(action, FailureKind::Invalid, &message))
}

fn failure(action: &'static str, kind: FailureKind, message: &str) -> Failure {
    Failure { kind, action, code: format!("{kind:?}"), message: message.to_owned() }
}

fn answer<T>(action: &'static str, lost: bool, value: T) -> Answer<T> {
    if lost { Err(failure(action, FailureKind::Unreachable, "the answer was lost")) } else { Ok(value) }
}

#[async_trait]
impl Databases for MemoryWorld {
    async fn look(&self, databases: &[&Database], side: Side) -> Answer<Vec<ReplicaView>> {
        let lost = self.call("look_databases")?;
        must_be(side, self.own(), "look_databases")?;
        let now = self.clock.now();
        let inner = self.inner();
        let views = databases.iter().map(|database| inner.replica(&database.name, now)).collect();
        answer("look_databases", lost, views)
    }

    async fn promote(&self, database: &Database, side: Side) -> Answer<()> {
        let lost = self.call("promote")?;
        must_be(side, self.own(), "promote")?;
        let now = self.clock.now();
        let mut inner = self.inner();
        let Some(twin) = inner.databases.get_mut(&database.name) else {
            return Err(failure("promote", FailureKind::Missing, "no such database"));
        };
        if twin.promoted_at.is_some()
            || twin.headless
            || twin.status.is_some_and(|status| Condition::of(status) != Condition::Online)
        {
            return Err(failure("promote", FailureKind::Conflict, "not in a state to be promoted"));
        }
        twin.promoted_at = Some(now);
        twin.promotions += 1;
        drop(inner);
        answer("promote", lost, ())
    }

    async fn old_primary(&self, database: &Database, side: Side) -> Answer<OldPrimary> {
        let lost = self.call("old_primary")?;
        must_be(side, self.own().other(), "old_primary")?;
        let inner = self.inner();
        if !inner.primary_lives {
            return Err(failure("old_primary", FailureKind::Unreachable, "the region is lost"));
        }
        let stands = match inner.databases.get(&database.name) {
            Some(twin) if twin.quarantined => OldPrimary::CutOff,
            Some(twin) if twin.resynchronised => OldPrimary::Follows,
            _ => OldPrimary::Open,
        };
        answer("old_primary", lost, stands)
    }

    async fn quarantine(&self, database: &Database, side: Side) -> Answer<()> {
        let lost = self.call("quarantine")?;
        must_be(side, self.own().other(), "quarantine")?;
        let mut inner = self.inner();
        if !inner.primary_lives {
            return Err(failure("quarantine", FailureKind::Unreachable, "the region is lost"));
        }
        if let Some(twin) = inner.databases.get_mut(&database.name) {
            twin.quarantined = true;
        }
        drop(inner);
        answer("quarantine", lost, ())
    }
}

impl Inner {
    /// How a replica stands: `modifying`, then `rebooting`, then writable, once its promotion began.
    pub fn replica(&self, name: &Name, now: Timestamp) -> ReplicaView {
        let Some(twin) = self.databases.get(name) else {
            return ReplicaView::Missing;
        };
        let running = Replication::Running;
        let broken = Replication::Broken { detail: "error: the source does not answer".to_owned() };
        if twin.headless {
            return ReplicaView::Headless;
        }
        let is_cluster = twin.is_aurora;
        let replication = if let Some(said) = &twin.replication {
            said.clone()
        } else if self.primary_lives {
            running
        } else if is_cluster {
            Replication::Unknown // A global database need not say that its writer is lost.
        } else {
            broken
        };
        let Some(promoted_at) = twin.promoted_at else {
            let status = twin.status.unwrap_or("available").to_owned();
            return ReplicaView::Replica { status, replication };
        };
        let passed = now.duration_since(promoted_at);
        let takes = twin.promotion.unwrap_or(self.durations.promotion);
        if passed >= takes {
            match twin.writable_status.filter(|status| !Condition::of(status).takes_writes()) {
                Some(status) => ReplicaView::Changing { status: status.to_owned() },
                None => ReplicaView::Writable,
            }
        } else if is_cluster {
            ReplicaView::Replica { status: "failing-over".to_owned(), replication: Replication::Unknown }
        } else if passed * 2 >= takes {
            ReplicaView::Changing { status: "rebooting".to_owned() }
        } else {
            ReplicaView::Replica { status: "modifying".to_owned(), replication }
        }
    }

    fn writable_status(&self, name: &Name) -> &'static str {
        self.databases.get(name).and_then(|twin| twin.writable_status).unwrap_or("available")
    }

    /// What there is to see of a database, with what only a cluster has.
    fn of_cluster(&self, name: &Name, mut facts: ReplicaFacts) -> ReplicaFacts {
        let Some(twin) = self.databases.get(name).filter(|twin| twin.is_aurora) else {
            return facts;
        };
        let follows = facts.replication != ReplicaState::Detached;
        let role = if follows { ClusterRole::Secondary } else { ClusterRole::Writer };
        let instances = u32::from(!twin.headless);
        // An Aurora cluster always makes backups.
        facts.backup_retention_days = facts.backup_retention_days.max(1);
        facts.cluster = Some(ClusterFacts {
            role,
            instances,
            instances_available: instances,
            engine_version: Some("16.4".to_owned()),
            global_engine_version: Some("16.4".to_owned()),
        });
        facts
    }

    /// How a route stands. The own endpoint is healthy only if every fleet behind it has a healthy target, as a load
    /// balancer is for the accelerator; while the other region is lost its endpoint is not.
    pub fn route(&self, name: &Name, now: Timestamp) -> Option<RouteView> {
        let mut view = self.routes.get(name).cloned()?;
        let unhealthy = || EndpointHealth::Unhealthy { reason: "no healthy targets".to_owned() };
        let behind = self.backends.get(name).into_iter().flatten();
        if view.health[self.seat] == EndpointHealth::Healthy
            && behind.into_iter().any(|fleet| self.healthy(fleet, now) == 0)
        {
            view.health[self.seat] = unhealthy();
        }
        if !self.primary_lives {
            view.health[self.seat.other()] = unhealthy();
        }
        Some(view)
    }

    /// How many targets of a fleet are healthy.
    pub fn healthy(&self, name: &Name, now: Timestamp) -> u32 {
        let Some(twin) = self.fleets.get(name) else {
            return 0;
        };
        let takes = twin.launch.unwrap_or(self.durations.launch);
        let warm = twin.resized_at.is_some_and(|at| now.duration_since(at) >= takes);
        if warm && twin.has_room && !twin.launch_suspended { twin.capacity.desired } else { 0 }
    }
}

#[async_trait]
impl Fleets for MemoryWorld {
    async fn look(&self, fleets: &[FleetAt<'_>]) -> Answer<Vec<FleetView>> {
        let lost = self.call("look_fleets")?;
        let now = self.clock.now();
        let inner = self.inner();
        let view = |fleet: &FleetAt<'_>| match inner.fleets.get(fleet.name) {
            None => FleetView::Missing,
            Some(twin) => FleetView::Group {
                capacity: twin.capacity,
                in_service: inner.healthy(fleet.name, now),
                healthy_targets: inner.healthy(fleet.name, now),
                launch_suspended: twin.launch_suspended,
            },
        };
        answer("look_fleets", lost, fleets.iter().map(view).collect())
    }

    async fn resize(&self, fleet: FleetAt<'_>, capacity: Capacity) -> Answer<()> {
        let lost = self.call("resize")?;
        if capacity.min > capacity.desired || capacity.desired > capacity.max {
            return Err(failure("resize", FailureKind::Invalid, "min <= desired <= max does not hold"));
        }
        let now = self.clock.now();
        let mut inner = self.inner();
        let Some(twin) = inner.fleets.get_mut(fleet.name) else {
            return Err(failure("resize", FailureKind::Missing, "no such group"));
        };
        if capacity.desired > twin.capacity.desired {
            twin.resized_at = Some(now);
        }
        twin.capacity = capacity;
        drop(inner);
        answer("resize", lost, ())
    }

    async fn last_failure(&self, fleet: FleetAt<'_>, since: Timestamp) -> Answer<Option<String>> {
        let lost = self.call("last_failure")?;
        let failed = self.inner().fleets.get(fleet.name).and_then(|twin| twin.failure);
        let message = failed.filter(|(at, _)| *at >= since).map(|(_, message)| message.to_owned());
        answer("last_failure", lost, message)
    }
}

#[async_trait]
impl Traffic for MemoryWorld {
    async fn look(&self, route: &Route) -> Answer<RouteView> {
        let lost = self.call("look_route")?;
        let now = self.clock.now();
        let view = self.inner().route(&route.name, now);
        let view =
            view.ok_or_else(|| failure("look_route", FailureKind::Missing, "no such endpoint group"))?;
        answer("look_route", lost, view)
    }

    async fn set_weight(&self, route: &Route, side: Side, weight: u8) -> Answer<()> {
        let action = WEIGH[side];
        let lost = self.call(action)?;
        if let Some(view) = self.inner().routes.get_mut(&route.name) {
            view.weights[side] = Some(weight);
        }
        answer(action, lost, ())
    }
}

#[async_trait]
impl Alarms for MemoryWorld {
    async fn states(&self, region: &str, arns: &[&str]) -> Answer<Vec<AlarmNow>> {
        let lost = self.call("alarm_states")?;
        let inner = self.inner();
        if region == inner.primary_region && !inner.primary_lives {
            return Err(failure("alarm_states", FailureKind::Unreachable, "the region is lost"));
        }
        let state = |arn: &&str| {
            let twin = inner.alarms.get(*arn)?.clone();
            Some(AlarmNow {
                arn: (*arn).to_owned(),
                state: twin.state,
                changed_at: twin.changed_at,
                reason: "Threshold Crossed".to_owned(),
                held_back: twin.held_back,
            })
        };
        answer("alarm_states", lost, arns.iter().filter_map(state).collect())
    }
}

#[async_trait]
impl Lag for MemoryWorld {
    async fn samples(&self, database: &Database, side: Side, since: Timestamp) -> Answer<Vec<LagSample>> {
        let lost = self.call("samples")?;
        must_be(side, self.own(), "samples")?;
        let samples = self.inner().lag.get(&database.name).cloned().unwrap_or_default();
        answer("samples", lost, samples.into_iter().filter(|sample| sample.at >= since).collect())
    }
}

#[async_trait]
impl Probes for MemoryWorld {
    async fn ask(&self, probe: &Probe) -> ProbeAnswer {
        let inner = self.inner();
        match inner.probes.get(probe.name()) {
            Some(answer) => answer.clone(),
            None if inner.primary_lives => ProbeAnswer::Good,
            None => ProbeAnswer::Bad { detail: "no answer in time".to_owned() },
        }
    }
}

#[async_trait]
impl Publisher for MemoryWorld {
    async fn commands(&self, commands: &[StepCommand]) -> Answer<()> {
        let lost = self.call("commands")?;
        self.inner().commands.extend(commands.iter().cloned());
        answer("commands", lost, ())
    }

    async fn notice(&self, subject: &str, text: &str) -> Answer<()> {
        let lost = self.call("notice")?;
        let mut inner = self.inner();
        inner.notices.push(text.to_owned());
        inner.subjects.push(subject.to_owned());
        drop(inner);
        answer("notice", lost, ())
    }
}

#[async_trait]
impl Plans for MemoryWorld {
    async fn load(&self) -> Answer<String> {
        let lost = self.call("plan")?;
        let text = self.inner().plan.clone();
        answer("plan", lost, text)
    }
}

impl MemoryWorld {
    /// Everything that a readiness pass asks, of this world.
    pub fn inspection(self: &std::sync::Arc<Self>) -> Inspection {
        Inspection {
            replicas: std::sync::Arc::clone(self) as _,
            fleets: std::sync::Arc::clone(self) as _,
            routes: std::sync::Arc::clone(self) as _,
            topics: std::sync::Arc::clone(self) as _,
            functions: std::sync::Arc::clone(self) as _,
            queues: std::sync::Arc::clone(self) as _,
            keys: std::sync::Arc::clone(self) as _,
            templates: std::sync::Arc::clone(self) as _,
            certificates: std::sync::Arc::clone(self) as _,
            setups: std::sync::Arc::clone(self) as _,
            balancers: std::sync::Arc::clone(self) as _,
            launches: std::sync::Arc::clone(self) as _,
            permissions: std::sync::Arc::clone(self) as _,
            maintenance: std::sync::Arc::clone(self) as _,
            metrics: std::sync::Arc::clone(self) as _,
            notices_topic: "arn:aws:sns:us-west-1:123456789012:shop-notices".to_owned(),
        }
    }
}

#[async_trait]
impl ReplicaInspection for MemoryWorld {
    async fn inspect(&self, databases: &[&Database], side: Side) -> Answer<Vec<Option<ReplicaFacts>>> {
        let lost = self.call("inspect_replicas")?;
        must_be(side, self.own(), "inspect_replicas")?;
        let now = self.clock.now();
        let inner = self.inner();
        let facts = |status: String, replication: ReplicaState, backup_retention_days: u32| {
            let kms_key = Some(REPLICA_KEY.to_owned());
            Some(ReplicaFacts {
                status,
                replication,
                backup_retention_days,
                backup_window: None,
                kms_key,
                cluster: None,
                instance: Some(inner.looks.replica.clone()),
            })
        };
        let inspect = |database: &&Database| match inner.replica(&database.name, now) {
            ReplicaView::Missing => None,
            ReplicaView::Headless => facts("available".to_owned(), ReplicaState::Replicating, 7),
            ReplicaView::Replica { status, replication } => {
                let replication = match replication {
                    Replication::Running => ReplicaState::Replicating,
                    Replication::Degraded { detail } => ReplicaState::Degraded { detail },
                    Replication::Halted { detail } => ReplicaState::Halted { detail },
                    Replication::Broken { detail } => ReplicaState::Broken { detail },
                    Replication::Unknown => ReplicaState::Unknown { detail: "no word".to_owned() },
                };
                facts(status, replication, 0)
            }
            ReplicaView::Writable => facts(
                inner.writable_status(&database.name).to_owned(),
                ReplicaState::Detached,
                retention(database, side),
            ),
            ReplicaView::Changing { status } => facts(status, ReplicaState::Detached, 0),
        };
        let with_cluster = |database: &&Database| {
            let of_clusters = |facts| inner.of_cluster(&database.name, facts);
            inspect(database).map(of_clusters)
        };
        answer("inspect_replicas", lost, databases.iter().map(with_cluster).collect())
    }

    async fn primaries(&self, databases: &[&Database], side: Side) -> Answer<Vec<Option<InstanceFacts>>> {
        let lost = self.call("inspect_primaries")?;
        must_be(side, self.own().other(), "inspect_primaries")?;
        let inner = self.inner();
        if !inner.primary_lives {
            return Err(failure("inspect_primaries", FailureKind::Unreachable, "no answer within 2 s"));
        }
        answer(
            "inspect_primaries",
            lost,
            databases.iter().map(|_| Some(inner.looks.primary.clone())).collect(),
        )
    }
}

#[async_trait]
impl FleetInspection for MemoryWorld {
    async fn groups(&self, fleets: &[FleetAt<'_>]) -> Answer<Vec<Option<GroupFacts>>> {
        let lost = self.call("inspect_groups")?;
        let inner = self.inner();
        let inspect = |fleet: &FleetAt<'_>| {
            inner.fleets.get(fleet.name).map(|twin| GroupFacts {
                suspended: twin.launch_suspended.then(|| "Launch".to_owned()).into_iter().collect(),
                target_groups: fleet.target_groups.clone(),
                arn: format!(
                    "arn:aws:autoscaling:us-west-1:123456789012:autoScalingGroup:1:autoScalingGroupName/{}",
                    fleet.group
                ),
                templates: vec![TemplateRef {
                    id: format!("lt-{}", fleet.name),
                    version: "$Latest".to_owned(),
                }],
                zones: vec!["us-west-1a".to_owned(), "us-west-1b".to_owned()],
                subnets: vec!["subnet-1".to_owned()],
                service_role: Some(SERVICE_ROLE.to_owned()),
                ..GroupFacts::default()
            })
        };
        answer("inspect_groups", lost, fleets.iter().map(inspect).collect())
    }

    async fn target_group(&self, arn: &str) -> Answer<Option<TargetGroupFacts>> {
        let lost = self.call("inspect_target_group")?;
        let attached = TargetGroupFacts { load_balancers: vec!["a load balancer".to_owned()] };
        let facts = self.inner().target_groups.get(arn).cloned().unwrap_or(Some(attached));
        answer("inspect_target_group", lost, facts)
    }
}

#[async_trait]
impl RouteInspection for MemoryWorld {
    async fn inspect(&self, route: &Route) -> Answer<RouteFacts> {
        let lost = self.call("inspect_route")?;
        let now = self.clock.now();
        let view = self.inner().route(&route.name, now);
        let view =
            view.ok_or_else(|| failure("inspect_route", FailureKind::Missing, "no such endpoint group"))?;
        let facts = RouteFacts {
            weights: view.weights,
            dials_permille: Sides::from_fn(|_| 1000),
            health: view.health,
        };
        answer("inspect_route", lost, facts)
    }

    async fn endpoint_groups(&self, _route: &Route, _side: Side) -> Answer<u32> {
        let lost = self.call("inspect_endpoint_groups")?;
        let count = self.inner().looks.endpoint_groups;
        answer("inspect_endpoint_groups", lost, count)
    }
}

#[async_trait]
impl TopicInspection for MemoryWorld {
    async fn subscriptions(&self, topic: &str) -> Answer<Option<Subscriptions>> {
        let lost = self.call("inspect_topic")?;
        let heard = Subscriptions { confirmed: 4, pending: 0 };
        let found = self.inner().subscriptions.get(topic).copied().unwrap_or(Some(heard));
        answer("inspect_topic", lost, found)
    }
}

#[async_trait]
impl Metrics for MemoryWorld {
    async fn put(&self, samples: &[MetricSample]) -> Answer<()> {
        let lost = self.call("put_metrics")?;
        self.inner().samples.extend(samples.iter().cloned());
        answer("put_metrics", lost, ())
    }
}
