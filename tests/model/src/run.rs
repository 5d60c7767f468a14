//! How does an invocation go on? The loops of `shared/engine` (`conductor.rs`, `step.rs`) and of the confirm step, cut
//! into points between which anything may happen; the core that they call is the production one.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use protocol::command::{Step, StepCommand};
use protocol::decide::{Claim, Decision, Draft, Facts, Verdict, claim, decide, is_known_failure};
use protocol::journal::{Event, JOURNAL_SCHEMA, LostFence, PrimarySide, Record, SubjectDone, SubjectNote};
use protocol::operator::{OperatorCommand, Overrides};
use protocol::plan::Plan;
use protocol::state::{Illegality, Phase, State, evolve};

use crate::check;
use crate::cloud::{DATABASES_MAX, MOMENT_SECONDS};
use crate::count::{Counter, Counters};
use crate::mutant::Mutant;
use crate::plan;
use crate::property;
use crate::steps::{self, Effect, Sight};
use crate::worker::{Order, Point, Prepared, Task, What, Worker, overrides};
use crate::world::{Link, World, seconds, signal, time};

/// A lease, as in `engine::step::LEASE`.
const LEASE_SECONDS: i64 = 75;
/// It is renewed when less than this is left.
const LEASE_LEFT_MIN_SECONDS: i64 = 45;
/// An effect is begun only while this much is left.
const EFFECT_SECONDS: i64 = 20;
/// Moments after which a worker hands over: the function's time less 25 s, rounded down.
const HAND_OVER_MOMENTS: u32 = 3;
/// A notice that nobody sent is sent by the tick after this long.
const NOTICE_AGE_SECONDS: i64 = 30;
/// Most calls for people that one look leads to.
const CALLS_MAX: usize = 4;

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

/// The record of a state with one mutation, for a mutant that forgets something.
fn without_promotion(state: &State) -> State {
    let mut state = state.clone();
    if let Some(run) = &mut state.run {
        run.steps.retain(|(step, _), _| *step != Step::Promote);
        run.begun.remove(&Step::Promote);
    }
    state
}

fn without_opening(state: &State) -> State {
    let mut state = state.clone();
    if let Some(run) = &mut state.run {
        run.begun.remove(&Step::Open);
    }
    state
}

fn without_hold(state: &State) -> State {
    State { hold: None, ..state.clone() }
}

fn without_run(state: &State) -> State {
    State { run: None, ..state.clone() }
}

impl Engine {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Lets a worker go on to its next point.
    pub fn go(&self, world: &mut World, index: usize, twist: Twist) {
        let mut worker = world.workers[index].clone();
        if worker.was_stalled && worker.intent.is_some() && world.time() >= worker.until {
            self.counters.add(Counter::ZombieWoke);
        }
        let point = std::mem::replace(&mut worker.point, Point::Wait);
        let is_over = match point {
            Point::Start => self.start(world, &mut worker, twist),
            Point::Decide => self.decide(world, &mut worker),
            Point::Append(prepared) => self.append(world, &mut worker, prepared, twist),
            Point::Publish(commands) => {
                for command in &commands {
                    let is_it = |item: usize| command.subjects.contains(&steps::subject(command.step, item));
                    let most = if steps::is_of_databases(command.step) { DATABASES_MAX } else { 1 };
                    let items = (0..most).filter(|item| is_it(*item));
                    world.commands.extend(items.map(|item| (command.step, command.run, item)));
                }
                worker.point = Point::Tell;
                false
            }
            Point::Tell => self.tell(world, &mut worker),
            Point::Intend => self.intend(world, &mut worker),
            Point::Look => self.look(world, &mut worker, twist),
            Point::Act => self.act(world, &mut worker, twist),
            Point::LetGo => self.let_go(world, &mut worker),
            Point::Watch => self.watch(world, &mut worker),
            Point::Watched => self.watched(world, &mut worker),
            Point::TakeBack => self.take_back(world, &mut worker),
            Point::Wait => false,
        };
        if is_over {
            world.workers.remove(index);
            world.running = None;
            return;
        }
        if matches!(worker.point, Point::Wait) {
            worker.just_acted = false;
            worker.has_appended = false;
            worker.seen = None;
            world.running = None;
        }
        world.workers[index] = worker;
    }

