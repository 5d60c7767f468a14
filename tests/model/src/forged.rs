//! What does a mutant make a machine believe? The states and the times that the driver shows instead of the true ones.

use engine::append::Written;
use engine::step::attempt::{EFFECT_TIME, Input, Waiting};
use jiff::Timestamp;
use protocol::command::Step;
use protocol::journal::AbortCause;
use protocol::state::{Illegality, Phase, Progress, State};

use crate::mutant::Mutant;
use crate::steps;
use crate::worker::{Order, Task, Worker};

/// A state whose run has not begun to promote.
pub(crate) fn without_promotion(state: &State) -> State {
    let mut state = state.clone();
    if let Some(run) = &mut state.run {
        run.steps.retain(|step, _| step != Step::Promote);
        run.begun.remove(&Step::Promote);
    }
    state
}

/// A state whose run has opened nothing.
pub(crate) fn without_opening(state: &State) -> State {
    let mut state = state.clone();
    if let Some(run) = &mut state.run {
        run.begun.remove(&Step::Open);
    }
    state
}

/// A state without a run.
pub(crate) fn without_run(state: &State) -> State {
    State { run: None, ..state.clone() }
}

fn without_hold(state: &State) -> State {
    State { hold: None, ..state.clone() }
}

/// What a turn of a mutant sees instead of the journal.
pub(crate) fn for_turn(mutant: Mutant, worker: &Worker) -> Option<State> {
    let has_order = worker.turn.as_ref().is_some_and(|turn| turn.parts().facts.operator.is_some());
    match (mutant, worker.task) {
        (Mutant::AbortAfterIntent, Task::Operator(Order::Abort)) if has_order => {
            Some(without_promotion(&worker.log))
        }
        (Mutant::AbortAfterOpening, Task::Operator(Order::Abort)) if has_order => {
            Some(without_opening(&worker.log))
        }
        (Mutant::TwoRuns, Task::Operator(Order::Failover)) if has_order => Some(without_run(&worker.log)),
        (Mutant::NoHold, _) => Some(without_hold(&worker.log)),
        _ => None,
    }
}

/// What an attempt of a mutant sees instead of the journal and of the clock.
pub(crate) fn for_attempt(
    mutant: Mutant,
    worker: &Worker,
    input: &Input,
    now: Timestamp,
) -> Option<(State, Timestamp)> {
    let (Task::Step(step), Some(attempt)) = (worker.task, &worker.attempt) else { return None };
    let parts = attempt.parts();
    let key = (step, steps::subject(step, worker.item));
    let mut state = State::clone(&worker.log);
    let run = state.run.as_mut()?;
    match (mutant, parts.waiting, input) {
        (Mutant::ActWithoutNote, ..) => {
            run.before.entry(key).or_insert_with(|| steps::BEFORE.to_owned());
            Some((state, now))
        }
        (Mutant::IgnoredLease, Some(Waiting::ReadToAct(_)), _) => {
            let held =
                Progress::Held { intent: parts.intent, since: now, until: parts.until, note: String::new() };
            run.steps.insert(key.0, key.1, held);
            Some((state, now.min(parts.until - EFFECT_TIME)))
        }
        (Mutant::BlindTakeBack, _, Input::Written(Written::Illegal(Illegality::Finished(_)))) => {
            run.phase = Phase::Aborted { at: now, cause: AbortCause::Evidence };
            Some((state, now))
        }
        (Mutant::OldSight, _, Input::Written(Written::As(_))) => {
            let began_at = parts.first?.began_at;
            Some((state, began_at))
        }
        _ => None,
    }
}
