//! The steps: what differs between them, and the driver that runs an [`attempt`] at one on the ports.

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::Either;
use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use ports::{Clock, Failure, FailureKind};
use protocol::command::{Step, StepCommand};
use protocol::name::Name;
use protocol::observation::Observation;
use protocol::state::State;
use protocol::step::Manner;

use self::attempt::{Attempt, CONCURRENCY, Effects, Input, Moment, Output};
use crate::append::busy;
use crate::conductor::{Conductor, Log};
use crate::fault::Fault;

pub mod attempt;
mod status;

pub use self::attempt::{LEASE, POLL_DUE_EVERY, POLL_EVERY};
pub use self::status::{Objection, StepStatus, for_a_person};

/// The part of a step that differs from the others: how to look and how to act.
#[async_trait]
pub trait StepHandler: Send + Sync {
    /// The step.
    fn step(&self) -> Step;

    /// What is seen of each item, in the order asked for.
    async fn look(&self, subjects: &[Name]) -> Result<Vec<StepStatus>, Failure>;

    /// Brings the effect about, or begins to.
    async fn act(&self, subject: &Name) -> Result<(), Failure>;

    /// How an attempt at it differs from those at others: as the table of steps says.
    fn manner(&self) -> Manner {
        self.step().spec().manner
    }

    /// What is seen of the world, by the one that weighs evidence.
    async fn observe(&self, _state: &State) -> Option<Observation> {
        None
    }

    /// What stands against effects that are about to begin, asked with the journal as it is right before them; nothing if
    /// they may. A step that objects is given few effects at a time, so that what was seen is fresh for each.
    async fn objection(&self, _state: &State) -> Option<Objection> {
        None
    }

    /// Takes the effect back: the run was aborted while it was brought about. `before` is what was noted for an undo.
    async fn take_back(&self, _subject: &Name, _before: Option<&str>) -> Result<(), Failure> {
        Ok(())
    }
}

/// Looks at several items at once, but not at too many; what was seen is in the order asked for.
///
/// # Errors
/// One of the looks failed.
pub async fn in_order<T>(
    looks: Vec<impl Future<Output = Result<T, Failure>> + Send>,
) -> Result<Vec<T>, Failure> {
    stream::iter(looks).buffered(CONCURRENCY).try_collect().await
}

/// Carries out a command as far as it is due, until the deadline. `log` was read when the command came; what was appended
/// since is found by the intent, which then has lost its race.
pub async fn carry_out(
    conductor: &Conductor,
    work: &dyn StepHandler,
    command: &StepCommand,
    mut log: Log,
    deadline: Timestamp,
) -> Result<String, Fault> {
    let mut attempt = Attempt::new(command.clone(), work.manner(), deadline);
    let mut input = Input::Begin;
    loop {
        let moment = Moment { plan: &conductor.plan, state: &log.state, now: conductor.clock.now() };
        input = match attempt.next(input, moment) {
            Output::Read => {
                conductor.refresh(&mut log).await?;
                Input::Read
            }
            Output::Append(draft) => {
                conductor.try_append(&mut log, draft).await?.map_or(Input::Raced, Input::Written)
            }
            Output::Advance(facts) => {
                Input::Advanced(conductor.advance_from(&mut log, *facts).await?.sentence)
            }
            Output::Look(subjects) => Input::Looked(work.look(&subjects).await),
            Output::LookFirst(subjects) => {
                let (sights, objection) = futures::join!(work.look(&subjects), work.objection(&log.state));
                Input::LookedFirst(sights, objection)
            }
            Output::Observe => Input::Observed(work.observe(&log.state).await.map(Box::new)),
            Output::Object => Input::Objected(work.objection(&log.state).await),
            Output::Act(effects) => Input::Acted(act_on(work, &*conductor.clock, effects).await),
            Output::TakeBack(back) => {
                take_back(work, back).await;
                Input::TakenBack
            }
            Output::Sleep(rest) => {
                conductor.sleep(rest).await;
                Input::Slept
            }
            Output::End(sentence) => return Ok(sentence),
            Output::Busy(sentence) => return Err(busy(&sentence)),
        };
    }
}

/// Brings effects about, not too many at once.
async fn act_on(
    work: &dyn StepHandler,
    clock: &dyn Clock,
    effects: Effects,
) -> Vec<(Name, Option<Result<(), Failure>>)> {
    let Effects { subjects, begin_until, give_up_at } = effects;
    let acts: Vec<_> =
        subjects.into_iter().map(|subject| act(work, clock, begin_until, give_up_at, subject)).collect();
    stream::iter(acts).buffer_unordered(CONCURRENCY).collect().await
}

async fn act(
    work: &dyn StepHandler,
    clock: &dyn Clock,
    begin_until: Timestamp,
    give_up_at: Timestamp,
    subject: Name,
) -> (Name, Option<Result<(), Failure>>) {
    let now = clock.now();
    if now > begin_until {
        return (subject, None);
    }
    let bound = Duration::try_from(give_up_at.duration_since(now)).unwrap_or_default();
    let result = match futures::future::select(work.act(&subject), clock.sleep(bound)).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(Failure {
            kind: FailureKind::Unreachable,
            action: "act",
            code: "too_slow".to_owned(),
            message: "no answer before the end of the lease".to_owned(),
        }),
    };
    (subject, Some(result))
}

async fn take_back(work: &dyn StepHandler, back: Vec<(Name, Option<String>)>) {
    for (name, before) in back {
        if let Err(failure) = work.take_back(&name, before.as_deref()).await {
            tracing::error!(%failure, subject = %name, "an effect of an aborted run could not be rolled back");
        }
    }
}
