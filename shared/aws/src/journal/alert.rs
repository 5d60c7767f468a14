//! When were people last told that the log can't be read? An item for each alert under `<plan>#vitals`, with `told_at` in
//! milliseconds. A conditional put is the claim: of all functions that notice, one tells.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use ports::{Alert, AlertClaim, Answer, Failure};
use protocol::name::Name;

use super::{DynamoJournal, PUT, vitals_partition};
use crate::failure::failure;

/// When this instance last let people be told.
pub(super) type Told = BTreeMap<Alert, Timestamp>;

const TOLD_AT: &str = "told_at";

fn sort_key(alert: Alert) -> u64 {
    match alert {
        Alert::Poison => 4,
        Alert::Silence => 5,
    }
}

fn milliseconds(time: Timestamp) -> AttributeValue {
    AttributeValue::N(time.as_millisecond().to_string())
}

impl DynamoJournal {
    /// Whether the caller may tell people. A table that can't say it is no reason to tell nobody, nor to tell them at each
    /// invocation: then this instance goes by what it remembers.
    pub(super) async fn claim(&self, plan: &Name, claim: &AlertClaim) -> bool {
        match self.try_claim(plan, claim).await {
            Ok(is_granted) => is_granted,
            Err(failure) => {
                tracing::warn!(%failure, "the table can't be asked for the time of the last notice");
                let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                let is_quiet = told.get(&claim.alert).is_none_or(|told| *told <= claim.quiet_since);
                if is_quiet {
                    told.insert(claim.alert, claim.at);
                }
                is_quiet
            }
        }
    }

    async fn try_claim(&self, plan: &Name, claim: &AlertClaim) -> Result<bool, Failure> {
        let result = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("plan", AttributeValue::S(vitals_partition(plan)))
            .item("seq", AttributeValue::N(sort_key(claim.alert).to_string()))
            .item(TOLD_AT, milliseconds(claim.at))
            .condition_expression("attribute_not_exists(#told) OR #told <= :quiet")
            .expression_attribute_names("#told", TOLD_AT)
            .expression_attribute_values(":quiet", milliseconds(claim.quiet_since))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = result else { return Ok(true) };
        let Some(PutItemError::ConditionalCheckFailedException(taken)) = error.as_service_error() else {
            return Err(failure(PUT, &error));
        };
        // The very time of this claim is an earlier try of it whose answer was lost.
        Ok(taken.item().and_then(|item| item.get(TOLD_AT)) == Some(&milliseconds(claim.at)))
    }

    pub(super) async fn yield_claim(&self, plan: &Name, alert: Alert) -> Answer<()> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).remove(&alert);
        self.client
            .put_item()
            .table_name(&self.table)
            .item("plan", AttributeValue::S(vitals_partition(plan)))
            .item("seq", AttributeValue::N(sort_key(alert).to_string()))
            .item(TOLD_AT, AttributeValue::N("0".to_owned()))
            .send()
            .await
            .map_err(|error| failure(PUT, &error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aws_smithy_http_client::test_util::StaticReplayClient;
    use jiff::SignedDuration;
    use ports::{Clock, Journal};

    use super::*;
    use crate::config::Sdk;
    use crate::replay::{StillClock, replay, sent};

    const REFUSED: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "Message":"The conditional request failed","Item":{"told_at":{"N":"TOLD"}}}"#;
    const DENIED: &str = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: x is not authorized"}"#;

    fn journal(http: &StaticReplayClient) -> DynamoJournal {
        let clock: Arc<dyn Clock> = StillClock::at("2026-11-20T03:00:00Z");
        DynamoJournal::new(&Sdk::on(http.clone()), "shop-journal", clock)
    }

    fn claim(minutes: i64) -> AlertClaim {
        let at: Timestamp = "2026-11-20T03:00:00Z".parse().unwrap();
        let at = at + SignedDuration::from_mins(minutes);
        AlertClaim { alert: Alert::Poison, at, quiet_since: at - SignedDuration::from_hours(1) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_is_a_put_that_an_alert_within_the_hour_refuses() {
        let http = replay(&[(200, "{}"), (400, &REFUSED.replace("TOLD", "1"))]);
        let (journal, plan) = (journal(&http), Name::new("shop"));
        assert_eq!(journal.claim_alert(&plan, &claim(0)).await, Ok(true));
        assert_eq!(journal.claim_alert(&plan, &claim(1)).await, Ok(false));
        let put: serde_json::Value = serde_json::from_str(&sent(&http)[0]).unwrap();
        assert_eq!(put["Item"]["plan"]["S"], "shop#vitals");
        assert_eq!(put["Item"]["seq"]["N"], "4");
        assert_eq!(put["Item"]["told_at"]["N"], claim(0).at.as_millisecond().to_string());
        let quiet = claim(0).quiet_since.as_millisecond().to_string();
        assert_eq!(put["ExpressionAttributeValues"][":quiet"]["N"], quiet);
        assert_eq!(put["ConditionExpression"], "attribute_not_exists(#told) OR #told <= :quiet");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_by_ones_own_lost_answer_is_a_grant() {
        let own = REFUSED.replace("TOLD", &claim(0).at.as_millisecond().to_string());
        let journal = journal(&replay(&[(400, &own)]));
        assert_eq!(journal.claim_alert(&Name::new("shop"), &claim(0)).await, Ok(true));
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_table_an_instance_tells_once_an_hour() {
        let journal = journal(&replay(&[(400, DENIED); 4]));
        let plan = Name::new("shop");
        let mut granted = Vec::new();
        for minutes in [0, 59, 60, 61] {
            granted.push(journal.claim_alert(&plan, &claim(minutes)).await.unwrap());
        }
        assert_eq!(granted, [true, false, true, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_was_told_of_can_be_claimed_again() {
        let http = replay(&[(400, DENIED), (200, "{}"), (400, DENIED)]);
        let (journal, plan) = (journal(&http), Name::new("shop"));
        assert_eq!(journal.claim_alert(&plan, &claim(0)).await, Ok(true));
        assert_eq!(journal.yield_alert(&plan, Alert::Poison).await, Ok(()));
        assert_eq!(journal.claim_alert(&plan, &claim(1)).await, Ok(true));
        let put: serde_json::Value = serde_json::from_str(&sent(&http)[1]).unwrap();
        assert_eq!(put["Item"]["told_at"]["N"], "0");
    }
}
