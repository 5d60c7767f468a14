//! What was recorded of the last run?

use serde_json::Value;

use crate::desk::Desk;
use crate::exit::{Exit, Unanswered};
use crate::screen::{Grid, Screen, cell, list, text};
use crate::verbs::status;

/// The timeline of the last run, as far as the alarm-handler shows it.
pub(crate) async fn history(desk: &Desk<'_>) -> Result<Screen, Unanswered> {
    let status = status::asked(desk).await?;
    let mut screen = Screen::of(Exit::Done, history_of(&status));
    screen.sentence = text(&screen.value, "sentence");
    Ok(screen.with(timeline(&status)))
}

fn history_of(status: &Value) -> Value {
    let run = &status["run"];
    let sentence = if run.is_null() {
        format!("{} has had no run.", text(status, "plan"))
    } else {
        let unread = text(status, "timeline_unread");
        let unread =
            if unread.is_empty() { unread } else { format!(" Its records can't be read now: {unread}.") };
        format!("Run {} of {} is {}.{unread}", text(run, "id"), text(status, "plan"), text(run, "phase"))
    };
    serde_json::json!({
        "sentence": sentence,
        "plan": status["plan"],
        "run": run["id"],
        "phase": run["phase"],
        "timeline": status["timeline"],
        "timeline_unread": status["timeline_unread"],
    })
}

/// The records of a run, in columns.
pub(crate) fn timeline(status: &Value) -> Grid {
    let rows = list(status, "timeline").iter().map(|line| columns(&cell(line)));
    Grid::new(&["since the first sign", "written by", "what was decided and why"], rows.collect())
}

/// A line of the alarm-handler: seconds, writer, sentence, two spaces between them.
fn columns(line: &str) -> Vec<String> {
    let parts = line.split_once(" s  ").and_then(|(time, rest)| Some((time, rest.split_once("  ")?)));
    match parts {
        Some((time, (writer, sentence))) => {
            let seconds = time.trim_start_matches('+').trim();
            // Without the instance that wrote it: its function is who did it.
            let writer = writer.split('@').next().unwrap_or(writer);
            vec![format!("{seconds} s"), writer.to_owned(), sentence.to_owned()]
        }
        None => vec![String::new(), String::new(), line.to_owned()],
    }
}
