//! Where does an invocation stand? One worker, from its message to its end: the machines of `shared/engine` that it runs,
//! what they asked for last, and what of all that can still matter.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use engine::step::attempt::{self, Attempt};
use engine::turn::{self, Turn};
use jiff::Timestamp;
use protocol::command::Step;
use protocol::decide::{Draft, still_held};
use protocol::journal::Record;
use protocol::operator::Overrides;
use protocol::state::{Progress, State};

use crate::digest;
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

/// What is next: what a machine asked for, and what was not carried out yet.
#[derive(Clone, Debug)]
pub enum Point {
    /// What the attempt asked for.
    Step(attempt::Output),
    /// What the turn asked for.
    Turn(turn::TurnOutput),
    /// Write a record that is prepared.
    Append(Prepared),
    /// Asleep, until going on would change something.
    Asleep,
}

/// A record about to be written.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The record.
    pub record: Arc<Record>,
    /// What it was made from.
    pub draft: Arc<Draft>,
    /// It may stand already: the acknowledgement was lost.
    pub is_uncertain: bool,
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
    /// The attempt, if a step's command woke it.
    pub attempt: Option<Attempt>,
    /// The turn of the conductor; one inside the attempt, if there is one.
    pub turn: Option<Turn>,
    /// The record that people were sent a notice of.
    pub sent: Option<u64>,
    /// The moment at which it looked at its item.
    pub looked_at: Option<u32>,
    /// Whether it has read the journal since then.
    pub has_read: bool,
    /// An order of this worker that was carried out.
    pub was_obeyed: bool,
    /// Whether the fence was passed when it began.
    pub is_overridden: bool,
    /// Whether it is held up.
    pub is_stalled: bool,
    /// Whether it ever was.
    pub was_stalled: bool,
}

impl Worker {
    /// A worker that is about to begin.
    #[must_use]
    pub fn new(task: Task, run: u64, item: usize, world: &World) -> Self {
        Self {
            task,
            run,
            item,
            point: Point::Asleep,
            log: Arc::clone(&world.core),
            seen: None,
            attempt: None,
            turn: None,
            sent: None,
            looked_at: None,
            has_read: false,
            was_obeyed: false,
            is_overridden: world.core.active_run().is_some_and(|run| run.overrides.override_fence),
            is_stalled: false,
            was_stalled: false,
        }
    }

    /// The end of its lease by a state, if by that it holds its item.
    #[must_use]
    pub fn held_until(&self, state: &State) -> Option<Timestamp> {
        let (Task::Step(step), Some(attempt)) = (self.task, &self.attempt) else { return None };
        let subject = crate::steps::subject(step, self.item);
        let progress = match step {
            _ if step.is_cleanup() => state.cleanup(step, &subject)?.progress.as_ref()?,
            _ => state.run.as_ref().filter(|run| run.id == self.run)?.progress(step, &subject)?,
        };
        match progress {
            Progress::Held { intent, until, .. } if *intent == attempt.parts().intent => Some(*until),
            _ => None,
        }
    }

    /// Whether it may have its effect, by the journal as it has read it.
    #[must_use]
    pub fn still_holds(&self, now: Timestamp) -> bool {
        let (Task::Step(step), Some(attempt)) = (self.task, &self.attempt) else { return false };
        let subjects = [crate::steps::subject(step, self.item)];
        !still_held(&self.log, step, &subjects, attempt.parts().intent, now).is_empty()
    }

    /// Whether it woke, or was let go on, after its lease.
    #[must_use]
    pub fn is_late(&self, now: Timestamp) -> bool {
        let parts = self.attempt.as_ref().map(Attempt::parts);
        parts.is_some_and(|parts| parts.intent > 0 && now >= parts.until)
    }

    /// What the attempt waits for.
    #[must_use]
    pub fn waiting(&self) -> Option<&attempt::Waiting> {
        self.attempt.as_ref().and_then(|attempt| attempt.parts().waiting)
    }

    /// What of it can still matter.
    pub fn write<H: Hasher>(&self, world: &World, out: &mut H) {
        let now = world.time();
        let Self {
            task: _, // Relative to now, below.
            run,
            item: _, // With the task.
            point,
            log,
            seen,
            attempt,
            turn,
            sent: _, // What the turn is about to note.
            looked_at,
            has_read: _, // A machine that acts has always read.
            was_obeyed,
            is_overridden,
            is_stalled,
            was_stalled: _, // It is only counted by it.
        } = self;
        (self.task_key(world), world.core.run.as_ref().map(|run| run.id) == Some(*run)).hash(out);
        (was_obeyed, is_overridden, is_stalled).hash(out);
        self.write_point(now, out);
        // Who reads the journal next is not bound by what it read before.
        if !matches!(point, Point::Asleep | Point::Step(attempt::Output::Read)) {
            let is_fresh = log.last_seq == world.core.last_seq;
            is_fresh.hash(out);
            if !is_fresh {
                digest::write(log, now, out);
                self.held_until(log).is_some().hash(out);
            }
        }
        if let Some(seen) = seen {
            digest::write_seen(seen, world.now, out);
        }
        if let Some(attempt) = attempt {
            let parts = attempt.parts();
            self.held_until(&world.core).is_some().hash(out);
            if parts.first.is_some() {
                looked_at.map(|at| world.now - at).hash(out);
            }
            digest::write_attempt(parts, now, out);
        }
        if let Some(turn) = turn {
            digest::write_turn(turn.parts(), &world.core, out);
        }
    }

    fn task_key(&self, world: &World) -> (u8, u32, u8) {
        match self.task {
            Task::Tick => (0, 0, 0),
            Task::Signal(rings, at) => (1, world.now - at, u8::from(rings)),
            Task::Operator(order) => (2, 0, order as u8),
            Task::Step(step) => (3, u32::from(self.item == 1), step as u8),
        }
    }

    /// What a machine waits for says what it asked for, but for the time by which effects must begin, which is its lease's,
    /// and for what a turn publishes.
    fn write_point<H: Hasher>(&self, now: Timestamp, out: &mut H) {
        std::mem::discriminant(&self.point).hash(out);
        match &self.point {
            Point::Append(Prepared { record, draft: _, is_uncertain }) => {
                is_uncertain.hash(out);
                (now.duration_since(record.at).as_secs(), record.seq > self.log.last_seq).hash(out);
                std::mem::discriminant(&record.event).hash(out);
            }
            Point::Turn(turn::TurnOutput::Publish(commands)) => {
                for command in commands {
                    (command.step, &command.subjects).hash(out);
                }
            }
            Point::Step(_) | Point::Turn(_) | Point::Asleep => {}
        }
    }
}

/// The rules that an order passes.
#[must_use]
pub fn overrides(order: Order) -> Overrides {
    let passes = order == Order::Override;
    // A primary that lives is only moved by who says that its signs of life do not count.
    let vetoes = passes || order == Order::Failover;
    Overrides { allow_data_loss: passes, override_fence: passes, override_vetoes: vetoes }
}
