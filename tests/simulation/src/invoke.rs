//! Messages on their way, and the instances of functions that they start.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use engine::fault::Fault;
use futures::FutureExt;
use futures::future::{self, Either};
use jiff::SignedDuration;
use protocol::command::{Step, StepCommand};
use protocol::name::Name;
use scenarios::instance::Instance;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::history::What;
use crate::ports::Link;
use crate::sim::Sim;

/// What wakes a function.
#[derive(Clone)]
pub(crate) struct Message {
    /// The step asked for; nothing for the alarm-handler's other events.
    pub(crate) step: Option<Step>,
    pub(crate) payload: Value,
    pub(crate) why: String,
}

/// What came of an invocation.
pub(crate) enum Outcome {
    Answered(Result<Value, Fault>),
    Gone,
}

/// From the message's arrival to the handler's first line, in milliseconds.
const START_MS: (u64, u64) = (5, 60);

/// From the topic to the function, in milliseconds.
const TOPIC_MS: (u64, u64) = (30, 150);

/// How long after a failure the service invokes a function again, in seconds: twice at most.
const AGAIN_AFTER_SECONDS: [u64; 2] = [60, 120];

/// A step command goes from the commands topic to its function: once, twice, late or never.
pub(crate) fn deliver_command(sim: &Arc<Sim>, command: &StepCommand) {
    let names: Vec<&str> = command.subjects.iter().map(Name::as_str).collect();
    let message = Message {
        step: Some(command.step),
        payload: scenarios::sns(scenarios::COMMANDS_TOPIC, &json!(command)),
        why: format!("{} of {} in run {}", command.step, names.join(", "), command.run),
    };
    deliver(sim, &message);
}

/// A message goes to its function.
pub(crate) fn deliver(sim: &Arc<Sim>, message: &Message) {
    let faults = sim.faults();
    if sim.chance(faults.message_lost) {
        sim.note(0, What::Fault { action: "message", fate: format!("lost: {}", message.why) });
        return;
    }
    let copies = if sim.chance(faults.message_doubled) { 2 } else { 1 };
    for _ in 0..copies {
        let usual = sim.between(TOPIC_MS.0, TOPIC_MS.1);
        let late = if sim.chance(faults.message_late) { sim.between(500, 90_000) } else { 0 };
        let (sim, message) = (Arc::clone(sim), message.clone());
        tokio::spawn(async move {
            sim.sleep_ms(usual + late).await;
            for pause in AGAIN_AFTER_SECONDS {
                let outcome = invoke(&sim, &message).await;
                if !sim.draw.faults.invoked_again || matches!(outcome, Outcome::Answered(Ok(_))) {
                    return;
                }
                sim.sleep_ms(pause * 1_000).await;
            }
            invoke(&sim, &message).await;
        });
    }
}

/// RDS says that a promoted instance was restarted. Best effort, like all its events.
pub(crate) fn wake_when_promoted(sim: &Arc<Sim>, database: &Name) {
    let takes = sim.draw.promotions.iter().find(|(name, _)| name == database).map(|(_, takes)| *takes);
    let Some(takes) = takes.and_then(|takes| u64::try_from(takes.as_millis()).ok()) else { return };
    let text = include_str!("../../../events/rds-event-restarted.json");
    let payload = serde_json::from_str(text).unwrap_or_default();
    let message = Message { step: None, payload, why: format!("RDS has restarted {database}") };
    let sim = Arc::clone(sim);
    tokio::spawn(async move {
        sim.sleep_ms(takes).await;
        deliver(&sim, &message);
    });
}

/// Starts an instance of the function and waits for its end, however it comes.
pub(crate) async fn invoke(sim: &Arc<Sim>, message: &Message) -> Outcome {
    let by = sim.next_instance();
    let writer = format!("{}/{by}", function(message.step));
    sim.note(by, What::Began { writer: writer.clone(), why: message.why.clone() });
    sim.sleep_ms(sim.between(START_MS.0, START_MS.1)).await;
    let killed = Arc::new(Notify::new());
    let link = Link::new(Arc::clone(sim), by, Arc::clone(&killed));
    let instance = link.instance(&writer);
    let seconds = i64::from(timeout_seconds(sim, message.step));
    // The service's clock gives the function its deadline; the instance compares it with its own.
    let deadline =
        instance.context.clock.now().checked_add(SignedDuration::from_secs(seconds)).unwrap_or_default();
    let work = AssertUnwindSafe(handle(&instance, message, deadline)).catch_unwind();
    let killing = async {
        killed.notified().await;
    };
    let timing_out = sim.sleep_ms(u64::try_from(seconds).unwrap_or(0) * 1_000);
    // The killing is looked at first, so that nobody who is dead goes on.
    let ending = future::select(Box::pin(killing), Box::pin(timing_out));
    match future::select(ending, Box::pin(work)).await {
        Either::Left((Either::Left(_), _)) => Outcome::Gone,
        Either::Left((Either::Right(_), _)) => {
            sim.note(by, What::TimedOut);
            Outcome::Gone
        }
        Either::Right((Err(_), _)) => {
            sim.note(by, What::Panicked);
            Outcome::Gone
        }
        Either::Right((Ok(answer), _)) => {
            let answer_text = match &answer {
                Ok(value) => value["sentence"].as_str().unwrap_or_default().to_owned(),
                Err(fault) => format!("ERROR {}: {}", fault.code, fault.message),
            };
            sim.note(by, What::Ended { answer: answer_text });
            Outcome::Answered(answer)
        }
    }
}

async fn handle(instance: &Instance, message: &Message, deadline: jiff::Timestamp) -> Result<Value, Fault> {
    let payload = &message.payload;
    match message.step {
        Some(step) => instance.work(step, payload, deadline).await,
        None => instance.alarm_handler().handle(payload, deadline).await,
    }
}

fn function(step: Option<Step>) -> &'static str {
    match step {
        Some(Step::Promote | Step::Quarantine) => "promote-replica",
        Some(Step::Scale | Step::Restore) => "scale-asg",
        Some(Step::Fence | Step::Unfence | Step::Open) => "shift-traffic",
        Some(Step::Confirm | Step::Verify) | None => "alarm-handler",
    }
}

fn timeout_seconds(sim: &Sim, step: Option<Step>) -> u32 {
    let limits = &sim.draw.plan.limits;
    step.map_or(limits.function_timeout_seconds.alarm_handler, |step| step.attempt_seconds(limits))
}
