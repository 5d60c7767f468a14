//! When are two journals the same to whoever goes on from them? Writes down what of a state can still matter, with
//! times relative to now and sequence numbers reduced to how they compare.
//!
//! Every struct is taken apart without `..`: a field that is added to the core stops this from compiling, until
//! somebody says whether it matters.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};

use engine::step::StepStatus;
use engine::step::attempt::{
    self, ASKED_AGAIN_AFTER, CLEAR_AGE_MAX, FirstSeen, Job, LANDS_WITHIN, SIGHT_AGE_MAX, Then, Waiting,
};
use engine::turn::{self, Ended};
use jiff::{SignedDuration, Timestamp};
use ports::Failure;
use protocol::attention::{CALM_AFTER, Call, Calls, Dismissals, EASED_FOR, pause_after};
use protocol::command::Step;
use protocol::decide::{Facts, OBSERVATION_AGE_MAX, Verdict};
use protocol::evidence::{
    ALARM_STANDS, EvidenceKind, MULTI_AZ_FAILOVERS_APART, MULTI_AZ_FAILOVERS_TAKE, OBSERVATION_GAP_MAX,
};
use protocol::journal::{Cause, SubjectDone};
use protocol::name::Name;
use protocol::operator::Overrides;
use protocol::state::{
    AlarmSeen, AlarmWord, Cleanup, Course, Hold, OneOfTwo, Phase, Progress, REJECTED_WITHIN, Rejected,
    Reopened, Run, State,
};

use crate::world::{Seen, time};

/// Past this the age of a first sign changes nothing: no sample is near enough.
const SIGN_SECONDS: i64 = 990;

/// What lasts so long makes no difference any more a little after that.
const fn past(lasts: SignedDuration) -> i64 {
    lasts.as_secs() + 30
}

