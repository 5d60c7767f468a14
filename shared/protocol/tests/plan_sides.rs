//! Plans of schema 2, which say what everything is on both sides; and what a plan of schema 1 is among them.

use jsonschema::Validator;
use protocol::plan::{DatabaseKind, FleetAt, Plan, SideDetection, bounds, plan_schema};
use protocol::side::{Direction, Side, Sides};
use serde_json::{Value, json};

use crate::plan::BOUNDED_ALIKE;
use crate::pointers::pointers;

const BOTH_WAYS: &str = include_str!("plans/both-ways.json");
const ONE_WAY: &str = include_str!("plans/shop.json");

fn document() -> Value {
    serde_json::from_str(BOTH_WAYS).unwrap()
}

fn plan() -> Plan {
    Plan::from_json(BOTH_WAYS).unwrap()
}

/// The problems of the document with one place changed.
fn said(pointer: &str, value: Value) -> Vec<String> {
    let mut document = document();
    *document.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
    problems(&document)
}

fn problems(document: &Value) -> Vec<String> {
    match Plan::from_json(&document.to_string()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.as_slice().iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_guard_moves_items_to_its_own_side_and_reads_everything_by_it() {
    for seat in Side::BOTH {
        let plan = plan().seated(seat);
        let Direction { from, to } = plan.direction();
        assert_eq!((from, to), (seat.other(), seat));
        let regions = Sides { primary: "us-east-2", recovery: "us-west-1" };
        assert_eq!((plan.own().region.as_str(), plan.other().region.as_str()), (regions[to], regions[from]));
        assert_eq!((plan.side_of(regions[to]), plan.side_of("eu-west-1")), (Some(to), None));
        let groups = Sides { primary: "shop-web", recovery: "shop-web-recovery" };
        let fleets: Vec<FleetAt<'_>> = plan.fleets_at(to).collect();
        assert_eq!(fleets.len(), 1);
        assert_eq!((fleets[0].group.as_str(), fleets[0].side), (groups[to], to));
        let watched = Sides { primary: 5, recovery: 1 };
        assert_eq!(plan.watched().alarms.len(), watched[from]);
        let alarm = plan.detection.sides[to].alarms[0].clone();
        assert_eq!(plan.listed_alarm(&alarm), None, "what speaks of its own side is no evidence here");
    }
}

#[test]
fn a_plan_of_schema_1_is_one_whose_fleets_have_no_primary_side() {
    let mut expected = plan();
    expected.detection.sides.recovery = SideDetection::default();
    expected.detection.watch_seconds = None;
    expected.snapshots = None;
    expected.witness = None;
    for fleet in &mut expected.fleets {
        fleet.sides.primary = None;
        fleet.sides.recovery.as_mut().unwrap().resting = None;
    }
    for route in &mut expected.routes {
        route.sides.primary.probe = None;
    }
    for database in &mut expected.databases {
        *database.quarantine_security_group_mut(Side::Recovery) = None;
        if let DatabaseKind::RdsReplica { sides } = &mut database.kind {
            sides.primary.connection = None;
            sides.recovery.connection = None;
        }
    }
    assert_eq!(Plan::from_json(ONE_WAY).unwrap(), expected);
    assert_eq!(expected.fleets_at(Side::Primary).count(), 0);
}

#[test]
fn what_is_written_is_read_again() {
    for text in [BOTH_WAYS, ONE_WAY, include_str!("plans/two-accounts.json")] {
        let plan = Plan::from_json(text).unwrap();
        assert_eq!(plan.validate(), vec![]);
        let again = Plan::from_json(&serde_json::to_string(&plan).unwrap()).unwrap();
        assert_eq!(again, plan);
    }
}

/// The reader is written by hand, the types and their schema are derived: changed at any place in any way, they agree.
#[test]
fn the_reader_takes_exactly_what_the_schema_takes() {
    let validator = jsonschema::validator_for(&plan_schema()).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&document()).map(|error| error.to_string()).collect();
    assert_eq!(wrong, Vec::<String>::new(), "the document is one of the schema");
    let all = pointers(&document());
    assert!(all.len() > 100, "{}", all.len());
    let replacements = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!("x"),
        json!([]),
        json!({}),
    ];
    for pointer in all.iter().filter(|pointer| !pointer.is_empty()) {
        for replacement in &replacements {
            let mut changed = document();
            *changed.pointer_mut(pointer).unwrap() = replacement.clone();
            assert_alike(&validator, &changed, &format!("{pointer} = {replacement}"));
        }
        let mut changed = document();
        if let Some(Value::Object(fields)) = changed.pointer_mut(pointer) {
            fields.insert("extra".to_owned(), json!(1));
            assert!(!problems(&changed).is_empty(), "{pointer} + extra");
            assert_alike(&validator, &changed, &format!("{pointer} + extra"));
        }
        let mut changed = document();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        if let Some(Value::Object(fields)) = changed.pointer_mut(parent) {
            fields.remove(field);
            assert_alike(&validator, &changed, &format!("{pointer} removed"));
        }
    }
}

