//! What is moved whole? Routes that share a database, with those databases: a part of it on each side would be written on
//! both.
//!
//! A fleet belongs to no group: it serves on a side for as long as any route there needs it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::graph::{self, ScopeProblem};
use crate::journal::Scope;
use crate::name::Name;
use crate::plan::Plan;
use crate::state::State;
use crate::state::holdings::{Holding, Ownership};
use crate::step::ItemKind;

/// Databases and routes that are moved together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The first of its routes by name; of a group without routes the first of its databases.
    pub name: Name,
    /// Its databases, in the order of the plan.
    pub databases: Vec<Name>,
    /// Its routes, in the order of the plan.
    pub routes: Vec<Name>,
}

impl Group {
    /// What a guard's own side is for it: what it is for the item that the guard knows most of.
    pub fn holding(&self, state: &State) -> Holding {
        let rank = |holding: &Holding| {
            let by_ownership = match holding.ownership {
                Ownership::Taking => 4,
                Ownership::Active => 3,
                Ownership::Unprotected => 2,
                Ownership::Standby => 1,
                Ownership::Unknown => 0,
            };
            (holding.ownership != Ownership::Unknown, holding.term, by_ownership)
        };
        self.items().map(|item| state.holding(item)).max_by_key(rank).unwrap_or_default()
    }

    /// Since when all of it is what it is to a guard of two.
    pub fn since(&self, state: &State) -> Option<Timestamp> {
        let guard = state.guard.as_ref()?;
        self.items().map(|item| guard.since(item)).max()
    }

    /// Whether the guard's own side is one of these for all of it.
    fn is_all(&self, state: &State, wanted: &[Ownership]) -> bool {
        self.items().all(|item| wanted.contains(&state.holding(item).ownership))
    }

    /// Those of its items for which the guard's own side is this.
    pub fn items_that_are(&self, state: &State, ownership: Ownership) -> Vec<Name> {
        let is = |item: &&Name| state.holding(item).ownership == ownership;
        self.items().filter(is).cloned().collect()
    }

    /// All that is moved with it.
    pub fn items(&self) -> impl Iterator<Item = &Name> + Clone {
        self.databases.iter().chain(&self.routes)
    }
}

/// The groups of a plan, in the order of their names.
pub fn groups(plan: &Plan) -> Vec<Group> {
    let mut joined = Joined::default();
    let mut carries: BTreeMap<&Name, bool> = BTreeMap::new();
    for kind in ItemKind::ALL {
        for (name, after) in in_order(plan, kind) {
            // A fleet that waits for no database joins nothing: two routes may share it and part.
            let is_joining = |needed: &&Name| carries.get(*needed).copied().unwrap_or(true);
            let needed: Vec<&Name> = after.iter().filter(is_joining).collect();
            carries.insert(name, kind != ItemKind::Fleet || !needed.is_empty());
            joined.place(name);
            for needed in needed {
                joined.join(name, needed);
            }
        }
    }
    let mut found: BTreeMap<Name, Group> = BTreeMap::new();
    let mut add = |kind: ItemKind| {
        for (name, _) in graph::items(plan, kind) {
            let root = joined.root(name).clone();
            let empty = || Group { name: root.clone(), databases: Vec::new(), routes: Vec::new() };
            let group = found.entry(root.clone()).or_insert_with(empty);
            let list = if kind == ItemKind::Route { &mut group.routes } else { &mut group.databases };
            list.push(name.clone());
        }
    };
    add(ItemKind::Database);
    add(ItemKind::Route);
    let mut groups: Vec<Group> = found.into_values().map(named).collect();
    groups.sort_by(|one, other| one.name.cmp(&other.name));
    groups
}

