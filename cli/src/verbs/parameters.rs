//! Are the parameters of both regions the same? Asked of the ssm-replicator.

use protocol::incoming::command::{Function, ParameterCommand};

use crate::ask::ask;
use crate::desk::Desk;
use crate::exit::{Exit, Unanswered};
use crate::screen::{Grid, Screen, cell, list, text};

/// What differs; nothing is changed.
pub(crate) async fn drift(desk: &Desk<'_>, deep: bool) -> Result<Screen, Unanswered> {
    let function = desk.function(Function::SsmReplicator);
    let answer = ask(desk.installation, &function, &ParameterCommand::Drift { deep }).await?;
    let rows = list(&answer, "differs").iter().map(|one| {
        let what: Vec<String> = list(one, "differs").iter().map(cell).collect();
        vec![text(one, "name"), what.join(", "), text(one, "sentence")]
    });
    let grid = Grid::new(&["parameter", "differs in", "what was seen"], rows.collect());
    let is_same =
        answer["differing"].as_u64().unwrap_or(0) == 0 && answer["not_compared"].as_u64().unwrap_or(0) == 0;
    let exit = if is_same { Exit::Done } else { Exit::NotReady };
    let standstill = text(&answer, "standstill");
    let mut screen = Screen::of(exit, answer).with(grid);
    if !standstill.is_empty() {
        screen.lines.push(format!("Nothing is written now: {standstill}"));
    }
    Ok(screen)
}

/// Copies what differs.
pub(crate) async fn pass(desk: &Desk<'_>, deep: bool) -> Result<Screen, Unanswered> {
    let function = desk.function(Function::SsmReplicator);
    let answer = ask(desk.installation, &function, &ParameterCommand::Pass { deep }).await?;
    let counted = ["made", "written", "retouched", "deleted", "same", "overridden", "left"];
    let rows = counted.iter().filter(|name| !answer[**name].is_null());
    let rows: Vec<_> = rows.map(|name| vec![(*name).to_owned(), text(&answer, name)]).collect();
    Ok(Screen::of(Exit::Done, answer).with(Grid::new(&["parameters", "count"], rows)))
}
