//! How is the journal kept? One `DynamoDB` item for each record; a conditional put is the only write.
//!
//! | attribute | type | |
//! | --- | --- | --- |
//! | `plan` | S | partition key |
//! | `seq` | N | sort key |
//! | `run` | N | absent where a record belongs to no run |
//! | `at`, `writer`, `attempt`, `sentence` | S | |
//! | `schema` | N | |
//! | `previous` | S | digest of the item before it: SHA-256 over each attribute's name and value, in the names' order, each text after its length in eight bytes |
//! | `type` | S | the event's type, for people who read the table; never read back |
//! | `event` | S | the event as JSON |
//!
//! The vitals lie beside it under the partition key `<plan>#vitals`, sort key 0, as JSON in `vitals`; the last readiness
//! there too, sort key 1, as JSON in `readiness`; what the scheduled jobs last found, sort keys 2 and 3, as
//! JSON in `parameter_pass` and `snapshot_look`; and when people were last told that the log can't be read, sort keys 4
//! and 5 ([`alert`]). The two snapshots of the state lie under `<plan>#snapshot` ([`snapshot`]).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use ports::{
    Alert, AlertClaim, Answer, Appended, Clock, FailureKind, Journal, KeptSnapshot, Maintenance, Page, Rest,
    Vitals, Which,
};
use protocol::digest::Digest;
use protocol::journal::{JOURNAL_SCHEMA, PoisonRecord, Record};
use protocol::maintenance::{ParameterPass, SnapshotLook};
use protocol::name::Name;
use protocol::readiness::LastReadiness;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::Sdk;
use crate::failure::{failure, ours};

mod alert;
mod snapshot;

const PUT: &str = "dynamodb:PutItem";
const QUERY: &str = "dynamodb:Query";
pub(crate) const GET: &str = "dynamodb:GetItem";

/// How often an append is tried when its answer is lost.
const APPEND_TRIES: u32 = 3;
/// Wait before the second try; twice as long before each next one.
const APPEND_WAIT: Duration = Duration::from_millis(250);
/// Most pages without a record before the next one that has any.
const EMPTY_PAGES_MAX: u32 = 8;

pub(crate) type TableItem = HashMap<String, AttributeValue>;

/// The journal on a `DynamoDB` table.
pub struct DynamoJournal {
    client: Client,
    table: String,
    clock: Arc<dyn Clock>,
    /// When this instance last let people be told, for a table that can't say it.
    told: Mutex<alert::Told>,
}

impl DynamoJournal {
    /// The journal in a table of the function's own region.
    pub fn new(sdk: &Sdk, table: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self { client: sdk.dynamodb(), table: table.into(), clock, told: Mutex::default() }
    }

    /// One try. A failed condition with an item of our own is an earlier try that had worked.
    async fn try_append(&self, record: &Record, item: TableItem, own: &Digest) -> Answer<Appended> {
        let result = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#seq)")
            .expression_attribute_names("#seq", "seq")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = result else {
            return Ok(Appended::Stands(own.clone()));
        };
        let Some(PutItemError::ConditionalCheckFailedException(taken)) = error.as_service_error() else {
            return Err(failure(PUT, &error));
        };
        let standing = match taken.item() {
            Some(item) => Some(item.clone()),
            // Older stand-ins leave the item out: then it is read.
            None => self.get(record.plan.as_str(), record.seq).await?,
        };
        Ok(match standing {
            Some(standing) if is_own(&standing, record) => Appended::Stands(digest(&standing)),
            _ => Appended::Taken,
        })
    }

    async fn get(&self, partition: &str, seq: u64) -> Answer<Option<TableItem>> {
        read_item(&self.client, &self.table, partition, seq).await
    }

    async fn load_advisory<T: DeserializeOwned>(&self, plan: &Name, kept: Kept) -> Answer<Option<T>> {
        let Some(item) = self.get(&vitals_partition(plan), kept.seq).await? else {
            return Ok(None);
        };
        let json = item.get(kept.attribute).and_then(|value| value.as_s().ok());
        // Advisory: what can't be read is not known, and is soon written anew.
        let read = json.and_then(|json| serde_json::from_str(json).ok());
        if read.is_none() {
            tracing::warn!(%plan, what = kept.attribute, "it can't be read and counts as unknown");
        }
        Ok(read)
    }

