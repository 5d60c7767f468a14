//! What the step functions have in common: take the commands out of the message, carry each out.

use async_trait::async_trait;
use jiff::Timestamp;
use protocol::command::{Step, StepCommand};
use protocol::incoming::{Incoming, StepCommandMessage};
use serde_json::{Value, json};

use crate::conductor::{Conductor, Log};
use crate::context::Context;
use crate::fault::Fault;
use crate::step::{StepHandler, carry_out};

/// The steps of one function.
#[async_trait]
pub trait StepHandlers: Send + Sync {
    /// The work of a step, or nothing if the function does not have it. `log` is folded up to now.
    fn work(&self, conductor: &Conductor, log: &Log, step: Step) -> Option<Box<dyn StepHandler>>;
}

/// Handles an invocation of a step function. `commands_topic` is the one topic that may ask for steps.
pub async fn handle(
    context: &Context,
    commands_topic: &str,
    handlers: &dyn StepHandlers,
    payload: &Value,
    deadline: Timestamp,
) -> Result<Value, Fault> {
    let Incoming::Steps(messages) = Incoming::read(payload) else {
        let remedy = "this function accepts step commands only from the commands topic";
        return Err(Fault::new("not_a_step_command", format!("The event is not a step command: {remedy}")));
    };
    let (conductor, read) =
        futures::join!(context.conductor(), read_ahead(context, commands_topic, &messages));
    let conductor = Conductor { tells_of_unreadable: false, ..conductor? };
    steps(&conductor, commands_topic, handlers, &messages, read, deadline).await
}

/// Carries out the steps that messages ask for, one after the other. `read` is the journal as the first of them found it, if it
/// has been read.
pub async fn steps(
    conductor: &Conductor,
    commands_topic: &str,
    handlers: &dyn StepHandlers,
    messages: &[StepCommandMessage],
    mut read: Option<Log>,
    deadline: Timestamp,
) -> Result<Value, Fault> {
    let mut sentences = Vec::new();
    for message in messages {
        let command = trusted(commands_topic, conductor, message)?;
        let mut log = Log::default();
        match read.take() {
            Some(read) => log = read,
            None => conductor.refresh(&mut log).await?,
        }
        let work = handlers.work(conductor, &log, command.step).ok_or_else(|| {
            Fault::new("not_my_step", format!("This function does not handle step {}", command.step))
        })?;
        sentences.push(carry_out(conductor, work.as_ref(), command, log, deadline).await?);
    }
    Ok(json!({ "sentence": sentences.join(" ") }))
}

/// The journal of the first command's plan, read while the plan itself is; nothing where it can't be read, or where the command
/// is not to be trusted anyway.
async fn read_ahead(context: &Context, commands_topic: &str, messages: &[StepCommandMessage]) -> Option<Log> {
    let first = messages.first().filter(|message| message.topic == commands_topic)?;
    let mut log = Log::default();
    log.read(&*context.journal, &first.command.plan).await.ok()?;
    Some(log)
}

/// A command of this plan that came by the commands topic.
fn trusted<'m>(
    commands_topic: &str,
    conductor: &Conductor,
    message: &'m StepCommandMessage,
) -> Result<&'m StepCommand, Fault> {
    if message.topic != commands_topic {
        return Err(Fault::new(
            "foreign_topic",
            format!(
                "A step command arrived through {}; only {commands_topic} may send step commands",
                message.topic
            ),
        ));
    }
    if message.command.plan != conductor.plan.name {
        return Err(Fault::new(
            "foreign_plan",
            format!(
                "The command is for plan {}; this function serves plan {}",
                message.command.plan, conductor.plan.name
            ),
        ));
    }
    Ok(&message.command)
}
