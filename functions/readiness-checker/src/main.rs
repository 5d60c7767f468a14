//! Which ports does readiness-checker have on AWS? Everything that a failover would need, to look at; and the figure that its
//! alarm watches.

use std::sync::Arc;

use aws::accelerator::AcceleratorTraffic;
use aws::balancers::LoadBalancers;
use aws::certificates::ListenerCertificates;
use aws::databases::KindDatabases;
use aws::fleets::AutoScalingFleets;
use aws::functions::LambdaFunctions;
use aws::images::Ec2Templates;
use aws::keys::KmsKeys;
use aws::lag::CloudWatchLag;
use aws::launches::Ec2Launches;
use aws::metrics::CloudWatchMetrics;
use aws::permissions::IamPermissions;
use aws::probes::NetworkProbes;
use aws::queues::SqsQueues;
use aws::setups::RdsSetups;
use aws::topics::SnsTopics;
use aws::witnesses::LambdaWitnesses;
use ports::inspection::Inspection;
use readiness_checker::ReadinessChecker;
use runtime::lambda::{RuntimeError, serve};
use runtime::start::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let start = Start::from_env()?;
    let (settings, sdk) = (&start.settings, &start.sdk);
    let fleets = Arc::new(AutoScalingFleets::new(sdk));
    let inspection = Inspection {
        replicas: Arc::new(KindDatabases::new(sdk)),
        fleets: Arc::clone(&fleets) as _,
        routes: Arc::new(AcceleratorTraffic::new(sdk)),
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
        maintenance: Arc::clone(&start.journal) as _,
        notices_topic: settings.notices_topic.clone(),
    };
    let checker = &ReadinessChecker {
        context: start.context(),
        commands_topic: settings.commands_topic.clone(),
        lag: Arc::new(CloudWatchLag::new(sdk, Arc::clone(&start.clock))),
        fleets,
        witnesses: Arc::new(LambdaWitnesses::new(sdk)),
        probes: Arc::new(NetworkProbes::new(Arc::clone(&start.clock))),
        inspection,
        metrics: Arc::new(CloudWatchMetrics::new(sdk)),
    };
    serve(async |payload, _deadline| checker.handle(&payload).await).await
}
