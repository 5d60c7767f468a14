//! A stage for keeping snapshots: the production handler beside the others on the in-memory world, invoked again and again
//! as its schedule would.

use std::sync::Arc;
use std::time::Duration;

use engine::fault::Fault;
use jiff::{SignedDuration, Timestamp};
use ports::{Clock, MetricSample};
use protocol::plan::{KeyArns, Plan, SnapshotPolicy, Tiers};
use protocol::side::Side;
use serde_json::{Value, json};
use snapshot_scheduler::SnapshotScheduler;
use twin::snapshots::{Death, MemorySnapshots};

use crate::Stage;

/// The primary region of the example.
pub const PRIMARY: &str = "us-east-2";
/// Its recovery region.
pub const RECOVERY: &str = "us-west-1";
/// How often the schedule invokes the function, unless a test says otherwise.
pub const EVERY: SignedDuration = SignedDuration::from_mins(30);
/// The function's timeout.
pub const TIMEOUT: SignedDuration = SignedDuration::from_secs(120);

/// The plan with snapshots: one is due every six hours.
///
/// # Panics
/// When the plan is not valid with them.
pub fn with_snapshots(mut plan: Plan, keep: Tiers, keep_min: u32) -> Plan {
    let key = |region: &str| Some(format!("arn:aws:kms:{region}:123456789012:key/0a1b"));
    plan.snapshots = Some(SnapshotPolicy {
        schedule: "cron(0 0/6 * * ? *)".to_owned(),
        keep,
        keep_min,
        deletions_max: 3,
        kms_key_arns: KeyArns { primary: key(PRIMARY), recovery: key(RECOVERY) },
        except: Vec::new(),
        option_groups: Vec::new(),
    });
    assert_eq!(plan.validate(), vec![]);
    plan
}

/// A stage with snapshots.
pub struct ScheduledJob {
    /// The stage.
    pub stage: Stage,
    /// The snapshots of both regions.
    pub snapshots: Arc<MemorySnapshots>,
    /// How often the schedule invokes the function.
    pub every: SignedDuration,
}

impl ScheduledJob {
    /// A good day without any snapshot.
    pub fn new(plan: Plan) -> Self {
        let stage = Stage::new(plan);
        let databases = stage.plan.databases.iter();
        let sources: Vec<&str> =
            databases.flat_map(|database| Side::BOTH.map(|side| database.arn(side))).collect();
        let snapshots = Arc::new(MemorySnapshots::new(Arc::clone(&stage.clock) as Arc<dyn Clock>, &sources));
        Self { stage, snapshots, every: EVERY }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.stage.now()
    }

    /// Invokes the function.
    pub async fn invoke(&self, payload: &Value) -> Result<Value, Fault> {
        let scheduler = SnapshotScheduler {
            context: self.stage.instance("shop-snapshot-scheduler@stream").context,
            snapshots: Arc::clone(&self.snapshots) as _,
            metrics: Arc::clone(&self.snapshots) as _,
            maintenance: Arc::clone(&self.stage.world) as _,
        };
        let deadline = self.now().checked_add(TIMEOUT).unwrap_or(Timestamp::MAX);
        scheduler.handle(payload, deadline).await
    }

    /// Invokes it as its schedule does.
    pub async fn keep(&self) -> Result<Value, Fault> {
        self.invoke(&json!({ "command": "keep" })).await
    }

    /// Asks it what it would do.
    pub async fn dry_run(&self) -> Result<Value, Fault> {
        self.invoke(&json!({ "command": "dry_run" })).await
    }

    /// Invokes it and kills it at a call; says whether it came that far.
    pub async fn keep_until_killed(&self, death: Death) -> bool {
        self.snapshots.vault().dies = Some(death);
        let answer = tokio::time::timeout(Duration::from_secs(110), self.keep()).await;
        self.snapshots.vault().dies = None;
        answer.is_err()
    }

    /// Lets time pass, with the schedule's invocations. An error of the function is for its alarm.
    pub async fn pass(&self, duration: SignedDuration) {
        let end = self.now().checked_add(duration).unwrap_or(Timestamp::MAX);
        while self.now() < end {
            drop(self.keep().await);
            self.stage.clock.sleep(self.every.unsigned_abs()).await;
        }
    }

    /// What was done so far that begins with these words: `take us-east-2`.
    pub fn effects(&self, what: &str) -> Vec<String> {
        let vault = self.snapshots.vault();
        vault.effects.iter().filter(|effect| effect.starts_with(what)).cloned().collect()
    }

    /// What is good in a region, oldest data first.
    pub fn good(&self, region: &str) -> Vec<String> {
        self.snapshots.vault().good(region)
    }

    /// The samples of the metric since a time.
    pub fn samples_since(&self, since: Timestamp) -> Vec<MetricSample> {
        let vault = self.snapshots.vault();
        vault.samples.iter().filter(|sample| sample.at >= since).cloned().collect()
    }
}
