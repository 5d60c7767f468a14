//! How things stand, for a person to read. Changes nothing.

use std::collections::BTreeMap;

use engine::conductor::{Conductor, Log};
use engine::fault::Fault;
use engine::log::{RUNBOOK, Unread};
use engine::pair::PairLook;
use jiff::{SignedDuration, Timestamp};
use ports::{Failure, Journal, Rest};
use protocol::command::Step;
use protocol::decide::{Facts, Lost, alarm_age, decide};
use protocol::group::groups;
use protocol::journal::{Record, RunReport};
use protocol::name::Name;
use protocol::plan::Plan;
use protocol::readiness::Readiness;
use protocol::readiness::facts::JournalFacts;
use protocol::state::holdings::Holding;
use protocol::state::{Phase, Progress, Run, State};
use protocol::words::{duration, of_ms};
use serde_json::{Value, json};

use crate::{AlarmHandler, attention};

/// Most records shown of the last run.
const TIMELINE_MAX: usize = 60;

/// Of a long run so many records before its last one are read, and so many after it: its quarantine comes later.
const TIMELINE_READ: u64 = 5_000;

/// Most pages read for the timeline.
const TIMELINE_PAGES_MAX: usize = 8;

/// Answers the `status` command. It answers whatever became of the journal: as of the last good record, with the one that
/// can't be read.
pub(crate) async fn status(function: &AlarmHandler, conductor: &Conductor) -> Result<Value, Fault> {
    let (plan, journal) = (&conductor.plan, &*conductor.journal);
    let mut log = Log::default();
    let unread = match log.read(journal, &plan.name).await {
        Ok(()) => None,
        Err(poison @ Unread::Poison { .. }) => Some(poison.sentence(&plan.name)),
        Err(silence @ Unread::Silence(_)) => {
            return Err(Fault::new("journal_unreadable", silence.sentence(&plan.name)));
        }
    };
    let now = conductor.clock.now();
    let state = &log.state;
    let (timeline, timeline_unread) = match &state.run {
        None => (Vec::new(), None),
        Some(run) => match records_of(journal, &plan.name, run).await {
            Ok(records) => (timeline(run, &records), None),
            // What is known of the run does not hang on the words of its records.
            Err(failure) => (Vec::new(), Some(failure.to_string())),
        },
    };
    let vitals = journal.load_vitals(&plan.name).await.ok().flatten();
    let readiness = journal.load_readiness(&plan.name).await.ok().flatten();
    // What keeps a new guard from beginning keeps nobody from asking how things stand.
    let pair = function.see_pair(conductor, state).await.ok().flatten();
    let sentence = unread.unwrap_or_else(|| decide(plan, state, &Facts::default(), now).sentence);
    Ok(json!({
        "sentence": sentence,
        "plan": plan.name,
        "mode": plan.mode,
        "regions": plan.sides.as_ref().map(|place| &place.region),
        "serving_from": state.serving_region(plan),
        "guards": guards(plan, state, pair.as_ref(), now),
        "hold": state.hold_at(now).map(|hold| json!({ "by": hold.by, "reason": hold.reason, "until": hold.until })),
        "attention": attention::shown(&log),
        "evidence": evidence(state, now),
        "run": state.run.as_ref().map(|run| run_table(run, now)),
        "quarantine": quarantine(plan, state),
        "opened_again": opened_again(plan, state, now),
        "last_tick": vitals.as_ref().and_then(|vitals| vitals.ticked_at),
        "primary_last_answered": vitals.as_ref().and_then(|vitals| vitals.answered_at),
        "last_lag": vitals.map(|vitals| vitals.lag),
        "readiness": readiness.map(|last| readiness_table(&last.readiness, now)),
        "timeline": timeline,
        "timeline_unread": timeline_unread,
        "records": state.last_seq,
        "journal": journal_table(&log.facts(), now),
    }))
}

/// What each of two guards holds, as it says; nothing for a guard that is alone.
fn guards(plan: &Plan, state: &State, pair: Option<&PairLook>, now: Timestamp) -> Option<Value> {
    let guard = state.guard.as_ref()?;
    let ago = |at: Timestamp| format!("{} ago", duration(now.duration_since(at).max(SignedDuration::ZERO)));
    let shown = |held: Holding, since: Option<Timestamp>| json!({ "state": held.ownership, "term": held.term, "since": since });
    let own: BTreeMap<Name, Value> = groups(plan)
        .into_iter()
        .map(|group| (group.name.clone(), shown(group.holding(state), group.since(state))))
        .collect();
    let word = pair.and_then(|pair| pair.seen.word.as_ref());
    let said = word.map(|word| {
        let said = word.groups.iter();
        let groups: BTreeMap<&Name, Value> =
            said.map(|(name, said)| (name, shown(said.holding, said.since))).collect();
        json!({ "said": ago(word.at), "groups": groups })
    });
    let last_heard = pair.and_then(|pair| pair.seen.heard_at);
    Some(json!({
        "own": { "region": plan.own().region, "restored": guard.is_restored, "groups": own },
        "other": {
            "region": plan.other().region,
            "word": said,
            "unheard": pair.and_then(|pair| pair.unheard.as_ref()),
            "last_heard": last_heard.map(ago),
        },
    }))
}

