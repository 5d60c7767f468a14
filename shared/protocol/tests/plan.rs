//! What is refused as a plan, and with which words. One row of a table is one rule.

#![allow(clippy::too_many_lines, reason = "tables are long")]

use protocol::plan::{Keys, Plan, Probe, bounds, plan_schema};
use protocol::side::Side;
use serde_json::{Value, json};

const SHOP: &str = include_str!("plans/shop.json");

fn shop() -> Value {
    serde_json::from_str(SHOP).unwrap()
}

/// The plan of the shop with some of its places changed; a change to null takes the field away.
fn shop_with(changes: &[(&str, Value)]) -> Value {
    let mut plan = shop();
    for (pointer, value) in changes {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        match plan.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent} in the plan")) {
            Value::Object(fields) if value.is_null() => {
                fields.remove(field).unwrap_or_else(|| panic!("no {pointer} in the plan"));
            }
            Value::Object(fields) => {
                fields.insert(field.to_owned(), value.clone());
            }
            Value::Array(items) => match field {
                "-" => items.push(value.clone()),
                index => items[index.parse::<usize>().unwrap()] = value.clone(),
            },
            other => panic!("{parent} is {other}"),
        }
    }
    plan
}

fn lines(plan: &Value) -> Vec<String> {
    lines_of_text(&plan.to_string())
}

fn lines_of_text(text: &str) -> Vec<String> {
    match Plan::from_json(text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.to_string().lines().map(str::to_owned).collect(),
    }
}

/// A row: the changes to the shop's plan, and all the lines that follow from them.
type Row = (&'static [(&'static str, fn() -> Value)], &'static [&'static str]);

fn assert_rows(rows: &[Row]) {
    for (changes, expected) in rows {
        let changes: Vec<(&str, Value)> = changes.iter().map(|(at, value)| (*at, value())).collect();
        let found = lines(&shop_with(&changes));
        assert_eq!(found, *expected, "after {changes:?}");
    }
}

#[test]
fn the_plan_of_the_shop_is_valid() {
    let plan = Plan::from_json(SHOP).unwrap();
    assert_eq!(plan.validate(), Vec::new());
    assert_eq!(plan.databases.len(), 2);
    assert!(matches!(&plan.detection.sides.primary.probes[1], Probe::Tcp { port: 5432, .. }));
}

#[test]
fn what_may_be_left_out_has_the_documented_values() {
    let plan = shop_with(&[
        ("/mode", Value::Null),
        ("/limits", Value::Null),
        ("/detection/alarms", Value::Null),
        ("/detection/topics", Value::Null),
        ("/detection/confirm_seconds", Value::Null),
        ("/detection/signal_age_seconds_max", Value::Null),
        ("/detection/cooldown_seconds", Value::Null),
        ("/databases/0/backup_retention_days", Value::Null),
        ("/databases/0/quarantine_security_group", Value::Null),
        ("/databases/0/after", Value::Null),
        ("/parameters/exclude", Value::Null),
        ("/parameters/overrides", Value::Null),
        ("/parameters/existing", Value::Null),
        ("/parameters/keys", Value::Null),
        ("/parameters/puts_per_second", Value::Null),
        ("/parameters/deletes_percent_max", Value::Null),
    ]);
    let mut expected = Plan::from_json(SHOP).unwrap();
    expected.detection.sides.primary.alarms.clear();
    expected.detection.topics.clear();
    *expected.databases[0].quarantine_security_group_mut(Side::Primary) = None;
    let parameters = expected.parameters.as_mut().unwrap();
    parameters.exclude.clear();
    parameters.overrides.clear();
    parameters.keys = Keys::default();
    assert_eq!(Plan::from_json(&plan.to_string()).unwrap(), expected);
}

#[test]
fn the_head_of_a_plan_is_checked() {
    assert_rows(&[
        (&[("/schema", || json!(3))], &["schema: is 3, and this version reads 1 and 2 only; give 2"]),
        (
            &[("/name", || json!("Shop"))],
            &[
                "name: is `Shop`, which is not a well-formed name; give a name of 1 to 40 characters of a-z, 0-9 \
               and hyphens that starts with a letter",
            ],
        ),
        // One slip in the account is one line, not one for every ARN.
        (
            &[("/account", || json!("12345678901"))],
            &["account: is not an AWS account; give its 12 digits in quotes"],
        ),
        (
            &[("/regions/primary", || json!("Ohio"))],
            &["regions.primary: does not look like a region; give a region's code, like us-east-2"],
        ),
        (
            &[("/operator_function", || json!(""))],
            &[
                "operator_function: is not the name of a Lambda function; give the alarm-handler's name: 1 to 64 \
               characters of a-z, A-Z, 0-9, hyphen and underscore",
            ],
        ),
        (
            &[("/operator_function", || json!("arn:aws:lambda:us-west-1:123456789012:function:x"))],
            &[
                "operator_function: is not the name of a Lambda function; give the alarm-handler's name: 1 to 64 \
               characters of a-z, A-Z, 0-9, hyphen and underscore",
            ],
        ),
        (
            &[("/routes", || json!([]))],
            &[
                "routes: is empty, so nothing could be fenced before a promotion and no traffic would move; give at \
                 least one route",
            ],
        ),
    ]);
}

#[test]
fn the_two_regions_must_differ() {
    let found = lines(&shop_with(&[("/regions/recovery", json!("us-east-2"))]));
    assert_eq!(
        found[0],
        "regions.recovery: is us-east-2, which is the primary region too; give another region, one that survives \
         the loss of the primary"
    );
}

#[test]
fn names_are_well_formed_and_used_once() {
    assert_rows(&[
        (
            &[("/databases/1/name", || json!("9-stock")), ("/routes/0/after", || json!(["orders"]))],
            &["databases[1].name: is `9-stock`, which is not a well-formed name; give a name of 1 to 40 \
               characters of a-z, 0-9 and hyphens that starts with a letter"],
        ),
        (
            &[("/fleets/0/name", || json!("stock")), ("/routes/0/after", || json!(["stock"]))],
            &[
                "fleets[0].name: is stock, which databases[1] has already; give every database, fleet and route a \
               name of its own",
            ],
        ),
        (
            &[("/detection/probes/1/name", || json!("front-primary"))],
            &[
                "detection.probes[1].name: is front-primary, which detection.probes[0] has already; give every \
               probe a name of its own",
            ],
        ),
        (
            &[("/routes/0/probe/name", || json!("db"))],
            &[
                "routes[0].probe.name: is db, which detection.probes[1] has already; give every probe a name of \
               its own",
            ],
        ),
        (
            &[("/detection/probes/0/name", || json!("x_y"))],
            &["detection.probes[0].name: is `x_y`, which is not a well-formed name; give a name of 1 to 40 \
               characters of a-z, 0-9 and hyphens that starts with a letter"],
        ),
    ]);
}

