//! Does a region serve users? One small server per region that stands for the region's load balancer.

use crate::body::{Body, drain, full};
use crate::launcher::{Launcher, LoadBalancer};
use crate::regions::{Closed, Regions};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// The site of one region.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) region: String,
    pub(crate) regions: Arc<Regions>,
    pub(crate) launcher: Arc<Launcher>,
}

impl Site {
    /// Any method and any path: 200 when a target of this region is healthy, 503 when none is, and whatever the
    /// region's blackout does when it is lost.
    pub(crate) async fn serve(&self, request: Request<Incoming>) -> Result<Response<Body>, Closed> {
        let mut body = request.into_body();
        if let Some(mode) = self.regions.mode(&self.region) {
            self.regions.meet(&self.region, mode, Some(body)).await?;
            return Ok(self.no("the region is lost"));
        }
        drain(&mut body).await.map_err(|_| Closed)?;
        let load_balancers = match self.launcher.load_balancers().await {
            Ok(load_balancers) => load_balancers,
            Err(silent) => return Ok(self.no(&silent.to_string())),
        };
        if !serves(&self.region, &load_balancers) {
            return Ok(self.no("no target is healthy"));
        }
        Ok(plain(StatusCode::OK, &json!({"region": self.region})))
    }

    fn no(&self, why: &str) -> Response<Body> {
        plain(StatusCode::SERVICE_UNAVAILABLE, &json!({"region": self.region, "error": why}))
    }
}

fn serves(region: &str, load_balancers: &[LoadBalancer]) -> bool {
    let mut own = load_balancers.iter().filter(|load_balancer| load_balancer.region == region);
    own.any(|load_balancer| load_balancer.target_groups.iter().any(|group| group.healthy > 0))
}

/// A JSON answer.
pub(crate) fn plain(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(full(format!("{body}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launcher::TargetGroup;

    fn load_balancer(region: &str, healthy: &[u32]) -> LoadBalancer {
        LoadBalancer {
            region: region.to_owned(),
            target_groups: healthy.iter().map(|healthy| TargetGroup { healthy: *healthy }).collect(),
        }
    }

    #[test]
    fn a_region_serves_when_any_of_its_own_target_groups_has_a_healthy_target() {
        let world = [
            load_balancer("us-east-2", &[0, 1]),
            load_balancer("us-west-1", &[0]),
            load_balancer("us-west-1", &[]),
        ];
        assert!(serves("us-east-2", &world));
        assert!(!serves("us-west-1", &world));
        assert!(!serves("eu-west-1", &world));
    }
}
