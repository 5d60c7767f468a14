//! No abort after a promotion was intended.

use std::collections::BTreeSet;

use protocol::command::Step;
use protocol::journal::Event;

use crate::history::History;

pub(super) fn check(history: &History) -> Result<(), String> {
    let mut past_return = BTreeSet::new();
    for record in history.records() {
        match &record.event {
            Event::StepIntended { step: Step::Promote, .. } => {
                past_return.extend(record.run);
            }
            Event::AbortBegan { .. } | Event::Aborted { .. }
                if record.run.is_some_and(|run| past_return.contains(&run)) =>
            {
                return Err(format!("record {} aborts a run that intended a promotion", record.seq));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use protocol::journal::AbortCause;

    use super::*;
    use crate::check::fixture::good;

    #[test]
    fn an_abort_after_a_promotion_was_intended_is_caught() {
        let is_promotion = |event: &Event| matches!(event, Event::StepIntended { step: Step::Promote, .. });
        for event in [
            Event::AbortBegan { cause: AbortCause::Evidence, quiet: false },
            Event::Aborted { cause: AbortCause::Evidence, quiet: false },
        ] {
            let mut history = good();
            let place = history.place_of(is_promotion);
            let abort = history.like(place, event);
            history.put(place + 1, abort);
            assert!(check(&history).is_err());
        }
    }
}
