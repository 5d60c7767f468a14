//! Does anybody have to come? One figure for each plan, which an alarm watches.

use engine::conductor::Log;
use jiff::Timestamp;
use ports::{MetricSample, MetricUnit};
use protocol::attention::{Attention, Matter};
use protocol::name::Name;
use protocol::state::Phase;
use serde_json::{Value, json};

use crate::AlarmHandler;

/// While nobody is needed the figure goes out in every so many minutes of the clock: a call for each minute of a month
/// costs more than the metric. While somebody is needed it goes out with every tick.
const CALM_MINUTES: i64 = 5;

/// What the journal asks of people. A record that nobody can read beyond asks for an operator, whatever came before it: nothing
/// is decided until it is taken out.
fn of(log: &Log) -> Attention {
    if log.poison().is_some() { Attention::NeedsOperator } else { Attention::of(&log.state) }
}

/// Sends the figure, if it is time.
pub(crate) async fn publish(function: &AlarmHandler, plan: &Name, log: &Log, now: Timestamp) {
    let attention = of(log);
    if attention == Attention::None && (now.as_second() / 60) % CALM_MINUTES != 0 {
        return;
    }
    let figure = MetricSample {
        name: "Attention",
        dimensions: vec![("Plan", plan.to_string())],
        value: u64::from(attention.figure()),
        unit: MetricUnit::Count,
        at: now,
    };
    if let Err(failure) = function.metrics.put(&[figure]).await {
        tracing::warn!(%failure, "the metric Attention can't be sent; its alarm keeps its state");
    }
}

/// What people are called for, for a person to read.
pub(crate) fn shown(log: &Log) -> Value {
    let attention = of(log);
    let state = &log.state;
    // What earlier requests for an approval were is remembered, for their pauses; it waits for nobody.
    let awaits = |matter: Matter| {
        let phase = state.active_run().map(|run| &run.phase);
        matter != Matter::Approval || matches!(phase, Some(Phase::AwaitingApproval { .. }))
    };
    let calls: Vec<Value> = state
        .calls
        .iter()
        .filter(|(matter, _)| awaits(**matter))
        .map(|(matter, call)| {
            json!({ "matter": matter, "since": call.since, "calls": call.times, "last": call.last_at })
        })
        .collect();
    json!({ "figure": attention.figure(), "meaning": attention.as_str(), "calls": calls })
}