#[test]
fn database_arns_are_of_instances_on_the_right_side() {
    const REMEDY: &str =
        "give the ARN of an RDS instance, like arn:aws:rds:us-east-2:123456789012:db:shop-orders";
    for (pointer, value, expected) in [
        ("/databases/0/primary", "shop-orders", "databases[0].primary: is not an ARN"),
        (
            "/databases/0/primary",
            "arn:aws:rds:us-east-2:123456789012:cluster:shop-orders",
            "databases[0].primary: is not the ARN of an RDS instance",
        ),
        (
            "/databases/0/primary",
            "arn:aws:sns:us-east-2:123456789012:db:shop-orders",
            "databases[0].primary: is not the ARN of an RDS instance",
        ),
        (
            "/databases/0/primary",
            "arn:aws:rds:us-west-1:123456789012:db:shop-orders",
            "databases[0].primary: lies in us-west-1, and the primary region is us-east-2",
        ),
        (
            "/databases/0/replica",
            "arn:aws:rds:us-east-2:123456789012:db:shop-orders-replica",
            "databases[0].replica: lies in us-east-2, and the recovery region is us-west-1",
        ),
        (
            "/databases/0/replica",
            "arn:aws:rds:us-west-1:999999999999:db:shop-orders-replica",
            "databases[0].replica: belongs to 999999999999, and the plan's account is 123456789012",
        ),
    ] {
        assert_eq!(lines(&shop_with(&[(pointer, json!(value))])), [format!("{expected}; {REMEDY}")]);
    }
}

#[test]
fn databases_are_used_once_and_keep_backups_and_name_a_group() {
    assert_rows(&[
        (
            &[("/databases/1/primary", || json!("arn:aws:rds:us-east-2:123456789012:db:shop-orders"))],
            &[
                "databases[1].primary: is used by databases[0].primary already; give every database instances of \
               its own",
            ],
        ),
        (
            &[("/databases/1/replica", || {
                json!("arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica")
            })],
            &[
                "databases[1].replica: is used by databases[0].replica already; give every database instances of \
               its own",
            ],
        ),
        (
            &[("/databases/0/backup_retention_days", || json!(0))],
            &["databases[0].backup_retention_days: is 0, outside 1 to 35; give a whole number from 1 to 35"],
        ),
        (
            &[("/databases/0/backup_retention_days", || json!(36))],
            &["databases[0].backup_retention_days: is 36, outside 1 to 35; give a whole number from 1 to 35"],
        ),
        (
            &[("/databases/0/quarantine_security_group", || json!("quarantine"))],
            &["databases[0].quarantine_security_group: is not the id of a security group; give the id of a \
               security group without rules in the primary's VPC, like sg-0abc, or leave it out"],
        ),
    ]);
}

#[test]
fn fleets_have_a_group_target_groups_and_a_capacity_that_can_be() {
    assert_rows(&[
        (
            &[("/fleets/0/group", || json!(""))],
            &[
                "fleets[0].group: is not the name of an Auto Scaling group; give its name (1 to 255 printable \
               ASCII characters without : * and ?), not its ARN",
            ],
        ),
        (
            &[("/fleets/0/target_groups", || json!([]))],
            &["fleets[0].target_groups: is empty, so nothing could say that the fleet is healthy; give the \
               target groups whose healthy targets count"],
        ),
        (
            &[("/fleets/0/target_groups/0", || {
                json!(
                    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/shop-web/0a1b2c3d4e5f6071"
                )
            })],
            &[
                "fleets[0].target_groups[0]: lies in us-east-2, and the recovery region is us-west-1; give the ARN \
               of a target group, like \
               arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef",
            ],
        ),
        (
            &[("/fleets/0/target_groups/-", || {
                json!(
                    "arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0a1b2c3d4e5f6071"
                )
            })],
            &[
                "fleets[0].target_groups[1]: is used by fleets[0].target_groups[0] already; give each target group \
               once",
            ],
        ),
        (
            &[("/fleets/0/capacity/min", || json!(3))],
            &["fleets[0].capacity.min: is 3, more than desired, which is 2; keep min <= desired <= max"],
        ),
        (
            &[("/fleets/0/capacity/max", || json!(1))],
            &["fleets[0].capacity.desired: is 2, more than max, which is 1; keep min <= desired <= max"],
        ),
        (
            &[("/fleets/0/capacity", || json!({"min": 0, "desired": 0, "max": 4}))],
            &[
                "fleets[0].capacity.desired: is 0, outside 1 to 100000; give a whole number from 1 to 100000",
                "fleets[0].healthy_targets_min: is 2, more than capacity.desired, which is 0; give at most as \
                 many as are wanted",
            ],
        ),
        (
            &[("/fleets/0/healthy_targets_min", || json!(0))],
            &[
                "fleets[0].healthy_targets_min: is 0, outside 1 to 100000; give a whole number from 1 to 100000",
            ],
        ),
        (
            &[("/fleets/0/healthy_targets_min", || json!(3))],
            &[
                "fleets[0].healthy_targets_min: is 3, more than capacity.desired, which is 2; give at most as many \
               as are wanted",
            ],
        ),
    ]);
    let mut plan = shop();
    let mut second = plan["fleets"][0].clone();
    second["name"] = json!("jobs");
    plan["fleets"].as_array_mut().unwrap().push(second);
    assert_eq!(
        lines(&plan),
        ["fleets[1].group: is used by fleets[0].group already; give every fleet a group of its own"]
    );
}

