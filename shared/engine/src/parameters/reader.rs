//! Reading Parameter Store on both sides: whole listings, and what a comparison needs. Patient with throttling, and not
//! with silence: a lost region costs some seconds.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ports::parameters::{ParameterPage, VALUES_PER_CALL, Value};
use ports::{Answer, Clock, Failure, FailureKind, ParameterStores, Secret};
use protocol::name::Name;
use protocol::parameters::diff::{Copy, PairFacts, PairVerdict, decide_pair};
use protocol::parameters::entry::{Entry, Labels, Tags};
use protocol::parameters::ground::Ground;
use protocol::parameters::scope::Coverage;
use protocol::parameters::survey::{Pair, ParameterListing};

/// How often a read is tried.
const TRIES: u32 = 6;
/// How often silence is met.
const SILENT_TRIES: u32 = 2;
/// Wait before the second try; twice as long before each next one.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Most pages below one path: 200,000 parameters, twice what a region holds.
const PAGES_MAX: usize = 4_000;

/// Pairs that are compared in one go.
pub(super) const BATCH: usize = VALUES_PER_CALL;

/// Reads both sides.
pub(super) struct Reader<'r> {
    pub(super) stores: &'r dyn ParameterStores,
    pub(super) clock: &'r dyn Clock,
    /// Nothing is tried again after this.
    pub(super) until: Timestamp,
}

/// A pair with everything that was seen of it.
pub(super) struct ComparedValues<'l> {
    /// The parameter that is copied.
    pub(super) source: &'l Entry,
    /// Its counterpart as it was listed.
    pub(super) copy: Option<&'l Entry>,
    /// Its value.
    pub(super) value: Secret,
    /// What becomes of it.
    pub(super) verdict: PairVerdict,
}

