//! The numbers of a pass, at the limit and one beyond it.

use jiff::SignedDuration;

use crate::scene::{Scene, play, shop};

/// A scene in which so many parameters are to be made, two a second.
fn two_a_second(count: usize) -> Scene {
    let mut plan = shop();
    if let Some(parameters) = &mut plan.parameters {
        parameters.puts_per_second = 2;
    }
    let scene = Scene::of(plan);
    scene.fill(count);
    scene
}

#[test]
fn the_journals_leave_holds_for_five_seconds() {
    // The first write is made at once, the eleventh five seconds later.
    for (count, reads) in [(10, 1), (11, 2), (20, 2), (21, 3)] {
        play(async || {
            let scene = two_a_second(count);
            scene.pass().await.unwrap();
            assert_eq!(scene.writes(), count);
            let read = scene.world.inner().calls.get("load").copied();
            assert_eq!(read, Some(reads), "for {count} writes");
        });
    }
}

#[test]
fn a_pass_begins_nothing_in_its_last_twenty_seconds() {
    for (time_ms, writes) in [(22_000, 4), (22_001, 5)] {
        play(async || {
            let mut scene = two_a_second(100);
            scene.invocation = SignedDuration::from_millis(time_ms);
            let answer = scene.pass().await.unwrap();
            assert_eq!(scene.writes(), writes, "an invocation of {time_ms} ms: {answer}");
            assert_eq!(answer["left"], 100 - writes, "{answer}");
        });
    }
}
