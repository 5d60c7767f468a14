//! The witness in a plan: what is taken, and what is refused with which remedy. `infra/modules/orchestrator/tests` refuses the same.

use protocol::plan::{Connection, Plan, Witness, WitnessSide};
use protocol::side::{Side, Sides};
use serde_json::{Value, json};

const BOTH_WAYS: &str = include_str!("plans/both-ways.json");
const FUNCTION: &str = "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness";

fn document() -> Value {
    serde_json::from_str(BOTH_WAYS).unwrap()
}

fn read(document: &Value) -> Result<Plan, Vec<String>> {
    Plan::from_json(&document.to_string())
        .map_err(|problems| problems.as_slice().iter().map(ToString::to_string).collect())
}

/// The problems of the document with some places changed; null takes a field out.
fn said(changes: &[(&str, Value)]) -> Vec<String> {
    let mut document = document();
    for (pointer, value) in changes {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        let fields = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            fields.remove(field).unwrap();
        } else {
            fields.insert(field.to_owned(), value.clone());
        }
    }
    read(&document).err().unwrap_or_default()
}

const NOTHING: [&str; 0] = [];

#[test]
fn what_is_left_out_has_a_default() {
    let mut document = document();
    document["witness"] = json!({ "sides": { "primary": null, "recovery": { "function": FUNCTION } } });
    let sides = &mut document["databases"][0]["sides"];
    sides["primary"].as_object_mut().unwrap().remove("connection").unwrap();
    sides["recovery"]["connection"].as_object_mut().unwrap().remove("port").unwrap();
    let plan = read(&document).unwrap();
    let function = FUNCTION.to_owned();
    let expected = Witness {
        user: "pilotlight_witness".to_owned(),
        heartbeat_seconds: 5,
        sides: Sides { primary: None, recovery: Some(WitnessSide { function }) },
    };
    assert_eq!(plan.witness, Some(expected));
    let expected = Connection {
        host: "shop-orders-replica.def456.us-west-1.rds.amazonaws.com".to_owned(),
        port: 5432,
        database: "shop".to_owned(),
    };
    assert_eq!(plan.databases[0].connection(Side::Recovery), Some(&expected));
    assert_eq!(plan.databases[0].connection(Side::Primary), None);
    assert_eq!(plan.databases[1].connection(Side::Recovery), None);
}

#[test]
fn a_function_and_a_connection_belong_together() {
    assert_eq!(
        said(&[("/witness", Value::Null)]),
        [
            "databases[0].sides.primary.connection: is given, and witness.sides.primary is not; give the function that asks \
             the database there, or leave the connection out",
            "databases[0].sides.recovery.connection: is given, and witness.sides.recovery is not; give the function that \
             asks the database there, or leave the connection out",
        ]
    );
    assert_eq!(
        said(&[("/databases/0/sides/primary/connection", Value::Null)]),
        [
            "witness.sides.primary.function: is given, and no database has a connection on the primary side; give the \
             connection of at least one RDS instance there, or leave the function out"
        ]
    );
    let without = [
        ("/witness", Value::Null),
        ("/databases/0/sides/primary/connection", Value::Null),
        ("/databases/0/sides/recovery/connection", Value::Null),
    ];
    assert_eq!(said(&without), NOTHING);
    let none = json!({ "sides": { "primary": null, "recovery": null } });
    assert_eq!(
        said(&[("/witness", none), without[1].clone(), without[2].clone()]),
        [
            "witness.sides: names no function on either side; give the function of the recovery side, or leave witness out"
        ]
    );
}

#[test]
fn the_function_lies_on_its_side_and_is_no_version_of_one() {
    let of = |arn: &str| said(&[("/witness/sides/recovery/function", json!(arn))]).join("");
    let remedy = "give the ARN of a Lambda function, without a version or an alias, like \
                  arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness";
    for (arn, problem) in [
        ("shop-database-witness", "is not an ARN"),
        (&format!("{FUNCTION}:7"), "is not the ARN of a Lambda function, without a version or an alias"),
        (
            "arn:aws:lambda:us-west-1:123456789012:layer:x",
            "is not the ARN of a Lambda function, without a version or an alias",
        ),
        (
            "arn:aws:lambda:us-west-1:123456789012:function:*",
            "is not the ARN of a Lambda function, without a version or an alias",
        ),
        (
            "arn:aws:lambda:us-east-2:123456789012:function:x",
            "lies in us-east-2, and the recovery region is us-west-1",
        ),
        (
            "arn:aws:lambda:us-west-1:999999999999:function:x",
            "belongs to 999999999999, and the plan's account is 123456789012",
        ),
    ] {
        assert_eq!(of(arn), format!("witness.sides.recovery.function: {problem}; {remedy}"), "{arn}");
    }
}

