//! Detection: who may speak, what is asked, and that it can ever be enough to act upon.

use std::collections::HashMap;

use super::super::problem::Findings;
use super::super::{Database, Mode, Plan, Probe, SideDetection, bounds};
use super::arns::{Wanted, check_arn};
use super::{ArnGround, check_bounds, check_name};
use crate::arn::{Arn, composed};
use crate::side::Side;

/// Longest URL that is asked.
const URL_LENGTH_MAX: usize = 2048;

pub(super) fn check(plan: &Plan, ground: &ArnGround<'_>, findings: &mut Findings<'_>) {
    let detection = &plan.detection;
    let alarm = Wanted {
        what: "a CloudWatch alarm",
        example: "arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-errors",
        is_it: |arn| arn.is_alarm(),
        region: None,
        is_ours: false,
        may_be_elsewhere: false,
    };
    for (side, detection) in detection.sides.iter() {
        let path = format!("detection.sides.{}.alarms", side.as_str());
        check_arns(&path, &detection.alarms, &alarm, ground, findings);
    }
    check_alarm_regions(plan, ground, findings);
    let topic = Wanted {
        what: "an SNS topic (not a FIFO one)",
        example: "arn:aws:sns:us-east-2:123456789012:shop-signals",
        is_it: |arn| arn.is_topic(),
        region: None,
        is_ours: true,
        may_be_elsewhere: false,
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
    if detection.confirm_seconds >= plan.limits.rto_seconds {
        findings.add_reading(
            &["limits.rto_seconds"],
            "detection.confirm_seconds",
            format!(
                "is {}, not less than limits.rto_seconds, which is {}",
                detection.confirm_seconds, plan.limits.rto_seconds
            ),
            "lower it or raise the objective: evidence that must hold as long can't keep it",
        );
    }
    if let Some(seconds) = detection.watch_seconds {
        check_watch(plan, seconds, findings);
    }
    check_mode(plan, findings);
}

/// Looks within the tick's minute: alarm-handler must live as long.
fn check_watch(plan: &Plan, seconds: u32, findings: &mut Findings<'_>) {
    check_bounds("detection.watch_seconds", seconds, bounds::WATCH_SECONDS, findings);
    let (timeout, least) =
        (plan.limits.function_timeout_seconds.alarm_handler, bounds::WATCHING_FUNCTION_SECONDS);
    if timeout < least {
        findings.add_reading(
            &["limits.function_timeout_seconds.alarm_handler"],
            "detection.watch_seconds",
            format!("is given, but limits.function_timeout_seconds.alarm_handler is {timeout}"),
            format!("raise that to {least} or more, or leave this out: alarm-handler watches for a minute"),
        );
    }
}

/// Alarms are listened to, and asked again, in the plan's regions only.
fn check_alarm_regions(plan: &Plan, ground: &ArnGround<'_>, findings: &mut Findings<'_>) {
    let (Some(primary), Some(recovery)) = (ground.region_at.primary, ground.region_at.recovery) else {
        return;
    };
    let alarms = plan.detection.sides.iter().flat_map(|(side, detection)| {
        let place = move |index| format!("detection.sides.{}.alarms[{index}]", side.as_str());
        detection.alarms.iter().enumerate().map(move |(index, text)| (place(index), text))
    });
    for (place, text) in alarms {
        // Whose it should be, an alarm of another account is asked already.
        let ours = |arn: &Arn<'_>| arn.is_alarm() && Some(arn.account) == ground.accounts.recovery;
        let region = Arn::parse(text).filter(ours).map(|arn| arn.region);
        if let Some(region) = region.filter(|region| ![primary, recovery].contains(region)) {
            findings.add_reading(
                &["sides.primary.region", "sides.recovery.region"],
                place,
                format!("lies in {region}, which is neither of the plan's regions"),
                format!("give an alarm of {primary} or {recovery}"),
            );
        }
    }
}

/// Automatic failovers need evidence that is sure to come, and a way to cut the old primary off.
fn check_mode(plan: &Plan, findings: &mut Findings<'_>) {
    let has_alarms = plan.detection.sides.values().any(|side| !side.alarms.is_empty());
    if plan.mode == Mode::Automatic && !has_alarms && plan.databases.is_empty() {
        findings.add_reading(
            &["detection.sides.primary.alarms", "databases"],
            "mode",
            "is automatic, but probes are the only kind of evidence: an automatic failover needs two kinds, and \
             detection.sides.primary.alarms and databases are empty",
            "give an alarm or a database, or set mode to approve",
        );
    }
    if plan.mode == Mode::Automatic
        && !has_alarms
        && !plan.databases.is_empty()
        && plan.databases.iter().all(Database::is_aurora)
    {
        findings.add_reading(
            &["detection.sides.primary.alarms", "databases"],
            "mode",
            "is automatic, but probes are the only kind of evidence that is sure to come: an Aurora cluster need not say \
             that its source is lost, and detection.sides.primary.alarms is empty",
            "give an alarm, or set mode to approve",
        );
    }
}

fn check_arns(
    path: &str,
    texts: &[String],
    wanted: &Wanted<'_>,
    ground: &ArnGround<'_>,
    findings: &mut Findings<'_>,
) {
    let mut first_at = HashMap::new();
    for (index, text) in texts.iter().enumerate() {
        let place = format!("{path}[{index}]");
        check_arn(&place, text, wanted, ground, findings);
        let spelling = composed(text);
        if let Some(first) = first_at.get(&spelling) {
            findings.add(place, format!("is the same as {path}[{first}]"), "give each once");
        } else {
            first_at.insert(spelling, index);
        }
    }
}

/// One look asks all probes at the same time, so that it is over before it is old.
const PROBES_MAX: usize = 32;

fn check_probes(plan: &Plan, findings: &mut Findings<'_>) {
    let asked = plan.detection.sides.iter().flat_map(|(side, detection)| {
        let place = move |index| format!("detection.sides.{}.probes[{index}]", side.as_str());
        detection.probes.iter().enumerate().map(move |(index, probe)| (place(index), probe))
    });
    let verifying = plan.routes.iter().enumerate().flat_map(|(index, route)| {
        let place = move |side: Side| format!("routes[{index}].sides.{}.probe", side.as_str());
        route.sides.iter().filter_map(move |(side, at)| Some((place(side), at.probe.as_ref()?)))
    });
    let mut first_at: HashMap<_, String> = HashMap::new();
    for (path, probe) in asked.chain(verifying) {
        check_probe(&path, probe, findings);
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
    for (side, SideDetection { probes, .. }) in plan.detection.sides.iter() {
        if probes.len() > PROBES_MAX {
            findings.add(
                format!("detection.sides.{}.probes", side.as_str()),
                format!("holds {} probes; a look asks all at once, {PROBES_MAX} at most", probes.len()),
                "keep those that stand for the whole region",
            );
        }
    }
}

/// Checks one probe.
fn check_probe(path: &str, probe: &Probe, findings: &mut Findings<'_>) {
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
    if !text.is_ascii() {
        let remedy = "write a host's name in punycode (xn--…), and anything else percent-encoded";
        return Some(("holds a character that no URL has", remedy));
    }
    let parsed = text.parse::<http::Uri>().ok().filter(|_| text.len() <= URL_LENGTH_MAX);
    if parsed.is_none() {
        return Some(("is not a URL", REMEDY));
    }
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let Some(rest) = rest else {
        return Some(("is not an http:// or https:// URL", REMEDY));
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Some(("holds credentials, which a plan must not", "leave out what stands before the @"));
    }
    if !path.bytes().all(|b| b.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&b)) {
        return Some((
            "holds a character that no URL has",
            "percent-encode it, and leave out what follows a #",
        ));
    }
    let (host, port) = match authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((host, port)) => (host, port),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_address = authority.starts_with('[') && host.parse::<std::net::Ipv6Addr>().is_ok();
    if !is_address && (authority.starts_with('[') || !is_host_name(host)) {
        if host.strip_suffix('.').is_some_and(is_host_name) {
            return Some(("has a host that ends with a dot", "leave out the closing dot"));
        }
        return Some(("has no host", REMEDY));
    }
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        return Some(("has no valid port", REMEDY));
    }
    None
}

fn is_port(digits: &str) -> bool {
    (1..=5).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && digits.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_host(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok() || is_host_name(text)
}

fn is_host_name(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}
