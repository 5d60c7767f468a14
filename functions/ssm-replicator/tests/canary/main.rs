//! A value shows nowhere: not in an answer, an error, a notice, a record, or a log at any level. In a process of its own:
//! which events are logged at all is decided for all threads together.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test: panics fail it")]

#[allow(dead_code, reason = "the other tests use the rest")]
#[path = "../replicator/scene.rs"]
mod scene;

use std::sync::Mutex;

use ports::FailureKind;
use protocol::parameters::entry::Kind;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;
use twin::InjectedFault;

use crate::scene::{FROM, Scene, TO, play};

const CANARY: &str = "tweet-tweet-4711";

fn assert_silent(what: &str, text: &str) {
    assert!(!text.contains(CANARY), "{what} holds the value: {text}");
}

async fn everything(scene: &Scene) -> Vec<String> {
    let mut said = Vec::new();
    for name in ["/shop/secret", "/shop/other", "/shop/list"] {
        scene.stores.set(FROM, name, &format!("{CANARY},{name}"));
    }
    scene.stores.change(FROM, "/shop/secret", |stored| stored.head.kind = Kind::SecureString);
    scene.stores.set(TO, "/shop/other", &format!("{CANARY} of {TO}"));
    let commands =
        [json!({"command": "pass"}), json!({"command": "drift"}), json!({"command": "drift", "deep": true})];
    let kinds = [FailureKind::Denied, FailureKind::Invalid, FailureKind::Throttled, FailureKind::Unreachable];
    for action in ["list", "find", "values", "tags", "labels", "put", "load_seen", "save_seen"] {
        for kind in kinds {
            scene.stores.fault(action, InjectedFault::Fails(kind));
            scene.stores.set(FROM, "/shop/secret", &format!("{CANARY} {action} {kind:?}"));
            for command in &commands {
                said.push(format!("{:?}", scene.invoke(command).await));
            }
            said.push(format!("{:?}", scene.changed(FROM, "/shop/secret").await));
        }
    }
    scene.stores.set(FROM, "/shop/secret", CANARY);
    said.push(format!("{:?}", scene.invoke(&commands[0]).await));
    said
}

#[test]
fn a_value_shows_in_no_answer_error_record_or_log() {
    let log: &'static Mutex<Vec<u8>> = Box::leak(Box::default());
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::level_filters::LevelFilter::TRACE)
        .with_writer(move || log.make_writer())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        tracing::trace!("the log takes every level");
        play(async || {
            let scene = Scene::new();
            let said = everything(&scene).await;
            assert!(
                said.iter().any(|words| words.contains("Err"))
                    && said.iter().any(|words| words.contains("Ok"))
            );
            for words in &said {
                assert_silent("an answer", words);
            }
            let inner = scene.stores.inner();
            assert_silent("the memory of what was seen", &String::from_utf8_lossy(&inner.seen));
            assert_silent("the stores' debug form", &format!("{inner:?}"));
            assert!(format!("{inner:?}").contains("a secret"));
            assert_silent("the journal and the notices", &format!("{:?}", scene.world.inner()));
        });
    });
    let logged = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("the log takes every level") && logged.contains("/shop/secret"), "{logged}");
    assert_silent("the log", &logged);
}
