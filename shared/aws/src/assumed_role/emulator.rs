//! Does an emulator that keeps accounts apart and checks permissions let a function act in another account, and no other
//! function? Asked only when the lab's launcher runs, as `emulator.rs` says.

use aws_sdk_ssm::config::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use ports::parameters::ParameterStores;
use ports::{Ids, Secret};
use protocol::parameters::diff::Put;
use protocol::parameters::entry::{Kind, Tier};
use serde_json::{Value, json};

use super::*;
use crate::config::Sdk;
use crate::emulator::{endpoint, root, sdk_as as sdk};
use crate::parameter_store::SsmParameters;
use runtime::clock::SystemClock;
use runtime::ids::FreshUlids;

const OURS: &str = "123456789012";
const THEIRS: &str = "210987654321";

async fn ask(sdk: &Sdk, action: &'static str, version: &'static str, fields: &[(&str, &str)]) -> Element {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let service = action.split(':').next().unwrap();
    let question = Question { action, service, content: Content::Form { version, fields } };
    sdk.signed().xml(&question).await.unwrap()
}

async fn make_role(account: &str, name: &str, trust: &Value, may: &Value) -> String {
    let sdk = sdk(root(account));
    let document =
        |statement: &Value| json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let (trust, may) = (document(trust), document(may));
    ask(&sdk, "iam:CreateRole", "2010-05-08", &[("RoleName", name), ("AssumeRolePolicyDocument", &trust)])
        .await;
    let fields = [("RoleName", name), ("PolicyName", "p"), ("PolicyDocument", &may)];
    ask(&sdk, "iam:PutRolePolicy", "2010-05-08", &fields).await;
    format!("arn:aws:iam::{account}:role/{name}")
}

/// Credentials of a function's role, as Lambda would give them.
async fn function(name: &str, may_take: &str) -> Credentials {
    let trust = json!({ "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": format!("arn:aws:iam::{OURS}:root") } });
    let may = json!({ "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": may_take });
    let arn = make_role(OURS, name, &trust, &may).await;
    let fields = [("RoleArn", arn.as_str()), ("RoleSessionName", "lambda")];
    let answer = ask(&sdk(root(OURS)), ASSUME, API, &fields).await;
    let part = |name: &str| answer.text(&["AssumeRoleResult", "Credentials", name]).unwrap().to_owned();
    Credentials::new(part("AccessKeyId"), part("SecretAccessKey"), Some(part("SessionToken")), None, "test")
}

fn put(name: &str) -> Put {
    Put {
        name: name.to_owned(),
        kind: Kind::Text,
        data_type: "text".to_owned(),
        tier: Tier::Standard,
        key: None,
        description: String::new(),
        allowed_pattern: String::new(),
        policies: Vec::new(),
        created_with: Some(protocol::parameters::entry::Tags::default()),
        clears_policies: false,
    }
}

#[tokio::test]
#[ignore = "needs the lab's launcher at PILOTLIGHT_EMULATOR_URL"]
async fn a_function_acts_in_the_other_account_as_the_role_that_trusts_it_and_no_other_function_does() {
    let fresh = FreshUlids.fresh().to_lowercase();
    let theirs = format!("primary-region-{fresh}");
    let role = PrimaryRole {
        arn: format!("arn:aws:iam::{THEIRS}:role/{theirs}"),
        external_id: "shop-7f3a".to_owned(),
    };
    let (named, stranger) = (format!("named-{fresh}"), format!("stranger-{fresh}"));
    let (as_named, as_stranger) = (function(&named, &role.arn).await, function(&stranger, &role.arn).await);
    let trust = json!({ "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": [format!("arn:aws:iam::{OURS}:role/{named}")] },
        "Condition": { "StringEquals": { "sts:ExternalId": "shop-7f3a" } } });
    let may = json!({ "Effect": "Allow", "Action": ["ssm:PutParameter", "ssm:GetParameters"],
        "Resource": format!("arn:aws:ssm:us-east-2:{THEIRS}:parameter/{fresh}/*") });
    make_role(THEIRS, &theirs, &trust, &may).await;

    let (name, secret) = (format!("/{fresh}/a"), Secret::new("one".to_owned()));
    let over_there = SsmParameters::new(&sdk(as_named.clone()).with_primary_role(&role, &named), "us-west-1");
    over_there.put("us-east-2", &put(&name), &secret).await.unwrap();
    let found = over_there.values("us-east-2", &[&name]).await.unwrap();
    assert_eq!(found[0].secret.expose(), "one");
    // It lies in their account, and not in ours.
    let seen = async |account: &str| {
        let stores = SsmParameters::new(&sdk(root(account)), "us-west-1");
        stores.values("us-east-2", &[&name]).await.unwrap().len()
    };
    assert_eq!((seen(THEIRS).await, seen(OURS).await), (1, 0));
    // As itself the function may do nothing there.
    let here = SsmParameters::new(&sdk(as_named.clone()), "us-west-1");
    assert_eq!(here.values("us-east-2", &[&name]).await.unwrap_err().kind, FailureKind::Denied);

    let wrong = PrimaryRole { external_id: "another".to_owned(), ..role.clone() };
    for (credentials, role) in [(as_stranger, role), (as_named, wrong)] {
        let denied = SsmParameters::new(&sdk(credentials).with_primary_role(&role, &stranger), "us-west-1");
        let failure = denied.values("us-east-2", &[&name]).await.unwrap_err();
        assert_eq!(
            (failure.kind, failure.action, failure.code.as_str()),
            (FailureKind::Denied, ASSUME, "AccessDenied")
        );
    }
}

#[tokio::test]
#[ignore = "needs an emulator at PILOTLIGHT_EMULATOR_URL"]
async fn an_answer_of_the_emulator_is_read_as_a_session() {
    let own = SharedCredentialsProvider::new(root(OURS));
    let connector = SharedHttpConnector::new(aws_smithy_http_client::Connector::builder().build_http());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let signed = Signed::new(connector, Some(own), "us-west-1", Some(&endpoint()), Arc::clone(&clock));
    let name = format!("plain-{}", FreshUlids.fresh().to_lowercase());
    let trust = json!({ "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": format!("arn:aws:iam::{OURS}:root") } });
    let may = json!({ "Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "*" });
    let arn = make_role(OURS, &name, &trust, &may).await;
    let role = PrimaryRole { arn, external_id: "shop-7f3a".to_owned() };
    let session =
        AssumedRole::new(signed, &role, "shop-ssm-replicator", Arc::clone(&clock)).ask().await.unwrap();
    let lasts = session.ends_at.duration_since(clock.now());
    assert!((SignedDuration::from_mins(14)..=SignedDuration::from_mins(16)).contains(&lasts), "{lasts}");
}
