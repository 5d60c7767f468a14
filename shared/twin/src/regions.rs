//! What do two guards share? Two regions with everything of a plan on either side, and each guard's own way to it: its journal and its
//! messages are its own, and it hears the other one only while nothing keeps them apart.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use ports::{
    Answer, Clock, Databases, EndpointHealth, FailureKind, FleetView, Fleets, OldPrimary, ReplicaView,
    Replication, RouteView, Traffic, Words,
};
use protocol::endpoint::{Endpoint, Setting};
use protocol::name::Name;
use protocol::plan::{Capacity, Database, FleetAt, Plan, Route};
use protocol::side::{Side, Sides};
use protocol::word::Word;

use crate::faults::failure;
use crate::world::{MemoryWorld, must_be};

/// From the call to a writable database.
const PROMOTION: SignedDuration = SignedDuration::from_secs(240);

/// From a bigger wanted size to healthy targets.
const LAUNCH: SignedDuration = SignedDuration::from_secs(100);

/// Two regions.
pub struct TwoRegions {
    clock: Arc<dyn Clock>,
    inner: Mutex<TwoRegionsInner>,
}

/// What the two regions are like. Tests reach in to change it.
#[derive(Debug)]
pub struct TwoRegionsInner {
    /// Whether each answers.
    pub lives: Sides<bool>,
    /// Whether the guards are kept from each other's words.
    pub is_parted: bool,
    /// The databases by name, on each side.
    pub databases: BTreeMap<Name, Sides<InstanceTwin>>,
    /// The fleets by name: the size on each side, and since when.
    pub fleets: BTreeMap<Name, Sides<(Capacity, Timestamp)>>,
    /// The endpoints of each route.
    pub routes: BTreeMap<Name, Sides<Endpoint>>,
    /// The guards' words, by their seats.
    pub words: Sides<Option<String>>,
    /// The tables that the guards keep their journals in.
    pub table_ids: Sides<String>,
}

/// A database on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceTwin {
    /// What it does.
    pub does: InstanceDoes,
    /// Whether its quarantine group alone is on it.
    pub is_cut_off: bool,
}

/// What a database does on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceDoes {
    /// It accepts writes.
    Writes,
    /// It follows the one across.
    Follows,
    /// It is being promoted.
    Promoted {
        /// Since when.
        since: Timestamp,
    },
}

impl TwoRegions {
    /// Everything serves on one side, and the other follows.
    pub fn new(plan: &Plan, clock: Arc<dyn Clock>, serving: Side) -> Self {
        let began = clock.now();
        let does = |side: Side| if side == serving { InstanceDoes::Writes } else { InstanceDoes::Follows };
        let instances = Sides::from_fn(|side| InstanceTwin { does: does(side), is_cut_off: false });
        let empty = Capacity { min: 0, desired: 0, max: 1 };
        let endpoints = |route: &Route| {
            Sides::from_fn(|side| {
                if side == serving { Endpoint::Open(route.sides[side].setting()) } else { Endpoint::Closed }
            })
        };
        let sizes = Sides::from_fn(|side| {
            (if side == serving { Capacity { min: 2, desired: 2, max: 4 } } else { empty }, began)
        });
        let inner = TwoRegionsInner {
            lives: Sides::from_fn(|_| true),
            is_parted: false,
            databases: plan.databases.iter().map(|item| (item.name.clone(), instances)).collect(),
            fleets: plan.fleets.iter().map(|item| (item.name.clone(), sizes)).collect(),
            routes: plan.routes.iter().map(|route| (route.name.clone(), endpoints(route))).collect(),
            words: Sides::default(),
            table_ids: Sides::from_fn(|side| format!("table-{}", side.as_str())),
        };
        Self { clock, inner: Mutex::new(inner) }
    }

