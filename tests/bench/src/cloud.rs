//! What does the function under test find in the cloud? The example plan in Parameter Store, and a journal: a quiet one, or
//! one of any length.
//!
//! Any other call fails the measurement: it would not be of what it claims to be.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::long_log::LongLog;
use crate::server::{Request, Response, Server};

/// The example plan.
pub(crate) const PLAN: &str = include_str!("../../../shared/protocol/tests/plans/shop.json");

/// The prefix of the plan's parameters.
pub(crate) const PLAN_PARAMETER: &str = "/pilotlight/shop/plan";

/// What is kept of the last readiness pass.
const LAST_READINESS: &str = r#"{"readiness":{"at":"2100-01-01T00:00:00Z","plan":"shop","total":0,"not_ready":0,"unknown":0,"checks":[]}}"#;

/// Most characters of a standard parameter, with some to spare.
pub(crate) const PART_CHARACTERS_MAX: usize = 4000;

/// The stand-in for AWS.
pub(crate) struct Cloud {
    parts: usize,
    strangers: Arc<Mutex<Vec<String>>>,
    server: Server,
}

impl Cloud {
    /// Listens on a free port, with a journal that has no records.
    pub(crate) fn start() -> Result<Self> {
        Self::with(LongLog::of(0, false)?)
    }

    /// Listens on a free port, with a journal.
    pub(crate) fn with(log: LongLog) -> Result<Self> {
        let parts = cut(&compact(PLAN)?);
        let strangers = Arc::new(Mutex::new(Vec::new()));
        let (count, noted) = (parts.len(), Arc::clone(&strangers));
        let server = Server::start(Arc::new(move |request| {
            let answer = answer(&parts, &log, &request);
            if answer.is_err() {
                let target = request.header("x-amz-target");
                let stranger = format!("{} {} {target}", request.method, request.path);
                noted.lock().unwrap_or_else(PoisonError::into_inner).push(stranger);
            }
            Some(match answer {
                Ok(body) => response(200, &body),
                Err(error) => {
                    let body = json!({ "__type": "ValidationException", "message": format!("{error:#}") });
                    response(400, &body)
                }
            })
        }))?;
        Ok(Self { parts: count, strangers, server })
    }

    /// What `AWS_ENDPOINT_URL` is to say.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// In how many parameters the plan lies.
    pub(crate) fn plan_parts(&self) -> usize {
        self.parts
    }

    /// An error if it was asked for anything that it does not have.
    pub(crate) fn check(&self) -> Result<()> {
        let strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(
            strangers.is_empty(),
            "the functions made calls that are no part of the measurement: {}",
            strangers.join(", ")
        );
        Ok(())
    }
}

/// The plan as Terraform writes it: without spaces.
fn compact(plan: &str) -> Result<String> {
    let plan: Value = serde_json::from_str(plan).context("the example plan is not JSON")?;
    Ok(plan.to_string())
}

fn cut(plan: &str) -> Vec<String> {
    let characters: Vec<char> = plan.chars().collect();
    let parts = characters.chunks(PART_CHARACTERS_MAX);
    parts.map(|part| part.iter().collect()).collect()
}

fn answer(parts: &[String], log: &LongLog, request: &Request) -> Result<Value> {
    let body: Value = serde_json::from_slice(&request.body).context("not JSON")?;
    match request.header("x-amz-target") {
        "AmazonSSM.GetParameters" => parameters(parts, &body),
        "DynamoDB_20120810.Query" => query(log, &body),
        // A pass that none has to follow yet, whenever this is measured.
        "DynamoDB_20120810.GetItem" if body.pointer("/Key/seq/N") == Some(&json!("1")) => {
            Ok(json!({ "Item": { "readiness": { "S": LAST_READINESS } } }))
        }
        // Nobody saved vitals.
        "DynamoDB_20120810.GetItem" => Ok(json!({})),
        // A scheduled job reports what it found, beside the journal. A record of the journal would come with a condition.
        "DynamoDB_20120810.PutItem" if body.get("ConditionExpression").is_none() => Ok(json!({})),
        other => anyhow::bail!("there is no `{other}` here"),
    }
}

