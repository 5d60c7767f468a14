//! A direct invocation that says `command`: the operator's command, or everything that is wrong with it.
//!
//! Read by hand, for two reasons: an operator in an incident is told all at once, with the remedy; and serde's
//! `flatten` (of the overrides) lets unknown fields through where a mistyped `allow_data_lost` must not be ignored.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Incoming, shape};
use crate::name::Name;
use crate::nearest;
use crate::operator::{OperatorCommand, Overrides};

/// Longest `by`, in characters.
const BY_MAX: usize = 100;

/// Longest `reason`, in characters.
const REASON_MAX: usize = 500;

/// Most routes of one command.
const ROUTES_MAX: usize = 1000;

/// Longest hold: a week.
const HOLD_MINUTES_MAX: u64 = 10_080;

/// A payload that is right.
const EXAMPLE: &str = r#"{"command":"status"}"#;

/// Every command with its own fields.
const COMMANDS: [(&str, &[&str]); 8] = [
    ("failover", &["by", "reason", "routes", "allow_data_loss", "override_fence", "override_vetoes"]),
    ("approve", &["by", "run", "allow_data_loss", "override_fence", "override_vetoes"]),
    ("abort", &["by", "run", "reason"]),
    ("hold", &["by", "minutes", "reason"]),
    ("release", &["by"]),
    ("acknowledge", &["by", "run"]),
    ("status", &[]),
    ("readiness", &[]),
];

/// Longest list of keys in an answer.
const KEYS_SHOWN_MAX: usize = 6;

/// A payload that is no object: nobody but a person sends one.
pub(super) fn no_object(payload: &Value) -> Incoming {
    let remedy = match payload {
        Value::String(_) => "send the object itself, not a string that contains it",
        _ => "send an object",
    };
    let problem = format!("The payload is {}: {remedy}, such as {EXAMPLE}.", shape::describe("", payload));
    Incoming::BadOperator { problem }
}

/// A key that looks like one; what doesn't may be a value in the wrong place, and is not repeated.
fn quoted(key: &str) -> String {
    if shape::is_plain(key) { nearest::quoted(key) } else { shape::named(key) }
}

/// An object without the field `command` that is nothing else either.
pub(super) fn no_command(fields: &Map<String, Value>) -> Incoming {
    let names = COMMANDS.iter().flat_map(|(_, names)| names.iter().copied());
    let mut known: Vec<&str> = ["command"].into_iter().chain(names).collect();
    known.sort_unstable();
    known.dedup();
    let mut keys: Vec<&String> = fields.keys().filter(|key| !known.contains(&key.as_str())).collect();
    keys.sort_unstable();
    let mistyped = keys
        .iter()
        .take(KEYS_SHOWN_MAX)
        .map(|key| sentence(&format!("{} is not a field", quoted(key)), &nearest::remedy(key, &known)));
    let missing = format!(
        "`command` is missing, so Pilotlight did nothing: use one of {}, such as {EXAMPLE}.",
        nearest::list(&COMMANDS.map(|(name, _)| name))
    );
    let problems: Vec<String> = [missing].into_iter().chain(mistyped).collect();
    Incoming::BadOperator { problem: problems.join(" ") }
}

/// Reads an object that has the field `command`.
pub(super) fn read(fields: &Map<String, Value>) -> Incoming {
    match command(fields) {
        Ok(command) => Incoming::Operator(command),
        Err(problem) => Incoming::BadOperator { problem },
    }
}

fn command(fields: &Map<String, Value>) -> Result<OperatorCommand, String> {
    let known = COMMANDS.map(|(name, _)| name);
    let Some(Value::String(name)) = fields.get("command") else {
        return Err(format!("`command` is not a string: use one of {}.", nearest::list(&known)));
    };
    let Some((name, allowed)) = COMMANDS.iter().find(|(known, _)| known == name) else {
        let meant = match nearest::remedy(name, &known) {
            remedy if remedy.starts_with("did") => format!("{remedy} "),
            _ => String::new(),
        };
        let name = nearest::quoted(name);
        return Err(format!("{name} is not a command: {meant}Commands: {}.", nearest::list(&known)));
    };
    let mut reading = Reading { fields, problems: Vec::new() };
    reading.refuse_unknown(name, allowed);
    let command = reading.command(name);
    match command {
        Some(command) if reading.problems.is_empty() => Ok(command),
        _ => Err(reading.problems.join(" ")),
    }
}

struct Reading<'a> {
    fields: &'a Map<String, Value>,
    problems: Vec<String>,
}

