//! A primary side that somebody else opened does not stay open in silence: in the end a function has closed it again, or the
//! journal has it as open and people were told, or a run that could not go on without a person says so.

use jiff::SignedDuration;
use protocol::journal::Event;

use super::ledger::{Ledger, Openness};
use crate::history::{Change, History, What};

/// A tick looks once a minute; some are lost. What was opened later than this before the end may not have been seen.
const SEEN_WITHIN: SignedDuration = SignedDuration::from_secs(190);

pub(super) fn check(history: &History) -> Result<(), String> {
    let (mut ledger, mut open) = (Ledger::default(), Openness::at_rest(&history.plan));
    for entry in &history.entries {
        match &entry.what {
            What::Appended(record) => ledger.take(record),
            What::Change(Change::Reopened { route }) => open.reopen(route, entry.at),
            What::Effect(effect) => open.take(effect),
            _ => {}
        }
    }
    let Some(end) = history.entries.last().map(|entry| entry.at) else { return Ok(()) };
    for route in ledger.moved.iter().filter(|name| open.is_primary_open(name)) {
        let Some(opened_at) = open.reopened_at(route) else { continue };
        let is_known = history.records().any(|record| match &record.event {
            Event::FenceLost { routes } => {
                record.run.is_none() && routes.iter().any(|lost| lost.route == *route)
            }
            _ => false,
        });
        if !is_known && end.duration_since(opened_at) > SEEN_WITHIN {
            return Err(format!("{route} was opened by somebody else at {opened_at}, and nobody was told"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::good;

    fn opened_in_the_end(seconds: i64) -> Result<(), String> {
        let mut history = good();
        let route = history.plan.routes[0].name.clone();
        history.add(What::Change(Change::Reopened { route }));
        history.add(What::TimedOut);
        if let Some(last) = history.entries.last_mut() {
            last.at += SignedDuration::from_secs(seconds);
        }
        check(&history)
    }

    #[test]
    fn a_side_that_stays_open_in_silence_is_caught() {
        assert!(opened_in_the_end(200).is_err_and(|why| why.contains("nobody was told")));
    }

    #[test]
    fn a_side_that_was_opened_a_moment_ago_is_not_judged_yet() {
        assert_eq!(opened_in_the_end(10), Ok(()));
    }
}
