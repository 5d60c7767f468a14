//! What changes something: an operator's commands to the alarm-handler.

use std::io::Write;

use protocol::incoming::command::Function;
use protocol::name::Name;
use protocol::operator::{OperatorCommand, Overrides};

use crate::arguments::{
    AbortArguments, ApproveArguments, FailoverArguments, HoldArguments, OverrideArguments, PersonArguments,
    WaitArguments,
};
use crate::ask::ask;
use crate::desk::Desk;
use crate::exit::{Exit, Unanswered};
use crate::follow::Wait;
use crate::screen::{Grid, Screen, text};

/// Where a person's name is looked for.
const PERSONS: [&str; 4] = ["PILOTLIGHT_BY", "USER", "LOGNAME", "USERNAME"];

/// Starts a failover, once the person has typed what moves.
pub(crate) async fn failover(
    desk: &Desk<'_>,
    failover: &FailoverArguments,
    err: &mut dyn Write,
) -> Result<Screen, Unanswered> {
    let by = by(desk, &failover.person)?;
    if !failover.yes {
        confirm(desk, err)?;
    }
    let command = OperatorCommand::Failover {
        by,
        reason: failover.reason.clone(),
        routes: failover.routes.iter().map(|route| Name::new(route.as_str())).collect(),
        overrides: overrides(failover.overrides),
    };
    let answer = give(desk, &command).await?;
    followed(desk, answer, failover.wait, false, err).await
}

/// Lets a run go on.
pub(crate) async fn approve(
    desk: &Desk<'_>,
    approve: &ApproveArguments,
    err: &mut dyn Write,
) -> Result<Screen, Unanswered> {
    let ApproveArguments { run, overrides: passed, wait, person } = approve;
    let command =
        OperatorCommand::Approve { by: by(desk, person)?, run: *run, overrides: overrides(*passed) };
    let answer = give(desk, &command).await?;
    followed(desk, answer, *wait, false, err).await
}

/// Ends a run.
pub(crate) async fn abort(
    desk: &Desk<'_>,
    abort: &AbortArguments,
    err: &mut dyn Write,
) -> Result<Screen, Unanswered> {
    let AbortArguments { run, reason, wait, person } = abort;
    let command = OperatorCommand::Abort { by: by(desk, person)?, run: *run, reason: reason.clone() };
    let answer = give(desk, &command).await?;
    followed(desk, answer, *wait, true, err).await
}

/// Places a hold.
pub(crate) async fn hold(desk: &Desk<'_>, hold: &HoldArguments) -> Result<Screen, Unanswered> {
    let HoldArguments { minutes, reason, person } = hold;
    let by = by(desk, person)?;
    give(desk, &OperatorCommand::Hold { by, minutes: *minutes, reason: reason.clone() }).await
}

/// Ends the hold.
pub(crate) async fn release(desk: &Desk<'_>, person: &PersonArguments) -> Result<Screen, Unanswered> {
    give(desk, &OperatorCommand::Release { by: by(desk, person)? }).await
}

/// Ends the cooldown.
pub(crate) async fn acknowledge(
    desk: &Desk<'_>,
    run: u64,
    person: &PersonArguments,
) -> Result<Screen, Unanswered> {
    give(desk, &OperatorCommand::Acknowledge { by: by(desk, person)?, run }).await
}

/// Lets a guard of two go by what it sees and hears.
pub(crate) async fn adopt(desk: &Desk<'_>, person: &PersonArguments) -> Result<Screen, Unanswered> {
    give(desk, &OperatorCommand::Adopt { by: by(desk, person)? }).await
}

async fn give(desk: &Desk<'_>, command: &OperatorCommand) -> Result<Screen, Unanswered> {
    let answer = ask(desk.installation, &desk.function(Function::AlarmHandler), command).await?;
    let rows = [("now", text(&answer, "now")), ("run", text(&answer, "run"))];
    let rows = rows.into_iter().filter(|(_, words)| !words.is_empty());
    let grid =
        Grid::new(&["what", "state"], rows.map(|(name, words)| vec![name.to_owned(), words]).collect());
    Ok(Screen::of(Exit::Done, answer).with(grid))
}

/// The answer itself, or what became of the run if somebody waits for it.
async fn followed(
    desk: &Desk<'_>,
    accepted: Screen,
    WaitArguments { wait }: WaitArguments,
    is_abort: bool,
    err: &mut dyn Write,
) -> Result<Screen, Unanswered> {
    let (Some(at_most), Some(run)) = (wait, accepted.value["run"].as_u64()) else { return Ok(accepted) };
    let function = desk.function(Function::AlarmHandler);
    let wait = Wait { run, at_most, is_abort, function: &function };
    wait.follow(desk.installation, desk.clock, err).await
}

/// A failover moves a workload: its plan's name is typed, or `--yes` was. Nobody is asked where nobody sits.
fn confirm(desk: &Desk<'_>, err: &mut dyn Write) -> Result<(), Unanswered> {
    let plan = desk.plan.as_str();
    if !desk.surroundings.is_attended() {
        return Err(Unanswered::usage(format!(
            "No terminal to ask at, so nothing was sent: add --yes to fail {plan} over"
        )));
    }
    let _ = write!(err, "This moves {plan} to its recovery region. Type the plan's name to go on: ");
    let _ = err.flush();
    let typed = desk.surroundings.typed().unwrap_or_default();
    if typed.trim() == plan {
        return Ok(());
    }
    Err(Unanswered::refused("not_confirmed", format!("That is not {plan}, so nothing was sent.")))
}

fn by(desk: &Desk<'_>, person: &PersonArguments) -> Result<String, Unanswered> {
    let found =
        || PERSONS.iter().find_map(|name| desk.surroundings.variable(name).filter(|name| !name.is_empty()));
    person.by.clone().or_else(found).ok_or_else(|| {
        Unanswered::usage(
            "This machine knows no name of you, and each command is recorded with one: add --by",
        )
    })
}

fn overrides(passed: OverrideArguments) -> Overrides {
    let OverrideArguments { allow_data_loss, override_fence, override_vetoes } = passed;
    Overrides { allow_data_loss, override_fence, override_vetoes }
}
