//! An alarm's change of state, in each of the three shapes in which it arrives.
//!
//! Only the ARN, the new state and the time of the change are needed. The rest differs between metric, metric-math,
//! anomaly and composite alarms and is not looked at; nor is anything that says region or account beside the ARN.

use jiff::Timestamp;
use serde_json::Value;

use super::shape;
use crate::arn::Arn;
use crate::signal::{AlarmSignal, AlarmState, MUTED, REASON_MAX, Via};

/// Longest id of a contributor that is kept, in characters. CloudWatch's are 16 hexadecimal digits.
const CONTRIBUTOR_MAX: usize = 64;

/// Longest text that is taken for a time.
const TIME_MAX: usize = 40;

/// Why a message that looks like an alarm's is none: to be read after "an alarm".
pub(super) type Lack = &'static str;

/// The body of an alarm's message by SNS. `Region` is a display name there and is not read.
pub(super) fn in_sns(body: &Value, topic: &str) -> Result<AlarmSignal, Lack> {
    let change = Change {
        arn: &body["AlarmArn"],
        state: &body["NewStateValue"],
        changed_at: &body["StateChangeTime"],
        reason: &body["NewStateReason"],
        contributor: &body["AlarmContributorId"],
        // Actions that are held back send no message.
        held_back: None,
    };
    change.signal(Via::Sns { topic: topic.to_owned() })
}

/// An alarm's change of state as an event. It comes although the alarm's actions are held back, and says so.
pub(super) fn in_event(event: &Value, via: Via) -> Result<AlarmSignal, Lack> {
    let (detail, state) = (&event["detail"], &event["detail"]["state"]);
    let change = Change {
        arn: &event["resources"][0],
        state: &state["value"],
        changed_at: if state["timestamp"].is_null() { &event["time"] } else { &state["timestamp"] },
        reason: &state["reason"],
        contributor: &detail["alarmContributor"]["id"],
        held_back: held_back(detail),
    };
    change.signal(via)
}

/// The payload of an alarm whose action is the function itself.
pub(super) fn direct(payload: &Value) -> Result<AlarmSignal, Lack> {
    let (data, state) = (&payload["alarmData"], &payload["alarmData"]["state"]);
    let change = Change {
        arn: &payload["alarmArn"],
        state: &state["value"],
        changed_at: if state["timestamp"].is_null() { &payload["time"] } else { &state["timestamp"] },
        reason: &state["reason"],
        contributor: &data["alarmContributor"]["id"],
        held_back: None,
    };
    change.signal(Via::Direct)
}

/// What holds an alarm's actions back: a suppressor, the time before or after one, or a mute rule.
fn held_back(detail: &Value) -> Option<String> {
    let state = &detail["state"];
    if let Some(by) = text(&state["actionsSuppressedBy"]) {
        let why = text(&state["actionsSuppressedReason"]).map(|why| format!(" ({why})")).unwrap_or_default();
        return Some(shape::cut(&format!("suppressed by {by}{why}"), REASON_MAX));
    }
    let is_muted = [&detail["muteDetail"], &state["muteDetail"]].iter().any(|mute| !is_empty(mute));
    is_muted.then(|| MUTED.to_owned())
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// Where each shape has what is needed.
struct Change<'v> {
    arn: &'v Value,
    state: &'v Value,
    changed_at: &'v Value,
    reason: &'v Value,
    contributor: &'v Value,
    held_back: Option<String>,
}

impl Change<'_> {
    fn signal(self, via: Via) -> Result<AlarmSignal, Lack> {
        let arn = self
            .arn
            .as_str()
            .filter(|text| Arn::parse(text).is_some_and(|arn| arn.is_alarm()))
            .ok_or("without the ARN of an alarm")?;
        let state = match self.state.as_str() {
            Some("ALARM") => AlarmState::Alarm,
            Some("OK") => AlarmState::Ok,
            Some("INSUFFICIENT_DATA") => AlarmState::InsufficientData,
            _ => return Err("without a known state"),
        };
        let changed_at = self.changed_at.as_str().and_then(time).ok_or("without the time of its change")?;
        Ok(AlarmSignal {
            arn: arn.to_owned(),
            state,
            changed_at,
            reason: shape::cut(self.reason.as_str().unwrap_or_default(), REASON_MAX),
            contributor: text(self.contributor).map(|id| shape::cut(id, CONTRIBUTOR_MAX)),
            held_back: self.held_back,
            via,
        })
    }
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
