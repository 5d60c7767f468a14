//! The operator's program as people run it: a process with arguments and an environment, whose exit code and answer are read.

use std::path::PathBuf;
use std::process::{Output, Stdio};

use anyhow::{Context, Result, ensure};
use lab::world::RECOVERY;
use serde_json::Value;
use tokio::process::Command;

use crate::scene::{Part, Scene};

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:1";

/// Asks, holds, releases, and is refused; each with its exit code.
pub(crate) async fn asks_and_is_refused(scene: &Scene<'_>) -> Result<()> {
    let plan = scene.stack(Part::Approval).name.as_str();
    let endpoint = scene.world.gateway.addresses().endpoint_url.clone();
    let run = async |code: i32, arguments: &[&str]| -> Result<Output> {
        let output = program(&endpoint)?.args(["--plan", plan]).args(arguments).output().await?;
        expect(output, code, arguments)
    };
    let json = async |code: i32, arguments: &[&str]| -> Result<Value> {
        let output = run(code, &[arguments, &["--output", "json"]].concat()).await?;
        serde_json::from_slice(&output.stdout).with_context(|| format!("{arguments:?} gave no JSON"))
    };
    ensure!(json(0, &["status"]).await?["plan"] == plan, "the status is of another plan");
    let ready = program(&endpoint)?.args(["--plan", plan, "ready", "--output", "json"]).output().await?;
    let answer: Value = serde_json::from_slice(&ready.stdout).context("ready gave no JSON")?;
    let is_ready = matches!(answer["readiness"].as_str(), Some("ready" | "note"));
    ensure!(
        answer["checks"].as_array().is_some_and(|checks| !checks.is_empty()),
        "no check was made: {answer}"
    );
    expect(ready, if is_ready { 0 } else { 4 }, &["ready"])?;
    run(0, &["hold", "--for", "30m", "--reason", "end to end", "--by", "e2e"]).await?;
    let hold = &json(0, &["status"]).await?["hold"];
    ensure!(hold["by"] == "e2e" && hold["reason"] == "end to end", "the hold is not there: {hold}");
    run(0, &["release", "--by", "e2e"]).await?;
    let refused = json(1, &["release", "--by", "e2e"]).await?;
    ensure!(
        refused["sentence"].as_str().is_some_and(|said| said.contains("no hold is in force")),
        "{refused}"
    );
    run(2, &["failover", "--reason", "end to end"]).await?;
    let refused = json(1, &["failover", "--reason", "end to end", "--yes", "--wait"]).await?;
    ensure!(refused["sentence"].as_str().is_some_and(|said| said.contains("override_vetoes")), "{refused}");
    run(1, &["approve", "99"]).await?;
    run(0, &["doctor"]).await?;
    let unheard = program(NOWHERE)?.args(["--plan", plan, "release", "--by", "e2e"]).output().await?;
    expect(unheard, 5, &["release, of nobody"])?;
    let unknown = program(&endpoint)?.args(["--plan", "nobodys", "status"]).output().await?;
    expect(unknown, 1, &["status, of a plan that nobody has"])?;
    Ok(())
}

/// The program beside this one, in an environment of its own.
fn program(endpoint: &str) -> Result<Command> {
    let beside = std::env::current_exe()?;
    let path: PathBuf = beside.parent().context("this program lies nowhere")?.join("pilotlight");
    ensure!(path.exists(), "{} is missing: cargo build --profile lab -p pilotlight", path.display());
    let mut command = Command::new(path);
    command
        .env_clear()
        .envs([("AWS_ENDPOINT_URL", endpoint), ("AWS_REGION", RECOVERY), ("USER", "e2e")])
        .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}

fn expect(output: Output, code: i32, line: &[&str]) -> Result<Output> {
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(
        output.status.code() == Some(code),
        "{line:?} ended with {} instead of {code}: {}{}",
        output.status,
        said(&output.stdout),
        said(&output.stderr)
    );
    Ok(output)
}
