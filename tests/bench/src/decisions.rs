//! What does a decision cost? Fold the journal and decide: of a long journal, and of a large plan.

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use protocol::command::Step;
use protocol::decide::{Decision, Facts, decide};
use protocol::journal::{Event, Record};
use protocol::plan::Plan;
use protocol::state::{IllegalRecord, Phase, fold};

use crate::estate;
use crate::history::{History, look};
use crate::measure::{Samples, ms};
use crate::table::Row;

/// Records of the long journal.
const RECORDS: usize = 1000;

/// How often a decision is measured: of the long journal, and of a large plan.
const TIMES: usize = 500;
const TIMES_LARGE: usize = 25;

/// The bound on fold and decide, as the project promises it.
const DECISION_MS_MAX: f64 = 5.0;

/// Databases of the large plan, and of the one it is compared with, a tenth of it.
const LARGE: usize = 1000;
const TENTH: usize = 100;

/// How often a whole run of the large plan is played, and of a tenth ten times as often; the quickest counts. Both must have met a
/// moment in which the machine did nothing else.
const RUNS: usize = 10;

/// How many times as long deciding a whole run of ten times the databases may take: linear, with maps that grow deeper.
const RUN_GROWTH_MAX: f64 = 12.0;

/// How many times as long ten times the plan may take. Sorted maps and caches make it more than ten; work that is
/// quadratic makes it a hundred.
const GROWTH_MAX: f64 = 25.0;

/// The largest item that DynamoDB takes, names and values together.
const RECORD_KB_MAX: f64 = 400.0;

/// Measures the core.
pub(crate) fn measure() -> Result<Vec<Row>> {
    crate::say(&format!("decide and evolve: {RECORDS} records"));
    let mut rows = vec![
        decision_row("the run over", &long_journal_at_its_end()?)?,
        decision_row("the run moving", &long_journal_amid_a_move()?)?,
    ];
    crate::say(&format!("decide and evolve: plans of {TENTH} and {LARGE} databases"));
    rows.extend(large_rows(&Costs::of(TENTH)?, &Costs::of(LARGE)?));
    Ok(rows)
}

/// A journal, and what the tick after its last record has in hand.
struct Moment {
    plan: Plan,
    records: Vec<Record>,
    facts: Facts,
    now: Timestamp,
}

impl Moment {
    /// The moment after some records of a history, with the primary region still lost.
    fn after(history: &History, records: usize) -> Result<Self> {
        let plan = history.plan().clone();
        let records = history.records().get(..records).context("the journal is shorter")?;
        let now = records.last().context("the journal is empty")?.at;
        let now = now.checked_add(SignedDuration::from_secs(1))?;
        let observation = look(&plan, &fold(records)?, now, history.lost_at());
        Ok(Self {
            plan,
            records: records.to_vec(),
            facts: Facts { observation: Some(observation), ..Facts::default() },
            now,
        })
    }

    /// What an invocation does with the journal that it has read.
    fn fold_and_decide(&self) -> Result<Decision, IllegalRecord> {
        let state = fold(&self.records)?;
        Ok(decide(&self.plan, &state, &self.facts, self.now))
    }
}

/// Ordinary days, and then a loss: the last of exactly so many records is the last of the run.
fn long_journal_at_its_end() -> Result<Moment> {
    let mut run = History::of(estate::example()?);
    run.lose_primary()?;
    let mut history = History::of(estate::example()?);
    history.ordinary_days(RECORDS - run.records().len())?;
    history.lose_primary()?;
    let length = history.records().len();
    ensure!(length == RECORDS, "the journal has {length} records, not {RECORDS}");
    let moment = Moment::after(&history, RECORDS)?;
    let run = fold(&moment.records)?.run.context("there was a run")?;
    ensure!(matches!(run.phase, Phase::Completed { .. }), "the run is {}", run.phase.as_str());
    Ok(moment)
}

/// Ordinary days, and then a loss: the last of exactly so many records is of the time when everything is under way.
fn long_journal_amid_a_move() -> Result<Moment> {
    let mut run = History::of(estate::example()?);
    run.lose_primary()?;
    let mut history = History::of(estate::example()?);
    history.ordinary_days(RECORDS - begun_by(run.records())?)?;
    history.lose_primary()?;
    let moment = Moment::after(&history, RECORDS)?;
    let run = fold(&moment.records)?.run.context("there is a run")?;
    ensure!(run.phase == Phase::Moving && run.has_begun(Step::Promote), "the run is {}", run.phase.as_str());
    Ok(moment)
}

/// How many records there are when promotions are under way and none is done yet.
fn begun_by(records: &[Record]) -> Result<usize> {
    let done = |record: &Record| matches!(record.event, Event::StepDone { step: Step::Promote, .. });
    records.iter().position(done).context("nothing was promoted")
}

fn decision_row(when: &str, moment: &Moment) -> Result<Row> {
    let samples = Samples::take(TIMES, || moment.fold_and_decide()).context("nothing was measured")?;
    let median = samples.median().as_secs_f64() * 1000.0;
    let shown = format!("{}, p99 {}", ms(samples.median()), ms(samples.p99()));
    let what = format!("decide + evolve: 1,000 records, {when}");
    Ok(Row::below(what, median, DECISION_MS_MAX, shown, "ms"))
}

