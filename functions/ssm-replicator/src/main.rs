//! Wires the world of the ssm-replicator function.

use std::sync::Arc;

use aws::lambda::RuntimeError;
use ssm_replicator::Replicator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    aws::log::open_log();
    let settings = aws::settings::Settings::from_env()?;
    let mut sdk = aws::config::Sdk::load(&settings.region, settings.endpoint_url.as_deref());
    if let Some(role) = &settings.primary_role {
        sdk = sdk.with_primary_role(role, &settings.function);
    }
    let replicator = &Replicator {
        world: aws::world::on(&sdk, &settings),
        stores: Arc::new(aws::parameter_store::SsmParameters::new(&sdk, &settings.region)),
        primary_account: settings.primary_role.as_ref().map(|role| role.account().to_owned()),
        seen: Arc::new(aws::fingerprints::DynamoSeen::new(&sdk, &settings.journal_table)),
    };
    aws::lambda::serve(async |payload, deadline| ssm_replicator::handle(replicator, &payload, deadline).await)
        .await
}