/// What the schema refuses the reader refuses; and of what the schema takes the reader refuses nothing for its shape.
fn assert_alike(validator: &Validator, document: &Value, change: &str) {
    let found = problems(document);
    if validator.is_valid(document) {
        let of_shape =
            [": is missing; ", " is not a field of ", ", not a text", ", not an object", ", not a list"];
        // That some guard can move it is a rule, and no matter of shape.
        let is_rule = |line: &&String| line.starts_with("fleets[0].sides.recovery: is missing");
        let shape = found
            .iter()
            .filter(|line| !is_rule(line))
            .find(|line| of_shape.iter().any(|part| line.contains(part)));
        assert_eq!(shape, None, "{change}: the schema takes it");
    } else {
        assert!(!found.is_empty(), "{change}: the schema refuses it and the reader does not");
    }
}

/// The bounded numbers that schema 1 has elsewhere, or has not in its example.
const BOUNDED: &[(&str, bounds::Bounds)] = &[
    ("/databases/0/sides/primary/backup_retention_days", bounds::BACKUP_RETENTION_DAYS),
    ("/databases/0/sides/recovery/backup_retention_days", bounds::BACKUP_RETENTION_DAYS),
    ("/fleets/0/sides/primary/serving/min", bounds::CAPACITY),
    ("/fleets/0/sides/primary/serving/desired", bounds::CAPACITY_DESIRED),
    ("/fleets/0/sides/primary/serving/max", bounds::CAPACITY),
    ("/fleets/0/sides/primary/resting/min", bounds::CAPACITY),
    ("/fleets/0/sides/primary/resting/desired", bounds::CAPACITY),
    ("/fleets/0/sides/primary/resting/max", bounds::CAPACITY),
    ("/fleets/0/sides/recovery/healthy_targets_min", bounds::HEALTHY_TARGETS),
    ("/routes/0/sides/primary/weight", bounds::WEIGHT),
    ("/routes/0/sides/recovery/weight", bounds::WEIGHT),
    ("/routes/0/sides/primary/probe/timeout_seconds", bounds::PROBE_TIMEOUT_SECONDS),
    ("/detection/sides/primary/probes/0/expect_status", bounds::EXPECT_STATUS),
    ("/detection/sides/primary/probes/1/port", bounds::PORT),
    ("/detection/sides/recovery/probes/0/timeout_seconds", bounds::PROBE_TIMEOUT_SECONDS),
    ("/detection/watch_seconds", bounds::WATCH_SECONDS),
    ("/snapshots/keep/daily", bounds::KEEP_TIER),
    ("/snapshots/keep/weekly", bounds::KEEP_TIER),
    ("/snapshots/keep/monthly", bounds::KEEP_TIER),
    ("/snapshots/keep_min", bounds::KEEP_MIN),
    ("/snapshots/deletions_max", bounds::DELETIONS),
];

