//! Does an endpoint answer? HTTP and TCP probes, asked from the recovery region.
//!
//! A probe says `Bad` only after a second try a second later: a single lost packet is no sign. A name that does not
//! resolve and a fault of the prober's own network are `Unknown`: missing data is neither health nor death.
//!
//! HTTP goes through the SDK's own connector, so that there is one TLS stack in the binary. Redirects aren't
//! followed, the body isn't read, and every ask opens a new connection.

use std::collections::HashMap;
use std::error::Error;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http::Uri;
use ports::{Clock, Probes};
use protocol::observation::ProbeAnswer;
use protocol::plan::Probe;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::failure::{causes, one_line};

/// Wait before the second try.
const SECOND_TRY_AFTER: Duration = Duration::from_secs(1);
/// The bounds of a probe's timeout; the plan has them too.
const TIMEOUT_SECONDS: std::ops::RangeInclusive<u32> = 1..=10;
/// Most addresses of a name that are kept.
const ADDRESSES_MAX: usize = 16;

/// Where the addresses of a name come from.
#[async_trait]
trait Resolver: Send + Sync {
    /// All addresses of a name, in the resolver's order.
    async fn resolve(&self, name: &str, port: u16) -> std::io::Result<Vec<SocketAddr>>;
}

/// The system's resolver.
struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        Ok(lookup_host((name, port)).await?.take(ADDRESSES_MAX).collect())
    }
}

/// Probes over the network.
pub struct NetworkProbes {
    connector: Connector,
    resolver: Arc<dyn Resolver>,
    names: Names,
    clock: Arc<dyn Clock>,
}

impl NetworkProbes {
    /// Probes with the system's certificates and resolver.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with(Arc::new(SystemResolver), clock)
    }

    fn with(resolver: Arc<dyn Resolver>, clock: Arc<dyn Clock>) -> Self {
        let names = Names::default();
        let connector = Connector::builder()
            // A connection from an earlier ask would prove nothing new.
            .pool_max_idle_per_host(0)
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_with_resolver(names.clone());
        Self { connector, resolver, names, clock }
    }

    /// One try. `turn` says which of a name's addresses comes first, so that the second try begins with another: a
    /// load balancer has one in each zone, and a lost zone is no lost region.
    async fn once(&self, probe: &Probe, turn: usize) -> ProbeAnswer {
        let seconds = probe.timeout_seconds().clamp(*TIMEOUT_SECONDS.start(), *TIMEOUT_SECONDS.end());
        let limit = Duration::from_secs(u64::from(seconds));
        let asked = async {
            match probe {
                Probe::Http { url, expect_status, .. } => self.http(url, *expect_status, limit, turn).await,
                Probe::Tcp { host, port, .. } => self.tcp(host, *port, limit, turn).await,
            }
        };
        match asked.await {
            Ok(()) => ProbeAnswer::Good,
            Err(Trouble::Theirs(detail)) => ProbeAnswer::Bad { detail: one_line(&detail) },
            Err(Trouble::Ours(detail)) => ProbeAnswer::Unknown { detail: one_line(&detail) },
        }
    }

    async fn http(&self, url: &str, expect: u16, limit: Duration, turn: usize) -> Result<(), Trouble> {
        let uri: Uri = url.parse().map_err(|_| Trouble::Ours(format!("{url} is not a URL")))?;
        let host = uri.host().ok_or_else(|| Trouble::Ours(format!("{url} names no host")))?.to_owned();
        let port = match (uri.port_u16(), uri.scheme_str()) {
            (Some(port), _) => port,
            (None, Some("http")) => 80,
            (None, Some("https")) => 443,
            _ => return Err(Trouble::Ours(format!("{url} is neither http nor https"))),
        };
        self.names.keep(&host, &self.addresses(&host, port, limit, turn).await?);
        let request = http::Request::get(uri)
            .header("user-agent", "pilotlight-probe")
            .header("accept", "*/*")
            .body(SdkBody::empty())
            .map_err(|error| Trouble::Ours(error.to_string()))?;
        let request = HttpRequest::try_from(request).map_err(|error| Trouble::Ours(error.to_string()))?;
        let response = match timeout(limit, self.connector.call(request)).await {
            Err(_) => return Err(no_answer(limit)),
            Ok(Err(error)) => return Err(trouble(&error, error.is_user())),
            Ok(Ok(response)) => response,
        };
        let status = response.status().as_u16();
        if status == expect {
            return Ok(());
        }
        Err(Trouble::Theirs(format!("HTTP status {status} instead of {expect}")))
    }

    async fn tcp(&self, host: &str, port: u16, limit: Duration, turn: usize) -> Result<(), Trouble> {
        let addresses = self.addresses(host, port, limit, turn).await?;
        match timeout(limit, TcpStream::connect(addresses.as_slice())).await {
            Err(_) => Err(no_answer(limit)),
            Ok(Err(error)) => Err(trouble(&error, false)),
            Ok(Ok(_)) => Ok(()),
        }
    }

    /// The addresses of a host, the one whose turn it is first.
    async fn addresses(
        &self,
        host: &str,
        port: u16,
        limit: Duration,
        turn: usize,
    ) -> Result<Vec<SocketAddr>, Trouble> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let found = match timeout(limit, self.resolver.resolve(bare, port)).await {
            Err(_) => Err("no answer from the resolver".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(found)) => Ok(found),
        };
        match found {
            Ok(mut found) if !found.is_empty() => {
                let first = turn % found.len();
                found.rotate_left(first);
                Ok(found)
            }
            Ok(_) => Err(Trouble::Ours(format!("{bare} does not resolve: it has no address"))),
            Err(detail) => Err(Trouble::Ours(format!("{bare} does not resolve: {detail}"))),
        }
    }
}

