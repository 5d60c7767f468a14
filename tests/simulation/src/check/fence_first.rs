//! Fence before promote: when a promotion begins, the primary side of every route of its run is closed, or a person
//! has passed that on purpose; and no function opens it again. Where somebody else has opened it a moment before, no look can
//! be closer to the promotion than the calls between them take.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use protocol::name::Name;
use protocol::side::Side;

use super::ledger::{Ledger, Openness};
use crate::history::{Change, Effect, History, What};

/// Longest time from the look to the effect: the look's own bound, and the promotion's call.
const LOOKED_BEFORE: SignedDuration = SignedDuration::from_secs(20);

pub(super) fn check(history: &History) -> Result<(), String> {
    let (mut ledger, mut open) = (Ledger::default(), Openness::at_rest(&history.plan));
    let mut closed_for_good = BTreeSet::new();
    for entry in &history.entries {
        match &entry.what {
            What::Appended(record) => ledger.take(record),
            What::Change(Change::Reopened { route }) => open.reopen(route, entry.at),
            What::Effect(effect) => {
                open.take(effect);
                match effect {
                    Effect::Promoted { database, accepted: true } if !ledger.overrides.override_fence => {
                        let is_late = |name: &&Name| {
                            let reopened = open.reopened_at(name);
                            reopened.is_none_or(|at| entry.at.duration_since(at) > LOOKED_BEFORE)
                        };
                        let mut open = ledger.scope.routes.iter().filter(|name| open.is_primary_open(name));
                        if let Some(open) = open.find(is_late) {
                            return Err(format!(
                                "{database} was promoted at {} while {open} was open",
                                entry.at
                            ));
                        }
                        closed_for_good.extend(ledger.scope.routes.iter().cloned());
                    }
                    Effect::Opened { route, side: Side::Primary, .. } if closed_for_good.contains(route) => {
                        return Err(format!("{route} was opened again at {} after a promotion", entry.at));
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
    use super::*;
    use crate::check::fixture::good;

    #[test]
    fn a_promotion_without_a_fence_is_caught() {
        let mut history = good();
        let place = history.place_of_effect(|effect| matches!(effect, Effect::Closed { .. }));
        history.entries.remove(place);
        assert!(check(&history).is_err_and(|why| why.contains("was promoted at")));
    }

    fn reopened_before_the_promotion(seconds: i64) -> Result<(), String> {
        let mut history = good();
        let route = history.plan.routes[0].name.clone();
        let place = history.place_of_effect(|effect| matches!(effect, Effect::Promoted { .. }));
        let at = history.entries[place].at - SignedDuration::from_secs(seconds);
        let place = history.entries.iter().position(|entry| entry.at >= at).expect("a place");
        history.put(place, What::Change(Change::Reopened { route }));
        history.entries[place].at = at;
        // Whatever closed it before.
        history.entries[place..]
            .iter_mut()
            .filter(|entry| {
                matches!(
                    &entry.what,
                    What::Effect(
                        Effect::Opened { side: Side::Primary, .. }
                            | Effect::Closed { side: Side::Primary, .. }
                    )
                )
            })
            .for_each(|entry| entry.what = What::TimedOut);
        // What is promoted later is another matter.
        let promoted = history.place_of_effect(|effect| matches!(effect, Effect::Promoted { .. }));
        history.entries.truncate(promoted + 1);
        check(&history)
    }

    #[test]
    fn a_promotion_long_after_somebody_opened_the_side_is_caught_and_a_moment_after_is_not() {
        assert!(reopened_before_the_promotion(30).is_err_and(|why| why.contains("was promoted at")));
        assert_eq!(reopened_before_the_promotion(0), Ok(()));
    }

    #[test]
    fn a_side_opened_again_after_the_promotion_is_caught() {
        let mut history = good();
        let route = history.plan.routes[0].name.clone();
        let place = history.place_of_effect(|effect| matches!(effect, Effect::Promoted { .. }));
        let opened = Effect::Opened { route, side: Side::Primary, unready: vec![] };
        history.put(place + 1, What::Effect(opened));
        assert!(check(&history).is_err_and(|why| why.contains("opened again")));
    }
}
