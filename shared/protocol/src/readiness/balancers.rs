//! Would the accelerator send users to the recovery side once its weight says so? It goes by its own view of the load
//! balancer's health, and by how many endpoint groups it tries.
//!
//! A load balancer is healthy for it only if every one of its target groups has a healthy target. With nothing healthy it
//! sends users to any endpoint of the nearest group, the fenced one too.

use super::facts::{AttachedGroup, EndpointHealth, RouteFacts, Unseen, seen};
use super::routes::balancer;
use super::{Check, Scene};
use crate::plan::Route;
use crate::words::list;

pub(super) const NAMES: &[&str] = &[PLANNED, TRIED, HEALTHY];

const PLANNED: &str = "balancer_can_be_healthy";
const TRIED: &str = "endpoint_groups_tried";
const HEALTHY: &str = "endpoint_healthy";

/// How many endpoint groups the accelerator tries for a healthy endpoint. Its guide says "the three closest" and "three
/// additional": the smaller reading counts.
const TRIED_MAX: u32 = 3;

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    scene.plan.routes.iter().flat_map(|route| of(scene, route)).collect()
}

fn of(scene: &Scene<'_>, route: &Route) -> Vec<Check> {
    let mut checks = vec![planned(scene, route), tried(scene, route)];
    if scene.state.holdings.is_active(&route.name) {
        checks.push(healthy(scene, route));
    }
    checks
}

/// Each target group of the recovery load balancer belongs to a fleet of the plan, which gives it targets; or has some.
fn planned(scene: &Scene<'_>, route: &Route) -> Check {
    let name = &route.name;
    let Some(arn) = balancer(route, scene.plan.seat) else {
        let sentence =
            format!("The {} endpoint is not a load balancer, so it has no target groups.", scene.side());
        return Check::ready(PLANNED, name, sentence);
    };
    let groups = match seen(&scene.facts.attached, arn) {
        Ok(Some(groups)) => groups,
        Ok(None) => {
            let sentence = format!("The {} load balancer does not exist.", scene.side());
            let side = scene.side();
            let remedy = format!("Create it again, or correct routes[].sides.{side}.endpoint of the plan.");
            return Check::not_ready(PLANNED, name, sentence, remedy);
        }
        Err(unseen) => return Check::unknown(PLANNED, name, &unseen),
    };
    let filled = |group: &AttachedGroup| {
        let fleet = scene.fleets().find(|fleet| fleet.target_groups.contains(&group.arn));
        // What has moved has its targets, or lacks them; what waits is given them by the run.
        fleet.is_some_and(|fleet| !scene.state.holdings.is_active(fleet.name))
    };
    let of_plan = |group: &&AttachedGroup| filled(group);
    let empty: Vec<String> = groups
        .iter()
        .filter(|group| group.healthy == 0 && !filled(group))
        .map(|group| short(&group.arn).to_owned())
        .collect();
    if !empty.is_empty() {
        let many = empty.len() > 1;
        let sentence = format!(
            "The recovery load balancer also forwards to {}, {} no healthy target and {} not filled by a \
             fleet that a failover moves. The accelerator considers a load balancer with such a target group \
             unhealthy.",
            list(empty),
            if many { "which have" } else { "which has" },
            if many { "are" } else { "is" },
        );
        let side = scene.side();
        let remedy = format!(
            "Remove the rule that forwards to it from the load balancer's listeners, give it a permanent healthy \
             target, or name it in fleets[].sides.{side}.target_groups of the fleet that fills it."
        );
        return Check::not_ready(PLANNED, name, sentence, remedy);
    }
    let own = groups.iter().filter(of_plan).count();
    let sentence = match (own, groups.len() - own) {
        (0, 0) => format!("The {} load balancer forwards to no target group.", scene.side()),
        (own, 0) => format!("Fleets of the plan fill all {own} of its target groups."),
        (own, others) => {
            format!(
                "Fleets that a failover moves fill {own} of its target groups. The others ({others}) have \
                 healthy targets now."
            )
        }
    };
    Check::ready(PLANNED, name, sentence)
}

fn tried(scene: &Scene<'_>, route: &Route) -> Check {
    let name = &route.name;
    match seen(&scene.facts.endpoint_groups, name) {
        Err(unseen) => Check::unknown(TRIED, name, &unseen),
        Ok(count) if *count <= TRIED_MAX => Check::ready(
            TRIED,
            name,
            format!("The accelerator tries all {count} endpoint groups of the listener."),
        ),
        Ok(count) => {
            let sentence = format!(
                "The listener has {count} endpoint groups, and the accelerator tries only the {TRIED_MAX} \
                 nearest to a user. If none of those has an open endpoint, it sends the user to a fenced \
                 one."
            );
            let remedy = "Give the route a listener with at most three endpoint groups, or keep an open \
                          endpoint near every user.";
            Check::note(TRIED, name, sentence, remedy)
        }
    }
}

/// The traffic service's own word for what was opened.
fn healthy(scene: &Scene<'_>, route: &Route) -> Check {
    let name = &route.name;
    let health = match seen(&scene.facts.routes, name) {
        Ok(RouteFacts { health, .. }) => &health[scene.plan.seat],
        Err(unseen) => return Check::unknown(HEALTHY, name, &unseen),
    };
    match health {
        EndpointHealth::Healthy => Check::ready(
            HEALTHY,
            name,
            format!("The accelerator reports the {} endpoint as healthy.", scene.side()),
        ),
        EndpointHealth::Unhealthy { reason } => Check::not_ready(
            HEALTHY,
            name,
            format!(
                "The accelerator reports the recovery endpoint as unhealthy ({}) and may send users to the \
                 fenced side.",
                reason.trim_end_matches('.')
            ),
            format!(
                "Make sure that each target group of the {} load balancer has a healthy target.",
                scene.side()
            ),
        ),
        EndpointHealth::Initial { .. } => {
            let why = format!(
                "The accelerator has not finished its first health check of the {} endpoint.",
                scene.side()
            );
            Check::unknown(HEALTHY, name, &Unseen::new(why, "Check again in a minute."))
        }
        EndpointHealth::Unknown => {
            let why = format!("The accelerator reports no health for the {} endpoint.", scene.side());
            Check::unknown(HEALTHY, name, &Unseen::new(why, "See endpoints_present."))
        }
    }
}

/// A target group's name and id.
fn short(arn: &str) -> &str {
    arn.rsplit_once(":targetgroup/").map_or(arn, |(_, short)| short)
}
