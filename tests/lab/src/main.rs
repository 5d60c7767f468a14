//! The lab's command line.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a command: what it prints is what it is for")]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use lab::stack::{Stack, Wishes};
use lab::story::{self, Mode};
use lab::tools::Tools;
use lab::world::{PRIMARY, RECOVERY, Settings, World, pause};
use lab::{checkout, packages, say};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

/// The local two-region world of Pilotlight.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A primary region is lost, the recovery region serves.
    Demo {
        /// Whether a person approves.
        #[arg(long, default_value = "automatic")]
        mode: Mode,
    },
    /// Starts a world with the example stack and stays until it is ended.
    Serve {
        /// Whether a person approves.
        #[arg(long, default_value = "approve")]
        mode: Mode,
    },
    /// Ends the world that `serve` started.
    Down,
    /// Cuts the primary region of the served world off.
    Lose,
    /// Brings it back.
    GiveBack,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(until_ended(run(cli.command))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Ends the work, and with it all that it started, when the process is asked to end.
async fn until_ended(work: impl Future<Output = Result<()>>) -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => bail!("interrupted; everything that was started has ended"),
        _ = terminated.recv() => {
            say("asked to end; everything that was started has ended");
            Ok(())
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo { mode } => story::demo(mode).await,
        Command::Serve { mode } => serve(mode).await,
        Command::Down => down().await,
        Command::Lose => lose(true).await,
        Command::GiveBack => lose(false).await,
    }
}

fn note_path() -> std::path::PathBuf {
    checkout::lab_dir().join("world.json")
}

async fn serve(mode: Mode) -> Result<()> {
    if let Ok(note) = read_note()
        && kill(note.pid, None).is_ok()
    {
        bail!("a world is up already (pid {}); end it with: make lab-down", note.pid);
    }
    let tools = Tools::find().await?;
    packages::build().await?;
    let world = World::start(&tools, "lab", &Settings::default()).await?;
    let mode = if mode == Mode::Approve { "approve" } else { "automatic" };
    let wishes =
        Wishes { name: "shop".to_owned(), mode: mode.to_owned(), confirm_seconds: story::CONFIRM_SECONDS };
    let stack = Stack::apply(&tools, &world, &wishes).await?;
    let addresses = world.gateway.addresses();
    let note = json!({
        "pid": std::process::id(),
        "endpoint_url": addresses.endpoint_url,
        "control_url": addresses.control_url,
        "upstream_url": addresses.upstream_url,
        "accelerator_url": addresses.accelerator_url,
        "site_urls": addresses.site_urls,
    });
    std::fs::write(note_path(), serde_json::to_vec_pretty(&note)?)?;
    std::fs::write(checkout::lab_dir().join("env"), story::environment(&addresses.endpoint_url) + "\n")?;
    print_help(&stack, &addresses.accelerator_url.clone().unwrap_or_default())?;
    std::future::pending::<()>().await;
    world.stop().await;
    Ok(())
}

fn print_help(stack: &Stack, accelerator_url: &str) -> Result<()> {
    let alarm = stack.output(&["alarms", "web-unhealthy", "name"])?;
    println!("\nThe world is up. In any terminal:\n");
    println!("  . .lab/env");
    println!("  {}", stack.output(&["status_command"])?);
    println!("  aws cloudwatch set-alarm-state --region {PRIMARY} --alarm-name {alarm} --state-value ALARM --state-reason drill");
    println!("  curl {accelerator_url}    # what a user gets");
    println!("  make lab-lose             # cut {PRIMARY} off; make lab-return brings it back");
    println!("  make lab-down             # end it\n");
    println!("Plan {}: {PRIMARY} -> {RECOVERY}. Ready.", stack.name);
    Ok(())
}

struct Note {
    pid: Pid,
    control_url: String,
    upstream_url: String,
}

fn read_note() -> Result<Note> {
    let text = std::fs::read_to_string(note_path()).context("no world is up; start one with: make lab")?;
    let note: serde_json::Value = serde_json::from_str(&text)?;
    let pid = note.get("pid").and_then(serde_json::Value::as_i64).context(".lab/world.json has no pid")?;
    let url = |name: &str| {
        note.get(name)
            .and_then(serde_json::Value::as_str)
            .map(str::to_owned)
            .with_context(|| format!(".lab/world.json has no {name}"))
    };
    Ok(Note {
        pid: Pid::from_raw(i32::try_from(pid)?),
        control_url: url("control_url")?,
        upstream_url: url("upstream_url")?,
    })
}

async fn down() -> Result<()> {
    let Ok(note) = read_note() else {
        say("no world is up");
        return Ok(());
    };
    if kill(note.pid, Signal::SIGTERM).is_ok() {
        for _ in 0..60 {
            if kill(note.pid, None).is_err() {
                break;
            }
            pause(Duration::from_millis(250)).await;
        }
        if kill(note.pid, None).is_ok() {
            bail!("the world (pid {}) does not end", note.pid);
        }
    }
    std::fs::remove_file(note_path())?;
    say("the world has ended");
    Ok(())
}

async fn lose(is_lost: bool) -> Result<()> {
    let note = read_note()?;
    let region = format!("{}/_gateway/regions/{PRIMARY}", note.control_url);
    let told = format!("{}/_lab/regions/{PRIMARY}", note.upstream_url);
    if is_lost {
        lab::http::json("PUT", &region, Some(&json!({ "mode": "hang" }))).await?;
        lab::http::json("PUT", &told, Some(&json!({ "lost": true }))).await?;
        say(&format!("{PRIMARY} is cut off"));
    } else {
        lab::http::json("PUT", &told, Some(&json!({ "lost": false }))).await?;
        lab::http::json("DELETE", &region, None).await?;
        say(&format!("{PRIMARY} is back"));
    }
    Ok(())
}
