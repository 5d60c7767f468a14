//! How far behind is a replica? `CloudWatch`'s `ReplicaLag` of RDS, in seconds, or an Aurora cluster's
//! `AuroraGlobalDBReplicationLag`, in milliseconds; one sample a minute.
//!
//! The statistic is `Maximum`: a figure for data loss must not be prettier than the worst second of its minute. A
//! `-1` means that RDS does not know: a sample without a lag, never one of zero. A sample carries the end of its minute, not
//! the start that `CloudWatch` gives: what is from before a source's death must not hold seconds from after it.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use ports::{Answer, Clock, Lag};
use protocol::observation::LagSample;
use protocol::plan::Database;
use protocol::side::Side;

use crate::aurora::cluster;
use crate::cloudwatch::{self, field};
use crate::config::Sdk;
use crate::instance_arn::instance;
use crate::signed::{Signed, unreadable};
use crate::xml::Element;

const STATISTICS: &str = "cloudwatch:GetMetricStatistics";
const PERIOD: SignedDuration = SignedDuration::from_mins(1);
/// `GetMetricStatistics` gives at most 1,440 samples: one day of minutes.
const SPAN_MAX: SignedDuration = SignedDuration::from_hours(24);

/// Lag as `CloudWatch` has it, in the function's own region.
pub struct CloudWatchLag {
    signed: Signed,
    clock: Arc<dyn Clock>,
}

