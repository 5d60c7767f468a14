//! Keeps snapshots: takes them where each database serves, copies them to the other region, deletes what no tier keeps.
//!
//! It begins things and never waits for them: a snapshot may take hours, and the next invocation looks first.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::conductor::{Conductor, Log};
use engine::context::Context;
use engine::fault::Fault;
use jiff::{SignedDuration, Timestamp};
use ports::{Answer, Maintenance, Metrics, Snapshots};
use protocol::incoming::command::{self, SnapshotCommand};
use protocol::maintenance::SnapshotLook;
use protocol::plan::Plan;
use protocol::side::{Side, Sides};
use protocol::snapshots::{SnapshotDecision, SnapshotListing, SourceKind, decide};
use serde_json::Value;

mod carry_out;
mod outcome;
mod report;

/// The rest is left to the next invocation when less than this is left of this one: one slow call fits into it.
const MARGIN: SignedDuration = SignedDuration::from_secs(20);

/// What this function may do.
#[derive(Clone)]
pub struct SnapshotScheduler {
    /// What it decides with.
    pub context: Context,
    /// Snapshots in both regions.
    pub snapshots: Arc<dyn Snapshots>,
    /// Metrics: the age of the newest good snapshots.
    pub metrics: Arc<dyn Metrics>,
    /// What the readiness is told of its last look.
    pub maintenance: Arc<dyn Maintenance>,
}

impl SnapshotScheduler {
    /// Handles an invocation.
    pub async fn handle(&self, payload: &Value, deadline: Timestamp) -> Result<Value, Fault> {
        let command: SnapshotCommand =
            command::read(payload).map_err(|problem| Fault::new("bad_request", problem))?;
        let conductor = self.context.conductor().await?;
        let mut log = Log::default();
        // Without the journal nobody knows where the databases serve, nor whether a run is under way.
        conductor.refresh(&mut log).await?;
        let (decision, look) = self.look(&conductor, &log).await;
        if command == (SnapshotCommand::DryRun {}) {
            return Ok(report::dry_run(&decision));
        }
        let metrics = self.put_ages(&conductor, &decision).await;
        self.keep(&conductor, &look).await;
        let until = deadline.checked_sub(MARGIN).unwrap_or(deadline);
        let mut outcome = self.carry_out(&conductor, &mut log, &decision, until).await;
        if let Err(failure) = metrics {
            outcome.put_off(
                format!("The ages of the snapshots could not be sent to CloudWatch: {failure}"),
                &failure,
            );
        }
        report::closing(outcome, &decision)
    }

    /// Lists both regions at once and decides; and what the readiness is told of it.
    async fn look(&self, conductor: &Conductor, log: &Log) -> (SnapshotDecision, SnapshotLook) {
        let plan = &conductor.plan;
        let kinds = kinds(plan);
        let regions = plan.sides.as_ref().map(|place| place.region.as_str());
        let listings = if plan.snapshots.is_some() && !kinds.is_empty() {
            let lists = regions.map(|region| self.list(region, &kinds));
            let (primary, recovery) = futures::join!(lists.primary, lists.recovery);
            Sides { primary, recovery }
        } else {
            regions.map(|region| SnapshotListing::whole(region, Vec::new()))
        };
        let now = conductor.clock.now();
        let decision = decide(plan, &log.state, listings.as_ref(), now);
        let look = report::look(&decision, &[listings.primary, listings.recovery], now);
        (decision, look)
    }

    /// Keeps what was found. What can't be kept is soon followed by the next.
    async fn keep(&self, conductor: &Conductor, look: &SnapshotLook) {
        let kept = self.maintenance.save_snapshot_look(&conductor.plan.name, look).await;
        if let Err(failure) = kept {
            tracing::warn!(%failure, "the result can't be saved: readiness will not show it");
        }
    }

    /// A region's snapshots. A region that doesn't answer has a gap, and blocks nothing else.
    async fn list(&self, region: &str, kinds: &[SourceKind]) -> SnapshotListing {
        match self.snapshots.list(region, kinds).await {
            Ok(listing) => listing,
            Err(failure) => SnapshotListing::gap(region, Vec::new(), failure.to_string()),
        }
    }

    /// Says how old the newest good snapshots are. Where there is none, or it is not known, there is no sample: the alarm
    /// takes missing data for breaching.
    async fn put_ages(&self, conductor: &Conductor, decision: &SnapshotDecision) -> Answer<()> {
        let samples = report::samples(&conductor.plan.name, decision, conductor.clock.now());
        if samples.is_empty() { Ok(()) } else { self.metrics.put(&samples).await }
    }
}

/// What snapshots are of, of everything in the plan.
fn kinds(plan: &Plan) -> Vec<SourceKind> {
    let of = plan.databases.iter().flat_map(|database| Side::BOTH.map(|side| database.arn(side)));
    of.filter_map(SourceKind::of).collect::<BTreeSet<_>>().into_iter().collect()
}
