//! What was measured of a run?

use protocol::journal::RunReport;
use report::measured::{self, Beside};
use serde::Deserialize;
use serde_json::json;

use crate::desk::Desk;
use crate::exit::{Exit, Unanswered};
use crate::screen::{Screen, text};
use crate::verbs::{history, status};

/// The report of the last run. The functions know of no other, and of none that has not completed.
pub(crate) async fn report(desk: &Desk<'_>, wanted: Option<u64>) -> Result<Screen, Unanswered> {
    let status = status::asked(desk).await?;
    let run = &status["run"];
    let Some(id) = run["id"].as_u64() else {
        return Err(Unanswered::refused("no_run", format!("{} has had no run.", desk.plan)));
    };
    if let Some(wanted) = wanted.filter(|wanted| *wanted != id) {
        return Err(Unanswered::refused(
            "other_run",
            format!("The functions report the last run alone, which is {id}, not {wanted}."),
        ));
    }
    let Ok(measured) = RunReport::deserialize(&run["report"]) else {
        return Err(Unanswered::refused(
            "not_completed",
            format!("Run {id} is {}: only a run that has completed is measured.", text(run, "phase")),
        ));
    };
    let sentence = format!("Run {id} of {}, opened at {}, has completed.", desk.plan, text(run, "opened_at"));
    let value = json!({
        "sentence": sentence,
        "plan": desk.plan,
        "run": id,
        "kind": run["kind"],
        "opened_at": run["opened_at"],
        "report": measured,
        "timeline": status["timeline"],
    });
    let mut screen = Screen::of(Exit::Done, value).with(history::timeline(&status));
    screen.lines = measured::text(&measured, Beside::default()).lines().map(str::to_owned).collect();
    Ok(screen)
}
