//! Which ports does alarm-handler have on AWS? What it weighs as evidence, what must serve, and whom it asks about readiness. It
//! changes none of it.

use std::sync::Arc;

use alarm_handler::AlarmHandler;
use aws::accelerator::AcceleratorTraffic;
use aws::alarms::CloudWatchAlarms;
use aws::databases::KindDatabases;
use aws::fleets::AutoScalingFleets;
use aws::invocations::LambdaInvocations;
use aws::lag::CloudWatchLag;
use aws::metrics::CloudWatchMetrics;
use aws::probes::NetworkProbes;
use aws::witnesses::LambdaWitnesses;
use runtime::lambda::{RuntimeError, serve_invocations};
use runtime::start::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let start = Start::from_env()?;
    let (settings, sdk) = (&start.settings, &start.sdk);
    let function = &AlarmHandler {
        context: start.context(),
        commands_topic: settings.commands_topic.clone(),
        databases: Arc::new(KindDatabases::new(sdk)),
        fleets: Arc::new(AutoScalingFleets::new(sdk)),
        traffic: Arc::new(AcceleratorTraffic::new(sdk)),
        alarms: Arc::new(CloudWatchAlarms::new(sdk)),
        lag: Arc::new(CloudWatchLag::new(sdk, Arc::clone(&start.clock))),
        witnesses: Arc::new(LambdaWitnesses::new(sdk)),
        probes: Arc::new(NetworkProbes::new(Arc::clone(&start.clock))),
        metrics: Arc::new(CloudWatchMetrics::new(sdk)),
        functions: Arc::new(LambdaInvocations::new(sdk)),
        words: settings.peer_table.as_ref().map(|peer| start.words(peer)),
    };
    serve_invocations(async |payload, invocation| function.handle(&payload, invocation).await).await
}
