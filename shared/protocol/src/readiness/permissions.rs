//! Would the functions be allowed to do what a failover asks of them? Their permissions to act are used for the first time
//! in a run.

use super::copies::source_keys;
use super::facts::{ReadinessFacts, Unseen, seen};
use super::names::GRANT_FOR_COPIES;
use super::{Check, Scene};
use crate::arn::Arn;
use crate::plan::{Database, Plan};
use crate::side::{Direction, Side};
use crate::state::State;
use crate::words::{function_name, list};

pub(super) const NAMES: &[&str] = &[ALLOWED];

const ALLOWED: &str = "role_allowed";

/// What Global Accelerator reads in the name of whoever writes an endpoint group back: AWS asks for the right to it in one
/// of its pages. The adapter never calls them.
const READ_FOR_CALLER: [&str; 5] = [
    "ec2:DescribeAddresses",
    "ec2:DescribeInstances",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeSubnets",
    "elasticloadbalancing:DescribeLoadBalancers",
];

/// What a function must be allowed to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededPermission {
    /// The function, as it is called in every plan: `promote-replica`.
    pub function: &'static str,
    /// The action, as in a policy.
    pub action: &'static str,
    /// The ARNs it is done to.
    pub resources: Vec<String>,
    /// The region in which it is done.
    pub region: String,
    /// What else holds of the call, as a condition of a policy names it: a key and whether it is so.
    pub holds: Vec<(&'static str, bool)>,
}

/// Everything that a failover of the plan asks of the roles. A group has no ARN in the plan, so one that was not seen is
/// left to its own checks.
pub fn needs(plan: &Plan, state: &State, facts: &ReadinessFacts) -> Vec<NeededPermission> {
    let mut needs = needs_of_steps(plan, facts);
    let keys: Vec<String> = source_keys(plan, state, facts).into_iter().collect();
    if let Some(region) = keys.first().and_then(|key| Some(Arn::parse(key)?.region.to_owned())) {
        let (function, action) = ("snapshot-scheduler", GRANT_FOR_COPIES);
        // The grant is for RDS, and the policy allows no other.
        let holds = vec![("kms:GrantIsForAWSResource", true)];
        needs.push(NeededPermission { function, action, resources: keys, region, holds });
    }
    needs
}

fn needs_of_steps(plan: &Plan, facts: &ReadinessFacts) -> Vec<NeededPermission> {
    let recovery = &plan.own().region;
    let groups = plan.fleets.iter().filter_map(|fleet| match facts.groups.get(&fleet.name) {
        Some(Ok(Some(group))) => Some(group.arn.clone()),
        _ => None,
    });
    let endpoint_groups =
        plan.routes.iter().flat_map(|route| route.sides.values()).map(|at| at.endpoint_group.clone());
    let Direction { from, to } = plan.direction();
    let of_kind = |aurora| plan.databases.iter().filter(move |database| database.is_aurora() == aurora);
    let (instances, clusters) = (of_kind(false), of_kind(true));
    let cut_off = |database: &&Database| database.quarantine_security_group(from).is_some();
    let mut endpoint_groups: Vec<String> = endpoint_groups.collect();
    endpoint_groups.sort();
    endpoint_groups.dedup();
    let need = |function, action, resources: Vec<String>, region: &str| {
        let is_needed = !resources.is_empty();
        let need =
            NeededPermission { function, action, resources, region: region.to_owned(), holds: Vec::new() };
        is_needed.then_some(need)
    };
    let anything = if endpoint_groups.is_empty() { Vec::new() } else { vec!["*".to_owned()] };
    let reads = READ_FOR_CALLER.map(|action| need("shift-traffic", action, anything.clone(), recovery));
    let primary_of = |database: &Database| database.arn(from).to_owned();
    let replicas = instances.clone().map(|database| database.arn(to).to_owned()).collect();
    let primaries = instances.filter(cut_off).map(primary_of).collect();
    let failed_over = clusters.clone().flat_map(|database| failed_over(database, to)).collect();
    let old_clusters = clusters.filter(cut_off).map(primary_of).collect();
    // A group that holds an endpoint of another account is written back with that account's attachment, or not at all.
    let has_shared = plan.has_two_accounts() && !endpoint_groups.is_empty();
    let shared = if has_shared { vec!["*".to_owned()] } else { Vec::new() };
    // Right before a promotion the weights of the primary sides are read again.
    let looked_at = if plan.databases.is_empty() { Vec::new() } else { endpoint_groups.clone() };
    [
        need("promote-replica", "globalaccelerator:DescribeEndpointGroup", looked_at, "us-west-2"),
        need("promote-replica", "rds:PromoteReadReplica", replicas, recovery),
        need("promote-replica", "rds:FailoverGlobalCluster", failed_over, recovery),
        need("promote-replica", "rds:ModifyDBInstance", primaries, &plan.other().region),
        need("promote-replica", "rds:ModifyDBCluster", old_clusters, &plan.other().region),
        need("scale-asg", "autoscaling:UpdateAutoScalingGroup", groups.collect(), recovery),
        need("shift-traffic", "globalaccelerator:UpdateEndpointGroup", endpoint_groups, "us-west-2"),
        need("shift-traffic", "globalaccelerator:ListCrossAccountResources", shared, "us-west-2"),
    ]
    .into_iter()
    .chain(reads)
    .flatten()
    .collect()
}

