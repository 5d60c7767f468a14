//! Concluding what the evidence amounts to: believe it, dismiss it, or wait.

use jiff::{SignedDuration, Timestamp};

use super::attention::View;
use super::gate::LossTimes;
use super::open::flaps;
use super::sentence::{alarm_age, approve, data_loss, insufficiency};
use super::{Draft, Facts, attention, due, gate};
use crate::attention::Dismissals;
use crate::journal::{AbortCause, Cause, Event, Need};
use crate::observation::Observation;
use crate::operator::Overrides;
use crate::plan::{Mode, Plan};
use crate::state::{Phase, Run, State};
use crate::words::list;

/// The confirm window may begin anew when the evidence wavers, but not for ever.
const WINDOWS_MAX: u32 = 5;

/// Concludes a confirming run, if it is time and a look is in hand.
pub(super) fn conclude(
    plan: &Plan,
    state: &State,
    run: &Run,
    facts: &Facts,
    now: Timestamp,
) -> Option<Draft> {
    // Nothing is concluded from memory: only with the world in view.
    let observation = facts.observation.as_ref()?;
    if let Cause::Operator { name, .. } = &run.cause {
        return Some(commit(plan, run, observation, Some(name), run.overrides, None, now));
    }
    let window = SignedDuration::from_secs(i64::from(plan.detection.confirm_seconds));
    let Phase::Confirming { sufficient_since } = run.phase else {
        return None;
    };
    let still = state.weight(now).is_sufficient();
    let may_go_on = now.duration_since(run.opened_at) < window * i32::try_from(WINDOWS_MAX).unwrap_or(1);
    let unheard = unheard(plan, observation);
    match sufficient_since.filter(|_| still) {
        // A question that failed is soon asked again; then the evidence is believed with everything in view.
        Some(since) if now.duration_since(since) >= window && (unheard.is_empty() || !may_go_on) => {
            Some(believe(plan, state, run, observation, unheard, now))
        }
        Some(_) if may_go_on => None,
        None if now.duration_since(run.opened_at) < window => None,
        _ => Some(
            attention::opposed(plan, state, run, observation, now)
                .unwrap_or_else(|| dismiss(plan, state, run, now)),
        ),
    }
}

/// The witnesses without which no failover begins by itself. That no sign of life is seen means little where the question
/// failed. Where a person is asked anyway, there are none.
fn unheard(plan: &Plan, observation: &Observation) -> Vec<String> {
    match plan.mode {
        Mode::Automatic => observation.in_the_dark(),
        Mode::Approve => Vec::new(),
    }
}

/// The latest moment at which a confirming run concludes.
pub(super) fn believe(
    plan: &Plan,
    state: &State,
    run: &Run,
    observation: &Observation,
    unheard: Vec<String>,
    now: Timestamp,
) -> Draft {
    if plan.mode == Mode::Automatic && state.hold_at(now).is_none() && unheard.is_empty() {
        let quiet = Some(attention::was_asked_often(state, now));
        return commit(plan, run, observation, None, Overrides::default(), quiet, now);
    }
    let doubt = if unheard.is_empty() {
        String::new()
    } else {
        format!(". Pilotlight could not check for a sign of life: {}", list(unheard))
    };
    let losses = gate::estimate(plan, run, observation, now);
    let override_ = (!gate::is_open(&losses)).then_some("allow_data_loss");
    let sentence = format!(
        "Run {} awaits approval: {} looks lost. Evidence: {}{doubt}. Estimated loss: {}; approve with: {}",
        run.id,
        plan.other().region,
        evidence_names(state, now),
        data_loss(&losses),
        approve(plan, run.id, override_)
    );
    let quiet = attention::was_asked_often(state, now);
    Draft::new(Some(run.id), Event::ApprovalAsked { data_loss: losses, quiet }, sentence)
}

/// Lets a run move if the data-loss gate allows it; else an operator is needed, and told at once unless `quiet`.
pub(super) fn commit(
    plan: &Plan,
    run: &Run,
    observation: &Observation,
    by: Option<&str>,
    overrides: Overrides,
    quiet: Option<bool>,
    now: Timestamp,
) -> Draft {
    let losses = gate::estimate(plan, run, observation, now);
    if !gate::is_open(&losses) && !overrides.allow_data_loss {
        let blocked = losses.into_iter().filter(|loss| !loss.within_limit).collect();
        return due::need_operator(plan, run, Need::DataLoss { data_loss: blocked }, quiet);
    }
    let who = by.map_or_else(|| "the evidence is confirmed".to_owned(), |name| format!("{name} decided"));
    let sentence = format!(
        "Run {} moves {} to {}: {who}. Estimated loss: {}.",
        run.id,
        plan.name,
        plan.own().region,
        data_loss(&losses)
    );
    let alive_at = gate::alive_at(LossTimes::of(run, now), observation);
    let by = by.map(str::to_owned);
    let event = Event::Committed { data_loss: losses, by, overrides, alive_at, anew: None };
    Draft::new(Some(run.id), event, sentence)
}

fn dismiss(plan: &Plan, state: &State, run: &Run, now: Timestamp) -> Draft {
    let why = insufficiency(plan, state, run, now);
    let quiet = attention::is_one_of_many(state, run, now);
    let flaps = match state.dismissals {
        Dismissals { folded: 0, untold: 0, .. } => String::new(),
        dismissals => format!("; before that, {}", flaps(&dismissals)),
    };
    let sentence = format!(
        "No failover: the evidence does not show that {} is lost: {why}{flaps}.",
        plan.other().region
    );
    due::abort(run, AbortCause::Evidence, quiet, sentence)
}

/// A run that awaits approval ends when the primary shows a sign of life, and needs an operator when the time
/// for an approval is over.
pub(super) fn await_approval(
    plan: &Plan,
    state: &State,
    run: &Run,
    facts: &Facts,
    since: Timestamp,
    now: Timestamp,
) -> Option<Draft> {
    facts.observation.as_ref()?;
    let limit = SignedDuration::from_secs(i64::from(plan.limits.approval_seconds_max));
    heed_signs_of_life(plan, state, run, facts, now).or_else(|| {
        (now.duration_since(since) >= limit)
            .then(|| due::need_operator(plan, run, Need::ApprovalExpired {}, None))
    })
}

/// A run that was begun by evidence and has not moved yet ends when the primary shows a sign of life.
pub(super) fn heed_signs_of_life(
    plan: &Plan,
    state: &State,
    run: &Run,
    facts: &Facts,
    now: Timestamp,
) -> Option<Draft> {
    let observation = facts.observation.as_ref()?;
    let vetoes = observation.vetoes(plan, state);
    if run.cause != Cause::Evidence || run.committed_at.is_some() || vetoes.is_empty() {
        return None;
    }
    if View::of(plan, state, observation, now).is_sufficient()
        && let Some(call) = attention::opposed(plan, state, run, observation, now)
    {
        return Some(call);
    }
    let signs = list(vetoes.keys());
    let sentence = format!("No failover: {} shows signs of life: {signs}.", plan.other().region);
    let quiet = attention::is_one_of_many(state, run, now);
    Some(due::abort(run, AbortCause::Evidence, quiet, sentence))
}

fn evidence_names(state: &State, now: Timestamp) -> String {
    list(state.counting(now).map(|(key, standing)| {
        let age = alarm_age(state, key, standing, now).map_or_else(String::new, |age| format!("; {age}"));
        format!("{key} (seen from {}{age})", standing.vantage)
    }))
}
