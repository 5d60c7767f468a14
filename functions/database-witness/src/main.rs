//! Which ports does database-witness have on AWS? None that calls a service: a signer of tokens, and the way into a database.

use std::sync::Arc;

use aws::database_token::SignedTokens;
use database_witness::DatabaseWitness;
use database_witness::postgres::PostgresDoor;
use database_witness::settings::WitnessSettings;
use runtime::clock::SystemClock;
use runtime::lambda::{RuntimeError, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    runtime::log::open_log();
    let settings = WitnessSettings::from_env()?;
    let clock = Arc::new(SystemClock);
    let tokens = Arc::new(SignedTokens::from_env(&settings.region, Arc::clone(&clock) as _));
    let door = Arc::new(PostgresDoor::new(tokens, settings.authorities));
    let witness = &DatabaseWitness { door, clock };
    serve(async |payload, deadline| witness.handle(&payload, deadline).await).await
}
