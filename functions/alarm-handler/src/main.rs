//! Wires the world of the alarm-handler function.

use aws::lambda::RuntimeError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    aws::log::open_log();
    let world = &aws::world::connect(&aws::settings::Settings::from_env()?);
    aws::lambda::serve_invocations(async |payload, invocation| {
        alarm_handler::handle(world, &payload, invocation).await
    })
    .await
}
