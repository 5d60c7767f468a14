//! At most one promotion of a database, and none asked for once it was seen to be done.

use std::collections::BTreeSet;

use protocol::command::Step;
use protocol::journal::Event;

use crate::history::{Effect, History, What};

pub(super) fn check(history: &History) -> Result<(), String> {
    let (mut promoted, mut done) = (BTreeSet::new(), BTreeSet::new());
    for entry in &history.entries {
        match &entry.what {
            What::Appended(record) => {
                if let Event::StepDone { step: Step::Promote, subjects, .. } = &record.event {
                    done.extend(subjects.iter().map(|done| done.subject.clone()));
                }
            }
            What::Effect(Effect::Promoted { database, accepted }) => {
                if *accepted && !promoted.insert(database.clone()) {
                    return Err(format!("{database} was promoted twice, again at {}", entry.at));
                }
                if done.contains(database) {
                    return Err(format!("{database} was done, and its promotion asked for at {}", entry.at));
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
    fn a_second_promotion_is_caught() {
        let mut history = good();
        let place = history.place_of_effect(|effect| matches!(effect, Effect::Promoted { .. }));
        let again = history.entries[place].what.clone();
        history.put(place, again);
        assert!(check(&history).is_err_and(|why| why.contains("promoted twice")));
    }

    #[test]
    fn a_promotion_asked_for_after_it_was_done_is_caught() {
        let mut history = good();
        let database = history.plan.databases[0].name.clone();
        history.add(What::Effect(Effect::Promoted { database, accepted: false }));
        assert!(check(&history).is_err_and(|why| why.contains("was done")));
    }
}
