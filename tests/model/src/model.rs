//! What may happen next? The transitions that the checker explores, and the properties it asks of every world.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::step::attempt::{Output, Waiting};
use protocol::command::Step;
use protocol::state::Phase;
use stateright::{Model, Property};

use crate::check;
use crate::cloud::Database;
use crate::config::Config;
use crate::count::Counters;
use crate::mutant::Mutant;
use crate::plan;
use crate::property::{
    self, L1, L2, L3, L4, S1, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, S12, S13, S14, S15, S16, S17, S18,
    S19, S20,
};
use crate::run::{Engine, Twist};
use crate::worker::{Order, Point, Task, Worker};
use crate::world::{CALM, May, World};

/// Most step workers at once, those that are held up not counted.
const WORKERS_MAX: usize = 3;

/// Most points between a worker's waking and its sleep or end.
const TURNS_MAX: u32 = 500;

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The running worker goes on.
    Go(Twist),
    /// The running worker dies.
    Crash,
    /// The running worker is held up.
    Stall,
    /// A worker that was held up goes on.
    Resume(usize),
    /// A sleeping worker wakes because there is something to see.
    Wake(usize),
    /// A command is delivered.
    Deliver(Step, u64, usize),
    /// A command is delivered and will be again.
    Duplicate(Step, u64, usize),
    /// A command is lost.
    Drop(Step, u64, usize),
    /// An alarm's message is delivered.
    Signal(bool, u32),
    /// An alarm's message is delivered and will be again.
    SignalAgain(bool, u32),
    /// The scheduler ticks.
    Tick,
    /// Time passes, because nothing else is to be done.
    Pass,
    /// Time passes all the same.
    Delay,
    /// A promotion is through.
    Promoted(usize),
    /// The fleet is healthy.
    FleetUp,
    /// Something happens to the world.
    World(May),
    /// An operator speaks.
    Operate(Order),
}

/// A configuration, with all guards or without one.
pub struct Check {
    /// What may happen, and where it begins.
    pub config: Config,
    /// The machines and the core.
    pub engine: Engine,
    /// The same, for looking ahead: what happens there does not count.
    pub ahead: Engine,
}

impl Check {
    /// The check of a configuration.
    #[must_use]
    pub fn new(config: &Config, mutant: Option<Mutant>) -> Self {
        let mut plan = plan::plan(config.mode, config.databases);
        let whole = plan.clone();
        match mutant {
            Some(Mutant::NoAfter) => plan.databases.iter_mut().for_each(|database| database.after.clear()),
            Some(Mutant::NoWindow) => plan.detection.confirm_seconds = 0,
            Some(Mutant::NoLagGate) => plan.limits.lag_seconds_max = u32::MAX / 1000,
            _ => {}
        }
        let engine = || {
            let (plan, whole) = (plan.clone(), whole.clone());
            Engine { plan, whole, mutant, counters: Counters::default() }
        };
        Self { config: config.clone(), engine: engine(), ahead: engine() }
    }

    /// Whether something may still go wrong in the middle of a worker's work.
    fn is_interruptible(world: &World, index: usize) -> bool {
        [May::Crash, May::Stall, May::LoseAck, May::Deny, May::LoseAnswer, May::NoAnswer, May::Stale]
            .into_iter()
            .any(|may| world.left.has(may))
            || world.left.has(May::Late) && may_be_late(world, &world.workers[index])
    }

    /// What may happen in the middle of a worker's work.
    fn interruptions(world: &World, index: usize, actions: &mut Vec<Action>) {
        actions.push(Action::Go(Twist::None));
        let worker = &world.workers[index];
        let left = &world.left;
        actions.extend(left.has(May::Crash).then_some(Action::Crash));
        actions.extend(left.has(May::Stall).then_some(Action::Stall));
        let mut twist = |may, twist| actions.extend(left.has(may).then_some(Action::Go(twist)));
        match &worker.point {
            Point::Append(prepared) if !prepared.is_uncertain => twist(May::LoseAck, Twist::LoseAck),
            Point::Step(Output::Look(_) | Output::LookFirst(_)) => {
                if matches!(worker.waiting(), Some(Waiting::FirstLook { .. })) {
                    twist(May::Deny, Twist::Deny);
                }
                twist(May::Stale, Twist::Stale);
            }
            Point::Step(Output::Act(_)) => {
                if may_be_late(world, worker) {
                    twist(May::Late, Twist::Late);
                }
                twist(May::Deny, Twist::Deny);
                twist(May::LoseAnswer, Twist::LoseAnswer);
                twist(May::NoAnswer, Twist::NoAnswer);
            }
            _ => {}
        }
    }