/// What a plan of some size costs.
struct Costs {
    /// Reading and validating the plan.
    read: Samples,
    /// Folding the journal of a whole run.
    fold: Samples,
    /// Deciding while everything is under way.
    decide: Samples,
    /// A whole run: its records, the most of one look, and all its folding and deciding.
    records: usize,
    records_of_a_look_max: usize,
    record_bytes_max: usize,
    decisions: usize,
    run_ms: f64,
}

impl Costs {
    fn of(databases: usize) -> Result<Self> {
        let plan = estate::of(databases)?;
        let text = serde_json::to_string(&plan)?;
        let histories = (0..RUNS * LARGE / databases).map(|_| {
            let mut history = History::of(plan.clone());
            history.lose_primary()?;
            Ok(history)
        });
        let histories = histories.collect::<Result<Vec<_>>>()?;
        let history = histories.iter().min_by_key(|history| history.effort().spent);
        let history = history.context("nothing was played")?;
        let moment = Moment::after(history, begun_by(history.records())?)?;
        let state = fold(&moment.records)?;
        let effort = history.effort();
        let nothing = "nothing was measured";
        Ok(Self {
            read: Samples::take(TIMES_LARGE, || Plan::from_json(&text)).context(nothing)?,
            fold: Samples::take(TIMES_LARGE, || fold(history.records())).context(nothing)?,
            decide: Samples::take(TIMES_LARGE, || decide(&moment.plan, &state, &moment.facts, moment.now))
                .context(nothing)?,
            records: history.records().len(),
            records_of_a_look_max: effort.appended_max,
            record_bytes_max: largest(history.records())?,
            decisions: effort.decisions,
            run_ms: effort.spent.as_secs_f64() * 1000.0,
        })
    }
}

/// The size of the largest record, as the journal keeps it: its event as JSON beside a few texts.
fn largest(records: &[Record]) -> Result<usize> {
    let size = |record: &Record| -> Result<usize> {
        let named = "plan seq run at writer attempt schema sentence type event";
        let short = record.plan.as_str().len() + record.writer.len() + record.attempt.len();
        // Numbers, the time and the event's type; generously.
        let rest = 100;
        Ok(named.len() + short + rest + record.sentence.len() + serde_json::to_string(&record.event)?.len())
    };
    let sizes = records.iter().map(size).collect::<Result<Vec<usize>>>()?;
    sizes.into_iter().max().context("the journal is empty")
}

fn large_rows(tenth: &Costs, large: &Costs) -> Vec<Row> {
    let what = |part: &str| format!("1,000 databases, 500 fleets: {part}");
    let growth = |part: &str, tenth: &Samples, large: &Samples| {
        let times = large.min().as_secs_f64() / tenth.min().as_secs_f64();
        let shown = format!("{times:.1} times, from {} to {}", ms(tenth.min()), ms(large.min()));
        let what = format!("ten times the plan: {part}");
        Row::below(what, times, GROWTH_MAX, shown, "times")
    };
    let run = format!("{:.0} ms in {} decisions", large.run_ms, large.decisions);
    let run_times = large.run_ms / tenth.run_ms;
    let run_growth = format!("{run_times:.1} times, from {:.2} ms to {:.2} ms", tenth.run_ms, large.run_ms);
    let record_kb = kilobytes(large.record_bytes_max);
    let largest = format!("{record_kb:.0} KB, {:.0} KB of a tenth", kilobytes(tenth.record_bytes_max));
    let records = format!("{}, up to {} of one look", large.records, large.records_of_a_look_max);
    vec![
        Row::reported(what("read the plan"), ms(large.read.median())),
        Row::reported(what("fold a whole run"), ms(large.fold.median())),
        Row::reported(what("one decision amid it"), ms(large.decide.median())),
        Row::reported(what("records of a run"), records),
        Row::reported(what("deciding a whole run"), run),
        Row::below(what("largest record"), record_kb, RECORD_KB_MAX, largest, "KB"),
        growth("read the plan", &tenth.read, &large.read),
        growth("fold a whole run", &tenth.fold, &large.fold),
        growth("one decision amid it", &tenth.decide, &large.decide),
        Row::below(
            "ten times the plan: deciding a whole run",
            run_times,
            RUN_GROWTH_MAX,
            run_growth,
            "times",
        ),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "far below what a float counts exactly")]
fn kilobytes(bytes: usize) -> f64 {
    bytes as f64 / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_journals_have_a_thousand_legal_records() {
        for moment in [long_journal_at_its_end().unwrap(), long_journal_amid_a_move().unwrap()] {
            assert_eq!(moment.records.len(), RECORDS);
            assert_eq!(fold(&moment.records).unwrap().last_seq, 1000);
            moment.fold_and_decide().unwrap();
        }
    }

    #[test]
    fn the_largest_record_is_counted_with_its_event_and_its_sentence() {
        let moment = long_journal_at_its_end().unwrap();
        let record = moment.records.first().unwrap();
        let event = serde_json::to_string(&record.event).unwrap();
        let size = largest(std::slice::from_ref(record)).unwrap();
        let bare = record.sentence.len() + event.len();
        assert!((bare + 100..bare + 400).contains(&size), "{size} for {bare}");
        assert!(largest(&[]).is_err());
    }
}
