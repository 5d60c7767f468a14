//! Do rules do to calls what they say?

use crate::world::{Client, EAST, WEST, call, count, endpoint, eventually, query, start};
use gateway::{Blackout, Count, Effect, ErrorAnswer, Match, Rule};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

#[tokio::test]
async fn an_action_is_throttled_so_often_and_then_passes() {
    let (upstream, gateway) = start().await;
    let matching = Match::service("rds").region(WEST).action("PromoteReadReplica");
    gateway.switchboard().add_rule(Rule::new(matching, Effect::Throttle).times(2)).unwrap();
    let to = endpoint(&gateway);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(call(to, query("rds", WEST, "PromoteReadReplica")).await.unwrap().status);
        assert_eq!(call(to, query("rds", WEST, "DescribeDBInstances")).await.unwrap().status, 200);
        assert_eq!(call(to, query("rds", EAST, "PromoteReadReplica")).await.unwrap().status, 200);
    }
    assert_eq!(statuses, [400, 400, 200]);
    assert_eq!(upstream.seen().len(), 7);
    assert_eq!(count(&gateway, "PromoteReadReplica"), Count { seen: 6, forwarded: 4, faulted: 2 });
    assert_eq!(gateway.switchboard().rules()[0].fired, 2);
    gateway.stop().await;
}

