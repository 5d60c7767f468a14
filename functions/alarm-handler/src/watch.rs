//! Looking again within the tick's minute, for a plan that asks for it: probes and replicas every few seconds, until the next
//! tick takes over or a run looks for itself.

use std::pin::pin;

use engine::conductor::{Advanced, Conductor, Log};
use engine::fault::Fault;
use engine::observe::Observer;
use futures::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use protocol::decide::Facts;
use protocol::observation::{Observation, ProbeAnswer};

use crate::{AlarmHandler, load_vitals, save};

/// How long a tick watches, from its beginning. The next one comes a minute after it, a little sooner or later.
const WATCHES_FOR: SignedDuration = SignedDuration::from_secs(55);

/// What is left of the invocation's time when the watch ends: a look that has just ended may have much to write.
const LEFT_TO_WRITE: SignedDuration = SignedDuration::from_secs(10);

/// The rest of a tick.
pub(crate) struct Watch<'a> {
    pub(crate) function: &'a AlarmHandler,
    pub(crate) conductor: &'a Conductor,
    /// What the tick looked with: it remembers what CloudWatch said.
    pub(crate) eyes: &'a Observer,
    /// When the tick began.
    pub(crate) began_at: Timestamp,
    /// When it says that it ticked.
    pub(crate) ticked_at: Option<Timestamp>,
    /// When the invocation ends.
    pub(crate) deadline: Timestamp,
}

impl Watch<'_> {
    /// Looks and decides until the watch is over; gives what came of it all.
    pub(crate) async fn keep(&self, log: &mut Log, ticked: Advanced) -> Result<Advanced, Fault> {
        let (conductor, mut advanced) = (self.conductor, ticked);
        let Some(seconds) = conductor.plan.detection.watch_seconds else { return Ok(advanced) };
        let every = SignedDuration::from_secs(seconds.into());
        let until = self.until();
        let mut due = later(self.began_at, every);
        // A run has a watch of its own, or moves on and is woken.
        while due < until && log.state.active_run().is_none() {
            let wait = due.duration_since(conductor.clock.now());
            conductor.sleep(wait.try_into().unwrap_or_default()).await;
            if self.another_ticks().await {
                break;
            }
            let Some(observation) = self.look(log, until).await else { break };
            self.note_answer(&observation).await;
            let facts = Facts { observation: Some(observation), ..Facts::default() };
            let before = advanced.appended;
            advanced = conductor.advance(log, facts).await?;
            advanced.appended += before;
            // What a slow look has missed is not made up for.
            while due <= conductor.clock.now() {
                due = later(due, every);
            }
        }
        Ok(advanced)
    }

    fn until(&self) -> Timestamp {
        let least = self.deadline.checked_sub(LEFT_TO_WRITE).unwrap_or(Timestamp::MIN);
        later(self.began_at, WATCHES_FOR).min(least)
    }

    /// One look, unless it takes longer than the watch: then the next tick's is as good.
    async fn look(&self, log: &Log, until: Timestamp) -> Option<Observation> {
        let clock = &*self.conductor.clock;
        let left = until.duration_since(clock.now()).try_into().unwrap_or_default();
        let looked = pin!(self.eyes.observe(&self.conductor.plan, &log.state));
        match select(looked, clock.sleep(left)).await {
            Either::Left((observation, _)) => Some(observation),
            Either::Right(_) => None,
        }
    }

    /// Whether a later tick has begun. Without the vitals nobody knows; then this one ends by its time.
    async fn another_ticks(&self) -> bool {
        let vitals = load_vitals(self.function, self.conductor).await;
        vitals.ticked_at > self.ticked_at
    }

    /// Keeps when a probe last got a good answer: from then on a loss is dated. The time of the tick stays the tick's.
    async fn note_answer(&self, observation: &Observation) {
        if observation.probes.iter().all(|probe| probe.answer != ProbeAnswer::Good) {
            return;
        }
        let mut vitals = load_vitals(self.function, self.conductor).await;
        vitals.answered_at = Some(observation.at);
        save(self.function, &self.conductor.plan.name, &vitals).await;
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
