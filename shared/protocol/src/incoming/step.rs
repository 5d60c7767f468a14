//! The body of a message that asks for a step.

use serde_json::Value;

use crate::command::StepCommand;

/// The only fields of such a body.
const FIELDS: [&str; 4] = ["plan", "run", "step", "subjects"];

/// Reads a step's command; `None` if the body is anything else, or has anything more.
pub(super) fn read(body: &Value) -> Option<StepCommand> {
    let fields = body.as_object()?;
    if !fields.keys().all(|key| FIELDS.contains(&key.as_str())) {
        return None;
    }
    let command: StepCommand = serde_json::from_value(body.clone()).ok()?;
    let names_are_sound =
        command.plan.is_well_formed() && command.subjects.iter().all(crate::name::Name::is_well_formed);
    names_are_sound.then_some(command)
}
