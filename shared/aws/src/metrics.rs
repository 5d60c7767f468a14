//! Where do metrics go? To `CloudWatch` of the function's own region, in one namespace.

use async_trait::async_trait;
use ports::{Answer, MetricSample, MetricUnit, Metrics};

use crate::cloudwatch::{self, FormField, field};
use crate::config::Sdk;
use crate::signed::Signed;

const PUT: &str = "cloudwatch:PutMetricData";

/// The namespace of all metrics of the project.
pub const NAMESPACE: &str = "Pilotlight";

/// Samples of one call: `CloudWatch` takes 1,000 and a megabyte.
const BATCH: usize = 500;

/// Metrics in the function's own region.
pub struct CloudWatchMetrics {
    signed: Signed,
}

impl CloudWatchMetrics {
    /// In the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self { signed: sdk.signed() }
    }
}

#[async_trait]
impl Metrics for CloudWatchMetrics {
    async fn put(&self, samples: &[MetricSample]) -> Answer<()> {
        for batch in samples.chunks(BATCH) {
            let mut fields = vec![field("Namespace", NAMESPACE)];
            fields.extend(batch.iter().zip(1_usize..).flat_map(|(sample, number)| datum(sample, number)));
            // A sample that is told twice is the same sample.
            self.signed.xml(&cloudwatch::question(PUT, fields)).await?;
        }
        Ok(())
    }
}

fn datum(sample: &MetricSample, number: usize) -> Vec<FormField> {
    let member = format!("MetricData.member.{number}.");
    let unit = match sample.unit {
        MetricUnit::Seconds => "Seconds",
        MetricUnit::Count => "Count",
    };
    let mut fields = cloudwatch::dimensions(
        &member,
        sample.dimensions.iter().map(|(name, value)| (*name, value.as_str())),
    );
    fields.extend([
        field(format!("{member}MetricName"), sample.name),
        field(format!("{member}Timestamp"), cloudwatch::time(sample.at)),
        field(format!("{member}Unit"), unit),
        field(format!("{member}Value"), sample.value.to_string()),
    ]);
    fields
}

#[cfg(test)]
mod tests {
    use ports::FailureKind;

    use super::*;
    use crate::replay::{replay, sent};

    const DONE: &str = "<PutMetricDataResponse><ResponseMetadata/></PutMetricDataResponse>";

    fn sample(name: &'static str, unit: MetricUnit) -> MetricSample {
        MetricSample {
            name,
            dimensions: vec![("Plan", "shop".to_owned()), ("Database", "orders".to_owned())],
            value: 3_600,
            unit,
            at: "2026-11-20T03:00:00.5Z".parse().unwrap(),
        }
    }

    async fn put(samples: &[MetricSample], answers: &[(u16, &str)]) -> (Answer<()>, Vec<String>) {
        let http = replay(answers);
        let done = CloudWatchMetrics::new(&Sdk::on(http.clone())).put(samples).await;
        (done, sent(&http))
    }

    #[tokio::test(start_paused = true)]
    async fn samples_go_to_the_namespace_with_their_dimensions_units_and_time() {
        let samples =
            [sample("SnapshotAge", MetricUnit::Seconds), sample("UnreadyChecks", MetricUnit::Count)];
        let (done, requests) = put(&samples, &[(200, DONE)]).await;
        assert_eq!(done, Ok(()));
        let expected = "Action=PutMetricData&Version=2010-08-01&Namespace=Pilotlight\
                        &MetricData.member.1.Dimensions.member.1.Name=Plan\
                        &MetricData.member.1.Dimensions.member.1.Value=shop\
                        &MetricData.member.1.Dimensions.member.2.Name=Database\
                        &MetricData.member.1.Dimensions.member.2.Value=orders\
                        &MetricData.member.1.MetricName=SnapshotAge\
                        &MetricData.member.1.Timestamp=2026-11-20T03:00:00Z\
                        &MetricData.member.1.Unit=Seconds\
                        &MetricData.member.1.Value=3600";
        assert!(requests[0].starts_with(expected), "{}", requests[0]);
        let second = ["MetricName=UnreadyChecks", "Unit=Count"];
        for field in second {
            assert!(requests[0].contains(&format!("&MetricData.member.2.{field}")), "{}", requests[0]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_samples_are_several_calls_and_none_are_none() {
        assert_eq!(put(&[], &[]).await, (Ok(()), vec![]));
        let many = vec![sample("SnapshotAge", MetricUnit::Seconds); BATCH + 1];
        let (done, requests) = put(&many, &[(200, DONE), (200, DONE)]).await;
        assert_eq!((done, requests.len()), (Ok(()), 2));
        assert!(requests[0].contains(&format!("&MetricData.member.{BATCH}.Value=")));
        assert!(!requests[0].contains(&format!("&MetricData.member.{}.Value=", BATCH + 1)));
        assert!(requests[1].contains("&MetricData.member.1.Value="));
    }

    #[tokio::test(start_paused = true)]
    async fn a_denied_put_names_the_action() {
        let denied =
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
        let failure =
            put(&[sample("SnapshotAge", MetricUnit::Seconds)], &[(403, denied)]).await.0.unwrap_err();
        assert_eq!((failure.kind, failure.action), (FailureKind::Denied, PUT));
    }
}
