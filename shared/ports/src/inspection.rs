//! What a readiness pass may ask of the world: it reads, and changes nothing. One small trait for each service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use protocol::plan::{Database, FleetAt, Route};
use protocol::readiness::facts::RefusedAction;
use protocol::readiness::facts::{
    AttachedGroup, CertificateFacts, FunctionFacts, GroupFacts, InstanceFacts, KeyRights, OptionGroupRef,
    ReplicaFacts, RouteFacts, ScheduledAction, Subscriptions, TargetGroupFacts, TemplateFacts, TemplateRef,
};
use protocol::readiness::permissions::NeededPermission;
use protocol::side::Side;

use crate::{Answer, Maintenance};

/// Replicas: what stands in the way of a promotion.
#[async_trait]
pub trait ReplicaInspection: Send + Sync {
    /// How the replicas of a side stand, in the order asked for; nothing where one does not exist.
    async fn inspect(&self, databases: &[&Database], side: Side) -> Answer<Vec<Option<ReplicaFacts>>>;
    /// What the primaries of a side are made of, in the order asked for; nothing where one does not exist. Best effort:
    /// their region may be lost.
    async fn primaries(&self, databases: &[&Database], side: Side) -> Answer<Vec<Option<InstanceFacts>>>;
}

/// What databases are set up with.
#[async_trait]
pub trait SetupInspection: Send + Sync {
    /// What a parameter group of the recovery region sets `read_only` to; nothing where it does not set it.
    async fn read_only(&self, parameter_group: &str) -> Answer<Option<String>>;
    /// The options of an option group; none where it does not exist.
    async fn options(&self, group: &OptionGroupRef) -> Answer<Vec<String>>;
}

/// Load balancers: what they send to.
#[async_trait]
pub trait BalancerInspection: Send + Sync {
    /// The target groups of a load balancer, by its ARN; nothing where it does not exist.
    async fn attached(&self, load_balancer: &str) -> Answer<Option<Vec<AttachedGroup>>>;
}

/// What stands in the way of a launch.
#[async_trait]
pub trait LaunchInspection: Send + Sync {
    /// The scheduled actions of a group that have not ended, by the group's name.
    async fn scheduled(&self, group: &str) -> Answer<Vec<ScheduledAction>>;
    /// The zones that offer an instance type.
    async fn zones(&self, instance_type: &str) -> Answer<BTreeSet<String>>;
    /// The vCPUs of an instance type; nothing where the region does not know it.
    async fn vcpus(&self, instance_type: &str) -> Answer<Option<u32>>;
    /// The vCPUs that the account may run, by the code of the quota.
    async fn quota(&self, code: &str) -> Answer<u32>;
    /// The free addresses of a subnet; nothing where it does not exist.
    async fn free_addresses(&self, subnet: &str) -> Answer<Option<u32>>;
    /// The key that EBS encrypts with where nothing names one; nothing where it encrypts nothing by itself.
    async fn default_volume_key(&self) -> Answer<Option<String>>;
}

/// Fleets: what stands in the way of a scale-out.
#[async_trait]
pub trait FleetInspection: Send + Sync {
    /// How the groups stand, in the order asked for; nothing where one does not exist.
    async fn groups(&self, fleets: &[FleetAt<'_>]) -> Answer<Vec<Option<GroupFacts>>>;
    /// How a target group stands, by ARN; nothing where it does not exist.
    async fn target_group(&self, arn: &str) -> Answer<Option<TargetGroupFacts>>;
}

/// Routes: endpoints and dials.
#[async_trait]
pub trait RouteInspection: Send + Sync {
    /// How a route stands.
    async fn inspect(&self, route: &Route) -> Answer<RouteFacts>;
    /// How many endpoint groups the listener of a side has.
    async fn endpoint_groups(&self, route: &Route, side: Side) -> Answer<u32>;
}

/// Topics: who hears them.
#[async_trait]
pub trait TopicInspection: Send + Sync {
    /// How many are subscribed, by the topic's ARN; nothing where it does not exist.
    async fn subscriptions(&self, topic: &str) -> Answer<Option<Subscriptions>>;
}

/// Functions: their code, and whether they can start.
#[async_trait]
pub trait FunctionInspection: Send + Sync {
    /// The code of each function that was released together, by the function's name.
    async fn release(&self) -> Answer<BTreeMap<String, String>>;
    /// How a function stands, by its name; nothing where it does not exist.
    async fn function(&self, name: &str) -> Answer<Option<FunctionFacts>>;
    /// How many concurrent executions a function has to itself; nothing where it has none, or does not exist.
    async fn reserved(&self, name: &str) -> Answer<Option<u32>>;
}

/// Queues: what lies in them.
#[async_trait]
pub trait QueueInspection: Send + Sync {
    /// How many messages lie in a queue, by its account and name; nothing where it does not exist.
    async fn messages(&self, account: &str, queue: &str) -> Answer<Option<u64>>;
}

/// KMS keys.
#[async_trait]
pub trait KeyInspection: Send + Sync {
    /// The state of a key, as KMS writes it; nothing where it does not exist.
    async fn state(&self, key: &str) -> Answer<Option<String>>;
    /// Who may use a key of the own region; of another region's key only whether it is AWS's own. Nothing where it does not
    /// exist.
    async fn rights(&self, key: &str) -> Answer<Option<KeyRights>>;
}

/// Launch templates and their images.
#[async_trait]
pub trait TemplateInspection: Send + Sync {
    /// What a version of a template would launch; nothing where the template or the version does not exist.
    async fn template(&self, template: &TemplateRef) -> Answer<Option<TemplateFacts>>;
}

/// Certificates.
#[async_trait]
pub trait CertificateInspection: Send + Sync {
    /// Those of a load balancer's listeners, by its ARN; nothing where it does not exist.
    async fn certificates(&self, load_balancer: &str) -> Answer<Option<Vec<CertificateFacts>>>;
}

/// Permissions.
#[async_trait]
pub trait PermissionInspection: Send + Sync {
    /// What of a need the role, by its ARN, would not be allowed. Nothing is done.
    async fn refused(&self, role: &str, need: &NeededPermission) -> Answer<Vec<RefusedAction>>;
}

/// All of it, and the topic that tells people.
#[derive(Clone)]
pub struct Inspection {
    /// Replicas.
    pub replicas: Arc<dyn ReplicaInspection>,
    /// Fleets.
    pub fleets: Arc<dyn FleetInspection>,
    /// Routes.
    pub routes: Arc<dyn RouteInspection>,
    /// Topics.
    pub topics: Arc<dyn TopicInspection>,
    /// Functions.
    pub functions: Arc<dyn FunctionInspection>,
    /// Queues.
    pub queues: Arc<dyn QueueInspection>,
    /// Keys.
    pub keys: Arc<dyn KeyInspection>,
    /// Launch templates.
    pub templates: Arc<dyn TemplateInspection>,
    /// Certificates.
    pub certificates: Arc<dyn CertificateInspection>,
    /// What databases are set up with.
    pub setups: Arc<dyn SetupInspection>,
    /// Load balancers.
    pub balancers: Arc<dyn BalancerInspection>,
    /// What stands in the way of a launch.
    pub launches: Arc<dyn LaunchInspection>,
    /// Permissions.
    pub permissions: Arc<dyn PermissionInspection>,
    /// What the scheduled jobs last found.
    pub maintenance: Arc<dyn Maintenance>,
    /// ARN of the topic that tells people.
    pub notices_topic: String,
}
