//! What functions and Terraform refuse alike, where it is not a matter of one field: partitions, opt-in, identifiers, hosts,
//! schedules. `infra/modules/orchestrator/tests` has the same slips by the same names.

use protocol::plan::{Plan, bounds};
use serde_json::{Value, json};

const SHOP: &str = include_str!("plans/shop.json");

/// What the plan of the shop is refused with when some of its places hold something else.
fn refused(changes: &[(&str, Value)]) -> Vec<String> {
    let mut plan: Value = serde_json::from_str(SHOP).unwrap();
    for (pointer, value) in changes {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        match plan.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[field.parse::<usize>().unwrap()] = value.clone(),
            object => object[field] = value.clone(),
        }
    }
    match Plan::from_json(&plan.to_string()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.to_string().lines().map(str::to_owned).collect(),
    }
}

/// What is said of one place, without the remedy.
fn said(changes: &[(&str, Value)], path: &str) -> Vec<String> {
    let lines = refused(changes).into_iter().filter_map(|line| {
        let (place, rest) = line.split_once(": ")?;
        (place == path).then(|| rest.split_once("; ").map_or(rest, |(problem, _)| problem).to_owned())
    });
    lines.collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn db_partition_mixed() {
    let replica = json!("arn:aws-cn:rds:us-west-1:123456789012:db:shop-orders-replica");
    assert_eq!(
        said(&[("/databases/0/replica", replica)], "databases[0].replica"),
        ["is of the partition aws-cn, and the plan's regions are of the partition aws"]
    );
}

#[test]
fn a_key_of_parameters_is_of_the_plans_partition_too() {
    let with_key = |key: &str| {
        let parameters = json!({ "include": ["/shop/**"], "keys": { "recovery": key } });
        said(&[("/parameters", parameters)], "parameters.keys.recovery")
    };
    assert_eq!(with_key("arn:aws:kms:us-west-1:123456789012:key/1"), NOTHING);
    assert_eq!(
        with_key("arn:aws-cn:kms:us-west-1:123456789012:key/1"),
        ["is of the partition aws-cn, and the plan's regions are of the partition aws"]
    );
}

#[test]
fn a_zero_with_a_sign_is_zero() {
    // Terraform writes -0 where a sum ends at 0 from below.
    let text = SHOP.replace("\"cooldown_seconds\": 1800", "\"cooldown_seconds\": -0");
    assert_ne!(text, SHOP, "the plan has the field");
    assert_eq!(Plan::from_json(&text).map(|plan| plan.detection.cooldown_seconds), Ok(0));
}

#[test]
fn a_plan_of_another_partition_is_refused_for_its_regions_once() {
    for (case, regions, partition) in [
        ("partition_aws_us_gov", ["us-gov-east-1", "us-gov-west-1"], "aws-us-gov"),
        ("partition_aws_cn", ["cn-north-1", "cn-northwest-1"], "aws-cn"),
        ("partition_aws_eusc", ["eusc-de-east-1", "eusc-de-east-2"], "aws-eusc"),
    ] {
        let text = SHOP
            .replace("arn:aws:", &format!("arn:{partition}:"))
            .replace("us-east-2", regions[0])
            .replace("us-west-1", regions[1]);
        let problems = Plan::from_json(&text).unwrap_err().to_string();
        let places: Vec<&str> = problems.lines().filter_map(|line| line.split(": ").next()).collect();
        assert_eq!(places, ["regions.primary", "regions.recovery"], "{case}");
        let why = format!(
            "partition {partition}, and Global Accelerator, which steers the routes, exists in the partition aws only"
        );
        assert!(problems.contains(&why), "{case}: {problems}");
    }
}

#[test]
fn only_regions_that_need_no_opt_in_can_recover() {
    let of = |region: &str| said(&[("/regions/recovery", json!(region))], "regions.recovery");
    for region in ["af-south-1", "me-west-1", "sa-west-1", "xx-future-1"] {
        assert!(of(region).join("").contains("an opt-in region, and SNS doesn't deliver"), "{region}");
    }
    // opt_in_osaka_recovery
    for region in ["ap-northeast-3", "us-west-1", "sa-east-1"] {
        assert_eq!(of(region), NOTHING, "{region}");
    }
    // opt_in_primary, opt_in_osaka
    for region in ["eu-south-1", "ap-northeast-3"] {
        assert_eq!(said(&[("/regions/primary", json!(region))], "regions.primary"), NOTHING, "{region}");
    }
}

#[test]
fn db_uppercase() {
    let other = json!("arn:aws:rds:us-west-1:123456789012:db:Shop-Orders-Replica");
    assert_eq!(refused(&[("/databases/0/replica", other.clone())]), NOTHING, "it is the same replica");
    assert_eq!(
        said(&[("/databases/1/replica", other)], "databases[1].replica"),
        ["is used by databases[0].replica already"]
    );
}

#[test]
fn primary_lb_other_account() {
    let elsewhere =
        "arn:aws:elasticloadbalancing:us-east-2:999999999999:loadbalancer/app/shop/0123456789abcdef";
    let lines = refused(&[("/routes/0/primary/endpoint", json!(elsewhere))]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0]
            .ends_with("or name its account in primary_account if the primary region lies in another one")
    );
}

