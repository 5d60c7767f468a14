//! The words of decisions: durations, lists, the commands that unblock, and how a run stands.

use jiff::{SignedDuration, Timestamp};

use super::facts::seconds;
use super::fence::FENCE_UNREAD;
use crate::command::Step;
use crate::journal::{DataLoss, Need};
use crate::plan::Plan;
use crate::state::{Phase, Progress, Run, State};

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

/// `a`, `a and b`, `a, b and c`; long lists are cut.
pub fn list(items: impl IntoIterator<Item = String>) -> String {
    const SHOWN_MAX: usize = 6;
    let mut items: Vec<String> = items.into_iter().collect();
    if items.len() > SHOWN_MAX {
        let more = items.len() - (SHOWN_MAX - 1);
        items.truncate(SHOWN_MAX - 1);
        items.push(format!("{more} more"));
    }
    match items.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// The line to type for an operator's command. `fields` are JSON members; who gives it is added.
///
/// The payload goes through standard input, so that the same line works with both versions of the AWS CLI.
pub fn invocation(plan: &Plan, fields: &str) -> String {
    format!(
        "echo '{{{fields},\"by\":\"'\"$(whoami)\"'\"}}' | aws lambda invoke --region {} --function-name {} \
         --payload fileb:///dev/stdin /dev/stdout",
        plan.regions.recovery, plan.operator_function
    )
}

/// The command that approves or resumes a run.
pub(super) fn approve(plan: &Plan, run: u64, override_: Option<&str>) -> String {
    let extra = override_.map(|name| format!(r#","{name}":true"#)).unwrap_or_default();
    invocation(plan, &format!(r#""command":"approve","run":{run}{extra}"#))
}

/// The estimate of what is lost, in words.
pub(super) fn data_loss(losses: &[DataLoss]) -> String {
    if losses.is_empty() {
        return "no database moves".to_owned();
    }
    list(losses.iter().map(|loss| match (loss.lag_ms, loss.sampled_at) {
        (Some(lag_ms), Some(at)) => {
            format!("{} up to {:.1} s of writes (lag sampled {at})", loss.database, seconds(lag_ms))
        }
        _ => format!("{} an unknown amount (no lag sample from while its source lived)", loss.database),
    }))
}

/// Why a run needs an operator, in words.
pub(super) fn need(need: &Need) -> String {
    match need {
        Need::DataLoss { data_loss: losses } => {
            format!("the data-loss gate is closed: {}", data_loss(losses))
        }
        Need::StepOverdue { step, subjects, note } => {
            let waits = if note.is_empty() { String::new() } else { format!("; it waits: {note}") };
            let names = list(subjects.iter().map(ToString::to_string));
            format!("step {step} of {names} is past its deadline{waits}")
        }
        Need::StepFailed { step, subjects, error, message } => {
            let names = list(subjects.iter().map(ToString::to_string));
            format!("step {step} of {names} failed ({error}): {message}")
        }
        Need::ApprovalExpired {} => "nobody approved in time".to_owned(),
        Need::PlanChanged { subjects } => {
            let names = list(subjects.iter().map(ToString::to_string));
            format!("the plan no longer has {names}")
        }
        Need::FenceLost { subjects } => {
            let names = list(subjects.iter().map(ToString::to_string));
            format!(
                "somebody (a pipeline, Terraform, a person) opens the primary side of {names} again and again"
            )
        }
    }
}

/// How a run stands.
pub(super) fn standing(plan: &Plan, state: &State, run: &Run, now: Timestamp) -> String {
    let id = run.id;
    match &run.phase {
        Phase::Confirming { sufficient_since: Some(since) } => {
            let held = duration(now.duration_since(*since));
            format!(
                "Run {id} confirms: the evidence is sufficient for {held} of {} s.",
                plan.detection.confirm_seconds
            )
        }
        Phase::Confirming { sufficient_since: None } => {
            format!("Run {id} confirms: {}.", insufficiency(state, run, now))
        }
        Phase::AwaitingApproval { .. } => {
            format!("Run {id} awaits approval; approve with: {}", approve(plan, id, None))
        }
        Phase::Moving => format!("Run {id} moves: {}.", progress(run)),
        Phase::NeedsOperator { need: why, .. } => {
            format!("Run {id} needs an operator: {}; {}", need(why), unblock(plan, run, why))
        }
        Phase::Aborting { .. } => format!("Run {id} is being undone."),
        Phase::Aborted { .. } | Phase::Completed { .. } => format!("Run {id} is over."),
    }
}

/// What unblocks a run, with the commands.
pub(super) fn unblock(plan: &Plan, run: &Run, why: &Need) -> String {
    let id = run.id;
    let go_on = approve(plan, id, None);
    let is_fence = match why {
        Need::StepFailed { step: Step::Fence, .. }
        | Need::StepOverdue { step: Step::Fence, .. }
        | Need::FenceLost { .. } => true,
        Need::StepFailed { step: Step::Promote, error, .. } => error == FENCE_UNREAD,
        _ => false,
    };
    let advice = match why {
        Need::DataLoss { .. } => {
            format!("accept the loss with: {}", approve(plan, id, Some("allow_data_loss")))
        }
        _ if is_fence => format!(
            "mend the cause and try again with: {go_on} ; or, if the old side is known to take no traffic, go on \
             without the fence with: {}",
            approve(plan, id, Some("override_fence"))
        ),
        Need::StepFailed { .. } | Need::StepOverdue { .. } | Need::FenceLost { .. } => {
            format!("mend the cause and go on with: {go_on}")
        }
        Need::ApprovalExpired {} => format!("approve with: {go_on}"),
        Need::PlanChanged { .. } => format!("put them back into the plan and go on with: {go_on}"),
    };
    if run.is_past_return() {
        return advice;
    }
    let abort = invocation(plan, &format!(r#""command":"abort","run":{id},"reason":"not now""#));
    format!("{advice} ; or end the run with: {abort}")
}

/// What is missing for sufficient evidence, in words.
pub(super) fn insufficiency(state: &State, run: &Run, now: Timestamp) -> String {
    let weight = state.weight(now);
    let mut reasons = Vec::new();
    if weight.kinds.len() < 2 {
        let standing = list(
            state
                .evidence
                .iter()
                .filter(|(k, s)| crate::evidence::counts(k, s, now))
                .map(|(k, _)| k.to_string()),
        );
        reasons.push(format!("{} of 2 kinds of evidence stand ({standing})", weight.kinds.len()));
    }
    if !weight.outside {
        reasons.push("nothing was seen from outside the primary region".to_owned());
    }
    reasons.extend(run.vetoes.iter().map(|veto| format!("veto: {veto}")));
    if reasons.is_empty() { "the evidence did not hold without a gap".to_owned() } else { reasons.join("; ") }
}

fn progress(run: &Run) -> String {
    let done = run.steps.values().filter(|progress| progress.is_done()).count();
    // The watch over the evidence has no outcome of its own: it is over when the run moves.
    let steps = run.steps.iter().filter(|((step, _), _)| *step != Step::Confirm);
    let waiting: Vec<String> = steps
        .filter_map(|((step, subject), progress)| match progress {
            Progress::Held { note, .. } if note.is_empty() => Some(format!("{step} {subject}")),
            Progress::Held { note, .. } => Some(format!("{step} {subject} ({note})")),
            _ => None,
        })
        .collect();
    format!("{done} steps done, under way: {}", list(waiting))
}
