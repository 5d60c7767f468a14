//! Wires the world of the shift-traffic function.

use aws::lambda::RuntimeError;
use shift_traffic::ShiftTraffic;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    aws::log::open_log();
    let world = &aws::world::connect(&aws::settings::Settings::from_env()?);
    let workshop = &ShiftTraffic::new(world);
    aws::lambda::serve(async |payload, deadline| {
        engine::worker::handle(world, workshop, &payload, deadline).await
    })
    .await
}
