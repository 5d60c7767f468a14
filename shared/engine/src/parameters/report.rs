//! What a pass amounts to, in one sentence.

use protocol::maintenance::PassOutcome;
use protocol::parameters::direction::CopyRegions;
use serde_json::{Value, json};

use super::why;
use crate::fault::Fault;

/// Most troubles that a sentence spells out.
const TROUBLES_SHOWN: usize = 8;

/// What a pass did.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    pub(super) made: usize,
    pub(super) written: usize,
    pub(super) retouched: usize,
    pub(super) deleted: usize,
    pub(super) same: usize,
    pub(super) overridden: usize,
    /// What differs still, and will be looked at by the next pass.
    pub(super) left: usize,
    /// Why the pass ended before everything was written.
    pub(super) ended: Option<String>,
    /// What a person must see to: blocked, failed, missing.
    pub(super) troubles: Vec<String>,
}

impl Report {
    /// The answer; an error where a person must see to something.
    pub(super) fn answer(self, direction: &CopyRegions) -> Result<Value, Fault> {
        let sentence = self.sentence(direction);
        if !self.troubles.is_empty() {
            return Err(Fault::new("not_all_copied", sentence));
        }
        Ok(json!({
            "sentence": sentence,
            "from": direction.from,
            "to": direction.to,
            "made": self.made,
            "written": self.written,
            "retouched": self.retouched,
            "deleted": self.deleted,
            "same": self.same,
            "overridden": self.overridden,
            "left": self.left,
        }))
    }

    /// What the readiness is told of it.
    pub(super) fn outcome(&self) -> PassOutcome {
        let copied = self.made + self.written + self.retouched;
        PassOutcome::Compared {
            same: self.same + copied,
            overridden: self.overridden,
            differing: self.left + self.troubles.len(),
            why: self.troubles.first().or(self.ended.as_ref()).map(|text| why(text)),
        }
    }

    fn sentence(&self, direction: &CopyRegions) -> String {
        let CopyRegions { from, to } = direction;
        let Self { made, written, retouched, deleted, same, overridden, left, .. } = self;
        let rest = match &self.ended {
            Some(why) => format!("; {left} wait for the next pass: {}.", why.trim_end_matches('.')),
            None if *left > 0 => format!("; {left} changed during the pass and wait for the next one."),
            None => ".".to_owned(),
        };
        let done = format!(
            "Parameters of {from} were copied to {to}: {made} created, {written} updated, {retouched} tagged \
             or labelled, {deleted} deleted; {same} are the same, {overridden} differ on purpose{rest}"
        );
        let mut parts = vec![done];
        let troubles = self.troubles.iter().take(TROUBLES_SHOWN);
        parts.extend(troubles.map(|trouble| format!("{}.", trouble.trim_end_matches('.'))));
        if let more @ 1.. = self.troubles.len().saturating_sub(TROUBLES_SHOWN) {
            parts.push(format!("And {more} more: run drift to list them."));
        }
        parts.join(" ")
    }
}
