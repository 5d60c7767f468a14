//! What a worker may take of a command, and whether it still holds what it took.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::due;
use crate::command::{Step, StepCommand};
use crate::name::Name;
use crate::plan::Plan;
use crate::state::{Progress, State};

/// What a worker may take of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// These items are due and nobody holds them.
    Take(Vec<Name>),
    /// Nothing, and why.
    Nothing(String),
}

/// Says what a worker may take of a command. The command itself is not believed: the journal is.
pub fn claim(plan: &Plan, state: &State, command: &StepCommand, now: Timestamp) -> Claim {
    let due: BTreeSet<Name> = due_now(plan, state, command.run, now)
        .into_iter()
        .filter(|due| due.step == command.step)
        .flat_map(|due| due.subjects)
        .collect();
    let taken: Vec<Name> = command.subjects.iter().filter(|name| due.contains(name)).cloned().collect();
    if taken.is_empty() {
        let names = crate::words::list(command.subjects.iter());
        return Claim::Nothing(format!("Nothing to do: step {} of {names} is not due.", command.step));
    }
    Claim::Take(taken)
}

fn due_now(plan: &Plan, state: &State, run: u64, now: Timestamp) -> Vec<StepCommand> {
    let steps = match state.active_run() {
        Some(active) if active.id == run => due::commands(plan, active, now),
        _ => Vec::new(),
    };
    let quarantine = due::quarantine(plan, state, now).into_iter().filter(|command| command.run == run);
    steps.into_iter().chain(quarantine).collect()
}

/// Of the items that a worker took, those it still holds. Asked right before each effect.
pub fn still_held(state: &State, step: Step, subjects: &[Name], intent: u64, now: Timestamp) -> Vec<Name> {
    let holds = |name: &Name| {
        let progress = match step {
            _ if step.is_cleanup() => state.cleanup(step, name).and_then(|cleanup| cleanup.progress.as_ref()),
            _ => state
                .active_run()
                .filter(|run| crate::graph::may_run(run, step))
                .and_then(|run| run.progress(step, name)),
        };
        matches!(progress, Some(Progress::Held { intent: held, until, .. }) if *held == intent && now < *until)
    };
    subjects.iter().filter(|name| holds(name)).cloned().collect()
}
