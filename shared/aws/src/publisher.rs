//! How do commands reach the workers, and notices the people? SNS topics of the function's own region.
//!
//! A command is a wake-up, never truth: one that is lost costs time alone. A failed entry is still a failure, so that
//! somebody knows.

use async_trait::async_trait;
use aws_sdk_sns::Client;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use ports::{Answer, Failure, FailureKind, Publisher};
use protocol::command::StepCommand;

use crate::config::Sdk;
use crate::failure::{failure, kind_of, one_line, ours};

const PUBLISH: &str = "sns:Publish";

/// Entries of one batch.
const BATCH: usize = 10;
/// SNS takes 256 KiB a batch, attributes and all; the rest is left for them.
const BATCH_BYTES_MAX: usize = 200 * 1024;
/// Longest subject SNS takes.
const SUBJECT_CHARACTERS_MAX: usize = 100;
/// Longest notice that is sent whole; SNS takes 256 KiB.
const NOTICE_BYTES_MAX: usize = 200 * 1024;

/// The commands topic and the notices topic.
pub struct SnsPublisher {
    client: Client,
    commands_topic: String,
    notices_topic: String,
}

impl SnsPublisher {
    /// A publisher to two topics, by ARN.
    pub fn new(sdk: &Sdk, commands_topic: impl Into<String>, notices_topic: impl Into<String>) -> Self {
        Self { client: sdk.sns(), commands_topic: commands_topic.into(), notices_topic: notices_topic.into() }
    }

    async fn publish(&self, batch: Vec<PublishBatchRequestEntry>) -> Answer<()> {
        let output = self
            .client
            .publish_batch()
            .topic_arn(&self.commands_topic)
            .set_publish_batch_request_entries(Some(batch))
            .send()
            .await
            .map_err(|error| failure(PUBLISH, &error))?;
        let Some(failed) = output.failed().first() else {
            return Ok(());
        };
        // No status comes with an entry: 400 stands for the sender's fault, 500 for the service's.
        let kind = kind_of(failed.code(), if failed.sender_fault() { 400 } else { 500 });
        let message = format!(
            "{} of {} commands were not published: {}",
            output.failed().len(),
            output.failed().len() + output.successful().len(),
            failed.message().unwrap_or("no reason given")
        );
        Err(ours(kind, PUBLISH, failed.code(), message))
    }
}

#[async_trait]
impl Publisher for SnsPublisher {
    async fn commands(&self, commands: &[StepCommand]) -> Answer<()> {
        let mut batches: Vec<(usize, Vec<PublishBatchRequestEntry>)> = Vec::new();
        for command in commands {
            let (bytes, entry) = entry(command)?;
            match batches.last_mut() {
                Some((size, batch)) if batch.len() < BATCH && *size + bytes <= BATCH_BYTES_MAX => {
                    *size += bytes;
                    batch.push(numbered(entry, batch.len())?);
                }
                _ => batches.push((bytes, vec![numbered(entry, 0)?])),
            }
        }
        // What can be published is published; the first failure is told.
        let mut first: Option<Failure> = None;
        for (_, batch) in batches {
            if let Err(failure) = self.publish(batch).await {
                first.get_or_insert(failure);
            }
        }
        first.map_or(Ok(()), Err)
    }

    async fn notice(&self, subject: &str, text: &str) -> Answer<()> {
        self.client
            .publish()
            .topic_arn(&self.notices_topic)
            .subject(sendable_subject(subject))
            .message(cut(text, NOTICE_BYTES_MAX))
            .send()
            .await
            .map_err(|error| failure(PUBLISH, &error))?;
        Ok(())
    }
}

type BatchEntry = aws_sdk_sns::types::builders::PublishBatchRequestEntryBuilder;

fn entry(command: &StepCommand) -> Answer<(usize, BatchEntry)> {
    let message = serde_json::to_string(command).map_err(unbuildable)?;
    let step = MessageAttributeValue::builder().data_type("String").string_value(command.step.as_str());
    let step = step.build().map_err(unbuildable)?;
    let bytes = message.len();
    Ok((bytes, PublishBatchRequestEntry::builder().message(message).message_attributes("step", step)))
}

fn numbered(entry: BatchEntry, place: usize) -> Answer<PublishBatchRequestEntry> {
    entry.id(place.to_string()).build().map_err(unbuildable)
}

fn unbuildable(error: impl std::error::Error) -> Failure {
    ours(FailureKind::Invalid, PUBLISH, "command_unwritable", error.to_string())
}

/// SNS takes ASCII that begins with a letter, a digit or a punctuation mark, on one line, of at most 100 characters.
fn sendable_subject(subject: &str) -> String {
    let ascii: String = one_line(subject).chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
    let cut: String = ascii.trim().chars().take(SUBJECT_CHARACTERS_MAX).collect();
    let cut = cut.trim_end();
    if cut.is_empty() { "Pilotlight".to_owned() } else { cut.to_owned() }
}