    async fn save_advisory<T: Serialize + Sync>(&self, plan: &Name, kept: Kept, value: &T) -> Answer<()> {
        let json = serde_json::to_string(value)
            .map_err(|error| ours(FailureKind::Invalid, PUT, "vitals_unwritable", error.to_string()))?;
        self.client
            .put_item()
            .table_name(&self.table)
            .item("plan", AttributeValue::S(vitals_partition(plan)))
            .item("seq", AttributeValue::N(kept.seq.to_string()))
            .item(kept.attribute, AttributeValue::S(json))
            .send()
            .await
            .map_err(|error| failure(PUT, &error))?;
        Ok(())
    }
}

/// One item of a guard's table, as it is now.
pub(crate) async fn read_item(
    client: &Client,
    table: &str,
    partition: &str,
    seq: u64,
) -> Answer<Option<TableItem>> {
    let output = client
        .get_item()
        .table_name(table)
        .key("plan", AttributeValue::S(partition.to_owned()))
        .key("seq", AttributeValue::N(seq.to_string()))
        .consistent_read(true)
        .send()
        .await
        .map_err(|error| failure(GET, &error))?;
    Ok(output.item)
}

/// What is kept beside the log, and overwritten.
#[derive(Clone, Copy)]
struct Kept {
    seq: u64,
    attribute: &'static str,
}

const VITALS: Kept = Kept { seq: 0, attribute: "vitals" };
const READINESS: Kept = Kept { seq: 1, attribute: "readiness" };
const PARAMETER_PASS: Kept = Kept { seq: 2, attribute: "parameter_pass" };
const SNAPSHOT_LOOK: Kept = Kept { seq: 3, attribute: "snapshot_look" };

