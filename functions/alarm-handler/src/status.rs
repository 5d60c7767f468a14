//! How things stand, for a person to read. Changes nothing.

use engine::conductor::{Conductor, Log};
use engine::fault::Fault;
use jiff::{SignedDuration, Timestamp};
use protocol::command::Step;
use protocol::decide::{Facts, decide, duration};
use protocol::journal::Record;
use protocol::readiness::Readiness;
use protocol::state::{Phase, Progress, Run, State};
use serde_json::{Value, json};

/// Most records shown of the last run.
const TIMELINE_MAX: usize = 60;

/// Answers the `status` command.
pub(crate) async fn status(conductor: &Conductor) -> Result<Value, Fault> {
    let mut log = Log::default();
    conductor.refresh(&mut log).await?;
    let now = conductor.clock.now();
    let state = &log.state;
    let records = conductor.journal.load_after(&conductor.plan.name, 0).await;
    let records = records.map_err(|failure| {
        Fault::from_failure("journal_unreadable", "The journal can't be read", &failure)
    })?;
    let vitals = conductor.journal.load_vitals(&conductor.plan.name).await.ok().flatten();
    let readiness = conductor.journal.load_readiness(&conductor.plan.name).await.ok().flatten();
    let decision = decide(&conductor.plan, state, &Facts::default(), now);
    let plan = &conductor.plan;
    Ok(json!({
        "sentence": decision.sentence,
        "plan": plan.name,
        "mode": plan.mode,
        "regions": plan.regions,
        "serving_from": if state.moved.is_empty() { &plan.regions.primary } else { &plan.regions.recovery },
        "hold": state.hold_at(now).map(|hold| json!({ "by": hold.by, "reason": hold.reason, "until": hold.until })),
        "evidence": evidence(state, now),
        "run": state.run.as_ref().map(|run| run_table(run, now)),
        "quarantine": quarantine(state),
        "opened_again": opened_again(state, now),
        "last_tick": vitals.as_ref().and_then(|vitals| vitals.ticked_at),
        "primary_last_answered": vitals.as_ref().and_then(|vitals| vitals.answered_at),
        "last_lag": vitals.map(|vitals| vitals.lag),
        "readiness": readiness.map(|last| readiness_table(&last.readiness, now)),
        "timeline": timeline(state, &records),
        "records": state.last_seq,
    }))
}

/// What the last pass saw, which may be half an hour old.
fn readiness_table(readiness: &Readiness, now: Timestamp) -> Value {
    json!({
        "sentence": readiness.sentence(),
        "looked": format!("{} ago", duration(now.duration_since(readiness.at()))),
        "checks": readiness.table(),
    })
}

fn evidence(state: &State, now: Timestamp) -> Vec<String> {
    state
        .evidence
        .iter()
        .map(|(key, standing)| {
            let held = duration(now.duration_since(standing.since));
            format!("{key}, seen from {}, for {held}: {}", standing.vantage, standing.detail)
        })
        .collect()
}

fn run_table(run: &Run, now: Timestamp) -> Value {
    // The watch over the evidence has no outcome of its own: it is over when the run has come further.
    let is_shown = |step: Step| step != Step::Confirm || matches!(run.phase, Phase::Confirming { .. });
    let steps: Vec<String> = run
        .steps
        .iter()
        .filter(|((step, _), _)| is_shown(*step))
        .map(|((step, subject), progress)| format!("{step} {subject}: {}", progress_words(progress, now)))
        .collect();
    json!({ "id": run.id, "kind": run.kind, "phase": run.phase.as_str(), "opened_at": run.opened_at, "steps": steps })
}

fn progress_words(progress: &Progress, now: Timestamp) -> String {
    match progress {
        Progress::Held { since, note, .. } if note.is_empty() => {
            format!("under way for {}", duration(now.duration_since(*since)))
        }
        Progress::Held { since, note, .. } => {
            format!("under way for {} ({note})", duration(now.duration_since(*since)))
        }
        Progress::Released { .. } => "waits for the tick".to_owned(),
        Progress::Done { detail, took_ms, .. } => {
            let took = SignedDuration::from_millis(i64::try_from(*took_ms).unwrap_or(i64::MAX));
            format!("done, took {}: {detail}", duration(took))
        }
        Progress::Failed { code, .. } => format!("failed ({code})"),
    }
}

/// Primary sides that somebody opened although their routes have moved.
fn opened_again(state: &State, now: Timestamp) -> Vec<String> {
    let open = state.reopened.iter().filter(|(_, reopened)| reopened.is_open);
    open.map(|(route, reopened)| {
        let ago = duration(now.duration_since(reopened.at));
        format!("{route}: its primary side is open, seen {ago} ago")
    })
    .collect()
}

fn quarantine(state: &State) -> Vec<String> {
    state
        .quarantine
        .iter()
        .map(|(database, quarantine)| match &quarantine.progress {
            Some(Progress::Done { detail, .. }) => format!("{database}: {detail}"),
            Some(Progress::Failed { code, .. }) => format!("{database}: failed ({code})"),
            _ => format!("{database}: the old primary is not cut off yet"),
        })
        .collect()
}

/// The last run, second by second from its first sign of loss.
fn timeline(state: &State, records: &[Record]) -> Vec<String> {
    let Some(run) = &state.run else { return Vec::new() };
    let shown: Vec<&Record> = records.iter().filter(|record| record.run == Some(run.id)).collect();
    let skipped = shown.len().saturating_sub(TIMELINE_MAX);
    shown
        .into_iter()
        .skip(skipped)
        .map(|record| {
            let since = record.at.duration_since(run.first_signal_at);
            #[expect(clippy::cast_precision_loss, reason = "shown with one decimal place")]
            let seconds = since.as_millis() as f64 / 1000.0;
            format!("+{seconds:7.1} s  {}  {}", record.writer, record.sentence)
        })
        .collect()
}
