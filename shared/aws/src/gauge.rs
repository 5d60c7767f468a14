//! How does an alarm learn of the readiness? One figure for each plan, sent to `CloudWatch` by every pass.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use aws_smithy_types::DateTime;
use ports::inspection::Gauge;
use ports::{Answer, Clock};
use protocol::name::Name;

use crate::config::Sdk;
use crate::failure::failure;

const PUT: &str = "cloudwatch:PutMetricData";
const NAMESPACE: &str = "Pilotlight";
const METRIC: &str = "UnreadyChecks";

/// The figure, in the function's own region.
pub struct CloudWatchGauge {
    client: Client,
    clock: Arc<dyn Clock>,
}

impl CloudWatchGauge {
    /// A gauge of the function's own region.
    pub fn new(sdk: &Sdk, clock: Arc<dyn Clock>) -> Self {
        Self { client: sdk.cloudwatch(), clock }
    }
}

#[async_trait]
impl Gauge for CloudWatchGauge {
    async fn unready_checks(&self, plan: &Name, count: usize) -> Answer<()> {
        let value = u32::try_from(count).unwrap_or(u32::MAX);
        let datum = MetricDatum::builder()
            .metric_name(METRIC)
            .dimensions(Dimension::builder().name("Plan").value(plan.as_str()).build())
            .timestamp(DateTime::from_secs(self.clock.now().as_second()))
            .unit(StandardUnit::Count)
            .value(f64::from(value))
            .build();
        let request = self.client.put_metric_data().namespace(NAMESPACE).metric_data(datum);
        request.send().await.map_err(|error| failure(PUT, &error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::operation::put_metric_data::{PutMetricDataError, PutMetricDataOutput};
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use aws_smithy_types::error::ErrorMetadata;
    use ports::FailureKind;

    use super::*;
    use crate::replay::StillClock;

    fn gauge(client: Client) -> CloudWatchGauge {
        CloudWatchGauge { client, clock: StillClock::at("2026-11-20T03:10:00Z") }
    }

    #[tokio::test(start_paused = true)]
    async fn the_figure_carries_the_plan_and_the_time() {
        let rule = mock!(Client::put_metric_data)
            .match_requests(|request| {
                let [datum] = request.metric_data() else { return false };
                request.namespace() == Some("Pilotlight")
                    && datum.metric_name() == Some("UnreadyChecks")
                    && datum.dimensions()[0].name() == Some("Plan")
                    && datum.dimensions()[0].value() == Some("shop")
                    && datum.value() == Some(3.0)
                    && datum.timestamp().map(DateTime::secs) == Some(1_795_144_200)
            })
            .then_output(|| PutMetricDataOutput::builder().build());
        let client = mock_client!(aws_sdk_cloudwatch, RuleMode::Sequential, [&rule]);
        assert_eq!(gauge(client).unready_checks(&Name::new("shop"), 3).await, Ok(()));
        assert_eq!(rule.num_calls(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_a_failure() {
        let rule = mock!(Client::put_metric_data).then_error(|| {
            PutMetricDataError::generic(ErrorMetadata::builder().code("AccessDenied").message("no").build())
        });
        let client = mock_client!(aws_sdk_cloudwatch, RuleMode::Sequential, [&rule]);
        let failure = gauge(client).unready_checks(&Name::new("shop"), 0).await.unwrap_err();
        assert_eq!((failure.kind, failure.action), (FailureKind::Denied, PUT));
    }
}
