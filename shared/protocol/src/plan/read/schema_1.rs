//! Plans of schema 1, which know one way: from the primary side to the recovery side.
//!
//! They say of the recovery side what a guard there needs, and of the primary side what it must cut off. Read, such a plan is
//! one whose fleets have no primary side: no guard can move it there. What is wrong with one is said in its own words.

use super::{
    ACCOUNT_HINT, ALARMS_HINT, DATABASE_KINDS, FUNCTION_HINT, TARGET_GROUPS_HINT, parameters, read_capacity,
    read_fleet_kind, read_global_cluster, read_healthy_targets, read_items, read_limits, read_mode,
    read_probe_if_given, read_probes, read_quarantine_group, read_retention, read_route_kind,
    read_route_side, read_times,
};
use crate::arn::is_account;
use crate::plan::document::Document;
use crate::plan::section::{Notes, Section};
use crate::plan::{
    AuroraCluster, Database, DatabaseKind, Detection, Fleet, FleetSide, PLAN_SCHEMA, Place, Plan, ROOT,
    RdsInstance, Route, RouteSide, SideDetection, bounds, default_backup_retention_days, snapshots,
};
use crate::side::{Side, Sides};

pub(super) fn read(document: &Document, notes: &mut Notes) -> Plan {
    const FIELDS: [&str; 14] = [
        "schema",
        "name",
        "account",
        "primary_account",
        "mode",
        "regions",
        "databases",
        "fleets",
        "routes",
        "detection",
        "limits",
        "parameters",
        "snapshots",
        "operator_function",
    ];
    let section = Section::open(ROOT, document, &FIELDS, notes);
    // What is read is a plan of the newest schema; one that nobody knows is said to be so.
    let schema: u16 = section.number("schema", bounds::SCHEMA, notes);
    let schema = if schema == 1 { PLAN_SCHEMA } else { schema };
    let name = section.name("name", notes);
    let account = section.text("account", ACCOUNT_HINT, notes);
    let hint = "an AWS account, 12 digits in quotes";
    let primary_account = section.text_if_given("primary_account", hint, notes);
    check_primary_account(primary_account.as_deref(), &account, notes);
    let mode = read_mode(&section, notes);
    let hint = "an object with primary and recovery";
    let regions = section.object("regions", hint, &["primary", "recovery"], notes);
    Plan {
        schema,
        name,
        mode,
        sides: Sides {
            primary: Place {
                region: regions.text("primary", "the region that serves on a good day", notes),
                account: primary_account.unwrap_or_else(|| account.clone()),
            },
            recovery: Place { region: regions.text("recovery", "the region to recover in", notes), account },
        },
        databases: read_items(&section, "databases", notes, read_database),
        fleets: read_items(&section, "fleets", notes, read_fleet),
        routes: read_items(&section, "routes", notes, read_route),
        detection: read_detection(&section, notes),
        limits: read_limits(&section, notes),
        parameters: parameters::read(&section, notes),
        snapshots: snapshots::read(&section, notes),
        witness: None,
        operator_function: section.text("operator_function", FUNCTION_HINT, notes),
        seat: Side::Recovery,
    }
}

/// It is named only where it is another one.
fn check_primary_account(primary: Option<&str>, account: &str, notes: &mut Notes) {
    const FIELD: &str = "primary_account";
    if let Some(primary) = primary.filter(|_| !notes.broken.holds(FIELD)) {
        if !is_account(primary) {
            notes.broken(FIELD, "is not an AWS account", "give its 12 digits in quotes, or leave it out");
        } else if primary == account {
            let remedy = "leave it out where both regions lie in one account";
            notes.broken(FIELD, "is the plan's account too", remedy);
        }
    }
}

fn read_database(path: &str, document: &Document, notes: &mut Notes) -> Database {
    const FIELDS: [&str; 8] = [
        "name",
        "kind",
        "global_cluster",
        "primary",
        "replica",
        "backup_retention_days",
        "quarantine_security_group",
        "after",
    ];
    let section = Section::open(path, document, &FIELDS, notes);
    let name = section.name("name", notes);
    let is_aurora = section
        .find("kind")
        .is_some_and(|_| section.word("kind", &DATABASE_KINDS, notes).unwrap_or_default());
    let global_cluster = read_global_cluster(&section, is_aurora, notes);
    let primary = section.text("primary", "the ARN of the RDS instance in the primary region", notes);
    let replica = section.text("replica", "the ARN of its replica in the recovery region", notes);
    // Aurora keeps its own setting; a number that is none is refused all the same.
    let backup_retention_days = read_retention(&section, notes);
    let quarantine_security_group = read_quarantine_group(&section, notes);
    let kind = if is_aurora {
        let sides = Sides {
            primary: AuroraCluster { arn: primary, quarantine_security_group },
            recovery: AuroraCluster { arn: replica, quarantine_security_group: None },
        };
        DatabaseKind::AuroraGlobal { global_cluster, sides }
    } else {
        let default = default_backup_retention_days();
        let sides = Sides {
            primary: RdsInstance {
                arn: primary,
                backup_retention_days: default,
                quarantine_security_group,
                connection: None,
            },
            recovery: RdsInstance {
                arn: replica,
                backup_retention_days,
                quarantine_security_group: None,
                connection: None,
            },
        };
        DatabaseKind::RdsReplica { sides }
    };
    Database { name, kind, after: section.names("after", notes) }
}

