//! The one grammar of commands: `{"command":"…"}` and the command's own fields. Which commands has each function, and what may
//! stand in them?
//!
//! A table says it, field by field, so that a person in an incident is told of everything that is wrong at once, each with its
//! remedy. What passes the table serde makes a command of; a test holds both to each other. What the functions were sent
//! before this grammar is still read: a schedule may be older than the function it invokes.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::shape;
use crate::name::Name;
use crate::nearest;

/// Longest `by`, in characters.
const BY_MAX: usize = 100;

/// Longest `reason`, in characters.
const REASON_MAX: usize = 500;

/// Most routes of one command.
const ROUTES_MAX: usize = 1000;

/// Longest hold: a week.
const HOLD_MINUTES_MAX: u64 = 10_080;

/// Longest list of keys in an answer.
const KEYS_SHOWN_MAX: usize = 6;

/// A function that takes commands. The three others take steps alone, from the commands topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `alarm-handler`.
    AlarmHandler,
    /// `readiness-checker`.
    ReadinessChecker,
    /// `snapshot-scheduler`.
    SnapshotScheduler,
    /// `ssm-replicator`.
    SsmReplicator,
}

/// The commands of one function.
pub trait Commands: DeserializeOwned {
    /// Whose they are.
    const FUNCTION: Function;

    /// The command that a payload from before the grammar stands for; nothing if it is not one. An event of a schedule
    /// without a constant input is one, too.
    fn of_old(payload: &Value) -> Option<Self>;
}

/// What the readiness-checker is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum ReadinessCommand {
    /// Its schedule: make a pass if one is due.
    Pass {},
    /// A person: make a pass now, and answer with it.
    Readiness {},
}

impl Commands for ReadinessCommand {
    const FUNCTION: Function = Function::ReadinessChecker;

    fn of_old(payload: &Value) -> Option<Self> {
        is_scheduled(payload).then_some(Self::Pass {})
    }
}

/// What the snapshot-scheduler is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum SnapshotCommand {
    /// Take, copy and delete what is due.
    Keep {},
    /// Say what is due and do nothing.
    DryRun {},
}

impl Commands for SnapshotCommand {
    const FUNCTION: Function = Function::SnapshotScheduler;

    fn of_old(payload: &Value) -> Option<Self> {
        if is_scheduled(payload) {
            return Some(Self::Keep {});
        }
        let fields = payload.as_object().filter(|fields| fields.len() == 1)?;
        match fields.get("snapshots")?.as_str()? {
            "keep" => Some(Self::Keep {}),
            "dry_run" => Some(Self::DryRun {}),
            _ => None,
        }
    }
}

/// What the ssm-replicator is asked for; an event of a change is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum ParameterCommand {
    /// Copy whatever differs.
    Pass {
        /// Compare everything, also what was seen to be the same.
        #[serde(default)]
        deep: bool,
    },
    /// Say what differs.
    Drift {
        /// Compare everything, also what was seen to be the same.
        #[serde(default)]
        deep: bool,
    },
}

impl Commands for ParameterCommand {
    const FUNCTION: Function = Function::SsmReplicator;

    fn of_old(payload: &Value) -> Option<Self> {
        is_scheduled(payload).then_some(Self::Pass { deep: false })
    }
}

/// Reads a payload as a command of one function; the error says everything that is wrong and what to do. It repeats no value
/// but a command's or a field's name.
///
/// # Errors
/// It is no command of that function.
pub fn read<C: Commands>(payload: &Value) -> Result<C, String> {
    if let Some(command) = C::of_old(payload) {
        return Ok(command);
    }
    let Value::Object(fields) = payload else {
        return Err(no_object(C::FUNCTION, payload));
    };
    if !fields.contains_key("command") {
        return Err(no_command(C::FUNCTION, fields));
    }
    made(C::FUNCTION, fields)
}

/// A rule or schedule of `EventBridge` without a constant input. A source that begins with `aws.` can't be given by anyone but
/// AWS.
pub(super) fn is_scheduled(payload: &Value) -> bool {
    payload["detail-type"] == "Scheduled Event"
        && (payload["source"] == "aws.events" || payload["source"] == "aws.scheduler")
}

/// The command of an object that has the field `command`.
pub(super) fn made<C: DeserializeOwned>(
    function: Function,
    fields: &Map<String, Value>,
) -> Result<C, String> {
    let name = checked(function, fields)?;
    // The table let it pass, so that only a fault of ours can be left.
    serde_json::from_value(Value::Object(fields.clone()))
        .map_err(|_| format!("The command {name} could not be read: this is a defect, report it."))
}

