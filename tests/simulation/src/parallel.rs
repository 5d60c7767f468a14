//! Many seeds at once, on every core there is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;

use crate::check::broken;
use crate::history::History;
use crate::overhead::{Overhead, overhead};
use crate::play::play;
use crate::scenario::Draw;

/// What became of many disturbed worlds.
#[derive(Default)]
pub struct Crowd {
    /// How many worlds ended in each phase.
    pub ends: BTreeMap<&'static str, u64>,
    /// Seeds whose worlds broke a rule, with how.
    pub failures: Vec<String>,
    /// Records, instances and deaths of all worlds together.
    pub counts: [u64; 4],
}

impl fmt::Display for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in self.failures.iter().take(40) {
            writeln!(f, "FAILED {failure}")?;
        }
        let [records, instances, killed, faults] = self.counts;
        writeln!(f, "ends: {:?}", self.ends)?;
        write!(f, "{records} records, {instances} invocations, {killed} killed, {faults} other faults")
    }
}

/// A clock for people who wait. Nothing in a world looks at it.
#[expect(
    clippy::disallowed_methods,
    reason = "how long the simulation takes is measured, and used for nothing"
)]
pub fn stopwatch() -> Instant {
    Instant::now()
}

/// Plays disturbed worlds and judges them.
///
/// # Errors
/// A world can't be played.
pub fn disturbed(from: u64, seeds: u64) -> Result<Crowd> {
    let judged = each(from, seeds, |seed| {
        let history = play(Draw::of(seed), false)?;
        let failures = failures_of(seed, "", &history);
        let phase = history.end.state.run.as_ref().map_or("no run", |run| run.phase.as_str());
        Ok((phase, failures, counts_of(&history)))
    })?;
    let mut crowd = Crowd::default();
    for (phase, failures, counts) in judged {
        *crowd.ends.entry(phase).or_default() += 1;
        crowd.failures.extend(failures);
        crowd.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    Ok(crowd)
}

/// Plays undisturbed worlds: what each cost, and which broke a rule or did not complete.
///
/// # Errors
/// A world can't be played.
pub fn undisturbed(from: u64, seeds: u64) -> Result<(Vec<Overhead>, Vec<String>)> {
    let played = each(from, seeds, |seed| {
        let history = play(Draw::undisturbed(seed), false)?;
        let mut failures = failures_of(seed, " --undisturbed", &history);
        let cost = overhead(&history);
        if cost.is_none() {
            failures.push(format!("seed {seed} --undisturbed: the run is not completed"));
        }
        Ok((cost, failures))
    })?;
    let (costs, failures): (Vec<_>, Vec<_>) = played.into_iter().unzip();
    Ok((costs.into_iter().flatten().collect(), failures.into_iter().flatten().collect()))
}

fn failures_of(seed: u64, how: &str, history: &History) -> Vec<String> {
    broken(history).into_iter().map(|rule| format!("seed {seed}{how}: {rule}")).collect()
}

fn counts_of(history: &History) -> [u64; 4] {
    use crate::history::What;
    let count = |is_so: fn(&What) -> bool| {
        u64::try_from(history.entries.iter().filter(|entry| is_so(&entry.what)).count()).unwrap_or(0)
    };
    [
        count(|what| matches!(what, What::Appended(_))),
        count(|what| matches!(what, What::Began { .. })),
        count(|what| matches!(what, What::Killed { .. } | What::TimedOut)),
        count(|what| matches!(what, What::Fault { .. })),
    ]
}

/// Does something for each seed, on all cores; the results in the order of the seeds.
fn each<T: Send>(from: u64, seeds: u64, work: impl Fn(u64) -> Result<T> + Sync) -> Result<Vec<T>> {
    let next = AtomicU64::new(from);
    let results: Mutex<BTreeMap<u64, Result<T>>> = Mutex::new(BTreeMap::new());
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + seeds {
                        return;
                    }
                    let result = work(seed);
                    results.lock().unwrap_or_else(PoisonError::into_inner).insert(seed, result);
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}
