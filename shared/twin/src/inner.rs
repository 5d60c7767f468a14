//! What is there in the world? Everything that a port shows or changes, as it is on a good day until a test changes it.

use protocol::endpoint::Endpoint;
use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use ports::{Alert, EndpointHealth, MetricSample, Replication, RouteView, Slot, Vitals};
use protocol::command::StepCommand;
use protocol::journal::Record;
use protocol::maintenance::{ParameterPass, SnapshotLook};
use protocol::name::Name;
use protocol::observation::{LagSample, ProbeAnswer};
use protocol::plan::{Capacity, DatabaseKind, Plan, Route};
use protocol::readiness::LastReadiness;
use protocol::readiness::facts::{
    CertificateFacts, FunctionFacts, RefusedAction, Subscriptions, TargetGroupFacts, TemplateFacts,
};
use protocol::side::{Side, Sides};
use protocol::signal::AlarmState;
use protocol::state::snapshot::SealedSnapshot;
use protocol::witness::Sight;

use crate::faults::Faults;
use crate::looks::Looks;

/// Records of a page, about as many as DynamoDB gives at once.
const PAGE_RECORDS_MAX: usize = 2_000;

/// How the small world is made.
#[derive(Clone, Debug)]
pub struct Durations {
    /// From the call to a writable database.
    pub promotion: SignedDuration,
    /// From a bigger wanted size to healthy targets.
    pub launch: SignedDuration,
    /// From a probe's question to its answer.
    pub probe: SignedDuration,
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
    /// What the witness says of databases; of the others it says nothing.
    pub sights: BTreeMap<Name, Sight>,
    /// Answers of probes that differ from what `primary_lives` says.
    pub probes: BTreeMap<Name, ProbeAnswer>,
    /// Commands published and not yet taken.
    pub commands: VecDeque<StepCommand>,
    /// Notices published.
    pub notices: Vec<String>,
    /// The subjects of the notices published.
    pub subjects: Vec<String>,
    /// What goes wrong, by action.
    pub faults: Faults,
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

impl Inner {
    /// As the plan wants it on a good day: everything in the primary, the fleets at zero.
    pub(crate) fn of(plan: &Plan) -> Self {
        let empty = Capacity { min: 0, desired: 0, max: 1 };
        let fleet = FleetTwin {
            capacity: empty,
            resized_at: None,
            launch: None,
            has_room: true,
            launch_suspended: false,
            failure: None,
        };
        Self {
            plan: serde_json::to_string(plan).unwrap_or_default(),
            records: Vec::new(),
            unreadable: BTreeMap::new(),
            page_records_max: PAGE_RECORDS_MAX,
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
            sights: BTreeMap::new(),
            probes: own_probes(plan),
            commands: VecDeque::new(),
            notices: Vec::new(),
            subjects: Vec::new(),
            faults: Faults::default(),
            calls: BTreeMap::new(),
            durations: Durations {
                promotion: SignedDuration::from_secs(240),
                launch: SignedDuration::from_secs(100),
                probe: SignedDuration::ZERO,
            },
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
    let endpoint = |side: Side| {
        if side == plan.seat { Endpoint::Closed } else { Endpoint::Open(route.sides[side].setting()) }
    };
    RouteView { endpoints: Sides::from_fn(endpoint), health: Sides::from_fn(|_| EndpointHealth::Healthy) }
}

/// The fleets that a route names.
fn backends(plan: &Plan, route: &Route) -> Vec<Name> {
    let is_behind = |name: &&Name| plan.fleets.iter().any(|fleet| fleet.name == **name);
    route.after.iter().filter(is_behind).cloned().collect()
}
