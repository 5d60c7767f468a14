//! What became of a decision?

use ports::Failure;

/// What became of a decision.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What was done: the sentences of the actions.
    pub(crate) done: Vec<String>,
    /// What the next invocation tries again, and why.
    pub(crate) put_off: Vec<String>,
    /// What only a person can help.
    pub(crate) failed: Vec<String>,
}

impl Outcome {
    /// Sorts what did not work by whether trying again can help.
    pub(crate) fn put_off(&mut self, sentence: String, failure: &Failure) {
        if failure.can_retry() { self.put_off.push(sentence) } else { self.failed.push(sentence) }
    }
}
