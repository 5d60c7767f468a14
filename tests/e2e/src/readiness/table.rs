//! How each readiness check is broken and mended, in the order of `protocol::readiness::names()`. A new check needs a row
//! here and nothing else; a test says which one is missing.

use serde_json::json;

use super::bench::{Bench, Task};

/// When a check is made: while the replica waits to be promoted, or after everything has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Waiting,
    Moved,
}

/// What is done to a check.
pub(super) enum Breakage {
    /// It is broken, finds this and says so in these words, and is mended.
    By { breaks: Hand, mends: Hand, finding: &'static str, words: &'static [&'static str] },
    /// It finds this in these words for as long as the time lasts, and nothing mends it.
    Stands { finding: &'static str, words: &'static [&'static str] },
    /// The local world can't break it; why, and what judges it instead.
    Impossible { why: &'static str },
}

type Hand = for<'b> fn(&'b Bench<'_, '_>) -> Task<'b>;

/// One check.
pub(super) struct Row {
    /// Its name.
    pub(super) check: &'static str,
    /// When it is made.
    pub(super) when: When,
    /// What is done to it.
    pub(super) breakage: Breakage,
}

const fn waiting(check: &'static str, words: &'static [&'static str], breaks: Hand, mends: Hand) -> Row {
    by(check, When::Waiting, "not_ready", words, breaks, mends)
}

const fn moved(check: &'static str, words: &'static [&'static str], breaks: Hand, mends: Hand) -> Row {
    by(check, When::Moved, "not_ready", words, breaks, mends)
}

/// A price that is noted while the replica waits.
const fn noted(check: &'static str, words: &'static [&'static str], breaks: Hand, mends: Hand) -> Row {
    by(check, When::Waiting, "note", words, breaks, mends)
}

const fn by(
    check: &'static str,
    when: When,
    finding: &'static str,
    words: &'static [&'static str],
    breaks: Hand,
    mends: Hand,
) -> Row {
    Row { check, when, breakage: Breakage::By { breaks, mends, finding, words } }
}

const fn impossible(check: &'static str, why: &'static str) -> Row {
    Row { check, when: When::Waiting, breakage: Breakage::Impossible { why } }
}

pub(super) const TABLE: &[Row] = &[
    Row {
        check: "workload_protected",
        when: When::Moved,
        breakage: Breakage::Stands {
            finding: "not_ready",
            words: &["The workload is unprotected since", "no replica of orders and no functions"],
        },
    },
    waiting(
        "replica_available",
        &["has status storage-full"],
        |bench| bench.replica(json!({ "status": "storage-full" })),
        |bench| bench.replica(json!({ "status": "available" })),
    ),
    waiting(
        "replica_replicates",
        &["It does not replicate"],
        |bench| bench.replica(json!({ "replication": "error" })),
        |bench| bench.replica(json!({ "replication": "replicating" })),
    ),
    waiting(
        "lag_within_limit",
        &["Its lag is 5 min", "the limit is"],
        |bench| bench.replica(json!({ "lag_seconds": 300 })),
        |bench| bench.replica(json!({ "lag_seconds": "measured" })),
    ),
    waiting(
        "backup_window_clear",
        &["A backup is running"],
        |bench| bench.replica(json!({ "status": "backing-up" })),
        |bench| bench.replica(json!({ "status": "available" })),
    ),
    moved(
        "database_writable",
        &["has status storage-full and no replication source"],
        |bench| bench.replica(json!({ "status": "storage-full" })),
        |bench| bench.replica(json!({ "status": "available" })),
    ),
    moved("backups_on", &["It has no automated backups"], |bench| bench.backups(0), |bench| bench.backups(7)),
    noted(
        "replica_like_primary",
        &["After a failover it serves in one zone (the primary: Multi-AZ)."],
        |bench| bench.primary_standby(true),
        |bench| bench.primary_standby(false),
    ),
    Row {
        check: "database_multi_az",
        when: When::Moved,
        breakage: Breakage::Stands { finding: "note", words: &["It serves from one zone"] },
    },
    impossible(
        "parameter_group_writable",
        "The stack's database is PostgreSQL, which no parameter group keeps from writing: protocol/tests/readiness.rs judges \
         MySQL's, and aws/src/setups.rs reads them.",
    ),
    waiting(
        "group_exists",
        &["The group no-such-group does not exist."],
        |bench| bench.plan(&["fleets", "0", "sides", "recovery", "group"], json!("no-such-group")),
        |bench| bench.plan_as_it_was(),
    ),
    waiting(
        "launch_allowed",
        &["has suspended processes", "Launch"],
        |bench| bench.launches(false),
        |bench| bench.launches(true),
    ),
    waiting(
        "template_and_image",
        &["has no version 99, or does not exist"],
        |bench| bench.template(Some("99")),
        |bench| bench.template(None),
    ),
    waiting(
        "group_attached",
        &["registers its servers with only 0 of its 1 target groups"],
        |bench| bench.attached(false),
        |bench| bench.attached(true),
    ),
    waiting(
        "target_groups_reached",
        &["The target group no-such-group/0123456789abcdef does not exist."],
        |bench| bench.no_such_target_group(),
        |bench| bench.plan_as_it_was(),
    ),
    moved(
        "fleet_healthy",
        &["0 of 2 targets are healthy"],
        |bench| bench.targets(false),
        |bench| bench.targets(true),
    ),
    waiting(
        "scheduled_actions_clear",
        &["After a failover the scheduled action night sets desired to 0, below the plan's"],
        |bench| bench.scheduled(true),
        |bench| bench.scheduled(false),
    ),
    waiting(
        "instance_type_offered",
        &["None of its zones offers x9.huge"],
        |bench| bench.type_of_nowhere(true),
        |bench| bench.type_of_nowhere(false),
    ),
    waiting(
        "launch_keys_granted",
        &["AWSServiceRoleForAutoScaling may not use the keys"],
        |bench| bench.default_volume_key(true),
        |bench| bench.default_volume_key(false),
    ),
    waiting(
        "addresses_free",
        &["Instances to launch: 5000"],
        |bench| {
            bench.plan(
                &["fleets", "0", "sides", "recovery", "serving"],
                json!({ "min": 2, "desired": 5000, "max": 5000 }),
            )
        },
        |bench| bench.plan_as_it_was(),
    ),
    waiting(
        "vcpu_quota_suffices",
        &["the fleets need 10000 vCPUs of the quota L-1216C47A, which is 640"],
        |bench| {
            bench.plan(
                &["fleets", "0", "sides", "recovery", "serving"],
                json!({ "min": 2, "desired": 5000, "max": 5000 }),
            )
        },
        |bench| bench.plan_as_it_was(),
    ),
    waiting(
        "endpoints_present",
        &["The recovery endpoint is not in its group."],
        |bench| bench.endpoint("recovery", None),
        |bench| bench.endpoint("recovery", Some(0)),
    ),
    waiting(
        "serving_side_open",
        &["The primary endpoint is open with weight 5; the plan has weight 128."],
        |bench| bench.endpoint("primary", Some(5)),
        |bench| bench.endpoint("primary", Some(128)),
    ),
    waiting(
        "other_side_closed",
        &["The recovery endpoint is open with weight 7 and may receive traffic"],
        |bench| bench.endpoint("recovery", Some(7)),
        |bench| bench.endpoint("recovery", Some(0)),
    ),
    waiting(
        "recovery_dial_open",
        &["traffic dial is at 50 %"],
        |bench| bench.dial(50.0),
        |bench| bench.dial(100.0),
    ),
    waiting(
        "certificates_valid",
        &["certificate/00000000-0000-4000-8000-000000000000 does not exist"],
        |bench| bench.listener(true),
        |bench| bench.listener(false),
    ),
    waiting(
        "balancer_can_be_healthy",
        &["also forwards to other-than-planned/", "which has no healthy target"],
        |bench| bench.stranger(true),
        |bench| bench.stranger(false),
    ),
    noted(
        "endpoint_groups_tried",
        &["The listener has 4 endpoint groups"],
        |bench| bench.more_endpoint_groups(true),
        |bench| bench.more_endpoint_groups(false),
    ),
    moved(
        "endpoint_healthy",
        &["reports the recovery endpoint as unhealthy"],
        |bench| bench.targets(false),
        |bench| bench.targets(true),
    ),
    waiting(
        "parameters_same",
        &["1 of the parameters differed between us-east-2 and us-west-1", "/killed/app/not-a-copy"],
        |bench| bench.parameter(true),
        |bench| bench.parameter(false),
    ),
    waiting(
        "snapshots_fresh",
        &["us-west-1 has no good one"],
        |bench| bench.snapshots(false),
        |bench| bench.snapshots(true),
    ),
    impossible(
        "source_key_allowed",
        "The stack's primary has AWS's own key, and its key can't be changed: protocol/tests/readiness.rs judges a key that the \
         role may not use, and infra/modules/guard/tests/wiring.tftest.hcl the setting that allows it.",
    ),
    impossible(
        "copy_option_group",
        "The stack's database is PostgreSQL, which has no option that encrypts: protocol/tests/readiness.rs judges Oracle's, and \
         aws/src/setups.rs reads them.",
    ),
    waiting(
        "key_enabled",
        &["is Disabled, so the data that it encrypts is unusable"],
        |bench| bench.keys(false),
        |bench| bench.keys(true),
    ),
    waiting(
        "role_allowed",
        &[
            "IAM does not allow the role of killed-shift-traffic to call globalaccelerator:UpdateEndpointGroup",
        ],
        |bench| bench.foreign_endpoint_group(),
        |bench| bench.plan_as_it_was(),
    ),
    waiting(
        "functions_released",
        &["killed-alarm-handler does not run the code of the release"],
        |bench| bench.release(false),
        |bench| bench.release(true),
    ),
    waiting(
        "functions_reserved",
        &["The reserved concurrency of killed-scale-asg is 0, so Lambda never runs it."],
        |bench| bench.switched_off(true),
        |bench| bench.switched_off(false),
    ),
    waiting(
        "dead_letters_empty",
        &["holds 1 message"],
        |bench| bench.dead_letter(true),
        |bench| bench.dead_letter(false),
    ),
    impossible(
        "chains_short",
        "The stack has one database, and a plan of seventeen would need as many instances: protocol/tests/readiness.rs judges \
         sixteen and seventeen.",
    ),
    waiting(
        "probe_answers",
        &["The probe gets no good answer"],
        // Nothing listens on port 1.
        |bench| {
            bench.plan(
                &["detection", "sides", "primary", "probes", "0", "url"],
                json!("http://127.0.0.1:1/health"),
            )
        },
        |bench| bench.plan_as_it_was(),
    ),
    waiting(
        "signals_heard",
        &["The topic has no confirmed subscription, so no function receives its alarms."],
        |bench| bench.deaf("signals_recovery", 1),
        |bench| bench.hearing(),
    ),
    waiting(
        "commands_heard",
        &["Only 3 of 4 functions receive the commands."],
        |bench| bench.deaf("commands", 1),
        |bench| bench.hearing(),
    ),
    waiting(
        "people_told",
        &["The topic has no subscriber"],
        |bench| bench.deaf("notices_recovery", usize::MAX),
        |bench| bench.hearing(),
    ),
    waiting(
        "journal_compact",
        &["It can't be read beyond record", "its schema is 99"],
        |bench| bench.poison(true),
        |bench| bench.poison(false),
    ),
    impossible(
        "witness_sees",
        "The stack's database holds no data that a witness could ask for: protocol/tests/readiness_witness.rs judges everything \
         that one can say.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_one_row_in_the_order_of_the_table_that_people_read() {
        let rows: Vec<&str> = TABLE.iter().map(|row| row.check).collect();
        let names: Vec<&str> = protocol::readiness::names().collect();
        let missing: Vec<&&str> = names.iter().filter(|name| !rows.contains(name)).collect();
        assert!(missing.is_empty(), "say in this table how {missing:?} can be broken, or why not");
        assert_eq!(rows, names);
    }

    #[test]
    fn what_can_be_broken_has_words_and_what_can_not_has_a_reason() {
        for row in TABLE {
            match &row.breakage {
                Breakage::By { words, finding, .. } | Breakage::Stands { words, finding } => {
                    assert!(!words.is_empty(), "{}", row.check);
                    assert!(["note", "not_ready"].contains(finding), "{}", row.check);
                }
                Breakage::Impossible { why } => assert!(why.ends_with('.'), "{}", row.check),
            }
        }
    }
}
