//! Which world is up for use by hand? A lock says whether there is one and whose it is, a note says where it listens.
//!
//! The lock is held by the process that serves the world and goes with it, so a number that was left behind is never
//! taken for a world, whatever process has that number now.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::checkout;
use crate::world::pause;

/// Where a world listens that is up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The process that serves it.
    pub pid: u32,
    /// The one endpoint for AWS clients.
    pub endpoint_url: String,
    /// The gateway's control API.
    pub control_url: String,
    /// The emulator's own address, for its control API.
    pub upstream_url: String,
    /// Where users come in.
    pub accelerator_url: String,
    /// Each region's load balancer.
    pub site_urls: BTreeMap<String, String>,
    /// The functions' names in AWS, by package.
    pub functions: BTreeMap<String, String>,
}

/// Where the lock and the note lie.
#[derive(Clone, Debug)]
pub struct Desk {
    dir: PathBuf,
}

impl Desk {
    /// The checkout's own.
    pub fn of_checkout() -> Result<Self> {
        Self::in_dir(&checkout::lab_dir())
    }

    fn in_dir(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(Self { dir: dir.to_path_buf() })
    }

    /// Where the served world's process writes.
    pub fn log(&self) -> PathBuf {
        self.dir.join("lab.log")
    }

    /// The line that points the AWS CLI at the world.
    pub fn environment(&self) -> PathBuf {
        self.dir.join("env")
    }

    fn note_path(&self) -> PathBuf {
        self.dir.join("world.json")
    }

    fn lock_file(&self) -> Result<File> {
        let path = self.dir.join("world.lock");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        file.with_context(|| format!("cannot open {}", path.display()))
    }

    /// The process that serves a world, if one is up or on its way.
    pub async fn holder(&self) -> Result<Option<Pid>> {
        let mut file = self.lock_file()?;
        for _ in 0..50 {
            match file.try_lock_shared() {
                Ok(()) => return Ok(None),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(error).context("cannot look at .lab/world.lock");
                }
            }
            let mut text = String::new();
            file.rewind()?;
            file.read_to_string(&mut text)?;
            if let Ok(pid) = text.trim().parse::<i32>()
                && pid > 1
            {
                return Ok(Some(Pid::from_raw(pid)));
            }
            // It has the lock and is about to write its number.
            pause(Duration::from_millis(20)).await;
        }
        bail!(".lab/world.lock is held by a process that does not say its number")
    }

    /// Claims the place for a world of this process. There is one at a time.
    pub async fn claim(&self) -> Result<Claim> {
        let mut file = self.lock_file()?;
        for _ in 0..20 {
            match file.try_lock() {
                Ok(()) => {
                    // Nothing that a world left behind which was killed may be taken for this one's.
                    self.clear();
                    file.set_len(0)?;
                    file.write_all(format!("{}\n", std::process::id()).as_bytes())?;
                    return Ok(Claim { desk: self.clone(), _lock: file });
                }
                // Who only looks holds it for a moment.
                Err(TryLockError::WouldBlock) => pause(Duration::from_millis(20)).await,
                Err(TryLockError::Error(error)) => return Err(error).context("cannot lock .lab/world.lock"),
            }
        }
        bail!("{}", is_up(self.holder().await?))
    }

    /// The note of the world that is up.
    pub async fn note(&self) -> Result<Note> {
        let Some(pid) = self.holder().await? else { bail!("no world is up; start one with: make lab") };
        match self.read_note()? {
            Some(note) if note.pid == pid.as_raw().unsigned_abs() => Ok(note),
            _ => bail!("the world is not ready yet; its progress is in .lab/lab.log"),
        }
    }

    /// The note that lies there, whether or not its world is up.
    pub fn read_note(&self) -> Result<Option<Note>> {
        match std::fs::read(self.note_path()) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text).context(".lab/world.json is not readable")?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context("cannot read .lab/world.json"),
        }
    }

    /// Takes the note away.
    pub fn clear(&self) {
        // What isn't there is what is wanted.
        let _ = std::fs::remove_file(self.note_path());
        let _ = std::fs::remove_file(self.environment());
    }
}

