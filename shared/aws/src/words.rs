//! How do two guards tell each other what they hold? Each keeps its word beside its journal, under `<plan>#word`, sort key 0.
//!
//! | attribute | type | |
//! | --- | --- | --- |
//! | `word` | S | the word as JSON |
//! | `up_to` | N | the sequence number of the record that it was given after |
//! | `table_id` | S | the table that this record is in |
//!
//! An older word never takes the place of a newer one of the same table.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use ports::{Answer, FailureKind, Words};
use protocol::name::Name;
use protocol::word::Word;

use crate::config::Sdk;
use crate::failure::{failure, ours};
use crate::journal::read_item;

const DESCRIBE: &str = "dynamodb:DescribeTable";
const PUT: &str = "dynamodb:PutItem";

/// Where the other guard keeps its journal, and its word beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerTable {
    /// Its region.
    pub region: String,
    /// The table's name.
    pub table: String,
}

/// Words in `DynamoDB` tables, each beside the journal of the guard whose word it is.
pub struct DynamoWords {
    client: Client,
    table: String,
    peer: Client,
    peer_table: String,
}

impl DynamoWords {
    /// Of a guard that keeps its journal in a table of its own region, and hears the one that keeps its own in another.
    pub fn new(sdk: &Sdk, table: impl Into<String>, peer: &PeerTable) -> Self {
        Self {
            client: sdk.dynamodb(),
            table: table.into(),
            peer: sdk.dynamodb_of_peer(&peer.region),
            peer_table: peer.table.clone(),
        }
    }
}

fn partition(plan: &Name) -> String {
    format!("{plan}#word")
}

async fn word_in(client: &Client, table: &str, plan: &Name) -> Answer<Option<String>> {
    let item = read_item(client, table, &partition(plan), 0).await?;
    // What is there and is no text can't be read as a word either.
    Ok(item.map(|item| item.get("word").and_then(|word| word.as_s().ok()).cloned().unwrap_or_default()))
}

#[async_trait]
impl Words for DynamoWords {
    async fn table_id(&self) -> Answer<String> {
        let output = self
            .client
            .describe_table()
            .table_name(&self.table)
            .send()
            .await
            .map_err(|error| failure(DESCRIBE, &error))?;
        let id = output.table.and_then(|table| table.table_id).filter(|id| !id.is_empty());
        id.ok_or_else(|| ours(FailureKind::Unavailable, DESCRIBE, "response", "the answer names no TableId"))
    }

    async fn own(&self, plan: &Name) -> Answer<Option<String>> {
        word_in(&self.client, &self.table, plan).await
    }

