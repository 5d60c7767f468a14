//! Would a failover work? Asked every half hour, and by the command `readiness`; people are told what changed.
//!
//! Nothing is decided by it, and nothing is written but what it found. A figure that can't be sent stays away, which its
//! alarm takes for a bad sign.

use std::sync::Arc;

use engine::conductor::{Conductor, Log};
use engine::context::Context;
use engine::fault::Fault;
use engine::log::Unread;
use engine::notice::subject;
use engine::readiness::{Inspector, LOOK_MAX};
use jiff::{SignedDuration, Timestamp};
use ports::inspection::Inspection;
use ports::{Answer, Fleets, Lag, MetricSample, MetricUnit, Metrics, Probes, Witnesses};
use protocol::incoming::command::{self, ReadinessCommand};
use protocol::name::Name;
use protocol::readiness::{LastReadiness, Readiness};
use protocol::words::duration;
use serde_json::{Value, json};

/// How often the schedule brings a pass about. Its invocations come every five minutes, and none of them exactly: half a
/// minute less than half an hour, so that it is not the one after.
pub const PASS_EVERY: SignedDuration = SignedDuration::from_secs(30 * 60 - 30);

/// What this function may do.
pub struct ReadinessChecker {
    /// What it reads the plan and the journal with, and tells people by.
    pub context: Context,
    /// ARN of the topic that commands go to: who is subscribed to it is one of the checks.
    pub commands_topic: String,
    /// Replication lag.
    pub lag: Arc<dyn Lag>,
    /// Fleets: whether those that have moved serve.
    pub fleets: Arc<dyn Fleets>,
    /// The witness of the own side.
    pub witnesses: Arc<dyn Witnesses>,
    /// Probes.
    pub probes: Arc<dyn Probes>,
    /// Everything else that a pass looks at.
    pub inspection: Inspection,
    /// The figure that an alarm watches.
    pub metrics: Arc<dyn Metrics>,
}

impl ReadinessChecker {
    /// Handles an invocation.
    pub async fn handle(&self, payload: &Value) -> Result<Value, Fault> {
        let command = command::read(payload).map_err(|problem| Fault::new("bad_command", problem))?;
        let conductor = self.context.conductor().await?;
        let log = self.read(&conductor).await?;
        match command {
            ReadinessCommand::Pass {} => self.pass_if_due(&conductor, &log).await,
            ReadinessCommand::Readiness {} => self.answer(&conductor, &log).await,
        }
    }

    /// The journal as far as it can be read: that it can't be read further is one of the things that a pass says.
    async fn read(&self, conductor: &Conductor) -> Result<Log, Fault> {
        let plan = &conductor.plan.name;
        let mut log = Log::default();
        if let Err(unread @ Unread::Silence(_)) = log.read(&*conductor.journal, plan).await {
            return Err(Fault::new("journal_unreadable", unread.sentence(plan)));
        }
        match conductor.journal.load_vitals(plan).await {
            Ok(vitals) => {
                if let Some(why) = vitals.and_then(|vitals| vitals.snapshot_unkept) {
                    log.not_kept(why);
                }
            }
            Err(failure) => tracing::warn!(%failure, "the vitals can't be read"),
        }
        Ok(log)
    }

    /// Makes a pass if one is due and no run is under way: in between there is nothing that could take over.
    async fn pass_if_due(&self, conductor: &Conductor, log: &Log) -> Result<Value, Fault> {
        if let Some(under_way) = under_way(log) {
            return Ok(json!({ "sentence": format!("{under_way}, so no readiness pass was made.") }));
        }
        let plan = &conductor.plan.name;
        // Without it everybody would be told once more of what they know: the next invocation tries again.
        let last = conductor.journal.load_readiness(plan).await.map_err(|failure| {
            Fault::from_failure(
                "readiness_unreadable",
                "The last readiness can't be read, so no pass was made",
                &failure,
            )
        })?;
        if let Some(last) = &last {
            let age = conductor.clock.now().duration_since(last.readiness.at());
            if age < PASS_EVERY {
                let sentence =
                    format!("The last readiness pass was {} ago, so none is due yet.", duration(age));
                return Ok(json!({ "sentence": sentence }));
            }
        }
        let readiness = self.pass(conductor, log, last.as_ref()).await;
        Ok(json!({ "sentence": readiness.sentence(), "readiness": readiness.finding() }))
    }

