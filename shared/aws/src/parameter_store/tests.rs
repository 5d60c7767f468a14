//! The adapter against recorded shapes.

use serde_json::{Value as Json, json};

use super::*;
use crate::replay::{replay, sent};

const HERE: &str = "us-west-1";
const THERE: &str = "us-east-2";
const CANARY: &str = "tweet-tweet-4711";

fn stores(answers: &[(u16, Json)]) -> (SsmParameters, impl Fn() -> Vec<(String, Json)> + use<>) {
    let texts: Vec<(u16, String)> =
        answers.iter().map(|(status, body)| (*status, body.to_string())).collect();
    let texts: Vec<(u16, &str)> = texts.iter().map(|(status, body)| (*status, body.as_str())).collect();
    let http = replay(&texts);
    let stores = SsmParameters::new(&Sdk::on(http.clone()), HERE);
    let requests = move || {
        let hosts = http.actual_requests().map(|request| request.uri().to_owned()).collect::<Vec<_>>();
        let bodies = sent(&http).into_iter().map(|body| serde_json::from_str(&body).unwrap());
        hosts.into_iter().zip(bodies).collect()
    };
    (stores, requests)
}

/// As `DescribeParameters` answers.
fn described(name: &str) -> Json {
    json!({
        "Name": name, "ARN": format!("arn:aws:ssm:us-east-2:123456789012:parameter{name}"), "Type": "SecureString",
        "KeyId": "alias/shop", "LastModifiedDate": 1_795_143_600.5, "LastModifiedUser": "arn:aws:iam::123456789012:user/ana",
        "Description": "the password", "AllowedPattern": "^[a-z0-9-]+$", "Version": 7, "Tier": "Advanced",
        "Policies": [{"PolicyText": "{\"Type\":\"NoChangeNotification\"}", "PolicyType": "NoChangeNotification",
            "PolicyStatus": "Pending"}],
        "DataType": "text",
    })
}

fn put(created_with: Option<Tags>) -> Put {
    Put {
        name: "/shop/db/password".to_owned(),
        kind: Kind::SecureString,
        data_type: "text".to_owned(),
        tier: Tier::Standard,
        key: Some("alias/shop".to_owned()),
        description: String::new(),
        allowed_pattern: String::new(),
        policies: Vec::new(),
        created_with,
        clears_policies: false,
    }
}

fn secret() -> Secret {
    Secret::new(CANARY.to_owned())
}

fn refusal(code: &str, words: &str) -> (u16, Json) {
    (400, json!({ "__type": code, "message": words, "Message": words }))
}

