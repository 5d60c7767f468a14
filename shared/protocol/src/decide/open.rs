//! Whether a run begins by itself. Evidence can only open a run that confirms it.

use jiff::{SignedDuration, Timestamp};

use super::{Draft, Facts};
use crate::attention::{Dismissals, Matter};
use crate::evidence::{EvidenceKey, Standing};
use crate::graph::ScopeProblem;
use crate::group;
use crate::journal::{AbortCause, Cause, Event, RunKind, Scope};
use crate::name::Name;
use crate::operator::Overrides;
use crate::plan::Plan;
use crate::state::holdings::Ownership;
use crate::state::{Hold, Phase, State};
use crate::words::{invocation, list};

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
        Err(obstacle) => {
            let why = obstacle.words(plan);
            return Opening::Rest(format!("No run starts despite evidence of a loss ({named}): {why}."));
        }
    };
    let ended_seq = state.run.as_ref().map_or(0, |run| run.last_seq);
    let news = counting.iter().any(|(_, standing)| standing.raised_seq > ended_seq);
    let is_unopposed = is_unopposed(plan, state, facts, now);
    if !news && !is_unopposed {
        let why = "the last run weighed and dismissed it, and there is no new evidence";
        return Opening::Rest(format!("No run starts despite evidence of a loss ({named}): {why}."));
    }
    let may_be_unopposed = is_unopposed || is_sufficient_unseen(state, facts, now);
    if let Some(until) = state.dismissals.rest_until(now).filter(|_| !may_be_unopposed) {
        let flaps = flaps(&state.dismissals);
        return Opening::Rest(format!(
            "No run starts despite evidence of a loss ({named}): the evidence is not sufficient, and {flaps}. \
             Sufficient evidence opens a run at once, other evidence from {until} on."
        ));
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
        is_dated: false,
        overrides: Overrides::default(),
    };
    let window = plan.detection.confirm_seconds;
    let flaps = match state.dismissals {
        Dismissals { folded: 0, untold: 0, .. } => String::new(),
        dismissals => format!("; {}", flaps(&dismissals)),
    };
    let sentence = format!(
        "Confirming for {window} s whether {} is lost. Evidence: {named}{flaps}.",
        plan.other().region
    );
    Opening::Open(Draft::new(Some(state.next_seq()), event, sentence))
}

/// The evidence is sufficient by itself, and a look in hand shows no veto.
fn is_unopposed(plan: &Plan, state: &State, facts: &Facts, now: Timestamp) -> bool {
    state.weight(now).is_sufficient()
        && facts.observation.as_ref().is_some_and(|observation| observation.vetoes(plan, state).is_empty())
}

/// Sufficient by the journal, with no look in hand to show a veto, and none known to stand.
fn is_sufficient_unseen(state: &State, facts: &Facts, now: Timestamp) -> bool {
    facts.observation.is_none()
        && state.weight(now).is_sufficient()
        && !state.calls.contains_key(&Matter::Vetoed)
}

/// What came to nothing, counted.
pub(super) fn flaps(dismissals: &Dismissals) -> String {
    let since = dismissals.since.map(|since| format!(" since {since}")).unwrap_or_default();
    let Dismissals { told, folded, untold, .. } = dismissals;
    let runs = if *told == 1 { "run" } else { "runs" };
    let mut parts = vec![format!("{told} {runs} ended without a failover{since}")];
    if *untold > 0 {
        parts.push(format!("{untold} more after the last notice"));
    }
    if *folded > 0 {
        parts.push(format!("evidence appeared {folded} times without a run"));
    }
    list(parts)
}

/// Why no run begins by itself.
pub(super) enum Obstacle {
    /// There is nothing left to move.
    Moved,
    /// The guard does not stand by for a group, nor for any other.
    NotStandby {
        /// The group.
        group: Name,
        /// What the guard's own side is for it.
        ownership: Ownership,
    },
    /// A hold is in force.
    Hold(Hold),
    /// An aborted run is still being rolled back.
    RollingBack {
        /// That run.
        run: u64,
        /// What it moves.
        scope: Scope,
    },
    /// A run ended lately.
    Cooldown {
        /// That run.
        run: u64,
        /// Until when.
        until: Timestamp,
    },
}

impl Obstacle {
    /// Why, in words.
    pub(super) fn why(&self) -> String {
        match self {
            Self::Moved => "everything in the plan has already moved".to_owned(),
            Self::NotStandby { group, ownership } => {
                format!("group {group} is {ownership} here, and this guard moves only what stands by")
            }
            Self::Hold(hold) => {
                format!("a hold by {} is in force until {} ({})", hold.by, hold.until, hold.reason)
            }
            Self::RollingBack { run, .. } => {
                format!("run {run} is aborted, and its rollback is not complete")
            }
            Self::Cooldown { run, until } => {
                format!("run {run} ended recently, and its cooldown lasts until {until}")
            }
        }
    }

    /// The command that unblocks it, if one does.
    pub(super) fn unblock(&self, plan: &Plan) -> Option<String> {
        match self {
            Self::Moved | Self::NotStandby { .. } | Self::RollingBack { .. } => None,
            Self::Hold(_) => Some(invocation(plan, r#""command":"release""#)),
            Self::Cooldown { run, .. } => {
                Some(invocation(plan, &format!(r#""command":"acknowledge","run":{run}"#)))
            }
        }
    }

    fn words(&self, plan: &Plan) -> String {
        match (self, self.unblock(plan)) {
            (Self::NotStandby { .. } | Self::RollingBack { .. }, _) => self.why(),
            (Self::Moved, _) | (_, None) => {
                format!("everything in the plan is already in {}", plan.own().region)
            }
            (_, Some(line)) => format!("{}; end it with: {line}", self.why()),
        }
    }
}

/// What a run would move, if one may begin by itself; else why not.
pub(super) fn may_open(plan: &Plan, state: &State, now: Timestamp) -> Result<Scope, Obstacle> {
    let scope = group::scope(plan, state, &[]).map_err(|problem| match problem {
        ScopeProblem::NotStandby { group, ownership } => Obstacle::NotStandby { group, ownership },
        _ => Obstacle::Moved,
    })?;
    if let Some(hold) = state.hold_at(now) {
        return Err(Obstacle::Hold(hold.clone()));
    }
    if let Some(run) = state.active_run() {
        return Err(Obstacle::RollingBack { run: run.id, scope: run.scope.clone() });
    }
    if let Some((run, until)) = cooldown(plan, state, now) {
        return Err(Obstacle::Cooldown { run, until });
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
    let serving = state.serving_region(plan);
    format!("Nothing to do: {serving} serves, and there is no evidence of a loss{hold}.")
}