#[test]
fn routes_have_two_sides_in_two_regions_with_an_open_weight() {
    assert_rows(&[
        (
            &[("/routes/0/recovery/weight", || json!(0))],
            &[
                "routes[0].recovery.weight: is 0, outside 1 to 255; a closed side is 0 by itself, give the open \
               weight",
            ],
        ),
        (
            &[("/routes/0/primary/weight", || json!(256))],
            &["routes[0].primary.weight: is 256, outside 1 to 255; give a whole number from 1 to 255"],
        ),
        (
            &[("/routes/0/primary/endpoint", || {
                json!("arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/net/x/1a2b")
            })],
            &[
                "routes[0].primary.endpoint: lies in us-west-1, and the primary region is us-east-2; give the ARN \
               of an application or network load balancer, like \
               arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/0123456789abcdef",
            ],
        ),
        (
            &[("/routes/0/recovery/endpoint", || {
                json!("arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/gwy/x/1a2b")
            })],
            &[
                "routes[0].recovery.endpoint: is not the ARN of an application or network load balancer; give the \
               ARN of an application or network load balancer, like \
               arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/0123456789abcdef",
            ],
        ),
        (
            &[("/routes/0/recovery/endpoint_group", || {
                json!("arn:aws:globalaccelerator::123456789012:accelerator/a/listener/b")
            })],
            &[
                "routes[0].recovery.endpoint_group: is not the ARN of a Global Accelerator endpoint group; give the \
               ARN of a Global Accelerator endpoint group, like \
               arn:aws:globalaccelerator::123456789012:accelerator/…/listener/…/endpoint-group/…",
            ],
        ),
        (
            &[
                ("/routes/0/primary/endpoint_group", || {
                    json!("arn:aws:globalaccelerator::123456789012:accelerator/a/listener/b/endpoint-group/c")
                }),
                ("/routes/0/recovery/endpoint_group", || {
                    json!("arn:aws:globalaccelerator::123456789012:accelerator/a/listener/b/endpoint-group/c")
                }),
            ],
            &[
                "routes[0].recovery.endpoint_group: is the primary side's endpoint group too, and an endpoint group \
               lies in one region; give the endpoint group of the recovery region",
            ],
        ),
    ]);
    let mut plan = shop();
    let mut second = plan["routes"][0].clone();
    second["name"] = json!("back");
    second["probe"] = Value::Null;
    plan["routes"].as_array_mut().unwrap().push(second);
    let remedy = "give every route endpoints of its own in an endpoint group";
    assert_eq!(
        lines(&plan),
        [
            format!("routes[1].primary.endpoint: is used by routes[0].primary.endpoint already; {remedy}"),
            format!("routes[1].recovery.endpoint: is used by routes[0].recovery.endpoint already; {remedy}"),
        ]
    );
}

#[test]
fn an_accelerator_is_refused_where_its_control_plane_is_the_region_to_be_left() {
    let plan = SHOP.replace("us-east-2", "us-west-2");
    assert_eq!(
        lines_of_text(&plan),
        [
            "routes[0].kind: is global_accelerator, whose control plane is hosted in us-west-2, the plan's primary \
          region: it would be lost together with that region; choose another primary region, or steer this route \
          by other means and leave it out of the plan"
        ]
    );
    let recovery = SHOP.replace("us-west-1", "us-west-2");
    assert_eq!(lines_of_text(&recovery), Vec::<String>::new());
}

#[test]
fn order_names_what_is_there_of_the_right_kind_and_once() {
    assert_rows(&[
        (
            &[("/databases/1/after", || json!(["order"]))],
            &[
                "databases[1].after[0]: is `order`, which no item of the plan is called; did you mean `orders`?",
            ],
        ),
        (
            &[("/databases/1/after", || json!(["billing"]))],
            &[
                "databases[1].after[0]: is `billing`, which no item of the plan is called; known: orders, stock, \
               web, front",
            ],
        ),
        (
            &[("/databases/1/after", || json!(["stock"]))],
            &["databases[1].after[0]: is stock itself; leave it out: nothing waits for itself"],
        ),
        (
            &[("/databases/1/after", || json!(["orders", "orders"]))],
            &["databases[1].after[1]: is `orders`, given twice; give each name once"],
        ),
        (
            &[("/databases/1/after", || json!(["web"]))],
            &["databases[1].after[0]: is web, a fleet; a database waits for databases only"],
        ),
        (
            &[("/fleets/0/after", || json!(["orders", "front"]))],
            &["fleets[0].after[1]: is front, a route; a fleet waits for databases and fleets only"],
        ),
        (
            &[("/databases/0/after", || json!(["stock"]))],
            &[
                "databases[0].after: closes a cycle: orders waits for stock waits for orders; leave one of these \
               out, so that one of them can go first",
            ],
        ),
    ]);
}

#[test]
fn detection_knows_its_alarms_topics_and_probes() {
    const TOPIC: &str = "give the ARN of an SNS topic (not a FIFO one), like \
                         arn:aws:sns:us-east-2:123456789012:shop-signals";
    const ALARM: &str = "give the ARN of a CloudWatch alarm, like \
                         arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-errors";
    for (pointer, value, expected) in [
        (
            "/detection/alarms/0",
            "arn:aws:cloudwatch:us-east-2:123456789012:dashboard:x",
            format!("detection.alarms[0]: is not the ARN of a CloudWatch alarm; {ALARM}"),
        ),
        (
            "/detection/alarms/1",
            "arn:aws:cloudwatch:us-east-2:999999999999:alarm:x",
            format!(
                "detection.alarms[1]: belongs to 999999999999, and the plan's account is 123456789012; {ALARM}"
            ),
        ),
        (
            "/detection/alarms/1",
            "arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-front-errors",
            "detection.alarms[1]: is the same as detection.alarms[0]; give each once".to_owned(),
        ),
        (
            "/detection/topics/0",
            "arn:aws:sqs:us-east-2:123456789012:x",
            format!("detection.topics[0]: is not the ARN of an SNS topic (not a FIFO one); {TOPIC}"),
        ),
        (
            "/detection/topics/0",
            "arn:aws:sns:us-east-2:999999999999:x",
            format!(
                "detection.topics[0]: belongs to 999999999999, and the plan's account is 123456789012; {TOPIC}"
            ),
        ),
    ] {
        assert_eq!(lines(&shop_with(&[(pointer, json!(value))])), [expected]);
    }
    assert_rows(&[
        (
            &[("/detection/probes", || json!([]))],
            &[
                "detection.probes: is empty, so nothing would look at the primary region from outside it; give at \
               least one probe of the primary region",
            ],
        ),
        (
            &[
                ("/mode", || json!("automatic")),
                ("/detection/alarms", || json!([])),
                ("/databases", || json!([])),
                ("/fleets/0/after", || json!([])),
                ("/routes/0/after", || json!(["web"])),
            ],
            &[
                "mode: is automatic, but probes are the only kind of evidence: an automatic failover needs two \
               kinds, and detection.alarms and databases are empty; give an alarm or a database, or set mode to \
               approve",
            ],
        ),
        (&[("/mode", || json!("automatic")), ("/detection/alarms", || json!([]))], &[]),
    ]);
}

