//! What a moving run is due: its next steps, its end, or an operator. The same for every kind of run.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::sentence::{need, unblock};
use super::{Draft, SUBJECTS_PER_COMMAND, fence};
use crate::command::{Step, StepCommand};
use crate::graph::{self, items, seconds_max};
use crate::journal::{AbortCause, Event, Need};
use crate::name::Name;
use crate::plan::Plan;
use crate::report;
use crate::state::{Cleanup, Phase, Progress, Run, State};
use crate::step::ItemKind;
use crate::words::{duration, list, of_ms, seconds};

/// Longest note of a late step that people are shown.
const NOTE_CHARACTERS_MAX: usize = 1000;

/// After this long, what failed and must be done in any case is tried again.
const FAILED_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// The record that a moving run is due, if any.
pub(super) fn advance(plan: &Plan, run: &Run, now: Timestamp) -> Option<Draft> {
    let gone = gone_from_plan(plan, run);
    if !gone.is_empty() {
        return Some(need_operator(plan, run, Need::PlanChanged { subjects: gone }, None));
    }
    if run.has_moved() {
        return Some(complete(plan, run, now));
    }
    if let Some(need) = fence::needs_operator(run) {
        return Some(need_operator(plan, run, need, None));
    }
    overdue(plan, run, now).map(|need| need_operator(plan, run, need, None))
}

/// Items of the run that the plan no longer has, or has as something else: nobody knows what to do with them.
fn gone_from_plan(plan: &Plan, run: &Run) -> Vec<Name> {
    let is_known = |kind| {
        // A run's items are nearly always in the order of the plan.
        let mut known = items(plan, kind);
        run.items(kind).iter().all(|name| known.any(|(known, _)| known == name))
    };
    let is_gone = |kind| {
        let known: BTreeSet<&Name> = items(plan, kind).map(|(name, _)| name).collect();
        run.items(kind).iter().filter(move |name| !known.contains(name))
    };
    ItemKind::ALL.into_iter().filter(|kind| !is_known(*kind)).flat_map(is_gone).cloned().collect()
}

/// The first step that takes too long: begun long ago, or due long ago and never taken. Where nothing is due and not
/// everything done, whatever is open stands still.
fn overdue(plan: &Plan, run: &Run, now: Timestamp) -> Option<Need> {
    // A step that began while the evidence was weighed has its whole time from the decision on.
    let is_late = |step, since: Timestamp| {
        let since = since.max(run.committed_at.unwrap_or(since));
        now.duration_since(since) >= limit(plan, step)
    };
    if !run.steps_to_do().any(|step| run.longest_open(step).is_some_and(|since| is_late(step, since))) {
        return None;
    }
    let of_steps = |items: &dyn Fn(Step) -> Vec<_>| -> Vec<(Step, &Name)> {
        run.steps_to_do().flat_map(|step| items(step).into_iter().map(move |name| (step, name))).collect()
    };
    let ready = match of_steps(&|step| graph::ready(plan, run, step)) {
        none if none.is_empty() => of_steps(&|step| graph::open(run, step)),
        ready => ready,
    };
    let since = |step, name| run.progress(step, name).map_or(run.progress_at, Progress::since);
    let mut late = ready.into_iter().filter(|(step, name)| is_late(*step, since(*step, name))).peekable();
    let (step, _) = *late.peek()?;
    let subjects: Vec<Name> = late.filter(|(of, _)| *of == step).map(|(_, name)| name.clone()).collect();
    let notes = subjects.iter().filter_map(|subject| run.progress(step, subject)).map(Progress::note);
    let notes: BTreeSet<&str> = notes.filter(|note| !note.is_empty()).collect();
    let note = if notes.is_empty() { String::new() } else { list(notes) };
    let note = note.chars().take(NOTE_CHARACTERS_MAX).collect();
    Some(Need::StepOverdue { step, subjects, note })
}