#[test]
fn leading_zero_account() {
    let text = SHOP.replace("123456789012", "012345678901");
    let plan = Plan::from_json(&text).unwrap();
    assert_eq!(plan.own().account.as_str(), "012345678901");
}

#[test]
fn two_listeners_one_lb() {
    let plan: Value = serde_json::from_str(SHOP).unwrap();
    let mut back = plan["routes"][0].clone();
    back["name"] = json!("back");
    back.as_object_mut().unwrap().remove("probe");
    for side in ["primary", "recovery"] {
        let group = back[side]["endpoint_group"].as_str().unwrap();
        let (listener, group) = group.rsplit_once("/endpoint-group/").unwrap();
        back[side]["endpoint_group"] = json!(format!("{listener}-2/endpoint-group/{group}"));
    }
    let routes = json!([plan["routes"][0], back]);
    assert_eq!(refused(&[("/routes", routes)]), NOTHING);
    let twice = json!([plan["routes"][0], { "name": "back", "kind": "global_accelerator", "after": back["after"],
        "primary": plan["routes"][0]["primary"], "recovery": back["recovery"] }]);
    // same_route_twice
    assert_eq!(
        said(&[("/routes", twice)], "routes[1].primary.endpoint"),
        ["is used by routes[0].primary.endpoint already"]
    );
}

#[test]
fn alarm_cdk_slash() {
    let alarm = json!("arn:aws:cloudwatch:us-east-2:123456789012:alarm/shop-down");
    assert_eq!(
        said(&[("/detection/alarms/0", alarm)], "detection.alarms[0]"),
        ["is not the ARN of a CloudWatch alarm"]
    );
}

#[test]
fn group_odd() {
    for name in ["autoScalingGroupName:web", "web-*", "web-?", "läden", "a\tb"] {
        let found = said(&[("/fleets/0/group", json!(name))], "fleets[0].group");
        assert_eq!(found, ["is not the name of an Auto Scaling group"], "{name}");
    }
    for name in ["Shop Web (blue)/1", &"a".repeat(255)] {
        assert_eq!(refused(&[("/fleets/0/group", json!(name))]), NOTHING, "{name}");
    }
}

#[test]
fn an_endpoint_group_with_a_wildcard_would_widen_a_permission() {
    for id in ["*", "a?"] {
        let arn =
            format!("arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/{id}");
        let path = "routes[0].primary.endpoint_group";
        let found = said(&[("/routes/0/primary/endpoint_group", json!(arn))], path);
        assert_eq!(found, ["is not the ARN of a Global Accelerator endpoint group"], "{id}");
    }
}

#[test]
fn an_alarm_of_a_third_region_is_never_asked() {
    let alarm = json!("arn:aws:cloudwatch:eu-west-3:123456789012:alarm:x");
    assert_eq!(
        said(&[("/detection/alarms/0", alarm)], "detection.alarms[0]"),
        ["lies in eu-west-3, which is neither of the plan's regions"]
    );
}

