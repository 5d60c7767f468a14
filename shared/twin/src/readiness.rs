//! What does only the readiness look at? What a test doesn't name is as it should be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use protocol::plan::Plan;
use protocol::readiness::facts::{
    AttachedGroup, CertificateFacts, FunctionFacts, KeyRights, OptionGroupRef, RefusedAction,
    ScheduledAction, Subscriptions, TemplateFacts, TemplateRef,
};
use protocol::readiness::names::OF_A_RUN;
use protocol::readiness::permissions::NeededPermission;
use protocol::words::function_name;

use ports::inspection::{
    BalancerInspection, CertificateInspection, FunctionInspection, Inspection, KeyInspection,
    LaunchInspection, PermissionInspection, QueueInspection, SetupInspection, TemplateInspection,
    TopicInspection,
};
use ports::{Answer, FailureKind};

use crate::faults::{answer, failure};
use crate::world::MemoryWorld;

impl MemoryWorld {
    /// Everything that a readiness pass asks, of this world.
    pub fn inspection(self: &Arc<Self>) -> Inspection {
        Inspection {
            replicas: Arc::clone(self) as _,
            fleets: Arc::clone(self) as _,
            routes: Arc::clone(self) as _,
            topics: Arc::clone(self) as _,
            functions: Arc::clone(self) as _,
            queues: Arc::clone(self) as _,
            keys: Arc::clone(self) as _,
            templates: Arc::clone(self) as _,
            certificates: Arc::clone(self) as _,
            setups: Arc::clone(self) as _,
            balancers: Arc::clone(self) as _,
            launches: Arc::clone(self) as _,
            permissions: Arc::clone(self) as _,
            maintenance: Arc::clone(self) as _,
            notices_topic: "arn:aws:sns:us-west-1:123456789012:shop-notices".to_owned(),
        }
    }
}

/// The vCPUs of every instance type.
const VCPUS: u32 = 2;

/// The code of a function, which is nobody else's.
fn code(name: &str) -> String {
    format!("sha256 of {name}")
}

#[async_trait]
impl FunctionInspection for MemoryWorld {
    async fn release(&self) -> Answer<BTreeMap<String, String>> {
        let lost = self.call("release")?;
        let plan = Plan::from_json(&self.inner().plan);
        let plan = plan.map_err(|_| failure("release", FailureKind::Invalid, "the plan is not valid"))?;
        let names = OF_A_RUN.iter().map(|function| function_name(&plan, function));
        answer("release", lost, names.map(|name| (name.clone(), code(&name))).collect())
    }

    async fn function(&self, name: &str) -> Answer<Option<FunctionFacts>> {
        let lost = self.call("inspect_function")?;
        let released = FunctionFacts {
            code_sha256: code(name),
            state: "Active".to_owned(),
            last_update: "Successful".to_owned(),
            role: format!("arn:aws:iam::123456789012:role/{name}"),
        };
        let facts = self.inner().functions.get(name).cloned().unwrap_or(Some(released));
        answer("inspect_function", lost, facts)
    }

    async fn reserved(&self, name: &str) -> Answer<Option<u32>> {
        let lost = self.call("inspect_reserved")?;
        let count = self.inner().reserved.get(name).copied().unwrap_or(Some(3));
        answer("inspect_reserved", lost, count)
    }
}

#[async_trait]
impl QueueInspection for MemoryWorld {
    async fn messages(&self, _account: &str, queue: &str) -> Answer<Option<u64>> {
        let lost = self.call("inspect_queue")?;
        let count = self.inner().dead_letters.get(queue).copied().unwrap_or(Some(0));
        answer("inspect_queue", lost, count)
    }
}

#[async_trait]
impl KeyInspection for MemoryWorld {
    async fn state(&self, key: &str) -> Answer<Option<String>> {
        let lost = self.call("inspect_key")?;
        let state = self.inner().keys.get(key).cloned().unwrap_or_else(|| Some("Enabled".to_owned()));
        answer("inspect_key", lost, state)
    }

    async fn rights(&self, _key: &str) -> Answer<Option<KeyRights>> {
        let lost = self.call("inspect_key_rights")?;
        let rights = self.inner().looks.key_rights.clone();
        answer("inspect_key_rights", lost, Some(rights))
    }
}

