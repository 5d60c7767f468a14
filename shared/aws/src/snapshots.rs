//! What snapshots does a region have, and how are they taken, copied and deleted? RDS instances and Aurora clusters.
//!
//! Every effect goes by an identifier that the caller chose, so one whose answer was lost is found to stand. Regions other
//! than the function's own are best effort, 2 s and one attempt each: one of them may be lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_rds::Client;
use aws_sdk_rds::types::{DbClusterSnapshot, DbSnapshot, Tag};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use ports::{Answer, Clock, CopyOrder, Failure, FailureKind, Snapshots, TakeOrder};
use protocol::arn::Arn;
use protocol::snapshots::{DatabaseSnapshot, SnapshotListing, SourceKind, Status};

use crate::config::Sdk;
use crate::failure::{failure, ours};
use crate::presigned;
use crate::regional::Regional;

const LIST: &str = "rds:DescribeDBSnapshots";
const LIST_CLUSTERS: &str = "rds:DescribeDBClusterSnapshots";
const TAKE: &str = "rds:CreateDBSnapshot";
const TAKE_CLUSTER: &str = "rds:CreateDBClusterSnapshot";
const COPY: &str = "rds:CopyDBSnapshot";
const COPY_CLUSTER: &str = "rds:CopyDBClusterSnapshot";
const DELETE: &str = "rds:DeleteDBSnapshot";
const DELETE_CLUSTER: &str = "rds:DeleteDBClusterSnapshot";

/// Only what somebody took: the service's own backups are none of our business.
const MANUAL: &str = "manual";
/// Most records of one page; RDS allows 20 to 100.
const PAGE: i32 = 100;
/// Most pages of one listing: fifty times as many snapshots as a region has unless asked for more.
const PAGES_MAX: usize = 50;

/// Snapshots on RDS, in any region.
pub struct RdsSnapshots {
    sdk: Sdk,
    own_region: String,
    own: Client,
    others: Regional<Client>,
    clock: Arc<dyn Clock>,
}

impl RdsSnapshots {
    /// As called from a region.
    pub fn new(sdk: &Sdk, own_region: &str, clock: Arc<dyn Clock>) -> Self {
        let (own, own_region) = (sdk.rds(), own_region.to_owned());
        Self { sdk: sdk.clone(), own_region, own, others: sdk.rds_of_primaries(), clock }
    }

    fn at(&self, region: &str) -> Client {
        if region == self.own_region { self.own.clone() } else { self.others.of(region) }
    }

    async fn presign(&self, action: &'static str, region: &str, order: &CopyOrder) -> Answer<String> {
        let provider = self.sdk.credentials().ok_or_else(|| presigned::no_credentials(action))?;
        // The provider's words are left out: they may tell where credentials lie.
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|_| presigned::no_credentials(action))?;
        presigned::copy_url(action, order, region, &credentials, self.clock.now())
    }
}

/// What one page of a listing holds, and the marker of the next one.
type ListingPage = (Vec<DatabaseSnapshot>, Option<String>);

async fn page(client: &Client, kind: SourceKind, marker: Option<String>) -> Answer<ListingPage> {
    match kind {
        SourceKind::Instance => {
            let request = client.describe_db_snapshots().snapshot_type(MANUAL).max_records(PAGE);
            let output = request.set_marker(marker).send().await.map_err(|error| failure(LIST, &error))?;
            Ok((output.db_snapshots().iter().map(of_instance).collect(), output.marker))
        }
        SourceKind::Cluster => {
            let request = client.describe_db_cluster_snapshots().snapshot_type(MANUAL).max_records(PAGE);
            let output =
                request.set_marker(marker).send().await.map_err(|error| failure(LIST_CLUSTERS, &error))?;
            Ok((output.db_cluster_snapshots().iter().map(of_cluster).collect(), output.marker))
        }
    }
}

/// All snapshots of a kind; and whether they are all.
async fn all_pages(client: &Client, kind: SourceKind) -> Answer<(Vec<DatabaseSnapshot>, bool)> {
    let (mut all, mut marker) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let (found, next) = page(client, kind, marker).await?;
        all.extend(found);
        marker = next.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok((all, true));
        }
    }
    Ok((all, false))
}

fn of_instance(found: &DbSnapshot) -> DatabaseSnapshot {
    let is_copy = is_there(found.source_db_snapshot_identifier()) || is_there(found.source_region());
    let taken = found.snapshot_create_time().filter(|_| !is_copy);
    DatabaseSnapshot {
        id: found.db_snapshot_identifier().unwrap_or_default().to_owned(),
        arn: found.db_snapshot_arn().unwrap_or_default().to_owned(),
        kind: SourceKind::Instance,
        status: Status::read(found.status().unwrap_or("unknown"), is_copy),
        is_manual: found.snapshot_type() == Some(MANUAL),
        is_copy,
        is_encrypted: found.encrypted() == Some(true),
        taken_at: found.original_snapshot_create_time().or(taken).and_then(time),
        progress_percent: found.percent_progress().and_then(|percent| u8::try_from(percent).ok()),
        tags: tags_of(found.tag_list()),
    }
}

