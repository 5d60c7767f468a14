//! Is a KMS key able to be used, and by whom? Its state, its grants and its policy, in the function's own region; of
//! another region's key only whose it is.

use std::time::Duration;

use async_trait::async_trait;
use ports::inspection::KeyInspection;
use ports::{Answer, FailureKind};
use protocol::arn::Arn;
use protocol::readiness::facts::{KeyGrant, KeyRights};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::config::Sdk;
use crate::failure::{if_there, ours};
use crate::signed::{Content, Question, Signed, unreadable};

const DESCRIBE: &str = "kms:DescribeKey";
const GRANTS: &str = "kms:ListGrants";
const POLICY: &str = "kms:GetKeyPolicy";

/// Most grants of one page, and most pages: KMS allows 50,000 grants on a key, and here a few are looked for.
const PAGE: u32 = 100;
const PAGES_MAX: usize = 10;

/// Longest wait for a key of another region.
const ELSEWHERE_MAX: Duration = Duration::from_secs(2);

/// Keys of the function's own region.
pub struct KmsKeys {
    sdk: Sdk,
    signed: Signed,
}

impl KmsKeys {
    /// In the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self { sdk: sdk.clone(), signed: sdk.signed() }
    }

    /// Whether a key lies in the own region. One that is named by its id or an alias does.
    fn is_own(&self, key: &str) -> bool {
        Arn::parse(key).is_none_or(|arn| arn.region == self.sdk.region())
    }

    /// Whether a key is one of AWS's own, and its ARN; nothing where it does not exist.
    async fn owner(&self, key: &str) -> Answer<Option<(bool, String)>> {
        let question = question(DESCRIBE, "TrentService.DescribeKey", json!({ "KeyId": key }));
        let answer = if self.is_own(key) {
            self.signed.json(&question).await
        } else {
            let signed = self.sdk.signed_in(Arn::parse(key).map(|arn| arn.region).unwrap_or_default());
            timeout(ELSEWHERE_MAX, signed.json(&question)).await.unwrap_or_else(|_| {
                let message = format!("no answer within {} s", ELSEWHERE_MAX.as_secs());
                Err(ours(FailureKind::Unreachable, DESCRIBE, "timeout", message))
            })
        };
        let Some(answer) = if_there(answer)? else { return Ok(None) };
        let field =
            |name: &str| answer.get("KeyMetadata").and_then(|key| key.get(name)).and_then(Value::as_str);
        let arn = field("Arn").unwrap_or(key).to_owned();
        match field("KeyManager") {
            Some("AWS") => Ok(Some((true, arn))),
            Some("CUSTOMER") => Ok(Some((false, arn))),
            _ => Err(unreadable(&question, "it has no KeyManager")),
        }
    }

    async fn grants(&self, key: &str) -> Answer<Vec<KeyGrant>> {
        let (mut grants, mut marker) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let mut document = json!({ "KeyId": key, "Limit": PAGE });
            if let (Some(marker), Some(document)) = (marker, document.as_object_mut()) {
                document.insert("Marker".to_owned(), Value::String(marker));
            }
            let question = question(GRANTS, "TrentService.ListGrants", document);
            let page = self.signed.json(&question).await?;
            let list = page.get("Grants").and_then(Value::as_array);
            grants.extend(list.ok_or_else(|| unreadable(&question, "it has no Grants"))?.iter().map(grant));
            marker = page.get("NextMarker").and_then(Value::as_str).map(str::to_owned);
            if marker.is_none() {
                return Ok(grants);
            }
        }
        let message = format!("more than {PAGES_MAX} pages of grants on {key}");
        Err(ours(FailureKind::Unavailable, GRANTS, "endless_pages", message))
    }

    async fn policy(&self, key: &str) -> Answer<String> {
        let document = json!({ "KeyId": key, "PolicyName": "default" });
        let question = question(POLICY, "TrentService.GetKeyPolicy", document);
        let answer = self.signed.json(&question).await?;
        let policy = answer.get("Policy").and_then(Value::as_str).map(str::to_owned);
        policy.ok_or_else(|| unreadable(&question, "it has no Policy"))
    }
}

fn question(action: &'static str, target: &'static str, document: Value) -> Question {
    Question { action, service: "kms", content: Content::Json { version: "1.1", target, document } }
}

fn grant(grant: &Value) -> KeyGrant {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let operations = grant.get("Operations").and_then(Value::as_array);
    KeyGrant {
        grantee: grant.get("GranteePrincipal").and_then(text).unwrap_or_default(),
        operations: operations.map(|list| list.iter().filter_map(text).collect()).unwrap_or_default(),
    }
}

