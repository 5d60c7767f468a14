//! What a guard of two is for each group: by its own look, and by the word of the other guard.
//!
//! Each rule is right whatever the age of the word that it goes by. There is one way to stand by: to read that the other guard is
//! active, by the same term. See `docs/decisions/0178-two-guards-know-each-other-by-their-words.md`.

use std::collections::BTreeSet;

use super::{Draft, Facts};
use crate::graph;
use crate::group::{Group, groups};
use crate::journal::{Event, GroupTerm};
use crate::name::Name;
use crate::pair::PairSeen;
use crate::plan::Plan;
use crate::state::holdings::{Holding, Ownership, first_term, own_term_from};
use crate::state::{OneOfTwo, State};
use crate::word::Word;
use crate::words::{invocation, list};

/// The first thing that follows from what a guard of two sees.
pub(super) fn note(plan: &Plan, state: &State, facts: &Facts) -> Option<Draft> {
    let pair = facts.pair.as_ref()?;
    if state.guard.is_none() {
        return Some(start(plan, state, pair));
    }
    if let Some(draft) = restored(plan, state, pair) {
        return Some(draft);
    }
    if state.guard.as_ref().is_some_and(|guard| guard.is_restored) {
        return None;
    }
    let word = pair.counting_word(plan)?;
    let scene = PairScene { plan, state, pair, word, groups: groups(plan) };
    scene.left().or_else(|| scene.active()).or_else(|| scene.stand_by())
}

fn start(plan: &Plan, state: &State, pair: &PairSeen) -> Draft {
    let (own, other) = (&plan.own().region, &plan.other().region);
    // What was never moved by a guard that was alone serves on the other side.
    let was_alone = state.last_seq > 0;
    let items = groups(plan).into_iter().flat_map(|group| group.items().cloned().collect::<Vec<_>>());
    let stands_by: Vec<Name> =
        items.filter(|item| was_alone && state.holding(item) == Holding::default()).collect();
    let sentence = if was_alone {
        format!("The guard in {own} is one of two from now on, with the guard in {other}.")
    } else {
        format!(
            "The guard in {own} begins: it moves nothing until it knows, by its own look and by the word of the guard in \
             {other}, which side serves."
        )
    };
    let event = Event::GuardStarted { table_id: pair.table_id.clone(), stands_by };
    Draft::new(None, event, sentence)
}