fn cut(text: &str, bytes_max: usize) -> String {
    const MARK: &str = "\n[cut]";
    if text.len() <= bytes_max {
        return if text.is_empty() { "(no text)".to_owned() } else { text.to_owned() };
    }
    let mut end = bytes_max - MARK.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{MARK}", &text[..end])
}

#[cfg(test)]
mod tests {
    use aws_smithy_http_client::test_util::StaticReplayClient;
    use protocol::command::Step;
    use protocol::name::Name;

    use super::*;
    use crate::replay::{replay, sent};

    const DONE: &str = "<PublishBatchResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishBatchResult>\
                        <Successful><member><Id>0</Id><MessageId>m</MessageId></member></Successful><Failed/>\
                        </PublishBatchResult></PublishBatchResponse>";
    const SAID: &str = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
                        <MessageId>m</MessageId></PublishResult></PublishResponse>";

    fn command(subject: &str) -> StepCommand {
        StepCommand {
            plan: Name::new("shop"),
            run: 7,
            step: Step::Promote,
            subjects: vec![Name::new(subject)],
        }
    }

    fn failed(code: &str, sender: bool) -> String {
        format!(
            "<PublishBatchResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishBatchResult>\
             <Successful/><Failed><member><Id>0</Id><Code>{code}</Code><Message>no</Message>\
             <SenderFault>{sender}</SenderFault></member></Failed></PublishBatchResult></PublishBatchResponse>"
        )
    }

    fn publisher(http: &StaticReplayClient) -> SnsPublisher {
        SnsPublisher::new(&Sdk::on(http.clone()), "arn:commands", "arn:notices")
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_is_json_with_its_step_as_an_attribute() {
        let http = replay(&[(200, DONE)]);
        publisher(&http).commands(&[command("orders")]).await.unwrap();
        let request = &sent(&http)[0];
        for part in [
            "TopicArn=arn:commands",
            r#"{"plan":"shop","run":7,"step":"promote","subjects":["orders"]}"#,
            "MessageAttributes.entry.1.Name=step",
            "Value.DataType=String",
            "Value.StringValue=promote",
        ] {
            assert!(request.contains(part), "{part} in {request}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_command_is_no_call() {
        let http = replay(&[]);
        publisher(&http).commands(&[]).await.unwrap();
        assert_eq!(http.actual_requests().count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn ten_commands_are_one_call_and_one_more_is_another() {
        let http = replay(&[(200, DONE), (200, DONE)]);
        publisher(&http).commands(&vec![command("orders"); 11]).await.unwrap();
        assert_eq!(http.actual_requests().count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn large_commands_do_not_share_a_call() {
        let http = replay(&[(200, DONE), (200, DONE)]);
        let large = StepCommand { subjects: vec![Name::new("x".repeat(40)); 3_000], ..command("orders") };
        publisher(&http).commands(&[large.clone(), large]).await.unwrap();
        assert_eq!(http.actual_requests().count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_entry_is_a_failure_and_the_other_batches_are_sent_nevertheless() {
        for (code, sender, expected) in [
            ("InternalError", false, FailureKind::Unavailable),
            ("SomethingNew", false, FailureKind::Unavailable),
            ("InvalidParameter", true, FailureKind::Invalid),
            ("KMSAccessDenied", true, FailureKind::Denied),
            ("Throttled", true, FailureKind::Throttled),
        ] {
            let http = replay(&[(200, &failed(code, sender)), (200, DONE)]);
            let failure = publisher(&http).commands(&vec![command("orders"); 11]).await.unwrap_err();
            assert_eq!((failure.kind, failure.code.as_str()), (expected, code));
            assert_eq!(http.actual_requests().count(), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_denied_publish_names_the_action() {
        let denied = "<ErrorResponse><Error><Code>AuthorizationError</Code><Message>no</Message></Error></ErrorResponse>";
        let http = replay(&[(403, denied)]);
        let failure = publisher(&http).notice("subject", "text").await.unwrap_err();
        assert_eq!((failure.kind, failure.action), (FailureKind::Denied, PUBLISH));
    }

    #[tokio::test(start_paused = true)]
    async fn a_notice_goes_to_people_with_a_subject_that_sns_takes() {
        let http = replay(&[(200, SAID)]);
        publisher(&http).notice("shop:\nfailover \u{2013} done", "It serves.").await.unwrap();
        let request = &sent(&http)[0];
        for part in ["TopicArn=arn:notices", "Subject=shop: failover ? done", "Message=It serves."] {
            assert!(request.contains(part), "{part} in {request}");
        }
    }

    #[test]
    fn subjects_are_cut_and_never_empty() {
        assert_eq!(sendable_subject(&"x".repeat(300)).len(), 100);
        assert_eq!(sendable_subject(&format!("{} y", "x".repeat(99))), "x".repeat(99));
        assert_eq!(sendable_subject(" \n "), "Pilotlight");
    }

    #[test]
    fn a_long_notice_is_cut_at_a_character() {
        let cut = cut(&"\u{e4}".repeat(NOTICE_BYTES_MAX), NOTICE_BYTES_MAX);
        assert!(cut.len() <= NOTICE_BYTES_MAX && cut.ends_with("[cut]"));
    }
}