    /// Reads the journal, and what the task needs of the world.
    fn start(&self, world: &mut World, worker: &mut Worker, twist: Twist) -> bool {
        worker.log = Arc::clone(&world.core);
        match worker.task {
            Task::Tick if self.is(Mutant::BlindTick) => {}
            Task::Tick | Task::Operator(Order::Failover | Order::Approve | Order::Override) => {
                worker.seen = Some(world.look(self.mutant));
            }
            Task::Signal(rings, _) => world.shown[0] = rings,
            Task::Operator(_) => {}
            Task::Step(step) => return self.start_step(world, worker, step, twist),
        }
        worker.point = Point::Decide;
        false
    }

    fn start_step(&self, world: &mut World, worker: &mut Worker, step: Step, twist: Twist) -> bool {
        let is_believed = self.is(Mutant::BelievedCommand);
        if !is_believed && !self.is_due(world, worker, step) {
            return true;
        }
        if step == Step::Confirm {
            worker.point = Point::Intend;
            return false;
        }
        if steps::looks_when_it_acts(step) {
            worker.point = if is_believed { Point::Act } else { Point::Intend };
            return false;
        }
        let stale = twist == Twist::Stale;
        match steps::look(world, worker, step, stale, &self.plan, self.mutant) {
            Sight::Silence => return true,
            Sight::Wanting(note) => worker.note = note,
            _ => {}
        }
        worker.is_denied = twist == Twist::Deny;
        let acts_first = self.is(Mutant::ActBeforeIntent) && matches!(step, Step::Promote);
        worker.point = if is_believed || acts_first { Point::Act } else { Point::Intend };
        false
    }

    fn is_due(&self, world: &World, worker: &Worker, step: Step) -> bool {
        let subjects = vec![steps::subject(step, worker.item)];
        let command = StepCommand { plan: self.plan.name.clone(), run: worker.run, step, subjects };
        matches!(claim(&self.plan, &worker.log, &command, world.time()), Claim::Take(_))
    }

    fn intend(&self, world: &mut World, worker: &mut Worker) -> bool {
        let Task::Step(step) = worker.task else { return true };
        if !self.is_due(world, worker, step) {
            return true;
        }
        let until = world.time().checked_add(seconds(LEASE_SECONDS)).unwrap_or(Timestamp::MAX);
        let subject = steps::subject(step, worker.item);
        let note = || SubjectNote { subject: subject.clone(), note: "before".into() };
        let before = if worker.note { vec![note()] } else { Vec::new() };
        let event = Event::StepIntended { step, subjects: vec![subject.clone()], until, before };
        self.prepare(world, worker, Some(worker.run), event, What::Intent)
    }

    /// Prepares a record; one that can't follow the journal as it was read is not written.
    fn prepare(
        &self,
        world: &mut World,
        worker: &mut Worker,
        run: Option<u64>,
        event: Event,
        as_what: What,
    ) -> bool {
        world.attempts += 1;
        let record = Arc::new(Record {
            schema: JOURNAL_SCHEMA,
            plan: self.plan.name.clone(),
            seq: worker.log.next_seq(),
            run,
            at: world.time(),
            writer: "model".into(),
            request: None,
            attempt: world.attempts.to_string(),
            sentence: String::new(),
            event,
        });
        match self.evolve(&worker.log, &record) {
            Ok(_) => {
                worker.point = Point::Append(Prepared { record, as_what, is_uncertain: false });
                false
            }
            Err(why) => Self::not_written(world, worker, as_what, &why),
        }
    }

