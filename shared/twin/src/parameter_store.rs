//! What is in Parameter Store? Two or more regions with what their parameters have, and what goes wrong with a call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use ports::parameters::{ParameterPage, ParameterStores, SeenPairs, VALUES_PER_CALL, Value};
use ports::{Answer, Clock, FailureKind, Secret};
use protocol::name::Name;
use protocol::parameters::diff::Put;
use protocol::parameters::entry::{Entry, Kind, Labels, Tags, Tier};
use protocol::parameters::{COPY_TAG, is_copy_of};

use crate::faults::{Faults, InjectedFault, answer, failure};

/// Entries on a page, as `DescribeParameters` has them.
pub const PAGE: usize = 50;

/// A parameter with its history.
#[derive(Clone, Debug)]
pub struct Stored {
    /// All versions, oldest first; never empty.
    pub versions: Vec<Version>,
    /// Everything but versions and values.
    pub head: Entry,
    /// Its tags.
    pub tags: Tags,
}

/// One version of a parameter.
#[derive(Clone, Debug)]
pub struct Version {
    /// The value.
    pub value: Secret,
    /// Its labels.
    pub labels: std::collections::BTreeSet<String>,
}

impl Stored {
    /// The current value.
    pub fn value(&self) -> &Secret {
        // A parameter is never without a version; see `MemoryStores::set`.
        self.versions.last().map_or(&EMPTY, |version| &version.value)
    }

    /// Whether a plan made it.
    pub fn is_copy(&self) -> bool {
        self.tags.contains_key(COPY_TAG)
    }

    fn labels(&self) -> Labels {
        let mut labels = Labels::default();
        for (index, version) in self.versions.iter().enumerate() {
            let is_current = index + 1 == self.versions.len();
            let to = if is_current { &mut labels.current } else { &mut labels.earlier };
            to.extend(version.labels.iter().cloned());
        }
        labels
    }
}

static EMPTY: std::sync::LazyLock<Secret> = std::sync::LazyLock::new(|| Secret::new(String::new()));

/// A region's Parameter Store.
pub type Store = BTreeMap<String, Stored>;

/// A write that had its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreWrite {
    /// The action.
    pub action: &'static str,
    /// Where.
    pub region: String,
    /// Of which parameter.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

/// Parameter Store of all regions.
pub struct MemoryStores {
    clock: Arc<dyn Clock>,
    inner: Mutex<StoresInner>,
}

/// What the stores are like. Tests reach in to change it.
#[derive(Debug, Default)]
pub struct StoresInner {
    /// By region.
    pub stores: BTreeMap<String, Store>,
    /// Regions that do not answer.
    pub lost: Vec<String>,
    /// What goes wrong, by action.
    pub faults: Faults,
    /// Names whose put is refused for good.
    pub refused: Vec<String>,
    /// Calls by action and region.
    pub calls: BTreeMap<(&'static str, String), u64>,
    /// Names whose value was read, by region.
    pub values_read: BTreeMap<String, Vec<String>>,
    /// Writes that had their effect, in order.
    pub written: Vec<StoreWrite>,
    /// What was seen to be the same.
    pub seen: Vec<u8>,
    /// Whether a listing of copies holds everything, as that of a store without tag filters does.
    pub ignores_tag_filter: bool,
    /// Most puts in any second; more are throttled. Nothing: no limit.
    pub puts_per_second_max: Option<usize>,
}

impl MemoryStores {
    /// Empty stores.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, inner: Mutex::new(StoresInner::default()) }
    }

    /// The stores themselves, to look into or to change.
    pub fn inner(&self) -> MutexGuard<'_, StoresInner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets something go wrong with the next call of an action.
    pub fn fault(&self, action: &'static str, fault: InjectedFault) {
        self.inner().faults.push(action, fault);
    }

    /// Somebody other than the function under test writes a parameter.
    pub fn set(&self, region: &str, name: &str, value: &str) {
        let at = self.clock.now();
        let mut inner = self.inner();
        let store = inner.stores.entry(region.to_owned()).or_default();
        let stored = store.entry(name.to_owned()).or_insert_with(|| Stored {
            versions: Vec::new(),
            head: plain(name),
            tags: Tags::new(),
        });
        stored.versions.push(Version { value: Secret::new(value.to_owned()), labels: [].into() });
        stored.head.version += 1;
        stored.head.modified_ms = at.as_millisecond();
    }

