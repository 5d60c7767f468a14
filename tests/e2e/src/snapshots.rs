//! What snapshots of a database are there? Looked at with the SDK, past the functions that keep them.

use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use jiff::civil::Date;
use lab::world::pause;

use crate::scene::Scene;

/// A snapshot as its region shows it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// Its identifier.
    pub(crate) id: String,
    /// Its ARN.
    pub(crate) arn: String,
    /// How it stands.
    pub(crate) status: String,
    /// From when its data is.
    pub(crate) taken_at: Option<Timestamp>,
    /// What it was copied of.
    pub(crate) source: Option<String>,
    /// The key that it is encrypted with.
    pub(crate) kms_key: Option<String>,
}

impl Shown {
    /// The day that it counts for: that of the time in its name, `…-20261120t030000z`.
    pub(crate) fn day(&self) -> Option<Date> {
        let slot = self.id.split('-').find(|part| part.len() == 16 && part.ends_with('z'))?;
        Date::strptime("%Y%m%dt%H%M%Sz", slot).ok()
    }
}

/// The snapshots of one instance in one region.
pub(crate) struct Shelf {
    client: aws_sdk_rds::Client,
    instance: String,
    region: String,
}

impl Shelf {
    pub(crate) async fn of(scene: &Scene<'_>, region: &str, instance: &str) -> Self {
        let client = aws_sdk_rds::Client::new(&scene.world.cloud.config(region).await);
        Self { client, instance: instance.to_owned(), region: region.to_owned() }
    }

    /// All of them, the newest first; those that have no time yet before all others.
    pub(crate) async fn look(&self) -> Result<Vec<Shown>> {
        let request = self.client.describe_db_snapshots().snapshot_type("manual").max_records(100);
        let answer = request.db_instance_identifier(&self.instance).send().await;
        let answer = answer.with_context(|| format!("cannot list the snapshots of {}", self.region))?;
        let mut shown: Vec<Shown> = answer
            .db_snapshots()
            .iter()
            .map(|found| Shown {
                id: found.db_snapshot_identifier().unwrap_or_default().to_owned(),
                arn: found.db_snapshot_arn().unwrap_or_default().to_owned(),
                status: found.status().unwrap_or_default().to_owned(),
                taken_at: found
                    .original_snapshot_create_time()
                    .and_then(|at| Timestamp::from_second(at.secs()).ok()),
                source: found.source_db_snapshot_identifier().map(str::to_owned),
                kms_key: found.kms_key_id().map(str::to_owned),
            })
            .collect();
        shown.sort_by_key(|found| std::cmp::Reverse(found.taken_at.unwrap_or(Timestamp::MAX)));
        Ok(shown)
    }

    /// The good ones, the newest first.
    pub(crate) async fn good(&self) -> Result<Vec<Shown>> {
        let mut shown = self.look().await?;
        shown.retain(|found| found.status == "available");
        Ok(shown)
    }

    /// Waits until there is a good one; gives the newest.
    pub(crate) async fn until_one_is_available(&self, limit: Duration) -> Result<Shown> {
        const EVERY: Duration = Duration::from_millis(200);
        let mut left = limit;
        loop {
            let shown = self.look().await?;
            if let Some(good) = shown.iter().find(|found| found.status == "available") {
                return Ok(good.clone());
            }
            left = left.checked_sub(EVERY).with_context(|| {
                format!("no good snapshot of {} in {}: {shown:?}", self.instance, self.region)
            })?;
            pause(EVERY).await;
        }
    }
}
