//! Whether a run begins by itself. Evidence can only open a run that confirms it.

use jiff::{SignedDuration, Timestamp};

use super::sentence::{invocation, list};
use super::{Draft, Facts};
use crate::evidence::{EvidenceKey, Standing};
use crate::graph;
use crate::journal::{AbortCause, Cause, Event, RunKind, Scope};
use crate::operator::Overrides;
use crate::plan::Plan;
use crate::state::{Phase, State};

/// What is to be done about the evidence.
pub(super) enum Opening {
    /// Open a run.
    Open(Draft),
    /// Nothing, and why.
    Rest(String),
}

/// Opens a run, or says why not.
pub(super) fn open(plan: &Plan, state: &State, facts: &Facts, now: Timestamp) -> Opening {
    let counting: Vec<(&EvidenceKey, &Standing)> = state.counting(now).collect();
    let Some(first_since) = counting.iter().map(|(_, standing)| standing.since).min() else {
        return Opening::Rest(quiet(plan, state, now));
    };
    let named = list(counting.iter().map(|(key, _)| key.to_string()));
    let scope = match may_open(plan, state, now) {
        Ok(scope) => scope,
        Err(why) => return Opening::Rest(format!("Nothing starts although {named} stands: {why}.")),
    };
    let ended_seq = state.run.as_ref().map_or(0, |run| run.last_seq);
    let news = counting.iter().any(|(_, standing)| standing.raised_seq > ended_seq);
    if !news && !is_unopposed(plan, state, facts, now) {
        let why = "it was weighed and dismissed in the last run, and nothing is new";
        return Opening::Rest(format!("Nothing starts although {named} stands: {why}."));
    }
    // What the last run weighed and dismissed is not when this loss began.
    let first_since = counting
        .iter()
        .filter(|(_, standing)| standing.raised_seq > ended_seq)
        .map(|(_, standing)| standing.since)
        .min()
        .unwrap_or(first_since);
    let event = Event::RunOpened {
        kind: RunKind::Failover,
        scope,
        cause: Cause::Evidence,
        first_signal_at: first_since,
        overrides: Overrides::default(),
    };
    let window = plan.detection.confirm_seconds;
    let sentence = format!("Confirming for {window} s whether {} is lost: {named}.", plan.regions.primary);
    Opening::Open(Draft::new(Some(state.next_seq()), event, sentence))
}

/// The evidence is sufficient by itself, and a look in hand shows no veto.
fn is_unopposed(plan: &Plan, state: &State, facts: &Facts, now: Timestamp) -> bool {
    state.weight(now).is_sufficient()
        && facts.observation.as_ref().is_some_and(|observation| observation.vetoes(plan, state).is_empty())
}

/// What a run would move, if one may begin by itself; else why not, with the command that unblocks it.
pub(super) fn may_open(plan: &Plan, state: &State, now: Timestamp) -> Result<Scope, String> {
    let scope = graph::scope(plan, &state.moved, &[])
        .map_err(|_| format!("everything of the plan is in {} already", plan.regions.recovery))?;
    if let Some(hold) = state.hold_at(now) {
        let release = invocation(plan, r#""command":"release""#);
        return Err(format!(
            "a hold by {} is in force until {} ({}); end it with: {release}",
            hold.by, hold.until, hold.reason
        ));
    }
    if let Some((run, until)) = cooldown(plan, state, now) {
        let acknowledge = invocation(plan, &format!(r#""command":"acknowledge","run":{run}"#));
        return Err(format!(
            "run {run} ended lately, the cooldown lasts until {until}; end it with: {acknowledge}"
        ));
    }
    Ok(scope)
}

/// The run that began the cooldown in force, and its end. A run that the evidence itself dismissed begins none.
fn cooldown(plan: &Plan, state: &State, now: Timestamp) -> Option<(u64, Timestamp)> {
    let run = state.run.as_ref()?;
    let ended_at = run.ended_at()?;
    if matches!(&run.phase, Phase::Aborted { cause: AbortCause::Evidence, .. }) {
        return None;
    }
    let until = ended_at.checked_add(SignedDuration::from_secs(i64::from(plan.detection.cooldown_seconds)));
    let until = until.unwrap_or(Timestamp::MAX);
    (now < until && state.acknowledged != Some(run.id)).then_some((run.id, until))
}

/// The sentence when nothing speaks for a loss.
fn quiet(plan: &Plan, state: &State, now: Timestamp) -> String {
    let hold = match state.hold_at(now) {
        Some(hold) => format!("; a hold by {} is in force until {}", hold.by, hold.until),
        None => String::new(),
    };
    let moved = if state.moved.is_empty() { &plan.regions.primary } else { &plan.regions.recovery };
    format!("Nothing to do: {moved} serves and no evidence stands{hold}.")
}
