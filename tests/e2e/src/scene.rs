//! The stacks of the play, and how each is brought on.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures::future::try_join_all;
use jiff::Timestamp;
use lab::cloud::Answer;
use lab::say;
use lab::terraform::stack::{Stack, Wishes};
use lab::world::tools::Tools;
use lab::world::{PRIMARY, RECOVERY, World, pause};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use protocol::journal::Record;
use protocol::state::{Phase, State, fold};
use serde_json::{Value, json};

/// The stacks, each for one fault.
pub(crate) struct Scene<'w> {
    pub(crate) world: &'w World,
    stacks: Vec<Stack>,
}

/// A function of a stack, as it is now.
pub(crate) struct Function {
    /// By which the gateway tells its calls from those of others.
    pub(crate) access_key: String,
    /// Its processes.
    pids: Vec<Pid>,
}

/// Which stack plays which part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Approval,
    Killed,
    Throttled,
    LostAnswer,
    Denied,
}

const PARTS: [(Part, &str, &str); 5] = [
    (Part::Approval, "shop", "approve"),
    (Part::Killed, "killed", "automatic"),
    (Part::Throttled, "throttled", "automatic"),
    (Part::LostAnswer, "lostanswer", "automatic"),
    (Part::Denied, "denied", "automatic"),
];

/// How long a stack is held that nobody brings on before: longer than any play lasts, on any machine.
pub(crate) const HOLD_MINUTES: u32 = 24 * 60;

/// How often the journal is read.
const EVERY: Duration = Duration::from_millis(300);