#[test]
fn the_schema_and_the_reader_have_the_same_bounds() {
    let validator = jsonschema::validator_for(&plan_schema()).unwrap();
    for (pointer, bounds) in BOUNDED.iter().chain(BOUNDED_ALIKE) {
        let takes = |value: u64| {
            let mut changed = document();
            *changed.pointer_mut(pointer).unwrap() = json!(value);
            let outside = format!("is {value}, outside {bounds}; ");
            let read = !problems(&changed).iter().any(|line| line.contains(&outside));
            (validator.is_valid(&changed), read)
        };
        assert_eq!(takes(bounds.min), (true, true), "{pointer} at its least");
        assert_eq!(takes(bounds.max), (true, true), "{pointer} at its greatest");
        assert_eq!(takes(bounds.max + 1), (false, false), "{pointer} above");
        if let Some(below) = bounds.min.checked_sub(1) {
            assert_eq!(takes(below), (false, false), "{pointer} below");
        }
    }
}

#[test]
fn a_watch_is_optional_and_fits_into_its_function() {
    let mut left_out = document();
    left_out["detection"].as_object_mut().unwrap().remove("watch_seconds").unwrap();
    let of = |seconds: Value| said("/detection/watch_seconds", seconds);
    assert_eq!((problems(&left_out), of(Value::Null), of(json!(60))), Default::default());
    assert_eq!(plan().detection.watch_seconds, Some(20));
    for (wrong, what) in [
        (json!(7.5), "is the number 7.5, not a whole"),
        (json!("5"), "is a text"),
        (json!(0), "is 0, outside 5 to 60"),
    ] {
        let lines = of(wrong);
        assert!(
            lines.len() == 1 && lines[0].starts_with(&format!("detection.watch_seconds: {what}")),
            "{lines:?}"
        );
    }
    let with_timeout = |seconds: u64| said("/limits/function_timeout_seconds/alarm_handler", json!(seconds));
    assert_eq!(with_timeout(90), Vec::<String>::new());
    assert_eq!(
        with_timeout(89),
        [
            "detection.watch_seconds: is given, but limits.function_timeout_seconds.alarm_handler is 89; raise that to 90 or \
             more, or leave this out: alarm-handler watches for a minute"
        ]
    );
}

#[test]
fn problems_name_the_side() {
    const ARN: &str =
        "give the ARN of an RDS instance, like arn:aws:rds:us-east-2:123456789012:db:shop-orders";
    let replica = document()["databases"][0]["sides"]["recovery"]["arn"].clone();
    assert_eq!(
        said("/databases/0/sides/primary/arn", replica),
        [
            format!("databases[0].sides.primary.arn: lies in us-west-1, and the primary region is us-east-2; {ARN}"),
            "databases[0].sides.recovery.arn: is used by databases[0].sides.primary.arn already; give every database \
             instances of its own"
                .to_owned()
        ]
    );
    assert_eq!(
        said("/fleets/0/sides/primary/serving/desired", json!(1)),
        [
            "fleets[0].sides.primary.serving.min: is 2, more than desired, which is 1; keep min <= desired <= max",
            "fleets[0].sides.primary.healthy_targets_min: is 2, more than serving.desired, which is 1; give at most as many \
             as are wanted"
        ]
    );
    assert_eq!(
        said("/fleets/0/sides/primary/resting/max", json!(100_001)),
        [
            "fleets[0].sides.primary.resting.max: is 100001, outside 0 to 100000; give a whole number from 0 to 100000"
        ]
    );
    assert_eq!(
        said("/routes/0/sides/primary/weight", json!(0)),
        [
            "routes[0].sides.primary.weight: is 0, outside 1 to 255; a closed side is 0 by itself, give the open weight"
        ]
    );
    assert_eq!(
        said("/sides/recovery/account", json!("12")),
        ["sides.recovery.account: is not an AWS account; give its 12 digits in quotes"]
    );
    assert_eq!(
        said("/detection/sides/recovery/probes/0/name", json!("db")),
        [
            "detection.sides.recovery.probes[0].name: is db, which detection.sides.primary.probes[1] has already; give every \
             probe a name of its own"
        ]
    );
}

