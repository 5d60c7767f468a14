//! End to end: several stacks in one local world, applied by the real Terraform, served by the real functions under
//! their own roles. Their primary region is lost once for all of them; then all move at the same time, each with its own
//! faults.
//!
//! One world serves all checks, because applying a stack takes minutes; holds keep the stacks apart.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a command: what it prints is what it is for"
)]

mod checks;
mod days;
mod faults;
mod program;
mod readiness;
mod scene;
mod scheduled_jobs;
mod snapshots;
mod ways;

use std::process::ExitCode;

use anyhow::Result;
use lab::say;
use lab::world::ending::{Ending, word_of};
use lab::world::packages;
use lab::world::tools::Tools;
use lab::world::{Settings, World};
use scene::Part;

fn main() -> ExitCode {
    match start() {
        Ok(report) => {
            println!("\n{} passed, {} failed", report.passed, report.failed.len());
            for (name, error) in &report.failed {
                println!("\nfailed: {name}\n{error:?}");
            }
            if report.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error:?}");
            word_of(&error).map_or(ExitCode::FAILURE, |word| ExitCode::from(word.exit_code()))
        }
    }
}

fn start() -> Result<Report> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let ending = Ending::listen()?;
        run(&ending).await
    })
}

/// What became of the checks.
#[derive(Default)]
struct Report {
    passed: usize,
    failed: Vec<(&'static str, anyhow::Error)>,
}

impl Report {
    fn note(&mut self, name: &'static str, result: Result<()>) {
        match result {
            Ok(()) => {
                say(&format!("ok: {name}"));
                self.passed += 1;
            }
            Err(error) => {
                say(&format!("FAILED: {name}: {error:#}"));
                self.failed.push((name, error));
            }
        }
    }
}

async fn run(ending: &Ending) -> Result<Report> {
    let (tools, world) = ending.cut(open()).await?;
    let report = ending.cut(Box::pin(play(&tools, &world))).await;
    world.stop().await;
    report
}

async fn open() -> Result<(Tools, World)> {
    let tools = Tools::find().await?;
    // A test run has built everything at once already; on their own the functions would be compiled anew, with other
    // features of the crates they share with the tests.
    if std::env::args().any(|argument| argument == "--prebuilt") {
        packages::pack_all()?;
    } else {
        packages::build().await?;
    }
    let world = World::start(
        &tools,
        &world_name(),
        &Settings { scale: 0.05, tick_seconds: 15, snapshot_scale: Some(0.004), postgres: None },
    )
    .await?;
    Ok((tools, world))
}

/// What the world is called: what follows `--world`, so that several can stand side by side in one checkout.
fn world_name() -> String {
    std::env::args().skip_while(|argument| argument != "--world").nth(1).unwrap_or_else(|| "e2e".to_owned())
}

async fn play(tools: &Tools, world: &World) -> Result<Report> {
    let scene = scene::Scene::set(tools, world).await?;
    let mut report = Report::default();
    report.note("a second plan after the apply is empty", checks::no_drift(&scene).await);
    report.note("the alarm-handler answers status", checks::status_is_readable(&scene).await);
    report.note(
        "the operator's program asks, holds, releases and is refused, with its exit codes",
        program::asks_and_is_refused(&scene).await,
    );
    report.note("a changed parameter is copied by its event", scheduled_jobs::copied_by_event(&scene).await);
    // They need different stacks, and much of their time is waiting.
    let ((days, surplus), broken) = futures::join!(
        async { (days::go_by(&scene).await, days::leave_something_to_prune(&scene).await) },
        readiness::broken_and_mended(&scene, readiness::When::Waiting),
    );
    report.note("weeks of snapshots are taken, copied and pruned, also when cut short or failing", days);
    report.note("each readiness check that is broken says so, and is ready when mended", broken);
    let dismissed = match surplus {
        Ok(()) => checks::false_alarm(&scene).await,
        Err(error) => Err(error.context("there is nothing that a run could keep from being deleted")),
    };
    report.note("an alarm with a healthy primary moves nothing and says why", dismissed);
    report.note(
        "an alarm opens a run by its topic, as an event, and directly",
        ways::each_opens_a_run(&scene).await,
    );
    report.note(
        "what stood still during the run is made good by the schedules",
        scheduled_jobs::caught_up(&scene).await,
    );
    report.note("an operator's mistakes are refused with the remedy", checks::refusals(&scene).await);
    if let Err(error) = Box::pin(lose_primary(&scene)).await {
        report.note("the primary region is lost", Err(error));
    }
    Box::pin(fail_over(&scene, &mut report)).await;
    report.note(
        "the old primaries are cut off when their region returns",
        checks::region_returns(&scene).await,
    );
    let (turned, broken) = futures::join!(
        scheduled_jobs::turned_round(&scene),
        readiness::broken_and_mended(&scene, readiness::When::Moved),
    );
    report.note("after the failover snapshots and parameters have turned round", turned);
    report.note("each readiness check of what has moved says when it is broken", broken);
    report.note("Terraform does not undo a failover", checks::no_drift(&scene).await);
    Ok(report)
}

/// The region is lost for all stacks; one of them is asked for what is not due just before.
async fn lose_primary(scene: &scene::Scene<'_>) -> Result<()> {
    faults::refuse_looks(scene, Part::Throttled).await?;
    faults::out_of_turn(scene, Part::Throttled, 1).await?;
    readiness::lag_is_forgotten(scene).await?;
    scene.lose_primary().await
}

/// All stacks fail over at the same time, each with its own faults.
async fn fail_over(scene: &scene::Scene<'_>, report: &mut Report) {
    let (approval, killed, throttled, repeated, lost, denied) = futures::join!(
        checks::approval(scene),
        faults::suffer(scene, Part::Killed),
        faults::suffer(scene, Part::Throttled),
        faults::repeated(scene, Part::Throttled),
        faults::suffer(scene, Part::LostAnswer),
        faults::suffer(scene, Part::Denied),
    );
    scene.world.switchboard().clear_rules();
    report.note("a run in approve mode waits and goes on by the printed command", approval);
    report.note("a worker killed in the middle of scale, promote, fence or open is replaced", killed);
    report.note("throttled scaling, fence, promotion and opening only cost time", throttled);
    report.note("commands that come early, twice, in the wrong order or late change nothing", repeated);
    report.note("an answer lost in each step changes nothing", lost);
    report.note("a denied action of each step is named, and the run goes on when it is allowed", denied);
}