/// The first database of the shop as an Aurora global database, with some of its fields changed.
fn aurora_with(changes: &[(&str, Value)]) -> Value {
    let aurora = json!({
        "name": "orders",
        "kind": "aurora_global",
        "global_cluster": "shop-orders",
        "primary": "arn:aws:rds:us-east-2:123456789012:cluster:shop-orders",
        "replica": "arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica",
        "quarantine_security_group": "sg-0abc",
    });
    let mut plan = shop_with(&[("/databases/0", aurora)]);
    for (field, value) in changes {
        let fields = plan["databases"][0].as_object_mut().unwrap();
        match value {
            Value::Null => fields.remove(*field),
            _ => fields.insert((*field).to_owned(), value.clone()),
        };
    }
    plan
}

#[test]
fn an_aurora_global_database_is_two_clusters_and_the_name_of_what_they_belong_to() {
    const CLUSTER: &str =
        "give the ARN of an Aurora cluster, like arn:aws:rds:us-east-2:123456789012:cluster:shop-orders";
    let plan = Plan::from_json(&aurora_with(&[]).to_string()).unwrap();
    assert_eq!(plan.databases[0].global_cluster(), Some("shop-orders"));
    let again = Plan::from_json(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(again, plan, "what is written is read again");

    let global = "databases[0].global_cluster";
    for (changes, expected) in [
        (
            vec![("primary", json!("arn:aws:rds:us-east-2:123456789012:db:shop-orders"))],
            vec![format!("databases[0].primary: is not the ARN of an Aurora cluster; {CLUSTER}")],
        ),
        (
            vec![("replica", json!("arn:aws:rds:us-east-2:123456789012:cluster:shop-orders-replica"))],
            vec![format!(
                "databases[0].replica: lies in us-east-2, and the recovery region is us-west-1; {CLUSTER}"
            )],
        ),
        (
            vec![("global_cluster", Value::Null)],
            vec![format!(
                "{global}: is missing, and databases[0].kind is aurora_global; give the identifier of the Aurora \
                 global database, like shop-orders"
            )],
        ),
        (
            vec![("global_cluster", json!("arn:aws:rds::123456789012:global-cluster:shop-orders"))],
            vec![format!(
                "{global}: is not the identifier of an Aurora global database; give its identifier (1 to 63 letters, \
                 digits and hyphens, the first a letter), not its ARN"
            )],
        ),
        (
            vec![("global_cluster", json!(7))],
            vec![format!(
                "{global}: is the number 7, not a text; give the identifier of the Aurora global database, or leave it out"
            )],
        ),
        // A kind that can't be read says nothing of the ARNs.
        (
            vec![("kind", json!("aurora"))],
            vec![
                "databases[0].kind: is `aurora`, which is not known; known: rds_replica, aurora_global"
                    .to_owned(),
            ],
        ),
    ] {
        assert_eq!(lines(&aurora_with(&changes)), expected, "after {changes:?}");
    }
}

#[test]
fn a_database_without_a_kind_is_an_rds_replica_and_has_no_global_cluster() {
    let without = shop_with(&[("/databases/0/kind", Value::Null)]);
    assert_eq!(Plan::from_json(&without.to_string()), Plan::from_json(SHOP));
    assert_eq!(
        lines(&shop_with(&[("/databases/0/global_cluster", json!("shop-orders"))])),
        [
            "databases[0].global_cluster: is given, and databases[0].kind is rds_replica; leave it out, or set kind to \
             aurora_global"
        ]
    );
}

#[test]
fn a_global_database_is_used_once_and_its_word_alone_starts_nothing() {
    let mut plan = aurora_with(&[]);
    plan["databases"][1] = plan["databases"][0].clone();
    plan["databases"][1]["name"] = json!("stock");
    let own = "give every database instances of its own";
    assert_eq!(
        lines(&plan),
        [
            format!("databases[1].primary: is used by databases[0].primary already; {own}"),
            format!("databases[1].replica: is used by databases[0].replica already; {own}"),
            "databases[1].global_cluster: is used by databases[0].global_cluster already; give every database a \
             global database of its own"
                .to_owned(),
        ]
    );

    let mut plan = aurora_with(&[]);
    plan["databases"].as_array_mut().unwrap().truncate(1);
    plan["fleets"][0]["after"] = json!([]);
    for route in plan["routes"].as_array_mut().unwrap() {
        route["after"] = json!([]);
    }
    plan["mode"] = json!("automatic");
    plan["detection"]["alarms"] = json!([]);
    let refused = "mode: is automatic, but probes are the only kind of evidence that is sure to come: an Aurora cluster \
                   need not say that its source is lost, and detection.alarms is empty; give an alarm, or set mode to \
                   approve";
    assert_eq!(lines(&plan), [refused]);
    plan["mode"] = json!("approve");
    assert_eq!(lines(&plan), [""; 0]);
}

#[test]
fn probes_ask_something_that_can_be_asked() {
    const REMEDY: &str = "give one like http://shop.example.com/health";
    for (url, expected) in [
        ("", format!("is not a URL; {REMEDY}")),
        ("http://a b/", format!("is not a URL; {REMEDY}")),
        ("shop.example.com/health", format!("is not a URL; {REMEDY}")),
        ("/health", format!("is not an http:// or https:// URL; {REMEDY}")),
        ("ftp://shop.example.com/", format!("is not an http:// or https:// URL; {REMEDY}")),
        ("http://:80/", format!("has no host; {REMEDY}")),
        ("http://shop..com/", format!("has no host; {REMEDY}")),
        ("http://shop.example.com:99999/", format!("has no valid port; {REMEDY}")),
        (
            "http://user:word@shop.example.com/",
            "holds credentials, which a plan must not; leave out what stands before the @".to_owned(),
        ),
    ] {
        let found = lines(&shop_with(&[("/detection/probes/0/url", json!(url))]));
        assert_eq!(found, [format!("detection.probes[0].url: {expected}")], "{url}");
    }
    for url in ["https://shop.example.com", "http://10.0.0.1:8080/health?deep=1", "http://[2001:db8::1]:80/"]
    {
        assert_eq!(
            lines(&shop_with(&[("/detection/probes/0/url", json!(url))])),
            Vec::<String>::new(),
            "{url}"
        );
    }
    assert_rows(&[
        (
            &[("/routes/0/probe/url", || json!("nowhere"))],
            &["routes[0].probe.url: is not an http:// or https:// URL; give one like \
               http://shop.example.com/health"],
        ),
        (
            &[("/detection/probes/1/host", || json!("http://db"))],
            &[
                "detection.probes[1].host: is not a host; give a host name or an address alone, without scheme, \
               port or path",
            ],
        ),
    ]);
}

#[test]
fn a_plan_without_parameters_copies_none() {
    for nothing in [Value::Null, json!("null")] {
        let mut plan = shop();
        if nothing.is_null() {
            plan.as_object_mut().unwrap().remove("parameters");
        } else {
            plan["parameters"] = Value::Null;
        }
        assert_eq!(Plan::from_json(&plan.to_string()).unwrap().parameters, None);
    }
}

#[test]
fn what_is_copied_of_the_parameters_is_checked() {
    const LEVELS: &str = "give a name's levels, like /shop/** or /shop/*/url";
    let pattern = |text: &str| lines(&shop_with(&[("/parameters/include/0", json!(text))]));
    for (text, problem) in [
        ("", "does not begin with a slash"),
        ("shop/**", "does not begin with a slash"),
        ("/**", "has no first level that is named and followed by another"),
        ("/shop", "has no first level that is named and followed by another"),
        ("/sh*p/url", "has no first level that is named and followed by another"),
        (
            "/shop//url",
            "has a level that is empty, or holds more than letters, digits, _ . - and * (** stands alone)",
        ),
        (
            "/shop/a**",
            "has a level that is empty, or holds more than letters, digits, _ . - and * (** stands alone)",
        ),
        (
            "/shop/{a,b}",
            "has a level that is empty, or holds more than letters, digits, _ . - and * (** stands alone)",
        ),
        (
            "/shop/",
            "has a level that is empty, or holds more than letters, digits, _ . - and * (** stands alone)",
        ),
        ("/aws/x", "lies under /aws, which is AWS's or Pilotlight's own in each region"),
        ("/Pilotlight/**", "lies under /pilotlight, which is AWS's or Pilotlight's own in each region"),
        ("/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p", "is longer or deeper than a parameter's name can be"),
    ] {
        assert_eq!(pattern(text), [format!("parameters.include[0]: {problem}; {LEVELS}")], "{text}");
    }
    for sound in ["/shop/**", "/shop/*/url", "/shop/db/url", "/shop/**/url", "/shop/a*b/_x-y.z"] {
        assert_eq!(pattern(sound), Vec::<String>::new(), "{sound}");
    }
    assert_rows(&[
        (
            &[("/parameters/include", || json!([]))],
            &[
                "parameters.include: is empty, so nothing would be copied; give at least one pattern, like /shop/**, \
               or leave parameters out",
            ],
        ),
        (
            &[("/parameters/include", || Value::Null)],
            &["parameters.include: is missing; give a list of at least one pattern, like /shop/**"],
        ),
        (
            &[("/parameters/overrides/-", || json!("/shop/scratch/**"))],
            &["parameters.overrides[1]: is the same as parameters.exclude[0]; keep one of the two"],
        ),
        (
            &[("/parameters/exclude", || (0..501).map(|n| json!(format!("/shop/x/{n}"))).collect())],
            &[
                "parameters.exclude: holds 501 patterns, more than 500; let fewer patterns stand for more, with * and **",
            ],
        ),
        (
            &[("/parameters/existing", || json!("adapt"))],
            &["parameters.existing: is `adapt`, which is not known; did you mean `adopt`?"],
        ),
        (
            &[("/parameters/overides", || json!([]))],
            &["parameters.overides: is not a field of the plan; did you mean `overrides`?"],
        ),
        (
            &[("/parameters/keys/primary", || json!("arn:aws:kms:us-west-1:123456789012:key/1"))],
            &[
                "parameters.keys.primary: is a key of us-west-1, and what it encrypts is written in us-east-2; give a \
               key of us-east-2",
            ],
        ),
        (
            &[("/parameters/keys/recovery", || json!("arn:aws:rds:us-west-1:123456789012:db:shop"))],
            &[
                "parameters.keys.recovery: is not the ARN of a key of KMS; give an alias (alias/shop), a key's id or \
               its ARN",
            ],
        ),
        (
            &[("/parameters/keys/primary", || json!("my key"))],
            &[
                "parameters.keys.primary: is not a key of KMS; give an alias (alias/shop), a key's id or its ARN",
            ],
        ),
        (
            &[("/parameters/keys/tertiary", || json!("alias/x"))],
            &["parameters.keys.tertiary: is not a field of the plan; known: primary, recovery"],
        ),
    ]);
}

/// The bounded numbers: where each is, and its bounds.
const BOUNDED: &[(&str, bounds::Bounds)] = &[
    ("/databases/0/backup_retention_days", bounds::BACKUP_RETENTION_DAYS),
    ("/fleets/0/capacity/min", bounds::CAPACITY),
    ("/fleets/0/capacity/desired", bounds::CAPACITY_DESIRED),
    ("/fleets/0/capacity/max", bounds::CAPACITY),
    ("/fleets/0/healthy_targets_min", bounds::HEALTHY_TARGETS),
    ("/routes/0/primary/weight", bounds::WEIGHT),
    ("/routes/0/recovery/weight", bounds::WEIGHT),
    ("/detection/probes/0/expect_status", bounds::EXPECT_STATUS),
    ("/detection/probes/0/timeout_seconds", bounds::PROBE_TIMEOUT_SECONDS),
    ("/detection/probes/1/timeout_seconds", bounds::PROBE_TIMEOUT_SECONDS),
    ("/detection/probes/1/port", bounds::PORT),
];

/// Those that stand at the same place in both schemas.
pub(crate) const BOUNDED_ALIKE: &[(&str, bounds::Bounds)] = &[
    ("/detection/confirm_seconds", bounds::CONFIRM_SECONDS),
    ("/parameters/puts_per_second", bounds::PUTS_PER_SECOND),
    ("/parameters/deletes_percent_max", bounds::DELETES_PERCENT),
    ("/detection/signal_age_seconds_max", bounds::SIGNAL_AGE_SECONDS),
    ("/detection/cooldown_seconds", bounds::COOLDOWN_SECONDS),
    ("/limits/lag_seconds_max", bounds::LAG_SECONDS),
    ("/limits/rto_seconds", bounds::RTO_SECONDS),
    ("/limits/approval_seconds_max", bounds::APPROVAL_SECONDS),
    ("/limits/function_timeout_seconds/alarm_handler", bounds::FUNCTION_TIMEOUT_SECONDS),
    ("/limits/function_timeout_seconds/promote_replica", bounds::FUNCTION_TIMEOUT_SECONDS),
    ("/limits/function_timeout_seconds/scale_asg", bounds::FUNCTION_TIMEOUT_SECONDS),
    ("/limits/function_timeout_seconds/shift_traffic", bounds::FUNCTION_TIMEOUT_SECONDS),
    ("/limits/step_seconds_max/scale", bounds::STEP_SECONDS),
    ("/limits/step_seconds_max/fence", bounds::STEP_SECONDS),
    ("/limits/step_seconds_max/promote", bounds::STEP_SECONDS),
    ("/limits/step_seconds_max/open", bounds::STEP_SECONDS),
    ("/limits/step_seconds_max/verify", bounds::STEP_SECONDS),
    ("/limits/step_seconds_max/quarantine", bounds::STEP_SECONDS),
];

/// A pointer as a path: `/databases/0/name` is `databases[0].name`.
fn path_of(pointer: &str) -> String {
    pointer.trim_start_matches('/').split('/').fold(String::new(), |path, part| {
        match (part.parse::<usize>(), path.is_empty()) {
            (Ok(index), _) => format!("{path}[{index}]"),
            (Err(_), true) => part.to_owned(),
            (Err(_), false) => format!("{path}.{part}"),
        }
    })
}

#[test]
fn every_number_keeps_to_its_bounds_and_both_ends_are_allowed() {
    for (pointer, bounds) in BOUNDED.iter().chain(BOUNDED_ALIKE) {
        let place = format!("{}: is ", path_of(pointer));
        let out_of_bounds = |value: u64| {
            let plan = shop_with(&[(pointer, json!(value))]);
            let expected = format!("{place}{value}, outside {bounds}; ");
            lines(&plan).iter().filter(|line| line.starts_with(&expected)).count()
        };
        assert_eq!(out_of_bounds(bounds.min), 0, "{pointer} at its least");
        assert_eq!(out_of_bounds(bounds.max), 0, "{pointer} at its greatest");
        assert_eq!(out_of_bounds(bounds.max + 1), 1, "{pointer} above");
        assert_eq!(out_of_bounds(u64::MAX), 1, "{pointer} far above");
        if let Some(below) = bounds.min.checked_sub(1) {
            assert_eq!(out_of_bounds(below), 1, "{pointer} below");
        }
    }
}

#[test]
fn timeouts_deadlines_and_the_objective_are_named_together() {
    assert_rows(&[
        (
            &[("/limits/function_timeout_seconds/alarm_handler", || json!(240))],
            &["limits.function_timeout_seconds.alarm_handler: is 240, not less than \
               limits.step_seconds_max.verify, which is 240; raise the step's deadline or lower the function's \
               timeout: a step goes on over several invocations"],
        ),
        (
            &[("/limits/function_timeout_seconds/promote_replica", || json!(900))],
            &["limits.function_timeout_seconds.promote_replica: is 900, not less than \
               limits.step_seconds_max.quarantine, which is 900; raise the step's deadline or lower the \
               function's timeout: a step goes on over several invocations"],
        ),
        (
            &[("/limits/step_seconds_max/promote", || json!(600))],
            &["limits.function_timeout_seconds.promote_replica: is 840, not less than \
               limits.step_seconds_max.promote, which is 600; raise the step's deadline or lower the function's \
               timeout: a step goes on over several invocations"],
        ),
        (
            &[("/limits/step_seconds_max/scale", || json!(840))],
            &[
                "limits.function_timeout_seconds.scale_asg: is 840, not less than limits.step_seconds_max.scale, \
               which is 840; raise the step's deadline or lower the function's timeout: a step goes on over \
               several invocations",
            ],
        ),
        (
            &[("/limits/function_timeout_seconds/shift_traffic", || json!(200))],
            &["limits.function_timeout_seconds.shift_traffic: is 200, not less than \
               limits.step_seconds_max.fence, which is 180; raise the step's deadline or lower the function's \
               timeout: a step goes on over several invocations"],
        ),
        (
            &[("/limits/step_seconds_max/open", || json!(100))],
            &["limits.function_timeout_seconds.shift_traffic: is 120, not less than \
               limits.step_seconds_max.open, which is 100; raise the step's deadline or lower the function's \
               timeout: a step goes on over several invocations"],
        ),
        (
            &[("/limits/rto_seconds", || json!(1800))],
            &[
                "limits.step_seconds_max.promote: is 1800, not less than limits.rto_seconds, which is 1800; lower \
               the step's deadline or raise the objective: a step that may take as long can't keep it",
            ],
        ),
    ]);
}

#[test]
fn a_field_that_is_unknown_missing_given_twice_or_of_another_type_is_named() {
    assert_rows(&[
        (
            &[("/databases/0/replcia", || json!("x"))],
            &["databases[0].replcia: is not a field of the plan; did you mean `replica`?"],
        ),
        (
            &[("/regions/third", || json!("x"))],
            &["regions.third: is not a field of the plan; known: primary, recovery"],
        ),
        (
            &[("/detection/probes/1/url", || json!("http://x/"))],
            &["detection.probes[1].url: is not a field of the plan; known: kind, name, host, port, \
               timeout_seconds"],
        ),
        (
            &[("/databases/0/replica", || Value::Null)],
            &["databases[0].replica: is missing; give the ARN of its replica in the recovery region"],
        ),
        (
            &[("/detection/probes/0/kind", || Value::Null)],
            &["detection.probes[0].kind: is missing; give one of: http, tcp"],
        ),
        (
            &[("/detection/probes/0/kind", || json!("htttp"))],
            &["detection.probes[0].kind: is `htttp`, which is not known; did you mean `http`?"],
        ),
        (
            &[("/fleets/0/kind", || json!("ecs_service"))],
            &["fleets[0].kind: is `ecs_service`, which is not known; known: auto_scaling_group"],
        ),
        (&[("/mode", || json!("auto"))], &["mode: is `auto`, which is not known; known: approve, automatic"]),
        (
            &[("/account", || json!(123_456_789_012_u64))],
            &["account: is the number 123456789012, not a text; give the AWS account, 12 digits in quotes"],
        ),
        (
            &[("/fleets/0/capacity/min", || json!(-1))],
            &[
                "fleets[0].capacity.min: is the number -1, not a whole number; give a whole number from 0 to 100000",
            ],
        ),
        (
            &[("/limits/rto_seconds", || json!("1h"))],
            &[
                "limits.rto_seconds: is a text, not a whole number; give a whole number from 60 to 604800, or leave \
               it out",
            ],
        ),
        (
            &[("/detection/alarms", || json!("x"))],
            &["detection.alarms: is a text, not a list; give a list of ARNs of alarms"],
        ),
        (
            &[("/databases/1/after", || json!([1]))],
            &["databases[1].after[0]: is the number 1, not a text; give names of items of the plan"],
        ),
        // The items that wait for what can't be read are not blamed for it.
        (
            &[("/databases/0", || json!("orders"))],
            &[
                "databases[0]: is a text, not an object; give an object with name, kind, global_cluster, primary, \
             replica, backup_retention_days, quarantine_security_group, after",
            ],
        ),
        (
            &[("/databases/0/name", || Value::Null)],
            &[
                "databases[0].name: is missing; give a name of 1 to 40 characters of a-z, 0-9 and hyphens that starts \
             with a letter",
            ],
        ),
        (&[("/regions", || Value::Null)], &["regions: is missing; give an object with primary and recovery"]),
    ]);
    let twice = SHOP.replacen("\"name\": \"shop\"", "\"name\": \"shop\", \"name\": \"shop2\"", 1);
    assert_eq!(lines_of_text(&twice), ["name: is given twice; keep one of the two"]);
}

#[test]
fn what_is_no_object_of_json_is_one_problem() {
    for (text, expected) in [
        ("", "plan: is not JSON ("),
        ("{", "plan: is not JSON ("),
        ("[]", "plan: is a list, not an object; give an object with schema, name, mode, sides"),
        ("null", "plan: is null, not an object; "),
    ] {
        let found = lines_of_text(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(expected), "{found:?}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(lines_of_text(&deep)[0].contains("recursion limit exceeded"));
}

#[test]
fn all_problems_are_named_at_once() {
    let plan = shop_with(&[
        ("/schema", json!(7)),
        ("/operator_function", Value::Null),
        ("/colour", json!("red")),
        ("/databases/0/primary", json!("arn:aws:rds:us-west-1:123456789012:db:shop-orders")),
        ("/databases/0/repluca", json!(1)),
        ("/databases/1/after", json!(["order"])),
        ("/fleets/0/capacity/max", json!("four")),
        ("/fleets/0/healthy_targets_min", json!(9)),
        ("/routes/0/primary/weight", json!(0)),
        ("/detection/probes/1/port", json!(70_000)),
        ("/limits/rto_seconds", json!(1000)),
    ]);
    let error = Plan::from_json(&plan.to_string()).unwrap_err();
    let paths: Vec<&str> = error.as_slice().iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "colour",
            "databases[0].repluca",
            "fleets[0].capacity.max",
            "detection.probes[1].port",
            "operator_function",
            "schema",
            "databases[1].after[0]",
            "databases[0].primary",
            "fleets[0].healthy_targets_min",
            "routes[0].primary.weight",
            "limits.step_seconds_max.promote",
            "limits.step_seconds_max.scale",
        ]
    );
    assert_eq!(error.to_string().lines().count(), paths.len());
}

/// A plan of 1,000 databases in one chain and 500 fleets, each of which waits for two of them.
fn large_plan() -> Value {
    let databases = (0..1000).map(|n| {
        json!({
            "name": format!("db-{n}"),
            "kind": "rds_replica",
            "primary": format!("arn:aws:rds:us-east-2:123456789012:db:db-{n}"),
            "replica": format!("arn:aws:rds:us-west-1:123456789012:db:db-{n}-replica"),
            "after": if n > 0 { vec![format!("db-{}", n - 1)] } else { vec![] },
        })
    });
    let fleets = (0..500).map(|n| {
        json!({
            "name": format!("fleet-{n}"),
            "kind": "auto_scaling_group",
            "group": format!("group-{n}"),
            "target_groups": [
                format!("arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/fleet-{n}/0a1b2c3d4e5f6071")
            ],
            "capacity": {"min": 1, "desired": 1, "max": 2},
            "healthy_targets_min": 1,
            "after": [format!("db-{n}"), format!("db-{}", n + 500)],
        })
    });
    let mut plan = shop_with(&[("/routes/0/after", json!([]))]);
    plan["routes"].as_array_mut().unwrap().truncate(1);
    plan["databases"] = databases.collect();
    plan["fleets"] = fleets.collect();
    plan
}

#[test]
fn a_plan_of_1000_databases_and_500_fleets_is_checked_in_linear_time() {
    let plan = large_plan();
    assert_eq!(lines(&plan), Vec::<String>::new());
    let mut ring = plan.clone();
    ring["databases"][0]["after"] = json!(["db-999"]);
    let found = lines(&ring);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("databases[0].after: closes a cycle: db-0 waits for db-999 "), "{found:?}");
    assert!(found[0].contains("(988 more) waits for db-0; "), "{found:?}");
    // All 1,500 wait for what isn't there: one line each, and only the first few are searched for what was meant.
    let mut lost = plan;
    for item in ["databases", "fleets"] {
        for item in lost[item].as_array_mut().unwrap() {
            item["after"] = json!(["db-x"]);
        }
    }
    assert_eq!(lines(&lost).len(), 1500);
}

