//! What do the functions see and do? The looks and effects of each step, as in `functions/*`, on the model's cloud.

use engine::step::StepStatus;
use ports::{Failure, FailureKind};
use protocol::command::Step;
use protocol::name::Name;
use protocol::plan::Plan;

use crate::cloud::Database;
use crate::mutant::Mutant;
use crate::plan;
use crate::property;
use crate::run::failure;
use crate::worker::Worker;
use crate::world::World;

/// What is noted for an undo.
pub(crate) const BEFORE: &str = "before";

/// What came of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It was accepted.
    Accepted,
    /// The thing's state does not allow it now.
    Conflict,
}

/// The item of a step: the first or the second database, the fleet, the route.
#[must_use]
pub fn subject(step: Step, item: usize) -> Name {
    match step {
        Step::Confirm => Name::from("shop"),
        Step::Scale | Step::Restore => plan::fleet(),
        Step::Promote | Step::Quarantine => plan::database(item),
        Step::Fence | Step::Unfence | Step::Open | Step::Verify => plan::route(),
    }
}

/// Whether a step is about databases, of which there may be two.
#[must_use]
pub fn is_of_databases(step: Step) -> bool {
    matches!(step, Step::Promote | Step::Quarantine)
}

/// Whether a step notes something at its first look that its undo needs.
fn noted(world: &World, worker: &Worker, step: Step) -> bool {
    let undone = if step == Step::Unfence { Step::Fence } else { Step::Scale };
    let run = world.core.run.as_ref().filter(|run| run.id == worker.run);
    run.is_some_and(|run| run.before.contains_key(&(undone, subject(undone, 0))))
}

/// Whether a read weight says that the primary side is closed; of a mutant, the dial.
#[must_use]
pub fn is_closed(world: &World, mutant: Option<Mutant>) -> bool {
    match mutant {
        Some(Mutant::DialForWeight) => !world.cloud.primary_dial || !world.cloud.primary_is_open,
        _ => !world.cloud.primary_is_open,
    }
}

fn stands() -> StepStatus {
    StepStatus::Done { detail: String::new() }
}

fn underway() -> StepStatus {
    StepStatus::InProgress { note: String::new() }
}

fn hopeless() -> StepStatus {
    StepStatus::Failed { code: "hopeless", message: String::new() }
}

/// Yet to be brought about; whether an undo needs to know what was.
fn wanting(is_undone: bool) -> StepStatus {
    StepStatus::Pending { before: is_undone.then(|| BEFORE.to_owned()) }
}

/// What a worker sees of its item.
///
/// # Errors
/// The lost region gives no answer.
pub fn look(
    world: &World,
    worker: &Worker,
    step: Step,
    is_stale: bool,
    plan: &Plan,
    mutant: Option<Mutant>,
) -> Result<StepStatus, Failure> {
    let cloud = &world.cloud;
    let primary_is_open = if is_stale { cloud.primary_was_open } else { cloud.primary_is_open };
    let stands_if = |is_it, is_undone| if is_it { stands() } else { wanting(is_undone) };
    Ok(match step {
        Step::Fence if mutant == Some(Mutant::DialForWeight) => stands_if(!cloud.primary_dial, true),
        Step::Fence => stands_if(!primary_is_open, true),
        Step::Unfence => stands_if(!noted(world, worker, step) || primary_is_open, false),
        Step::Restore => stands_if(!noted(world, worker, step) || !cloud.fleet_is_big, false),
        Step::Open => stands_if(cloud.recovery_is_open, false),
        Step::Promote => match (cloud.databases[worker.item], is_stale) {
            (Database::Replica, _) | (Database::Promoting, true) => wanting(false),
            (Database::Promoting, false) | (Database::Writable, true) => underway(),
            (Database::Writable, false) => stands(),
            (Database::Unusable, _) => hopeless(),
        },
        Step::Scale if !cloud.fleet_is_big || is_stale => wanting(true),
        Step::Scale if cloud.fleet_is_healthy => stands(),
        Step::Scale => underway(),
        Step::Verify if !cloud.recovery_is_open || !world.can_serve(plan) => underway(),
        Step::Verify if cloud.primary_is_open && !worker.is_overridden => hopeless(),
        Step::Verify => stands(),
        Step::Quarantine if !cloud.primary_is_up => return Err(failure(FailureKind::Unreachable)),
        Step::Quarantine => stands_if(cloud.is_quarantined[worker.item], false),
        Step::Confirm => underway(),
    })
}

/// Brings an effect about, and says which property that breaks.
pub fn act(world: &mut World, step: Step, item: usize, plan: &Plan, mutant: Option<Mutant>) -> Effect {
    match step {
        Step::Fence if mutant == Some(Mutant::DialForWeight) => world.cloud.primary_dial = false,
        Step::Fence => world.cloud.set_primary(false),
        Step::Unfence => {
            world.cloud.set_primary(true);
            world.cloud.primary_dial = true;
        }
        Step::Scale => world.cloud.resize(true),
        Step::Restore => world.cloud.resize(false),
        Step::Quarantine => world.cloud.is_quarantined[item] = true,
        Step::Promote => return promote(world, item, plan),
        Step::Open => {
            if mutant != Some(Mutant::UnverifiedOpen) && !world.can_serve(plan) {
                return Effect::Conflict;
            }
            if !world.can_serve(plan) {
                world.break_property(property::S3);
            }
            if mutant != Some(Mutant::DialForWeight) {
                world.cloud.set_primary(false);
            }
            world.cloud.recovery_is_open = true;
        }
        Step::Verify | Step::Confirm => {}
    }
    Effect::Accepted
}

fn promote(world: &mut World, item: usize, plan: &Plan) -> Effect {
    if world.cloud.databases[item] != Database::Replica {
        return Effect::Conflict;
    }
    let is_after = |earlier: usize| plan.databases[item].after.contains(&plan::database(earlier));
    if (0..world.cloud.count)
        .any(|earlier| is_after(earlier) && world.cloud.databases[earlier] != Database::Writable)
    {
        world.break_property(property::S18);
    }
    if world.cloud.primary_is_open && !world.given.override_fence {
        world.break_property(property::S6);
    }
    if world.cloud.lag != crate::cloud::Lag::Small && !world.given.allow_data_loss {
        world.break_property(property::S7);
    }
    world.cloud.databases[item] = Database::Promoting;
    world.cloud.promotions[item] += 1;
    Effect::Accepted
}
