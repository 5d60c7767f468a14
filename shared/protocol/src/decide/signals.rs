//! Sorting signals: counted as evidence, or rejected with a reason. Alarms inform, they do not decide.

use jiff::{SignedDuration, Timestamp};

use super::alarms::settled_by;
use super::{Draft, Facts};
use crate::arn::Arn;
use crate::evidence::{Evidence, EvidenceKey, MULTI_AZ_FAILOVER_TAKES, MULTI_AZ_FAILOVERS_TAKE};
use crate::journal::{Event, Rejection};
use crate::plan::Plan;
use crate::signal::{AlarmSignal, AlarmState, MUTED, MultiAzFailover, Signal, Via};
use crate::state::{self, AlarmWord, REJECTIONS_MAX, State};
use crate::words::duration;

/// RDS speaks more than once of one failover; a word is noted again only after this long.
const MULTI_AZ_FAILOVER_NOTED_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// How far another clock may be ahead.
const CLOCK_SKEW_MAX: SignedDuration = SignedDuration::from_secs(60);

/// A signal that does not count, for whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedSignal {
    /// The alarm's or the instance's ARN, or the shape of what is not known.
    pub source: String,
    /// Why, as a stable code.
    pub reason: Rejection,
    /// Why, in words.
    pub why: String,
}

/// Why a signal does not count, if it does not: by the plan, the clock and what CloudWatch says of a late one, whether or
/// not that was written down.
pub fn rejected(plan: &Plan, facts: &Facts, signal: &Signal, now: Timestamp) -> Option<RejectedSignal> {
    let (source, rejection) = match signal {
        Signal::Alarm(alarm) => (&alarm.arn, heard(plan, facts, alarm, now).err()),
        Signal::MultiAzFailover(seen) => (&seen.instance, rejection_of_multi_az_failover(plan, seen, now)),
        Signal::Unrecognised { shape } => (shape, Some((Rejection::Unrecognised, UNKNOWN.to_owned()))),
    };
    rejection.map(|(reason, why)| RejectedSignal { source: source.clone(), reason, why })
}

/// What is said of a signal whose shape is not known.
const UNKNOWN: &str = "Pilotlight does not recognise its format and ignores it";

/// The first of the signals that the journal does not hold yet.
pub(super) fn sort(plan: &Plan, state: &State, facts: &Facts, now: Timestamp) -> Option<Draft> {
    facts.signals.iter().find_map(|signal| match signal {
        Signal::Alarm(alarm) => sort_alarm(plan, state, facts, alarm, now),
        Signal::MultiAzFailover(seen) => sort_multi_az_failover(plan, state, seen, now),
        Signal::Unrecognised { shape } => reject(state, shape, Rejection::Unrecognised, None, UNKNOWN, now),
    })
}

fn sort_alarm(
    plan: &Plan,
    state: &State,
    facts: &Facts,
    alarm: &AlarmSignal,
    now: Timestamp,
) -> Option<Draft> {
    if state.guard.is_some() && plan.listed_alarm(&alarm.arn).is_none() && plan.is_of_own_side(&alarm.arn) {
        return None;
    }
    let word = match heard(plan, facts, alarm, now) {
        Ok(word) => word,
        Err((reason, why)) => {
            return muted(plan, state, alarm, reason, &why)
                .or_else(|| reject(state, &alarm.arn, reason, Some(alarm.changed_at), &why, now));
        }
    };
    let arn = plan.listed_alarm(&alarm.arn)?;
    if !is_news(state, arn, alarm, word.changed_at) {
        return None;
    }
    match alarm.state {
        AlarmState::Alarm => Some(raised(plan, arn, alarm, &word)),
        AlarmState::Ok => Some(cleared(state, arn, alarm)),
        // Missing data is neither healthy nor dead: what stood goes on standing.
        AlarmState::InsufficientData => None,
    }
}

/// That a mute rule holds an alarm's change back is written down for each change, whatever was rejected lately: without it
/// CloudWatch's next answer, which says nothing of mute rules, would count.
fn muted(plan: &Plan, state: &State, alarm: &AlarmSignal, reason: Rejection, why: &str) -> Option<Draft> {
    let is_muted = reason == Rejection::Suppressed && alarm.held_back.as_deref() == Some(MUTED);
    let arn = plan.listed_alarm(&alarm.arn).filter(|_| is_muted)?;
    let known = state.alarms.get(arn).and_then(|seen| seen.muted.max(seen.newest()));
    if known.is_some_and(|at| at >= alarm.changed_at) {
        return None;
    }
    let changed_at = Some(alarm.changed_at);
    let event = Event::SignalRejected { source: arn.to_owned(), reason, changed_at, muted: true };
    Some(Draft::new(None, event, format!("Signal rejected: {arn}: {why}.")))
}

/// A word of an alarm that counts.
struct Heard {
    changed_at: Timestamp,
    /// How late its message is, where it is late.
    late: Option<SignedDuration>,
}