    /// Changes a parameter's head or tags as one of its owners would; it is not a new version.
    pub fn change(&self, region: &str, name: &str, change: impl FnOnce(&mut Stored)) {
        if let Some(stored) = self.inner().stores.get_mut(region).and_then(|store| store.get_mut(name)) {
            change(stored);
        }
    }

    /// A region's store as it is now.
    pub fn store(&self, region: &str) -> Store {
        self.inner().stores.get(region).cloned().unwrap_or_default()
    }

    /// How often an action was called, in all regions.
    pub fn calls(&self, action: &str) -> u64 {
        let inner = self.inner();
        inner.calls.iter().filter(|((called, _), _)| *called == action).map(|(_, count)| count).sum()
    }

    /// Counts a call; says what goes wrong with it: before the effect (`Err`) or after it (`Ok(true)`).
    fn call(&self, action: &'static str, region: &str) -> Answer<bool> {
        let mut inner = self.inner();
        *inner.calls.entry((action, region.to_owned())).or_default() += 1;
        if inner.lost.iter().any(|lost| lost == region) {
            return Err(failure(action, FailureKind::Unreachable, "the region is lost"));
        }
        inner.faults.next(action)
    }

    fn note(&self, action: &'static str, region: &str, name: &str) {
        let at = self.clock.now();
        let (region, name) = (region.to_owned(), name.to_owned());
        self.inner().written.push(StoreWrite { action, region, name, at });
    }

    fn is_throttled(&self) -> bool {
        let now = self.clock.now();
        let inner = self.inner();
        let in_this_second = |write: &&StoreWrite| {
            write.action == "put" && now.duration_since(write.at) < jiff::SignedDuration::from_secs(1)
        };
        let count = inner.written.iter().rev().take(100).filter(in_this_second).count();
        inner.puts_per_second_max.is_some_and(|max| count >= max)
    }
}

/// A standard text without anything else.
pub fn plain(name: &str) -> Entry {
    Entry {
        name: name.to_owned(),
        version: 0,
        modified_ms: 0,
        kind: Kind::Text,
        data_type: "text".to_owned(),
        tier: Tier::Standard,
        key: None,
        description: String::new(),
        allowed_pattern: String::new(),
        policies: Vec::new(),
    }
}

#[async_trait]
impl ParameterStores for MemoryStores {
    async fn list(
        &self,
        region: &str,
        path: &str,
        copies_of: Option<&Name>,
        after: Option<String>,
    ) -> Answer<ParameterPage> {
        let lost = self.call("list", region)?;
        let inner = self.inner();
        let below = format!("{path}/");
        let is_listed = |stored: &&Stored| {
            inner.ignores_tag_filter || copies_of.is_none_or(|plan| is_copy_of(&stored.tags, plan))
        };
        let mut entries: Vec<Entry> = Vec::new();
        let mut next = None;
        for (name, stored) in
            inner.stores.get(region).into_iter().flat_map(|store| store.range(below.clone()..))
        {
            if !name.starts_with(&below) {
                break;
            }
            if after.as_ref().is_some_and(|after| name <= after) || !is_listed(&stored) {
                continue;
            }
            if entries.len() == PAGE {
                next = entries.last().map(|last| last.name.clone());
                break;
            }
            entries.push(stored.head.clone());
        }
        drop(inner);
        answer("list", lost, ParameterPage { entries, next })
    }

    async fn find(&self, region: &str, name: &str) -> Answer<Option<Entry>> {
        let lost = self.call("find", region)?;
        let found = self.inner().stores.get(region).and_then(|store| store.get(name)).map(|s| s.head.clone());
        answer("find", lost, found)
    }

    async fn values(&self, region: &str, names: &[&str]) -> Answer<Vec<Value>> {
        let lost = self.call("values", region)?;
        if names.len() > VALUES_PER_CALL {
            return Err(failure("values", FailureKind::Invalid, "more names than one call takes"));
        }
        let mut inner = self.inner();
        let read = inner.values_read.entry(region.to_owned()).or_default();
        read.extend(names.iter().map(|name| (*name).to_owned()));
        let store = inner.stores.get(region);
        let found = names.iter().filter_map(|name| store.and_then(|store| store.get(*name)));
        let values = found.map(|stored| Value {
            name: stored.head.name.clone(),
            version: stored.head.version,
            secret: stored.value().clone(),
        });
        let values = values.collect();
        drop(inner);
        answer("values", lost, values)
    }

