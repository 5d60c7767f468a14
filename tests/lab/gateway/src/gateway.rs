//! How is a gateway started and ended? Binds every port, wires the parts together, and cuts everything off at the end.

use crate::accelerator::{Accelerator, Turns};
use crate::balancer::Balancer;
use crate::body::Body;
use crate::control;
use crate::counts::Counters;
use crate::launcher::Launcher;
use crate::listener::{self, Stop};
use crate::proxy::Proxy;
use crate::regions::{Closed, Regions};
use crate::rejected::Rejected;
use crate::rules::{Rules, check_region};
use crate::sites::Site;
use crate::switchboard::{Addresses, Switchboard};
use hyper::body::Incoming;
use hyper::{Request, Response};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// How much of everything there may be at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections to the one endpoint; further ones wait to be taken.
    pub connections_max: usize,
    /// Connections to the control port, to each site, and to the accelerator.
    pub small_connections_max: usize,
    /// Connections that each site and the accelerator carry to real applications. Those that nobody uses any more are
    /// among them while their region is silent.
    pub carried_connections_max: usize,
    /// Calls and user requests that hang in lost regions; further ones are closed at once.
    pub held_max: usize,
    /// Calls that are with the upstream; further ones wait for a place.
    pub exchanges_max: usize,
    /// How long the upstream may take for an answer. A function may run for 15 minutes.
    pub answer_wait_max: Duration,
    /// How old the launcher's word on load balancers and accelerators may be before it is asked again.
    pub launcher_age_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 400,
            small_connections_max: 64,
            carried_connections_max: 1024,
            held_max: 256,
            exchanges_max: 256,
            answer_wait_max: Duration::from_secs(930),
            launcher_age_max: Duration::from_millis(200),
        }
    }
}

/// What a gateway is started with. Every port is on 127.0.0.1, and 0 takes any free one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The emulator, which also serves the launcher's `/_lab`.
    pub upstream: SocketAddr,
    /// The one endpoint.
    pub port: u16,
    /// The control API.
    pub control_port: u16,
    /// One site for each region that has a load balancer.
    pub site_ports: BTreeMap<String, u16>,
    /// The accelerator, if there is to be one.
    pub accelerator_port: Option<u16>,
    /// The region that users are near to: where the accelerator sends them when nothing is open. Nothing: it answers 503.
    pub users_near: Option<String>,
    /// Whether sites and accelerator carry connections to the launcher's applications. Otherwise the sites answer themselves.
    pub applications: bool,
    /// Where the draws of rules with a probability begin.
    pub seed: u64,
    /// How much of everything there may be at once.
    pub limits: Limits,
}

impl Config {
    /// Any free ports, no site, no accelerator, seed 0.
    pub fn new(upstream: SocketAddr) -> Self {
        Self {
            upstream,
            port: 0,
            control_port: 0,
            site_ports: BTreeMap::new(),
            accelerator_port: None,
            users_near: None,
            applications: false,
            seed: 0,
            limits: Limits::default(),
        }
    }

    /// The same, with a site for one more region.
    #[must_use]
    pub fn site(mut self, region: &str, port: u16) -> Self {
        self.site_ports.insert(region.to_owned(), port);
        self
    }

    /// The same, with an accelerator.
    #[must_use]
    pub fn accelerator(mut self, port: u16) -> Self {
        self.accelerator_port = Some(port);
        self
    }

    /// The same, with real applications behind the sites.
    #[must_use]
    pub fn applications(mut self) -> Self {
        self.applications = true;
        self
    }

    /// The same, with users that are near to a region.
    #[must_use]
    pub fn users_near(mut self, region: &str) -> Self {
        self.users_near = Some(region.to_owned());
        self
    }
}

