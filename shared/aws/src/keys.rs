//! Is a KMS key able to be used? Its state, in the function's own region.

use async_trait::async_trait;
use ports::Answer;
use ports::inspection::KeyInspection;
use serde_json::{Value, json};

use crate::config::Sdk;
use crate::failure::if_there;
use crate::signed::{Content, Question, Signed, unreadable};

const DESCRIBE: &str = "kms:DescribeKey";

/// Keys of the function's own region.
pub struct KmsKeys {
    signed: Signed,
}

impl KmsKeys {
    /// In the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self { signed: sdk.signed() }
    }
}

#[async_trait]
impl KeyInspection for KmsKeys {
    async fn state(&self, key: &str) -> Answer<Option<String>> {
        let content = Content::Json {
            version: "1.1",
            target: "TrentService.DescribeKey",
            document: json!({ "KeyId": key }),
        };
        let question = Question { action: DESCRIBE, service: "kms", content };
        let Some(answer) = if_there(self.signed.json(&question).await)? else { return Ok(None) };
        let state = answer.get("KeyMetadata").and_then(|key| key.get("KeyState")).and_then(Value::as_str);
        state.map(|state| Some(state.to_owned())).ok_or_else(|| unreadable(&question, "it has no KeyState"))
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
}
