//! Would a failover work? readiness-checker knows: an operator's command `readiness` is passed on to it, and its answer back.

use std::time::Duration;

use engine::conductor::Conductor;
use engine::fault::Fault;
use futures::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use ports::FunctionError;
use protocol::incoming::command::{Function, ReadinessCommand};
use protocol::words::{command_line, function_name};
use serde_json::{Value, json};

use crate::AlarmHandler;

/// The answer is waited for until so long before this function must answer itself: a failure has to be said in time.
const ANSWER_REST: SignedDuration = SignedDuration::from_secs(3);

/// What the checker itself found out before it looked; it means the same as said here.
const CODES: [&str; 4] = ["run_under_way", "journal_unreadable", "plan_unreadable", "plan_invalid"];

/// Answers the command `readiness` with what readiness-checker answers.
pub(crate) async fn answer(
    function: &AlarmHandler,
    conductor: &Conductor,
    deadline: Timestamp,
) -> Result<Value, Fault> {
    let plan = &conductor.plan;
    let checker = Function::ReadinessChecker.as_str();
    let name = function_name(plan, checker);
    let left = deadline.duration_since(conductor.clock.now()).saturating_sub(ANSWER_REST);
    let left = Duration::try_from(left).unwrap_or_default();
    let payload = json!(ReadinessCommand::Readiness {});
    let asked = function.functions.invoke(&name, &payload);
    let direct = |why: &str| {
        let line = command_line(plan, checker, "readiness");
        let message = format!(
            "Readiness could not be checked: {}. The command status shows what the last pass saw. To ask {name} \
             directly: {line}",
            why.trim_end_matches('.')
        );
        Fault::new("readiness_unknown", message)
    };
    match select(asked, conductor.clock.sleep(left)).await {
        Either::Left((Ok(Ok(answer)), _)) => Ok(answer),
        Either::Left((Ok(Err(FunctionError { code, message })), _)) => {
            match CODES.iter().find(|known| **known == code) {
                Some(code) => Err(Fault::new(code, message)),
                None => Err(direct(&format!("{name} ended with {code}: {message}"))),
            }
        }
        Either::Left((Err(failure), _)) => Err(direct(&format!("{name} gave no answer: {failure}"))),
        Either::Right(_) => Err(direct(&format!(
            "{name} had not answered after {} s, when this function had to",
            left.as_secs()
        ))),
    }
}