/// Past this age evidence of a kind no longer counts.
fn lapses(kind: EvidenceKind) -> i64 {
    match kind {
        EvidenceKind::Alarm => past(ALARM_STANDS),
        EvidenceKind::Probe | EvidenceKind::Replica => past(OBSERVATION_GAP_MAX),
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
        holdings,
        active_since: _, // For people alone.
        hold,
        evidence,
        alarms,
        silences,
        multi_az_failovers,
        multi_az_failovers_since,
        rejected,
        run,
        cleanup,
        unnoticed,
        acknowledged,
        reopened,
        calls,
        dismissals,
        guard,
    } = state;
    if let Some(OneOfTwo { table_id, began_at: _, held_since: _, is_restored, offset, left_seq }) = guard {
        // What has been left is compared with how far the other guard has heard.
        (table_id, is_restored, offset, left_seq).hash(out);
    }
    for (item, held) in holdings.iter() {
        (item, held.ownership as u8, held.term).hash(out);
    }
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
    for (database, at) in multi_az_failovers {
        // Past that the next word has nothing to do with it.
        (database, ago(now, *at).min(past(MULTI_AZ_FAILOVERS_APART))).hash(out);
    }
    multi_az_failovers_since.map(|since| ago(now, since).min(past(MULTI_AZ_FAILOVERS_TAKE))).hash(out);
    for (reason, lately) in rejected {
        for Rejected { source, at } in lately {
            (source, *reason as u8, ago(now, *at).min(REJECTED_WITHIN.as_secs())).hash(out);
        }
    }
    write_calls(calls, now, out);
    write_dismissals(*dismissals, now, out);
    if let Some(run) = run {
        write_run(run, now, out);
        (*acknowledged == Some(run.id)).hash(out);
    }
    for ((step, name), Cleanup { run: _, since, overdue, lost, progress }) in cleanup {
        (step, name, *overdue, *lost).hash(out);
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
        is_dated,
        phase,
        steps,
        begun,
        before,
        // It is reported, and decides nothing.
        alive_at: _,
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
    (*cause == Cause::Evidence, *is_dated).hash(out);
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
        Phase::Completed { at, report: _ } | Phase::Superseded { at } => {
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
    for (step, name, progress) in steps.iter() {
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

/// What a look showed, as long as it is in hand.
pub fn write_seen<H: Hasher>(seen: &Seen, moment: u32, out: &mut H) {
    let Seen { at, probe, replica, is_detached, lived_until, lag, truth, left_out: _, is_reopened } = seen;
    let age = time(moment).duration_since(time(*at)).min(OBSERVATION_AGE_MAX + SignedDuration::from_secs(1));
    (age.as_secs(), probe, replica, is_detached).hash(out);
    (at - lived_until, lag, truth, is_reopened).hash(out);
}

/// What of an attempt can still matter. Which intent is its own is written by whether it holds its item.
pub fn write_attempt<H: Hasher>(parts: attempt::Parts<'_>, now: Timestamp, out: &mut H) {
    let attempt::Parts {
        command: _, // The worker's.
        manner,     // The step's.
        hands_over_at,
        first,
        clear_at,
        intent,
        until,
        left,
        notes: _, // For people, as the next.
        watched: _,
        acted_at,
        asked_at,
        believed,
        unanswered_at,
        // These say how long it rests, and here the checker says that.
        looked_at: _,
        is_due: _,
        is_doubted: _,
        has_acted,
        jobs,
        waiting,
    } = parts;
    (left_to(now, hands_over_at), intent == 0, left_to(now, until)).hash(out);
    left.hash(out);
    if let Some(first) = first {
        write_first(first, now, out);
    }
    clear_at.map(|at| ago(now, at).min(CLEAR_AGE_MAX.as_secs() + 1)).hash(out);
    // When it was is for people; that it was is asked when it is taken back.
    for name in acted_at.keys() {
        name.hash(out);
    }
    write_lately(asked_at, ASKED_AGAIN_AFTER, now, out);
    write_lately(unanswered_at, LANDS_WITHIN, now, out);
    if manner.doubts_one_look {
        believed.hash(out);
    }
    has_acted.hash(out);
    write_jobs(jobs, out);
    write_waiting(waiting, now, out);
}

/// Seconds from now to a moment; what is over is over, however long ago.
fn left_to(now: Timestamp, then: Timestamp) -> i64 {
    then.duration_since(now).as_secs().max(0)
}

/// What happened so lately that it still counts.
fn write_lately<H: Hasher>(
    times: &BTreeMap<Name, Timestamp>,
    counts_for: SignedDuration,
    now: Timestamp,
    out: &mut H,
) {
    for (name, at) in times.iter().filter(|(_, at)| now.duration_since(**at) < counts_for) {
        (name, ago(now, *at)).hash(out);
    }
    0u8.hash(out);
}

fn write_first<H: Hasher>(first: &FirstSeen, now: Timestamp, out: &mut H) {
    let FirstSeen { began_at, subjects, sights, is_clear } = first;
    (is_clear, ago(now, *began_at).min(SIGHT_AGE_MAX.as_secs() + 1)).hash(out);
    subjects.hash(out);
    match sights {
        Ok(sights) => sights.iter().for_each(|sight| write_sight(sight, out)),
        Err(failure) => write_failure(failure, out),
    }
}

fn write_sight<H: Hasher>(sight: &StepStatus, out: &mut H) {
    std::mem::discriminant(sight).hash(out);
    match sight {
        StepStatus::Pending { before } => before.is_some().hash(out),
        // Words for people.
        StepStatus::Done { detail: _ }
        | StepStatus::InProgress { note: _ }
        | StepStatus::Failed { code: _, message: _ } => {}
    }
}

fn write_failure<H: Hasher>(failure: &Failure, out: &mut H) {
    let Failure { kind, action: _, code: _, message: _ } = failure;
    std::mem::discriminant(kind).hash(out);
}

fn write_jobs<H: Hasher>(jobs: &VecDeque<Job>, out: &mut H) {
    for job in jobs {
        std::mem::discriminant(job).hash(out);
        match job {
            Job::Take(sights) => sights.iter().for_each(|sight| write_sight(sight, out)),
            Job::Fail { subjects, failure } => {
                subjects.hash(out);
                write_failure(failure, out);
            }
            Job::Finish(done) => {
                for SubjectDone { subject, detail: _, changed: _, took_ms: _ } in done {
                    subject.hash(out);
                }
            }
            Job::Failed { subjects, code: _, message: _ }
            | Job::Leave { subjects, note: _ }
            | Job::ActOn(subjects)
            | Job::Begin(subjects)
            | Job::Effects(subjects)
            | Job::TakeBack(subjects)
            | Job::Outlast(subjects) => subjects.hash(out),
            Job::Release(subject) => subject.hash(out),
            // What it ends with is for people.
            Job::End(_) => {}
            Job::FirstLook | Job::Intend | Job::Look | Job::Advance | Job::ReleaseLost => {}
            Job::Watch | Job::EndTurn | Job::HandOver | Job::Rest => {}
        }
    }
}

/// What was seen of the world is the worker's, and written there; races come nowhere near their bound.
fn write_waiting<H: Hasher>(waiting: Option<&Waiting>, now: Timestamp, out: &mut H) {
    waiting.map(std::mem::discriminant).hash(out);
    match waiting {
        Some(Waiting::FirstLook { began_at, subjects }) => {
            ago(now, *began_at).min(SIGHT_AGE_MAX.as_secs() + 1).hash(out);
            subjects.hash(out);
        }
        Some(Waiting::Append { draft, races: _, then }) => {
            std::mem::discriminant(&draft.event).hash(out);
            write_then(then, now, out);
        }
        Some(Waiting::Weigh { facts: _, is_last }) => is_last.hash(out),
        Some(Waiting::ReadToAct(subjects) | Waiting::Objection(subjects)) => subjects.hash(out),
        // The lease bounds an effect; when it began says when it is asked for again.
        Some(Waiting::Acts { began_at }) => {
            ago(now, *began_at).min(ASKED_AGAIN_AFTER.as_secs()).hash(out);
        }
        Some(Waiting::ReadToWeigh(_) | Waiting::WindowEnd(_)) => {}
        Some(Waiting::FirstRest | Waiting::Reread | Waiting::Advance | Waiting::Look) => {}
        Some(Waiting::Observe | Waiting::ReadToRelease | Waiting::TakenBack | Waiting::Pause) => {}
        None => {}
    }
}

fn write_then<H: Hasher>(then: &Then, now: Timestamp, out: &mut H) {
    std::mem::discriminant(then).hash(out);
    match then {
        Then::Begun { subjects, until } => (subjects, left_to(now, *until)).hash(out),
        Then::Failed(subjects) | Then::Done(subjects) => subjects.hash(out),
        Then::Objected { subjects, note: _ } => subjects.hash(out),
        Then::Released(subject) => subject.hash(out),
        Then::Renewed(until) => left_to(now, *until).hash(out),
        // What it ends with is for people.
        Then::HandedOver(_) | Then::Left => {}
    }
}

/// What of a turn can still matter. `state` is the journal as it is: what people are to be told of is written by where it
/// stands there.
pub fn write_turn<H: Hasher>(parts: turn::TurnParts<'_>, state: &State, out: &mut H) {
    let turn::TurnParts { facts, races: _, ended, untold, waiting } = parts;
    let Facts { signals, operator, observation, fences, pair } = facts;
    // One guard alone has none.
    pair.is_some().hash(out);
    // What was said is the worker's task, and what was seen is written there.
    (signals.len(), operator.is_some(), observation.is_some(), fences.len()).hash(out);
    // Races and records come nowhere near their bounds.
    let Ended { sentence: _, verdict, appended } = ended;
    (verdict.as_ref().map(|(verdict, _)| *verdict == Verdict::Accepted), *appended > 0).hash(out);
    let place = |of: &u64| state.unnoticed.keys().position(|seq| seq == of);
    for (of, _) in untold {
        place(of).hash(out);
    }
    std::mem::discriminant(waiting).hash(out);
    match waiting {
        turn::TurnWaiting::Decision(answer) => {
            answer.as_ref().map(|(verdict, _)| *verdict == Verdict::Accepted).hash(out);
        }
        turn::TurnWaiting::Told(of) | turn::TurnWaiting::Noted { of, draft: _, races: _ } => {
            place(of).hash(out);
        }
        turn::TurnWaiting::Begin | turn::TurnWaiting::Published => {}
    }
}
