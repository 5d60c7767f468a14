//! An event of RDS that says: an instance moves, or has moved, to its standby in another zone of the same region.

use serde_json::Value;

use super::alarm::{Lack, time};
use crate::arn::Arn;
use crate::signal::{MultiAzFailover, Via};

/// A Multi-AZ failover began, or is complete.
const EVENT_IDS: [&str; 3] = ["RDS-EVENT-0013", "RDS-EVENT-0015", "RDS-EVENT-0049"];

/// The failover within the region that an event speaks of; nothing if it speaks of something else.
pub(super) fn read(event: &Value, via: Via) -> Option<Result<MultiAzFailover, Lack>> {
    let is_of_an_instance = event["source"] == "aws.rds" && event["detail-type"] == "RDS DB Instance Event";
    let event_id = event["detail"]["EventID"].as_str().filter(|id| EVENT_IDS.contains(id))?;
    is_of_an_instance.then(|| signal(event, event_id, via))
}

fn signal(event: &Value, event_id: &str, via: Via) -> Result<MultiAzFailover, Lack> {
    let instance = event["resources"][0].as_str().unwrap_or_default();
    if !Arn::parse(instance).is_some_and(|arn| arn.service == "rds" && arn.resource.starts_with("db:")) {
        return Err("without the ARN of an instance");
    }
    let at = if event["detail"]["Date"].is_null() { &event["time"] } else { &event["detail"]["Date"] };
    let at = at.as_str().and_then(time).ok_or("without its time")?;
    Ok(MultiAzFailover { instance: instance.to_owned(), event_id: event_id.to_owned(), at, via })
}
