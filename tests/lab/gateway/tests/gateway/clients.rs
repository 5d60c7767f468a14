//! Do the real clients understand what the gateway says in a service's name?
//!
//! A throttle counts as understood when the client retries by itself: it does so for none of these 400s unless it
//! recognises the code.

use crate::world::{Upstream, WEST, count, start};
use aws_sdk_cloudwatch::config::retry::RetryConfig;
use aws_sdk_cloudwatch::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_cloudwatch::error::{DisplayErrorContext, ProvideErrorMetadata};
use gateway::{Blackout, Count, Effect, ErrorAnswer, Handle, Match, Rule};
use std::sync::Arc;
use std::time::Duration;

macro_rules! client {
    ($sdk:ident, $gateway:expr, $attempts:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .endpoint_url(&$gateway.addresses().endpoint_url)
                .region(Region::from_static(WEST))
                .credentials_provider(Credentials::new("AKIATEST", "secret", None, None, "test"))
                .http_client(aws_smithy_http_client::Builder::new().build_http())
                .retry_config(
                    RetryConfig::standard()
                        .with_max_attempts($attempts)
                        .with_initial_backoff(Duration::from_millis(1))
                        .with_max_backoff(Duration::from_millis(5)),
                )
                .build(),
        )
    };
}

async fn throttled_once(service: &str, action: &str) -> (Arc<Upstream>, Handle) {
    let (upstream, gateway) = start().await;
    let rule = Rule::new(Match::service(service).region(WEST).action(action), Effect::Throttle).times(1);
    gateway.switchboard().add_rule(rule).unwrap();
    (upstream, gateway)
}

const RETRIED: Count = Count { seen: 2, forwarded: 1, faulted: 1 };

#[tokio::test]
async fn a_query_client_retries_a_throttle() {
    let (upstream, gateway) = throttled_once("sns", "Publish").await;
    let xml = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
               <MessageId>m-1</MessageId></PublishResult></PublishResponse>";
    upstream.script(&[("content-type", "text/xml")], xml);
    let sns = client!(aws_sdk_sns, gateway, 2);
    let published =
        sns.publish().topic_arn("arn:aws:sns:us-west-1:123456789012:commands").message("{}").send().await;
    assert_eq!(published.unwrap().message_id(), Some("m-1"));
    assert_eq!(count(&gateway, "Publish"), RETRIED);
    gateway.stop().await;
}

#[tokio::test]
async fn a_json_client_retries_a_throttle() {
    let (upstream, gateway) = throttled_once("globalaccelerator", "DescribeEndpointGroup").await;
    upstream.script(&[], r#"{"EndpointGroup":{"EndpointGroupArn":"arn:group"}}"#);
    let accelerator = client!(aws_sdk_globalaccelerator, gateway, 2);
    let described =
        accelerator.describe_endpoint_group().endpoint_group_arn("arn:group").send().await.unwrap();
    assert_eq!(described.endpoint_group().unwrap().endpoint_group_arn(), Some("arn:group"));
    assert_eq!(count(&gateway, "DescribeEndpointGroup"), RETRIED);
    gateway.stop().await;
}

#[tokio::test]
async fn a_cbor_client_retries_a_throttle() {
    let (upstream, gateway) = throttled_once("cloudwatch", "PutMetricData").await;
    upstream.script(&[("smithy-protocol", "rpc-v2-cbor")], "");
    let cloudwatch = client!(aws_sdk_cloudwatch, gateway, 2);
    cloudwatch.put_metric_data().namespace("Shop").send().await.unwrap();
    assert_eq!(count(&gateway, "PutMetricData"), RETRIED);
    gateway.stop().await;
}

#[tokio::test]
async fn clients_read_the_code_of_an_error_in_each_protocol() {
    let (_upstream, gateway) = start().await;
    let answer =
        ErrorAnswer { status: 400, code: "SomethingElse".to_owned(), message: Some("a < b".to_owned()) };
    gateway.switchboard().add_rule(Rule::new(Match::any(), Effect::Error(answer))).unwrap();
    let sns = client!(aws_sdk_sns, gateway, 2).publish().message("{}").send().await.unwrap_err();
    assert_eq!((sns.code(), sns.message()), (Some("SomethingElse"), Some("a < b")));
    let accelerator = client!(aws_sdk_globalaccelerator, gateway, 2);
    let accelerator =
        accelerator.describe_endpoint_group().endpoint_group_arn("arn:group").send().await.unwrap_err();
    assert_eq!((accelerator.code(), accelerator.message()), (Some("SomethingElse"), Some("a < b")));
    let cloudwatch = client!(aws_sdk_cloudwatch, gateway, 2).put_metric_data().namespace("Shop").send().await;
    let cloudwatch = cloudwatch.unwrap_err();
    assert_eq!((cloudwatch.code(), cloudwatch.message()), (Some("SomethingElse"), Some("a < b")));
    let seen = gateway.switchboard().counts(&gateway::CountFilter::default()).total.seen;
    assert_eq!(seen, 3, "none of these is retried");
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_sees_a_lost_answer_as_a_broken_connection_and_tries_again() {
    let (upstream, gateway) = start().await;
    upstream.script(&[("smithy-protocol", "rpc-v2-cbor")], "");
    gateway.switchboard().add_rule(Rule::new(Match::any(), Effect::LoseAnswer).times(1)).unwrap();
    let cloudwatch = client!(aws_sdk_cloudwatch, gateway, 2);
    cloudwatch.put_metric_data().namespace("Shop").send().await.unwrap();
    assert_eq!(upstream.seen().len(), 2, "the effect happened twice");
    gateway.switchboard().lose_region(WEST, Blackout::Refuse).unwrap();
    let cloudwatch = client!(aws_sdk_cloudwatch, gateway, 1);
    let error = cloudwatch.put_metric_data().namespace("Shop").send().await.unwrap_err();
    assert!(error.as_service_error().is_none(), "{}", DisplayErrorContext(&error));
    gateway.stop().await;
}
