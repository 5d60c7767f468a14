//! How do people and other programs turn the switches? Plain HTTP and JSON under `/_gateway`, described in the README.

use crate::body::Body;
use crate::counts::CountFilter;
use crate::regions::{Blackout, Closed};
use crate::rejected::{Rejected, from_json};
use crate::rules::Rule;
use crate::sites::plain;
use crate::switchboard::Switchboard;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

const BODY_BYTES_MAX: usize = 64 << 10;
const RULE_REMEDY: &str = r#"send {"match":{"service","region","action","principal"},"effect":...} with an effect of {"delay_ms":N}, "throttle", {"error":{"status":N,"code":"..."}} or "lose_answer", and optionally "times" (N or "unlimited"), "probability" and "seed""#;
const REGION_REMEDY: &str = r#"send {"mode":"hang"}, {"mode":"refuse"} or {"mode":"error503"}"#;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Loss {
    mode: Blackout,
}

/// What a request is told instead of what it asked for.
enum No {
    Rejected(Rejected),
    NotFound(String),
    WrongMethod(&'static str),
}

impl From<Rejected> for No {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

/// Answers one request to the control port.
pub(crate) async fn serve(
    switchboard: &Switchboard,
    request: Request<Incoming>,
) -> Result<Response<Body>, Closed> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
        let remedy = format!("send at most {BODY_BYTES_MAX} bytes");
        return Ok(refused(No::Rejected(Rejected::new("body", "it could not be read", remedy))));
    };
    let query = head.uri.query().unwrap_or_default();
    let answer = route(switchboard, head.method.as_str(), head.uri.path(), query, &body.to_bytes());
    Ok(answer.map_or_else(refused, |(status, body)| plain(status, &body)))
}

fn route(
    on: &Switchboard,
    method: &str,
    path: &str,
    query: &str,
    body: &Bytes,
) -> Result<(StatusCode, Value), No> {
    let parts: Vec<&str> = path.strip_prefix("/_gateway/").unwrap_or_default().split('/').collect();
    match (parts.as_slice(), method) {
        (["state"], "GET") => written(&on.state()),
        (["regions"], "DELETE") => Ok((StatusCode::OK, json!({"returned": on.return_all_regions()}))),
        (["regions", region], "PUT") => {
            let loss: Loss = from_json(body, REGION_REMEDY)?;
            on.lose_region(region, loss.mode)?;
            Ok((StatusCode::OK, json!({"region": region, "mode": loss.mode})))
        }
        (["regions", region], "DELETE") => {
            let was_lost = on.return_region(region)?;
            Ok((StatusCode::OK, json!({"region": region, "was_lost": was_lost})))
        }
        (["rules"], "POST") => {
            let rule: Rule = from_json(body, RULE_REMEDY)?;
            Ok((StatusCode::CREATED, json!({"id": on.add_rule(rule)?})))
        }
        (["rules"], "DELETE") => Ok((StatusCode::OK, json!({"removed": on.clear_rules()}))),
        (["rules", id], "DELETE") => remove_rule(on, id),
        (["counts"], "GET") => written(&on.counts(&filter(query)?)),
        (["counts"], "DELETE") => Ok((StatusCode::OK, json!({"removed": on.clear_counts()}))),
        (["state"], _) => Err(No::WrongMethod("GET")),
        (["regions"] | ["rules", _], _) => Err(No::WrongMethod("DELETE")),
        (["regions", _], _) => Err(No::WrongMethod("PUT, DELETE")),
        (["rules"], _) => Err(No::WrongMethod("POST, DELETE")),
        (["counts"], _) => Err(No::WrongMethod("GET, DELETE")),
        _ => Err(No::NotFound(format!("there is nothing at {path}"))),
    }
}

fn remove_rule(on: &Switchboard, id: &str) -> Result<(StatusCode, Value), No> {
    let number = id.parse().map_err(|_| {
        Rejected::new(
            "id",
            format!("{id:?} is no rule id"),
            "give the number that POST /_gateway/rules answered with",
        )
    })?;
    if on.remove_rule(number) {
        Ok((StatusCode::OK, json!({"removed": 1})))
    } else {
        Err(No::NotFound(format!("there is no rule {number}")))
    }
}

fn filter(query: &str) -> Result<CountFilter, Rejected> {
    let mut filter = CountFilter::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let field = match &*name {
            "service" => &mut filter.service,
            "region" => &mut filter.region,
            "action" => &mut filter.action,
            "principal" => &mut filter.principal,
            _ => {
                return Err(Rejected::new(
                    &name,
                    "counts have no such field",
                    "filter by service, region, action or principal",
                ));
            }
        };
        *field = Some(value.into_owned());
    }
    Ok(filter)
}

fn written<T: serde::Serialize>(value: &T) -> Result<(StatusCode, Value), No> {
    let value = serde_json::to_value(value).map_err(|error| {
        Rejected::new("answer", error.to_string(), "report this: it is a defect of the gateway")
    })?;
    Ok((StatusCode::OK, value))
}

fn refused(no: No) -> Response<Body> {
    match no {
        No::Rejected(rejected) => plain(StatusCode::BAD_REQUEST, &json!(rejected)),
        No::NotFound(error) => plain(
            StatusCode::NOT_FOUND,
            &json!({"error": error, "remedy": "use /_gateway/state, /regions, /rules or /counts; GET /_gateway/state lists what is set"}),
        ),
        No::WrongMethod(allowed) => plain(
            StatusCode::METHOD_NOT_ALLOWED,
            &json!({"error": "this path does not know that method", "remedy": format!("use {allowed}")}),
        ),
    }
}
