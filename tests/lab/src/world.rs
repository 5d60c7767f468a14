//! The local world: the emulator with its launcher, the gateway in front, the regions, and their loss.

pub mod background;
pub mod ending;
pub mod lock;
pub mod packages;
pub mod process;
pub mod tools;
pub mod up;

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use gateway::{Blackout, Config, Gateway, Handle, Switchboard};
use serde_json::{Value, json};

use crate::checkout;
use crate::cloud::Cloud;
use crate::cloud::http;
use crate::say;
use crate::world::process::{Daemon, clean};
use crate::world::tools::Tools;

/// The two regions of the example stacks.
pub const PRIMARY: &str = "us-east-2";
/// The region that takes over.
pub const RECOVERY: &str = "us-west-1";

/// How many of the last lines of the emulator's log an error shows.
const TAIL_LINES: usize = 15;

/// How long after the end of its minute a metric of a real database is shown.
const METRIC_DELAY_SECONDS: u32 = 30;

/// How the world is made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Real durations are multiplied by this: a promotion takes 240 s, a launch 60 s, its warm-up 40 s.
    pub scale: f64,
    /// How often the once-a-minute tick comes.
    pub tick_seconds: u32,
    /// The same scale for snapshots (300 s) and their copies (900 s) alone; nothing: as everything else.
    pub snapshot_scale: Option<f64>,
    /// PostgreSQL's programs: databases hold data, and an application serves for each instance of a fleet. Nothing: databases
    /// are empty, and load balancers answer by themselves.
    pub postgres: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        // A copy of a snapshot takes a quarter of an hour: nobody wants to watch a twentieth of it.
        Self { scale: 0.05, tick_seconds: 60, snapshot_scale: Some(0.004), postgres: None }
    }
}

/// The world. It ends when it is stopped or dropped.
pub struct World {
    /// The gateway, to lose regions and to set faults.
    pub gateway: Handle,
    /// Clients.
    pub cloud: Cloud,
    /// The address of the emulator itself.
    emulator_url: String,
    emulator: Daemon,
    /// What the emulator and the lab write.
    pub state_dir: PathBuf,
}

/// A free port of 127.0.0.1, from below those that the system gives to connections of its own: between this look and
/// the listening nobody else is given it by chance.
fn free_port() -> Result<u16> {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static TRIED: AtomicU32 = AtomicU32::new(0);
    // Worlds of other processes begin elsewhere.
    let start = std::process::id().wrapping_mul(16);
    for _ in 0..COUNT {
        let offset = start.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + offset)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port from {FIRST} to {} on 127.0.0.1", FIRST + COUNT - 1)
}

impl World {
    /// Starts emulator and gateway on free ports of 127.0.0.1.
    pub async fn start(tools: &Tools, name: &str, settings: &Settings) -> Result<Self> {
        Self::start_in(tools, name, settings, [PRIMARY, RECOVERY]).await
    }

    /// The same with load balancers in two other regions.
    pub async fn start_in(
        tools: &Tools,
        name: &str,
        settings: &Settings,
        [primary, recovery]: [&str; 2],
    ) -> Result<Self> {
        let state_dir = checkout::lab_dir().join(name);
        if state_dir.exists() {
            std::fs::remove_dir_all(&state_dir)?;
        }
        std::fs::create_dir_all(&state_dir)?;
        let emulator_port = free_port()?;
        let (site_primary, site_recovery) = (free_port()?, free_port()?);
        let accelerator = free_port()?;
        let upstream = format!("127.0.0.1:{emulator_port}");
        let mut config = Config::new(upstream.parse()?)
            .site(primary, site_primary)
            .site(recovery, site_recovery)
            .accelerator(accelerator)
            .users_near(primary);
        config.applications = settings.postgres.is_some();
        let gateway = Gateway::start(config).await?;
        let endpoint = gateway.addresses().endpoint_url.clone();
        let mut command = clean(&tools.python);
        command
            .current_dir(checkout::launcher_parent())
            .args(["-m", "launcher"])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("LAB_PORT", emulator_port.to_string())
            .env("LAB_ENDPOINT_URL", &endpoint)
            .env("LAB_SCALE", settings.scale.to_string())
            .env("LAB_TICK_SECONDS", settings.tick_seconds.to_string())
            .env("LAB_SNAPSHOT_SCALE", settings.snapshot_scale.unwrap_or(settings.scale).to_string())
            .env("LAB_SITE_PORTS", format!("{primary}={site_primary},{recovery}={site_recovery}"))
            .env("LAB_ACCELERATOR_PORT", accelerator.to_string())
            .env("LAB_STATE_DIR", state_dir.join("emulator"))
            .env("LAB_PARENT_PID", std::process::id().to_string());
        if let Some(programs) = &settings.postgres {
            command.env("LAB_POSTGRES", programs).env("LAB_APPLICATION", "1");
            command.env("LAB_METRIC_DELAY_SECONDS", METRIC_DELAY_SECONDS.to_string());
        }
        let emulator = Daemon::start("the emulator", &mut command, &state_dir.join("emulator.log"))?;
        let emulator_url = format!("http://{upstream}");
        let cloud = Cloud::new(&endpoint);
        let mut world = Self { gateway, cloud, emulator_url, emulator, state_dir };
        world.wait_until_up().await?;
        say(&format!("local AWS is up: emulator {upstream}, gateway {endpoint}"));
        Ok(world)
    }

