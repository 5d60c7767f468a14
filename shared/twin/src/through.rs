//! How does a test disturb the calls to the world? Every port passes each call through one policy, which may let it through,
//! fail it, keep its answer back, or let it have its effect later or never.

use protocol::endpoint::Setting;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use ports::{
    Alarms, Alert, AlertClaim, Answer, Appended, Databases, FleetView, Fleets, Journal, KeptSnapshot, Lag,
    OldPrimary, Page, Plans, Probes, Publisher, ReplicaView, RouteView, Slot, Traffic, Vitals, Which,
    Witnesses,
};
use protocol::command::StepCommand;
use protocol::journal::Record;
use protocol::name::Name;
use protocol::observation::{LagSample, ProbeAnswer};
use protocol::plan::{Capacity, Database, FleetAt, Probe, Route};
use protocol::readiness::LastReadiness;
use protocol::side::Side;
use protocol::signal::AlarmNow;
use protocol::witness::{WitnessCommand, Witnessed};

use crate::world::MemoryWorld;

/// A call on its way to the world, with what a policy goes by.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is named as the method of the port that it is a call of")]
pub enum Call {
    LoadPlan,
    LoadAfter,
    Append(Arc<Record>),
    LoadSnapshot,
    SaveSnapshot(Slot),
    ClaimAlert,
    YieldAlert,
    LoadVitals,
    SaveVitals,
    LoadReadiness,
    SaveReadiness,
    LookDatabases,
    Promote(Name),
    OldPrimary(Name),
    Quarantine(Name),
    LookFleets,
    Resize(Name, Capacity),
    LastFailure(Name),
    LookRoute(Name),
    Open(Name, Side),
    Close(Name, Side),
    AlarmStates { region: String },
    Samples(Name),
    Witness,
    Probe(Name),
    Commands,
    Notice,
}

impl Call {
    /// What is called.
    pub fn action(&self) -> &'static str {
        match self {
            Self::LoadPlan => "plan",
            Self::LoadAfter => "load",
            Self::Append(_) => "append",
            Self::LoadSnapshot => "load_snapshot",
            Self::SaveSnapshot(_) => "save_snapshot",
            Self::ClaimAlert => "claim_alert",
            Self::YieldAlert => "yield_alert",
            Self::LoadVitals => "load_vitals",
            Self::SaveVitals => "save_vitals",
            Self::LoadReadiness => "load_readiness",
            Self::SaveReadiness => "save_readiness",
            Self::LookDatabases => "look_databases",
            Self::Promote(_) => "promote",
            Self::OldPrimary(_) => "old_primary",
            Self::Quarantine(_) => "quarantine",
            Self::LookFleets => "look_fleets",
            Self::Resize(..) => "resize",
            Self::LastFailure(_) => "last_failure",
            Self::LookRoute(_) => "look_route",
            Self::Open(..) => "open",
            Self::Close(..) => "close",
            Self::AlarmStates { .. } => "alarm_states",
            Self::Samples(_) => "samples",
            Self::Witness => "witness",
            Self::Probe(_) => "probe",
            Self::Commands => "commands",
            Self::Notice => "notice",
        }
    }

    /// The item that the call changes; nothing where it changes none.
    pub fn changes(&self) -> Option<&Name> {
        match self {
            Self::Promote(item)
            | Self::Quarantine(item)
            | Self::Resize(item, _)
            | Self::Open(item, _)
            | Self::Close(item, _) => Some(item),
            _ => None,
        }
    }
}

/// What becomes of calls.
pub trait Policy: Send + Sync + 'static {
    /// Decides on one call. `go` is the call itself: nothing happens until it is awaited, and it may be awaited elsewhere and
    /// later, when the caller has long had another answer.
    fn pass<T: Send + 'static>(
        &self,
        call: Call,
        go: impl Future<Output = Answer<T>> + Send + 'static,
    ) -> impl Future<Output = Answer<T>> + Send;

    /// Decides on one question to a probe. A prober that fails knows nothing.
    fn probe(
        &self,
        probe: &Name,
        go: impl Future<Output = ProbeAnswer> + Send + 'static,
    ) -> impl Future<Output = ProbeAnswer> + Send {
        let asked = self.pass(Call::Probe(probe.clone()), async { Ok(go.await) });
        async { asked.await.unwrap_or_else(|failure| ProbeAnswer::Unknown { detail: failure.to_string() }) }
    }

    /// What the caller sees of a replica, whose view has just been answered.
    fn see_replica(&self, _database: &Name, view: ReplicaView) -> ReplicaView {
        view
    }

    /// What the caller sees of a route.
    fn see_route(&self, view: RouteView) -> RouteView {
        view
    }

    /// Is shown what was answered of alarms.
    fn see_alarms(&self, _alarms: &[AlarmNow]) {}
}

/// Every port of a world, through a policy.
pub struct Through<P> {
    world: Arc<MemoryWorld>,
    policy: P,
}