/// Whether a function has the command that an object names, and its fields are right: the command's name.
pub(super) fn checked(function: Function, fields: &Map<String, Value>) -> Result<&'static str, String> {
    let forms = function.forms();
    let known: Vec<&str> = forms.iter().map(|form| form.name).collect();
    let Some(Value::String(name)) = fields.get("command") else {
        return Err(format!("`command` is not a string: use one of {}.", nearest::list(&known)));
    };
    let Some(form) = forms.iter().find(|form| form.name == name) else {
        return Err(unknown(function, name, &known));
    };
    let mut problems = Vec::new();
    let allowed: Vec<&str> = form.fields.iter().map(|field| field.name).collect();
    for key in fields.keys().filter(|key| *key != "command" && !allowed.contains(&key.as_str())) {
        let remedy = if allowed.is_empty() {
            "its only field is `command`".to_owned()
        } else {
            nearest::remedy(key, &allowed)
        };
        problems.push(sentence(&format!("{} is not a field of {name}", quoted(key)), &remedy));
    }
    for field in form.fields {
        match fields.get(field.name) {
            None if field.is_needed => field.note("is missing", &mut problems),
            None => {}
            Some(value) => (field.check)(field, value, &mut problems),
        }
    }
    if problems.is_empty() { Ok(form.name) } else { Err(problems.join(" ")) }
}

/// A name that the function has no command of: what it may have been meant to be, here or of another function.
fn unknown(function: Function, name: &str, known: &[&str]) -> String {
    let (shown, listed) = (nearest::quoted(name), nearest::list(known));
    let others: Vec<&str> =
        Function::ALL.iter().filter(|other| other.has(name)).map(|other| other.as_str()).collect();
    if !others.is_empty() {
        let others = others.join(" and ");
        return format!(
            "{shown} is a command of {others}, not of {}. Commands: {listed}.",
            function.as_str()
        );
    }
    match nearest::nearest(name, known) {
        Some(meant) => format!("{shown} is not a command: did you mean `{meant}`? Commands: {listed}."),
        None => format!("{shown} is not a command: Commands: {listed}."),
    }
}

/// A payload that is no object: nobody but a person sends one.
pub(super) fn no_object(function: Function, payload: &Value) -> String {
    let remedy = match payload {
        Value::String(_) => "send the object itself, not a string that contains it",
        _ => "send an object",
    };
    format!("The payload is {}: {remedy}, such as {}.", shape::describe("", payload), function.example())
}

/// An object without the field `command` that is nothing else either.
pub(super) fn no_command(function: Function, fields: &Map<String, Value>) -> String {
    let forms = function.forms();
    let names = forms.iter().flat_map(|form| form.fields).map(|field| field.name);
    let mut known: Vec<&str> = ["command"].into_iter().chain(names).collect();
    known.sort_unstable();
    known.dedup();
    let mut keys: Vec<&String> = fields.keys().filter(|key| !known.contains(&key.as_str())).collect();
    keys.sort_unstable();
    let mistyped = keys
        .iter()
        .take(KEYS_SHOWN_MAX)
        .map(|key| sentence(&format!("{} is not a field", quoted(key)), &nearest::remedy(key, &known)));
    let commands: Vec<&str> = forms.iter().map(|form| form.name).collect();
    let missing = format!(
        "`command` is missing, so Pilotlight did nothing: use one of {}, such as {}.",
        nearest::list(&commands),
        function.example()
    );
    let problems: Vec<String> = [missing].into_iter().chain(mistyped).collect();
    problems.join(" ")
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::AlarmHandler, Self::ReadinessChecker, Self::SnapshotScheduler, Self::SsmReplicator];

    /// As it is called, without its plan.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AlarmHandler => "alarm-handler",
            Self::ReadinessChecker => "readiness-checker",
            Self::SnapshotScheduler => "snapshot-scheduler",
            Self::SsmReplicator => "ssm-replicator",
        }
    }

    /// A payload that is right, and changes nothing.
    fn example(self) -> &'static str {
        match self {
            Self::AlarmHandler => r#"{"command":"status"}"#,
            Self::ReadinessChecker => r#"{"command":"readiness"}"#,
            Self::SnapshotScheduler => r#"{"command":"dry_run"}"#,
            Self::SsmReplicator => r#"{"command":"drift"}"#,
        }
    }

    /// Its commands. What only its schedule sends stands last.
    fn forms(self) -> &'static [Form] {
        match self {
            Self::AlarmHandler => &[
                Form {
                    name: "failover",
                    fields: &[BY, REASON, ROUTES, ALLOW_DATA_LOSS, OVERRIDE_FENCE, OVERRIDE_VETOES],
                },
                Form {
                    name: "approve",
                    fields: &[BY, RUN, ALLOW_DATA_LOSS, OVERRIDE_FENCE, OVERRIDE_VETOES],
                },
                Form { name: "abort", fields: &[BY, RUN, REASON] },
                Form { name: "hold", fields: &[BY, MINUTES, REASON] },
                Form { name: "release", fields: &[BY] },
                Form { name: "acknowledge", fields: &[BY, RUN] },
                Form { name: "adopt", fields: &[BY] },
                Form { name: "status", fields: &[] },
                Form { name: "readiness", fields: &[] },
                Form { name: TICK, fields: &[] },
            ],
            Self::ReadinessChecker => {
                &[Form { name: "readiness", fields: &[] }, Form { name: "pass", fields: &[] }]
            }
            Self::SnapshotScheduler => {
                &[Form { name: "keep", fields: &[] }, Form { name: "dry_run", fields: &[] }]
            }
            Self::SsmReplicator => {
                &[Form { name: "pass", fields: &[DEEP] }, Form { name: "drift", fields: &[DEEP] }]
            }
        }
    }

    fn has(self, command: &str) -> bool {
        self.forms().iter().any(|form| form.name == command)
    }
}