/// What a guard may move: everything that was not moved yet, or some routes with all they depend on. A guard of two moves
/// groups that it stands by for, each as a whole; the fleets come along that their routes need, and those that no route needs.
///
/// # Errors
/// See [`ScopeProblem`].
pub fn scope(plan: &Plan, state: &State, routes: &[Name]) -> Result<Scope, ScopeProblem> {
    if state.guard.is_none() {
        return graph::scope(plan, &state.holdings, routes);
    }
    let asked = graph::closure(plan, routes)?;
    let groups = groups(plan);
    let is_asked = |group: &&Group| routes.is_empty() || group.items().any(|item| asked.contains(item));
    let left: Vec<&Group> =
        groups.iter().filter(is_asked).filter(|group| !group.is_all(state, &[Ownership::Active])).collect();
    let may_move = |group: &&&Group| group.is_all(state, &[Ownership::Standby, Ownership::Taking]);
    let moved: Vec<&Group> = left.iter().filter(may_move).copied().collect();
    let stuck = left.iter().find(|group| !may_move(group));
    if let Some(stuck) = stuck.filter(|_| moved.is_empty() || !routes.is_empty()) {
        let ownership = stuck.holding(state).ownership;
        return Err(ScopeProblem::NotStandby { group: stuck.name.clone(), ownership });
    }
    let stays = moved
        .iter()
        .flat_map(|group| group.routes.iter().map(move |route| (group, route)))
        .find(|(_, route)| !routes.is_empty() && !asked.contains(*route));
    if let Some((group, route)) = stays {
        let is_asked = |database: &&Name| asked.contains(*database);
        let shared = group.databases.iter().find(is_asked).or_else(|| group.databases.first());
        if let Some(database) = shared {
            return Err(ScopeProblem::Shared { database: database.clone(), route: route.clone() });
        }
    }
    if moved.is_empty() {
        return Err(ScopeProblem::NothingLeft);
    }
    let every: Vec<Name> = plan.routes.iter().map(|route| route.name.clone()).collect();
    let claimed = graph::closure(plan, &every)?;
    let is_moved = |name: &&Name| moved.iter().any(|group| group.items().any(|item| item == *name));
    let names = |kind| graph::items(plan, kind).map(|(name, _)| name);
    let (databases, moved_routes) = (
        names(ItemKind::Database).filter(is_moved).cloned().collect(),
        names(ItemKind::Route).filter(is_moved).cloned().collect::<Vec<Name>>(),
    );
    let needed = graph::closure(plan, &moved_routes)?;
    let comes = |name: &&Name| {
        !state.holdings.is_active(name) && (needed.contains(*name) || !claimed.contains(*name))
    };
    let fleets = names(ItemKind::Fleet).filter(comes).cloned().collect();
    Ok(Scope { databases, fleets, routes: moved_routes })
}

/// Whether a guard watches the other side: there is something that it may have to move, or that a person may. One that serves
/// everything itself watches nothing.
pub fn is_watching(plan: &Plan, state: &State) -> bool {
    state.guard.is_none()
        || state.active_run().is_some()
        || !groups(plan).iter().all(|group| group.is_all(state, &[Ownership::Active]))
}

fn named(group: Group) -> Group {
    let first = group.routes.iter().min().or_else(|| group.databases.iter().min());
    let name = first.unwrap_or(&group.name).clone();
    Group { name, ..group }
}

/// The items of a kind, each after those of its kind that it comes after. A plan without a cycle has such an order; of one that
/// has a cycle the rest comes as it stands.
fn in_order(plan: &Plan, kind: ItemKind) -> Vec<(&Name, &[Name])> {
    let mut left: Vec<(&Name, &[Name])> = graph::items(plan, kind).collect();
    let mut ordered = Vec::with_capacity(left.len());
    let mut waiting: BTreeSet<&Name> = left.iter().map(|(name, _)| *name).collect();
    loop {
        let before = left.len();
        left.retain(|(name, after)| {
            let waits = after.iter().any(|needed| needed != *name && waiting.contains(needed));
            if !waits {
                waiting.remove(name);
                ordered.push((*name, *after));
            }
            waits
        });
        if left.len() == before {
            ordered.extend(left);
            return ordered;
        }
    }
}

/// Which items are joined with which: a forest whose roots stand for their trees.
#[derive(Default)]
struct Joined<'p> {
    parents: BTreeMap<&'p Name, &'p Name>,
}

impl<'p> Joined<'p> {
    fn place(&mut self, name: &'p Name) {
        self.parents.entry(name).or_insert(name);
    }

    fn root(&mut self, name: &'p Name) -> &'p Name {
        let mut root = name;
        while let Some(parent) = self.parents.get(root).copied().filter(|parent| *parent != root) {
            root = parent;
        }
        // Shorter ways for later.
        let mut at = name;
        while at != root {
            at = self.parents.insert(at, root).unwrap_or(root);
        }
        root
    }

    fn join(&mut self, one: &'p Name, other: &'p Name) {
        let (one, other) = (self.root(one), self.root(other));
        self.parents.insert(one, other);
    }
}
