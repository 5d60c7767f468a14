//! Which snapshots are there? Two regions in which taking and copying last, fail and are cut off.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use ports::{Answer, Clock, CopyOrder, FailureKind, MetricSample, Metrics, Snapshots, TakeOrder};
use protocol::arn::Arn;
use protocol::snapshots::{COPIES_UNDER_WAY_MAX, DatabaseSnapshot, SnapshotListing, SourceKind, Status};

use crate::faults::{Faults, InjectedFault, answer, failure};

/// Snapshots in several regions of one account.
pub struct MemorySnapshots {
    clock: Arc<dyn Clock>,
    inner: Mutex<Vault>,
}

/// What there is. Tests reach in to change it.
#[derive(Debug, Default)]
pub struct Vault {
    /// The regions by name.
    pub regions: BTreeMap<String, RegionTwin>,
    /// How long taking a snapshot lasts.
    pub take_lasts: SignedDuration,
    /// How long a copy lasts.
    pub copy_lasts: SignedDuration,
    /// What goes wrong, by action: `list`, `take`, `copy`, `delete`, `put`.
    pub faults: Faults,
    /// How many of the next snapshots and copies will fail in the end, by action: `take`, `copy`.
    pub spoiled: BTreeMap<&'static str, u32>,
    /// What was asked for and had its effect, in order: `take us-east-2 pilotlight-…`.
    pub effects: Vec<String>,
    /// Calls until one never returns, as if the function was killed in it: before its effect, or after it.
    pub dies: Option<Death>,
    /// How long every call is under way.
    pub call_lasts: std::time::Duration,
    /// Every metric's sample.
    pub samples: Vec<MetricSample>,
}

/// A call that never returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// Calls that return before.
    pub calls_left: u32,
    /// Whether the call that doesn't has its effect.
    pub after_effect: bool,
}

/// A region.
#[derive(Debug, Default)]
pub struct RegionTwin {
    /// Whether it does not answer.
    pub is_lost: bool,
    /// What snapshots can be taken of, by ARN, with its status.
    pub sources: BTreeMap<String, &'static str>,
    /// Snapshots by identifier.
    pub snapshots: BTreeMap<String, SnapshotTwin>,
    /// How many snapshots a listing has at most, before it is cut short.
    pub listed_max: Option<usize>,
}

/// A snapshot.
#[derive(Clone, Debug)]
pub struct SnapshotTwin {
    /// As it is listed.
    pub snapshot: DatabaseSnapshot,
    /// When it will be good, or failed; nothing if it stays as it is.
    pub ends: Option<(Timestamp, Status)>,
    /// From when its data will be, once it is good.
    pub taken_at: Option<Timestamp>,
    /// The ARN of what it is copied of.
    pub copy_of: Option<String>,
}

/// Whether the call that is under way ends without an answer.
enum Course {
    Returns { is_lost: bool },
    DiesAfter,
}

impl MemorySnapshots {
    /// Regions with what can be snapshotted in them, by ARN.
    pub fn new(clock: Arc<dyn Clock>, sources: &[&str]) -> Self {
        let mut vault = Vault {
            take_lasts: SignedDuration::from_mins(20),
            copy_lasts: SignedDuration::from_mins(50),
            ..Vault::default()
        };
        for source in sources {
            let region = Arn::parse(source).map_or("", |arn| arn.region).to_owned();
            vault.regions.entry(region).or_default().sources.insert((*source).to_owned(), "available");
        }
        Self { clock, inner: Mutex::new(vault) }
    }

    /// What there is now, to look into or to change.
    pub fn vault(&self) -> MutexGuard<'_, Vault> {
        let mut vault = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        vault.settle(self.clock.now());
        vault
    }

    /// Lets something go wrong with the next call of an action.
    pub fn fault(&self, action: &'static str, fault: InjectedFault) {
        self.vault().faults.push(action, fault);
    }

    /// Counts a call and says how it goes on; one that dies before its effect never comes back.
    async fn begin(&self, action: &'static str, region: Option<&str>) -> Answer<Course> {
        let lasts = self.vault().call_lasts;
        self.clock.sleep(lasts).await;
        let course = {
            let mut vault = self.vault();
            match &mut vault.dies {
                Some(death) if death.calls_left == 0 => {
                    let after_effect = death.after_effect;
                    vault.dies = None;
                    after_effect.then_some(Ok(Course::DiesAfter))
                }
                Some(death) => {
                    death.calls_left -= 1;
                    Some(vault.course(action, region))
                }
                None => Some(vault.course(action, region)),
            }
        };
        match course {
            Some(course) => course,
            None => std::future::pending().await,
        }
    }

    async fn end<T>(action: &'static str, course: Course, value: T) -> Answer<T> {
        match course {
            Course::Returns { is_lost } => answer(action, is_lost, value),
            Course::DiesAfter => std::future::pending().await,
        }
    }
}

