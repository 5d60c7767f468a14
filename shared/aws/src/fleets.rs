//! How do the fleets stand, and how are they resized? EC2 Auto Scaling groups and their target groups.
//!
//! `InService` is Auto Scaling's word; whether users can be served is the target groups' word. Both are told.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_autoscaling::types::{
    Activity, AutoScalingGroup, LaunchTemplate, LaunchTemplateOverrides, LifecycleState,
    ScalingActivityStatusCode,
};
use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use ports::inspection::FleetInspection;
use ports::{Answer, Failure, FailureKind, FleetView, Fleets};
use protocol::plan::{Capacity, FleetAt};
use protocol::readiness::facts::{GroupFacts, TargetGroupFacts, TemplateRef};

use crate::config::Sdk;
use crate::failure::{failure, if_there, one_line, ours};
use crate::load_balancing;
use crate::signed::{Signed, unreadable};
use crate::xml::Element;

const DESCRIBE: &str = "autoscaling:DescribeAutoScalingGroups";
const UPDATE: &str = "autoscaling:UpdateAutoScalingGroup";
const ACTIVITIES_ACTION: &str = "autoscaling:DescribeScalingActivities";
const HEALTH: &str = "elasticloadbalancing:DescribeTargetHealth";
const TARGET_GROUPS: &str = "elasticloadbalancing:DescribeTargetGroups";

/// Names in one call; also the default size of a page.
const BATCH: usize = 50;
/// Most pages of one batch.
const PAGES_MAX: u32 = 10;
/// Activities asked for: each instance has one of its own.
const ACTIVITIES: i32 = 50;
/// Longest quote of a failed activity.
const ACTIVITY_CHARACTERS_MAX: usize = 300;
/// Target groups asked at the same time.
const HEALTH_CALLS: usize = 8;

/// Fleets on Auto Scaling groups in the function's own region.
pub struct AutoScalingFleets {
    groups: aws_sdk_autoscaling::Client,
    signed: Signed,
}

impl AutoScalingFleets {
    /// The fleets in the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self { groups: sdk.auto_scaling(), signed: sdk.signed() }
    }

    async fn describe(&self, names: &[&str]) -> Answer<Vec<AutoScalingGroup>> {
        let mut groups = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let output = self
                .groups
                .describe_auto_scaling_groups()
                .set_auto_scaling_group_names(Some(names.iter().map(ToString::to_string).collect()))
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| failure(DESCRIBE, &error))?;
            groups.extend(output.auto_scaling_groups.unwrap_or_default());
            token = output.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(groups);
            }
        }
        let message = format!("more than {PAGES_MAX} pages for {} names", names.len());
        Err(ours(FailureKind::Unavailable, DESCRIBE, "endless_pages", message))
    }

    /// The groups of the fleets that exist, by name.
    async fn describe_all(&self, fleets: &[FleetAt<'_>]) -> Answer<BTreeMap<String, AutoScalingGroup>> {
        let names: Vec<&str> = distinct(fleets.iter().map(|fleet| fleet.group.as_str()));
        let mut groups = BTreeMap::new();
        for batch in names.chunks(BATCH) {
            let groups_of_batch = self.describe(batch).await?;
            for group in groups_of_batch.into_iter().filter(|group| !is_being_deleted(group)) {
                groups.insert(group.auto_scaling_group_name().unwrap_or_default().to_owned(), group);
            }
        }
        Ok(groups)
    }

    /// The list in the load balancers' answer about a target group. An answer without the list is none: what can't be
    /// read is not empty.
    async fn list(&self, action: &'static str, field: &str, arn: &str, name: &str) -> Answer<Element> {
        let fields = vec![(field.to_owned(), arn.to_owned())];
        let question = load_balancing::question(action, fields);
        let list = self.signed.result(&question).await?.at(&[name]).cloned();
        list.ok_or_else(|| unreadable(&question, &format!("it has no {name}")))
    }

    /// Healthy targets of a target group. One that is gone has none, and the other fleets go on.
    async fn healthy(&self, target_group: &str) -> Answer<u32> {
        match self.list(HEALTH, "TargetGroupArn", target_group, "TargetHealthDescriptions").await {
            Ok(targets) => {
                let states = targets.all("member").map(|target| target.text(&["TargetHealth", "State"]));
                Ok(count(states.filter(|state| *state == Some("healthy")).count()))
            }
            Err(failure) if failure.kind == FailureKind::Missing => {
                tracing::warn!(target_group, %failure, "a target group of the plan does not exist");
                Ok(0)
            }
            Err(failure) => Err(failure),
        }
    }
}