/// The command of the minute's rule.
pub(super) const TICK: &str = "tick";

/// A command, as it is written.
struct Form {
    name: &'static str,
    fields: &'static [CommandField],
}

/// A field of a command.
struct CommandField {
    name: &'static str,
    is_needed: bool,
    /// What to do when it is wrong.
    remedy: &'static str,
    /// Notes what is wrong with a value.
    check: fn(&CommandField, &Value, &mut Vec<String>),
}

const BY: CommandField = CommandField { name: "by", is_needed: true, remedy: "say who you are", check: by };
const REASON: CommandField =
    CommandField { name: "reason", is_needed: true, remedy: "say why, for the record", check: reason };
const RUN: CommandField = CommandField {
    name: "run",
    is_needed: true,
    remedy: "give the number of the run, as the command status shows it",
    check: run,
};
const MINUTES: CommandField = CommandField {
    name: "minutes",
    is_needed: true,
    remedy: "give the length of the hold in minutes, 1 to 10080",
    check: minutes,
};
const ROUTES: CommandField = CommandField {
    name: "routes",
    is_needed: false,
    remedy: "give a list of the plan's routes, or leave the field out to move all of them",
    check: routes,
};
const ALLOW_DATA_LOSS: CommandField = override_named("allow_data_loss");
const OVERRIDE_FENCE: CommandField = override_named("override_fence");
const OVERRIDE_VETOES: CommandField = override_named("override_vetoes");
const DEEP: CommandField = CommandField {
    name: "deep",
    is_needed: false,
    remedy: "use one of them, or leave the field out",
    check: flag,
};

const fn override_named(name: &'static str) -> CommandField {
    let remedy = "use true to override this rule, or leave the field out";
    CommandField { name, is_needed: false, remedy, check: flag }
}

impl CommandField {
    fn note(&self, problem: &str, problems: &mut Vec<String>) {
        problems.push(sentence(&format!("`{}` {problem}", self.name), self.remedy));
    }
}

fn by(field: &CommandField, value: &Value, problems: &mut Vec<String>) {
    text(field, value, BY_MAX, problems);
}

fn reason(field: &CommandField, value: &Value, problems: &mut Vec<String>) {
    text(field, value, REASON_MAX, problems);
}

fn text(field: &CommandField, value: &Value, characters_max: usize, problems: &mut Vec<String>) {
    match value {
        Value::String(text) if text.trim().is_empty() => field.note("is empty", problems),
        Value::String(text) if text.chars().count() > characters_max => {
            field.note(&format!("is longer than {characters_max} characters"), problems);
        }
        Value::String(text) if text.chars().any(char::is_control) => {
            field.note("contains a line break or another control character", problems);
        }
        Value::String(_) => {}
        _ => field.note("is not a string", problems),
    }
}

fn run(field: &CommandField, value: &Value, problems: &mut Vec<String>) {
    number(field, value, u64::MAX, problems);
}

fn minutes(field: &CommandField, value: &Value, problems: &mut Vec<String>) {
    number(field, value, HOLD_MINUTES_MAX, problems);
}

