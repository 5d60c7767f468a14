//! The journal of one plan, folded as far as it was read: from the newest good snapshot on, or from its beginning, page by
//! page.

use jiff::Timestamp;
use ports::{Alert, Failure, Journal, KeptSnapshot, Page, Rest, Slot, Which};
use protocol::digest::Digest;
use protocol::journal::{PoisonRecord, Record};
use protocol::name::Name;
use protocol::readiness::facts::{JournalFacts, SnapshotFacts};
use protocol::state::snapshot::{Refusal, StateSnapshot};
use protocol::state::{State, evolve};

/// Where the handbook says whether a poison record is taken out, and how.
pub const RUNBOOK: &str = "docs/operating.md#a-record-that-cant-be-read";

/// The journal of one plan, folded as far as it was read.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// What it amounts to.
    pub state: State,
    /// Where the reading began.
    base: Base,
    /// Why newer snapshots than the one it began with are not used.
    refused: Option<String>,
    /// Why the snapshot that was due could not be kept.
    unkept: Option<String>,
    /// Digest of the last record; nothing before the first, and after a poison record.
    last: Option<Digest>,
    /// The record that it can't be read beyond.
    poison: Option<PoisonRecord>,
}

/// Where the reading of a log began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Base {
    /// It was not read yet.
    #[default]
    Unread,
    /// At its first record.
    Beginning,
    /// After the record of a snapshot.
    StateSnapshot { slot: Slot, seq: u64, at: Timestamp, bytes: usize },
}

/// Why a log was not read to its end. What was read of it is in its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The table gave no answer.
    Silence(Failure),
    /// A record can't be read, or can't follow.
    Poison {
        /// The last good record.
        good_until: u64,
        /// The one after it.
        record: PoisonRecord,
    },
}

impl Unread {
    /// What people are told of it as.
    pub(crate) fn alert(&self) -> Alert {
        match self {
            Self::Silence(_) => Alert::Silence,
            Self::Poison { .. } => Alert::Poison,
        }
    }

    /// What it means, in one sentence, and what helps.
    pub fn sentence(&self, plan: &Name) -> String {
        match self {
            Self::Silence(failure) => {
                format!("The journal of {plan} can't be read, so Pilotlight decides nothing: {failure}")
            }
            Self::Poison { good_until, record: PoisonRecord { seq, why } } => format!(
                "The journal of {plan} can't be read beyond record {good_until}, so Pilotlight decides \
                 nothing, does nothing automatically and refuses every command except `status` and \
                 `readiness`. Record {seq}: {why}. Whether to remove the record or keep it, and how: \
                 {RUNBOOK}"
            ),
        }
    }
}

impl Log {
    /// Reads what was appended since the last read, to the end.
    ///
    /// # Errors
    /// It can't be read to its end; [`Log::state`] is as of the last good record then.
    pub async fn read(&mut self, journal: &dyn Journal, plan: &Name) -> Result<(), Unread> {
        while self.read_page(journal, plan).await? {}
        Ok(())
    }

    /// Reads one page more; says whether there is another one.
    pub(crate) async fn read_page(&mut self, journal: &dyn Journal, plan: &Name) -> Result<bool, Unread> {
        let page = match &self.base {
            Base::Unread => self.begin(journal, plan).await?,
            _ => self.page_after(journal, plan, self.state.last_seq).await?,
        };
        self.fold(page)
    }

    async fn page_after(&self, journal: &dyn Journal, plan: &Name, seq: u64) -> Result<Page, Unread> {
        journal.load_after(plan, seq).await.map_err(Unread::Silence)
    }

    /// Restores the newest good snapshot, and gives the page after it; without one, the first page of the log.
    async fn begin(&mut self, journal: &dyn Journal, plan: &Name) -> Result<Page, Unread> {
        for which in [Which::Newest, Which::Older] {
            let kept = match journal.load_snapshot(plan, which).await {
                Ok(Some(kept)) => kept,
                Ok(None) => break,
                Err(failure) => {
                    // It is a cache: the one before it says the same, and so does the log itself, only later.
                    tracing::warn!(%failure, ?which, "unreadable snapshot; reading what precedes it");
                    continue;
                }
            };
            match self.restore(journal, plan, &kept).await? {
                Ok(page) => return Ok(page),
                Err(refusal) => {
                    let why = format!("the snapshot after record {}: {refusal}", kept.sealed.seq);
                    tracing::error!(slot = ?kept.slot, "a snapshot is unusable: {why}");
                    self.refused.get_or_insert(why);
                }
            }
        }
        let page = self.page_after(journal, plan, 0).await?;
        self.base = Base::Beginning;
        Ok(page)
    }

