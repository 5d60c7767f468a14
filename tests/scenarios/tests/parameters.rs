//! Parameters before, during and after a failover: the direction is the journal's.

use std::sync::Arc;

use jiff::SignedDuration;
use ports::Clock;
use protocol::command::Step;
use protocol::name::Name;
use protocol::plan::{Mode, Plan};
use scenarios::{Stage, has_begun, is_over};
use serde_json::{Value, json};
use ssm_replicator::{Replicator, handle};
use twin::parameter_store::MemoryStores;
use twin::plans::{example_plan, small_plan};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const PRIMARY: &str = "us-east-2";
const RECOVERY: &str = "us-west-1";

struct Copies {
    stores: Arc<MemoryStores>,
}

impl Copies {
    fn on(stage: &Stage) -> Self {
        Self { stores: Arc::new(MemoryStores::new(Arc::clone(&stage.clock) as Arc<dyn Clock>)) }
    }

    /// A pass; its sentence, of an answer or of an error.
    async fn pass(&self, stage: &Stage) -> String {
        let replicator = Replicator {
            context: stage.instance("ssm-replicator/1").context,
            stores: Arc::clone(&self.stores) as _,
            primary_account: None,
            seen: Arc::clone(&self.stores) as _,
            maintenance: Arc::clone(&stage.world) as _,
        };
        let deadline = stage.now().checked_add(SignedDuration::from_secs(840)).expect("a time");
        let answer = handle(&replicator, &json!({ "command": "pass" }), deadline).await;
        answer.map_or_else(
            |fault| fault.message,
            |answer| answer.get("sentence").and_then(Value::as_str).unwrap_or_default().to_owned(),
        )
    }

    fn value(&self, region: &str, name: &str) -> Option<String> {
        Some(self.stores.store(region).get(name)?.value().expose().to_owned())
    }

    fn writes(&self) -> usize {
        self.stores.inner().written.len()
    }
}

async fn copied(plan: Plan) -> (Stage, Copies) {
    let stage = Stage::new(plan);
    let copies = Copies::on(&stage);
    for name in ["/shop/a", "/shop/b"] {
        copies.stores.set(PRIMARY, name, "one");
    }
    copies.pass(&stage).await;
    assert_eq!(copies.writes(), 2);
    (stage, copies)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_copied_while_a_run_moves_and_afterwards_it_goes_the_other_way() {
    let (mut stage, copies) = copied(small_plan(Mode::Automatic)).await;
    stage.lose_primary().await;
    copies.stores.inner().lost.push(PRIMARY.to_owned());
    copies.stores.set(PRIMARY, "/shop/a", "written amid the loss");
    assert!(stage.until(HOUR, has_begun(Step::Promote)).await);
    let sentence = copies.pass(&stage).await;
    assert!(sentence.starts_with("Nothing is copied: run "), "{sentence}");
    assert!(stage.until(HOUR, is_over).await);
    assert_eq!(stage.phase(), "completed");

    // The recovery region serves, and its people change things. The old region is still lost.
    copies.stores.set(RECOVERY, "/shop/b", "of the new side");
    copies.stores.set(RECOVERY, "/shop/c", "made there");
    let sentence = copies.pass(&stage).await;
    assert!(sentence.starts_with("Parameters of us-west-1 and us-east-2 can't be read"), "{sentence}");
    assert_eq!(copies.writes(), 2);

    // It returns: what was changed there last gives way to what serves.
    copies.stores.inner().lost.clear();
    let sentence = copies.pass(&stage).await;
    assert!(
        sentence.starts_with("Parameters of us-west-1 were copied to us-east-2: 1 created, 2 updated"),
        "{sentence}"
    );
    assert_eq!(copies.value(PRIMARY, "/shop/a").as_deref(), Some("one"));
    assert_eq!(copies.value(PRIMARY, "/shop/b").as_deref(), Some("of the new side"));
    assert_eq!(copies.value(PRIMARY, "/shop/c").as_deref(), Some("made there"));

    // What the primary had itself is not deleted when the recovery region loses it; what was copied there is.
    for name in ["/shop/b", "/shop/c"] {
        copies.stores.inner().stores.get_mut(RECOVERY).expect("a store").remove(name);
    }
    let sentence = copies.pass(&stage).await;
    assert!(sentence.contains("1 deleted"), "{sentence}");
    assert!(copies.value(PRIMARY, "/shop/b").is_some() && copies.value(PRIMARY, "/shop/c").is_none());
}

#[tokio::test(start_paused = true)]
async fn while_some_routes_have_moved_and_others_have_not_neither_region_is_the_one_to_copy() {
    let mut plan = example_plan(Mode::Automatic);
    let mut back = plan.routes.first().cloned().expect("a route");
    back.name = Name::new("back");
    back.sides.recovery.probe = None;
    back.after.clear();
    for side in [&mut back.sides.primary, &mut back.sides.recovery] {
        side.endpoint = side.endpoint.replace("/app/shop-", "/app/back-");
    }
    plan.routes.push(back);
    let (mut stage, copies) = copied(plan).await;
    let command = json!({ "command": "failover", "routes": ["back"], "reason": "back is broken", "by": "ana", "override_vetoes": true });
    stage.invoke(command).await.expect("the failover of one route");
    assert!(stage.until(HOUR, is_over).await);
    let sentence = copies.pass(&stage).await;
    assert!(
        sentence.starts_with(
            "Nothing is copied: back moved to us-west-1 and front stayed in us-east-2, so Pilotlight can't \
             choose which region to copy from; move the rest: echo '{\"command\":\"failover\""
        ),
        "{sentence}"
    );
    assert_eq!(copies.writes(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_aborted_run_leaves_the_direction_as_it_was() {
    let (mut stage, copies) = copied(small_plan(Mode::Approve)).await;
    stage.lose_primary().await;
    assert!(stage.until(HOUR, scenarios::awaits_approval).await);
    assert!(copies.pass(&stage).await.starts_with("Nothing is copied: run "));
    stage.world.inner().primary_lives = true;
    let abort = json!({ "command": "abort", "run": stage.run(), "reason": "it is back", "by": "ana" });
    stage.invoke(abort).await.expect("the abort");
    assert!(stage.until(HOUR, is_over).await);
    copies.stores.set(PRIMARY, "/shop/a", "two");
    let sentence = copies.pass(&stage).await;
    assert!(
        sentence.starts_with("Parameters of us-east-2 were copied to us-west-1: 0 created, 1 updated"),
        "{sentence}"
    );
}