#[async_trait]
impl Journal for DynamoJournal {
    async fn load_after(&self, plan: &Name, seq: u64) -> Answer<Page> {
        let mut start = None;
        for _ in 0..EMPTY_PAGES_MAX {
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("#plan = :plan AND #seq > :seq")
                .expression_attribute_names("#plan", "plan")
                .expression_attribute_names("#seq", "seq")
                .expression_attribute_values(":plan", AttributeValue::S(plan.to_string()))
                .expression_attribute_values(":seq", AttributeValue::N(seq.to_string()))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| failure(QUERY, &error))?;
            let items = output.items.unwrap_or_default();
            start = output.last_evaluated_key.filter(|key| !key.is_empty());
            // A page may be empty though it isn't the last one.
            if !items.is_empty() || start.is_none() {
                return Ok(read_page(&items, start.is_some()));
            }
        }
        let message = format!("{EMPTY_PAGES_MAX} pages without a record after {seq} of plan {plan}");
        Err(ours(FailureKind::Unavailable, QUERY, "pages_empty", message))
    }

    async fn append(&self, record: &Record) -> Answer<Appended> {
        let item = write_record(record)?;
        let own = digest(&item);
        let mut wait = APPEND_WAIT;
        let mut tried = 1;
        loop {
            match self.try_append(record, item.clone(), &own).await {
                Err(failure) if tried < APPEND_TRIES && failure.can_retry() => {
                    tracing::warn!(plan = %record.plan, seq = record.seq, %failure, "retrying the append");
                    self.clock.sleep(wait).await;
                    wait *= 2;
                    tried += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn load_snapshot(&self, plan: &Name, which: Which) -> Answer<Option<KeptSnapshot>> {
        self.load_kept_snapshot(plan, which).await
    }

    async fn save_snapshot(&self, plan: &Name, kept: &KeptSnapshot) -> Answer<()> {
        self.keep_snapshot(plan, kept).await
    }

    async fn claim_alert(&self, plan: &Name, claim: &AlertClaim) -> Answer<bool> {
        Ok(self.claim(plan, claim).await)
    }

    async fn yield_alert(&self, plan: &Name, alert: Alert) -> Answer<()> {
        self.yield_claim(plan, alert).await
    }

    async fn load_vitals(&self, plan: &Name) -> Answer<Option<Vitals>> {
        self.load_advisory(plan, VITALS).await
    }

    async fn save_vitals(&self, plan: &Name, vitals: &Vitals) -> Answer<()> {
        self.save_advisory(plan, VITALS, vitals).await
    }

    async fn load_readiness(&self, plan: &Name) -> Answer<Option<LastReadiness>> {
        self.load_advisory(plan, READINESS).await
    }

    async fn save_readiness(&self, plan: &Name, readiness: &LastReadiness) -> Answer<()> {
        self.save_advisory(plan, READINESS, readiness).await
    }
}

#[async_trait]
impl Maintenance for DynamoJournal {
    async fn load_parameter_pass(&self, plan: &Name) -> Answer<Option<ParameterPass>> {
        self.load_advisory(plan, PARAMETER_PASS).await
    }

    async fn save_parameter_pass(&self, plan: &Name, pass: &ParameterPass) -> Answer<()> {
        self.save_advisory(plan, PARAMETER_PASS, pass).await
    }

    async fn load_snapshot_look(&self, plan: &Name) -> Answer<Option<SnapshotLook>> {
        self.load_advisory(plan, SNAPSHOT_LOOK).await
    }

    async fn save_snapshot_look(&self, plan: &Name, look: &SnapshotLook) -> Answer<()> {
        self.save_advisory(plan, SNAPSHOT_LOOK, look).await
    }
}

/// `#` can't stand in a plan's name, so no plan's log is met.
fn vitals_partition(plan: &Name) -> String {
    format!("{plan}#vitals")
}

fn is_own(item: &TableItem, record: &Record) -> bool {
    let same = |name: &str, expected: &str| {
        item.get(name).and_then(|value| value.as_s().ok()).is_some_and(|text| text == expected)
    };
    same("writer", &record.writer) && same("attempt", &record.attempt)
}

fn write_record(record: &Record) -> Answer<TableItem> {
    let unwritable = |detail: String| {
        let message = format!("record {} of plan {}: {detail}", record.seq, record.plan);
        ours(FailureKind::Invalid, PUT, "record_unwritable", message)
    };
    let event = serde_json::to_value(&record.event).map_err(|error| unwritable(error.to_string()))?;
    let kind = event.get("type").and_then(serde_json::Value::as_str);
    let kind = kind.ok_or_else(|| unwritable("the event has no type".to_owned()))?.to_owned();
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let mut item = HashMap::from([
        ("plan".to_owned(), text(record.plan.as_str())),
        ("seq".to_owned(), AttributeValue::N(record.seq.to_string())),
        ("at".to_owned(), text(&record.at.to_string())),
        ("writer".to_owned(), text(&record.writer)),
        ("attempt".to_owned(), text(&record.attempt)),
        ("schema".to_owned(), AttributeValue::N(record.schema.to_string())),
        ("sentence".to_owned(), text(&record.sentence)),
        ("type".to_owned(), AttributeValue::S(kind)),
        ("event".to_owned(), AttributeValue::S(event.to_string())),
    ]);
    if let Some(run) = record.run {
        item.insert("run".to_owned(), AttributeValue::N(run.to_string()));
    }
    if let Some(request) = &record.request {
        item.insert("request".to_owned(), text(request));
    }
    if let Some(previous) = &record.previous {
        item.insert("previous".to_owned(), text(previous.as_str()));
    }
    Ok(item)
}

/// The records of a page, up to the first that can't be read.
fn read_page(items: &[TableItem], has_more: bool) -> Page {
    let mut records = Vec::with_capacity(items.len());
    let mut rest = if has_more { Rest::More } else { Rest::Nothing };
    for item in items {
        match read_record(item) {
            Ok(record) => records.push(record),
            Err(poison) => {
                rest = Rest::Unreadable(poison);
                break;
            }
        }
    }
    let read = items.get(..records.len()).unwrap_or_default();
    Page { first: read.first().map(digest), last: read.last().map(digest), records, rest }
}

/// Of everything that the table keeps of a record, as it keeps it.
fn digest(item: &TableItem) -> Digest {
    let attributes: BTreeMap<&str, String> = item
        .iter()
        .map(|(name, value)| {
            let text = value.as_s().or_else(|_| value.as_n()).cloned();
            (name.as_str(), text.unwrap_or_else(|other| format!("{other:?}")))
        })
        .collect();
    Digest::of_all(attributes.iter().flat_map(|(name, text)| [*name, text.as_str()]))
}

/// A record that can't be read stops everything that would act on the journal.
fn read_record(item: &TableItem) -> Result<Record, PoisonRecord> {
    let place = item.get("seq").and_then(|value| value.as_n().ok());
    let unreadable = |why: String| PoisonRecord {
        seq: place.cloned().unwrap_or_else(|| "without a number".to_owned()),
        why,
    };
    let text = |name: &str| {
        let value = item.get(name).and_then(|value| value.as_s().ok());
        value.map(String::as_str).ok_or_else(|| unreadable(format!("`{name}` is missing or not a text")))
    };
    let number = |name: &str| {
        let value = item.get(name).and_then(|value| value.as_n().ok());
        value
            .and_then(|digits| digits.parse::<u64>().ok())
            .ok_or_else(|| unreadable(format!("`{name}` is missing or not a whole number")))
    };
    // First of all: an event of a newer shape would only give a riddle of an error.
    let schema = number("schema")?;
    if schema == 0 || schema > u64::from(JOURNAL_SCHEMA) {
        return Err(unreadable(format!("its schema is {schema}; this version reads 1 to {JOURNAL_SCHEMA}")));
    }
    Ok(Record {
        schema: u16::try_from(schema).map_err(|error| unreadable(error.to_string()))?,
        plan: Name::new(text("plan")?),
        seq: number("seq")?,
        run: if item.contains_key("run") { Some(number("run")?) } else { None },
        at: text("at")?.parse().map_err(|error: jiff::Error| unreadable(format!("`at`: {error}")))?,
        writer: text("writer")?.to_owned(),
        request: if item.contains_key("request") { Some(text("request")?.to_owned()) } else { None },
        attempt: text("attempt")?.to_owned(),
        previous: if item.contains_key("previous") { Some(Digest::kept(text("previous")?)) } else { None },
        sentence: text("sentence")?.to_owned(),
        event: serde_json::from_str(text("event")?)
            .map_err(|error| unreadable(format!("`event`: {error}")))?,
    })
}

#[cfg(test)]
mod tests {
    use aws_smithy_http_client::test_util::{NeverClient, StaticReplayClient};
    use protocol::journal::{Event, Rejection};

    use super::*;
    use crate::replay::{StillClock, replay, sent};

    fn record() -> Record {
        Record {
            schema: 1,
            previous: Some(Digest::of("41")),
            plan: Name::new("shop"),
            seq: 42,
            run: Some(40),
            at: "2026-11-20T03:00:00.25Z".parse().unwrap(),
            writer: "shop-alarm-handler@a".to_owned(),
            request: None,
            attempt: "01JD000000000000000000000A".to_owned(),
            sentence: "Nothing is due.".to_owned(),
            event: Event::SignalRejected {
                source: "arn:aws:cloudwatch:us-east-2:123456789012:alarm:x".to_owned(),
                reason: Rejection::Stale,
                changed_at: None,
                muted: false,
            },
        }
    }

    /// The item of [`record`] as `DynamoDB` writes it.
    fn item(seq: u64, attempt: &str) -> String {
        let event = r#"{\"type\":\"signal_rejected\",\"source\":\"arn:aws:cloudwatch:us-east-2:123456789012:alarm:x\",\"reason\":\"stale\"}"#;
        format!(
            r#"{{"plan":{{"S":"shop"}},"seq":{{"N":"{seq}"}},"run":{{"N":"40"}},"at":{{"S":"2026-11-20T03:00:00.25Z"}},
            "writer":{{"S":"shop-alarm-handler@a"}},"attempt":{{"S":"{attempt}"}},"schema":{{"N":"1"}},
            "sentence":{{"S":"Nothing is due."}},"type":{{"S":"signal_rejected"}},"event":{{"S":"{event}"}}}}"#
        )
    }

    /// What an append says that meets the item of an earlier try of its own.
    fn standing(attempt: &str) -> Appended {
        let item: HashMap<String, HashMap<String, String>> =
            serde_json::from_str(&item(42, attempt)).unwrap();
        let attribute = |typed: HashMap<String, String>| match typed.into_iter().next().unwrap() {
            (kind, digits) if kind == "N" => AttributeValue::N(digits),
            (_, text) => AttributeValue::S(text),
        };
        Appended::Stands(digest(&item.into_iter().map(|(name, typed)| (name, attribute(typed))).collect()))
    }

    fn condition_failed(item: &str) -> String {
        format!(
            r#"{{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
            "Message":"The conditional request failed","Item":{item}}}"#
        )
    }

    fn journal(http: &StaticReplayClient) -> (DynamoJournal, Arc<StillClock>) {
        let clock = StillClock::at("2026-11-20T03:00:00Z");
        let sdk = Sdk::on(http.clone());
        let shared: Arc<dyn Clock> = clock.clone();
        (DynamoJournal::new(&sdk, "shop-journal", shared), clock)
    }

    #[tokio::test(start_paused = true)]
    async fn an_append_is_one_conditional_put_that_asks_for_the_old_item() {
        let http = replay(&[(200, "{}")]);
        let stands = Appended::Stands(digest(&write_record(&record()).unwrap()));
        assert_eq!(journal(&http).0.append(&record()).await, Ok(stands));
        let put: serde_json::Value = serde_json::from_str(&sent(&http)[0]).unwrap();
        assert_eq!(put["TableName"], "shop-journal");
        assert_eq!(put["ConditionExpression"], "attribute_not_exists(#seq)");
        assert_eq!(put["ExpressionAttributeNames"]["#seq"], "seq");
        assert_eq!(put["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
        assert_eq!(put["Item"]["seq"]["N"], "42");
        assert_eq!(put["Item"]["run"]["N"], "40");
        assert_eq!(put["Item"]["previous"]["S"], Digest::of("41").as_str());
        assert_eq!(put["Item"]["type"]["S"], "signal_rejected");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_written_reads_back_the_same() {
        let written = write_record(&record()).unwrap();
        assert_eq!(read_record(&written).unwrap(), record());
        let without_run = Record { run: None, previous: None, ..record() };
        assert_eq!(read_record(&write_record(&without_run).unwrap()).unwrap(), without_run);
    }

    #[tokio::test(start_paused = true)]
    async fn an_own_item_in_the_way_is_a_lost_acknowledgement_and_stands() {
        let http = replay(&[(400, &condition_failed(&item(42, &record().attempt)))]);
        assert_eq!(journal(&http).0.append(&record()).await, Ok(standing(&record().attempt)));
    }

    #[tokio::test(start_paused = true)]
    async fn another_attempt_or_another_writer_in_the_way_has_taken_the_number() {
        let other_attempt = item(42, "01JD000000000000000000000B");
        let other_writer = item(42, &record().attempt).replace("handler@a", "handler@b");
        for item in [other_attempt, other_writer] {
            let http = replay(&[(400, &condition_failed(&item))]);
            assert_eq!(journal(&http).0.append(&record()).await, Ok(Appended::Taken));
            assert_eq!(http.actual_requests().count(), 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_without_the_old_item_is_resolved_by_a_consistent_read() {
        for (attempt, expected) in
            [(record().attempt, standing(&record().attempt)), ("B".to_owned(), Appended::Taken)]
        {
            let refusal = r#"{"__type":"ConditionalCheckFailedException","Message":"failed"}"#;
            let found = format!(r#"{{"Item":{}}}"#, item(42, &attempt));
            let http = replay(&[(400, refusal), (200, &found)]);
            assert_eq!(journal(&http).0.append(&record()).await, Ok(expected));
            assert!(sent(&http)[1].contains(r#""ConsistentRead":true"#));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_answer_is_tried_again_with_the_same_attempt_and_then_stands() {
        let broken = r#"{"__type":"com.amazon.coral.service#InternalServerError","message":"lost"}"#;
        let own = condition_failed(&item(42, &record().attempt));
        // Two attempts of the SDK, then the adapter's second try meets the record that had been written.
        let http = replay(&[(500, broken), (500, broken), (400, &own)]);
        let (journal, clock) = journal(&http);
        assert_eq!(journal.append(&record()).await, Ok(standing(&record().attempt)));
        let bodies = sent(&http);
        assert_eq!(bodies.len(), 3);
        assert!(bodies.iter().all(|body| body.contains(&record().attempt)));
        assert_eq!(clock.waits(), [APPEND_WAIT]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_table_is_given_up_after_bounded_tries() {
        let clock = StillClock::at("2026-11-20T03:00:00Z");
        let shared: Arc<dyn Clock> = clock.clone();
        let journal = DynamoJournal::new(&Sdk::on(NeverClient::new()), "shop-journal", shared);
        let failure = journal.append(&record()).await.unwrap_err();
        assert_eq!((failure.kind, failure.action), (FailureKind::Unreachable, PUT));
        assert_eq!(clock.waits(), [APPEND_WAIT, APPEND_WAIT * 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_denied_append_is_not_tried_again() {
        let denied = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: x is not authorized to perform: dynamodb:PutItem"}"#;
        let http = replay(&[(400, denied)]);
        let failure = journal(&http).0.append(&record()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Denied);
        assert_eq!(http.actual_requests().count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn loading_reads_every_page_consistently_and_in_order() {
        let first = format!(
            r#"{{"Items":[{},{}],"LastEvaluatedKey":{{"plan":{{"S":"shop"}},"seq":{{"N":"42"}}}}}}"#,
            item(41, "A"),
            item(42, "B")
        );
        let second = format!(r#"{{"Items":[{}]}}"#, item(43, "C"));
        let http = replay(&[(200, &first), (200, &second)]);
        let (journal, _) = journal(&http);
        let page = journal.load_after(&Name::new("shop"), 40).await.unwrap();
        assert_eq!(page.rest, Rest::More);
        let mut records = page.records;
        let page = journal.load_after(&Name::new("shop"), 42).await.unwrap();
        assert_eq!(page.rest, Rest::Nothing);
        records.extend(page.records);
        assert_eq!(records.iter().map(|record| record.seq).collect::<Vec<_>>(), [41, 42, 43]);
        let queries: Vec<serde_json::Value> =
            sent(&http).iter().map(|body| serde_json::from_str(body).unwrap()).collect();
        assert!(queries.iter().all(|query| query["ConsistentRead"] == true));
        assert_eq!(queries[0]["ExpressionAttributeValues"][":seq"]["N"], "40");
        assert_eq!(queries[1]["ExpressionAttributeValues"][":seq"]["N"], "42");
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_page_in_the_middle_is_passed_and_an_endless_row_of_them_is_an_error() {
        let empty = r#"{"Items":[],"LastEvaluatedKey":{"plan":{"S":"shop"},"seq":{"N":"41"}}}"#;
        let full = format!(r#"{{"Items":[{}]}}"#, item(42, "A"));
        let http = replay(&[(200, empty), (200, &full)]);
        let page = journal(&http).0.load_after(&Name::new("shop"), 40).await.unwrap();
        assert_eq!((page.records.len(), page.rest), (1, Rest::Nothing));
        let start: serde_json::Value = serde_json::from_str(&sent(&http)[1]).unwrap();
        assert_eq!(start["ExclusiveStartKey"]["seq"]["N"], "41");

        let http = replay(&[(200, empty); EMPTY_PAGES_MAX as usize]);
        let failure = journal(&http).0.load_after(&Name::new("shop"), 0).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "pages_empty"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_has_the_digests_of_its_first_and_its_last_record_as_the_table_keeps_them() {
        let page = |items: &[String]| format!(r#"{{"Items":[{}]}}"#, items.join(","));
        let digests = async |items: &[String]| {
            let http = replay(&[(200, &page(items))]);
            let page = journal(&http).0.load_after(&Name::new("shop"), 40).await.unwrap();
            (page.first, page.last)
        };
        let (first, last) = digests(&[item(41, "A"), item(42, "B"), item(43, "C")]).await;
        assert_eq!(digests(&[item(41, "A")]).await, (first.clone(), first.clone()));
        assert_eq!(digests(&[item(43, "C")]).await, (last.clone(), last.clone()));
        assert_ne!(first, last);
        // Any change to a record is another digest, and so is a field that this version does not know.
        for changed in [
            item(41, "B"),
            item(41, "A").replace("Nothing is due.", "Nothing was due."),
            item(41, "A").replace("stale", "unrecognised"),
            item(41, "A").replace(r#"{"plan""#, r#"{"of_the_future":{"BOOL":true},"plan""#),
        ] {
            assert_ne!(digests(std::slice::from_ref(&changed)).await.0, first, "{changed}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_that_cannot_be_read_ends_the_page_and_is_named() {
        let sound = item(42, "A");
        for (broken, words) in [
            (sound.replace("signal_rejected", "from_tomorrow"), "`event`"),
            (sound.replace(r#""schema":{"N":"1"}"#, r#""schema":{"N":"3"}"#), "its schema is 3"),
            (sound.replace(r#""attempt""#, r#""attempts""#), "`attempt` is missing"),
            (sound.replace(r#""run":{"N":"40"}"#, r#""run":{"S":"40"}"#), "`run` is missing or not"),
            (sound.replace("2026-11-20T03:00", "yesterday"), "`at`"),
        ] {
            let items = [item(41, "A"), broken, item(43, "A")].join(",");
            let http = replay(&[(200, &format!(r#"{{"Items":[{items}]}}"#))]);
            let page = journal(&http).0.load_after(&Name::new("shop"), 0).await.unwrap();
            assert_eq!(page.records.iter().map(|record| record.seq).collect::<Vec<_>>(), [41]);
            let Rest::Unreadable(PoisonRecord { seq, why }) = page.rest else {
                panic!("{words}: {:?}", page.rest);
            };
            assert_eq!(seq, "42");
            assert!(why.starts_with(words), "{why}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_vitals_lie_beside_the_log_and_read_back_the_same() {
        let vitals = Vitals { ticked_at: Some(record().at), ..Vitals::default() };
        let http = replay(&[(200, "{}")]);
        journal(&http).0.save_vitals(&Name::new("shop"), &vitals).await.unwrap();
        let put: serde_json::Value = serde_json::from_str(&sent(&http)[0]).unwrap();
        assert_eq!(put["Item"]["plan"]["S"], "shop#vitals");
        assert_eq!(put["Item"]["seq"]["N"], "0");
        assert!(put.get("ConditionExpression").is_none());

        let stored = serde_json::json!({"Item": put["Item"]}).to_string();
        let http = replay(&[(200, &stored)]);
        assert_eq!(journal(&http).0.load_vitals(&Name::new("shop")).await, Ok(Some(vitals)));
    }

    #[tokio::test(start_paused = true)]
    async fn absent_and_unreadable_vitals_are_not_known() {
        for answer in ["{}", r#"{"Item":{"vitals":{"S":"not JSON"}}}"#, r#"{"Item":{"seq":{"N":"0"}}}"#] {
            let http = replay(&[(200, answer)]);
            assert_eq!(journal(&http).0.load_vitals(&Name::new("shop")).await, Ok(None));
        }
    }
}
