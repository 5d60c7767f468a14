//! An intent stands before every effect, in the name of whoever brings it about. Taking an effect of one's own back, when
//! its run ended meanwhile, needs no intent beyond that of the effect.

use protocol::command::Step;
use protocol::name::Name;
use protocol::side::Side;

use super::ledger::Ledger;
use crate::history::{Effect, History, What};

pub(super) fn check(history: &History) -> Result<(), String> {
    let mut ledger = Ledger::default();
    for entry in &history.entries {
        match &entry.what {
            What::Appended(record) => ledger.take(record),
            What::Effect(effect) => {
                let writer = history.writer(entry.by).unwrap_or_default();
                let (subject, steps) = allowed_by(effect);
                if !steps.iter().any(|step| ledger.has_intended(*step, subject, writer)) {
                    return Err(format!("{writer} did {effect:?} at {} without an intent", entry.at));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The steps of which one must have been intended before an effect.
fn allowed_by(effect: &Effect) -> (&Name, &'static [Step]) {
    match effect {
        Effect::Promoted { database, .. } => (database, &[Step::Promote]),
        Effect::Quarantined { database } => (database, &[Step::Quarantine]),
        Effect::Closed { route, side: Side::Primary } => (route, &[Step::Fence, Step::Open, Step::Unfence]),
        Effect::Opened { route, side: Side::Primary, .. } => (route, &[Step::Unfence, Step::Fence]),
        Effect::Closed { route, side: Side::Recovery }
        | Effect::Opened { route, side: Side::Recovery, .. } => (route, &[Step::Open]),
        Effect::Resized { fleet, .. } => (fleet, &[Step::Scale, Step::Restore]),
    }
}

#[cfg(test)]
mod tests {
    use protocol::journal::Event;

    use super::*;
    use crate::check::fixture::good;

    #[test]
    fn an_effect_without_an_intent_is_caught_whichever_it_is() {
        for step in [Step::Scale, Step::Fence, Step::Promote, Step::Open] {
            let mut history = good();
            history.entries.retain(|entry| match &entry.what {
                What::Appended(record) => {
                    !matches!(&record.event, Event::StepIntended { step: intended, .. } if *intended == step)
                }
                _ => true,
            });
            assert!(check(&history).is_err_and(|why| why.contains("without an intent")), "{step}");
        }
    }

    #[test]
    fn an_intent_of_somebody_else_is_not_enough() {
        let mut history = good();
        let is_promotion = |event: &Event| matches!(event, Event::StepIntended { step: Step::Promote, .. });
        let place = history.place_of(is_promotion);
        history.record_at(place).writer = "promote-replica/9999".to_owned();
        assert!(check(&history).is_err());
    }

    #[test]
    fn an_intent_that_comes_after_its_effect_is_caught() {
        let mut history = good();
        let place = history.place_of_effect(|effect| matches!(effect, Effect::Promoted { .. }));
        let effect = history.entries.remove(place);
        history.entries.insert(0, effect);
        assert!(check(&history).is_err());
    }
}
