//! What does the local world look like right now? Read from the launcher's plain JSON API, under `/_lab`.
//!
//! An answer is used for a short while, so that a burst of requests asks once; those that come while a question is under
//! way wait for its answer.

use crate::clock;
use crate::upstream::{self, NoAnswer};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

const ANSWER_WAIT_MAX: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// An accelerator, as far as routing needs it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Accelerator {
    pub(crate) dns_name: String,
    pub(crate) listeners: Vec<Listener>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Listener {
    pub(crate) endpoint_groups: Vec<EndpointGroup>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct EndpointGroup {
    pub(crate) region: String,
    pub(crate) endpoints: Vec<Endpoint>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) weight: u32,
    pub(crate) health: Health,
}

/// What the accelerator's health checks say of an endpoint; anything but `HEALTHY` gets no traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) enum Health {
    Healthy,
    NotHealthy,
}

impl From<String> for Health {
    fn from(word: String) -> Self {
        if word == "HEALTHY" { Self::Healthy } else { Self::NotHealthy }
    }
}

/// A load balancer, as far as its region's site needs it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct LoadBalancer {
    pub(crate) region: String,
    pub(crate) target_groups: Vec<TargetGroup>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TargetGroup {
    pub(crate) healthy: u32,
}

/// A process that stands for an instance of a fleet.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Application {
    pub(crate) region: String,
    /// Where it listens, for who stands in its region.
    pub(crate) server_port: u16,
    /// What its target group's health checks say of it.
    pub(crate) health: String,
}

/// Why the launcher's word isn't known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Silent {
    #[error("{0}")]
    NoAnswer(#[from] NoAnswer),
    #[error("the launcher did not answer within {} seconds", ANSWER_WAIT_MAX.as_secs())]
    Late,
    #[error("the launcher answered {0}")]
    Status(StatusCode),
    #[error("the launcher's answer could not be read: {0}")]
    Unreadable(String),
}

#[derive(Debug)]
struct Kept<T> {
    path: &'static str,
    answer: Mutex<Option<(Instant, Arc<Vec<T>>)>>,
}

impl<T> Kept<T> {
    fn of(path: &'static str) -> Self {
        Self { path, answer: Mutex::new(None) }
    }
}

/// The launcher, as the sites and the accelerator ask it.
#[derive(Debug)]
pub(crate) struct Launcher {
    address: SocketAddr,
    age_max: Duration,
    accelerators: Kept<Accelerator>,
    load_balancers: Kept<LoadBalancer>,
    applications: Kept<Application>,
}

impl Launcher {
    pub(crate) fn new(address: SocketAddr, age_max: Duration) -> Self {
        Self {
            address,
            age_max,
            accelerators: Kept::of("/_lab/accelerators"),
            load_balancers: Kept::of("/_lab/load-balancers"),
            applications: Kept::of("/_lab/applications"),
        }
    }

    pub(crate) async fn accelerators(&self) -> Result<Arc<Vec<Accelerator>>, Silent> {
        self.recent(&self.accelerators).await
    }

    pub(crate) async fn load_balancers(&self) -> Result<Arc<Vec<LoadBalancer>>, Silent> {
        self.recent(&self.load_balancers).await
    }

    pub(crate) async fn applications(&self) -> Result<Arc<Vec<Application>>, Silent> {
        self.recent(&self.applications).await
    }

    async fn recent<T: DeserializeOwned>(&self, kept: &Kept<T>) -> Result<Arc<Vec<T>>, Silent> {
        let mut answer = kept.answer.lock().await;
        if let Some((at, value)) = answer.as_ref()
            && clock::now().duration_since(*at) < self.age_max
        {
            return Ok(Arc::clone(value));
        }
        let asked_at = clock::now();
        let asking = tokio::time::timeout(ANSWER_WAIT_MAX, self.ask(kept.path));
        let value = Arc::new(asking.await.map_err(|_| Silent::Late)??);
        *answer = Some((asked_at, Arc::clone(&value)));
        Ok(value)
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T, Silent> {
        let request = Request::get(path)
            .header(HOST, self.address.to_string())
            .body(Empty::<Bytes>::new())
            .map_err(|error| Silent::Unreadable(error.to_string()))?;
        let response = upstream::send(self.address, request, || {}).await?;
        if response.status() != StatusCode::OK {
            return Err(Silent::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let bytes = body.map_err(|error| Silent::Unreadable(error.to_string()))?.to_bytes();
        serde_json::from_slice(&bytes).map_err(|error| Silent::Unreadable(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_launchers_shapes_are_read_whatever_else_they_carry() {
        let accelerators: Vec<Accelerator> = serde_json::from_str(
            r#"[{"arn":"arn:aws:globalaccelerator::000000000000:accelerator/a","dns_name":"a.test","listeners":[
                {"arn":"l","endpoint_groups":[{"arn":"g","region":"us-east-2","endpoints":[
                  {"id":"lb","weight":128,"health":"HEALTHY"},{"id":"lb2","weight":0,"health":"INITIAL"}]}]}]}]"#,
        )
        .unwrap();
        let group = &accelerators[0].listeners[0].endpoint_groups[0];
        assert_eq!((group.region.as_str(), group.endpoints[0].weight), ("us-east-2", 128));
        assert_eq!(group.endpoints[0].health, Health::Healthy);
        assert_eq!(group.endpoints[1].health, Health::NotHealthy);
        let load_balancers: Vec<LoadBalancer> = serde_json::from_str(
            r#"[{"arn":"lb","region":"us-west-1","dns_name":"127.0.0.1:18082","target_groups":[{"arn":"tg","healthy":2,"total":3}]}]"#,
        )
        .unwrap();
        assert_eq!(load_balancers[0].target_groups[0].healthy, 2);
        let applications: Vec<Application> = serde_json::from_str(
            r#"[{"instance":"i-1","region":"us-west-1","server_port":21005,"address":"127.70.1.2:8080","health":"initial"}]"#,
        )
        .unwrap();
        assert_eq!((applications[0].server_port, applications[0].health.as_str()), (21_005, "initial"));
    }
}
