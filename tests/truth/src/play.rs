//! One play: users are served, the primary region is lost, the recovery region serves; what the run says of it beside what
//! users saw.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_cloudwatch::types::StateValue;
use jiff::{SignedDuration, Timestamp};
use lab::demo::users::now;
use lab::say;
use lab::terraform::stack::Stack;
use lab::world::{PRIMARY, RECOVERY, World, pause};
use protocol::journal::{Record, RunReport};
use protocol::state::{Phase, Run, State, fold};
use protocol::words::of_ms;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use truth::ledger::{Audit, Ledger, Outage, longest};
use truth::scenario::{Burden, How, Scenario};
use truth::verdict::{self, Estimate, Measured, Reported, Untrue};

use crate::database::Session;
use crate::load::{Load, Sent};

/// Under which name the world is saved as it is before every play.
pub(crate) const READY: &str = "ready";

/// How often something is looked at that is waited for.
const EVERY: Duration = Duration::from_millis(250);

/// How long something may take that comes within a minute on a quiet machine: long enough for any other.
const SOON: Duration = Duration::from_mins(10);

/// How many orders the new side acknowledges before the play ends.
const SERVED: usize = 20;

/// How a play ended.
pub(crate) struct Played {
    /// What was played.
    pub(crate) scenario: Scenario,
    /// When the region was lost.
    pub(crate) lost_at: Timestamp,
    /// What the run says of itself.
    pub(crate) report: RunReport,
    /// What became of the orders.
    pub(crate) ledger: Ledger,
    /// How long nobody who only looked had an answer.
    pub(crate) outage: Option<Outage>,
    /// The same, with the rows of the database that serves.
    pub(crate) audit: Audit,
    /// When the new side acknowledged its first order.
    pub(crate) served_at: Timestamp,
    /// What a person had to decide.
    pub(crate) asked: Vec<&'static str>,
    /// What is not true.
    pub(crate) untrue: Vec<Untrue>,
}

/// A play in a world that is ready.
pub(crate) struct Play<'w> {
    /// The world.
    pub(crate) world: &'w World,
    /// What moves in it.
    pub(crate) stack: &'w Stack,
    /// What is played.
    pub(crate) scenario: Scenario,
    /// Whether a witness sees the replica.
    pub(crate) is_witnessed: bool,
}

/// From one heartbeat of a witness to the next, as the plan says where nothing else is said.
const HEARTBEAT: SignedDuration = SignedDuration::from_secs(5);

/// Runs the printed grants in the database, as its owner does; then waits until the replica holds a heartbeat.
pub(crate) async fn prepare_witnesses(world: &World, stack: &Stack) -> Result<()> {
    say("the grants that Terraform prints are run, and witnesses begin to beat");
    let source = stack.output(&["databases", "primary"])?;
    Session::open(world, PRIMARY, source).await?.run(stack.output(&["witness_grants"])?).await?;
    let replica = stack.output(&["databases", "replica"])?;
    let beaten =
        || async { Ok(Session::open(world, RECOVERY, replica).await?.has_heartbeat().await?.then_some(())) };
    until("the replica holds a heartbeat", beaten).await
}

/// Users come, until the replica's lag has been sampled in minutes in which the source was written to: a world that has just
/// been made has no past to look back on. Gives the number of the next order.
pub(crate) async fn live_a_while(world: &World, stack: &Stack) -> Result<u64> {
    let play = Play { world, stack, scenario: Scenario::of(0), is_witnessed: false };
    say("users send orders until the replica's lag is known");
    play.until_served_by_primary().await?;
    let load = Load::start(&world.accelerator_url()?, play.scenario.per_second, 1)?;
    let began = now();
    let known = || async {
        stack.operate(&world.cloud, &json!({ "tick": true })).await?;
        let status = stack.operate(&world.cloud, &json!({ "command": "status" })).await?.payload;
        let sampled = status.pointer("/last_lag/orders/at").and_then(Value::as_str);
        let sampled = sampled.and_then(|at| at.parse::<Timestamp>().ok());
        // The minute in which they began to come is not whole.
        Ok(sampled.is_some_and(|at| at.duration_since(began) >= WHOLE_MINUTE).then_some(()))
    };
    until("a whole minute of lag", known).await?;
    Ok(load.stop().await?.next)
}

