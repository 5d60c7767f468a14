//! The in-memory twin of what only the readiness looks at. What a test doesn't name is as it should be.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use protocol::plan::Plan;
use protocol::readiness::facts::RefusedAction;
use protocol::readiness::facts::{
    AttachedGroup, CertificateFacts, FunctionFacts, InstanceFacts, KeyRights, OptionGroupRef,
    ScheduledAction, TemplateFacts, TemplateRef,
};
use protocol::readiness::names::{OF_A_RUN, function_name};
use protocol::readiness::permissions::NeededPermission;

use super::{MemoryWorld, answer, failure};
use crate::inspection::{
    BalancerInspection, CertificateInspection, FunctionInspection, KeyInspection, LaunchInspection,
    PermissionInspection, QueueInspection, SetupInspection, TemplateInspection,
};
use crate::{Answer, FailureKind};

/// What only the further checks of the readiness look at: as on a good day, until a test changes it.
#[derive(Clone, Debug)]
pub struct Looks {
    /// What every primary is made of.
    pub primary: InstanceFacts,
    /// What every replica is made of.
    pub replica: InstanceFacts,
    /// What a parameter group sets `read_only` to.
    pub read_only: Option<String>,
    /// The options of every option group.
    pub options: Vec<String>,
    /// Target groups that the recovery load balancers send to besides those of the plan's fleets.
    pub attached: Vec<AttachedGroup>,
    /// The endpoint groups of every listener.
    pub endpoint_groups: u32,
    /// The scheduled actions of every group.
    pub scheduled: Vec<ScheduledAction>,
    /// The zones that offer every instance type.
    pub zones: BTreeSet<String>,
    /// The vCPUs that the account may run.
    pub quota: u32,
    /// The free addresses of every subnet.
    pub free_addresses: u32,
    /// Who may use every key.
    pub key_rights: KeyRights,
}

impl Default for Looks {
    fn default() -> Self {
        let instance = InstanceFacts {
            class: Some("db.r6g.large".to_owned()),
            is_multi_az: true,
            storage_gib: 100,
            engine: "postgres".to_owned(),
            parameter_group: Some("default.postgres16".to_owned()),
            option_groups: Vec::new(),
            kms_key: Some("arn:aws:kms:us-east-2:123456789012:key/primary".to_owned()),
        };
        Self {
            primary: instance.clone(),
            replica: instance,
            read_only: None,
            options: Vec::new(),
            attached: Vec::new(),
            endpoint_groups: 2,
            scheduled: Vec::new(),
            zones: ["us-west-1a", "us-west-1b"].map(str::to_owned).into(),
            quota: 640,
            free_addresses: 250,
            key_rights: KeyRights { is_of_aws: true, ..KeyRights::default() },
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
