//! What time is it? The system's clock, the one place that reads it.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use ports::Clock;

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that sleeps")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sleeping_waits_as_long_as_asked_for() {
        let started = tokio::time::Instant::now();
        SystemClock.sleep(Duration::from_secs(7)).await;
        assert_eq!(started.elapsed(), Duration::from_secs(7));
    }

    #[test]
    fn time_does_not_stand_still_at_the_epoch() {
        assert!(SystemClock.now() > Timestamp::UNIX_EPOCH);
    }
}