    /// The production fold, or what a mutant makes of it.
    fn evolve(&self, state: &State, record: &Record) -> Result<State, Illegality> {
        let is_abort = matches!(record.event, Event::AbortBegan { .. } | Event::Aborted { .. });
        let state = match &record.event {
            _ if is_abort && self.is(Mutant::AbortAfterIntent) => without_promotion(state),
            _ if is_abort && self.is(Mutant::AbortAfterOpening) => without_opening(state),
            Event::RunOpened { .. } if self.is(Mutant::TwoRuns) => without_run(state),
            _ => state.clone(),
        };
        let again = self.is(Mutant::OpenEnd).then(|| state.clone());
        match (evolve(state, record), again) {
            (Ok(next), _) => Ok(next),
            (Err(illegal), Some(mut state)) if matches!(illegal.why, Illegality::Finished(_)) => {
                if let Some(run) = &mut state.run {
                    run.phase = Phase::Moving;
                }
                evolve(state, record).map_err(|illegal| illegal.why)
            }
            (Err(illegal), _) => Err(illegal.why),
        }
    }

    /// Writes a record if its number is free; else what took it is read, and the caller thinks again.
    fn append(&self, world: &mut World, worker: &mut Worker, prepared: Prepared, twist: Twist) -> bool {
        let Prepared { record, as_what, is_uncertain } = prepared;
        let is_free = record.seq == world.core.next_seq();
        if !is_free {
            self.counters.add(Counter::Conflict);
            if is_uncertain && self.is_own(world, &record) {
                self.counters.add(Counter::OwnRecognised);
                let known = self.evolve(&worker.log, &record).ok().map(Arc::new);
                worker.log = known.unwrap_or_else(|| Arc::clone(&world.core));
                return self.written(world, worker, &record, as_what);
            }
        }
        if is_free || self.is(Mutant::BlindAppend) {
            if let Err(why) = self.write(world, worker, &record, as_what) {
                return Self::not_written(world, worker, as_what, &why);
            }
            if twist == Twist::LoseAck {
                worker.point = Point::Append(Prepared { record, as_what, is_uncertain: true });
                return false;
            }
            worker.log = Arc::clone(&world.core);
            return self.written(world, worker, &record, as_what);
        }
        worker.log = Arc::clone(&world.core);
        match as_what {
            What::Decision(_) if !self.is(Mutant::OldDecision) => worker.point = Point::Decide,
            What::Intent => worker.point = Point::Intend,
            // An outcome is written again behind whatever was appended meanwhile.
            _ => return self.prepare(world, worker, record.run, record.event.clone(), as_what),
        }
        false
    }

    fn is_own(&self, world: &World, record: &Record) -> bool {
        if self.is(Mutant::ForgottenAppend) {
            return false;
        }
        let mut link = world.journal.as_ref();
        while let Some(at) = link {
            if at.record.seq == record.seq {
                return at.record.attempt == record.attempt;
            }
            link = at.before.as_ref();
        }
        false
    }

    /// The write itself, and what must hold of it.
    fn write(
        &self,
        world: &mut World,
        worker: &mut Worker,
        record: &Arc<Record>,
        as_what: What,
    ) -> Result<(), Illegality> {
        let before = Arc::clone(&world.core);
        if record.seq != before.next_seq() {
            world.break_property(property::S8);
            return Ok(());
        }
        let after = self.evolve(&before, record)?;
        check::record(world, worker, &before, record, &after, self.mutant);
        if as_what == What::Decision(Some(true)) {
            worker.was_obeyed = true;
            if let Task::Operator(order) = worker.task {
                let opens = matches!(record.event, Event::RunOpened { .. });
                let given = if opens { Overrides::default() } else { world.given };
                world.given = given.and(overrides(order));
            }
        } else if matches!(record.event, Event::RunOpened { .. }) {
            world.given = Overrides::default();
        }
        world.core = Arc::new(after);
        world.journal = Some(Arc::new(Link { record: Arc::clone(record), before: world.journal.take() }));
        self.counters.count(&world.core, record);
        Ok(())
    }

