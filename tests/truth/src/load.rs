//! Who sends the orders? A crowd of users outside, so many orders a second, and what each of them got by their own clock. Others
//! only look: they are served as soon as a database can be read.
//!
//! An order takes a connection that stands idle, or opens one. So as long as nothing answers every order comes by a connection
//! of its own, and the first that gets through tells to the tenth of a second when users are served again.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use lab::demo::users::now;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use truth::ledger::{Ledger, Order, Outcome};

/// How long a user waits for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// How many connections stand idle.
const IDLE_MAX: usize = 4;

/// How many orders may wait for an answer; a user who finds so many before him goes away without one.
const WAITING_MAX: usize = 200;

/// How often somebody looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What users sent, and what they got.
pub(crate) struct Sent {
    /// Their orders.
    pub(crate) ledger: Ledger,
    /// When those who looked had a good answer.
    pub(crate) served: Vec<Timestamp>,
    /// The number of the next order.
    pub(crate) next: u64,
}

/// Users who send orders, and users who look.
pub(crate) struct Load {
    crowd: Arc<Crowd>,
    coming: JoinSet<()>,
}

struct Crowd {
    to: SocketAddr,
    idle: Mutex<Vec<Connection>>,
    orders: Mutex<Vec<Order>>,
    served: Mutex<Vec<Timestamp>>,
    next: AtomicU64,
    is_quiet: AtomicBool,
    waiting: Arc<Semaphore>,
}

impl Load {
    /// Users come from now on. `first` is the number of their first order.
    pub(crate) fn start(url: &str, per_second: u32, first: u64) -> Result<Self> {
        let to = url.trim_start_matches("http://").parse().context("an accelerator has an address")?;
        let crowd = Arc::new(Crowd {
            to,
            idle: Mutex::default(),
            orders: Mutex::default(),
            served: Mutex::default(),
            next: AtomicU64::new(first),
            is_quiet: AtomicBool::new(false),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
        });
        let mut coming = JoinSet::new();
        coming.spawn(come(Arc::clone(&crowd), Duration::from_secs(1) / per_second.max(1), What::Order));
        coming.spawn(come(Arc::clone(&crowd), LOOK_EVERY, What::Look));
        Ok(Self { crowd, coming })
    }

    /// Nobody orders for a while, or users order again.
    pub(crate) fn be_quiet(&self, is_quiet: bool) {
        self.crowd.is_quiet.store(is_quiet, Ordering::Relaxed);
    }

    /// How many orders a region has acknowledged so far.
    pub(crate) fn acknowledged_by(&self, region: &str) -> usize {
        let orders = self.crowd.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders
            .iter()
            .filter(|order| matches!(&order.outcome, Outcome::Acknowledged { by } if by == region))
            .count()
    }

    /// Nobody comes any more. Waits for the answers that are still to come.
    pub(crate) async fn stop(mut self) -> Result<Sent> {
        self.coming.shutdown().await;
        let waiting = u32::try_from(WAITING_MAX)?;
        timeout(PATIENCE * 5, self.crowd.waiting.acquire_many(waiting))
            .await
            .context("an order waits for longer than users do")??
            .forget();
        let mut ledger = Ledger::default();
        for order in self.crowd.orders.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            ledger.keep(order).map_err(|problem| anyhow!(problem))?;
        }
        let served = std::mem::take(&mut *self.crowd.served.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Sent { ledger, served, next: self.crowd.next.load(Ordering::Relaxed) })
    }
}

/// What a user came for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Order,
    Look,
}

async fn come(crowd: Arc<Crowd>, every: Duration, what: What) {
    let mut beat = interval(every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    // Nobody waits for them here: those that are under way when nobody comes any more still get their answers.
    loop {
        beat.tick().await;
        if what == What::Order && crowd.is_quiet.load(Ordering::Relaxed) {
            continue;
        }
        let Ok(place) = Arc::clone(&crowd.waiting).try_acquire_owned() else { continue };
        let crowd = Arc::clone(&crowd);
        tokio::spawn(async move {
            match what {
                What::Order => crowd.order().await,
                What::Look => crowd.look().await,
            }
            drop(place);
        });
    }
}

impl Crowd {
    /// One order, from its sending to its outcome.
    async fn order(&self) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let sent_at = now();
        let outcome = timeout(PATIENCE, self.send(number)).await.unwrap_or(Outcome::Unknown);
        let order = Order { number, sent_at, ended_at: now(), outcome };
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).push(order);
    }

    /// One look at how many orders there are.
    async fn look(&self) {
        let asked = timeout(PATIENCE, self.ask("GET", "/orders/count", Bytes::new())).await;
        if let Ok(Asked::Answered(200, _)) = asked {
            self.served.lock().unwrap_or_else(PoisonError::into_inner).push(now());
        }
    }

    async fn send(&self, number: u64) -> Outcome {
        match self.ask("POST", "/orders", Bytes::from(json!({ "number": number }).to_string())).await {
            Asked::Answered(status, body) => outcome(status, &body),
            Asked::NotSent => Outcome::Refused,
            Asked::Unanswered => Outcome::Unknown,
        }
    }

    async fn ask(&self, method: &str, path: &str, body: Bytes) -> Asked {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => match Connection::open(self.to).await {
                Ok(connection) => connection,
                Err(_) => return Asked::NotSent,
            },
        };
        let Ok((status, body)) = connection.ask(method, path, body).await else { return Asked::Unanswered };
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX && !connection.sender.is_closed() {
            idle.push(connection);
        }
        Asked::Answered(status, body)
    }
}

