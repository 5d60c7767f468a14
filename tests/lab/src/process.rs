//! Processes that end: each in a group of its own, which is ended as a whole, also when the lab fails.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

/// How long a process may take to end by itself.
const END_WAIT: Duration = Duration::from_secs(10);

/// A process and all that it starts.
pub struct Daemon {
    name: &'static str,
    group: Pid,
    child: Child,
}

impl Daemon {
    /// Starts a command in a process group of its own, its output in a file.
    pub fn start(name: &'static str, command: &mut Command, log: &Path) -> Result<Self> {
        let out = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let err = out.try_clone()?;
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        Self::spawn(name, command)
    }

    fn spawn(name: &'static str, command: &mut Command) -> Result<Self> {
        let child = command.process_group(0).kill_on_drop(true).spawn();
        let child = child.with_context(|| format!("cannot start {name}"))?;
        let pid = child.id().context("a process that was just started has an id")?;
        let group = Pid::from_raw(i32::try_from(pid)?);
        Ok(Self { name, group, child })
    }

    /// Whether it has ended already.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks it to end, waits, and ends it by force if it doesn't.
    pub async fn stop(mut self) {
        let _ = killpg(self.group, Signal::SIGTERM);
        if tokio::time::timeout(END_WAIT, self.child.wait()).await.is_err() {
            crate::say(&format!("{} does not end; it is ended by force", self.name));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // A group of which nothing is left is the usual case.
        let _ = killpg(self.group, Signal::SIGKILL);
    }
}

/// Runs a command to its end; what it prints goes to `line`. An error holds the end of its output.
pub async fn run(name: &'static str, command: &mut Command, mut line: impl FnMut(&str)) -> Result<()> {
    use tokio::io::{AsyncBufReadExt, BufReader};
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut daemon = Daemon::spawn(name, command)?;
    let mut tail: Vec<String> = Vec::new();
    let out = daemon.child.stdout.take().context("stdout is piped")?;
    let err = daemon.child.stderr.take().context("stderr is piped")?;
    let mut out = BufReader::new(out).lines();
    let mut err = BufReader::new(err).lines();
    let (mut out_open, mut err_open) = (true, true);
    while out_open || err_open {
        let next = tokio::select! {
            next = out.next_line(), if out_open => next.map(|text| { out_open = text.is_some(); text }),
            next = err.next_line(), if err_open => next.map(|text| { err_open = text.is_some(); text }),
        };
        if let Some(text) = next? {
            line(&text);
            tail.push(text);
            if tail.len() > 60 {
                tail.remove(0);
            }
        }
    }
    let status = daemon.child.wait().await?;
    if !status.success() {
        bail!("{name} failed ({status}):\n{}", tail.join("\n"));
    }
    Ok(())
}

/// Runs a command to its end and gives its output and exit code.
pub async fn output(name: &'static str, command: &mut Command) -> Result<(i32, String, String)> {
    let done = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let done = done.with_context(|| format!("cannot start {name}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((done.status.code().unwrap_or(-1), text(&done.stdout), text(&done.stderr)))
}

/// A command with nothing of this process's environment but what it needs to run at all.
pub fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in ["PATH", "HOME", "LANG", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}
