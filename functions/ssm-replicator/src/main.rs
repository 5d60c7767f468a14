//! Wires the world of the ssm-replicator function.

use std::sync::Arc;

use aws::lambda::RuntimeError;
use ssm_replicator::Replicator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    aws::log::open_log();
    let settings = aws::settings::Settings::from_env()?;
    let sdk = aws::config::Sdk::load(&settings.region, settings.endpoint_url.as_deref());
    let replicator = &Replicator {
        world: aws::world::on(&sdk, &settings),
        stores: Arc::new(aws::stores::SsmParameters::new(&sdk, &settings.region)),
        seen: Arc::new(aws::seen::DynamoSeen::new(&sdk, &settings.journal_table)),
    };
    aws::lambda::serve(async |payload, deadline| ssm_replicator::handle(replicator, &payload, deadline).await)
        .await
}
