//! What the readiness check of the witness finds, of everything that a witness can say.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use protocol::name::Name;
use protocol::observation::{LagSample, ReplicaState};
use protocol::plan::Plan;
use protocol::readiness::facts::{ReadinessFacts, ReplicaFacts, Seen, Unseen};
use protocol::readiness::{Check, Finding, Readiness};
use protocol::state::State;
use protocol::state::holdings::Holdings;
use protocol::witness::{DatabaseSeen, Heartbeat, Lsn, Sight, Unreached, UnreachedCode, WalReplay};

const BOTH_WAYS: &str = include_str!("plans/both-ways.json");

/// A witness at both sides, and a connection of `orders` at both.
fn plan() -> Plan {
    Plan::from_json(BOTH_WAYS).unwrap().seated_in("us-west-1").unwrap()
}

fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_secs(seconds)).unwrap()
}

/// A replica whose newest heartbeat is so old.
fn replica(heartbeat_age: i64) -> DatabaseSeen {
    DatabaseSeen {
        at: now(),
        is_writable: false,
        heartbeat: Some(Heartbeat { sequence: 7, beat_at: ago(heartbeat_age) }),
        position: Lsn(5),
        replica: Some(WalReplay {
            received: Some(Lsn(5)),
            committed_at: Some(ago(heartbeat_age)),
            is_streaming: true,
            heard_at: Some(ago(1)),
        }),
        sessions: 0,
    }
}

fn writable(heartbeat_age: i64) -> DatabaseSeen {
    DatabaseSeen { is_writable: true, replica: None, ..replica(heartbeat_age) }
}

fn checks(plan: &Plan, state: &State, seen: Option<Seen<Sight>>) -> Vec<Check> {
    let witnessed: BTreeMap<_, _> = seen.into_iter().map(|seen| (Name::new("orders"), seen)).collect();
    let facts = ReadinessFacts { witnessed, ..ReadinessFacts::default() };
    let readiness = Readiness::of(plan, state, &facts, now());
    readiness.checks().iter().filter(|check| check.name() == "witness_sees").cloned().collect()
}

fn check(state: &State, seen: Option<Seen<Sight>>) -> (Finding, String, Option<String>) {
    let checks = checks(&plan(), state, seen);
    assert_eq!(checks.len(), 1, "of the one database that it reaches: {checks:?}");
    let check = &checks[0];
    assert_eq!(check.subject(), "orders");
    (check.finding(), check.sentence().to_owned(), check.remedy().map(str::to_owned))
}

fn moved() -> State {
    State { holdings: Holdings::active(["orders", "stock"]), ..State::default() }
}

fn says(state: &State, seen: DatabaseSeen, finding: Finding, sentence: &str) {
    let found = check(state, Some(Ok(Sight::Seen(seen))));
    assert_eq!((found.0, found.1.as_str()), (finding, sentence));
    assert_eq!(found.2.is_some(), !finding.is_ready(), "what is not ready has a remedy");
}

#[test]
fn a_witness_that_sees_its_side_is_ready() {
    let waiting = State::default();
    says(&waiting, replica(3), Finding::Ready, "The witness sees it: a replica, heartbeat 3.0 s old.");
    says(&moved(), writable(3), Finding::Ready, "The witness sees it: writable, heartbeat 3.0 s old.");
}

#[test]
fn a_heartbeat_may_be_one_interval_and_a_minute_old() {
    says(
        &State::default(),
        replica(65),
        Finding::Ready,
        "The witness sees it: a replica, heartbeat 65 s old.",
    );
    let late =
        "Its newest heartbeat is 66 s old, more than 65 s: nobody writes them, or replication is behind.";
    says(&State::default(), replica(66), Finding::NotReady, late);
    says(&moved(), writable(66), Finding::NotReady, late);
    let none = DatabaseSeen { heartbeat: None, ..replica(0) };
    says(
        &State::default(),
        none.clone(),
        Finding::NotReady,
        "It holds no heartbeat: nobody has written one.",
    );
    // Where none is written, none is missed.
    let mut plan = plan();
    plan.witness.as_mut().unwrap().heartbeat_seconds = 0;
    let checks = checks(&plan, &State::default(), Some(Ok(Sight::Seen(none))));
    assert_eq!(
        (checks[0].finding(), checks[0].sentence()),
        (Finding::Ready, "The witness sees it: a replica.")
    );
}