#[test]
fn a_heartbeat_is_shorter_than_the_lag_that_is_let_through() {
    let of = |heartbeat: u32, limit: u32| {
        said(&[
            ("/witness/heartbeat_seconds", json!(heartbeat)),
            ("/limits", json!({ "lag_seconds_max": limit })),
        ])
    };
    for (heartbeat, limit) in [(0, 0), (0, 1), (1, 2), (5, 6), (60, 61)] {
        assert_eq!(of(heartbeat, limit), NOTHING, "{heartbeat} {limit}");
    }
    assert_eq!(
        of(5, 5),
        [
            "witness.heartbeat_seconds: is 5, not less than limits.lag_seconds_max, which is 5; lower it or raise the limit: a \
             healthy replica is up to one heartbeat behind"
        ]
    );
    assert_eq!(
        of(61, 100),
        ["witness.heartbeat_seconds: is 61, outside 0 to 60; give a whole number from 0 to 60"]
    );
    // What can't be read at all says so, and nothing else.
    assert_eq!(said(&[("/witness/heartbeat_seconds", json!(300))]).len(), 1);
}

#[test]
fn names_are_those_that_need_no_quotes() {
    let long = "a".repeat(63);
    let longer = "a".repeat(64);
    let role = |name: &str| said(&[("/witness/user", json!(name))]);
    for name in ["a", "_a", "pilotlight_witness", "a9", &long] {
        assert_eq!(role(name), NOTHING, "{name}");
    }
    for name in ["", "9a", "A", "a-b", "a\"", "a b", "ä", "a$", &longer] {
        assert_eq!(
            role(name),
            [
                "witness.user: is not the name of a database role; give 1 to 63 characters of a-z, 0-9 and underscore, not \
                 beginning with a digit"
            ],
            "{name}"
        );
    }
    let database = |name: &str| said(&[("/databases/0/sides/primary/connection/database", json!(name))]);
    for name in ["a", "_a", "Shop-1_$", "postgres", &long] {
        assert_eq!(database(name), NOTHING, "{name}");
    }
    for name in ["", "9a", "-a", "$a", "a b", "a;b", "ä", &longer] {
        assert_eq!(
            database(name),
            [
                "databases[0].sides.primary.connection.database: is not the name of a database; give 1 to 63 letters, digits, \
                 underscores, dollar signs and hyphens, beginning with a letter or an underscore"
            ],
            "{name}"
        );
    }
}

#[test]
fn a_host_is_a_name_without_a_port() {
    let of = |host: &str| said(&[("/databases/0/sides/primary/connection/host", json!(host))]);
    let long = format!("a{}", ".a".repeat(126));
    assert_eq!(long.len(), 253);
    for host in ["a", "127.0.0.1", "shop.abc.us-east-2.rds.amazonaws.com", &long] {
        assert_eq!(of(host), NOTHING, "{host}");
    }
    for host in ["", ".a", "a.", "-a", "a-", "a:5432", "a_b", "http://a", "ä", &format!("{long}a")] {
        assert_eq!(
            of(host),
            [
                "databases[0].sides.primary.connection.host: is not a host name; give the host name of the instance's \
                 endpoint, without a port"
            ],
            "{host}"
        );
    }
    let port = |port: u32| said(&[("/databases/0/sides/primary/connection/port", json!(port))]);
    assert_eq!((port(1), port(65_535)), (vec![], vec![]));
    // What the field can't hold at all is told with the field's own remedy.
    for (outside, remedy) in [(0, "1 to 65535"), (65_536, "1 to 65535, or leave it out")] {
        assert_eq!(
            port(outside),
            [format!(
                "databases[0].sides.primary.connection.port: is {outside}, outside 1 to 65535; give a whole number from \
                 {remedy}"
            )]
        );
    }
}
