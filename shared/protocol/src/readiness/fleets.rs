//! Can every fleet grow, and do its servers reach users? And does one that has moved have its healthy targets?
//!
//! The sizes of a group need no check: a run raises min, desired and max together.

use super::facts::{GroupFacts, TemplateFacts, TemplateRef, Unseen, seen};
use super::{Check, Scene};
use crate::plan::FleetAt;
use crate::words::list;

pub(super) const NAMES: &[&str] = &[EXISTS, LAUNCH, TEMPLATE, ATTACHED, TARGETS, HEALTHY];

const EXISTS: &str = "group_exists";
const LAUNCH: &str = "launch_allowed";
const TEMPLATE: &str = "template_and_image";
const ATTACHED: &str = "group_attached";
const TARGETS: &str = "target_groups_reached";
const HEALTHY: &str = "fleet_healthy";

/// The processes without which a group brings no server into service.
const NEEDED: [&str; 2] = ["Launch", "AddToLoadBalancer"];

/// What an image begins with that is named by a parameter, and was not resolved.
const ALIAS: &str = "resolve:ssm:";

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    scene.fleets().flat_map(|fleet| of(scene, fleet)).collect()
}

fn of(scene: &Scene<'_>, fleet: FleetAt<'_>) -> Vec<Check> {
    let name = fleet.name;
    let mut checks = match seen(&scene.facts.groups, name) {
        Ok(Some(group)) => {
            let exists = Check::ready(EXISTS, name, format!("The group {} exists.", fleet.group));
            vec![
                exists,
                launch(scene, fleet, group),
                template(scene, fleet, group),
                attached(scene, fleet, group),
            ]
        }
        Ok(None) => {
            let sentence = format!("The group {} does not exist.", fleet.group);
            let side = fleet.side.as_str();
            let remedy = format!("Create it again, or correct fleets[].sides.{side}.group of the plan.");
            unseen_group(fleet, Check::not_ready(EXISTS, name, sentence, remedy))
        }
        Err(unseen) => unseen_group(fleet, Check::unknown(EXISTS, name, &unseen)),
    };
    checks.push(target_groups(scene, fleet));
    if scene.state.holdings.is_active(name) {
        checks.push(healthy(scene, fleet));
    }
    checks
}

fn unseen_group(fleet: FleetAt<'_>, exists: Check) -> Vec<Check> {
    let unseen = Unseen::new("The group could not be read.", format!("See {EXISTS}."));
    let rest = [LAUNCH, TEMPLATE, ATTACHED].map(|check| Check::unknown(check, fleet.name, &unseen));
    std::iter::once(exists).chain(rest).collect()
}

/// The worst of the templates that the group launches from speaks for all of them.
fn template(scene: &Scene<'_>, fleet: FleetAt<'_>, group: &GroupFacts) -> Check {
    let name = fleet.name;
    if group.templates.is_empty() {
        let why = format!("{} has no launch template.", fleet.group);
        let remedy = "Give the group a launch template. This check can't read a launch configuration.";
        return Check::unknown(TEMPLATE, name, &Unseen::new(why, remedy));
    }
    let region = &scene.plan.own().region;
    let (mut fine, mut unknown) = (Vec::new(), None);
    for template in &group.templates {
        let TemplateRef { id, version } = template;
        let facts = match seen(&scene.facts.templates, template) {
            Ok(facts) => facts,
            Err(unseen) => {
                unknown = unknown.or(Some(unseen));
                continue;
            }
        };
        let Some(TemplateFacts { image, image_state, .. }) = facts else {
            let sentence = format!("The launch template {id} has no version {version}, or does not exist.");
            let remedy = "Create it again, or give the group one that exists.";
            return Check::not_ready(TEMPLATE, name, sentence, remedy);
        };
        match (image.as_deref(), image_state.as_deref()) {
            (Some(image), Some("available")) => {
                fine.push(format!("{id} version {version} with the image {image}"));
            }
            (Some(image), None) if image.starts_with(ALIAS) => {
                let parameter = image.trim_start_matches(ALIAS);
                let why = format!(
                    "The launch template {id} takes its image from the parameter {parameter}, and that \
                     parameter can't be read."
                );
                let remedy = format!(
                    "Add {parameter} to image_parameters of the orchestrator module, so that its role may \
                     read it."
                );
                unknown = unknown.or(Some(Unseen::new(why, remedy)));
            }
            (None, _) => {
                let sentence = format!("Version {version} of the launch template {id} names no image.");
                return Check::not_ready(TEMPLATE, name, sentence, "Create a new version with an image.");
            }
            (Some(image), state) => {
                let state =
                    state.map_or("does not exist".to_owned(), |state| format!("is {state}, not available"));
                let sentence = format!("The image {image} of the launch template {id} {state} in {region}.");
                let remedy = "Copy the image to the region again, and create a new version of the template \
                              with that copy.";
                return Check::not_ready(TEMPLATE, name, sentence, remedy);
            }
        }
    }
    match unknown {
        Some(unseen) => Check::unknown(TEMPLATE, name, &unseen),
        None => Check::ready(TEMPLATE, name, format!("It launches from {}.", list(fine))),
    }
}

