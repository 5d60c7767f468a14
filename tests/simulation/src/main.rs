//! Does every world that chance brings about keep the rules? Plays many seeds, or shows one.
//!
//!     simulate --seeds 10000          plays that many, and says what the orchestration costs
//!     simulate --seed 42              shows everything that happens in one

#![allow(clippy::print_stdout, reason = "a program for people")]

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use simulation::check::broken;
use simulation::overhead::{BUDGETS, Overheads};
use simulation::parallel;
use simulation::play::play;
use simulation::scenario::Draw;

/// What to play.
#[derive(Parser)]
struct Options {
    /// How many seeds to play.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// One seed to show: everything that happens in it.
    #[arg(long)]
    seed: Option<u64>,
    /// Whether that one is an undisturbed world.
    #[arg(long)]
    undisturbed: bool,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    match options.seed {
        Some(seed) => show(seed, options.undisturbed),
        None => many(options.from, options.seeds),
    }
}

/// One seed, with everything that happens.
fn show(seed: u64, undisturbed: bool) -> Result<ExitCode> {
    let draw = if undisturbed { Draw::undisturbed(seed) } else { Draw::of(seed) };
    println!("{draw:#?}");
    let history = play(draw, true)?;
    print!("{}", history.render());
    let broken = broken(&history);
    for rule in &broken {
        println!("BROKEN: {rule}");
    }
    let phase = history.end.state.run.as_ref().map_or("no run", |run| run.phase.as_str());
    println!("seed {seed}: {phase}, {} rules broken", broken.len());
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Many seeds: disturbed worlds for the rules, undisturbed ones for the cost.
fn many(from: u64, seeds: u64) -> Result<ExitCode> {
    let began = parallel::stopwatch();
    let crowd = parallel::disturbed(from, seeds)?;
    println!("{crowd}");
    println!("disturbed worlds: {seeds} in {:.0} s", began.elapsed().as_secs_f64());
    let began = parallel::stopwatch();
    let (overheads, untidy) = parallel::undisturbed(from, seeds)?;
    println!("undisturbed worlds: {seeds} in {:.0} s", began.elapsed().as_secs_f64());
    for failure in &untidy {
        println!("FAILED {failure}");
    }
    let overheads = Overheads::of(overheads);
    println!("{overheads}");
    let slow = overheads.failures();
    for budget in &slow {
        println!("FAILED {budget}");
    }
    let failed = crowd.failures.len() + untidy.len() + slow.len();
    let passed = (usize::try_from(2 * seeds)? + BUDGETS.len()).saturating_sub(failed);
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
