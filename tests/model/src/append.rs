//! How does a record come to stand in the model's journal? Prepared at the number that its writer has read, by the
//! production fold; then written, taken, or not acknowledged.

use std::sync::Arc;

use engine::append::Written;
use engine::step::attempt;
use engine::turn;
use protocol::decide::{Draft, Verdict};
use protocol::journal::{Event, JOURNAL_SCHEMA, Record};
use protocol::operator::Overrides;
use protocol::state::{Illegality, Phase, State, evolve};

use crate::check;
use crate::count::Counter;
use crate::forged;
use crate::mutant::Mutant;
use crate::property;
use crate::run::{Engine, Twist};
use crate::worker::{Point, Prepared, Task, Worker, overrides};
use crate::world::{Link, World};

impl Engine {
    /// Prepares a record; one that can't follow the journal as it was read is not written.
    pub(crate) fn prepare(&self, world: &mut World, worker: &mut Worker, draft: Arc<Draft>) -> bool {
        world.attempts += 1;
        let record = Arc::new(self.record(worker.log.next_seq(), &draft, world));
        match self.evolve(&worker.log, &record) {
            Ok(_) => {
                worker.point = Point::Append(Prepared { record, draft, is_uncertain: false });
                false
            }
            Err(why) => self.wrote(world, worker, Written::Illegal(why)),
        }
    }

    pub(crate) fn record(&self, seq: u64, draft: &Draft, world: &World) -> Record {
        Record {
            schema: JOURNAL_SCHEMA,
            plan: self.plan.name.clone(),
            seq,
            run: draft.run,
            at: world.time(),
            writer: "model".into(),
            request: None,
            attempt: world.attempts.to_string(),
            previous: None,
            sentence: String::new(),
            event: draft.event.clone(),
        }
    }

    /// What became of a record goes to the machine that asked for it.
    fn wrote(&self, world: &mut World, worker: &mut Worker, written: Written) -> bool {
        if worker.turn.is_some() {
            self.tell_turn(world, worker, turn::TurnInput::Written(written))
        } else {
            self.tell_attempt(world, worker, attempt::Input::Written(written))
        }
    }

    /// The production fold, or what a mutant makes of it.
    pub(crate) fn evolve(&self, state: &State, record: &Record) -> Result<State, Illegality> {
        let is_abort = matches!(record.event, Event::AbortBegan { .. } | Event::Aborted { .. });
        let state = match &record.event {
            _ if is_abort && self.is(Mutant::AbortAfterIntent) => forged::without_promotion(state),
            _ if is_abort && self.is(Mutant::AbortAfterOpening) => forged::without_opening(state),
            Event::RunOpened { .. } if self.is(Mutant::TwoRuns) => forged::without_run(state),
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

    /// Writes a record if its number is free; else what took it is read, and the machine thinks again.
    pub(crate) fn append(
        &self,
        world: &mut World,
        worker: &mut Worker,
        prepared: Prepared,
        twist: Twist,
    ) -> bool {
        let Prepared { record, draft, is_uncertain } = prepared;
        let is_free = record.seq == world.core.next_seq();
        if !is_free {
            self.counters.add(Counter::Conflict);
            if is_uncertain && self.is_own(world, &record) {
                self.counters.add(Counter::OwnRecognised);
                let known = self.evolve(&worker.log, &record).ok().map(Arc::new);
                worker.log = known.unwrap_or_else(|| Arc::clone(&world.core));
                return self.wrote(world, worker, Written::As(record.seq));
            }
        }
        if is_free || self.is(Mutant::BlindAppend) {
            if let Err(why) = self.write(world, worker, &record, &draft) {
                return self.wrote(world, worker, Written::Illegal(why));
            }
            if twist == Twist::LoseAck {
                worker.point = Point::Append(Prepared { record, draft, is_uncertain: true });
                return false;
            }
            worker.log = Arc::clone(&world.core);
            return self.wrote(world, worker, Written::As(record.seq));
        }
        worker.log = Arc::clone(&world.core);
        let is_intent = matches!(draft.event, Event::StepIntended { .. });
        if worker.turn.is_some() && self.is(Mutant::OldDecision) || is_intent && self.is(Mutant::OldClaim) {
            return self.prepare(world, worker, draft);
        }
        if worker.turn.is_some() {
            self.tell_turn(world, worker, turn::TurnInput::Raced)
        } else {
            self.tell_attempt(world, worker, attempt::Input::Raced)
        }
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
        draft: &Draft,
    ) -> Result<(), Illegality> {
        let before = Arc::clone(&world.core);
        if record.seq != before.next_seq() {
            world.break_property(property::S8);
            return Ok(());
        }
        let after = self.evolve(&before, record)?;
        check::record(world, worker, &before, record, &after, self.mutant);
        check::intent(world, &self.plan, &before, record);
        if draft.answers == Some(Verdict::Accepted) {
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
}
