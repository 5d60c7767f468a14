//! What is deleted, and what keeps a mistake from emptying the other side.

use ports::FailureKind;
use twin::InjectedFault;

use crate::scene::{FROM, Scene, TO, play, shop};

/// Takes parameters away from the source.
fn lose(scene: &Scene, names: impl IntoIterator<Item = usize>) {
    let mut inner = scene.stores.inner();
    let store = inner.stores.get_mut(FROM).unwrap();
    for n in names {
        store.remove(&format!("/shop/p/{n:05}")).unwrap();
    }
}

async fn copied(count: usize) -> Scene {
    let scene = Scene::new();
    scene.fill(count);
    scene.pass().await.unwrap();
    scene
}

#[test]
fn a_copy_without_its_source_is_deleted_and_what_is_no_copy_stays() {
    play(async || {
        let scene = copied(40).await;
        scene.stores.set(TO, "/shop/own", "of this region");
        scene.stores.set(TO, "/shop/other", "copied by another plan");
        scene.stores.change(TO, "/shop/other", |stored| {
            stored.tags.insert("pilotlight:copied-by".to_owned(), "crm".to_owned());
        });
        lose(&scene, [1, 2]);
        let answer = scene.pass().await.unwrap();
        assert_eq!(answer["deleted"], 2);
        let store = scene.stores.store(TO);
        assert!(!store.contains_key("/shop/p/00001") && !store.contains_key("/shop/p/00002"));
        assert!(store.contains_key("/shop/own") && store.contains_key("/shop/other"));
        assert_eq!(store.len(), 40);
    });
}

#[test]
fn more_than_the_share_deletes_none_at_all_and_is_told_and_the_rest_goes_on() {
    play(async || {
        let scene = copied(40).await;
        lose(&scene, 0..5);
        scene.stores.set(FROM, "/shop/p/00030", "changed");
        let fault = scene.pass().await.unwrap_err();
        let told = "5 of 40 copies in us-west-1 are kept although us-east-2 does not have them: one pass \
                    deletes at most 4 (parameters.deletes_percent_max is 10); if that is intended, raise the \
                    limit for one pass, or delete them by hand.";
        assert!(fault.message.ends_with(told), "{}", fault.message);
        assert_eq!(scene.stores.store(TO).len(), 40);
        assert_eq!(scene.value(TO, "/shop/p/00030").as_deref(), Some("changed"));
        assert_eq!(scene.stores.calls("delete"), 0);
    });
}

#[test]
fn a_single_copy_of_few_may_go_unless_the_share_is_zero() {
    play(async || {
        let scene = copied(3).await;
        lose(&scene, [0]);
        assert_eq!(scene.pass().await.unwrap()["deleted"], 1);
        let mut plan = shop();
        plan.parameters.as_mut().unwrap().deletes_percent_max = 0;
        let scene = scene.beside(plan);
        lose(&scene, [1]);
        scene.pass().await.unwrap_err();
        assert_eq!(scene.stores.calls("delete"), 1);
    });
}

#[test]
fn an_empty_source_is_taken_for_a_mistake() {
    play(async || {
        let scene = copied(1).await;
        lose(&scene, [0]);
        let fault = scene.pass().await.unwrap_err();
        assert!(
            fault.message.contains("us-east-2 has no parameter at all under the plan's paths"),
            "{}",
            fault.message
        );
        assert_eq!(scene.stores.store(TO).len(), 1);
    });
}

#[test]
fn a_listing_that_is_not_whole_deletes_nothing() {
    play(async || {
        // The listings of 120 parameters are three pages each, and go on side by side.
        for page in 0..9 {
            let scene = copied(120).await;
            lose(&scene, [1]);
            for _ in 0..page {
                // A slot for a page that is answered: faults are taken one by one, and this kind is tried again.
                scene.stores.fault("list", InjectedFault::Fails(FailureKind::Throttled));
            }
            scene.stores.fault("list", InjectedFault::Fails(FailureKind::Denied));
            let fault = scene.pass().await.unwrap_err();
            assert_eq!(fault.code, "parameters_unreadable", "page {page}");
            assert_eq!(scene.stores.calls("delete"), 0);
        }
    });
}

#[test]
fn a_value_that_can_t_be_read_keeps_every_copy() {
    play(async || {
        let scene = copied(20).await;
        lose(&scene, [1]);
        scene.stores.set(FROM, "/shop/p/00002", "changed");
        scene.stores.fault("values", InjectedFault::Fails(FailureKind::Denied));
        scene.pass().await.unwrap_err();
        assert_eq!(scene.stores.calls("delete"), 0);
    });
}

#[test]
fn a_copy_is_asked_once_more_before_it_is_deleted() {
    play(async || {
        // The listing says that everything is a copy, as one that ignores the filter would.
        let scene = copied(40).await;
        scene.stores.set(TO, "/shop/own", "of this region");
        scene.stores.inner().ignores_tag_filter = true;
        lose(&scene, [1]);
        let answer = scene.pass().await.unwrap();
        assert_eq!((answer["deleted"].clone(), scene.stores.calls("delete")), (1.into(), 1));
        assert!(scene.get(TO, "/shop/own").is_some());
        // Its mark is taken away by hand: it is nobody's copy any more.
        lose(&scene, [2]);
        scene.stores.change(TO, "/shop/p/00002", |stored| stored.tags.clear());
        assert_eq!(scene.pass().await.unwrap()["deleted"], 0);
        assert!(scene.get(TO, "/shop/p/00002").is_some());
    });
}

#[test]
fn a_delete_event_deletes_nothing_by_itself() {
    play(async || {
        let scene = copied(40).await;
        lose(&scene, [1]);
        let answer = scene.changed(FROM, "/shop/p/00001").await.unwrap();
        assert_eq!(
            crate::scene::sentence(&answer),
            "Nothing to do now: /shop/p/00001 no longer exists in us-east-2; the next pass deletes its copy, \
             together with all others."
        );
        assert!(scene.get(TO, "/shop/p/00001").is_some());
    });
}
