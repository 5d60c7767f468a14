//! What does it cost to keep 10,000 parameters the same? Calls and memory of a pass, on stores in memory.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use engine::conductor::Conductor;
use engine::parameters::ParameterReplication;
use jiff::{SignedDuration, Timestamp};
use ports::Clock;
use protocol::parameters::COPY_TAG;
use protocol::parameters::request::ParameterRequest;
use protocol::plan::Plan;
use serde_json::Value;
use twin::parameter_store::{MemoryStores, PAGE};
use twin::{CountingIds, MemoryWorld, RuntimeClock};

use crate::cloud::PLAN;
use crate::measure::{ms, now};
use crate::table::Row;

/// How many parameters there are, and how many of them change.
const PARAMETERS: usize = 10_000;
const CHANGED: usize = 100;
/// Characters of each value: all values of one side are 40 MB.
const VALUE_CHARACTERS: usize = 4_000;

/// A pass of 10,000 holds their names and versions twice, and ten values at a time.
const MEMORY_MB_MAX: f64 = 24.0;
/// Beside the listing each change has its tags and labels read on both sides, and a tenth of a call for both values.
const READS_OF_A_CHANGE_MAX: f64 = 4.3;

/// Measures passes over 10,000 parameters.
pub(crate) fn measure() -> Result<Vec<Row>> {
    crate::say("parameters: 10,000 in two regions");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(async {
        let bench = Bench::new()?;
        let first = bench.pass(true).await?;
        ensure!(first.writes == 0, "what is the same was written {} times", first.writes);
        let same = bench.pass(false).await?;
        for n in 0..CHANGED {
            bench.stores.set(&bench.plan.sides.primary.region, &name(n * 100), &value(n + 1));
        }
        let changed = bench.pass(false).await?;
        Ok(rows(&first, &same, &changed))
    })
}

struct Bench {
    plan: Plan,
    clock: Arc<RuntimeClock>,
    world: Arc<MemoryWorld>,
    stores: Arc<MemoryStores>,
}

/// What one pass took.
struct Pass {
    listings: u64,
    reads: u64,
    writes: u64,
    memory_bytes: u64,
    /// On the clock of the world, in which writes are paced.
    took: SignedDuration,
    /// On this machine.
    computed: std::time::Duration,
}

impl Bench {
    fn new() -> Result<Self> {
        let plan = Plan::from_json(PLAN).context("the example plan is not valid")?;
        let clock = Arc::new(RuntimeClock::starting_at(Timestamp::from_second(1_800_000_000)?));
        let world = Arc::new(MemoryWorld::new(&plan, Arc::clone(&clock) as Arc<dyn Clock>));
        let stores = Arc::new(MemoryStores::new(Arc::clone(&clock) as Arc<dyn Clock>));
        let (by, regions) = (&plan.name, plan.sides.as_ref().map(|place| &place.region));
        for n in 0..PARAMETERS {
            stores.set(regions.primary, &name(n), &value(n));
            stores.set(regions.recovery, &name(n), &value(n));
            stores.change(regions.recovery, &name(n), |stored| {
                stored.tags.insert(COPY_TAG.to_owned(), by.to_string());
            });
        }
        Ok(Self { plan, clock, world, stores })
    }

    async fn pass(&self, deep: bool) -> Result<Pass> {
        let conductor = Conductor {
            plan: Arc::new(self.plan.clone()),
            journal: Arc::clone(&self.world) as _,
            publisher: Arc::clone(&self.world) as _,
            clock: Arc::clone(&self.clock) as _,
            ids: Arc::new(CountingIds::default()),
            writer: "bench".to_owned(),
            request: None,
            snapshot_every: protocol::state::snapshot::SNAPSHOT_EVERY,
            tells_of_unreadable: true,
        };
        let deadline = self.clock.now().checked_add(SignedDuration::from_secs(900))?;
        let (stores, seen, maintenance) = (&*self.stores, &*self.stores, &*self.world);
        let replication = ParameterReplication { conductor: &conductor, stores, seen, maintenance, deadline };
        self.forget_calls();
        let (started, began) = (now(), self.clock.now());
        let resident = Resident::mark()?;
        let answer = replication.answer(&ParameterRequest::Pass { deep }).await?;
        let memory_bytes = resident.grown()?;
        ensure!(answer.get("left") == Some(&Value::from(0)), "the pass was not whole: {answer}");
        let calls = |actions: &[&str]| actions.iter().map(|action| self.stores.calls(action)).sum();
        Ok(Pass {
            listings: calls(&["list"]),
            reads: calls(&["find", "values", "tags", "labels"]),
            writes: calls(&["put", "tag", "label", "delete"]),
            memory_bytes,
            took: self.clock.now().duration_since(began),
            computed: started.elapsed(),
        })
    }

