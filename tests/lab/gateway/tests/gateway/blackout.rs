//! What does a lost region look like from outside?

use crate::world::{Client, EAST, WEST, call, count, endpoint, eventually, query, signed, start, unsigned};
use bytes::Bytes;
use gateway::{Blackout, Config, Count, Gateway};
use http_body_util::Full;

#[tokio::test]
async fn a_refusing_region_closes_the_connection_and_the_other_region_is_untouched() {
    let (upstream, gateway) = start().await;
    gateway.switchboard().lose_region(EAST, Blackout::Refuse).unwrap();
    assert!(call(endpoint(&gateway), query("rds", EAST, "ModifyDBInstance")).await.is_err());
    assert_eq!(call(endpoint(&gateway), query("rds", WEST, "PromoteReadReplica")).await.unwrap().status, 200);
    assert_eq!(upstream.seen().len(), 1);
    assert_eq!(count(&gateway, "ModifyDBInstance"), Count { seen: 1, forwarded: 0, faulted: 1 });
    assert!(gateway.switchboard().return_region(EAST).unwrap());
    assert_eq!(call(endpoint(&gateway), query("rds", EAST, "ModifyDBInstance")).await.unwrap().status, 200);
    assert!(!gateway.switchboard().return_region(EAST).unwrap());
    gateway.stop().await;
}

#[tokio::test]
async fn a_region_that_answers_503_does_so_in_the_callers_protocol() {
    let (upstream, gateway) = start().await;
    gateway.switchboard().lose_region(EAST, Blackout::Error503).unwrap();
    let answer = call(endpoint(&gateway), query("rds", EAST, "DescribeDBInstances")).await.unwrap();
    assert_eq!(answer.status, 503);
    assert!(
        answer.text().contains("<Type>Receiver</Type><Code>ServiceUnavailable</Code>"),
        "{}",
        answer.text()
    );
    assert_eq!(answer.headers["x-gateway-fault"], "region lost");
    let mut json = signed("POST", "/", "ssm", EAST, Full::<Bytes>::from("{}"));
    json.headers_mut().insert("x-amz-target", "AmazonSSM.GetParameters".parse().unwrap());
    json.headers_mut().insert("content-type", "application/x-amz-json-1.1".parse().unwrap());
    let answer = call(endpoint(&gateway), json).await.unwrap();
    assert_eq!((answer.status, answer.json()["__type"].as_str()), (503, Some("ServiceUnavailable")));
    assert!(upstream.seen().is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn a_hanging_region_holds_the_call_until_it_returns_and_then_closes_it() {
    let (upstream, gateway) = start().await;
    gateway.switchboard().lose_region(EAST, Blackout::Hang).unwrap();
    let calling = tokio::spawn(call(endpoint(&gateway), query("rds", EAST, "ModifyDBInstance")));
    eventually("the call hangs", || gateway.switchboard().state().held == 1).await;
    assert!(!calling.is_finished());
    gateway.switchboard().return_region(EAST).unwrap();
    assert!(calling.await.unwrap().is_err());
    assert_eq!(gateway.switchboard().state().held, 0);
    assert!(upstream.seen().is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn a_caller_that_gives_up_leaves_nothing_behind() {
    let (_upstream, gateway) = start().await;
    gateway.switchboard().lose_region(EAST, Blackout::Hang).unwrap();
    let upload = vec![0; 3 << 20];
    for request in [
        query("rds", EAST, "ModifyDBInstance"),
        signed("PUT", "/artifacts/shop.zip", "s3", EAST, Full::<Bytes>::from(upload)),
        signed("GET", "/artifacts/shop.zip", "s3", EAST, Full::<Bytes>::default()),
    ] {
        let calling = tokio::spawn(call(endpoint(&gateway), request));
        eventually("the call hangs", || gateway.switchboard().state().held == 1).await;
        calling.abort();
        eventually("its place and its connection are free", || {
            let state = gateway.switchboard().state();
            state.held == 0 && state.connections.open == 0
        })
        .await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn past_the_limit_of_held_calls_a_call_is_closed_at_once() {
    let upstream = crate::world::Upstream::start().await;
    let mut config = Config::new(upstream.address);
    config.limits.held_max = 1;
    let gateway = Gateway::start(config).await.unwrap();
    gateway.switchboard().lose_region(EAST, Blackout::Hang).unwrap();
    let first = tokio::spawn(call(endpoint(&gateway), query("rds", EAST, "ModifyDBInstance")));
    eventually("the first call hangs", || gateway.switchboard().state().held == 1).await;
    assert!(call(endpoint(&gateway), query("rds", EAST, "ModifyDBInstance")).await.is_err());
    assert!(!first.is_finished());
    gateway.stop().await;
}

#[tokio::test]
async fn a_call_in_flight_when_its_region_is_lost_loses_its_answer_but_not_its_effect() {
    let (upstream, gateway) = start().await;
    upstream.hold_answers();
    let calling = tokio::spawn(call(endpoint(&gateway), query("rds", EAST, "ModifyDBInstance")));
    eventually("the call is with the upstream", || upstream.seen().len() == 1).await;
    gateway.switchboard().lose_region(EAST, Blackout::Refuse).unwrap();
    assert!(calling.await.unwrap().is_err());
    assert_eq!(count(&gateway, "ModifyDBInstance"), Count { seen: 1, forwarded: 1, faulted: 1 });
    gateway.stop().await;
}

#[tokio::test]
async fn a_lost_region_can_change_how_it_is_lost() {
    let (_upstream, gateway) = start().await;
    gateway.switchboard().lose_region(EAST, Blackout::Hang).unwrap();
    let calling = tokio::spawn(call(endpoint(&gateway), query("rds", EAST, "ModifyDBInstance")));
    eventually("the call hangs", || gateway.switchboard().state().held == 1).await;
    gateway.switchboard().lose_region(EAST, Blackout::Error503).unwrap();
    assert!(calling.await.unwrap().is_err());
    let mut client = Client::connect(endpoint(&gateway)).await;
    assert_eq!(client.call(query("rds", EAST, "ModifyDBInstance")).await.unwrap().status, 503);
    assert_eq!(gateway.switchboard().return_all_regions(), 1);
    assert_eq!(client.call(query("rds", EAST, "ModifyDBInstance")).await.unwrap().status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn an_unsigned_request_to_a_lost_region_by_its_host_name_is_lost_too() {
    let (upstream, gateway) = start().await;
    gateway.switchboard().lose_region(EAST, Blackout::Error503).unwrap();
    let mut request = unsigned("GET", "/000000000000/queue", "");
    request.headers_mut().insert("host", "sqs.us-east-2.amazonaws.com".parse().unwrap());
    assert_eq!(call(endpoint(&gateway), request).await.unwrap().status, 503);
    assert!(upstream.seen().is_empty());
    gateway.stop().await;
}
