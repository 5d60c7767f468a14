//! One parameter changed: look at both sides of it, and write what differs. The event itself is only a wake-up.

use protocol::parameters::diff::PairVerdict;
use protocol::parameters::scope::Coverage;
use protocol::parameters::survey::Pair;
use protocol::plan::Plan;
use protocol::side::Sides;
use serde_json::{Value, json};

use super::write_permit::Leave;
use super::writer::{Done, Writer};
use super::{ParameterReplication, unreadable};
use crate::fault::Fault;

impl ParameterReplication<'_> {
    /// Copies one parameter, if it is one to be copied.
    pub(super) async fn change(&self, name: &str, region: &str, account: &str) -> Result<Value, Fault> {
        let plan = &self.conductor.plan;
        check_source(plan, region, account)?;
        let said = |sentence: String| Ok(json!({ "sentence": sentence }));
        let leave = Leave::ask(self.conductor).await?;
        let direction = match leave.direction() {
            Ok(direction) => direction,
            Err(sentence) => return said(format!("{sentence}; a later pass copies {name}.")),
        };
        let ground = self.ground(&direction)?;
        match ground.scope().coverage(name) {
            Coverage::Outside => {
                return said(format!("Nothing to do: the plan does not cover {name}."));
            }
            Coverage::Overridden => {
                return said(format!("Nothing to do: parameters.overrides lists {name}, so it may differ."));
            }
            Coverage::Copied => {}
        }
        if region != direction.from {
            return said(format!(
                "Nothing to do: {name} changed in {region}, which only receives copies; the next pass \
                 corrects it if it differs."
            ));
        }
        let reader = self.reader();
        let found = futures::try_join!(reader.find(&direction.from, name), reader.find(&direction.to, name));
        let (source, copy) = found.map_err(|failure| unreadable(&direction, &failure))?;
        let Some(source) = source else {
            return said(format!(
                "Nothing to do now: {name} no longer exists in {}; the next pass deletes its copy, together \
                 with all others.",
                direction.from
            ));
        };
        let pair = Pair { source: &source, copy: copy.as_ref() };
        let looked = reader.compare(&ground, &[pair]).await;
        let looked = looked.map_err(|failure| unreadable(&direction, &failure))?;
        let Some(looked) = looked.first() else {
            return said(format!("Nothing to do now: {name} no longer exists in {}.", direction.from));
        };
        let writes = match &looked.verdict {
            PairVerdict::Same => {
                return said(format!("Nothing to do: {name} is already the same in {}.", direction.to));
            }
            PairVerdict::Blocked { sentence, .. } => return Err(Fault::new("not_copied", sentence.clone())),
            PairVerdict::Write(writes) => writes,
        };
        let per_second = ground.parameters.puts_per_second;
        let mut pen = Writer::new(self.stores, self.conductor, leave, &direction, per_second, self.until());
        match pen.write(name, writes, &looked.value).await? {
            Done::Stands => said(writes.sentence.clone()),
            Done::Moot => {
                said(format!("Another writer changed {name} in the meantime; the next pass handles it."))
            }
            Done::Ends(why) => said(format!("{name} waits for the next pass: {why}.")),
            Done::Failed(trouble) => Err(Fault::new("not_copied", format!("Not copied: {trouble}"))),
        }
    }
}

/// An event of another account than its region's, or of another region, is somebody else's or forged.
fn check_source(plan: &Plan, region: &str, account: &str) -> Result<(), Fault> {
    if account == plan.account_in(region) && plan.side_of(region).is_some() {
        return Ok(());
    }
    let Sides { primary, recovery } = &plan.sides;
    let about = if plan.has_two_accounts() {
        format!("{} in {} and {} in {}", primary.account, primary.region, recovery.account, recovery.region)
    } else {
        format!("{} in {} and {}", recovery.account, primary.region, recovery.region)
    };
    Err(Fault::new(
        "foreign_event",
        format!("A parameter of account {account} in {region} changed, but this plan covers {about}"),
    ))
}
