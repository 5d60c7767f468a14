//! Which ports does alarm-handler have on AWS? What it weighs as evidence, what must serve, and what a readiness pass looks at. It
//! changes none of it.

use std::sync::Arc;

use alarm_handler::AlarmHandler;
use aws::accelerator::AcceleratorTraffic;
use aws::alarms::CloudWatchAlarms;
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
use ports::inspection::Inspection;
use runtime::lambda::{RuntimeError, serve_invocations};
use runtime::start::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let start = Start::from_env()?;
    let (settings, sdk) = (&start.settings, &start.sdk);
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
        maintenance: Arc::clone(&start.journal) as _,
        metrics: Arc::new(CloudWatchMetrics::new(sdk)),
        notices_topic: settings.notices_topic.clone(),
    };
    let function = &AlarmHandler {
        context: start.context(),
        commands_topic: settings.commands_topic.clone(),
        databases,
        fleets,
        traffic,
        alarms: Arc::new(CloudWatchAlarms::new(sdk)),
        lag: Arc::new(CloudWatchLag::new(sdk, Arc::clone(&start.clock))),
        probes: Arc::new(NetworkProbes::new(Arc::clone(&start.clock))),
        inspection,
    };
    serve_invocations(async |payload, invocation| function.handle(&payload, invocation).await).await
}
