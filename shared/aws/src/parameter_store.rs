//! How is Parameter Store read and written in both regions? One attempt for each call: whoever calls keeps the account's
//! rate, and knows what may be repeated.
//!
//! Values pass through here. No failure of this file holds a word of a request or of an answer, but for the codes: a
//! refusal such as `ValidationException` repeats the value that it refuses.

use std::collections::BTreeMap;
use std::error::Error;

use async_trait::async_trait;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{
    ParameterMetadata, ParameterStringFilter, ParameterTier, ParameterType, ResourceTypeForTagging, Tag,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use ports::parameters::{ParameterPage, ParameterStores, Value};
use ports::{Answer, Failure, FailureKind, Secret};
use protocol::name::Name;
use protocol::parameters::COPY_TAG;
use protocol::parameters::diff::Put;
use protocol::parameters::entry::{Entry, Kind, Labels, Tags, Tier};

use crate::assumed_role::ASSUME;
use crate::config::Sdk;
use crate::failure::{failure, if_there, ours};
use crate::regional::Regional;

const DESCRIBE: &str = "ssm:DescribeParameters";
const GET: &str = "ssm:GetParameters";
const HISTORY: &str = "ssm:GetParameterHistory";
const LIST_TAGS: &str = "ssm:ListTagsForResource";
const PUT: &str = "ssm:PutParameter";
const TAG: &str = "ssm:AddTagsToResource";
const LABEL: &str = "ssm:LabelParameterVersion";
const DELETE: &str = "ssm:DeleteParameter";

/// Most entries of one page of a listing, and most versions of one page of a history.
const PAGE: i32 = 50;
/// A parameter has a hundred versions at most.
const HISTORY_PAGES_MAX: u32 = 4;

/// Parameter Store of the function's own region and of others.
pub struct SsmParameters {
    region: String,
    here: Client,
    elsewhere: Regional<Client>,
}

impl SsmParameters {
    /// `region` is the function's own. A call to another one takes two seconds at most.
    pub fn new(sdk: &Sdk, region: &str) -> Self {
        let (region, here) = (region.to_owned(), sdk.ssm_once());
        let sdk = sdk.clone();
        Self { region, here, elsewhere: Regional::new(move |region| sdk.ssm_of_primary(region)) }
    }

    fn of(&self, region: &str) -> Client {
        if region == self.region { self.here.clone() } else { self.elsewhere.of(region) }
    }

    async fn describe(
        &self,
        region: &str,
        filters: Vec<ParameterStringFilter>,
        after: Option<String>,
    ) -> Answer<ParameterPage> {
        let output = self
            .of(region)
            .describe_parameters()
            .set_parameter_filters(Some(filters))
            .max_results(PAGE)
            .set_next_token(after)
            .send()
            .await
            .map_err(|error| quiet(DESCRIBE, &error))?;
        let entries = output.parameters.unwrap_or_default().into_iter().map(entry).collect::<Answer<_>>()?;
        Ok(ParameterPage { entries, next: output.next_token.filter(|token| !token.is_empty()) })
    }
}

#[async_trait]
impl ParameterStores for SsmParameters {
    async fn list(
        &self,
        region: &str,
        path: &str,
        copies_of: Option<&Name>,
        after: Option<String>,
    ) -> Answer<ParameterPage> {
        let mut filters = vec![filter("Path", "Recursive", path)?];
        if let Some(plan) = copies_of {
            filters.push(filter(&format!("tag:{COPY_TAG}"), "Equals", plan.as_str())?);
        }
        self.describe(region, filters, after).await
    }

    async fn find(&self, region: &str, name: &str) -> Answer<Option<Entry>> {
        let page = self.describe(region, vec![filter("Name", "Equals", name)?], None).await?;
        Ok(page.entries.into_iter().find(|entry| entry.name == name))
    }

    async fn values(&self, region: &str, names: &[&str]) -> Answer<Vec<Value>> {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let output = self
            .of(region)
            .get_parameters()
            .set_names(Some(names))
            .with_decryption(true)
            .send()
            .await
            .map_err(|error| quiet(GET, &error))?;
        let parameters = output.parameters.unwrap_or_default().into_iter();
        // The text itself becomes the secret; nothing of it is left behind here.
        let value = |parameter: aws_sdk_ssm::types::Parameter| match (parameter.name, parameter.value) {
            (Some(name), Some(value)) => {
                let version = u64::try_from(parameter.version).unwrap_or_default();
                Ok(Value { name, version, secret: Secret::new(value) })
            }
            _ => Err(incomplete(GET)),
        };
        parameters.map(value).collect()
    }

    async fn tags(&self, region: &str, name: &str) -> Answer<Option<Tags>> {
        let request = self
            .of(region)
            .list_tags_for_resource()
            .resource_type(ResourceTypeForTagging::Parameter)
            .resource_id(name);
        let output = if_there(request.send().await.map_err(|error| quiet(LIST_TAGS, &error)))?;
        let tags = output.map(|output| output.tag_list.unwrap_or_default());
        Ok(tags.map(|tags| tags.into_iter().map(|tag| (tag.key, tag.value)).collect()))
    }

    async fn labels(&self, region: &str, name: &str) -> Answer<Labels> {
        let client = self.of(region);
        // By version: the current one is the highest.
        let mut by_version: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        let mut after = None;
        for _ in 0..HISTORY_PAGES_MAX {
            let request = client.get_parameter_history().name(name).max_results(PAGE).set_next_token(after);
            let output = if_there(request.send().await.map_err(|error| quiet(HISTORY, &error)))?;
            let Some(output) = output else { return Ok(Labels::default()) };
            for version in output.parameters.unwrap_or_default() {
                by_version.insert(version.version, version.labels.unwrap_or_default());
            }
            after = output.next_token.filter(|token| !token.is_empty());
            if after.is_none() {
                let current = by_version.pop_last().map(|(_, labels)| labels).unwrap_or_default();
                let earlier = by_version.into_values().flatten().collect();
                return Ok(Labels { current: current.into_iter().collect(), earlier });
            }
        }
        Err(ours(FailureKind::Invalid, HISTORY, "endless_pages", "the history of a parameter does not end"))
    }

    async fn put(&self, region: &str, put: &Put, value: &Secret) -> Answer<u64> {
        let is_new = put.created_with.is_some();
        let given = |text: &str| (!is_new || !text.is_empty()).then(|| text.to_owned());
        let tags = put.created_with.as_ref().map(|tags| tags.iter().map(tag).collect::<Answer<Vec<_>>>());
        let output = self
            .of(region)
            .put_parameter()
            .name(&put.name)
            .value(value.expose())
            .r#type(type_of(put.kind))
            .data_type(&put.data_type)
            .tier(tier_of(put.tier))
            .set_key_id(put.key.clone())
            // On a parameter that is there, an empty text takes the old one away; left out, it would stay.
            .set_description(given(&put.description))
            .set_allowed_pattern(given(&put.allowed_pattern))
            .set_policies(policies(put))
            .set_tags(tags.transpose()?)
            .overwrite(!is_new)
            .send()
            .await
            .map_err(|error| quiet(PUT, &error))?;
        Ok(u64::try_from(output.version).unwrap_or_default())
    }

    async fn tag(&self, region: &str, name: &str, tags: &Tags) -> Answer<()> {
        self.of(region)
            .add_tags_to_resource()
            .resource_type(ResourceTypeForTagging::Parameter)
            .resource_id(name)
            .set_tags(Some(tags.iter().map(tag).collect::<Answer<_>>()?))
            .send()
            .await
            .map_err(|error| quiet(TAG, &error))?;
        Ok(())
    }

    async fn label(&self, region: &str, name: &str, labels: &[String]) -> Answer<()> {
        let output = self
            .of(region)
            .label_parameter_version()
            .name(name)
            .set_labels(Some(labels.to_vec()))
            .send()
            .await
            .map_err(|error| quiet(LABEL, &error))?;
        if output.invalid_labels().is_empty() {
            return Ok(());
        }
        Err(ours(FailureKind::Invalid, LABEL, "InvalidLabels", "Parameter Store rejected some of the labels"))
    }

    async fn delete(&self, region: &str, name: &str) -> Answer<()> {
        let deleted = self.of(region).delete_parameter().name(name).send().await;
        if_there(deleted.map_err(|error| quiet(DELETE, &error))).map(drop)
    }
}

/// What is said in place of a refusal's own words.
const WORDS: &[(&str, FailureKind, &str)] = &[
    ("ParameterAlreadyExists", FailureKind::Conflict, "another writer created it in the meantime"),
    ("TooManyUpdates", FailureKind::Throttled, "another writer is writing it at the same time"),
    ("InvalidResourceId", FailureKind::Missing, "it does not exist"),
    (
        "ParameterMaxVersionLimitExceeded",
        FailureKind::Invalid,
        "its oldest version has a label and can't be dropped: move the label to a newer version",
    ),
    ("ParameterLimitExceeded", FailureKind::Invalid, "the region has reached its limit of parameters"),
    ("ParameterVersionLabelLimitExceeded", FailureKind::Invalid, "a version holds ten labels at most"),
    (
        "ParameterPatternMismatchException",
        FailureKind::Invalid,
        "its value does not match its allowed pattern",
    ),
    ("HierarchyTypeMismatchException", FailureKind::Invalid, "a parameter's type can't be changed"),
    ("InvalidKeyId", FailureKind::Invalid, "the key does not exist or can't be used: see parameters.keys"),
    ("InvalidPolicyTypeException", FailureKind::Invalid, "the region does not know one of its policies"),
    ("PoliciesLimitExceededException", FailureKind::Invalid, "it has too many policies"),
];

/// An SDK error without any words that may repeat what was sent or received.
fn quiet<E>(action: &'static str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let loud = failure(action, error);
    if loud.action == ASSUME {
        return loud; // Nothing was sent to Parameter Store.
    }
    if let Some((_, kind, words)) = WORDS.iter().find(|(code, ..)| *code == loud.code) {
        return Failure { kind: *kind, message: (*words).to_owned(), ..loud };
    }
    // Who may not do what, and that there were too many calls, says nothing of a value. No other words are kept.
    let words = match loud.kind {
        FailureKind::Denied | FailureKind::Throttled => loud.message,
        FailureKind::Unreachable => "Parameter Store did not answer, or its answer is unreadable".to_owned(),
        FailureKind::Unavailable => "Parameter Store had an internal error".to_owned(),
        _ => {
            "Parameter Store refused it; its message is not shown, because it may repeat the value".to_owned()
        }
    };
    Failure { message: words, ..loud }
}

fn incomplete(action: &'static str) -> Failure {
    ours(FailureKind::Unavailable, action, "incomplete", "an answer lacks a field that every parameter has")
}

fn filter(key: &str, option: &str, value: &str) -> Answer<ParameterStringFilter> {
    ParameterStringFilter::builder()
        .key(key)
        .option(option)
        .values(value)
        .build()
        .map_err(|_| ours(FailureKind::Invalid, DESCRIBE, "construction", "a filter without a key"))
}

fn tag((key, value): (&String, &String)) -> Answer<Tag> {
    Tag::builder()
        .key(key)
        .value(value)
        .build()
        .map_err(|_| ours(FailureKind::Invalid, TAG, "construction", "a tag without a key or a value"))
}

/// What a listing says of a parameter. One that is not understood is an error: left out, its copy would be deleted.
fn entry(found: ParameterMetadata) -> Answer<Entry> {
    let kind = match found.r#type {
        Some(ParameterType::String) => Kind::Text,
        Some(ParameterType::StringList) => Kind::TextList,
        Some(ParameterType::SecureString) => Kind::SecureString,
        _ => return Err(incomplete(DESCRIBE)),
    };
    let tier = match found.tier {
        Some(ParameterTier::Advanced) => Tier::Advanced,
        Some(ParameterTier::IntelligentTiering) => Tier::IntelligentTiering,
        _ => Tier::Standard,
    };
    let modified = found.last_modified_date.and_then(|date| date.to_millis().ok());
    let (Some(name), Ok(version)) = (found.name, u64::try_from(found.version)) else {
        return Err(incomplete(DESCRIBE));
    };
    let policies = found.policies.unwrap_or_default().into_iter();
    Ok(Entry {
        name,
        version,
        modified_ms: modified.unwrap_or_default(),
        kind,
        data_type: found.data_type.unwrap_or_else(|| "text".to_owned()),
        tier,
        key: found.key_id.filter(|_| kind == Kind::SecureString),
        description: found.description.unwrap_or_default(),
        allowed_pattern: found.allowed_pattern.unwrap_or_default(),
        policies: policies.filter_map(|policy| policy.policy_text).collect(),
    })
}

fn type_of(kind: Kind) -> ParameterType {
    match kind {
        Kind::Text => ParameterType::String,
        Kind::TextList => ParameterType::StringList,
        Kind::SecureString => ParameterType::SecureString,
    }
}

fn tier_of(tier: Tier) -> ParameterTier {
    match tier {
        Tier::Standard => ParameterTier::Standard,
        Tier::Advanced => ParameterTier::Advanced,
        Tier::IntelligentTiering => ParameterTier::IntelligentTiering,
    }
}

/// Policies as one JSON list. A list with an empty policy takes all of them away.
fn policies(put: &Put) -> Option<String> {
    if put.clears_policies {
        return Some("[{}]".to_owned());
    }
    (!put.policies.is_empty()).then(|| format!("[{}]", put.policies.join(",")))
}

#[cfg(test)]
mod tests;
