//! Which ports does ssm-replicator have on AWS? Parameter Store in both regions, as a role of the primary's account where that
//! is another one.

use std::sync::Arc;

use aws::fingerprints::DynamoSeen;
use aws::parameter_store::SsmParameters;
use runtime::lambda::{RuntimeError, serve};
use runtime::start::Start;
use ssm_replicator::Replicator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let start = Start::from_env()?;
    let (settings, role) = (&start.settings, start.settings.primary_role.as_ref());
    let sdk = match role {
        Some(role) => start.sdk.clone().with_primary_role(role, &settings.function),
        None => start.sdk.clone(),
    };
    let replicator = &Replicator {
        context: start.context(),
        stores: Arc::new(SsmParameters::new(&sdk, &settings.region)),
        primary_account: role.map(|role| role.account().to_owned()),
        seen: Arc::new(DynamoSeen::new(&sdk, &settings.journal_table)),
        maintenance: Arc::clone(&start.journal) as _,
    };
    serve(async |payload, deadline| ssm_replicator::handle(replicator, &payload, deadline).await).await
}
