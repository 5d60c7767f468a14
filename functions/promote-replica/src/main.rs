//! Which ports does promote-replica have on AWS? Databases, and routes to see their fence.

use std::sync::Arc;

use aws::accelerator::AcceleratorTraffic;
use aws::databases::KindDatabases;
use promote_replica::PromoteReplica;
use runtime::lambda::{RuntimeError, serve};
use runtime::start::Start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let start = Start::from_env()?;
    let function = &PromoteReplica {
        context: start.context(),
        commands_topic: start.settings.commands_topic.clone(),
        databases: Arc::new(KindDatabases::new(&start.sdk)),
        traffic: Arc::new(AcceleratorTraffic::new(&start.sdk)),
    };
    serve(async |payload, deadline| function.handle(&payload, deadline).await).await
}
