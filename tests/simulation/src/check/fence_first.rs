//! Fence before promote: when a promotion begins, the primary side of every route of its run has weight 0, or a person
//! has passed that on purpose; and it stays so.

use std::collections::BTreeSet;

use ports::Side;

use super::ledger::{Ledger, Weights};
use crate::history::{Effect, History, What};

pub(super) fn check(history: &History) -> Result<(), String> {
    let (mut ledger, mut weights) = (Ledger::default(), Weights::at_rest(&history.plan));
    let mut closed_for_good = BTreeSet::new();
    for entry in &history.entries {
        match &entry.what {
            What::Appended(record) => ledger.take(record),
            What::Effect(effect) => {
                weights.take(effect);
                match effect {
                    Effect::Promoted { database, accepted: true } if !ledger.overrides.override_fence => {
                        if let Some(open) =
                            ledger.scope.routes.iter().find(|name| weights.is_primary_open(name))
                        {
                            return Err(format!(
                                "{database} was promoted at {} while {open} was open",
                                entry.at
                            ));
                        }
                        closed_for_good.extend(ledger.scope.routes.iter().cloned());
                    }
                    Effect::Weighed { route, side: Side::Primary, weight: 1.., .. }
                        if closed_for_good.contains(route) =>
                    {
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
        let place = history.place_of_effect(|effect| matches!(effect, Effect::Weighed { weight: 0, .. }));
        history.entries.remove(place);
        assert!(check(&history).is_err_and(|why| why.contains("was promoted at")));
    }

    #[test]
    fn a_side_opened_again_after_the_promotion_is_caught() {
        let mut history = good();
        let route = history.plan.routes[0].name.clone();
        let place = history.place_of_effect(|effect| matches!(effect, Effect::Promoted { .. }));
        let weighed = Effect::Weighed { route, side: Side::Primary, weight: 128, unready: vec![] };
        history.put(place + 1, What::Effect(weighed));
        assert!(check(&history).is_err_and(|why| why.contains("opened again")));
    }
}