/// The log after a sequence number, or the heads of its snapshots.
fn query(log: &LongLog, body: &Value) -> Result<Value> {
    let value = |name: &str, kind: &str| {
        let path = format!("/ExpressionAttributeValues/{name}/{kind}");
        body.pointer(&path).and_then(Value::as_str).with_context(|| format!("no {name}"))
    };
    match value(":plan", "S")? {
        "shop" => log.page(value(":seq", "N")?.parse()?),
        "shop#snapshot" => log.heads(),
        other => anyhow::bail!("there is no partition {other}"),
    }
}

fn parameters(parts: &[String], body: &Value) -> Result<Value> {
    let names = body["Names"].as_array().context("no names")?;
    let (mut found, mut invalid) = (Vec::new(), Vec::new());
    for name in names {
        let name = name.as_str().context("a name that is no text")?;
        // As a plan has it that was written before there were checksums.
        if name.strip_prefix(PLAN_PARAMETER) == Some("/checksum") {
            invalid.push(json!(name));
            continue;
        }
        let number = name.strip_prefix(PLAN_PARAMETER).and_then(|rest| rest.strip_prefix('/'));
        let part =
            number.and_then(|digits| digits.parse::<usize>().ok()).and_then(|number| parts.get(number));
        let value = part.with_context(|| format!("there is no parameter {name}"))?;
        found.push(
            json!({ "Name": name, "Type": "String", "Value": value, "Version": 1, "DataType": "text" }),
        );
    }
    Ok(json!({ "Parameters": found, "InvalidParameters": invalid }))
}

fn response(status: u16, body: &Value) -> Response {
    Response {
        status,
        headers: vec![("x-amzn-requestid", "b1e5a0f2-0000-4000-8000-000000000000".to_owned())],
        body: body.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, body: &Value) -> Request {
        Request {
            arrived: crate::measure::now(),
            method: "POST".to_owned(),
            path: "/".to_owned(),
            headers: vec![("x-amz-target".to_owned(), target.to_owned())],
            body: body.to_string().into_bytes(),
        }
    }

    #[test]
    fn the_parts_of_the_plan_make_the_plan() {
        let parts = cut(&compact(PLAN).unwrap());
        let names: Vec<String> = (0..parts.len()).map(|part| format!("{PLAN_PARAMETER}/{part}")).collect();
        let request = request("AmazonSSM.GetParameters", &json!({ "Names": names }));
        let answer = answer(&parts, &LongLog::of(0, false).unwrap(), &request).unwrap();
        let text: String = answer["Parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|parameter| parameter["Value"].as_str().unwrap())
            .collect();
        let read = protocol::plan::Plan::from_json(&text).unwrap();
        assert_eq!(read, protocol::plan::Plan::from_json(PLAN).unwrap());
    }

    #[test]
    fn an_effect_is_no_part_of_the_measurement() {
        let log = LongLog::of(0, false).unwrap();
        let put = |body| answer(&[], &log, &request("DynamoDB_20120810.PutItem", &body));
        assert!(put(json!({ "ConditionExpression": "attribute_not_exists(#seq)" })).is_err());
        assert!(put(json!({})).is_ok());
        let foreign = request("AmazonSSM.GetParameters", &json!({ "Names": ["/other/0"] }));
        assert!(answer(&[], &log, &foreign).is_err());
    }

    #[test]
    fn the_last_readiness_is_one_that_the_functions_read() {
        let last: protocol::readiness::LastReadiness = serde_json::from_str(LAST_READINESS).unwrap();
        assert_eq!(last.readiness.unready(), 0);
    }

    #[test]
    fn a_long_journal_is_given_page_by_page_and_with_its_snapshot() {
        let log = LongLog::of(1_000_000, true).unwrap();
        let query = |plan: &str, seq: &str| {
            let values = json!({ ":plan": { "S": plan }, ":seq": { "N": seq } });
            let body = json!({ "ExpressionAttributeValues": values });
            answer(&[], &log, &request("DynamoDB_20120810.Query", &body)).unwrap()
        };
        let (first, last) = (query("shop", "0"), query("shop", "999899"));
        assert_eq!(
            (&first["Count"], &first["LastEvaluatedKey"]["seq"]["N"]),
            (&json!(2_000), &json!("2000"))
        );
        assert_eq!((&last["Count"], &last["LastEvaluatedKey"]), (&json!(101), &Value::Null));
        let heads = query("shop#snapshot", "");
        assert_eq!(heads["Items"][0]["after"]["N"], "999900");
        assert!(first.to_string().len() < 1 << 20, "a page of DynamoDB has a megabyte at most");
    }
}
