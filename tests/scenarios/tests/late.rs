//! A call that was given up without an answer may still have its effect, seconds later. It must not slip in behind the undo
//! of an aborted run.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use ports::{Answer, Clock, Failure, FailureKind};
use protocol::command::{Step, StepCommand};
use protocol::plan::Mode;
use scenarios::{COMMANDS_TOPIC, Stage, is_over, sns};
use serde_json::json;
use twin::plans::small_plan;
use twin::{Call, Policy};

/// A resize gets no answer for twelve seconds, is given up, and has its effect two seconds after that.
struct Late {
    clock: Arc<dyn Clock>,
}

impl Policy for Late {
    async fn pass<T: Send + 'static>(
        &self,
        call: Call,
        go: impl Future<Output = Answer<T>> + Send + 'static,
    ) -> Answer<T> {
        if !matches!(call, Call::Resize(..)) {
            return go.await;
        }
        self.clock.sleep(Duration::from_secs(12)).await;
        let clock = Arc::clone(&self.clock);
        tokio::spawn(async move {
            clock.sleep(Duration::from_secs(2)).await;
            go.await
        });
        let code = "timeout".to_owned();
        Err(Failure {
            kind: FailureKind::Unreachable,
            action: "resize",
            code,
            message: "no answer".to_owned(),
        })
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
    let clock = Arc::clone(&stage.clock) as Arc<dyn Clock>;
    let instance = stage.disturbed("scale-asg/late", Late { clock });
    let deadline = stage.now().checked_add(SignedDuration::from_mins(5)).expect("a time");
    let payload = sns(COMMANDS_TOPIC, &json!(scale));
    let worker = tokio::spawn(async move { instance.work(Step::Scale, &payload, deadline).await });
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