#[test]
fn the_checked_in_schema_is_the_schema_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/plan.schema.json");
    let checked_in: Value = std::fs::read_to_string(path)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    assert_eq!(
        checked_in,
        plan_schema(),
        "docs/plan.schema.json is stale; run: cargo run -p protocol --example plan-schema > docs/plan.schema.json"
    );
}

fn snapshots() -> Value {
    json!({ "schedule": "cron(0 3 * * ? *)" })
}

#[test]
fn a_plan_without_snapshots_keeps_none_and_one_with_them_has_the_documented_values() {
    assert_eq!(Plan::from_json(SHOP).unwrap().snapshots, None);
    let mut null = shop();
    null["snapshots"] = Value::Null;
    assert_eq!(lines(&null), Vec::<String>::new(), "null is as good as left out");
    let plan = Plan::from_json(&shop_with(&[("/snapshots", snapshots())]).to_string()).unwrap();
    let policy = plan.snapshots.clone().unwrap();
    let keep = policy.keep;
    assert_eq!((keep.daily, keep.weekly, keep.monthly), (7, 4, 6));
    assert_eq!((policy.keep_min, policy.deletions_max), (2, 10));
    assert!(policy.except.is_empty() && policy.kms_key_arns.recovery.is_none());
    assert_eq!(Plan::from_json(&serde_json::to_string(&plan).unwrap()).unwrap(), plan);
}

