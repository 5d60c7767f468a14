//! Which application gets a user's connection? The load balancer of one region, with real applications behind it.

use crate::carriage::{self, Place};
use crate::launcher::{Application, Launcher};
use crate::regions::{Blackout, Regions};
use serde_json::json;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpStream;

/// The load balancer of one region.
#[derive(Debug)]
pub(crate) struct Balancer {
    place: Place,
    launcher: Arc<Launcher>,
    turn: AtomicUsize,
}

impl Balancer {
    pub(crate) fn new(region: String, regions: Arc<Regions>, launcher: Arc<Launcher>) -> Self {
        Self { place: Place { region, regions }, launcher, turn: AtomicUsize::new(0) }
    }

    /// Carries a connection to an application of this region, or does to it what the region's blackout does.
    pub(crate) async fn carry(self: Arc<Self>, mut user: TcpStream) {
        let Place { region, regions } = &self.place;
        match regions.mode(region) {
            None => {}
            Some(Blackout::Hang) => {
                tokio::select! {
                    () = carriage::swallow(&mut user) => {}
                    _ = regions.until_not_silent(region) => {}
                }
                return;
            }
            Some(Blackout::Refuse) => return carriage::reset(&user),
            Some(Blackout::Error503) => return self.say(user, "the region is lost").await,
        }
        match self.application().await {
            Ok(application) => carriage::join(user, application, Some(self.place.clone())).await,
            Err(why) => self.say(user, &why).await,
        }
    }

    async fn say(&self, user: TcpStream, why: &str) {
        carriage::say_unavailable(user, &json!({"region": self.place.region, "error": why})).await;
    }

    /// A connection to the next application; one that doesn't take it is passed over.
    async fn application(&self) -> Result<TcpStream, String> {
        let applications = self.launcher.applications().await.map_err(|silent| silent.to_string())?;
        let ports = targets(&self.place.region, &applications);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        for offset in 0..ports.len() {
            let port = ports.get(turn.wrapping_add(offset) % ports.len()).copied().unwrap_or_default();
            if let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                return Ok(stream);
            }
        }
        Err(if ports.is_empty() { "no target is healthy" } else { "no target takes a connection" }.to_owned())
    }
}

/// The healthy applications of a region. Where all of them are unhealthy, all: a load balancer fails open too. One that has not
/// passed its first checks gets nothing.
fn targets(region: &str, applications: &[Application]) -> Vec<u16> {
    let own = || applications.iter().filter(|application| application.region == region);
    let of = |health: &str| {
        own().filter(|own| own.health == health).map(|own| own.server_port).collect::<Vec<_>>()
    };
    let (healthy, unhealthy) = (of("healthy"), of("unhealthy"));
    if healthy.is_empty() && unhealthy.len() == own().count() { unhealthy } else { healthy }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(region: &str, server_port: u16, health: &str) -> Application {
        Application { region: region.to_owned(), server_port, health: health.to_owned() }
    }

    #[test]
    fn a_region_s_healthy_applications_are_its_targets() {
        let world = [
            application("us-east-2", 1, "healthy"),
            application("us-east-2", 2, "unhealthy"),
            application("us-east-2", 3, "initial"),
            application("us-west-1", 4, "healthy"),
        ];
        assert_eq!(targets("us-east-2", &world), [1]);
        assert_eq!(targets("us-west-1", &world), [4]);
        assert!(targets("eu-west-1", &world).is_empty());
    }

    #[test]
    fn where_all_are_unhealthy_all_are_targets_and_none_that_is_new() {
        let sick = [application("us-east-2", 1, "unhealthy"), application("us-east-2", 2, "unhealthy")];
        assert_eq!(targets("us-east-2", &sick), [1, 2]);
        let new = [application("us-east-2", 1, "unhealthy"), application("us-east-2", 2, "initial")];
        assert!(targets("us-east-2", &new).is_empty());
    }
}
