//! The gateway as a program: starts one, says in one line of JSON where everything listens, and runs until it is told to
//! end.

use clap::Parser;
use gateway::{Config, Gateway};
use std::io::Write;
use std::net::SocketAddr;
use tokio::signal::unix::{SignalKind, signal};

/// A reverse proxy in front of the emulator of the local world. Listens on 127.0.0.1 only.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The emulator, for example 127.0.0.1:4566.
    #[arg(long, value_parser = upstream)]
    upstream: SocketAddr,
    /// The one endpoint, for `AWS_ENDPOINT_URL`; 0 takes any free port.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The control API; 0 takes any free port.
    #[arg(long, default_value_t = 0)]
    control_port: u16,
    /// A region's load balancer, for example us-east-2=18081; may be given often, or as a list with commas.
    #[arg(long = "site", value_name = "REGION=PORT", value_delimiter = ',', value_parser = site)]
    sites: Vec<(String, u16)>,
    /// The accelerator; without it there is none.
    #[arg(long)]
    accelerator_port: Option<u16>,
    /// The region that users are near to; the accelerator fails open to it. Without it it answers 503.
    #[arg(long, value_name = "REGION")]
    users_near: Option<String>,
    /// Sites and accelerator carry connections to the launcher's applications.
    #[arg(long)]
    applications: bool,
    /// Where the draws of rules with a probability begin.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn upstream(text: &str) -> Result<SocketAddr, String> {
    let address = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
    address
        .parse()
        .map_err(|error| format!("{error}; give an address and a port, for example 127.0.0.1:4566"))
}

fn site(text: &str) -> Result<(String, u16), String> {
    let remedy = "give REGION=PORT, for example us-east-2=18081";
    let (region, port) = text.split_once('=').ok_or(remedy)?;
    Ok((region.to_owned(), port.parse().map_err(|error| format!("{error}; {remedy}"))?))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut config = Config::new(arguments.upstream);
    config.port = arguments.port;
    config.control_port = arguments.control_port;
    config.site_ports = arguments.sites.into_iter().collect();
    config.accelerator_port = arguments.accelerator_port;
    config.users_near = arguments.users_near;
    config.applications = arguments.applications;
    config.seed = arguments.seed;
    // Before the line below: whoever has read it may end this program.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let gateway = Gateway::start(config).await?;
    let addresses = serde_json::to_string(gateway.addresses())?;
    writeln!(std::io::stdout().lock(), "{addresses}")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    gateway.stop().await;
    Ok(())
}