    /// What workers and messages may do while none runs.
    fn work(&self, world: &World, actions: &mut Vec<Action>) {
        let left = &world.left;
        for (index, worker) in world.workers.iter().enumerate() {
            if worker.is_stalled {
                actions.push(Action::Resume(index));
            } else if self.ahead.is_awake(world, index) {
                actions.push(Action::Wake(index));
            }
        }
        let busy = world.workers.iter().filter(|worker| !worker.is_stalled).count();
        if busy < WORKERS_MAX {
            for (step, run, item) in &world.commands {
                actions.push(Action::Deliver(*step, *run, *item));
                actions.extend(left.has(May::Duplicate).then_some(Action::Duplicate(*step, *run, *item)));
            }
        }
        if left.has(May::Drop) {
            actions.extend(world.commands.iter().map(|(step, run, item)| Action::Drop(*step, *run, *item)));
        }
        for (rings, at) in &world.signals {
            actions.push(Action::Signal(*rings, *at));
            actions.extend(left.has(May::Duplicate).then_some(Action::SignalAgain(*rings, *at)));
        }
        actions.extend(world.tick_is_due.then_some(Action::Tick));
    }

    /// What the cloud and people may do.
    fn surroundings(&self, world: &World, actions: &mut Vec<Action>) {
        let cloud = &world.cloud;
        let promoting = (0..cloud.count).filter(|item| cloud.databases[*item] == Database::Promoting);
        actions.extend(promoting.clone().map(Action::Promoted));
        let grows = cloud.fleet_is_big && !cloud.fleet_is_healthy && cloud.has_capacity;
        actions.extend(grows.then_some(Action::FleetUp));
        let possible = [
            (May::Lose, cloud.primary_is_up),
            (May::Cut, cloud.primary_is_seen()),
            (May::Return, !cloud.primary_is_seen()),
            (May::Alarm, !world.alarm_rings && world.alarm_changed < world.now),
            (May::Ok, world.alarm_rings && world.alarm_changed < world.now),
            (May::Silence, !cloud.probe_is_silent || !cloud.replica_is_silent),
            (May::Unusable, promoting.count() > 0),
            (May::FleetDies, cloud.fleet_is_healthy),
            (May::NoCapacity, cloud.has_capacity),
            (May::Reopen, world.has_fenced()),
        ];
        let happens = possible.into_iter().filter(|(may, is_possible)| *is_possible && world.left.has(*may));
        actions.extend(happens.map(|(may, _)| Action::World(may)));
        let run = world.core.active_run();
        let waits = run.is_some_and(|run| {
            matches!(run.phase, Phase::AwaitingApproval { .. } | Phase::NeedsOperator { .. })
        });
        // What is rolled back a person may take over.
        let may_fail_over = run.is_none_or(|run| matches!(run.phase, Phase::Aborting { .. }));
        let orders = [
            (May::Failover, Order::Failover, may_fail_over || self.engine.mutant == Some(Mutant::TwoRuns)),
            (May::Approve, Order::Approve, waits),
            (May::Override, Order::Override, waits),
            (May::Abort, Order::Abort, run.is_some()),
            (May::Hold, Order::Hold, world.core.hold_at(world.time()).is_none()),
            (May::Release, Order::Release, world.core.hold_at(world.time()).is_some()),
        ];
        let speaks = orders.into_iter().filter(|(may, _, makes_sense)| *makes_sense && world.left.has(*may));
        actions.extend(speaks.map(|(_, order, _)| Action::Operate(order)));
    }

    /// What follows an action; the rest of an invocation that nothing can interrupt is one step.
    ///
    /// # Panics
    /// When an invocation does not end, which is a bug of the model.
    pub fn apply(&self, world: &mut World, action: Action) {
        self.apply_one(world, action);
        let mut turns = 0;
        while let Some(index) = world.running
            && !Self::is_interruptible(world, index)
            && world.broken.is_none()
        {
            turns += 1;
            assert!(turns < TURNS_MAX, "an invocation that does not end: {:#?}", world.workers[index]);
            self.engine.go(world, index, Twist::None);
        }
        self.judge(world);
    }

