//! Some seeds of the simulation, on every `cargo test`; ten thousand are a stage of `tests/run.py` (`make simulate`).

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use jiff::SignedDuration;
use simulation::history::What;
use simulation::overhead::overhead;
use simulation::parallel;
use simulation::play::play;
use simulation::scenario::Draw;

/// Not the seeds of the stage, so that something new is played here.
const FROM: u64 = 1_000_000;

#[test]
fn no_disturbed_world_breaks_a_rule() {
    let crowd = parallel::disturbed(FROM, 200).expect("they play");
    assert_eq!(crowd.failures, Vec::<String>::new(), "see one with: make simulate SEED=...");
    for end in ["completed", "aborted", "needs an operator"] {
        assert!(crowd.ends.contains_key(end), "no world ends {end}: {:?}", crowd.ends);
    }
    let [records, _, killed, faults] = crowd.counts;
    assert!(
        records > 4_000 && killed > 200 && faults > 2_000,
        "the worlds are disturbed: {:?}",
        crowd.counts
    );
}

#[test]
fn every_undisturbed_world_completes_and_its_cost_is_known() {
    let (overheads, failures) = parallel::undisturbed(FROM, 50).expect("they play");
    assert_eq!(failures, Vec::<String>::new());
    assert_eq!(overheads.len(), 50);
}

#[test]
fn the_same_seed_is_the_same_history() {
    for seed in FROM..FROM + 8 {
        let [first, second] = [(); 2].map(|()| play(Draw::of(seed), true).expect("it plays").render());
        assert!(first.lines().count() > 100, "seed {seed} has a history");
        assert!(first == second, "seed {seed} has two histories");
    }
    let [first, second] = [1, 2].map(|seed| play(Draw::of(seed), true).expect("it plays").render());
    assert!(first != second, "another seed is another history");
}

#[test]
fn showing_a_history_does_not_change_it() {
    for seed in FROM..FROM + 4 {
        let shown = play(Draw::of(seed), true).expect("it plays");
        let mut told: Vec<_> = shown.entries;
        told.retain(|entry| !matches!(entry.what, What::Called { .. }));
        assert_eq!(told, play(Draw::of(seed), false).expect("it plays").entries, "seed {seed}");
    }
}

/// Otherwise the rule over snapshots would hold of nothing.
#[test]
fn the_worlds_read_through_snapshots_good_and_torn() {
    let (mut kept, mut torn) = (0, 0);
    for seed in FROM..FROM + 30 {
        for entry in play(Draw::of(seed), false).expect("it plays").entries {
            if let What::Kept { is_torn, .. } = entry.what {
                kept += 1;
                torn += usize::from(is_torn);
            }
        }
    }
    assert!(kept > 100 && torn > 5, "{kept} kept, {torn} torn");
}

#[test]
fn the_overhead_is_what_is_left_of_the_run_without_window_and_cloud() {
    let history = play(Draw::undisturbed(FROM), false).expect("it plays");
    let cost = overhead(&history).expect("it completed");
    assert!(
        cost.moving.as_millis() > 0 && cost.whole >= cost.recovery && cost.recovery >= cost.moving,
        "{cost:?}"
    );
    let longest = history.draw.promotions.iter().map(|(_, takes)| *takes).max().expect("a database");
    assert!(cost.cloud >= longest, "{cost:?}");
}

#[test]
fn the_parts_of_the_overhead_add_up_to_it() {
    let (mut same, mut played) = (0, 0);
    for seed in FROM..FROM + 40 {
        let history = play(Draw::undisturbed(seed), false).expect("it plays");
        let cost = overhead(&history).expect("it completed");
        assert!(cost.segments.0.iter().all(|part| part.as_millis() >= 0), "seed {seed}: {:?}", cost.segments);
        // Where another row ended last than the longest one, its parts come to more.
        assert!(cost.segments.sum() >= cost.recovery, "seed {seed}: {cost:?}");
        // The window is counted by the record's own time, and the decision comes at its end: by the append of that record too early.
        same += usize::from(cost.segments.sum() - cost.recovery <= SignedDuration::from_millis(15));
        played += 1;
    }
    assert!(same * 10 > played * 8, "{same} of {played} add up");
}
