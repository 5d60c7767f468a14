//! The steps of a run and what each waits for. A kind of run is a graph; everything else is common to all.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::Step;
use crate::journal::Scope;
use crate::name::Name;
use crate::plan::{Limits, Plan};
use crate::state::holdings::Holdings;
use crate::state::{Phase, Run};
use crate::step::{Barrier, ItemKind, Window};

/// A step for one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The step.
    pub step: Step,
    /// The item.
    pub subject: Name,
    /// What must be done first.
    pub needs: Vec<Prerequisite>,
}

/// Something that must be done first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prerequisite {
    /// A step for one item.
    One(Step, Name),
    /// A step for every item that the run has it for.
    Every(Step),
}

/// The steps of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// All of them.
    pub nodes: Vec<Node>,
}

impl Graph {
    /// The steps by which a run moves.
    pub fn of(plan: &Plan, run: &Run) -> Self {
        let members = Members::of(run);
        let nodes = run.steps_to_do().flat_map(|step| nodes(plan, &members, step)).collect();
        Self { nodes }
    }

    /// The steps by which an aborted run is undone: one for each step it began, or noted something for, that leaves a
    /// trace.
    pub fn of_undo(run: &Run) -> Self {
        let touched: BTreeSet<&(Step, Name)> = run.steps.keys().chain(run.before.keys()).collect();
        let nodes = touched
            .into_iter()
            .filter_map(|(step, subject)| {
                Some(Node { step: step.undone_by()?, subject: subject.clone(), needs: Vec::new() })
            })
            .collect();
        Self { nodes }
    }

    /// The steps that are not done and wait for nothing, whether or not a worker holds them.
    pub fn ready<'g>(&'g self, run: &Run) -> Vec<&'g Node> {
        let open: BTreeSet<Step> = self
            .nodes
            .iter()
            .filter(|node| !run.is_done(node.step, &node.subject))
            .map(|node| node.step)
            .collect();
        let met = |need: &Prerequisite| match need {
            Prerequisite::One(step, subject) => run.is_done(*step, subject),
            Prerequisite::Every(step) => !open.contains(step),
        };
        self.nodes
            .iter()
            .filter(|node| open.contains(&node.step) && !run.is_done(node.step, &node.subject))
            .filter(|node| may_run(run, node.step) && node.needs.iter().all(met))
            .collect()
    }

    /// Whether every step is done.
    pub fn is_done(&self, run: &Run) -> bool {
        self.nodes.iter().all(|node| run.is_done(node.step, &node.subject))
    }
}

/// The nodes of a step: one for each of the run's items that it is for.
fn nodes(plan: &Plan, members: &Members<'_>, step: Step) -> Vec<Node> {
    let spec = step.spec();
    let Some(kind) = spec.item else { return Vec::new() };
    let node = |(name, after): (&Name, &[Name])| {
        let needs = spec.barriers.iter().flat_map(|barrier| match barrier {
            Barrier::Dependencies => after.iter().filter_map(|name| members.readiness(name)).collect(),
            Barrier::Every { step, .. } => vec![Prerequisite::Every(*step)],
        });
        Node { step, subject: name.clone(), needs: needs.collect() }
    };
    let mine = items(plan, kind).into_iter().filter(|(name, _)| members.kinds.get(name) == Some(&kind));
    mine.map(node).collect()
}

/// The items of a kind, each with what it comes after.
pub(crate) fn items(plan: &Plan, kind: ItemKind) -> Vec<(&Name, &[Name])> {
    match kind {
        ItemKind::Database => plan.databases.iter().map(|item| (&item.name, item.after.as_slice())).collect(),
        ItemKind::Fleet => plan.fleets.iter().map(|item| (&item.name, item.after.as_slice())).collect(),
        ItemKind::Route => plan.routes.iter().map(|item| (&item.name, item.after.as_slice())).collect(),
    }
}

/// Whether the phase lets a step run. Reversible work starts while the evidence is still weighed.
pub(crate) fn may_run(run: &Run, step: Step) -> bool {
    match step.spec().window {
        Window::Weighing => run.weighs_evidence(),
        Window::Early => {
            matches!(
                run.phase,
                Phase::Confirming { sufficient_since: Some(_) }
                    | Phase::AwaitingApproval { .. }
                    | Phase::Moving
            )
        }
        Window::Moving => run.phase == Phase::Moving,
        Window::Undoing => matches!(run.phase, Phase::Aborting { .. }),
        Window::Always => true,
    }
}