fn number(field: &CommandField, value: &Value, max: u64, problems: &mut Vec<String>) {
    match value.as_u64() {
        Some(number) if (1..=max).contains(&number) => {}
        Some(number) => field.note(&format!("is {number}, which is out of range"), problems),
        None => field.note("is not a whole number", problems),
    }
}

fn flag(field: &CommandField, value: &Value, problems: &mut Vec<String>) {
    if !value.is_boolean() {
        field.note("is not true or false", problems);
    }
}

fn routes(field: &CommandField, value: &Value, problems: &mut Vec<String>) {
    let items = match value {
        Value::Array(items) if items.len() <= ROUTES_MAX => items,
        _ => return field.note("is not a list of at most 1000 names", problems),
    };
    if items.is_empty() {
        let remedy = "name the routes to move, or leave the field out to move the whole plan";
        return problems.push(sentence("`routes` is an empty list", remedy));
    }
    let names: Vec<Name> = items.iter().filter_map(Value::as_str).map(Name::from).collect();
    if names.len() < items.len() || !names.iter().all(Name::is_well_formed) {
        field.note("contains something that is not a name", problems);
    }
    if names.iter().collect::<HashSet<_>>().len() < names.len() {
        problems.push(sentence("`routes` lists a route twice", "list each route once"));
    }
}

/// A key that looks like one; what doesn't may be a value in the wrong place, and is not repeated.
fn quoted(key: &str) -> String {
    if shape::is_plain(key) { nearest::quoted(key) } else { shape::named(key) }
}

