//! Where do metrics go? To `CloudWatch` of the function's own region, in one namespace.

use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use aws_smithy_types::DateTime;
use ports::{Answer, MetricSample, MetricUnit, Metrics};

use crate::config::Sdk;
use crate::failure::failure;

const PUT: &str = "cloudwatch:PutMetricData";

/// The namespace of all metrics of the project.
pub const NAMESPACE: &str = "Pilotlight";

/// Samples of one call: `CloudWatch` takes 1,000 and a megabyte.
const BATCH: usize = 500;

/// Metrics in the function's own region.
pub struct CloudWatchMetrics {
    client: Client,
}

impl CloudWatchMetrics {
    /// In the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self { client: sdk.cloudwatch() }
    }
}

#[async_trait]
impl Metrics for CloudWatchMetrics {
    async fn put(&self, samples: &[MetricSample]) -> Answer<()> {
        for batch in samples.chunks(BATCH) {
            self.client
                .put_metric_data()
                .namespace(NAMESPACE)
                .set_metric_data(Some(batch.iter().map(datum).collect()))
                .send()
                .await
                .map_err(|error| failure(PUT, &error))?;
        }
        Ok(())
    }
}

fn datum(sample: &MetricSample) -> MetricDatum {
    let dimensions = sample.dimensions.iter();
    let dimensions = dimensions.map(|(name, value)| Dimension::builder().name(*name).value(value).build());
    #[expect(clippy::cast_precision_loss, reason = "ages and counts are far below 2^53")]
    let value = sample.value as f64;
    let unit = match sample.unit {
        MetricUnit::Seconds => StandardUnit::Seconds,
        MetricUnit::Count => StandardUnit::Count,
    };
    MetricDatum::builder()
        .metric_name(sample.name)
        .set_dimensions(Some(dimensions.collect()))
        .timestamp(DateTime::from_secs(sample.at.as_second()))
        .unit(unit)
        .value(value)
        .build()
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::operation::put_metric_data::{PutMetricDataError, PutMetricDataOutput};
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use aws_smithy_types::error::ErrorMetadata;
    use ports::FailureKind;

    use super::*;

    fn sample(database: &str) -> MetricSample {
        MetricSample {
            name: "SnapshotAge",
            dimensions: vec![("Plan", "shop".to_owned()), ("Database", database.to_owned())],
            value: 3_600,
            unit: MetricUnit::Seconds,
            at: "2026-11-20T03:00:00Z".parse().unwrap(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_sample_goes_to_the_namespace_with_its_dimensions_unit_and_time() {
        let rule = mock!(Client::put_metric_data)
            .match_requests(|request| {
                let [datum] = request.metric_data() else { return false };
                let dimensions: Vec<_> =
                    datum.dimensions().iter().map(|one| (one.name(), one.value())).collect();
                request.namespace() == Some("Pilotlight")
                    && datum.metric_name() == Some("SnapshotAge")
                    && dimensions == [(Some("Plan"), Some("shop")), (Some("Database"), Some("orders"))]
                    && datum.unit() == Some(&StandardUnit::Seconds)
                    && datum.value() == Some(3_600.0)
                    && datum.timestamp() == Some(&DateTime::from_secs(1_795_143_600))
            })
            .then_output(|| PutMetricDataOutput::builder().build());
        let client = mock_client!(aws_sdk_cloudwatch, RuleMode::Sequential, [&rule]);
        CloudWatchMetrics { client }.put(&[sample("orders")]).await.unwrap();
        assert_eq!(rule.num_calls(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_count_carries_the_plan_and_the_time() {
        let rule = mock!(Client::put_metric_data)
            .match_requests(|request| {
                let [datum] = request.metric_data() else { return false };
                request.namespace() == Some("Pilotlight")
                    && datum.metric_name() == Some("UnreadyChecks")
                    && datum.dimensions()[0].name() == Some("Plan")
                    && datum.dimensions()[0].value() == Some("shop")
                    && datum.unit() == Some(&StandardUnit::Count)
                    && datum.value() == Some(3.0)
                    && datum.timestamp().map(DateTime::secs) == Some(1_795_144_200)
            })
            .then_output(|| PutMetricDataOutput::builder().build());
        let client = mock_client!(aws_sdk_cloudwatch, RuleMode::Sequential, [&rule]);
        let unready = MetricSample {
            name: "UnreadyChecks",
            dimensions: vec![("Plan", "shop".to_owned())],
            value: 3,
            unit: MetricUnit::Count,
            at: "2026-11-20T03:10:00Z".parse().unwrap(),
        };
        CloudWatchMetrics { client }.put(&[unready]).await.unwrap();
        assert_eq!(rule.num_calls(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn many_samples_are_several_calls_and_none_are_none() {
        let rule = mock!(Client::put_metric_data)
            .match_requests(|request| request.metric_data().len() <= BATCH)
            .then_output(|| PutMetricDataOutput::builder().build());
        let client = mock_client!(aws_sdk_cloudwatch, RuleMode::MatchAny, [&rule]);
        let metrics = CloudWatchMetrics { client };
        metrics.put(&[]).await.unwrap();
        metrics.put(&vec![sample("orders"); BATCH + 1]).await.unwrap();
        assert_eq!(rule.num_calls(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_denied_put_names_the_action() {
        let rule = mock!(Client::put_metric_data).then_error(|| {
            PutMetricDataError::generic(ErrorMetadata::builder().code("AccessDenied").message("no").build())
        });
        let client = mock_client!(aws_sdk_cloudwatch, RuleMode::Sequential, [&rule]);
        let failure = CloudWatchMetrics { client }.put(&[sample("orders")]).await.unwrap_err();
        assert_eq!((failure.kind, failure.action), (FailureKind::Denied, PUT));
    }
}
