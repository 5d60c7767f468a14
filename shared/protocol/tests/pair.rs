//! Do two guards that know each other by their words alone ever both own a group, or both stand by for it? And do they find back
//! from wherever they are?

mod protection;
mod rules;
mod world;

use proptest::prelude::*;
use protocol::side::Side;
use protocol::state::holdings::Ownership;

use self::world::World;

/// Something that happens.
#[derive(Clone, Copy, Debug)]
enum Happening {
    /// A guard ticks, and reads what the other one said so many words ago.
    Tick { side: Side, words_ago: usize },
    /// A guard ticks, and can't read the other one's word.
    TickAlone { side: Side },
    /// A guard moves all that it may; `ends` at the promotion's intent, at its end, or with the run.
    Move { side: Side, ends: usize },
    /// A guard goes on with the run that it began.
    GoOn { side: Side },
    /// A guard has cut off the old primaries that it owes.
    Quarantined { side: Side },
    /// Somebody makes replicas of what the other side serves.
    Rebuilt { side: Side },
}

fn happenings() -> impl Strategy<Value = Happening> {
    let side = || prop::sample::select(Side::BOTH.to_vec());
    prop_oneof![
        6 => (side(), 0..4_usize).prop_map(|(side, words_ago)| Happening::Tick { side, words_ago }),
        1 => side().prop_map(|side| Happening::TickAlone { side }),
        2 => (side(), 0..3_usize).prop_map(|(side, ends)| Happening::Move { side, ends }),
        1 => side().prop_map(|side| Happening::GoOn { side }),
        1 => side().prop_map(|side| Happening::Quarantined { side }),
        2 => side().prop_map(|side| Happening::Rebuilt { side }),
    ]
}

fn happen(world: &mut World, happening: Happening) {
    match happening {
        Happening::Tick { side, words_ago } => world.tick(side, Some(words_ago)),
        Happening::TickAlone { side } => world.tick(side, None),
        Happening::Move { side, ends } => world.begin_run(side, ends),
        Happening::GoOn { side } => world.go_on(side),
        Happening::Quarantined { side } => world.quarantine(side),
        Happening::Rebuilt { side } => world.rebuild(side),
    }
}

/// Everything that was begun is finished, both guards read each other, and replicas are made where they are missing.
fn heal(world: &mut World) {
    for _ in 0..4 {
        for side in Side::BOTH {
            world.tick(side, Some(0));
            world.go_on(side);
            world.quarantine(side);
            world.tick(side, Some(0));
            world.rebuild(side);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_group_has_one_owner_a_term_and_never_two_that_stand_by(
        was_alone in any::<bool>(),
        happened in prop::collection::vec(happenings(), 0..60),
    ) {
        let mut world = World::new(was_alone);
        for (place, happening) in happened.iter().enumerate() {
            happen(&mut world, *happening);
            if let Err(broken) = world.check() {
                prop_assert!(false, "{broken} after {:?}", &happened[..=place]);
            }
        }
    }

    #[test]
    fn from_anywhere_one_side_serves_and_the_other_stands_by(
        was_alone in any::<bool>(),
        happened in prop::collection::vec(happenings(), 0..60),
    ) {
        let mut world = World::new(was_alone);
        for happening in &happened {
            happen(&mut world, *happening);
        }
        heal(&mut world);
        for group in world.groups() {
            let mut held = Side::BOTH.map(|side| world.held(side, &group).ownership);
            held.sort_unstable();
            prop_assert_eq!(held, [Ownership::Active, Ownership::Standby], "{} after {:?}", group.name, happened);
        }
    }
}
