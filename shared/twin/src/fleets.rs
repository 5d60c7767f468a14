//! How do fleets stand, and how do they change? A bigger fleet has healthy targets after its launch.

use async_trait::async_trait;
use jiff::Timestamp;
use ports::inspection::FleetInspection;
use ports::{Answer, FailureKind, FleetView, Fleets};
use protocol::name::Name;
use protocol::plan::{Capacity, FleetAt};
use protocol::readiness::facts::{GroupFacts, TargetGroupFacts, TemplateRef};

use crate::faults::{answer, failure};
use crate::inner::Inner;
use crate::world::MemoryWorld;

/// The role by which Auto Scaling launches.
const SERVICE_ROLE: &str =
    "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";

impl Inner {
    /// How many targets of a fleet are healthy.
    pub fn healthy(&self, name: &Name, now: Timestamp) -> u32 {
        let Some(twin) = self.fleets.get(name) else {
            return 0;
        };
        let takes = twin.launch.unwrap_or(self.durations.launch);
        let warm = twin.resized_at.is_some_and(|at| now.duration_since(at) >= takes);
        if warm && twin.has_room && !twin.launch_suspended { twin.capacity.desired } else { 0 }
    }
}

#[async_trait]
impl Fleets for MemoryWorld {
    async fn look(&self, fleets: &[FleetAt<'_>]) -> Answer<Vec<FleetView>> {
        let lost = self.call("look_fleets")?;
        let now = self.clock.now();
        let inner = self.inner();
        let view = |fleet: &FleetAt<'_>| match inner.fleets.get(fleet.name) {
            None => FleetView::Missing,
            Some(twin) => FleetView::Group {
                capacity: twin.capacity,
                in_service: inner.healthy(fleet.name, now),
                healthy_targets: inner.healthy(fleet.name, now),
                launch_suspended: twin.launch_suspended,
            },
        };
        answer("look_fleets", lost, fleets.iter().map(view).collect())
    }

    async fn resize(&self, fleet: FleetAt<'_>, capacity: Capacity) -> Answer<()> {
        let lost = self.call("resize")?;
        if capacity.min > capacity.desired || capacity.desired > capacity.max {
            return Err(failure("resize", FailureKind::Invalid, "min <= desired <= max does not hold"));
        }
        let now = self.clock.now();
        let mut inner = self.inner();
        let Some(twin) = inner.fleets.get_mut(fleet.name) else {
            return Err(failure("resize", FailureKind::Missing, "no such group"));
        };
        if capacity.desired > twin.capacity.desired {
            twin.resized_at = Some(now);
        }
        twin.capacity = capacity;
        drop(inner);
        answer("resize", lost, ())
    }

    async fn last_failure(&self, fleet: FleetAt<'_>, since: Timestamp) -> Answer<Option<String>> {
        let lost = self.call("last_failure")?;
        let failed = self.inner().fleets.get(fleet.name).and_then(|twin| twin.failure);
        let message = failed.filter(|(at, _)| *at >= since).map(|(_, message)| message.to_owned());
        answer("last_failure", lost, message)
    }
}

#[async_trait]
impl FleetInspection for MemoryWorld {
    async fn groups(&self, fleets: &[FleetAt<'_>]) -> Answer<Vec<Option<GroupFacts>>> {
        let lost = self.call("inspect_groups")?;
        let inner = self.inner();
        let inspect = |fleet: &FleetAt<'_>| {
            inner.fleets.get(fleet.name).map(|twin| GroupFacts {
                suspended: twin.launch_suspended.then(|| "Launch".to_owned()).into_iter().collect(),
                target_groups: fleet.target_groups.clone(),
                arn: format!(
                    "arn:aws:autoscaling:us-west-1:123456789012:autoScalingGroup:1:autoScalingGroupName/{}",
                    fleet.group
                ),
                templates: vec![TemplateRef {
                    id: format!("lt-{}", fleet.name),
                    version: "$Latest".to_owned(),
                }],
                zones: vec!["us-west-1a".to_owned(), "us-west-1b".to_owned()],
                subnets: vec!["subnet-1".to_owned()],
                service_role: Some(SERVICE_ROLE.to_owned()),
                ..GroupFacts::default()
            })
        };
        answer("inspect_groups", lost, fleets.iter().map(inspect).collect())
    }

    async fn target_group(&self, arn: &str) -> Answer<Option<TargetGroupFacts>> {
        let lost = self.call("inspect_target_group")?;
        let attached = TargetGroupFacts { load_balancers: vec!["a load balancer".to_owned()] };
        let facts = self.inner().target_groups.get(arn).cloned().unwrap_or(Some(attached));
        answer("inspect_target_group", lost, facts)
    }
}
