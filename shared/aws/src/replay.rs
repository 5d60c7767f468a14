//! How do the tests stand in for AWS? Recorded answers, given in order, and the requests as they were sent.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_types::body::SdkBody;
use jiff::Timestamp;
use ports::Clock;
use protocol::name::Name;
use protocol::plan::{AuroraCluster, Database, DatabaseKind, RdsInstance};
use protocol::side::Sides;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// An HTTP client that gives these answers, one after the other.
pub(crate) fn replay(answers: &[(u16, &str)]) -> StaticReplayClient {
    let events = answers.iter().map(|(status, body)| {
        let request = http::Request::builder().uri("https://unused.invalid").body(SdkBody::empty()).unwrap();
        let response = http::Response::builder().status(*status).body(SdkBody::from(*body)).unwrap();
        ReplayEvent::new(request, response)
    });
    StaticReplayClient::new(events.collect())
}

/// The bodies of the requests as they were sent, form encoding undone.
pub(crate) fn sent(client: &StaticReplayClient) -> Vec<String> {
    client
        .actual_requests()
        .map(|request| {
            let body = String::from_utf8(request.body().bytes().unwrap_or_default().to_vec()).unwrap();
            if body.starts_with('{') { body } else { undo_form_encoding(&body) }
        })
        .collect()
}

fn undo_form_encoding(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            b'+' => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Answers every request with 400 and keeps its head.
pub(crate) async fn refuse_all(listener: TcpListener, heads: Arc<Mutex<Vec<String>>>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 16_384];
        let length = stream.read(&mut buffer).await.unwrap_or(0);
        heads.lock().await.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        let _ = stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            .await;
    }
}

/// A clock at which waiting costs nothing; the time stands still but for the waits.
#[derive(Debug)]
pub(crate) struct StillClock(std::sync::Mutex<(Timestamp, Vec<Duration>)>);

impl StillClock {
    pub(crate) fn at(time: &str) -> Arc<Self> {
        Arc::new(Self(std::sync::Mutex::new((time.parse().unwrap(), Vec::new()))))
    }

    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.0.lock().unwrap().1.clone()
    }
}

#[async_trait]
impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().0
    }

    async fn sleep(&self, duration: Duration) {
        let mut inner = self.0.lock().unwrap();
        inner.0 += duration;
        inner.1.push(duration);
    }
}

/// A database of the plan `shop`.
pub(crate) fn database(name: &str) -> Database {
    let instance = |arn: String| RdsInstance {
        arn,
        backup_retention_days: 7,
        quarantine_security_group: Some("sg-0abc".to_owned()),
        connection: None,
    };
    let sides = Sides {
        primary: instance(format!("arn:aws:rds:us-east-2:123456789012:db:shop-{name}")),
        recovery: instance(format!("arn:aws:rds:us-west-1:123456789012:db:shop-{name}-replica")),
    };
    Database { name: Name::new(name), kind: DatabaseKind::RdsReplica { sides }, after: Vec::new() }
}

/// The same database as an Aurora global database.
pub(crate) fn aurora(name: &str) -> Database {
    let of = database(name);
    let sides = of.arns().map(|arn| AuroraCluster {
        arn: arn.replace(":db:", ":cluster:"),
        quarantine_security_group: Some("sg-0abc".to_owned()),
    });
    Database { kind: DatabaseKind::AuroraGlobal { global_cluster: format!("shop-{name}"), sides }, ..of }
}
