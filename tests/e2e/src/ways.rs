//! The ways by which an alarm reaches the alarm-handler: by the topic of its region, as an event, and with the function itself as its
//! action. Each of them opens a run while the others are shut.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_cloudwatch::types::StateValue;
use gateway::{Effect, Match, Rule};
use lab::cloud::call::{Call, Shape};
use lab::terraform::examples::administrator;
use lab::world::{PRIMARY, RECOVERY};
use protocol::state::{Phase, State};
use serde_json::json;

use crate::scene::{Part, Scene};

const LIMIT: Duration = Duration::from_mins(2);

/// One way at a time, each on a stack of its own: a plan whose alarm comes and goes is soon left in peace for a while.
pub(crate) async fn each_opens_a_run(scene: &Scene<'_>) -> Result<()> {
    let topic = Way { scene, part: Part::Approval, region: PRIMARY, alarm: "web-unhealthy" };
    topic.rule("DisableRule").await?;
    topic.opens_a_run().await.context("by its topic, without EventBridge")?;
    topic.rule("EnableRule").await?;
    // Its only action is the function.
    let direct = Way { scene, part: Part::Throttled, region: RECOVERY, alarm: "orders-replica-lag" };
    direct.rule("DisableRule").await?;
    scene.bring_on(direct.part).await?;
    direct.opens_a_run().await.context("directly, without EventBridge")?;
    scene.put_off(direct.part).await?;
    direct.rule("EnableRule").await?;
    let event = Way { scene, part: Part::LostAnswer, region: PRIMARY, alarm: "web-unhealthy" };
    event.actions("DisableAlarmActions").await?;
    scene.bring_on(event.part).await?;
    event.opens_a_run().await.context("as an event, without any action")?;
    scene.put_off(event.part).await?;
    event.actions("EnableAlarmActions").await
}

/// One alarm of a stack.
struct Way<'s, 'w> {
    scene: &'s Scene<'w>,
    part: Part,
    region: &'static str,
    alarm: &'static str,
}

impl Way<'_, '_> {
    /// An alarm opens a run, which is dismissed since the primary serves; then the alarm is over. Nobody answers the tick when
    /// it asks for alarms: it would find this one by itself.
    async fn opens_a_run(&self) -> Result<()> {
        let switchboard = self.scene.world.switchboard();
        let caller = self.scene.function(self.part, "alarm-handler").await?.access_key;
        let asked = Match::service("monitoring").action("DescribeAlarms").principal(&caller);
        let rule = switchboard.add_rule(Rule::new(asked, Effect::Throttle))?;
        let opened = self.opens_a_run_by_its_message().await;
        switchboard.remove_rule(rule);
        opened
    }

    async fn opens_a_run_by_its_message(&self) -> Result<()> {
        let (scene, part) = (self.scene, self.part);
        let alarm = self.name()?;
        let last = |state: &State| state.run.as_ref().map_or(0, |run| run.id);
        let before = last(&scene.until(part, "the journal is read", LIMIT, |_| true).await?);
        scene.world.cloud.set_alarm(self.region, alarm, StateValue::Alarm).await?;
        let over = |state: &State| {
            last(state) > before && state.run.as_ref().is_some_and(|run| run.phase.is_final())
        };
        let state = scene.until(part, "the alarm opens a run, which ends", LIMIT, over).await?;
        let phase = state.run.map(|run| run.phase);
        ensure!(matches!(phase, Some(Phase::Aborted { .. })), "the run was not dismissed: {phase:?}");
        scene.world.cloud.set_alarm(self.region, alarm, StateValue::Ok).await?;
        scene.until(part, "the alarm's OK arrives", LIMIT, |state| state.evidence.is_empty()).await?;
        Ok(())
    }

    fn name(&self) -> Result<&str> {
        self.scene.stack(self.part).output(&["alarms", self.alarm, "name"])
    }

    /// Switches the rule that hands changes of alarms to the function.
    async fn rule(&self, action: &'static str) -> Result<()> {
        let name = format!("{}-alarms-0", self.scene.stack(self.part).name);
        let shape = Shape::Json("AWSEvents", json!({ "Name": name }));
        done(self.scene, Call { service: "events", region: RECOVERY.to_owned(), action, shape }).await
    }

    /// Switches what the alarm does when its state changes.
    async fn actions(&self, action: &'static str) -> Result<()> {
        let names = [("AlarmNames.member.1", self.name()?)];
        done(self.scene, Call::query("monitoring", PRIMARY, action, "2010-08-01", &names)).await
    }
}

async fn done(scene: &Scene<'_>, call: Call) -> Result<()> {
    call.done(scene.world.endpoint_url(), &administrator()).await.map(drop)
}
