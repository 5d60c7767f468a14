//! A document as a plan: section by section, noting what can't be read and going on.

mod parameters;
mod schema_1;
mod witness;

use super::bounds::{self, Bounds};
use super::document::Document;
use super::problem::{Problem, Wording};
use super::section::{Notes, Section};
use super::{
    AuroraCluster, Capacity, Database, DatabaseKind, Detection, Fleet, FleetKind, FleetSide,
    FunctionTimeouts, Limits, Mode, Place, Plan, Probe, RdsInstance, RestingCapacity, Route, RouteKind,
    RouteSide, SideDetection, StepLimits,
};
use super::{
    default_backup_retention_days, default_confirm_seconds, default_cooldown_seconds, default_expect_status,
    default_probe_timeout_seconds, default_signal_age_seconds_max,
};
use crate::side::{Side, Sides};

/// Reads the text of a plan. What comes back is a plan only if nothing was noted; and the words of its document.
pub(super) fn plan(text: &str) -> Result<(Plan, Notes, Wording), Problem> {
    let document: Document = serde_json::from_str(text).map_err(|error| Problem {
        path: super::ROOT.to_owned(),
        problem: format!("is not JSON ({error})"),
        remedy: "give the plan as one JSON object, as Terraform's jsonencode writes it".to_owned(),
    })?;
    let mut notes = Notes::default();
    let (plan, words): (Plan, Wording) = if is_of_schema_1(&document) {
        (schema_1::read(&document, &mut notes), schema_1::in_its_words)
    } else {
        (read_plan(&document, &mut notes), |text| text)
    };
    Ok((plan, notes, words))
}

/// Whether a document is of schema 1: by what it says, and if it says another or nothing by its shape.
fn is_of_schema_1(document: &Document) -> bool {
    let Document::Fields(fields) = document else {
        return false;
    };
    match fields.iter().find(|(name, _)| name == "schema") {
        Some((_, Document::Whole(1))) => true,
        Some((_, Document::Whole(schema))) if *schema == u64::from(super::PLAN_SCHEMA) => false,
        _ => fields.iter().any(|(name, _)| name == "regions"),
    }
}

fn read_plan(document: &Document, notes: &mut Notes) -> Plan {
    const FIELDS: [&str; 13] = [
        "schema",
        "name",
        "mode",
        "sides",
        "databases",
        "fleets",
        "routes",
        "detection",
        "limits",
        "parameters",
        "snapshots",
        "witness",
        "operator_function",
    ];
    let section = Section::open(super::ROOT, document, &FIELDS, notes);
    Plan {
        schema: section.number("schema", bounds::SCHEMA, notes),
        name: section.name("name", notes),
        mode: read_mode(&section, notes),
        sides: read_sides(&section, "an object with region and account", notes, read_place),
        databases: read_items(&section, "databases", notes, read_database),
        fleets: read_items(&section, "fleets", notes, read_fleet),
        routes: read_items(&section, "routes", notes, read_route),
        detection: read_detection(&section, notes),
        limits: read_limits(&section, notes),
        parameters: parameters::read(&section, notes),
        snapshots: super::snapshots::read(&section, notes),
        witness: witness::read(&section, notes),
        operator_function: section.text("operator_function", FUNCTION_HINT, notes),
        seat: Side::default(),
    }
}

const FUNCTION_HINT: &str = "the alarm-handler's function name";
const ACCOUNT_HINT: &str = "the AWS account, 12 digits in quotes";

