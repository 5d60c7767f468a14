//! Who hears a topic? The counts that SNS keeps of its subscriptions, in the function's own region.

use async_trait::async_trait;
use aws_sdk_sns::Client;
use ports::inspection::TopicInspection;
use ports::{Answer, FailureKind};
use protocol::readiness::facts::Subscriptions;

use crate::config::Sdk;
use crate::failure::{failure, if_there, ours};

const ATTRIBUTES: &str = "sns:GetTopicAttributes";

/// Topics of the function's own region.
pub struct SnsTopics {
    client: Client,
}

impl SnsTopics {
    /// The topics as seen from the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self { client: sdk.sns() }
    }
}

#[async_trait]
impl TopicInspection for SnsTopics {
    async fn subscriptions(&self, topic: &str) -> Answer<Option<Subscriptions>> {
        let result = self.client.get_topic_attributes().topic_arn(topic).send().await;
        let output = if_there(result.map_err(|error| failure(ATTRIBUTES, &error)))?;
        let Some(output) = output else { return Ok(None) };
        let count = |name: &str| {
            let text = output.attributes().and_then(|attributes| attributes.get(name));
            text.and_then(|text| text.parse().ok()).ok_or_else(|| {
                let message = format!("the answer lacks the number {name} of {topic}");
                ours(FailureKind::Unavailable, ATTRIBUTES, "attribute_missing", message)
            })
        };
        let (confirmed, pending) = (count("SubscriptionsConfirmed")?, count("SubscriptionsPending")?);
        Ok(Some(Subscriptions { confirmed, pending }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{replay, sent};

    const TOPIC: &str = "arn:aws:sns:us-west-1:123456789012:shop-notices";

    fn attributes(entries: &[(&str, &str)]) -> String {
        let entry =
            |(key, value): &(&str, &str)| format!("<entry><key>{key}</key><value>{value}</value></entry>");
        format!(
            "<GetTopicAttributesResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><GetTopicAttributesResult>\
             <Attributes>{}</Attributes></GetTopicAttributesResult></GetTopicAttributesResponse>",
            entries.iter().map(entry).collect::<String>()
        )
    }

    async fn ask(status: u16, body: &str) -> (Answer<Option<Subscriptions>>, String) {
        let http = replay(&[(status, body), (status, body), (status, body)]);
        let answer = SnsTopics::new(&Sdk::on(http.clone())).subscriptions(TOPIC).await;
        (answer, sent(&http).swap_remove(0))
    }

    fn error(code: &str) -> String {
        format!("<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>")
    }

    #[tokio::test(start_paused = true)]
    async fn confirmed_and_pending_subscriptions_are_told_apart() {
        let body =
            attributes(&[("SubscriptionsPending", "1"), ("Owner", "x"), ("SubscriptionsConfirmed", "2")]);
        let (seen, request) = ask(200, &body).await;
        assert_eq!(seen, Ok(Some(Subscriptions { confirmed: 2, pending: 1 })));
        assert!(request.contains(&format!("TopicArn={TOPIC}")), "{request}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_topic_that_is_gone_is_nothing_and_one_that_may_not_be_seen_is_a_failure() {
        assert_eq!(ask(404, &error("NotFound")).await.0, Ok(None));
        let failure = ask(403, &error("AuthorizationError")).await.0.unwrap_err();
        assert_eq!((failure.kind, failure.action), (FailureKind::Denied, ATTRIBUTES));
    }

    #[tokio::test(start_paused = true)]
    async fn a_count_that_is_missing_is_never_zero() {
        let (seen, _) = ask(200, &attributes(&[("SubscriptionsConfirmed", "2")])).await;
        assert_eq!(seen.unwrap_err().code, "attribute_missing");
    }
}
