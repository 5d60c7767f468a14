//! Two regions with parameters, a journal, and the function between them.

use std::sync::Arc;

use engine::conductor::Log;
use engine::context::Context;
use engine::fault::Fault;
use engine::observe::{Observer, Sources};
use jiff::{SignedDuration, Timestamp};
use ports::Clock;
use protocol::decide::{Facts, Verdict};
use protocol::operator::OperatorCommand;
use protocol::parameters::COPY_TAG;
use protocol::plan::{Mode, Plan};
use serde_json::{Value, json};
use ssm_replicator::{Replicator, handle};
use twin::parameter_store::{MemoryStores, Stored};
use twin::{CountingIds, MemoryWorld, RuntimeClock};

/// The region that serves on a good day.
pub(crate) const FROM: &str = "us-east-2";
/// The other one.
pub(crate) const TO: &str = "us-west-1";

/// How long an invocation may take.
const INVOCATION: SignedDuration = SignedDuration::from_secs(840);

/// Two regions, a journal and the function.
pub(crate) struct Scene {
    pub(crate) plan: Plan,
    pub(crate) clock: Arc<RuntimeClock>,
    pub(crate) world: Arc<MemoryWorld>,
    pub(crate) stores: Arc<MemoryStores>,
    pub(crate) invocation: SignedDuration,
    pub(crate) primary_account: Option<String>,
    ids: Arc<CountingIds>,
}

/// The plan of the shop.
pub(crate) fn shop() -> Plan {
    twin::plans::example_plan(Mode::Automatic)
}

/// The plan whose primary region lies in the account 210987654321.
pub(crate) fn two_accounts() -> Plan {
    Plan::from_json(include_str!("../../../../shared/protocol/tests/plans/two-accounts.json")).unwrap()
}

/// Plays something through in no time.
pub(crate) fn play<T>(scene: impl AsyncFnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(scene())
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::of(shop())
    }

    pub(crate) fn of(plan: Plan) -> Self {
        let clock = Arc::new(RuntimeClock::starting_at(Timestamp::from_second(1_800_000_000).unwrap()));
        let world = Arc::new(MemoryWorld::new(&plan, Arc::clone(&clock) as Arc<dyn Clock>));
        let stores = Arc::new(MemoryStores::new(Arc::clone(&clock) as Arc<dyn Clock>));
        let primary_account = plan.has_two_accounts().then(|| plan.other().account.clone());
        Self { plan, clock, world, stores, invocation: INVOCATION, primary_account, ids: Arc::default() }
    }

    /// Another plan over the same two regions' parameters, with a journal of its own.
    pub(crate) fn beside(&self, plan: Plan) -> Self {
        let world = Arc::new(MemoryWorld::new(&plan, Arc::clone(&self.clock) as Arc<dyn Clock>));
        let (clock, stores) = (Arc::clone(&self.clock), Arc::clone(&self.stores));
        let primary_account = plan.has_two_accounts().then(|| plan.other().account.clone());
        Self { plan, clock, world, stores, invocation: self.invocation, primary_account, ids: Arc::default() }
    }

    fn replicator(&self) -> Replicator {
        let world = &self.world;
        let context = Context {
            plans: Arc::clone(world) as _,
            journal: Arc::clone(world) as _,
            publisher: Arc::clone(world) as _,
            clock: Arc::clone(&self.clock) as _,
            ids: Arc::clone(&self.ids) as _,
            writer: "ssm-replicator/1".to_owned(),
            region: self.plan.own().region.clone(),
            snapshot_every: protocol::state::snapshot::SNAPSHOT_EVERY,
        };
        Replicator {
            context,
            stores: Arc::clone(&self.stores) as _,
            primary_account: self.primary_account.clone(),
            seen: Arc::clone(&self.stores) as _,
            maintenance: Arc::clone(world) as _,
        }
    }

    fn observer(&self) -> Observer {
        Observer::new(Sources {
            probes: Arc::clone(&self.world) as _,
            databases: Arc::clone(&self.world) as _,
            alarms: Arc::clone(&self.world) as _,
            lag: Arc::clone(&self.world) as _,
            witnesses: Arc::clone(&self.world) as _,
            journal: Arc::clone(&self.world) as _,
            clock: Arc::clone(&self.clock) as _,
        })
    }

    pub(crate) async fn invoke(&self, payload: &Value) -> Result<Value, Fault> {
        let deadline = self.clock.now().checked_add(self.invocation).unwrap();
        handle(&self.replicator(), payload, deadline).await
    }

    pub(crate) async fn pass(&self) -> Result<Value, Fault> {
        self.invoke(&json!({ "command": "pass" })).await
    }

    pub(crate) async fn drift(&self) -> Value {
        self.invoke(&json!({ "command": "drift" })).await.unwrap()
    }

    /// A change event by `EventBridge`.
    pub(crate) async fn changed(&self, region: &str, name: &str) -> Result<Value, Fault> {
        let account = self.plan.account_in(region);
        self.invoke(&json!({
            "source": "aws.ssm", "detail-type": "Parameter Store Change", "account": account, "region": region,
            "resources": [format!("arn:aws:ssm:{region}:{account}:parameter{name}")],
            "detail": { "operation": "Update", "name": name, "type": "String" },
        }))
        .await
    }

    /// An operator gives a command to the alarm-handler.
    pub(crate) async fn operate(&self, command: OperatorCommand) {
        let conductor = self.replicator().context.conductor().await.unwrap();
        let mut log = Log::default();
        conductor.refresh(&mut log).await.unwrap();
        let observation = Some(self.observer().observe(&conductor.plan, &log.state).await);
        let facts = Facts { operator: Some(command), observation, ..Facts::default() };
        let advanced = conductor.advance_from(&mut log, facts).await.unwrap();
        assert!(matches!(advanced.verdict, Some((Verdict::Accepted, _))), "{:?}", advanced.verdict);
    }

    pub(crate) async fn hold(&self, minutes: u32) {
        let (by, reason) = ("ana".to_owned(), "database upgrade".to_owned());
        self.operate(OperatorCommand::Hold { by, minutes, reason }).await;
    }

    pub(crate) fn get(&self, region: &str, name: &str) -> Option<Stored> {
        self.stores.store(region).get(name).cloned()
    }

    pub(crate) fn value(&self, region: &str, name: &str) -> Option<String> {
        Some(self.get(region, name)?.value().expose().to_owned())
    }

    /// How many writes there were, in all regions.
    pub(crate) fn writes(&self) -> usize {
        self.stores.inner().written.len()
    }

    /// So many parameters `/shop/p/0000` and on in the source, with a value of their own.
    pub(crate) fn fill(&self, count: usize) {
        for n in 0..count {
            self.stores.set(FROM, &format!("/shop/p/{n:05}"), &format!("value {n}"));
        }
    }

    pub(crate) fn is_copy(&self, region: &str, name: &str) -> bool {
        let stored = self.get(region, name);
        stored.is_some_and(|stored| stored.tags.get(COPY_TAG).is_some_and(|by| by == self.plan.name.as_str()))
    }
}

/// The sentence of an answer.
pub(crate) fn sentence(answer: &Value) -> &str {
    answer["sentence"].as_str().unwrap()
}