    /// The regions themselves, to look into or to change.
    pub fn inner(&self) -> MutexGuard<'_, TwoRegionsInner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The databases that accept writes on a side and are not cut off.
    pub fn written(&self, side: Side) -> Vec<Name> {
        let writes = |instances: &Sides<InstanceTwin>| {
            instances[side].does == InstanceDoes::Writes && !instances[side].is_cut_off
        };
        let inner = self.inner();
        inner
            .databases
            .iter()
            .filter(|(_, instances)| writes(instances))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// The routes that let users in on a side.
    pub fn open(&self, side: Side) -> Vec<Name> {
        let inner = self.inner();
        let is_open = |sides: &Sides<Endpoint>| matches!(sides[side], Endpoint::Open(_));
        inner.routes.iter().filter(|(_, sides)| is_open(sides)).map(|(name, _)| name.clone()).collect()
    }

    /// What a reprotect by hand leaves: all databases of a side follow the other side again, and no route is open there.
    pub fn follow_again(&self, side: Side) {
        let mut inner = self.inner();
        for instances in inner.databases.values_mut() {
            instances[side] = InstanceTwin { does: InstanceDoes::Follows, is_cut_off: false };
        }
        for endpoints in inner.routes.values_mut() {
            endpoints[side] = Endpoint::Closed;
        }
    }

    /// Promotions end in their time.
    fn settle(&self) {
        let now = self.clock.now();
        let mut inner = self.inner();
        for instance in
            inner.databases.values_mut().flat_map(|Sides { primary, recovery }| [primary, recovery])
        {
            if let InstanceDoes::Promoted { since } = instance.does
                && now.duration_since(since) >= PROMOTION
            {
                instance.does = InstanceDoes::Writes;
            }
        }
    }
}

/// What one of two guards reaches of the regions: databases, fleets, routes and the words. All else is its world's.
pub struct GuardTwin {
    /// The regions that it shares with the other guard.
    pub regions: Arc<TwoRegions>,
    /// What is its own: plan, journal, alarms, lag, probes and messages.
    pub world: Arc<MemoryWorld>,
    /// Its seat.
    pub seat: Side,
}

impl GuardTwin {
    /// A call to a side, which must live. The own side does while the guard itself runs.
    fn reach(&self, side: Side, action: &'static str) -> Answer<MutexGuard<'_, TwoRegionsInner>> {
        self.regions.settle();
        let inner = self.regions.inner();
        if inner.lives[side] {
            return Ok(inner);
        }
        Err(failure(action, FailureKind::Unreachable, "the region is lost"))
    }
}

#[async_trait]
impl Words for GuardTwin {
    async fn table_id(&self) -> Answer<String> {
        Ok(self.reach(self.seat, "table_id")?.table_ids[self.seat].clone())
    }

    async fn own(&self, _plan: &Name) -> Answer<Option<String>> {
        Ok(self.reach(self.seat, "own_word")?.words[self.seat].clone())
    }

    async fn keep(&self, word: &Word) -> Answer<()> {
        let json = serde_json::to_string(word)
            .map_err(|error| failure("keep_word", FailureKind::Invalid, &error.to_string()))?;
        let mut inner = self.reach(self.seat, "keep_word")?;
        let kept = inner.words[self.seat].as_deref().and_then(|text| Word::read(text).ok());
        let is_newer = kept.is_some_and(|kept| {
            kept.heard_up_to.table_id == word.heard_up_to.table_id
                && kept.heard_up_to.seq > word.heard_up_to.seq
        });
        if !is_newer {
            inner.words[self.seat] = Some(json);
        }
        Ok(())
    }

    async fn other(&self, _plan: &Name) -> Answer<Option<String>> {
        let inner = self.reach(self.seat.other(), "other_word")?;
        if inner.is_parted {
            return Err(failure("other_word", FailureKind::Unreachable, "no answer within 2 s"));
        }
        Ok(inner.words[self.seat.other()].clone())
    }
}

#[async_trait]
impl Databases for GuardTwin {
    async fn look(&self, databases: &[&Database], side: Side) -> Answer<Vec<ReplicaView>> {
        must_be(side, self.seat, "look_databases")?;
        let inner = self.reach(side, "look_databases")?;
        let hears = |instances: &Sides<InstanceTwin>| {
            inner.lives[side.other()]
                && instances[side.other()].does == InstanceDoes::Writes
                && !instances[side.other()].is_cut_off
        };
        let view = |database: &&Database| match inner.databases.get(&database.name) {
            None => ReplicaView::Missing,
            Some(instances) => match instances[side].does {
                InstanceDoes::Writes => ReplicaView::Writable,
                InstanceDoes::Promoted { .. } => ReplicaView::Changing { status: "modifying".to_owned() },
                InstanceDoes::Follows => {
                    let lost =
                        || Replication::Broken { detail: "error: the source does not answer".to_owned() };
                    let replication = if hears(instances) { Replication::Running } else { lost() };
                    ReplicaView::Replica { status: "available".to_owned(), replication }
                }
            },
        };
        Ok(databases.iter().map(view).collect())
    }