#[test]
fn what_a_connection_leads_to_is_what_the_plan_says() {
    let (waiting, moved) = (State::default(), moved());
    says(&waiting, writable(3), Finding::NotReady, "The witness sees a database that is no replica.");
    says(
        &moved,
        replica(3),
        Finding::NotReady,
        "It serves here, and the witness sees a database that takes no writes.",
    );
    // A replica whose slot was lost, or whose source is gone.
    let mut cut = replica(3);
    cut.replica.as_mut().unwrap().is_streaming = false;
    says(
        &waiting,
        cut.clone(),
        Finding::NotReady,
        "It receives nothing from its source since 2026-11-20T09:59:59Z.",
    );
    cut.replica.as_mut().unwrap().heard_at = None;
    says(&waiting, cut, Finding::NotReady, "It receives nothing from its source.");
}

#[test]
fn what_can_not_be_asked_has_its_code_and_its_remedy() {
    use UnreachedCode as Code;
    for code in [
        Code::NoConnection,
        Code::NoAddress,
        Code::Tls,
        Code::LoginRefused,
        Code::PasswordAsked,
        Code::NoDatabase,
        Code::NotPrepared,
        Code::NoAnswer,
        Code::Refused,
    ] {
        let unreached = Unreached { code, message: "the server's words.".to_owned() };
        let (finding, sentence, remedy) = check(&State::default(), Some(Ok(Sight::Unreached(unreached))));
        assert_eq!(finding, Finding::NotReady);
        let word = serde_json::to_value(code).unwrap();
        assert_eq!(
            sentence,
            format!("The witness can't ask it ({}): the server's words.", word.as_str().unwrap())
        );
        let remedy = remedy.unwrap();
        assert!(remedy.starts_with(|c: char| c.is_uppercase()) && remedy.ends_with('.'), "{remedy}");
        assert_eq!(remedy.to_lowercase().trim_end_matches('.'), code.remedy().to_lowercase());
    }
}

#[test]
fn a_witness_that_gave_no_word_is_unknown_and_a_plan_without_one_has_no_check() {
    let (finding, sentence, _) = check(&State::default(), None);
    assert_eq!((finding, sentence.as_str()), (Finding::Unknown, "This was not checked."));
    let unseen = Unseen::new("It could not be checked: denied.", "Apply the module again.");
    let (finding, sentence, remedy) = check(&State::default(), Some(Err(unseen)));
    assert_eq!((finding, sentence.as_str()), (Finding::Unknown, "It could not be checked: denied."));
    assert_eq!(remedy.as_deref(), Some("Apply the module again."));
    let mut of_other_side = plan();
    of_other_side.witness.as_mut().unwrap().sides.recovery = None;
    assert_eq!(checks(&of_other_side, &State::default(), None), Vec::new());
    assert_eq!(checks(&Plan { witness: None, ..plan() }, &State::default(), None), Vec::new());
}

#[test]
fn the_lag_is_the_witnesss_where_it_sees_the_replica() {
    let plan = plan();
    let idle = Ok(Some(LagSample { at: now(), lag_ms: Some(290_000) }));
    let replica_facts = ReplicaFacts {
        status: "available".to_owned(),
        replication: ReplicaState::Replicating,
        backup_retention_days: 0,
        backup_window: None,
        kms_key: None,
        cluster: None,
        instance: None,
    };
    let lag_check = |sight: Option<Sight>| {
        let name = Name::new("orders");
        let facts = ReadinessFacts {
            replicas: BTreeMap::from([(name.clone(), Ok(Some(replica_facts.clone())))]),
            lag: BTreeMap::from([(name.clone(), idle.clone())]),
            witnessed: sight.into_iter().map(|sight| (name.clone(), Ok(sight))).collect(),
            ..ReadinessFacts::default()
        };
        let readiness = Readiness::of(&plan, &State::default(), &facts, now());
        let mut checks = readiness.checks().iter();
        let check = checks.find(|check| check.name() == "lag_within_limit" && check.subject() == "orders");
        let check = check.expect("the check");
        (check.finding(), check.sentence().to_owned())
    };
    let of_cloudwatch = (Finding::NotReady, "Its lag is 4 min; the limit is 60 s.".to_owned());
    assert_eq!(lag_check(None), of_cloudwatch, "an idle source");
    let unreached = Unreached { code: UnreachedCode::Tls, message: "unknown issuer".to_owned() };
    assert_eq!(lag_check(Some(Sight::Unreached(unreached))), of_cloudwatch);
    assert_eq!(lag_check(Some(Sight::Seen(writable(3)))), of_cloudwatch, "which is no replica");
    for (age, finding) in [(60, Finding::Ready), (61, Finding::NotReady)] {
        let expected = format!("Its lag by the witness is {age} s; the limit is 60 s.");
        assert_eq!(lag_check(Some(Sight::Seen(replica(age)))), (finding, expected));
    }
}