    /// The properties of a moment; the first one that is broken is kept.
    fn judge(&self, world: &mut World) {
        type OfMoment = (&'static str, fn(&World) -> bool);
        let of_moments: [OfMoment; 5] = [
            (property::S1, check::is_single),
            (property::S2, check::is_promoted_once),
            (property::S5, check::is_undone),
            (property::L2, check::is_timely),
            (property::L3, check::is_told),
        ];
        for (name, holds) in of_moments {
            if !holds(world) {
                world.break_property(name);
            }
        }
        if world.is_quiet() && !world.is_settled() && self.engine.is_asleep(world) {
            world.break_property(property::L1);
        }
    }

    fn apply_one(&self, world: &mut World, action: Action) {
        match action {
            Action::Go(twist) => {
                take_twist(world, twist);
                if let Some(index) = world.running {
                    self.engine.go(world, index, twist);
                }
            }
            Action::Crash => {
                world.left.take(May::Crash);
                if let Some(index) = world.running.take() {
                    world.workers.remove(index);
                }
            }
            Action::Stall => {
                world.left.take(May::Stall);
                if let Some(index) = world.running.take() {
                    let worker = Arc::make_mut(&mut world.workers[index]);
                    (worker.is_stalled, worker.was_stalled) = (true, true);
                }
            }
            Action::Resume(index) => {
                Arc::make_mut(&mut world.workers[index]).is_stalled = false;
                world.running = Some(index);
            }
            Action::Wake(index) => {
                self.engine.wake(world, index);
            }
            Action::Deliver(step, run, item) | Action::Duplicate(step, run, item) => {
                if matches!(action, Action::Duplicate(..)) {
                    world.left.take(May::Duplicate);
                } else {
                    world.commands.remove(&(step, run, item));
                }
                self.engine.begin(world, Task::Step(step), run, item);
            }
            Action::Drop(step, run, item) => {
                world.left.take(May::Drop);
                world.commands.remove(&(step, run, item));
            }
            Action::Signal(rings, at) => {
                world.signals.remove(&(rings, at));
                self.engine.begin(world, Task::Signal(rings, at), 0, 0);
            }
            Action::SignalAgain(rings, at) => {
                world.left.take(May::Duplicate);
                self.engine.begin(world, Task::Signal(rings, at), 0, 0);
            }
            Action::Tick => {
                world.tick_is_due = false;
                self.engine.begin(world, Task::Tick, 0, 0);
            }
            Action::Pass | Action::Delay => self.pass(world, action == Action::Delay),
            Action::Promoted(item) => world.cloud.databases[item] = Database::Writable,
            Action::FleetUp => world.cloud.fleet_is_healthy = true,
            Action::World(may) => happen(world, may),
            Action::Operate(order) => {
                world.left.take(may_of(order));
                world.calm = CALM;
                let run = world.core.active_run().map_or(0, |run| run.id);
                self.engine.begin(world, Task::Operator(order), run, 0);
            }
        }
    }

    fn pass(&self, world: &mut World, is_delay: bool) {
        if is_delay {
            world.left.take(May::Delay);
        } else if world.is_quiet() && world.is_settled() {
            world.calm = world.calm.saturating_sub(1);
        }
        world.now += 1;
        if world.now.is_multiple_of(2) && self.engine.mutant != Some(Mutant::NoTick) {
            world.tick_is_due = true;
        }
    }
}

/// Whether a call that closes the primary side may land only now. Nothing else that lands after its lease is safe, nor is
/// this before its run is over: see docs/proof/model.md.
fn may_be_late(world: &World, worker: &Worker) -> bool {
    let Point::Step(Output::Act(effects)) = &worker.point else { return false };
    let is_over = world.core.run.as_ref().is_some_and(|run| run.phase.is_final());
    worker.task == Task::Step(Step::Fence) && is_over && world.time() > effects.begin_until
}

fn take_twist(world: &mut World, twist: Twist) {
    match twist {
        Twist::None => {}
        Twist::LoseAck => world.left.take(May::LoseAck),
        Twist::Deny => world.left.take(May::Deny),
        Twist::LoseAnswer => world.left.take(May::LoseAnswer),
        Twist::NoAnswer => world.left.take(May::NoAnswer),
        Twist::Stale => world.left.take(May::Stale),
        Twist::Late => world.left.take(May::Late),
    }
}

fn may_of(order: Order) -> May {
    match order {
        Order::Failover => May::Failover,
        Order::Approve => May::Approve,
        Order::Override => May::Override,
        Order::Abort => May::Abort,
        Order::Hold => May::Hold,
        Order::Release => May::Release,
    }
}

/// Something happens to the world; time goes on by itself for a while, so that a tick may see it.
fn happen(world: &mut World, may: May) {
    world.left.take(may);
    world.calm = CALM;
    if world.cloud.primary_is_seen() {
        world.lived_until = world.now;
    }
    let cloud = &mut world.cloud;
    match may {
        May::Lose => cloud.primary_is_up = false,
        May::Cut => cloud.is_cut = true,
        May::Return => {
            cloud.primary_is_up = true;
            cloud.is_cut = false;
        }
        May::Silence if !cloud.replica_is_silent => cloud.replica_is_silent = true,
        May::Silence => cloud.probe_is_silent = true,
        May::Unusable => {
            let mut promoting =
                cloud.databases.iter_mut().filter(|database| **database == Database::Promoting);
            if let Some(database) = promoting.next() {
                *database = Database::Unusable;
            }
        }
        May::FleetDies => cloud.fleet_is_healthy = false,
        May::NoCapacity => cloud.has_capacity = false,
        May::Reopen => cloud.set_primary(true),
        May::Alarm | May::Ok => {
            world.alarm_rings = may == May::Alarm;
            world.alarm_changed = world.now;
            world.signals.insert((world.alarm_rings, world.now));
        }
        _ => {}
    }
}

macro_rules! always {
    ($($name:ident),*) => {
        vec![$(Property::always($name, |_: &Check, world: &World| world.broken != Some($name))),*]
    };
}

impl Model for Check {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![self.config.first_world(self)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.broken.is_some() {
            return;
        }
        if let Some(index) = world.running {
            Self::interruptions(world, index, actions);
            return;
        }
        self.work(world, actions);
        // Whether a worker or a message has something to do right now.
        let is_busy = actions.iter().any(|action| !matches!(action, Action::Resume(_) | Action::Drop(..)));
        self.surroundings(world, actions);
        if !is_busy {
            actions.extend((!world.is_at_rest()).then_some(Action::Pass));
        } else if world.left.has(May::Delay) {
            actions.push(Action::Delay);
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        self.apply(&mut next, action);
        Some(next)
    }

    fn within_boundary(&self, world: &World) -> bool {
        let is_committed = world.core.active_run().is_some_and(|run| run.committed_at.is_some());
        // The world in which a property is broken is looked at, wherever it lies.
        !(self.config.ends_at_commitment && is_committed) || world.broken.is_some()
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = always!(
            S1, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, S12, S13, S14, S15, S16, S17, S18, S19, S20, L1,
            L2, L3, L4
        );
        let ends = self.config.ends.iter().copied().collect::<BTreeSet<_>>();
        properties.extend(ends.into_iter().map(End::property));
        properties
    }
}

/// Where a configuration must be able to end, so that its checks are not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// A run is completed.
    Completed,
    /// A run is aborted.
    Aborted,
    /// A run waits for an operator.
    NeedsOperator,
}

impl End {
    /// The property that says so.
    #[must_use]
    pub fn property(self) -> Property<Check> {
        match self {
            Self::Completed => Property::sometimes("a run is completed", |_, world: &World| {
                has_phase(world, |phase| matches!(phase, Phase::Completed { .. }))
            }),
            Self::Aborted => Property::sometimes("a run is aborted", |_, world: &World| {
                has_phase(world, |phase| matches!(phase, Phase::Aborted { .. }))
            }),
            Self::NeedsOperator => Property::sometimes("a run needs an operator", |_, world: &World| {
                has_phase(world, |phase| matches!(phase, Phase::NeedsOperator { .. }))
            }),
        }
    }
}

fn has_phase(world: &World, is_it: fn(&Phase) -> bool) -> bool {
    world.core.run.as_ref().is_some_and(|run| is_it(&run.phase))
}
