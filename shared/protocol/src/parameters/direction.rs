//! From which region to which are parameters copied, and may anything be written now? The journal says.

use jiff::Timestamp;

use crate::plan::Plan;
use crate::state::State;
use crate::words::{invocation, list};

/// The regions that parameters are copied between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyRegions {
    /// The region that serves.
    pub from: String,
    /// The other one.
    pub to: String,
}

/// From the side that serves to the other one; why there is none while some routes have moved and others have not.
pub fn direction(plan: &Plan, state: &State) -> Result<CopyRegions, String> {
    let (own, other) = (plan.own().region.clone(), plan.other().region.clone());
    let (moved, stayed): (Vec<_>, Vec<_>) =
        plan.routes.iter().map(|route| &route.name).partition(|name| state.serving(plan, name) == plan.seat);
    if moved.is_empty() {
        return Ok(CopyRegions { from: other, to: own });
    }
    if stayed.is_empty() {
        return Ok(CopyRegions { from: own, to: other });
    }
    let names = |names: Vec<&crate::name::Name>| list(names.into_iter().map(ToString::to_string));
    Err(format!(
        "Nothing is copied: {} moved to {} and {} stayed in {}, so Pilotlight can't choose which region to \
         copy from; move the rest: {}",
        names(moved),
        plan.own().region,
        names(stayed),
        plan.other().region,
        invocation(plan, r#""command":"failover","reason":"move the rest""#)
    ))
}

/// The direction in which may be written now; why nothing may.
pub fn may_write(plan: &Plan, state: &State, now: Timestamp) -> Result<CopyRegions, String> {
    if let Some(run) = state.active_run() {
        return Err(format!(
            "Nothing is copied: run {} is under way ({}), and parameters stay as they are until it ends; the \
             status of {} shows what it waits for",
            run.id,
            run.phase.as_str(),
            plan.operator_function
        ));
    }
    if let Some(hold) = state.hold_at(now) {
        return Err(format!(
            "Nothing is copied: a hold by {} lasts until {} ({}); end it with: {}",
            hold.by,
            hold.until,
            hold.reason,
            invocation(plan, r#""command":"release""#)
        ));
    }
    direction(plan, state)
}
