//! A log of any length, made as it is read: a rejection after the other, and a snapshot of the state near its end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use async_trait::async_trait;
use jiff::Timestamp;
use ports::{
    Alert, AlertClaim, Answer, Appended, Failure, FailureKind, Journal, KeptSnapshot, Page, Rest, Slot,
    Vitals, Which,
};
use protocol::digest::Digest;
use protocol::journal::{Event, JOURNAL_SCHEMA, Record, Rejection};
use protocol::name::Name;
use protocol::readiness::LastReadiness;
use protocol::state::fold;
use protocol::state::snapshot::StateSnapshot;
use serde_json::{Value, json};

/// Records of a page, about as many as DynamoDB gives at once.
pub(crate) const PAGE_RECORDS: u64 = 2_000;

/// Records after the snapshot: half of what it takes until the next one.
pub(crate) const SINCE_SNAPSHOT: u64 = 100;

/// How many things are rejected; then they repeat themselves, and the state with them.
const SOURCES: u64 = 5;

/// The log.
pub(crate) struct LongLog {
    records: u64,
    has_snapshot: bool,
    at: Timestamp,
    read: AtomicU64,
}

impl LongLog {
    /// A log with so many records.
    pub(crate) fn of(records: u64, has_snapshot: bool) -> Result<Self> {
        let at = Timestamp::from_second(1_800_000_000)?;
        Ok(Self { records, has_snapshot, at, read: AtomicU64::new(0) })
    }

    /// How many records were read since this was last asked.
    pub(crate) fn take_read(&self) -> u64 {
        self.read.swap(0, Ordering::Relaxed)
    }

    /// A record of about the size that a rejection has.
    pub(crate) fn record(&self, seq: u64) -> Record {
        Record {
            schema: JOURNAL_SCHEMA,
            previous: None,
            plan: Name::new("shop"),
            seq,
            run: None,
            at: self.at,
            writer: "shop-alarm-handler@01JD0000000000000000000000".to_owned(),
            attempt: format!("01JD{seq:022}"),
            request: None,
            sentence: "An alarm that is not in the plan does not count; if it should, add it to the plan."
                .to_owned(),
            event: Event::SignalRejected {
                source: format!("arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-{}", seq % SOURCES),
                reason: Rejection::UnlistedAlarm,
                changed_at: Some(self.at),
                muted: false,
            },
        }
    }

    /// A record as DynamoDB has it.
    pub(crate) fn item(&self, seq: u64) -> Result<Value> {
        let record = self.record(seq);
        let event = serde_json::to_value(&record.event)?;
        Ok(json!({
            "plan": { "S": record.plan }, "seq": { "N": seq.to_string() }, "at": { "S": record.at },
            "writer": { "S": record.writer }, "attempt": { "S": record.attempt },
            "schema": { "N": record.schema.to_string() }, "sentence": { "S": record.sentence },
            "type": event["type"].as_str().map(|kind| json!({ "S": kind })), "event": { "S": event.to_string() },
        }))
    }

    /// The items after a sequence number, as a page of DynamoDB has them.
    pub(crate) fn page(&self, after: u64) -> Result<Value> {
        let last = self.records.min(after + PAGE_RECORDS);
        self.read.fetch_add(last.saturating_sub(after), Ordering::Relaxed);
        let items = (after + 1..=last).map(|seq| self.item(seq)).collect::<Result<Vec<Value>>>()?;
        let mut page = json!({ "Count": items.len(), "ScannedCount": items.len(), "Items": items });
        if last < self.records {
            page["LastEvaluatedKey"] = json!({ "plan": { "S": "shop" }, "seq": { "N": last.to_string() } });
        }
        Ok(page)
    }

