//! What does it cost to read the journal? The same, however long it is.

use anyhow::{Context, Result, ensure};
use engine::conductor::Log;
use protocol::name::Name;
use tokio::runtime::Runtime;

use crate::long_log::LongLog;
use crate::measure::{Samples, ms, now};
use crate::parameters::Resident;
use crate::table::Row;

/// Records of the short log, and of the long one.
pub(crate) const SHORT: u64 = 1_000;
pub(crate) const LONG: u64 = 1_000_000;

/// How often a reading is measured.
const TIMES: usize = 50;

/// How many times as long the reading of a thousand times the records may take: nothing in it grows with them.
pub(crate) const GROWTH_MAX: f64 = 1.5;

/// What folding the long log from its beginning may hold at once: a page and the state.
const FOLD_MB_MAX: f64 = 16.0;

/// Measures readings on a log in memory.
pub(crate) fn measure() -> Result<Vec<Row>> {
    crate::say(&format!("journal: {SHORT} and {LONG} records"));
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (short, long) = (Reading::of(&runtime, SHORT)?, Reading::of(&runtime, LONG)?);
    ensure!(short.records == long.records, "{} and {} records are read", short.records, long.records);
    let times = long.took.min().as_secs_f64() / short.took.min().as_secs_f64();
    let shown = format!("{times:.2} times, from {} to {}", ms(short.took.min()), ms(long.took.min()));
    let resident = Resident::mark()?;
    let started = now();
    let folded = read(&runtime, &LongLog::of(LONG, false)?)?;
    let took = started.elapsed();
    ensure!(folded == LONG, "{folded} records were folded");
    let mb = megabytes(resident.grown()?);
    Ok(vec![
        Row::reported("journal: records read of 1,000,000", long.records.to_string()),
        Row::below("journal: reading 1,000,000 records after 1,000", times, GROWTH_MAX, shown, "times"),
        Row::reported("journal: 1,000,000 folded once, without a snapshot", ms(took)),
        Row::below("journal: memory for that", mb, FOLD_MB_MAX, format!("{mb:.1} MB"), "MB"),
    ])
}

/// What the reading of a log takes.
struct Reading {
    records: u64,
    took: Samples,
}

impl Reading {
    fn of(runtime: &Runtime, records: u64) -> Result<Self> {
        let log = LongLog::of(records, true)?;
        let read_once = read(runtime, &log)?;
        let took = Samples::take(TIMES, || read(runtime, &log)).context("nothing was measured")?;
        Ok(Self { records: read_once, took })
    }
}

/// Reads a log as an invocation does; how many records that took.
fn read(runtime: &Runtime, journal: &LongLog) -> Result<u64> {
    journal.take_read();
    let mut log = Log::default();
    let outcome = runtime.block_on(log.read(journal, &Name::new("shop")));
    outcome.map_err(|unread| anyhow::anyhow!(unread.sentence(&Name::new("shop"))))?;
    Ok(journal.take_read())
}

#[expect(clippy::cast_precision_loss, reason = "far below what a float counts exactly")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::long_log::SINCE_SNAPSHOT;

    fn runtime() -> Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn as_many_records_are_read_of_a_million_as_of_a_thousand() {
        let runtime = runtime();
        for records in [SHORT, LONG] {
            let read = read(&runtime, &LongLog::of(records, true).unwrap()).unwrap();
            assert_eq!(
                read,
                SINCE_SNAPSHOT + 1,
                "the snapshot's own record and those after it, of {records}"
            );
        }
    }

    #[test]
    fn without_a_snapshot_all_are_read() {
        let all = 25_000;
        assert_eq!(read(&runtime(), &LongLog::of(all, false).unwrap()).unwrap(), all);
    }

    /// The state that the snapshot is made of, against the one that the records amount to.
    #[test]
    fn the_snapshot_of_the_log_is_what_its_records_amount_to() {
        let (runtime, plan) = (runtime(), Name::new("shop"));
        let [with, without] = [true, false].map(|has_snapshot| {
            let mut log = Log::default();
            let journal = LongLog::of(SHORT, has_snapshot).unwrap();
            runtime.block_on(log.read(&journal, &plan)).unwrap();
            log.state
        });
        assert_eq!(with, without);
    }
}