    fn forget_calls(&self) {
        let mut inner = self.stores.inner();
        inner.calls.clear();
        inner.values_read.clear();
        inner.written.clear();
    }
}

fn name(n: usize) -> String {
    format!("/shop/service-{:03}/setting-{n:05}", n % 100)
}

fn value(n: usize) -> String {
    format!("{n:0VALUE_CHARACTERS$}")
}

/// How much memory this process had, and what it has grown to at most since.
pub(crate) struct Resident {
    before: u64,
}

impl Resident {
    /// Forgets what was the most so far.
    pub(crate) fn mark() -> Result<Self> {
        std::fs::write("/proc/self/clear_refs", "5").context("the kernel keeps its high-water mark")?;
        Ok(Self { before: Self::read("VmRSS:")? })
    }

    pub(crate) fn grown(&self) -> Result<u64> {
        Ok(Self::read("VmHWM:")?.saturating_sub(self.before))
    }

    fn read(field: &str) -> Result<u64> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)).context("no such field")?;
        let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kibibytes * 1024)
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below what a float counts exactly")]
fn float(number: u64) -> f64 {
    number as f64
}

fn rows(first: &Pass, same: &Pass, changed: &Pass) -> Vec<Row> {
    let what = |part: &str| format!("10,000 parameters, 1 % changed: {part}");
    let exactly = |what: String, found: u64, expected: u64, unit: &str| {
        let shown = format!("{found}{}", if found < expected { ", too few" } else { "" });
        let value = if found < expected { f64::NAN } else { float(found) };
        Row::below(what, value, float(expected + 1), shown, unit)
    };
    let pages = 3 * (PARAMETERS as u64).div_ceil(PAGE as u64);
    let count = CHANGED as u64;
    let of_a_change = float(changed.reads) / float(count);
    // Of the first one, which compares everything: later ones are made of memory that it gave back.
    let memory = float(first.memory_bytes) / 1e6;
    vec![
        exactly("10,000 parameters, all the same: writes".to_owned(), same.writes, 0, "calls"),
        exactly(
            "10,000 parameters, all the same: reads beside the listing".to_owned(),
            same.reads,
            0,
            "calls",
        ),
        exactly(what("listing"), changed.listings, pages, "calls"),
        exactly(what("writes"), changed.writes, count, "calls"),
        Row::below(
            what("reads beside the listing, a change"),
            of_a_change,
            READS_OF_A_CHANGE_MAX,
            format!("{of_a_change:.2}"),
            "calls",
        ),
        Row::below(
            "10,000 parameters, all compared: memory of a pass",
            memory,
            MEMORY_MB_MAX,
            format!("{memory:.1} MB"),
            "MB",
        ),
        Row::reported(what("a pass"), format!("{:.1} s at 2 a second", changed.took.as_secs_f64())),
        Row::reported(what("computing"), ms(changed.computed)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_not_the_expected_one_misses_its_budget() {
        let pass = |reads, writes| Pass {
            listings: 600,
            reads,
            writes,
            memory_bytes: 1,
            took: SignedDuration::ZERO,
            computed: std::time::Duration::ZERO,
        };
        let missed = |same, changed| {
            let mut table = crate::table::Table::default();
            table.extend(rows(&pass(0, 0), &same, &changed));
            table.missed()
        };
        assert_eq!(missed(pass(0, 0), pass(420, 100)), 0);
        assert_eq!(missed(pass(1, 1), pass(440, 101)), 4);
        assert_eq!(missed(pass(0, 0), pass(420, 99)), 1);
    }
}