impl<P: Policy> Through<P> {
    /// A way to the world.
    pub fn new(world: &Arc<MemoryWorld>, policy: P) -> Arc<Self> {
        Arc::new(Self { world: Arc::clone(world), policy })
    }

    /// What decides on its calls.
    pub fn policy(&self) -> &P {
        &self.policy
    }

    fn world(&self) -> Arc<MemoryWorld> {
        Arc::clone(&self.world)
    }
}

#[async_trait]
impl<P: Policy> Plans for Through<P> {
    async fn load(&self) -> Answer<String> {
        let world = self.world();
        self.policy.pass(Call::LoadPlan, async move { Plans::load(&*world).await }).await
    }
}

#[async_trait]
impl<P: Policy> Journal for Through<P> {
    async fn load_after(&self, plan: &Name, seq: u64) -> Answer<Page> {
        let (world, plan) = (self.world(), plan.clone());
        self.policy.pass(Call::LoadAfter, async move { world.load_after(&plan, seq).await }).await
    }

    async fn append(&self, record: &Record) -> Answer<Appended> {
        let (world, record) = (self.world(), Arc::new(record.clone()));
        let call = Call::Append(Arc::clone(&record));
        self.policy.pass(call, async move { world.append(&record).await }).await
    }

    async fn load_snapshot(&self, plan: &Name, which: Which) -> Answer<Option<KeptSnapshot>> {
        let (world, plan) = (self.world(), plan.clone());
        self.policy.pass(Call::LoadSnapshot, async move { world.load_snapshot(&plan, which).await }).await
    }

    async fn save_snapshot(&self, plan: &Name, kept: &KeptSnapshot) -> Answer<()> {
        let (world, plan, kept) = (self.world(), plan.clone(), kept.clone());
        let call = Call::SaveSnapshot(kept.slot);
        self.policy.pass(call, async move { world.save_snapshot(&plan, &kept).await }).await
    }

    async fn claim_alert(&self, plan: &Name, claim: &AlertClaim) -> Answer<bool> {
        let (world, plan, claim) = (self.world(), plan.clone(), *claim);
        self.policy.pass(Call::ClaimAlert, async move { world.claim_alert(&plan, &claim).await }).await
    }

    async fn yield_alert(&self, plan: &Name, alert: Alert) -> Answer<()> {
        let (world, plan) = (self.world(), plan.clone());
        self.policy.pass(Call::YieldAlert, async move { world.yield_alert(&plan, alert).await }).await
    }

    async fn load_vitals(&self, plan: &Name) -> Answer<Option<Vitals>> {
        let (world, plan) = (self.world(), plan.clone());
        self.policy.pass(Call::LoadVitals, async move { world.load_vitals(&plan).await }).await
    }

    async fn save_vitals(&self, plan: &Name, vitals: &Vitals) -> Answer<()> {
        let (world, plan, vitals) = (self.world(), plan.clone(), vitals.clone());
        self.policy.pass(Call::SaveVitals, async move { world.save_vitals(&plan, &vitals).await }).await
    }

    async fn load_readiness(&self, plan: &Name) -> Answer<Option<LastReadiness>> {
        let (world, plan) = (self.world(), plan.clone());
        self.policy.pass(Call::LoadReadiness, async move { world.load_readiness(&plan).await }).await
    }

    async fn save_readiness(&self, plan: &Name, last: &LastReadiness) -> Answer<()> {
        let (world, plan, last) = (self.world(), plan.clone(), last.clone());
        self.policy.pass(Call::SaveReadiness, async move { world.save_readiness(&plan, &last).await }).await
    }
}

#[async_trait]
impl<P: Policy> Databases for Through<P> {
    async fn look(&self, databases: &[&Database], side: Side) -> Answer<Vec<ReplicaView>> {
        let (world, owned) = (self.world(), owned(databases));
        let go = async move { Databases::look(&*world, &owned.iter().collect::<Vec<_>>(), side).await };
        let views = self.policy.pass(Call::LookDatabases, go).await?;
        let named = databases.iter().zip(views);
        Ok(named.map(|(database, view)| self.policy.see_replica(&database.name, view)).collect())
    }

    async fn promote(&self, database: &Database, side: Side) -> Answer<()> {
        let (world, database) = (self.world(), database.clone());
        let call = Call::Promote(database.name.clone());
        self.policy.pass(call, async move { world.promote(&database, side).await }).await
    }

    async fn old_primary(&self, database: &Database, side: Side) -> Answer<OldPrimary> {
        let (world, database) = (self.world(), database.clone());
        let call = Call::OldPrimary(database.name.clone());
        self.policy.pass(call, async move { world.old_primary(&database, side).await }).await
    }

    async fn quarantine(&self, database: &Database, side: Side) -> Answer<()> {
        let (world, database) = (self.world(), database.clone());
        let call = Call::Quarantine(database.name.clone());
        self.policy.pass(call, async move { world.quarantine(&database, side).await }).await
    }
}

