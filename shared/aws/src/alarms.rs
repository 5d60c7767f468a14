//! In what state are alarms? `CloudWatch`'s `DescribeAlarms`, metric and composite alarms alike, by their names.
//!
//! Only an alarm's ARN, state and times are read, and whether its actions are held back: by a suppressor, or because somebody
//! disabled them. What a mute rule holds back, `DescribeAlarms` does not say.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use ports::{Alarms, Answer};
use protocol::arn::{alarm_name, is_same, spellings};
use protocol::signal::{AlarmNow, AlarmState, REASON_MAX};

use crate::cloudwatch::{self, FormField, field};
use crate::config::Sdk;
use crate::regional::Regional;
use crate::signed::{Signed, unreadable, within};
use crate::xml::Element;

const DESCRIBE: &str = "cloudwatch:DescribeAlarms";

/// Most names of one question, and most alarms of one answer.
const NAMES_MAX: usize = 100;

/// Most pages of one question's answers: names are given, so more than one is not expected.
const PAGES_MAX: usize = 5;

/// Longest that all questions to a region that may be lost may take together.
const OTHER_REGION_MAX: Duration = Duration::from_secs(2);

/// Alarms as `CloudWatch` has them, in any region.
pub struct CloudWatchAlarms {
    own: Signed,
    region: String,
    others: Regional<Arc<Signed>>,
}

impl CloudWatchAlarms {
    /// The alarms of the function's own region, and best effort those of others.
    pub fn new(sdk: &Sdk) -> Self {
        let of_others = sdk.clone();
        let others = Regional::new(move |region| Arc::new(of_others.signed_of_primary(region)));
        Self { own: sdk.signed(), region: sdk.region().to_owned(), others }
    }
}

#[async_trait]
impl Alarms for CloudWatchAlarms {
    async fn states(&self, region: &str, arns: &[&str]) -> Answer<Vec<AlarmNow>> {
        if region == self.region {
            return describe(&self.own, arns).await;
        }
        let other = self.others.of(region);
        within(OTHER_REGION_MAX, DESCRIBE, describe(&other, arns)).await
    }
}

async fn describe(signed: &Signed, arns: &[&str]) -> Answer<Vec<AlarmNow>> {
    // A name is found only as it was once written, and what asks may have composed its accents.
    let names: Vec<String> = arns.iter().flat_map(|arn| spellings(alarm_name(arn))).collect();
    let mut found = BTreeMap::new();
    for names in names.chunks(NAMES_MAX) {
        page_through(signed, names, &mut found).await?;
    }
    let state = |arn: &&str| {
        let (_, alarm) = found.iter().find(|(known, _)| is_same(known, arn))?;
        Some(AlarmNow { arn: (*arn).to_owned(), ..alarm.clone() })
    };
    Ok(arns.iter().filter_map(state).collect())
}

async fn page_through(
    signed: &Signed,
    names: &[String],
    found: &mut BTreeMap<String, AlarmNow>,
) -> Answer<()> {
    let mut token: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let question = cloudwatch::question(DESCRIBE, fields(names, token.as_deref()));
        let answer = signed.result(&question).await?;
        let lists = [answer.at(&["MetricAlarms"]), answer.at(&["CompositeAlarms"])];
        // An answer without any list is none: what can't be read is not "no alarms".
        if lists.iter().all(Option::is_none) {
            return Err(unreadable(&question, "it has no alarms"));
        }
        for member in lists.into_iter().flatten().flat_map(|list| list.all("member")) {
            let alarm = alarm(member)
                .ok_or_else(|| unreadable(&question, "it holds an alarm without ARN, state or time"))?;
            found.insert(alarm.arn.clone(), alarm);
        }
        token = answer.text(&["NextToken"]).map(str::to_owned);
        if token.is_none() {
            return Ok(());
        }
    }
    Err(unreadable(&cloudwatch::question(DESCRIBE, Vec::new()), "it has no end"))
}

fn fields(names: &[String], token: Option<&str>) -> Vec<FormField> {
    let names = names.iter().zip(1_usize..);
    let mut fields: Vec<FormField> =
        names.map(|(name, number)| field(format!("AlarmNames.member.{number}"), name.as_str())).collect();
    fields.extend([
        // Without it composite alarms are left out.
        field("AlarmTypes.member.1", "MetricAlarm"),
        field("AlarmTypes.member.2", "CompositeAlarm"),
        field("MaxRecords", NAMES_MAX.to_string()),
    ]);
    fields.extend(token.map(|token| field("NextToken", token)));
    fields
}