impl Vault {
    fn course(&mut self, action: &'static str, region: Option<&str>) -> Answer<Course> {
        if region.is_some_and(|region| self.regions.get(region).is_none_or(|twin| twin.is_lost)) {
            return Err(failure(action, FailureKind::Unreachable, "the region is lost"));
        }
        self.faults.next(action).map(|is_lost| Course::Returns { is_lost })
    }

    /// Lets what has lasted long enough come to its end.
    fn settle(&mut self, now: Timestamp) {
        for twin in self.regions.values_mut().flat_map(|region| region.snapshots.values_mut()) {
            if let Some((_, status)) = twin.ends.take_if(|(at, _)| *at <= now) {
                twin.snapshot.taken_at = twin.taken_at;
                twin.snapshot.status = status;
            }
        }
    }

    /// How what is begun now will end.
    fn ending(&mut self, action: &'static str, now: Timestamp) -> (Timestamp, Status) {
        let lasts = if action == "copy" { self.copy_lasts } else { self.take_lasts };
        let spoiled = self.spoiled.get_mut(action).filter(|left| **left > 0);
        let status = spoiled.map_or(Status::Available, |left| {
            *left -= 1;
            Status::Failed
        });
        (now.checked_add(lasts).unwrap_or(Timestamp::MAX), status)
    }

    fn take(&mut self, region: &str, order: &TakeOrder, now: Timestamp) -> Answer<()> {
        let ends = Some(self.ending("take", now));
        let Some(twin) = self.regions.get_mut(region) else {
            return Err(failure("take", FailureKind::Unreachable, "no such region"));
        };
        if twin.snapshots.contains_key(&order.id) {
            return Ok(());
        }
        let Some(status) = twin.sources.get(&order.source) else {
            return Err(failure("take", FailureKind::Missing, "no such instance"));
        };
        let is_of_source =
            |twin: &&SnapshotTwin| twin.snapshot.tags.get("pilotlight:source") == Some(&order.source);
        let is_backing_up =
            twin.snapshots.values().filter(is_of_source).any(|twin| twin.snapshot.status == Status::Creating);
        if *status != "available" || is_backing_up {
            return Err(failure("take", FailureKind::Conflict, "the instance is not available"));
        }
        let kind = SourceKind::of(&order.source).unwrap_or(SourceKind::Instance);
        let snapshot = DatabaseSnapshot {
            arn: snapshot_arn(&order.source, region, kind, &order.id),
            id: order.id.clone(),
            kind,
            status: Status::Creating,
            is_manual: true,
            is_copy: false,
            is_encrypted: true,
            taken_at: None,
            progress_percent: Some(0),
            tags: order.tags.clone(),
        };
        twin.snapshots
            .insert(order.id.clone(), SnapshotTwin { snapshot, ends, taken_at: Some(now), copy_of: None });
        self.effects.push(format!("take {region} {}", order.id));
        Ok(())
    }

    fn copy(&mut self, region: &str, order: &CopyOrder, now: Timestamp) -> Answer<()> {
        let refuse = |kind, why| Err(failure("copy", kind, why));
        let from = Arn::parse(&order.snapshot).map_or("", |arn| arn.region).to_owned();
        let original = self.regions.get(&from).filter(|twin| !twin.is_lost).and_then(|twin| {
            twin.snapshots.values().find(|twin| twin.snapshot.arn == order.snapshot).cloned()
        });
        let Some(original) = original else {
            return refuse(FailureKind::Missing, "no such snapshot");
        };
        if original.snapshot.status != Status::Available {
            return refuse(FailureKind::Conflict, "the snapshot is not available");
        }
        let key_region = order.kms_key.as_deref().and_then(Arn::parse).map(|arn| arn.region);
        if original.snapshot.is_encrypted && key_region != Some(region) {
            return refuse(FailureKind::Invalid, "an encrypted copy needs a key of its own region");
        }
        if order.tags.keys().any(|key| key.starts_with("aws:")) {
            return refuse(FailureKind::Invalid, "tags of AWS can't be given");
        }
        let ends = Some(self.ending("copy", now));
        let Some(twin) = self.regions.get_mut(region) else {
            return refuse(FailureKind::Unreachable, "no such region");
        };
        if twin.snapshots.contains_key(&order.id) {
            return Ok(());
        }
        let copies = twin.snapshots.values().filter(|twin| twin.snapshot.status == Status::Copying).count();
        if copies >= COPIES_UNDER_WAY_MAX {
            return refuse(FailureKind::Invalid, "as many copies as there can be are under way");
        }
        let snapshot = DatabaseSnapshot {
            arn: snapshot_arn(&order.snapshot, region, order.kind, &order.id),
            id: order.id.clone(),
            status: Status::Copying,
            is_copy: true,
            taken_at: None,
            tags: order.tags.clone(),
            ..original.snapshot
        };
        let copy_of = Some(order.snapshot.clone());
        let taken_at = original.taken_at;
        twin.snapshots.insert(order.id.clone(), SnapshotTwin { snapshot, ends, taken_at, copy_of });
        self.effects.push(format!("copy {region} {}", order.id));
        Ok(())
    }