fn read_fleet(path: &str, document: &Document, notes: &mut Notes) -> Fleet {
    const FIELDS: [&str; 7] =
        ["name", "kind", "group", "target_groups", "capacity", "healthy_targets_min", "after"];
    let section = Section::open(path, document, &FIELDS, notes);
    let serving = read_capacity(&section, "capacity", bounds::CAPACITY_DESIRED, notes);
    Fleet {
        name: section.name("name", notes),
        kind: read_fleet_kind(&section, notes),
        sides: Sides {
            primary: None,
            recovery: Some(FleetSide {
                group: section.text(
                    "group",
                    "the name of the Auto Scaling group in the recovery region",
                    notes,
                ),
                target_groups: section.texts("target_groups", TARGET_GROUPS_HINT, notes),
                serving,
                resting: None,
                healthy_targets_min: read_healthy_targets(&section, notes),
            }),
        },
        after: section.names("after", notes),
    }
}

fn read_route(path: &str, document: &Document, notes: &mut Notes) -> Route {
    const FIELDS: [&str; 6] = ["name", "kind", "primary", "recovery", "probe", "after"];
    let section = Section::open(path, document, &FIELDS, notes);
    Route {
        name: section.name("name", notes),
        kind: read_route_kind(&section, notes),
        sides: Sides {
            primary: read_side(&section, "primary", notes),
            recovery: RouteSide {
                probe: read_probe_if_given(&section, notes),
                ..read_side(&section, "recovery", notes)
            },
        },
        after: section.names("after", notes),
    }
}

fn read_side(route: &Section<'_>, field: &str, notes: &mut Notes) -> RouteSide {
    let hint = "an object with endpoint_group, endpoint and weight";
    let section = route.object(field, hint, &["endpoint_group", "endpoint", "weight"], notes);
    read_route_side(&section, notes)
}

fn read_detection(plan: &Section<'_>, notes: &mut Notes) -> Detection {
    const FIELDS: [&str; 6] =
        ["alarms", "topics", "probes", "confirm_seconds", "signal_age_seconds_max", "cooldown_seconds"];
    let hint = "an object that holds at least probes";
    let section = plan.object("detection", hint, &FIELDS, notes);
    let alarms = section.texts("alarms", ALARMS_HINT, notes);
    let hint = "a list of at least one probe of the primary region";
    let probes = section.need("probes", hint, notes).map(|_| section.list("probes", "probes", notes));
    let probes = read_probes(probes.unwrap_or_default(), notes);
    let sides = Sides { primary: SideDetection { alarms, probes }, recovery: SideDetection::default() };
    read_times(&section, sides, notes)
}

/// What a place is called by schema 2, and by schema 1.
const WORDS: [(&str, &str); 16] = [
    (".sides.primary.quarantine_security_group", ".quarantine_security_group"),
    (".sides.recovery.backup_retention_days", ".backup_retention_days"),
    (".sides.recovery.healthy_targets_min", ".healthy_targets_min"),
    (".sides.recovery.target_groups", ".target_groups"),
    (".sides.recovery.serving", ".capacity"),
    ("serving.desired", "capacity.desired"),
    (".sides.recovery.group", ".group"),
    (".sides.recovery.probe", ".probe"),
    (".sides.recovery.arn", ".replica"),
    (".sides.primary.arn", ".primary"),
    ("detection.sides.primary.", "detection."),
    ("sides.primary.account", "primary_account"),
    ("sides.recovery.account", "account"),
    ("sides.primary.region", "regions.primary"),
    ("sides.recovery.region", "regions.recovery"),
    (".sides.", "."),
];

/// What is said of a plan, in the words of schema 1.
pub(in crate::plan) fn in_its_words(text: String) -> String {
    WORDS.iter().fold(text, |text, (place, word)| text.replace(place, word))
}
