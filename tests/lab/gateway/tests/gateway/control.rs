//! Does the control API do what the README says, and refuse what makes no sense?

use crate::world::{Answer, EAST, WEST, address, call, endpoint, query, start, unsigned};
use gateway::Handle;
use serde_json::json;

async fn control(gateway: &Handle, method: &str, path: &str, body: &str) -> Answer {
    call(address(&gateway.addresses().control_url), unsigned(method, path, body)).await.unwrap()
}

#[tokio::test]
async fn regions_are_lost_and_returned() {
    let (_upstream, gateway) = start().await;
    let answer = control(&gateway, "PUT", "/_gateway/regions/us-east-2", r#"{"mode":"error503"}"#).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"region": EAST, "mode": "error503"})));
    assert_eq!(call(endpoint(&gateway), query("rds", EAST, "ModifyDBInstance")).await.unwrap().status, 503);
    let state = control(&gateway, "GET", "/_gateway/state", "").await.json();
    assert_eq!(state["regions"], json!({"us-east-2": "error503"}));
    let answer = control(&gateway, "DELETE", "/_gateway/regions/us-east-2", "").await;
    assert_eq!(answer.json(), json!({"region": EAST, "was_lost": true}));
    assert_eq!(call(endpoint(&gateway), query("rds", EAST, "ModifyDBInstance")).await.unwrap().status, 200);
    control(&gateway, "PUT", "/_gateway/regions/us-west-1", r#"{"mode":"hang"}"#).await;
    assert_eq!(control(&gateway, "DELETE", "/_gateway/regions", "").await.json(), json!({"returned": 1}));
    gateway.stop().await;
}

#[tokio::test]
async fn rules_are_added_shown_and_removed() {
    let (_upstream, gateway) = start().await;
    let rule = r#"{"match":{"service":"elbv2","action":"Describe*"},"effect":"throttle","times":2}"#;
    let answer = control(&gateway, "POST", "/_gateway/rules", rule).await;
    assert_eq!((answer.status, answer.json()), (201, json!({"id": 1})));
    let throttled =
        call(endpoint(&gateway), query("elasticloadbalancing", WEST, "DescribeTargetHealth")).await.unwrap();
    assert_eq!(throttled.status, 400);
    let state = control(&gateway, "GET", "/_gateway/state", "").await.json();
    assert_eq!(
        state["rules"],
        json!([{"id": 1, "match": {"service": "elasticloadbalancing", "action": "Describe*"}, "effect": "throttle",
                "times": 2, "probability": 1.0, "fired": 1}])
    );
    assert_eq!(control(&gateway, "DELETE", "/_gateway/rules/1", "").await.json(), json!({"removed": 1}));
    assert_eq!(control(&gateway, "DELETE", "/_gateway/rules/1", "").await.status, 404);
    for rule in [
        r#"{"match":{},"effect":{"delay_ms":5},"probability":0.5,"seed":3}"#,
        r#"{"match":{},"effect":{"error":{"status":500,"code":"InternalFailure"}},"times":"unlimited"}"#,
    ] {
        assert_eq!(control(&gateway, "POST", "/_gateway/rules", rule).await.status, 201);
    }
    assert_eq!(control(&gateway, "DELETE", "/_gateway/rules", "").await.json(), json!({"removed": 2}));
    gateway.stop().await;
}

#[tokio::test]
async fn counts_are_read_with_filters_and_cleared() {
    let (_upstream, gateway) = start().await;
    for (service, region, action) in [
        ("rds", WEST, "DescribeDBInstances"),
        ("rds", EAST, "DescribeDBInstances"),
        ("monitoring", WEST, "PutMetricData"),
    ] {
        call(endpoint(&gateway), query(service, region, action)).await.unwrap();
    }
    let counts = control(&gateway, "GET", "/_gateway/counts?service=rds&region=us-west-1", "").await.json();
    assert_eq!(
        counts,
        json!({"rows": [{"service": "rds", "region": WEST, "action": "DescribeDBInstances",
                          "principal": "AKIATEST", "seen": 1, "forwarded": 1, "faulted": 0}],
               "total": {"seen": 1, "forwarded": 1, "faulted": 0}})
    );
    let counts = control(&gateway, "GET", "/_gateway/counts?service=cloudwatch", "").await.json();
    assert_eq!(counts["total"]["seen"], 1);
    assert_eq!(control(&gateway, "DELETE", "/_gateway/counts", "").await.json(), json!({"removed": 3}));
    let counts = control(&gateway, "GET", "/_gateway/counts", "").await.json();
    assert_eq!(counts, json!({"rows": [], "total": {"seen": 0, "forwarded": 0, "faulted": 0}}));
    gateway.stop().await;
}

/// Method, path, body; then the field that is named and a part of the remedy.
const BAD_INPUT: [[&str; 5]; 10] = [
    ["PUT", "/_gateway/regions/us-east-2", "", "body", "\"hang\""],
    ["PUT", "/_gateway/regions/us-east-2", r#"{"mode":"gone"}"#, "mode", "\"hang\""],
    ["PUT", "/_gateway/regions/us-east-2", r#"{"mode":"hang","for":3}"#, "for", "\"hang\""],
    ["PUT", "/_gateway/regions/mars", r#"{"mode":"hang"}"#, "region", "us-east-2"],
    ["DELETE", "/_gateway/regions/mars", "", "region", "us-east-2"],
    [
        "POST",
        "/_gateway/rules",
        r#"{"match":{"servic":"rds"},"effect":"throttle"}"#,
        "match.servic",
        "\"match\"",
    ],
    ["POST", "/_gateway/rules", r#"{"match":{},"effect":"throttle","times":0}"#, "times", "at least 1"],
    ["POST", "/_gateway/rules", "throttle rds", "body", "\"match\""],
    ["DELETE", "/_gateway/rules/first", "", "id", "POST /_gateway/rules"],
    ["GET", "/_gateway/counts?servce=rds", "", "servce", "service, region, action or principal"],
];

#[tokio::test]
async fn bad_input_is_answered_with_the_field_and_the_remedy() {
    let (_upstream, gateway) = start().await;
    for [method, path, body, field, remedy] in BAD_INPUT {
        let answer = control(&gateway, method, path, body).await;
        assert_eq!(answer.status, 400, "{method} {path} {body}");
        let said = answer.json();
        assert_eq!(said["field"], field, "{method} {path} {body}: {said}");
        assert!(said["remedy"].as_str().unwrap().contains(remedy), "{method} {path} {body}: {said}");
        assert!(!said["error"].as_str().unwrap().is_empty());
    }
    let huge = "x".repeat(100_000);
    assert_eq!(control(&gateway, "POST", "/_gateway/rules", &huge).await.json()["field"], "body");
    assert_eq!(gateway.switchboard().state().rules, []);
    assert!(gateway.switchboard().state().regions.is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn unknown_paths_and_methods_are_named_as_such() {
    let (_upstream, gateway) = start().await;
    for path in ["/", "/_gateway", "/_gateway/", "/_gateway/rule", "/_gateway/rules/1/x", "/state"] {
        assert_eq!(control(&gateway, "GET", path, "").await.status, 404, "{path}");
    }
    let answer = control(&gateway, "PATCH", "/_gateway/regions/us-east-2", "").await;
    assert_eq!((answer.status, answer.json()["remedy"].as_str()), (405, Some("use PUT, DELETE")));
    gateway.stop().await;
}

#[tokio::test]
async fn the_state_says_where_everything_listens() {
    let (upstream, gateway) = start().await;
    let state = control(&gateway, "GET", "/_gateway/state", "").await.json();
    assert_eq!(state["addresses"]["endpoint_url"], gateway.addresses().endpoint_url);
    assert_eq!(state["addresses"]["upstream_url"], format!("http://{}", upstream.address));
    assert_eq!(state["addresses"]["site_urls"].as_object().unwrap().len(), 2);
    for url in [&gateway.addresses().endpoint_url, &gateway.addresses().control_url] {
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    }
    assert_eq!((state["seed"].as_u64(), state["held"].as_u64()), (Some(7), Some(0)));
    gateway.stop().await;
}