#[async_trait]
impl KeyInspection for KmsKeys {
    async fn state(&self, key: &str) -> Answer<Option<String>> {
        let question = question(DESCRIBE, "TrentService.DescribeKey", json!({ "KeyId": key }));
        let Some(answer) = if_there(self.signed.json(&question).await)? else { return Ok(None) };
        let state = answer.get("KeyMetadata").and_then(|key| key.get("KeyState")).and_then(Value::as_str);
        state.map(|state| Some(state.to_owned())).ok_or_else(|| unreadable(&question, "it has no KeyState"))
    }

    async fn rights(&self, key: &str) -> Answer<Option<KeyRights>> {
        let Some((is_of_aws, arn)) = self.owner(key).await? else { return Ok(None) };
        if is_of_aws || !self.is_own(key) {
            return Ok(Some(KeyRights { is_of_aws, ..KeyRights::default() }));
        }
        // An alias is no name that grants are listed by.
        let (grants, policy) = futures::join!(self.grants(&arn), self.policy(&arn));
        Ok(Some(KeyRights { is_of_aws, grants: grants?, policy: policy? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{replay, sent};

    #[tokio::test(start_paused = true)]
    async fn a_key_has_its_state_and_one_that_is_gone_is_nothing() {
        let disabled = r#"{"KeyMetadata":{"KeyId":"0a1b","KeyState":"Disabled","Enabled":false}}"#;
        let gone = r#"{"__type":"NotFoundException","message":"Key does not exist"}"#;
        let http = replay(&[(200, disabled), (400, gone), (200, r#"{"KeyMetadata":{}}"#)]);
        let keys = KmsKeys::new(&Sdk::on(http.clone()));
        let arn = "arn:aws:kms:us-west-1:123456789012:key/0a1b";
        assert_eq!(keys.state(arn).await, Ok(Some("Disabled".to_owned())));
        assert_eq!(keys.state(arn).await, Ok(None));
        assert_eq!(keys.state(arn).await.unwrap_err().code, "response");
        assert_eq!(sent(&http)[0], format!(r#"{{"KeyId":"{arn}"}}"#));
    }

    const KEY: &str = "arn:aws:kms:us-west-1:123456789012:key/0a1b";

    #[tokio::test(start_paused = true)]
    async fn a_key_of_ones_own_has_grants_and_a_policy() {
        let own = r#"{"KeyMetadata":{"KeyManager":"CUSTOMER","Arn":"arn:own"}}"#;
        let first = r#"{"Grants":[{"GranteePrincipal":"arn:r","Operations":["Decrypt","CreateGrant"]}],"NextMarker":"m"}"#;
        let (second, policy) = (r#"{"Grants":[]}"#, r#"{"Policy":"{}"}"#);
        let http = replay(&[(200, own), (200, first), (200, second), (200, policy)]);
        // The replay gives its answers in order: so the two questions are asked one after the other here.
        let keys = KmsKeys::new(&Sdk::on(http.clone()));
        assert_eq!(keys.owner("alias/shop").await, Ok(Some((false, "arn:own".to_owned()))));
        let operations = vec!["Decrypt".to_owned(), "CreateGrant".to_owned()];
        assert_eq!(keys.grants(KEY).await, Ok(vec![KeyGrant { grantee: "arn:r".to_owned(), operations }]));
        assert_eq!(keys.policy(KEY).await, Ok("{}".to_owned()));
        assert!(sent(&http)[2].contains(r#""Marker":"m""#), "{:?}", sent(&http));
    }

    #[tokio::test(start_paused = true)]
    async fn of_awss_own_key_and_of_another_regions_nothing_more_is_asked() {
        let (aws, own) =
            (r#"{"KeyMetadata":{"KeyManager":"AWS"}}"#, r#"{"KeyMetadata":{"KeyManager":"CUSTOMER"}}"#);
        let gone = r#"{"__type":"NotFoundException","message":"Key does not exist"}"#;
        let http = replay(&[(200, aws), (200, own), (400, gone), (200, r#"{"KeyMetadata":{}}"#)]);
        let keys = KmsKeys::new(&Sdk::on(http.clone()));
        let there = KEY.replace("us-west-1", "us-east-2");
        assert_eq!(keys.rights(KEY).await, Ok(Some(KeyRights { is_of_aws: true, ..KeyRights::default() })));
        assert_eq!(keys.rights(&there).await, Ok(Some(KeyRights::default())));
        assert_eq!(keys.rights(KEY).await, Ok(None));
        assert_eq!(keys.rights(KEY).await.unwrap_err().code, "response");
        let hosts: Vec<_> = http.actual_requests().map(|request| request.uri().to_owned()).collect();
        assert_eq!(hosts[1], "https://kms.us-east-2.amazonaws.com/");
    }
}
