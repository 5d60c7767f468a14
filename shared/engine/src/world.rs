//! Everything a function has of the world, and the plan that it serves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ports::inspection::Inspection;
use ports::{
    Alarms, Clock, Databases, Failure, Fleets, Ids, Journal, Lag, Plans, Probes, Publisher, Traffic,
};
use protocol::plan::{Database, FleetAt, Plan};
use protocol::side::Side;
use protocol::state::State;

use crate::conductor::Conductor;
use crate::fault::Fault;
use crate::observe::Observer;

/// All ports.
#[derive(Clone)]
pub struct World {
    /// The plan's text.
    pub plans: Arc<dyn Plans>,
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// Databases.
    pub databases: Arc<dyn Databases>,
    /// Fleets.
    pub fleets: Arc<dyn Fleets>,
    /// Traffic.
    pub traffic: Arc<dyn Traffic>,
    /// Alarms.
    pub alarms: Arc<dyn Alarms>,
    /// Replication lag.
    pub lag: Arc<dyn Lag>,
    /// Probes.
    pub probes: Arc<dyn Probes>,
    /// Commands and notices.
    pub publisher: Arc<dyn Publisher>,
    /// What a readiness pass asks.
    pub inspection: Inspection,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Attempt ids.
    pub ids: Arc<dyn Ids>,
    /// Who writes: the function, and which of its instances.
    pub writer: String,
    /// The one topic that may ask for steps.
    pub commands_topic: String,
    /// The function's own region: the guard's seat.
    pub region: String,
    /// A snapshot of the state is due after so many records.
    pub snapshot_every: u64,
}

impl World {
    /// Reads and validates the plan. Nothing is started with an invalid one.
    pub async fn conductor(&self) -> Result<Conductor, Fault> {
        let text = self.plans.load().await.map_err(|failure| {
            Fault::from_failure(
                "plan_unreadable",
                "The plan can't be read, so Pilotlight does nothing",
                &failure,
            )
        })?;
        let plan = Plan::from_json(&text).and_then(|plan| plan.seated_in(&self.region));
        let plan = plan.map_err(|problems| {
            Fault::new(
                "plan_invalid",
                format!("The plan is not valid, so Pilotlight does nothing:\n{problems}"),
            )
        })?;
        Ok(Conductor {
            plan: Arc::new(plan),
            journal: Arc::clone(&self.journal),
            publisher: Arc::clone(&self.publisher),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            writer: self.writer.clone(),
            request: None,
            snapshot_every: self.snapshot_every,
            tells_of_unreadable: true,
        })
    }

    /// What is needed to look at the world.
    pub fn eyes(&self) -> Observer {
        Observer {
            probes: Arc::clone(&self.probes),
            databases: Arc::clone(&self.databases),
            alarms: Arc::clone(&self.alarms),
            lag: Arc::clone(&self.lag),
            journal: Arc::clone(&self.journal),
            clock: Arc::clone(&self.clock),
            last_lag: Mutex::new(None),
            last_replicas: Mutex::new(BTreeMap::new()),
            last_alarms: Mutex::new(None),
        }
    }
}

/// The items that must serve before traffic is opened by a run: its own, and what was moved before.
pub struct ServingCheck<'p> {
    /// Databases.
    pub databases: Vec<&'p Database>,
    /// Fleets.
    pub fleets: Vec<FleetAt<'p>>,
    /// The side where they must serve.
    pub side: Side,
}

impl<'p> ServingCheck<'p> {
    /// Of the run under way.
    pub fn of(plan: &'p Plan, state: &State) -> Self {
        let run = state.active_run();
        let counts = |name| {
            state.serving(plan, name) == plan.seat
                || run
                    .is_some_and(|run| run.scope.databases.contains(name) || run.scope.fleets.contains(name))
        };
        Self {
            databases: plan.databases.iter().filter(|database| counts(&database.name)).collect(),
            fleets: plan.fleets_at(plan.seat).filter(|fleet| counts(fleet.name)).collect(),
            side: plan.seat,
        }
    }

    /// What keeps the side from serving, looked at now; nothing when it can serve.
    pub async fn obstacle(
        &self,
        databases: &dyn Databases,
        fleets: &dyn Fleets,
    ) -> Result<Option<String>, Failure> {
        let (of_databases, of_fleets) =
            futures::join!(self.not_writable(databases), self.not_healthy(fleets));
        Ok(of_databases?.or(of_fleets?))
    }

    async fn not_writable(&self, databases: &dyn Databases) -> Result<Option<String>, Failure> {
        if self.databases.is_empty() {
            return Ok(None);
        }
        let views = databases.look(&self.databases, self.side).await?;
        let mut seen = self.databases.iter().zip(views);
        let found = seen.find(|(_, view)| *view != ports::ReplicaView::Writable);
        Ok(found.map(|(database, _)| format!("database {} is not writable", database.name)))
    }

    async fn not_healthy(&self, fleets: &dyn Fleets) -> Result<Option<String>, Failure> {
        if self.fleets.is_empty() {
            return Ok(None);
        }
        let views = fleets.look(&self.fleets).await?;
        let counted = self.fleets.iter().zip(views).map(|(fleet, view)| match view {
            ports::FleetView::Group { healthy_targets, .. } => (fleet, healthy_targets),
            ports::FleetView::Missing => (fleet, 0),
        });
        let found = counted.into_iter().find(|(fleet, healthy)| *healthy < fleet.healthy_targets_min);
        Ok(found.map(|(fleet, healthy)| {
            let wanted = fleet.healthy_targets_min;
            format!("fleet {} has {healthy} of {wanted} healthy targets", fleet.name)
        }))
    }
}
