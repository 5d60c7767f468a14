//! What lies in a queue? Its counts, in the function's own region.

use async_trait::async_trait;
use ports::Answer;
use ports::inspection::QueueInspection;
use serde_json::{Value, json};

use crate::config::Sdk;
use crate::failure::if_there;
use crate::signed::{Content, Question, Signed, unreadable};

const ATTRIBUTES: &str = "sqs:GetQueueAttributes";

/// What lies ready, and what somebody has taken and not yet deleted.
const COUNTS: [&str; 2] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];

/// Queues of the function's own region and account.
pub struct SqsQueues {
    signed: Signed,
}

impl SqsQueues {
    /// In the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self { signed: sdk.signed() }
    }
}

#[async_trait]
impl QueueInspection for SqsQueues {
    async fn messages(&self, account: &str, queue: &str) -> Answer<Option<u64>> {
        let url = format!("{}{account}/{queue}", self.signed.address("sqs"));
        let content = Content::Json {
            version: "1.0",
            target: "AmazonSQS.GetQueueAttributes",
            document: json!({ "QueueUrl": url, "AttributeNames": COUNTS }),
        };
        let question = Question { action: ATTRIBUTES, service: "sqs", content };
        let Some(answer) = if_there(self.signed.json(&question).await)? else { return Ok(None) };
        let count = |name: &str| -> Answer<u64> {
            let text =
                answer.get("Attributes").and_then(|attributes| attributes.get(name)).and_then(Value::as_str);
            let count = text.and_then(|text| text.parse().ok());
            count.ok_or_else(|| unreadable(&question, &format!("it has no number {name}")))
        };
        Ok(Some(count(COUNTS[0])?.saturating_add(count(COUNTS[1])?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{replay, sent};

    async fn ask(answers: &[(u16, &str)]) -> (Answer<Option<u64>>, Vec<String>) {
        let http = replay(answers);
        let queues = SqsQueues::new(&Sdk::on(http.clone()));
        let seen = queues.messages("123456789012", "shop-scale-asg-dead-letters").await;
        (seen, sent(&http))
    }

    #[tokio::test(start_paused = true)]
    async fn what_lies_there_and_what_is_in_somebodys_hands_are_counted_together() {
        let body = r#"{"Attributes":{"ApproximateNumberOfMessages":"2","ApproximateNumberOfMessagesNotVisible":"1"}}"#;
        let (seen, requests) = ask(&[(200, body)]).await;
        assert_eq!(seen, Ok(Some(3)));
        let url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-scale-asg-dead-letters";
        assert!(requests[0].contains(url), "{}", requests[0]);
    }

    /// SQS speaks an older version of the protocol than the others.
    #[tokio::test(start_paused = true)]
    async fn the_question_says_which_protocol_it_speaks() {
        let http = replay(&[(200, "{}")]);
        let _ = SqsQueues::new(&Sdk::on(http.clone())).messages("123456789012", "q").await;
        let request = http.actual_requests().next().unwrap();
        assert_eq!(request.headers().get("content-type"), Some("application/x-amz-json-1.0"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_is_gone_is_nothing_and_a_count_that_is_missing_is_never_zero() {
        let gone = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"gone"}"#;
        assert_eq!(ask(&[(400, gone)]).await.0, Ok(None));
        let half = r#"{"Attributes":{"ApproximateNumberOfMessages":"0"}}"#;
        let (seen, _) = ask(&[(200, half)]).await;
        assert!(seen.unwrap_err().message.contains("ApproximateNumberOfMessagesNotVisible"));
        let denied = r#"{"__type":"com.amazonaws.sqs#AccessDeniedException","message":"no"}"#;
        let failure = ask(&[(403, denied)]).await.0.unwrap_err();
        assert_eq!((failure.kind, failure.action), (ports::FailureKind::Denied, ATTRIBUTES));
    }
}
