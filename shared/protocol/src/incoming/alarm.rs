//! An alarm's change of state, in each of the three shapes in which it arrives.
//!
//! Only the ARN, the new state and the time of the change are needed. The rest differs between metric, metric-math,
//! anomaly and composite alarms and is not looked at; nor is anything that says region or account beside the ARN.

use jiff::Timestamp;
use serde_json::Value;

use super::shape;
use crate::arn::Arn;
use crate::signal::{AlarmSignal, AlarmState, Via};

/// Longest reason that is kept, in characters.
const REASON_MAX: usize = 300;

/// Longest text that is taken for a time.
const TIME_MAX: usize = 40;

/// Why a message that looks like an alarm's is none: to be read after "an alarm".
pub(super) type Lack = &'static str;

/// The body of an alarm's message by SNS. `Region` is a display name there and is not read.
pub(super) fn in_sns(body: &Value, topic: &str) -> Result<AlarmSignal, Lack> {
    let by = Via::Sns { topic: topic.to_owned() };
    let (state, changed_at) = (&body["NewStateValue"], &body["StateChangeTime"]);
    signal(&body["AlarmArn"], state, changed_at, &body["NewStateReason"], by)
}

/// An alarm's change of state as an event.
pub(super) fn in_event(event: &Value) -> Result<AlarmSignal, Lack> {
    let state = &event["detail"]["state"];
    let changed_at = if state["timestamp"].is_null() { &event["time"] } else { &state["timestamp"] };
    signal(&event["resources"][0], &state["value"], changed_at, &state["reason"], Via::EventBridge)
}

/// The payload of an alarm whose action is the function itself.
pub(super) fn direct(payload: &Value) -> Result<AlarmSignal, Lack> {
    let state = &payload["alarmData"]["state"];
    let changed_at = if state["timestamp"].is_null() { &payload["time"] } else { &state["timestamp"] };
    signal(&payload["alarmArn"], &state["value"], changed_at, &state["reason"], Via::Direct)
}

fn signal(
    arn: &Value,
    state: &Value,
    changed_at: &Value,
    reason: &Value,
    via: Via,
) -> Result<AlarmSignal, Lack> {
    let arn = arn
        .as_str()
        .filter(|text| Arn::parse(text).is_some_and(|arn| arn.is_alarm()))
        .ok_or("without the ARN of an alarm")?;
    let state = match state.as_str() {
        Some("ALARM") => AlarmState::Alarm,
        Some("OK") => AlarmState::Ok,
        Some("INSUFFICIENT_DATA") => AlarmState::InsufficientData,
        _ => return Err("without a known state"),
    };
    let changed_at = changed_at.as_str().and_then(time).ok_or("without the time of its change")?;
    let reason = shape::cut(reason.as_str().unwrap_or_default(), REASON_MAX);
    Ok(AlarmSignal { arn: arn.to_owned(), state, changed_at, reason, via })
}

/// Reads a time. Alarms write `+0000`, which RFC 3339 doesn't allow, with or without milliseconds.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    // Without the length and the `[` a longer text in jiff's own format would be read too.
    (text.len() <= TIME_MAX && !text.contains('[')).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_cloudwatch_writes_them() {
        let expected: Timestamp = "2026-11-20T10:00:00.123Z".parse().unwrap();
        for text in [
            "2026-11-20T10:00:00.123+0000",
            "2026-11-20T10:00:00.123Z",
            "2026-11-20T10:00:00.123+00:00",
            "2026-11-20T12:00:00.123+0200",
        ] {
            assert_eq!(time(text), Some(expected), "{text}");
        }
        let whole: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        assert_eq!(time("2026-11-20T10:00:00+0000"), Some(whole));
    }

    #[test]
    fn what_leaves_the_time_open_is_no_time() {
        for text in [
            "",
            "now",
            "2026-11-20",
            "2026-11-20T10:00:00",
            "2026-13-20T10:00:00Z",
            "2026-11-20T10:00:00+0000[UTC]",
            "1763632800",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
