//! A snapshot of the state is what the journal amounts to up to its record, whoever takes it and whatever goes wrong.

use crate::history::{History, What};

pub(super) fn check(history: &History) -> Result<(), String> {
    let wrong = history.entries.iter().find_map(|entry| match entry.what {
        What::Kept { seq, is_true: false, .. } => Some((entry.by, seq)),
        _ => None,
    });
    match wrong {
        Some((by, seq)) => Err(format!("instance {by} kept a wrong one after record {seq}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::good;

    #[test]
    fn a_snapshot_of_something_else_is_caught() {
        let mut history = good();
        history.add(What::Kept { seq: 3, is_true: true, is_torn: true });
        assert_eq!(check(&history), Ok(()), "what is torn is noticed by whoever reads it");
        history.add(What::Kept { seq: 5, is_true: false, is_torn: false });
        assert!(check(&history).is_err_and(|why| why.contains("record 5")));
    }
}