/// The word of an alarm, if it counts; else why not.
fn heard(
    plan: &Plan,
    facts: &Facts,
    alarm: &AlarmSignal,
    now: Timestamp,
) -> Result<Heard, (Rejection, String)> {
    let Some((reason, why)) = rejection(plan, alarm, now) else {
        return Ok(Heard { changed_at: alarm.changed_at, late: None });
    };
    // What comes late counts all the same where CloudWatch says that it is still so.
    let agreed = if reason == Rejection::Stale { agreed(plan, facts, alarm, now) } else { None };
    agreed.ok_or((reason, why))
}

/// A message that is late, where CloudWatch says that the alarm is in ALARM since no later than the message says.
fn agreed(plan: &Plan, facts: &Facts, alarm: &AlarmSignal, now: Timestamp) -> Option<Heard> {
    let arn = plan.listed_alarm(&alarm.arn).filter(|_| alarm.state == AlarmState::Alarm)?;
    let (answer, asked_at) = facts.observation.as_ref()?.alarm(arn)?;
    // An event's time may be given in whole seconds.
    let is_since_then = answer.changed_at.as_second() <= alarm.changed_at.as_second();
    (answer.state == AlarmState::Alarm && answer.held_back.is_none() && is_since_then).then(|| Heard {
        changed_at: alarm.changed_at.max(settled_by(asked_at)),
        late: Some(now.duration_since(alarm.changed_at)),
    })
}

/// Whether a word says something that is not known. Each contributor is heard by itself; but what the alarm as a whole last
/// said holds for all of them.
fn is_news(state: &State, arn: &str, alarm: &AlarmSignal, changed_at: Timestamp) -> bool {
    let Some(seen) = state.alarms.get(arn) else { return true };
    let contributor = alarm.contributor.as_deref();
    let whole_is_ok = seen.whole.filter(|word| contributor.is_some() && word.state == AlarmState::Ok);
    let is_newer = |word: Option<AlarmWord>| word.is_none_or(|word| word.changed_at < changed_at);
    let has_room = seen.word(contributor).is_some() || contributor.is_none() || !seen.is_full();
    is_newer(seen.word(contributor)) && is_newer(whole_is_ok) && has_room
}

fn raised(plan: &Plan, arn: &str, alarm: &AlarmSignal, word: &Heard) -> Draft {
    let key = EvidenceKey::alarm(arn, alarm.contributor.as_deref());
    let region = alarm.region().unwrap_or_default().to_owned();
    let late = word.late.map_or_else(String::new, |late| {
        format!(
            " (its message arrived {} late; CloudWatch confirms that it is still in ALARM)",
            duration(late)
        )
    });
    let sentence = format!("Evidence recorded: {key} in {region} is in ALARM{late}.");
    let evidence = Evidence {
        key,
        outside: region != plan.other().region,
        vantage: region,
        seen_at: word.changed_at,
        detail: alarm.reason.clone(),
    };
    Draft::new(None, Event::EvidenceSeen { evidence: vec![evidence] }, sentence)
}

/// One contributor that is OK clears no other; an alarm that is OK as a whole clears all that were heard before.
fn cleared(state: &State, arn: &str, alarm: &AlarmSignal) -> Draft {
    let contributor = alarm.contributor.as_deref();
    let key = EvidenceKey::alarm(arn, contributor);
    let sentence = format!("Evidence cleared: {key} is OK.");
    let mut keys = vec![key];
    if contributor.is_none() {
        keys.extend(state.contributors_before(arn, alarm.changed_at));
    }
    Draft::new(None, Event::EvidenceCleared { keys, seen_at: alarm.changed_at }, sentence)
}

/// Whether a message asks for a look before it is sorted: it is late, and if CloudWatch says that it is still so, it counts.
pub fn is_late(plan: &Plan, signal: &Signal, now: Timestamp) -> bool {
    match signal {
        Signal::Alarm(alarm) if alarm.state == AlarmState::Alarm => {
            rejection(plan, alarm, now).is_some_and(|(reason, _)| reason == Rejection::Stale)
        }
        _ => false,
    }
}

/// Why an alarm does not count, and in which words.
fn rejection(plan: &Plan, alarm: &AlarmSignal, now: Timestamp) -> Option<(Rejection, String)> {
    let Some(account) = alarm.account() else {
        return Some((Rejection::Unrecognised, "its ARN is not the ARN of a CloudWatch alarm".into()));
    };
    if let Some(foreign) = foreign(plan, alarm.region().unwrap_or_default(), account, &alarm.via) {
        return Some(foreign);
    }
    if plan.listed_alarm(&alarm.arn).is_none() {
        let side = plan.seat.other().as_str();
        let why = format!("it is not in detection.sides.{side}.alarms of the plan");
        return Some((Rejection::UnlistedAlarm, why));
    }
    // That it is OK is true whatever becomes of its actions.
    if let Some(held_back) = alarm.held_back.as_ref().filter(|_| alarm.state == AlarmState::Alarm) {
        let why = format!("it is in ALARM, but its actions are held back: {held_back}");
        return Some((Rejection::Suppressed, why));
    }
    untimely(plan, alarm.changed_at, "changed", now)
}

