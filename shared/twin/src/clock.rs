//! Which time and which ids do tests go by? A clock that follows the runtime's, and ids that count up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use ports::{Clock, Ids};

/// A clock that follows the runtime's: under a paused runtime, waiting takes no time at all.
pub struct RuntimeClock {
    base: Timestamp,
    started: tokio::time::Instant,
}

impl RuntimeClock {
    /// Begins at a time.
    pub fn starting_at(base: Timestamp) -> Self {
        Self { base, started: tokio::time::Instant::now() }
    }
}

#[async_trait]
impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::MAX);
        self.base.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that waiting goes through")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Ids that count up.
#[derive(Default)]
pub struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn fresh(&self) -> String {
        format!("attempt-{}", self.0.fetch_add(1, Ordering::Relaxed))
    }
}
