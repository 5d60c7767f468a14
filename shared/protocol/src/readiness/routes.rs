//! Do the routes stand as the plan says: the serving side open, the other one closed and able to be opened?

use super::facts::{RouteFacts, Unseen, seen};
use super::{Check, Scene};
use crate::plan::{Route, RouteSide};

pub(super) const NAMES: &[&str] = &[PRESENT, OPEN, CLOSED, DIAL];

const PRESENT: &str = "endpoints_present";
const OPEN: &str = "serving_side_open";
const CLOSED: &str = "other_side_closed";
const DIAL: &str = "recovery_dial_open";

/// A dial that lets everything through.
const FULL_PERMILLE: u32 = 1000;

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    scene.plan.routes.iter().flat_map(|route| of(scene, route)).collect()
}

fn of(scene: &Scene<'_>, route: &Route) -> Vec<Check> {
    let name = &route.name;
    let facts = match seen(&scene.facts.routes, name) {
        Ok(facts) => facts,
        Err(unseen) => {
            let rest = Unseen::new("The route was not seen.", format!("See {PRESENT}."));
            return vec![
                Check::unknown(PRESENT, name, &unseen),
                Check::unknown(OPEN, name, &rest),
                Check::unknown(CLOSED, name, &rest),
                Check::unknown(DIAL, name, &rest),
            ];
        }
    };
    let primary = Side { word: "primary", planned: &route.primary, weight: facts.primary_weight };
    let recovery = Side { word: "recovery", planned: &route.recovery, weight: facts.recovery_weight };
    let (serving, other) =
        if scene.state.moved.contains(name) { (&recovery, &primary) } else { (&primary, &recovery) };
    vec![present(route, *facts), open(route, serving), closed(route, other), dial(route, *facts)]
}

/// One side as planned and as seen.
struct Side<'p> {
    word: &'static str,
    planned: &'p RouteSide,
    weight: Option<u8>,
}

impl Side<'_> {
    fn missing(&self) -> Unseen {
        Unseen::new(format!("The {} endpoint is not in its group.", self.word), format!("See {PRESENT}."))
    }

    /// What sets the endpoint's weight; everything else of the group has to be given again.
    fn remedy(&self, weight: u8) -> String {
        format!(
            "Set the weight of {} in {} to {weight}; update-endpoint-group replaces the whole list of endpoints.",
            self.planned.endpoint, self.planned.endpoint_group
        )
    }
}

fn present(route: &Route, facts: RouteFacts) -> Check {
    let missing: Vec<&str> = [("primary", facts.primary_weight), ("recovery", facts.recovery_weight)]
        .into_iter()
        .filter_map(|(word, weight)| weight.is_none().then_some(word))
        .collect();
    if missing.is_empty() {
        return Check::ready(PRESENT, &route.name, "Both endpoints are in their groups.");
    }
    let sentence = match missing.as_slice() {
        [only] => format!("The {only} endpoint is not in its group."),
        _ => "Neither endpoint is in its group.".to_owned(),
    };
    Check::not_ready(PRESENT, &route.name, sentence, "Put it back, or correct routes[].endpoint of the plan.")
}

fn open(route: &Route, side: &Side<'_>) -> Check {
    let (name, word, planned) = (&route.name, side.word, side.planned.weight);
    match side.weight {
        None => Check::unknown(OPEN, name, &side.missing()),
        Some(weight) if weight == planned => {
            Check::ready(OPEN, name, format!("The {word} endpoint serves with weight {weight}."))
        }
        Some(weight) => Check::not_ready(
            OPEN,
            name,
            format!("The {word} endpoint has weight {weight}, the plan says {planned}."),
            side.remedy(planned),
        ),
    }
}

fn closed(route: &Route, side: &Side<'_>) -> Check {
    let (name, word) = (&route.name, side.word);
    match side.weight {
        None => Check::unknown(CLOSED, name, &side.missing()),
        Some(0) => Check::ready(CLOSED, name, format!("The {word} endpoint has weight 0.")),
        Some(weight) => Check::not_ready(
            CLOSED,
            name,
            format!("The {word} endpoint has weight {weight} and may take traffic although it must not."),
            side.remedy(0),
        ),
    }
}

/// The weight opens the recovery side; a dial below 100 would keep users away nevertheless.
fn dial(route: &Route, facts: RouteFacts) -> Check {
    let permille = facts.recovery_dial_permille;
    let percent = f64::from(permille) / 10.0;
    if permille >= FULL_PERMILLE {
        return Check::ready(DIAL, &route.name, "The recovery group's traffic dial is at 100 %.");
    }
    Check::not_ready(
        DIAL,
        &route.name,
        format!("The recovery group's traffic dial is at {percent} %, so it would not take all users."),
        format!(
            "aws globalaccelerator update-endpoint-group --region us-west-2 --endpoint-group-arn {} \
             --traffic-dial-percentage 100",
            route.recovery.endpoint_group
        ),
    )
}
