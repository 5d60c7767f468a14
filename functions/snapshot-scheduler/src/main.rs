//! Which ports does snapshot-scheduler have on AWS? Snapshots in both regions, and metrics.

use std::sync::Arc;

use aws::metrics::CloudWatchMetrics;
use aws::snapshots::RdsSnapshots;
use runtime::lambda::{RuntimeError, serve};
use runtime::start::Start;
use snapshot_scheduler::SnapshotScheduler;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let start = Start::from_env()?;
    let snapshots = RdsSnapshots::new(&start.sdk, &start.settings.region, Arc::clone(&start.clock));
    let function = &SnapshotScheduler {
        context: start.context(),
        snapshots: Arc::new(snapshots),
        metrics: Arc::new(CloudWatchMetrics::new(&start.sdk)),
        maintenance: Arc::clone(&start.journal) as _,
    };
    serve(async |payload, deadline| function.handle(&payload, deadline).await).await
}
