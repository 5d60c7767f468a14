//! The facts about each step, one row a step: what it is for, what it waits for, when it may run, how long, and what
//! undoes it. The graph, the permission in `evolve`, undoing, deadlines, completion and the report read this table.

use crate::command::Step;
use crate::plan::StepLimits;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    /// A database.
    Database,
    /// A fleet.
    Fleet,
    /// A route.
    Route,
}

impl ItemKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Database, Self::Fleet, Self::Route];
}

/// Which of a run's two sides a step acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The side that users leave.
    From,
    /// The side that they are moved to.
    To,
}

/// What a step waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// The items that the plan names in `after` are ready.
    Dependencies,
    /// A step is done for every item that the run has it for. `unless_met` says why it may not begin before.
    Every {
        /// The step that must be done.
        step: Step,
        /// Why a step that asks too early is refused.
        unless_met: &'static str,
    },
}

/// When a step may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// While evidence is weighed.
    Weighing,
    /// From sufficient evidence on: it is reversible.
    Early,
    /// Once the run is committed.
    Moving,
    /// While an aborted run is undone.
    Undoing,
    /// Whatever the run does: it belongs to none.
    Always,
}

impl Window {
    /// Why a step is refused outside it.
    pub const fn otherwise(self) -> &'static str {
        match self {
            Self::Weighing => "the evidence is not being weighed",
            Self::Early => "the evidence is not sufficient, or the run has stopped",
            Self::Moving => "the run is not moving",
            Self::Undoing => "the run is not aborting",
            Self::Always => "",
        }
    }
}

/// Whose work a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Of the run: where it fails, a person decides.
    OfRun,
    /// It rolls an aborted run back: where it fails, it is tried again.
    Undo {
        /// The step whose effect it takes back.
        of: Step,
    },
    /// What a run leaves to be done afterwards: where it fails, it is tried again.
    Cleanup,
}

/// The facts about a step.
#[derive(Clone, Copy, Debug)]
pub struct StepSpec {
    /// Its name, as in the journal and in the `step` attribute of a command's message.
    pub name: &'static str,
    /// What it is for; nothing: the run as a whole.
    pub item: Option<ItemKind>,
    /// The side it acts on.
    pub end: End,
    /// What must be done first.
    pub barriers: &'static [Barrier],
    /// When it may run.
    pub window: Window,
    /// Whose work it is.
    pub duty: Duty,
    /// Whether its item is ready once it is done, so that what comes after may begin.
    pub makes_ready: bool,
    /// Whether a run that intended it can only be finished.
    pub is_past_return: bool,
    /// How long it may take, all its attempts together; nothing: something else bounds it.
    pub seconds_max: Option<fn(&StepLimits) -> u32>,
}

const FENCED: Barrier = Barrier::Every { step: Step::Fence, unless_met: "not every route is fenced" };
const WRITABLE: Barrier =
    Barrier::Every { step: Step::Promote, unless_met: "not every database is writable" };
const HEALTHY: Barrier = Barrier::Every { step: Step::Scale, unless_met: "not every fleet is healthy" };
const OPENED: Barrier = Barrier::Every { step: Step::Open, unless_met: "not every route is open" };

/// A step of a run that acts on the side users are moved to, waits for nothing and leaves nothing to undo. The rows
/// below say how they differ.
const PLAIN: StepSpec = StepSpec {
    name: "",
    item: None,
    end: End::To,
    barriers: &[],
    window: Window::Moving,
    duty: Duty::OfRun,
    makes_ready: false,
    is_past_return: false,
    seconds_max: None,
};

// The confirm window bounds itself; see `decide`.
const CONFIRM: StepSpec = StepSpec { name: "confirm", window: Window::Weighing, ..PLAIN };

const SCALE: StepSpec = StepSpec {
    name: "scale",
    item: Some(ItemKind::Fleet),
    barriers: &[Barrier::Dependencies],
    window: Window::Early,
    makes_ready: true,
    seconds_max: Some(|limits| limits.scale),
    ..PLAIN
};

const FENCE: StepSpec = StepSpec {
    name: "fence",
    item: Some(ItemKind::Route),
    end: End::From,
    seconds_max: Some(|limits| limits.fence),
    ..PLAIN
};

const PROMOTE: StepSpec = StepSpec {
    name: "promote",
    item: Some(ItemKind::Database),
    barriers: &[Barrier::Dependencies, FENCED],
    makes_ready: true,
    is_past_return: true,
    seconds_max: Some(|limits| limits.promote),
    ..PLAIN
};

const OPEN: StepSpec = StepSpec {
    name: "open",
    item: Some(ItemKind::Route),
    barriers: &[Barrier::Dependencies, FENCED, WRITABLE, HEALTHY],
    makes_ready: true,
    is_past_return: true,
    seconds_max: Some(|limits| limits.open),
    ..PLAIN
};

const VERIFY: StepSpec = StepSpec {
    name: "verify",
    item: Some(ItemKind::Route),
    barriers: &[OPENED],
    seconds_max: Some(|limits| limits.verify),
    ..PLAIN
};

const QUARANTINE: StepSpec = StepSpec {
    name: "quarantine",
    item: Some(ItemKind::Database),
    end: End::From,
    window: Window::Always,
    duty: Duty::Cleanup,
    seconds_max: Some(|limits| limits.quarantine),
    ..PLAIN
};

const RESTORE: StepSpec = StepSpec {
    name: "restore",
    item: Some(ItemKind::Fleet),
    window: Window::Undoing,
    duty: Duty::Undo { of: Step::Scale },
    seconds_max: Some(|limits| limits.scale),
    ..PLAIN
};

const UNFENCE: StepSpec = StepSpec {
    name: "unfence",
    item: Some(ItemKind::Route),
    end: End::From,
    window: Window::Undoing,
    duty: Duty::Undo { of: Step::Fence },
    seconds_max: Some(|limits| limits.fence),
    ..PLAIN
};

impl Step {
    /// Every step, in the order of the journal's schema.
    pub const ALL: [Self; 9] = [
        Self::Confirm,
        Self::Scale,
        Self::Fence,
        Self::Promote,
        Self::Open,
        Self::Verify,
        Self::Quarantine,
        Self::Restore,
        Self::Unfence,
    ];

    /// The facts about it.
    pub const fn spec(self) -> &'static StepSpec {
        match self {
            Self::Confirm => &CONFIRM,
            Self::Scale => &SCALE,
            Self::Fence => &FENCE,
            Self::Promote => &PROMOTE,
            Self::Open => &OPEN,
            Self::Verify => &VERIFY,
            Self::Quarantine => &QUARANTINE,
            Self::Restore => &RESTORE,
            Self::Unfence => &UNFENCE,
        }
    }

    /// The step's name, as in the journal and in the `step` attribute of a command's message.
    pub const fn as_str(self) -> &'static str {
        self.spec().name
    }

    /// The step whose effect it takes back.
    pub const fn undoes(self) -> Option<Self> {
        match self.spec().duty {
            Duty::Undo { of } => Some(of),
            Duty::OfRun | Duty::Cleanup => None,
        }
    }

    /// The step that takes its effect back.
    pub fn undone_by(self) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.undoes() == Some(self))
    }

    /// Whether it is tried again until it is done: a person is told, and nothing stops for it.
    pub const fn is_tried_for_ever(self) -> bool {
        !matches!(self.spec().duty, Duty::OfRun)
    }
}
