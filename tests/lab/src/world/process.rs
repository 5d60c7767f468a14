//! Processes that end: each in a group of its own, which is ended as a whole, also when the lab fails or is killed.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long a process may take to end by itself.
const END_WAIT: Duration = Duration::from_secs(10);

/// How many of the last lines that a command printed its error shows.
const TAIL_LINES: usize = 60;

/// What leads each group: it waits until the lab is gone, however that came (nobody holds the other end of its standard
/// input any more), and then ends its group: asked first, and by force five seconds later.
const WATCH: &str = "trap '' HUP INT TERM; read -r _; kill -s TERM 0; sleep 5; kill -s KILL 0";

/// A process and all that it starts.
pub struct Daemon {
    name: &'static str,
    group: Pid,
    child: Child,
    /// It is never waited for: as long as it is unreaped, no other process can get the group's number.
    watch: Child,
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
        let mut watch = clean("/bin/sh");
        watch.args(["-c", WATCH]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watch = watch.process_group(0).kill_on_drop(true).spawn().context("cannot start /bin/sh")?;
        let group = id_of(&watch)?;
        let child = command.process_group(group.as_raw()).kill_on_drop(true).spawn();
        let child = child.with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name, group, child, watch })
    }

    /// Whether it has ended already.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        Ok(self.child.wait().await?)
    }

    /// Asks it to end, waits, and ends it by force if it doesn't.
    pub async fn stop(mut self) {
        if let Ok(pid) = id_of(&self.child) {
            let _ = kill(pid, Signal::SIGTERM);
        }
        if tokio::time::timeout(END_WAIT, self.child.wait()).await.is_err() {
            crate::say(&format!("{} does not end; it is ended by force", self.name));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // What the process left behind, and the watch with it.
        let _ = killpg(self.group, Signal::SIGKILL);
        let _ = self.watch.start_kill();
    }
}

fn id_of(child: &Child) -> Result<Pid> {
    let pid = child.id().context("the process has ended")?;
    Ok(Pid::from_raw(i32::try_from(pid)?))
}

/// Runs a command to its end; what it prints goes to `line`. An error holds the end of its output.
pub async fn run(name: &'static str, command: &mut Command, mut line: impl FnMut(&str)) -> Result<()> {
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
            next = out.next_line(), if out_open => next.inspect(|text| out_open = text.is_some()),
            next = err.next_line(), if err_open => next.inspect(|text| err_open = text.is_some()),
        };
        if let Some(text) = next? {
            line(&text);
            tail.push(text);
            if tail.len() > TAIL_LINES {
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
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut daemon = Daemon::spawn(name, command)?;
    let (out, err) = (daemon.child.stdout.take(), daemon.child.stderr.take());
    let (out, err) = tokio::try_join!(all_of(out), all_of(err))?;
    let status = daemon.child.wait().await?;
    Ok((status.code().unwrap_or(-1), out, err))
}

async fn all_of(stream: Option<impl AsyncRead + Unpin>) -> Result<String> {
    let mut bytes = Vec::new();
    stream.ok_or_else(|| anyhow!("the output is piped"))?.read_to_end(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What a process needs to run at all, and what carries a clock that the tests shift (`tests/clock.py`).
const HANDED_ON: [&str; 6] = ["PATH", "HOME", "LANG", "TMPDIR", "LD_PRELOAD", "LAB_CLOCK_OFFSET_SECONDS"];

/// A command with nothing of this process's environment but what it needs to run at all.
pub fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in HANDED_ON {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::pause;

    fn shell(script: &str) -> Command {
        let mut command = clean("/bin/sh");
        command.args(["-c", script]);
        command
    }

    /// The number that a process wrote, once it is there.
    async fn number_in(path: &Path) -> Pid {
        for _ in 0..6_000 {
            if let Ok(number) = std::fs::read_to_string(path).unwrap_or_default().trim().parse() {
                return Pid::from_raw(number);
            }
            pause(Duration::from_millis(20)).await;
        }
        panic!("no number came in {}", path.display());
    }

    /// Whether a process runs no more. One that has ended and waits to be reaped has ended.
    async fn is_gone(pid: Pid) -> bool {
        for _ in 0..6_000 {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
            if matches!(state, None | Some('Z' | 'X')) {
                return true;
            }
            pause(Duration::from_millis(20)).await;
        }
        false
    }

    fn scratch(name: &str) -> std::path::PathBuf {
        let dir = std::env::temp_dir().join(format!("lab-process-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[tokio::test]
    async fn a_grandchild_ends_with_the_daemon_that_is_dropped() {
        let dir = scratch("dropped");
        let note = dir.join("pid");
        let script = format!("trap '' TERM; sleep 300 & echo $! > '{}'; wait", note.display());
        let daemon = Daemon::start("a daemon", &mut shell(&script), &dir.join("log")).unwrap();
        let grandchild = number_in(&note).await;
        drop(daemon);
        assert!(is_gone(grandchild).await);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[tokio::test]
    async fn a_grandchild_ends_when_the_lab_was_killed() {
        let dir = scratch("killed");
        let note = dir.join("pid");
        let script = format!("sleep 300 & echo $! > '{}'; wait", note.display());
        let mut daemon = Daemon::start("a daemon", &mut shell(&script), &dir.join("log")).unwrap();
        let grandchild = number_in(&note).await;
        // What the kernel does when the lab dies: the other end of the watch's standard input is closed.
        drop(daemon.watch.stdin.take());
        assert!(is_gone(grandchild).await);
        assert!(!daemon.ended().await.unwrap().success());
        drop(daemon);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[tokio::test]
    async fn output_is_taken_whole_with_the_exit_code() {
        let (code, out, err) = output("a shell", &mut shell("echo out; echo err >&2; exit 3")).await.unwrap();
        assert_eq!((code, out.as_str(), err.as_str()), (3, "out\n", "err\n"));
    }

    #[tokio::test]
    async fn a_failure_shows_the_end_of_what_was_printed() {
        let script = "for n in $(seq 100); do echo line $n; done; exit 1";
        let error = run("a shell", &mut shell(script), |_| {}).await.unwrap_err().to_string();
        assert!(
            error.contains("line 100") && error.contains("line 41") && !error.contains("line 40\n"),
            "{error}"
        );
    }
}
