//! Sequence numbers go up by one, no attempt stands twice, and replaying the journal gives the state.

use std::collections::BTreeSet;

use protocol::state::fold;

use crate::history::History;

pub(super) fn check(history: &History) -> Result<(), String> {
    let mut attempts = BTreeSet::new();
    for (record, expected) in history.records().zip(1..) {
        if record.seq != expected {
            return Err(format!("record {} stands where {expected} should", record.seq));
        }
        if !attempts.insert(&record.attempt) {
            return Err(format!("{} stands twice", record.attempt));
        }
    }
    let replayed = fold(history.records()).map_err(|illegal| illegal.to_string())?;
    if replayed == history.end.state { Ok(()) } else { Err("replay is not the state".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::good;
    use crate::history::What;

    #[test]
    fn a_gap_is_caught() {
        let mut history = good();
        let place = history.place_of(|_| true);
        history.entries.remove(place);
        assert!(check(&history).is_err_and(|why| why.contains("stands where")));
    }

    #[test]
    fn an_attempt_that_stands_twice_is_caught() {
        let mut history = good();
        let last = history.records().last().expect("a record").clone();
        history.add(What::Appended(Box::new(protocol::journal::Record { seq: last.seq + 1, ..last })));
        assert!(check(&history).is_err_and(|why| why.contains("stands twice")));
    }

    #[test]
    fn a_state_that_is_not_the_journals_is_caught() {
        let mut history = good();
        history.end.state.holdings = protocol::state::holdings::Holdings::default();
        assert!(check(&history).is_err_and(|why| why.contains("not the state")));
    }
}
