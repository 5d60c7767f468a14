//! When are two journals the same to whoever goes on from them? Writes down what of a state can still matter, with
//! times relative to now and sequence numbers reduced to how they compare.
//!
//! Every struct is taken apart without `..`: a field that is added to the core stops this from compiling, until
//! somebody says whether it matters.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use jiff::Timestamp;
use protocol::attention::{CALM_AFTER, Call, Calls, Dismissals, EASED_FOR, pause_after};
use protocol::command::Step;
use protocol::evidence::EvidenceKind;
use protocol::journal::Cause;
use protocol::operator::Overrides;
use protocol::state::{
    AlarmSeen, AlarmWord, Course, Hold, Phase, Progress, Quarantine, Rejected, Reopened, Run, State,
};

/// Past this the age of a first sign changes nothing: no sample is near enough.
const SIGN_SECONDS: i64 = 990;

/// Past this age evidence of a kind no longer counts.
fn lapses(kind: EvidenceKind) -> i64 {
    match kind {
        EvidenceKind::Alarm => 3_630,
        EvidenceKind::Probe | EvidenceKind::Replica => 120,
    }
}

/// Seconds from a moment to now.
fn ago(now: Timestamp, then: Timestamp) -> i64 {
    now.duration_since(then).as_secs()
}

/// What of a state can still matter at a moment.
pub fn write<H: Hasher>(state: &State, now: Timestamp, out: &mut H) {
    let State {
        last_seq: _, // Only how it compares with others matters.
        moved,
        moved_at: _, // For people alone.
        hold,
        evidence,
        alarms,
        silences,
        zone_failovers,
        zone_failovers_since,
        rejected,
        run,
        quarantine,
        unnoticed,
        acknowledged,
        reopened,
        calls,
        dismissals,
    } = state;
    moved.hash(out);
    if let Some(Hold { by: _, reason: _, until }) = hold {
        // One that is over counts for nothing, however long ago.
        ago(now, *until).min(0).hash(out);
    }
    let ended = run.as_ref().map_or(0, |run| run.last_seq);
    for (key, standing) in evidence {
        key.hash(out);
        // `since` of what stands becomes the first sign of a run to be; the gate asks for samples near it.
        (ago(now, standing.since).min(SIGN_SECONDS), ago(now, standing.last_seen).min(lapses(key.kind)))
            .hash(out);
        (standing.outside, standing.raised_seq > ended).hash(out);
    }
    write_alarms(alarms, now, out);
    for (region, since) in silences {
        // Evidence compares its last word with it.
        (region, ago(now, *since)).hash(out);
    }
    for (database, at) in zone_failovers {
        // Past an hour the next word has nothing to do with it.
        (database, ago(now, *at).min(3_630)).hash(out);
    }
    zone_failovers_since.map(|since| ago(now, since).min(630)).hash(out);
    for (reason, lately) in rejected {
        for Rejected { source, at } in lately {
            (source, *reason as u8, ago(now, *at).min(3_600)).hash(out);
        }
    }
    write_calls(calls, now, out);
    write_dismissals(*dismissals, now, out);
    if let Some(run) = run {
        write_run(run, now, out);
        (*acknowledged == Some(run.id)).hash(out);
    }
    for (name, Quarantine { run: _, since, overdue, lost, progress }) in quarantine {
        (name, *overdue, *lost).hash(out);
        let is_done = progress.as_ref().is_some_and(Progress::is_done);
        // When it became due matters until people were told or it is done.
        (if *overdue || is_done { 0 } else { ago(now, *since) }).hash(out);
        write_progress(progress.as_ref(), now, out);
    }
    for (route, Reopened { at, is_open }) in reopened {
        // Past this age it is written down again.
        (route, is_open, ago(now, *at).min(630)).hash(out);
    }
    unnoticed.len().hash(out);
    for record in unnoticed.values() {
        ago(now, record.at).min(330).hash(out);
    }
}

fn write_alarms<H: Hasher>(alarms: &BTreeMap<String, AlarmSeen>, now: Timestamp, out: &mut H) {
    for (arn, AlarmSeen { whole, contributors, muted }) in alarms {
        arn.hash(out);
        // Compared with an answer's change alone, whose age is bounded the same way.
        muted.map(|at| ago(now, at).min(330)).hash(out);
        for (contributor, word) in whole
            .iter()
            .map(|word| ("", word))
            .chain(contributors.iter().map(|(id, word)| (id.as_str(), word)))
        {
            let AlarmWord { changed_at, state } = word;
            // A message older than 300 s is rejected before it is compared with this.
            (contributor, ago(now, *changed_at).min(330), *state as u8).hash(out);
        }
    }
}

