//! How does the witness come into a database, and what may it ask there?

use async_trait::async_trait;
use protocol::witness::{Address, DatabaseSeen, Unreached};

/// The way into databases.
#[async_trait]
pub trait Door: Send + Sync {
    /// Logs in as a role. It bounds the time until the database takes the connection; its caller bounds the rest.
    async fn open(&self, user: &str, address: &Address) -> Result<Box<dyn Session>, Unreached>;
}

/// A session in one database. After an error it is of no more use. Dropped, it is cut off.
#[async_trait]
pub trait Session: Send {
    /// What the database says of itself.
    async fn look(&mut self) -> Result<DatabaseSeen, Unreached>;
    /// Writes a heartbeat, and gives its number; nothing where the database takes no writes.
    async fn beat(&mut self) -> Result<Option<u64>, Unreached>;
    /// Logs off, so that the server knows at once. What doesn't end within a moment is cut off.
    async fn close(self: Box<Self>);
}
