//! How does an invocation go on? The driver that runs the machines of `shared/engine` on the model's world: it carries out
//! what they ask for, or lets it go wrong, and gives them what came of it. Between two of their outputs anything may happen.

use protocol::endpoint::Setting;
use std::sync::Arc;

use engine::append::Written;
use engine::step::attempt::{self, Attempt, Effects, LANDS_WITHIN, Moment, SIGHT_AGE_MAX};
use engine::step::{Objection, StepStatus};
use engine::turn::{self, Turn};
use jiff::Timestamp;
use ports::{Failure, FailureKind};
use protocol::command::{Step, StepCommand};
use protocol::decide::{Draft, Facts, Verdict};
use protocol::journal::{EndpointSeen, Event, LostFence};
use protocol::name::Name;
use protocol::operator::OperatorCommand;
use protocol::plan::Plan;
use protocol::state::State;

use crate::cloud::{DATABASES_MAX, MOMENT_SECONDS};
use crate::count::{Counter, Counters};
use crate::forged;
use crate::mutant::Mutant;
use crate::plan;
use crate::property;
use crate::steps::{self, Effect};
use crate::worker::{Order, Point, Task, Worker, overrides};
use crate::world::{World, seconds, signal, time};

/// What goes wrong at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Twist {
    /// Nothing.
    None,
    /// The append stands, its acknowledgement is lost.
    LoseAck,
    /// The call is denied.
    Deny,
    /// The effect comes about, its answer is lost.
    LoseAnswer,
    /// No effect and no answer.
    NoAnswer,
    /// The look answers what was.
    Stale,
    /// The call was begun in time, and has its effect only now.
    Late,
}

/// What every invocation has in common.
pub struct Engine {
    /// The plan that decides.
    pub plan: Plan,
    /// The plan that should: a mutant may have taken something out of the other.
    pub whole: Plan,
    /// The guard that is taken out.
    pub mutant: Option<Mutant>,
    /// What happened, over all paths.
    pub counters: Counters,
}

impl Engine {
    pub(crate) fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// A message is delivered: an invocation reads the journal, looks, and asks for the first thing.
    pub fn begin(&self, world: &mut World, task: Task, run: u64, item: usize) {
        let index = world.workers.len();
        let mut worker = Worker::new(task, run, item, world);
        world.workers.push(Arc::new(worker.clone()));
        world.running = Some(index);
        let is_over = if let Task::Step(step) = task {
            self.begin_step(world, &mut worker, step)
        } else {
            let facts = self.facts(world, &mut worker);
            self.begin_turn(world, &mut worker, facts)
        };
        Self::keep(world, index, worker, is_over);
    }

    /// Lets a worker carry out what it stands at.
    pub fn go(&self, world: &mut World, index: usize, twist: Twist) {
        let mut worker = Worker::clone(&world.workers[index]);
        if worker.was_stalled && worker.is_late(world.time()) {
            self.counters.add(Counter::ZombieWoke);
        }
        let is_over = match std::mem::replace(&mut worker.point, Point::Asleep) {
            Point::Step(output) => self.carry_out(world, &mut worker, output, twist),
            Point::Turn(output) => self.carry_out_of_turn(world, &mut worker, output),
            Point::Append(prepared) => self.append(world, &mut worker, prepared, twist),
            Point::Asleep => false,
        };
        Self::keep(world, index, worker, is_over);
    }

    /// A worker's rest is over. What it would write on an old reading would lose its race and be written again, so it is
    /// taken to have read the journal.
    pub fn wake(&self, world: &mut World, index: usize) {
        let mut worker = Worker::clone(&world.workers[index]);
        worker.log = Arc::clone(&world.core);
        world.running = Some(index);
        let is_over = self.tell_attempt(world, &mut worker, attempt::Input::Slept);
        Self::keep(world, index, worker, is_over);
    }