impl Reader<'_> {
    /// Everything of a region that the plan speaks of. An error if any page is missing: half a listing is none.
    pub(super) async fn listing(&self, ground: &Ground<'_>, region: &str) -> Answer<ParameterListing> {
        let scope = ground.scope();
        let mut listing = ParameterListing::new();
        for root in scope.roots() {
            let mut pages = Pages::default();
            while let Some(page) = pages.next(self, region, &root, None).await? {
                for entry in page {
                    if scope.coverage(&entry.name) != Coverage::Outside {
                        listing.insert(entry.name.clone(), entry);
                    }
                }
            }
        }
        Ok(listing)
    }

    /// The names of all copies that a plan made in a region.
    pub(super) async fn copies(&self, ground: &Ground<'_>, region: &str) -> Answer<Vec<String>> {
        let mut names = Vec::new();
        for root in ground.scope().roots() {
            let mut pages = Pages::default();
            while let Some(page) = pages.next(self, region, &root, Some(&ground.plan.name)).await? {
                names.extend(page.into_iter().map(|entry| entry.name));
            }
        }
        Ok(names)
    }

    /// Looks at both sides of some pairs and decides. A source that is gone by now is left out.
    pub(super) async fn compare<'l>(
        &self,
        ground: &Ground<'_>,
        pairs: &[Pair<'l>],
    ) -> Answer<Vec<ComparedValues<'l>>> {
        let (from, to) = (&ground.direction.from, &ground.direction.to);
        let sources: Vec<&str> = pairs.iter().map(|pair| pair.source.name.as_str()).collect();
        let copies: Vec<&str> = pairs.iter().filter_map(|pair| Some(pair.copy?.name.as_str())).collect();
        let (sources, copies) = futures::try_join!(self.values(from, &sources), self.values(to, &copies))?;
        let mut looked = Vec::with_capacity(pairs.len());
        for pair in pairs {
            let Some(value) = of(&sources, &pair.source.name) else {
                continue;
            };
            // A copy that was listed and is gone by now is made anew.
            let counterpart = pair.copy.and_then(|copy| Some((copy, of(&copies, &copy.name)?)));
            let verdict = self.verdict(ground, pair.source, value, counterpart).await?;
            looked.push(ComparedValues {
                source: pair.source,
                copy: pair.copy,
                value: value.clone(),
                verdict,
            });
        }
        Ok(looked)
    }

    async fn verdict(
        &self,
        ground: &Ground<'_>,
        source: &Entry,
        value: &Secret,
        copy: Option<(&Entry, &Secret)>,
    ) -> Answer<PairVerdict> {
        let (from, to, name) = (&ground.direction.from, &ground.direction.to, &source.name);
        let (source_tags, source_labels) =
            futures::try_join!(self.tags(from, name), self.labels(from, name))?;
        let (copy_tags, copy_labels) = match copy {
            Some(_) => futures::try_join!(self.tags(to, name), self.labels(to, name))?,
            None => Default::default(),
        };
        let copy = copy.map(|(entry, copied)| Copy {
            entry,
            tags: &copy_tags,
            labels: &copy_labels,
            has_same_value: copied == value,
        });
        let sides = PairFacts { source, source_tags: &source_tags, source_labels: &source_labels, copy };
        Ok(decide_pair(ground, &sides))
    }

    async fn values(&self, region: &str, names: &[&str]) -> Answer<Vec<Value>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        self.patiently(async || self.stores.values(region, names).await).await
    }

    /// The tags of a parameter as they are at this moment; none if it is gone.
    pub(super) async fn tags(&self, region: &str, name: &str) -> Answer<Tags> {
        Ok(self.patiently(async || self.stores.tags(region, name).await).await?.unwrap_or_default())
    }

    async fn labels(&self, region: &str, name: &str) -> Answer<Labels> {
        self.patiently(async || self.stores.labels(region, name).await).await
    }

    /// One parameter without its value.
    pub(super) async fn find(&self, region: &str, name: &str) -> Answer<Option<Entry>> {
        self.patiently(async || self.stores.find(region, name).await).await
    }

    /// Tries a read again for as long as that may help.
    async fn patiently<T>(&self, read: impl AsyncFn() -> Answer<T>) -> Answer<T> {
        let mut wait = FIRST_WAIT;
        let mut tries = 1;
        loop {
            let failure = match read().await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let most = match failure.kind {
                FailureKind::Throttled | FailureKind::Unavailable => TRIES,
                FailureKind::Unreachable => SILENT_TRIES,
                _ => return Err(failure),
            };
            let resumes_at = self.clock.now().checked_add(SignedDuration::try_from(wait).unwrap_or_default());
            if tries >= most || resumes_at.is_ok_and(|at| at >= self.until) {
                return Err(failure);
            }
            self.clock.sleep(wait).await;
            wait *= 2;
            tries += 1;
        }
    }
}

fn of<'v>(values: &'v [Value], name: &str) -> Option<&'v Secret> {
    values.iter().find(|value| value.name == name).map(|value| &value.secret)
}

/// The pages below one path, each asked for after the one before it.
#[derive(Default)]
struct Pages {
    count: usize,
    after: Option<String>,
    is_over: bool,
}

impl Pages {
    async fn next(
        &mut self,
        reader: &Reader<'_>,
        region: &str,
        path: &str,
        copies_of: Option<&Name>,
    ) -> Answer<Option<Vec<Entry>>> {
        if self.is_over {
            return Ok(None);
        }
        let after = self.after.take();
        let read = async || reader.stores.list(region, path, copies_of, after.clone()).await;
        let ParameterPage { entries, next } = reader.patiently(read).await?;
        self.count += 1;
        self.is_over = next.is_none();
        if self.count > PAGES_MAX || (next.is_some() && next == after) {
            return Err(Failure {
                kind: FailureKind::Invalid,
                action: "ssm:DescribeParameters",
                code: "endless_pages".to_owned(),
                message: format!("the listing of {path} in {region} does not end"),
            });
        }
        self.after = next;
        Ok(Some(entries))
    }
}