/// How long a step may take, all its attempts together.
pub fn seconds_max(limits: &Limits, step: Step) -> u32 {
    step.spec().seconds_max.map_or(u32::MAX, |of| of(&limits.step_seconds_max))
}

/// The items of a run, for looking up.
struct Members<'r> {
    run: &'r Run,
    kinds: BTreeMap<&'r Name, ItemKind>,
}

impl<'r> Members<'r> {
    fn of(run: &'r Run) -> Self {
        let kinds = ItemKind::ALL.into_iter();
        let kinds = kinds.flat_map(|kind| run.items(kind).iter().map(move |name| (name, kind))).collect();
        Self { run, kinds }
    }

    /// What it means that an item is ready. An item outside the run was moved by an earlier one.
    fn readiness(&self, name: &Name) -> Option<Prerequisite> {
        let step = self.run.readied_by(*self.kinds.get(name)?)?;
        Some(Prerequisite::One(step, name.clone()))
    }
}

/// Why a scope cannot be moved on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeProblem {
    /// A route is not in the plan.
    UnknownRoute(Name),
    /// Everything asked for is in the recovery region already.
    NothingLeft,
    /// No route says that it needs a database or fleet, so it can't be told whether those asked for do.
    Unclaimed(Name),
    /// A database serves a route that would stay behind: it would be written on both sides.
    Shared {
        /// The database.
        database: Name,
        /// The route that would stay.
        route: Name,
    },
}

/// Everything that was not moved yet, or some routes with all they depend on.
///
/// # Errors
/// See [`ScopeProblem`].
pub fn scope(plan: &Plan, holdings: &Holdings, routes: &[Name]) -> Result<Scope, ScopeProblem> {
    let wanted = if routes.is_empty() { None } else { Some(closure(plan, routes)?) };
    if wanted.is_some()
        && let Some(item) = unclaimed(plan, holdings)?
    {
        return Err(ScopeProblem::Unclaimed(item));
    }
    let is_wanted = |name: &Name| wanted.as_ref().is_none_or(|wanted| wanted.contains(name));
    let pick = |name: &Name| (is_wanted(name) && !holdings.is_active(name)).then(|| name.clone());
    let scope = Scope {
        databases: plan.databases.iter().filter_map(|item| pick(&item.name)).collect(),
        fleets: plan.fleets.iter().filter_map(|item| pick(&item.name)).collect(),
        routes: plan.routes.iter().filter_map(|item| pick(&item.name)).collect(),
    };
    if scope == Scope::default() {
        return Err(ScopeProblem::NothingLeft);
    }
    let taken: BTreeSet<&Name> = scope.databases.iter().collect();
    for route in
        plan.routes.iter().filter(|route| !is_wanted(&route.name) && !holdings.is_active(&route.name))
    {
        let needed = closure(plan, std::slice::from_ref(&route.name))?;
        if let Some(database) = needed.iter().find(|name| taken.contains(name)) {
            return Err(ScopeProblem::Shared { database: database.clone(), route: route.name.clone() });
        }
    }
    Ok(scope)
}

/// A database or fleet that was not moved yet and that no route needs, as far as the plan says.
fn unclaimed(plan: &Plan, holdings: &Holdings) -> Result<Option<Name>, ScopeProblem> {
    let routes: Vec<Name> = plan.routes.iter().map(|route| route.name.clone()).collect();
    let claimed = closure(plan, &routes)?;
    let mut items =
        plan.databases.iter().map(|item| &item.name).chain(plan.fleets.iter().map(|item| &item.name));
    Ok(items.find(|name| !claimed.contains(*name) && !holdings.is_active(name)).cloned())
}

/// Some routes and all they depend on.
fn closure(plan: &Plan, routes: &[Name]) -> Result<BTreeSet<Name>, ScopeProblem> {
    let after: BTreeMap<&Name, &[Name]> =
        ItemKind::ALL.into_iter().flat_map(|kind| items(plan, kind)).collect();
    let mut found = BTreeSet::new();
    let mut queue: Vec<&Name> = routes.iter().collect();
    if let Some(unknown) = routes.iter().find(|name| !plan.routes.iter().any(|route| route.name == **name)) {
        return Err(ScopeProblem::UnknownRoute(unknown.clone()));
    }
    while let Some(name) = queue.pop() {
        if found.insert(name.clone()) {
            queue.extend(after.get(name).copied().unwrap_or_default());
        }
    }
    Ok(found)
}