fn owned(databases: &[&Database]) -> Vec<Database> {
    databases.iter().map(|database| (*database).clone()).collect()
}

#[async_trait]
impl<P: Policy> Fleets for Through<P> {
    async fn look(&self, fleets: &[FleetAt<'_>]) -> Answer<Vec<FleetView>> {
        let world = self.world();
        let owned: Vec<_> =
            fleets.iter().map(|fleet| (fleet.name.clone(), fleet.side, fleet.at.clone())).collect();
        let go = async move {
            let fleets = owned.iter().map(|(name, side, at)| FleetAt { name, side: *side, at });
            Fleets::look(&*world, &fleets.collect::<Vec<_>>()).await
        };
        self.policy.pass(Call::LookFleets, go).await
    }

    async fn resize(&self, fleet: FleetAt<'_>, capacity: Capacity) -> Answer<()> {
        let (world, name, side, at) = (self.world(), fleet.name.clone(), fleet.side, fleet.at.clone());
        let call = Call::Resize(name.clone(), capacity);
        let go = async move { world.resize(FleetAt { name: &name, side, at: &at }, capacity).await };
        self.policy.pass(call, go).await
    }

    async fn last_failure(&self, fleet: FleetAt<'_>, since: Timestamp) -> Answer<Option<String>> {
        let (world, name, side, at) = (self.world(), fleet.name.clone(), fleet.side, fleet.at.clone());
        let call = Call::LastFailure(name.clone());
        let go = async move { world.last_failure(FleetAt { name: &name, side, at: &at }, since).await };
        self.policy.pass(call, go).await
    }
}

#[async_trait]
impl<P: Policy> Traffic for Through<P> {
    async fn look(&self, route: &Route) -> Answer<RouteView> {
        let (world, route) = (self.world(), route.clone());
        let call = Call::LookRoute(route.name.clone());
        let view = self.policy.pass(call, async move { Traffic::look(&*world, &route).await }).await?;
        Ok(self.policy.see_route(view))
    }

    async fn open(&self, route: &Route, side: Side, setting: Setting) -> Answer<()> {
        let (world, route) = (self.world(), route.clone());
        let call = Call::Open(route.name.clone(), side);
        self.policy.pass(call, async move { world.open(&route, side, setting).await }).await
    }

    async fn close(&self, route: &Route, side: Side) -> Answer<()> {
        let (world, route) = (self.world(), route.clone());
        let call = Call::Close(route.name.clone(), side);
        self.policy.pass(call, async move { world.close(&route, side).await }).await
    }
}

#[async_trait]
impl<P: Policy> Alarms for Through<P> {
    async fn states(&self, region: &str, arns: &[&str]) -> Answer<Vec<AlarmNow>> {
        let (world, region) = (self.world(), region.to_owned());
        let arns: Vec<String> = arns.iter().map(|arn| (*arn).to_owned()).collect();
        let call = Call::AlarmStates { region: region.clone() };
        let go = async move {
            let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
            Alarms::states(&*world, &region, &arns).await
        };
        let alarms = self.policy.pass(call, go).await?;
        self.policy.see_alarms(&alarms);
        Ok(alarms)
    }
}

#[async_trait]
impl<P: Policy> Lag for Through<P> {
    async fn samples(&self, database: &Database, side: Side, since: Timestamp) -> Answer<Vec<LagSample>> {
        let (world, database) = (self.world(), database.clone());
        let call = Call::Samples(database.name.clone());
        self.policy.pass(call, async move { world.samples(&database, side, since).await }).await
    }
}

#[async_trait]
impl<P: Policy> Witnesses for Through<P> {
    async fn look(&self, function: &str, command: &WitnessCommand) -> Answer<Vec<Witnessed>> {
        let (world, function, command) = (self.world(), function.to_owned(), command.clone());
        let go = async move { Witnesses::look(&*world, &function, &command).await };
        self.policy.pass(Call::Witness, go).await
    }
}

#[async_trait]
impl<P: Policy> Probes for Through<P> {
    async fn ask(&self, probe: &Probe) -> ProbeAnswer {
        let (world, asked) = (self.world(), probe.clone());
        self.policy.probe(probe.name(), async move { world.ask(&asked).await }).await
    }
}

#[async_trait]
impl<P: Policy> Publisher for Through<P> {
    async fn commands(&self, commands: &[StepCommand]) -> Answer<()> {
        let (world, commands) = (self.world(), commands.to_vec());
        self.policy.pass(Call::Commands, async move { world.commands(&commands).await }).await
    }

    async fn notice(&self, subject: &str, text: &str) -> Answer<()> {
        let (world, subject, text) = (self.world(), subject.to_owned(), text.to_owned());
        self.policy.pass(Call::Notice, async move { world.notice(&subject, &text).await }).await
    }
}