impl Play<'_> {
    /// Plays. `first` is the number of the first order; gives that of the next play's first, too.
    pub(crate) async fn play(&self, first: u64) -> Result<(Played, u64)> {
        self.world.reset(READY).await?;
        self.until_served_by_primary().await?;
        let load = Load::start(&self.world.accelerator_url()?, self.scenario.per_second, first)?;
        until("users are served", || async { Ok((load.acknowledged_by(PRIMARY) > 0).then_some(())) }).await?;
        pause(self.scenario.before).await;
        let burden = self.burden(&load).await?;
        let lost_at = now();
        match self.scenario.how {
            How::Silence => self.world.lose(PRIMARY).await?,
            How::Killed => self.world.kill(PRIMARY).await?,
        }
        drop(burden);
        load.be_quiet(false);
        pause(self.scenario.alarm_after).await;
        let alarm = self.stack.output(&["alarms", "orders-replica-lag", "name"])?;
        self.world.cloud.set_alarm(RECOVERY, alarm, StateValue::Alarm).await?;
        let (state, asked) = self.until_completed(lost_at).await?;
        let report = report::measured::of(&state).context("a completed run has a report")?.clone();
        let served = || async { Ok((load.acknowledged_by(RECOVERY) >= SERVED).then_some(())) };
        until("users are served by the other region", served).await?;
        let Sent { ledger, served, next } = load.stop().await?;
        let replica = self.stack.output(&["databases", "replica"])?;
        let rows = Session::open(self.world, RECOVERY, replica).await?.orders(first).await?;
        let audit = ledger.audit(rows, PRIMARY);
        self.must_have_played(&audit)?;
        let served_at = ledger.first_acknowledged_by(RECOVERY).context("the new side acknowledged orders")?;
        let untrue = self.judge(&report, served_at, audit.loss);
        let scenario = self.scenario;
        let outage = longest(served);
        Ok((Played { scenario, lost_at, report, ledger, outage, audit, served_at, asked, untrue }, next))
    }

    /// Whether what was measured is what the scenario is about: otherwise nothing that follows from it is worth anything.
    fn must_have_played(&self, audit: &Audit) -> Result<()> {
        ensure!(
            audit.duplicated.is_empty() && audit.unexpected.is_empty(),
            "the database holds {:?} twice, and {:?} that nobody sent",
            audit.duplicated,
            audit.unexpected
        );
        let is_cut = matches!(self.scenario.burden, Burden::Cut(_));
        ensure!(!is_cut || !audit.lost.is_empty(), "the replication was cut, and no order is lost");
        Ok(())
    }

    fn judge(&self, report: &RunReport, served_at: Timestamp, loss: SignedDuration) -> Vec<Untrue> {
        let reported = Reported {
            first_sign_at: report.first_signal_at,
            recovery: of_ms(report.rto_ms),
            loss: report.loss_at_most_ms.map(of_ms),
            estimate: report.rpo_estimate_ms.map(of_ms),
        };
        let estimate = match self.scenario.burden {
            _ if self.is_witnessed => Estimate::Heartbeat(HEARTBEAT),
            Burden::Idle(_) => Estimate::CloudWatchOfIdle,
            _ => Estimate::CloudWatch,
        };
        verdict::of(reported, Measured { served_at, loss }, estimate, true)
    }

    /// The region that is about to be lost serves, and the functions have seen it.
    async fn until_served_by_primary(&self) -> Result<()> {
        let began = now();
        let served = || async {
            let applications = self.world.lab("applications").await?;
            let healthy = applications.as_array().into_iter().flatten().filter(|found| {
                found["region"].as_str() == Some(PRIMARY) && found["health"].as_str() == Some("healthy")
            });
            Ok((healthy.count() >= 2).then_some(()))
        };
        until("the applications are healthy", served).await?;
        let seen = || async {
            self.stack.operate(&self.world.cloud, &json!({ "tick": true })).await?;
            let status =
                self.stack.operate(&self.world.cloud, &json!({ "command": "status" })).await?.payload;
            let answered =
                status["primary_last_answered"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
            Ok(answered.is_some_and(|at| at > began).then_some(()))
        };
        until("a tick has seen that the region serves", seen).await
    }

    /// What weighs on the database until the loss; it goes on until it is dropped.
    async fn burden(&self, load: &Load) -> Result<Option<JoinSet<()>>> {
        match self.scenario.burden {
            Burden::Orders => Ok(None),
            Burden::Idle(time) => {
                load.be_quiet(true);
                pause(time).await;
                Ok(None)
            }
            Burden::Slow(time) => {
                let replica = self.stack.output(&["databases", "replica"])?;
                let slow = json!({ "bytes_per_second": SLOW_BYTES_PER_SECOND });
                let writing = self.write(ballast_all_the_time).await?;
                self.world.disturb(&format!("databases/{RECOVERY}/{replica}/lag"), &slow).await?;
                pause(time).await;
                Ok(Some(writing))
            }
            Burden::Cut(time) => {
                let replica = self.stack.output(&["databases", "replica"])?;
                let cut = json!({ "replication": "error" });
                self.world.disturb(&format!("databases/{RECOVERY}/{replica}"), &cut).await?;
                pause(time).await;
                Ok(None)
            }
            Burden::Large(rows) => {
                let writing = self
                    .write(|session| async move {
                        let words = "INSERT INTO ballast SELECT repeat('words', 20) FROM generate_series";
                        session.run(&format!("{words}(1, {rows})")).await
                    })
                    .await?;
                pause(LARGE_UNDER_WAY).await;
                Ok(Some(writing))
            }
        }
    }

    /// Writes into the database that is about to be lost, until the loss cuts it short or it is dropped.
    async fn write<F>(&self, work: impl FnOnce(Session) -> F) -> Result<JoinSet<()>>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let source = self.stack.output(&["databases", "primary"])?;
        let session = Session::open(self.world, PRIMARY, source).await?;
        session.run("CREATE TABLE IF NOT EXISTS ballast (words text)").await?;
        let work = work(session);
        let mut writing = JoinSet::new();
        writing.spawn(async move { drop(work.await) });
        Ok(writing)
    }

    /// Follows the run to its end. What a person has to decide is decided as its sentence says. A run that was opened before the
    /// loss, because the replication failed, and dismissed since the region served, isn't it.
    async fn until_completed(&self, lost_at: Timestamp) -> Result<(State, Vec<&'static str>)> {
        let mut asked = Vec::new();
        loop {
            let is_earlier =
                |run: &Run| matches!(run.phase, Phase::Aborted { .. }) && run.opened_at < lost_at;
            let stops = |run: &Run| {
                run.phase.is_final() && !is_earlier(run)
                    || matches!(run.phase, Phase::AwaitingApproval { .. } | Phase::NeedsOperator { .. })
            };
            let stopped = || async {
                let Ok(records) = self.stack.journal(&self.world.cloud).await else { return Ok(None) };
                let state = fold(&records)?;
                Ok(state.run.as_ref().is_some_and(stops).then_some((state, records)))
            };
            let (state, records) = until("the run stops", stopped).await?;
            match state.run.as_ref().map(|run| &run.phase) {
                Some(Phase::Completed { .. }) => return Ok((state, asked)),
                Some(Phase::AwaitingApproval { .. }) => {
                    asked.push("approval");
                    self.obey(&records, "approve with: ").await?;
                }
                Some(Phase::NeedsOperator { .. }) if !asked.contains(&"loss") => {
                    asked.push("loss");
                    self.obey(&records, "accept the loss with: ").await?;
                }
                _ => {
                    let said: Vec<String> = records.into_iter().map(|record| record.sentence).collect();
                    bail!("the run did not complete; the journal says:\n{}", said.join("\n"));
                }
            }
            ensure!(asked.len() < 4, "the run asks again and again");
        }
    }

    /// Gives the command that the journal says last, as a person who copies it.
    async fn obey(&self, records: &[Record], before: &str) -> Result<()> {
        let line = records.iter().rev().find_map(|record| record.sentence.split_once(before));
        let (_, line) = line.with_context(|| format!("no sentence says {before:?}"))?;
        let payload = line.split('\'').nth(1).context("the command has a payload")?;
        let command: Value = serde_json::from_str(&format!("{payload}ana\"}}"))?;
        let answer = self.stack.operate(&self.world.cloud, &command).await?;
        ensure!(!answer.is_error, "{command} was answered with an error: {}", answer.payload);
        let seq = records.last().map_or(0, |record| record.seq);
        let goes_on = || async {
            let records = self.stack.journal(&self.world.cloud).await?;
            Ok((records.last().map_or(0, |record| record.seq) > seq).then_some(()))
        };
        until("the run goes on", goes_on).await
    }
}

/// Looks until there is something.
async fn until<T, F: Future<Output = Result<Option<T>>>>(what: &str, look: impl Fn() -> F) -> Result<T> {
    let mut left = SOON;
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        left = left.checked_sub(EVERY).with_context(|| format!("{what}: not in time"))?;
        pause(EVERY).await;
    }
}

/// A sample of lag carries the end of its minute.
const WHOLE_MINUTE: SignedDuration = SignedDuration::from_secs(60);

/// What a slow replication carries: a whole message of 128 KiB before the replica takes the silence for the end of its source.
const SLOW_BYTES_PER_SECOND: u32 = 100_000;

/// About four times what a slow replication carries.
async fn ballast_all_the_time(session: Session) -> Result<()> {
    const EVERY: Duration = Duration::from_millis(50);
    loop {
        session.run("INSERT INTO ballast SELECT repeat('words', 20) FROM generate_series(1, 140)").await?;
        pause(EVERY).await;
    }
}

/// How long a large transaction is under way before the loss.
const LARGE_UNDER_WAY: Duration = Duration::from_millis(700);
