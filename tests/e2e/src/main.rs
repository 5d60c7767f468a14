//! End to end: several stacks in one local world, applied by the real Terraform, served by the real functions under
//! their own roles. Their primary region is lost once for all of them; then each moves with its own fault.
//!
//! One world serves all checks, because applying a stack takes minutes; holds keep the stacks apart.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a command: what it prints is what it is for"
)]

mod checks;
mod scene;

use std::process::ExitCode;

use anyhow::Result;
use lab::ending::{Ending, word_of};
use lab::tools::Tools;
use lab::world::{Settings, World};
use lab::{packages, say};

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
    let world = World::start(&tools, "e2e", &Settings { scale: 0.05, tick_seconds: 15 }).await?;
    Ok((tools, world))
}

async fn play(tools: &Tools, world: &World) -> Result<Report> {
    let scene = scene::Scene::set(tools, world).await?;
    let mut report = Report::default();
    report.note("a second plan after the apply is empty", checks::no_drift(&scene).await);
    report.note("the alarm-handler answers status", checks::status_is_readable(&scene).await);
    report.note(
        "an alarm with a healthy primary moves nothing and says why",
        checks::false_alarm(&scene).await,
    );
    report.note("an operator's mistakes are refused with the remedy", checks::refusals(&scene).await);
    scene.lose_primary().await?;
    report.note(
        "a run in approve mode waits and goes on by the printed command",
        checks::approval(&scene).await,
    );
    report.note("a worker killed in the middle of the promotion is replaced", checks::killed(&scene).await);
    report.note(
        "throttled RDS, repeated and reordered commands only cost time",
        checks::throttled(&scene).await,
    );
    report
        .note("an answer lost after the promotion began changes nothing", checks::lost_answer(&scene).await);
    report.note(
        "a denied action is named, and the run goes on when it is allowed",
        checks::denied(&scene).await,
    );
    report.note(
        "the old primaries are cut off when their region returns",
        checks::region_returns(&scene).await,
    );
    report.note("Terraform does not undo a failover", checks::no_drift(&scene).await);
    Ok(report)
}
