//! The verify step: sees the recovery side of each route serve.

use protocol::endpoint::Endpoint;
use std::sync::Arc;

use async_trait::async_trait;
use engine::conductor::Conductor;
use engine::serving::ServingCheck;
use engine::step::{StepHandler, StepStatus, in_order};
use ports::{Databases, EndpointHealth, Failure, FailureKind, Fleets, Probes, Traffic};
use protocol::command::Step;
use protocol::name::Name;
use protocol::observation::ProbeAnswer;
use protocol::plan::Plan;
use protocol::side::Direction;
use protocol::state::State;

use crate::AlarmHandler;

/// Looks; it changes nothing.
pub(crate) struct Verify {
    plan: Arc<Plan>,
    state: State,
    traffic: Arc<dyn Traffic>,
    databases: Arc<dyn Databases>,
    fleets: Arc<dyn Fleets>,
    probes: Arc<dyn Probes>,
}

impl Verify {
    pub(crate) fn new(function: &AlarmHandler, conductor: &Conductor, state: State) -> Self {
        Self {
            plan: Arc::clone(&conductor.plan),
            state,
            traffic: Arc::clone(&function.traffic),
            databases: Arc::clone(&function.databases),
            fleets: Arc::clone(&function.fleets),
            probes: Arc::clone(&function.probes),
        }
    }

    async fn serves(&self, subject: &Name) -> Result<StepStatus, Failure> {
        let route = self.plan.routes.iter().find(|route| route.name == *subject);
        let route = route.ok_or_else(|| Failure {
            kind: FailureKind::Missing,
            action: "plan",
            code: "not_in_plan".to_owned(),
            message: format!("the plan has no route {subject}"),
        })?;
        let view = self.traffic.look(route).await?;
        let Direction { from, to } = self.plan.direction();
        let (opened, closed) = (&route.sides[to], from.as_str());
        if view.endpoints[to] != Endpoint::Open(opened.setting()) {
            return Ok(StepStatus::InProgress {
                note: format!("the {} endpoint is not open with {}", to.as_str(), opened.setting()),
            });
        }
        let overridden = self.state.active_run().is_some_and(|run| run.overrides.override_fence);
        match view.endpoints[from] {
            _ if overridden => {}
            Endpoint::Closed => {}
            Endpoint::Open(setting) => {
                return Ok(StepStatus::Failed {
                    code: "primary_open",
                    message: format!(
                        "the {closed} endpoint is open again, with {setting}; {}",
                        route.kind.closing()
                    ),
                });
            }
            // Another endpoint may have taken its place.
            Endpoint::Missing => {
                return Ok(StepStatus::Failed {
                    code: "endpoint_missing",
                    message: format!(
                        "the {closed} group no longer has the endpoint {}, so Pilotlight can't tell whether \
                         that side is closed; correct routes[].sides.{closed}.endpoint of the plan",
                        route.sides[from].endpoint
                    ),
                });
            }
        }
        // That is what was configured. Whether users are sent there is for the accelerator to say: with nothing healthy it
        // may send them to a closed side.
        if view.health[to] != EndpointHealth::Healthy {
            let (endpoint, health) = (&opened.endpoint, &view.health[to]);
            return Ok(StepStatus::InProgress {
                note: format!("the accelerator health of the endpoint {endpoint} is {health}"),
            });
        }
        let Some(probe) = &opened.probe else {
            return Ok(StepStatus::Done { detail: "open, databases writable, fleets healthy".to_owned() });
        };
        Ok(match self.probes.ask(probe).await {
            ProbeAnswer::Good => {
                StepStatus::Done { detail: format!("probe {} gets good answers", probe.name()) }
            }
            ProbeAnswer::Bad { detail } | ProbeAnswer::Unknown { detail } => {
                StepStatus::InProgress { note: format!("probe {}: {detail}", probe.name()) }
            }
        })
    }
}

#[async_trait]
impl StepHandler for Verify {
    fn step(&self) -> Step {
        Step::Verify
    }

    async fn look(&self, subjects: &[Name]) -> Result<Vec<StepStatus>, Failure> {
        let must_serve = ServingCheck::of(&self.plan, &self.state);
        let (obstacle, sights) = futures::join!(
            must_serve.obstacle(&*self.databases, &*self.fleets),
            in_order(subjects.iter().map(|subject| self.serves(subject)).collect())
        );
        match obstacle? {
            Some(note) => Ok(vec![StepStatus::InProgress { note }; subjects.len()]),
            None => sights,
        }
    }

    async fn act(&self, _subject: &Name) -> Result<(), Failure> {
        Ok(())
    }
}