/// Why a gateway could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken, or may not be listened on.
    #[error(
        "cannot listen on 127.0.0.1:{port} for {purpose}: {source}; choose another port, or 0 for any free one"
    )]
    Bind {
        /// What the port is for.
        purpose: String,
        /// The port that was asked for.
        port: u16,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A setting makes no sense.
    #[error(transparent)]
    Setting(#[from] Rejected),
}

/// The one endpoint of the local world.
#[derive(Debug)]
pub struct Gateway;

impl Gateway {
    /// Starts a gateway on the current Tokio runtime. It runs until its handle is stopped or dropped.
    pub async fn start(config: Config) -> Result<Handle, StartError> {
        for region in config.site_ports.keys() {
            check_region("site", region)?;
        }
        let ports = Ports::bind(&config).await?;
        let (stop, stopped) = watch::channel(false);
        let switchboard = Arc::new(switchboard(&config, &ports));
        let tasks = run(&config, ports, &switchboard, &Stop(stopped));
        Ok(Handle { switchboard, stop, tasks })
    }
}

/// A running gateway. Dropping it ends the gateway as well, without waiting for it.
#[derive(Debug)]
pub struct Handle {
    switchboard: Arc<Switchboard>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Handle {
    /// Loses regions, sets rules, reads counts.
    pub fn switchboard(&self) -> &Arc<Switchboard> {
        &self.switchboard
    }

    /// Where everything listens.
    pub fn addresses(&self) -> &Addresses {
        &self.switchboard.addresses
    }

    /// Closes every connection and port. Once this returns, the ports are free.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

type Bound = (TcpListener, SocketAddr);

struct Ports {
    endpoint: Bound,
    control: Bound,
    sites: BTreeMap<String, Bound>,
    accelerator: Option<Bound>,
}

impl Ports {
    async fn bind(config: &Config) -> Result<Self, StartError> {
        let mut sites = BTreeMap::new();
        for (region, port) in &config.site_ports {
            sites.insert(region.clone(), bind(*port, format!("the site of {region}")).await?);
        }
        Ok(Self {
            endpoint: bind(config.port, "the endpoint".to_owned()).await?,
            control: bind(config.control_port, "the control API".to_owned()).await?,
            sites,
            accelerator: match config.accelerator_port {
                Some(port) => Some(bind(port, "the accelerator".to_owned()).await?),
                None => None,
            },
        })
    }
}

async fn bind(port: u16, purpose: String) -> Result<Bound, StartError> {
    listener::bind(port).await.map_err(|source| StartError::Bind { purpose, port, source })
}

fn switchboard(config: &Config, ports: &Ports) -> Switchboard {
    let url = |(_, address): &Bound| format!("http://{address}");
    Switchboard {
        regions: Arc::new(Regions::new(config.limits.held_max)),
        rules: Arc::new(Rules::new(config.seed)),
        counters: Arc::new(Counters::default()),
        addresses: Addresses {
            endpoint_url: url(&ports.endpoint),
            control_url: url(&ports.control),
            upstream_url: format!("http://{}", config.upstream),
            site_urls: ports.sites.iter().map(|(region, bound)| (region.clone(), url(bound))).collect(),
            accelerator_url: ports.accelerator.as_ref().map(url),
        },
        seed: config.seed,
        connections: Arc::new(Semaphore::new(config.limits.connections_max)),
        connections_max: config.limits.connections_max,
    }
}

fn run(config: &Config, ports: Ports, switchboard: &Arc<Switchboard>, stop: &Stop) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let limits = &config.limits;
    let launcher = Arc::new(Launcher::new(config.upstream, limits.launcher_age_max));
    let site_addresses =
        ports.sites.iter().map(|(region, (_, address))| (region.clone(), *address)).collect();
    let mut small = |listener: TcpListener, server: Server| {
        let places = Arc::new(Semaphore::new(limits.small_connections_max));
        tasks.spawn(listener::serve(listener, places, stop.clone(), move |request| {
            server.clone().serve(request)
        }));
    };
    small(ports.control.0, Server::Control(Arc::clone(switchboard)));
    let accelerator = ports.accelerator.map(|(listener, _)| {
        let (launcher, users_near) = (Arc::clone(&launcher), config.users_near.clone());
        let front = Accelerator { sites: site_addresses, launcher, turns: Turns::default(), users_near };
        (listener, Arc::new(front))
    });
    if config.applications {
        let users = Users { launcher, sites: ports.sites, accelerator };
        carry(&mut tasks, limits, &switchboard.regions, users, stop);
    } else {
        for (region, (listener, _)) in ports.sites {
            let regions = Arc::clone(&switchboard.regions);
            let site = Site { region, regions, launcher: Arc::clone(&launcher) };
            small(listener, Server::Site(Arc::new(site)));
        }
        if let Some((listener, accelerator)) = accelerator {
            small(listener, Server::Accelerator(accelerator));
        }
    }
    let proxy = Server::Proxy(Arc::new(Proxy {
        upstream: config.upstream,
        answer_wait_max: limits.answer_wait_max,
        regions: Arc::clone(&switchboard.regions),
        rules: Arc::clone(&switchboard.rules),
        counters: Arc::clone(&switchboard.counters),
        exchanges: Arc::new(Semaphore::new(limits.exchanges_max)),
        delayed: Arc::new(Semaphore::new(limits.exchanges_max)),
        requests: AtomicU64::new(0),
        stop: stop.clone(),
    }));
    let places = Arc::clone(&switchboard.connections);
    tasks.spawn(listener::serve(ports.endpoint.0, places, stop.clone(), move |request| {
        proxy.clone().serve(request)
    }));
    tasks
}

/// Where users come, with real applications behind it.
struct Users {
    launcher: Arc<Launcher>,
    sites: BTreeMap<String, Bound>,
    accelerator: Option<(TcpListener, Arc<Accelerator>)>,
}

fn carry(tasks: &mut JoinSet<()>, limits: &Limits, regions: &Arc<Regions>, users: Users, stop: &Stop) {
    let places = || Arc::new(Semaphore::new(limits.carried_connections_max));
    for (region, (listener, _)) in users.sites {
        let balancer = Arc::new(Balancer::new(region, Arc::clone(regions), Arc::clone(&users.launcher)));
        tasks.spawn(listener::take(listener, places(), stop.clone(), move |user| {
            Arc::clone(&balancer).carry(user)
        }));
    }
    if let Some((listener, accelerator)) = users.accelerator {
        tasks.spawn(listener::take(listener, places(), stop.clone(), move |user| {
            Arc::clone(&accelerator).carry(user)
        }));
    }
}

/// What answers on a port.
#[derive(Clone)]
enum Server {
    Proxy(Arc<Proxy>),
    Control(Arc<Switchboard>),
    Site(Arc<Site>),
    Accelerator(Arc<Accelerator>),
}

impl Server {
    async fn serve(self, request: Request<Incoming>) -> Result<Response<Body>, Closed> {
        match self {
            Self::Proxy(proxy) => proxy.serve(request).await,
            Self::Control(switchboard) => control::serve(&switchboard, request).await,
            Self::Site(site) => site.serve(request).await,
            Self::Accelerator(accelerator) => accelerator.serve(request).await,
        }
    }
}
