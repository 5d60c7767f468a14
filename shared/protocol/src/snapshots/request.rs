//! What the snapshot-scheduler was invoked for: to keep the snapshots, or to say what it would do.

use serde_json::Value;

use crate::incoming::described;

/// An invocation of the snapshot-scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotRequest {
    /// Take, copy and delete what is due.
    Keep,
    /// Say what is due and do nothing.
    DryRun,
}

impl SnapshotRequest {
    /// Reads a payload; the error says what is wrong and what to do. It repeats no value.
    pub fn read(payload: &Value) -> Result<Self, String> {
        const REMEDY: &str =
            "send {\"snapshots\":\"keep\"}, or {\"snapshots\":\"dry_run\"} to see what that would do";
        match payload.get("snapshots") {
            Some(Value::String(word)) if payload.as_object().is_some_and(|fields| fields.len() == 1) => {
                match word.as_str() {
                    "keep" => Ok(Self::Keep),
                    "dry_run" => Ok(Self::DryRun),
                    _ => Err(format!("`snapshots` has an unknown value: {REMEDY}.")),
                }
            }
            _ if is_scheduled(payload) => Ok(Self::Keep),
            _ => Err(format!(
                "The event is {}, which is not a snapshot request: {REMEDY}.",
                described(payload)
            )),
        }
    }
}

/// A rule of `EventBridge` without a constant input. A source that begins with `aws.` can't be given by anyone but AWS.
fn is_scheduled(payload: &Value) -> bool {
    payload["detail-type"] == "Scheduled Event"
        && (payload["source"] == "aws.events" || payload["source"] == "aws.scheduler")
}