impl<'w> Scene<'w> {
    /// Applies all stacks at the same time, and holds those whose turn comes later.
    pub(crate) async fn set(tools: &Tools, world: &'w World) -> Result<Scene<'w>> {
        #[expect(clippy::disallowed_methods, reason = "the play begins now, whenever that is")]
        let schedule = crate::days::schedule(Timestamp::now());
        let wishes = PARTS.map(|(part, name, mode)| Wishes {
            name: name.to_owned(),
            mode: mode.to_owned(),
            // Of one stack it is looked at what stands still meanwhile, on any machine.
            confirm_seconds: if part == Part::Approval { 45 } else { 15 },
            snapshot_schedule: Some(schedule.clone()),
            witness: false,
            watch_seconds: None,
            // One has them to be watched, the other to be broken in every way.
            every_day: matches!(part, Part::Approval | Part::Killed),
        });
        let stacks = try_join_all(wishes.iter().map(|wishes| Stack::apply(tools, world, wishes))).await?;
        let scene = Scene { world, stacks };
        // Under a hold nothing is copied any more.
        scene.stack(crate::readiness::PART).keep_up(&world.cloud).await?;
        for (part, _, mode) in PARTS {
            if mode == "automatic" {
                scene.put_off(part).await?;
            }
        }
        scene.wait_for_lag().await?;
        Ok(scene)
    }

    /// A lag sample must be there before the source dies; otherwise the data-loss gate rightly stays closed.
    async fn wait_for_lag(&self) -> Result<()> {
        for _ in 0..600 {
            let mut known = 0;
            for (part, _, _) in PARTS {
                let status = self.operate(part, &json!({ "command": "status" })).await?;
                known += usize::from(status.pointer("/last_lag/orders").is_some());
            }
            if known == PARTS.len() {
                return Ok(());
            }
            pause(Duration::from_secs(1)).await;
        }
        bail!("the replicas' lag was not sampled within ten minutes")
    }

    pub(crate) fn stack(&self, part: Part) -> &Stack {
        &self.stacks[part as usize]
    }

    /// Raises the alarm of every held stack, then loses the region for all of them.
    pub(crate) async fn lose_primary(&self) -> Result<()> {
        for stack in &self.stacks {
            stack.raise_alarm(&self.world.cloud).await?;
        }
        // The messages of the alarms must be out of the region before it is lost.
        for (part, _, _) in PARTS {
            let heard = |state: &State| !state.evidence.is_empty();
            self.until(part, "the alarm is heard", Duration::from_mins(10), heard).await?;
        }
        self.world.lose(PRIMARY).await?;
        say(&format!("{PRIMARY} is cut off"));
        Ok(())
    }

    /// Holds a stack until its turn comes.
    pub(crate) async fn put_off(&self, part: Part) -> Result<()> {
        let hold = json!({ "command": "hold", "minutes": HOLD_MINUTES, "by": "e2e", "reason": "its turn comes later" });
        self.operate(part, &hold).await?;
        Ok(())
    }

    /// Lets a held stack begin.
    pub(crate) async fn bring_on(&self, part: Part) -> Result<()> {
        self.operate(part, &json!({ "command": "release", "by": "e2e" })).await?;
        Ok(())
    }

    /// Releases a stack of its hold, if there is one.
    pub(crate) async fn release_if_held(&self, part: Part) -> Result<()> {
        let answer = self.answer(part, &json!({ "command": "release", "by": "e2e" })).await?;
        let message = answer.payload.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
        let is_free = !answer.is_error || message.ends_with("no hold is in force.");
        ensure!(is_free, "the hold was not released: {}", answer.payload);
        Ok(())
    }

    /// A function of a stack.
    pub(crate) async fn function(&self, part: Part, short: &str) -> Result<Function> {
        let name = self.stack(part).function(short)?;
        let functions = self.world.lab("functions").await?;
        let is_it = |found: &&Value| {
            found.get("name").and_then(Value::as_str) == Some(name)
                && found.get("region").and_then(Value::as_str) == Some(RECOVERY)
        };
        let found = functions.as_array().context("functions are a list")?.iter().find(is_it);
        let found = found.with_context(|| format!("there is no function {name}"))?;
        let key = found.get("access_key_id").and_then(Value::as_str).context("a function has a key")?;
        let pids = found.get("pids").and_then(Value::as_array).cloned().unwrap_or_default();
        let pids = pids.iter().filter_map(Value::as_i64).map(|pid| Ok(Pid::from_raw(i32::try_from(pid)?)));
        Ok(Function { access_key: key.to_owned(), pids: pids.collect::<Result<_>>()? })
    }

    /// SIGKILL for every process of a function, of which there must be one.
    pub(crate) async fn kill(&self, part: Part, short: &str) -> Result<()> {
        let pids = self.function(part, short).await?.pids;
        ensure!(!pids.is_empty(), "no process of {short} is running");
        for pid in pids {
            kill(pid, Signal::SIGKILL)?;
        }
        Ok(())
    }

    /// How many calls of a function reached the service, by action.
    pub(crate) async fn calls(&self, part: Part, short: &str) -> Result<BTreeMap<String, u64>> {
        let principal = Some(self.function(part, short).await?.access_key);
        let filter = gateway::CountFilter { principal, ..gateway::CountFilter::default() };
        let mut calls = BTreeMap::new();
        for row in self.world.switchboard().counts(&filter).rows {
            *calls.entry(row.action).or_default() += row.count.forwarded;
        }
        Ok(calls)
    }

    /// Gives an operator's command, which must be accepted.
    pub(crate) async fn operate(&self, part: Part, command: &Value) -> Result<Value> {
        const NOTHING_DONE: [&str; 2] = ["plan_unreadable", "journal_unreadable"];
        for _ in 0..5 {
            let answer = self.answer(part, command).await?;
            if !answer.is_error {
                return Ok(answer.payload);
            }
            // On a machine that is too busy even to read; a person would try again.
            let code = answer.payload.get("errorType").and_then(Value::as_str).unwrap_or_default();
            ensure!(NOTHING_DONE.contains(&code), "{command} was answered with an error: {}", answer.payload);
            pause(Duration::from_secs(3)).await;
        }
        bail!("{command}: neither plan nor journal can be read")
    }

    /// Gives an operator's command, whatever the answer.
    pub(crate) async fn answer(&self, part: Part, command: &Value) -> Result<Answer> {
        self.stack(part).operate(&self.world.cloud, command).await
    }

    pub(crate) async fn journal(&self, part: Part) -> Result<Vec<Record>> {
        self.stack(part).journal(&self.world.cloud).await
    }

    /// Waits until something holds of a stack's state.
    pub(crate) async fn until(
        &self,
        part: Part,
        what: &str,
        limit: Duration,
        holds: impl Fn(&State) -> bool,
    ) -> Result<State> {
        let mut left = limit;
        loop {
            let read = self.journal(part).await;
            if let Ok(records) = &read {
                let state = fold(records)?;
                if holds(&state) {
                    return Ok(state);
                }
            }
            let Some(rest) = left.checked_sub(EVERY) else {
                let said: Vec<String> = read?.into_iter().map(|record| record.sentence).collect();
                bail!("{what}: not within {} s; the journal says:\n{}", limit.as_secs(), said.join("\n"));
            };
            left = rest;
            pause(EVERY).await;
        }
    }

    /// Has the snapshots kept, as an operator does by hand.
    pub(crate) async fn keep(&self, part: Part) -> Result<Answer> {
        self.stack(part).keep(&self.world.cloud).await
    }

    /// Has the parameters compared and copied, as an operator does by hand.
    pub(crate) async fn pass(&self, part: Part) -> Result<Answer> {
        self.stack(part).pass(&self.world.cloud).await
    }

    /// Waits for the end of a run, and checks that it ended in the one right place.
    pub(crate) async fn must_complete(&self, part: Part) -> Result<State> {
        let limit = Duration::from_mins(15);
        let over = |state: &State| state.run.as_ref().is_some_and(|run| run.phase.is_final());
        let state = self.until(part, "the run ends", limit, over).await?;
        let phase = state.run.as_ref().map(|run| &run.phase);
        ensure!(matches!(phase, Some(Phase::Completed { .. })), "the run ended otherwise: {phase:?}");
        self.must_have_moved(part).await?;
        Ok(state)
    }

    /// The world as it must be after a failover: one promotion, the old side closed, the new side open.
    async fn must_have_moved(&self, part: Part) -> Result<()> {
        let stack = self.stack(part);
        let replica = stack.output(&["databases", "replica"])?;
        let promotions = self.world.lab("promotions").await?;
        let accepted = promotions.as_array().context("promotions are a list")?.iter().filter(|promotion| {
            let resource = promotion.get("resource").and_then(Value::as_str).unwrap_or_default();
            resource.ends_with(replica) && promotion.get("accepted") == Some(&Value::Bool(true))
        });
        let accepted = accepted.count();
        ensure!(accepted == 1, "{replica} was promoted {accepted} times: {promotions}");
        for (role, wanted) in [("primary", 0), ("recovery", 128)] {
            let weight = self.weight(stack.output(&["endpoint_group_arns", role])?).await?;
            ensure!(weight == wanted, "the {role} side of {} has weight {weight}, not {wanted}", stack.name);
        }
        Ok(())
    }

    async fn weight(&self, group: &str) -> Result<u64> {
        let accelerators = self.world.lab("accelerators").await?;
        let groups =
            accelerators.as_array().context("accelerators are a list")?.iter().flat_map(|accelerator| {
                let listeners =
                    accelerator.get("listeners").and_then(Value::as_array).cloned().unwrap_or_default();
                listeners.into_iter().flat_map(|listener| {
                    listener.get("endpoint_groups").and_then(Value::as_array).cloned().unwrap_or_default()
                })
            });
        let found = groups.into_iter().find(|found| found.get("arn").and_then(Value::as_str) == Some(group));
        let weight =
            found.as_ref().and_then(|found| found.pointer("/endpoints/0/weight")).and_then(Value::as_u64);
        weight.with_context(|| format!("no endpoint group {group} with an endpoint"))
    }
}
