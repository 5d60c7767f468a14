//! What happened, over all paths? Counted so that a check that never met what it is about is found out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::journal::{Event, Record};
use protocol::state::State;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// An append met a number that was taken.
    Conflict,
    /// A lost acknowledgement was recognised.
    OwnRecognised,
    /// A worker that was held up woke after its lease.
    ZombieWoke,
    /// It wanted to act and was refused.
    ZombieRefused,
    /// An effect was brought about.
    Effect,
    /// A late fence was taken back.
    TakenBack,
    /// A promotion was intended.
    Promotions,
    /// A run was completed.
    Completed,
    /// A run was aborted.
    Aborted,
    /// A run needed an operator.
    NeedsOperator,
}

/// All of them, in the order of their numbers.
pub const COUNTERS: [(Counter, &str); 10] = [
    (Counter::Conflict, "append conflicts"),
    (Counter::OwnRecognised, "own records recognised"),
    (Counter::ZombieWoke, "zombies woke"),
    (Counter::ZombieRefused, "zombies refused"),
    (Counter::Effect, "effects"),
    (Counter::TakenBack, "late fences taken back"),
    (Counter::Promotions, "promotions intended"),
    (Counter::Completed, "runs completed"),
    (Counter::Aborted, "runs aborted"),
    (Counter::NeedsOperator, "operators needed"),
];

/// The counts.
#[derive(Clone, Debug, Default)]
pub struct Counters(Arc<[AtomicU64; COUNTERS.len()]>);

impl Counters {
    /// One more.
    pub fn add(&self, counter: Counter) {
        self.0[counter as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many.
    #[must_use]
    pub fn get(&self, counter: Counter) -> u64 {
        self.0[counter as usize].load(Ordering::Relaxed)
    }

    /// Counts what a record says.
    pub fn count(&self, _after: &State, record: &Record) {
        match &record.event {
            Event::Completed { .. } => self.add(Counter::Completed),
            Event::Aborted { .. } => self.add(Counter::Aborted),
            Event::OperatorNeeded { .. } => self.add(Counter::NeedsOperator),
            Event::StepIntended { step: protocol::command::Step::Promote, .. } => {
                self.add(Counter::Promotions);
            }
            _ => {}
        }
    }
}
