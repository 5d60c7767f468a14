//! The quick part of the proof: the smaller configurations, and every mutant.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

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

/// Worlds that count as the same go on in the same way: otherwise the checker would skip what it never saw.
#[test]
fn worlds_that_count_as_one_have_the_same_successors() {
    for name in ["crash", "stall", "answers", "operator", "abort-stall", "row", "lag", "witness"] {
        let config = config::all().into_iter().find(|config| config.name == name).expect("it is there");
        let twice = go_on_alike(&config);
        assert!(twice > 1_000, "{name}: too few worlds were met twice: {twice}");
    }
}

/// Walks at random, and says how often a world was met that counts as one met before; each time they must go on alike.
fn go_on_alike(config: &Config) -> usize {
    let check = Check::new(config, None);
    let mut seen: std::collections::BTreeMap<u64, Vec<u64>> = std::collections::BTreeMap::new();
    let mut twice = 0;
    let mut dice = 1_u64;
    for _ in 0..60 {
        let mut world = check.init_states().remove(0);
        for _ in 0..150 {
            let mut actions = Vec::new();
            check.actions(&world, &mut actions);
            if actions.is_empty() {
                break;
            }
            let mut next: Vec<u64> = check.next_states(&world).iter().map(digest).collect();
            next.sort_unstable();
            if let Some(before) = seen.insert(digest(&world), next.clone()) {
                twice += 1;
                assert_eq!(before, next, "{}: {actions:?}", config.name);
            }
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let index = usize::try_from(dice >> 33).expect("a number") % actions.len();
            check.apply(&mut world, actions[index]);
        }
    }
    twice
}

fn digest(world: &model::world::World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}
