//! Detection: who may speak, what is asked, and that it can ever be enough to act upon.

use std::collections::HashMap;

use super::super::problem::Findings;
use super::super::{Database, DatabaseKind, Mode, Plan, Probe, bounds};
use super::resources::{Wanted, check_arn};
use super::{Ground, check_bounds, check_name};

/// Longest URL that is asked.
const URL_LENGTH_MAX: usize = 2048;

pub(super) fn check(plan: &Plan, ground: &Ground<'_>, findings: &mut Findings<'_>) {
    let detection = &plan.detection;
    let alarm = Wanted {
        what: "a CloudWatch alarm",
        example: "arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-errors",
        is_it: |arn| arn.is_alarm(),
        region: None,
        is_ours: false,
    };
    check_arns("detection.alarms", &detection.alarms, &alarm, ground, findings);
    let topic = Wanted {
        what: "an SNS topic (not a FIFO one)",
        example: "arn:aws:sns:us-east-2:123456789012:shop-signals",
        is_it: |arn| arn.is_topic(),
        region: None,
        is_ours: true,
    };
    check_arns("detection.topics", &detection.topics, &topic, ground, findings);
    check_probes(plan, findings);
    let seconds = [
        ("confirm_seconds", detection.confirm_seconds, bounds::CONFIRM_SECONDS),
        ("signal_age_seconds_max", detection.signal_age_seconds_max, bounds::SIGNAL_AGE_SECONDS),
        ("cooldown_seconds", detection.cooldown_seconds, bounds::COOLDOWN_SECONDS),
    ];
    for (field, value, bounds) in seconds {
        check_bounds(format!("detection.{field}"), value, bounds, findings);
    }
    if plan.mode == Mode::Automatic && detection.alarms.is_empty() && plan.databases.is_empty() {
        findings.add_reading(
            &["detection.alarms", "databases"],
            "mode",
            "is automatic, but probes are the only kind of evidence: an automatic failover needs two kinds, and \
             detection.alarms and databases are empty",
            "give an alarm or a database, or set mode to approve",
        );
    }
    let is_aurora = |database: &Database| database.kind == DatabaseKind::AuroraGlobal;
    if plan.mode == Mode::Automatic
        && detection.alarms.is_empty()
        && !plan.databases.is_empty()
        && plan.databases.iter().all(is_aurora)
    {
        findings.add_reading(
            &["detection.alarms", "databases"],
            "mode",
            "is automatic, but probes are the only kind of evidence that is sure to come: an Aurora cluster need not say \
             that its source is lost, and detection.alarms is empty",
            "give an alarm, or set mode to approve",
        );
    }
}

fn check_arns(
    path: &str,
    texts: &[String],
    wanted: &Wanted<'_>,
    ground: &Ground<'_>,
    findings: &mut Findings<'_>,
) {
    let mut first_at = HashMap::new();
    for (index, text) in texts.iter().enumerate() {
        let place = format!("{path}[{index}]");
        check_arn(&place, text, wanted, ground, findings);
        if let Some(first) = first_at.get(text) {
            findings.add(place, format!("is the same as {path}[{first}]"), "give each once");
        } else {
            first_at.insert(text, index);
        }
    }
}

/// One look asks all probes at the same time, so that it is over before it is old.
const PROBES_MAX: usize = 32;

fn check_probes(plan: &Plan, findings: &mut Findings<'_>) {
    let asked = plan.detection.probes.iter().enumerate();
    let asked = asked.map(|(index, probe)| (format!("detection.probes[{index}]"), probe));
    let verifying = plan.routes.iter().enumerate();
    let verifying = verifying
        .filter_map(|(index, route)| Some((format!("routes[{index}].probe"), route.probe.as_ref()?)));
    let mut first_at: HashMap<_, String> = HashMap::new();
    for (path, probe) in asked.chain(verifying) {
        if path.starts_with("detection") {
            check_probe(&path, probe, findings);
        }
        if let Some(first) = first_at.get(probe.name()) {
            findings.add_reading(
                &[&format!("{first}.name")],
                format!("{path}.name"),
                format!("is {}, which {first} has already", probe.name()),
                "give every probe a name of its own",
            );
        } else {
            first_at.insert(probe.name(), path);
        }
    }
    if plan.detection.probes.len() > PROBES_MAX {
        findings.add(
            "detection.probes",
            format!(
                "holds {} probes; a look asks all at once, {PROBES_MAX} at most",
                plan.detection.probes.len()
            ),
            "keep those that stand for the whole region",
        );
    }
    if plan.detection.probes.is_empty() {
        findings.add(
            "detection.probes",
            "is empty, so nothing would look at the primary region from outside it",
            "give at least one probe of the primary region",
        );
    }
}

/// Checks one probe; that its name is its own is checked elsewhere.
pub(super) fn check_probe(path: &str, probe: &Probe, findings: &mut Findings<'_>) {
    check_name(format!("{path}.name"), probe.name(), findings);
    check_bounds(
        format!("{path}.timeout_seconds"),
        probe.timeout_seconds(),
        bounds::PROBE_TIMEOUT_SECONDS,
        findings,
    );
    match probe {
        Probe::Http { url, expect_status, .. } => {
            check_bounds(format!("{path}.expect_status"), *expect_status, bounds::EXPECT_STATUS, findings);
            if let Some((problem, remedy)) = url_problem(url) {
                findings.add(format!("{path}.url"), problem, remedy);
            }
        }
        Probe::Tcp { host, port, .. } => {
            check_bounds(format!("{path}.port"), *port, bounds::PORT, findings);
            if !is_host(host) {
                let remedy = "give a host name or an address alone, without scheme, port or path";
                findings.add(format!("{path}.host"), "is not a host", remedy);
            }
        }
    }
}

fn url_problem(text: &str) -> Option<(&'static str, &'static str)> {
    const REMEDY: &str = "give one like http://shop.example.com/health";
    let parsed = text.parse::<http::Uri>().ok().filter(|_| text.len() <= URL_LENGTH_MAX);
    let Some(url) = parsed else {
        return Some(("is not a URL", REMEDY));
    };
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Some(("is not an http:// or https:// URL", REMEDY));
    }
    let authority = url.authority().map_or("", http::uri::Authority::as_str);
    if authority.contains('@') {
        return Some(("holds credentials, which a plan must not", "leave out what stands before the @"));
    }
    if !url.host().is_some_and(|host| is_host(host.trim_start_matches('[').trim_end_matches(']'))) {
        return Some(("has no host", REMEDY));
    }
    // `http` reads the port only when it is asked for it; one that is there but can't be read is a slip.
    let has_port = authority.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
    (has_port && url.port_u16().is_none_or(|port| port == 0)).then_some(("has no valid port", REMEDY))
}

fn is_host(text: &str) -> bool {
    let is_name = || {
        text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
    };
    text.len() <= 253 && (text.parse::<std::net::IpAddr>().is_ok() || is_name())
}