#[test]
fn snapshots_are_checked() {
    const HINT: &str = "give a schedule of EventBridge in UTC, at most once an hour, like cron(0 3 * * ? *): minute, \
                        hour, day of month, month, day of week, year";
    let found = |field: &str, value: Value| {
        let mut policy = snapshots();
        policy[field] = value;
        lines(&shop_with(&[("/snapshots", policy)]))
    };
    assert_eq!(
        lines(&shop_with(&[("/snapshots", json!({}))])),
        [format!("snapshots.schedule: is missing; {HINT}")]
    );
    assert_eq!(
        found("schedule", json!("rate(1 day)")),
        [format!("snapshots.schedule: is not written as cron(…); {HINT}")]
    );
    assert_eq!(
        found("schedule", json!("cron(* * * * ? *)")),
        [format!(
            "snapshots.schedule: has the minutes *, and more than one time an hour is too often; {HINT}"
        )]
    );
    assert_eq!(
        found("keep", json!({ "daily": 1, "weekly": 0, "monthly": 0 })),
        [
            "snapshots.keep_min: is 2, more than all of snapshots.keep together, which is 1; raise a tier or lower \
          keep_min: the tiers say what is kept, keep_min is the floor below them"
        ]
    );
    assert_eq!(
        found("keep_min", json!(0)),
        ["snapshots.keep_min: is 0, outside 1 to 366; give a whole number from 1 to 366"]
    );
    assert_eq!(
        found("deletions_max", json!(101)),
        ["snapshots.deletions_max: is 101, outside 0 to 100; give a whole number from 0 to 100"]
    );
    assert_eq!(
        found("keep", json!({ "dayly": 1 })),
        ["snapshots.keep.dayly: is not a field of the plan; did you mean `daily`?"]
    );
    assert_eq!(
        found("kms_key_arns", json!({ "recovery": "arn:aws:kms:us-east-2:123456789012:key/0a1b" })),
        [
            "snapshots.kms_key_arns.recovery: lies in us-east-2, and the recovery region is us-west-1; give the ARN of a \
          KMS key, like arn:aws:kms:us-west-1:123456789012:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
        ]
    );
    assert_eq!(
        found("kms_key_arns", json!({ "primary": "alias/shop" })),
        ["snapshots.kms_key_arns.primary: is not an ARN; give the ARN of a KMS key, like \
          arn:aws:kms:us-west-1:123456789012:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"]
    );
    assert_eq!(
        found("except", json!(["web", "stock", "stock"])),
        [
            "snapshots.except[0]: is web, which is no database of the plan; give a database's name",
            "snapshots.except[2]: is stock once more; give each database once",
        ]
    );
    assert_eq!(found("option_groups", json!([{ "database": "orders", "recovery": "shop-oracle" }])), [""; 0]);
    assert_eq!(
        found(
            "option_groups",
            json!([
                { "database": "web", "recovery": "shop-oracle" },
                { "database": "stock", "primary": "9lives" },
                { "database": "stock", "primary": "a".repeat(256) },
            ])
        )
        .iter()
        .map(|line| line
            .split_once(';')
            .map_or(line.as_str(), |(problem, _)| problem)
            .chars()
            .take(80)
            .collect::<String>())
        .collect::<Vec<_>>(),
        [
            "snapshots.option_groups[0].database: is web, which is no database of the plan".to_owned(),
            "snapshots.option_groups[1].primary: is 9lives, which is no name of an option gro".to_owned(),
            "snapshots.option_groups[2].database: is stock once more".to_owned(),
            format!("snapshots.option_groups[2].primary: is {}", "a".repeat(41)),
        ]
    );
    assert_eq!(found("option_groups", json!([{ "database": "stock", "primary": "a".repeat(255) }])), [""; 0]);
}

