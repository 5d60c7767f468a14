//! The quick part of the proof: the smaller configurations, and every mutant.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use model::config::{self, Config};
use model::model::Check;
use model::mutant::hunts;
use model::property;
use model::prove::{explore, hunt};
use stateright::Model;

#[test]
fn every_quick_configuration_holds_and_has_its_pinned_number_of_worlds() {
    let complaints: Vec<String> = config::all()
        .iter()
        .filter(|config| config.is_quick)
        .filter_map(|config| {
            let outcome = explore(config, None);
            let complaint = outcome.complaint(config)?;
            Some(format!("{}: {} worlds; {complaint}; {:#?}", config.name, outcome.worlds, outcome.broken))
        })
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn every_mutant_is_caught_by_the_property_that_is_named() {
    let survivors: Vec<String> =
        hunts().iter().filter_map(|prey| Some(format!("{:?}: {}", prey.mutant, hunt(prey).err()?))).collect();
    assert!(survivors.is_empty(), "{survivors:#?}");
}

#[test]
fn every_property_catches_some_mutant() {
    let hunts = hunts();
    for name in property::ALL {
        assert!(hunts.iter().any(|prey| prey.caught_by == name), "nothing shows that {name} can fail");
    }
}

#[test]
fn a_changed_number_of_worlds_and_an_end_that_is_never_reached_are_complaints() {
    let mut config = config::all().into_iter().find(|config| config.name == "quiet").expect("it is there");
    config.pinned += 1;
    let complaint = explore(&config, None).complaint(&config).expect("a complaint");
    assert!(complaint.contains("pinned"), "{complaint}");
    config.ends = &[model::model::End::Aborted];
    let complaint = explore(&config, None).complaint(&config).expect("a complaint");
    assert!(complaint.contains("never reached"), "{complaint}");
}

/// Worlds that count as the same go on in the same way: otherwise the checker would skip what it never saw. Asked of every
/// way to every world of some configurations.
#[test]
fn worlds_that_count_as_one_have_the_same_successors() {
    for name in [
        "crash",
        "cut",
        "answers",
        "no-database",
        "abort",
        "hold-moving",
        "detect-faults",
        "pair",
        "reopen-once",
    ] {
        let config = config::all().into_iter().find(|config| config.name == name).expect("it is there");
        let (worlds, again) = go_on_alike(&config);
        assert_eq!(worlds, config.pinned, "{name}");
        assert!(again > worlds / 10, "{name}: too few of {worlds} worlds were met again: {again}");
    }
}

/// How many worlds there are, and on how many other ways one of them was met. Each time they must go on alike.
fn go_on_alike(config: &Config) -> (usize, usize) {
    let check = Check::new(config, None);
    let mut known: HashMap<u64, Vec<u64>> = HashMap::new();
    let mut left = VecDeque::from(check.init_states());
    let mut again = 0;
    while let Some(world) = left.pop_front() {
        if !check.within_boundary(&world) {
            continue;
        }
        let next = check.next_states(&world);
        let mut digests: Vec<u64> = next.iter().map(digest).collect();
        digests.sort_unstable();
        match known.entry(digest(&world)) {
            Entry::Vacant(entry) => {
                entry.insert(digests);
                left.extend(next);
            }
            Entry::Occupied(before) => {
                again += 1;
                assert_eq!(*before.get(), digests, "{}: {world:#?}", config.name);
            }
        }
    }
    (known.len(), again)
}

fn digest(world: &model::world::World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}
