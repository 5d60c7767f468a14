//! Looking again within the tick's minute, for a plan that asks for it: probes and replicas every few seconds, until the next
//! tick takes over or a run looks for itself.

use std::pin::pin;

use engine::conductor::{Advanced, Conductor, Log};
use engine::fault::Fault;
use engine::observe::Observer;
use futures::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use protocol::decide::Facts;
use protocol::observation::Observation;

use crate::{AlarmHandler, load_vitals, save};

/// Until when a look may begin, from the tick's beginning: the next tick comes a minute after it, a little sooner or later.
const WATCHES_FOR: SignedDuration = SignedDuration::from_secs(55);

/// Until when it may last. A probe that does not answer is waited for up to ten seconds.
const LOOKS_UNTIL: SignedDuration = SignedDuration::from_secs(60);

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
    /// When its first look ended, as the vitals say it.
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
        let mut due = later(self.began_at, every);
        // A run has a watch of its own, or moves on and is woken.
        while due < self.within(WATCHES_FOR) && log.state.active_run().is_none() {
            let wait = due.duration_since(conductor.clock.now()).min(every);
            conductor.sleep(wait.try_into().unwrap_or_default()).await;
            if self.another_ticks().await {
                break;
            }
            let Some(observation) = self.look(log).await else { break };
            self.note_answer(&observation).await;
            conductor.refresh(log).await?;
            if log.state.active_run().is_some() {
                break;
            }
            let facts = Facts { observation: Some(observation), ..Facts::default() };
            let before = advanced.appended;
            advanced = conductor.advance_from(log, facts).await?;
            advanced.appended += before;
            // What a slow look has missed is not made up for.
            while due <= conductor.clock.now() {
                due = later(due, every);
            }
        }
        Ok(advanced)
    }

    /// So long after the tick began, or as long as the invocation lets it.
    fn within(&self, time: SignedDuration) -> Timestamp {
        let least = self.deadline.checked_sub(LEFT_TO_WRITE).unwrap_or(Timestamp::MIN);
        later(self.began_at, time).min(least)
    }

    /// One look, unless it takes longer than the watch: then the next tick's is as good. Where there is a sign of loss, it is
    /// judged with what CloudWatch and the witness say now.
    async fn look(&self, log: &Log) -> Option<Observation> {
        if !log.state.evidence.is_empty() {
            self.eyes.wake();
        }
        let observation = self.look_once(log).await?;
        let was_at_rest = observation.shows_a_sign() && self.eyes.wake();
        if was_at_rest { self.look_once(log).await } else { Some(observation) }
    }

    async fn look_once(&self, log: &Log) -> Option<Observation> {
        let clock = &*self.conductor.clock;
        let left = self.within(LOOKS_UNTIL).duration_since(clock.now()).try_into().unwrap_or_default();
        let looked = pin!(self.eyes.observe(&self.conductor.plan, &log.state));
        match select(looked, clock.sleep(left)).await {
            Either::Left((observation, _)) => Some(observation),
            Either::Right(_) => None,
        }
    }

    /// Whether a later tick has looked. Without the vitals nobody knows; then this one ends by its time.
    async fn another_ticks(&self) -> bool {
        load_vitals(self.function, self.conductor)
            .await
            .is_some_and(|vitals| vitals.ticked_at > self.ticked_at)
    }

    /// Keeps when a probe last got a good answer: from then on a loss is dated. All else in the vitals is the tick's, and of a later
    /// tick nothing is overwritten.
    async fn note_answer(&self, observation: &Observation) {
        if !observation.answers_now() {
            return;
        }
        let Some(mut vitals) = load_vitals(self.function, self.conductor).await else { return };
        if vitals.ticked_at <= self.ticked_at {
            vitals.answered_at = observation.answered_at;
            save(self.function, &self.conductor.plan.name, &vitals).await;
        }
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