fn sentence(problem: &str, remedy: &str) -> String {
    let end = if remedy.ends_with('?') { "" } else { "." };
    format!("{problem}: {remedy}{end}")
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde_json::json;

    use super::*;
    use crate::operator::{OperatorCommand, Overrides};

    fn operator(value: &Value) -> Result<OperatorCommand, String> {
        made(Function::AlarmHandler, value.as_object().unwrap())
    }

    /// A payload of every command, with all of its fields.
    fn whole(form: &Form) -> Value {
        let mut payload = json!({ "command": form.name });
        for field in form.fields {
            payload[field.name] = match field.name {
                "by" | "reason" => json!("ana"),
                "run" | "minutes" => json!(7),
                "routes" => json!(["front"]),
                _ => json!(true),
            };
        }
        payload
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
            json!({"command": "adopt", "by": "ana"}),
            json!({"command": "status"}),
            json!({"command": "readiness"}),
        ];
        for value in all {
            let command = operator(&value).unwrap();
            assert_eq!(operator(&serde_json::to_value(&command).unwrap()), Ok(command), "{value}");
        }
        assert_eq!(
            operator(&json!({"command": "approve", "by": "ana", "run": 7, "allow_data_loss": true})),
            Ok(OperatorCommand::Approve {
                by: "ana".to_owned(),
                run: 7,
                overrides: Overrides { allow_data_loss: true, ..Overrides::default() },
            })
        );
        assert_eq!(
            operator(&json!({"command": "release", "by": " ana "})),
            Ok(OperatorCommand::Release { by: "ana".to_owned() }),
            "what a shell leaves around a name is no part of it"
        );
    }

    fn comes_back<C: Commands + Serialize + PartialEq + Debug>() {
        for form in C::FUNCTION.forms() {
            let payload = whole(form);
            let command = read::<C>(&payload).unwrap_or_else(|problem| panic!("{payload}: {problem}"));
            assert_eq!(serde_json::to_value(&command).unwrap(), payload);
            // Each field that the table needs, the derive needs too; each that it doesn't, neither does.
            for field in form.fields {
                let mut less = payload.clone();
                less.as_object_mut().unwrap().remove(field.name);
                assert_eq!(read::<C>(&less).is_err(), field.is_needed, "{less}");
                assert_eq!(serde_json::from_value::<C>(less.clone()).is_err(), field.is_needed, "{less}");
            }
        }
    }

    #[test]
    fn the_table_and_the_types_know_the_same_commands_and_fields() {
        comes_back::<ReadinessCommand>();
        comes_back::<SnapshotCommand>();
        comes_back::<ParameterCommand>();
        for form in Function::AlarmHandler.forms() {
            let payload = whole(form);
            let fields = payload.as_object().unwrap();
            assert_eq!(checked(Function::AlarmHandler, fields), Ok(form.name));
            let is_tick = form.name == TICK;
            let command = operator(&payload);
            assert_eq!(command.is_err(), is_tick, "{payload}: {command:?}");
            if let Ok(command) = command {
                assert_eq!(serde_json::to_value(&command).unwrap(), payload);
            }
            for field in form.fields {
                let mut less = payload.clone();
                less.as_object_mut().unwrap().remove(field.name);
                assert_eq!(operator(&less).is_err(), field.is_needed, "{less}");
                let derived = serde_json::from_value::<OperatorCommand>(less.clone());
                assert_eq!(derived.is_err(), field.is_needed, "{less}");
            }
        }
    }

    #[test]
    fn what_was_sent_before_the_grammar_is_still_read() {
        let snapshots = |word: &str| read::<SnapshotCommand>(&json!({ "snapshots": word }));
        assert_eq!(snapshots("keep"), Ok(SnapshotCommand::Keep {}));
        assert_eq!(snapshots("dry_run"), Ok(SnapshotCommand::DryRun {}));
        for source in ["aws.events", "aws.scheduler"] {
            let event = json!({ "source": source, "detail-type": "Scheduled Event", "detail": {} });
            assert_eq!(read::<SnapshotCommand>(&event), Ok(SnapshotCommand::Keep {}));
            assert_eq!(read::<ParameterCommand>(&event), Ok(ParameterCommand::Pass { deep: false }));
            assert_eq!(read::<ReadinessCommand>(&event), Ok(ReadinessCommand::Pass {}));
        }
        let forged = json!({ "source": "of.somebody.else", "detail-type": "Scheduled Event" });
        assert!(read::<SnapshotCommand>(&forged).is_err());
        assert!(read::<ParameterCommand>(&forged).is_err());
        assert!(read::<ReadinessCommand>(&forged).is_err());
    }

    #[test]
    fn a_command_of_another_function_says_whose_it_is() {
        for (value, expected) in [
            (
                read::<ReadinessCommand>(&json!({"command": "status"})).map(|_| ()),
                "`status` is a command of alarm-handler, not of readiness-checker. Commands: readiness, pass.",
            ),
            (
                read::<SnapshotCommand>(&json!({"command": "pass"})).map(|_| ()),
                "`pass` is a command of readiness-checker and ssm-replicator, not of snapshot-scheduler. Commands: \
                 keep, dry_run.",
            ),
            (
                operator(&json!({"command": "drift", "deep": true})).map(|_| ()),
                "`drift` is a command of ssm-replicator, not of alarm-handler. Commands: failover, approve, abort, hold, \
                 release, acknowledge, adopt, status, readiness, tick.",
            ),
        ] {
            assert_eq!(value, Err(expected.to_owned()));
        }
    }

    #[test]
    fn each_function_answers_what_is_no_command_with_one_of_its_own() {
        assert_eq!(
            read::<SnapshotCommand>(&json!({"snapshots": "delete_all"})),
            Err("`command` is missing, so Pilotlight did nothing: use one of keep, dry_run, such as \
                 {\"command\":\"dry_run\"}. `snapshots` is not a field: known: command."
                .to_owned())
        );
        assert_eq!(
            read::<ReadinessCommand>(&json!({})),
            Err("`command` is missing, so Pilotlight did nothing: use one of readiness, pass, such as \
                 {\"command\":\"readiness\"}."
                .to_owned())
        );
        assert_eq!(
            read::<ParameterCommand>(&json!(["pass"])),
            Err("The payload is a list of 1: send an object, such as {\"command\":\"drift\"}.".to_owned())
        );
        assert_eq!(
            read::<SnapshotCommand>(&json!({"command": "kep"})),
            Err("`kep` is not a command: did you mean `keep`? Commands: keep, dry_run.".to_owned())
        );
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table: one row is one mistake")]
    fn what_is_wrong_with_a_command_is_said_with_its_remedy() {
        const COMMANDS: &str =
            "Commands: failover, approve, abort, hold, release, acknowledge, adopt, status, readiness, tick.";
        for (value, expected) in [
            (
                json!({"command": "aprove"}),
                format!("`aprove` is not a command: did you mean `approve`? {COMMANDS}"),
            ),
            (json!({"command": "reboot"}), format!("`reboot` is not a command: {COMMANDS}")),
            (
                json!({"command": 5}),
                "`command` is not a string: use one of failover, approve, abort, hold, release, acknowledge, adopt, \
                 status, readiness, tick."
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
                json!({"command": "failover", "by": "ana", "reason": "x", "routes": []}),
                "`routes` is an empty list: name the routes to move, or leave the field out to move the whole plan."
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
            assert_eq!(operator(&value), Err(expected), "{value}");
        }
    }
}