    fn keep(world: &mut World, index: usize, mut worker: Worker, is_over: bool) {
        if is_over {
            world.workers.remove(index);
            world.running = None;
            return;
        }
        if matches!(worker.point, Point::Asleep) {
            if !matches!(worker.waiting(), Some(attempt::Waiting::WindowEnd(_))) {
                worker.seen = None;
            }
            world.running = None;
        }
        world.workers[index] = Arc::new(worker);
    }

    fn begin_step(&self, world: &mut World, worker: &mut Worker, step: Step) -> bool {
        if self.is(Mutant::BelievedCommand) && step != Step::Confirm {
            self.act_on(world, worker, step, world.time());
            return true;
        }
        let subjects = vec![steps::subject(step, worker.item)];
        let command = StepCommand { plan: self.plan.name.clone(), run: worker.run, step, subjects };
        let timeout = seconds(i64::from(step.attempt_seconds(&self.plan.limits)));
        let deadline = world.time().checked_add(timeout).unwrap_or(Timestamp::MAX);
        worker.attempt = Some(Attempt::new(command, step.spec().manner, deadline));
        self.tell_attempt(world, worker, attempt::Input::Begin)
    }

    /// What whoever is no step hears and sees.
    fn facts(&self, world: &mut World, worker: &mut Worker) -> Facts {
        let mut facts = Facts::default();
        match worker.task {
            Task::Tick if self.is(Mutant::BlindTick) => {}
            Task::Tick | Task::Operator(Order::Failover | Order::Approve | Order::Override) => {
                let seen = world.look(self.mutant);
                if worker.task == Task::Tick {
                    facts.fences = seen.fences();
                }
                facts.observation = Some(seen.observation(&self.plan));
                worker.seen = Some(seen);
            }
            Task::Signal(rings, at) => {
                world.shown[0] = rings;
                let at = if self.is(Mutant::NoDedup) { world.now } else { at };
                facts.signals.push(signal(rings, time(at)));
            }
            Task::Operator(_) | Task::Step(_) => {}
        }
        if let Task::Operator(order) = worker.task {
            facts.operator = Some(command(order, worker.run));
        }
        facts
    }

    fn begin_turn(&self, world: &mut World, worker: &mut Worker, facts: Facts) -> bool {
        worker.turn = Some(Turn::new(facts));
        self.tell_turn(world, worker, turn::TurnInput::Begin)
    }

    /// Gives the turn what came of what it asked for, and keeps what it asks for next.
    pub(crate) fn tell_turn(&self, world: &mut World, worker: &mut Worker, input: turn::TurnInput) -> bool {
        let forged = self.mutant.and_then(|mutant| forged::for_turn(mutant, worker));
        let state = forged.as_ref().unwrap_or(&worker.log);
        let Some(turn) = &mut worker.turn else { return true };
        match turn.next(input, &self.plan, state, world.time()) {
            turn::TurnOutput::Append(draft) => self.prepare_decision(world, worker, draft),
            turn::TurnOutput::Note(draft) => self.prepare(world, worker, Arc::new(draft)),
            turn::TurnOutput::End(ended) => {
                worker.turn = None;
                match worker.attempt {
                    Some(_) => self.tell_attempt(world, worker, attempt::Input::Advanced(ended.sentence)),
                    None => true,
                }
            }
            turn::TurnOutput::Illegal(_) | turn::TurnOutput::Restless(_) => {
                world.break_property(property::S15);
                true
            }
            turn::TurnOutput::Unnoted(_) => self.tell_turn(world, worker, turn::TurnInput::GoOn),
            output @ (turn::TurnOutput::Publish(_) | turn::TurnOutput::Notice { .. }) => {
                worker.point = Point::Turn(output);
                false
            }
        }
    }

    fn prepare_decision(&self, world: &mut World, worker: &mut Worker, mut draft: Draft) -> bool {
        if let (true, Event::RunOpened { overrides, .. }) = (self.is(Mutant::NoFence), &mut draft.event) {
            overrides.override_fence = true;
        }
        if draft.answers == Some(Verdict::Refused) && worker.was_obeyed {
            world.break_property(property::S14);
        }
        self.prepare(world, worker, Arc::new(draft))
    }