/// RDS writes all identifiers in lower case, people do not.
fn is_it(arn: &str, seen: &MultiAzFailover) -> bool {
    arn.eq_ignore_ascii_case(&seen.instance)
}

/// A replica that moves within the recovery region says nothing of the primary.
fn is_of_replica(plan: &Plan, seen: &MultiAzFailover) -> bool {
    plan.databases.iter().any(|database| is_it(database.arn(plan.seat), seen))
}

/// Why RDS's word of a failover within the region does not count, and in which words.
fn rejection_of_multi_az_failover(
    plan: &Plan,
    seen: &MultiAzFailover,
    now: Timestamp,
) -> Option<(Rejection, String)> {
    if is_of_replica(plan, seen) {
        return None;
    }
    let (region, account) =
        Arn::parse(&seen.instance).map(|arn| (arn.region, arn.account)).unwrap_or_default();
    let is_known = plan.databases.iter().any(|database| is_it(database.arn(plan.seat.other()), seen));
    foreign(plan, region, account, &seen.via)
        .or_else(|| {
            (!is_known).then(|| (Rejection::UnlistedInstance, "the plan has no such database".into()))
        })
        .or_else(|| untimely(plan, seen.at, "was reported", now))
}

/// RDS moves a database to its standby: what breaks meanwhile is no sign that the region is lost.
fn sort_multi_az_failover(
    plan: &Plan,
    state: &State,
    seen: &MultiAzFailover,
    now: Timestamp,
) -> Option<Draft> {
    if is_of_replica(plan, seen) {
        return None;
    }
    if let Some((reason, why)) = rejection_of_multi_az_failover(plan, seen, now) {
        return reject(state, &seen.instance, reason, Some(seen.at), &why, now);
    }
    let name = &plan.databases.iter().find(|database| is_it(database.arn(plan.seat.other()), seen))?.name;
    let last = state.multi_az_failovers.get(name);
    if last.is_some_and(|last| seen.at.duration_since(*last) < MULTI_AZ_FAILOVER_NOTED_EVERY) {
        return None;
    }
    let sentence = if state.heeds_multi_az_failovers(seen.at) || state.is_new_multi_az_failover(seen.at) {
        format!(
            "No automatic failover for the next {}: RDS reports a Multi-AZ failover of database {name} ({}).",
            duration(MULTI_AZ_FAILOVER_TAKES),
            seen.event_id
        )
    } else {
        format!(
            "RDS again reports a Multi-AZ failover of database {name} ({}). There has been no sign of life for \
             more than {}, so this report no longer blocks a failover.",
            seen.event_id,
            duration(MULTI_AZ_FAILOVERS_TAKE)
        )
    };
    let event = Event::MultiAzFailoverSeen { database: name.clone(), seen_at: seen.at };
    Some(Draft::new(None, event, sentence))
}

/// Whether a signal comes from where it may not come from.
fn foreign(plan: &Plan, region: &str, account: &str, via: &Via) -> Option<(Rejection, String)> {
    let owner = plan.account_in(region);
    if account != owner {
        let why = if plan.has_two_accounts() {
            format!("it belongs to account {account}, but the plan uses account {owner} in {region}")
        } else {
            format!("it belongs to account {account}, but the plan uses account {owner}")
        };
        return Some((Rejection::ForeignAccount, why));
    }
    if let Via::Sns { topic } = via
        && !plan.detection.topics.contains(topic)
    {
        let why = format!("topic {topic} is not in detection.topics of the plan");
        return Some((Rejection::UnlistedTopic, why));
    }
    None
}

/// Whether a signal's own time is too long ago, or has not come.
fn untimely(plan: &Plan, at: Timestamp, did: &str, now: Timestamp) -> Option<(Rejection, String)> {
    let age = now.duration_since(at);
    if age > SignedDuration::from_secs(i64::from(plan.detection.signal_age_seconds_max)) {
        let limit = plan.detection.signal_age_seconds_max;
        let why = format!("it {did} {} ago; the limit is {limit} s", duration(age));
        return Some((Rejection::Stale, why));
    }
    if age < -CLOCK_SKEW_MAX {
        let why = format!("its timestamp is {} in the future", duration(-age));
        return Some((Rejection::FromTheFuture, why));
    }
    None
}

fn reject(
    state: &State,
    source: &str,
    reason: Rejection,
    changed_at: Option<Timestamp>,
    why: &str,
    now: Timestamp,
) -> Option<Draft> {
    let lately: Vec<&state::Rejected> =
        state.rejected.get(&reason).into_iter().flatten().filter(|rejected| rejected.counts(now)).collect();
    if lately.len() >= REJECTIONS_MAX || lately.iter().any(|rejected| rejected.is_of(source)) {
        return None;
    }
    let sentence = format!("Signal rejected: {source}: {why}.");
    let event = Event::SignalRejected { source: source.to_owned(), reason, changed_at, muted: false };
    Some(Draft::new(None, event, sentence))
}
