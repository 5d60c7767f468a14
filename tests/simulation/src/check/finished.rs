//! A finished run never changes: no record belongs to it any more. And one run at a time: none begins before the last
//! is over. The cutting off of an old primary is no part of the run: it only bears the number of the run that left the
//! primary behind (decision 0014).

use protocol::command::Step;
use protocol::journal::Event;

use crate::history::History;

pub(super) fn check(history: &History) -> Result<(), String> {
    let (mut active, mut finished) = (None, Vec::new());
    for record in history.records() {
        if let Some(run) = record
            .run
            .filter(|run| finished.contains(run) && !record.event.step().is_some_and(Step::is_cleanup))
        {
            return Err(format!("record {} changes run {run}, which is over", record.seq));
        }
        match &record.event {
            Event::RunOpened { .. } => {
                if let Some(other) = active {
                    return Err(format!("run {} began while run {other} was under way", record.seq));
                }
                active = Some(record.seq);
            }
            Event::Aborted { .. } | Event::Completed { .. } => {
                finished.extend(record.run);
                active = None;
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
    fn a_record_after_the_end_of_its_run_is_caught() {
        let mut history = good();
        let place = history.place_of(|event| matches!(event, Event::StepIntended { .. }));
        let late = history.entries[place].what.clone();
        history.add(late);
        assert!(check(&history).is_err_and(|why| why.contains("which is over")));
    }

    #[test]
    fn a_second_run_beside_the_first_is_caught() {
        let mut history = good();
        let place = history.place_of(|event| matches!(event, Event::RunOpened { .. }));
        let again = history.entries[place].what.clone();
        history.put(place + 1, again);
        assert!(check(&history).is_err_and(|why| why.contains("was under way")));
    }
}
