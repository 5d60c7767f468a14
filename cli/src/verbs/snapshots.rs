//! Which snapshots are there, and which are due? Asked of the snapshot-scheduler.

use jiff::SignedDuration;
use protocol::incoming::command::{Function, SnapshotCommand};
use protocol::words::duration;
use serde_json::Value;

use crate::ask::ask;
use crate::desk::Desk;
use crate::exit::{Exit, Unanswered};
use crate::screen::{Grid, Screen, cell, list, text};

async fn asked(desk: &Desk<'_>, command: SnapshotCommand) -> Result<Value, Unanswered> {
    ask(desk.installation, &desk.function(Function::SnapshotScheduler), &command).await
}

/// The newest good snapshots, by a dry run, which is the only way to have them listed.
pub(crate) async fn newest(desk: &Desk<'_>) -> Result<Screen, Unanswered> {
    let answer = asked(desk, SnapshotCommand::DryRun {}).await?;
    let rows = list(&answer, "age_seconds").iter().map(|age| {
        let seconds = age["seconds"].as_i64().unwrap_or_default();
        vec![text(age, "database"), text(age, "region"), duration(SignedDuration::from_secs(seconds))]
    });
    let grid = Grid::new(&["database", "region", "age of the newest good snapshot"], rows.collect());
    let value = serde_json::json!({
        "sentence": format!("The newest good snapshots of {}:", desk.plan),
        "plan": desk.plan,
        "age_seconds": answer["age_seconds"],
    });
    Ok(Screen::of(Exit::Done, value).with(grid))
}

/// What is due; nothing is changed.
pub(crate) async fn dry_run(desk: &Desk<'_>) -> Result<Screen, Unanswered> {
    let answer = asked(desk, SnapshotCommand::DryRun {}).await?;
    let exit = if list(&answer, "blocked").is_empty() { Exit::Done } else { Exit::NeedsOperator };
    let grid = lines(&answer, &[("would", "would"), ("waits", "waits"), ("blocked", "blocked")]);
    Ok(Screen::of(exit, answer).with(grid))
}

/// Does what is due.
pub(crate) async fn keep(desk: &Desk<'_>) -> Result<Screen, Unanswered> {
    let answer = asked(desk, SnapshotCommand::Keep {}).await?;
    let grid = lines(&answer, &[("done", "done"), ("put off", "put_off"), ("waits", "waits")]);
    Ok(Screen::of(Exit::Done, answer).with(grid))
}

fn lines(answer: &Value, fields: &[(&str, &str)]) -> Grid {
    let rows = fields.iter().flat_map(|(name, field)| {
        list(answer, field).iter().map(move |line| vec![(*name).to_owned(), cell(line)])
    });
    Grid::new(&["what", "which"], rows.collect())
}