/// What is said to whoever wants to start a second world.
pub fn is_up(holder: Option<Pid>) -> String {
    let holder = holder.map_or_else(String::new, |pid| format!(" (process {pid})"));
    format!("a world is up already{holder}; end it with: make lab-down")
}

/// The place of the one world that is up; free again when this is dropped or its process is gone.
#[derive(Debug)]
pub struct Claim {
    desk: Desk,
    _lock: File,
}

impl Claim {
    /// Says that the world is ready, and where.
    pub fn publish(&self, note: &Note, environment: &str) -> Result<()> {
        std::fs::write(self.desk.environment(), format!("{environment}\n"))?;
        // Whoever finds a note finds a whole one.
        let unfinished = self.desk.dir.join("world.json.part");
        std::fs::write(&unfinished, serde_json::to_vec_pretty(note)?)?;
        std::fs::rename(unfinished, self.desk.note_path())?;
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.desk.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk(name: &str) -> Desk {
        let dir = std::env::temp_dir().join(format!("lab-served-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        Desk::in_dir(&dir).unwrap()
    }

    fn note() -> Note {
        Note {
            pid: std::process::id(),
            endpoint_url: "http://127.0.0.1:4566".to_owned(),
            control_url: "http://127.0.0.1:4567".to_owned(),
            upstream_url: "http://127.0.0.1:4568".to_owned(),
            accelerator_url: "http://127.0.0.1:4569".to_owned(),
            site_urls: BTreeMap::from([("us-east-2".to_owned(), "http://127.0.0.1:4570".to_owned())]),
            functions: BTreeMap::from([("alarm-handler".to_owned(), "shop-alarm-handler".to_owned())]),
        }
    }

    #[tokio::test]
    async fn a_number_left_behind_by_a_killed_world_is_nobody() {
        let desk = desk("stale");
        // The first process of the machine is alive, and no world.
        std::fs::write(desk.dir.join("world.lock"), "1\n").unwrap();
        std::fs::write(desk.note_path(), serde_json::to_vec(&Note { pid: 1, ..note() }).unwrap()).unwrap();
        assert_eq!(desk.holder().await.unwrap(), None);
        let error = desk.note().await.unwrap_err().to_string();
        assert_eq!(error, "no world is up; start one with: make lab");
        std::fs::remove_dir_all(&desk.dir).unwrap();
    }

    #[tokio::test]
    async fn a_second_world_is_refused_with_the_remedy() {
        let desk = desk("second");
        let _claim = desk.claim().await.unwrap();
        let error = desk.claim().await.unwrap_err().to_string();
        let pid = std::process::id();
        assert_eq!(error, format!("a world is up already (process {pid}); end it with: make lab-down"));
        std::fs::remove_dir_all(&desk.dir).unwrap();
    }

    #[tokio::test]
    async fn a_note_is_there_from_ready_to_end() {
        let desk = desk("note");
        let claim = desk.claim().await.unwrap();
        assert!(desk.note().await.unwrap_err().to_string().contains("not ready yet"));
        claim.publish(&note(), "export AWS_ENDPOINT_URL=http://127.0.0.1:4566").unwrap();
        assert_eq!(desk.note().await.unwrap(), note());
        assert!(desk.environment().exists());
        drop(claim);
        assert_eq!(desk.read_note().unwrap(), None);
        assert!(!desk.environment().exists());
        assert_eq!(desk.holder().await.unwrap(), None);
        std::fs::remove_dir_all(&desk.dir).unwrap();
    }

    #[tokio::test]
    async fn a_note_of_another_process_is_not_this_worlds() {
        let desk = desk("other");
        let claim = desk.claim().await.unwrap();
        claim.publish(&Note { pid: 1, ..note() }, "").unwrap();
        assert!(desk.note().await.unwrap_err().to_string().contains("not ready yet"));
        std::fs::remove_dir_all(&desk.dir).unwrap();
    }
}
