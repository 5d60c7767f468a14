//! How do routes stand, and how do they change? An endpoint is healthy only while the fleets behind it are.

use async_trait::async_trait;
use jiff::Timestamp;
use ports::inspection::RouteInspection;
use ports::{Answer, EndpointHealth, FailureKind, RouteView, Traffic};
use protocol::endpoint::{Endpoint, Setting};
use protocol::name::Name;
use protocol::plan::Route;
use protocol::readiness::facts::RouteFacts;
use protocol::side::{Side, Sides};

use crate::faults::{answer, failure};
use crate::inner::Inner;
use crate::world::MemoryWorld;

/// What opening and closing a side is called.
const SET: Sides<&str> = Sides { primary: "set_primary", recovery: "set_recovery" };

impl Inner {
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

    async fn open(&self, route: &Route, side: Side, setting: Setting) -> Answer<()> {
        self.set_endpoint(route, side, Endpoint::Open(setting))
    }

    async fn close(&self, route: &Route, side: Side) -> Answer<()> {
        self.set_endpoint(route, side, Endpoint::Closed)
    }
}

impl MemoryWorld {
    fn set_endpoint(&self, route: &Route, side: Side, endpoint: Endpoint) -> Answer<()> {
        let action = SET[side];
        let lost = self.call(action)?;
        if let Some(view) = self.inner().routes.get_mut(&route.name) {
            view.endpoints[side] = endpoint;
        }
        answer(action, lost, ())
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
            endpoints: view.endpoints,
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
