//! A document as a plan: section by section, noting what can't be read and going on.

mod parameters;

use super::bounds;
use super::document::Document;
use super::problem::Problem;
use super::section::{Notes, Section};
use super::{
    Capacity, Database, DatabaseKind, Detection, Fleet, FleetKind, FunctionTimeouts, Limits, Mode, Plan,
    Probe, Regions, Route, RouteKind, RouteSide, StepLimits,
};
use super::{
    default_backup_retention_days, default_confirm_seconds, default_cooldown_seconds, default_expect_status,
    default_probe_timeout_seconds, default_signal_age_seconds_max,
};

/// Reads the text of a plan. What comes back is a plan only if nothing was noted.
pub(super) fn plan(text: &str) -> Result<(Plan, Notes), Problem> {
    let document: Document = serde_json::from_str(text).map_err(|error| Problem {
        path: super::ROOT.to_owned(),
        problem: format!("is not JSON ({error})"),
        remedy: "give the plan as one JSON object, as Terraform's jsonencode writes it".to_owned(),
    })?;
    let mut notes = Notes::default();
    let plan = read_plan(&document, &mut notes);
    Ok((plan, notes))
}

fn read_plan(document: &Document, notes: &mut Notes) -> Plan {
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
    let section = Section::open(super::ROOT, document, &FIELDS, notes);
    Plan {
        schema: section.number("schema", bounds::SCHEMA, notes),
        name: section.name("name", notes),
        account: section.text("account", "the AWS account, 12 digits in quotes", notes),
        primary_account: section.text_if_given(
            "primary_account",
            "an AWS account, 12 digits in quotes",
            notes,
        ),
        mode: read_mode(&section, notes),
        regions: read_regions(&section, notes),
        databases: read_items(&section, "databases", notes, read_database),
        fleets: read_items(&section, "fleets", notes, read_fleet),
        routes: read_items(&section, "routes", notes, read_route),
        detection: read_detection(&section, notes),
        limits: read_limits(&section, notes),
        parameters: parameters::read(&section, notes),
        snapshots: super::snapshots::read(&section, notes),
        operator_function: section.text("operator_function", "the alarm-handler's function name", notes),
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

fn read_regions(plan: &Section<'_>, notes: &mut Notes) -> Regions {
    let section =
        open_field(plan, "regions", "an object with primary and recovery", notes, |path, value, notes| {
            Section::open(path, value, &["primary", "recovery"], notes)
        });
    Regions {
        primary: section.text("primary", "the region that serves on a good day", notes),
        recovery: section.text("recovery", "the region to recover in", notes),
    }
}

/// Opens the object that a field must hold.
fn open_field<'d>(
    outer: &Section<'d>,
    field: &str,
    hint: &str,
    notes: &mut Notes,
    open: impl FnOnce(&str, &'d Document, &mut Notes) -> Section<'d>,
) -> Section<'d> {
    let path = outer.place(field);
    match outer.need(field, hint, notes) {
        Some(value) => open(&path, value, notes),
        None => Section::absent(&path),
    }
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
    Database {
        name: section.name("name", notes),
        kind: read_database_kind(&section, notes),
        global_cluster: section.text_if_given(
            "global_cluster",
            "the identifier of the Aurora global database",
            notes,
        ),
        primary: section.text("primary", "the ARN of the RDS instance in the primary region", notes),
        replica: section.text("replica", "the ARN of its replica in the recovery region", notes),
        backup_retention_days: section.number_or(
            "backup_retention_days",
            default_backup_retention_days(),
            bounds::BACKUP_RETENTION_DAYS,
            notes,
        ),
        quarantine_security_group: section.text_if_given(
            "quarantine_security_group",
            "the id of a security group, sg-…",
            notes,
        ),
        after: section.names("after", notes),
    }
}

fn read_database_kind(section: &Section<'_>, notes: &mut Notes) -> DatabaseKind {
    const KINDS: [(&str, DatabaseKind); 2] =
        [("rds_replica", DatabaseKind::RdsReplica), ("aurora_global", DatabaseKind::AuroraGlobal)];
    match section.find("kind") {
        None => DatabaseKind::default(),
        Some(_) => section.word("kind", &KINDS, notes).unwrap_or_default(),
    }
}

fn read_fleet(path: &str, document: &Document, notes: &mut Notes) -> Fleet {
    const FIELDS: [&str; 7] =
        ["name", "kind", "group", "target_groups", "capacity", "healthy_targets_min", "after"];
    let section = Section::open(path, document, &FIELDS, notes);
    let capacity = open_field(
        &section,
        "capacity",
        "an object with min, desired and max",
        notes,
        |path, value, notes| Section::open(path, value, &["min", "desired", "max"], notes),
    );
    Fleet {
        name: section.name("name", notes),
        kind: section
            .word("kind", &[("auto_scaling_group", FleetKind::AutoScalingGroup)], notes)
            .unwrap_or(FleetKind::AutoScalingGroup),
        group: section.text("group", "the name of the Auto Scaling group in the recovery region", notes),
        target_groups: section.texts("target_groups", "ARNs of target groups", notes),
        capacity: Capacity {
            min: capacity.number("min", bounds::CAPACITY, notes),
            desired: capacity.number("desired", bounds::CAPACITY_DESIRED, notes),
            max: capacity.number("max", bounds::CAPACITY, notes),
        },
        healthy_targets_min: section.number("healthy_targets_min", bounds::HEALTHY_TARGETS, notes),
        after: section.names("after", notes),
    }
}

fn read_route(path: &str, document: &Document, notes: &mut Notes) -> Route {
    const FIELDS: [&str; 6] = ["name", "kind", "primary", "recovery", "probe", "after"];
    let section = Section::open(path, document, &FIELDS, notes);
    Route {
        name: section.name("name", notes),
        kind: section
            .word("kind", &[("global_accelerator", RouteKind::GlobalAccelerator)], notes)
            .unwrap_or(RouteKind::GlobalAccelerator),
        primary: read_side(&section, "primary", notes),
        recovery: read_side(&section, "recovery", notes),
        probe: section
            .find("probe")
            .filter(|probe| **probe != Document::Null)
            .map(|probe| read_probe(&section.place("probe"), probe, notes)),
        after: section.names("after", notes),
    }
}

fn read_side(route: &Section<'_>, field: &str, notes: &mut Notes) -> RouteSide {
    let hint = "an object with endpoint_group, endpoint and weight";
    let section = open_field(route, field, hint, notes, |path, value, notes| {
        Section::open(path, value, &["endpoint_group", "endpoint", "weight"], notes)
    });
    RouteSide {
        endpoint_group: section.text("endpoint_group", "the ARN of the endpoint group", notes),
        endpoint: section.text("endpoint", "the ARN of the load balancer", notes),
        weight: section.number("weight", bounds::WEIGHT, notes),
    }
}

fn read_detection(plan: &Section<'_>, notes: &mut Notes) -> Detection {
    const FIELDS: [&str; 6] =
        ["alarms", "topics", "probes", "confirm_seconds", "signal_age_seconds_max", "cooldown_seconds"];
    let hint = "an object that holds at least probes";
    let section = open_field(plan, "detection", hint, notes, |path, value, notes| {
        Section::open(path, value, &FIELDS, notes)
    });
    let probes_hint = "a list of at least one probe of the primary region";
    let probes = section.need("probes", probes_hint, notes).map(|_| section.list("probes", "probes", notes));
    Detection {
        alarms: section.texts("alarms", "ARNs of alarms", notes),
        topics: section.texts("topics", "ARNs of topics", notes),
        probes: probes
            .unwrap_or_default()
            .into_iter()
            .map(|(path, probe)| read_probe(&path, probe, notes))
            .collect(),
        confirm_seconds: section.number_or(
            "confirm_seconds",
            default_confirm_seconds(),
            bounds::CONFIRM_SECONDS,
            notes,
        ),
        signal_age_seconds_max: section.number_or(
            "signal_age_seconds_max",
            default_signal_age_seconds_max(),
            bounds::SIGNAL_AGE_SECONDS,
            notes,
        ),
        cooldown_seconds: section.number_or(
            "cooldown_seconds",
            default_cooldown_seconds(),
            bounds::COOLDOWN_SECONDS,
            notes,
        ),
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
