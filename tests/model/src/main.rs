//! Proves what can be proved by looking at everything: every configuration, every mutant, one table.
//!
//!     prove                  everything
//!     prove NAME             one configuration
//!     prove trace MUTANT     the shortest way on which a mutant is caught

#![expect(clippy::print_stdout, reason = "a table for people")]

use std::process::ExitCode;

use model::config::{self, Config};
use model::count::{COUNTERS, Counter};
use model::mutant::hunts;
use model::prove::{Outcome, explore, hunt};

/// What must have happened somewhere, or the checks were about nothing.
const MUST_HAPPEN: [Counter; 8] = [
    Counter::Conflict,
    Counter::OwnRecognised,
    Counter::ZombieWoke,
    Counter::ZombieRefused,
    Counter::TakenBack,
    Counter::Completed,
    Counter::Aborted,
    Counter::NeedsOperator,
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_sound = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["trace", name] => trace(name),
        [name] => configurations(Some(name)),
        _ => {
            let explored = configurations(None);
            mutants() && explored
        }
    };
    if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Explores the configurations; says whether all is as it should be.
fn configurations(only: Option<&str>) -> bool {
    println!("{:<14} {:>9} {:>6} {:>8}  verdict", "configuration", "worlds", "depth", "seconds");
    let mut is_sound = true;
    let mut counts = vec![0; COUNTERS.len()];
    for config in config::all().iter().filter(|config| only.is_none_or(|name| name == config.name)) {
        let outcome = explore(config, None);
        for (sum, count) in counts.iter_mut().zip(&outcome.counts) {
            *sum += count;
        }
        is_sound &= line(config, &outcome);
    }
    let what: Vec<String> =
        COUNTERS.iter().zip(&counts).map(|((_, name), count)| format!("{count} {name}")).collect();
    println!("on these ways: {}", what.join(", "));
    for counter in MUST_HAPPEN.iter().filter(|counter| only.is_none() && counts[**counter as usize] == 0) {
        println!("NEVER HAPPENED: {counter:?}");
        is_sound = false;
    }
    is_sound
}

fn line(config: &Config, outcome: &Outcome) -> bool {
    let complaint = outcome.complaint(config);
    let verdict = complaint.as_deref().unwrap_or("holds");
    let seconds = outcome.took.as_secs_f64();
    println!(
        "{:<14} {:>9} {:>6} {seconds:>8.1}  {verdict} ({})",
        config.name, outcome.worlds, outcome.depth, config.about
    );
    if let Some((_, way)) = &outcome.broken {
        for action in way {
            println!("    {action:?}");
        }
    }
    complaint.is_none()
}

/// Hunts every mutant; says whether all were caught by the property that is named.
fn mutants() -> bool {
    println!("\n{:<18} {:<40} {:>6}", "mutant", "caught by", "steps");
    let mut is_sound = true;
    for prey in hunts() {
        match hunt(&prey) {
            Ok(way) => {
                println!("{:<18} {:<40} {:>6}", format!("{:?}", prey.mutant), prey.caught_by, way.len());
            }
            Err(why) => {
                println!("{:<18} NOT CAUGHT: {why}", format!("{:?}", prey.mutant));
                is_sound = false;
            }
        }
    }
    is_sound
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