/// How full the journal is, and what is wrong with it.
fn journal_table(facts: &JournalFacts, now: Timestamp) -> Value {
    let JournalFacts { records_since_snapshot, snapshot, refused, poison, .. } = facts;
    json!({
        "records_since_snapshot": records_since_snapshot,
        "snapshot": snapshot.as_ref().map(|kept| json!({
            "after_record": kept.seq,
            "taken": format!("{} ago", duration(now.duration_since(kept.at))),
            "bytes": kept.bytes,
        })),
        "refused_snapshot": refused,
        "poison_record": poison.as_ref().map(|poison| json!({
            "seq": poison.seq,
            "why": poison.why,
            "runbook": RUNBOOK,
        })),
    })
}

/// The records of the last run and those between them, a bounded number of the last ones; not the whole log.
async fn records_of(journal: &dyn Journal, plan: &Name, run: &Run) -> Result<Vec<Record>, Failure> {
    let mut after = run.id.max(run.last_seq.saturating_sub(TIMELINE_READ)).saturating_sub(1);
    let mut shown = Vec::new();
    for _ in 0..TIMELINE_PAGES_MAX {
        let page = journal.load_after(plan, after).await?;
        after = page.records.last().map_or(after, |record| record.seq);
        shown.extend(page.records.into_iter().filter(|record| record.run == Some(run.id)));
        shown.drain(..shown.len().saturating_sub(TIMELINE_MAX));
        if page.rest != Rest::More || after > run.last_seq.saturating_add(TIMELINE_READ) {
            break;
        }
    }
    Ok(shown)
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
            // CloudWatch's clock may be ahead.
            let held = duration(now.duration_since(standing.since).max(SignedDuration::ZERO));
            let age =
                alarm_age(state, key, standing, now).map_or_else(String::new, |age| format!(" ({age})"));
            format!("{key}, seen from {}, for {held}{age}: {}", standing.vantage, standing.detail)
        })
        .collect()
}

fn run_table(run: &Run, now: Timestamp) -> Value {
    // The watch over the evidence has no outcome of its own: it is over when the run has come further.
    let is_shown = |step: Step| step != Step::Confirm || matches!(run.phase, Phase::Confirming { .. });
    let steps: Vec<String> = run
        .steps
        .iter()
        .filter(|(step, ..)| is_shown(*step))
        .map(|(step, subject, progress)| format!("{step} {subject}: {}", progress_words(progress, now)))
        .collect();
    let report = match &run.phase {
        Phase::Completed { report, .. } => Some(report),
        _ => None,
    };
    json!({
        "id": run.id,
        "kind": run.kind,
        "phase": run.phase.as_str(),
        "opened_at": run.opened_at,
        "times": times(run, report.map(|report| &**report)),
        "steps": steps,
        "report": report,
    })
}

/// The four times of a run, as far as they are known: detect, decide, move, and all of it.
fn times(run: &Run, report: Option<&RunReport>) -> Value {
    let at_most = |time: SignedDuration| format!("at most {}", duration(time));
    let detect = run.alive_at.map(|alive_at| run.first_signal_at.duration_since(alive_at));
    let decide = run.committed_at.map(|committed_at| committed_at.duration_since(run.first_signal_at));
    json!({
        "detect": detect.map(at_most),
        "decide": decide.map(duration),
        "move": report.map(|report| duration(of_ms(report.moving_ms))),
        "total": report.and_then(|report| report.total_ms).map(|total| at_most(of_ms(total))),
    })
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
            let took = of_ms(*took_ms);
            format!("done, took {}: {detail}", duration(took))
        }
        Progress::Failed { code, .. } => format!("failed ({code})"),
    }
}

/// Primary sides that somebody opened although their routes have moved.
fn opened_again(plan: &Plan, state: &State, now: Timestamp) -> Vec<String> {
    let open = state.opened_again();
    open.map(|(route, reopened)| {
        let ago = duration(now.duration_since(reopened.at));
        format!("{route}: its {} side is open, seen {ago} ago", plan.seat.other().as_str())
    })
    .collect()
}

fn quarantine(plan: &Plan, state: &State) -> Vec<String> {
    let known = |name: &Name| plan.databases.iter().find(|database| database.name == *name);
    state
        .cleanups(Step::Quarantine)
        .map(|(database, quarantine)| (database, quarantine, Lost::of(plan, known(database), quarantine)))
        .map(|(database, quarantine, lost)| match (&quarantine.progress, lost) {
            (Some(Progress::Done { detail, .. }), _) => format!("{database}: {detail}"),
            (_, Some(lost)) => format!(
                "{database}: Pilotlight can't isolate the old primary, because {}; put it back, or isolate \
                 the old primary by hand",
                lost.why()
            ),
            (Some(Progress::Failed { code, .. }), None) => format!("{database}: failed ({code})"),
            _ => format!("{database}: the old primary is not isolated yet"),
        })
        .collect()
}

/// The last run, second by second from its first sign of loss.
fn timeline(run: &Run, records: &[Record]) -> Vec<String> {
    let line = |record: &Record| {
        let since = record.at.duration_since(run.first_signal_at);
        #[expect(clippy::cast_precision_loss, reason = "shown with one decimal place")]
        let seconds = since.as_millis() as f64 / 1000.0;
        format!("+{seconds:7.1} s  {}  {}", record.writer, record.sentence)
    };
    records.iter().map(line).collect()
}
