//! How far behind is a replica? `CloudWatch`'s `ReplicaLag` of RDS, in seconds, or an Aurora cluster's
//! `AuroraGlobalDBReplicationLag`, in milliseconds; one sample a minute.
//!
//! The statistic is `Maximum`: a figure for data loss must not be prettier than the worst second of its minute. A
//! `-1` means that RDS does not know; it is left out, never taken for zero. A sample carries the end of its minute, not
//! the start that `CloudWatch` gives: what is from before a source's death must not hold seconds from after it.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{Dimension, Statistic};
use aws_smithy_types::DateTime;
use jiff::{SignedDuration, Timestamp};
use ports::{Answer, Clock, Lag, LagSample};
use protocol::plan::{Database, DatabaseKind};

use crate::aurora::cluster;
use crate::config::Sdk;
use crate::failure::failure;
use crate::rds::instance;

const STATISTICS: &str = "cloudwatch:GetMetricStatistics";
const PERIOD_SECONDS: i32 = 60;
/// `GetMetricStatistics` gives at most 1,440 samples: one day of minutes.
const SPAN_MAX: SignedDuration = SignedDuration::from_hours(24);

/// Lag as `CloudWatch` has it, in the function's own region.
pub struct CloudWatchLag {
    client: Client,
    clock: Arc<dyn Clock>,
}

impl CloudWatchLag {
    /// The lag of replicas in the function's own region.
    pub fn new(sdk: &Sdk, clock: Arc<dyn Clock>) -> Self {
        Self { client: sdk.cloudwatch(), clock }
    }
}

