//! What a moving run is due: its next steps, its end, or an operator. The same for every kind of run.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::sentence::{need, unblock};
use super::{Draft, SUBJECTS_PER_COMMAND, fence};
use crate::command::{Step, StepCommand};
use crate::graph::{Graph, Node, items, seconds_max};
use crate::journal::{AbortCause, Event, Need};
use crate::name::Name;
use crate::plan::Plan;
use crate::report;
use crate::state::{Phase, Progress, Run, State};
use crate::step::ItemKind;
use crate::words::{duration, list};

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
    let graph = Graph::of(plan, run);
    if graph.is_done(run) {
        return Some(complete(plan, run, now));
    }
    if let Some(need) = fence::needs_operator(run) {
        return Some(need_operator(plan, run, need, None));
    }
    overdue(plan, run, &graph, now).map(|need| need_operator(plan, run, need, None))
}

/// Items of the run that the plan no longer has, or has as something else: nobody knows what to do with them.
fn gone_from_plan(plan: &Plan, run: &Run) -> Vec<Name> {
    let is_gone = |kind| {
        let known: BTreeSet<&Name> = items(plan, kind).into_iter().map(|(name, _)| name).collect();
        run.items(kind).iter().filter(move |name| !known.contains(name))
    };
    ItemKind::ALL.into_iter().flat_map(is_gone).cloned().collect()
}

/// The first step that takes too long: begun long ago, or due long ago and never taken. Where nothing is due and not
/// everything done, whatever is open stands still.
fn overdue(plan: &Plan, run: &Run, graph: &Graph, now: Timestamp) -> Option<Need> {
    let is_open = |node: &&Node| !run.is_done(node.step, &node.subject);
    let ready = match graph.ready(run) {
        none if none.is_empty() => graph.nodes.iter().filter(is_open).collect(),
        ready => ready,
    };
    let late: Vec<&Node> = ready
        .into_iter()
        .filter(|node| {
            let since = run.progress(node.step, &node.subject).map_or(run.progress_at, Progress::since);
            // StepHandler that began while the evidence was weighed has its whole time from the decision on.
            let since = since.max(run.committed_at.unwrap_or(since));
            now.duration_since(since) >= limit(plan, node.step)
        })
        .collect();
    let step = late.first()?.step;
    let subjects: Vec<Name> =
        late.iter().filter(|node| node.step == step).map(|node| node.subject.clone()).collect();
    let notes: BTreeSet<&str> =
        subjects.iter().filter_map(|subject| run.progress(step, subject)).map(Progress::note).collect();
    let note = cut(&list(notes.into_iter().filter(|note| !note.is_empty()).map(str::to_owned)));
    Some(Need::StepOverdue { step, subjects, note })
}

/// A note as a notice can hold it.
fn cut(note: &str) -> String {
    if note == list([]) { String::new() } else { note.chars().take(NOTE_CHARACTERS_MAX).collect() }
}

/// The end of a run that moved.
fn complete(plan: &Plan, run: &Run, now: Timestamp) -> Draft {
    let report = report::measure(run, now);
    let loss = match report.rpo_estimate_ms {
        Some(ms) => format!("about {:.1} s of writes", crate::words::seconds(ms)),
        None if run.scope.databases.is_empty() => "no database moved".to_owned(),
        None => "an unknown amount of writes".to_owned(),
    };
    let rto = duration(SignedDuration::from_millis(i64::try_from(report.rto_ms).unwrap_or(i64::MAX)));
    let sentence = format!(
        "Run {} completed: {} serves from {}. Recovery took {rto} from the first sign of loss \
         (objective {} s). Estimated loss: {loss}.",
        run.id,
        plan.name,
        plan.own().region,
        plan.limits.rto_seconds
    );
    Draft::new(Some(run.id), Event::Completed { report: Box::new(report) }, sentence)
}

/// Stops a run until an operator speaks.
/// `quiet`: whether people are told only after a pause, where evidence that wavers may ask them the same again.
pub(super) fn need_operator(plan: &Plan, run: &Run, why: Need, quiet: Option<bool>) -> Draft {
    let sentence = format!("Run {} needs an operator: {}; {}", run.id, need(&why), unblock(plan, run, &why));
    Draft::new(Some(run.id), Event::OperatorNeeded { need: why, quiet }, sentence)
}

/// Ends a run without moving: at once where nothing was begun, else after it is undone.
/// `quiet`: people are not told, because they were called for what it is one more of.
pub(super) fn abort(run: &Run, cause: AbortCause, quiet: bool, sentence: String) -> Draft {
    let event = if Graph::of_undo(run).nodes.is_empty() {
        Event::Aborted { cause, quiet }
    } else {
        Event::AbortBegan { cause, quiet }
    };
    Draft::new(Some(run.id), event, sentence)
}

