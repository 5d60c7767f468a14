//! What the scheduled jobs last found: kept by them, read by the readiness. Advisory: what is lost is found again
//! by their next invocation.

use async_trait::async_trait;
use protocol::maintenance::{ParameterPass, SnapshotLook};
use protocol::name::Name;

use crate::Answer;

/// The last of each kind.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// What the last full pass over the parameters came to; nothing where none was ever kept.
    async fn load_parameter_pass(&self, plan: &Name) -> Answer<Option<ParameterPass>>;
    /// Keeps a pass over the one before.
    async fn save_parameter_pass(&self, plan: &Name, pass: &ParameterPass) -> Answer<()>;
    /// What there is of snapshots; nothing where nobody ever looked.
    async fn load_snapshot_look(&self, plan: &Name) -> Answer<Option<SnapshotLook>>;
    /// Keeps a look over the one before.
    async fn save_snapshot_look(&self, plan: &Name, look: &SnapshotLook) -> Answer<()>;
}
