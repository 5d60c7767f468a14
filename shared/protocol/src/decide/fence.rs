//! Does a fence still hold? What a look at primary sides that should be closed amounts to: a fence of the run under way is
//! done again before anything else is promoted; of a route that has moved, people are told.

use jiff::{SignedDuration, Timestamp};

use super::{Draft, Facts};
use crate::command::Step;
use crate::journal::{EndpointSeen, Event, LostFence, Need};
use crate::name::Name;
use crate::plan::Plan;
use crate::state::{Phase, Progress, Run, State};
use crate::words::list;

/// A run closes a primary side again by itself when somebody opens it, but not for ever: at so many times a person is asked.
pub const FENCES_LOST_MAX: u32 = 3;

/// A side that is opened and closed again and again is written down no more often than this.
const REOPENED_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// A run whose fences can't be looked at says so no more often than this; meanwhile it waits.
pub const UNREAD_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// The code of a promotion that failed because the primary sides can't be looked at.
pub const FENCE_UNREAD: &str = "fence_unread";

/// What one look showed of the primary side of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FenceSeen {
    /// The route.
    pub route: Name,
    /// When it was asked for.
    pub at: Timestamp,
    /// What was seen.
    pub side: EndpointSeen,
}

/// The routes whose primary side should be closed, by the journal: those that the run under way has fenced, and those that
/// have moved.
pub fn fenced<'p>(plan: &'p Plan, state: &State) -> Vec<&'p crate::plan::Route> {
    let run = state.active_run().filter(|run| minds_fences(run));
    let is_fenced =
        |name: &Name| state.holdings.is_active(name) || run.is_some_and(|run| run.is_done(Step::Fence, name));
    plan.routes.iter().filter(|route| is_fenced(&route.name)).collect()
}

/// The record that a look at primary sides is due, if any.
pub(super) fn note(plan: &Plan, state: &State, facts: &Facts, now: Timestamp) -> Option<Draft> {
    forgotten(plan, state)
        .or_else(|| lost_by_run(plan, state, facts))
        .or_else(|| reopened(plan, state, facts, now))
        .or_else(|| closed_again(plan, state, facts))
}

/// Whether a run still needs its fences. Where a person has said that the old side takes no traffic, it does not.
fn minds_fences(run: &Run) -> bool {
    !run.overrides.override_fence && matches!(run.phase, Phase::Moving | Phase::NeedsOperator { .. })
}

fn lost_by_run(plan: &Plan, state: &State, facts: &Facts) -> Option<Draft> {
    let run = state.active_run().filter(|run| minds_fences(run))?;
    // A look that was begun before the fence was done says nothing of it.
    let is_lost = |seen: &&FenceSeen| {
        let done_at = match run.progress(Step::Fence, &seen.route) {
            Some(Progress::Done { at, .. }) => *at,
            _ => return false,
        };
        seen.at > done_at && matches!(seen.side, EndpointSeen::Open { .. } | EndpointSeen::Missing {})
    };
    let routes: Vec<LostFence> = facts.fences.iter().filter(is_lost).map(lost).collect();
    (!routes.is_empty()).then(|| {
        let sentence = match run.phase {
            Phase::NeedsOperator { .. } => waiting_sentence(plan, run.id, &routes),
            _ => lost_sentence(plan, run.id, &routes),
        };
        Draft::new(Some(run.id), Event::FenceLost { routes }, sentence)
    })
}

fn lost(seen: &FenceSeen) -> LostFence {
    LostFence { route: seen.route.clone(), seen: seen.side.clone() }
}

fn sides(routes: &[LostFence]) -> String {
    list(routes.iter().map(|lost| format!("{} is {}", lost.route, lost.seen)))
}

/// A run that waits for a person does nothing meanwhile, so that the side stays open until they act.
fn waiting_sentence(plan: &Plan, run: u64, routes: &[LostFence]) -> String {
    let side = plan.seat.other().as_str();
    format!(
        "The {side} side of {}: run {run} waits for an operator and closes this side only after it resumes. \
         Set the weight of the {side} endpoint to 0 now, and find out who opened it.",
        sides(routes)
    )
}

