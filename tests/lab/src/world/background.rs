//! How is a world started in the background, and ended? `up` returns when the world is ready, `down` when it is gone.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::cloud::http;
use crate::demo::Mode;
use crate::world::ending::{Ending, word_of};
use crate::world::lock::{Desk, is_up};
use crate::world::pause;
use crate::{say, show};

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(200);

/// How long a world may take to end by itself.
const END_LOOKS: u32 = 150;

/// Starts a world as a process of its own, shows its progress, and returns when it is ready. What fails or is cut short
/// on the way leaves nothing behind.
pub async fn up(mode: Mode, ending: &Ending) -> Result<()> {
    let desk = Desk::of_checkout()?;
    if let Some(pid) = desk.holder().await? {
        bail!("{}", is_up(Some(pid)));
    }
    until_emulator_is_gone(&desk).await?;
    say("starting the local world; all that it says is kept in .lab/lab.log");
    let log = File::create(desk.log()).with_context(|| format!("cannot write {}", desk.log().display()))?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["serve", "--detached", "--mode", mode.as_str()]);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let mut child = command.spawn().context("cannot start the world's process")?;
    let mut progress = Progress::of(&desk.log())?;
    let ready = ending.cut(until_ready(&desk, &mut child, &mut progress)).await;
    if ready.as_ref().is_err_and(|error| word_of(error).is_some()) {
        say("ending what was started");
        end(&mut child, &mut progress).await?;
    }
    ready
}

async fn until_ready(desk: &Desk, child: &mut Child, progress: &mut Progress) -> Result<()> {
    loop {
        // Looked at before the log is read, so that all that was written before shows.
        let has_ended = child.try_wait()?;
        let note = desk.read_note()?;
        progress.show()?;
        if let Some(status) = has_ended {
            bail!("the world did not start ({status}); all it said is in .lab/lab.log");
        }
        if note.is_some_and(|note| Some(note.pid) == child.id()) {
            return Ok(());
        }
        pause(EVERY).await;
    }
}

async fn end(child: &mut Child, progress: &mut Progress) -> Result<()> {
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let Some(pid) = child.id() else { break };
        let _ = kill(Pid::from_raw(i32::try_from(pid)?), signal);
        for _ in 0..END_LOOKS {
            let has_ended = child.try_wait()?.is_some();
            progress.show()?;
            if has_ended {
                return Ok(());
            }
            pause(EVERY).await;
        }
    }
    Ok(())
}

/// Ends the world that is up, and returns when its process and its emulator are gone.
pub async fn down() -> Result<()> {
    let desk = Desk::of_checkout()?;
    let Some(pid) = desk.holder().await? else {
        until_emulator_is_gone(&desk).await?;
        desk.clear();
        say("no world is up");
        return Ok(());
    };
    say(&format!("ending the world (process {pid})"));
    let note = desk.read_note()?;
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        // The lock says that it is the world's; whoever has ended in this moment needs no signal.
        let _ = kill(pid, signal);
        for _ in 0..END_LOOKS {
            if desk.holder().await? != Some(pid) {
                if let Some(note) = note {
                    until_silent(&note.upstream_url).await?;
                }
                say("the world has ended");
                return Ok(());
            }
            pause(EVERY).await;
        }
        say("it does not end by itself; it is ended by force");
    }
    bail!("the world (process {pid}) does not end")
}

/// Waits for the emulator of a world that was killed: it notices within seconds that its world is gone.
async fn until_emulator_is_gone(desk: &Desk) -> Result<()> {
    // A note that cannot be read tells of nothing that could be waited for.
    match desk.read_note() {
        Ok(Some(note)) => until_silent(&note.upstream_url).await,
        _ => Ok(()),
    }
}

async fn until_silent(upstream_url: &str) -> Result<()> {
    let health = format!("{upstream_url}/_lab/health");
    for _ in 0..END_LOOKS {
        // Only the emulator answers this, so a program that has got its port by now is not waited for.
        let answer = http::ask("GET", &health, None, Duration::from_secs(2)).await;
        if !answer.is_ok_and(|(status, _)| status == 200) {
            return Ok(());
        }
        pause(EVERY).await;
    }
    bail!("the emulator at {upstream_url} is still there, though its world has ended")
}

/// A log that grows, shown line by line.
struct Progress {
    file: File,
    unfinished: Vec<u8>,
}

impl Progress {
    fn of(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { file, unfinished: Vec::new() })
    }

    fn show(&mut self) -> Result<()> {
        for line in self.lines()? {
            show(&line);
        }
        Ok(())
    }

    /// The lines that were finished since the last look.
    fn lines(&mut self) -> Result<Vec<String>> {
        self.file.read_to_end(&mut self.unfinished)?;
        let Some(end) = self.unfinished.iter().rposition(|&byte| byte == b'\n') else {
            return Ok(Vec::new());
        };
        let rest = self.unfinished.split_off(end + 1);
        let whole = std::mem::replace(&mut self.unfinished, rest);
        Ok(String::from_utf8_lossy(&whole).lines().map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn progress_shows_each_line_once_and_only_when_it_is_whole() {
        let path = std::env::temp_dir().join(format!("lab-progress-{}", std::process::id()));
        let mut log = File::create(&path).unwrap();
        let mut progress = Progress::of(&path).unwrap();
        assert!(progress.lines().unwrap().is_empty());
        log.write_all(b"one\n\ntwo\nthr").unwrap();
        assert_eq!(progress.lines().unwrap(), ["one", "", "two"]);
        assert!(progress.lines().unwrap().is_empty());
        log.write_all(b"ee\n").unwrap();
        assert_eq!(progress.lines().unwrap(), ["three"]);
        std::fs::remove_file(path).unwrap();
    }
}
