//! How do endpoints answer a probe, and what is made of it?

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
        let Ok(found) = probes.addresses("shop.example", 443, limit, turn).await else { panic!("resolved") };
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
        assert!(matches!(&answer, ProbeAnswer::Bad { detail } if detail.contains("refused")), "{answer:?}");
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
    for probe in
        [tcp_probe("no-such-name.invalid", 5432), http_probe("http://no-such-name.invalid/health".to_owned())]
    {
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
