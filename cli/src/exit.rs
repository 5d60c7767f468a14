//! How did it end? One number for each way that a script must tell from the others.

/// How an invocation of the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for is done.
    Done = 0,
    /// It was refused, or it failed for a reason that is known.
    Refused = 1,
    /// The line can't be understood, or does not say enough.
    Usage = 2,
    /// A person is needed: a run waits, or only somebody can help.
    NeedsOperator = 3,
    /// A failover would fail or lose data; or the two regions differ.
    NotReady = 4,
    /// The answer was lost: nobody knows what became of the command.
    Unknown = 5,
    /// The time for waiting is over. The run goes on.
    TimedOut = 6,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Why there is no answer to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// How the program ends.
    pub exit: Exit,
    /// The function's code, or one of the program's own.
    pub code: String,
    /// What went wrong and what to do, in one sentence.
    pub sentence: String,
}

impl Unanswered {
    /// The line does not say enough.
    pub fn usage(sentence: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, code: "usage".to_owned(), sentence: sentence.into() }
    }

    /// It can't be done, and nothing was done.
    pub fn refused(code: &str, sentence: impl Into<String>) -> Self {
        Self { exit: Exit::Refused, code: code.to_owned(), sentence: sentence.into() }
    }
}
