//! Closes the primary side of routes, opens the recovery side of those that can serve, and reopens the primary
//! side after an abort. How a side is closed is the traffic service's; it is closed when a look says so.

use protocol::endpoint::{Endpoint, Setting};
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use engine::conductor::{Conductor, Log};
use engine::context::Context;
use engine::fault::Fault;
use engine::serving::ServingCheck;
use engine::step::{StepHandler, StepStatus, in_order};
use engine::worker::{self, StepHandlers};
use jiff::Timestamp;
use ports::{Databases, Failure, FailureKind, Fleets, RouteView, Traffic};
use protocol::command::Step;
use protocol::name::Name;
use protocol::plan::{Plan, Route};
use protocol::side::Side;
use protocol::state::State;
use serde_json::Value;

/// What this function may do.
pub struct ShiftTraffic {
    /// What it decides with.
    pub context: Context,
    /// ARN of the one topic that may ask for steps.
    pub commands_topic: String,
    /// Routes.
    pub traffic: Arc<dyn Traffic>,
    /// Databases, which must serve before a route is opened.
    pub databases: Arc<dyn Databases>,
    /// Fleets, which must serve before a route is opened.
    pub fleets: Arc<dyn Fleets>,
}

impl ShiftTraffic {
    /// Handles an invocation.
    pub async fn handle(&self, payload: &Value, deadline: Timestamp) -> Result<Value, Fault> {
        worker::handle(&self.context, &self.commands_topic, self, payload, deadline).await
    }
}

impl StepHandlers for ShiftTraffic {
    fn work(&self, conductor: &Conductor, log: &Log, step: Step) -> Option<Box<dyn StepHandler>> {
        let (plan, traffic) = (Arc::clone(&conductor.plan), Arc::clone(&self.traffic));
        match step {
            Step::Fence => Some(Box::new(Fence { plan, traffic })),
            Step::Unfence => Some(Box::new(Unfence { plan, traffic, before: noted(log) })),
            Step::Open => Some(Box::new(Open {
                plan,
                traffic,
                databases: Arc::clone(&self.databases),
                fleets: Arc::clone(&self.fleets),
                state: log.state.clone(),
            })),
            _ => None,
        }
    }
}

/// What let users in at the other side, as noted before the run touched anything.
fn noted(log: &Log) -> BTreeMap<Name, Setting> {
    let notes = log.state.active_run().map(|run| &run.before).into_iter().flatten();
    notes
        .filter(|((step, _), _)| *step == Step::Fence)
        .filter_map(|((_, route), note)| Some((route.clone(), Setting::noted(note)?)))
        .collect()
}

fn one<'p>(plan: &'p Plan, subject: &Name) -> Result<&'p Route, Failure> {
    plan.routes.iter().find(|route| route.name == *subject).ok_or_else(|| {
        failure(FailureKind::Missing, "not_in_plan", format!("the plan has no route {subject}"))
    })
}

fn failure(kind: FailureKind, code: &str, message: String) -> Failure {
    Failure { kind, action: "open", code: code.to_owned(), message }
}

struct Fence {
    plan: Arc<Plan>,
    traffic: Arc<dyn Traffic>,
}

#[async_trait]
impl StepHandler for Fence {
    fn step(&self) -> Step {
        Step::Fence
    }

    async fn look(&self, subjects: &[Name]) -> Result<Vec<StepStatus>, Failure> {
        in_order(subjects.iter().map(|subject| self.look_at(subject)).collect()).await
    }

    async fn act(&self, subject: &Name) -> Result<(), Failure> {
        self.traffic.close(one(&self.plan, subject)?, self.plan.seat.other()).await
    }

    async fn take_back(&self, subject: &Name, before: Option<&str>) -> Result<(), Failure> {
        let (route, side) = (one(&self.plan, subject)?, self.plan.seat.other());
        let setting = before.and_then(Setting::noted).unwrap_or_else(|| route.sides[side].setting());
        self.traffic.open(route, side, setting).await
    }
}

impl Fence {
    async fn look_at(&self, subject: &Name) -> Result<StepStatus, Failure> {
        let (route, side) = (one(&self.plan, subject)?, self.plan.seat.other());
        Ok(match self.traffic.look(route).await?.endpoints[side] {
            Endpoint::Closed => {
                StepStatus::Done { detail: format!("the {} endpoint is closed", side.as_str()) }
            }
            Endpoint::Open(setting) => StepStatus::Pending { before: Some(setting.note()) },
            Endpoint::Missing => no_endpoint(route, side),
        })
    }
}

/// An endpoint that isn't there is no proof that the side is closed: another one may have taken its place.
fn no_endpoint(route: &Route, side: Side) -> StepStatus {
    let (endpoint, side) = (&route.sides[side].endpoint, side.as_str());
    StepStatus::Failed {
        code: "endpoint_missing",
        message: format!(
            "the {side} group has no endpoint {endpoint}; correct routes[].sides.{side}.endpoint of the plan"
        ),
    }
}

