//! Would a failover work? Asked every half hour, and by the command `readiness`; people are told what changed.
//!
//! Nothing is decided by it. A pass that fails is a warning in the log and a figure that stays away, which its alarm takes
//! for a bad sign; the tick itself goes on.

use std::sync::Arc;

use engine::conductor::{Conductor, Log};
use engine::fault::Fault;
use engine::log::Unread;
use engine::notice::subject;
use engine::readiness::{Inspector, LOOK_MAX};
use jiff::{SignedDuration, Timestamp};
use ports::{Answer, MetricSample, MetricUnit};
use protocol::name::Name;
use protocol::readiness::{LastReadiness, Readiness};
use serde_json::{Value, json};

use crate::AlarmHandler;

/// How often a pass is made. Less than half an hour by half a tick, so that it is not the tick after.
const PASS_EVERY: SignedDuration = SignedDuration::from_secs(30 * 60 - 30);

/// What a pass needs besides its looks: to read, to write, to tell.
const PASS_REST: SignedDuration = SignedDuration::from_secs(20);

/// Makes a pass if one is due, no run is under way and there is time left.
pub(crate) async fn pass_if_due(
    function: &AlarmHandler,
    conductor: &Conductor,
    log: &Log,
    deadline: Timestamp,
) {
    if log.state.active_run().is_some() {
        return;
    }
    let needed = SignedDuration::try_from(LOOK_MAX).unwrap_or_default() + PASS_REST;
    if deadline.duration_since(conductor.clock.now()) < needed {
        tracing::warn!("too little time is left for a readiness pass");
        return;
    }
    let last = match function.context.journal.load_readiness(&conductor.plan.name).await {
        Ok(last) => last,
        Err(failure) => {
            tracing::warn!(%failure, "the last readiness can't be read, so this pass is skipped");
            return;
        }
    };
    let is_recent =
        |last: &LastReadiness| conductor.clock.now().duration_since(last.readiness.at()) < PASS_EVERY;
    if !last.as_ref().is_some_and(is_recent) {
        pass(function, conductor, log, last.as_ref()).await;
    }
}

/// Answers the command `readiness` with a pass.
pub(crate) async fn answer(function: &AlarmHandler, conductor: &Conductor) -> Result<Value, Fault> {
    let mut log = Log::default();
    match log.read(&*conductor.journal, &conductor.plan.name).await {
        Ok(()) => conductor.keep_snapshot(&mut log).await,
        // That the journal can't be read further is one of the things that it says.
        Err(Unread::Poison { .. }) => {}
        Err(unread @ Unread::Silence(_)) => {
            return Err(Fault::new("journal_unreadable", unread.sentence(&conductor.plan.name)));
        }
    }
    if let Some(run) = log.state.active_run() {
        let message = format!(
            "Run {} is under way ({}). Readiness can't be judged until the run ends: run the command status",
            run.id,
            run.phase.as_str()
        );
        return Err(Fault::new("run_under_way", message));
    }
    let last = function.context.journal.load_readiness(&conductor.plan.name).await;
    let last = last.unwrap_or_else(|failure| {
        tracing::warn!(%failure, "the last readiness can't be read; this one counts as the first");
        None
    });
    let readiness = pass(function, conductor, &log, last.as_ref()).await;
    Ok(shown(&readiness))
}

/// One pass: looks, keeps what was seen, says the figure, tells people what changed.
async fn pass(
    function: &AlarmHandler,
    conductor: &Conductor,
    log: &Log,
    last: Option<&LastReadiness>,
) -> Readiness {
    let plan = &conductor.plan;
    let readiness = inspector(function).readiness(plan, log).await;
    tracing::info!(unready = readiness.unready(), sentence = readiness.sentence(), "readiness");
    let figure = unready_checks(&plan.name, readiness.unready(), conductor.clock.now());
    let figure = function.inspection.metrics.put(&[figure]).await;
    warn_of(&figure, "the metric UnreadyChecks can't be sent; its alarm will fire");
    let untold = LastReadiness::untold(readiness.clone(), last);
    // Kept before it is told: what can't be kept would be told again at each pass.
    let kept = function.context.journal.save_readiness(&plan.name, &untold).await;
    if warn_of(&kept, "the readiness can't be saved, so no notice is sent") {
        tell(function, conductor, untold).await;
    }
    readiness
}

/// For a pass that begins now.
fn inspector(function: &AlarmHandler) -> Inspector {
    let clock = Arc::clone(&function.context.clock);
    Inspector {
        inspection: function.inspection.clone(),
        lag: Arc::clone(&function.lag),
        fleets: Arc::clone(&function.fleets),
        probes: Arc::clone(&function.probes),
        commands_topic: function.commands_topic.clone(),
        until: clock.now().checked_add(LOOK_MAX).unwrap_or(Timestamp::MAX),
        clock,
    }
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

async fn tell(function: &AlarmHandler, conductor: &Conductor, untold: LastReadiness) {
    let Some(news) = untold.news() else { return };
    let name = &conductor.plan.name;
    let subject = subject(name, &format!("readiness is {}", untold.readiness.finding()));
    let told = conductor.publisher.notice(&subject, &news).await;
    if warn_of(&told, "the readiness notice was not sent; the next pass will retry") {
        let kept = function.context.journal.save_readiness(name, &untold.as_told()).await;
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
pub(crate) fn shown(readiness: &Readiness) -> Value {
    json!({
        "sentence": readiness.sentence(),
        "readiness": readiness.finding(),
        "at": readiness.at(),
        "table": readiness.table(),
        "checks": readiness.checks(),
    })
}
