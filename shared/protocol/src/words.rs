//! The words that every sentence is made of: durations, lists, and the line to type.

use std::fmt::Display;

use jiff::{SignedDuration, Timestamp};

use crate::plan::Plan;

/// A duration as people say it: `0.4 s`, `75 s`, `12 min`, `3 h`.
pub fn duration(duration: SignedDuration) -> String {
    let ms = duration.as_millis();
    match ms {
        ..10_000 => format!("{:.1} s", duration.as_secs_f64()),
        10_000..120_000 => format!("{} s", ms / 1000),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        7_200_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} days", ms / 86_400_000),
    }
}

/// A text as a sentence: with a capital letter and a full stop.
pub fn sentence_of(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

/// `a`, `a and b`, `a, b and c`; long lists are cut.
pub fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    const SHOWN_MAX: usize = 6;
    let mut items: Vec<T> = items.into_iter().collect();
    let more = (items.len() > SHOWN_MAX).then(|| items.len() - (SHOWN_MAX - 1));
    items.truncate(more.map_or(SHOWN_MAX, |_| SHOWN_MAX - 1));
    // What is not shown is not put into words either.
    let mut items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.extend(more.map(|more| format!("{more} more")));
    match items.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// The line to type for an operator's command. `fields` are JSON members; who gives it is added.
///
/// A backslash or a quote in the name of a user becomes a slash: no JSON would take it, and some shells' `echo` neither.
pub fn invocation(plan: &Plan, fields: &str) -> String {
    let by = r#""by":"'"$(whoami | tr '\134\042' '//')"'""#;
    line(plan, &plan.operator_function, &format!("{fields},{by}"))
}

/// The line to type for a command of a function that needs no fields, by the function's name without its plan.
pub fn command_line(plan: &Plan, function: &str, command: &str) -> String {
    line(plan, &function_name(plan, function), &format!("\"command\":\"{command}\""))
}

/// The line that invokes a function with an object of these JSON members.
///
/// The payload goes through standard input, so that the same line works with both versions of the AWS CLI. `cat` keeps the
/// answer whole where it is led into a file: the CLI opens its own standard output a second time.
fn line(plan: &Plan, function: &str, fields: &str) -> String {
    format!(
        "echo '{{{fields}}}' | aws lambda invoke --region {} --function-name {function} \
         --payload fileb:///dev/stdin /dev/stdout | cat",
        plan.own().region
    )
}

/// What a function of the plan is called.
pub fn function_name(plan: &Plan, function: &str) -> String {
    format!("{}-{function}", plan.name)
}

/// Milliseconds, as the journal counts them, as a duration.
pub fn of_ms(ms: u64) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// From one moment to a later one, as the journal counts it; none where it is not later.
pub(crate) fn between_ms(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}

/// Milliseconds as seconds, for sentences.
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal place")]
pub(crate) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}
