//! The resources of the items: that each ARN is of the right thing, in the right place, and used once.

use std::collections::HashMap;

use super::super::bounds::{self, Bounds};
use super::super::problem::Findings;
use super::super::{Capacity, DatabaseKind, Fleet, FleetSide, Plan, Route, RouteSide};
use super::arns::{Wanted, check_arn};
use super::{ArnGround, check_bounds};
use crate::arn::Arn;
use crate::side::{Side, Sides};

/// Where the control plane of Global Accelerator is hosted, for accelerators everywhere.
const GLOBAL_ACCELERATOR_HOME: &str = "us-west-2";

const INSTANCE: (&str, &str) = ("an RDS instance", "arn:aws:rds:us-east-2:123456789012:db:shop-orders");
const CLUSTER: (&str, &str) = ("an Aurora cluster", "arn:aws:rds:us-east-2:123456789012:cluster:shop-orders");
const TARGET_GROUP: (&str, &str) = (
    "a target group",
    "arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef",
);
const ENDPOINT_GROUP: (&str, &str) = (
    "a Global Accelerator endpoint group",
    "arn:aws:globalaccelerator::123456789012:accelerator/…/listener/…/endpoint-group/…",
);
const LOAD_BALANCER: (&str, &str) = (
    "an application or network load balancer",
    "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/0123456789abcdef",
);

fn is_instance(arn: &Arn<'_>) -> bool {
    arn.service == "rds" && arn.resource.strip_prefix("db:").is_some_and(is_database_id)
}

fn is_cluster(arn: &Arn<'_>) -> bool {
    arn.service == "rds" && arn.resource.strip_prefix("cluster:").is_some_and(is_database_id)
}