/// What came of a request.
enum Asked {
    Answered(u16, Bytes),
    /// No connection came to be.
    NotSent,
    /// The connection broke off.
    Unanswered,
}

/// What an answer says of its order.
fn outcome(status: u16, body: &[u8]) -> Outcome {
    let region = || {
        let body: Value = serde_json::from_slice(body).ok()?;
        Some(body.get("region")?.as_str()?.to_owned())
    };
    match (status, region()) {
        (200 | 201, Some(by)) => Outcome::Acknowledged { by },
        // 504 is the application's word for an order that the database may have taken or not.
        (400..=503, _) => Outcome::Refused,
        _ => Outcome::Unknown,
    }
}

/// A connection that is kept.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Carries it, and ends with it.
    _carrying: JoinSet<()>,
}

impl Connection {
    async fn open(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let mut carrying = JoinSet::new();
        carrying.spawn(async move { drop(connection.await) });
        Ok(Self { sender, _carrying: carrying })
    }

    async fn ask(&mut self, method: &str, path: &str, body: Bytes) -> Result<(u16, Bytes)> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "shop.example")
            .header("content-type", "application/json")
            .body(Full::new(body))?;
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        Ok((head.status.as_u16(), body.collect().await?.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn only_a_success_that_names_its_region_is_an_acknowledgement() {
        let by = Outcome::Acknowledged { by: "us-west-1".to_owned() };
        assert_eq!(outcome(201, br#"{"number":7,"region":"us-west-1"}"#), by);
        assert_eq!(outcome(200, br#"{"number":7,"region":"us-west-1","already":true}"#), by);
        assert_eq!(outcome(201, b"half a"), Outcome::Unknown);
        for status in [400, 404, 502, 503] {
            assert_eq!(outcome(status, b"{}"), Outcome::Refused, "{status}");
        }
        for status in [302, 504] {
            assert_eq!(outcome(status, br#"{"region":"us-west-1"}"#), Outcome::Unknown, "{status}");
        }
    }

    /// A server of which the first connection answers once, as the old side, and then never again; all others are the new side's.
    async fn server_that_falls_silent() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let mut is_first = true;
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(stream, std::mem::replace(&mut is_first, false)));
            }
        });
        url
    }

    async fn answer(mut stream: TcpStream, is_old: bool) {
        let mut asked = vec![0; 4096];
        // A request this small comes in one piece on the loopback.
        while stream.read(&mut asked).await.is_ok_and(|count| count > 0) {
            let body = format!(r#"{{"region":"{}"}}"#, if is_old { "old" } else { "new" });
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            if is_old {
                std::future::pending::<()>().await;
            }
        }
    }

    async fn until(holds: impl Fn() -> bool) {
        let mut beat = interval(Duration::from_millis(5));
        let wait = async {
            while !holds() {
                beat.tick().await;
            }
        };
        timeout(Duration::from_mins(2), wait).await.expect("it comes true");
    }

    #[tokio::test]
    async fn who_waits_on_a_silent_connection_keeps_nobody_else_from_being_served() {
        let load = Load::start(&server_that_falls_silent().await, 50, 7).unwrap();
        until(|| load.acknowledged_by("new") > 10).await;
        let Sent { ledger, served, next } = load.stop().await.unwrap();
        let orders: Vec<_> = ledger.orders().collect();
        assert_eq!((orders[0].number, u64::try_from(orders.len()).unwrap()), (7, next - 7));
        assert!(!served.is_empty());
        let by_old =
            orders.iter().filter(|order| order.outcome == Outcome::Acknowledged { by: "old".to_owned() });
        let unknown = orders.iter().filter(|order| order.outcome == Outcome::Unknown);
        assert!(by_old.count() <= 1 && unknown.count() <= 1, "{orders:?}");
    }

    #[tokio::test]
    async fn nobody_orders_while_it_is_quiet_and_those_who_look_go_on() {
        let load = Load::start(&server_that_falls_silent().await, 50, 1).unwrap();
        load.be_quiet(true);
        let looks = || load.crowd.served.lock().unwrap().len();
        let (sent, looked) = (load.crowd.next.load(Ordering::Relaxed), looks());
        until(|| looks() > looked + 3).await;
        // One may have been on its way when it became quiet.
        assert!(load.crowd.next.load(Ordering::Relaxed) <= sent + 1);
        load.be_quiet(false);
        until(|| load.crowd.next.load(Ordering::Relaxed) > sent + 3).await;
    }
}