/// What a failover of a global database is authorised against: the global database, and the cluster that becomes its
/// writer.
fn failed_over(database: &Database, to: Side) -> Vec<String> {
    let writer = database.arn(to);
    let global = Arn::parse(writer).zip(database.global_cluster()).map(|(arn, id)| {
        format!("arn:{}:rds::{}:global-cluster:{}", arn.partition, arn.account, id.to_lowercase())
    });
    global.into_iter().chain([writer.to_owned()]).collect()
}

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    let plan = scene.plan;
    let functions = [
        ("promote-replica", !plan.databases.is_empty()),
        ("scale-asg", !plan.fleets.is_empty()),
        ("shift-traffic", !plan.routes.is_empty()),
    ];
    let needed = functions.into_iter().filter(|(_, needed)| *needed);
    needed.map(|(function, _)| of(scene, function)).collect()
}

/// A function with all that it must be allowed to do.
fn of(scene: &Scene<'_>, function: &'static str) -> Check {
    let needs: Vec<NeededPermission> = needs_of_steps(scene.plan, scene.facts)
        .into_iter()
        .filter(|need| need.function == function)
        .collect();
    let (mut refused, mut unseen) = (Vec::new(), None);
    for need in &needs {
        match seen(&scene.facts.refused, need.action) {
            Ok(refusals) => refused.extend(refusals),
            Err(why) => unseen = unseen.or(Some(why)),
        }
    }
    if !refused.is_empty() {
        let texts = refused.iter().map(|refusal| {
            format!("{} on {} ({})", refusal.action, short(&refusal.resource), refusal.decision)
        });
        let name = function_name(scene.plan, function);
        let sentence = format!("IAM does not allow the role of {name} to call {}.", list(texts));
        let remedy = "Apply the orchestrator module again. An explicitDeny comes from another policy, a \
                      permissions boundary or the organization.";
        return Check::not_ready(ALLOWED, function, sentence, remedy);
    }
    if let Some(unseen) = unseen {
        return Check::unknown(ALLOWED, function, &unseen);
    }
    if needs.is_empty() {
        // Only a fleet's group has no ARN in the plan.
        let unseen = Unseen::new(
            "The groups could not be read, so their permissions were not checked.",
            "See group_exists.",
        );
        return Check::unknown(ALLOWED, function, &unseen);
    }
    let actions = list(needs.iter().map(|need| need.action.to_owned()));
    Check::ready(ALLOWED, function, format!("IAM allows {actions} on everything that the plan names."))
}

/// An ARN's resource, which says enough in a sentence.
fn short(arn: &str) -> &str {
    Arn::parse(arn).map_or(arn, |arn| arn.resource)
}
