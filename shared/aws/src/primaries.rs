//! What are the primaries made of? RDS instances of other regions, which may be lost: best effort.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_rds::Client;
use aws_sdk_rds::types::{DbInstance, Filter};
use ports::{Answer, FailureKind};
use protocol::plan::Database;
use protocol::readiness::facts::InstanceFacts;
use protocol::side::Side;

use crate::config::Sdk;
use crate::failure::{failure, ours};
use crate::instance_arn::instance;
use crate::regional::Regional;

const DESCRIBE: &str = "rds:DescribeDBInstances";

/// Identifiers in one call: as many as one page of the answer can hold.
const BATCH: usize = 100;
/// Most records of one page.
const PAGE: i32 = 100;

/// The instances of the primary regions.
pub(crate) struct PrimaryInstances {
    clients: Regional<Client>,
}

impl PrimaryInstances {
    /// As seen from the function's own region: two seconds and one attempt for each call.
    pub(crate) fn new(sdk: &Sdk) -> Self {
        Self { clients: sdk.rds_of_primaries() }
    }

    /// What they are made of, in the order asked for; nothing where one does not exist.
    pub(crate) async fn inspect(
        &self,
        databases: &[&Database],
        side: Side,
    ) -> Answer<Vec<Option<InstanceFacts>>> {
        let wanted = databases.iter().map(|database| instance(DESCRIBE, database.arn(side)));
        let wanted: Vec<(String, String)> = wanted.collect::<Answer<_>>()?;
        let regions: BTreeSet<&String> = wanted.iter().map(|(_, region)| region).collect();
        let mut seen = BTreeMap::new();
        for region in regions {
            let ids: BTreeSet<String> =
                wanted.iter().filter(|(_, of)| of == region).map(|(id, _)| id.clone()).collect();
            let ids: Vec<String> = ids.into_iter().collect();
            for (id, facts) in self.of_region(region, &ids).await? {
                seen.insert((id, region.clone()), facts);
            }
        }
        Ok(wanted.iter().map(|key| seen.get(key).cloned()).collect())
    }

    async fn of_region(&self, region: &str, ids: &[String]) -> Answer<Vec<(String, InstanceFacts)>> {
        let client = self.clients.of(region);
        let mut batches: Vec<Vec<String>> = ids.chunks(BATCH).map(<[String]>::to_vec).collect();
        let mut seen = Vec::new();
        while let Some(mut batch) = batches.pop() {
            match describe(&client, &batch).await {
                Ok(instances) => seen.extend(instances.iter().map(|found| {
                    (found.db_instance_identifier().unwrap_or_default().to_lowercase(), facts(found))
                })),
                // One that does not exist refuses them all: ask for fewer.
                Err(failure)
                    if batch.len() > 1
                        && matches!(failure.kind, FailureKind::Missing | FailureKind::Invalid) =>
                {
                    let rest = batch.split_off(batch.len() / 2);
                    batches.extend([batch, rest]);
                }
                Err(failure) if failure.kind == FailureKind::Missing => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(seen)
    }
}

/// The instances of a batch that exist. As many as a page holds: a second one is not expected.
async fn describe(client: &Client, batch: &[String]) -> Answer<Vec<DbInstance>> {
    let filter = Filter::builder().name("db-instance-id").set_values(Some(batch.to_vec())).build();
    let request = client.describe_db_instances().filters(filter).max_records(PAGE);
    let output = request.send().await.map_err(|error| failure(DESCRIBE, &error))?;
    if output.marker().is_some_and(|marker| !marker.is_empty()) {
        let message = format!("more than a page for {} identifiers", batch.len());
        return Err(ours(FailureKind::Unavailable, DESCRIBE, "endless_pages", message));
    }
    Ok(output.db_instances.unwrap_or_default())
}

/// What an instance is made of.
pub(crate) fn facts(instance: &DbInstance) -> InstanceFacts {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let options = instance.option_group_memberships().iter().filter_map(|one| one.option_group_name());
    InstanceFacts {
        class: text(instance.db_instance_class()),
        is_multi_az: instance.multi_az() == Some(true),
        storage_gib: instance.allocated_storage().and_then(|size| u32::try_from(size).ok()).unwrap_or(0),
        engine: instance.engine().unwrap_or_default().to_owned(),
        parameter_group: instance
            .db_parameter_groups()
            .first()
            .and_then(|group| text(group.db_parameter_group_name())),
        option_groups: options.map(str::to_owned).collect(),
        kms_key: text(instance.kms_key_id()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{database, replay, sent};

    fn page(instances: &str) -> String {
        format!(
            "<DescribeDBInstancesResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><DescribeDBInstancesResult>\
             <DBInstances>{instances}</DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>"
        )
    }

    const GONE: &str = "<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Error><Code>DBInstanceNotFound\
                        </Code><Message>no</Message></Error></ErrorResponse>";

    #[tokio::test(start_paused = true)]
    async fn a_primary_is_described_in_its_own_region_and_one_that_is_gone_is_nothing() {
        let whole = "<DBInstance><DBInstanceIdentifier>shop-a</DBInstanceIdentifier><DBInstanceClass>db.r6g.large\
                     </DBInstanceClass><MultiAZ>true</MultiAZ><AllocatedStorage>200</AllocatedStorage><Engine>oracle-ee</Engine>\
                     <DBParameterGroups><DBParameterGroup><DBParameterGroupName>own</DBParameterGroupName></DBParameterGroup>\
                     </DBParameterGroups><OptionGroupMemberships><OptionGroupMembership><OptionGroupName>tde</OptionGroupName>\
                     </OptionGroupMembership></OptionGroupMemberships><KmsKeyId>arn:key</KmsKeyId></DBInstance>";
        let gone = (404, GONE);
        let whole = page(whole);
        let http = replay(&[gone, gone, (200, &whole)]);
        let primaries = PrimaryInstances::new(&Sdk::on(http.clone()));
        let items = ["a", "b"].map(database);
        let seen = primaries.inspect(&items.iter().collect::<Vec<_>>(), Side::Primary).await.unwrap();
        let facts = InstanceFacts {
            class: Some("db.r6g.large".to_owned()),
            is_multi_az: true,
            storage_gib: 200,
            engine: "oracle-ee".to_owned(),
            parameter_group: Some("own".to_owned()),
            option_groups: vec!["tde".to_owned()],
            kms_key: Some("arn:key".to_owned()),
        };
        assert_eq!(seen, [Some(facts), None]);
        assert_eq!(http.actual_requests().next().unwrap().uri(), "https://rds.us-east-2.amazonaws.com/");
        assert!(sent(&http)[0].contains("Filters.Filter.1.Name=db-instance-id"), "{}", sent(&http)[0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_region_that_is_lost_is_a_failure_within_two_seconds() {
        let primaries =
            PrimaryInstances::new(&Sdk::on(aws_smithy_http_client::test_util::NeverClient::new()));
        let started = tokio::time::Instant::now();
        let failure = primaries.inspect(&[&database("a")], Side::Primary).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unreachable);
        assert_eq!(started.elapsed(), std::time::Duration::from_secs(2));
    }
}
