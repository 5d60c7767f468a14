//! When are two journals the same to whoever goes on from them? Writes down what of a state can still matter, with
//! times relative to now and sequence numbers reduced to how they compare.
//!
//! Every struct is taken apart without `..`: a field that is added to the core stops this from compiling, until
//! somebody says whether it matters.

use std::hash::{Hash, Hasher};

use jiff::Timestamp;
use protocol::command::Step;
use protocol::evidence::EvidenceKind;
use protocol::journal::Cause;
use protocol::operator::Overrides;
use protocol::state::{AlarmSeen, Hold, Phase, Progress, Quarantine, Reopened, Run, State};

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
        hold,
        evidence,
        alarms,
        zone_failovers,
        rejected,
        run,
        quarantine,
        unnoticed,
        acknowledged,
        reopened,
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
    for (arn, AlarmSeen { changed_at, state }) in alarms {
        // A message older than 300 s is rejected before it is compared with this.
        (arn, ago(now, *changed_at).min(330), *state as u8).hash(out);
    }
    for (database, at) in zone_failovers {
        (database, ago(now, *at).min(180)).hash(out);
    }
    for ((source, reason), at) in rejected {
        (source, *reason as u8, ago(now, *at).min(3_600)).hash(out);
    }
    if let Some(run) = run {
        write_run(run, now, out);
        (*acknowledged == Some(run.id)).hash(out);
    }
    for (name, Quarantine { run: _, since, overdue, progress }) in quarantine {
        (name, *overdue).hash(out);
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
    } = run;
    std::mem::discriminant(phase).hash(out);
    (*cause == Cause::Evidence).hash(out);
    match phase {
        Phase::Confirming { sufficient_since } => {
            (ago(now, *opened_at), sufficient_since.map(|at| ago(now, at))).hash(out);
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
