//! What do the databases really hold? Asked at their servers, from outside, past everything that is measured.

use std::time::Duration;

use anyhow::{Context, Result};
use lab::terraform::databases::PASSWORD;
use lab::world::World;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls};

const PATIENCE: Duration = Duration::from_secs(20);

/// A session of the master user, from outside.
pub(crate) struct Session {
    client: Client,
    /// Carries it, and ends with it.
    _carrying: JoinSet<()>,
}

impl Session {
    /// With the database of this name.
    pub(crate) async fn open(world: &World, region: &str, name: &str) -> Result<Self> {
        let found = world.lab(&format!("databases/{region}/{name}/from/outside")).await?;
        let address =
            found.get("address").and_then(Value::as_str).context("a real database has an address")?;
        let (host, port) = address.rsplit_once(':').context("an address has a port")?;
        let mut config = tokio_postgres::Config::new();
        config.host(host).port(port.parse()?).dbname("orders").user("orders").password(PASSWORD);
        let connected = timeout(PATIENCE, config.connect(NoTls)).await.context("no connection in time")?;
        let (client, connection) =
            connected.with_context(|| format!("no session with {name} in {region}"))?;
        let mut carrying = JoinSet::new();
        carrying.spawn(async move { drop(connection.await) });
        Ok(Self { client, _carrying: carrying })
    }

    /// The numbers of the orders that it holds, from a number on.
    pub(crate) async fn orders(&self, first: u64) -> Result<Vec<u64>> {
        let first = i64::try_from(first)?;
        let statement = "SELECT number FROM orders WHERE number >= $1";
        let rows = timeout(PATIENCE, self.client.query(statement, &[&first])).await??;
        rows.iter().map(|row| Ok(u64::try_from(row.try_get::<_, i64>(0)?)?)).collect()
    }

    /// Whether a witness has ever written a heartbeat into it, or into its source.
    pub(crate) async fn has_heartbeat(&self) -> Result<bool> {
        let statement = "SELECT beat_at IS NOT NULL FROM pilotlight.heartbeat";
        let row = timeout(PATIENCE, self.client.query_opt(statement, &[])).await??;
        Ok(row.is_some_and(|row| row.get(0)))
    }

    /// Does what needs no answer but that it is done.
    pub(crate) async fn run(&self, statements: &str) -> Result<()> {
        timeout(PATIENCE, self.client.batch_execute(statements)).await??;
        Ok(())
    }
}