/// What an answer says of an alarm; nothing where it lacks what is needed.
fn alarm(member: &Element) -> Option<AlarmNow> {
    let state = match member.text(&["StateValue"])? {
        "ALARM" => AlarmState::Alarm,
        "OK" => AlarmState::Ok,
        "INSUFFICIENT_DATA" => AlarmState::InsufficientData,
        _ => return None,
    };
    let time = |name: &str| member.text(&[name]).and_then(|text| text.parse::<Timestamp>().ok());
    let reason = member.text(&["StateReason"]).unwrap_or_default();
    Some(AlarmNow {
        arn: member.text(&["AlarmArn"])?.to_owned(),
        state,
        // The other time also changes with what an alarm was evaluated from.
        changed_at: time("StateTransitionedTimestamp").or_else(|| time("StateUpdatedTimestamp"))?,
        reason: reason.chars().take(REASON_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect(),
        held_back: held_back(member),
    })
}

fn held_back(member: &Element) -> Option<String> {
    if let Some(by) = member.text(&["ActionsSuppressedBy"]) {
        return Some(format!("suppressed by {by}"));
    }
    (member.text(&["ActionsEnabled"]) == Some("false")).then(|| "its actions are disabled".to_owned())
}

#[cfg(test)]
mod tests {
    use aws_smithy_http_client::test_util::NeverClient;
    use ports::FailureKind;

    use super::*;
    use crate::replay::{replay, sent};

    const OWN: &str = "us-west-1";
    const OTHER: &str = "us-east-2";

    fn arn(region: &str, name: &str) -> String {
        format!("arn:aws:cloudwatch:{region}:123456789012:alarm:{name}")
    }

    fn member(arn: &str, state: &str, more: &str) -> String {
        format!(
            "<member><AlarmArn>{arn}</AlarmArn><StateValue>{state}</StateValue><StateReason>Threshold Crossed</StateReason>\
             <StateUpdatedTimestamp>2026-11-20T03:09:00.250Z</StateUpdatedTimestamp>{more}</member>"
        )
    }

    fn page(metric: &[String], composite: &[String], token: &str) -> String {
        format!(
            "<DescribeAlarmsResponse><DescribeAlarmsResult><MetricAlarms>{}</MetricAlarms><CompositeAlarms>{}\
             </CompositeAlarms>{token}</DescribeAlarmsResult></DescribeAlarmsResponse>",
            metric.concat(),
            composite.concat()
        )
    }

    async fn ask(
        region: &str,
        arns: &[&str],
        answers: &[(u16, &str)],
    ) -> (Answer<Vec<AlarmNow>>, Vec<String>) {
        let http = replay(answers);
        let alarms = CloudWatchAlarms::new(&Sdk::on(http.clone()));
        (alarms.states(region, arns).await, sent(&http))
    }

    #[tokio::test(start_paused = true)]
    async fn metric_and_composite_alarms_are_asked_for_by_name_and_come_with_their_last_change() {
        let (errors, down, gone) = (arn(OWN, "shop: errors"), arn(OWN, "shop-down"), arn(OWN, "gone"));
        let moved = "<StateTransitionedTimestamp>2026-11-20T02:00:00.123Z</StateTransitionedTimestamp>";
        let answer = page(&[member(&errors, "ALARM", moved)], &[member(&down, "OK", "")], "");
        let (alarms, requests) = ask(OWN, &[&errors, &down, &gone], &[(200, &answer)]).await;
        let now = |arn: &str, state, at: &str| AlarmNow {
            arn: arn.to_owned(),
            state,
            changed_at: at.parse().unwrap(),
            reason: "Threshold Crossed".to_owned(),
            held_back: None,
        };
        let expected = [
            now(&errors, AlarmState::Alarm, "2026-11-20T02:00:00.123Z"),
            now(&down, AlarmState::Ok, "2026-11-20T03:09:00.250Z"),
        ];
        assert_eq!(alarms.unwrap(), expected);
        let asked = "Action=DescribeAlarms&Version=2010-08-01&AlarmNames.member.1=shop: errors\
                     &AlarmNames.member.2=shop-down&AlarmNames.member.3=gone&AlarmTypes.member.1=MetricAlarm\
                     &AlarmTypes.member.2=CompositeAlarm&MaxRecords=100";
        assert_eq!(requests.iter().map(|text| text.replace('+', " ")).collect::<Vec<_>>(), [asked]);
    }

    #[tokio::test(start_paused = true)]
    async fn actions_that_are_suppressed_or_disabled_are_said() {
        let (one, other) = (arn(OWN, "one"), arn(OWN, "other"));
        let suppressed = member(&one, "ALARM", "<ActionsSuppressedBy>WaitPeriod</ActionsSuppressedBy>");
        let disabled = member(&other, "ALARM", "<ActionsEnabled>false</ActionsEnabled>");
        let answer = page(&[disabled], &[suppressed], "");
        let alarms = ask(OWN, &[&one, &other], &[(200, &answer)]).await.0.unwrap();
        let held: Vec<_> = alarms.iter().map(|alarm| alarm.held_back.as_deref()).collect();
        assert_eq!(held, [Some("suppressed by WaitPeriod"), Some("its actions are disabled")]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_names_are_asked_for_at_once_and_all_pages_read() {
        let arns: Vec<String> = (0..101).map(|number| arn(OWN, &format!("a{number}"))).collect();
        let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
        let first = page(&[member(arns[0], "ALARM", "")], &[], "<NextToken>more</NextToken>");
        let (second, third) =
            (page(&[member(arns[99], "OK", "")], &[], ""), page(&[member(arns[100], "OK", "")], &[], ""));
        let (alarms, requests) = ask(OWN, &arns, &[(200, &first), (200, &second), (200, &third)]).await;
        let found: Vec<String> = alarms.unwrap().into_iter().map(|alarm| alarm.arn).collect();
        assert_eq!(found, [arns[0], arns[99], arns[100]]);
        assert!(requests[0].contains("AlarmNames.member.100=a99&") && !requests[0].contains("member.101"));
        assert!(requests[1].contains("NextToken=more") && requests[2].contains("AlarmNames.member.1=a100&"));
        let (endless, _) = ask(OWN, &arns[..1], &[(200, first.as_str()); PAGES_MAX]).await;
        assert!(endless.unwrap_err().message.contains("it has no end"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_whose_accents_are_written_otherwise_is_found() {
        let (planned, kept) = (arn(OWN, "\u{dc}berlast"), arn(OWN, "U\u{308}berlast"));
        let answer = page(&[member(&kept, "ALARM", "")], &[], "");
        let (alarms, requests) = ask(OWN, &[&planned], &[(200, &answer)]).await;
        assert_eq!(alarms.unwrap().first().map(|alarm| alarm.arn.clone()), Some(planned));
        assert!(requests[0].contains("AlarmNames.member.2="), "{requests:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_other_region_costs_two_seconds_and_one_attempt() {
        let alarms = CloudWatchAlarms::new(&Sdk::on(NeverClient::new()));
        let started = tokio::time::Instant::now();
        let failure = alarms.states(OTHER, &[&arn(OTHER, "a")]).await.unwrap_err();
        assert_eq!((failure.kind, failure.action), (FailureKind::Unreachable, DESCRIBE));
        assert_eq!(started.elapsed(), Duration::from_secs(2));
        let busy = "<ErrorResponse><Error><Code>ServiceUnavailable</Code></Error></ErrorResponse>";
        let (answer, requests) = ask(OTHER, &[&arn(OTHER, "a")], &[(503, busy), (503, busy)]).await;
        assert_eq!((answer.unwrap_err().kind, requests.len()), (FailureKind::Unavailable, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn each_region_is_asked_in_its_own_place_and_the_own_one_again() {
        let (empty, busy) =
            (page(&[], &[], ""), "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>");
        let http = replay(&[(200, empty.as_str()), (400, busy), (200, empty.as_str())]);
        let alarms = CloudWatchAlarms::new(&Sdk::on(http.clone()));
        assert_eq!(alarms.states(OTHER, &[&arn(OTHER, "a")]).await, Ok(Vec::new()));
        assert_eq!(alarms.states(OWN, &[&arn(OWN, "a")]).await, Ok(Vec::new()));
        let hosts: Vec<String> =
            http.actual_requests().map(|request| request.uri().trim_end_matches('/').to_owned()).collect();
        let own = "https://monitoring.us-west-1.amazonaws.com";
        assert_eq!(hosts, ["https://monitoring.us-east-2.amazonaws.com", own, own]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_can_not_be_read_is_a_failure_and_never_an_empty_list() {
        let whole = page(&[member(&arn(OWN, "a"), "ALARM", "")], &[], "");
        let (half, _) = whole.split_at(whole.len() / 2);
        let without = whole.replace("<StateValue>ALARM</StateValue>", "");
        let odd = whole.replace("ALARM<", "RED<");
        for answer in
            [half, &without, &odd, "<DescribeAlarmsResponse><DescribeAlarmsResult/></DescribeAlarmsResponse>"]
        {
            let failure = ask(OWN, &[&arn(OWN, "a")], &[(200, answer)]).await.0.unwrap_err();
            assert_eq!(failure.action, DESCRIBE, "{answer}");
        }
        let denied =
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
        let failure = ask(OWN, &[&arn(OWN, "a")], &[(403, denied)]).await.0.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Denied);
    }
}