    async fn keep(&self, word: &Word) -> Answer<()> {
        let json = serde_json::to_string(word)
            .map_err(|error| ours(FailureKind::Invalid, PUT, "word_unwritable", error.to_string()))?;
        let (table_id, up_to) = (&word.heard_up_to.table_id, word.heard_up_to.seq.to_string());
        let result = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("plan", AttributeValue::S(partition(&word.plan)))
            .item("seq", AttributeValue::N("0".to_owned()))
            .item("word", AttributeValue::S(json))
            .item("up_to", AttributeValue::N(up_to.clone()))
            .item("table_id", AttributeValue::S(table_id.clone()))
            .condition_expression("attribute_not_exists(#seq) OR #table <> :table OR #up_to <= :up_to")
            .expression_attribute_names("#seq", "seq")
            .expression_attribute_names("#table", "table_id")
            .expression_attribute_names("#up_to", "up_to")
            .expression_attribute_values(":table", AttributeValue::S(table_id.clone()))
            .expression_attribute_values(":up_to", AttributeValue::N(up_to))
            .send()
            .await;
        match result {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(failure(PUT, &error)),
            },
        }
    }

    async fn other(&self, plan: &Name) -> Answer<Option<String>> {
        word_in(&self.peer, &self.peer_table, plan).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aws_smithy_http_client::test_util::{NeverClient, StaticReplayClient};
    use protocol::side::Side;
    use protocol::word::{JournalPlace, WORD_SCHEMA};
    use serde_json::Value;

    use super::*;
    use crate::journal::GET;
    use crate::replay::{replay, sent};

    pub(crate) fn word(seq: u64) -> Word {
        Word {
            schema: WORD_SCHEMA,
            plan: Name::new("shop"),
            seat: Side::Recovery,
            peer: "us-east-2".to_owned(),
            heard_up_to: JournalPlace { table_id: "t-1".to_owned(), seq },
            at: "2026-11-20T03:00:00Z".parse().unwrap(),
            heard: None,
            heard_at: None,
            groups: BTreeMap::new(),
        }
    }

    fn words(http: &StaticReplayClient) -> DynamoWords {
        let peer = PeerTable { region: "us-east-2".to_owned(), table: "shop-primary-journal".to_owned() };
        DynamoWords::new(&Sdk::on(http.clone()), "shop-journal", &peer)
    }

    #[tokio::test(start_paused = true)]
    async fn a_word_is_kept_whole_and_read_back_by_both_guards() {
        let http = replay(&[(200, "{}")]);
        words(&http).keep(&word(7)).await.unwrap();
        let put: Value = serde_json::from_str(&sent(&http)[0]).unwrap();
        assert_eq!(put["Item"]["plan"]["S"], "shop#word");
        assert_eq!(
            (&put["Item"]["seq"]["N"], &put["Item"]["up_to"]["N"]),
            (&Value::from("0"), &Value::from("7"))
        );
        let stored = serde_json::json!({ "Item": put["Item"] }).to_string();

        let http = replay(&[(200, &stored), (200, &stored)]);
        let words = words(&http);
        for text in [words.own(&Name::new("shop")).await, words.other(&Name::new("shop")).await] {
            assert_eq!(Word::read(&text.unwrap().unwrap()), Ok(word(7)));
        }
        // The requests are locked while they are gone through.
        let bodies = sent(&http);
        let asked: Vec<(String, Value)> = http
            .actual_requests()
            .zip(bodies)
            .map(|(request, body)| (request.uri().to_owned(), serde_json::from_str(&body).unwrap()))
            .collect();
        let [(own_uri, own), (peer_uri, peer)] = &asked[..] else { panic!("{asked:?}") };
        assert!(own_uri.contains("us-west-1") && peer_uri.contains("us-east-2"), "{own_uri} {peer_uri}");
        assert_eq!(
            (&own["TableName"], &peer["TableName"]),
            (&"shop-journal".into(), &"shop-primary-journal".into())
        );
        assert!([own, peer].iter().all(|question| question["ConsistentRead"] == true));
    }

    #[tokio::test(start_paused = true)]
    async fn no_word_is_nothing_and_one_that_is_no_text_is_not_read_as_one() {
        let http = replay(&[(200, "{}"), (200, r#"{"Item":{"word":{"N":"1"}}}"#)]);
        let words = words(&http);
        assert_eq!(words.other(&Name::new("shop")).await, Ok(None));
        let text = words.other(&Name::new("shop")).await.unwrap().unwrap();
        assert!(Word::read(&text).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_newer_word_stays_and_that_is_no_failure() {
        let refusal = r#"{"__type":"ConditionalCheckFailedException","Message":"failed"}"#;
        let http = replay(&[(400, refusal)]);
        assert_eq!(words(&http).keep(&word(7)).await, Ok(()));
        let denied = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}"#;
        let failure = words(&replay(&[(400, denied)])).keep(&word(7)).await.unwrap_err();
        assert_eq!((failure.kind, failure.action), (FailureKind::Denied, PUT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_table_is_known_by_its_id() {
        let http = replay(&[(200, r#"{"Table":{"TableId":"t-1"}}"#), (200, r#"{"Table":{}}"#)]);
        let words = words(&http);
        assert_eq!(words.table_id().await, Ok("t-1".to_owned()));
        assert_eq!(words.table_id().await.unwrap_err().code, "response");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_region_is_given_up_within_two_seconds() {
        let peer = PeerTable { region: "us-east-2".to_owned(), table: "shop-primary-journal".to_owned() };
        let words = DynamoWords::new(&Sdk::on(NeverClient::new()), "shop-journal", &peer);
        let began = tokio::time::Instant::now();
        let failure = words.other(&Name::new("shop")).await.unwrap_err();
        assert_eq!((failure.kind, failure.action), (FailureKind::Unreachable, GET));
        assert_eq!(began.elapsed().as_secs(), 2);
    }
}
