//! How fast may be written? A bucket of one token that fills at the plan's rate, and slower for a while when the account's
//! limit is met: it is shared with everybody else who writes parameters.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Longest time between two writes, however often they are refused.
const INTERVAL_MAX: Duration = Duration::from_secs(10);

/// Says when the next write may be.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    shortest: Duration,
    interval: Duration,
    next_at: Option<Timestamp>,
}

impl Pace {
    /// So many writes a second at most.
    pub(super) fn of(per_second: u32) -> Self {
        let shortest = Duration::from_secs(1) / per_second.max(1);
        Self { shortest, interval: shortest, next_at: None }
    }

    /// Takes the token; how long to wait for it.
    pub(super) fn take(&mut self, now: Timestamp) -> Duration {
        let at = self.next_at.map_or(now, |next| next.max(now));
        self.next_at = at.checked_add(self.interval).ok();
        Duration::try_from(at.duration_since(now)).unwrap_or_default()
    }

    /// A write was refused: half as fast from now on.
    pub(super) fn slow_down(&mut self, now: Timestamp) {
        self.interval = (self.interval * 2).min(INTERVAL_MAX);
        self.next_at = now.checked_add(SignedDuration::try_from(self.interval).unwrap_or_default()).ok();
    }

    /// A write went through: a tenth faster, up to the plan's rate.
    pub(super) fn speed_up(&mut self) {
        self.interval = (self.interval * 9 / 10).max(self.shortest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn writes_are_spread_evenly_and_the_first_one_does_not_wait() {
        let mut pace = Pace::of(2);
        let waits: Vec<u128> = (0..4).map(|_| pace.take(at(0)).as_millis()).collect();
        assert_eq!(waits, [0, 500, 1000, 1500]);
    }

    #[test]
    fn time_without_writes_is_not_saved_up() {
        let mut pace = Pace::of(2);
        pace.take(at(0));
        assert_eq!(pace.take(at(60_000)), Duration::ZERO);
        assert_eq!(pace.take(at(60_000)), Duration::from_millis(500));
    }

    #[test]
    fn a_refusal_halves_the_rate_down_to_a_floor_and_success_brings_it_back() {
        let mut pace = Pace::of(2);
        pace.slow_down(at(0));
        assert_eq!(pace.take(at(0)), Duration::from_secs(1));
        for _ in 0..10 {
            pace.slow_down(at(0));
        }
        assert_eq!(pace.take(at(0)), INTERVAL_MAX);
        for _ in 0..100 {
            pace.speed_up();
        }
        assert_eq!(pace.interval, Duration::from_millis(500));
    }
}