impl Reading<'_> {
    fn command(&mut self, name: &str) -> Option<OperatorCommand> {
        // Every field is read before any is missed, so that all problems are named.
        Some(match name {
            "failover" => {
                let (by, reason, routes, overrides) =
                    (self.by(), self.reason(), self.routes(), self.overrides());
                OperatorCommand::Failover { by: by?, reason: reason?, routes, overrides }
            }
            "approve" => {
                let (by, run, overrides) = (self.by(), self.run(), self.overrides());
                OperatorCommand::Approve { by: by?, run: run?, overrides }
            }
            "abort" => {
                let (by, run, reason) = (self.by(), self.run(), self.reason());
                OperatorCommand::Abort { by: by?, run: run?, reason: reason? }
            }
            "hold" => {
                let (by, minutes, reason) = (self.by(), self.minutes(), self.reason());
                OperatorCommand::Hold { by: by?, minutes: minutes?, reason: reason? }
            }
            "release" => OperatorCommand::Release { by: self.by()? },
            "acknowledge" => {
                let (by, run) = (self.by(), self.run());
                OperatorCommand::Acknowledge { by: by?, run: run? }
            }
            "readiness" => OperatorCommand::Readiness {},
            _ => OperatorCommand::Status {},
        })
    }

    fn refuse_unknown(&mut self, command: &str, allowed: &[&str]) {
        let unknown = self.fields.keys().filter(|key| *key != "command" && !allowed.contains(&key.as_str()));
        for key in unknown {
            let remedy = if allowed.is_empty() {
                "its only field is `command`".to_owned()
            } else {
                nearest::remedy(key, allowed)
            };
            self.problems
                .push(sentence(&format!("{} is not a field of {command}", nearest::quoted(key)), &remedy));
        }
    }

    fn by(&mut self) -> Option<String> {
        self.text("by", "say who you are", BY_MAX)
    }

    fn reason(&mut self) -> Option<String> {
        self.text("reason", "say why, for the record", REASON_MAX)
    }

    fn run(&mut self) -> Option<u64> {
        self.number("run", "give the number of the run, as the command status shows it", 1, u64::MAX)
    }

    fn minutes(&mut self) -> Option<u32> {
        let remedy = "give the length of the hold in minutes, 1 to 10080";
        self.number("minutes", remedy, 1, HOLD_MINUTES_MAX).and_then(|minutes| u32::try_from(minutes).ok())
    }

    fn text(&mut self, field: &str, remedy: &str, characters_max: usize) -> Option<String> {
        let problem = match self.fields.get(field) {
            None => "is missing".to_owned(),
            Some(Value::String(text)) if text.trim().is_empty() => "is empty".to_owned(),
            Some(Value::String(text)) if text.chars().count() > characters_max => {
                format!("is longer than {characters_max} characters")
            }
            Some(Value::String(text)) if text.chars().any(char::is_control) => {
                "contains a line break or another control character".to_owned()
            }
            Some(Value::String(text)) => return Some(text.trim().to_owned()),
            Some(_) => "is not a string".to_owned(),
        };
        self.problems.push(sentence(&format!("`{field}` {problem}"), remedy));
        None
    }

    fn number(&mut self, field: &str, remedy: &str, min: u64, max: u64) -> Option<u64> {
        let problem = match self.fields.get(field) {
            None => "is missing".to_owned(),
            Some(value) => match value.as_u64() {
                Some(number) if (min..=max).contains(&number) => return Some(number),
                Some(number) => format!("is {number}, which is out of range"),
                None => "is not a whole number".to_owned(),
            },
        };
        self.problems.push(sentence(&format!("`{field}` {problem}"), remedy));
        None
    }

    fn routes(&mut self) -> Vec<Name> {
        let remedy = "give a list of the plan's routes, or leave the field out to move all of them";
        let items = match self.fields.get("routes") {
            None => return Vec::new(),
            Some(Value::Array(items)) if items.len() <= ROUTES_MAX => items,
            Some(_) => {
                self.problems.push(sentence("`routes` is not a list of at most 1000 names", remedy));
                return Vec::new();
            }
        };
        let names: Vec<Name> = items.iter().filter_map(Value::as_str).map(Name::from).collect();
        if names.len() < items.len() || !names.iter().all(Name::is_well_formed) {
            self.problems.push(sentence("`routes` contains something that is not a name", remedy));
        }
        if names.iter().collect::<HashSet<_>>().len() < names.len() {
            self.problems.push(sentence("`routes` lists a route twice", "list each route once"));
        }
        names
    }

    fn overrides(&mut self) -> Overrides {
        Overrides {
            allow_data_loss: self.flag("allow_data_loss"),
            override_fence: self.flag("override_fence"),
            override_vetoes: self.flag("override_vetoes"),
        }
    }

    fn flag(&mut self, field: &str) -> bool {
        match self.fields.get(field) {
            None => false,
            Some(Value::Bool(value)) => *value,
            Some(_) => {
                let remedy = "use true to override this rule, or leave the field out";
                self.problems.push(sentence(&format!("`{field}` is not true or false"), remedy));
                false
            }
        }
    }
}