    async fn tags(&self, region: &str, name: &str) -> Answer<Option<Tags>> {
        let lost = self.call("tags", region)?;
        let found = self.inner().stores.get(region).and_then(|store| store.get(name)).map(|s| s.tags.clone());
        answer("tags", lost, found)
    }

    async fn labels(&self, region: &str, name: &str) -> Answer<Labels> {
        let lost = self.call("labels", region)?;
        let found = self.inner().stores.get(region).and_then(|store| store.get(name)).map(Stored::labels);
        answer("labels", lost, found.unwrap_or_default())
    }

    async fn put(&self, region: &str, put: &Put, value: &Secret) -> Answer<u64> {
        if self.is_throttled() {
            self.call("put", region)?;
            return Err(failure("put", FailureKind::Throttled, "more puts in a second than there may be"));
        }
        let lost = self.call("put", region)?;
        let at = self.clock.now();
        let mut inner = self.inner();
        if inner.refused.contains(&put.name) {
            return Err(failure("put", FailureKind::Invalid, "it is refused for good"));
        }
        let store = inner.stores.entry(region.to_owned()).or_default();
        let old = store.get(&put.name);
        if old.is_some() && put.created_with.is_some() {
            return Err(failure("put", FailureKind::Conflict, "it is there already"));
        }
        // As Parameter Store does: no other type, and no way back from the advanced tier.
        if old.is_some_and(|old| {
            old.head.kind != put.kind || (old.head.tier == Tier::Advanced && put.tier != Tier::Advanced)
        }) {
            return Err(failure("put", FailureKind::Invalid, "another type, or a lower tier"));
        }
        let version = old.map_or(0, |old| old.head.version) + 1;
        let policies = match old {
            Some(old) if put.policies.is_empty() && !put.clears_policies => old.head.policies.clone(),
            _ => put.policies.clone(),
        };
        let key = match put.kind {
            Kind::SecureString => Some(put.key.clone().unwrap_or_else(|| "alias/aws/ssm".to_owned())),
            Kind::Text | Kind::TextList => None,
        };
        let head = Entry {
            name: put.name.clone(),
            version,
            modified_ms: at.as_millisecond(),
            kind: put.kind,
            data_type: put.data_type.clone(),
            tier: put.tier,
            key,
            description: put.description.clone(),
            allowed_pattern: put.allowed_pattern.clone(),
            policies,
        };
        let stored = store.entry(put.name.clone()).or_insert_with(|| Stored {
            versions: Vec::new(),
            head: head.clone(),
            tags: put.created_with.clone().unwrap_or_default(),
        });
        stored.head = head;
        stored.versions.push(Version { value: value.clone(), labels: [].into() });
        drop(inner);
        self.note("put", region, &put.name);
        answer("put", lost, version)
    }

    async fn tag(&self, region: &str, name: &str, tags: &Tags) -> Answer<()> {
        let lost = self.call("tag", region)?;
        self.change(region, name, |stored| stored.tags.extend(tags.clone()));
        self.note("tag", region, name);
        answer("tag", lost, ())
    }

    async fn label(&self, region: &str, name: &str, labels: &[String]) -> Answer<()> {
        let lost = self.call("label", region)?;
        self.change(region, name, |stored| {
            for version in &mut stored.versions {
                version.labels.retain(|label| !labels.contains(label));
            }
            if let Some(current) = stored.versions.last_mut() {
                current.labels.extend(labels.iter().cloned());
            }
        });
        self.note("label", region, name);
        answer("label", lost, ())
    }

    async fn delete(&self, region: &str, name: &str) -> Answer<()> {
        let lost = self.call("delete", region)?;
        let removed = self.inner().stores.get_mut(region).and_then(|store| store.remove(name));
        if removed.is_some() {
            self.note("delete", region, name);
        }
        answer("delete", lost, ())
    }
}

#[async_trait]
impl SeenPairs for MemoryStores {
    async fn load(&self, _plan: &Name) -> Answer<Vec<u8>> {
        let lost = self.call("load_seen", "")?;
        let seen = self.inner().seen.clone();
        answer("load_seen", lost, seen)
    }

    async fn save(&self, _plan: &Name, seen: &[u8]) -> Answer<()> {
        let lost = self.call("save_seen", "")?;
        self.inner().seen = seen.to_vec();
        answer("save_seen", lost, ())
    }
}
