//! How many calls came, went on, and were interfered with? Per service, region, action and caller.

use crate::call::{Call, NONE};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Action names come from callers, so there is an end to how many are told apart.
const ROWS_MAX: usize = 4096;
/// The row of everything past [`ROWS_MAX`].
const OTHER: &str = "(other)";

/// Which rows to count; an absent field matches every row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountFilter {
    /// The signing name (`rds`, `monitoring`, ...) or one of the aliases that rules know.
    pub service: Option<String>,
    /// For example `us-east-2`.
    pub region: Option<String>,
    /// For example `PromoteReadReplica`.
    pub action: Option<String>,
    /// The caller's access key id.
    pub principal: Option<String>,
}

/// What became of the calls of one row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Calls that reached the gateway.
    pub seen: u64,
    /// Calls that reached the upstream, those whose answer was lost included.
    pub forwarded: u64,
    /// Calls that met a rule or a lost region, those that were only delayed included.
    pub faulted: u64,
}

/// The calls of one caller to one action of one service in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CountRow {
    /// The signing name, or `unsigned`.
    pub service: String,
    /// The region, or `-` when the request names none.
    pub region: String,
    /// The action, `Unknown` when it can't be told, or `-` for an unsigned request.
    pub action: String,
    /// The caller's access key id, or `-` for an unsigned request.
    pub principal: String,
    /// What became of them.
    #[serde(flatten)]
    pub count: Count,
}

/// The rows that a filter lets through, and their sum.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Sorted by service, region, action and caller.
    pub rows: Vec<CountRow>,
    /// The sum over `rows`.
    pub total: Count,
}

type Key = (String, String, String, String);

/// The counters themselves.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    rows: Mutex<BTreeMap<Key, Count>>,
}

impl Counters {
    /// Begins the account of one call, which counts it as seen.
    pub(crate) fn open(self: &Arc<Self>, call: &Call) -> Tally {
        let principal = call.access_key.clone().unwrap_or_else(|| NONE.to_owned());
        let key = (call.service.clone(), call.region.clone(), call.action.clone(), principal);
        let tally = Tally { counters: Arc::clone(self), key, faulted: false };
        tally.add(|count| count.seen += 1);
        tally
    }

    pub(crate) fn read(&self, filter: &CountFilter) -> Counts {
        let wanted =
            |filter: &Option<String>, value: &String| filter.as_ref().is_none_or(|asked| asked == value);
        let mut counts = Counts::default();
        for ((service, region, action, principal), count) in self.lock().iter() {
            if wanted(&filter.service, service)
                && wanted(&filter.region, region)
                && wanted(&filter.action, action)
                && wanted(&filter.principal, principal)
            {
                counts.total.seen += count.seen;
                counts.total.forwarded += count.forwarded;
                counts.total.faulted += count.faulted;
                counts.rows.push(CountRow {
                    service: service.clone(),
                    region: region.clone(),
                    action: action.clone(),
                    principal: principal.clone(),
                    count: *count,
                });
            }
        }
        counts
    }

    /// Starts over; says how many rows there were.
    pub(crate) fn clear(&self) -> usize {
        std::mem::take(&mut *self.lock()).len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Count>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The account of one call.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    counters: Arc<Counters>,
    key: Key,
    faulted: bool,
}

impl Tally {
    pub(crate) fn forwarded(&self) {
        self.add(|count| count.forwarded += 1);
    }

    /// Counts the call as interfered with, once however often it is.
    pub(crate) fn faulted(&mut self) {
        if !std::mem::replace(&mut self.faulted, true) {
            self.add(|count| count.faulted += 1);
        }
    }

    fn add(&self, change: impl FnOnce(&mut Count)) {
        let mut rows = self.counters.lock();
        if rows.len() >= ROWS_MAX && !rows.contains_key(&self.key) {
            let other = || OTHER.to_owned();
            change(rows.entry((other(), other(), other(), other())).or_default());
        } else {
            change(rows.entry(self.key.clone()).or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::Protocol;

    fn call(service: &str, region: &str, action: &str) -> Call {
        Call {
            access_key: Some("test".to_owned()),
            service: service.to_owned(),
            region: region.to_owned(),
            action: action.to_owned(),
            protocol: Protocol::Query,
        }
    }

    fn filter(service: Option<&str>, region: Option<&str>, action: Option<&str>) -> CountFilter {
        CountFilter {
            service: service.map(str::to_owned),
            region: region.map(str::to_owned),
            action: action.map(str::to_owned),
            principal: None,
        }
    }

    #[test]
    fn each_call_is_seen_and_what_became_of_it_is_counted_once() {
        let counters = Arc::new(Counters::default());
        let mut tally = counters.open(&call("rds", "us-west-1", "PromoteReadReplica"));
        tally.forwarded();
        tally.faulted();
        tally.faulted();
        drop(counters.open(&call("rds", "us-east-2", "DescribeDBInstances")));
        let counts = counters.read(&CountFilter::default());
        assert_eq!(counts.total, Count { seen: 2, forwarded: 1, faulted: 1 });
        assert_eq!(counts.rows.len(), 2);
        assert_eq!((counts.rows[0].region.as_str(), counts.rows[0].count.faulted), ("us-east-2", 0));
    }

    #[test]
    fn filters_narrow_the_rows_and_the_total() {
        let counters = Arc::new(Counters::default());
        for (service, region, action) in
            [("rds", "a", "X"), ("rds", "b", "X"), ("sns", "a", "X"), ("rds", "a", "Y")]
        {
            drop(counters.open(&call(service, region, action)));
        }
        let seen = |f: CountFilter| counters.read(&f).total.seen;
        assert_eq!(seen(filter(Some("rds"), None, None)), 3);
        assert_eq!(seen(filter(Some("rds"), Some("a"), None)), 2);
        assert_eq!(seen(filter(Some("rds"), Some("a"), Some("Y"))), 1);
        assert_eq!(seen(filter(None, None, Some("Z"))), 0);
        let by =
            |principal: &str| CountFilter { principal: Some(principal.into()), ..CountFilter::default() };
        assert_eq!((seen(by("test")), seen(by("AKIAOTHER"))), (4, 0));
    }

    #[test]
    fn clearing_starts_over_and_says_how_many_rows_went() {
        let counters = Arc::new(Counters::default());
        let tally = counters.open(&call("rds", "a", "X"));
        assert_eq!(counters.clear(), 1);
        tally.forwarded();
        assert_eq!(counters.read(&CountFilter::default()).total, Count { seen: 0, forwarded: 1, faulted: 0 });
    }

    #[test]
    fn a_flood_of_names_ends_in_one_row() {
        let counters = Arc::new(Counters::default());
        for number in 0..ROWS_MAX + 10 {
            drop(counters.open(&call("rds", "a", &format!("Action{number}"))));
        }
        let counts = counters.read(&CountFilter::default());
        assert_eq!(counts.rows.len(), ROWS_MAX + 1);
        assert_eq!(counters.read(&filter(Some(OTHER), None, None)).total.seen, 10);
    }
}
