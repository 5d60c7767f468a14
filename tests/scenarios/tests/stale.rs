//! An answer of Global Accelerator may be old. One that says "closed" of a side that is open must not let a promotion begin.

use protocol::endpoint::Endpoint;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::SignedDuration;
use ports::{Answer, RouteView};
use protocol::command::Step;
use protocol::plan::Mode;
use scenarios::{COMMANDS_TOPIC, Stage, awaits_approval, sns};
use serde_json::json;
use twin::plans::small_plan;
use twin::{Call, Policy};

/// Says "closed" of the primary side for the first few looks.
struct Stale {
    lies_left: AtomicU32,
}

impl Policy for Stale {
    async fn pass<T: Send + 'static>(
        &self,
        _call: Call,
        go: impl Future<Output = Answer<T>> + Send + 'static,
    ) -> Answer<T> {
        go.await
    }

    fn see_route(&self, mut view: RouteView) -> RouteView {
        let lies = self
            .lies_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok();
        if lies {
            view.endpoints.primary = Endpoint::Closed;
        }
        view
    }
}

#[tokio::test(start_paused = true)]
async fn one_stale_word_of_a_closed_side_is_not_taken_for_a_fence() {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.lose_primary().await;
    assert!(stage.until(SignedDuration::from_mins(5), awaits_approval).await);
    let approve = json!({ "command": "approve", "run": stage.run(), "by": "ana" });
    stage.invoke(approve).await.expect("the approval is taken");
    let fence = {
        let mut inner = stage.world.inner();
        let at =
            inner.commands.iter().position(|command| command.step == Step::Fence).expect("the fence is due");
        inner.commands.remove(at).expect("it is there")
    };
    let policy = Stale { lies_left: AtomicU32::new(1) };
    let instance = stage.disturbed("shift-traffic/stale", policy);
    let deadline = stage.now().checked_add(SignedDuration::from_mins(2)).expect("a time");
    let payload = sns(COMMANDS_TOPIC, &json!(fence));
    instance.work(Step::Fence, &payload, deadline).await.expect("it comes to an end");
    let said = stage.sentences();
    let closed = stage.world.inner().routes.values().all(|view| view.endpoints.primary == Endpoint::Closed);
    let is_done = said.iter().any(|sentence| sentence.starts_with("Step fence is done"));
    assert!(closed || !is_done, "the fence is recorded, and the primary side is open: {said:#?}");
    assert!(stage.until(SignedDuration::from_mins(20), scenarios::is_over).await);
    assert_eq!(stage.phase(), "completed");
}
