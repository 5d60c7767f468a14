//! A call that was given up without an answer may still have its effect, seconds later. It must not slip in behind the undo
//! of an aborted run.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use ports::{Answer, Clock, Failure, FailureKind, FleetView, Fleets};
use protocol::command::{Step, StepCommand};
use protocol::plan::{Capacity, FleetAt, Mode};
use scenarios::{COMMANDS_TOPIC, Stage, is_over, sns};
use serde_json::json;
use twin::MemoryWorld;
use twin::plans::small_plan;

/// A resize gets no answer for twelve seconds, is given up, and has its effect two seconds after that.
struct Late {
    world: Arc<MemoryWorld>,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Fleets for Late {
    async fn look(&self, fleets: &[FleetAt<'_>]) -> Answer<Vec<FleetView>> {
        Fleets::look(&*self.world, fleets).await
    }

    async fn resize(&self, fleet: FleetAt<'_>, capacity: Capacity) -> Answer<()> {
        self.clock.sleep(Duration::from_secs(12)).await;
        let (world, clock) = (Arc::clone(&self.world), Arc::clone(&self.clock));
        let (name, side, at) = (fleet.name.clone(), fleet.side, fleet.at.clone());
        tokio::spawn(async move {
            clock.sleep(Duration::from_secs(2)).await;
            world.resize(FleetAt { name: &name, side, at: &at }, capacity).await
        });
        let code = "timeout".to_owned();
        Err(Failure {
            kind: FailureKind::Unreachable,
            action: "resize",
            code,
            message: "no answer".to_owned(),
        })
    }

    async fn last_failure(&self, fleet: FleetAt<'_>, since: Timestamp) -> Answer<Option<String>> {
        self.world.last_failure(fleet, since).await
    }
}

/// The scale step's command, taken before anybody is started for it.
async fn take_scale(stage: &mut Stage) -> StepCommand {
    for _ in 0..6_000 {
        stage.beat().await;
        let mut inner = stage.world.inner();
        if let Some(at) = inner.commands.iter().position(|command| command.step == Step::Scale) {
            return inner.commands.remove(at).expect("it is there");
        }
    }
    unreachable!("the scale step was never due: {:#?}", stage.sentences())
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_lands_after_its_call_was_given_up_is_undone_too() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.lose_primary().await;
    let scale = take_scale(&mut stage).await;
    let mut ports = stage.ports("scale-asg/late");
    let clock = Arc::clone(&stage.clock) as Arc<dyn Clock>;
    ports.fleets = Arc::new(Late { world: Arc::clone(&stage.world), clock });
    let deadline = stage.now().checked_add(SignedDuration::from_mins(5)).expect("a time");
    let payload = sns(COMMANDS_TOPIC, &json!(scale));
    let worker = tokio::spawn(async move {
        let workshop = scale_asg::ScaleAsg::new(&ports);
        engine::worker::handle(&ports, &workshop, &payload, deadline).await
    });
    stage.pass(SignedDuration::from_secs(3)).await;
    let abort = json!({ "command": "abort", "run": stage.run(), "by": "ana", "reason": "a false alarm" });
    stage.invoke(abort).await.expect("the abort is taken");
    assert!(stage.until(SignedDuration::from_mins(20), is_over).await, "{:#?}", stage.sentences());
    assert_eq!(stage.phase(), "aborted");
    worker.await.expect("it does not panic").expect("it comes to an end");
    stage.pass(SignedDuration::from_mins(1)).await;
    let sizes: Vec<u32> = stage.world.inner().fleets.values().map(|fleet| fleet.capacity.desired).collect();
    assert!(sizes.iter().all(|size| *size == 0), "{sizes:?}: {:#?}", stage.sentences());
}
