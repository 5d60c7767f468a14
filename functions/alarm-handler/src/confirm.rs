//! The confirm step: looks every few seconds until the evidence is believed or dismissed.

use std::time::Duration;

use engine::conductor::{Conductor, Log, Written};
use engine::fault::Fault;
use engine::step::LEASE;
use engine::world::World;
use jiff::{SignedDuration, Timestamp};
use protocol::command::{Step, StepCommand};
use protocol::decide::{Claim, Draft, Facts, Observation, claim};
use protocol::journal::Event;
use protocol::state::{Phase, State};

/// How often the world is looked at while a run confirms.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// The lease is renewed when less than this is left of it.
const LEASE_LEFT_MIN: SignedDuration = SignedDuration::from_secs(40);

/// The watch ends this long before the function's deadline; the tick goes on.
const HANDOVER_BEFORE: SignedDuration = SignedDuration::from_secs(15);

/// Watches the evidence of a run until it is concluded or the time is over.
pub(crate) async fn confirm(
    world: &World,
    conductor: &Conductor,
    command: &StepCommand,
    deadline: Timestamp,
) -> Result<String, Fault> {
    let mut log = Log::default();
    conductor.refresh(&mut log).await?;
    let Some((intent, mut until)) = take(conductor, command, &mut log).await? else {
        return Ok(format!(
            "Nothing to do: run {} is confirmed by another worker, or not at all.",
            command.run
        ));
    };
    let eyes = world.eyes();
    loop {
        let looked_at = conductor.clock.now();
        let observation = eyes.observe(&conductor.plan, &log.state).await;
        let sentence = conclude(conductor, &mut log, observation, command.run).await?;
        if !is_confirming(&log.state, command.run) {
            return Ok(sentence);
        }
        let now = conductor.clock.now();
        if now.duration_since(deadline) >= -HANDOVER_BEFORE {
            return hand_over(conductor, &mut log, command, intent).await;
        }
        if until.duration_since(now) < LEASE_LEFT_MIN {
            until = renew(conductor, &mut log, command, intent, &sentence).await?;
        }
        let rest = LOOK_EVERY.checked_sub(now.duration_since(looked_at)).unwrap_or(LOOK_EVERY);
        conductor.sleep(unsigned(rest)).await;
    }
}

/// Decides with what was just seen; and when the window ends within reach, decides at its very end with the same
/// look, so that the decision doesn't wait for the next one.
async fn conclude(
    conductor: &Conductor,
    log: &mut Log,
    observation: Observation,
    run: u64,
) -> Result<String, Fault> {
    let facts = Facts { observation: Some(observation), ..Facts::default() };
    let mut sentence = conductor.advance(log, facts.clone()).await?.sentence;
    let Some(left) = window_left(conductor, &log.state, run) else {
        return Ok(sentence);
    };
    if left <= LOOK_EVERY {
        conductor.sleep(unsigned(left)).await;
        sentence = conductor.advance(log, facts).await?.sentence;
    }
    Ok(sentence)
}

/// How much of the window of sufficient evidence is left.
fn window_left(conductor: &Conductor, state: &State, run: u64) -> Option<SignedDuration> {
    let active = state.active_run().filter(|active| active.id == run)?;
    let Phase::Confirming { sufficient_since: Some(since) } = active.phase else {
        return None;
    };
    let window = SignedDuration::from_secs(i64::from(conductor.plan.detection.confirm_seconds));
    Some(window.saturating_sub(conductor.clock.now().duration_since(since)))
}

fn is_confirming(state: &State, run: u64) -> bool {
    state
        .active_run()
        .is_some_and(|active| active.id == run && matches!(active.phase, Phase::Confirming { .. }))
}

async fn take(
    conductor: &Conductor,
    command: &StepCommand,
    log: &mut Log,
) -> Result<Option<(u64, Timestamp)>, Fault> {
    loop {
        let now = conductor.clock.now();
        let Claim::Take(subjects) = claim(&conductor.plan, &log.state, command, now) else {
            return Ok(None);
        };
        let until = lease_from(now);
        let event = Event::StepIntended { step: Step::Confirm, subjects, until, before: Vec::new() };
        let sentence = format!("The evidence of run {} is being watched.", command.run);
        let draft = Draft { run: Some(command.run), event, sentence, answers: None };
        match conductor.try_append(log, draft).await? {
            Some(Written::As(seq)) => return Ok(Some((seq, until))),
            Some(Written::Illegal(_)) => return Ok(None),
            None => {}
        }
    }
}

async fn renew(
    conductor: &Conductor,
    log: &mut Log,
    command: &StepCommand,
    intent: u64,
    note: &str,
) -> Result<Timestamp, Fault> {
    let until = lease_from(conductor.clock.now());
    let event = Event::StepWaiting {
        step: Step::Confirm,
        subjects: command.subjects.clone(),
        intent,
        until,
        note: note.to_owned(),
    };
    conductor.append(log, Some(command.run), event, note.to_owned()).await?;
    Ok(until)
}

async fn hand_over(
    conductor: &Conductor,
    log: &mut Log,
    command: &StepCommand,
    intent: u64,
) -> Result<String, Fault> {
    let note = "the function's time is over; the tick goes on".to_owned();
    let event = Event::StepHandedOver {
        step: Step::Confirm,
        subjects: command.subjects.clone(),
        intent,
        note: note.clone(),
    };
    conductor.append(log, Some(command.run), event, note.clone()).await?;
    Ok(note)
}

fn lease_from(now: Timestamp) -> Timestamp {
    now.checked_add(LEASE).unwrap_or(Timestamp::MAX)
}

/// A wait is never negative.
fn unsigned(duration: SignedDuration) -> Duration {
    Duration::try_from(duration.max(SignedDuration::ZERO)).unwrap_or_default()
}
