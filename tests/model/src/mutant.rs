//! Which guard is taken out? Each mutant changes the wiring of the model, never the production code.

/// One guard less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutant {
    /// A record is written whether or not its number is taken.
    BlindAppend,
    /// A writer whose acknowledgement was lost does not recognise its own record.
    ForgottenAppend,
    /// Each delivery of an alarm's message counts as a new change.
    NoDedup,
    /// A command is carried out without asking the journal whether it is due.
    BelievedCommand,
    /// Runs begin with the fence passed, though nobody passed it.
    NoFence,
    /// The fence sets the dial of the group and believes that.
    DialForWeight,
    /// What must serve is remembered, not looked at, when a route opens.
    UnverifiedOpen,
    /// A worker does not ask whether it still holds what it took.
    IgnoredLease,
    /// The tick never comes.
    NoTick,
    /// The tick does not look at the world.
    BlindTick,
    /// The confirm window has no length.
    NoWindow,
    /// The lag limit is out of reach.
    NoLagGate,
    /// Lag that is not known counts as none.
    UnknownLagIsZero,
    /// What one witness says is taken for two.
    OneWitness,
    /// What can't be asked counts as dead.
    SilenceIsDeath,
    /// Vetoes are not seen.
    NoVeto,
    /// Who aborts forgets that a promotion was intended.
    AbortAfterIntent,
    /// The intent is written after the effect.
    ActBeforeIntent,
    /// A late fence is taken back whatever became of the run.
    BlindTakeBack,
    /// A worker acts though nothing was noted for the undo.
    ActWithoutNote,
    /// The journal loses what an undo needs.
    LossyJournal,
    /// A notice is noted and not sent.
    SilentNotice,
    /// Another run may be opened beside the one under way.
    TwoRuns,
    /// A run that is over takes records.
    OpenEnd,
    /// After the route was opened a run may still be aborted.
    AbortAfterOpening,
}
