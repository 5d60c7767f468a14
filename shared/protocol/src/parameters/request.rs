//! What reached the function that copies parameters: a change, the schedule, or an operator. Anything else is refused.

use serde_json::{Map, Value};

use crate::arn::Arn;
use crate::nearest;

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

const REMEDY: &str = "this function accepts Parameter Store's change events, its schedule, and \
                      {\"command\":\"pass\"} or {\"command\":\"drift\"}";

impl ParameterRequest {
    /// Reads a payload; what is wrong with it in a sentence, without any of its values.
    pub fn read(payload: &Value) -> Result<Self, String> {
        let Value::Object(fields) = payload else {
            return Err(format!("The payload is not an object: {REMEDY}"));
        };
        if fields.contains_key("command") {
            return command(fields);
        }
        let text = |field: &str| fields.get(field).and_then(Value::as_str);
        match (text("source"), text("detail-type")) {
            (Some("aws.events" | "aws.scheduler"), Some("Scheduled Event")) => Ok(Self::Pass { deep: false }),
            (Some(source), Some(detail_type)) if CHANGES.contains(&(source, detail_type)) => change(payload)
                .ok_or_else(|| format!("The event does not name exactly one parameter: {REMEDY}")),
            _ => Err(format!("The payload is not a known request: {REMEDY}")),
        }
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

fn command(fields: &Map<String, Value>) -> Result<ParameterRequest, String> {
    const COMMANDS: [&str; 2] = ["pass", "drift"];
    let command = match fields.get("command") {
        Some(Value::String(command)) => command.as_str(),
        _ => return Err("`command` is not a string: use pass or drift.".to_owned()),
    };
    if !COMMANDS.contains(&command) {
        let remedy = nearest::remedy(command, &COMMANDS);
        return Err(format!("{} is not a command here: {remedy}", nearest::quoted(command)));
    }
    let known = ["command", "deep"];
    if let Some(unknown) = fields.keys().find(|field| !known.contains(&field.as_str())) {
        let remedy = nearest::remedy(unknown, &known);
        return Err(format!("{} is not a field of {command}: {remedy}", nearest::quoted(unknown)));
    }
    let deep = match fields.get("deep") {
        None => false,
        Some(Value::Bool(deep)) => *deep,
        Some(_) => {
            return Err("`deep` is not true or false: use one of them, or leave the field out.".to_owned());
        }
    };
    Ok(if command == "pass" { ParameterRequest::Pass { deep } } else { ParameterRequest::Drift { deep } })
}
