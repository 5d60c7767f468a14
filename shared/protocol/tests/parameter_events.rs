//! What every file under `events/` is to the function that copies parameters, and what no payload at all may be.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use protocol::parameters::request::ParameterRequest;
use serde_json::{Value, json};

const ACCOUNT: &str = "123456789012";

fn change(name: &str, region: &str, account: &str) -> ParameterRequest {
    ParameterRequest::Change { name: name.to_owned(), region: region.to_owned(), account: account.to_owned() }
}

/// Everything that is understood. Every other file is refused.
fn understood() -> BTreeMap<&'static str, ParameterRequest> {
    let (url, password) = ("/shop/db/url", "/shop/db/password");
    let (east, west) = ("us-east-2", "us-west-1");
    BTreeMap::from([
        ("parameter-create", change(url, east, ACCOUNT)),
        ("parameter-update", change(password, east, ACCOUNT)),
        ("parameter-delete", change(url, east, ACCOUNT)),
        ("parameter-label", change(url, east, ACCOUNT)),
        ("parameter-tags-changed", change(url, east, ACCOUNT)),
        ("parameter-create-in-recovery", change(url, west, ACCOUNT)),
        ("parameter-update-in-recovery", change(url, west, ACCOUNT)),
        ("parameter-delete-in-recovery", change(url, west, ACCOUNT)),
        ("parameter-label-in-recovery", change(url, west, ACCOUNT)),
        ("parameter-outside", change("/crm/url", east, ACCOUNT)),
        ("parameter-override", change("/shop/db/endpoint", east, ACCOUNT)),
        ("parameter-own-plan", change("/pilotlight/shop/plan/0", west, ACCOUNT)),
        ("parameter-foreign-account", change(url, east, "999999999999")),
        ("parameter-primary-account", change(url, east, "210987654321")),
        ("parameter-foreign-region", change(url, "eu-west-1", ACCOUNT)),
        ("parameter-forged-name-and-region", change(url, west, ACCOUNT)),
        ("operator-pass", ParameterRequest::Pass { deep: false }),
        // The readiness-checker's command of the same name.
        ("readiness-pass", ParameterRequest::Pass { deep: false }),
        ("operator-drift", ParameterRequest::Drift { deep: true }),
        ("scheduled-event", ParameterRequest::Pass { deep: false }),
        ("scheduler-default-event", ParameterRequest::Pass { deep: false }),
        ("snapshots-scheduled-event", ParameterRequest::Pass { deep: false }),
    ])
}

fn payloads() -> BTreeMap<String, Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let events = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    events
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect()
}

#[test]
fn every_event_is_understood_as_what_it_is_or_refused() {
    let (payloads, understood) = (payloads(), understood());
    for name in understood.keys() {
        assert!(payloads.contains_key(*name), "events/{name}.json is missing");
    }
    for (name, payload) in payloads {
        match understood.get(name.as_str()) {
            Some(expected) => assert_eq!(ParameterRequest::read(&payload).as_ref(), Ok(expected), "{name}"),
            None => assert!(ParameterRequest::read(&payload).is_err(), "{name}"),
        }
    }
}

#[test]
fn a_slip_in_a_command_is_named_with_its_remedy() {
    for (payload, expected) in [
        (json!({"command": "drift", "depth": true}), "`depth` is not a field of drift: known: deep."),
        (
            json!({"command": "drfit"}),
            "`drfit` is not a command: did you mean `drift`? Commands: pass, drift.",
        ),
        (json!({"command": 1}), "`command` is not a string: use one of pass, drift."),
        (
            json!({"command": "pass", "deep": "yes"}),
            "`deep` is not true or false: use one of them, or leave the field out.",
        ),
    ] {
        assert_eq!(ParameterRequest::read(&payload), Err(expected.to_owned()));
    }
}

#[test]
fn a_refusal_repeats_nothing_of_the_payload() {
    for payload in [
        json!({"source": "aws.ssm", "detail-type": "Parameter Store Change", "resources": ["canary"]}),
        json!({"password": "canary"}),
        json!(["canary"]),
        json!({"source": "canary", "detail-type": "canary"}),
        json!({"command": ["canary"]}),
        json!({"command": "pass", "deep": "canary"}),
    ] {
        let problem = ParameterRequest::read(&payload).unwrap_err();
        assert!(!problem.contains("canary"), "{problem}");
    }
}

proptest! {
    #[test]
    fn a_name_that_can_not_be_one_is_no_change(name in "\\PC{0,40}") {
        let arn = format!("arn:aws:ssm:us-east-2:123456789012:parameter{name}");
        let event =
            json!({ "source": "aws.ssm", "detail-type": "Parameter Store Change", "resources": [arn] });
        if let Ok(ParameterRequest::Change { name: found, .. }) = ParameterRequest::read(&event) {
            prop_assert_eq!(&found, &name);
            prop_assert!(found.starts_with('/'));
            prop_assert!(found.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_.-".contains(&b)));
        }
    }
}