#[async_trait]
impl Probes for NetworkProbes {
    async fn ask(&self, probe: &Probe) -> ProbeAnswer {
        match self.once(probe, 0).await {
            ProbeAnswer::Bad { .. } => {
                self.clock.sleep(SECOND_TRY_AFTER).await;
                self.once(probe, 1).await
            }
            answer => answer,
        }
    }
}

/// Why there was no good answer.
enum Trouble {
    /// The endpoint's fault.
    Theirs(String),
    /// The prober's own, or nobody's that could be named.
    Ours(String),
}

fn no_answer(limit: Duration) -> Trouble {
    Trouble::Theirs(format!("no answer within {} s", limit.as_secs()))
}

/// Sorts an error by its innermost cause.
fn trouble(error: &(dyn Error + 'static), could_not_ask: bool) -> Trouble {
    let mut next = Some(error);
    let mut ours = could_not_ask;
    while let Some(cause) = next {
        let io = cause.downcast_ref::<std::io::Error>();
        ours |= cause.is::<ResolveDnsError>() || io.is_some_and(is_own_network);
        next = cause.source();
    }
    if ours { Trouble::Ours(causes(error)) } else { Trouble::Theirs(causes(error)) }
}

/// Errors of the prober's own side: no route, no address, no file descriptor, a local ban.
fn is_own_network(error: &std::io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(
        error.kind(),
        ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable
            | ErrorKind::PermissionDenied
    ) || matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

/// The addresses that were looked up, for the connector. Looking up is a step of its own, with its own bound, so that
/// a slow resolver is not taken for a silent endpoint.
#[derive(Clone, Debug, Default)]
struct Names(Arc<Mutex<HashMap<String, Vec<IpAddr>>>>);

impl Names {
    fn keep(&self, host: &str, addresses: &[SocketAddr]) {
        let addresses = addresses.iter().map(SocketAddr::ip).collect();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned(), addresses);
    }
}

impl ResolveDns for Names {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        DnsFuture::ready(kept.ok_or_else(|| ResolveDnsError::new(format!("{name} was not looked up"))))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use protocol::name::Name;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::replay::StillClock;

    fn probes() -> (NetworkProbes, Arc<StillClock>) {
        let clock = StillClock::at("2026-11-20T03:00:00Z");
        let shared: Arc<dyn Clock> = clock.clone();
        (NetworkProbes::new(shared), clock)
    }

    /// Long enough for any machine: only silence takes so long.
    const PATIENCE_SECONDS: u32 = 120;

    fn http_probe(url: String) -> Probe {
        impatient(url, PATIENCE_SECONDS)
    }

    fn impatient(url: String, timeout_seconds: u32) -> Probe {
        Probe::Http { name: Name::new("front"), url, expect_status: 200, timeout_seconds }
    }

    fn tcp_probe(host: &str, port: u16) -> Probe {
        Probe::Tcp { name: Name::new("db"), host: host.to_owned(), port, timeout_seconds: PATIENCE_SECONDS }
    }

    /// Gives these answers, one to each connection, the last one for ever; an empty one is silence.
    async fn server(answers: &'static [&'static str]) -> (u16, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut silent = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let turn = counter.fetch_add(1, Ordering::SeqCst);
                let answer = answers[turn.min(answers.len() - 1)];
                if answer.is_empty() {
                    silent.push(stream);
                    continue;
                }
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        (port, asked)
    }

    /// A port nobody listens at.
    async fn closed_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
    }

    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    const MOVED: &str = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    const ENDLESS: &str = "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\nonly this";

    #[tokio::test]
    async fn the_expected_status_is_good_and_the_body_is_not_waited_for() {
        for answer in [&[OK], &[ENDLESS]] {
            let (port, asked) = server(answer).await;
            let (probes, _) = probes();
            assert_eq!(
                probes.ask(&http_probe(format!("http://127.0.0.1:{port}/health"))).await,
                ProbeAnswer::Good
            );
            assert_eq!(asked.load(Ordering::SeqCst), 1);
        }
    }

    #[tokio::test]
    async fn a_name_is_resolved_and_asked() {
        let (port, _) = server(&[OK]).await;
        let (probes, _) = probes();
        assert_eq!(probes.ask(&http_probe(format!("http://localhost:{port}/"))).await, ProbeAnswer::Good);
        assert_eq!(probes.ask(&tcp_probe("localhost", port)).await, ProbeAnswer::Good);
    }

    #[tokio::test]
    async fn another_status_is_bad_after_a_second_try_a_second_later() {
        let (port, asked) = server(&[BUSY]).await;
        let (probes, clock) = probes();
        let answer = probes.ask(&http_probe(format!("http://127.0.0.1:{port}/health"))).await;
        assert_eq!(answer, ProbeAnswer::Bad { detail: "HTTP status 503 instead of 200".to_owned() });
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        assert_eq!(clock.waits(), [SECOND_TRY_AFTER]);
    }

    #[tokio::test]
    async fn a_single_bad_answer_is_no_sign() {
        let (port, _) = server(&[BUSY, OK]).await;
        let (probes, _) = probes();
        assert_eq!(probes.ask(&http_probe(format!("http://127.0.0.1:{port}/"))).await, ProbeAnswer::Good);
    }

    /// Knows a name by these addresses.
    struct KnownAddresses(Vec<IpAddr>);

    #[async_trait]
    impl Resolver for KnownAddresses {
        async fn resolve(&self, _name: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
            Ok(self.0.iter().map(|address| SocketAddr::new(*address, port)).collect())
        }
    }

    /// Gives one answer to every connection at an address, as long as the test lives.
    async fn server_at(address: SocketAddr, answer: &'static str) -> u16 {
        let listener = TcpListener::bind(address).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        port
    }

    /// Two addresses of one name on this machine, in this order.
    fn two_zones() -> [IpAddr; 2] {
        ["127.0.0.1", "127.0.0.2"].map(|address| address.parse().unwrap())
    }

    /// One name with an address in a zone that is lost and one in a zone that lives: a lost zone is no lost region.
    #[tokio::test]
    async fn the_second_try_begins_with_another_address_of_the_name() {
        let [lost, alive] = two_zones();
        for (addresses, expected) in [
            (vec![lost, alive], ProbeAnswer::Good),
            (vec![alive, lost], ProbeAnswer::Good),
            (vec![lost], ProbeAnswer::Bad { detail: "HTTP status 503 instead of 200".to_owned() }),
        ] {
            let port = server_at(SocketAddr::new(lost, 0), BUSY).await;
            server_at(SocketAddr::new(alive, port), OK).await;
            let clock: Arc<dyn Clock> = StillClock::at("2026-11-20T03:00:00Z");
            let probes = NetworkProbes::with(Arc::new(KnownAddresses(addresses.clone())), clock);
            let url = format!("http://shop.example:{port}/health");
            assert_eq!(probes.ask(&http_probe(url)).await, expected, "{addresses:?}");
        }
    }

    #[tokio::test]
    async fn each_try_begins_with_the_address_whose_turn_it_is() {
        let clock: Arc<dyn Clock> = StillClock::at("2026-11-20T03:00:00Z");
        let [a, b] = two_zones();
        let probes = NetworkProbes::with(Arc::new(KnownAddresses(vec![a, b])), clock);
        let limit = Duration::from_secs(1);
        for (turn, first) in [(0, a), (1, b), (2, a)] {
            let Ok(found) = probes.addresses("shop.example", 443, limit, turn).await else {
                panic!("resolved")
            };
            assert_eq!((found[0].ip(), found.len()), (first, 2), "turn {turn}");
        }
    }

    #[tokio::test]
    async fn every_ask_opens_its_own_connection() {
        let (port, asked) = server(&[OK]).await;
        let (probes, _) = probes();
        for _ in 0..3 {
            probes.ask(&http_probe(format!("http://127.0.0.1:{port}/"))).await;
        }
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let (port, _) = server(&[MOVED]).await;
        let (probes, _) = probes();
        let answer = probes.ask(&http_probe(format!("http://127.0.0.1:{port}/"))).await;
        assert_eq!(answer, ProbeAnswer::Bad { detail: "HTTP status 302 instead of 200".to_owned() });
    }

    #[tokio::test]
    async fn silence_is_bad_after_the_timeout() {
        let (port, _) = server(&[""]).await;
        let (probes, _) = probes();
        let answer = probes.ask(&impatient(format!("http://127.0.0.1:{port}/"), 1)).await;
        assert_eq!(answer, ProbeAnswer::Bad { detail: "no answer within 1 s".to_owned() });
    }

    #[tokio::test]
    async fn a_refused_connection_is_bad() {
        let port = closed_port().await;
        let (probes, _) = probes();
        for probe in [tcp_probe("127.0.0.1", port), http_probe(format!("http://127.0.0.1:{port}/"))] {
            let answer = probes.ask(&probe).await;
            assert!(
                matches!(&answer, ProbeAnswer::Bad { detail } if detail.contains("refused")),
                "{answer:?}"
            );
        }
    }

    #[tokio::test]
    async fn an_open_port_is_good() {
        let (port, _) = server(&[""]).await;
        let (probes, _) = probes();
        assert_eq!(probes.ask(&tcp_probe("127.0.0.1", port)).await, ProbeAnswer::Good);
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_not_known_and_asked_once() {
        let (probes, clock) = probes();
        for probe in [
            tcp_probe("no-such-name.invalid", 5432),
            http_probe("http://no-such-name.invalid/health".to_owned()),
        ] {
            let answer = probes.ask(&probe).await;
            assert!(
                matches!(&answer, ProbeAnswer::Unknown { detail } if detail.contains("does not resolve")),
                "{answer:?}"
            );
        }
        assert!(clock.waits().is_empty());
    }

    #[tokio::test]
    async fn an_answer_that_is_not_http_is_bad() {
        let (port, _) = server(&["220 mail ready\r\n\r\n"]).await;
        let (probes, _) = probes();
        let answer = probes.ask(&http_probe(format!("http://127.0.0.1:{port}/"))).await;
        assert!(matches!(answer, ProbeAnswer::Bad { .. }), "{answer:?}");
    }

    #[tokio::test]
    async fn plain_text_where_tls_is_spoken_is_bad() {
        let (port, _) = server(&[OK]).await;
        let (probes, _) = probes();
        let answer = probes.ask(&http_probe(format!("https://127.0.0.1:{port}/"))).await;
        assert!(matches!(answer, ProbeAnswer::Bad { .. }), "{answer:?}");
    }

    #[tokio::test]
    async fn what_is_no_url_is_not_known() {
        let (probes, _) = probes();
        for url in ["ftp://127.0.0.1/", "no url", "/health"] {
            let answer = probes.ask(&http_probe(url.to_owned())).await;
            assert!(matches!(answer, ProbeAnswer::Unknown { .. }), "{url}: {answer:?}");
        }
    }

    #[test]
    fn faults_of_ones_own_network_are_told_from_the_endpoints() {
        for (kind, ours) in [
            (ErrorKind::NetworkUnreachable, true),
            (ErrorKind::AddrNotAvailable, true),
            (ErrorKind::PermissionDenied, true),
            (ErrorKind::ConnectionRefused, false),
            (ErrorKind::ConnectionReset, false),
            (ErrorKind::HostUnreachable, false),
            (ErrorKind::UnexpectedEof, false),
        ] {
            let seen = trouble(&std::io::Error::from(kind), false);
            assert_eq!(matches!(seen, Trouble::Ours(_)), ours, "{kind}");
        }
        assert!(is_own_network(&std::io::Error::from_raw_os_error(24)));
    }
}
