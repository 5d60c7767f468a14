//! Do the routes stand as the plan says: the serving side open, the other one closed and able to be opened?

use crate::endpoint::{Endpoint, Setting};
use jiff::SignedDuration;

use super::facts::{CertificateFacts, RouteFacts, Unseen, seen};
use super::{Check, Scene};
use crate::plan::{Route, RouteSide};
use crate::side::Side;
use crate::words::{duration, list};

pub(super) const NAMES: &[&str] = &[PRESENT, OPEN, CLOSED, DIAL, CERTIFICATES];

const PRESENT: &str = "endpoints_present";
const OPEN: &str = "serving_side_open";
const CLOSED: &str = "other_side_closed";
const DIAL: &str = "recovery_dial_open";
const CERTIFICATES: &str = "certificates_valid";

/// A certificate must be good for as long as this. ACM renews its own 60 days before they end; what is left of them now
/// was not renewed.
const VALID_MIN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A dial that lets everything through.
const FULL_PERMILLE: u32 = 1000;

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    scene.plan.routes.iter().flat_map(|route| of(scene, route)).collect()
}

fn of(scene: &Scene<'_>, route: &Route) -> Vec<Check> {
    let name = &route.name;
    let facts = match seen(&scene.facts.routes, name) {
        Ok(facts) => facts,
        Err(unseen) => {
            let rest = Unseen::new("The route could not be read.", format!("See {PRESENT}."));
            return vec![
                Check::unknown(PRESENT, name, &unseen),
                Check::unknown(OPEN, name, &rest),
                Check::unknown(CLOSED, name, &rest),
                Check::unknown(DIAL, name, &rest),
                certificates(scene, route),
            ];
        }
    };
    let serving = scene.serving(name);
    let at = |side: Side| RouteEnd {
        word: side.as_str(),
        planned: &route.sides[side],
        seen: facts.endpoints[side],
    };
    vec![
        present(route, facts),
        open(route, &at(serving)),
        closed(route, &at(serving.other())),
        dial(scene, route, facts),
        certificates(scene, route),
    ]
}

/// The endpoint of one side, as planned and as seen.
struct RouteEnd<'p> {
    word: &'static str,
    planned: &'p RouteSide,
    seen: Endpoint,
}

impl RouteEnd<'_> {
    fn missing(&self) -> Unseen {
        Unseen::new(format!("The {} endpoint is not in its group.", self.word), format!("See {PRESENT}."))
    }

    /// What opens the endpoint as the plan says, or closes it; everything else of the group has to be given again.
    fn remedy(&self, setting: Option<Setting>) -> String {
        let weight = setting.map_or(0, |Setting::Weight(weight)| weight);
        format!(
            "Set the weight of {} in {} to {weight}. Pass the complete list of endpoints: \
             update-endpoint-group replaces it.",
            self.planned.endpoint, self.planned.endpoint_group
        )
    }
}

fn present(route: &Route, facts: &RouteFacts) -> Check {
    let gone = |(side, seen): (Side, &Endpoint)| (*seen == Endpoint::Missing).then_some(side.as_str());
    let missing: Vec<&str> = facts.endpoints.iter().filter_map(gone).collect();
    if missing.is_empty() {
        return Check::ready(PRESENT, &route.name, "Both endpoints are in their groups.");
    }
    let (sentence, side) = match missing.as_slice() {
        [only] => (format!("The {only} endpoint is not in its group."), *only),
        _ => ("Neither endpoint is in its group.".to_owned(), "*"),
    };
    let remedy = format!("Put it back, or correct routes[].sides.{side}.endpoint of the plan.");
    Check::not_ready(PRESENT, &route.name, sentence, remedy)
}

fn open(route: &Route, side: &RouteEnd<'_>) -> Check {
    let (name, word, planned) = (&route.name, side.word, side.planned.setting());
    let stands = match side.seen {
        Endpoint::Missing => return Check::unknown(OPEN, name, &side.missing()),
        Endpoint::Open(setting) if setting == planned => {
            return Check::ready(OPEN, name, format!("The {word} endpoint is open with {setting}."));
        }
        Endpoint::Open(setting) => format!("open with {setting}"),
        Endpoint::Closed => "closed".to_owned(),
    };
    let sentence = format!("The {word} endpoint is {stands}; the plan has {planned}.");
    Check::not_ready(OPEN, name, sentence, side.remedy(Some(planned)))
}

