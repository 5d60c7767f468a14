//! The facts about each step, one row a step: what it is for, what it waits for, when it may run, how long, and what
//! undoes it. The graph, the permission in `evolve`, undoing, deadlines, completion and the report read this table.

use crate::command::Step;
use crate::operator::Overrides;
use crate::plan::{FunctionTimeouts, Limits, StepLimits};

/// What an item is, in the order in which a run comes to them.
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

    /// What people call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Fleet => "fleet",
            Self::Route => "route",
        }
    }
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

/// How a step differs from others in what an attempt at it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a property of its own, and any of them may go with any other"
)]
pub struct Manner {
    /// A first look that gets no answer ends the attempt without a record.
    pub is_best_effort: bool,
    /// The effect itself looks at everything right before it; nothing is looked at before the intent.
    pub looks_when_it_acts: bool,
    /// One look that sees the effect stand is not enough.
    pub doubts_one_look: bool,
    /// Something may stand against the effects, and is asked before they begin.
    pub may_object: bool,
}

/// No difference.
const USUAL: Manner =
    Manner { is_best_effort: false, looks_when_it_acts: false, doubts_one_look: false, may_object: false };

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
    /// Whether the intent to do it takes its items for this side: a run that intended it can only be finished.
    pub takes_items: bool,
    /// Whether its items must have passed the data-loss gate.
    pub is_gated: bool,
    /// The clean-up that the intent to do it leaves to be done on the other side.
    pub leaves: Option<Step>,
    /// How an attempt at it differs from those at others.
    pub manner: Manner,
    /// Whether an operator's word takes it out of a run.
    pub is_overridden: fn(Overrides) -> bool,
    /// How long the function has that attempts it, from its invocation on.
    pub attempt_seconds: fn(&FunctionTimeouts) -> u32,
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
    takes_items: false,
    is_gated: false,
    leaves: None,
    manner: USUAL,
    is_overridden: |_| false,
    attempt_seconds: |timeouts| timeouts.alarm_handler,
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
    attempt_seconds: |timeouts| timeouts.scale_asg,
    seconds_max: Some(|limits| limits.scale),
    ..PLAIN
};

const FENCE: StepSpec = StepSpec {
    name: "fence",
    item: Some(ItemKind::Route),
    end: End::From,
    // A promotion goes by it.
    manner: Manner { doubts_one_look: true, ..USUAL },
    is_overridden: |overrides| overrides.override_fence,
    attempt_seconds: |timeouts| timeouts.shift_traffic,
    seconds_max: Some(|limits| limits.fence),
    ..PLAIN
};

const PROMOTE: StepSpec = StepSpec {
    name: "promote",
    item: Some(ItemKind::Database),
    barriers: &[Barrier::Dependencies, FENCED],
    makes_ready: true,
    takes_items: true,
    is_gated: true,
    leaves: Some(Step::Quarantine),
    manner: Manner { may_object: true, ..USUAL },
    attempt_seconds: |timeouts| timeouts.promote_replica,
    seconds_max: Some(|limits| limits.promote),
    ..PLAIN
};

const OPEN: StepSpec = StepSpec {
    name: "open",
    item: Some(ItemKind::Route),
    barriers: &[Barrier::Dependencies, FENCED, WRITABLE, HEALTHY],
    makes_ready: true,
    takes_items: true,
    manner: Manner { looks_when_it_acts: true, ..USUAL },
    attempt_seconds: |timeouts| timeouts.shift_traffic,
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
    // The region is lost: it is asked every minute until it answers.
    manner: Manner { is_best_effort: true, ..USUAL },
    attempt_seconds: |timeouts| timeouts.promote_replica,
    seconds_max: Some(|limits| limits.quarantine),
    ..PLAIN
};

const RESTORE: StepSpec = StepSpec {
    name: "restore",
    item: Some(ItemKind::Fleet),
    window: Window::Undoing,
    duty: Duty::Undo { of: Step::Scale },
    attempt_seconds: |timeouts| timeouts.scale_asg,
    seconds_max: Some(|limits| limits.scale),
    ..PLAIN
};

const UNFENCE: StepSpec = StepSpec {
    name: "unfence",
    item: Some(ItemKind::Route),
    end: End::From,
    window: Window::Undoing,
    duty: Duty::Undo { of: Step::Fence },
    // The run ends by it.
    manner: Manner { doubts_one_look: true, ..USUAL },
    attempt_seconds: |timeouts| timeouts.shift_traffic,
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

    /// How long the function has that attempts it, from its invocation on.
    pub fn attempt_seconds(self, limits: &Limits) -> u32 {
        (self.spec().attempt_seconds)(&limits.function_timeout_seconds)
    }

    /// Whether it is what a run leaves to be done afterwards.
    pub const fn is_cleanup(self) -> bool {
        matches!(self.spec().duty, Duty::Cleanup)
    }

    /// Whether it is tried again until it is done: a person is told, and nothing stops for it.
    pub const fn is_tried_for_ever(self) -> bool {
        !matches!(self.spec().duty, Duty::OfRun)
    }
}