struct Unfence {
    plan: Arc<Plan>,
    traffic: Arc<dyn Traffic>,
    before: BTreeMap<Name, Setting>,
}

#[async_trait]
impl StepHandler for Unfence {
    fn step(&self) -> Step {
        Step::Unfence
    }

    async fn look(&self, subjects: &[Name]) -> Result<Vec<StepStatus>, Failure> {
        in_order(subjects.iter().map(|subject| self.look_at(subject)).collect()).await
    }

    async fn act(&self, subject: &Name) -> Result<(), Failure> {
        match self.before.get(subject) {
            Some(before) => {
                let side = self.plan.seat.other();
                self.traffic.open(one(&self.plan, subject)?, side, *before).await
            }
            None => Ok(()),
        }
    }
}

impl Unfence {
    async fn look_at(&self, subject: &Name) -> Result<StepStatus, Failure> {
        let Some(before) = self.before.get(subject) else {
            // The run found this side closed: it is not opened by it.
            return Ok(StepStatus::Done { detail: "the run had not changed it".to_owned() });
        };
        let (route, side) = (one(&self.plan, subject)?, self.plan.seat.other());
        Ok(match self.traffic.look(route).await?.endpoints[side] {
            Endpoint::Open(now) if now == *before => StepStatus::Done {
                detail: format!("the {} endpoint is open again, with {now}", side.as_str()),
            },
            Endpoint::Open(_) | Endpoint::Closed => StepStatus::Pending { before: None },
            Endpoint::Missing => no_endpoint(route, side),
        })
    }
}

struct Open {
    plan: Arc<Plan>,
    traffic: Arc<dyn Traffic>,
    databases: Arc<dyn Databases>,
    fleets: Arc<dyn Fleets>,
    state: State,
}

#[async_trait]
impl StepHandler for Open {
    fn step(&self) -> Step {
        Step::Open
    }

    async fn look(&self, subjects: &[Name]) -> Result<Vec<StepStatus>, Failure> {
        in_order(subjects.iter().map(|subject| self.look_at(subject)).collect()).await
    }

    /// Looks at everything once more, at the very moment: only what can serve is opened, and only while the
    /// other side is closed.
    async fn act(&self, subject: &Name) -> Result<(), Failure> {
        let (route, own) = (one(&self.plan, subject)?, self.plan.seat);
        let must_serve = ServingCheck::of(&self.plan, &self.state);
        let (obstacle, seen) =
            futures::join!(must_serve.obstacle(&*self.databases, &*self.fleets), self.traffic.look(route));
        if let Some(obstacle) = obstacle? {
            return Err(failure(FailureKind::Conflict, "cannot_serve", obstacle));
        }
        let (endpoint, planned) =
            (seen.as_ref().map(|view| view.endpoints[own]).ok(), route.sides[own].setting());
        if endpoint == Some(Endpoint::Missing) {
            // The next look says what is wrong and what helps.
            let missing = format!("the {} group does not have the endpoint", own.as_str());
            return Err(failure(FailureKind::Conflict, "endpoint_missing", missing));
        }
        self.close_other(route, seen).await?;
        if endpoint == Some(Endpoint::Open(planned)) {
            return Ok(());
        }
        self.traffic.open(route, own, planned).await
    }
}

impl Open {
    async fn look_at(&self, subject: &Name) -> Result<StepStatus, Failure> {
        let (route, own) = (one(&self.plan, subject)?, self.plan.seat);
        let (planned, side) = (&route.sides[own], own.as_str());
        Ok(match self.traffic.look(route).await?.endpoints[own] {
            Endpoint::Open(setting) if setting == planned.setting() => {
                StepStatus::Done { detail: format!("the {side} endpoint is open with {setting}") }
            }
            Endpoint::Open(_) | Endpoint::Closed => StepStatus::Pending { before: None },
            Endpoint::Missing => StepStatus::Failed {
                code: "endpoint_missing",
                message: format!("the {side} group has no endpoint {}; add it", planned.endpoint),
            },
        })
    }

    async fn close_other(&self, route: &Route, seen: Result<RouteView, Failure>) -> Result<(), Failure> {
        let overridden = self.state.active_run().is_some_and(|run| run.overrides.override_fence);
        let other = self.plan.seat.other();
        let closed = match seen {
            Ok(view) if view.endpoints[other] == Endpoint::Closed => return Ok(()),
            Ok(_) => self.traffic.close(route, other).await,
            Err(failure) => Err(failure),
        };
        // An operator has said that the old side takes no traffic; then closing it is a best effort.
        if overridden { Ok(()) } else { closed }
    }
}
