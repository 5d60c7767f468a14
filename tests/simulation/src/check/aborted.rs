//! An aborted run leaves the primary open and nothing promoted: in the end, what no completed run moved is as it was on
//! a good day. Judged when no run is under way.

use protocol::endpoint::Endpoint;
use protocol::plan::Route;
use protocol::side::Sides;

use super::ledger::Ledger;
use crate::history::{Effect, History, What};

pub(super) fn check(history: &History) -> Result<(), String> {
    let mut ledger = Ledger::default();
    history.records().for_each(|record| ledger.take(record));
    if ledger.run != 0 && !ledger.over {
        return Ok(());
    }
    for entry in &history.entries {
        if let What::Effect(Effect::Promoted { database, accepted: true }) = &entry.what
            && !ledger.moved.contains(database)
        {
            return Err(format!("{database} was promoted at {}, and no run completed with it", entry.at));
        }
    }
    for route in history.plan.routes.iter().filter(|route| !ledger.moved.contains(&route.name)) {
        let found = history.end.endpoints.iter().find(|(name, _)| *name == route.name);
        if found.is_none_or(|(_, endpoints)| *endpoints != at_rest(route)) {
            return Err(format!("{} was not moved, and its endpoints are {found:?}", route.name));
        }
    }
    for (fleet, size) in history.end.sizes.iter().filter(|(fleet, _)| !ledger.moved.contains(fleet)) {
        if *size > 0 {
            return Err(format!("fleet {fleet} was not moved, and has the size {size}"));
        }
    }
    Ok(())
}

fn at_rest(route: &Route) -> Sides<Endpoint> {
    Sides { primary: Endpoint::Open(route.sides.primary.setting()), recovery: Endpoint::Closed }
}

#[cfg(test)]
mod tests {
    use protocol::journal::{AbortCause, Event};

    use super::*;
    use crate::check::fixture::good;

    /// The good run, as if it had been aborted instead of completed.
    fn aborted() -> History {
        let mut history = good();
        let place = history.place_of(|event| matches!(event, Event::Completed { .. }));
        history.record_at(place).event = Event::Aborted { cause: AbortCause::Evidence, quiet: false };
        history
    }

    #[test]
    fn a_promotion_of_an_aborted_run_is_caught() {
        assert!(check(&aborted()).is_err_and(|why| why.contains("no run completed with it")));
    }

    #[test]
    fn a_side_that_an_aborted_run_left_closed_is_caught() {
        let mut history = aborted();
        history.entries.retain(|entry| !matches!(entry.what, What::Effect(_)));
        assert!(check(&history).is_err_and(|why| why.contains("its endpoints are")));
    }

    #[test]
    fn a_fleet_that_an_aborted_run_left_running_is_caught() {
        let mut history = aborted();
        history.entries.retain(|entry| !matches!(entry.what, What::Effect(_)));
        history.end.endpoints =
            history.plan.routes.iter().map(|route| (route.name.clone(), at_rest(route))).collect();
        assert!(check(&history).is_err_and(|why| why.contains("has the size")));
    }
}