#[tokio::test(start_paused = true)]
async fn a_page_of_a_listing_is_read_with_everything_but_the_values() {
    let page = json!({ "Parameters": [described("/shop/db/password")], "NextToken": "n1" });
    let (stores, requests) = stores(&[(200, page), (200, json!({ "Parameters": [] }))]);
    let found = stores.list(THERE, "/shop", None, None).await.unwrap();
    let expected = Entry {
        name: "/shop/db/password".to_owned(),
        version: 7,
        modified_ms: 1_795_143_600_500,
        kind: Kind::SecureString,
        data_type: "text".to_owned(),
        tier: Tier::Advanced,
        key: Some("alias/shop".to_owned()),
        description: "the password".to_owned(),
        allowed_pattern: "^[a-z0-9-]+$".to_owned(),
        policies: vec![r#"{"Type":"NoChangeNotification"}"#.to_owned()],
    };
    assert_eq!(found, ParameterPage { entries: vec![expected], next: Some("n1".to_owned()) });
    let copies = stores.list(HERE, "/shop", Some(&Name::new("shop")), found.next).await.unwrap();
    assert_eq!(copies, ParameterPage::default());
    let path = json!({ "Key": "Path", "Option": "Recursive", "Values": ["/shop"] });
    let tag = json!({ "Key": "tag:pilotlight:copied-by", "Option": "Equals", "Values": ["shop"] });
    let requests = requests();
    assert_eq!(requests[0].1, json!({ "ParameterFilters": [path], "MaxResults": 50 }));
    assert_eq!(
        requests[1].1,
        json!({ "ParameterFilters": [path, tag], "MaxResults": 50, "NextToken": "n1" })
    );
    assert!(requests[0].0.starts_with("https://ssm.us-east-2."), "{}", requests[0].0);
    assert!(requests[1].0.starts_with("https://ssm.us-west-1."), "{}", requests[1].0);
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_is_not_understood_fails_the_listing() {
    for (field, value) in
        [("Type", json!("Blob")), ("Type", Json::Null), ("Name", Json::Null), ("Version", json!(-1))]
    {
        let mut one = described("/shop/a");
        one[field] = value;
        let (stores, _) = stores(&[(200, json!({ "Parameters": [one] }))]);
        let failure = stores.list(HERE, "/shop", None, None).await.unwrap_err();
        assert_eq!(failure.code, "incomplete", "{field}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_parameter_is_found_by_its_whole_name() {
    let answer = json!({ "Parameters": [described("/shop/a")] });
    let (stores, requests) = stores(&[(200, answer.clone()), (200, answer)]);
    assert_eq!(stores.find(HERE, "/shop/a").await.unwrap().unwrap().name, "/shop/a");
    assert_eq!(stores.find(HERE, "/shop/b").await.unwrap(), None);
    let filter = json!([{ "Key": "Name", "Option": "Equals", "Values": ["/shop/a"] }]);
    assert_eq!(requests()[0].1["ParameterFilters"], filter);
}

#[tokio::test(start_paused = true)]
async fn values_are_decrypted_and_what_does_not_exist_is_left_out() {
    let answer = json!({
        "Parameters": [{ "Name": "/shop/a", "Type": "SecureString", "Value": CANARY, "Version": 7,
            "LastModifiedDate": 1_795_143_600.5, "DataType": "text" }],
        "InvalidParameters": ["/shop/b"],
    });
    let (stores, requests) = stores(&[(200, answer)]);
    let values = stores.values(THERE, &["/shop/a", "/shop/b"]).await.unwrap();
    assert_eq!(values, [Value { name: "/shop/a".to_owned(), version: 7, secret: secret() }]);
    assert_eq!(requests()[0].1, json!({ "Names": ["/shop/a", "/shop/b"], "WithDecryption": true }));
}

#[tokio::test(start_paused = true)]
async fn tags_and_labels_of_what_does_not_exist_are_none() {
    let (stores, requests) = stores(&[
        (200, json!({ "TagList": [{ "Key": "team", "Value": "web" }] })),
        refusal("InvalidResourceId", ""),
        refusal("ParameterNotFound", ""),
    ]);
    let tags = stores.tags(HERE, "/shop/a").await.unwrap();
    assert_eq!(tags, Some(Tags::from([("team".to_owned(), "web".to_owned())])));
    assert_eq!(stores.tags(HERE, "/shop/a").await, Ok(None));
    assert_eq!(stores.labels(HERE, "/shop/a").await, Ok(Labels::default()));
    assert_eq!(requests()[0].1, json!({ "ResourceType": "Parameter", "ResourceId": "/shop/a" }));
}

#[tokio::test(start_paused = true)]
async fn labels_are_those_of_the_highest_version_and_those_of_the_others_over_all_pages() {
    let version =
        |number: i64, labels: &[&str]| json!({ "Name": "/shop/a", "Version": number, "Labels": labels });
    let (stores, requests) = stores(&[
        (
            200,
            json!({ "Parameters": [version(1, &["old"]), version(3, &["live", "blue"])], "NextToken": "n1" }),
        ),
        (200, json!({ "Parameters": [version(2, &["green"])] })),
    ]);
    let labels = stores.labels(HERE, "/shop/a").await.unwrap();
    assert_eq!(labels.current, ["blue".to_owned(), "live".to_owned()].into());
    assert_eq!(labels.earlier, ["green".to_owned(), "old".to_owned()].into());
    // Not decrypted: only the labels are wanted.
    assert_eq!(requests()[0].1, json!({ "Name": "/shop/a", "MaxResults": 50 }));
}

#[tokio::test(start_paused = true)]
async fn a_new_parameter_is_put_with_its_tags_and_never_over_another() {
    let (stores, requests) = stores(&[(200, json!({ "Version": 1, "Tier": "Standard" }))]);
    let tags = Tags::from([("pilotlight:copied-by".to_owned(), "shop".to_owned())]);
    assert_eq!(stores.put(THERE, &put(Some(tags)), &secret()).await, Ok(1));
    let expected = json!({
        "Name": "/shop/db/password", "Value": CANARY, "Type": "SecureString", "KeyId": "alias/shop", "Overwrite": false,
        "Tier": "Standard", "DataType": "text", "Tags": [{ "Key": "pilotlight:copied-by", "Value": "shop" }],
    });
    assert_eq!(requests()[0].1, expected);
}

#[tokio::test(start_paused = true)]
async fn a_parameter_is_put_over_with_what_must_go_taken_away() {
    let (stores, requests) = stores(&[(200, json!({ "Version": 8 })), (200, json!({ "Version": 9 }))]);
    let cleared = Put { clears_policies: true, tier: Tier::Advanced, ..put(None) };
    assert_eq!(stores.put(HERE, &cleared, &secret()).await, Ok(8));
    let policies = vec![r#"{"Type":"A"}"#.to_owned(), r#"{"Type":"B"}"#.to_owned()];
    let plain = Put { kind: Kind::TextList, key: None, policies, description: "d".to_owned(), ..put(None) };
    assert_eq!(stores.put(HERE, &plain, &secret()).await, Ok(9));
    let requests = requests();
    let (first, second) = (&requests[0].1, &requests[1].1);
    assert_eq!((first["Overwrite"].clone(), first["Policies"].clone()), (json!(true), json!("[{}]")));
    assert_eq!((first["Description"].clone(), first["AllowedPattern"].clone()), (json!(""), json!("")));
    assert!(first.get("Tags").is_none(), "tags and overwrite don't go together");
    assert_eq!(second["Policies"], r#"[{"Type":"A"},{"Type":"B"}]"#);
    assert!(second.get("KeyId").is_none());
}

#[tokio::test(start_paused = true)]
async fn tagging_labelling_and_deleting_ask_for_what_they_say() {
    let (stores, requests) = stores(&[
        (200, json!({})),
        (200, json!({ "InvalidLabels": [], "ParameterVersion": 7 })),
        (200, json!({ "InvalidLabels": ["1st"], "ParameterVersion": 7 })),
        (200, json!({})),
        refusal("ParameterNotFound", ""),
    ]);
    stores.tag(HERE, "/shop/a", &Tags::from([("team".to_owned(), "web".to_owned())])).await.unwrap();
    stores.label(HERE, "/shop/a", &["live".to_owned()]).await.unwrap();
    let failure = stores.label(HERE, "/shop/a", &["1st".to_owned()]).await.unwrap_err();
    assert_eq!(failure.code, "InvalidLabels");
    stores.delete(HERE, "/shop/a").await.unwrap();
    stores.delete(HERE, "/shop/a").await.unwrap();
    let requests = requests();
    let tags = json!([{ "Key": "team", "Value": "web" }]);
    assert_eq!(requests[0].1, json!({ "ResourceType": "Parameter", "ResourceId": "/shop/a", "Tags": tags }));
    assert_eq!(requests[1].1, json!({ "Name": "/shop/a", "Labels": ["live"] }));
    assert_eq!(requests[3].1, json!({ "Name": "/shop/a" }));
}

#[tokio::test(start_paused = true)]
async fn no_call_is_tried_a_second_time_here() {
    let busy = || refusal("ThrottlingException", "Rate exceeded");
    let (stores, requests) = stores(&[busy(), busy(), busy()]);
    for region in [HERE, THERE] {
        let failure = stores.put(region, &put(None), &secret()).await.unwrap_err();
        assert_eq!((failure.kind, failure.action), (FailureKind::Throttled, PUT));
    }
    assert_eq!(requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn each_refusal_says_what_a_caller_can_do_and_none_repeats_the_value() {
    let words =
        format!("1 validation error detected: Value '{CANARY}' at 'value' failed to satisfy constraint");
    for (code, kind) in [
        ("ParameterAlreadyExists", FailureKind::Conflict),
        ("TooManyUpdates", FailureKind::Throttled),
        ("ParameterMaxVersionLimitExceeded", FailureKind::Invalid),
        ("ParameterLimitExceeded", FailureKind::Invalid),
        ("ParameterPatternMismatchException", FailureKind::Invalid),
        ("HierarchyTypeMismatchException", FailureKind::Invalid),
        ("InvalidKeyId", FailureKind::Invalid),
        ("ValidationException", FailureKind::Invalid),
        ("SomethingNew", FailureKind::Invalid),
        ("InternalServerError", FailureKind::Unavailable),
    ] {
        let (stores, _) = stores(&[refusal(code, &words)]);
        let failure = stores.put(HERE, &put(None), &secret()).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (kind, code));
        let shown = format!("{failure} {failure:?} {failure:#?}");
        assert!(!shown.contains(CANARY), "{shown}");
    }
    // Whose permission is missing, and which, is what helps; it says nothing of a value.
    let (stores, _) =
        stores(&[refusal("AccessDeniedException", "User: x is not authorized to perform: kms:Decrypt")]);
    let failure = stores.values(THERE, &["/shop/a"]).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Denied);
    assert!(failure.message.contains("kms:Decrypt"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_region_is_given_up_after_two_seconds() {
    let sdk = Sdk::on(aws_smithy_http_client::test_util::NeverClient::new());
    let stores = SsmParameters::new(&sdk, HERE);
    let started = tokio::time::Instant::now();
    let failure = stores.list(THERE, "/shop", None, None).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unreachable);
    assert_eq!(started.elapsed(), std::time::Duration::from_secs(2));
}
