//! What do the tests stand on? A fake upstream that remembers requests, a gateway in front of it, and a plain client.

use bytes::Bytes;
use gateway::{Config, Count, CountFilter, Gateway, Handle};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Longer than anything here takes; whoever waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
pub(crate) const EAST: &str = "us-east-2";
pub(crate) const WEST: &str = "us-west-1";

/// One request, as the upstream saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What the upstream answers with.
#[derive(Debug, Clone)]
pub(crate) struct Scripted {
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: Bytes,
}

#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    seen: Mutex<Vec<Seen>>,
    script: Mutex<Scripted>,
    lab: Mutex<BTreeMap<String, String>>,
    lab_asked: Mutex<usize>,
    /// An answer is only given once there is a permit for it.
    answers: Semaphore,
}

impl Upstream {
    pub(crate) async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            seen: Mutex::default(),
            script: Mutex::new(Scripted { headers: vec![], body: Bytes::from_static(b"upstream") }),
            lab: Mutex::default(),
            lab_asked: Mutex::default(),
            answers: Semaphore::new(1000),
        });
        let serving = Arc::clone(&upstream);
        tokio::spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let upstream = Arc::clone(&serving);
                open.spawn(async move {
                    let service = service_fn(move |request| Arc::clone(&upstream).answer(request));
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        upstream
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let path = head.uri.to_string();
        if path.starts_with("/_lab/") {
            *self.lab_asked.lock().unwrap() += 1;
            let answer = self.lab.lock().unwrap().get(&path).cloned();
            let mut response = Response::new(Full::from(answer.clone().unwrap_or_default()));
            if answer.is_none() {
                *response.status_mut() = StatusCode::NOT_FOUND;
            }
            return Ok(response);
        }
        let Ok(body) = body.collect().await else {
            return Ok(Response::new(Full::default()));
        };
        self.seen.lock().unwrap().push(Seen { path, headers: head.headers, body: body.to_bytes() });
        self.answers.acquire().await.unwrap().forget();
        let script = self.script.lock().unwrap().clone();
        let mut response = Response::builder();
        for (name, value) in script.headers {
            response = response.header(name, value);
        }
        Ok(response.body(Full::from(script.body)).unwrap())
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn script(&self, headers: &[(&'static str, &'static str)], body: impl Into<Bytes>) {
        *self.script.lock().unwrap() = Scripted { headers: headers.to_vec(), body: body.into() };
    }

    /// No answer is given before [`Self::release`].
    pub(crate) fn hold_answers(&self) {
        self.answers.forget_permits(usize::MAX);
    }

    pub(crate) fn release(&self) {
        self.answers.add_permits(1000);
    }

    pub(crate) fn lab(&self, path: &str, answer: &serde_json::Value) {
        self.lab.lock().unwrap().insert(path.to_owned(), answer.to_string());
    }

    pub(crate) fn lab_asked(&self) -> usize {
        *self.lab_asked.lock().unwrap()
    }
}

/// A gateway with everything, which asks the launcher at every request.
pub(crate) async fn start() -> (Arc<Upstream>, Handle) {
    let upstream = Upstream::start().await;
    let mut config = Config::new(upstream.address).site(EAST, 0).site(WEST, 0).accelerator(0);
    config.limits.launcher_age_max = Duration::ZERO;
    config.seed = 7;
    let gateway = Gateway::start(config).await.unwrap();
    (upstream, gateway)
}

pub(crate) fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

pub(crate) fn endpoint(gateway: &Handle) -> SocketAddr {
    address(&gateway.addresses().endpoint_url)
}

pub(crate) fn count(gateway: &Handle, action: &str) -> Count {
    let filter = CountFilter { action: Some(action.to_owned()), ..CountFilter::default() };
    gateway.switchboard().counts(&filter).total
}

fn authorization(service: &str, region: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIATEST/20261120/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

/// A call in the AWS Query protocol.
pub(crate) fn query(service: &str, region: &str, action: &str) -> Request<Full<Bytes>> {
    Request::post("/")
        .header("host", "gateway.test")
        .header("authorization", authorization(service, region))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::from(format!("Action={action}&Version=2014-10-31")))
        .unwrap()
}

/// A signed call with a body of any kind.
pub(crate) fn signed<B>(method: &str, path: &str, service: &str, region: &str, body: B) -> Request<B> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "gateway.test")
        .header("authorization", authorization(service, region))
        .body(body)
        .unwrap()
}

pub(crate) fn unsigned(method: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    let body = Full::from(body.to_owned());
    Request::builder().method(method).uri(path).header("host", "gateway.test").body(body).unwrap()
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// One kept-alive connection.
pub(crate) struct Client<B>(SendRequest<B>);

impl<B> Client<B>
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    pub(crate) async fn call(&mut self, request: Request<B>) -> Result<Answer, hyper::Error> {
        let exchange = async {
            self.0.ready().await?;
            let (head, body) = self.0.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
        };
        tokio::time::timeout(PATIENCE, exchange).await.expect("an answer, or the end of the connection")
    }
}

/// One request on a connection of its own.
pub(crate) async fn call<B>(to: SocketAddr, request: Request<B>) -> Result<Answer, hyper::Error>
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    Client::connect(to).await.call(request).await
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let mut checks = tokio::time::interval(Duration::from_millis(2));
    let wait = async {
        while !holds() {
            checks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never came true: {what}"));
}