    /// What follows a record that stands.
    fn written(&self, world: &mut World, worker: &mut Worker, record: &Record, as_what: What) -> bool {
        match as_what {
            What::Decision(answer) => {
                worker.has_appended = true;
                worker.is_answered |= answer.is_some();
                worker.point = Point::Decide;
            }
            What::Intent => {
                worker.intent = Some(record.seq);
                if let Event::StepIntended { until, .. } = &record.event {
                    worker.until = *until;
                }
                if worker.is_denied {
                    return self.fail(world, worker);
                }
                worker.point = match worker.task {
                    Task::Step(Step::Confirm) => Point::Watch,
                    Task::Step(step) if steps::looks_when_it_acts(step) => Point::Act,
                    _ => Point::Look,
                };
            }
            What::Done | What::Failed | What::Release => {
                worker.has_appended = false;
                worker.point = Point::Decide;
            }
            What::Renewal => {
                if let Event::StepWaiting { until, .. } = &record.event {
                    worker.until = *until;
                }
                worker.point = if worker.just_acted { Point::Look } else { Point::Wait };
                worker.just_acted = false;
            }
            What::FenceLost => return self.hand_over(world, worker, What::Release),
            What::HandOver => return true,
        }
        false
    }

    /// What follows a record that can't follow the journal.
    fn not_written(world: &mut World, worker: &mut Worker, as_what: What, why: &Illegality) -> bool {
        match as_what {
            What::Decision(_) => {
                world.break_property(property::S15);
                true
            }
            What::Intent | What::HandOver => true,
            What::Done if matches!(why, Illegality::Finished(_)) && worker.has_acted => {
                worker.point = Point::TakeBack;
                false
            }
            What::Done => true,
            What::Failed | What::Release => {
                worker.has_appended = false;
                worker.point = Point::Decide;
                false
            }
            What::Renewal => {
                worker.point = Point::Wait;
                false
            }
            // Somebody else wrote it down, or the run has stopped.
            What::FenceLost => {
                worker.tried_at = Some(world.now);
                worker.point = Point::LetGo;
                false
            }
        }
    }

    /// One turn of the conductor.
    fn decide(&self, world: &mut World, worker: &mut Worker) -> bool {
        let decision = self.decision(world, worker);
        let Some(mut draft) = decision.append else {
            let commands = decision.commands;
            worker.point = if commands.is_empty() { Point::Tell } else { Point::Publish(commands) };
            return matches!(worker.point, Point::Tell) && self.tell(world, worker);
        };
        if let (true, Event::RunOpened { overrides, .. }) = (self.is(Mutant::NoFence), &mut draft.event) {
            overrides.override_fence = true;
        }
        let answer = draft.answers.map(|verdict| verdict == Verdict::Accepted);
        if answer == Some(false) && worker.was_obeyed {
            world.break_property(property::S14);
        }
        let Draft { run, event, .. } = draft;
        self.prepare(world, worker, run, event, What::Decision(answer))
    }

    fn decision(&self, world: &World, worker: &Worker) -> Decision {
        let observation = worker.seen.map(|seen| seen.observation(&self.plan));
        let fences = match worker.task {
            Task::Tick => worker.seen.map(|seen| seen.fences()).unwrap_or_default(),
            _ => Vec::new(),
        };
        let mut facts = Facts { observation, fences, ..Facts::default() };
        let forgets = match worker.task {
            Task::Signal(rings, at) => {
                let at = if self.is(Mutant::NoDedup) { world.now } else { at };
                facts.signals.push(signal(rings, time(at)));
                None
            }
            Task::Operator(order) if !worker.is_answered => {
                facts.operator = Some(command(order, worker.run));
                self.forgets(order, &worker.log)
            }
            _ => None,
        };
        let forgets = forgets.or_else(|| self.is(Mutant::NoHold).then(|| without_hold(&worker.log)));
        let state = forgets.as_ref().unwrap_or(&worker.log);
        decide(&self.plan, state, &facts, world.time())
    }

