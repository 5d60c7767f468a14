//! What must hold of each record as it is written, and of each moment?

use protocol::command::{Step, StepCommand};
use protocol::decide::{Claim, claim};
use protocol::evidence::EvidenceKind;
use protocol::journal::{Cause, Event, Record};
use protocol::plan::Plan;
use protocol::state::{Phase, State, evolve};

use crate::cloud::Database;
use crate::mutant::Mutant;
use crate::plan;
use crate::property;
use crate::worker::{Task, Worker};
use crate::world::{World, seconds, time};

/// Checks one record, with the state before and after it.
pub fn record(
    world: &mut World,
    worker: &Worker,
    before: &State,
    record: &Record,
    after: &State,
    mutant: Option<Mutant>,
) {
    if before.last_seq + 1 != record.seq || after.last_seq != record.seq {
        world.break_property(property::S8);
    }
    let opens = matches!(record.event, Event::RunOpened { .. });
    let was_over = before.run.as_ref().is_some_and(|run| run.phase.is_final());
    if was_over && !opens && before.run != after.run {
        world.break_property(property::S4);
    }
    if opens && before.active_run().is_some() {
        world.break_property(property::S16);
    }
    if mutant.is_none_or(|mutant| mutant == Mutant::LossyJournal) && !replays(before, record, after, mutant) {
        world.break_property(property::S9);
    }
    let aborts = matches!(record.event, Event::AbortBegan { .. } | Event::Aborted { .. });
    if aborts && was_intended(world, record.run) {
        world.break_property(property::S10);
    }
    let is_held = world.held_until.is_some_and(|until| record.at < until);
    let starts = matches!(
        record.event,
        Event::RunOpened { cause: Cause::Evidence, .. } | Event::Committed { by: None, .. }
    );
    if is_held && starts {
        world.break_property(property::S17);
    }
    match &record.event {
        Event::HoldPlaced { until, .. } => world.held_until = Some(*until),
        Event::HoldReleased { .. } => world.held_until = None,
        // That people were told is only written by who sent them a notice.
        Event::Noticed { of } if worker.sent != Some(*of) => world.break_property(property::L3),
        Event::Committed { by: None, .. } | Event::ApprovalAsked { .. } => {
            believed(world, worker, before, record);
        }
        Event::EvidenceSeen { evidence } => {
            for evidence in evidence.iter().filter(|evidence| evidence.key.kind == EvidenceKind::Alarm) {
                let Task::Signal(_, changed) = worker.task else { continue };
                let known = before.alarms.get(&evidence.key.source).and_then(|seen| seen.whole);
                if known.is_some_and(|word| word.changed_at >= time(changed)) {
                    world.break_property(property::S13);
                }
            }
        }
        _ => {}
    }
}

/// An intent is written for what is due by the journal right before it.
pub fn intent(world: &mut World, plan: &Plan, before: &State, record: &Record) {
    let (Event::StepIntended { step, subjects, .. }, Some(run)) = (&record.event, record.run) else { return };
    let command = StepCommand { plan: plan.name.clone(), run, step: *step, subjects: subjects.clone() };
    if claim(plan, before, &command, record.at) != Claim::Take(command.subjects.clone()) {
        world.break_property(property::S20);
    }
}

/// The record as it is kept and read again leads to the same state.
fn replays(before: &State, record: &Record, after: &State, mutant: Option<Mutant>) -> bool {
    let Ok(mut text) = serde_json::to_value(record) else { return false };
    if mutant == Some(Mutant::LossyJournal)
        && let Some(event) = text.get_mut("event").and_then(serde_json::Value::as_object_mut)
    {
        event.remove("before");
    }
    let Ok(read) = serde_json::from_value::<Record>(text) else { return false };
    evolve(before.clone(), &read).is_ok_and(|state| state == *after)
}

/// Whether the journal holds an intent to promote of a run: asked of the records, not of the state.
fn was_intended(world: &World, run: Option<u64>) -> bool {
    let mut link = world.journal.as_ref();
    while let Some(at) = link {
        let is_intent = matches!(at.record.event, Event::StepIntended { step: Step::Promote, .. });
        if is_intent && at.record.run == run {
            return true;
        }
        link = at.before.as_ref();
    }
    false
}

/// What must hold when the evidence is believed: two kinds were truly shown, the look in hand shows no life and has the
/// probe's answer unless a person is asked, and the plan's window has passed.
fn believed(world: &mut World, worker: &Worker, before: &State, record: &Record) {
    let Some(run) = before.run.as_ref().filter(|run| run.cause == Cause::Evidence) else { return };
    let truth = worker.seen.map_or([None; 2], |seen| seen.truth);
    let kinds = [
        world.shown[0],
        world.shown[1] || truth[0] == Some(false),
        world.shown[2] || truth[1] == Some(false),
    ];
    let shows_life =
        truth[0] == Some(true) || truth[1] == Some(true) && world.cloud.lag == crate::cloud::Lag::Small;
    let is_deaf = truth[0].is_none() && matches!(record.event, Event::Committed { .. });
    if kinds.iter().filter(|shown| **shown).count() < 2 || shows_life || is_deaf {
        world.break_property(property::S11);
    }
    let window = seconds(plan::CONFIRM_SECONDS);
    let is_held = match run.phase {
        Phase::Confirming { sufficient_since: Some(since) } => record.at.duration_since(since) >= window,
        _ => false,
    };
    if !is_held {
        world.break_property(property::S12);
    }
}

/// S1: from its promotion on, the old primary takes no writes, unless an operator said so.
#[must_use]
pub fn is_single(world: &World) -> bool {
    let is_split = |item| world.cloud.has_diverged(item) && world.cloud.primary_takes_writes(item);
    !(0..world.cloud.count).any(is_split) || world.given.override_fence
}

/// S2: at most one promotion of each database was accepted.
#[must_use]
pub fn is_promoted_once(world: &World) -> bool {
    world.cloud.promotions.iter().all(|count| *count <= 1)
}

/// S5: nothing of an aborted run is left, once nobody works on it.
#[must_use]
pub fn is_undone(world: &World) -> bool {
    let Some(run) = world.core.run.as_ref() else { return true };
    if !matches!(run.phase, Phase::Aborted { .. }) {
        return true;
    }
    let cloud = &world.cloud;
    let untouched =
        cloud.databases.iter().all(|database| *database == Database::Replica) && !cloud.recovery_is_open;
    let undone = cloud.primary_is_open && !cloud.fleet_is_big;
    untouched && (undone || !world.workers.is_empty())
}

/// L2: every run moves on within a quarter of an hour, or waits for an operator.
#[must_use]
pub fn is_timely(world: &World) -> bool {
    const MOVES_WITHIN_SECONDS: i64 = 900;
    world.is_settled()
        || world
            .core
            .active_run()
            .is_none_or(|run| world.time().duration_since(run.progress_at) <= seconds(MOVES_WITHIN_SECONDS))
}

/// L3: nothing that people should know is kept from them for five minutes.
#[must_use]
pub fn is_told(world: &World) -> bool {
    const TOLD_WITHIN_SECONDS: i64 = 300;
    world
        .core
        .unnoticed
        .values()
        .all(|record| world.time().duration_since(record.at) <= seconds(TOLD_WITHIN_SECONDS))
}