#[test]
fn a_guard_reads_a_plan_only_where_the_plan_has_what_it_needs() {
    for (region, seat) in [("us-east-2", Side::Primary), ("us-west-1", Side::Recovery)] {
        assert_eq!(plan().seated_in(region).unwrap().seat, seat);
    }
    let one_way = || Plan::from_json(ONE_WAY).unwrap();
    assert_eq!(one_way().seated_in("us-west-1").unwrap().seat, Side::Recovery);
    assert_eq!(
        one_way().seated_in("us-east-2").unwrap_err().to_string(),
        "fleets[0].sides.primary: is missing; give its group, target_groups, serving and healthy_targets_min\n\
         detection.sides.recovery.probes: is empty, so nothing would look at the recovery region from outside it; give at \
         least one probe of the recovery region"
    );
    assert_eq!(
        plan().seated_in("eu-west-1").unwrap_err().to_string(),
        "sides: has the regions us-east-2 and us-west-1, and this function runs in eu-west-1; deploy the functions into one \
         of the plan's regions, or correct the plan"
    );
}

#[test]
fn a_plan_that_moves_one_way_alone_may_leave_out_what_the_other_way_needs() {
    let mut document = document();
    document["fleets"][0]["sides"]["recovery"] = Value::Null;
    document["detection"]["sides"]["primary"]["probes"] = json!([]);
    assert_eq!(problems(&document), Vec::<String>::new(), "it moves to its primary side");
    document["detection"]["sides"]["recovery"]["probes"] = json!([]);
    assert_eq!(problems(&document).len(), 2, "no guard can move it: {:?}", problems(&document));
}

#[test]
fn a_kind_owns_its_fields() {
    assert_eq!(
        said("/databases/0/kind", json!("aurora_global")),
        [
            "databases[0].global_cluster: is missing, and databases[0].kind is aurora_global; give the identifier of the \
             Aurora global database, like shop-orders",
            "databases[0].sides.primary.backup_retention_days: is not a field of the plan; known: arn, \
             quarantine_security_group",
            "databases[0].sides.primary.connection: is not a field of the plan; known: arn, quarantine_security_group",
            "databases[0].sides.recovery.backup_retention_days: is not a field of the plan; known: arn, \
             quarantine_security_group",
            "databases[0].sides.recovery.connection: is not a field of the plan; known: arn, quarantine_security_group",
            "databases[0].sides.primary.arn: is not the ARN of an Aurora cluster; give the ARN of an Aurora cluster, like \
             arn:aws:rds:us-east-2:123456789012:cluster:shop-orders",
            "databases[0].sides.recovery.arn: is not the ARN of an Aurora cluster; give the ARN of an Aurora cluster, like \
             arn:aws:rds:us-east-2:123456789012:cluster:shop-orders",
            "snapshots.option_groups[0].database: is orders, an Aurora global database, which has no option group; leave it \
             out",
            "witness.sides.primary.function: is given, and no database has a connection on the primary side; give the \
             connection of at least one RDS instance there, or leave the function out",
            "witness.sides.recovery.function: is given, and no database has a connection on the recovery side; give the \
             connection of at least one RDS instance there, or leave the function out"
        ]
    );
    let plan = plan();
    assert!(plan.databases.iter().all(|database| matches!(database.kind, DatabaseKind::RdsReplica { .. })));
    assert_eq!(plan.databases[0].quarantine_security_group(Side::Recovery), Some("sg-0def"));
}