    /// What the mutant of an order does not know.
    fn forgets(&self, order: Order, state: &State) -> Option<State> {
        match (self.mutant?, order) {
            (Mutant::AbortAfterIntent, Order::Abort) => Some(without_promotion(state)),
            (Mutant::AbortAfterOpening, Order::Abort) => Some(without_opening(state)),
            (Mutant::TwoRuns, Order::Failover) => Some(without_run(state)),
            _ => None,
        }
    }

    /// Tells people of one record, and notes that they were told.
    fn tell(&self, world: &mut World, worker: &mut Worker) -> bool {
        let age = if worker.has_appended { 0 } else { NOTICE_AGE_SECONDS };
        let now = world.time();
        let due: BTreeSet<u64> = worker
            .log
            .unnoticed
            .iter()
            .filter(|(_, record)| now.duration_since(record.at) >= seconds(age))
            .map(|(seq, _)| *seq)
            .collect();
        let Some(of) = due.first() else {
            let watches = worker.task == Task::Step(Step::Confirm) && worker.intent.is_some();
            worker.point = Point::Watched;
            return !watches;
        };
        if self.is(Mutant::SilentNotice) {
            world.break_property(property::L3);
        }
        // The conductor appends it behind whatever was appended meanwhile.
        worker.log = Arc::clone(&world.core);
        let record = Arc::new(Record {
            schema: JOURNAL_SCHEMA,
            plan: self.plan.name.clone(),
            seq: world.core.next_seq(),
            run: None,
            at: now,
            writer: "model".into(),
            request: None,
            attempt: String::new(),
            sentence: String::new(),
            event: Event::Noticed { of: *of },
        });
        if self.write(world, worker, &record, What::Release).is_err() {
            world.break_property(property::S15);
        }
        worker.log = Arc::clone(&world.core);
        worker.point = Point::Tell;
        false
    }

    /// One look of the step's loop, and what it calls for.
    fn look(&self, world: &mut World, worker: &mut Worker, twist: Twist) -> bool {
        let Task::Step(step) = worker.task else { return true };
        let stale = twist == Twist::Stale;
        let sight = steps::look(world, worker, step, stale, &self.plan, self.mutant);
        worker.just_acted = false;
        match sight {
            Sight::Stands => {
                let done = SubjectDone {
                    subject: steps::subject(step, worker.item),
                    detail: String::new(),
                    changed: worker.has_acted,
                    took_ms: 0,
                };
                let intent = worker.intent.unwrap_or_default();
                let event = Event::StepDone { step, subjects: vec![done], intent };
                return self.prepare(world, worker, Some(worker.run), event, What::Done);
            }
            Sight::Hopeless => return self.fail(world, worker),
            Sight::Wanting(needs_note) if worker.tried_at != Some(world.now) => {
                worker.point = Point::Act;
                worker.note = needs_note;
            }
            Sight::Wanting(_) | Sight::Underway | Sight::Silence => worker.point = Point::LetGo,
        }
        false
    }

    fn fail(&self, world: &mut World, worker: &mut Worker) -> bool {
        let Task::Step(step) = worker.task else { return true };
        let event = Event::StepFailed {
            step,
            subjects: vec![steps::subject(step, worker.item)],
            intent: worker.intent.unwrap_or_default(),
            code: "denied".into(),
            message: "m".into(),
            quiet: is_known_failure(&worker.log, step, world.time()),
        };
        self.prepare(world, worker, Some(worker.run), event, What::Failed)
    }

