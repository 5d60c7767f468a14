//! Where does an invocation stand? One worker, from its message to its end, and what of it can still matter.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;
use protocol::command::{Step, StepCommand};
use protocol::decide::{Verdict, still_held};
use protocol::journal::Record;
use protocol::operator::Overrides;
use protocol::state::State;

use crate::world::{Seen, World};

/// What woke it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// The scheduler.
    Tick,
    /// An alarm's message: its state, and the moment of the change.
    Signal(bool, u32),
    /// An operator.
    Operator(Order),
    /// A step's command.
    Step(Step),
}

/// What an operator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Start a failover.
    Failover,
    /// Approve the run under way.
    Approve,
    /// Approve it, and pass the fence, the gate and the vetoes.
    Override,
    /// Abort it.
    Abort,
    /// Place a hold.
    Hold,
    /// End it.
    Release,
}

/// What is next.
#[derive(Clone, Debug)]
pub enum Point {
    /// Read the journal, look, claim.
    Start,
    /// Decide with the facts in hand.
    Decide,
    /// Write a record that is prepared.
    Append(Prepared),
    /// Publish commands.
    Publish(Vec<StepCommand>),
    /// Tell people of what they were not told of.
    Tell,
    /// Prepare the intent.
    Intend,
    /// Look at the item.
    Look,
    /// Bring the effect about, if the item is still held.
    Act,
    /// Let go, hand over, renew or sleep.
    LetGo,
    /// Look for the confirm window.
    Watch,
    /// After such a look was decided upon.
    Watched,
    /// Take a late effect back.
    TakeBack,
    /// Asleep until there is something to do.
    Wait,
}

/// A record about to be written.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The record.
    pub record: Arc<Record>,
    /// What it is to its writer.
    pub as_what: What,
    /// It may stand already: the acknowledgement was lost.
    pub is_uncertain: bool,
}

/// What a record is to its writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A decision, which may answer an operator.
    Decision(Option<bool>),
    /// The intent of a step.
    Intent,
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// The lease is renewed.
    Renewal,
    /// Handed over at the end of its time.
    HandOver,
    /// Let go, because it is not held any more.
    Release,
    /// A fence that was done is not any more.
    FenceLost,
}

/// An invocation.
#[derive(Clone, Debug)]
pub struct Worker {
    /// What woke it.
    pub task: Task,
    /// The run that it is about.
    pub run: u64,
    /// Which of the databases it is about, for a step of databases.
    pub item: usize,
    /// What is next.
    pub point: Point,
    /// The journal as far as it was read.
    pub log: Arc<State>,
    /// What it saw of the world.
    pub seen: Option<Seen>,
    /// Whether the operator was answered.
    pub is_answered: bool,
    /// An order of this worker that was carried out.
    pub was_obeyed: bool,
    /// Whether it appended since it began to decide.
    pub has_appended: bool,
    /// Its intent.
    pub intent: Option<u64>,
    /// The end of its lease.
    pub until: Timestamp,
    /// Whether the item's former state was noted at the first look.
    pub note: bool,
    /// Whether its first look was denied.
    pub is_denied: bool,
    /// Whether it brought the effect about.
    pub has_acted: bool,
    /// Whether it did so since it last slept.
    pub just_acted: bool,
    /// The moment of its last try to act.
    pub tried_at: Option<u32>,
    /// When it began, in moments.
    pub started: u32,
    /// Whether the fence was passed when it began.
    pub is_overridden: bool,
    /// Whether it is held up.
    pub is_stalled: bool,
    /// Whether it ever was.
    pub was_stalled: bool,
}

impl Worker {
    /// A worker at its start.
    #[must_use]
    pub fn new(task: Task, run: u64, item: usize, world: &World) -> Self {
        Self {
            task,
            run,
            item,
            point: Point::Start,
            log: Arc::clone(&world.core),
            seen: None,
            is_answered: false,
            was_obeyed: false,
            has_appended: false,
            intent: None,
            until: world.time(),
            note: false,
            is_denied: false,
            has_acted: false,
            just_acted: false,
            tried_at: None,
            started: world.now,
            is_overridden: world.core.active_run().is_some_and(|run| run.overrides.override_fence),
            is_stalled: false,
            was_stalled: false,
        }
    }

    /// Whether the journal, as some state has it, says that this worker holds its item.
    #[must_use]
    pub fn holds(&self, state: &State, now: Timestamp) -> bool {
        let Task::Step(step) = self.task else { return false };
        let subjects = [crate::steps::subject(step, self.item)];
        self.intent.is_some_and(|intent| !still_held(state, step, &subjects, intent, now).is_empty())
    }

    /// What of it can still matter.
    pub fn write<H: Hasher>(&self, world: &World, out: &mut H) {
        let now = world.time();
        let run = world.core.run.as_ref().map(|run| run.id);
        (self.task_key(world), run == Some(self.run), self.is_stalled, self.was_stalled).hash(out);
        let sleeps = matches!(self.point, Point::Wait | Point::Start);
        let is_fresh = self.log.last_seq == world.core.last_seq;
        if !sleeps {
            is_fresh.hash(out);
            if !is_fresh {
                crate::digest::write(&self.log, now, out);
                self.holds(&self.log, now).hash(out);
            }
        }
        self.write_point(now, out);
        if let Some(seen) = self.seen {
            (world.now - seen.at, seen.probe, seen.replica, seen.is_detached).hash(out);
            (seen.at - seen.lived_until, seen.lag, seen.truth, seen.is_reopened).hash(out);
        }
        (self.is_answered, self.was_obeyed, self.has_appended).hash(out);
        if self.intent.is_some() {
            (self.until.duration_since(now).as_secs(), self.holds(&world.core, now)).hash(out);
            (self.note, self.is_denied, self.has_acted, self.just_acted, self.is_overridden).hash(out);
            self.tried_at.map(|at| world.now == at).hash(out);
        }
        (world.now - self.started).min(6).hash(out);
    }

    fn task_key(&self, world: &World) -> (u8, u32, u8) {
        match self.task {
            Task::Tick => (0, 0, 0),
            Task::Signal(rings, at) => (1, world.now - at, u8::from(rings)),
            Task::Operator(order) => (2, 0, order as u8),
            Task::Step(step) => (3, u32::from(self.item == 1), step as u8),
        }
    }

    fn write_point<H: Hasher>(&self, now: Timestamp, out: &mut H) {
        std::mem::discriminant(&self.point).hash(out);
        match &self.point {
            Point::Append(Prepared { record, as_what, is_uncertain }) => {
                (as_what, is_uncertain).hash(out);
                (now.duration_since(record.at).as_secs(), record.seq > self.log.last_seq).hash(out);
                std::mem::discriminant(&record.event).hash(out);
            }
            Point::Publish(commands) => {
                for command in commands {
                    (command.step, &command.subjects).hash(out);
                }
            }
            _ => {}
        }
    }
}

/// Whether a verdict says that the order was carried out.
#[must_use]
pub fn is_accepted(verdict: Verdict) -> bool {
    verdict == Verdict::Accepted
}

/// The rules that an order passes.
#[must_use]
pub fn overrides(order: Order) -> Overrides {
    let passes = order == Order::Override;
    // A primary that lives is only moved by who says that its signs of life do not count.
    let vetoes = passes || order == Order::Failover;
    Overrides { allow_data_loss: passes, override_fence: passes, override_vetoes: vetoes }
}
