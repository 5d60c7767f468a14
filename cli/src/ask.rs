//! What did a function answer, and how does the program end with it? A lost answer is no refusal: nobody knows what became of
//! the command.

use ports::{FailureKind, FunctionError, Functions};
use serde::Serialize;
use serde_json::{Value, json};

use crate::exit::{Exit, Unanswered};

/// Codes with which a function ends before it has changed anything, or knowing what it has.
const KNOWN: [&str; 17] = [
    "refused",
    "run_under_way",
    "plan_unreadable",
    "plan_invalid",
    "journal_unreadable",
    "journal_unfolded",
    "readiness_unreadable",
    "deadline_unreadable",
    "no_parameters",
    "parameters_unreadable",
    "wrong_account",
    "not_understood",
    "foreign_event",
    "foreign_plan",
    "foreign_topic",
    "not_my_step",
    "not_a_step_command",
];

/// Codes of work that is left to a person.
const FOR_A_PERSON: [&str; 2] = ["not_all_copied", "snapshots_failed"];

/// Codes of a command that the function can't read.
const UNREAD: [&str; 2] = ["bad_command", "bad_request"];

/// Asks a function of a plan.
pub async fn ask(
    functions: &dyn Functions,
    function: &str,
    command: &(impl Serialize + Sync),
) -> Result<Value, Unanswered> {
    match functions.invoke(function, &json!(command)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(ended(&error)),
        Err(failure) if is_lost(failure.kind) => Err(lost(&failure.code, &failure.message)),
        Err(failure) => {
            Err(Unanswered::refused(&failure.code, format!("{}: {}", failure.action, failure.message)))
        }
    }
}

/// Whether the function may have been asked all the same.
fn is_lost(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Unreachable | FailureKind::Unavailable)
}

fn ended(FunctionError { code, message }: &FunctionError) -> Unanswered {
    let is_one_of = |codes: &[&str]| codes.contains(&code.as_str());
    let exit = if is_one_of(&KNOWN) {
        Exit::Refused
    } else if is_one_of(&UNREAD) {
        Exit::Usage
    } else if is_one_of(&FOR_A_PERSON) {
        Exit::NeedsOperator
    } else if code == "readiness_unknown" {
        Exit::NotReady
    } else {
        return lost(code, message);
    };
    Unanswered { exit, code: code.clone(), sentence: message.clone() }
}

fn lost(code: &str, why: &str) -> Unanswered {
    let why = why.trim_end_matches('.');
    let sentence = format!(
        "No answer came, so the outcome is unknown: {why}. Run `pilotlight status` before you repeat it."
    );
    Unanswered { exit: Exit::Unknown, code: code.to_owned(), sentence }
}
