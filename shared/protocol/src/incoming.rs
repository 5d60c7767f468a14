//! What reached a function: an alarm, a step, a tick, an operator, a wake-up, or something that is none of these.
//!
//! Reading never fails and never acts. It takes from a message only what it needs, so that a field that AWS adds or
//! leaves out changes nothing; the envelope types of `aws_lambda_events` refuse a message whose unused fields
//! (signature, certificate, time) are missing. Whether an alarm or a topic belongs to the plan, and whether an alarm
//! is too old, is not asked here.

mod alarm;
pub mod command;
mod event_bridge;
mod multi_az_failover;
mod shape;
mod sns;
mod step;

use serde_json::{Map, Value};

use self::command::Function;
use crate::command::StepCommand;
use crate::operator::OperatorCommand;
use crate::signal::Signal;

/// Greatest size of one message, or of an event that is not a batch of messages: the limit of SNS and `EventBridge`.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// What an event by `EventBridge` has, whatever else it lacks.
const EVENT_KEYS: [&str; 3] = ["source", "account", "detail"];

/// One invocation's payload, classified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// The minute's tick.
    Tick,
    /// A direct invocation by an operator.
    Operator(OperatorCommand),
    /// A direct invocation with an empty object: it wakes the function up, and says nothing.
    Empty,
    /// A direct invocation that is neither an event nor an operator's command.
    BadOperator {
        /// Everything that is wrong with it and what to do, in sentences.
        problem: String,
    },
    /// Alarms, failovers within the primary region, and whatever is not recognised; at least one.
    Signals(Vec<Signal>),
    /// Steps asked for, each with the topic it came by; at least one.
    Steps(Vec<StepCommandMessage>),
    /// Something changed that a step may be waiting for. Where to look is known anyway.
    WakeUp {
        /// Who says so, such as `aws.rds`.
        source: String,
        /// What sort of change it is, such as `RDS DB Instance Event`.
        detail_type: String,
        /// The ARNs it is about, the first ten.
        resources: Vec<String>,
    },
}

/// A step asked for by a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepCommandMessage {
    /// The ARN of the topic it came by. Only the plan's commands topic may ask for steps.
    pub topic: String,
    /// The step and its subjects.
    pub command: StepCommand,
}

impl Incoming {
    /// Classifies a payload by its shape alone.
    ///
    /// A batch of messages (`Records`) holds signals or steps; SNS sends one message at a time. Should a batch hold
    /// both, its steps are not taken: the tick asks for them again, while an alarm is said only once.
    pub fn read(payload: &Value) -> Self {
        let Value::Object(fields) = payload else {
            let problem = command::no_object(Function::AlarmHandler, payload);
            return Self::BadOperator { problem };
        };
        if fields.is_empty() {
            return Self::Empty;
        }
        if let Some(records) = fields.get("Records") {
            return sns::read(records, payload);
        }
        if shape::is_larger_than(payload, MESSAGE_BYTES_MAX) {
            return unrecognised("larger than any message can be: ", payload);
        }
        if fields.contains_key("detail-type") {
            return event_bridge::read(payload);
        }
        if fields.contains_key("alarmData") {
            return match alarm::direct(payload) {
                Ok(alarm) => Self::Signals(vec![Signal::Alarm(alarm)]),
                Err(lack) => unrecognised(&format!("a direct alarm action {lack}: "), payload),
            };
        }
        if fields.contains_key("command") {
            return direct_command(fields);
        }
        // As the minute's rule said it before there was one grammar.
        if fields.len() == 1 && fields.get("tick") == Some(&Value::Bool(true)) {
            return Self::Tick;
        }
        if EVENT_KEYS.iter().all(|key| fields.contains_key(*key)) {
            return unrecognised("an event without detail-type: ", payload);
        }
        Self::BadOperator { problem: command::no_command(Function::AlarmHandler, fields) }
    }
}

/// A command that the alarm-handler was invoked with: the minute's, or an operator's.
fn direct_command(fields: &Map<String, Value>) -> Incoming {
    match command::checked(Function::AlarmHandler, fields) {
        Ok(command::TICK) => Incoming::Tick,
        Ok(_) => match command::made(Function::AlarmHandler, fields) {
            Ok(command) => Incoming::Operator(command),
            Err(problem) => Incoming::BadOperator { problem },
        },
        Err(problem) => Incoming::BadOperator { problem },
    }
}

fn unrecognised(what: &str, value: &Value) -> Incoming {
    Incoming::Signals(vec![Signal::Unrecognised { shape: shape::describe(what, value) }])
}