/// The end of a run that moved.
fn complete(plan: &Plan, run: &Run, now: Timestamp) -> Draft {
    let report = report::measure(run, now);
    let loss = match (report.rpo_estimate_ms, report.loss_at_most_ms) {
        (Some(lag), Some(most)) => format!(
            "at most {:.1} s of writes (the last lag that CloudWatch reported was {:.1} s)",
            seconds(most),
            seconds(lag)
        ),
        (Some(lag), None) => format!("about {:.1} s of writes", seconds(lag)),
        (None, _) if run.scope.databases.is_empty() => "no database moved".to_owned(),
        (None, _) => "an unknown amount of writes".to_owned(),
    };
    let took = |ms: u64| duration(of_ms(ms));
    let detected = match (report.detect_ms, report.total_ms) {
        (Some(detect), Some(total)) => format!(
            " The loss was noticed at most {} after the last sign of life, so that all of it took {} at most.",
            took(detect),
            took(total)
        ),
        _ => String::new(),
    };
    let sentence = format!(
        "Run {} completed: {} serves from {}. Recovery took {} from the first sign of loss: {} to decide and {} \
         to move (objective {} s).{detected} Estimated loss: {loss}.",
        run.id,
        plan.name,
        plan.own().region,
        took(report.rto_ms),
        took(report.decision_ms),
        took(report.moving_ms),
        plan.limits.rto_seconds
    );
    Draft::new(Some(run.id), Event::Completed { report: Box::new(report) }, sentence)
}

/// Stops a run until an operator speaks.
/// `quiet`: whether people are told only after a pause, where evidence that wavers may ask them the same again.
pub(super) fn need_operator(plan: &Plan, run: &Run, why: Need, quiet: Option<bool>) -> Draft {
    let sentence =
        format!("Run {} needs an operator: {}; {}", run.id, need(plan, &why), unblock(plan, run, &why));
    Draft::new(Some(run.id), Event::OperatorNeeded { need: why, quiet }, sentence)
}

/// Ends a run without moving: at once where nothing was begun, else after it is undone.
/// `quiet`: people are not told, because they were called for what it is one more of.
pub(super) fn abort(run: &Run, cause: AbortCause, quiet: bool, sentence: String) -> Draft {
    let event = if graph::undoing(run).is_empty() {
        Event::Aborted { cause, quiet }
    } else {
        Event::AbortBegan { cause, quiet }
    };
    Draft::new(Some(run.id), event, sentence)
}

/// The end of an aborted run whose effects are undone.
pub(super) fn finish_abort(run: &Run, cause: &AbortCause) -> Option<Draft> {
    graph::not_undone(run).is_empty().then(|| {
        let sentence = format!("Run {} is aborted and rolled back.", run.id);
        let quiet = run.course.is_quiet;
        Draft::new(Some(run.id), Event::Aborted { cause: cause.clone(), quiet }, sentence)
    })
}

/// The commands for the steps that are due and that no worker holds.
pub(super) fn commands(plan: &Plan, run: &Run, now: Timestamp) -> Vec<StepCommand> {
    let mut due: BTreeMap<Step, Vec<Name>> = BTreeMap::new();
    match run.phase {
        Phase::NeedsOperator { .. } => return Vec::new(),
        Phase::Aborting { .. } => {
            for (step, subject) in graph::not_undone(run) {
                if is_free(run, step, subject, now) {
                    due.entry(step).or_default().push(subject.clone());
                }
            }
        }
        _ => {
            for step in run.steps_to_do().filter(|step| run.may_have_free(*step, now)) {
                let free = graph::ready_of(plan, run, step, |progress| may_be_taken(step, progress, now));
                let free = free.into_iter().filter(|name| !run.is_being_undone(step, name, now));
                due.insert(step, free.cloned().collect());
            }
        }
    }
    let confirms = matches!(run.phase, Phase::Confirming { .. }) && run.weighs_evidence();
    if confirms && may_be_taken(Step::Confirm, run.progress(Step::Confirm, &plan.name), now) {
        due.entry(Step::Confirm).or_default().push(plan.name.clone());
    }
    chunks(plan, run.id, due)
}

/// Whether an undoing may begin: nobody holds it, and what a worker may still be doing is undone only after its time is over.
fn is_free(run: &Run, step: Step, subject: &Name, now: Timestamp) -> bool {
    let undone = step.undoes().and_then(|undone| run.progress(undone, subject));
    may_be_taken(step, run.progress(step, subject), now)
        && undone.is_none_or(|progress| !progress.is_held(now))
}

