//! Are the primary sides closed that should be? Looks at them, all at once and for no longer than a moment.

use std::time::Duration;

use futures::future::Either;
use futures::stream::{self, StreamExt};
use ports::{Clock, Failure, Traffic};
use protocol::decide::FenceSeen;
use protocol::journal::EndpointSeen;
use protocol::plan::Route;
use protocol::side::{Side, Sides};

/// Longest time that a look at primary sides may take: neither a tick nor a promotion waits for longer.
const LOOK_MAX: Duration = Duration::from_secs(5);

/// Routes asked about at once.
const CONCURRENCY: usize = 8;

/// What a look at one primary side came to.
pub struct Looked {
    /// What was seen.
    pub seen: FenceSeen,
    /// Why nothing was.
    pub failure: Option<Failure>,
}

/// What is seen of the primary sides of some routes, in their order. What got no answer in time could not be looked at.
pub async fn look(traffic: &dyn Traffic, clock: &dyn Clock, routes: &[&Route], side: Side) -> Vec<Looked> {
    let looks: Vec<_> = routes.iter().map(|route| look_at(traffic, clock, route, side)).collect();
    stream::iter(looks).buffered(CONCURRENCY).collect().await
}

async fn look_at(traffic: &dyn Traffic, clock: &dyn Clock, route: &Route, side: Side) -> Looked {
    let at = clock.now();
    let (seen, failure) = endpoints(traffic, clock, route).await;
    Looked { seen: FenceSeen { route: route.name.clone(), at, side: seen[side].clone() }, failure }
}

/// What is seen of both endpoints of a route within a moment, and why nothing is.
pub(crate) async fn endpoints(
    traffic: &dyn Traffic,
    clock: &dyn Clock,
    route: &Route,
) -> (Sides<EndpointSeen>, Option<Failure>) {
    let unread = |detail: String| Sides::from_fn(|_| EndpointSeen::Unread { detail: detail.clone() });
    match futures::future::select(traffic.look(route), clock.sleep(LOOK_MAX)).await {
        Either::Left((Ok(view), _)) => (view.endpoints.map(EndpointSeen::from), None),
        Either::Left((Err(failure), _)) => (unread(failure.to_string()), Some(failure)),
        Either::Right(_) => (unread(format!("no answer within {} s", LOOK_MAX.as_secs())), None),
    }
}