    /// Gives the attempt what came of what it asked for, and keeps what it asks for next.
    pub(crate) fn tell_attempt(&self, world: &mut World, worker: &mut Worker, input: attempt::Input) -> bool {
        let now = world.time();
        let forged = self.mutant.and_then(|mutant| forged::for_attempt(mutant, worker, &input, now));
        let (state, now): (&State, Timestamp) =
            forged.as_ref().map_or((&worker.log, now), |(state, now)| (state, *now));
        let is_again = matches!(input, attempt::Input::Raced);
        let Some(attempt) = &mut worker.attempt else { return true };
        match attempt.next(input, Moment { plan: &self.plan, state, now }) {
            attempt::Output::Append(draft) => {
                if !is_again && matches!(draft.event, Event::StepDone { .. }) {
                    self.check_done(world, worker);
                }
                let is_silent =
                    self.is(Mutant::SilentEnd) && matches!(draft.event, Event::StepHandedOver { .. });
                if is_silent {
                    Self::end(world, worker)
                } else {
                    self.prepare(world, worker, Arc::new(draft))
                }
            }
            attempt::Output::Sleep(rest) if rest.is_zero() => {
                self.tell_attempt(world, worker, attempt::Input::Slept)
            }
            attempt::Output::Sleep(_) => {
                worker.point = Point::Asleep;
                false
            }
            attempt::Output::End(_) | attempt::Output::Busy(_) => Self::end(world, worker),
            output => {
                worker.point = Point::Step(output);
                false
            }
        }
    }

    /// What is written down as done was looked at just now, and stands.
    fn check_done(&self, world: &mut World, worker: &Worker) {
        let Task::Step(step) = worker.task else { return };
        let age = worker.looked_at.map(|at| world.time().duration_since(time(at)));
        let is_fresh = age.is_some_and(|age| age <= SIGHT_AGE_MAX);
        let sight = steps::look(world, worker, step, false, &self.plan, self.mutant);
        if !is_fresh || !matches!(sight, Ok(StepStatus::Done { .. })) {
            world.break_property(property::S19);
        }
    }

    /// An attempt ends by itself: it has let go of what it held, so that nobody waits for the end of its lease.
    fn end(world: &mut World, worker: &Worker) -> bool {
        let is_over = world.core.run.as_ref().is_none_or(|run| run.phase.is_final());
        let until = worker.held_until(&world.core).filter(|until| *until > world.time());
        // Nobody waits for a watch once nothing is weighed any more.
        let is_watch = worker.task == Task::Step(Step::Confirm);
        if until.is_some() && !is_over && !is_watch {
            world.break_property(property::L4);
        }
        true
    }

    fn carry_out_of_turn(&self, world: &mut World, worker: &mut Worker, output: turn::TurnOutput) -> bool {
        let input = match output {
            turn::TurnOutput::Publish(commands) => {
                for command in &commands {
                    let is_it = |item: usize| command.subjects.contains(&steps::subject(command.step, item));
                    let most = if steps::is_of_databases(command.step) { DATABASES_MAX } else { 1 };
                    let items = (0..most).filter(|item| is_it(*item));
                    world.commands.extend(items.map(|item| (command.step, command.run, item)));
                }
                turn::TurnInput::Published
            }
            turn::TurnOutput::Notice { of, .. } => {
                if !self.is(Mutant::SilentNotice) {
                    worker.sent = Some(of);
                }
                turn::TurnInput::Told(true)
            }
            _ => turn::TurnInput::GoOn,
        };
        self.tell_turn(world, worker, input)
    }

