//! No promotion past the data-loss gate without a person's word: every promotion that is intended has an estimate within
//! the limit, made of a sample that was really taken, or `allow_data_loss` from somebody with a name.

use std::collections::BTreeMap;

use protocol::command::Step;
use protocol::journal::{DataLoss, Event};

use super::ledger::Ledger;
use crate::history::{Change, History, What};

pub(super) fn check(history: &History) -> Result<(), String> {
    let limit_ms = u64::from(history.plan.limits.lag_seconds_max) * 1_000;
    let mut ledger = Ledger::default();
    let mut samples = BTreeMap::new();
    for entry in &history.entries {
        match &entry.what {
            What::Change(Change::Lag { lag_ms }) => {
                samples.insert(entry.at, *lag_ms);
            }
            What::Appended(record) => {
                ledger.take(record);
                let is_made_up = |loss: &&DataLoss| {
                    let sample = loss.sampled_at.and_then(|at| samples.get(&at));
                    loss.within_limit
                        && (sample.copied() != loss.lag_ms || loss.lag_ms.is_none_or(|ms| ms > limit_ms))
                };
                match &record.event {
                    Event::Committed { data_loss, by, overrides, .. } => {
                        if let Some(loss) = data_loss.iter().find(is_made_up) {
                            return Err(format!("record {} estimates {loss:?}", record.seq));
                        }
                        if overrides.allow_data_loss && by.is_none() {
                            return Err(format!("record {} allows data loss by nobody's word", record.seq));
                        }
                    }
                    Event::StepIntended { step: Step::Promote, subjects, .. } => {
                        let blocked = subjects.iter().find(|name| ledger.gate.get(*name) != Some(&true));
                        if let Some(name) = blocked.filter(|_| !ledger.overrides.allow_data_loss) {
                            return Err(format!("record {} promotes {name} past the gate", record.seq));
                        }
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use protocol::operator::Overrides;

    use super::*;
    use crate::check::fixture::good;

    fn spoiled(spoil: impl Fn(&mut Vec<DataLoss>, &mut Overrides)) -> Result<(), String> {
        let mut history = good();
        let place = history.place_of(|event| matches!(event, Event::Committed { .. }));
        if let Event::Committed { data_loss, overrides, .. } = &mut history.record_at(place).event {
            spoil(data_loss, overrides);
        }
        check(&history)
    }

    #[test]
    fn a_promotion_whose_gate_was_closed_is_caught() {
        let why = spoiled(|losses, _| losses[0].within_limit = false);
        assert!(why.is_err_and(|why| why.contains("past the gate")));
    }

    #[test]
    fn an_estimate_of_a_sample_that_was_never_taken_is_caught() {
        let why = spoiled(|losses, _| losses[0].lag_ms = Some(59_999));
        assert!(why.is_err_and(|why| why.contains("estimates")));
    }

    #[test]
    fn data_loss_that_nobody_allowed_is_caught() {
        let why = spoiled(|_, overrides| overrides.allow_data_loss = true);
        assert!(why.is_err_and(|why| why.contains("nobody's word")));
    }
}
