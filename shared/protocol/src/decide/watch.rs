//! Turning a look at the world into evidence and vetoes. Missing data turns into neither.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::attention::View;
use super::open::may_open;
use super::{Draft, Facts};
use crate::evidence::{
    Evidence, EvidenceKey, EvidenceKind, OBSERVATION_GAP_MAX, REFRESH_EVERY, Veto, counts,
};
use crate::journal::Event;
use crate::observation::{Observation, ProbeAnswer, ReplicaState};
use crate::plan::Plan;
use crate::state::{Run, State};
use crate::words::list;

/// Most bytes of the details of all the evidence of one record. An item of the journal's table holds 400 KB, and a look at the
/// largest plan raises 1,000 pieces of evidence at once: what could not be written would never be evidence.
pub const DETAILS_BYTES_MAX: usize = 80_000;

/// The first kind of thing in the observation that the journal does not hold yet; all of it in one record, however
/// many databases a plan has.
pub(super) fn note(plan: &Plan, state: &State, facts: &Facts, now: Timestamp) -> Option<Draft> {
    let observation = facts.observation.as_ref()?;
    let weighing = state.active_run().filter(|run| run.weighs_evidence());
    let (standing, gone) = sort(state, observation);
    let repeats_after = match weighing {
        Some(_) => Some(REFRESH_EVERY),
        None => could_begin_a_run(plan, state, observation, now).then_some(OBSERVATION_GAP_MAX),
    };
    let is_folded = is_folded(plan, state, observation, now);
    let news = standing
        .into_iter()
        .filter(|_| !is_folded)
        .filter(|seen| is_worth_noting(state, observation, &seen.key, repeats_after))
        .map(|seen| as_evidence(plan, observation, seen))
        .collect();
    raise(observation, news)
        .or_else(|| clear(state, observation, gone))
        .or_else(|| note_vetoes(plan, state, observation, weighing?))
}

/// Something that speaks for a loss.
struct Sign {
    key: EvidenceKey,
    detail: String,
}

/// What speaks for a loss, and what shows the opposite. Missing data does neither.
fn sort(state: &State, observation: &Observation) -> (Vec<Sign>, Vec<EvidenceKey>) {
    let (mut standing, mut gone) = (Vec::new(), Vec::new());
    for probe in &observation.probes {
        let key = EvidenceKey::probe(&probe.name);
        match &probe.answer {
            ProbeAnswer::Bad { detail } => standing.push(Sign { key, detail: detail.clone() }),
            ProbeAnswer::Good => gone.push(key),
            ProbeAnswer::Unknown { .. } => {}
        }
    }
    for replica in observation.replicas.iter().filter(|seen| !state.holdings.is_active(&seen.database)) {
        let key = EvidenceKey::replica(&replica.database);
        match &replica.state {
            ReplicaState::Broken { detail } => standing.push(Sign { key, detail: detail.clone() }),
            ReplicaState::Replicating | ReplicaState::Degraded { .. } => gone.push(key),
            // What a person stopped, and who can't be asked, says nothing of the source.
            ReplicaState::Halted { .. }
            | ReplicaState::Detached
            | ReplicaState::Unknown { .. }
            | ReplicaState::Unasked { .. } => {}
        }
    }
    (standing, gone)
}

/// Evidence that is new, or was last written down long enough ago to be repeated, if it is to be repeated at all.
fn is_worth_noting(
    state: &State,
    observation: &Observation,
    key: &EvidenceKey,
    repeats_after: Option<SignedDuration>,
) -> bool {
    let Some(standing) = state.standing(key) else { return true };
    repeats_after.is_some_and(|after| observation.at.duration_since(standing.last_seen) >= after)
}

/// Whether what a look shows comes and goes, and is not sufficient: the next look shows it again, so that nothing is lost
/// if it is not written down.
fn is_folded(plan: &Plan, state: &State, observation: &Observation, now: Timestamp) -> bool {
    state.active_run().is_none()
        && state.dismissals.rest_until(now).is_some()
        && !View::of(plan, state, observation, now).is_sufficient()
}

/// Whether evidence that lapsed is worth repeating: together with what else stands it could begin a run. A long
/// outage of one probe must not fill the journal.
fn could_begin_a_run(plan: &Plan, state: &State, observation: &Observation, now: Timestamp) -> bool {
    let kinds: BTreeSet<EvidenceKind> = state
        .evidence
        .iter()
        .filter(|(key, standing)| {
            key.kind != EvidenceKind::Alarm || counts(key, standing, &state.silences, now)
        })
        .map(|(key, _)| key.kind)
        .collect();
    state.active_run().is_none()
        && kinds.len() >= 2
        && observation.vetoes(plan, state).is_empty()
        && may_open(plan, state, now).is_ok()
}

fn as_evidence(plan: &Plan, observation: &Observation, seen: Sign) -> Evidence {
    Evidence {
        key: seen.key,
        outside: observation.vantage != plan.other().region,
        vantage: observation.vantage.clone(),
        seen_at: observation.at,
        detail: seen.detail,
    }
}

/// Cuts the details so that together they fit into a record; those of few are left whole.
fn fit(mut evidence: Vec<Evidence>) -> Vec<Evidence> {
    let each = DETAILS_BYTES_MAX / evidence.len().max(1);
    for Evidence { detail, .. } in &mut evidence {
        detail.truncate(detail.floor_char_boundary(each));
    }
    evidence
}

fn raise(observation: &Observation, evidence: Vec<Evidence>) -> Option<Draft> {
    if evidence.is_empty() {
        return None;
    }
    let evidence = fit(evidence);
    let named = list(
        evidence
            .iter()
            .map(|evidence| format!("{}: {}", evidence.key, evidence.detail.trim_end_matches('.'))),
    );
    let sentence = format!("Evidence recorded, seen from {}: {named}.", observation.vantage);
    Some(Draft::new(None, Event::EvidenceSeen { evidence }, sentence))
}

fn clear(state: &State, observation: &Observation, gone: Vec<EvidenceKey>) -> Option<Draft> {
    let keys: Vec<EvidenceKey> = gone.into_iter().filter(|key| state.standing(key).is_some()).collect();
    if keys.is_empty() {
        return None;
    }
    let named = list(keys.iter());
    let sentence = format!("Evidence cleared, seen from {}: {named}.", observation.vantage);
    Some(Draft::new(None, Event::EvidenceCleared { keys, seen_at: observation.at }, sentence))
}

fn note_vetoes(plan: &Plan, state: &State, observation: &Observation, run: &Run) -> Option<Draft> {
    let seen = observation.vetoes(plan, state);
    let new: Vec<Veto> = seen.keys().filter(|veto| !run.vetoes.contains(veto)).cloned().collect();
    if !new.is_empty() {
        let named = list(new.iter().map(|veto| match seen.get(veto) {
            Some(detail) => format!("{veto} ({detail})"),
            None => veto.to_string(),
        }));
        return Some(Draft::new(Some(run.id), Event::VetoesSeen { vetoes: new }, format!("Veto: {named}.")));
    }
    let gone: Vec<Veto> = run.vetoes.iter().filter(|veto| !seen.contains_key(veto)).cloned().collect();
    if gone.is_empty() {
        return None;
    }
    let named = list(gone.iter());
    let event = Event::VetoesCleared { vetoes: gone };
    Some(Draft::new(Some(run.id), event, format!("Veto cleared, no longer seen: {named}.")))
}
