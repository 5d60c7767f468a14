//! How do things stand?

use protocol::attention::Attention;
use protocol::incoming::command::Function;
use protocol::operator::OperatorCommand;
use serde_json::Value;

use crate::ask::ask;
use crate::desk::Desk;
use crate::exit::{Exit, Unanswered};
use crate::screen::{Grid, Screen, cell, list, text};

/// The answer of the alarm-handler to `status`.
pub(crate) async fn asked(desk: &Desk<'_>) -> Result<Value, Unanswered> {
    ask(desk.installation, &desk.function(Function::AlarmHandler), &OperatorCommand::Status {}).await
}

/// How things stand; whether somebody has to come is how the program ends.
pub(crate) async fn status(desk: &Desk<'_>) -> Result<Screen, Unanswered> {
    let status = asked(desk).await?;
    let calm = u64::from(Attention::None.figure());
    let figure = status["attention"]["figure"].as_u64().unwrap_or(calm);
    let exit = if figure == calm { Exit::Done } else { Exit::NeedsOperator };
    let lines = |title: &'static str, field: &Value| {
        let rows = field.as_array().map_or(&[][..], Vec::as_slice).iter().map(|line| vec![cell(line)]);
        Grid::new(&[title], rows.collect())
    };
    let grids = [
        Grid::new(&["what", "state"], facts(&status)),
        Grid::new(&["guard in", "group", "is", "by term", "since"], guards(&status["guards"])),
        lines("evidence", &status["evidence"]),
        lines("steps of the run", &status["run"]["steps"]),
        lines("old primaries", &status["quarantine"]),
        lines("opened again", &status["opened_again"]),
        lines("last readiness pass", &status["readiness"]["checks"]),
    ];
    let screen = Screen::of(exit, status);
    Ok(grids.into_iter().fold(screen, Screen::with))
}

/// What each of two guards holds: the one that was asked, and the other one as it last said.
fn guards(guards: &Value) -> Vec<Vec<String>> {
    let (own, other) = (&guards["own"], &guards["other"]);
    let held = |region: String, groups: &Value| -> Vec<Vec<String>> {
        let groups = groups.as_object().into_iter().flatten();
        let row = |(group, held): (&String, &Value)| {
            vec![region.clone(), group.clone(), text(held, "state"), text(held, "term"), text(held, "since")]
        };
        groups.map(row).collect()
    };
    let mut rows = held(text(own, "region"), &own["groups"]);
    rows.extend(held(text(other, "region"), &other["word"]["groups"]));
    rows
}

fn facts(status: &Value) -> Vec<Vec<String>> {
    let hold = &status["hold"];
    let hold = (!hold.is_null())
        .then(|| format!("by {} until {}: {}", text(hold, "by"), text(hold, "until"), text(hold, "reason")));
    let run = &status["run"];
    let times = &run["times"];
    let taken: Vec<String> = ["detect", "decide", "move", "total"]
        .iter()
        .filter(|name| !times[**name].is_null())
        .map(|name| format!("{name} {}", text(times, name)))
        .collect();
    let run = (!run.is_null()).then(|| {
        format!(
            "{} {}, {}, opened at {}",
            text(run, "id"),
            text(run, "kind"),
            text(run, "phase"),
            text(run, "opened_at")
        )
    });
    let poison = &status["journal"]["poison_record"];
    let poison = (!poison.is_null())
        .then(|| format!("record {} can't be read: {}", poison["seq"], text(poison, "why")));
    let calls = list(&status["attention"], "calls").iter().map(|call| {
        format!(
            "{} since {}, notified {} times",
            text(call, "matter"),
            text(call, "since"),
            text(call, "calls")
        )
    });
    let lag = status["last_lag"].as_object().filter(|lag| !lag.is_empty());
    let lag = lag.into_iter().flatten().map(|(database, point)| {
        let ms =
            if point["lag_ms"].is_null() { "unknown".to_owned() } else { format!("{} ms", point["lag_ms"]) };
        (format!("lag of {database}"), ms)
    });
    let named = |name: &str, words: String| (name.to_owned(), words);
    let mut rows = vec![
        named("plan", text(status, "plan")),
        named("mode", text(status, "mode")),
        named("primary region", text(&status["regions"], "primary")),
        named("recovery region", text(&status["regions"], "recovery")),
        named("serving from", text(status, "serving_from")),
        named("attention", text(&status["attention"], "meaning")),
    ];
    rows.extend(calls.map(|call| named("waits for a person", call)));
    rows.extend([
        named("hold", hold.unwrap_or_default()),
        named("other guard not heard", text(&status["guards"]["other"], "unheard")),
        named("last run", run.unwrap_or_default()),
        named("times", taken.join(", ")),
        named("last tick", text(status, "last_tick")),
        named("primary last answered", text(status, "primary_last_answered")),
    ]);
    rows.extend(lag);
    rows.extend([
        named("readiness", text(&status["readiness"], "sentence")),
        named("readiness looked", text(&status["readiness"], "looked")),
        named("records", text(status, "records")),
        named("journal", poison.unwrap_or_default()),
    ]);
    rows.into_iter().filter(|(_, words)| !words.is_empty()).map(|(name, words)| vec![name, words]).collect()
}
