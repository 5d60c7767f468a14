//! What people do: answer what they are asked, or not; and now and then speak without being asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::command::Step;
use protocol::journal::Need;
use protocol::state::{Phase, Run, State};
use serde_json::{Value, json};

use crate::history::{Change, What};
use crate::invoke::{Message, Outcome, invoke};
use crate::sim::Sim;

/// The people of a world: one speaks at a time.
#[derive(Default)]
pub(crate) struct People {
    busy: Arc<AtomicBool>,
    /// Whether the last answer to an approval was that the primary shows signs of life.
    refused_by_veto: Arc<AtomicBool>,
}

impl People {
    /// They look at how things stand, and may say something.
    pub(crate) fn visit(&self, sim: &Arc<Sim>, state: &State) {
        if self.busy.load(Ordering::Relaxed) {
            return;
        }
        let meddles = !sim.is_healed() && sim.chance(sim.draw.people.meddle);
        let said = if meddles { Some(unasked(sim, state)) } else { self.asked(sim, state) };
        let Some(said) = said else { return };
        sim.note(0, What::Change(Change::Command(said.to_string())));
        let (sim, busy) = (Arc::clone(sim), Arc::clone(&self.busy));
        let refused = Arc::clone(&self.refused_by_veto);
        busy.store(true, Ordering::Relaxed);
        tokio::spawn(async move {
            let message = Message { step: None, why: format!("a person: {said}"), payload: said };
            let outcome = invoke(&sim, &message).await;
            let is_veto =
                matches!(&outcome, Outcome::Answered(Err(fault)) if fault.message.contains("signs of life"));
            refused.store(is_veto, Ordering::Relaxed);
            busy.store(false, Ordering::Relaxed);
        });
    }

    /// What they answer to what they are asked.
    fn asked(&self, sim: &Sim, state: &State) -> Option<Value> {
        if !sim.draw.people.diligent {
            return None;
        }
        if sim.is_healed() && state.hold_at(sim.now()).is_some() {
            return Some(json!({ "command": "release", "by": "ana" }));
        }
        let run = state.active_run()?;
        match &run.phase {
            Phase::AwaitingApproval { .. } if sim.chance(300) => Some(self.approve_or_abort(sim, run, None)),
            Phase::NeedsOperator { need, .. } if sim.chance(300) => {
                Some(self.approve_or_abort(sim, run, Some(need)))
            }
            // The moment between the fence and the promotion is short; some catch it.
            Phase::Moving if !sim.is_healed() && !run.has_begun(Step::Promote) && sim.chance(100) => {
                Some(json!({ "command": "abort", "run": run.id, "by": "ana", "reason": "it came back" }))
            }
            _ => None,
        }
    }

    fn approve_or_abort(&self, sim: &Sim, run: &Run, need: Option<&Need>) -> Value {
        let can_abort = !run.has_begun(Step::Promote);
        let is_fence = matches!(
            need,
            Some(
                Need::StepFailed { step: Step::Fence, .. }
                    | Need::StepOverdue { step: Step::Fence, .. }
                    | Need::FenceLost { .. }
            )
        );
        let would_abort = if is_fence { 300 } else { 50 };
        if can_abort && (self.refused_by_veto.load(Ordering::Relaxed) || sim.chance(would_abort)) {
            return json!({ "command": "abort", "run": run.id, "by": "ana", "reason": "not needed" });
        }
        let loses = matches!(need, Some(Need::DataLoss { .. })) || sim.chance(300);
        let mut said = json!({ "command": "approve", "run": run.id, "by": "ana" });
        if loses {
            said["allow_data_loss"] = json!(true);
        }
        if is_fence && sim.chance(300) {
            said["override_fence"] = json!(true);
        }
        said
    }
}

/// Something that nobody asked for.
fn unasked(sim: &Sim, state: &State) -> Value {
    let run = state.run.as_ref().map_or(1, |run| run.id);
    match sim.between(0, 7) {
        0 => {
            json!({ "command": "hold", "minutes": sim.between(1, 30), "by": "bob", "reason": "maintenance" })
        }
        1 => json!({ "command": "release", "by": "bob" }),
        2 => {
            json!({ "command": "failover", "by": "bob", "reason": "to be sure", "override_vetoes": sim.chance(500),
            "allow_data_loss": sim.chance(500) })
        }
        3 => json!({ "command": "failover", "by": "bob", "reason": "it is needed", "override_vetoes": true,
            "allow_data_loss": true, "override_fence": sim.chance(200) }),
        4 => json!({ "command": "abort", "run": run, "by": "bob", "reason": "stop it" }),
        5 => json!({ "command": "acknowledge", "run": run, "by": "bob" }),
        _ => json!({ "command": "approve", "run": run, "by": "bob", "override_vetoes": sim.chance(300) }),
    }
}
