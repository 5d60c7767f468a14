//! What is in the journal? The log in pages, the snapshots beside it, and what else lies there.

use async_trait::async_trait;
use protocol::digest::Digest;
use protocol::journal::{PoisonRecord, Record};
use protocol::name::Name;
use protocol::readiness::LastReadiness;

use ports::{Alert, AlertClaim, Answer, Appended, Journal, KeptSnapshot, Page, Rest, Vitals, Which};

use crate::faults::answer;
use crate::inner::Inner;
use crate::world::MemoryWorld;

fn digest(record: &Record) -> Digest {
    Digest::of(&serde_json::to_string(record).unwrap_or_default())
}

impl Inner {
    fn page_after(&self, seq: u64) -> Page {
        let poison = self.unreadable.range(seq + 1..).next();
        let end = poison.map_or(u64::MAX, |(poison, _)| *poison);
        let mut records = self.records.iter().filter(|record| seq < record.seq && record.seq < end);
        let page: Vec<Record> = records.by_ref().take(self.page_records_max).cloned().collect();
        let rest = match (records.next(), poison) {
            (Some(_), _) => Rest::More,
            (None, Some((poison, why))) => {
                Rest::Unreadable(PoisonRecord { seq: poison.to_string(), why: why.clone() })
            }
            (None, None) => Rest::Nothing,
        };
        Page { first: page.first().map(digest), last: page.last().map(digest), records: page, rest }
    }
}

#[async_trait]
impl Journal for MemoryWorld {
    async fn load_after(&self, _plan: &Name, seq: u64) -> Answer<Page> {
        let lost = self.call("load")?;
        let page = self.inner().page_after(seq);
        answer("load", lost, page)
    }

    async fn append(&self, record: &Record) -> Answer<Appended> {
        // The adapter tries a lost acknowledgement again with the same attempt, so it ends as a success here too.
        self.call("append")?;
        let mut inner = self.inner();
        let found = inner.records.iter().find(|old| old.seq == record.seq);
        Ok(match found {
            Some(old) if old.attempt == record.attempt && old.writer == record.writer => {
                Appended::Stands(digest(old))
            }
            Some(_) => Appended::Taken,
            None if inner.unreadable.contains_key(&record.seq) => Appended::Taken,
            None => {
                inner.records.push(record.clone());
                Appended::Stands(digest(record))
            }
        })
    }

    async fn load_snapshot(&self, _plan: &Name, which: Which) -> Answer<Option<KeptSnapshot>> {
        let lost = self.call("load_snapshot")?;
        let mut kept: Vec<KeptSnapshot> = (self.inner().state_snapshots.iter())
            .map(|(slot, sealed)| KeptSnapshot { slot: *slot, sealed: sealed.clone() })
            .collect();
        kept.sort_by_key(|kept| std::cmp::Reverse(kept.sealed.seq));
        let found = match which {
            Which::Newest => kept.into_iter().next(),
            Which::Older => kept.into_iter().nth(1),
        };
        answer("load_snapshot", lost, found)
    }

    async fn save_snapshot(&self, _plan: &Name, kept: &KeptSnapshot) -> Answer<()> {
        let lost = self.call("save_snapshot")?;
        self.inner().state_snapshots.insert(kept.slot, kept.sealed.clone());
        answer("save_snapshot", lost, ())
    }

    async fn claim_alert(&self, _plan: &Name, claim: &AlertClaim) -> Answer<bool> {
        let lost = self.call("claim_alert")?;
        let mut inner = self.inner();
        let is_quiet = inner.alerts.get(&claim.alert).is_none_or(|told| *told <= claim.quiet_since);
        if is_quiet {
            inner.alerts.insert(claim.alert, claim.at);
        }
        drop(inner);
        answer("claim_alert", lost, is_quiet)
    }

    async fn yield_alert(&self, _plan: &Name, alert: Alert) -> Answer<()> {
        let lost = self.call("yield_alert")?;
        self.inner().alerts.remove(&alert);
        answer("yield_alert", lost, ())
    }

    async fn load_vitals(&self, _plan: &Name) -> Answer<Option<Vitals>> {
        let lost = self.call("load_vitals")?;
        answer("load_vitals", lost, self.inner().vitals.clone())
    }

    async fn save_vitals(&self, _plan: &Name, vitals: &Vitals) -> Answer<()> {
        self.inner().vitals = Some(vitals.clone());
        Ok(())
    }

    async fn load_readiness(&self, _plan: &Name) -> Answer<Option<LastReadiness>> {
        let lost = self.call("load_readiness")?;
        let kept = self.inner().readiness.clone();
        answer("load_readiness", lost, kept)
    }

    async fn save_readiness(&self, _plan: &Name, readiness: &LastReadiness) -> Answer<()> {
        let lost = self.call("save_readiness")?;
        self.inner().readiness = Some(readiness.clone());
        answer("save_readiness", lost, ())
    }
}