#[async_trait]
impl TemplateInspection for MemoryWorld {
    async fn template(&self, template: &TemplateRef) -> Answer<Option<TemplateFacts>> {
        let lost = self.call("inspect_template")?;
        let good = TemplateFacts {
            image: Some("ami-1".to_owned()),
            image_state: Some("available".to_owned()),
            instance_type: Some("m6i.large".to_owned()),
            ..TemplateFacts::default()
        };
        let facts = self.inner().templates.get(&template.id).cloned().unwrap_or(Some(good));
        answer("inspect_template", lost, facts)
    }
}

#[async_trait]
impl CertificateInspection for MemoryWorld {
    async fn certificates(&self, load_balancer: &str) -> Answer<Option<Vec<CertificateFacts>>> {
        let lost = self.call("inspect_certificates")?;
        let facts = self.inner().certificates.get(load_balancer).cloned().unwrap_or_else(|| Some(Vec::new()));
        answer("inspect_certificates", lost, facts)
    }
}

#[async_trait]
impl SetupInspection for MemoryWorld {
    async fn read_only(&self, _parameter_group: &str) -> Answer<Option<String>> {
        let lost = self.call("inspect_parameter_group")?;
        let value = self.inner().looks.read_only.clone();
        answer("inspect_parameter_group", lost, value)
    }

    async fn options(&self, _group: &OptionGroupRef) -> Answer<Vec<String>> {
        let lost = self.call("inspect_option_group")?;
        let options = self.inner().looks.options.clone();
        answer("inspect_option_group", lost, options)
    }
}

#[async_trait]
impl BalancerInspection for MemoryWorld {
    async fn attached(&self, load_balancer: &str) -> Answer<Option<Vec<AttachedGroup>>> {
        let lost = self.call("inspect_balancer")?;
        let inner = self.inner();
        let plan = Plan::from_json(&inner.plan);
        let plan =
            plan.map_err(|_| failure("inspect_balancer", FailureKind::Invalid, "the plan is not valid"))?;
        let of_fleets = plan.fleets_at(inner.seat).flat_map(|fleet| {
            let healthy = inner.healthy(fleet.name, self.clock.now());
            let attached = |arn: &String| AttachedGroup { arn: arn.clone(), healthy };
            fleet.target_groups.iter().map(attached).collect::<Vec<_>>()
        });
        let all = of_fleets.chain(inner.looks.attached.iter().cloned()).collect();
        let is_gone = inner.certificates.get(load_balancer).is_some_and(Option::is_none);
        answer("inspect_balancer", lost, (!is_gone).then_some(all))
    }
}

#[async_trait]
impl LaunchInspection for MemoryWorld {
    async fn scheduled(&self, _group: &str) -> Answer<Vec<ScheduledAction>> {
        let lost = self.call("inspect_scheduled")?;
        let actions = self.inner().looks.scheduled.clone();
        answer("inspect_scheduled", lost, actions)
    }

    async fn zones(&self, _instance_type: &str) -> Answer<BTreeSet<String>> {
        let lost = self.call("inspect_zones")?;
        let zones = self.inner().looks.zones.clone();
        answer("inspect_zones", lost, zones)
    }

    async fn vcpus(&self, _instance_type: &str) -> Answer<Option<u32>> {
        let lost = self.call("inspect_vcpus")?;
        answer("inspect_vcpus", lost, Some(VCPUS))
    }

    async fn quota(&self, _code: &str) -> Answer<u32> {
        let lost = self.call("inspect_quota")?;
        let quota = self.inner().looks.quota;
        answer("inspect_quota", lost, quota)
    }

    async fn free_addresses(&self, _subnet: &str) -> Answer<Option<u32>> {
        let lost = self.call("inspect_subnet")?;
        let free = self.inner().looks.free_addresses;
        answer("inspect_subnet", lost, Some(free))
    }

    async fn default_volume_key(&self) -> Answer<Option<String>> {
        let lost = self.call("inspect_default_volume_key")?;
        answer("inspect_default_volume_key", lost, None)
    }
}

#[async_trait]
impl PermissionInspection for MemoryWorld {
    async fn refused(&self, _role: &str, need: &NeededPermission) -> Answer<Vec<RefusedAction>> {
        let lost = self.call("simulate")?;
        let refused = self.inner().refused.get(need.action).cloned().unwrap_or_default();
        answer("simulate", lost, refused)
    }
}

#[async_trait]
impl TopicInspection for MemoryWorld {
    async fn subscriptions(&self, topic: &str) -> Answer<Option<Subscriptions>> {
        let lost = self.call("inspect_topic")?;
        let heard = Subscriptions { confirmed: 4, pending: 0 };
        let found = self.inner().subscriptions.get(topic).copied().unwrap_or(Some(heard));
        answer("inspect_topic", lost, found)
    }
}