    fn carry_out(
        &self,
        world: &mut World,
        worker: &mut Worker,
        output: attempt::Output,
        twist: Twist,
    ) -> bool {
        let Task::Step(step) = worker.task else { return true };
        let input = match output {
            attempt::Output::Read => return self.read(world, worker),
            attempt::Output::Advance(facts) => {
                if facts.observation.is_none() {
                    worker.seen = None;
                }
                return self.begin_turn(world, worker, *facts);
            }
            attempt::Output::Look(ref subjects) | attempt::Output::LookFirst(ref subjects) => {
                let is_first = matches!(output, attempt::Output::LookFirst(_));
                worker.looked_at = Some(world.now);
                worker.has_read = false;
                let acts_first = self.is(Mutant::ActBeforeIntent) && step == Step::Promote;
                if acts_first && matches!(worker.waiting(), Some(attempt::Waiting::FirstLook { .. })) {
                    self.act_on(world, worker, step, world.time());
                }
                let sights = match twist {
                    Twist::Deny => Err(failure(FailureKind::Denied)),
                    _ => steps::look(world, worker, step, twist == Twist::Stale, &self.plan, self.mutant)
                        .map(|sight| vec![sight; subjects.len()]),
                };
                if is_first {
                    attempt::Input::LookedFirst(sights, self.objection(world, worker))
                } else {
                    attempt::Input::Looked(sights)
                }
            }
            attempt::Output::Observe => attempt::Input::Observed((step == Step::Confirm).then(|| {
                let seen = world.look(self.mutant);
                worker.seen = Some(seen);
                Box::new(seen.observation(&self.plan))
            })),
            attempt::Output::Object => attempt::Input::Objected(self.objection(world, worker)),
            attempt::Output::Act(effects) => self.act(world, worker, step, effects, twist),
            attempt::Output::TakeBack(_) => {
                if step == Step::Fence {
                    self.counters.add(Counter::TakenBack);
                    world.cloud.set_primary(true);
                }
                attempt::Input::TakenBack
            }
            // These are no points.
            attempt::Output::Append(_)
            | attempt::Output::Sleep(_)
            | attempt::Output::End(_)
            | attempt::Output::Busy(_) => return true,
        };
        self.tell_attempt(world, worker, input)
    }

    fn read(&self, world: &mut World, worker: &mut Worker) -> bool {
        worker.log = Arc::clone(&world.core);
        worker.has_read = true;
        let is_to_act = matches!(worker.waiting(), Some(attempt::Waiting::ReadToAct(_)));
        let is_over = self.tell_attempt(world, worker, attempt::Input::Read);
        let acts = matches!(worker.point, Point::Step(attempt::Output::Act(_) | attempt::Output::Object));
        if worker.was_stalled && is_to_act && !acts {
            self.counters.add(Counter::ZombieRefused);
        }
        is_over
    }

    /// What stands against a promotion: a primary side that is open.
    fn objection(&self, world: &World, worker: &Worker) -> Option<Objection> {
        let minds = worker.log.active_run().is_some_and(|run| !run.overrides.override_fence);
        if self.is(Mutant::BelievedFence) || !minds || steps::is_closed(world, self.mutant) {
            return None;
        }
        let routes = vec![LostFence {
            route: plan::route(),
            seen: EndpointSeen::Open { setting: Setting::Weight(128) },
        }];
        let event = Box::new(Event::FenceLost { routes });
        Some(Objection::Undone { event, sentence: String::new(), note: String::new() })
    }

    /// Effects that their moment has passed are not begun.
    fn act(
        &self,
        world: &mut World,
        worker: &Worker,
        step: Step,
        effects: Effects,
        twist: Twist,
    ) -> attempt::Input {
        let Effects { subjects, begin_until, give_up_at } = effects;
        let results = subjects.into_iter().map(|subject: Name| {
            if world.time() > begin_until && twist != Twist::Late && !self.is(Mutant::IgnoredLease) {
                if worker.was_stalled {
                    self.counters.add(Counter::ZombieRefused);
                }
                return (subject, None);
            }
            let result = match twist {
                Twist::NoAnswer => Err(failure(FailureKind::Unreachable)),
                Twist::Deny => Err(failure(FailureKind::Denied)),
                Twist::Late => {
                    steps::act(world, step, worker.item, &self.whole, self.mutant);
                    Ok(())
                }
                _ => {
                    let lands_by = give_up_at.checked_add(LANDS_WITHIN).unwrap_or(Timestamp::MAX);
                    match self.act_on(world, worker, step, lands_by) {
                        _ if twist == Twist::LoseAnswer => Err(failure(FailureKind::Unreachable)),
                        Effect::Accepted => Ok(()),
                        Effect::Conflict => Err(failure(FailureKind::Conflict)),
                    }
                }
            };
            (subject, Some(result))
        });
        attempt::Input::Acted(results.collect())
    }