/// The end of an aborted run whose effects are undone.
pub(super) fn finish_abort(run: &Run, cause: &AbortCause) -> Option<Draft> {
    Graph::of_undo(run).is_done(run).then(|| {
        let sentence = format!("Run {} is aborted and rolled back.", run.id);
        let quiet = run.course.is_quiet;
        Draft::new(Some(run.id), Event::Aborted { cause: cause.clone(), quiet }, sentence)
    })
}

/// The commands for the steps that are due and that no worker holds.
pub(super) fn commands(plan: &Plan, run: &Run, now: Timestamp) -> Vec<StepCommand> {
    let graph = match run.phase {
        Phase::Aborting { .. } => Graph::of_undo(run),
        Phase::NeedsOperator { .. } => return Vec::new(),
        _ => Graph::of(plan, run),
    };
    let mut due: BTreeMap<Step, Vec<Name>> = BTreeMap::new();
    for node in graph.ready(run) {
        if is_free(run, node, now) {
            due.entry(node.step).or_default().push(node.subject.clone());
        }
    }
    if matches!(run.phase, Phase::Confirming { .. }) && run.weighs_evidence() {
        let watch = Node { step: Step::Confirm, subject: plan.name.clone(), needs: Vec::new() };
        if is_free(run, &watch, now) {
            due.entry(watch.step).or_default().push(watch.subject);
        }
    }
    chunks(plan, run.id, due)
}

/// Whether nobody holds a step, and a person isn't asked about it.
fn is_free(run: &Run, node: &Node, now: Timestamp) -> bool {
    let free = may_be_taken(node.step, run.progress(node.step, &node.subject), now);
    // What a worker may still be doing is undone only after its time is over.
    let at_rest = node
        .step
        .undoes()
        .and_then(|step| run.progress(step, &node.subject))
        .is_none_or(|progress| !progress.is_held(now));
    free && at_rest
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

/// The old primaries that are to be cut off.
fn to_quarantine<'s>(plan: &Plan, state: &'s State) -> Vec<(&'s Name, &'s crate::state::Cleanup)> {
    let able: BTreeSet<&Name> = plan
        .databases
        .iter()
        .filter(|database| database.quarantine_security_group(plan.seat.other()).is_some())
        .map(|database| &database.name)
        .collect();
    state
        .cleanups(Step::Quarantine)
        .filter(|(name, _)| able.contains(name))
        .filter(|(_, quarantine)| !quarantine.is_done())
        .collect()
}

/// The commands that cut old primaries off; repeated by the tick for as long as their region is silent.
pub(super) fn quarantine(plan: &Plan, state: &State, now: Timestamp) -> Vec<StepCommand> {
    let mut by_run: BTreeMap<u64, Vec<Name>> = BTreeMap::new();
    for (name, quarantine) in to_quarantine(plan, state) {
        if may_be_taken(Step::Quarantine, quarantine.progress.as_ref(), now) {
            by_run.entry(quarantine.run).or_default().push(name.clone());
        }
    }
    by_run
        .into_iter()
        .flat_map(|(run, subjects)| chunks(plan, run, BTreeMap::from([(Step::Quarantine, subjects)])))
        .collect()
}

/// Tells, once, that an old primary could not be cut off in time.
pub(super) fn quarantine_overdue(plan: &Plan, state: &State, now: Timestamp) -> Option<Draft> {
    let limit = limit(plan, Step::Quarantine);
    let subjects: Vec<Name> = to_quarantine(plan, state)
        .into_iter()
        .filter(|(_, quarantine)| !quarantine.overdue && now.duration_since(quarantine.since) >= limit)
        .map(|(name, _)| name.clone())
        .collect();
    if subjects.is_empty() {
        return None;
    }
    let names = list(subjects.iter().map(ToString::to_string));
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
    let late = |node: &Node| now.duration_since(run.progress_at) >= limit(plan, node.step);
    let open = |node: &Node| !run.is_done(node.step, &node.subject);
    let nodes = Graph::of_undo(run).nodes;
    let step = nodes.iter().find(|node| open(node) && late(node))?.step;
    let subjects: Vec<Name> = nodes
        .iter()
        .filter(|node| node.step == step && open(node))
        .map(|node| node.subject.clone())
        .collect();
    let names = list(subjects.iter().map(ToString::to_string));
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
