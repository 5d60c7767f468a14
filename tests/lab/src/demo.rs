//! The demo: a primary region is lost, the recovery region serves.

pub mod follow;
pub mod measured;
pub mod users;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use protocol::state::{Phase, Run};
use report::measured::Beside;
use report::timeline;
use serde_json::{Value, json};

use crate::demo::follow::Follower;
use crate::demo::users::Users;
use crate::say;
use crate::terraform::stack::{Stack, Wishes};
use crate::world::ending::{Ending, word_of};
use crate::world::packages;
use crate::world::tools::Tools;
use crate::world::{PRIMARY, RECOVERY, Settings, World, pause};

/// Which demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// A person approves.
    Approve,
    /// The evidence decides.
    Automatic,
}

impl Mode {
    /// As the plan says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Automatic => "automatic",
        }
    }
}

/// How long evidence must hold in the demo. A plan's default is 60 s.
pub const CONFIRM_SECONDS: u32 = 20;

/// Tells the story from nothing to nothing: what it starts, it ends.
pub async fn demo(mode: Mode, ending: &Ending) -> Result<()> {
    say("Pilotlight demo: a primary region is lost, the recovery region takes over");
    let (tools, world) = ending.cut(open("demo")).await?;
    let told = ending.cut(Box::pin(tell(&tools, &world, mode))).await;
    if told.as_ref().is_err_and(|error| word_of(error).is_some()) {
        say("ending what was started");
    }
    world.stop().await;
    say("everything that was started has ended");
    told
}

/// Finds the tools, builds the functions, and starts a world of this name.
pub async fn open(name: &str) -> Result<(Tools, World)> {
    let tools = Tools::find().await?;
    packages::build().await?;
    let world = World::start(&tools, name, &Settings::default()).await?;
    Ok((tools, world))
}

async fn tell(tools: &Tools, world: &World, mode: Mode) -> Result<()> {
    let wishes = Wishes {
        name: "shop".to_owned(),
        mode: mode.as_str().to_owned(),
        confirm_seconds: CONFIRM_SECONDS,
        every_day: true,
        snapshot_schedule: None,
        witness: false,
        watch_seconds: None,
    };
    let stack = Stack::apply(tools, world, &wishes).await?;
    let users = Users::start(world.accelerator_url()?);
    good_day(world, &stack, &users).await?;
    lose(world, &stack, &users, mode).await
}

/// Loses the primary region, and shows how users come to be served by the recovery region.
pub async fn lose(world: &World, stack: &Stack, users: &Users, mode: Mode) -> Result<()> {
    let mut follower = Follower::from_now(&world.cloud, stack).await?;
    let alarm = stack.raise_alarm(&world.cloud).await?;
    say(&format!("alarm {alarm} in {PRIMARY} goes to ALARM"));
    world.lose(PRIMARY).await?;
    say(&format!("{PRIMARY} is cut off: no API call, no user, no probe gets through"));
    say("the journal, as the functions write it:");
    if mode == Mode::Approve {
        approval(world, stack, &mut follower).await?;
    }
    let limit = Duration::from_mins(5);
    let stops = |run: &Run| run.phase.is_final() || matches!(run.phase, Phase::NeedsOperator { .. });
    follower.until(limit, |state, _| state.run.as_ref().is_some_and(stops)).await?;
    let records = stack.journal(&world.cloud).await?;
    let state = protocol::state::fold(&records)?;
    let run = state.run.as_ref().context("no run was opened")?;
    println!("\n{}", timeline::text(run, &records));
    let Some(report) = report::measured::of(&state) else {
        let status = stack.operate(&world.cloud, &json!({ "command": "status" })).await?;
        let sentence = status.payload.get("sentence").and_then(Value::as_str).unwrap_or_default();
        let served_by = users.served_by();
        bail!(
            "the run did not complete; users are served by {}\n{sentence}",
            served_by.as_deref().unwrap_or("nobody")
        );
    };
    let cloud = measured::cloud_time(&world.lab("timings").await?, report.committed_at)?;
    pause(Duration::from_secs(2)).await;
    let outage = measured::outage(&users.visits(), PRIMARY, RECOVERY);
    println!("\n{}", report::measured::text(report, Beside { cloud: Some(cloud), outage }));
    match users.served_by() {
        Some(region) if region == RECOVERY => {
            say(&format!("users are served by {RECOVERY}; traffic has moved"));
            Ok(())
        }
        other => bail!("traffic did not move: users are served by {}", other.as_deref().unwrap_or("nobody")),
    }
}

/// Waits until users are served by the primary region and the first lag sample is there; then shows whether a failover
/// would work.
pub async fn good_day(world: &World, stack: &Stack, users: &Users) -> Result<()> {
    for _ in 0..120 {
        if users.served_by().as_deref() == Some(PRIMARY) {
            say(&format!("users come in through the accelerator and are served by {PRIMARY}"));
            // The lag is sampled every few seconds here; one sample must be older than the first sign.
            pause(Duration::from_secs(6)).await;
            return readiness(world, stack).await;
        }
        pause(Duration::from_millis(500)).await;
    }
    bail!("no user was served by {PRIMARY}; the launcher says {}", world.lab("load-balancers").await?)
}

/// Asks the alarm-handler whether a failover would work, and prints what it says of each check.
async fn readiness(world: &World, stack: &Stack) -> Result<()> {
    Box::pin(stack.keep_up(&world.cloud)).await?;
    say("snapshots lie in both regions, and the parameters are the same");
    let answer = stack.operate(&world.cloud, &json!({ "command": "readiness" })).await?;
    let text = |field: &str| answer.payload.get(field).and_then(Value::as_str).unwrap_or_default();
    if answer.is_error {
        bail!("the readiness was not answered: {}", answer.payload);
    }
    say(&format!("would a failover work? {}", text("sentence")));
    println!();
    for line in answer.payload.get("table").and_then(Value::as_array).into_iter().flatten() {
        println!("  {}", line.as_str().unwrap_or_default());
    }
    println!();
    Ok(())
}

/// Shows the command that approves, and waits until somebody gives it.
async fn approval(world: &World, stack: &Stack, follower: &mut Follower<'_>) -> Result<()> {
    let waits = |state: &protocol::state::State, _: &[_]| {
        state.run.as_ref().is_some_and(|run| matches!(run.phase, Phase::AwaitingApproval { .. }))
    };
    if !follower.until(Duration::from_mins(3), waits).await? {
        bail!("the run did not come to ask for an approval");
    }
    let records = stack.journal(&world.cloud).await?;
    let state = protocol::state::fold(&records)?;
    let run = state.run.as_ref().map_or(0, |run| run.id);
    println!("\nThe run waits for a person. In another terminal, point the AWS CLI at this local world:\n");
    println!("  {}\n", environment(world.endpoint_url()));
    println!("and approve:\n");
    let line = records.iter().rev().find_map(|record| record.sentence.split_once("approve with: "));
    println!("  {}\n", line.map_or("", |(_, command)| command));
    let goes_on = move |state: &protocol::state::State, _: &[_]| {
        state
            .run
            .as_ref()
            .is_some_and(|now| now.id == run && !matches!(now.phase, Phase::AwaitingApproval { .. }))
    };
    if !follower.until(Duration::from_hours(1), goes_on).await? {
        bail!("nobody approved within an hour");
    }
    Ok(())
}

/// The line that points the AWS CLI at a local world.
pub fn environment(endpoint_url: &str) -> String {
    format!("export AWS_ENDPOINT_URL={endpoint_url} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test")
}
