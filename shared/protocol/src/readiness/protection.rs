//! Can anything take over if the region that serves is lost? Before a failover that is what all the other checks ask. After
//! it nothing can: the moved items have no twin in the other region, no function runs there, and the way back is by hand.
//!
//! The other checks of what has moved go on: they say whether it serves, and what the way back will need.

use jiff::Timestamp;

use super::{Check, Scene};
use crate::name::Name;
use crate::words::list;

pub(super) const NAMES: &[&str] = &[PROTECTED];

const PROTECTED: &str = "workload_protected";

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    let (plan, subject) = (scene.plan, &scene.plan.name);
    let (primary, recovery) = (&plan.other().region, &plan.own().region);
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

fn moved<'n>(scene: &Scene<'_>, names: impl Iterator<Item = &'n Name>) -> Vec<&'n Name> {
    names.filter(|name| scene.state.holdings.is_active(name)).collect()
}

fn since(at: Timestamp) -> String {
    format!(" since {at}")
}
