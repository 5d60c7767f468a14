//! An event by `EventBridge`: an alarm's change, a failover within a region, the tick of a schedule, or a change that a
//! step may wait for.

use serde_json::Value;

use super::{Incoming, alarm, multi_az_failover, unrecognised};
use crate::arn::Arn;
use crate::signal::{Signal, Via};

/// The changes that steps wait for.
const WAKE_UPS: [(&str, &str); 6] = [
    ("aws.rds", "RDS DB Instance Event"),
    ("aws.rds", "RDS DB Cluster Event"),
    ("aws.autoscaling", "EC2 Instance Launch Successful"),
    ("aws.autoscaling", "EC2 Instance Launch Unsuccessful"),
    ("aws.autoscaling", "EC2 Instance Terminate Successful"),
    ("aws.autoscaling", "EC2 Instance Terminate Unsuccessful"),
];

/// An alarm over several series: each of them has an event of its own, beside the alarm's.
const CONTRIBUTOR_CHANGE: &str = "CloudWatch Alarm Contributor State Change";

/// Most ARNs that are kept.
const RESOURCES_MAX: usize = 10;

/// Classifies an event. A source that begins with `aws.` can't be given by anyone but AWS.
pub(super) fn read(event: &Value) -> Incoming {
    let (source, detail_type) = (event["source"].as_str(), event["detail-type"].as_str());
    let (Some(source), Some(detail_type)) = (source, detail_type) else {
        return unrecognised("an event without source or detail-type: ", event);
    };
    match multi_az_failover::read(event, Via::EventBridge) {
        Some(Ok(seen)) => return Incoming::Signals(vec![Signal::MultiAzFailover(seen)]),
        Some(Err(lack)) => return unrecognised(&format!("a Multi-AZ failover event {lack}: "), event),
        None => {}
    }
    if is_of_an_alarm(event) {
        return match alarm::in_event(event, Via::EventBridge) {
            Ok(alarm) => Incoming::Signals(vec![Signal::Alarm(alarm)]),
            Err(lack) => unrecognised(&format!("an alarm event {lack}: "), event),
        };
    }
    match (source, detail_type) {
        ("aws.cloudwatch", CONTRIBUTOR_CHANGE) => unrecognised(
            "an event about one time series of an alarm, where only the alarm's own event counts: ",
            event,
        ),
        ("aws.events" | "aws.scheduler", "Scheduled Event") => Incoming::Tick,
        known if WAKE_UPS.contains(&known) => Incoming::WakeUp {
            source: source.to_owned(),
            detail_type: detail_type.to_owned(),
            resources: resources(event),
        },
        _ => unrecognised("an event that Pilotlight does not handle: ", event),
    }
}

/// Whether an event tells of an alarm's change of state.
pub(super) fn is_of_an_alarm(event: &Value) -> bool {
    event["source"] == "aws.cloudwatch" && event["detail-type"] == "CloudWatch Alarm State Change"
}

fn resources(event: &Value) -> Vec<String> {
    let items = event["resources"].as_array().map_or(&[][..], Vec::as_slice);
    let arns = items.iter().filter_map(Value::as_str).filter(|text| Arn::parse(text).is_some());
    arns.take(RESOURCES_MAX).map(str::to_owned).collect()
}