    /// Reads the journal once more, and acts if the item is still held.
    fn act(&self, world: &mut World, worker: &mut Worker, twist: Twist) -> bool {
        let Task::Step(step) = worker.task else { return true };
        let now = world.time();
        worker.log = Arc::clone(&world.core);
        worker.point = Point::LetGo;
        let holds = worker.holds(&world.core, now);
        let has_time = worker.until.duration_since(now) >= seconds(EFFECT_SECONDS);
        let acts_first = self.is(Mutant::ActBeforeIntent) && step == Step::Promote && worker.intent.is_none();
        let is_unguarded = self.is(Mutant::IgnoredLease) || self.is(Mutant::BelievedCommand) || acts_first;
        if !(holds && has_time || is_unguarded) {
            if worker.was_stalled {
                self.counters.add(Counter::ZombieRefused);
            }
            return false;
        }
        if worker.note && !self.is_noted(worker, step) && !is_unguarded {
            // What the undo needs is not in the journal: another attempt notes it first.
            return self.hand_over(world, worker, What::Release);
        }
        if step == Step::Promote && !is_unguarded && !self.is(Mutant::BelievedFence) {
            let minds = worker.log.active_run().is_some_and(|run| !run.overrides.override_fence);
            if minds && !steps::is_closed(world, self.mutant) {
                return self.lose_fence(world, worker);
            }
        }
        worker.tried_at = Some(world.now);
        match twist {
            Twist::NoAnswer => return false,
            Twist::Deny => return self.fail(world, worker),
            _ => {}
        }
        if !holds {
            world.break_property(property::S2);
        }
        if steps::act(world, step, worker.item, &self.whole, self.mutant) == Effect::Accepted {
            self.counters.add(Counter::Effect);
            worker.has_acted = true;
            worker.just_acted = twist != Twist::LoseAnswer;
        }
        if acts_first {
            worker.point = Point::Intend;
        } else if self.is(Mutant::BelievedCommand) {
            return true;
        }
        false
    }

    /// Writes down that the primary side is open again; the item is let go of until it is closed.
    fn lose_fence(&self, world: &mut World, worker: &mut Worker) -> bool {
        let seen = PrimarySide::Open { weight: 128 };
        let routes = vec![LostFence { route: plan::route(), seen }];
        let event = Event::FenceLost { routes };
        self.prepare(world, worker, Some(worker.run), event, What::FenceLost)
    }

    /// Whether the journal holds what the undo of a step needs.
    fn is_noted(&self, worker: &Worker, step: Step) -> bool {
        self.is(Mutant::ActWithoutNote)
            || worker
                .log
                .active_run()
                .is_some_and(|run| run.before.contains_key(&(step, steps::subject(step, worker.item))))
    }

    fn hand_over(&self, world: &mut World, worker: &mut Worker, as_what: What) -> bool {
        let Task::Step(step) = worker.task else { return true };
        let event = Event::StepHandedOver {
            step,
            subjects: vec![steps::subject(step, worker.item)],
            intent: worker.intent.unwrap_or_default(),
            note: String::new(),
        };
        self.prepare(world, worker, Some(worker.run), event, as_what)
    }

    /// Lets go of what is not held any more; hands over at the end of its time; renews; sleeps.
    fn let_go(&self, world: &mut World, worker: &mut Worker) -> bool {
        worker.log = Arc::clone(&world.core);
        let now = world.time();
        if !worker.holds(&world.core, now) {
            return self.hand_over(world, worker, What::Release);
        }
        if world.now >= worker.started + HAND_OVER_MOMENTS {
            return self.hand_over(world, worker, What::HandOver);
        }
        if worker.until.duration_since(now) < seconds(LEASE_LEFT_MIN_SECONDS) {
            return self.renew(world, worker);
        }
        worker.point = if worker.just_acted { Point::Look } else { Point::Wait };
        false
    }

    fn renew(&self, world: &mut World, worker: &mut Worker) -> bool {
        let Task::Step(step) = worker.task else { return true };
        let until = world.time().checked_add(seconds(LEASE_SECONDS)).unwrap_or(Timestamp::MAX);
        let event = Event::StepWaiting {
            step,
            subjects: vec![steps::subject(step, worker.item)],
            intent: worker.intent.unwrap_or_default(),
            until,
            note: String::new(),
        };
        self.prepare(world, worker, Some(worker.run), event, What::Renewal)
    }

