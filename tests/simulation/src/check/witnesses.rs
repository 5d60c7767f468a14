//! One observer or missing data never moves anything: when a run is committed without a person, or a person asked, then
//! two kinds of witness really spoke, one of them outside the primary region, for the confirm window; and a primary that
//! was well all the while, and seen to be, is not taken for lost. What another instance saw in the same moment counts once it
//! has written a record or ended: before that nobody else can know of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use protocol::evidence::EvidenceKind;
use protocol::journal::{Cause, Event};
use protocol::signal::AlarmState;

use crate::history::{Change, Condition, History, Said, What};

/// How long what was seen may count: the evidence's own age and one look more.
const SEEN_WITHIN: SignedDuration = SignedDuration::from_secs(90 + 30);

/// How long the word of an alarm may count, where its region can be asked whether it is still so.
const HEARD_WITHIN: SignedDuration = SignedDuration::from_secs(3_600 + 300);

/// What was seen and heard so far.
#[derive(Default)]
struct Seen {
    bad: BTreeMap<EvidenceKind, Timestamp>,
    /// What each instance saw of it, and what all can know by now.
    good: BTreeMap<u32, Timestamp>,
    good_for_all: Option<Timestamp>,
    alarms: BTreeMap<String, Timestamp>,
    silent_since: Option<Timestamp>,
    well_since: Option<Timestamp>,
    opened_at: Option<Timestamp>,
    by_evidence: bool,
}

pub(super) fn check(history: &History) -> Result<(), String> {
    let mut seen = Seen { well_since: Some(history.began_at), ..Seen::default() };
    for entry in &history.entries {
        match &entry.what {
            What::Saw { is_probe, said, .. } => {
                let kind = if *is_probe { EvidenceKind::Probe } else { EvidenceKind::Replica };
                match said {
                    Said::Bad => {
                        seen.bad.insert(kind, entry.at);
                    }
                    Said::Good if *is_probe => {
                        seen.good.insert(entry.by, entry.at);
                    }
                    Said::Good | Said::Unknown => {}
                }
            }
            What::Change(Change::Alarm { arn, state: AlarmState::Alarm })
            | What::Answered { arn, state: AlarmState::Alarm } => {
                seen.alarms.insert(arn.clone(), entry.at);
            }
            What::Change(Change::Primary(condition)) => {
                seen.silent_since = (!condition.controls).then(|| seen.silent_since.unwrap_or(entry.at));
                let well = *condition == Condition::WELL;
                seen.well_since = well.then(|| seen.well_since.unwrap_or(entry.at));
            }
            What::Appended(record) => match &record.event {
                Event::RunOpened { cause, .. } => {
                    // A record may be long on its way; what it says was so when it was written.
                    seen.opened_at = Some(record.at);
                    seen.by_evidence = *cause == Cause::Evidence;
                }
                Event::Committed { by: None, .. } | Event::ApprovalAsked { .. } if seen.by_evidence => {
                    seen.judge(history, record.at, entry.by)?;
                }
                _ => {}
            },
            _ => {}
        }
        if matches!(entry.what, What::Appended(_) | What::Ended { .. }) {
            seen.good_for_all = seen.good_for_all.max(seen.good.get(&entry.by).copied());
        }
    }
    Ok(())
}

impl Seen {
    fn judge(&self, history: &History, at: Timestamp, by: u32) -> Result<(), String> {
        let lately = |then: &Timestamp, within| at.duration_since(*then) <= within;
        let slack = SignedDuration::from_millis(i64::from(history.draw.faults.skew_ms) * 2 + 1_000);
        let mut kinds: BTreeSet<EvidenceKind> = self
            .bad
            .iter()
            .filter(|(_, then)| lately(then, SEEN_WITHIN + slack))
            .map(|(kind, _)| *kind)
            .collect();
        let mut outside = !kinds.is_empty();
        for (arn, then) in &self.alarms {
            let is_of_primary = arn.contains(&history.plan.sides.primary.region);
            // What the primary region's alarms last said holds for as long as it can't be asked.
            let until = self.silent_since.filter(|_| is_of_primary).unwrap_or(at).min(at);
            if until.duration_since(*then) <= HEARD_WITHIN {
                kinds.insert(EvidenceKind::Alarm);
                outside |= !is_of_primary;
            }
        }
        if kinds.len() < 2 || !outside {
            return Err(format!("at {at} a loss was believed, and only {kinds:?} had spoken"));
        }
        let window = SignedDuration::from_secs(i64::from(history.plan.detection.confirm_seconds));
        let held = self.opened_at.map_or(SignedDuration::ZERO, |opened| at.duration_since(opened));
        if held + slack < window {
            return Err(format!("at {at} a loss was believed after {held:#} of {window:#}"));
        }
        let was_well = self.well_since.is_some_and(|since| at.duration_since(since) >= window);
        let good = self.good_for_all.max(self.good.get(&by).copied());
        let was_seen = good.is_some_and(|then| lately(&then, SignedDuration::from_secs(30)));
        if was_well && was_seen {
            return Err(format!("at {at} a primary was taken for lost that was well and seen to be"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::good;

    #[test]
    fn a_loss_believed_on_one_witness_is_caught() {
        let mut history = good();
        history.entries.retain(|entry| {
            let is_alarm = matches!(&entry.what, What::Change(Change::Alarm { .. }));
            !is_alarm && !matches!(&entry.what, What::Saw { is_probe: true, said: Said::Bad, .. })
        });
        assert!(check(&history).is_err_and(|why| why.contains("had spoken")));
    }

    #[test]
    fn missing_data_taken_for_a_loss_is_caught() {
        let mut history = good();
        for entry in &mut history.entries {
            if let What::Saw { said, .. } = &mut entry.what {
                *said = Said::Unknown;
            }
        }
        assert!(check(&history).is_err_and(|why| why.contains("had spoken")));
    }

    #[test]
    fn a_window_cut_short_is_caught() {
        let mut history = good();
        let opened = history.place_of(|event| matches!(event, Event::RunOpened { .. }));
        let committed = history.place_of(|event| matches!(event, Event::Committed { .. }));
        history.record_at(committed).at = history.record_at(opened).at;
        assert!(check(&history).is_err_and(|why| why.contains("a loss was believed after")));
    }

    #[test]
    fn a_primary_that_is_well_and_taken_for_lost_is_caught() {
        let mut history = good();
        history.entries.retain(|entry| !matches!(&entry.what, What::Change(Change::Primary(_))));
        let committed = history.place_of(|event| matches!(event, Event::Committed { .. }));
        let name = protocol::name::Name::from("front-primary");
        history.put(committed, What::Saw { name: name.clone(), is_probe: true, said: Said::Good });
        assert!(check(&history).is_err_and(|why| why.contains("well and seen to be")));

        // Another instance saw it: that is known once that one has ended.
        history.entries[committed].by += 1;
        assert_eq!(check(&history), Ok(()));
        let by = history.entries[committed].by;
        history.put(committed + 1, What::Ended { answer: String::new() });
        history.entries[committed + 1].by = by;
        assert!(check(&history).is_err_and(|why| why.contains("well and seen to be")));
    }
}
