//! Which ports does shift-traffic have on AWS? Routes, and what must serve before one is opened.

use std::sync::Arc;

use aws::accelerator::AcceleratorTraffic;
use aws::databases::KindDatabases;
use aws::fleets::AutoScalingFleets;
use runtime::lambda::{RuntimeError, serve};
use runtime::start::Start;
use shift_traffic::ShiftTraffic;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let start = Start::from_env()?;
    let function = &ShiftTraffic {
        context: start.context(),
        commands_topic: start.settings.commands_topic.clone(),
        traffic: Arc::new(AcceleratorTraffic::new(&start.sdk)),
        databases: Arc::new(KindDatabases::new(&start.sdk)),
        fleets: Arc::new(AutoScalingFleets::new(&start.sdk)),
    };
    serve(async |payload, deadline| function.handle(&payload, deadline).await).await
}
