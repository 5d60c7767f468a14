//! What is explored? Each configuration says where it begins, what may go wrong, and how many worlds there are.

use protocol::plan::Mode;
use stateright::Model;

use crate::cloud::Lag;
use crate::model::{Action, Check, End};
use crate::plan::Databases;
use crate::world::{Left, May, World};

/// Where a configuration begins: how far a run without faults has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A good day.
    Calm,
    /// The primary is lost and the alarm's message is on its way.
    Lost,
    /// The run was just committed.
    Moving,
    /// The same, where the primary lives behind a cut.
    Cut,
}

/// One configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Who decides.
    pub mode: Mode,
    /// The plan's databases.
    pub databases: Databases,
    /// The lag while the source lived.
    pub lag: Lag,
    /// Where it begins.
    pub stage: Stage,
    /// What may happen.
    pub may: &'static [(May, u8)],
    /// Whether it ends with the commitment, behind which other configurations go on.
    pub ends_at_commitment: bool,
    /// How it must be able to end.
    pub ends: &'static [End],
    /// Unique worlds, as they were counted when this was written.
    pub pinned: usize,
    /// Whether it is part of the quick check.
    pub is_quick: bool,
}

/// Most actions until a stage is reached.
const STAGE_ACTIONS_MAX: usize = 2_000;

impl Config {
    /// Nothing goes wrong: the primary is lost, evidence decides.
    #[must_use]
    pub fn bare() -> Self {
        Self {
            name: "bare",
            about: "",
            mode: Mode::Automatic,
            databases: Databases::One,
            lag: Lag::Small,
            stage: Stage::Lost,
            may: &[],
            ends_at_commitment: false,
            ends: &[],
            pinned: 0,
            is_quick: true,
        }
    }

    /// The world it begins with: reached by the model's own transitions, without faults.
    #[must_use]
    pub fn first_world(&self, check: &Check) -> World {
        let mut world = World::new(self.lag, self.databases.count(), Left::of(&[(May::Approve, 1)]));
        if self.stage != Stage::Calm {
            let loss = if self.stage == Stage::Cut { May::Cut } else { May::Lose };
            check.apply(&mut world, Action::World(loss));
            check.apply(&mut world, Action::World(May::Alarm));
        }
        for _ in 0..STAGE_ACTIONS_MAX {
            if self.is_reached(&world) {
                break;
            }
            let mut actions = Vec::new();
            check.actions(&world, &mut actions);
            let Some(action) = actions.first().copied() else { break };
            check.apply(&mut world, action);
        }
        world.left = Left::of(self.may);
        world
    }

    fn is_reached(&self, world: &World) -> bool {
        let run = world.core.run.as_ref();
        match self.stage {
            Stage::Calm | Stage::Lost => true,
            Stage::Moving | Stage::Cut => run.is_some_and(|run| run.committed_at.is_some()),
        }
    }
}

