//! What CloudWatch answers when it is asked for the plan's alarms: it confirms what stands, clears it, or tells of an alarm
//! whose message never came. Where a region can't be asked, that is noted while an alarm of it stands: from then on its last
//! word counts until it can be asked again.
//!
//! The newest of message and answer counts. A message is as new as the change that it tells of; an answer is as new as the
//! change that it tells of, or as the question, less what an answer may trail behind.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Draft, Facts};
use crate::arn::Arn;
use crate::evidence::{
    ALARM_CONFIRMED_EVERY, ANSWER_TRAILS, Evidence, EvidenceKey, EvidenceKind, Standing, counts,
};
use crate::group;
use crate::journal::Event;
use crate::observation::{AlarmsSeen, Observation};
use crate::plan::Plan;
use crate::signal::{AlarmNow, AlarmState};
use crate::state::{AlarmSeen, State};
use crate::words::list;

/// Most pieces of evidence in one record, so that its size stays far below what the journal takes.
const EVIDENCE_PER_RECORD_MAX: usize = 100;

/// The first thing that the answers say and the journal does not hold yet. An answer is noted before the end of a silence:
/// what it confirms must not lapse in between.
pub(super) fn note(plan: &Plan, state: &State, facts: &Facts, now: Timestamp) -> Option<Draft> {
    let observation = facts.observation.as_ref()?;
    // What is left behind confirms and raises nothing that anybody needs.
    let can_move = group::scope(plan, state, &[]).is_ok();
    let answers = answers(observation);
    forget_unlisted(plan, state, observation)
        .or_else(|| clear(state, &answers))
        .or_else(|| confirm(plan, state, &answers).filter(|_| can_move))
        .or_else(|| end_silence(state, observation))
        .or_else(|| begin_silence(state, observation, now).filter(|_| can_move))
}

/// The moment up to which an answer settles what an alarm's state was.
pub(super) fn settled_by(asked_at: Timestamp) -> Timestamp {
    asked_at.checked_sub(ANSWER_TRAILS).unwrap_or(Timestamp::MIN)
}

/// An alarm's state as answered, and how new that is.
struct AnsweredAlarm<'o> {
    alarm: &'o AlarmNow,
    as_of: Timestamp,
}

fn answers(observation: &Observation) -> Vec<AnsweredAlarm<'_>> {
    let answered = observation.alarms.values().filter_map(|seen| match seen {
        AlarmsSeen::Answered { at, alarms } => Some((at, alarms)),
        AlarmsSeen::Silent { .. } | AlarmsSeen::Refused { .. } => None,
    });
    answered
        .flat_map(|(at, alarms)| {
            alarms
                .iter()
                .map(|alarm| AnsweredAlarm { alarm, as_of: alarm.changed_at.max(settled_by(*at)).min(*at) })
        })
        .collect()
}

/// What stands of an alarm, as a whole and of its contributors.
fn standing<'s>(state: &'s State, arn: &'s str) -> impl Iterator<Item = (&'s EvidenceKey, &'s Standing)> {
    state.evidence.iter().filter(move |(key, _)| key.kind == EvidenceKind::Alarm && key.source == arn)
}

/// When the last word about what stands was spoken.
fn word_at(state: &State, key: &EvidenceKey, standing: &Standing) -> Timestamp {
    let word = state.alarms.get(&key.source).and_then(|seen| seen.word(key.contributor.as_deref()));
    word.map_or(standing.last_seen, |word| word.changed_at)
}

/// An alarm that the plan lists no more is evidence no more: nobody asks for it.
fn forget_unlisted(plan: &Plan, state: &State, observation: &Observation) -> Option<Draft> {
    let is_listed = |arn: &str| plan.listed_alarm(arn).is_some();
    let alarms = state.evidence.keys().filter(|key| key.kind == EvidenceKind::Alarm);
    let keys: Vec<EvidenceKey> = alarms.filter(|key| !is_listed(&key.source)).cloned().collect();
    let named = list(keys.iter());
    let sentence = format!("Evidence cleared: the plan no longer lists {named}.");
    cleared(keys, observation.at, sentence)
}

fn cleared(keys: Vec<EvidenceKey>, seen_at: Timestamp, sentence: String) -> Option<Draft> {
    (!keys.is_empty()).then(|| Draft::new(None, Event::EvidenceCleared { keys, seen_at }, sentence))
}