/// RDS doesn't say from when the data of a cluster's copied snapshot is; the tag that we give it does.
fn of_cluster(found: &DbClusterSnapshot) -> DatabaseSnapshot {
    let is_copy = is_there(found.source_db_cluster_snapshot_arn());
    DatabaseSnapshot {
        id: found.db_cluster_snapshot_identifier().unwrap_or_default().to_owned(),
        arn: found.db_cluster_snapshot_arn().unwrap_or_default().to_owned(),
        kind: SourceKind::Cluster,
        status: Status::read(found.status().unwrap_or("unknown"), is_copy),
        is_manual: found.snapshot_type() == Some(MANUAL),
        is_copy,
        is_encrypted: found.storage_encrypted() == Some(true),
        taken_at: found.snapshot_create_time().filter(|_| !is_copy).and_then(time),
        progress_percent: found.percent_progress().and_then(|percent| u8::try_from(percent).ok()),
        tags: tags_of(found.tag_list()),
    }
}

fn is_there(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

fn time(at: &DateTime) -> Option<Timestamp> {
    Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()
}

fn tags_of(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect()
}

fn tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// An effect that stands already is done.
fn done(answer: Answer<()>, code: &str) -> Answer<()> {
    answer.or_else(|failure: Failure| {
        let found = failure.code.strip_suffix("Fault").unwrap_or(&failure.code);
        if found == code { Ok(()) } else { Err(failure) }
    })
}

#[async_trait]
impl Snapshots for RdsSnapshots {
    async fn list(&self, region: &str, kinds: &[SourceKind]) -> Answer<SnapshotListing> {
        let client = self.at(region);
        let (mut all, mut is_whole) = (Vec::new(), true);
        for kind in kinds {
            let (found, is_all) = all_pages(&client, *kind).await?;
            all.extend(found);
            is_whole &= is_all;
        }
        Ok(if is_whole {
            SnapshotListing::whole(region, all)
        } else {
            SnapshotListing::gap(region, all, format!("there are more than {PAGES_MAX} pages of snapshots"))
        })
    }

    async fn take(&self, region: &str, order: &TakeOrder) -> Answer<()> {
        let client = self.at(region);
        let source = Arn::parse(&order.source).and_then(|arn| arn.resource.split_once(':'));
        match (SourceKind::of(&order.source), source) {
            (Some(SourceKind::Instance), Some((_, id))) => {
                let request = client.create_db_snapshot().db_instance_identifier(id.to_lowercase());
                let request = request.db_snapshot_identifier(&order.id).set_tags(Some(tags(&order.tags)));
                let answer = request.send().await.map_err(|error| failure(TAKE, &error)).map(|_| ());
                done(answer, "DBSnapshotAlreadyExists")
            }
            (Some(SourceKind::Cluster), Some((_, id))) => {
                let request = client.create_db_cluster_snapshot().db_cluster_identifier(id.to_lowercase());
                let request =
                    request.db_cluster_snapshot_identifier(&order.id).set_tags(Some(tags(&order.tags)));
                let answer = request.send().await.map_err(|error| failure(TAKE_CLUSTER, &error)).map(|_| ());
                done(answer, "DBClusterSnapshotAlreadyExists")
            }
            _ => {
                let message =
                    format!("{} is not the ARN of an RDS instance or an Aurora cluster", order.source);
                Err(ours(FailureKind::Invalid, TAKE, "not_a_source", message))
            }
        }
    }

    async fn copy(&self, region: &str, order: &CopyOrder) -> Answer<()> {
        let client = self.at(region);
        match order.kind {
            SourceKind::Instance => {
                let url = self.presign(COPY, region, order).await?;
                let request = client
                    .copy_db_snapshot()
                    .source_db_snapshot_identifier(&order.snapshot)
                    .target_db_snapshot_identifier(&order.id)
                    .set_kms_key_id(order.kms_key.clone())
                    .set_option_group_name(order.option_group.clone())
                    .copy_tags(false)
                    .set_tags(Some(tags(&order.tags)))
                    .pre_signed_url(url);
                let answer = request.send().await.map_err(|error| failure(COPY, &error)).map(|_| ());
                done(answer, "DBSnapshotAlreadyExists")
            }
            SourceKind::Cluster => {
                let url = self.presign(COPY_CLUSTER, region, order).await?;
                let request = client
                    .copy_db_cluster_snapshot()
                    .source_db_cluster_snapshot_identifier(&order.snapshot)
                    .target_db_cluster_snapshot_identifier(&order.id)
                    .set_kms_key_id(order.kms_key.clone())
                    .copy_tags(false)
                    .set_tags(Some(tags(&order.tags)))
                    .pre_signed_url(url);
                let answer = request.send().await.map_err(|error| failure(COPY_CLUSTER, &error)).map(|_| ());
                done(answer, "DBClusterSnapshotAlreadyExists")
            }
        }
    }

    async fn delete(&self, region: &str, kind: SourceKind, id: &str) -> Answer<()> {
        let client = self.at(region);
        match kind {
            SourceKind::Instance => {
                let request = client.delete_db_snapshot().db_snapshot_identifier(id);
                let answer = request.send().await.map_err(|error| failure(DELETE, &error)).map(|_| ());
                done(answer, "DBSnapshotNotFound")
            }
            SourceKind::Cluster => {
                let request = client.delete_db_cluster_snapshot().db_cluster_snapshot_identifier(id);
                let answer =
                    request.send().await.map_err(|error| failure(DELETE_CLUSTER, &error)).map(|_| ());
                done(answer, "DBClusterSnapshotNotFound")
            }
        }
    }
}

#[cfg(test)]
mod tests;
