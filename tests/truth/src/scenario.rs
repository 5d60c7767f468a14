//! What happens in a play? Drawn from its seed, so that it can be played again.

use std::fmt;
use std::time::Duration;

/// How the primary region is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Nothing gets in or out any more. Inside, servers go on.
    Silence,
    /// Every server in it ends by SIGKILL, and nothing gets in or out.
    Killed,
}

/// What weighs on the database before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Burden {
    /// Nothing but the orders.
    Orders,
    /// For so long before the loss nobody writes.
    Idle(Duration),
    /// For so long before the loss less is replicated than is written: the lag grows.
    Slow(Duration),
    /// For so long before the loss nothing is replicated.
    Cut(Duration),
    /// A transaction of so many rows is under way.
    Large(u32),
}

/// A play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// It can be drawn again from this.
    pub seed: u64,
    /// How many orders a second users send.
    pub per_second: u32,
    /// How long users are served before anything happens.
    pub before: Duration,
    /// What weighs on the database, from then on until the loss.
    pub burden: Burden,
    /// How the region is lost.
    pub how: How,
    /// How long after the loss an alarm of the other region changes its state.
    pub alarm_after: Duration,
}

impl Scenario {
    /// The play of a seed.
    pub fn of(seed: u64) -> Self {
        let mut draw = fastrand::Rng::with_seed(seed);
        let how = if draw.bool() { How::Silence } else { How::Killed };
        let per_second = draw.u32(10..=40);
        let mut tenths = |from: u64, to: u64| Duration::from_millis(100 * draw.u64(from..=to));
        let (before, alarm_after) = (tenths(50, 120), tenths(5, 50));
        let (short, long) = (tenths(80, 250), tenths(900, 1500));
        let burden = match draw.u32(0..8) {
            0 => Burden::Idle(short),
            1 | 2 => Burden::Slow(short),
            // Long enough for a sample to show it.
            3 => Burden::Slow(long),
            4 => Burden::Cut(short),
            5 => Burden::Large(draw.u32(50_000..=400_000)),
            _ => Burden::Orders,
        };
        Self { seed, per_second, before, burden, how, alarm_after }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.how {
            How::Silence => "silence",
            How::Killed => "killed",
        };
        write!(f, "{how}, {}/s", self.per_second)?;
        match self.burden {
            Burden::Orders => Ok(()),
            Burden::Idle(time) => write!(f, ", idle {:.1} s", time.as_secs_f64()),
            Burden::Slow(time) => write!(f, ", slow {:.1} s", time.as_secs_f64()),
            Burden::Cut(time) => write!(f, ", cut {:.1} s", time.as_secs_f64()),
            Burden::Large(rows) => write!(f, ", {rows} rows"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_play_and_another_seed_another() {
        assert_eq!(Scenario::of(7), Scenario::of(7));
        assert_ne!(Scenario::of(7), Scenario::of(8));
    }

    #[test]
    fn twenty_seeds_play_every_way_and_every_burden() {
        let plays: Vec<_> = (1..=20).map(Scenario::of).collect();
        for how in [How::Silence, How::Killed] {
            assert!(plays.iter().any(|play| play.how == how), "{how:?}");
        }
        let kinds = |burden: Burden| std::mem::discriminant(&burden);
        let some = Duration::ZERO;
        for burden in
            [Burden::Orders, Burden::Idle(some), Burden::Slow(some), Burden::Cut(some), Burden::Large(0)]
        {
            assert!(plays.iter().any(|play| kinds(play.burden) == kinds(burden)), "{burden:?}");
        }
    }
}
