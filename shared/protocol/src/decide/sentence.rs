//! The sentences of decisions: the commands that unblock, and how a run stands.

use std::fmt::from_fn;

use jiff::Timestamp;

use super::fence::FENCE_UNREAD;
use crate::command::Step;
use crate::evidence::{EvidenceKey, EvidenceKind, Standing, counts};
use crate::graph::items;
use crate::journal::{DataLoss, Need};
use crate::name::Name;
use crate::plan::Plan;
use crate::state::{Phase, Progress, Run, State};
use crate::step::ItemKind;
use crate::words::{duration, invocation, list, seconds};

/// How old an alarm's last word is, where its region can't be asked whether it is still so.
pub fn alarm_age(state: &State, key: &EvidenceKey, standing: &Standing, now: Timestamp) -> Option<String> {
    let since = state.silences.get(&standing.vantage).filter(|_| key.kind == EvidenceKind::Alarm)?;
    let age = duration(now.duration_since(standing.last_seen));
    Some(format!(
        "its last message is {age} old, and CloudWatch in {} has not answered since {since}",
        standing.vantage
    ))
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
    list(losses.iter().map(|loss| format!("{} {}", loss.database, loss_of_one(loss))))
}

fn loss_of_one(loss: &DataLoss) -> String {
    if let (Some(until), Some(at_most_ms)) = (loss.replayed_until, loss.at_most_ms()) {
        let at_most = seconds(at_most_ms);
        return format!("at most {at_most:.1} s of writes (witness: everything until {until} is replayed)");
    }
    match (loss.lag_ms, loss.sampled_at) {
        (Some(lag_ms), Some(at)) => {
            let lag = seconds(lag_ms);
            let after = loss.unsampled_ms.map_or_else(String::new, |ms| {
                format!(
                    ", plus what was written in the {:.0} s from then to the first sign of loss",
                    seconds(ms).ceil()
                )
            });
            format!("about {lag:.1} s of writes (CloudWatch's minute to {at}){after}")
        }
        _ => "an unknown amount (no lag sample from when its source was alive)".to_owned(),
    }
}

/// Why a run needs an operator, in words.
pub(super) fn need(plan: &Plan, need: &Need) -> String {
    match need {
        Need::DataLoss { data_loss: losses } => {
            format!("the data-loss gate is closed: {}", data_loss(losses))
        }
        Need::StepOverdue { step, subjects, note } => {
            let waits = if note.is_empty() { String::new() } else { format!("; last status: {note}") };
            let names = list(subjects.iter());
            format!("step {step} of {names} is past its deadline{waits}")
        }
        Need::StepFailed { step, subjects, error, message } => {
            let names = list(subjects.iter());
            format!("step {step} of {names} failed ({error}): {message}")
        }
        Need::ApprovalExpired {} => "no approval arrived in time".to_owned(),
        Need::PlanChanged { subjects } => {
            let names = subjects.iter().map(|name| match kind_in(plan, name) {
                None => name.to_string(),
                Some(kind) => format!("{name} as what the run moves (it is a {} now)", kind.as_str()),
            });
            format!("the plan no longer contains {}", list(names))
        }
        Need::FenceLost { subjects } => {
            let (side, names) = (plan.seat.other().as_str(), list(subjects.iter()));
            format!("something (a pipeline, Terraform, a person) keeps reopening the {side} side of {names}")
        }
    }
}

/// What the plan has by a name.
fn kind_in(plan: &Plan, name: &Name) -> Option<ItemKind> {
    ItemKind::ALL.into_iter().find(|kind| items(plan, *kind).any(|(known, _)| known == name))
}

/// How a run stands.
pub(super) fn standing(plan: &Plan, state: &State, run: &Run, now: Timestamp) -> String {
    let id = run.id;
    match &run.phase {
        Phase::Confirming { sufficient_since: Some(since) } => {
            let held = duration(now.duration_since(*since));
            format!(
                "Run {id} is confirming: the evidence has been sufficient for {held} of {} s.",
                plan.detection.confirm_seconds
            )
        }
        Phase::Confirming { sufficient_since: None } => {
            format!("Run {id} is confirming: {}.", insufficiency(plan, state, run, now))
        }
        Phase::AwaitingApproval { .. } => {
            format!("Run {id} awaits approval; approve with: {}", approve(plan, id, None))
        }
        Phase::Moving => format!("Run {id} is moving: {}.", progress(run)),
        Phase::NeedsOperator { need: why, .. } => {
            format!("Run {id} needs an operator: {}; {}", need(plan, why), unblock(plan, run, why))
        }
        Phase::Aborting { .. } => format!("Run {id} is rolling back."),
        Phase::Aborted { .. } | Phase::Completed { .. } | Phase::Superseded { .. } => {
            format!("Run {id} has ended.")
        }
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
            "repair the cause and retry with: {go_on} ; or, only if you know that the old side takes no \
             traffic, continue without the fence with: {}",
            approve(plan, id, Some("override_fence"))
        ),
        Need::StepFailed { .. } | Need::StepOverdue { .. } | Need::FenceLost { .. } => {
            format!("repair the cause and continue with: {go_on}")
        }
        Need::ApprovalExpired {} => format!("approve with: {go_on}"),
        Need::PlanChanged { subjects } => {
            let is_other = subjects.iter().any(|name| kind_in(plan, name).is_some());
            let again = if is_other { "again, each as what it was," } else { "again" };
            format!("add them to the plan {again} and continue with: {go_on}")
        }
    };
    if run.is_past_return() {
        return advice;
    }
    let abort = invocation(plan, &format!(r#""command":"abort","run":{id},"reason":"not now""#));
    format!("{advice} ; or abort the run with: {abort}")
}

/// What is missing for sufficient evidence, in words.
pub(super) fn insufficiency(plan: &Plan, state: &State, run: &Run, now: Timestamp) -> String {
    let weight = state.weight(now);
    let mut reasons = Vec::new();
    if weight.kinds.len() < 2 {
        let standing = list(state.counting(now).map(|(key, _)| key.to_string()));
        reasons.push(format!("{} of 2 required kinds of evidence found ({standing})", weight.kinds.len()));
    }
    if !weight.outside {
        reasons.push(format!("no evidence comes from outside the {} region", plan.seat.other().as_str()));
    }
    let lapsed = state.evidence.iter().filter(|(key, standing)| {
        key.kind == EvidenceKind::Alarm && !counts(key, standing, &state.silences, now)
    });
    reasons.extend(lapsed.map(|(key, standing)| {
        let age = duration(now.duration_since(standing.last_seen));
        format!("the last message of {key} is {age} old and unconfirmed")
    }));
    reasons.extend(run.vetoes.iter().map(|veto| format!("veto: {veto}")));
    if reasons.is_empty() { "the evidence was not continuous".to_owned() } else { reasons.join("; ") }
}

fn progress(run: &Run) -> String {
    // The watch over the evidence has no outcome of its own: it is over when the run moves.
    let steps = run.steps.iter().filter(|(step, ..)| *step != Step::Confirm);
    let waiting = steps.filter_map(|(step, subject, progress)| match progress {
        Progress::Held { note, .. } => Some(from_fn(move |text| match note.as_str() {
            "" => write!(text, "{step} {subject}"),
            note => write!(text, "{step} {subject} ({note})"),
        })),
        _ => None,
    });
    format!("{} steps done; in progress: {}", run.steps.done(), list(waiting))
}