/// The identifier of an instance, a cluster or a global database, as far as ARNs are told apart by it.
fn is_database_id(id: &str) -> bool {
    (1..=63).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_target_group(arn: &Arn<'_>) -> bool {
    arn.service == "elasticloadbalancing" && has_path(arn.resource, &["targetgroup", "", ""])
}

fn is_load_balancer(arn: &Arn<'_>) -> bool {
    arn.service == "elasticloadbalancing"
        && (has_path(arn.resource, &["loadbalancer", "app", "", ""])
            || has_path(arn.resource, &["loadbalancer", "net", "", ""]))
}

fn is_endpoint_group(arn: &Arn<'_>) -> bool {
    arn.service == "globalaccelerator"
        && arn.region.is_empty()
        && has_path(arn.resource, &["accelerator", "", "listener", "", "endpoint-group", ""])
        && !has_wildcard(arn.resource)
}

/// In a policy it would stand for more than the one thing that is meant.
fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether a resource has these parts between its slashes; an empty one stands for any that isn't empty.
fn has_path(resource: &str, parts: &[&str]) -> bool {
    let mut found = resource.split('/');
    parts.iter().all(|part| {
        found.next().is_some_and(|found| if part.is_empty() { !found.is_empty() } else { found == *part })
    }) && found.next().is_none()
}

/// The places where something is used, to see that it is used once.
#[derive(Default)]
struct Uses(HashMap<(String, String), String>);

impl Uses {
    fn add(&mut self, what: (&str, &str), path: String, remedy: &str, findings: &mut Findings<'_>) {
        if what.1.is_empty() {
            return; // Not given, which is another problem.
        }
        let what = (what.0.to_owned(), what.1.to_owned());
        match self.0.get(&what) {
            Some(first) => findings.add(path, format!("is used by {first} already"), remedy),
            None => {
                self.0.insert(what, path);
            }
        }
    }
}

pub(super) fn check(plan: &Plan, ground: &ArnGround<'_>, findings: &mut Findings<'_>) {
    check_databases(plan, ground, findings);
    let mut groups = Sides::from_fn(|_| Uses::default());
    for (index, fleet) in plan.fleets.iter().enumerate() {
        let path = format!("fleets[{index}]");
        check_fleet(&path, fleet, ground, findings);
        let remedy = "give every fleet a group of its own";
        for (side, at) in fleet.sides.iter() {
            if let Some(at) = at {
                let path = format!("{path}.sides.{}.group", side.as_str());
                groups[side].add(("", at.group.as_str()), path, remedy, findings);
            }
        }
    }
    let mut endpoints = Uses::default();
    for (index, route) in plan.routes.iter().enumerate() {
        let path = format!("routes[{index}]");
        check_route(&path, route, ground, findings);
        for (side, at) in route.sides.iter() {
            let what = (at.endpoint_group.as_str(), at.endpoint.as_str());
            let remedy = "give every route endpoints of its own in an endpoint group";
            let path = format!("{path}.sides.{}.endpoint", side.as_str());
            endpoints.add(what, path, remedy, findings);
        }
    }
}

fn check_databases(plan: &Plan, ground: &ArnGround<'_>, findings: &mut Findings<'_>) {
    let mut instances = Uses::default();
    let mut globals = Uses::default();
    for (index, database) in plan.databases.iter().enumerate() {
        let path = format!("databases[{index}]");
        let kind_is_read = findings.is_read(&format!("{path}.kind"));
        let (what, example, is_it): (_, _, fn(&Arn<'_>) -> bool) = match database.kind {
            DatabaseKind::RdsReplica { .. } => (INSTANCE.0, INSTANCE.1, is_instance),
            DatabaseKind::AuroraGlobal { .. } => (CLUSTER.0, CLUSTER.1, is_cluster),
        };
        for (side, text) in database.arns().iter() {
            let path = format!("{path}.sides.{}.arn", side.as_str());
            let region = at_role(ground, side);
            let wanted = Wanted { what, example, is_it, region, is_ours: false, may_be_elsewhere: false };
            // Of which thing it must be the ARN, only the kind says.
            if kind_is_read {
                check_arn(&path, text, &wanted, ground, findings);
            }
            // RDS keeps identifiers in lower case: written with capitals it is the same thing.
            let remedy = "give every database instances of its own";
            instances.add(("", &text.to_ascii_lowercase()), path, remedy, findings);
        }
        match &database.kind {
            DatabaseKind::RdsReplica { sides } => {
                for (side, at) in sides.iter() {
                    let path = format!("{path}.sides.{}.backup_retention_days", side.as_str());
                    check_bounds(path, at.backup_retention_days, bounds::BACKUP_RETENTION_DAYS, findings);
                }
            }
            DatabaseKind::AuroraGlobal { global_cluster, .. } => {
                check_global_cluster(
                    format!("{path}.global_cluster"),
                    global_cluster,
                    &mut globals,
                    findings,
                );
            }
        }
        for side in Side::BOTH {
            let group = database.quarantine_security_group(side);
            if group.is_some_and(|group| !is_security_group(group)) {
                let remedy = "give the id of a security group without rules in the primary's VPC, like sg-0abc, or leave it out";
                findings.add(
                    format!("{path}.sides.{}.quarantine_security_group", side.as_str()),
                    "is not the id of a security group",
                    remedy,
                );
            }
        }
    }
}

fn check_global_cluster(place: String, id: &str, globals: &mut Uses, findings: &mut Findings<'_>) {
    if is_global_id(id) {
        let remedy = "give every database a global database of its own";
        globals.add(("", &id.to_ascii_lowercase()), place, remedy, findings);
    } else {
        findings.add(
            place,
            "is not the identifier of an Aurora global database",
            "give its identifier (1 to 63 letters, digits and hyphens, the first a letter), not its ARN",
        );
    }
}

fn is_global_id(id: &str) -> bool {
    is_database_id(id) && id.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Where something of a side must lie, and what that region is to the plan.
fn at_role<'a>(ground: &ArnGround<'a>, side: Side) -> Option<(&'a str, &'static str)> {
    ground.region_at[side].map(|region| (region, side.as_str()))
}

fn is_security_group(text: &str) -> bool {
    text.strip_prefix("sg-").is_some_and(|id| {
        (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}

fn check_fleet(path: &str, fleet: &Fleet, ground: &ArnGround<'_>, findings: &mut Findings<'_>) {
    for (side, at) in fleet.sides.iter() {
        if let Some(at) = at {
            check_fleet_side(&format!("{path}.sides.{}", side.as_str()), side, at, ground, findings);
        }
    }
}

fn check_fleet_side(
    path: &str,
    side: Side,
    fleet: &FleetSide,
    ground: &ArnGround<'_>,
    findings: &mut Findings<'_>,
) {
    if !is_group_name(&fleet.group) {
        let remedy = "give its name (1 to 255 printable ASCII characters without : * and ?), not its ARN";
        findings.add(format!("{path}.group"), "is not the name of an Auto Scaling group", remedy);
    }
    let wanted = Wanted {
        what: TARGET_GROUP.0,
        example: TARGET_GROUP.1,
        is_it: is_target_group,
        region: at_role(ground, side),
        is_ours: false,
        may_be_elsewhere: false,
    };
    let mut groups = Uses::default();
    for (index, group) in fleet.target_groups.iter().enumerate() {
        let path = format!("{path}.target_groups[{index}]");
        check_arn(&path, group, &wanted, ground, findings);
        groups.add(("", group.as_str()), path, "give each target group once", findings);
    }
    if fleet.target_groups.is_empty() {
        findings.add(
            format!("{path}.target_groups"),
            "is empty, so nothing could say that the fleet is healthy",
            "give the target groups whose healthy targets count",
        );
    }
    check_capacity(&format!("{path}.serving"), fleet.serving, bounds::CAPACITY_DESIRED, findings);
    if let Some(resting) = fleet.resting {
        check_capacity(&format!("{path}.resting"), resting.into(), bounds::CAPACITY, findings);
    }
    check_bounds(
        format!("{path}.healthy_targets_min"),
        fleet.healthy_targets_min,
        bounds::HEALTHY_TARGETS,
        findings,
    );
    if fleet.healthy_targets_min > fleet.serving.desired {
        let (least, desired) = (fleet.healthy_targets_min, fleet.serving.desired);
        findings.add_reading(
            &[&format!("{path}.serving.desired")],
            format!("{path}.healthy_targets_min"),
            format!("is {least}, more than serving.desired, which is {desired}"),
            "give at most as many as are wanted",
        );
    }
}

/// Auto Scaling takes no colon; an asterisk or a question mark would widen the function's permissions.
fn is_group_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.bytes().all(|b| (b.is_ascii_graphic() || b == b' ') && b != b':')
        && !has_wildcard(name)
}

fn check_capacity(path: &str, capacity: Capacity, of_desired: Bounds, findings: &mut Findings<'_>) {
    let Capacity { min, desired, max } = capacity;
    let place = |field: &str| format!("{path}.{field}");
    check_bounds(place("min"), min, bounds::CAPACITY, findings);
    check_bounds(place("desired"), desired, of_desired, findings);
    check_bounds(place("max"), max, bounds::CAPACITY, findings);
    let remedy = "keep min <= desired <= max";
    if min > desired {
        let problem = format!("is {min}, more than desired, which is {desired}");
        findings.add_reading(&[&place("desired")], place("min"), problem, remedy);
    }
    if desired > max {
        let problem = format!("is {desired}, more than max, which is {max}");
        findings.add_reading(&[&place("max")], place("desired"), problem, remedy);
    }
}

fn check_route(path: &str, route: &Route, ground: &ArnGround<'_>, findings: &mut Findings<'_>) {
    if ground.region_at.primary == Some(GLOBAL_ACCELERATOR_HOME) {
        findings.add_reading(
            &["sides.primary.region"],
            format!("{path}.kind"),
            format!(
                "is global_accelerator, whose control plane is hosted in {GLOBAL_ACCELERATOR_HOME}, the plan's \
                 primary region: it would be lost together with that region"
            ),
            "choose another primary region, or steer this route by other means and leave it out of the plan",
        );
    }
    for (side, at) in route.sides.iter() {
        check_route_side(&format!("{path}.sides.{}", side.as_str()), side, at, ground, findings);
    }
    if route.sides.primary.endpoint_group == route.sides.recovery.endpoint_group {
        findings.add_reading(
            &[&format!("{path}.sides.primary.endpoint_group")],
            format!("{path}.sides.recovery.endpoint_group"),
            "is the primary side's endpoint group too, and an endpoint group lies in one region",
            "give the endpoint group of the recovery region",
        );
    }
}

fn check_route_side(
    path: &str,
    side: Side,
    at: &RouteSide,
    ground: &ArnGround<'_>,
    findings: &mut Findings<'_>,
) {
    let group = Wanted {
        what: ENDPOINT_GROUP.0,
        example: ENDPOINT_GROUP.1,
        is_it: is_endpoint_group,
        region: None,
        is_ours: true,
        may_be_elsewhere: false,
    };
    check_arn(&format!("{path}.endpoint_group"), &at.endpoint_group, &group, ground, findings);
    let endpoint = Wanted {
        what: LOAD_BALANCER.0,
        example: LOAD_BALANCER.1,
        is_it: is_load_balancer,
        region: at_role(ground, side),
        is_ours: false,
        may_be_elsewhere: true,
    };
    check_arn(&format!("{path}.endpoint"), &at.endpoint, &endpoint, ground, findings);
    if at.weight == 0 {
        findings.add(
            format!("{path}.weight"),
            format!("is 0, outside {}", bounds::WEIGHT),
            "a closed side is 0 by itself, give the open weight",
        );
    }
}
