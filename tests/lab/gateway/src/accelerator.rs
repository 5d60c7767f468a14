//! Where does a user's request go, or his connection? To a region, by the endpoint weights and the health that the launcher reports.
//!
//! Turns are dealt in exact proportion to the weights: unlike the real accelerator this one does not prefer the nearest
//! region. But it fails open as the real one does: with nothing healthy of weight above 0, users get to the region that
//! they are near to, whatever its weight. Without a word where users are it answers 503 instead.

use crate::body::Body;
use crate::carriage;
use crate::launcher::{Accelerator as Shape, Health, Launcher};
use crate::regions::Closed;
use crate::sites::plain;
use crate::upstream;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::{Request, Response, StatusCode};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;

/// The accelerator's one port.
#[derive(Debug)]
pub(crate) struct Accelerator {
    pub(crate) sites: BTreeMap<String, SocketAddr>,
    pub(crate) launcher: Arc<Launcher>,
    pub(crate) turns: Turns,
    pub(crate) users_near: Option<String>,
}

impl Accelerator {
    pub(crate) async fn serve(&self, request: Request<Incoming>) -> Result<Response<Body>, Closed> {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let address = match self.destination(host).await {
            Ok(address) => address,
            Err(why) => return Ok(plain(StatusCode::SERVICE_UNAVAILABLE, &json!({"error": why}))),
        };
        let (head, body) = request.into_parts();
        let request = upstream::onward(head, body, address);
        // An accelerator carries bytes: what breaks behind it breaks in front of it.
        let mut response = upstream::send(address, request, || {}).await.map_err(|_| Closed)?;
        upstream::strip_connection_headers(response.headers_mut());
        Ok(response.map(BodyExt::boxed_unsync))
    }

    /// Carries a connection to the region that it is given when it comes. There it stays, whatever becomes of weights and
    /// health afterwards.
    pub(crate) async fn carry(self: Arc<Self>, user: TcpStream) {
        match self.destination("").await {
            Ok(address) => match TcpStream::connect(address).await {
                Ok(site) => carriage::join(user, site, None).await,
                Err(_) => carriage::reset(&user),
            },
            Err(why) => carriage::say_unavailable(user, &json!({"error": why})).await,
        }
    }

    async fn destination(&self, host: &str) -> Result<SocketAddr, String> {
        let accelerators = self.launcher.accelerators().await.map_err(|silent| silent.to_string())?;
        let shape = chosen(&accelerators, host)?;
        let region = self
            .turns
            .next(&open_endpoints(shape))
            .or_else(|| nearest(shape, self.users_near.as_deref()?))
            .ok_or("no endpoint is healthy and has a weight above 0")?;
        self.sites.get(&region).copied().ok_or_else(|| {
            format!("{region} has an open endpoint but no site; start the gateway with --site {region}=PORT")
        })
    }
}

/// The accelerator that a request is for: the only one, or the one whose DNS name stands in `Host`.
fn chosen<'a>(accelerators: &'a [Shape], host: &str) -> Result<&'a Shape, String> {
    if let [only] = accelerators {
        return Ok(only);
    }
    let name = host.split(':').next().unwrap_or_default();
    accelerators.iter().find(|accelerator| accelerator.dns_name == name).ok_or_else(|| {
        format!("there are {} accelerators; name one by its DNS name in the Host header", accelerators.len())
    })
}

/// An endpoint that may be given traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    id: String,
    region: String,
    weight: i64,
}

fn open_endpoints(accelerator: &Shape) -> Vec<Open> {
    let groups = accelerator.listeners.iter().flat_map(|listener| &listener.endpoint_groups);
    // A load balancer behind two listeners, for two ports, is one place to send users to.
    let mut met = BTreeSet::new();
    groups
        .flat_map(|group| group.endpoints.iter().map(move |endpoint| (group, endpoint)))
        .filter(|(_, endpoint)| endpoint.weight > 0 && endpoint.health == Health::Healthy)
        .filter(|(_, endpoint)| met.insert(&endpoint.id))
        .map(|(group, endpoint)| Open {
            id: endpoint.id.clone(),
            region: group.region.clone(),
            weight: i64::from(endpoint.weight),
        })
        .collect()
}

/// Where users get when nothing is open: to the group of their own region, or else to the first that has endpoints.
fn nearest(accelerator: &Shape, users_near: &str) -> Option<String> {
    let groups = accelerator.listeners.iter().flat_map(|listener| &listener.endpoint_groups);
    let mut regions = groups.filter(|group| !group.endpoints.is_empty()).map(|group| &group.region);
    let first = regions.next()?;
    let near = std::iter::once(first).chain(regions).find(|region| *region == users_near);
    Some(near.unwrap_or(first).clone())
}

