//! Turning a look at the world into evidence and vetoes. Missing data turns into neither.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::open::may_open;
use super::{Draft, Facts, Observation, ReplicaState, Sight};
use crate::evidence::{Evidence, EvidenceKey, EvidenceKind, OBSERVATION_GAP_MAX, REFRESH_EVERY};
use crate::journal::Event;
use crate::plan::Plan;
use crate::state::{Run, State};

/// The first thing in the observation that the journal does not hold yet.
pub(super) fn note(plan: &Plan, state: &State, facts: &Facts, now: Timestamp) -> Option<Draft> {
    let observation = facts.observation.as_ref()?;
    let weighing = state.active_run().filter(|run| run.weighs_evidence());
    note_probes(plan, state, observation, weighing, now)
        .or_else(|| note_replicas(plan, state, observation, weighing, now))
        .or_else(|| note_vetoes(plan, observation, weighing?))
}

fn note_probes(
    plan: &Plan,
    state: &State,
    observation: &Observation,
    weighing: Option<&Run>,
    now: Timestamp,
) -> Option<Draft> {
    observation.probes.iter().find_map(|probe| {
        let key = EvidenceKey { kind: EvidenceKind::Probe, source: probe.name.to_string() };
        match &probe.sight {
            Sight::Bad { detail } => raise(plan, state, observation, key, detail, weighing, now),
            Sight::Good => clear(state, observation, key, "a good answer"),
            Sight::Unknown { .. } => None,
        }
    })
}

fn note_replicas(
    plan: &Plan,
    state: &State,
    observation: &Observation,
    weighing: Option<&Run>,
    now: Timestamp,
) -> Option<Draft> {
    observation.replicas.iter().filter(|seen| !state.moved.contains(&seen.database)).find_map(|replica| {
        let key = EvidenceKey { kind: EvidenceKind::Replica, source: replica.database.to_string() };
        match &replica.state {
            ReplicaState::Broken { detail } => raise(plan, state, observation, key, detail, weighing, now),
            ReplicaState::Replicating => clear(state, observation, key, "it replicates"),
            ReplicaState::Detached | ReplicaState::Unknown { .. } => None,
        }
    })
}

/// Evidence that is new, or was last written down a while ago and is being weighed.
fn raise(
    plan: &Plan,
    state: &State,
    observation: &Observation,
    key: EvidenceKey,
    detail: &str,
    weighing: Option<&Run>,
    now: Timestamp,
) -> Option<Draft> {
    if let Some(standing) = state.standing(&key) {
        let age = observation.at.duration_since(standing.last_seen);
        let wanted = match weighing {
            Some(_) => age >= REFRESH_EVERY,
            None => age > OBSERVATION_GAP_MAX && could_begin_a_run(plan, state, observation, now),
        };
        if !wanted {
            return None;
        }
    }
    let sentence = format!("Recorded as evidence, seen from {}: {key}: {detail}.", observation.vantage);
    let evidence = Evidence {
        key,
        outside: observation.vantage != plan.regions.primary,
        vantage: observation.vantage.clone(),
        seen_at: observation.at,
        detail: detail.to_owned(),
    };
    Some(Draft::new(None, Event::EvidenceSeen { evidence }, sentence))
}

/// Whether evidence that lapsed is worth repeating: together with what else stands it could begin a run. A long
/// outage of one probe must not fill the journal.
fn could_begin_a_run(plan: &Plan, state: &State, observation: &Observation, now: Timestamp) -> bool {
    let kinds: BTreeSet<EvidenceKind> = state.evidence.keys().map(|key| key.kind).collect();
    state.active_run().is_none()
        && kinds.len() >= 2
        && observation.vetoes(plan).is_empty()
        && may_open(plan, state, now).is_ok()
}

fn clear(state: &State, observation: &Observation, key: EvidenceKey, detail: &str) -> Option<Draft> {
    state.standing(&key)?;
    let sentence = format!("No evidence any more: {key}: {detail}.");
    let event = Event::EvidenceCleared { key, seen_at: observation.at, detail: detail.to_owned() };
    Some(Draft::new(None, event, sentence))
}

fn note_vetoes(plan: &Plan, observation: &Observation, run: &Run) -> Option<Draft> {
    let seen = observation.vetoes(plan);
    let new = seen.iter().find(|(veto, _)| !run.vetoes.contains(veto)).map(|(veto, detail)| {
        let event = Event::VetoSeen { veto: veto.clone(), detail: detail.clone() };
        Draft::new(Some(run.id), event, format!("Veto: {veto} ({detail})."))
    });
    new.or_else(|| {
        let gone = run.vetoes.iter().find(|veto| !seen.contains_key(veto))?;
        let event = Event::VetoCleared { veto: gone.clone() };
        Some(Draft::new(Some(run.id), event, format!("Veto gone: it is no longer so that {gone}.")))
    })
}
