//! What a readiness pass may ask of the world: it reads, and changes nothing. One small trait for each service.

use std::sync::Arc;

use async_trait::async_trait;
use protocol::plan::{Database, Fleet, Route};
use protocol::readiness::facts::{GroupFacts, ReplicaFacts, RouteFacts, Subscriptions, TargetGroupFacts};

use crate::{Answer, Metrics, Upkeep};

/// Replicas: what stands in the way of a promotion.
#[async_trait]
pub trait ReplicaInspection: Send + Sync {
    /// How the instances stand, in the order asked for; nothing where one does not exist.
    async fn inspect(&self, databases: &[&Database]) -> Answer<Vec<Option<ReplicaFacts>>>;
}

/// Fleets: what stands in the way of a scale-out.
#[async_trait]
pub trait FleetInspection: Send + Sync {
    /// How the groups stand, in the order asked for; nothing where one does not exist.
    async fn groups(&self, fleets: &[&Fleet]) -> Answer<Vec<Option<GroupFacts>>>;
    /// How a target group stands, by ARN; nothing where it does not exist.
    async fn target_group(&self, arn: &str) -> Answer<Option<TargetGroupFacts>>;
}

/// Routes: weights and dials.
#[async_trait]
pub trait RouteInspection: Send + Sync {
    /// How a route stands.
    async fn inspect(&self, route: &Route) -> Answer<RouteFacts>;
}

/// Topics: who hears them.
#[async_trait]
pub trait TopicInspection: Send + Sync {
    /// How many are subscribed, by the topic's ARN; nothing where it does not exist.
    async fn subscriptions(&self, topic: &str) -> Answer<Option<Subscriptions>>;
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
    /// What the functions of every day last found.
    pub upkeep: Arc<dyn Upkeep>,
    /// The figure that an alarm watches.
    pub metrics: Arc<dyn Metrics>,
    /// ARN of the topic that tells people.
    pub notices_topic: String,
}
