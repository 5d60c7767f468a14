//! What did the scheduled jobs last find?

use async_trait::async_trait;
use ports::{Answer, Maintenance};
use protocol::maintenance::{ParameterPass, SnapshotLook};
use protocol::name::Name;

use crate::faults::answer;
use crate::world::MemoryWorld;

#[async_trait]
impl Maintenance for MemoryWorld {
    async fn load_parameter_pass(&self, _plan: &Name) -> Answer<Option<ParameterPass>> {
        let lost = self.call("load_parameter_pass")?;
        let kept = self.inner().parameter_pass.clone();
        answer("load_parameter_pass", lost, kept)
    }

    async fn save_parameter_pass(&self, _plan: &Name, pass: &ParameterPass) -> Answer<()> {
        let lost = self.call("save_parameter_pass")?;
        self.inner().parameter_pass = Some(pass.clone());
        answer("save_parameter_pass", lost, ())
    }

    async fn load_snapshot_look(&self, _plan: &Name) -> Answer<Option<SnapshotLook>> {
        let lost = self.call("load_snapshot_look")?;
        let kept = self.inner().snapshot_look.clone();
        answer("load_snapshot_look", lost, kept)
    }

    async fn save_snapshot_look(&self, _plan: &Name, look: &SnapshotLook) -> Answer<()> {
        let lost = self.call("save_snapshot_look")?;
        self.inner().snapshot_look = Some(look.clone());
        answer("save_snapshot_look", lost, ())
    }
}
