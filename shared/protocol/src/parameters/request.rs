//! What reached the function that copies parameters: a change, the schedule, or an operator. Anything else is refused.

use serde_json::Value;

use crate::arn::Arn;
use crate::incoming::command::{self, ParameterCommand};

/// One invocation's payload, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterRequest {
    /// Something became of one parameter. What, a look will tell.
    Change {
        /// Its full name.
        name: String,
        /// The region it is in.
        region: String,
        /// The account it belongs to.
        account: String,
    },
    /// Copy whatever differs.
    Pass {
        /// Compare everything, also what was seen to be the same.
        deep: bool,
    },
    /// Say what differs.
    Drift {
        /// Compare everything, also what was seen to be the same.
        deep: bool,
    },
}

/// The events that speak of a change. That of tags comes from another service.
const CHANGES: [(&str, &str); 2] =
    [("aws.ssm", "Parameter Store Change"), ("aws.tag", "Tag Change on Resource")];

impl ParameterRequest {
    /// Reads a payload; what is wrong with it in a sentence, without any of its values.
    pub fn read(payload: &Value) -> Result<Self, String> {
        let text = |field: &str| payload.get(field).and_then(Value::as_str);
        if let (Some(source), Some(detail_type)) = (text("source"), text("detail-type"))
            && CHANGES.contains(&(source, detail_type))
        {
            let problem = "The event does not name exactly one parameter, so nothing is copied for it: the next \
                           pass compares them all.";
            return change(payload).ok_or_else(|| problem.to_owned());
        }
        Ok(match command::read(payload)? {
            ParameterCommand::Pass { deep } => Self::Pass { deep },
            ParameterCommand::Drift { deep } => Self::Drift { deep },
        })
    }
}

/// Name, region and account come from the ARN alone.
fn change(event: &Value) -> Option<ParameterRequest> {
    let [resource] = event["resources"].as_array()?.as_slice() else {
        return None;
    };
    let arn = Arn::parse(resource.as_str()?)?;
    let name = arn.resource.strip_prefix("parameter").filter(|name| name.starts_with('/'))?;
    let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_.-".contains(&b));
    let is_sound = arn.service == "ssm" && !arn.region.is_empty() && !arn.account.is_empty() && is_plain;
    is_sound.then(|| ParameterRequest::Change {
        name: name.to_owned(),
        region: arn.region.to_owned(),
        account: arn.account.to_owned(),
    })
}
