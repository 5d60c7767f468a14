//! The kinds of run: which steps each is made of. One file for each kind.

mod failover;

use crate::command::Step;
use crate::journal::RunKind;
use crate::name::Name;
use crate::state::Run;
use crate::step::ItemKind;

impl RunKind {
    /// The steps that move its items.
    pub(crate) const fn steps(self) -> &'static [Step] {
        match self {
            Self::Failover => failover::STEPS,
        }
    }
}

impl Run {
    /// The steps that it has to finish. An operator's word can take one out.
    pub(crate) fn steps_to_do(&self) -> impl Iterator<Item = Step> {
        let is_overridden = |step| step == Step::Fence && self.overrides.override_fence;
        self.kind.steps().iter().copied().filter(move |step| !is_overridden(*step))
    }

    /// What it moves of a kind.
    pub(crate) fn items(&self, kind: ItemKind) -> &[Name] {
        match kind {
            ItemKind::Database => &self.scope.databases,
            ItemKind::Fleet => &self.scope.fleets,
            ItemKind::Route => &self.scope.routes,
        }
    }

    /// Whether a step is done for every item that it has it for. True for a step that it need not do.
    pub(crate) fn is_done_for_all(&self, step: Step) -> bool {
        let Some(kind) = step.spec().item else { return true };
        self.steps_to_do().all(|due| due != step)
            || self.items(kind).iter().all(|name| self.is_done(step, name))
    }

    /// The step after which an item of a kind is ready.
    pub(crate) fn readied_by(&self, kind: ItemKind) -> Option<Step> {
        self.kind.steps().iter().copied().find(|step| {
            let spec = step.spec();
            spec.makes_ready && spec.item == Some(kind)
        })
    }
}