    fn delete(&mut self, region: &str, id: &str) {
        let twin = self.regions.get_mut(region);
        let Some(twin) = twin.and_then(|twin| twin.snapshots.remove(id)) else {
            return;
        };
        // A copy of what is deleted comes to an end.
        let copies = self.regions.values_mut().flat_map(|region| region.snapshots.values_mut());
        for copy in copies.filter(|copy| copy.copy_of.as_ref() == Some(&twin.snapshot.arn)) {
            if copy.ends.take().is_some() {
                copy.snapshot.status = Status::Failed;
            }
        }
        self.effects.push(format!("delete {region} {id}"));
    }

    /// The identifiers of what is good in a region, oldest data first.
    pub fn good(&self, region: &str) -> Vec<String> {
        let here = self.regions.get(region).into_iter().flat_map(|twin| twin.snapshots.values());
        let mut good: Vec<&DatabaseSnapshot> =
            here.map(|twin| &twin.snapshot).filter(|snapshot| snapshot.status == Status::Available).collect();
        good.sort_by_key(|snapshot| snapshot.taken_at);
        good.into_iter().map(|snapshot| snapshot.id.clone()).collect()
    }
}

/// The ARN of a snapshot in a region, in the account of another ARN.
fn snapshot_arn(like: &str, region: &str, kind: SourceKind, id: &str) -> String {
    let account = Arn::parse(like).map_or("", |arn| arn.account);
    let resource = match kind {
        SourceKind::Instance => "snapshot",
        SourceKind::Cluster => "cluster-snapshot",
    };
    format!("arn:aws:rds:{region}:{account}:{resource}:{id}")
}

#[async_trait]
impl Snapshots for MemorySnapshots {
    async fn list(&self, region: &str, kinds: &[SourceKind]) -> Answer<SnapshotListing> {
        let course = self.begin("list", Some(region)).await?;
        let listing = {
            let vault = self.vault();
            let twin = vault.regions.get(region);
            let all = twin.into_iter().flat_map(|twin| twin.snapshots.values());
            let mut found: Vec<DatabaseSnapshot> =
                all.map(|twin| twin.snapshot.clone()).filter(|one| kinds.contains(&one.kind)).collect();
            match twin.and_then(|twin| twin.listed_max).filter(|most| found.len() > *most) {
                Some(most) => {
                    found.truncate(most);
                    SnapshotListing::gap(region, found, "there are more pages than are read")
                }
                None => SnapshotListing::whole(region, found),
            }
        };
        Self::end("list", course, listing).await
    }

    async fn take(&self, region: &str, order: &TakeOrder) -> Answer<()> {
        let course = self.begin("take", Some(region)).await?;
        let now = self.clock.now();
        let done = self.vault().take(region, order, now);
        done?;
        Self::end("take", course, ()).await
    }

    async fn copy(&self, region: &str, order: &CopyOrder) -> Answer<()> {
        let course = self.begin("copy", Some(region)).await?;
        let now = self.clock.now();
        let done = self.vault().copy(region, order, now);
        done?;
        Self::end("copy", course, ()).await
    }

    async fn delete(&self, region: &str, _kind: SourceKind, id: &str) -> Answer<()> {
        let course = self.begin("delete", Some(region)).await?;
        self.vault().delete(region, id);
        Self::end("delete", course, ()).await
    }
}

#[async_trait]
impl Metrics for MemorySnapshots {
    async fn put(&self, samples: &[MetricSample]) -> Answer<()> {
        let course = self.begin("put", None).await?;
        self.vault().samples.extend_from_slice(samples);
        Self::end("put", course, ()).await
    }
}
