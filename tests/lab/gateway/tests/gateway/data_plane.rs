//! Do users reach the region that the launcher says is open?

use crate::world::{Answer, EAST, PATIENCE, Upstream, WEST, address, call, eventually, start, unsigned};
use gateway::{Blackout, Config, Gateway, Handle};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

fn load_balancers(upstream: &Upstream, healthy: &[(&str, u32)]) {
    let all: Vec<Value> = healthy
        .iter()
        .map(|(region, healthy)| {
            let group = json!({"arn": format!("arn:aws:elasticloadbalancing:{region}::targetgroup/t"), "healthy": healthy, "total": 2});
            json!({"arn": "lb", "region": region, "dns_name": "127.0.0.1:1", "target_groups": [group]})
        })
        .collect();
    upstream.lab("/_lab/load-balancers", &Value::Array(all));
}

pub(crate) fn weights(upstream: &Upstream, endpoints: &[(&str, u32, &str)]) {
    let groups: Vec<Value> = endpoints
        .iter()
        .map(|(region, weight, health)| {
            let endpoint = json!({"id": format!("lb-{region}"), "weight": weight, "health": health});
            json!({"arn": "group", "region": region, "endpoints": [endpoint]})
        })
        .collect();
    let accelerator = json!({"arn": "a", "dns_name": "a.test", "listeners": [{"endpoint_groups": groups}]});
    upstream.lab("/_lab/accelerators", &json!([accelerator]));
}

pub(crate) fn site(gateway: &Handle, region: &str) -> SocketAddr {
    address(&gateway.addresses().site_urls[region])
}

pub(crate) fn front(gateway: &Handle) -> SocketAddr {
    address(gateway.addresses().accelerator_url.as_ref().unwrap())
}

async fn get(to: SocketAddr) -> Answer {
    call(to, unsigned("GET", "/health", "")).await.unwrap()
}

async fn regions_of(to: SocketAddr, requests: usize) -> Vec<String> {
    let mut regions = Vec::new();
    for _ in 0..requests {
        let answer = get(to).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        regions.push(answer.json()["region"].as_str().unwrap().to_owned());
    }
    regions
}

async fn world() -> (Arc<Upstream>, Handle) {
    let (upstream, gateway) = start().await;
    load_balancers(&upstream, &[(EAST, 2), (WEST, 2)]);
    weights(&upstream, &[(EAST, 128, "HEALTHY"), (WEST, 0, "HEALTHY")]);
    (upstream, gateway)
}

#[tokio::test]
async fn a_site_serves_while_a_target_of_its_region_is_healthy() {
    let (upstream, gateway) = world().await;
    let answer = get(site(&gateway, EAST)).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"region": EAST})));
    load_balancers(&upstream, &[(EAST, 0), (WEST, 2)]);
    let answer = get(site(&gateway, EAST)).await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (503, Some("no target is healthy")));
    assert_eq!(get(site(&gateway, WEST)).await.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_site_whose_launcher_is_silent_does_not_claim_health() {
    let (_upstream, gateway) = start().await;
    let answer = get(site(&gateway, EAST)).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("the launcher answered 404"), "{}", answer.text());
    let answer = get(front(&gateway)).await;
    assert_eq!(answer.status, 503);
    gateway.stop().await;
}

#[tokio::test]
async fn the_site_of_a_lost_region_behaves_as_the_region_does() {
    let (_upstream, gateway) = world().await;
    let switchboard = gateway.switchboard();
    let to = site(&gateway, EAST);
    switchboard.lose_region(EAST, Blackout::Refuse).unwrap();
    assert!(call(to, unsigned("GET", "/", "")).await.is_err());
    switchboard.lose_region(EAST, Blackout::Error503).unwrap();
    assert_eq!(get(to).await.json()["error"], "the region is lost");
    switchboard.lose_region(EAST, Blackout::Hang).unwrap();
    let calling = tokio::spawn(call(to, unsigned("GET", "/", "")));
    eventually("the request hangs", || switchboard.state().held == 1).await;
    switchboard.return_region(EAST).unwrap();
    assert!(calling.await.unwrap().is_err());
    assert_eq!(get(to).await.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn the_accelerator_follows_weights_and_health() {
    let (upstream, gateway) = world().await;
    let to = front(&gateway);
    assert_eq!(regions_of(to, 3).await, [EAST, EAST, EAST]);
    weights(&upstream, &[(EAST, 0, "HEALTHY"), (WEST, 0, "HEALTHY")]);
    let shut = get(to).await;
    assert_eq!(
        (shut.status, shut.json()["error"].as_str()),
        (503, Some("no endpoint is healthy and has a weight above 0"))
    );
    weights(&upstream, &[(EAST, 0, "HEALTHY"), (WEST, 128, "HEALTHY")]);
    assert_eq!(regions_of(to, 3).await, [WEST, WEST, WEST]);
    weights(&upstream, &[(EAST, 128, "UNHEALTHY"), (WEST, 128, "HEALTHY")]);
    assert_eq!(regions_of(to, 2).await, [WEST, WEST]);
    weights(&upstream, &[(EAST, 128, "HEALTHY"), (WEST, 128, "HEALTHY")]);
    let both = regions_of(to, 10).await;
    assert_eq!(both.iter().filter(|region| *region == EAST).count(), 5);
    gateway.stop().await;
}

#[tokio::test]
async fn the_accelerator_carries_what_the_site_says_and_breaks_when_it_breaks() {
    let (upstream, gateway) = world().await;
    let to = front(&gateway);
    load_balancers(&upstream, &[(EAST, 0)]);
    assert_eq!(get(to).await.json()["error"], "no target is healthy");
    gateway.switchboard().lose_region(EAST, Blackout::Refuse).unwrap();
    assert!(call(to, unsigned("GET", "/", "")).await.is_err());
    gateway.switchboard().lose_region(EAST, Blackout::Hang).unwrap();
    let calling = tokio::spawn(call(to, unsigned("GET", "/", "")));
    eventually("the user hangs", || gateway.switchboard().state().held == 1).await;
    calling.abort();
    eventually("the user is gone", || gateway.switchboard().state().held == 0).await;
    gateway.stop().await;
}

#[tokio::test]
async fn an_open_endpoint_without_a_site_is_a_mistake_that_is_named() {
    let (upstream, gateway) = world().await;
    weights(&upstream, &[("eu-west-1", 128, "HEALTHY")]);
    let answer = get(front(&gateway)).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("--site eu-west-1=PORT"), "{}", answer.text());
    gateway.stop().await;
}

#[tokio::test]
async fn a_burst_of_requests_asks_the_launcher_once() {
    let upstream = Upstream::start().await;
    load_balancers(&upstream, &[(EAST, 1)]);
    let mut config = Config::new(upstream.address).site(EAST, 0);
    config.limits.launcher_age_max = Duration::from_hours(1);
    let gateway = Gateway::start(config).await.unwrap();
    let to = site(&gateway, EAST);
    let burst: Vec<_> = (0..20).map(|_| tokio::spawn(get(to))).collect();
    for answer in burst {
        let answer = tokio::time::timeout(PATIENCE, answer).await.unwrap().unwrap();
        assert_eq!(answer.status, 200);
    }
    assert_eq!(upstream.lab_asked(), 1);
    gateway.stop().await;
}
