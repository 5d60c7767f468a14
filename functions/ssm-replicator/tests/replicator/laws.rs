//! Laws of copying, over arbitrary regions, histories and faults.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::conductor::Conductor;
use engine::parameters::ParameterReplication;
use ports::FailureKind;
use proptest::prelude::*;
use protocol::parameters::COPY_TAG;
use protocol::parameters::request::ParameterRequest;
use protocol::parameters::scope::{Coverage, ParameterScope};
use protocol::parameters::survey::deletions_max;
use protocol::plan::Plan;
use twin::InjectedFault;
use twin::parameter_store::{Store, Stored};

use crate::scene::{FROM, Scene, TO, play, shop};

/// Names of every sort: copied, overridden, excluded, outside.
const NAMES: [&str; 14] = [
    "/shop/a",
    "/shop/b",
    "/shop/c",
    "/shop/d/e",
    "/shop/d/f",
    "/shop/g/h/i",
    "/shop/j",
    "/shop/k",
    "/shop/db/endpoint",
    "/shop/web/endpoint",
    "/shop/scratch/x",
    "/shop/scratch/endpoint",
    "/other/x",
    "/pilotlight/shop/plan/0",
];

/// Something that happens to the two regions.
#[derive(Clone, Debug)]
enum Happening {
    Set { region: &'static str, name: usize, value: u8 },
    Describe { region: &'static str, name: usize, text: u8 },
    Remove { region: &'static str, name: usize },
    Mark { region: &'static str, name: usize },
    Label { region: &'static str, name: usize },
    Pass,
    Change { region: &'static str, name: usize },
    Goes { action: &'static str, fault: InjectedFault },
}

fn regions() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![FROM, FROM, TO])
}

fn happenings() -> impl Strategy<Value = Happening> {
    let name = 0..NAMES.len();
    let actions =
        vec!["list", "find", "values", "tags", "labels", "put", "tag", "label", "delete", "load_seen"];
    let faults = vec![
        InjectedFault::LosesAnswer,
        InjectedFault::Fails(FailureKind::Throttled),
        InjectedFault::Fails(FailureKind::Unavailable),
        InjectedFault::Fails(FailureKind::Unreachable),
        InjectedFault::Fails(FailureKind::Denied),
        InjectedFault::Fails(FailureKind::Conflict),
        InjectedFault::Fails(FailureKind::Invalid),
    ];
    prop_oneof![
        6 => (regions(), name.clone(), 0..4_u8).prop_map(|(region, name, value)| Happening::Set { region, name, value }),
        1 => (regions(), name.clone(), 0..3_u8)
            .prop_map(|(region, name, text)| Happening::Describe { region, name, text }),
        2 => (regions(), name.clone()).prop_map(|(region, name)| Happening::Remove { region, name }),
        1 => (regions(), name.clone()).prop_map(|(region, name)| Happening::Mark { region, name }),
        1 => (regions(), name.clone()).prop_map(|(region, name)| Happening::Label { region, name }),
        2 => Just(Happening::Pass),
        3 => (regions(), name).prop_map(|(region, name)| Happening::Change { region, name }),
        1 => (prop::sample::select(actions), prop::sample::select(faults))
            .prop_map(|(action, fault)| Happening::Goes { action, fault }),
    ]
}

fn coverage(plan: &Plan, name: &str) -> Coverage {
    ParameterScope::of(plan.parameters.as_ref().unwrap()).coverage(name)
}

/// What the owners of the parameters do; nothing of the function.
fn live(scene: &Scene, happening: &Happening) {
    let stores = &scene.stores;
    match *happening {
        Happening::Set { region, name, value } => stores.set(region, NAMES[name], &format!("value {value}")),
        Happening::Describe { region, name, text } => {
            if let Some(value) = scene.value(region, NAMES[name]) {
                stores.set(region, NAMES[name], &value);
                stores.change(region, NAMES[name], |stored| stored.head.description = format!("text {text}"));
            }
        }
        Happening::Remove { region, name } => {
            stores.inner().stores.entry(region.to_owned()).or_default().remove(NAMES[name]);
        }
        Happening::Mark { region, name } => stores.change(region, NAMES[name], |stored| {
            stored.tags.insert(COPY_TAG.to_owned(), "shop".to_owned());
        }),
        Happening::Label { region, name } => stores.change(region, NAMES[name], |stored| {
            if let Some(version) = stored.versions.last_mut() {
                version.labels.insert("live".to_owned());
            }
        }),
        Happening::Goes { action, ref fault } => stores.fault(action, fault.clone()),
        Happening::Pass | Happening::Change { .. } => {}
    }
}

/// Lives a happening and holds the function to what it must never do.
async fn live_and_check(scene: &Scene, happening: &Happening) {
    // What is made anew has its versions counted anew, and is told by its time.
    ports::Clock::sleep(&*scene.clock, std::time::Duration::from_millis(1)).await;
    live(scene, happening);
    let (from, to) = (scene.stores.store(FROM), scene.stores.store(TO));
    let written = scene.writes();
    match happening {
        Happening::Pass => drop(scene.pass().await),
        Happening::Change { region, name } => drop(scene.changed(region, NAMES[*name]).await),
        _ => return,
    }
    check_writes(scene, written, &from, &to, matches!(happening, Happening::Pass));
}

fn check_writes(scene: &Scene, before: usize, from: &Store, to: &Store, is_pass: bool) {
    let inner = scene.stores.inner();
    let mut deleted = 0;
    for write in &inner.written[before..] {
        assert_eq!(write.region, TO, "{write:?}");
        assert_eq!(coverage(&scene.plan, &write.name), Coverage::Copied, "{write:?}");
        if write.action == "delete" {
            assert!(is_pass, "an event deletes nothing");
            assert!(to[&write.name].tags.get(COPY_TAG).is_some_and(|by| by == "shop"), "{write:?}");
            assert!(!from.contains_key(&write.name), "{write:?}");
            deleted += 1;
        } else if let Some(old) = to.get(&write.name) {
            let is_pair = old.is_copy() || from[&write.name].is_copy();
            assert!(is_pair, "neither is a copy of the other: {write:?}");
        }
    }
    let is_ours = |(name, stored): &(&String, &Stored)| {
        stored.is_copy() && coverage(&scene.plan, name) == Coverage::Copied
    };
    assert!(deleted <= deletions_max(to.iter().filter(is_ours).count(), 10), "{deleted} were deleted");
    for read in inner.values_read.values().flatten() {
        assert_eq!(coverage(&scene.plan, read), Coverage::Copied, "{read}");
    }
}

/// What a pass has to put, found without any of its code.
fn owed(plan: &Plan, from: &Store, to: &Store) -> BTreeSet<String> {
    let differs = |one: &Stored, other: &Stored| {
        one.value() != other.value() || one.head.description != other.head.description
    };
    from.iter()
        .filter(|(name, _)| coverage(plan, name) == Coverage::Copied)
        .filter(|(name, source)| match to.get(*name) {
            None => true,
            Some(copy) => differs(source, copy) && (source.is_copy() || copy.is_copy()),
        })
        .map(|(name, _)| name.clone())
        .collect()
}

fn snapshot(store: &Store) -> BTreeMap<String, (String, u64, BTreeSet<String>)> {
    store
        .iter()
        .map(|(name, stored)| {
            let labels = stored.versions.iter().flat_map(|version| version.labels.clone()).collect();
            (name.clone(), (stored.value().expose().to_owned(), stored.head.version, labels))
        })
        .collect()
}

/// A pass of a plan that is taken as it is: one whose regions are the other way round would be refused.
async fn pass_unchecked(scene: &Scene) {
    let conductor = Conductor {
        plan: Arc::new(scene.plan.clone()),
        journal: Arc::clone(&scene.world) as _,
        publisher: Arc::clone(&scene.world) as _,
        clock: Arc::clone(&scene.clock) as _,
        ids: Arc::new(twin::CountingIds::default()),
        writer: "ssm-replicator/2".to_owned(),
        request: None,
        snapshot_every: protocol::state::snapshot::SNAPSHOT_EVERY,
        tells_of_unreadable: true,
    };
    let deadline = ports::Clock::now(&*scene.clock).checked_add(scene.invocation).unwrap();
    let (stores, seen, maintenance) = (&*scene.stores, &*scene.stores, &*scene.world);
    let replication = ParameterReplication { conductor: &conductor, stores, seen, maintenance, deadline };
    drop(replication.answer(&ParameterRequest::Pass { deep: false }).await);
}

fn turned_round() -> Plan {
    let mut plan = shop();
    std::mem::swap(&mut plan.sides.primary.region, &mut plan.sides.recovery.region);
    plan.parameters.as_mut().unwrap().keys = protocol::plan::Keys::default();
    plan
}

proptest! {
    /// Overrides, exclusions, foreign parameters and the source are never written; deletions are own and few; whatever
    /// goes wrong, and in whatever order things happen.
    #[test]
    fn nothing_is_written_that_must_not_be(history in prop::collection::vec(happenings(), 1..40)) {
        play(async || {
            let scene = Scene::new();
            for happening in &history {
                live_and_check(&scene, happening).await;
            }
        });
    }

    #[test]
    fn a_pass_puts_exactly_what_differs_and_a_pass_on_its_result_writes_nothing(
        history in prop::collection::vec(happenings(), 1..40),
    ) {
        play(async || {
            let scene = Scene::new();
            for happening in &history {
                if !matches!(happening, Happening::Goes { .. }) {
                    live_and_check(&scene, happening).await;
                }
            }
            let source = snapshot(&scene.stores.store(FROM));
            let owed = owed(&scene.plan, &scene.stores.store(FROM), &scene.stores.store(TO));
            let before = scene.writes();
            drop(scene.pass().await);
            let put: Vec<String> = {
                let inner = scene.stores.inner();
                let written = inner.written[before..].iter();
                written.filter(|write| write.action == "put").map(|write| write.name.clone()).collect()
            };
            prop_assert_eq!(put.len(), owed.len(), "each once");
            prop_assert_eq!(BTreeSet::from_iter(put), owed);
            let settled = scene.writes();
            for _ in 0..2 {
                drop(scene.pass().await);
                prop_assert_eq!(scene.writes(), settled);
            }
            prop_assert_eq!(snapshot(&scene.stores.store(FROM)), source, "the source is only read");
            Ok(())
        })?;
    }

    /// Faults cost time. When they are over, a few passes bring everything about that is owed.
    #[test]
    fn once_all_is_well_again_everything_that_is_owed_is_written(
        history in prop::collection::vec(happenings(), 1..40),
    ) {
        play(async || {
            let scene = Scene::new();
            for happening in &history {
                live_and_check(&scene, happening).await;
            }
            scene.stores.inner().faults.clear();
            drop(scene.pass().await);
            let owed = owed(&scene.plan, &scene.stores.store(FROM), &scene.stores.store(TO));
            prop_assert_eq!(owed, BTreeSet::new());
            Ok(())
        })?;
    }

    /// Two functions that copy in opposite directions at once come to rest.
    #[test]
    fn both_directions_at_once_do_not_ping_pong(
        history in prop::collection::vec(happenings(), 1..30),
        order in prop::collection::vec(any::<bool>(), 0..12),
    ) {
        play(async || {
            let there = Scene::new();
            let back = there.beside(turned_round());
            for happening in &history {
                ports::Clock::sleep(&*there.clock, std::time::Duration::from_millis(1)).await;
                live(&there, happening);
            }
            there.stores.inner().faults.clear();
            for goes_there in order {
                pass_unchecked(if goes_there { &there } else { &back }).await;
            }
            tokio::join!(pass_unchecked(&there), pass_unchecked(&back));
            pass_unchecked(&there).await;
            pass_unchecked(&back).await;
            let settled = there.writes();
            for _ in 0..3 {
                tokio::join!(pass_unchecked(&there), pass_unchecked(&back));
            }
            prop_assert_eq!(there.writes(), settled);
            Ok(())
        })?;
    }

    /// A hold is a hold, whatever has happened before and whatever is asked for.
    #[test]
    fn nothing_is_written_during_a_hold(history in prop::collection::vec(happenings(), 1..30)) {
        play(async || {
            let scene = Scene::new();
            scene.hold(10_080).await;
            for happening in &history {
                live_and_check(&scene, happening).await;
            }
            prop_assert_eq!(scene.writes(), 0);
            Ok(())
        })?;
    }
}