fn launch(scene: &Scene<'_>, fleet: FleetAt<'_>, group: &GroupFacts) -> Check {
    let stopped: Vec<&str> =
        NEEDED.into_iter().filter(|needed| group.suspended.iter().any(|process| process == needed)).collect();
    if stopped.is_empty() {
        return Check::ready(LAUNCH, fleet.name, "It can launch servers and register them.");
    }
    let remedy = format!(
        "aws autoscaling resume-processes --region {} --auto-scaling-group-name {} --scaling-processes {}",
        scene.plan.own().region,
        fleet.group,
        stopped.join(" ")
    );
    let names = list(stopped.iter());
    Check::not_ready(LAUNCH, fleet.name, format!("{} has suspended processes: {names}.", fleet.group), remedy)
}

fn attached(scene: &Scene<'_>, fleet: FleetAt<'_>, group: &GroupFacts) -> Check {
    let missing: Vec<&String> =
        fleet.target_groups.iter().filter(|arn| !group.target_groups.contains(arn)).collect();
    let Some(first) = missing.first() else {
        let sentence = match fleet.target_groups.len() {
            0 => "It has no load balancer, so its servers need no registration.".to_owned(),
            1 => "It registers its servers with its target group.".to_owned(),
            more => format!("It registers its servers with its {more} target groups."),
        };
        return Check::ready(ATTACHED, fleet.name, sentence);
    };
    Check::not_ready(
        ATTACHED,
        fleet.name,
        format!(
            "{} registers its servers with only {} of its {} target groups.",
            fleet.group,
            fleet.target_groups.len() - missing.len(),
            fleet.target_groups.len()
        ),
        format!(
            "aws autoscaling attach-load-balancer-target-groups --region {} --auto-scaling-group-name {} \
             --target-group-arns {first}",
            scene.plan.own().region,
            fleet.group
        ),
    )
}

/// The worst of the fleet's target groups speaks for all of them.
fn target_groups(scene: &Scene<'_>, fleet: FleetAt<'_>) -> Check {
    let name = fleet.name;
    let mut unknown = None;
    for arn in &fleet.target_groups {
        let short = arn.rsplit_once(":targetgroup/").map_or(arn.as_str(), |(_, short)| short);
        match seen(&scene.facts.target_groups, arn) {
            Ok(None) => {
                let side = fleet.side.as_str();
                let remedy =
                    format!("Create it again, or correct fleets[].sides.{side}.target_groups of the plan.");
                return Check::not_ready(
                    TARGETS,
                    name,
                    format!("The target group {short} does not exist."),
                    remedy,
                );
            }
            Ok(Some(group)) if group.load_balancers.is_empty() => {
                let sentence = format!("No load balancer forwards to the target group {short}.");
                let remedy = format!(
                    "Add a rule that forwards to it to a listener of the {} load balancer.",
                    scene.side()
                );
                return Check::not_ready(TARGETS, name, sentence, remedy);
            }
            Ok(Some(_)) => {}
            Err(unseen) => unknown = unknown.or(Some(unseen)),
        }
    }
    match (unknown, fleet.target_groups.len()) {
        (Some(unseen), _) => Check::unknown(TARGETS, name, &unseen),
        (None, 0) => Check::ready(TARGETS, name, "It has no target groups."),
        (None, 1) => {
            Check::ready(TARGETS, name, "Its target group exists, and a load balancer forwards to it.")
        }
        (None, more) => Check::ready(
            TARGETS,
            name,
            format!("Its {more} target groups exist, and a load balancer forwards to each."),
        ),
    }
}

fn healthy(scene: &Scene<'_>, fleet: FleetAt<'_>) -> Check {
    let name = fleet.name;
    match seen(&scene.facts.healthy, name) {
        Ok(count) => {
            let counted = format!("{count} of {} targets are healthy.", fleet.healthy_targets_min);
            if *count >= fleet.healthy_targets_min {
                Check::ready(HEALTHY, name, counted)
            } else {
                let remedy = "Repair the fleet. It serves the users.";
                Check::not_ready(HEALTHY, name, counted, remedy)
            }
        }
        Err(unseen) => Check::unknown(HEALTHY, name, &unseen),
    }
}
