//! What holds for every text that might be a plan, and for every plan that is valid.

#![allow(clippy::too_many_lines, reason = "tables are long")]

use crate::shapes::as_aurora;
use proptest::prelude::*;
use protocol::name::Name;
use protocol::plan::{Capacity, DatabaseKind, Mode, Plan, Probe};
use protocol::side::Side;
use serde_json::{Value, json};

const SHOP: &str = include_str!("plans/shop.json");

/// Arbitrary JSON, of which many keys and words are those of a plan.
fn arbitrary_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        "[a-z_]{0,8}",
        prop::sample::select(vec![
            "schema",
            "name",
            "account",
            "regions",
            "primary",
            "recovery",
            "databases",
            "fleets",
            "routes",
            "kind",
            "detection",
            "limits",
            "probes",
            "http",
            "tcp",
            "rds_replica",
            "after",
            "capacity",
            "us-east-2",
            "arn:aws:rds:us-east-2:123456789012:db:x",
            "url",
            "port",
            "weight",
            "\u{0}",
            "é…",
            "http://[::1",
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(word.clone(), inner, 0..8)
                .prop_map(|fields| Value::from_iter(fields.into_iter().collect::<Vec<_>>())),
        ]
    })
}

/// Whatever stands at one place of the shop's plan, or of arbitrary JSON, a sentence comes of it.
fn assert_each_problem_is_one_line(text: &str) {
    if let Err(problems) = Plan::from_json(text) {
        assert!(!problems.as_slice().is_empty());
        assert_eq!(problems.to_string().lines().count(), problems.as_slice().len(), "{problems}");
    }
}

/// How many items of each kind, and which earlier ones each waits for (as bits).
fn valid_plan() -> impl Strategy<Value = Plan> {
    let waits = || prop::collection::vec(any::<u16>(), 0..6);
    let numbers = (10..=900_u32, 30..=3600_u32, 0..=86_400_u32, 0..=86_400_u32, 1..=35_u8, 1..=255_u8);
    (waits(), waits(), any::<u16>(), any::<bool>(), (1..5_u32, 0..5_u32, 0..5_u32), numbers).prop_map(
        |(databases, fleets, route_waits, automatic, (desired, less, more), numbers)| {
            let (confirm, age, cooldown, lag, days, weight) = numbers;
            let mut plan = Plan::from_json(SHOP).unwrap();
            let earlier = |names: &[Name], bits: u16| -> Vec<Name> {
                names
                    .iter()
                    .enumerate()
                    .filter(|(n, _)| bits & (1 << n) != 0)
                    .map(|(_, n)| n.clone())
                    .collect()
            };
            let (first_database, first_fleet) = (plan.databases[0].clone(), plan.fleets[0].clone());
            let mut names: Vec<Name> = Vec::new();
            plan.databases.clear();
            for (n, bits) in databases.iter().enumerate() {
                let mut database = first_database.clone();
                database.name = Name::new(format!("db-{n}"));
                for side in Side::BOTH {
                    database.arn_mut(side).push_str(&n.to_string());
                }
                if let DatabaseKind::RdsReplica { sides } = &mut database.kind {
                    sides.recovery.backup_retention_days = days;
                }
                if n % 3 == 2 {
                    as_aurora(&mut database, &format!("global-{n}"));
                }
                database.after = earlier(&names, *bits);
                names.push(database.name.clone());
                plan.databases.push(database);
            }
            plan.fleets.clear();
            for (n, bits) in fleets.iter().enumerate() {
                let mut fleet = first_fleet.clone();
                fleet.name = Name::new(format!("fleet-{n}"));
                let at = fleet.sides.recovery.as_mut().expect("the shop's fleets have this side");
                at.group = format!("group {n}");
                at.serving = Capacity { min: desired.saturating_sub(less), desired, max: desired + more };
                at.healthy_targets_min = desired;
                fleet.after = earlier(&names, *bits);
                names.push(fleet.name.clone());
                plan.fleets.push(fleet);
            }
            plan.routes[0].after = earlier(&names, route_waits);
            plan.routes[0].sides.recovery.weight = weight;
            plan.mode = if automatic { Mode::Automatic } else { Mode::Approve };
            plan.detection.confirm_seconds = confirm;
            plan.detection.signal_age_seconds_max = age;
            plan.detection.cooldown_seconds = cooldown;
            plan.limits.lag_seconds_max = lag;
            plan
        },
    )
}

proptest! {
    #[test]
    fn no_json_makes_the_reader_panic(value in arbitrary_json()) {
        assert_each_problem_is_one_line(&value.to_string());
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}") {
        assert_each_problem_is_one_line(&text);
    }

    #[test]
    fn no_change_to_a_plan_makes_the_reader_panic(
        place in prop::sample::select(vec![
            "/schema", "/name", "/account", "/regions", "/regions/primary", "/databases", "/databases/0",
            "/databases/0/after", "/databases/1/after/0", "/fleets/0/capacity", "/fleets/0/target_groups/0",
            "/routes/0/primary/endpoint", "/routes/0/probe", "/parameters", "/parameters/include", "/parameters/keys", "/detection", "/detection/probes/0",
            "/detection/probes/0/url", "/detection/probes/1/host", "/limits", "/limits/step_seconds_max/scale",
        ]),
        value in arbitrary_json(),
    ) {
        let mut plan: Value = serde_json::from_str(SHOP).unwrap();
        *plan.pointer_mut(place).unwrap() = value;
        assert_each_problem_is_one_line(&plan.to_string());
    }

    #[test]
    fn no_url_or_host_makes_the_reader_panic(text in "\\PC{0,60}", url in "https?://[a-z:@\\[\\]/.#0-9]{0,30}") {
        let mut plan = Plan::from_json(SHOP).unwrap();
        let name = Name::new("probe");
        plan.detection.sides.primary.probes = vec![
            Probe::Http { name: name.clone(), url: text.clone(), expect_status: 200, timeout_seconds: 3 },
            Probe::Http { name: name.clone(), url, expect_status: 200, timeout_seconds: 3 },
            Probe::Tcp { name, host: text, port: 1, timeout_seconds: 3 },
        ];
        plan.validate();
    }

    #[test]
    fn a_valid_plan_comes_back_from_its_own_json(plan in valid_plan()) {
        prop_assert_eq!(plan.validate(), Vec::new());
        let text = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(Plan::from_json(&text).unwrap(), plan);
    }

    #[test]
    fn a_plan_with_one_unknown_field_is_refused_at_every_place(plan in valid_plan(), place in 0..3_usize) {
        let mut value = json!(plan);
        let pointer = ["", "/detection", "/routes/0"][place];
        value.pointer_mut(pointer).unwrap()["zzz"] = json!(1);
        let problems = Plan::from_json(&value.to_string()).unwrap_err();
        prop_assert_eq!(problems.as_slice().len(), 1);
        prop_assert!(problems.as_slice()[0].path.ends_with("zzz"));
    }
}