fn sentence(problem: &str, remedy: &str) -> String {
    let end = if remedy.ends_with('?') { "" } else { "." };
    format!("{problem}: {remedy}{end}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_json(value: &Value) -> Result<OperatorCommand, String> {
        command(value.as_object().unwrap())
    }

    #[test]
    fn every_command_is_read_and_comes_back_from_its_own_json() {
        let all = [
            json!({"command": "failover", "by": "ana", "reason": "region lost"}),
            json!({"command": "failover", "by": "ana", "reason": "region lost", "routes": ["front"],
                   "allow_data_loss": true, "override_fence": true, "override_vetoes": true}),
            json!({"command": "approve", "by": "ana", "run": 7, "allow_data_loss": true}),
            json!({"command": "abort", "by": "ana", "run": 7, "reason": "false alarm"}),
            json!({"command": "hold", "by": "ana", "minutes": 10080, "reason": "maintenance"}),
            json!({"command": "release", "by": "ana"}),
            json!({"command": "acknowledge", "by": "ana", "run": 7}),
            json!({"command": "status"}),
            json!({"command": "readiness"}),
        ];
        for value in all {
            let command = read_json(&value).unwrap();
            assert_eq!(read_json(&serde_json::to_value(&command).unwrap()), Ok(command), "{value}");
        }
        assert_eq!(
            read_json(&json!({"command": "approve", "by": "ana", "run": 7, "allow_data_loss": true})),
            Ok(OperatorCommand::Approve {
                by: "ana".to_owned(),
                run: 7,
                overrides: Overrides { allow_data_loss: true, ..Overrides::default() },
            })
        );
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table: one row is one mistake")]
    fn what_is_wrong_with_a_command_is_said_with_its_remedy() {
        const COMMANDS: &str =
            "Commands: failover, approve, abort, hold, release, acknowledge, status, readiness.";
        for (value, expected) in [
            (
                json!({"command": "aprove"}),
                format!("`aprove` is not a command: did you mean `approve`? {COMMANDS}"),
            ),
            (json!({"command": "reboot"}), format!("`reboot` is not a command: {COMMANDS}")),
            (
                json!({"command": 5}),
                "`command` is not a string: use one of failover, approve, abort, hold, release, acknowledge, \
                 status, readiness."
                    .to_owned(),
            ),
            (json!({"command": "release"}), "`by` is missing: say who you are.".to_owned()),
            (json!({"command": "release", "by": " "}), "`by` is empty: say who you are.".to_owned()),
            (json!({"command": "release", "by": 5}), "`by` is not a string: say who you are.".to_owned()),
            (
                json!({"command": "release", "by": "a\nb"}),
                "`by` contains a line break or another control character: say who you are.".to_owned(),
            ),
            (
                json!({"command": "release", "by": "a".repeat(101)}),
                "`by` is longer than 100 characters: say who you are.".to_owned(),
            ),
            (
                json!({"command": "approve", "by": "ana", "rum": 7}),
                "`rum` is not a field of approve: did you mean `run`? `run` is missing: give the number of the \
                 run, as the command status shows it."
                    .to_owned(),
            ),
            (
                json!({"command": "approve", "by": "ana", "run": "7"}),
                "`run` is not a whole number: give the number of the run, as the command status shows it."
                    .to_owned(),
            ),
            (
                json!({"command": "approve", "by": "ana", "run": 7, "allow_data_lost": true}),
                "`allow_data_lost` is not a field of approve: did you mean `allow_data_loss`?".to_owned(),
            ),
            (
                json!({"command": "approve", "by": "ana", "run": 7, "allow_data_loss": "yes"}),
                "`allow_data_loss` is not true or false: use true to override this rule, or leave the field \
                 out.".to_owned(),
            ),
            (
                json!({"command": "hold", "by": "ana", "minutes": 10081, "reason": "x"}),
                "`minutes` is 10081, which is out of range: give the length of the hold in minutes, 1 to \
                 10080.".to_owned(),
            ),
            (
                json!({"command": "hold"}),
                "`by` is missing: say who you are. `minutes` is missing: give the length of the hold in \
                 minutes, 1 to 10080. `reason` is missing: say why, for the record."
                    .to_owned(),
            ),
            (
                json!({"command": "failover", "by": "ana", "reason": "x", "routes": "front"}),
                "`routes` is not a list of at most 1000 names: give a list of the plan's routes, or leave the \
                 field out to move all of them."
                    .to_owned(),
            ),
            (
                json!({"command": "failover", "by": "ana", "reason": "x", "routes": ["Front!"]}),
                "`routes` contains something that is not a name: give a list of the plan's routes, or leave \
                 the field out to move all of them."
                    .to_owned(),
            ),
            (
                json!({"command": "failover", "by": "ana", "reason": "x", "routes": ["a", "a"]}),
                "`routes` lists a route twice: list each route once.".to_owned(),
            ),
            (
                json!({"command": "status", "verbose": true}),
                "`verbose` is not a field of status: its only field is `command`.".to_owned(),
            ),
            (
                json!({"command": "readiness", "by": "ana"}),
                "`by` is not a field of readiness: its only field is `command`.".to_owned(),
            ),
        ] {
            assert_eq!(read_json(&value), Err(expected), "{value}");
        }
    }
}
