//! Signals: what an alarm or RDS said, whichever way it came.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One report that reached the alarm-handler from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A CloudWatch alarm changed its state.
    Alarm(AlarmSignal),
    /// RDS moves an instance to its standby in another zone of the same region.
    MultiAzFailover(MultiAzFailover),
    /// Something else; recorded with its shape, never acted upon.
    Unrecognised {
        /// The shape, in words: top-level keys and types, never values.
        shape: String,
    },
}

/// A state change of a CloudWatch alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmSignal {
    /// The alarm's ARN: account and region are read from it and from nowhere else.
    pub arn: String,
    /// The new state.
    pub state: AlarmState,
    /// When it changed.
    pub changed_at: Timestamp,
    /// CloudWatch's reason, cut to 300 characters.
    pub reason: String,
    /// The time series that changed, by CloudWatch's id, of an alarm over several; nothing for the alarm as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contributor: Option<String>,
    /// What holds the alarm's actions back, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back: Option<String>,
    /// How it came.
    pub via: Via,
}

/// What CloudWatch answers when it is asked for an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmNow {
    /// The alarm's ARN, as it was asked for.
    pub arn: String,
    /// Its state.
    pub state: AlarmState,
    /// When it took that state.
    pub changed_at: Timestamp,
    /// CloudWatch's reason, cut to 300 characters.
    pub reason: String,
    /// What holds its actions back, if anything does.
    pub held_back: Option<String>,
}

/// A Multi-AZ failover of an instance: its region lives, and the instance will answer again by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultiAzFailover {
    /// The instance's ARN: account and region are read from it and from nowhere else.
    pub instance: String,
    /// RDS's own id of the event, such as `RDS-EVENT-0013`.
    pub event_id: String,
    /// When RDS said so.
    pub at: Timestamp,
    /// How it came.
    pub via: Via,
}

/// The state of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmState {
    /// Breaching.
    Alarm,
    /// Not breaching.
    Ok,
    /// Not known: neither a sign of death nor of health.
    InsufficientData,
}

/// How a signal came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Via {
    /// By an SNS topic.
    Sns {
        /// The topic's ARN.
        topic: String,
    },
    /// By an EventBridge rule.
    EventBridge,
    /// As a direct action of the alarm.
    Direct,
}

/// What is said of an alarm whose actions a mute rule holds back.
pub const MUTED: &str = "muted by a mute rule";

/// Longest reason of an alarm that is kept, in characters.
pub const REASON_MAX: usize = 300;

impl AlarmSignal {
    /// The region in the alarm's ARN, if it is an alarm's ARN.
    pub fn region(&self) -> Option<&str> {
        self.arn_part(3)
    }

    /// The account in the alarm's ARN, if it is an alarm's ARN.
    pub fn account(&self) -> Option<&str> {
        self.arn_part(4)
    }

    fn arn_part(&self, index: usize) -> Option<&str> {
        let mut parts = self.arn.split(':');
        (parts.clone().nth(2) == Some("cloudwatch") && parts.clone().nth(5) == Some("alarm"))
            .then(|| parts.nth(index))
            .flatten()
            .filter(|part| !part.is_empty())
    }
}