#[tokio::test]
async fn an_error_has_the_status_and_code_it_was_given() {
    let (upstream, gateway) = start().await;
    let answer = ErrorAnswer {
        status: 400,
        code: "InvalidDBInstanceState".to_owned(),
        message: Some("no".to_owned()),
    };
    let id = gateway.switchboard().add_rule(Rule::new(Match::service("rds"), Effect::Error(answer))).unwrap();
    let answer = call(endpoint(&gateway), query("rds", WEST, "PromoteReadReplica")).await.unwrap();
    assert_eq!(answer.status, 400);
    assert!(
        answer.text().contains("<Code>InvalidDBInstanceState</Code><Message>no</Message>"),
        "{}",
        answer.text()
    );
    assert_eq!(answer.headers["x-gateway-fault"], "rule");
    assert!(upstream.seen().is_empty());
    assert!(gateway.switchboard().remove_rule(id));
    assert_eq!(call(endpoint(&gateway), query("rds", WEST, "PromoteReadReplica")).await.unwrap().status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_lost_answer_is_lost_after_its_effect() {
    let (upstream, gateway) = start().await;
    let matching = Match::service("rds").action("PromoteReadReplica");
    gateway.switchboard().add_rule(Rule::new(matching, Effect::LoseAnswer).times(1)).unwrap();
    upstream.hold_answers();
    let calling = tokio::spawn(call(endpoint(&gateway), query("rds", WEST, "PromoteReadReplica")));
    eventually("the call is with the upstream", || upstream.seen().len() == 1).await;
    assert!(!calling.is_finished(), "the connection is closed only once the upstream has answered");
    upstream.release();
    assert!(calling.await.unwrap().is_err());
    assert_eq!(upstream.seen()[0].body, "Action=PromoteReadReplica&Version=2014-10-31");
    assert_eq!(count(&gateway, "PromoteReadReplica"), Count { seen: 1, forwarded: 1, faulted: 1 });
    assert_eq!(call(endpoint(&gateway), query("rds", WEST, "PromoteReadReplica")).await.unwrap().status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_delayed_call_goes_on_when_its_rule_is_removed_also_without_its_caller() {
    let (upstream, gateway) = start().await;
    let ten_minutes = Effect::DelayMs(600_000);
    let rule = gateway.switchboard().add_rule(Rule::new(Match::service("rds"), ten_minutes)).unwrap();
    let (to, fired) = (endpoint(&gateway), || gateway.switchboard().rules()[0].fired);
    let patient = tokio::spawn(call(to, query("rds", WEST, "DescribeDBInstances")));
    eventually("the first call is delayed", || fired() == 1).await;
    let mut client = Client::connect(to).await;
    let calling =
        tokio::spawn(async move { client.call(query("rds", WEST, "PromoteReadReplica")).await.is_ok() });
    eventually("the second call is delayed", || fired() == 2).await;
    calling.abort();
    eventually("its caller is gone", || gateway.switchboard().state().connections.open == 1).await;
    assert!(upstream.seen().is_empty() && !patient.is_finished());
    assert!(gateway.switchboard().remove_rule(rule));
    assert_eq!(patient.await.unwrap().unwrap().status, 200);
    eventually("both have come", || upstream.seen().len() == 2).await;
    for action in ["DescribeDBInstances", "PromoteReadReplica"] {
        assert_eq!(count(&gateway, action), Count { seen: 1, forwarded: 1, faulted: 1 });
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_delayed_call_is_late_and_otherwise_unharmed() {
    let (upstream, gateway) = start().await;
    gateway.switchboard().add_rule(Rule::new(Match::service("rds"), Effect::DelayMs(60))).unwrap();
    let began = Instant::now();
    let answer = call(endpoint(&gateway), query("rds", WEST, "DescribeDBInstances")).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(60));
    assert_eq!(answer.status, 200);
    assert_eq!(upstream.seen().len(), 1);
    assert_eq!(count(&gateway, "DescribeDBInstances"), Count { seen: 1, forwarded: 1, faulted: 1 });
    gateway.stop().await;
}

#[tokio::test]
async fn a_region_lost_during_a_delay_is_lost_to_the_delayed_call() {
    let (upstream, gateway) = start().await;
    gateway.switchboard().add_rule(Rule::new(Match::service("rds"), Effect::DelayMs(100))).unwrap();
    let calling = tokio::spawn(call(endpoint(&gateway), query("rds", EAST, "DescribeDBInstances")));
    eventually("the call is delayed", || count(&gateway, "DescribeDBInstances").faulted == 1).await;
    gateway.switchboard().lose_region(EAST, Blackout::Error503).unwrap();
    assert_eq!(calling.await.unwrap().unwrap().status, 503);
    assert!(upstream.seen().is_empty());
    assert_eq!(count(&gateway, "DescribeDBInstances"), Count { seen: 1, forwarded: 0, faulted: 1 });
    gateway.stop().await;
}

#[tokio::test]
async fn a_throttled_upload_is_read_to_its_end_so_that_the_client_sees_the_answer() {
    let (upstream, gateway) = start().await;
    gateway.switchboard().add_rule(Rule::new(Match::service("lambda"), Effect::Throttle)).unwrap();
    let package = vec![7; 8 << 20];
    // Like most clients, this one looks at no answer before everything is sent.
    let mut stream = TcpStream::connect(endpoint(&gateway)).await.unwrap();
    let credential = "Credential=AKIATEST/20261120/us-west-1/lambda/aws4_request";
    let head = format!(
        "POST /2015-03-31/functions HTTP/1.1\r\nhost: gateway.test\r\nauthorization: AWS4-HMAC-SHA256 {credential}, \
         Signature=0\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        package.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&package).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 429 Too Many Requests"), "{answer}");
    assert!(answer.contains("x-amzn-errortype: TooManyRequestsException"), "{answer}");
    assert_eq!(count(&gateway, "CreateFunction"), Count { seen: 1, forwarded: 0, faulted: 1 });
    assert!(upstream.seen().is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn one_callers_calls_can_be_told_from_anothers() {
    let (_upstream, gateway) = start().await;
    let rule = Rule::new(Match::any().principal("AKIAOTHER"), Effect::Throttle);
    gateway.switchboard().add_rule(rule).unwrap();
    let to = endpoint(&gateway);
    assert_eq!(call(to, query("sns", WEST, "Publish")).await.unwrap().status, 200);
    let mut other = query("sns", WEST, "Publish");
    let authorization = other.headers()["authorization"].to_str().unwrap().replace("AKIATEST", "AKIAOTHER");
    other.headers_mut().insert("authorization", authorization.parse().unwrap());
    assert_eq!(call(to, other).await.unwrap().status, 400);
    gateway.stop().await;
}
