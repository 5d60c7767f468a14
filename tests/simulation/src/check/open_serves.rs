//! Never open a region that can't serve: when a recovery side is opened, every database of the run and of earlier
//! runs is writable and every such fleet is healthy. A fleet that lost its room in the minute before is excused: no look
//! can be closer to the effect than the calls between them take.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use protocol::side::Side;

use super::ledger::Ledger;
use crate::history::{Change, Effect, History, What};

/// Longest time from the look to the effect: a look at the route, its closing, and the opening itself.
const LOOKED_BEFORE: SignedDuration = SignedDuration::from_secs(65);

pub(super) fn check(history: &History) -> Result<(), String> {
    let mut ledger = Ledger::default();
    let mut lost_room = BTreeMap::new();
    for entry in &history.entries {
        match &entry.what {
            What::Appended(record) => ledger.take(record),
            What::Change(Change::Room { fleet, has_room: false }) => {
                lost_room.insert(fleet.clone(), entry.at);
            }
            What::Effect(Effect::Opened { route, side: Side::Recovery, unready }) => {
                let late = |name: &&protocol::name::Name| {
                    let lost_at = lost_room.get(*name);
                    lost_at.is_none_or(|at| entry.at.duration_since(*at) > LOOKED_BEFORE)
                };
                if let Some(name) = unready.iter().filter(|name| ledger.must_serve(name)).find(late) {
                    return Err(format!("{route} was opened at {} while {name} could not serve", entry.at));
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

    fn opened_without(spoil: impl Fn(&mut History, usize)) -> Result<(), String> {
        let mut history = good();
        let place =
            history.place_of_effect(|effect| matches!(effect, Effect::Opened { side: Side::Recovery, .. }));
        spoil(&mut history, place);
        check(&history)
    }

    #[test]
    fn opening_with_a_database_that_is_not_writable_is_caught() {
        let why = opened_without(|history, place| {
            let database = history.plan.databases[0].name.clone();
            if let What::Effect(Effect::Opened { unready, .. }) = &mut history.entries[place].what {
                unready.push(database);
            }
        });
        assert!(why.is_err_and(|why| why.contains("could not serve")));
    }

    #[test]
    fn opening_with_a_fleet_that_lost_its_room_long_ago_is_caught() {
        let why = opened_without(|history, place| {
            let fleet = history.plan.fleets[0].name.clone();
            history.put(0, What::Change(Change::Room { fleet: fleet.clone(), has_room: false }));
            if let What::Effect(Effect::Opened { unready, .. }) = &mut history.entries[place + 1].what {
                unready.push(fleet);
            }
        });
        assert!(why.is_err());
    }
}
