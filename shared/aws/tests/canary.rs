//! A value goes through the whole SDK, well and badly, and shows in no answer and in no log at any level that a log can be
//! opened with. In a process of its own: which events are logged at all is decided for all threads together.

#![allow(clippy::unwrap_used, reason = "a test: panics fail it")]

use std::sync::{Arc, Mutex};

use aws::config::Sdk;
use aws::parameter_store::SsmParameters;
use aws_config::{BehaviorVersion, Region};
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_types::body::SdkBody;
use ports::{ParameterStores, Secret};
use protocol::parameters::diff::Put;
use protocol::parameters::entry::{Kind, Tier};
use runtime::clock::SystemClock;
use serde_json::json;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

const CANARY: &str = "tweet-tweet-4711";

fn http() -> StaticReplayClient {
    let value = json!({ "Name": "/shop/a", "Type": "SecureString", "Value": CANARY, "Version": 7 });
    let refusal = |code: &str, words: &str| json!({ "__type": code, "message": words }).to_string();
    let answers = [
        (200, json!({ "Parameters": [value] }).to_string()),
        // An answer that breaks off amid the value.
        (200, format!("{{\"Parameters\":[{{\"Value\":\"{CANARY}")),
        (200, json!({ "Version": 8 }).to_string()),
        (400, refusal("ValidationException", &format!("Value '{CANARY}' at 'value' failed"))),
        (400, refusal("SomethingNew", CANARY)),
        (503, json!({ "message": CANARY }).to_string()),
    ];
    let events = answers.into_iter().map(|(status, body)| {
        let request = http::Request::builder().uri("https://unused.invalid").body(SdkBody::empty()).unwrap();
        ReplayEvent::new(request, http::Response::builder().status(status).body(SdkBody::from(body)).unwrap())
    });
    StaticReplayClient::new(events.collect())
}

/// Reads and writes the value; what was logged and what was answered.
async fn sing(level: LevelFilter) -> (String, Vec<String>) {
    let log: &'static Mutex<Vec<u8>> = Box::leak(Box::default());
    let subscriber =
        tracing_subscriber::fmt().with_max_level(level).with_writer(move || log.make_writer()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let http = http();
    let credentials = aws_sdk_ssm::config::Credentials::new("AKIATEST", "not-a-secret", None, None, "test");
    let base = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-west-1"))
        .credentials_provider(credentials)
        .http_client(http.clone())
        .load()
        .await;
    let stores = SsmParameters::new(&Sdk::from_config(base, Arc::new(SystemClock)), "us-west-1");
    let put = Put {
        name: "/shop/a".to_owned(),
        kind: Kind::SecureString,
        data_type: "text".to_owned(),
        tier: Tier::Standard,
        key: None,
        description: String::new(),
        allowed_pattern: String::new(),
        policies: Vec::new(),
        created_with: None,
        clears_policies: false,
    };
    let secret = Secret::new(CANARY.to_owned());
    let mut answers = Vec::new();
    for _ in 0..2 {
        answers.push(format!("{:?}", stores.values("us-west-1", &["/shop/a"]).await));
    }
    for _ in 0..4 {
        answers.push(format!("{:?}", stores.put("us-east-2", &put, &secret).await));
    }
    drop(guard);
    let went_through = |body: &[u8]| String::from_utf8_lossy(body).contains(CANARY);
    assert!(http.actual_requests().any(|request| went_through(request.body().bytes().unwrap_or_default())));
    let logged = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    (logged, answers)
}

/// `open_log` opens no log at TRACE, whatever the environment says, and a release build has no TRACE compiled in. What the
/// answers say holds there too.
#[tokio::test(start_paused = true)]
async fn a_value_that_goes_through_the_sdk_shows_nowhere() {
    for level in
        [LevelFilter::ERROR, LevelFilter::WARN, LevelFilter::INFO, LevelFilter::DEBUG, LevelFilter::TRACE]
    {
        let (logged, answers) = sing(level).await;
        assert!(level == LevelFilter::TRACE || !logged.contains(CANARY), "{level}: {logged}");
        assert!(level < LevelFilter::DEBUG || logged.contains("DEBUG"), "the log takes {level}: {logged}");
        for answer in &answers {
            assert!(!answer.contains(CANARY), "{level}: {answer}");
        }
        assert!(answers[0].contains("a secret") && answers[1].contains("Err"), "{answers:?}");
        assert!(answers[2].contains("Ok(8)") && answers[3..].iter().all(|answer| answer.contains("Err")));
    }
}