    /// The watch of a confirming run looks.
    fn watch(&self, world: &mut World, worker: &mut Worker) -> bool {
        worker.seen = Some(world.look(self.mutant));
        worker.tried_at = Some(world.now);
        worker.log = Arc::clone(&world.core);
        worker.has_appended = false;
        worker.point = Point::Decide;
        false
    }

    /// What the watch does after it has decided.
    fn watched(&self, world: &mut World, worker: &mut Worker) -> bool {
        let confirms = worker
            .log
            .active_run()
            .is_some_and(|run| run.id == worker.run && matches!(run.phase, Phase::Confirming { .. }));
        if !confirms {
            return true;
        }
        let now = world.time();
        if world.now >= worker.started + HAND_OVER_MOMENTS {
            return self.hand_over(world, worker, What::HandOver);
        }
        if worker.until.duration_since(now) < seconds(LEASE_LEFT_MIN_SECONDS) {
            return self.renew(world, worker);
        }
        false
    }

    /// Takes a late effect back, if its run was aborted.
    fn take_back(&self, world: &mut World, worker: &mut Worker) -> bool {
        let aborted = world
            .core
            .run
            .as_ref()
            .is_some_and(|run| run.id == worker.run && matches!(run.phase, Phase::Aborted { .. }));
        if worker.task == Task::Step(Step::Fence) && (aborted || self.is(Mutant::BlindTakeBack)) {
            self.counters.add(Counter::TakenBack);
            world.cloud.set_primary(true);
        }
        true
    }

    /// Whether a sleeping worker has something to do.
    #[must_use]
    pub fn is_awake(&self, world: &World, worker: &Worker) -> bool {
        let Task::Step(step) = worker.task else { return false };
        let now = world.time();
        if step == Step::Confirm {
            return worker.tried_at != Some(world.now);
        }
        let sight = steps::look(world, worker, step, false, &self.plan, self.mutant);
        matches!(sight, Sight::Stands | Sight::Hopeless)
            || matches!(sight, Sight::Wanting(_)) && worker.tried_at != Some(world.now)
            || !worker.holds(&world.core, now)
            || worker.until.duration_since(now) < seconds(LEASE_LEFT_MIN_SECONDS)
            || world.now >= worker.started + HAND_OVER_MOMENTS
    }

    /// Whether no tick will ever do anything again.
    #[must_use]
    pub fn is_asleep(&self, world: &World) -> bool {
        let minutes = [1, 60, 24 * 60];
        minutes.into_iter().all(|minutes| {
            let mut later = world.clone();
            later.now += minutes * 60 / u32::try_from(MOMENT_SECONDS).unwrap_or(1);
            let mut worker = Worker::new(Task::Tick, 0, 0, &later);
            if !self.is(Mutant::BlindTick) {
                worker.seen = Some(later.look(self.mutant));
            }
            let decision = self.decision_after_calls(&later, &mut worker);
            decision.append.is_none() && decision.commands.is_empty()
        })
    }

    /// What is decided once people were called: a call moves nothing, and what is due comes after it.
    fn decision_after_calls(&self, world: &World, worker: &mut Worker) -> Decision {
        for _ in 0..CALLS_MAX {
            let decision = self.decision(world, worker);
            let Some(Draft { run, event: event @ Event::Attention { .. }, .. }) = decision.append else {
                return decision;
            };
            let record = Record {
                schema: JOURNAL_SCHEMA,
                plan: self.plan.name.clone(),
                seq: worker.log.next_seq(),
                run,
                at: world.time(),
                writer: "model".into(),
                request: None,
                attempt: String::new(),
                sentence: String::new(),
                event,
            };
            match evolve(State::clone(&worker.log), &record) {
                Ok(next) => worker.log = Arc::new(next),
                Err(_) => break,
            }
        }
        self.decision(world, worker)
    }
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
