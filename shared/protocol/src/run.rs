//! The kinds of run: which steps each is made of. One file for each kind.

mod failover;

use jiff::Timestamp;

use crate::command::Step;
use crate::journal::RunKind;
use crate::name::Name;
use crate::state::{Run, Tally};
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
        let is_overridden = |step: Step| (step.spec().is_overridden)(self.overrides);
        self.kind.steps().iter().copied().filter(move |step| !is_overridden(*step))
    }

    /// Whether a worker holds an item to take a step's effect back: that may still land.
    pub(crate) fn is_being_undone(&self, step: Step, item: &Name, now: Timestamp) -> bool {
        let undo = step.undone_by().and_then(|undo| self.progress(undo, item));
        undo.is_some_and(|progress| progress.is_held(now))
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
        let done = self.steps.tally(step).map_or(0, Tally::done);
        done >= self.items(kind).len() || self.steps_to_do().all(|due| due != step)
    }

    /// Whether every step is done.
    pub(crate) fn has_moved(&self) -> bool {
        self.steps_to_do().all(|step| self.is_done_for_all(step))
    }

    /// Whether a step has an item that is not done and that no worker holds.
    pub(crate) fn may_have_free(&self, step: Step, now: Timestamp) -> bool {
        let Some(kind) = step.spec().item else { return false };
        let busy = self.steps.tally(step).map_or(0, |tally| tally.done() + tally.held(now));
        busy < self.items(kind).len()
    }

    /// Since when the one item of a step is open that is open longest: begun and not done, or not begun since something last
    /// moved on. Nothing where all is done.
    pub(crate) fn longest_open(&self, step: Step) -> Option<Timestamp> {
        let items = self.items(step.spec().item?).len();
        let tally = self.steps.tally(step);
        let is_unbegun = tally.map_or(0, |tally| tally.done() + tally.open()) < items;
        let oldest = tally.and_then(Tally::oldest_open);
        oldest.into_iter().chain(is_unbegun.then_some(self.progress_at)).min()
    }

    /// The step after which an item of a kind is ready.
    pub(crate) fn readied_by(&self, kind: ItemKind) -> Option<Step> {
        self.kind.steps().iter().copied().find(|step| {
            let spec = step.spec();
            spec.makes_ready && spec.item == Some(kind)
        })
    }
}
