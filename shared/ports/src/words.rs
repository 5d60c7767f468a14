//! Words: what two guards of a plan tell each other, each beside its own journal.

use async_trait::async_trait;
use protocol::name::Name;
use protocol::word::Word;

use crate::Answer;

/// The guard's own journal as far as a word names it, and the words of both guards. Reads are strongly consistent.
#[async_trait]
pub trait Words: Send + Sync {
    /// Id of the table that the journal is kept in. A table that was restored from a backup has another.
    async fn table_id(&self) -> Answer<String>;
    /// The guard's own word as it was last kept, if it ever was.
    async fn own(&self, plan: &Name) -> Answer<Option<String>>;
    /// Keeps the guard's word over an older one. Where a newer one stands, that one stays.
    async fn keep(&self, word: &Word) -> Answer<()>;
    /// The other guard's word, if it ever gave one. Best effort, 2 s at most: its region may be lost.
    async fn other(&self, plan: &Name) -> Answer<Option<String>>;
}
