//! A session of the primary's role goes through the whole SDK and shows in no log and no answer. In a process of its own:
//! which events are logged at all is decided for all threads together.

#![allow(clippy::unwrap_used, reason = "a test: panics fail it")]

use std::sync::{Arc, Mutex};

use aws::assumed_role::PrimaryRole;
use aws::config::Sdk;
use aws::parameter_store::SsmParameters;
use aws_config::{BehaviorVersion, Region};
use ports::ParameterStores;
use runtime::clock::SystemClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

const SECRET: &str = "tweet-secret-4711";
const TOKEN: &str = "tweet-token-4712";

/// Stands in for STS, well and badly, and for Parameter Store; keeps what was asked.
async fn serve(listener: TcpListener, asked: Arc<Mutex<Vec<String>>>, session: String) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 16_384];
        let length = stream.read(&mut buffer).await.unwrap_or(0);
        let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let body =
            if request.contains("/sts/aws4_request") { session.as_str() } else { "{\"Parameters\":[]}" };
        asked.lock().unwrap().push(request);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
    }
}

/// Reads parameters of the primary region with a session; what was logged, answered and asked.
async fn read(level: LevelFilter, session: &str) -> (String, String, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let server = tokio::spawn(serve(listener, Arc::clone(&asked), session.to_owned()));
    let log: &'static Mutex<Vec<u8>> = Box::leak(Box::default());
    let subscriber =
        tracing_subscriber::fmt().with_max_level(level).with_writer(move || log.make_writer()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let credentials = aws_sdk_ssm::config::Credentials::new("AKIATEST", "not-a-secret", None, None, "test");
    let base = aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-west-1"))
        .endpoint_url(endpoint)
        .credentials_provider(aws_sdk_ssm::config::SharedCredentialsProvider::new(credentials))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let arn = "arn:aws:iam::210987654321:role/shop-primary-region".to_owned();
    let role = PrimaryRole { arn, external_id: "shop-7f3a".to_owned() };
    let sdk = Sdk::from_config(base, Arc::new(SystemClock)).with_primary_role(&role, "shop-ssm-replicator");
    let answer = SsmParameters::new(&sdk, "us-west-1").values("us-east-2", &["/shop/a"]).await;
    let shown = format!("{answer:?} {sdk:?}");
    drop(guard);
    server.abort();
    let logged = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    let asked = asked.lock().unwrap().clone();
    (logged, shown, asked)
}

#[tokio::test]
async fn a_session_that_goes_through_the_sdk_shows_nowhere() {
    let session = format!(
        "<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser>\
         <Arn>arn:aws:sts::210987654321:assumed-role/shop-primary-region/x</Arn></AssumedRoleUser><Credentials>\
         <AccessKeyId>ASIASESSION</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>\
         <SessionToken>{TOKEN}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
         </AssumeRoleResult></AssumeRoleResponse>"
    );
    let cut = &session[..session.find("</SessionToken>").unwrap()];
    for level in [LevelFilter::ERROR, LevelFilter::WARN, LevelFilter::INFO, LevelFilter::DEBUG] {
        let (logged, shown, asked) = read(level, &session).await;
        assert!(!logged.contains("tweet"), "{level}: {logged}");
        assert!(!shown.contains("tweet") && shown.contains("Ok([])"), "{level}: {shown}");
        assert!(level < LevelFilter::DEBUG || logged.contains("DEBUG"), "the log takes {level}: {logged}");
        assert!(asked.iter().any(|request| request.contains(TOKEN)), "the session was used: {asked:?}");
    }
    let (logged, shown, asked) = read(LevelFilter::DEBUG, cut).await;
    assert!(!logged.contains("tweet") && !shown.contains("tweet"), "{logged} {shown}");
    assert!(
        shown.contains("sts:AssumeRole") && asked.iter().all(|request| !request.contains("/ssm/")),
        "{shown}"
    );
}