/// The alarms that stand, and are OK by an answer that is newer than their last word. One record for those as of one moment.
fn clear(state: &State, answers: &[AnsweredAlarm<'_>]) -> Option<Draft> {
    let mut well: BTreeMap<Timestamp, Vec<EvidenceKey>> = BTreeMap::new();
    for AnsweredAlarm { alarm, as_of } in answers.iter().filter(|answer| answer.alarm.state == AlarmState::Ok)
    {
        let is_older = |(key, standing): &(&EvidenceKey, &Standing)| word_at(state, key, standing) < *as_of;
        let keys: Vec<EvidenceKey> =
            standing(state, &alarm.arn).filter(is_older).map(|(key, _)| key.clone()).collect();
        if !keys.is_empty() {
            well.entry(*as_of).or_default().extend(keys);
        }
    }
    let (as_of, keys) = well.pop_first()?;
    let named = list(keys.iter());
    cleared(keys, as_of, format!("Evidence cleared: CloudWatch reports OK for {named}."))
}

/// Everything that is in ALARM by an answer: what stands is confirmed from time to time, what does not is raised.
fn confirm(plan: &Plan, state: &State, answers: &[AnsweredAlarm<'_>]) -> Option<Draft> {
    let red = answers.iter().filter(|answer| {
        answer.alarm.state == AlarmState::Alarm
            && answer.alarm.held_back.is_none()
            && !is_muted(state, answer.alarm)
    });
    let (mut raised, mut confirmed) = (Vec::new(), Vec::new());
    for answer in red {
        let arn = &answer.alarm.arn;
        let due =
            |standing: &Standing| answer.as_of.duration_since(standing.last_seen) >= ALARM_CONFIRMED_EVERY;
        if standing(state, arn).next().is_some() {
            let due = standing(state, arn).filter(|(_, standing)| due(standing));
            confirmed
                .extend(due.map(|(key, standing)| evidence(plan, answer, key.clone(), &standing.detail)));
        } else if state.alarms.get(arn).and_then(AlarmSeen::newest).is_none_or(|at| at < answer.as_of) {
            raised.push(evidence(plan, answer, EvidenceKey::alarm(arn, None), &answer.alarm.reason));
        }
    }
    // What does not fit into one record comes with the next.
    raised.truncate(EVIDENCE_PER_RECORD_MAX);
    confirmed.truncate(EVIDENCE_PER_RECORD_MAX - raised.len());
    let named = |evidence: &[Evidence]| {
        list(evidence.iter().map(|evidence| format!("{} in {}", evidence.key, evidence.vantage)))
    };
    let sentence = match (raised.is_empty(), confirmed.is_empty()) {
        (true, true) => return None,
        (false, _) => format!("Evidence recorded: CloudWatch reports ALARM for {}.", named(&raised)),
        (true, false) => format!("CloudWatch still reports ALARM for {}.", named(&confirmed)),
    };
    raised.extend(confirmed);
    Some(Draft::new(None, Event::EvidenceSeen { evidence: raised }, sentence))
}

/// Whether a message said that a mute rule holds this very change back, and none since that it is let go: an answer says
/// nothing of mute rules.
fn is_muted(state: &State, alarm: &AlarmNow) -> bool {
    let muted = state.alarms.get(&alarm.arn).and_then(|seen| seen.muted);
    // An event's time may be given in whole seconds.
    muted.is_some_and(|at| alarm.changed_at.as_second() <= at.as_second())
}

fn evidence(plan: &Plan, answer: &AnsweredAlarm<'_>, key: EvidenceKey, detail: &str) -> Evidence {
    let vantage = region(&key.source).to_owned();
    let outside = vantage != plan.other().region;
    Evidence { key, outside, vantage, seen_at: answer.as_of, detail: detail.to_owned() }
}

fn region(arn: &str) -> &str {
    Arn::parse(arn).map_or("", |arn| arn.region)
}

/// A region that answers again.
fn end_silence(state: &State, observation: &Observation) -> Option<Draft> {
    let answers =
        |region: &&String| matches!(observation.alarms.get(*region), Some(AlarmsSeen::Answered { .. }));
    let region = state.silences.keys().find(answers)?.clone();
    let sentence = format!("CloudWatch in {region} answers again. Its current answers count from now on.");
    Some(Draft::new(None, Event::AlarmsAnswer { region }, sentence))
}

/// A region that can't be asked, while an alarm of it counts whose last word would lapse in time.
fn begin_silence(state: &State, observation: &Observation, now: Timestamp) -> Option<Draft> {
    let silent: BTreeMap<&String, (&Timestamp, &String)> = observation
        .alarms
        .iter()
        .filter_map(|(region, seen)| match seen {
            AlarmsSeen::Silent { at, detail } => Some((region, (at, detail))),
            AlarmsSeen::Answered { .. } | AlarmsSeen::Refused { .. } => None,
        })
        .filter(|(region, _)| !state.silences.contains_key(*region))
        .collect();
    let age = |standing: &Standing, at: Timestamp| at.duration_since(standing.last_seen);
    silent.into_iter().find_map(|(region, (at, detail))| {
        let matters = |(key, standing): &(&EvidenceKey, &Standing)| {
            key.kind == EvidenceKind::Alarm
                && standing.vantage == *region
                && counts(key, standing, &state.silences, now)
                && age(standing, *at) >= ALARM_CONFIRMED_EVERY
        };
        let standing: Vec<(&EvidenceKey, &Standing)> = state.evidence.iter().filter(matters).collect();
        let oldest = standing.iter().map(|(_, standing)| age(standing, *at)).max()?;
        Some(silence(region, *at, detail, &standing, oldest))
    })
}

fn silence(
    region: &str,
    since: Timestamp,
    detail: &str,
    standing: &[(&EvidenceKey, &Standing)],
    oldest: SignedDuration,
) -> Draft {
    let named = list(standing.iter().map(|(key, _)| key.to_string()));
    let age = crate::words::duration(oldest);
    let sentence = format!(
        "CloudWatch in {region} does not answer ({}). Until it does, the last known state of {named} counts \
         (up to {age} old now).",
        detail.trim_end_matches('.')
    );
    Draft::new(None, Event::AlarmsSilent { region: region.to_owned(), since }, sentence)
}
