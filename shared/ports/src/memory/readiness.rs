//! The in-memory twin of what only the readiness looks at. What a test doesn't name is as it should be.

use std::collections::BTreeMap;

use async_trait::async_trait;
use protocol::plan::Plan;
use protocol::readiness::facts::{CertificateFacts, FunctionFacts, TemplateFacts, TemplateRef};
use protocol::readiness::permissions::{Need, Refusal, function_name};

use super::{MemoryWorld, answer, failure};
use crate::inspection::{
    CertificateInspection, FunctionInspection, KeyInspection, PermissionInspection, QueueInspection,
    TemplateInspection,
};
use crate::{Answer, FailureKind};

/// The functions that take steps.
const FUNCTIONS: [&str; 4] = ["alarm-handler", "promote-replica", "scale-asg", "shift-traffic"];

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
        let names = FUNCTIONS.iter().map(|function| function_name(&plan, function));
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
}

#[async_trait]
impl TemplateInspection for MemoryWorld {
    async fn template(&self, template: &TemplateRef) -> Answer<Option<TemplateFacts>> {
        let lost = self.call("inspect_template")?;
        let good =
            TemplateFacts { image: Some("ami-1".to_owned()), image_state: Some("available".to_owned()) };
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
impl PermissionInspection for MemoryWorld {
    async fn refused(&self, _role: &str, need: &Need) -> Answer<Vec<Refusal>> {
        let lost = self.call("simulate")?;
        let refused = self.inner().refused.get(need.action).cloned().unwrap_or_default();
        answer("simulate", lost, refused)
    }
}