fn closed(route: &Route, side: &RouteEnd<'_>) -> Check {
    let (name, word) = (&route.name, side.word);
    match side.seen {
        Endpoint::Missing => Check::unknown(CLOSED, name, &side.missing()),
        Endpoint::Closed => Check::ready(CLOSED, name, format!("The {word} endpoint is closed.")),
        Endpoint::Open(setting) => Check::not_ready(
            CLOSED,
            name,
            format!("The {word} endpoint is open with {setting} and may receive traffic. It must be closed."),
            side.remedy(None),
        ),
    }
}

/// Its endpoint opens the recovery side; a dial below 100 would keep users away nevertheless.
fn dial(scene: &Scene<'_>, route: &Route, facts: &RouteFacts) -> Check {
    let (own, permille) = (scene.plan.seat, facts.dials_permille[scene.plan.seat]);
    let percent = f64::from(permille) / 10.0;
    if permille >= FULL_PERMILLE {
        return Check::ready(
            DIAL,
            &route.name,
            format!("The {} group's traffic dial is at 100 %.", scene.side()),
        );
    }
    Check::not_ready(
        DIAL,
        &route.name,
        format!(
            "The {} group's traffic dial is at {percent} %, so it would not receive all users.",
            scene.side()
        ),
        format!(
            "aws globalaccelerator update-endpoint-group --region us-west-2 --endpoint-group-arn {} \
             --traffic-dial-percentage 100",
            route.sides[own].endpoint_group
        ),
    )
}

/// The load balancer of a side, whose certificates are looked at. An endpoint that is none has none.
pub fn balancer(route: &Route, side: Side) -> Option<&str> {
    let endpoint = route.sides[side].endpoint.as_str();
    endpoint.contains(":loadbalancer/").then_some(endpoint)
}

fn certificates(scene: &Scene<'_>, route: &Route) -> Check {
    let name = &route.name;
    let Some(arn) = balancer(route, scene.plan.seat) else {
        return Check::ready(
            CERTIFICATES,
            name,
            format!("The {} endpoint is not a load balancer, so it has no certificate.", scene.side()),
        );
    };
    let certificates = match seen(&scene.facts.certificates, arn) {
        Ok(Some(certificates)) => certificates,
        Ok(None) => {
            let sentence = format!("The {} load balancer does not exist.", scene.side());
            let side = scene.side();
            let remedy = format!("Create it again, or correct routes[].sides.{side}.endpoint of the plan.");
            return Check::not_ready(CERTIFICATES, name, sentence, remedy);
        }
        Err(unseen) => return Check::unknown(CERTIFICATES, name, &unseen),
    };
    let bad: Vec<String> = certificates.iter().filter_map(|one| trouble(scene, one)).collect();
    if !bad.is_empty() {
        let remedy = "Renew it, import it again, or give the listener another. If ACM is to renew it, check \
                      its validation records.";
        return Check::not_ready(CERTIFICATES, name, format!("{}.", list(bad)), remedy);
    }
    let first = certificates.iter().filter_map(|one| one.not_after).min();
    match (certificates.len(), first) {
        (0, _) | (_, None) => Check::ready(
            CERTIFICATES,
            name,
            format!(
                "No listener of the {} load balancer uses TLS, so no certificate can expire.",
                scene.side()
            ),
        ),
        (count, Some(first)) => {
            let left = duration(first.duration_since(scene.now));
            let sentence = match count {
                1 => format!("Its certificate is issued and valid for {left}."),
                count => format!("Its {count} certificates are issued and valid for at least {left}."),
            };
            Check::ready(CERTIFICATES, name, sentence)
        }
    }
}

/// What is wrong with a certificate.
fn trouble(scene: &Scene<'_>, certificate: &CertificateFacts) -> Option<String> {
    let CertificateFacts { arn, status, not_after } = certificate;
    let short = arn.rsplit(':').next().unwrap_or(arn);
    match (status.as_str(), not_after) {
        ("NOT_IN_ACM", _) => Some(format!("{short} is not in ACM, so its expiry date is unknown")),
        ("GONE", _) => Some(format!("{short} does not exist")),
        ("ISSUED", None) => Some(format!("{short} has no expiry date")),
        ("ISSUED", Some(end)) => {
            let left = end.duration_since(scene.now);
            let ends = if left.is_positive() {
                format!("expires in {}", duration(left))
            } else {
                "has expired".to_owned()
            };
            (left < VALID_MIN).then(|| format!("{short} {ends}"))
        }
        (status, _) => Some(format!("{short} is {status}, not ISSUED")),
    }
}
