//! What is the world that the functions act upon? Every port on AWS, built once when a function starts.

use std::sync::Arc;

use ports::{Clock, Databases, Fleets, Ids, Journal, Lag, Plans, Probes, Publisher, Traffic};

use crate::accelerator::AcceleratorTraffic;
use crate::clock::SystemClock;
use crate::config::Sdk;
use crate::fleets::AutoScalingFleets;
use crate::ids::FreshUlids;
use crate::journal::DynamoJournal;
use crate::lag::CloudWatchLag;
use crate::parameters::ParameterPlans;
use crate::probes::NetworkProbes;
use crate::publisher::SnsPublisher;
use crate::rds::RdsDatabases;
use crate::settings::Settings;

/// Every port, on AWS.
///
/// It needs no plan: the primary region comes with the ARN of each database, and its client is made when first needed.
#[derive(Clone)]
pub struct World {
    /// The system's clock.
    pub clock: Arc<dyn Clock>,
    /// ULIDs.
    pub ids: Arc<dyn Ids>,
    /// The journal on `DynamoDB`.
    pub journal: Arc<dyn Journal>,
    /// The databases on RDS.
    pub databases: Arc<dyn Databases>,
    /// The fleets on Auto Scaling.
    pub fleets: Arc<dyn Fleets>,
    /// The routes on Global Accelerator.
    pub traffic: Arc<dyn Traffic>,
    /// The lag that `CloudWatch` knows.
    pub lag: Arc<dyn Lag>,
    /// Probes over the network.
    pub probes: Arc<dyn Probes>,
    /// The topics on SNS.
    pub publisher: Arc<dyn Publisher>,
    /// The plan in Parameter Store.
    pub plans: Arc<dyn Plans>,
}

impl World {
    /// Builds all clients. No service is called.
    pub async fn connect(settings: &Settings) -> Self {
        Self::on(&Sdk::load(&settings.region).await, settings)
    }

    /// Builds all clients from a configuration.
    pub fn on(sdk: &Sdk, settings: &Settings) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Self {
            ids: Arc::new(FreshUlids),
            journal: Arc::new(DynamoJournal::new(sdk, &settings.journal_table, Arc::clone(&clock))),
            databases: Arc::new(RdsDatabases::new(sdk)),
            fleets: Arc::new(AutoScalingFleets::new(sdk)),
            traffic: Arc::new(AcceleratorTraffic::new(sdk)),
            lag: Arc::new(CloudWatchLag::new(sdk, Arc::clone(&clock))),
            probes: Arc::new(NetworkProbes::new(Arc::clone(&clock))),
            publisher: Arc::new(SnsPublisher::new(sdk, &settings.commands_topic, &settings.notices_topic)),
            plans: Arc::new(ParameterPlans::new(sdk, &settings.plan_parameter, settings.plan_parts)),
            clock,
        }
    }
}
