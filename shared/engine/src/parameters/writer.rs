//! Writing copies: paced, with the journal's leave before each write, and never past the function's time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ports::{Answer, Failure, FailureKind, ParameterStores, Secret};
use protocol::parameters::diff::Writes;
use protocol::parameters::direction::CopyRegions;
use protocol::parameters::is_copy_of;

use super::rate_limit::Pace;
use super::reader::Reader;
use super::write_permit::Leave;
use crate::conductor::Conductor;
use crate::fault::Fault;

/// How often a throttled write is tried.
const TRIES: u32 = 8;
/// Writes that met silence one after the other, before the region is taken for lost.
const SILENCES_MAX: u32 = 2;

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// It stands.
    Stands,
    /// It is not needed any more, or somebody else was first: the next look decides anew.
    Moot,
    /// It failed; the rest goes on.
    Failed(String),
    /// Nothing more may be written: why.
    Ends(String),
}

/// Writes in one direction.
pub(super) struct Writer<'w> {
    stores: &'w dyn ParameterStores,
    conductor: &'w Conductor,
    leave: Leave<'w>,
    direction: &'w CopyRegions,
    pace: Pace,
    until: Timestamp,
    silences: u32,
}

impl<'w> Writer<'w> {
    /// A writer with the journal's leave. It begins nothing after `until`.
    pub(super) fn new(
        stores: &'w dyn ParameterStores,
        conductor: &'w Conductor,
        leave: Leave<'w>,
        direction: &'w CopyRegions,
        per_second: u32,
        until: Timestamp,
    ) -> Self {
        Self { stores, conductor, leave, direction, pace: Pace::of(per_second), until, silences: 0 }
    }

    /// Makes a copy like its source.
    pub(super) async fn write(&mut self, name: &str, writes: &Writes, value: &Secret) -> Result<Done, Fault> {
        let (stores, to) = (self.stores, self.direction.to.as_str());
        if let Some(put) = &writes.put {
            let done = self.effect(name, async || stores.put(to, put, value).await.map(drop)).await?;
            if done != Done::Stands {
                return Ok(done);
            }
        }
        if !writes.tags.is_empty() {
            let done = self.effect(name, async || stores.tag(to, name, &writes.tags).await).await?;
            if done != Done::Stands {
                return Ok(done);
            }
        }
        if writes.labels.is_empty() {
            return Ok(Done::Stands);
        }
        let labels: Vec<String> = writes.labels.iter().cloned().collect();
        self.effect(name, async || stores.label(to, name, &labels).await).await
    }

    /// Deletes a copy, after one more look: it must say of itself that it is one, and its source must be gone.
    pub(super) async fn delete(&mut self, reader: &Reader<'_>, name: &str) -> Result<Done, Fault> {
        let (stores, direction) = (self.stores, self.direction);
        let looked = futures::try_join!(reader.tags(&direction.to, name), reader.find(&direction.from, name));
        let (tags, source) = match looked {
            Ok(looked) => looked,
            Err(failure) => return Ok(Done::Failed(format!("{name} was not deleted: {failure}"))),
        };
        if source.is_some() || !is_copy_of(&tags, &self.conductor.plan.name) {
            return Ok(Done::Moot);
        }
        self.effect(name, async || stores.delete(&direction.to, name).await).await
    }

    /// One write, when its time has come.
    async fn effect(&mut self, name: &str, write: impl AsyncFn() -> Answer<()>) -> Result<Done, Fault> {
        for _ in 0..TRIES {
            let wait = self.pace.take(self.conductor.clock.now());
            if self.is_too_late(wait) {
                return Ok(Done::Ends("the function's time is up".to_owned()));
            }
            if !wait.is_zero() {
                self.conductor.sleep(wait).await;
            }
            if let Err(why) = self.leave.still(self.direction).await? {
                return Ok(Done::Ends(why));
            }
            match write().await {
                Ok(()) => {
                    self.silences = 0;
                    self.pace.speed_up();
                    return Ok(Done::Stands);
                }
                Err(failure) if failure.kind == FailureKind::Throttled => {
                    self.pace.slow_down(self.conductor.clock.now());
                }
                Err(failure) => return Ok(self.failed(name, &failure)),
            }
        }
        Ok(Done::Ends(format!("{} accepts no more writes", self.direction.to)))
    }

    fn is_too_late(&self, wait: Duration) -> bool {
        let at = self.conductor.clock.now().checked_add(SignedDuration::try_from(wait).unwrap_or_default());
        at.map_or(true, |at| at >= self.until)
    }

    /// A write whose answer was lost is not repeated: the next look sees whether it stands.
    fn failed(&mut self, name: &str, failure: &Failure) -> Done {
        match failure.kind {
            FailureKind::Conflict | FailureKind::Missing => Done::Moot,
            FailureKind::Unreachable | FailureKind::Unavailable if self.silences >= SILENCES_MAX => {
                Done::Ends(format!("{} does not answer", self.direction.to))
            }
            FailureKind::Unreachable | FailureKind::Unavailable => {
                self.silences += 1;
                Done::Failed(format!("{name}: {failure}"))
            }
            _ => Done::Failed(format!("{name}: {failure}")),
        }
    }
}
