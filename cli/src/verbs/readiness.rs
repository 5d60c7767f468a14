//! Would a failover work?

use protocol::incoming::command::Function;
use protocol::operator::OperatorCommand;
use protocol::readiness::{Check, Finding};
use serde::Deserialize;

use crate::ask::ask;
use crate::desk::Desk;
use crate::exit::{Exit, Unanswered};
use crate::screen::{Grid, Screen};

/// A readiness pass, made now. What is unknown is not ready.
pub(crate) async fn ready(desk: &Desk<'_>) -> Result<Screen, Unanswered> {
    let function = desk.function(Function::AlarmHandler);
    let answer = ask(desk.installation, &function, &OperatorCommand::Readiness {}).await?;
    let verdict = Finding::deserialize(&answer["readiness"]).unwrap_or(Finding::Unknown);
    let checks = Vec::<Check>::deserialize(&answer["checks"]).unwrap_or_default();
    let rows = checks.iter().map(|check| {
        let remedy = check.remedy().unwrap_or_default().to_owned();
        vec![
            check.finding().to_string(),
            check.name().to_owned(),
            check.subject().to_owned(),
            check.sentence().to_owned(),
            remedy,
        ]
    });
    let grid = Grid::new(&["finding", "check", "of", "what was seen", "remedy"], rows.collect());
    let exit = if verdict.is_ready() { Exit::Done } else { Exit::NotReady };
    Ok(Screen::of(exit, answer).with(grid))
}