/// Deals out turns: each endpoint earns its weight with every turn, whoever has most is next and pays for all.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    earned: Mutex<BTreeMap<String, i64>>,
}

impl Turns {
    /// The region of the next endpoint, or nothing when none is open.
    pub(crate) fn next(&self, open: &[Open]) -> Option<String> {
        let mut earned = self.earned.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever was closed meanwhile starts from nothing when it comes back.
        earned.retain(|id, _| open.iter().any(|endpoint| endpoint.id == *id));
        let mut best: Option<(&Open, i64)> = None;
        for endpoint in open {
            let own = earned.entry(endpoint.id.clone()).or_default();
            *own += endpoint.weight;
            if best.is_none_or(|(_, most)| *own > most) {
                best = Some((endpoint, *own));
            }
        }
        let (next, _) = best?;
        *earned.entry(next.id.clone()).or_default() -=
            open.iter().map(|endpoint| endpoint.weight).sum::<i64>();
        Some(next.region.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accelerator(endpoints: &[(&str, u32, &str)]) -> Shape {
        let groups: Vec<_> = endpoints
            .iter()
            .map(|(region, weight, health)| {
                json!({"region": region, "endpoints": [{"id": format!("lb-{region}"), "weight": weight, "health": health}]})
            })
            .collect();
        serde_json::from_value(json!({"dns_name": "a.test", "listeners": [{"endpoint_groups": groups}]}))
            .unwrap()
    }

    fn deal(accelerator: &Shape, turns: usize) -> Vec<Option<String>> {
        let dealer = Turns::default();
        (0..turns).map(|_| dealer.next(&open_endpoints(accelerator))).collect()
    }

    #[test]
    fn turns_follow_the_weights_exactly() {
        let both = accelerator(&[("us-east-2", 192, "HEALTHY"), ("us-west-1", 64, "HEALTHY")]);
        let dealt = deal(&both, 100);
        let east = dealt.iter().filter(|region| region.as_deref() == Some("us-east-2")).count();
        assert_eq!(east, 75);
    }

    #[test]
    fn a_load_balancer_behind_two_listeners_gets_one_share() {
        let mut both = accelerator(&[("us-east-2", 64, "HEALTHY"), ("us-west-1", 64, "HEALTHY")]);
        both.listeners.extend(accelerator(&[("us-east-2", 64, "HEALTHY")]).listeners);
        let dealt = deal(&both, 10);
        assert_eq!(dealt.iter().filter(|region| region.as_deref() == Some("us-east-2")).count(), 5);
    }

    #[test]
    fn weight_zero_and_bad_health_get_nothing() {
        let shut = accelerator(&[("us-east-2", 128, "UNHEALTHY"), ("us-west-1", 0, "HEALTHY")]);
        assert_eq!(deal(&shut, 1), [None]);
        let one = accelerator(&[("us-east-2", 128, "UNHEALTHY"), ("us-west-1", 1, "HEALTHY")]);
        assert_eq!(deal(&one, 2), vec![Some("us-west-1".to_owned()); 2]);
    }

    #[test]
    fn with_nothing_open_users_get_to_the_region_they_are_near_to() {
        let shut = accelerator(&[("us-east-2", 0, "HEALTHY"), ("us-west-1", 0, "UNHEALTHY")]);
        assert_eq!(nearest(&shut, "us-east-2").as_deref(), Some("us-east-2"));
        assert_eq!(nearest(&shut, "us-west-1").as_deref(), Some("us-west-1"));
        assert_eq!(nearest(&shut, "eu-west-1").as_deref(), Some("us-east-2"));
        assert_eq!(nearest(&accelerator(&[]), "us-east-2"), None);
    }

    #[test]
    fn several_accelerators_are_told_apart_by_the_host() {
        let mut other = accelerator(&[("us-west-1", 1, "HEALTHY")]);
        other.dns_name = "b.test".to_owned();
        let both = [accelerator(&[("us-east-2", 1, "HEALTHY")]), other];
        assert_eq!(chosen(&both, "b.test:80").unwrap().dns_name, "b.test");
        assert!(chosen(&both, "127.0.0.1:9").unwrap_err().contains("there are 2 accelerators"));
        assert_eq!(chosen(&both[..1], "127.0.0.1:9").unwrap().dns_name, "a.test");
        assert!(chosen(&[], "a.test").unwrap_err().contains("there are 0 accelerators"));
    }
}
