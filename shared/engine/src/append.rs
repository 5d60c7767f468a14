//! What becomes of a record that somebody wants to append?

use protocol::state::Illegality;

use crate::fault::Fault;

/// Most lost races for one record before the caller is told to come again.
pub(crate) const RACES_MAX: usize = 64;

/// What became of a record that somebody wanted to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It stands, with this sequence number.
    As(u64),
    /// It can no longer follow the journal.
    Illegal(Illegality),
}

/// There are too many writers.
pub(crate) fn busy(sentence: &str) -> Fault {
    Fault::new("journal_busy", format!("Too many concurrent writers, so this was not appended: {sentence}"))
}