    /// The snapshot, bound to the log by a digest of its record.
    fn kept(&self, digest: impl FnOnce(u64) -> Result<Digest>) -> Result<Option<KeptSnapshot>> {
        if !self.has_snapshot {
            return Ok(None);
        }
        let seq = self.records.saturating_sub(SINCE_SNAPSHOT);
        // After one of each the state says the same for ever, but for its number.
        let first: Vec<Record> = (1..=SOURCES).map(|seq| self.record(seq)).collect();
        let mut state = fold(&first)?;
        state.last_seq = seq;
        let sealed = StateSnapshot::of(&Name::new("shop"), &state, digest(seq)?, self.at).seal()?;
        Ok(Some(KeptSnapshot { slot: Slot::A, sealed }))
    }

    /// The snapshot's head as DynamoDB has it, in a list of its own.
    pub(crate) fn heads(&self) -> Result<Value> {
        let kept = self.kept(|seq| digest(&self.item(seq)?))?;
        let head = |KeptSnapshot { sealed, .. }: KeptSnapshot| {
            json!({
                "plan": { "S": "shop#snapshot" }, "seq": { "N": "0" }, "parts": { "N": "1" },
                "after": { "N": sealed.seq.to_string() }, "digest": { "S": sealed.digest.as_str() },
                "part": { "S": sealed.text },
            })
        };
        let items: Vec<Value> = kept.map(head).into_iter().collect();
        Ok(json!({ "Count": items.len(), "ScannedCount": items.len(), "Items": items }))
    }
}

/// The digest of an item: every attribute by name.
fn digest(item: &Value) -> Result<Digest> {
    let attributes = item.as_object().context("an item has attributes")?;
    let text =
        |value: &Value| value.get("S").or_else(|| value.get("N")).and_then(Value::as_str).map(str::to_owned);
    let texts: BTreeMap<&str, String> =
        attributes.iter().filter_map(|(name, value)| Some((name.as_str(), text(value)?))).collect();
    Ok(Digest::of_all(texts.iter().flat_map(|(name, text)| [*name, text.as_str()])))
}

fn failure(message: &str) -> Failure {
    let message = message.to_owned();
    Failure { kind: FailureKind::Invalid, action: "bench", code: "bench".to_owned(), message }
}

#[async_trait]
impl Journal for LongLog {
    async fn load_after(&self, _plan: &Name, seq: u64) -> Answer<Page> {
        let last = self.records.min(seq + PAGE_RECORDS);
        let records: Vec<Record> = (seq + 1..=last).map(|seq| self.record(seq)).collect();
        self.read.fetch_add(records.len() as u64, Ordering::Relaxed);
        let digest = |record: &Record| Digest::kept(record.attempt.clone());
        let rest = if last < self.records { Rest::More } else { Rest::Nothing };
        Ok(Page { first: records.first().map(digest), last: records.last().map(digest), records, rest })
    }

    async fn append(&self, _record: &Record) -> Answer<Appended> {
        Err(failure("nothing is appended here"))
    }

    async fn load_snapshot(&self, _plan: &Name, which: Which) -> Answer<Option<KeptSnapshot>> {
        if which == Which::Older {
            return Ok(None);
        }
        let kept = self.kept(|seq| Ok(Digest::kept(self.record(seq).attempt)));
        kept.map_err(|error| failure(&format!("{error:#}")))
    }

    async fn save_snapshot(&self, _plan: &Name, _kept: &KeptSnapshot) -> Answer<()> {
        Err(failure("nothing is kept here"))
    }

    async fn claim_alert(&self, _plan: &Name, _claim: &AlertClaim) -> Answer<bool> {
        Err(failure("nobody is told here"))
    }

    async fn yield_alert(&self, _plan: &Name, _alert: Alert) -> Answer<()> {
        Err(failure("nobody is told here"))
    }

    async fn load_vitals(&self, _plan: &Name) -> Answer<Option<Vitals>> {
        Ok(None)
    }

    async fn save_vitals(&self, _plan: &Name, _vitals: &Vitals) -> Answer<()> {
        Err(failure("no vitals are kept here"))
    }

    async fn load_readiness(&self, _plan: &Name) -> Answer<Option<LastReadiness>> {
        Ok(None)
    }

    async fn save_readiness(&self, _plan: &Name, _readiness: &LastReadiness) -> Answer<()> {
        Err(failure("no readiness is kept here"))
    }
}