    /// Answers a person with a pass.
    async fn answer(&self, conductor: &Conductor, log: &Log) -> Result<Value, Fault> {
        if let Some(under_way) = under_way(log) {
            let message =
                format!("{under_way}. Readiness can't be judged until the run ends: run the command status");
            return Err(Fault::new("run_under_way", message));
        }
        let last = conductor.journal.load_readiness(&conductor.plan.name).await;
        let last = last.unwrap_or_else(|failure| {
            tracing::warn!(%failure, "the last readiness can't be read; this one counts as the first");
            None
        });
        let readiness = self.pass(conductor, log, last.as_ref()).await;
        Ok(shown(&readiness))
    }

    /// One pass: looks, keeps what was seen, says the figure, tells people what changed.
    async fn pass(&self, conductor: &Conductor, log: &Log, last: Option<&LastReadiness>) -> Readiness {
        let plan = &conductor.plan;
        let readiness = self.inspector().readiness(plan, log).await;
        tracing::info!(unready = readiness.unready(), sentence = readiness.sentence(), "readiness");
        let figure = unready_checks(&plan.name, readiness.unready(), conductor.clock.now());
        let figure = self.metrics.put(&[figure]).await;
        warn_of(&figure, "the metric UnreadyChecks can't be sent; its alarm will fire");
        let untold = LastReadiness::untold(readiness.clone(), last);
        // Kept before it is told: what can't be kept would be told again at each pass.
        let kept = conductor.journal.save_readiness(&plan.name, &untold).await;
        if warn_of(&kept, "the readiness can't be saved, so no notice is sent") {
            tell(conductor, untold).await;
        }
        readiness
    }

    /// For a pass that begins now.
    fn inspector(&self) -> Inspector {
        let clock = Arc::clone(&self.context.clock);
        Inspector {
            inspection: self.inspection.clone(),
            lag: Arc::clone(&self.lag),
            fleets: Arc::clone(&self.fleets),
            witnesses: Arc::clone(&self.witnesses),
            probes: Arc::clone(&self.probes),
            commands_topic: self.commands_topic.clone(),
            until: clock.now().checked_add(LOOK_MAX).unwrap_or(Timestamp::MAX),
            clock,
        }
    }
}

/// That a run is under way, if one is.
fn under_way(log: &Log) -> Option<String> {
    let run = log.state.active_run()?;
    Some(format!("Run {} is under way ({})", run.id, run.phase.as_str()))
}

/// The figure that the alarm watches: one for each plan.
fn unready_checks(plan: &Name, count: usize, at: Timestamp) -> MetricSample {
    MetricSample {
        name: "UnreadyChecks",
        dimensions: vec![("Plan", plan.to_string())],
        value: u64::try_from(count).unwrap_or(u64::MAX),
        unit: MetricUnit::Count,
        at,
    }
}

async fn tell(conductor: &Conductor, untold: LastReadiness) {
    let Some(news) = untold.news() else { return };
    let name = &conductor.plan.name;
    let subject = subject(name, &format!("readiness is {}", untold.readiness.finding()));
    let told = conductor.publisher.notice(&subject, &news).await;
    if warn_of(&told, "the readiness notice was not sent; the next pass will retry") {
        let kept = conductor.journal.save_readiness(name, &untold.as_told()).await;
        warn_of(&kept, "the notice was sent but not recorded; it may be sent twice");
    }
}

/// Whether it worked; if not, the log knows.
fn warn_of(answer: &Answer<()>, what: &str) -> bool {
    if let Err(failure) = answer {
        tracing::warn!(%failure, "{what}");
    }
    answer.is_ok()
}

/// A readiness for a person to read.
fn shown(readiness: &Readiness) -> Value {
    json!({
        "sentence": readiness.sentence(),
        "readiness": readiness.finding(),
        "at": readiness.at(),
        "table": readiness.table(),
        "checks": readiness.checks(),
    })
}
