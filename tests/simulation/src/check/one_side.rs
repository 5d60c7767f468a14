//! Never two writable databases taking traffic: while a promoted database takes traffic in the recovery region, its
//! old primary takes none, whether or not its region answers just now. Where a person has said that the old side takes no
//! traffic, the open side is theirs to answer for; so it is where somebody else opens it (`reopened.rs` judges what follows).

use std::collections::BTreeSet;

use protocol::name::Name;

use super::ledger::{Ledger, Openness, needs_of};
use crate::history::{Change, Effect, History, What};

pub(super) fn check(history: &History) -> Result<(), String> {
    let plan = &history.plan;
    let needs: Vec<(&Name, BTreeSet<Name>)> =
        plan.routes.iter().map(|route| (&route.name, needs_of(plan, &route.name))).collect();
    let (mut ledger, mut open) = (Ledger::default(), Openness::at_rest(plan));
    let (mut promoted, mut cut_off) = (BTreeSet::new(), BTreeSet::new());
    for entry in &history.entries {
        match &entry.what {
            What::Appended(record) => ledger.take(record),
            What::Change(Change::Reopened { route }) => open.reopen(route, entry.at),
            What::Effect(effect) => {
                open.take(effect);
                match effect {
                    Effect::Promoted { database, accepted: true } => {
                        promoted.insert(database.clone());
                    }
                    Effect::Quarantined { database } => {
                        cut_off.insert(database.clone());
                    }
                    _ => {}
                }
            }
            _ => continue,
        }
        if ledger.overrides.override_fence {
            continue;
        }
        for database in promoted.difference(&cut_off) {
            let of_database = || needs.iter().filter(|(_, needs)| needs.contains(database));
            let is_ours = |route: &Name| open.reopened_at(route).is_none();
            let old = of_database().find(|(route, _)| open.is_primary_open(route) && is_ours(route));
            let new = of_database().find(|(route, _)| open.is_recovery_open(route));
            if let (Some((old, _)), Some((new, _))) = (old, new) {
                return Err(format!(
                    "at {} {database} takes traffic by {old} on the primary side and by {new} on the recovery side",
                    entry.at
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use protocol::side::Side;

    use super::*;
    use crate::check::fixture::good;

    #[test]
    fn a_primary_side_opened_again_beside_the_recovery_side_is_caught() {
        let mut history = good();
        let route = history.plan.routes[0].name.clone();
        history.add(What::Effect(Effect::Opened { route, side: Side::Primary, unready: vec![] }));
        let why = check(&history).expect_err("caught");
        assert!(why.contains("on the primary side and by"), "{why}");
    }

    #[test]
    fn a_fence_that_never_was_is_caught() {
        let mut history = good();
        history.entries.retain(|entry| {
            !matches!(
                &entry.what,
                What::Effect(
                    Effect::Opened { side: Side::Primary, .. } | Effect::Closed { side: Side::Primary, .. }
                )
            )
        });
        assert!(check(&history).is_err());
    }
}
