//! Can a side serve? What must hold before traffic is opened to it.

use ports::{Databases, Failure, Fleets};
use protocol::plan::{Database, FleetAt, Plan};
use protocol::side::Side;
use protocol::state::State;

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
