//! One parameter changed: look at both sides of it, and write what differs. The event itself is only a wake-up.

use protocol::parameters::pair::Verdict;
use protocol::parameters::scope::Coverage;
use protocol::parameters::survey::Pair;
use serde_json::{Value, json};

use super::leave::Leave;
use super::writer::{Done, Writer};
use super::{Replication, unreadable};
use crate::fault::Fault;

impl Replication<'_> {
    /// Copies one parameter, if it is one to be copied.
    pub(super) async fn change(&self, name: &str, region: &str, account: &str) -> Result<Value, Fault> {
        let plan = &self.conductor.plan;
        let regions = [plan.regions.primary.as_str(), plan.regions.recovery.as_str()];
        if account != plan.account_in(region) || !regions.contains(&region) {
            let [primary, recovery] = regions;
            let theirs = plan.account_in(primary);
            let about = if theirs == plan.account {
                format!("{theirs} in {primary} and {recovery}")
            } else {
                format!("{theirs} in {primary} and {} in {recovery}", plan.account)
            };
            return Err(Fault::new(
                "foreign_event",
                format!(
                    "A parameter of account {account} in {region} changed, and this plan is about {about}"
                ),
            ));
        }
        let said = |sentence: String| Ok(json!({ "sentence": sentence }));
        let leave = Leave::ask(self.conductor).await?;
        let direction = match leave.direction() {
            Ok(direction) => direction,
            Err(sentence) => return said(format!("{sentence}; a later pass copies {name}.")),
        };
        let ground = self.ground(&direction)?;
        match ground.scope().coverage(name) {
            Coverage::Outside => {
                return said(format!("Nothing to do: the plan does not speak of {name}."));
            }
            Coverage::Overridden => {
                return said(format!(
                    "Nothing to do: {name} differs on purpose, as parameters.overrides says."
                ));
            }
            Coverage::Copied => {}
        }
        if region != direction.from {
            return said(format!(
                "Nothing to do: {name} changed in {region}, which is copied to; the next pass sees to it if it differs."
            ));
        }
        let reader = self.reader();
        let found = futures::try_join!(reader.find(&direction.from, name), reader.find(&direction.to, name));
        let (source, copy) = found.map_err(|failure| unreadable(&direction, &failure))?;
        let Some(source) = source else {
            return said(format!(
                "Nothing to do now: {name} is gone in {}; the next pass deletes its copy, together with all that are gone.",
                direction.from
            ));
        };
        let pair = Pair { source: &source, copy: copy.as_ref() };
        let looked = reader.compare(&ground, &[pair]).await;
        let looked = looked.map_err(|failure| unreadable(&direction, &failure))?;
        let Some(looked) = looked.first() else {
            return said(format!("Nothing to do now: {name} is gone in {}.", direction.from));
        };
        let writes = match &looked.verdict {
            Verdict::Same => {
                return said(format!("Nothing to do: {name} is the same in {} already.", direction.to));
            }
            Verdict::Blocked { sentence, .. } => return Err(Fault::new("not_copied", sentence.clone())),
            Verdict::Write(writes) => writes,
        };
        let per_second = ground.parameters.puts_per_second;
        let mut pen = Writer::new(self.stores, self.conductor, leave, &direction, per_second, self.until());
        match pen.write(name, writes, &looked.value).await? {
            Done::Stands => said(writes.sentence.clone()),
            Done::Moot => {
                said(format!("{name} was changed by somebody else meanwhile; the next pass sees to it."))
            }
            Done::Ends(why) => said(format!("{name} waits for the next pass: {why}.")),
            Done::Failed(trouble) => Err(Fault::new("not_copied", format!("Not copied: {trouble}"))),
        }
    }
}