    /// An effect, which lands by some moment at the latest: until then its worker must hold the item. It must have read so
    /// after its last look, and that the run may have the effect.
    fn act_on(&self, world: &mut World, worker: &Worker, step: Step, lands_by: Timestamp) -> Effect {
        let lands_by = lands_by.max(world.time());
        let is_held = worker.held_until(&world.core).is_some_and(|until| until >= lands_by);
        if !is_held || !worker.has_read || !worker.still_holds(world.time()) {
            world.break_property(property::S2);
        }
        let effect = steps::act(world, step, worker.item, &self.whole, self.mutant);
        if effect == Effect::Accepted {
            self.counters.add(Counter::Effect);
        }
        effect
    }

    /// Whether a sleeping worker has something to do: it is let go on in another world until it sleeps again or ends.
    /// `self` counts what happens there, and is not asked for it.
    #[must_use]
    pub fn is_awake(&self, world: &World, index: usize) -> bool {
        let mut other = world.clone();
        self.wake(&mut other, index);
        while other.running.is_some() && other.broken.is_none() {
            if matches!(other.workers[index].point, Point::Append(_)) {
                return true;
            }
            self.go(&mut other, index, Twist::None);
        }
        other.running.is_some() || world.is_moved(&other, index)
    }

    /// Whether no tick will ever do anything again.
    #[must_use]
    pub fn is_asleep(&self, world: &World) -> bool {
        let minutes = [1, 60, 24 * 60];
        minutes.into_iter().all(|minutes| {
            let mut later = world.clone();
            later.now += minutes * 60 / u32::try_from(MOMENT_SECONDS).unwrap_or(1);
            let mut worker = Worker::new(Task::Tick, 0, 0, &later);
            let facts = self.facts(&mut later, &mut worker);
            self.comes_to_nothing(&later, Turn::new(facts))
        })
    }

    /// Whether a turn calls people at most: a call moves nothing, and what is due comes after it.
    fn comes_to_nothing(&self, world: &World, mut turn: Turn) -> bool {
        let mut state = Arc::clone(&world.core);
        let mut input = turn::TurnInput::Begin;
        loop {
            input = match turn.next(input, &self.plan, &state, world.time()) {
                turn::TurnOutput::Append(draft) if matches!(draft.event, Event::Attention { .. }) => {
                    match self.evolve(&state, &self.record(state.next_seq(), &draft, world)) {
                        Ok(next) => state = Arc::new(next),
                        Err(_) => return false,
                    }
                    turn::TurnInput::Written(Written::As(state.last_seq))
                }
                turn::TurnOutput::Notice { .. } | turn::TurnOutput::End(_) => return true,
                _ => return false,
            };
        }
    }
}

/// A call that failed.
pub(crate) fn failure(kind: FailureKind) -> Failure {
    Failure { kind, action: "call", code: String::new(), message: String::new() }
}

/// An order as the production code gets it.
fn command(order: Order, run: u64) -> OperatorCommand {
    let by = || "ana".to_owned();
    let overrides = overrides(order);
    match order {
        Order::Failover => {
            OperatorCommand::Failover { by: by(), reason: "r".into(), routes: Vec::new(), overrides }
        }
        Order::Approve | Order::Override => OperatorCommand::Approve { by: by(), run, overrides },
        Order::Abort => OperatorCommand::Abort { by: by(), run, reason: "r".into() },
        Order::Hold => OperatorCommand::Hold { by: by(), minutes: 3, reason: "r".into() },
        Order::Release => OperatorCommand::Release { by: by() },
    }
}
