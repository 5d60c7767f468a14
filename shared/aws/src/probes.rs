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
mod tests;
