//! May parameters be written now, and in which direction? Asked of the journal before the first write, and again and again
//! between writes: a pass takes minutes, and a run may begin meanwhile.

use jiff::{SignedDuration, Timestamp};
use protocol::parameters::direction::{CopyRegions, may_write};

use crate::conductor::{Conductor, Log};
use crate::fault::Fault;

/// How long the journal's word holds.
const GOOD_FOR: SignedDuration = SignedDuration::from_secs(5);

/// The journal's leave to write.
pub(super) struct Leave<'c> {
    conductor: &'c Conductor,
    log: Log,
    asked_at: Timestamp,
}

impl<'c> Leave<'c> {
    /// Reads the journal.
    pub(super) async fn ask(conductor: &'c Conductor) -> Result<Self, Fault> {
        let mut log = Log::default();
        conductor.refresh(&mut log).await?;
        Ok(Self { conductor, log, asked_at: conductor.clock.now() })
    }

    /// The direction, or why nothing may be written; as of the last time that the journal was read.
    pub(super) fn direction(&self) -> Result<CopyRegions, String> {
        may_write(&self.conductor.plan, &self.log.state, self.conductor.clock.now())
    }

    /// The journal as it was read last.
    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    /// Whether it still is that direction, reading the journal again if its word is old.
    pub(super) async fn still(&mut self, direction: &CopyRegions) -> Result<Result<(), String>, Fault> {
        let now = self.conductor.clock.now();
        if now.duration_since(self.asked_at) >= GOOD_FOR {
            self.conductor.refresh(&mut self.log).await?;
            self.asked_at = self.conductor.clock.now();
        }
        Ok(match self.direction() {
            Ok(found) if found == *direction => Ok(()),
            Ok(found) => Err(format!("{} serves now", found.from)),
            Err(sentence) => Err(sentence),
        })
    }
}