impl CloudWatchLag {
    /// The lag of replicas in the function's own region.
    pub fn new(sdk: &Sdk, clock: Arc<dyn Clock>) -> Self {
        Self { signed: sdk.signed(), clock }
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
fn metrics(database: &Database, side: Side) -> Answer<Vec<Metric>> {
    if !database.is_aurora() {
        let (id, _) = instance(STATISTICS, database.arn(side))?;
        let dimensions = vec![("DBInstanceIdentifier", id)];
        return Ok(vec![Metric { name: "ReplicaLag", dimensions, milliseconds: 1000.0 }]);
    }
    let (id, _) = cluster(STATISTICS, database.arn(side))?;
    let (_, source) = cluster(STATISTICS, database.arn(side.other()))?;
    let of = |dimensions| Metric { name: "AuroraGlobalDBReplicationLag", dimensions, milliseconds: 1.0 };
    let by_cluster = ("DBClusterIdentifier", id);
    // Aurora says where the lag comes from; CloudWatch finds a metric by all of its dimensions only. By the cluster alone
    // is asked where nothing is found so.
    Ok(vec![of(vec![by_cluster.clone(), ("SourceRegion", source)]), of(vec![by_cluster])])
}

#[async_trait]
impl Lag for CloudWatchLag {
    async fn samples(&self, database: &Database, side: Side, since: Timestamp) -> Answer<Vec<LagSample>> {
        let mut samples = Vec::new();
        for metric in metrics(database, side)? {
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
        let now = self.clock.now();
        let since = since.max(now.saturating_sub(SPAN_MAX).unwrap_or(since));
        if since >= now {
            return Ok(Vec::new());
        }
        // The end is exclusive.
        let end = now.saturating_add(SignedDuration::from_secs(1)).unwrap_or(now);
        let mut fields =
            cloudwatch::dimensions("", metric.dimensions.iter().map(|(name, value)| (*name, value.as_str())));
        fields.extend([
            field("Namespace", "AWS/RDS"),
            field("MetricName", metric.name),
            field("StartTime", cloudwatch::time(since)),
            field("EndTime", cloudwatch::time(end)),
            field("Period", PERIOD.as_secs().to_string()),
            field("Statistics.member.1", "Maximum"),
        ]);
        let question = cloudwatch::question(STATISTICS, fields);
        let answer = self.signed.result(&question).await?;
        // An answer without the list is none: what can't be read is not "no samples".
        let points =
            answer.at(&["Datapoints"]).ok_or_else(|| unreadable(&question, "it has no Datapoints"))?;
        let mut samples: Vec<LagSample> =
            points.all("member").filter_map(|point| sample(point, metric)).collect();
        samples.sort_by_key(|sample| sample.at);
        Ok(samples)
    }
}

/// What a datapoint says; nothing where it can't be read.
fn sample(point: &Element, metric: &Metric) -> Option<LagSample> {
    let from: Timestamp = point.text(&["Timestamp"])?.parse().ok()?;
    let maximum: f64 = point.text(&["Maximum"])?.parse().ok()?;
    let lag = maximum * metric.milliseconds;
    let lag_ms = if lag < 0.0 { None } else { Some(milliseconds(lag)?) };
    Some(LagSample { at: from.checked_add(PERIOD).ok()?, lag_ms })
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
    use ports::FailureKind;

    use super::*;
    use crate::replay::{StillClock, aurora, database, replay, sent};

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn points(points: &[(&str, Option<&str>)]) -> String {
        let members = points.iter().map(|(at, maximum)| {
            let maximum = maximum.map(|maximum| format!("<Maximum>{maximum}</Maximum>")).unwrap_or_default();
            format!("<member><Timestamp>{at}</Timestamp>{maximum}<Unit>Seconds</Unit></member>")
        });
        let members: String = members.collect();
        format!(
            "<GetMetricStatisticsResponse><GetMetricStatisticsResult><Datapoints>{members}</Datapoints>\
             <Label>ReplicaLag</Label></GetMetricStatisticsResult></GetMetricStatisticsResponse>"
        )
    }

    async fn ask(since: &str, answers: &[(u16, &str)]) -> (Answer<Vec<LagSample>>, Vec<String>) {
        ask_of(&database("orders"), since, answers).await
    }

    async fn ask_of(
        database: &Database,
        since: &str,
        answers: &[(u16, &str)],
    ) -> (Answer<Vec<LagSample>>, Vec<String>) {
        let http = replay(answers);
        let clock = StillClock::at("2026-11-20T03:10:00.7Z");
        let samples = CloudWatchLag::new(&Sdk::on(http.clone()), clock);
        (samples.samples(database, Side::Recovery, time(since)).await, sent(&http))
    }

    #[tokio::test(start_paused = true)]
    async fn samples_come_oldest_first_and_minus_one_is_a_sample_of_a_lag_that_is_not_known() {
        let answer = points(&[
            ("2026-11-20T03:03:00Z", Some("0.0")),
            ("2026-11-20T03:01:00Z", Some("1.2345")),
            ("2026-11-20T03:02:00Z", Some("-1.0")),
            ("2026-11-20T03:04:00Z", None),
            ("2026-11-20T03:05:00Z", Some("NaN")),
            ("2026-11-20T03:06:00Z", Some("much")),
        ]);
        let (samples, requests) = ask("2026-11-20T03:00:00Z", &[(200, &answer)]).await;
        let expected = [
            LagSample { at: time("2026-11-20T03:02:00Z"), lag_ms: Some(1235) },
            LagSample { at: time("2026-11-20T03:03:00Z"), lag_ms: None },
            LagSample { at: time("2026-11-20T03:04:00Z"), lag_ms: Some(0) },
        ];
        assert_eq!(samples.unwrap(), expected);
        let asked = "Action=GetMetricStatistics&Version=2010-08-01&Dimensions.member.1.Name=DBInstanceIdentifier\
                     &Dimensions.member.1.Value=shop-orders-replica&Namespace=AWS/RDS&MetricName=ReplicaLag\
                     &StartTime=2026-11-20T03:00:00Z&EndTime=2026-11-20T03:10:01Z&Period=60&Statistics.member.1=Maximum";
        assert_eq!(requests, [asked]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_aurora_clusters_lag_is_in_milliseconds_and_is_asked_for_by_where_it_comes_from() {
        let known = points(&[
            ("2026-11-20T03:00:00Z", Some("812.4")),
            ("2026-11-20T03:01:00Z", Some("-1.0")),
            ("2026-11-20T03:02:00Z", None),
        ]);
        let minutes = || {
            let of = |at, lag_ms| LagSample { at: time(at), lag_ms };
            Ok(vec![of("2026-11-20T03:01:00Z", Some(813)), of("2026-11-20T03:02:00Z", None)])
        };
        let since = "2026-11-20T03:00:00Z";
        let (samples, requests) = ask_of(&aurora("orders"), since, &[(200, &known)]).await;
        assert_eq!(samples, minutes());
        let by_cluster =
            "Dimensions.member.1.Name=DBClusterIdentifier&Dimensions.member.1.Value=shop-orders-replica&";
        let by_source = "Dimensions.member.2.Name=SourceRegion&Dimensions.member.2.Value=us-east-2&";
        let metric = "MetricName=AuroraGlobalDBReplicationLag&";
        assert!(
            [by_cluster, by_source, metric].iter().all(|part| requests[0].contains(part)),
            "{requests:?}"
        );

        // Where it is not known by its source, the cluster alone is asked for.
        let answers = [(200, points(&[])), (200, known)];
        let answers = answers.each_ref().map(|(status, text)| (*status, text.as_str()));
        let (samples, requests) = ask_of(&aurora("orders"), since, &answers).await;
        assert_eq!(samples, minutes());
        assert!(requests[1].contains(by_cluster) && !requests[1].contains("SourceRegion"), "{requests:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_a_day_is_asked_for() {
        let (samples, requests) = ask("2026-01-01T00:00:00Z", &[(200, &points(&[]))]).await;
        assert_eq!(samples, Ok(Vec::new()));
        assert!(
            requests[0].contains("StartTime=2026-11-19T03:10:00Z&EndTime=2026-11-20T03:10:01Z"),
            "{requests:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_future_is_not_asked_for() {
        assert_eq!(ask("2026-11-20T03:11:00Z", &[]).await, (Ok(Vec::new()), vec![]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_a_failure_and_never_an_empty_list() {
        let denied =
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
        let failure = ask("2026-11-20T03:00:00Z", &[(403, denied)]).await.0.unwrap_err();
        assert_eq!((failure.kind, failure.action), (FailureKind::Denied, STATISTICS));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_cut_short_is_a_failure_and_never_an_empty_list() {
        let whole = points(&[("2026-11-20T03:03:00Z", Some("0.0"))]);
        let (half, _) = whole.split_at(whole.len() / 2);
        let without = whole.replace("Datapoints>", "Points>");
        for answer in [half, without.as_str(), "<GetMetricStatisticsResponse/>", ""] {
            let failure = ask("2026-11-20T03:00:00Z", &[(200, answer)]).await.0.unwrap_err();
            assert_eq!(failure.action, STATISTICS, "{answer}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_throttled_is_asked_again() {
        let busy = "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>";
        let answer = points(&[("2026-11-20T03:03:00Z", Some("2"))]);
        let (samples, requests) = ask("2026-11-20T03:00:00Z", &[(400, busy), (200, &answer)]).await;
        assert_eq!(samples, Ok(vec![LagSample { at: time("2026-11-20T03:04:00Z"), lag_ms: Some(2_000) }]));
        assert_eq!(requests.len(), 2);
    }
}