/// A metric of a replica.
struct Metric {
    name: &'static str,
    dimensions: Vec<(&'static str, String)>,
    /// Its values times this are milliseconds.
    milliseconds: f64,
}

/// The metrics to ask for, until one has samples.
fn metrics(database: &Database) -> Answer<Vec<Metric>> {
    if database.kind == DatabaseKind::RdsReplica {
        let (id, _) = instance(STATISTICS, &database.replica)?;
        let dimensions = vec![("DBInstanceIdentifier", id)];
        return Ok(vec![Metric { name: "ReplicaLag", dimensions, milliseconds: 1000.0 }]);
    }
    let (id, _) = cluster(STATISTICS, &database.replica)?;
    let (_, source) = cluster(STATISTICS, &database.primary)?;
    let of = |dimensions| Metric { name: "AuroraGlobalDBReplicationLag", dimensions, milliseconds: 1.0 };
    let by_cluster = ("DBClusterIdentifier", id);
    // Aurora says where the lag comes from; CloudWatch finds a metric by all of its dimensions only. By the cluster alone
    // is asked where nothing is found so.
    Ok(vec![of(vec![by_cluster.clone(), ("SourceRegion", source)]), of(vec![by_cluster])])
}

#[async_trait]
impl Lag for CloudWatchLag {
    async fn samples(&self, database: &Database, since: Timestamp) -> Answer<Vec<LagSample>> {
        let mut samples = Vec::new();
        for metric in metrics(database)? {
            samples = self.samples_of(&metric, since).await?;
            if !samples.is_empty() {
                break;
            }
        }
        Ok(samples)
    }
}

impl CloudWatchLag {
    async fn samples_of(&self, metric: &Metric, since: Timestamp) -> Answer<Vec<LagSample>> {
        let dimension =
            |(name, value): &(&str, String)| Dimension::builder().name(*name).value(value).build();
        let now = self.clock.now();
        let since = since.max(now.saturating_sub(SPAN_MAX).unwrap_or(since));
        if since >= now {
            return Ok(Vec::new());
        }
        let output = self
            .client
            .get_metric_statistics()
            .namespace("AWS/RDS")
            .metric_name(metric.name)
            .set_dimensions(Some(metric.dimensions.iter().map(dimension).collect()))
            .start_time(DateTime::from_secs(since.as_second()))
            // The end is exclusive, and whole seconds are enough.
            .end_time(DateTime::from_secs(now.as_second().saturating_add(1)))
            .period(PERIOD_SECONDS)
            .statistics(Statistic::Maximum)
            .send()
            .await
            .map_err(|error| failure(STATISTICS, &error))?;
        let known = output.datapoints().iter().filter_map(|point| {
            let at = point.timestamp()?;
            let from = Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()?;
            let at = from.checked_add(SignedDuration::from_secs(i64::from(PERIOD_SECONDS))).ok()?;
            Some(LagSample { at, lag_ms: milliseconds(point.maximum()? * metric.milliseconds)? })
        });
        let mut samples: Vec<LagSample> = known.collect();
        samples.sort_by_key(|sample| sample.at);
        Ok(samples)
    }
}

/// Whole milliseconds, rounded up; nothing where the number is no lag.
fn milliseconds(lag: f64) -> Option<u64> {
    // Far above any lag, and below where a float and a u64 begin to differ.
    const MILLISECONDS_MAX: f64 = 1e15;
    if !(0.0..=MILLISECONDS_MAX).contains(&lag) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just above")]
    Some(lag.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::operation::get_metric_statistics::{
        GetMetricStatisticsError, GetMetricStatisticsOutput,
    };
    use aws_sdk_cloudwatch::types::Datapoint;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use aws_smithy_types::error::ErrorMetadata;
    use ports::FailureKind;

    use super::*;
    use crate::replay::{StillClock, aurora, database};

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn point(minute: i64, maximum: Option<f64>) -> Datapoint {
        let at = time("2026-11-20T03:00:00Z").as_second() + minute * 60;
        Datapoint::builder().timestamp(DateTime::from_secs(at)).set_maximum(maximum).build()
    }

    fn lag(client: Client) -> CloudWatchLag {
        CloudWatchLag { client, clock: StillClock::at("2026-11-20T03:10:00Z") }
    }

    #[tokio::test(start_paused = true)]
    async fn samples_come_oldest_first_without_those_that_are_not_known() {
        let rule = mock!(Client::get_metric_statistics)
            .match_requests(|request| {
                let dimension = &request.dimensions()[0];
                request.namespace() == Some("AWS/RDS")
                    && request.metric_name() == Some("ReplicaLag")
                    && dimension.name() == Some("DBInstanceIdentifier")
                    && dimension.value() == Some("shop-orders-replica")
                    && request.period() == Some(60)
                    && request.statistics() == [Statistic::Maximum]
            })
            .then_output(|| {
                let points = [
                    point(3, Some(0.0)),
                    point(1, Some(1.2345)),
                    point(2, Some(-1.0)),
                    point(4, None),
                    point(5, Some(f64::NAN)),
                ];
                GetMetricStatisticsOutput::builder().set_datapoints(Some(points.to_vec())).build()
            });
        let client = mock_client!(aws_sdk_cloudwatch, RuleMode::Sequential, [&rule]);
        let samples = lag(client).samples(&database("orders"), time("2026-11-20T03:00:00Z")).await.unwrap();
        assert_eq!(
            samples,
            [
                LagSample { at: time("2026-11-20T03:02:00Z"), lag_ms: 1235 },
                LagSample { at: time("2026-11-20T03:04:00Z"), lag_ms: 0 },
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_a_day_is_asked_for() {
        let rule = mock!(Client::get_metric_statistics)
            .match_requests(|request| {
                let span = request.end_time().unwrap().secs() - request.start_time().unwrap().secs();
                span == 24 * 3600 + 1
            })
            .then_output(|| GetMetricStatisticsOutput::builder().build());
        let client = mock_client!(aws_sdk_cloudwatch, RuleMode::Sequential, [&rule]);
        let samples = lag(client).samples(&database("orders"), time("2026-01-01T00:00:00Z")).await;
        assert_eq!(samples, Ok(Vec::new()));
        assert_eq!(rule.num_calls(), 1);
    }

    fn statistics(dimensions: &'static [(&'static str, &'static str)], points: Vec<Datapoint>) -> Rule {
        mock!(Client::get_metric_statistics)
            .match_requests(move |request| {
                let asked: Vec<_> = request.dimensions().iter().map(|d| (d.name(), d.value())).collect();
                let expected: Vec<_> = dimensions.iter().map(|(n, v)| (Some(*n), Some(*v))).collect();
                request.metric_name() == Some("AuroraGlobalDBReplicationLag") && asked == expected
            })
            .then_output(move || {
                GetMetricStatisticsOutput::builder().set_datapoints(Some(points.clone())).build()
            })
    }

    #[tokio::test(start_paused = true)]
    async fn an_aurora_clusters_lag_is_in_milliseconds_and_is_asked_for_by_where_it_comes_from() {
        const BY_SOURCE: &[(&str, &str)] =
            &[("DBClusterIdentifier", "shop-orders-replica"), ("SourceRegion", "us-east-2")];
        let minute = |at: &str, lag_ms| LagSample { at: time(at), lag_ms };
        let by_source =
            statistics(BY_SOURCE, vec![point(0, Some(812.4)), point(1, Some(-1.0)), point(2, None)]);
        let client = mock_client!(aws_sdk_cloudwatch, RuleMode::Sequential, [&by_source]);
        let samples = lag(client).samples(&aurora("orders"), time("2026-11-20T03:00:00Z")).await;
        assert_eq!(samples, Ok(vec![minute("2026-11-20T03:01:00Z", 813)]));

        // Where it is not known by its source, the cluster alone is asked for.
        let nothing = statistics(BY_SOURCE, Vec::new());
        let by_cluster = statistics(&BY_SOURCE[..1], vec![point(0, Some(90_000.0))]);
        let client = mock_client!(aws_sdk_cloudwatch, RuleMode::Sequential, [&nothing, &by_cluster]);
        let samples = lag(client).samples(&aurora("orders"), time("2026-11-20T03:00:00Z")).await;
        assert_eq!(samples, Ok(vec![minute("2026-11-20T03:01:00Z", 90_000)]));
    }

    #[tokio::test(start_paused = true)]
    async fn the_future_is_not_asked_for() {
        let client = mock_client!(aws_sdk_cloudwatch, RuleMode::Sequential, []);
        let samples = lag(client).samples(&database("orders"), time("2026-11-20T03:10:00Z")).await;
        assert_eq!(samples, Ok(Vec::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_a_failure_and_never_an_empty_list() {
        let rule = mock!(Client::get_metric_statistics).then_error(|| {
            let meta = ErrorMetadata::builder().code("AccessDenied").message("no").build();
            GetMetricStatisticsError::generic(meta)
        });
        let client = mock_client!(aws_sdk_cloudwatch, RuleMode::Sequential, [&rule]);
        let failure =
            lag(client).samples(&database("orders"), time("2026-11-20T03:00:00Z")).await.unwrap_err();
        assert_eq!((failure.kind, failure.action), (FailureKind::Denied, STATISTICS));
    }
}
