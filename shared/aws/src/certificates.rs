//! Until when are the certificates of a load balancer good? Those of its listeners, in the function's own region.

use async_trait::async_trait;
use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use ports::inspection::CertificateInspection;
use ports::{Answer, FailureKind};
use protocol::readiness::facts::CertificateFacts;
use serde_json::{Value, json};

use crate::config::Sdk;
use crate::failure::{if_there, ours};
use crate::load_balancing;
use crate::signed::{Content, Question, Signed, unreadable};
use crate::xml::Element;

const LISTENERS: &str = "elasticloadbalancing:DescribeListeners";
const FURTHER: &str = "elasticloadbalancing:DescribeListenerCertificates";
const DESCRIBE: &str = "acm:DescribeCertificate";

/// Certificates asked at the same time.
const CALLS: usize = 4;
/// Most pages of one list.
const PAGES_MAX: usize = 10;

/// Certificates of load balancers of the function's own region.
pub struct ListenerCertificates {
    signed: Signed,
}

impl ListenerCertificates {
    /// In the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self { signed: sdk.signed() }
    }

    /// Every page of a list of the load balancers' API.
    async fn pages(&self, action: &'static str, field: &str, arn: &str) -> Answer<Vec<Element>> {
        let (mut pages, mut marker) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let mut fields = vec![(field.to_owned(), arn.to_owned())];
            fields.extend(marker.map(|marker| ("Marker".to_owned(), marker)));
            let page = self.signed.result(&load_balancing::question(action, fields)).await?;
            marker = page.text(&["NextMarker"]).map(str::to_owned);
            pages.push(page);
            if marker.is_none() {
                return Ok(pages);
            }
        }
        Err(ours(
            FailureKind::Unavailable,
            action,
            "endless_pages",
            format!("more than {PAGES_MAX} pages for {arn}"),
        ))
    }

    /// The certificates of every listener: its own, and those it chooses by the name that is asked for.
    async fn certificates_of(&self, load_balancer: &str) -> Answer<Vec<String>> {
        let mut found = Vec::new();
        for page in self.pages(LISTENERS, "LoadBalancerArn", load_balancer).await? {
            for listener in page.at(&["Listeners"]).into_iter().flat_map(|listeners| listeners.all("member"))
            {
                if !matches!(listener.text(&["Protocol"]), Some("HTTPS" | "TLS")) {
                    continue;
                }
                found.extend(arns(listener));
                let arn = listener.text(&["ListenerArn"]).unwrap_or_default();
                let further = self.pages(FURTHER, "ListenerArn", arn).await?;
                found.extend(further.iter().flat_map(arns));
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    async fn certificate(&self, arn: String) -> Answer<CertificateFacts> {
        if !arn.contains(":acm:") {
            // One that was uploaded to IAM, whose API lies in another region and may be lost.
            return Ok(CertificateFacts { arn, status: "NOT_IN_ACM".to_owned(), not_after: None });
        }
        let document = json!({ "CertificateArn": arn });
        let content =
            Content::Json { version: "1.1", target: "CertificateManager.DescribeCertificate", document };
        let question = Question { action: DESCRIBE, service: "acm", content };
        let Some(answer) = if_there(self.signed.json(&question).await)? else {
            return Ok(CertificateFacts { arn, status: "GONE".to_owned(), not_after: None });
        };
        let field = |name: &str| answer.get("Certificate").and_then(|certificate| certificate.get(name));
        let status = field("Status").and_then(Value::as_str);
        let status = status.ok_or_else(|| unreadable(&question, "it has no Status"))?.to_owned();
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds are enough, and far below 2^53")]
        let not_after =
            field("NotAfter").and_then(Value::as_f64).and_then(|at| Timestamp::from_second(at as i64).ok());
        Ok(CertificateFacts { arn, status, not_after })
    }
}

/// The ARNs in an element's list of certificates.
fn arns(element: &Element) -> Vec<String> {
    let certificates = element.at(&["Certificates"]).into_iter().flat_map(|list| list.all("member"));
    certificates.filter_map(|certificate| certificate.text(&["CertificateArn"])).map(str::to_owned).collect()
}

#[async_trait]
impl CertificateInspection for ListenerCertificates {
    async fn certificates(&self, load_balancer: &str) -> Answer<Option<Vec<CertificateFacts>>> {
        let Some(found) = if_there(self.certificates_of(load_balancer).await)? else { return Ok(None) };
        let calls: Vec<_> = found.into_iter().map(|arn| self.certificate(arn)).collect();
        stream::iter(calls).buffered(CALLS).try_collect().await.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{replay, sent};

    const BALANCER: &str = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/0a1b";
    const CERTIFICATE: &str = "arn:aws:acm:us-west-1:123456789012:certificate/1";

    fn listener(protocol: &str, certificate: &str) -> String {
        format!(
            "<member><ListenerArn>arn:l</ListenerArn><Protocol>{protocol}</Protocol><Certificates><member>\
             <CertificateArn>{certificate}</CertificateArn></member></Certificates></member>"
        )
    }

    fn answer(operation: &str, inner: &str) -> String {
        format!("<{operation}Response><{operation}Result>{inner}</{operation}Result></{operation}Response>")
    }

    fn listeners(members: &[String]) -> String {
        answer("DescribeListeners", &format!("<Listeners>{}</Listeners>", members.concat()))
    }

    fn further(certificate: &str) -> String {
        let list = format!(
            "<Certificates><member><CertificateArn>{certificate}</CertificateArn></member></Certificates>"
        );
        answer("DescribeListenerCertificates", &list)
    }

    async fn ask(answers: &[(u16, &str)]) -> (Answer<Option<Vec<CertificateFacts>>>, Vec<String>) {
        let http = replay(answers);
        let certificates = ListenerCertificates::new(&Sdk::on(http.clone()));
        (certificates.certificates(BALANCER).await, sent(&http))
    }

    #[tokio::test(start_paused = true)]
    async fn every_certificate_of_a_listener_that_speaks_tls_is_asked_for_once() {
        let page = listeners(&[listener("HTTP", "none"), listener("HTTPS", CERTIFICATE)]);
        let issued = r#"{"Certificate":{"Status":"ISSUED","NotAfter":1.8E9}}"#;
        let second = r#"{"Certificate":{"Status":"EXPIRED","NotAfter":1700000000}}"#;
        let other = CERTIFICATE.replace("/1", "/2");
        let more = further(&other);
        let (seen, requests) = ask(&[(200, &page), (200, &more), (200, issued), (200, second)]).await;
        let at = |second| Timestamp::from_second(second).ok();
        let facts = |arn: &str, status: &str, not_after| CertificateFacts {
            arn: arn.to_owned(),
            status: status.to_owned(),
            not_after,
        };
        let expected = vec![
            facts(CERTIFICATE, "ISSUED", at(1_800_000_000)),
            facts(&other, "EXPIRED", at(1_700_000_000)),
        ];
        assert_eq!(seen, Ok(Some(expected)));
        assert!(requests[0].contains(&format!("LoadBalancerArn={BALANCER}")), "{}", requests[0]);
    }

    #[tokio::test(start_paused = true)]
    async fn without_tls_there_is_none_and_a_balancer_that_is_gone_is_nothing() {
        assert_eq!(ask(&[(200, &listeners(&[listener("HTTP", "none")]))]).await.0, Ok(Some(Vec::new())));
        let gone = "<ErrorResponse><Error><Code>LoadBalancerNotFound</Code></Error></ErrorResponse>";
        assert_eq!(ask(&[(400, gone)]).await.0, Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_without_its_result_is_not_taken_for_a_balancer_without_certificates() {
        let failure = ask(&[(200, "<DescribeListenersResponse/>")]).await.0.unwrap_err();
        assert_eq!(failure.action, LISTENERS);
        assert!(failure.message.contains("no result"), "{failure}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_certificate_that_is_gone_or_not_in_acm_says_so() {
        let in_iam = "arn:aws:iam::123456789012:server-certificate/shop";
        let page = listeners(&[listener("TLS", CERTIFICATE)]);
        let gone = r#"{"__type":"ResourceNotFoundException","message":"gone"}"#;
        let (seen, _) = ask(&[(200, &page), (200, &further(in_iam)), (400, gone)]).await;
        let statuses: Vec<_> = seen.unwrap().unwrap().into_iter().map(|facts| facts.status).collect();
        assert_eq!(statuses, ["GONE", "NOT_IN_ACM"]);
    }
}
