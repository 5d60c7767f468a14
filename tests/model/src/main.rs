//! Proves what can be proved by looking at everything, and tries the laws many times: one table.
//!
//!     prove                  everything: configurations, mutants, laws
//!     prove laws             the laws alone
//!     prove NAME             one configuration
//!     prove trace MUTANT     the shortest way on which a mutant is caught

#![expect(clippy::print_stdout, reason = "a table for people")]
#![expect(clippy::print_stderr, reason = "progress for people who wait")]

use std::process::ExitCode;

use model::config;
use model::laws;
use model::mutant::hunts;
use model::proof::{Job, prove};
use model::prove::{explore, hunt};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_sound = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["trace", name] => trace(name),
        ["laws"] => everything(Vec::new()),
        [name] => configuration(name),
        _ => everything(Job::of_model()),
    };
    if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Proves these, and the laws; says whether all is as it should be.
fn everything(mut jobs: Vec<Job>) -> bool {
    eprintln!("prove: compiling the laws");
    match laws::all() {
        Ok(laws) => jobs.extend(laws.into_iter().map(Job::Try)),
        Err(why) => {
            println!("FAILED: {why}");
            return false;
        }
    }
    let table = prove(jobs, &|line| eprintln!("{line}"));
    println!("\n{table}");
    table.failures().next().is_none()
}

/// Explores one configuration.
fn configuration(name: &str) -> bool {
    let Some(config) = config::all().into_iter().find(|config| config.name == name) else {
        println!("no configuration {name}");
        return false;
    };
    let outcome = explore(&config, None);
    println!(
        "{} worlds, {} actions deep, {:.1} s",
        outcome.worlds,
        outcome.depth,
        outcome.took.as_secs_f64()
    );
    match outcome.complaint(&config) {
        None => true,
        Some(why) => {
            println!("FAILED: {why}{}", outcome.way());
            false
        }
    }
}

/// Prints the shortest way on which a mutant is caught.
fn trace(name: &str) -> bool {
    let Some(prey) = hunts().into_iter().find(|prey| format!("{:?}", prey.mutant) == name) else {
        println!("no mutant {name}");
        return false;
    };
    match hunt(&prey) {
        Ok(way) => {
            println!("{}: {}", prey.caught_by, way.len());
            for action in &way {
                println!("  {action:?}");
            }
            true
        }
        Err(why) => {
            println!("{why}");
            false
        }
    }
}
