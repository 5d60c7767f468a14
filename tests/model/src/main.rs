//! Scratch.
use stateright::{Checker, Model};
fn main() {
    let only = std::env::args().nth(1);
    let cap = std::env::args().nth(2).map_or(1_000_000, |n| n.parse().unwrap());
    for config in model::config::all() {
        if only.as_ref().is_some_and(|only| only != "all" && only != config.name) {
            continue;
        }
        let t = std::time::Instant::now();
        let check = model::model::Check::new(&config, None);
        let counters = check.engine.counters.clone();
        let checker = check
            .checker()
            .finish_when(stateright::HasDiscoveries::AnyFailures)
            .target_state_count(cap)
            .spawn_bfs()
            .join();
        println!(
            "{} unique {} total {} depth {} in {:?} {}",
            config.name,
            checker.unique_state_count(),
            checker.state_count(),
            checker.max_depth(),
            t.elapsed(),
            if checker.state_count() >= cap { "CAPPED" } else { "" }
        );
        for (c, n) in model::count::COUNTERS {
            print!("{n} {} ", counters.get(c));
        }
        println!();
        for (name, path) in checker.discoveries() {
            println!("  {name}: {}", path.clone().into_actions().len());
            if model::property::ALL.contains(&name) {
                for a in path.into_actions() {
                    println!("    {a:?}");
                }
            }
        }
    }
}