    async fn promote(&self, database: &Database, side: Side) -> Answer<()> {
        must_be(side, self.seat, "promote")?;
        let now = self.regions.clock.now();
        let mut inner = self.reach(side, "promote")?;
        let Some(instances) = inner.databases.get_mut(&database.name) else {
            return Err(failure("promote", FailureKind::Missing, "no such database"));
        };
        if instances[side].does != InstanceDoes::Follows {
            return Err(failure("promote", FailureKind::Conflict, "not in a state to be promoted"));
        }
        instances[side].does = InstanceDoes::Promoted { since: now };
        Ok(())
    }

    async fn old_primary(&self, database: &Database, side: Side) -> Answer<OldPrimary> {
        must_be(side, self.seat.other(), "old_primary")?;
        let inner = self.reach(side, "old_primary")?;
        let instance = inner.databases.get(&database.name).map(|instances| instances[side]);
        Ok(match instance {
            Some(instance) if instance.is_cut_off => OldPrimary::CutOff,
            Some(instance) if instance.does == InstanceDoes::Follows => OldPrimary::Follows,
            _ => OldPrimary::Open,
        })
    }

    async fn quarantine(&self, database: &Database, side: Side) -> Answer<()> {
        must_be(side, self.seat.other(), "quarantine")?;
        let mut inner = self.reach(side, "quarantine")?;
        if let Some(instances) = inner.databases.get_mut(&database.name) {
            instances[side].is_cut_off = true;
        }
        Ok(())
    }
}

#[async_trait]
impl Fleets for GuardTwin {
    async fn look(&self, fleets: &[FleetAt<'_>]) -> Answer<Vec<FleetView>> {
        let now = self.regions.clock.now();
        let inner = self.reach(self.seat, "look_fleets")?;
        let view = |fleet: &FleetAt<'_>| match inner.fleets.get(fleet.name) {
            None => FleetView::Missing,
            Some(sizes) => {
                let (capacity, since) = sizes[self.seat];
                let serves = if now.duration_since(since) >= LAUNCH { capacity.desired } else { 0 };
                FleetView::Group {
                    capacity,
                    in_service: serves,
                    healthy_targets: serves,
                    launch_suspended: false,
                }
            }
        };
        Ok(fleets.iter().map(view).collect())
    }

    async fn resize(&self, fleet: FleetAt<'_>, capacity: Capacity) -> Answer<()> {
        let now = self.regions.clock.now();
        let mut inner = self.reach(self.seat, "resize")?;
        let Some(sizes) = inner.fleets.get_mut(fleet.name) else {
            return Err(failure("resize", FailureKind::Missing, "no such group"));
        };
        sizes[self.seat] = (capacity, now);
        Ok(())
    }

    async fn last_failure(&self, _fleet: FleetAt<'_>, _since: Timestamp) -> Answer<Option<String>> {
        Ok(None)
    }
}

#[async_trait]
impl Traffic for GuardTwin {
    async fn look(&self, route: &Route) -> Answer<RouteView> {
        self.regions.settle();
        let inner = self.regions.inner();
        let endpoints = inner.routes.get(&route.name).copied();
        let endpoints =
            endpoints.ok_or_else(|| failure("look_route", FailureKind::Missing, "no such endpoint group"))?;
        let unhealthy = || EndpointHealth::Unhealthy { reason: "no healthy targets".to_owned() };
        let health =
            Sides::from_fn(|side| if inner.lives[side] { EndpointHealth::Healthy } else { unhealthy() });
        Ok(RouteView { endpoints, health })
    }

    async fn open(&self, route: &Route, side: Side, setting: Setting) -> Answer<()> {
        self.set(route, side, Endpoint::Open(setting))
    }

    async fn close(&self, route: &Route, side: Side) -> Answer<()> {
        self.set(route, side, Endpoint::Closed)
    }
}

impl GuardTwin {
    fn set(&self, route: &Route, side: Side, endpoint: Endpoint) -> Answer<()> {
        let mut inner = self.regions.inner();
        let Some(endpoints) = inner.routes.get_mut(&route.name) else {
            return Err(failure("set_route", FailureKind::Missing, "no such endpoint group"));
        };
        endpoints[side] = endpoint;
        Ok(())
    }
}