/// A call matters by what is due next: how often it was made up to the longest pause, and for how long it waits.
fn write_calls<H: Hasher>(calls: &Calls, now: Timestamp, out: &mut H) {
    calls.len().hash(out);
    for (matter, Call { since: _, times, last_at, eased_at }) in calls {
        let forgotten = pause_after(*times) + CALM_AFTER;
        (matter, (*times).min(5), ago(now, *last_at).min(forgotten.as_secs() + 30)).hash(out);
        eased_at.map(|at| ago(now, at).min(EASED_FOR.as_secs())).hash(out);
    }
}

/// Runs that came to nothing matter by whether one more is opened, or told.
fn write_dismissals<H: Hasher>(dismissals: Dismissals, now: Timestamp, out: &mut H) {
    let Dismissals { told, since: _, last_at, folded: _, untold: _ } = dismissals;
    let forgotten = pause_after(told) + CALM_AFTER;
    (told.min(7), last_at.map(|at| ago(now, at).min(forgotten.as_secs() + 30))).hash(out);
}

fn write_run<H: Hasher>(run: &Run, now: Timestamp, out: &mut H) {
    let Run {
        id: _,
        last_seq: _, // Compared with `raised_seq` above.
        kind: _,     // There is one.
        scope,
        cause,
        opened_at,
        first_signal_at,
        phase,
        steps,
        begun,
        before,
        committed_at,
        progress_at,
        overrides,
        data_loss,
        vetoes,
        undo_overdue,
        fences_lost,
        // Here a weight that is asked for is read.
        fence_unread_at: _,
        course,
    } = run;
    std::mem::discriminant(phase).hash(out);
    (*cause == Cause::Evidence).hash(out);
    match phase {
        Phase::Confirming { sufficient_since } => {
            (ago(now, *opened_at), sufficient_since.map(|at| ago(now, at))).hash(out);
            // For how long it was sufficient decides whether people are called when it ends.
            let Course { sufficient_from, sufficient_at, was_vetoed, is_quiet: _ } = course;
            let span =
                sufficient_at.zip(*sufficient_from).map(|(at, from)| at.duration_since(from).as_secs());
            (sufficient_from.map(|at| ago(now, at)), span, was_vetoed).hash(out);
        }
        Phase::AwaitingApproval { since } => ago(now, *since).hash(out),
        // What is asked is for people.
        Phase::NeedsOperator { need: _, since: _ } | Phase::Aborting { cause: _ } | Phase::Moving => {}
        Phase::Aborted { at, cause } => {
            // A finished run matters by its cooldown alone.
            (ago(now, *at).min(120), matches!(cause, protocol::journal::AbortCause::Evidence)).hash(out);
            return;
        }
        Phase::Completed { at, report: _ } => {
            ago(now, *at).min(120).hash(out);
            return;
        }
    }
    course.is_quiet.hash(out);
    (scope.databases.len(), scope.fleets.len(), scope.routes.len()).hash(out);
    let promoted = begun.contains(&Step::Promote);
    (promoted, begun.contains(&Step::Open)).hash(out);
    // The gate reads the samples before the first sign, until the first promotion.
    (if promoted { 0 } else { ago(now, *first_signal_at) }).hash(out);
    (committed_at.map(|at| ago(now, at)), ago(now, *progress_at)).hash(out);
    for ((step, name), progress) in steps {
        (step, name).hash(out);
        write_progress(Some(progress), now, out);
    }
    before.hash(out);
    let Overrides { allow_data_loss, override_fence, override_vetoes } = overrides;
    (allow_data_loss, override_fence, override_vetoes, undo_overdue, fences_lost).hash(out);
    for loss in data_loss {
        (&loss.database, loss.within_limit).hash(out);
    }
    for veto in vetoes {
        veto.to_string().hash(out);
    }
}

/// Which intent holds it is written by the workers, who alone compare it.
fn write_progress<H: Hasher>(progress: Option<&Progress>, now: Timestamp, out: &mut H) {
    match progress {
        None => 0u8.hash(out),
        Some(Progress::Held { intent: _, since, until, note: _ }) => {
            (1u8, ago(now, *since), ago(now, *until).min(0)).hash(out);
        }
        Some(Progress::Released { since, note: _ }) => (2u8, ago(now, *since)).hash(out),
        Some(Progress::Done { since: _, at: _, detail: _, took_ms: _ }) => 3u8.hash(out),
        Some(Progress::Failed { since, at, code: _ }) => (4u8, ago(now, *since), ago(now, *at)).hash(out),
    }
}
