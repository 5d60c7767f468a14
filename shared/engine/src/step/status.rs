//! What does a step see of an item, and what may stand against its effects?

use ports::{Failure, FailureKind};
use protocol::journal::Event;

/// What a step sees of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepStatus {
    /// The effect stands.
    Done {
        /// What was seen.
        detail: String,
    },
    /// The effect is on its way, or can't be brought about just now.
    InProgress {
        /// What is waited for.
        note: String,
    },
    /// The effect is yet to be brought about.
    Pending {
        /// What an undo needs to know; noted before the effect.
        before: Option<String>,
    },
    /// No waiting helps.
    Failed {
        /// A stable code.
        code: &'static str,
        /// What is wrong and what helps.
        message: String,
    },
}

/// Why effects don't begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// What must hold before them is not known just now; they are tried again with the next look.
    Unknown {
        /// What is waited for.
        note: String,
    },
    /// What must hold before them does not. That is written down, and the items are let go of until it is mended.
    Undone {
        /// What is written down.
        event: Box<Event>,
        /// What it says to people.
        sentence: String,
        /// Why the items are let go of.
        note: String,
    },
    /// Only a person can mend it.
    Failed {
        /// A stable code.
        code: &'static str,
        /// What is wrong and what helps.
        message: String,
    },
}

/// What a failure that no waiting mends is called, and what is said of it.
#[must_use]
pub fn for_a_person(failure: &Failure) -> (&'static str, String) {
    match failure.kind {
        FailureKind::Denied => {
            let (action, message) = (failure.action, &failure.message);
            ("denied", format!("{action} was denied; allow it in the function's role: {message}"))
        }
        FailureKind::Missing => ("missing", failure.to_string()),
        _ => ("invalid", failure.to_string()),
    }
}
