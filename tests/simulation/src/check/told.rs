//! People are told of everything that they should know, above all when a run needs an operator: a notice with the
//! sentence of the record goes out after it.

use std::collections::BTreeMap;

use protocol::journal::Event;

use crate::history::{History, What};

pub(super) fn check(history: &History) -> Result<(), String> {
    // Several records may have the same sentence: a notice tells of all that stand.
    let mut untold: BTreeMap<u64, String> = BTreeMap::new();
    for entry in &history.entries {
        match &entry.what {
            What::Appended(record) if record.event.is_notable() => {
                untold.insert(record.seq, record.sentence.clone());
            }
            What::Appended(record) => {
                if let Event::Noticed { of } = &record.event
                    && untold.contains_key(of)
                {
                    return Err(format!(
                        "record {} says that people were told of {of}, and they were not",
                        record.seq
                    ));
                }
            }
            What::Told { text } => {
                untold.retain(|_, sentence| sentence != text);
            }
            _ => {}
        }
    }
    match untold.first_key_value() {
        None => Ok(()),
        Some((seq, sentence)) => Err(format!("nobody was told of record {seq}: {sentence}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::good;

    #[test]
    fn a_notice_that_never_went_out_is_caught() {
        let mut history = good();
        history.entries.retain(|entry| !matches!(entry.what, What::Told { .. }));
        assert!(check(&history).is_err_and(|why| why.contains("they were not")));
        let noticed = |what: &What| matches!(what, What::Appended(record) if matches!(record.event, Event::Noticed { .. }));
        history.entries.retain(|entry| !noticed(&entry.what));
        assert!(check(&history).is_err_and(|why| why.contains("nobody was told")));
    }
}