#[test]
fn names_that_no_snapshot_can_have_are_refused_only_where_snapshots_are_kept() {
    let double = [("/databases/1/name", json!("stock--2")), ("/routes/0/after", json!(["orders", "web"]))];
    assert_eq!(lines(&shop_with(&double)), Vec::<String>::new());
    let mut with = double.to_vec();
    with.push(("/snapshots", snapshots()));
    let expected = "databases[1].name: is stock--2, which can't be part of a snapshot's identifier; give a name without \
                    two hyphens in a row or one at its end, or leave snapshots out";
    assert_eq!(lines(&shop_with(&with)), [expected]);
    with.last_mut().unwrap().1["except"] = json!(["stock--2"]);
    assert_eq!(lines(&shop_with(&with)), Vec::<String>::new());
    with[0] = ("/name", json!("shop-"));
    assert_eq!(lines(&shop_with(&[("/name", json!("shop-")), ("/snapshots", snapshots())])).len(), 1);
}

#[test]
fn an_alarm_that_is_listed_in_two_spellings_of_its_accents_is_listed_twice() {
    let alarm = |name: &str| format!("arn:aws:cloudwatch:us-east-2:123456789012:alarm:{name}");
    let alarms = json!([alarm("\u{dc}berlast"), alarm("U\u{308}berlast"), alarm("Uberlast")]);
    let plan = shop_with(&[("/detection/alarms", alarms)]);
    assert_eq!(lines(&plan), ["detection.alarms[1]: is the same as detection.alarms[0]; give each once"]);
}