#[test]
fn the_evidence_holds_for_less_than_the_objective() {
    let steps =
        json!({ "scale": 31, "fence": 31, "promote": 31, "open": 31, "verify": 31, "quarantine": 31 });
    let timeouts =
        json!({ "alarm_handler": 30, "promote_replica": 30, "scale_asg": 30, "shift_traffic": 30 });
    let limits =
        json!({ "rto_seconds": 60, "step_seconds_max": steps, "function_timeout_seconds": timeouts });
    let of = |seconds: u64| {
        refused(&[("/limits", limits.clone()), ("/detection/confirm_seconds", json!(seconds))])
    };
    assert_eq!(of(59), NOTHING);
    assert_eq!(
        of(60),
        [
            "detection.confirm_seconds: is 60, not less than limits.rto_seconds, which is 60; lower it or raise the objective: \
             evidence that must hold as long can't keep it"
        ]
    );
}

#[test]
fn a_plans_name_is_the_prefix_of_what_is_created() {
    for name in ["abc", &"a".repeat(31), "a-1"] {
        assert_eq!(refused(&[("/name", json!(name))]), NOTHING, "{name}");
    }
    for name in ["ab", &"a".repeat(32), "shop-"] {
        let found = said(&[("/name", json!(name))], "name");
        assert_eq!(found, [format!("is `{name}`, which is no name of a plan")]);
    }
}

#[test]
fn urls_are_those_that_can_be_asked() {
    let of = |url: &str| said(&[("/detection/probes/0/url", json!(url))], "detection.probes[0].url").join("");
    for (case, url, problem) in [
        ("probe_url_idn", "https://läden.example.com/", "holds a character that no URL has"),
        ("probe_url_no_host", "https:///health", "is not a URL"),
        ("probe_url_port_big", "https://shop.example.com:84430/", "has no valid port"),
        ("probe_url_trailing_dot", "https://shop.example.com./health", "has a host that ends with a dot"),
        ("no port", "https://shop.example.com:/", "has no valid port"),
        ("port 0", "https://shop.example.com:0/", "has no valid port"),
        ("six digits", "https://shop.example.com:000080/", "has no valid port"),
        ("fragment", "https://shop.example.com/#top", "holds a character that no URL has"),
        ("no address", "https://[::g]/", "has no host"),
        ("odd host", "https://shop!.example.com/", "has no host"),
        (
            "route_probe_url_credentials",
            "https://user:word@shop.example.com/",
            "holds credentials, which a plan must not",
        ),
    ] {
        assert!(of(url).starts_with(problem), "{case}: {}", of(url));
    }
    for url in [
        "https://shop.example.com:65535?a=b",
        "http://[2001:db8::1]:80/h",
        "https://xn--lden-loa.example.com/%C3%A4",
    ] {
        assert_eq!(of(url), "", "{url}");
    }
    let long = |length: usize| format!("http://shop.example.com/{}", "a".repeat(length - 24));
    assert_eq!((of(&long(2048)).as_str(), of(&long(2049)).as_str()), ("", "is not a URL"));
}

#[test]
fn what_terraform_writes_for_a_probe_by_tcp_is_a_host() {
    let of =
        |host: &str| said(&[("/detection/probes/1/host", json!(host))], "detection.probes[1].host").join("");
    // probe_tcp_ipv6
    for host in ["2001:db8::1", "10.0.0.1", "db_1.example.com"] {
        assert_eq!(of(host), "", "{host}");
    }
    // probe_tcp_odd_host
    for host in ["db!", "db.example.com.", "[::1]", "db:5432", ""] {
        assert_eq!(of(host), "is not a host", "{host}");
    }
}

#[test]
fn a_number_with_a_fraction_is_none() {
    for (case, pointer, path, value) in [
        ("approval_fraction", "/limits/approval_seconds_max", "limits.approval_seconds_max", 1800.25),
        ("confirm_fraction", "/detection/confirm_seconds", "detection.confirm_seconds", 22.5),
        ("lag_fraction", "/limits/lag_seconds_max", "limits.lag_seconds_max", 0.5),
        (
            "probe_timeout_fraction",
            "/detection/probes/0/timeout_seconds",
            "detection.probes[0].timeout_seconds",
            2.5,
        ),
    ] {
        let found = said(&[(pointer, json!(value))], path);
        assert_eq!(found, [format!("is the number {value}, not a whole number")], "{case}");
    }
    let found = said(&[("/detection/probes/0/expect_status", json!(0))], "detection.probes[0].expect_status");
    assert_eq!(found, [format!("is 0, outside {}", bounds::EXPECT_STATUS)], "probe_status_0");
}
