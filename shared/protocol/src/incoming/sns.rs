//! A batch of messages by SNS: alarms, failovers within the primary region, steps, and what is none of these.

use serde_json::Value;

use super::{
    Incoming, MESSAGE_BYTES_MAX, StepCommandMessage, alarm, event_bridge, multi_az_failover, shape, step,
    unrecognised,
};
use crate::arn::Arn;
use crate::signal::{Signal, Via};

/// Most messages of a batch that are read. SNS sends one at a time.
const RECORDS_MAX: usize = 10;

enum Message {
    Signal(Signal),
    Step(StepCommandMessage),
}

/// Classifies the messages under `Records`.
pub(super) fn read(records: &Value, payload: &Value) -> Incoming {
    let Some(records) = records.as_array().filter(|records| !records.is_empty()) else {
        return unrecognised("a batch without messages: ", payload);
    };
    if records.len() > RECORDS_MAX {
        return unrecognised("a batch with more messages than SNS sends: ", payload);
    }
    let messages: Vec<Message> = records.iter().map(read_record).collect();
    if messages.iter().all(|message| matches!(message, Message::Step(_))) {
        let steps = messages.into_iter().filter_map(|message| match message {
            Message::Step(step) => Some(step),
            Message::Signal(_) => None,
        });
        return Incoming::Steps(steps.collect());
    }
    let signals = messages.into_iter().map(|message| match message {
        Message::Signal(signal) => signal,
        Message::Step(_) => {
            Signal::Unrecognised { shape: "a step command in the same batch as other messages".to_owned() }
        }
    });
    Incoming::Signals(signals.collect())
}

fn read_record(record: &Value) -> Message {
    let topic = record["Sns"]["TopicArn"].as_str();
    let topic = topic.filter(|topic| Arn::parse(topic).is_some_and(|arn| arn.is_topic()));
    match (record["EventSource"].as_str(), topic, record["Sns"]["Message"].as_str()) {
        (Some("aws:sns"), Some(topic), Some(message)) => read_message(topic, message),
        _ => unknown("a record that is not an SNS message: ", record),
    }
}

fn read_message(topic: &str, message: &str) -> Message {
    if message.len() > MESSAGE_BYTES_MAX {
        return unknown("a message larger than SNS sends: ", &Value::String(String::new()));
    }
    let Ok(body) = serde_json::from_str::<Value>(message) else {
        return unknown("a message that is not JSON: ", &Value::String(String::new()));
    };
    if let Some(command) = step::read(&body) {
        return Message::Step(StepCommandMessage { topic: topic.to_owned(), command });
    }
    match multi_az_failover::read(&body, Via::Sns { topic: topic.to_owned() }) {
        Some(Ok(seen)) => return Message::Signal(Signal::MultiAzFailover(seen)),
        Some(Err(lack)) => return unknown(&format!("a Multi-AZ failover message {lack}: "), &body),
        None => {}
    }
    if event_bridge::is_of_an_alarm(&body) {
        return match alarm::in_event(&body, Via::Sns { topic: topic.to_owned() }) {
            Ok(alarm) => Message::Signal(Signal::Alarm(alarm)),
            Err(lack) => unknown(&format!("a message with an alarm event {lack}: "), &body),
        };
    }
    let speaks_of_an_alarm =
        ["AlarmArn", "AlarmName", "NewStateValue"].iter().any(|key| body.get(key).is_some());
    if !speaks_of_an_alarm {
        return unknown("a message that is neither an alarm nor a step: ", &body);
    }
    match alarm::in_sns(&body, topic) {
        Ok(alarm) => Message::Signal(Signal::Alarm(alarm)),
        Err(lack) => unknown(&format!("an alarm message {lack}: "), &body),
    }
}

fn unknown(what: &str, value: &Value) -> Message {
    Message::Signal(Signal::Unrecognised { shape: shape::describe(what, value) })
}
