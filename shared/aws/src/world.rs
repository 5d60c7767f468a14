//! What is the world that the functions act upon? Every port on AWS, built once when a function starts.

use std::sync::Arc;

use engine::world::World;
use ports::Clock;
use ports::inspection::Inspection;
use protocol::state::snapshot::SNAPSHOT_EVERY;

use crate::accelerator::AcceleratorTraffic;
use crate::alarms::CloudWatchAlarms;
use crate::balancers::LoadBalancers;
use crate::certificates::ListenerCertificates;
use crate::clock::SystemClock;
use crate::config::Sdk;
use crate::databases::KindDatabases;
use crate::fleets::AutoScalingFleets;
use crate::functions::LambdaFunctions;
use crate::ids::FreshUlids;
use crate::images::Ec2Templates;
use crate::journal::DynamoJournal;
use crate::keys::KmsKeys;
use crate::lag::CloudWatchLag;
use crate::launches::Ec2Launches;
use crate::metrics::CloudWatchMetrics;
use crate::permissions::IamPermissions;
use crate::plan_source::ParameterPlans;
use crate::probes::NetworkProbes;
use crate::publisher::SnsPublisher;
use crate::queues::SqsQueues;
use crate::settings::Settings;
use crate::setups::RdsSetups;
use crate::topics::SnsTopics;

/// Builds all clients; no service is called.
///
/// It needs no plan: the primary region comes with the ARN of each database, and its client is made when first needed.
pub fn connect(settings: &Settings) -> World {
    on(&Sdk::load(&settings.region, settings.endpoint_url.as_deref()), settings)
}

/// The world through a configuration of one's own.
pub fn on(sdk: &Sdk, settings: &Settings) -> World {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let journal = Arc::new(DynamoJournal::new(sdk, &settings.journal_table, Arc::clone(&clock)));
    let publisher = SnsPublisher::new(sdk, &settings.commands_topic, &settings.notices_topic);
    let plans = ParameterPlans::new(sdk, &settings.plan_parameter, settings.plan_parts, Arc::clone(&clock));
    let databases = Arc::new(KindDatabases::new(sdk));
    let fleets = Arc::new(AutoScalingFleets::new(sdk));
    let traffic = Arc::new(AcceleratorTraffic::new(sdk));
    let inspection = Inspection {
        replicas: Arc::clone(&databases) as _,
        fleets: Arc::clone(&fleets) as _,
        routes: Arc::clone(&traffic) as _,
        topics: Arc::new(SnsTopics::new(sdk)),
        functions: Arc::new(LambdaFunctions::new(sdk, settings.release_parameter.as_deref())),
        queues: Arc::new(SqsQueues::new(sdk)),
        keys: Arc::new(KmsKeys::new(sdk)),
        templates: Arc::new(Ec2Templates::new(sdk)),
        certificates: Arc::new(ListenerCertificates::new(sdk)),
        setups: Arc::new(RdsSetups::new(sdk)),
        balancers: Arc::new(LoadBalancers::new(sdk)),
        launches: Arc::new(Ec2Launches::new(sdk)),
        permissions: Arc::new(IamPermissions::new(sdk)),
        maintenance: Arc::clone(&journal) as _,
        metrics: Arc::new(CloudWatchMetrics::new(sdk)),
        notices_topic: settings.notices_topic.clone(),
    };
    World {
        plans: Arc::new(plans),
        journal,
        databases,
        fleets,
        traffic,
        alarms: Arc::new(CloudWatchAlarms::new(sdk)),
        lag: Arc::new(CloudWatchLag::new(sdk, Arc::clone(&clock))),
        probes: Arc::new(NetworkProbes::new(Arc::clone(&clock))),
        publisher: Arc::new(publisher),
        inspection,
        clock,
        ids: Arc::new(FreshUlids),
        writer: settings.writer.clone(),
        commands_topic: settings.commands_topic.clone(),
        region: settings.region.clone(),
        snapshot_every: SNAPSHOT_EVERY,
    }
}