/// What people are told of fences that a run has lost.
pub fn lost_sentence(plan: &Plan, run: u64, routes: &[LostFence]) -> String {
    let (side, sides) = (plan.seat.other().as_str(), sides(routes));
    format!(
        "The {side} side of {sides}: run {run} closes it again and promotes nothing more until a check shows \
         it closed."
    )
}

/// Routes that have moved, and whose primary side somebody has opened.
fn reopened(plan: &Plan, state: &State, facts: &Facts, now: Timestamp) -> Option<Draft> {
    let of_run = |name: &Name| state.active_run().is_some_and(|run| run.scope.routes.contains(name));
    let is_news = |seen: &&FenceSeen| {
        let known = state.reopened.get(&seen.route);
        matches!(seen.side, EndpointSeen::Open { .. })
            && state.holdings.is_active(&seen.route)
            && !of_run(&seen.route)
            && known
                .is_none_or(|known| !known.is_open && now.duration_since(known.at) >= REOPENED_AGAIN_AFTER)
    };
    let routes: Vec<LostFence> = facts.fences.iter().filter(is_news).map(lost).collect();
    (!routes.is_empty()).then(|| {
        let (side, sides) = (plan.seat.other().as_str(), sides(&routes));
        let sentence = format!("The {side} side of {sides}, {}", has_moved(plan));
        Draft::new(None, Event::FenceLost { routes }, sentence)
    })
}

/// What an open old side means for a route that has moved, and what to do.
pub(super) fn has_moved(plan: &Plan) -> String {
    format!(
        "but the route has moved to {}: users may also be sent to {}. Set the weight of the {} endpoint to 0, and find \
         out who opened it. If you are moving back on purpose, this is expected.",
        plan.own().region,
        plan.other().region,
        plan.seat.other().as_str()
    )
}

/// Routes with an open old side that the plan no longer has: nobody looks at them any more.
fn forgotten(plan: &Plan, state: &State) -> Option<Draft> {
    let is_gone = |name: &&Name| !plan.routes.iter().any(|route| route.name == **name);
    let open = state.opened_again().map(|(route, _)| route);
    let routes: Vec<Name> = open.filter(is_gone).cloned().collect();
    (!routes.is_empty()).then(|| {
        let (side, names) = (plan.seat.other().as_str(), list(routes.iter()));
        let sentence = format!(
            "The plan no longer has {names}: Pilotlight does not check any more whether the {side} side is closed."
        );
        Draft::new(None, Event::FenceRegained { routes }, sentence)
    })
}

fn closed_again(plan: &Plan, state: &State, facts: &Facts) -> Option<Draft> {
    let is_closed = |seen: &&FenceSeen| {
        matches!(seen.side, EndpointSeen::Closed {} | EndpointSeen::Missing {})
            && state.reopened.get(&seen.route).is_some_and(|known| known.is_open)
    };
    let routes: Vec<Name> = facts.fences.iter().filter(is_closed).map(|seen| seen.route.clone()).collect();
    (!routes.is_empty()).then(|| {
        let names = list(routes.iter());
        let sentence = format!("The {} side of {names} is closed again.", plan.seat.other().as_str());
        Draft::new(None, Event::FenceRegained { routes }, sentence)
    })
}

/// Whether people were told lately that fences of a run can't be looked at.
pub fn is_known_unread(run: &Run, now: Timestamp) -> bool {
    run.fence_unread_at.is_some_and(|at| now.duration_since(at) < UNREAD_AGAIN_AFTER)
}

/// Whether a run has closed primary sides again often enough.
pub(super) fn needs_operator(run: &Run) -> Option<Need> {
    if run.fences_lost < FENCES_LOST_MAX || run.overrides.override_fence {
        return None;
    }
    let is_open = |route: &&Name| !run.is_done(Step::Fence, route);
    Some(Need::FenceLost { subjects: run.scope.routes.iter().filter(is_open).cloned().collect() })
}