/// Reads the field `sides`: what is there for each, which `hint` says.
fn read_sides<T>(
    outer: &Section<'_>,
    hint: &str,
    notes: &mut Notes,
    mut read: impl FnMut(&Section<'_>, Side, &mut Notes) -> T,
) -> Sides<T> {
    let keys = Side::BOTH.map(Side::as_str);
    let both = format!("an object with primary and recovery, each {hint}");
    let section = outer.object("sides", &both, &keys, notes);
    Sides::from_fn(|side| read(&section, side, notes))
}

fn read_place(sides: &Section<'_>, side: Side, notes: &mut Notes) -> Place {
    let section =
        sides.object(side.as_str(), "an object with region and account", &["region", "account"], notes);
    Place {
        region: section.text("region", "a region's code, like us-east-2", notes),
        account: section.text("account", ACCOUNT_HINT, notes),
    }
}

fn read_mode(section: &Section<'_>, notes: &mut Notes) -> Mode {
    if section.find("mode").is_none() {
        return Mode::default();
    }
    section
        .word("mode", &[("approve", Mode::Approve), ("automatic", Mode::Automatic)], notes)
        .unwrap_or_default()
}

fn read_items<T>(
    plan: &Section<'_>,
    field: &str,
    notes: &mut Notes,
    read: fn(&str, &Document, &mut Notes) -> T,
) -> Vec<T> {
    let items = plan.list(field, "objects", notes);
    items.into_iter().map(|(path, item)| read(&path, item, notes)).collect()
}

fn read_database(path: &str, document: &Document, notes: &mut Notes) -> Database {
    const FIELDS: [&str; 5] = ["name", "kind", "global_cluster", "sides", "after"];
    let section = Section::open(path, document, &FIELDS, notes);
    let name = section.name("name", notes);
    let is_aurora = section.word("kind", &DATABASE_KINDS, notes).unwrap_or_default();
    let global_cluster = read_global_cluster(&section, is_aurora, notes);
    let hint =
        if is_aurora { "an object with arn, the cluster's" } else { "an object with arn, the instance's" };
    let kind = if is_aurora {
        let sides = read_sides(&section, hint, notes, |sides, side, notes| {
            let known = ["arn", "quarantine_security_group"];
            let section = sides.object(side.as_str(), hint, &known, notes);
            AuroraCluster {
                arn: section.text("arn", "the ARN of the Aurora cluster", notes),
                quarantine_security_group: read_quarantine_group(&section, notes),
            }
        });
        DatabaseKind::AuroraGlobal { global_cluster, sides }
    } else {
        let sides = read_sides(&section, hint, notes, |sides, side, notes| {
            let known = ["arn", "backup_retention_days", "quarantine_security_group", "connection"];
            let section = sides.object(side.as_str(), hint, &known, notes);
            RdsInstance {
                arn: section.text("arn", "the ARN of the RDS instance", notes),
                backup_retention_days: read_retention(&section, notes),
                quarantine_security_group: read_quarantine_group(&section, notes),
                connection: witness::read_connection(&section, notes),
            }
        });
        DatabaseKind::RdsReplica { sides }
    };
    Database { name, kind, after: section.names("after", notes) }
}

/// The kinds of databases, and whether each is Aurora's.
const DATABASE_KINDS: [(&str, bool); 2] = [("rds_replica", false), ("aurora_global", true)];

/// The one thing that an Aurora database has and an RDS replica has not.
fn read_global_cluster(database: &Section<'_>, is_aurora: bool, notes: &mut Notes) -> String {
    const HINT: &str = "the identifier of the Aurora global database";
    let (kind, place) = (database.place("kind"), database.place("global_cluster"));
    let found = database.text_if_given("global_cluster", HINT, notes);
    if !notes.broken.holds(&kind) && !notes.broken.holds(&place) {
        if is_aurora && found.is_none() {
            let remedy = "give the identifier of the Aurora global database, like shop-orders";
            notes.broken(&place, format!("is missing, and {kind} is aurora_global"), remedy);
        } else if !is_aurora && found.is_some() {
            let remedy = "leave it out, or set kind to aurora_global";
            notes.broken(&place, format!("is given, and {kind} is rds_replica"), remedy);
        }
    }
    found.unwrap_or_default()
}

fn read_quarantine_group(section: &Section<'_>, notes: &mut Notes) -> Option<String> {
    section.text_if_given("quarantine_security_group", "the id of a security group, sg-…", notes)
}

fn read_retention(section: &Section<'_>, notes: &mut Notes) -> u8 {
    let default = default_backup_retention_days();
    section.number_or("backup_retention_days", default, bounds::BACKUP_RETENTION_DAYS, notes)
}

fn read_fleet(path: &str, document: &Document, notes: &mut Notes) -> Fleet {
    const HINT: &str = "an object with group, target_groups, serving and healthy_targets_min";
    let section = Section::open(path, document, &["name", "kind", "sides", "after"], notes);
    Fleet {
        name: section.name("name", notes),
        kind: read_fleet_kind(&section, notes),
        sides: read_sides(&section, HINT, notes, |sides, side, notes| {
            let document = sides.given(side.as_str())?;
            let known = ["group", "target_groups", "serving", "resting", "healthy_targets_min"];
            let section = Section::open(&sides.place(side.as_str()), document, &known, notes);
            Some(FleetSide {
                group: section.text("group", "the name of the Auto Scaling group", notes),
                target_groups: section.texts("target_groups", TARGET_GROUPS_HINT, notes),
                serving: read_capacity(&section, "serving", bounds::CAPACITY_DESIRED, notes),
                resting: section
                    .given("resting")
                    .map(|_| read_capacity(&section, "resting", bounds::CAPACITY, notes))
                    .map(|Capacity { min, desired, max }| RestingCapacity { min, desired, max }),
                healthy_targets_min: read_healthy_targets(&section, notes),
            })
        }),
        after: section.names("after", notes),
    }
}

const TARGET_GROUPS_HINT: &str = "ARNs of target groups";

fn read_fleet_kind(fleet: &Section<'_>, notes: &mut Notes) -> FleetKind {
    let kinds = [("auto_scaling_group", FleetKind::AutoScalingGroup)];
    fleet.word("kind", &kinds, notes).unwrap_or(FleetKind::AutoScalingGroup)
}

fn read_healthy_targets(fleet: &Section<'_>, notes: &mut Notes) -> u32 {
    fleet.number("healthy_targets_min", bounds::HEALTHY_TARGETS, notes)
}

fn read_capacity(fleet: &Section<'_>, field: &str, desired: Bounds, notes: &mut Notes) -> Capacity {
    let hint = "an object with min, desired and max";
    let section = fleet.object(field, hint, &["min", "desired", "max"], notes);
    Capacity {
        min: section.number("min", bounds::CAPACITY, notes),
        desired: section.number("desired", desired, notes),
        max: section.number("max", bounds::CAPACITY, notes),
    }
}

fn read_route(path: &str, document: &Document, notes: &mut Notes) -> Route {
    const HINT: &str = "an object with endpoint_group, endpoint and weight";
    let section = Section::open(path, document, &["name", "kind", "sides", "after"], notes);
    Route {
        name: section.name("name", notes),
        kind: read_route_kind(&section, notes),
        sides: read_sides(&section, HINT, notes, |sides, side, notes| {
            let known = ["endpoint_group", "endpoint", "weight", "probe"];
            let section = sides.object(side.as_str(), HINT, &known, notes);
            RouteSide { probe: read_probe_if_given(&section, notes), ..read_route_side(&section, notes) }
        }),
        after: section.names("after", notes),
    }
}

fn read_route_kind(route: &Section<'_>, notes: &mut Notes) -> RouteKind {
    let kinds = [("global_accelerator", RouteKind::GlobalAccelerator)];
    route.word("kind", &kinds, notes).unwrap_or(RouteKind::GlobalAccelerator)
}

fn read_route_side(section: &Section<'_>, notes: &mut Notes) -> RouteSide {
    RouteSide {
        endpoint_group: section.text("endpoint_group", "the ARN of the endpoint group", notes),
        endpoint: section.text("endpoint", "the ARN of the load balancer", notes),
        weight: section.number("weight", bounds::WEIGHT, notes),
        probe: None,
    }
}

fn read_probe_if_given(section: &Section<'_>, notes: &mut Notes) -> Option<Probe> {
    let probe = section.given("probe")?;
    Some(read_probe(&section.place("probe"), probe, notes))
}

fn read_detection(plan: &Section<'_>, notes: &mut Notes) -> Detection {
    const FIELDS: [&str; 6] =
        ["sides", "topics", "confirm_seconds", "signal_age_seconds_max", "cooldown_seconds", "watch_seconds"];
    const HINT: &str = "an object with alarms and probes";
    let section = plan.object("detection", "an object that holds at least sides", &FIELDS, notes);
    let sides = read_sides(&section, HINT, notes, |sides, side, notes| {
        let section = sides.object(side.as_str(), HINT, &["alarms", "probes"], notes);
        SideDetection {
            alarms: section.texts("alarms", ALARMS_HINT, notes),
            probes: read_probes(section.list("probes", "probes", notes), notes),
        }
    });
    let times = read_times(&section, sides, notes);
    Detection {
        watch_seconds: section.number_if_given("watch_seconds", bounds::WATCH_SECONDS, notes),
        ..times
    }
}

const ALARMS_HINT: &str = "ARNs of alarms";

fn read_probes(probes: Vec<(String, &Document)>, notes: &mut Notes) -> Vec<Probe> {
    probes.into_iter().map(|(path, probe)| read_probe(&path, probe, notes)).collect()
}

/// What of detection is of both sides.
fn read_times(section: &Section<'_>, sides: Sides<SideDetection>, notes: &mut Notes) -> Detection {
    let mut seconds = |field, default, bounds| section.number_or(field, default, bounds, notes);
    Detection {
        sides,
        confirm_seconds: seconds("confirm_seconds", default_confirm_seconds(), bounds::CONFIRM_SECONDS),
        signal_age_seconds_max: seconds(
            "signal_age_seconds_max",
            default_signal_age_seconds_max(),
            bounds::SIGNAL_AGE_SECONDS,
        ),
        cooldown_seconds: seconds("cooldown_seconds", default_cooldown_seconds(), bounds::COOLDOWN_SECONDS),
        topics: section.texts("topics", "ARNs of topics", notes),
        watch_seconds: None,
    }
}

#[derive(Clone, Copy)]
enum ProbeKind {
    Http,
    Tcp,
}

fn read_probe(path: &str, document: &Document, notes: &mut Notes) -> Probe {
    const HTTP: [&str; 5] = ["kind", "name", "url", "expect_status", "timeout_seconds"];
    const TCP: [&str; 5] = ["kind", "name", "host", "port", "timeout_seconds"];
    let kind = match document {
        // Only the kind says which other fields belong here, so it is read before the fields are looked at.
        Document::Fields(fields) => {
            let any: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
            Section::open(path, document, &any, &mut Notes::default()).word(
                "kind",
                &[("http", ProbeKind::Http), ("tcp", ProbeKind::Tcp)],
                notes,
            )
        }
        _ => Some(ProbeKind::Http),
    };
    match kind {
        Some(ProbeKind::Tcp) => {
            let section = Section::open(path, document, &TCP, notes);
            Probe::Tcp {
                name: section.name("name", notes),
                host: section.text("host", "a host name or an address", notes),
                port: section.number("port", bounds::PORT, notes),
                timeout_seconds: read_probe_timeout(&section, notes),
            }
        }
        Some(ProbeKind::Http) => {
            let section = Section::open(path, document, &HTTP, notes);
            Probe::Http {
                name: section.name("name", notes),
                url: section.text("url", "an http:// or https:// URL", notes),
                expect_status: section.number_or(
                    "expect_status",
                    default_expect_status(),
                    bounds::EXPECT_STATUS,
                    notes,
                ),
                timeout_seconds: read_probe_timeout(&section, notes),
            }
        }
        None => unreadable_probe(path, notes),
    }
}

fn read_probe_timeout(section: &Section<'_>, notes: &mut Notes) -> u32 {
    section.number_or(
        "timeout_seconds",
        default_probe_timeout_seconds(),
        bounds::PROBE_TIMEOUT_SECONDS,
        notes,
    )
}

/// Stands in for a probe of an unknown kind, which has been noted; nothing else is said about it.
fn unreadable_probe(path: &str, notes: &mut Notes) -> Probe {
    notes.broken.mark(path);
    Probe::Http {
        name: crate::name::Name::new(""),
        url: String::new(),
        expect_status: default_expect_status(),
        timeout_seconds: default_probe_timeout_seconds(),
    }
}

fn read_limits(plan: &Section<'_>, notes: &mut Notes) -> Limits {
    const FIELDS: [&str; 5] = [
        "lag_seconds_max",
        "rto_seconds",
        "approval_seconds_max",
        "function_timeout_seconds",
        "step_seconds_max",
    ];
    let default = Limits::default();
    let Some(document) = plan.find("limits") else {
        return default;
    };
    let section = Section::open(&plan.place("limits"), document, &FIELDS, notes);
    Limits {
        lag_seconds_max: section.number_or(
            "lag_seconds_max",
            default.lag_seconds_max,
            bounds::LAG_SECONDS,
            notes,
        ),
        rto_seconds: section.number_or("rto_seconds", default.rto_seconds, bounds::RTO_SECONDS, notes),
        approval_seconds_max: section.number_or(
            "approval_seconds_max",
            default.approval_seconds_max,
            bounds::APPROVAL_SECONDS,
            notes,
        ),
        function_timeout_seconds: read_function_timeouts(&section, notes),
        step_seconds_max: read_step_limits(&section, notes),
    }
}

fn read_function_timeouts(limits: &Section<'_>, notes: &mut Notes) -> FunctionTimeouts {
    const FIELDS: [&str; 4] = ["alarm_handler", "promote_replica", "scale_asg", "shift_traffic"];
    let default = FunctionTimeouts::default();
    let Some(document) = limits.find("function_timeout_seconds") else {
        return default;
    };
    let section = Section::open(&limits.place("function_timeout_seconds"), document, &FIELDS, notes);
    let mut timeout =
        |field, default| section.number_or(field, default, bounds::FUNCTION_TIMEOUT_SECONDS, notes);
    FunctionTimeouts {
        alarm_handler: timeout("alarm_handler", default.alarm_handler),
        promote_replica: timeout("promote_replica", default.promote_replica),
        scale_asg: timeout("scale_asg", default.scale_asg),
        shift_traffic: timeout("shift_traffic", default.shift_traffic),
    }
}

fn read_step_limits(limits: &Section<'_>, notes: &mut Notes) -> StepLimits {
    const FIELDS: [&str; 6] = ["scale", "fence", "promote", "open", "verify", "quarantine"];
    let default = StepLimits::default();
    let Some(document) = limits.find("step_seconds_max") else {
        return default;
    };
    let section = Section::open(&limits.place("step_seconds_max"), document, &FIELDS, notes);
    let mut deadline = |field, default| section.number_or(field, default, bounds::STEP_SECONDS, notes);
    StepLimits {
        scale: deadline("scale", default.scale),
        fence: deadline("fence", default.fence),
        promote: deadline("promote", default.promote),
        open: deadline("open", default.open),
        verify: deadline("verify", default.verify),
        quarantine: deadline("quarantine", default.quarantine),
    }
}
