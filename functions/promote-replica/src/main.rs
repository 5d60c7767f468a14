//! Wires the world of the promote-replica function.

use aws::lambda::RuntimeError;
use promote_replica::PromoteReplica;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    aws::log::open_log();
    let world = &aws::world::connect(&aws::settings::Settings::from_env()?);
    let workshop = &PromoteReplica::new(world);
    aws::lambda::serve(async |payload, deadline| {
        engine::worker::handle(world, workshop, &payload, deadline).await
    })
    .await
}