/// The journal lies in another table than it was begun in, or the other guard has heard more of it than there is.
fn restored(plan: &Plan, state: &State, pair: &PairSeen) -> Option<Draft> {
    let guard = state.guard.as_ref()?;
    let is_elsewhere = guard.table_id != pair.table_id;
    // Once it is known, a person is asked.
    let is_cut = !guard.is_restored
        && pair
            .word_now(plan)
            .is_some_and(|word| word.has_heard(&pair.table_id, guard.said_as(state.next_seq())));
    if !is_elsewhere && !is_cut {
        return None;
    }
    let what = if is_elsewhere {
        "lies in another table than the one that it was begun in"
    } else {
        "ends before a record that the other guard has heard of"
    };
    let sentence = format!(
        "The journal in {} {what}: it was restored. Pilotlight no longer believes what it says of groups, and moves \
         nothing until a person lets its guard go by what it sees and hears: {}",
        plan.own().region,
        invocation(plan, r#""command":"adopt""#)
    );
    Some(Draft::new(None, Event::GuardRestored { table_id: pair.table_id.clone() }, sentence))
}

/// Why nothing can be adopted: a code and the words.
pub(super) type NotAdopted = (&'static str, String);

/// What a person lets the guard go by: of each group that it knows nothing of, its own look and what the other guard says now.
pub(super) fn adopt(
    plan: &Plan,
    state: &State,
    pair: Option<&PairSeen>,
    by: &str,
) -> Result<Draft, NotAdopted> {
    let (own, other) = (&plan.own().region, &plan.other().region);
    let Some(guard) = &state.guard else {
        return Err(("not_two", "this guard is alone, and knows what it holds".to_owned()));
    };
    let unknown = |group: Group| {
        let items = group.items_that_are(state, Ownership::Unknown);
        (!items.is_empty()).then_some((group, items))
    };
    let groups: Vec<(Group, Vec<Name>)> = groups(plan).into_iter().filter_map(unknown).collect();
    if groups.is_empty() {
        return Err(("nothing_unknown", format!("the guard in {own} knows of every group who serves it")));
    }
    let Some((pair, word)) = pair.and_then(|pair| Some((pair, pair.word_now(plan)?))) else {
        let why = format!(
            "the guard in {other} is not heard now, and what it holds decides what this one may: status says why it is not heard"
        );
        return Err(("not_heard", why));
    };
    let (mut active, mut unprotected) = (Vec::new(), Vec::new());
    for (group, items) in groups {
        let said = word.groups.get(&group.name);
        let term = said.map_or(0, |said| said.holding.term);
        let is_claimed = said.is_some_and(|said| said.owned_by().is_some());
        let serves = pair.look(&group.name).is_some_and(|look| look.serves(plan.seat));
        let (list, term) = if serves && !is_claimed {
            (&mut active, own_term_from(term, plan.seat))
        } else {
            (&mut unprotected, term)
        };
        list.push(GroupTerm { group: group.name, items, term });
    }
    let heard =
        word.heard.as_ref().filter(|heard| heard.table_id == pair.table_id).map_or(0, |heard| heard.seq);
    let offset = (heard + 1).saturating_sub(state.next_seq());
    let offset = if offset > guard.offset.unwrap_or_default() { offset } else { 0 };
    let mut parts = Vec::new();
    if !active.is_empty() {
        parts.push(format!("{} is served in {own}", names(&active)));
    }
    if !unprotected.is_empty() {
        parts.push(format!(
            "{} is not, and is unprotected until what is in {own} follows",
            names(&unprotected)
        ));
    }
    let sentence =
        format!("{by} lets the guard in {own} go by what it sees and hears: {}.", parts.join("; "));
    Ok(Draft::new(None, Event::GroupsAdopted { by: by.to_owned(), active, unprotected, offset }, sentence))
}

fn names(groups: &[GroupTerm]) -> String {
    list(groups.iter().map(|group| &group.group))
}

struct PairScene<'s> {
    plan: &'s Plan,
    state: &'s State,
    pair: &'s PairSeen,
    word: &'s Word,
    groups: Vec<Group>,
}

impl PairScene<'_> {
    /// Groups that the other guard owns by a higher term than this one knows, and those that this one knows nothing of.
    fn left(&self) -> Option<Draft> {
        let word = self.word;
        let is_left = |item: &&Name, term: u64| {
            let held = self.state.holding(item);
            held.ownership == Ownership::Unknown || held.term < term
        };
        let found: Vec<GroupTerm> = self
            .groups
            .iter()
            .filter_map(|group| {
                let term = word.groups.get(&group.name)?.owned_by()?;
                let items: Vec<Name> = group.items().filter(|item| is_left(item, term)).cloned().collect();
                (!items.is_empty()).then(|| GroupTerm { group: group.name.clone(), items, term })
            })
            .collect();
        if found.is_empty() {
            return None;
        }
        let held =
            |item: &Name| matches!(self.state.holding(item).ownership, Ownership::Active | Ownership::Taking);
        let quiet = !found.iter().flat_map(|group| &group.items).any(held);
        let fleets = self.fleets_left(&found);
        let names = names(&found);
        let sentence = format!(
            "The guard in {} serves {names}: the guard in {} leaves it alone, and does not protect it until a replica here \
             follows.",
            self.plan.other().region,
            self.plan.own().region
        );
        Some(Draft::new(None, Event::GroupsLeft { groups: found, fleets, quiet }, sentence))
    }

    /// Fleets that were scaled out here to serve, and that no route needs any more that serves here.
    fn fleets_left(&self, left: &[GroupTerm]) -> Vec<Name> {
        let gone: BTreeSet<&Name> = left.iter().flat_map(|group| &group.items).collect();
        let stay: Vec<Name> = self
            .plan
            .routes
            .iter()
            .map(|route| &route.name)
            .filter(|route| !gone.contains(route) && self.state.holdings.is_active(route))
            .cloned()
            .collect();
        let needed = graph::closure(self.plan, &stay).unwrap_or_default();
        let fleets = self.plan.fleets.iter().map(|fleet| &fleet.name);
        fleets
            .filter(|name| self.state.holdings.is_active(name) && !needed.contains(*name))
            .cloned()
            .collect()
    }

    /// Groups that serve here, of which nothing was known, and which the other guard does not claim.
    fn active(&self) -> Option<Draft> {
        let word = self.word;
        let seat = self.plan.seat;
        let found: Vec<GroupTerm> = self
            .groups
            .iter()
            .filter_map(|group| {
                let unknown = self.items_that_are(group, Ownership::Unknown)?;
                let other = word.groups.get(&group.name)?;
                let is_free = match other.holding.ownership {
                    Ownership::Standby => true,
                    Ownership::Unknown => other.serves == Some(false),
                    Ownership::Active | Ownership::Taking | Ownership::Unprotected => false,
                };
                if !is_free || !self.pair.look(&group.name)?.serves(seat) {
                    return None;
                }
                let known = group.holding(self.state);
                let term = match (known.ownership, other.holding.ownership) {
                    (Ownership::Unknown, Ownership::Standby) => other.holding.term,
                    (Ownership::Unknown, _) => first_term(seat),
                    _ => known.term,
                };
                Some(GroupTerm { group: group.name.clone(), items: unknown, term })
            })
            .collect();
        if found.is_empty() {
            return None;
        }
        let names = names(&found);
        let sentence = format!(
            "{names} is served in {}: its databases accept writes there and users are let in nowhere else, and the guard in \
             {} does not claim it.",
            self.plan.own().region,
            self.plan.other().region
        );
        Some(Draft::new(None, Event::GroupsActive { groups: found }, sentence))
    }

    /// Groups that the other guard serves, and that follow here.
    fn stand_by(&self) -> Option<Draft> {
        let word = self.word;
        let guard: &OneOfTwo = self.state.guard.as_ref()?;
        let left_seq = guard.said_as(guard.left_seq?);
        // Before that the other guard may still believe that this one holds what it has left.
        if !word.has_heard(&self.pair.table_id, left_seq) {
            return None;
        }
        let found: Vec<GroupTerm> = self
            .groups
            .iter()
            .filter_map(|group| {
                let items = self.items_that_are(group, Ownership::Unprotected)?;
                let other = word.groups.get(&group.name)?;
                let term = group.holding(self.state).term;
                let is_served = other.holding.ownership == Ownership::Active && other.holding.term == term;
                let is_handed_over = !other.owes_quarantine;
                let is_right =
                    is_served && is_handed_over && self.pair.look(&group.name)?.follows(self.plan.seat);
                is_right.then(|| GroupTerm { group: group.name.clone(), items, term })
            })
            .collect();
        if found.is_empty() {
            return None;
        }
        let names = names(&found);
        let sentence = format!(
            "{names} is protected: it is served in {}, and what is in {} follows.",
            self.plan.other().region,
            self.plan.own().region
        );
        Some(Draft::new(None, Event::GroupsStandBy { groups: found }, sentence))
    }

    /// Those items of a group for which the own side is something, if there are any.
    fn items_that_are(&self, group: &Group, ownership: Ownership) -> Option<Vec<Name>> {
        let items = group.items_that_are(self.state, ownership);
        (!items.is_empty()).then_some(items)
    }
}
