//! Wires the world of the snapshot-scheduler function.

use std::sync::Arc;

use aws::lambda::RuntimeError;
use snapshot_scheduler::SnapshotScheduler;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    aws::log::open_log();
    let settings = aws::settings::Settings::from_env()?;
    let sdk = aws::config::Sdk::load(&settings.region, settings.endpoint_url.as_deref());
    let world = aws::world::on(&sdk, &settings);
    let snapshots = aws::snapshots::RdsSnapshots::new(&sdk, &settings.region, Arc::clone(&world.clock));
    let metrics = aws::metrics::CloudWatchMetrics::new(&sdk);
    let scheduler = &SnapshotScheduler::new(world, Arc::new(snapshots), Arc::new(metrics));
    aws::lambda::serve(async |payload, deadline| scheduler.handle(&payload, deadline).await).await
}