/// What failed is for a person to mend; but what must be done in any case is tried again after a while.
fn may_be_taken(step: Step, progress: Option<&Progress>, now: Timestamp) -> bool {
    let Some(progress) = progress else { return true };
    match progress {
        Progress::Failed { at, .. } => {
            step.is_tried_for_ever() && now.duration_since(*at) >= FAILED_AGAIN_AFTER
        }
        Progress::Done { .. } => false,
        Progress::Held { .. } | Progress::Released { .. } => !progress.is_held(now),
    }
}

fn chunks(plan: &Plan, run: u64, due: BTreeMap<Step, Vec<Name>>) -> Vec<StepCommand> {
    due.into_iter()
        .flat_map(|(step, subjects)| {
            subjects
                .chunks(SUBJECTS_PER_COMMAND)
                .map(<[Name]>::to_vec)
                .collect::<Vec<_>>()
                .into_iter()
                .map(move |subjects| StepCommand { plan: plan.name.clone(), run, step, subjects })
        })
        .collect()
}

/// The old primaries that are to be cut off, of those that are asked for.
fn to_quarantine<'s>(
    plan: &Plan,
    state: &'s State,
    is_asked_for: impl Fn(&Cleanup) -> bool,
) -> Vec<(&'s Name, &'s Cleanup)> {
    let open: Vec<_> = state
        .cleanups(Step::Quarantine)
        .filter(|(_, quarantine)| !quarantine.is_done() && is_asked_for(quarantine))
        .collect();
    if open.is_empty() {
        return open;
    }
    let able: BTreeSet<&Name> = plan
        .databases
        .iter()
        .filter(|database| database.quarantine_security_group(plan.seat.other()).is_some())
        .map(|database| &database.name)
        .collect();
    open.into_iter().filter(|(name, _)| able.contains(name)).collect()
}

/// The commands that cut old primaries off; repeated by the tick for as long as their region is silent.
pub(super) fn quarantine(plan: &Plan, state: &State, now: Timestamp) -> Vec<StepCommand> {
    let mut by_run: BTreeMap<u64, Vec<Name>> = BTreeMap::new();
    let is_free = |quarantine: &Cleanup| may_be_taken(Step::Quarantine, quarantine.progress.as_ref(), now);
    for (name, quarantine) in to_quarantine(plan, state, is_free) {
        by_run.entry(quarantine.run).or_default().push(name.clone());
    }
    by_run
        .into_iter()
        .flat_map(|(run, subjects)| chunks(plan, run, BTreeMap::from([(Step::Quarantine, subjects)])))
        .collect()
}

/// Tells, once, that an old primary could not be cut off in time.
pub(super) fn quarantine_overdue(plan: &Plan, state: &State, now: Timestamp) -> Option<Draft> {
    let limit = limit(plan, Step::Quarantine);
    let is_late = |quarantine: &Cleanup| !quarantine.overdue && now.duration_since(quarantine.since) >= limit;
    let subjects: Vec<Name> =
        to_quarantine(plan, state, is_late).into_iter().map(|(name, _)| name.clone()).collect();
    if subjects.is_empty() {
        return None;
    }
    let names = list(subjects.iter());
    let sentence = format!(
        "The old primary of {names} is not isolated yet: {} does not answer, or AWS refuses the change. \
         Pilotlight retries until it succeeds.",
        plan.other().region
    );
    Some(Draft::new(None, Event::Overdue { step: Step::Quarantine, subjects }, sentence))
}

/// Tells, once, that an aborted run is not undone in time: users may be without service.
pub(super) fn undo_overdue(plan: &Plan, run: &Run, now: Timestamp) -> Option<Draft> {
    if run.undo_overdue {
        return None;
    }
    let open = graph::not_undone(run);
    let is_late = |step| now.duration_since(run.progress_at) >= limit(plan, step);
    let (step, _) = *open.iter().find(|(step, _)| is_late(*step))?;
    let subjects: Vec<Name> =
        open.iter().filter(|(of, _)| *of == step).map(|(_, subject)| (*subject).clone()).collect();
    let names = list(subjects.iter());
    let sentence = format!(
        "Run {} is aborted, but {step} of {names} missed its deadline. Pilotlight keeps retrying. You can also \
         do it by hand.",
        run.id
    );
    Some(Draft::new(Some(run.id), Event::Overdue { step, subjects }, sentence))
}

fn limit(plan: &Plan, step: Step) -> SignedDuration {
    SignedDuration::from_secs(i64::from(seconds_max(&plan.limits, step)))
}
