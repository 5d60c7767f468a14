//! The steps of a run and what each waits for. A kind of run is a graph; everything else is common to all.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::command::Step;
use crate::journal::Scope;
use crate::name::Name;
use crate::plan::{Limits, Plan};
use crate::state::holdings::{Holdings, Ownership};
use crate::state::{Phase, Progress, Run};
use crate::step::{Barrier, ItemKind, Window};

/// The items of a step of a run that are not done and wait for nothing, whether or not a worker holds them.
pub(crate) fn ready<'r>(plan: &Plan, run: &'r Run, step: Step) -> Vec<&'r Name> {
    ready_of(plan, run, step, is_open)
}

fn is_open(progress: Option<&Progress>) -> bool {
    !progress.is_some_and(Progress::is_done)
}

/// Those items of a step that wait for nothing, and that `is_asked_for` by what became of them.
pub(crate) fn ready_of<'r>(
    plan: &Plan,
    run: &'r Run,
    step: Step,
    is_asked_for: impl Fn(Option<&Progress>) -> bool,
) -> Vec<&'r Name> {
    if !may_run(run, step) || require_barriers(run, step).is_err() {
        return Vec::new();
    }
    let asked = moved_by(run, step).filter(|(.., progress)| is_asked_for(*progress));
    let after = After::of(plan, step);
    let members = Members::of(run);
    let waits = step.spec().barriers.contains(&Barrier::Dependencies);
    let is_ready = |after: &[Name]| !waits || after.iter().all(|name| members.is_ready(name));
    let ready = asked.filter(|(name, at, _)| after.get(name, *at).is_some_and(is_ready));
    ready.map(|(name, ..)| name).collect()
}

/// The items of a step that are not done.
pub(crate) fn open(run: &Run, step: Step) -> Vec<&Name> {
    moved_by(run, step).filter(|(.., progress)| is_open(*progress)).map(|(name, ..)| name).collect()
}

/// The items that a run has a step for, each with its place among them and what became of it.
fn moved_by(run: &Run, step: Step) -> impl Iterator<Item = (&Name, usize, Option<&Progress>)> {
    let items = step.spec().item.map(|kind| run.items(kind)).unwrap_or_default();
    run.steps.along(step, items.iter().enumerate().map(|(at, name)| (name, at)))
}

/// What the plan's items of one kind come after, for looking up.
struct After<'p> {
    plan: &'p Plan,
    kind: Option<ItemKind>,
    by_name: OnceCell<HashMap<&'p Name, &'p [Name]>>,
}

impl<'p> After<'p> {
    fn of(plan: &'p Plan, step: Step) -> Self {
        Self { plan, kind: step.spec().item, by_name: OnceCell::new() }
    }

    /// What an item comes after, if the plan has it. A run that moves all that the plan has, has it in the same place.
    fn get(&self, name: &Name, at: usize) -> Option<&'p [Name]> {
        let kind = self.kind?;
        match item(self.plan, kind, at) {
            Some((found, after)) if found == name => Some(after),
            _ => self.by_name.get_or_init(|| items(self.plan, kind).collect()).get(name).copied(),
        }
    }
}

/// The steps by which an aborted run is undone: one for each step it began, or noted something for, that leaves a trace.
pub(crate) fn undoing(run: &Run) -> Vec<(Step, &Name)> {
    let begun = run.steps.iter().map(|(step, subject, _)| (step, subject));
    let noted = run.before.keys().map(|(step, subject)| (*step, subject));
    let touched: BTreeSet<(Step, &Name)> = begun.chain(noted).collect();
    touched.into_iter().filter_map(|(step, subject)| Some((step.undone_by()?, subject))).collect()
}

/// Those of them that are not done.
pub(crate) fn not_undone(run: &Run) -> Vec<(Step, &Name)> {
    undoing(run).into_iter().filter(|(step, subject)| !run.is_done(*step, subject)).collect()
}

/// The items of a kind, each with what it comes after.
pub(crate) fn items(plan: &Plan, kind: ItemKind) -> impl Iterator<Item = (&Name, &[Name])> {
    (0..).map_while(move |at| item(plan, kind, at))
}

/// The item in a place among those of its kind, with what it comes after.
fn item(plan: &Plan, kind: ItemKind, at: usize) -> Option<(&Name, &[Name])> {
    match kind {
        ItemKind::Database => plan.databases.get(at).map(|item| (&item.name, item.after.as_slice())),
        ItemKind::Fleet => plan.fleets.get(at).map(|item| (&item.name, item.after.as_slice())),
        ItemKind::Route => plan.routes.get(at).map(|item| (&item.name, item.after.as_slice())),
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

/// Whether all is done for every item that a step waits for; else why it may not begin.
pub(crate) fn require_barriers(run: &Run, step: Step) -> Result<(), &'static str> {
    let unmet = step.spec().barriers.iter().find_map(|barrier| match barrier {
        Barrier::Every { step, unless_met } if !run.is_done_for_all(*step) => Some(*unless_met),
        // What an item comes after is in the plan, which is asked before a step is taken.
        Barrier::Every { .. } | Barrier::Dependencies => None,
    });
    unmet.map_or(Ok(()), Err)
}

/// How long a step may take, all its attempts together.
pub fn seconds_max(limits: &Limits, step: Step) -> u32 {
    step.spec().seconds_max.map_or(u32::MAX, |of| of(&limits.step_seconds_max))
}

/// The items of a run, for looking up.
struct Members<'r> {
    run: &'r Run,
    /// The steps after which an item is ready, by its kind.
    readying: Vec<(ItemKind, Step)>,
    kinds: OnceCell<HashMap<&'r Name, ItemKind>>,
}

impl<'r> Members<'r> {
    fn of(run: &'r Run) -> Self {
        let readying = ItemKind::ALL.into_iter().filter_map(|kind| Some((kind, run.readied_by(kind)?)));
        Self { run, readying: readying.collect(), kinds: OnceCell::new() }
    }

    /// Whether an item is ready. One outside the run was moved by an earlier one.
    fn is_ready(&self, name: &Name) -> bool {
        let mut begun = self.readying.iter().filter_map(|(_, step)| self.run.progress(*step, name));
        if let Some(progress) = begun.next() {
            return progress.is_done();
        }
        let Some(kind) = self.kinds().get(name) else { return true };
        self.readying.iter().all(|(readied, _)| readied != kind)
    }

    fn kinds(&self) -> &HashMap<&'r Name, ItemKind> {
        let of_kind = |kind| self.run.items(kind).iter().map(move |name| (name, kind));
        self.kinds.get_or_init(|| ItemKind::ALL.into_iter().flat_map(of_kind).collect())
    }
}

/// Why a scope cannot be moved on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeProblem {
    /// A route is not in the plan.
    UnknownRoute(Name),
    /// Everything asked for is in the recovery region already.
    NothingLeft,
    /// This guard does not stand by for a group: it may not move it.
    NotStandby {
        /// The group.
        group: Name,
        /// What the guard's own side is for it.
        ownership: Ownership,
    },
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
pub(crate) fn closure(plan: &Plan, routes: &[Name]) -> Result<BTreeSet<Name>, ScopeProblem> {
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