/// All configurations.
#[must_use]
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn all() -> Vec<Config> {
    use End::{Aborted, Completed, NeedsOperator};
    let base = Config::bare();
    let moving = Config { stage: Stage::Moving, ends: &[Completed, NeedsOperator], ..base.clone() };
    vec![
        Config {
            name: "quiet",
            about: "no fault",
            ends: &[Completed, NeedsOperator],
            pinned: 834,
            ..base.clone()
        },
        Config {
            name: "detect",
            about: "the evidence comes, goes and falls silent",
            stage: Stage::Calm,
            may: &[(May::Lose, 1), (May::Alarm, 1), (May::Ok, 1), (May::Return, 1), (May::Silence, 1)],
            ends_at_commitment: true,
            ends: &[Aborted],
            pinned: 60_581,
            ..base.clone()
        },
        Config {
            name: "detect-faults",
            about: "workers of the detection die, messages repeat",

            may: &[(May::Return, 1), (May::Crash, 1), (May::Duplicate, 1)],
            ends_at_commitment: true,
            ends: &[Aborted],
            pinned: 4_499,
            ..base.clone()
        },
        Config {
            name: "witness",
            about: "a probe fails, the replica is silent, alarms flap",
            stage: Stage::Calm,
            may: &[(May::Cut, 1), (May::Silence, 2), (May::Alarm, 1), (May::Ok, 1), (May::Duplicate, 1)],
            ends_at_commitment: true,
            ends: &[Aborted],
            is_quick: false,
            pinned: 318_423,
            ..base.clone()
        },
        Config {
            name: "approve",
            about: "a person approves, aborts, is late",
            mode: Mode::Approve,
            may: &[(May::Approve, 1), (May::Abort, 1)],
            ends: &[Aborted, Completed, NeedsOperator],
            is_quick: false,
            pinned: 99_286,
            ..base.clone()
        },
        Config {
            name: "lag",
            about: "the lag is too large",
            lag: Lag::Large,
            may: &[(May::Override, 1), (May::Abort, 1)],
            ends: &[Aborted, Completed, NeedsOperator],
            pinned: 46_381,
            ..base.clone()
        },
        Config {
            name: "lag-unknown",
            about: "no lag was sampled",
            lag: Lag::Unknown,
            mode: Mode::Approve,
            may: &[(May::Approve, 1), (May::Override, 1)],
            ends: &[Completed, NeedsOperator],
            is_quick: false,
            pinned: 72_634,
            ..base.clone()
        },
        Config {
            name: "crash",
            about: "two workers die at any point of the move",
            may: &[(May::Crash, 2)],
            pinned: 8_188,
            ..moving.clone()
        },
        Config {
            name: "stall",
            about: "a worker is held up at any point of the move, another dies",
            may: &[(May::Stall, 1), (May::Crash, 1)],
            is_quick: false,
            pinned: 140_635,
            ..moving.clone()
        },
        Config {
            name: "messages",
            about: "commands are repeated, lost and late",
            may: &[(May::Duplicate, 2), (May::Drop, 1), (May::Delay, 1)],
            pinned: 13_670,
            ..moving.clone()
        },
        Config {
            name: "answers",
            about: "calls are denied, answers and acknowledgements are lost",
            may: &[(May::Deny, 1), (May::LoseAnswer, 1), (May::LoseAck, 1)],
            pinned: 10_272,
            ..moving.clone()
        },
        Config {
            name: "cloud",
            about: "no capacity, targets die, the promotion fails",
            may: &[(May::NoCapacity, 1), (May::FleetDies, 1), (May::Unusable, 1)],
            pinned: 9_747,
            ..moving.clone()
        },
        Config {
            name: "cut",
            about: "the primary lives behind a cut; a worker is held up",
            stage: Stage::Cut,
            may: &[(May::Stall, 1)],
            pinned: 12_493,
            ..moving.clone()
        },
        Config {
            name: "cut-denied",
            about: "the primary lives behind a cut; a worker is held up, a call is denied",
            stage: Stage::Cut,
            may: &[(May::Stall, 1), (May::Deny, 1)],
            is_quick: false,
            pinned: 114_744,
            ..moving.clone()
        },
        Config {
            name: "abort",
            about: "a person aborts at any point, a worker dies",
            may: &[(May::Abort, 1), (May::Crash, 1)],
            ends: &[Aborted, Completed, NeedsOperator],
            pinned: 19_472,
            ..moving.clone()
        },
        Config {
            name: "abort-stall",
            about: "a person aborts; a worker is held up at any point",
            may: &[(May::Abort, 1), (May::Stall, 1)],
            ends: &[Aborted, Completed, NeedsOperator],
            is_quick: false,
            pinned: 293_072,
            ..moving.clone()
        },
        Config {
            name: "late",
            about: "a person aborts; a worker is held up, and its fence lands after its lease",
            databases: Databases::None,
            may: &[(May::Abort, 1), (May::Stall, 1), (May::Late, 1)],
            ends: &[Aborted, Completed, NeedsOperator],
            pinned: 36_185,
            ..moving.clone()
        },
        Config {
            name: "operator",
            about: "a person moves a living primary, aborts, takes the rollback over or moves again; a look is stale",
            stage: Stage::Calm,
            may: &[(May::Failover, 2), (May::Abort, 1), (May::Stale, 1), (May::LoseAck, 1)],
            ends: &[Aborted],
            pinned: 92_180,
            ..base.clone()
        },
        Config {
            name: "no-database",
            about: "a plan without a database; a person aborts at any point",
            databases: Databases::None,
            stage: Stage::Moving,
            may: &[(May::Abort, 1), (May::Crash, 1)],
            ends: &[Aborted, Completed, NeedsOperator],
            pinned: 3_586,
            ..base.clone()
        },
        Config {
            name: "hold",
            about: "a person holds, and lets go; the primary is lost before, meanwhile or after",
            stage: Stage::Calm,
            may: &[(May::Lose, 1), (May::Alarm, 1), (May::Hold, 1), (May::Release, 1)],
            ends_at_commitment: true,
            ends: &[NeedsOperator],
            is_quick: false,
            pinned: 29_704,
            ..base.clone()
        },
        Config {
            name: "hold-moving",
            about: "a hold is placed at any point of the move, and is over; a worker dies",
            may: &[(May::Hold, 1), (May::Crash, 1)],
            pinned: 15_685,
            ..moving.clone()
        },
        Config {
            name: "row",
            about: "two databases, the second after the first; a worker dies, a command comes twice",
            databases: Databases::InARow,
            may: &[(May::Crash, 1), (May::Duplicate, 1)],
            is_quick: false,
            pinned: 46_265,
            ..moving.clone()
        },
        Config {
            name: "pair",
            about: "two databases side by side; a promotion fails, or an answer is lost",
            databases: Databases::SideBySide,
            may: &[(May::Unusable, 1), (May::LoseAnswer, 1)],
            pinned: 15_935,
            ..moving.clone()
        },
        Config {
            name: "pair-abort",
            about: "two databases side by side; a person aborts at any point, a worker dies",
            databases: Databases::SideBySide,
            may: &[(May::Abort, 1), (May::Crash, 1)],
            ends: &[Aborted, Completed, NeedsOperator],
            is_quick: false,
            pinned: 210_711,
            ..moving.clone()
        },
        Config {
            name: "reopen-once",
            about: "somebody opens the primary side again; a command is lost",
            may: &[(May::Reopen, 1), (May::Drop, 1)],
            pinned: 4_060,
            ..moving.clone()
        },
        Config {
            name: "reopen",
            about: "somebody opens the primary side again, before a promotion, after it or after the run; a worker dies",
            databases: Databases::InARow,
            may: &[(May::Reopen, 2), (May::Crash, 1)],
            is_quick: false,
            pinned: 255_280,
            ..moving.clone()
        },
        Config {
            name: "row-stall",
            about: "two databases, the second after the first; a worker is held up at any point",
            databases: Databases::InARow,
            may: &[(May::Stall, 1)],
            is_quick: false,
            pinned: 160_568,
            ..moving.clone()
        },
    ]
}