    /// Goes on from a snapshot if its record is in the log: gives the page after it.
    async fn restore(
        &mut self,
        journal: &dyn Journal,
        plan: &Name,
        kept: &KeptSnapshot,
    ) -> Result<Result<Page, Refusal>, Unread> {
        let snapshot = match kept.sealed.open(plan) {
            Ok(snapshot) => snapshot,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let seq = snapshot.seq();
        // Its own record first, to see that it is of this log; one question for both.
        let mut page = self.page_after(journal, plan, seq - 1).await?;
        if !is_of(&snapshot, &page) {
            return Ok(Err(Refusal::OtherLog(seq)));
        }
        page.records.remove(0);
        self.base =
            Base::StateSnapshot { slot: kept.slot, seq, at: snapshot.at, bytes: kept.sealed.text.len() };
        self.last = Some(snapshot.record);
        self.state = snapshot.state;
        Ok(Ok(page))
    }

    /// Folds a page; says whether there is another one after it.
    fn fold(&mut self, page: Page) -> Result<bool, Unread> {
        let Page { records, last, rest, .. } = page;
        if let Some((good, poison)) = self.fold_records(&records) {
            self.last = None;
            return Err(self.poisoned(good, poison));
        }
        if !records.is_empty() {
            self.last = last;
        }
        self.poison = None;
        match rest {
            Rest::Nothing => Ok(false),
            Rest::More => Ok(true),
            Rest::Unreadable(poison) => Err(self.poisoned(self.state.last_seq, poison)),
        }
    }

    fn poisoned(&mut self, good_until: u64, record: PoisonRecord) -> Unread {
        self.poison = Some(record.clone());
        Unread::Poison { good_until, record }
    }

    /// Folds records as far as they are legal; the last good one and the poison, if one is not.
    fn fold_records(&mut self, records: &[Record]) -> Option<(u64, PoisonRecord)> {
        if records.is_empty() {
            return None;
        }
        let before = self.state.clone();
        let folded = records.iter().try_fold(std::mem::take(&mut self.state), evolve);
        let illegal = match folded {
            Ok(state) => {
                self.state = state;
                return None;
            }
            Err(illegal) => illegal,
        };
        // What is illegal leaves nothing behind: the good ones once more.
        let good = records.iter().take_while(|record| record.seq != illegal.seq);
        self.state = good.fold(before, |state, record| evolve(state.clone(), record).unwrap_or(state));
        let poison = PoisonRecord { seq: illegal.seq.to_string(), why: illegal.why.to_string() };
        Some((self.state.last_seq, poison))
    }

    /// A record of one's own stands, and this is the state after it.
    pub(crate) fn stands(&mut self, next: State, digest: Digest) {
        self.state = next;
        self.last = Some(digest);
    }

    /// How many records came after the snapshot that the reading began with; all of them without one.
    pub fn records_since_snapshot(&self) -> u64 {
        match self.base {
            Base::StateSnapshot { seq, .. } => self.state.last_seq.saturating_sub(seq),
            Base::Unread | Base::Beginning => self.state.last_seq,
        }
    }

    /// The record that it can't be read beyond.
    pub fn poison(&self) -> Option<&PoisonRecord> {
        self.poison.as_ref()
    }

    /// Whether a newer snapshot than the one in use is of no use.
    pub(crate) fn has_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// Digest of the last record, if it is known.
    pub(crate) fn last_digest(&self) -> Option<&Digest> {
        self.last.as_ref()
    }

    /// The slot whose snapshot is good, and must stay until the next one is.
    pub(crate) fn good_slot(&self) -> Option<Slot> {
        match self.base {
            Base::StateSnapshot { slot, .. } => Some(slot),
            Base::Unread | Base::Beginning => None,
        }
    }

    /// A snapshot of the state was kept.
    pub(crate) fn kept(&mut self, kept: &KeptSnapshot, at: Timestamp) {
        let (slot, seq, bytes) = (kept.slot, kept.sealed.seq, kept.sealed.text.len());
        self.base = Base::StateSnapshot { slot, seq, at, bytes };
        (self.refused, self.unkept) = (None, None);
    }

    /// The snapshot that was due could not be kept, here or by the function that keeps them.
    pub fn not_kept(&mut self, why: String) {
        self.unkept = Some(why);
    }

    /// How full the journal is.
    pub fn facts(&self) -> JournalFacts {
        JournalFacts {
            records: self.state.last_seq,
            records_since_snapshot: self.records_since_snapshot(),
            snapshot: match self.base {
                Base::StateSnapshot { seq, at, bytes, .. } => Some(SnapshotFacts { seq, at, bytes }),
                Base::Unread | Base::Beginning => None,
            },
            refused: self.refused.clone(),
            unkept: self.unkept.clone(),
            poison: self.poison.clone(),
        }
    }
}

/// Whether the first record of a page is the one that a snapshot was taken after.
fn is_of(snapshot: &StateSnapshot, page: &Page) -> bool {
    page.records.first().is_some_and(|record| record.seq == snapshot.seq())
        && page.first.as_ref() == Some(&snapshot.record)
}
