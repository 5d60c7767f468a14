//! Where is remembered which parameters were seen to be the same? Beside the journal, in items of their own.
//!
//! The partition key is `<plan>#parameters`, the sort key a number from 0 on, each item has up to `PART_BYTES` in `part`,
//! and `parts` says how many there are. It is advisory: what is lost is compared again.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use ports::{Answer, FailureKind, SeenPairs};
use protocol::name::Name;

use crate::config::Sdk;
use crate::failure::{failure, ours};

const PUT: &str = "dynamodb:PutItem";
const GET: &str = "dynamodb:GetItem";

/// Bytes of one item: below the 400 KB that an item may have, and a whole number of fingerprints.
const PART_BYTES: usize = 320_000;
/// Most items: 200,000 parameters.
const PARTS_MAX: usize = 10;

/// The memory in the journal's table.
pub struct DynamoSeen {
    client: Client,
    table: String,
}

impl DynamoSeen {
    /// In a table of the function's own region.
    pub fn new(sdk: &Sdk, table: impl Into<String>) -> Self {
        Self { client: sdk.dynamodb(), table: table.into() }
    }
}

/// `#` can't stand in a plan's name, so no plan's log is met.
fn partition(plan: &Name) -> AttributeValue {
    AttributeValue::S(format!("{plan}#parameters"))
}

fn number(number: usize) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

#[async_trait]
impl SeenPairs for DynamoSeen {
    async fn load(&self, plan: &Name) -> Answer<Vec<u8>> {
        let mut seen = Vec::new();
        let mut parts = 1;
        let mut part = 0;
        while part < parts {
            let output = self
                .client
                .get_item()
                .table_name(&self.table)
                .key("plan", partition(plan))
                .key("seq", number(part))
                .send()
                .await
                .map_err(|error| failure(GET, &error))?;
            let item = output.item.unwrap_or_default();
            if let Some(bytes) = item.get("part").and_then(|value| value.as_b().ok()) {
                seen.extend_from_slice(bytes.as_ref());
            }
            let said =
                item.get("parts").and_then(|value| value.as_n().ok()).and_then(|text| text.parse().ok());
            parts = said.unwrap_or(0).min(PARTS_MAX);
            part += 1;
        }
        Ok(seen)
    }

    async fn save(&self, plan: &Name, seen: &[u8]) -> Answer<()> {
        let parts: Vec<&[u8]> = if seen.is_empty() { vec![&[]] } else { seen.chunks(PART_BYTES).collect() };
        if parts.len() > PARTS_MAX {
            let message = format!("{} bytes are more than {PARTS_MAX} items hold", seen.len());
            return Err(ours(FailureKind::Invalid, PUT, "seen_too_large", message));
        }
        for (index, part) in parts.iter().enumerate() {
            self.client
                .put_item()
                .table_name(&self.table)
                .item("plan", partition(plan))
                .item("seq", number(index))
                .item("parts", number(parts.len()))
                .item("part", AttributeValue::B(Blob::new(*part)))
                .send()
                .await
                .map_err(|error| failure(PUT, &error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::replay::{replay, sent};

    fn seen(http: &aws_smithy_http_client::test_util::StaticReplayClient) -> DynamoSeen {
        DynamoSeen::new(&Sdk::on(http.clone()), "shop-journal")
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_saved_in_parts_is_read_again_in_order() {
        let bytes: Vec<u8> = (0..PART_BYTES + 7).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let http = replay(&[(200, "{}"), (200, "{}")]);
        seen(&http).save(&Name::new("shop"), &bytes).await.unwrap();
        let puts: Vec<Value> = sent(&http).iter().map(|body| serde_json::from_str(body).unwrap()).collect();
        assert_eq!(puts[1]["Item"]["plan"]["S"], "shop#parameters");
        assert_eq!(puts.iter().map(|put| put["Item"]["seq"]["N"].clone()).collect::<Vec<_>>(), ["0", "1"]);
        let items: Vec<String> = puts.iter().map(|put| json!({"Item": put["Item"]}).to_string()).collect();
        let http = replay(&[(200, &items[0]), (200, &items[1])]);
        assert_eq!(seen(&http).load(&Name::new("shop")).await, Ok(bytes));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_saved_is_nothing_seen_and_a_stray_item_is_not_believed() {
        for answer in ["{}", r#"{"Item":{"parts":{"N":"many"}}}"#, r#"{"Item":{"parts":{"N":"1"}}}"#] {
            let http = replay(&[(200, answer)]);
            assert_eq!(seen(&http).load(&Name::new("shop")).await, Ok(Vec::new()), "{answer}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_to_remember_takes_away_what_was_remembered() {
        let http = replay(&[(200, "{}")]);
        seen(&http).save(&Name::new("shop"), &[]).await.unwrap();
        let put: Value = serde_json::from_str(&sent(&http)[0]).unwrap();
        assert_eq!(
            (put["Item"]["parts"]["N"].as_str(), put["Item"]["part"]["B"].as_str()),
            (Some("1"), Some(""))
        );
    }
}
