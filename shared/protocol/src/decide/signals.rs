//! Sorting signals: counted as evidence, or rejected with a reason. Alarms inform, they do not decide.

use jiff::{SignedDuration, Timestamp};

use super::sentence::duration;
use super::{Draft, Facts};
use crate::arn::Arn;
use crate::evidence::{Evidence, EvidenceKey, EvidenceKind, ZONE_FAILOVER_TAKES};
use crate::journal::{Event, Rejection};
use crate::plan::Plan;
use crate::signal::{AlarmSignal, AlarmState, Signal, Via, ZoneFailover};
use crate::state::{REJECTIONS_MAX, Rejected, State};

/// How far another clock may be ahead.
const CLOCK_SKEW_MAX: SignedDuration = SignedDuration::from_secs(60);

/// The first of the signals that the journal does not hold yet.
pub(super) fn sort(plan: &Plan, state: &State, facts: &Facts, now: Timestamp) -> Option<Draft> {
    facts.signals.iter().find_map(|signal| match signal {
        Signal::Alarm(alarm) => sort_alarm(plan, state, alarm, now),
        Signal::ZoneFailover(seen) => sort_zone_failover(plan, state, seen, now),
        Signal::Unrecognised { shape } => {
            let why = "its shape is not known, nothing is done".to_owned();
            reject(state, shape, Rejection::Unrecognised, None, &why, now)
        }
    })
}

fn sort_alarm(plan: &Plan, state: &State, alarm: &AlarmSignal, now: Timestamp) -> Option<Draft> {
    if let Some((reason, why)) = rejection(plan, alarm, now) {
        return reject(state, &alarm.arn, reason, Some(alarm.changed_at), &why, now);
    }
    let is_news = state.alarms.get(&alarm.arn).is_none_or(|seen| seen.changed_at < alarm.changed_at);
    if !is_news {
        return None;
    }
    let key = EvidenceKey { kind: EvidenceKind::Alarm, source: alarm.arn.clone() };
    match alarm.state {
        AlarmState::Alarm => {
            let region = alarm.region().unwrap_or_default().to_owned();
            let sentence = format!("Recorded as evidence: {key} in {region} is in ALARM.");
            let evidence = Evidence {
                key,
                outside: region != plan.regions.primary,
                vantage: region,
                seen_at: alarm.changed_at,
                detail: alarm.reason.clone(),
            };
            Some(Draft::new(None, Event::EvidenceSeen { evidence: vec![evidence] }, sentence))
        }
        AlarmState::Ok => {
            let sentence = format!("No evidence any more: {key} is OK.");
            let event = Event::EvidenceCleared { keys: vec![key], seen_at: alarm.changed_at };
            Some(Draft::new(None, event, sentence))
        }
        // Missing data is neither healthy nor dead: what stood goes on standing.
        AlarmState::InsufficientData => None,
    }
}

/// Why an alarm does not count, and in which words.
fn rejection(plan: &Plan, alarm: &AlarmSignal, now: Timestamp) -> Option<(Rejection, String)> {
    let Some(account) = alarm.account() else {
        return Some((Rejection::Unrecognised, "its ARN is not that of a CloudWatch alarm".into()));
    };
    if let Some(foreign) = foreign(plan, alarm.region().unwrap_or_default(), account, &alarm.via) {
        return Some(foreign);
    }
    if !plan.detection.alarms.contains(&alarm.arn) {
        return Some((Rejection::UnlistedAlarm, "it is not in detection.alarms of the plan".into()));
    }
    untimely(plan, alarm.changed_at, "changed", now)
}

/// RDS moves a database to its standby: what breaks meanwhile is no sign that the region is lost.
fn sort_zone_failover(plan: &Plan, state: &State, seen: &ZoneFailover, now: Timestamp) -> Option<Draft> {
    // A replica that moves within the recovery region says nothing of the primary.
    if plan.databases.iter().any(|database| database.replica == seen.instance) {
        return None;
    }
    let (region, account) =
        Arn::parse(&seen.instance).map(|arn| (arn.region, arn.account)).unwrap_or_default();
    let database = plan.databases.iter().find(|database| database.primary == seen.instance);
    let rejection = foreign(plan, region, account, &seen.via)
        .or_else(|| {
            database.is_none().then(|| (Rejection::UnlistedInstance, "the plan has no such database".into()))
        })
        .or_else(|| untimely(plan, seen.at, "was said", now));
    if let Some((reason, why)) = rejection {
        return reject(state, &seen.instance, reason, Some(seen.at), &why, now);
    }
    let name = &database?.name;
    if state.zone_failovers.get(name).is_some_and(|last| *last >= seen.at) {
        return None;
    }
    let sentence = format!(
        "No automatic failover for {}: RDS moves database {name} to its standby in another zone ({}).",
        duration(ZONE_FAILOVER_TAKES),
        seen.event_id
    );
    let event = Event::ZoneFailoverSeen { database: name.clone(), seen_at: seen.at };
    Some(Draft::new(None, event, sentence))
}

/// Whether a signal comes from where it may not come from.
fn foreign(plan: &Plan, region: &str, account: &str, via: &Via) -> Option<(Rejection, String)> {
    let owner = plan.account_in(region);
    if account != owner {
        let why = if plan.primary_account.is_some() {
            format!("it belongs to account {account}, and what the plan has in {region} to {owner}")
        } else {
            format!("it belongs to account {account}, the plan to {owner}")
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
        let why = format!("it {did} {} ago, the limit is {limit} s", duration(age));
        return Some((Rejection::Stale, why));
    }
    if age < -CLOCK_SKEW_MAX {
        let why = format!("it claims a time {} from now", duration(-age));
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
    let lately: Vec<&Rejected> =
        state.rejected.get(&reason).into_iter().flatten().filter(|rejected| rejected.counts(now)).collect();
    if lately.len() >= REJECTIONS_MAX || lately.iter().any(|rejected| rejected.is_of(source)) {
        return None;
    }
    let sentence = format!("Signal rejected: {source}: {why}.");
    let event = Event::SignalRejected { source: source.to_owned(), reason, changed_at };
    Some(Draft::new(None, event, sentence))
}
