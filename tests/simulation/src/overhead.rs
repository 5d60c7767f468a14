//! What the orchestration adds to the time that the cloud itself takes.
//!
//! Counted is the whole run, from the record that opened it to the record that completed it, by the world's own clock,
//! minus two things: the confirm window of the plan, and the cloud's critical path. The critical path is what the plan
//! itself would take if every call took no time and everything were begun the moment it may: promotions from the end of
//! the window on, launches from its beginning on (they are reversible), each after what its `after` names. What is
//! left is messages, starts of functions, calls, the journal, and waiting for the next look.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use protocol::command::Step;
use protocol::journal::{Event, Record};
use protocol::name::Name;

use crate::history::{History, What};

/// The budget: one per cent of a promotion of 240 s.
pub const BUDGET: SignedDuration = SignedDuration::from_millis(2_400);

/// The cost of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overhead {
    /// Its seed.
    pub seed: u64,
    /// From the run's first record to its last.
    pub whole: SignedDuration,
    /// Of it, from the decision to move to the last route open.
    pub moving: SignedDuration,
    /// The cloud's critical path, from the decision on.
    pub cloud: SignedDuration,
    /// How many promotions and launches wait for each other in a row.
    pub chain: usize,
}

/// The cost of a completed run; nothing where none is completed.
pub fn overhead(history: &History) -> Option<Overhead> {
    let at = |is_so: &dyn Fn(&Record) -> bool| {
        history.entries.iter().rev().find_map(|entry| match &entry.what {
            What::Appended(record) if is_so(record) => Some(entry.at),
            _ => None,
        })
    };
    let opened: Timestamp = at(&|record| matches!(record.event, Event::RunOpened { .. }))?;
    let committed = at(&|record| matches!(record.event, Event::Committed { .. }))?;
    let served = at(&|record| matches!(record.event, Event::StepDone { step: Step::Open, .. }))?;
    let completed = at(&|record| matches!(record.event, Event::Completed { .. }))?;
    let window = SignedDuration::from_secs(i64::from(history.plan.detection.confirm_seconds));
    let (cloud, chain) = critical_path(history, window);
    Some(Overhead {
        seed: history.draw.seed,
        whole: completed.duration_since(opened) - window - cloud,
        moving: served.duration_since(committed) - cloud,
        cloud,
        chain,
    })
}

/// When the last promotion and launch could be done, counted from the end of the window; and how many of them follow
/// each other.
fn critical_path(history: &History, window: SignedDuration) -> (SignedDuration, usize) {
    let plan = &history.plan;
    let mut ends: BTreeMap<&Name, (SignedDuration, usize)> = BTreeMap::new();
    let items = plan.databases.iter().map(|item| (&item.name, &item.after, SignedDuration::ZERO));
    let items: Vec<_> = items.chain(plan.fleets.iter().map(|item| (&item.name, &item.after, -window))).collect();
    let takes: BTreeMap<&Name, SignedDuration> =
        history.draw.promotions.iter().chain(&history.draw.launches).map(|(name, takes)| (name, *takes)).collect();
    // Each round settles at least one more item; a plan has no circle.
    for _ in 0..items.len() {
        for (name, after, earliest) in &items {
            let begins = after.iter().filter_map(|name| ends.get(name)).max().copied();
            let (begins, chain) = begins.unwrap_or((*earliest, 0));
            let takes = takes.get(*name).copied().unwrap_or(SignedDuration::ZERO);
            ends.insert(name, (begins.max(*earliest) + takes, chain + 1));
        }
    }
    let last = ends.into_values().max().unwrap_or((SignedDuration::ZERO, 0));
    (last.0.max(SignedDuration::ZERO), last.1)
}

/// The costs of many runs, in order.
#[derive(Clone, Debug)]
pub struct Overheads {
    sorted: Vec<Overhead>,
}

impl Overheads {
    /// Puts them in order.
    pub fn of(mut overheads: Vec<Overhead>) -> Self {
        overheads.sort_by_key(|overhead| overhead.whole);
        Self { sorted: overheads }
    }

    /// Whether every one of them is within the budget.
    pub fn is_within_budget(&self) -> bool {
        self.sorted.last().is_some_and(|worst| worst.whole <= BUDGET)
    }
}

impl fmt::Display for Overheads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole: Vec<_> = self.sorted.iter().map(|overhead| overhead.whole).collect();
        let mut moving: Vec<_> = self.sorted.iter().map(|overhead| overhead.moving).collect();
        moving.sort_unstable();
        row(f, "overhead of the whole run", &whole)?;
        row(f, "  of it, decision to open", &moving)?;
        for chain in 1..=4 {
            let some: Vec<_> =
                self.sorted.iter().filter(|item| item.chain == chain).map(|item| item.whole).collect();
            row(f, &format!("  where {chain} in a row"), &some)?;
        }
        let within = whole.iter().filter(|whole| **whole <= BUDGET).count();
        write!(f, "within the budget of 2.4 s: {within} of {}", whole.len())?;
        if let Some(worst) = self.sorted.last() {
            write!(f, "; the worst is seed {}", worst.seed)?;
        }
        Ok(())
    }
}

fn row(f: &mut fmt::Formatter<'_>, what: &str, sorted: &[SignedDuration]) -> fmt::Result {
    let at = |in_thousand: usize| {
        let index = (sorted.len().saturating_sub(1) * in_thousand) / 1_000;
        sorted.get(index).map_or(0, SignedDuration::as_millis)
    };
    if sorted.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "{what:<28} runs {:>6}  median {:>5} ms  p99 {:>5} ms  max {:>5} ms",
        sorted.len(),
        at(500),
        at(990),
        at(1_000)
    )
}
