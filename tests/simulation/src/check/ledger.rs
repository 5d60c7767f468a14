//! What the records say of the last run, read without the production fold; and how the endpoints stand.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use protocol::command::Step;
use protocol::journal::{DataLoss, Event, Record, Scope};
use protocol::name::Name;
use protocol::operator::Overrides;
use protocol::plan::Plan;
use protocol::side::{Side, Sides};

use crate::history::Effect;

/// What the records say so far.
#[derive(Default)]
pub(super) struct Ledger {
    /// The last run.
    pub(super) run: u64,
    /// Whether it is over.
    pub(super) over: bool,
    /// What it moves.
    pub(super) scope: Scope,
    /// What people passed in it.
    pub(super) overrides: Overrides,
    /// Databases whose gate it passed.
    pub(super) gate: BTreeMap<Name, bool>,
    /// What completed runs moved.
    pub(super) moved: BTreeSet<Name>,
    /// The last intent of each step and item: who.
    pub(super) intents: BTreeMap<(Step, Name), String>,
    /// Every writer who ever intended a step for an item.
    pub(super) intended: BTreeSet<(Step, Name, String)>,
}

impl Ledger {
    /// Takes one more record in.
    pub(super) fn take(&mut self, record: &Record) {
        match &record.event {
            Event::RunOpened { scope, overrides, .. } => {
                self.run = record.seq;
                self.over = false;
                self.scope = scope.clone();
                self.overrides = *overrides;
                self.gate.clear();
            }
            Event::Committed { data_loss, overrides, .. } | Event::Resumed { data_loss, overrides, .. } => {
                self.overrides = self.overrides.and(*overrides);
                self.pass_gate(data_loss);
            }
            Event::Completed { .. } => {
                let scope = self.scope.clone();
                self.moved.extend(scope.databases.into_iter().chain(scope.fleets).chain(scope.routes));
                self.over = true;
            }
            Event::Aborted { .. } => self.over = true,
            Event::StepIntended { step, subjects, .. } => {
                for subject in subjects {
                    self.intents.insert((*step, subject.clone()), record.writer.clone());
                    self.intended.insert((*step, subject.clone(), record.writer.clone()));
                }
            }
            _ => {}
        }
    }

    fn pass_gate(&mut self, data_loss: &[DataLoss]) {
        for loss in data_loss {
            self.gate.insert(loss.database.clone(), loss.within_limit);
        }
    }

    /// Whether a writer ever intended a step for an item.
    pub(super) fn has_intended(&self, step: Step, subject: &Name, writer: &str) -> bool {
        self.intended.contains(&(step, subject.clone(), writer.to_owned()))
    }

    /// Whether an item must serve when the last run opens traffic.
    pub(super) fn must_serve(&self, name: &Name) -> bool {
        self.moved.contains(name) || self.scope.databases.contains(name) || self.scope.fleets.contains(name)
    }
}

/// Which sides take users.
pub(super) struct Openness {
    open: Sides<BTreeSet<Name>>,
    /// Primary sides that somebody else opened, and when.
    reopened: BTreeMap<Name, Timestamp>,
}

impl Openness {
    /// At rest.
    pub(super) fn at_rest(plan: &Plan) -> Self {
        Self {
            open: Sides {
                primary: plan.routes.iter().map(|route| route.name.clone()).collect(),
                recovery: BTreeSet::new(),
            },
            reopened: BTreeMap::new(),
        }
    }

    /// Takes an effect in.
    pub(super) fn take(&mut self, effect: &Effect) {
        let (route, side) = match effect {
            Effect::Opened { route, side, .. } => {
                self.open[*side].insert(route.clone());
                (route, side)
            }
            Effect::Closed { route, side } => {
                self.open[*side].remove(route);
                (route, side)
            }
            _ => return,
        };
        if *side == Side::Primary {
            self.reopened.remove(route);
        }
    }

    /// Takes in that somebody else opened a primary side.
    pub(super) fn reopen(&mut self, route: &Name, at: Timestamp) {
        self.open.primary.insert(route.clone());
        self.reopened.insert(route.clone(), at);
    }

    /// Since when the primary side of a route is open by somebody else's doing.
    pub(super) fn reopened_at(&self, route: &Name) -> Option<Timestamp> {
        self.reopened.get(route).copied()
    }

    /// Whether the primary side of a route takes traffic.
    pub(super) fn is_primary_open(&self, route: &Name) -> bool {
        self.open.primary.contains(route)
    }

    /// Whether the recovery side of a route takes traffic.
    pub(super) fn is_recovery_open(&self, route: &Name) -> bool {
        self.open.recovery.contains(route)
    }
}

/// Everything that a route depends on, by way of `after`.
pub(super) fn needs_of(plan: &Plan, route: &Name) -> BTreeSet<Name> {
    let after = |name: &Name| -> Vec<Name> {
        let databases = plan.databases.iter().map(|item| (&item.name, &item.after));
        let fleets = plan.fleets.iter().map(|item| (&item.name, &item.after));
        let routes = plan.routes.iter().map(|item| (&item.name, &item.after));
        let mut all = databases.chain(fleets).chain(routes);
        all.find(|(known, _)| *known == name).map(|(_, after)| after.clone()).unwrap_or_default()
    };
    let mut found = BTreeSet::new();
    let mut open = after(route);
    while let Some(name) = open.pop() {
        if found.insert(name.clone()) {
            open.extend(after(&name));
        }
    }
    found
}