    async fn wait_until_up(&mut self) -> Result<()> {
        let url = format!("{}/_lab/health", self.emulator_url);
        for _ in 0..240 {
            if let Some(status) = self.emulator.has_ended() {
                return Err(self.emulator_failure(&status.to_string()));
            }
            if http::ask("GET", &url, None, Duration::from_secs(1))
                .await
                .is_ok_and(|(status, _)| status == 200)
            {
                return Ok(());
            }
            pause(Duration::from_millis(250)).await;
        }
        bail!(
            "the emulator did not answer within 60 s; see {}",
            self.state_dir.join("emulator.log").display()
        )
    }

    /// Waits until the world fails by itself, and says how.
    pub async fn failed(&mut self) -> anyhow::Error {
        let how = match self.emulator.ended().await {
            Ok(status) => status.to_string(),
            Err(error) => format!("{error:#}"),
        };
        self.emulator_failure(&how)
    }

    /// That the emulator has ended, with the end of its log.
    fn emulator_failure(&self, how: &str) -> anyhow::Error {
        let log = self.state_dir.join("emulator.log");
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n");
        anyhow!("the emulator ended by itself ({how}); see {}:\n{tail}", log.display())
    }

    /// Loses regions, sets rules, reads counts.
    pub fn switchboard(&self) -> &Switchboard {
        self.gateway.switchboard()
    }

    /// The address that every AWS client uses.
    pub fn endpoint_url(&self) -> &str {
        &self.gateway.addresses().endpoint_url
    }

    /// The address by which users come.
    pub fn accelerator_url(&self) -> Result<String> {
        self.gateway.addresses().accelerator_url.clone().context("the world has an accelerator")
    }

    /// Cuts a region off: no API call, no user and no probe gets through, and its replicas lose their source.
    pub async fn lose(&self, region: &str) -> Result<()> {
        self.switchboard().lose_region(region, Blackout::Hang)?;
        self.tell("PUT", &format!("regions/{region}"), &json!({ "lost": true })).await?;
        Ok(())
    }

    /// The same at one stroke: every server and every application in the region ends by SIGKILL too.
    pub async fn kill(&self, region: &str) -> Result<()> {
        self.switchboard().lose_region(region, Blackout::Hang)?;
        self.tell("PUT", &format!("regions/{region}"), &json!({ "lost": true, "how": "killed" })).await?;
        Ok(())
    }

    /// Saves the world under a name. Real databases restart.
    pub async fn save(&self, name: &str) -> Result<()> {
        self.tell_slowly("save", &json!({ "name": name })).await
    }

    /// Brings a saved world back; its regions are all there. Nothing that was sent in a silence reaches it: what it was sent to
    /// has ended by then.
    pub async fn reset(&self, name: &str) -> Result<()> {
        self.tell_slowly("reset", &json!({ "name": name })).await?;
        self.switchboard().return_all_regions();
        Ok(())
    }

    /// Brings a region back.
    pub async fn give_back(&self, region: &str) -> Result<()> {
        self.tell("PUT", &format!("regions/{region}"), &json!({ "lost": false })).await?;
        self.switchboard().return_region(region)?;
        Ok(())
    }

    /// Disturbs what the launcher's control API lets be disturbed, or mends it.
    pub async fn disturb(&self, path: &str, body: &Value) -> Result<Value> {
        self.tell("PUT", path, body).await
    }

    /// Of what copies all data on a machine that may be busy.
    async fn tell_slowly(&self, path: &str, body: &Value) -> Result<()> {
        let url = format!("{}/_lab/{path}", self.emulator_url);
        let (status, text) = http::ask("POST", &url, Some(body), Duration::from_mins(10)).await?;
        ensure!(status == 200, "{path} was answered {status}: {text}");
        Ok(())
    }

    async fn tell(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        http::json(method, &format!("{}/_lab/{path}", self.emulator_url), Some(body)).await
    }

    /// Reads of the launcher's control API.
    pub async fn lab(&self, path: &str) -> Result<Value> {
        http::json("GET", &format!("{}/_lab/{path}", self.emulator_url), None).await
    }

    /// Ends everything.
    pub async fn stop(self) {
        self.emulator.stop().await;
        self.gateway.stop().await;
    }
}

/// Waits.
#[expect(clippy::disallowed_methods, reason = "the lab lives in real time")]
pub async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}
