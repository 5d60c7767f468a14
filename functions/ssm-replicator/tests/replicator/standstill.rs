//! When nothing may be written, nothing is, and it is said why.

use ports::FailureKind;
use protocol::operator::{OperatorCommand, Overrides};
use serde_json::json;
use twin::InjectedFault;

use crate::scene::{FROM, Scene, TO, play, sentence, shop};

async fn begin_run(scene: &Scene) {
    let overrides = Overrides { allow_data_loss: true, override_vetoes: true, ..Overrides::default() };
    let (by, reason) = ("ana".to_owned(), "us-east-2 is lost".to_owned());
    scene.operate(OperatorCommand::Failover { by, reason, routes: Vec::new(), overrides }).await;
}

#[test]
fn a_run_under_way_stops_passes_and_changes_and_says_so() {
    play(async || {
        let scene = Scene::new();
        scene.fill(3);
        begin_run(&scene).await;
        let answer = scene.pass().await.unwrap();
        let words = sentence(&answer);
        assert!(words.starts_with("Nothing is copied: run "), "{words}");
        assert!(words.contains("is under way (") && words.contains("shop-alarm-handler"), "{words}");
        let answer = scene.changed(FROM, "/shop/p/00000").await.unwrap();
        assert!(sentence(&answer).ends_with("; a later pass copies /shop/p/00000."), "{answer}");
        assert!(scene.stores.inner().calls.is_empty(), "not even a listing");
    });
}

#[test]
fn a_run_that_begins_amid_a_pass_stops_it_within_seconds() {
    play(async || {
        let scene = Scene::new();
        scene.fill(100);
        let began = std::cell::Cell::new(0);
        let (answer, ()) = tokio::join!(Box::pin(scene.pass()), async {
            ports::Clock::sleep(&*scene.clock, std::time::Duration::from_secs(12)).await;
            began.set(scene.writes());
            begin_run(&scene).await;
        });
        let answer = answer.unwrap();
        assert!(began.get() > 10, "{}", began.get());
        // The journal's word holds for five seconds, of two writes each.
        assert!(scene.writes() <= began.get() + 11, "{} after {}", scene.writes(), began.get());
        let words = sentence(&answer);
        assert!(words.contains("wait for the next pass: Nothing is copied: run "), "{words}");
        assert_eq!(answer["left"], 100 - scene.writes());
    });
}

#[test]
fn a_hold_stops_it_and_says_the_command_that_ends_it() {
    play(async || {
        let scene = Scene::new();
        scene.fill(3);
        scene.hold(60).await;
        let answer = scene.pass().await.unwrap();
        let words = sentence(&answer);
        assert!(words.starts_with("Nothing is copied: a hold by ana lasts until "), "{words}");
        assert!(words.contains(r#"echo '{"command":"release","by":"#), "{words}");
        assert_eq!(scene.writes(), 0);
        ports::Clock::sleep(&*scene.clock, std::time::Duration::from_secs(3_601)).await;
        scene.pass().await.unwrap();
        assert_eq!(scene.writes(), 3);
    });
}

#[test]
fn an_unreadable_journal_is_an_error_that_people_are_told_of_and_nothing_is_written() {
    play(async || {
        let scene = Scene::new();
        scene.fill(3);
        for payload in [json!({"command": "pass"}), json!({"command": "drift"})] {
            scene.world.fault("load", InjectedFault::Fails(FailureKind::Unavailable));
            let fault = scene.invoke(&payload).await.unwrap_err();
            assert_eq!(fault.code, "journal_unreadable");
        }
        assert!(scene.stores.inner().calls.is_empty());
        // Once an hour, however often it is invoked.
        assert_eq!(scene.world.inner().notices.len(), 1);
        ports::Clock::sleep(&*scene.clock, std::time::Duration::from_secs(3_601)).await;
        scene.world.fault("load", InjectedFault::Fails(FailureKind::Unavailable));
        scene.invoke(&json!({"command": "drift"})).await.unwrap_err();
        assert_eq!(scene.world.inner().notices.len(), 2);
    });
}

#[test]
fn a_journal_that_becomes_unreadable_amid_a_pass_ends_it() {
    play(async || {
        let scene = Scene::new();
        scene.fill(100);
        let (fault, ()) = tokio::join!(Box::pin(scene.pass()), async {
            ports::Clock::sleep(&*scene.clock, std::time::Duration::from_secs(12)).await;
            scene.world.fault("load", InjectedFault::Fails(FailureKind::Unavailable));
        });
        assert_eq!(fault.unwrap_err().code, "journal_unreadable");
        assert!(scene.writes() < 40);
    });
}

#[test]
fn an_unreadable_plan_and_one_without_parameters_write_nothing() {
    play(async || {
        let scene = Scene::new();
        scene.fill(3);
        scene.world.fault("plan", InjectedFault::Fails(FailureKind::Denied));
        assert_eq!(scene.pass().await.unwrap_err().code, "plan_unreadable");
        let mut plan = shop();
        plan.parameters = None;
        let answer = scene.beside(plan).pass().await.unwrap();
        assert_eq!(
            sentence(&answer),
            "Nothing is copied: the plan has no section parameters; add one to copy parameters."
        );
        assert_eq!(scene.stores.store(TO).len(), 0);
    });
}

#[test]
fn a_payload_that_is_not_understood_is_refused_before_anything_is_read() {
    play(async || {
        let scene = Scene::new();
        for payload in [
            json!(null),
            json!({"tick": true}),
            json!({"command": "copy"}),
            json!({"command": "pass", "x": 1}),
        ] {
            assert_eq!(scene.invoke(&payload).await.unwrap_err().code, "not_understood");
        }
        assert!(scene.world.inner().calls.is_empty());
    });
}
