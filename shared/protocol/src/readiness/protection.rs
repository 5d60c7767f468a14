//! Can anything take over if the region that serves is lost? With one guard, before a failover, that is what all other checks ask. After
//! it nothing can: the moved items have no twin in the other region, no function runs there, and the way back is by hand.
//!
//! The other checks of what has moved go on: they say whether it serves, and what the way back will need.

use jiff::Timestamp;

use super::{Check, Scene};
use crate::attention::Matter;
use crate::group::{Group, groups};
use crate::name::Name;
use crate::state::holdings::Ownership;
use crate::words::list;

pub(super) const NAMES: &[&str] = &[PROTECTED];

const PROTECTED: &str = "workload_protected";

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    let (plan, subject) = (scene.plan, &scene.plan.name);
    let (primary, recovery) = (&plan.other().region, &plan.own().region);
    if scene.state.guard.is_some() {
        return vec![of_two(scene)];
    }
    let databases: Vec<&Name> = moved(scene, plan.databases.iter().map(|item| &item.name));
    let fleets = moved(scene, plan.fleets.iter().map(|item| &item.name));
    let routes = moved(scene, plan.routes.iter().map(|item| &item.name));
    if databases.is_empty() && fleets.is_empty() && routes.is_empty() {
        let sentence = format!("{primary} serves, and {recovery} is the standby for everything in the plan.");
        return vec![Check::ready(PROTECTED, subject, sentence)];
    }
    let all = plan.databases.len() + plan.fleets.len() + plan.routes.len();
    let what = match databases.len() + fleets.len() + routes.len() {
        count if count == all => "The workload is".to_owned(),
        count => {
            let names = [&databases, &fleets, &routes].into_iter().flatten().map(ToString::to_string);
            format!("{} {}", list(names), if count == 1 { "is" } else { "are" })
        }
    };
    let since = scene.state.active_since.map(since).unwrap_or_default();
    let mut missing = Vec::new();
    if !databases.is_empty() {
        let word = if databases.len() == 1 { "replica" } else { "replicas" };
        missing.push(format!("no {word} of {}", list(databases.iter())));
    }
    missing.push("no functions".to_owned());
    let sentence = format!(
        "{what} unprotected{since}. {recovery} serves, and if it is lost, nothing takes over in {primary}: \
         it has {}.",
        list(missing)
    );
    // This plan's journal remembers what has moved: exchanging its own regions would guard nothing.
    let remedy = "When the old region is healthy, go back by hand (docs/after-a-failover.md). Or, once the \
                  old region has replicas, add a second plan with another name and with the regions swapped. \
                  Until then, keep snapshots in both regions.";
    vec![Check::not_ready(PROTECTED, subject, sentence, remedy)]
}

/// Of one of two guards: whether it stands by for what the other side serves, and whether the other one does for what is served here.
fn of_two(scene: &Scene<'_>) -> Check {
    let (plan, state) = (scene.plan, scene.state);
    let (own, other) = (&plan.own().region, &plan.other().region);
    let held = |wanted: &[Ownership]| -> Vec<Name> {
        let is = |group: &Group| group.items().any(|item| wanted.contains(&state.holding(item).ownership));
        groups(plan).into_iter().filter(is).map(|group| group.name).collect()
    };
    let unknown = held(&[Ownership::Unknown]);
    if !unknown.is_empty() {
        let sentence =
            format!("The guard in {own} does not know who serves {}, and moves nothing.", list(&unknown));
        let remedy = "A new guard finds out within minutes, once it hears the other one. If it does not, run the command status: it says \
                      what both guards hold, and which of them is not heard.";
        return Check::not_ready(PROTECTED, &plan.name, sentence, remedy);
    }
    let unprotected = held(&[Ownership::Unprotected]);
    if !unprotected.is_empty() {
        let sentence = format!(
            "{other} serves {}, and nothing in {own} follows it: if {other} is lost, nothing takes over.",
            list(&unprotected)
        );
        return Check::not_ready(PROTECTED, &plan.name, sentence, REPLICATE);
    }
    let served = held(&[Ownership::Active]);
    if !served.is_empty() && state.calls.contains_key(&Matter::Unprotected) {
        let sentence = format!("{own} serves {}, and nothing stands by for it in {other}.", list(&served));
        return Check::not_ready(PROTECTED, &plan.name, sentence, REPLICATE);
    }
    let standby = held(&[Ownership::Standby]);
    let sentence = match (served.is_empty(), standby.is_empty()) {
        (true, _) => format!("{other} serves, and {own} is the standby for everything in the plan."),
        (false, true) => format!("{own} serves, and {other} is the standby for everything in the plan."),
        (false, false) => {
            format!(
                "{own} serves {}, {other} serves {}, and each is the standby of the other.",
                list(&served),
                list(&standby)
            )
        }
    };
    Check::ready(PROTECTED, &plan.name, sentence)
}

/// How a side stands by again.
const REPLICATE: &str = "When that region is healthy, make a replica there of what serves, as the plan names it, and close the endpoints \
                         there (docs/after-a-failover.md): its guard stands by again by itself. Until then, keep snapshots in both \
                         regions.";

fn moved<'n>(scene: &Scene<'_>, names: impl Iterator<Item = &'n Name>) -> Vec<&'n Name> {
    names.filter(|name| scene.state.holdings.is_active(name)).collect()
}

fn since(at: Timestamp) -> String {
    format!(" since {at}")
}
