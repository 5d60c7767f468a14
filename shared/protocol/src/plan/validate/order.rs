//! Names and order: what each item is called, what it waits for, and that nothing waits for itself.

use std::collections::{HashMap, HashSet};

use super::super::Plan;
use super::super::problem::Findings;
use super::check_name;
use crate::name::Name;
use crate::nearest;
use crate::step::ItemKind;

/// How many unknown names are answered with the one that was meant; looking for it costs a pass over all names.
const SUGGESTIONS_MAX: usize = 20;

/// How many names of a cycle are written out.
const CYCLE_SHOWN_MAX: usize = 12;

fn what(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Database => "a database",
        ItemKind::Fleet => "a fleet",
        ItemKind::Route => "a route",
    }
}

fn may_wait_for(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Database => "databases",
        ItemKind::Fleet => "databases and fleets",
        ItemKind::Route => "databases, fleets and routes",
    }
}

struct OrderedItem<'a> {
    path: String,
    kind: ItemKind,
    name: &'a Name,
    after: &'a [Name],
}

pub(super) fn check(plan: &Plan, findings: &mut Findings<'_>) {
    let items = items(plan);
    let mut places: HashMap<&Name, usize> = HashMap::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let path = format!("{}.name", item.path);
        check_name(path.as_str(), item.name, findings);
        if let Some(first) = places.get(item.name) {
            let first = &items[*first].path;
            findings.add_reading(
                &[&format!("{first}.name")],
                path,
                format!("is {}, which {first} has already", item.name),
                "give every database, fleet and route a name of its own",
            );
        } else {
            places.insert(item.name, index);
        }
    }
    let waits = waits(&items, &places, findings);
    for cycle in cycles(&waits) {
        report_cycle(&items, &cycle, findings);
    }
}

fn items(plan: &Plan) -> Vec<OrderedItem<'_>> {
    let databases = plan.databases.iter().enumerate().map(|(index, database)| OrderedItem {
        path: format!("databases[{index}]"),
        kind: ItemKind::Database,
        name: &database.name,
        after: &database.after,
    });
    let fleets = plan.fleets.iter().enumerate().map(|(index, fleet)| OrderedItem {
        path: format!("fleets[{index}]"),
        kind: ItemKind::Fleet,
        name: &fleet.name,
        after: &fleet.after,
    });
    let routes = plan.routes.iter().enumerate().map(|(index, route)| OrderedItem {
        path: format!("routes[{index}]"),
        kind: ItemKind::Route,
        name: &route.name,
        after: &route.after,
    });
    databases.chain(fleets).chain(routes).collect()
}

/// For each item the items it waits for, by index; what it can't wait for is reported and left out.
fn waits(
    items: &[OrderedItem<'_>],
    places: &HashMap<&Name, usize>,
    findings: &mut Findings<'_>,
) -> Vec<Vec<usize>> {
    let known: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
    let mut suggestions = 0;
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        let mut seen = HashSet::new();
        let mut waits = Vec::new();
        for (position, name) in item.after.iter().enumerate() {
            let path = format!("{}.after[{position}]", item.path);
            if !seen.insert(name) {
                findings.add(path, format!("is {}, given twice", quoted(name)), "give each name once");
                continue;
            }
            match places.get(name) {
                None => {
                    suggestions += 1;
                    report_unknown(path, name, (suggestions <= SUGGESTIONS_MAX).then_some(&known), findings);
                }
                Some(_) if name == item.name => {
                    findings.add(path, format!("is {name} itself"), "leave it out: nothing waits for itself");
                }
                Some(index) if items[*index].kind > item.kind => {
                    let problem = format!("is {name}, {}", what(items[*index].kind));
                    let remedy = format!("{} waits for {} only", what(item.kind), may_wait_for(item.kind));
                    findings.add(path, problem, remedy);
                }
                Some(index) => waits.push(*index),
            }
        }
        all.push(waits);
    }
    all
}

fn report_unknown(path: String, name: &Name, known: Option<&Vec<&str>>, findings: &mut Findings<'_>) {
    if findings.names_are_known() {
        let remedy = known
            .map_or("give the name of an item".to_owned(), |known| nearest::remedy(name.as_str(), known));
        findings.add(path, format!("is {}, which no item of the plan is called", quoted(name)), remedy);
    }
}

fn quoted(name: &Name) -> String {
    nearest::quoted(name.as_str())
}

/// The cycles among what waits for what, in linear time: what waits for nothing is taken away until only cycles
/// and what waits for them are left; then each is walked once.
fn cycles(waits: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut left: Vec<usize> = waits.iter().map(Vec::len).collect();
    let mut waited_for_by: Vec<Vec<usize>> = vec![Vec::new(); waits.len()];
    for (item, others) in waits.iter().enumerate() {
        for other in others {
            waited_for_by[*other].push(item);
        }
    }
    let mut free: Vec<usize> = (0..waits.len()).filter(|item| left[*item] == 0).collect();
    while let Some(item) = free.pop() {
        for waiting in &waited_for_by[item] {
            left[*waiting] -= 1;
            if left[*waiting] == 0 {
                free.push(*waiting);
            }
        }
    }
    let mut cycles = Vec::new();
    let mut walked_in: Vec<Option<usize>> = vec![None; waits.len()];
    for start in (0..waits.len()).filter(|item| left[*item] > 0) {
        let mut walk = Vec::new();
        let mut here = Some(start);
        // Each that is left waits for another that is left, so a walk ends where it or an earlier one has been.
        while let Some(item) = here.filter(|item| walked_in[*item].is_none()) {
            walked_in[item] = Some(start);
            walk.push(item);
            here = waits[item].iter().copied().find(|other| left[*other] > 0);
        }
        if let Some(end) = here.filter(|item| walked_in[*item] == Some(start)) {
            cycles.extend(walk.iter().position(|item| *item == end).map(|from| walk.split_off(from)));
        }
    }
    cycles
}

fn report_cycle(items: &[OrderedItem<'_>], cycle: &[usize], findings: &mut Findings<'_>) {
    let Some(first) = cycle.first() else { return };
    let name = |item: &usize| items[*item].name.as_str();
    let mut shown: Vec<&str> = cycle.iter().take(CYCLE_SHOWN_MAX).map(name).collect();
    let more = format!("({} more)", cycle.len() - shown.len());
    if cycle.len() > shown.len() {
        shown.push(&more);
    }
    shown.push(name(first));
    findings.add(
        format!("{}.after", items[*first].path),
        format!("closes a cycle: {}", shown.join(" waits for ")),
        "leave one of these out, so that one of them can go first",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cycle_that_stands_apart_is_found_and_what_only_leads_to_it_is_left_out() {
        // 0 -> 1 -> 2 -> 1, 3 -> 4 -> 3, 5 -> nothing, 6 -> 5.
        let waits = vec![vec![1], vec![2], vec![1], vec![5, 4], vec![3], vec![], vec![5]];
        assert_eq!(cycles(&waits), vec![vec![1, 2], vec![3, 4]]);
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_has_no_cycle_and_needs_no_deep_stack() {
        let chain: Vec<Vec<usize>> =
            (0..100_000).map(|item| if item == 0 { vec![] } else { vec![item - 1] }).collect();
        assert_eq!(cycles(&chain), Vec::<Vec<usize>>::new());
        let mut ring = chain;
        ring[0] = vec![99_999];
        assert_eq!(cycles(&ring).len(), 1);
    }
}
