//! No panic, no illegal decision, no deciding without end, no journal that can't be folded.

use crate::history::{History, What};

/// Codes of faults that only an error of ours can bring about.
const CODES: [&str; 4] = ["illegal_decision", "no_rest", "plan_invalid", "not_my_step"];

pub(super) fn check(history: &History) -> Result<(), String> {
    for entry in &history.entries {
        match &entry.what {
            What::Panicked => return Err(format!("instance {} panicked at {}", entry.by, entry.at)),
            What::Ended { answer } => {
                let is_ours = CODES.iter().any(|code| answer.starts_with(&format!("ERROR {code}:")));
                if is_ours || answer.contains("cannot follow the journal") {
                    return Err(format!("instance {} answered at {}: {answer}", entry.by, entry.at));
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
    fn a_panic_an_illegal_decision_and_an_unfoldable_journal_are_caught() {
        for bad in [
            What::Panicked,
            What::Ended { answer: "ERROR no_rest: The decision loop does not settle".to_owned() },
            What::Ended { answer: "ERROR journal_unreadable: record 3 cannot follow the journal".to_owned() },
        ] {
            let mut history = good();
            history.add(bad);
            assert!(check(&history).is_err());
        }
    }
}
