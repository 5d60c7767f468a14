//! Which guard is taken out? Each mutant changes the wiring of the model, never the production code.

use crate::cloud::Lag;
use crate::config::{Config, Stage};
use crate::plan::Databases;
use crate::world::May;

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
    /// Who could not be asked is forgotten.
    Unheard,
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
    /// A decision that lost its race is written behind the winner as it is.
    OldDecision,
    /// After the route was opened a run may still be aborted.
    AbortAfterOpening,
    /// A hold is not seen.
    NoHold,
    /// What an item waits for is not waited for.
    NoAfter,
    /// The primary side is not looked at again before a promotion.
    BelievedFence,
    /// What was seen before the intent is believed however long ago that was.
    OldSight,
    /// An intent that lost its race is written behind the winner as it is.
    OldClaim,
    /// A worker ends without letting go of what it holds.
    SilentEnd,
}

/// A mutant, where it is let loose, and the property that must catch it.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// The guard that is taken out.
    pub mutant: Mutant,
    /// The property that must be broken.
    pub caught_by: &'static str,
    /// Where.
    pub config: Config,
}

/// Every mutant.
#[must_use]
pub fn hunts() -> Vec<Hunt> {
    use crate::property::{S1, S2, S3, S4, S5, S6, S7, S8, S9, S17, S18, S19, S20};
    let base = Config::bare();
    let moving = Config { stage: Stage::Moving, ..base.clone() };
    let calm = Config { stage: Stage::Calm, ..base.clone() };
    let hunt = |mutant, caught_by, config: &Config, may| Hunt {
        mutant,
        caught_by,
        config: Config { may, ..config.clone() },
    };
    let large = Config { lag: Lag::Large, ..base.clone() };
    let unknown = Config { lag: Lag::Unknown, ..base.clone() };
    let cut = Config { stage: Stage::Cut, ..base.clone() };
    let without_database = Config { databases: Databases::None, ..moving.clone() };
    let row = Config { databases: Databases::InARow, ..moving.clone() };
    let mut hunts = vec![
        hunt(Mutant::BlindTakeBack, S1, &cut, &[(May::Stall, 1)]),
        hunt(Mutant::BelievedCommand, S2, &base, &[(May::Duplicate, 1)]),
        hunt(Mutant::IgnoredLease, S2, &moving, &[(May::Stall, 1)]),
        hunt(Mutant::ActBeforeIntent, S2, &moving, &[]),
        hunt(Mutant::UnverifiedOpen, S3, &moving, &[(May::FleetDies, 1)]),
        hunt(Mutant::OpenEnd, S4, &moving, &[(May::Stall, 1)]),
        hunt(Mutant::ActWithoutNote, S5, &calm, &[(May::Failover, 1), (May::Abort, 1), (May::Stale, 1)]),
        hunt(Mutant::AbortAfterOpening, S5, &without_database, &[(May::Abort, 1), (May::Crash, 1)]),
        hunt(Mutant::NoFence, S6, &base, &[]),
        hunt(Mutant::DialForWeight, S6, &base, &[]),
        hunt(Mutant::NoLagGate, S7, &large, &[]),
        hunt(Mutant::UnknownLagIsZero, S7, &unknown, &[]),
        hunt(Mutant::BlindAppend, S8, &moving, &[(May::Stall, 1)]),
        hunt(Mutant::LossyJournal, S9, &base, &[]),
        hunt(Mutant::NoHold, S17, &calm, &[(May::Hold, 1), (May::Alarm, 1)]),
        hunt(Mutant::NoAfter, S18, &row, &[]),
        hunt(Mutant::BelievedFence, S6, &moving, &[(May::Reopen, 1)]),
        hunt(Mutant::OldClaim, S20, &cut, &[(May::Stall, 1), (May::Deny, 1)]),
        hunt(Mutant::OldSight, S19, &moving, &[(May::Stall, 1)]),
    ];
    hunts.extend(hunts_of_decisions(&base, &moving, &calm));
    hunts
}

/// The mutants of what is decided, heard and told.
fn hunts_of_decisions(base: &Config, moving: &Config, calm: &Config) -> Vec<Hunt> {
    use crate::property::{L1, L2, L3, L4, S10, S11, S12, S13, S14, S15, S16};
    let hunt = |mutant, caught_by, config: &Config, may| Hunt {
        mutant,
        caught_by,
        config: Config { may, ..config.clone() },
    };
    vec![
        hunt(Mutant::AbortAfterIntent, S10, moving, &[(May::Abort, 1)]),
        hunt(Mutant::OneWitness, S11, calm, &[(May::Cut, 1), (May::Silence, 1)]),
        hunt(Mutant::SilenceIsDeath, S11, calm, &[(May::Silence, 2)]),
        hunt(Mutant::NoVeto, S11, calm, &[(May::Cut, 1), (May::Return, 1)]),
        hunt(Mutant::Unheard, S11, calm, &[(May::Cut, 1), (May::Silence, 2)]),
        hunt(Mutant::NoWindow, S12, base, &[]),
        hunt(Mutant::NoDedup, S13, calm, &[(May::Alarm, 1), (May::Duplicate, 1), (May::Delay, 1)]),
        hunt(Mutant::ForgottenAppend, S14, calm, &[(May::Failover, 1), (May::LoseAck, 1)]),
        hunt(Mutant::OldDecision, S15, base, &[(May::Stall, 1)]),
        hunt(Mutant::TwoRuns, S16, moving, &[(May::Failover, 1)]),
        hunt(Mutant::BlindTick, L1, calm, &[(May::Failover, 1), (May::Crash, 1)]),
        hunt(Mutant::NoTick, L2, base, &[]),
        hunt(Mutant::SilentNotice, L3, base, &[]),
        hunt(Mutant::SilentEnd, L4, moving, &[(May::NoCapacity, 1)]),
    ]
}
