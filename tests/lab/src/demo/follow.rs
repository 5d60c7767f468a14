//! Following a journal: each new record is printed as it comes.

use std::time::Duration;

use anyhow::Result;
use protocol::journal::{Event, Record};
use protocol::state::{State, fold};
use report::timeline::by;

use crate::cloud::Cloud;
use crate::say;
use crate::terraform::stack::Stack;
use crate::world::pause;

/// How often the journal is read.
const EVERY: Duration = Duration::from_millis(500);

/// A reader that remembers what it has shown.
pub struct Follower<'w> {
    cloud: &'w Cloud,
    stack: &'w Stack,
    shown: u64,
    is_quiet: bool,
}

impl<'w> Follower<'w> {
    /// From the journal's next record on.
    pub async fn from_now(cloud: &'w Cloud, stack: &'w Stack) -> Result<Self> {
        let shown = stack.journal(cloud).await?.last().map_or(0, |record| record.seq);
        Ok(Self { cloud, stack, shown, is_quiet: false })
    }

    /// The same, without printing.
    #[must_use]
    pub fn quietly(mut self) -> Self {
        self.is_quiet = true;
        self
    }

    /// Reads and shows until something holds; says whether it did within the limit.
    pub async fn until(
        &mut self,
        limit: Duration,
        holds: impl Fn(&State, &[Record]) -> bool,
    ) -> Result<bool> {
        let mut left = limit;
        loop {
            let records = self.stack.journal(self.cloud).await?;
            self.show(&records);
            if holds(&fold(&records)?, &records) {
                return Ok(true);
            }
            let Some(rest) = left.checked_sub(EVERY) else { return Ok(false) };
            left = rest;
            pause(EVERY).await;
        }
    }

    fn show(&mut self, records: &[Record]) {
        for record in records.iter().filter(|record| record.seq > self.shown) {
            if !self.is_quiet && !matches!(record.event, Event::Noticed { .. }) {
                say(&format!("  #{:<3} {:<16} {}", record.seq, by(record), record.sentence));
            }
        }
        self.shown = records.last().map_or(self.shown, |record| record.seq.max(self.shown));
    }
}