#[async_trait]
impl Fleets for AutoScalingFleets {
    async fn look(&self, fleets: &[FleetAt<'_>]) -> Answer<Vec<FleetView>> {
        let groups = self.describe_all(fleets).await?;
        // Of a group that does not exist nothing more is asked.
        let existing = fleets.iter().filter(|fleet| groups.contains_key(&fleet.group));
        let arns = distinct(existing.flat_map(|fleet| fleet.target_groups.iter().map(String::as_str)));
        let calls: Vec<_> = arns
            .into_iter()
            .map(|arn| async move { Ok::<_, Failure>((arn, self.healthy(arn).await?)) })
            .collect();
        let healthy: BTreeMap<&str, u32> =
            stream::iter(calls).buffer_unordered(HEALTH_CALLS).try_collect().await?;
        Ok(fleets.iter().map(|fleet| view(*fleet, groups.get(&fleet.group), &healthy)).collect())
    }

    async fn resize(&self, fleet: FleetAt<'_>, capacity: Capacity) -> Answer<()> {
        let result = self
            .groups
            .update_auto_scaling_group()
            .auto_scaling_group_name(&fleet.group)
            .min_size(size(capacity.min)?)
            .max_size(size(capacity.max)?)
            .desired_capacity(size(capacity.desired)?)
            .send()
            .await;
        result.map(|_| ()).map_err(|error| missing_group(failure(UPDATE, &error)))
    }

    /// AWS lists the latest activities first.
    async fn last_failure(&self, fleet: FleetAt<'_>, since: Timestamp) -> Answer<Option<String>> {
        let output = self
            .groups
            .describe_scaling_activities()
            .auto_scaling_group_name(&fleet.group)
            .max_records(ACTIVITIES)
            .send()
            .await
            .map_err(|error| failure(ACTIVITIES_ACTION, &error))?;
        let failed = output.activities().iter().find(|activity| has_failed(activity, since));
        Ok(failed.map(|activity| {
            let message = activity.status_message().unwrap_or_default();
            one_line(message).chars().take(ACTIVITY_CHARACTERS_MAX).collect()
        }))
    }
}

/// Whether an activity failed that began at a time or later. What is called off after a failure counts too.
fn has_failed(activity: &Activity, since: Timestamp) -> bool {
    let began_at = activity.start_time().map(aws_smithy_types::DateTime::secs);
    let is_later = began_at.is_some_and(|at| at >= since.as_second());
    let has_failed = matches!(
        activity.status_code(),
        Some(ScalingActivityStatusCode::Failed | ScalingActivityStatusCode::Cancelled)
    );
    is_later && has_failed && activity.status_message().is_some_and(|message| !message.is_empty())
}

#[async_trait]
impl FleetInspection for AutoScalingFleets {
    async fn groups(&self, fleets: &[FleetAt<'_>]) -> Answer<Vec<Option<GroupFacts>>> {
        let groups = self.describe_all(fleets).await?;
        Ok(fleets.iter().map(|fleet| groups.get(&fleet.group).map(group_facts)).collect())
    }

    async fn target_group(&self, arn: &str) -> Answer<Option<TargetGroupFacts>> {
        let found = self.list(TARGET_GROUPS, "TargetGroupArns.member.1", arn, "TargetGroups").await;
        let found = if_there(found)?;
        Ok(found.as_ref().and_then(|found| found.all("member").next()).map(|group| {
            let arns = group.at(&["LoadBalancerArns"]).into_iter().flat_map(|arns| arns.all("member"));
            let arns = arns.filter_map(|arn| arn.text(&[])).map(str::to_owned);
            TargetGroupFacts { load_balancers: arns.collect() }
        }))
    }
}

/// A group attached by target group and one attached by traffic source are told in two lists.
fn group_facts(group: &AutoScalingGroup) -> GroupFacts {
    let sources = group.traffic_sources().iter().filter_map(|source| source.identifier());
    let attached = group.target_group_arns().iter().map(String::as_str).chain(sources);
    let subnets = group.vpc_zone_identifier().unwrap_or_default().split(',');
    let suspended = group.suspended_processes().iter().filter_map(|process| process.process_name());
    GroupFacts {
        suspended: suspended.map(str::to_owned).collect(),
        target_groups: distinct(attached).into_iter().map(str::to_owned).collect(),
        arn: group.auto_scaling_group_arn().unwrap_or_default().to_owned(),
        templates: templates(group),
        types: types(group).filter_map(|one| one.instance_type()).map(str::to_owned).collect(),
        chooses_types: types(group).any(|one| one.instance_requirements().is_some()),
        zones: group.availability_zones().to_vec(),
        subnets: subnets.map(str::trim).filter(|subnet| !subnet.is_empty()).map(str::to_owned).collect(),
        instances: count(group.instances().len()),
        service_role: group.service_linked_role_arn().filter(|arn| !arn.is_empty()).map(str::to_owned),
    }
}

/// What a group with a mixed instances policy says of each type.
fn types(group: &AutoScalingGroup) -> impl Iterator<Item = &LaunchTemplateOverrides> {
    let template = group.mixed_instances_policy().and_then(|policy| policy.launch_template());
    template.map(LaunchTemplate::overrides).unwrap_or_default().iter()
}

/// The launch template of a group; of a group with a mixed instances policy its template, and those of single types.
fn templates(group: &AutoScalingGroup) -> Vec<TemplateRef> {
    let mixed = group.mixed_instances_policy().and_then(|policy| policy.launch_template());
    let types = mixed.map(LaunchTemplate::overrides).unwrap_or_default();
    let of_types = types.iter().filter_map(|one| one.launch_template_specification());
    let of_group = group.launch_template().or_else(|| mixed?.launch_template_specification());
    let named = of_group.into_iter().chain(of_types).filter_map(|template| {
        let version = template.version().filter(|version| !version.is_empty()).unwrap_or("$Default");
        Some(TemplateRef { id: template.launch_template_id()?.to_owned(), version: version.to_owned() })
    });
    named.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether a group is going away: it launches nothing any more. Only then has it a status, `Delete in progress`.
fn is_being_deleted(group: &AutoScalingGroup) -> bool {
    group.status().is_some_and(|status| status.to_lowercase().starts_with("delet"))
}

/// Auto Scaling says `ValidationError` of a group that does not exist.
fn missing_group(failure: Failure) -> Failure {
    if failure.code == "ValidationError" && failure.message.contains("not found") {
        Failure { kind: FailureKind::Missing, ..failure }
    } else {
        failure
    }
}

fn view(fleet: FleetAt<'_>, group: Option<&AutoScalingGroup>, healthy: &BTreeMap<&str, u32>) -> FleetView {
    let Some(group) = group else {
        return FleetView::Missing;
    };
    let in_service = group
        .instances()
        .iter()
        .filter(|instance| instance.lifecycle_state() == Some(&LifecycleState::InService));
    let in_service = count(in_service.count());
    let least = fleet.target_groups.iter().map(|arn| healthy.get(arn.as_str()).copied().unwrap_or(0)).min();
    let bound = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok()).unwrap_or(0);
    FleetView::Group {
        capacity: Capacity {
            min: bound(group.min_size()),
            desired: bound(group.desired_capacity()),
            max: bound(group.max_size()),
        },
        in_service,
        // A fleet behind no load balancer has only Auto Scaling's word.
        healthy_targets: least.unwrap_or(in_service),
        launch_suspended: group
            .suspended_processes()
            .iter()
            .any(|process| process.process_name() == Some("Launch")),
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn size(number: u32) -> Answer<i32> {
    i32::try_from(number)
        .map_err(|_| ours(FailureKind::Invalid, UPDATE, "size", format!("{number} instances are too many")))
}

#[cfg(test)]
mod tests;
