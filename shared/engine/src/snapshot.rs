//! Keeping a snapshot of the state beside the log, so that nobody has to read the whole of it. Done by the alarm-handler
//! alone; whether it works decides nothing.

use jiff::{SignedDuration, Timestamp};
use ports::{KeptSnapshot, Slot};
use protocol::digest::Digest;
use protocol::state::snapshot::{StateSnapshot, is_due};

use crate::conductor::{Conductor, Log};
use crate::fault::Fault;
use crate::log::Unread;

/// While a long log is folded, a snapshot is kept after so many records, so that the next invocation goes on from there.
pub const FOLDED_AT_ONCE: u64 = 10_000;

/// Folding stops so long before the function's deadline: what was folded has to be kept.
pub const FOLDING_ENDS_BEFORE: SignedDuration = SignedDuration::from_secs(25);

impl Conductor {
    /// Reads the journal as [`Conductor::refresh`] does, and keeps snapshots on the way: a log of any length is folded, if
    /// need be by several invocations.
    pub async fn catch_up(&self, log: &mut Log, deadline: Timestamp) -> Result<(), Fault> {
        loop {
            match log.read_page(&*self.journal, &self.plan.name).await {
                Ok(false) => return Ok(()),
                Ok(true) => {}
                Err(unread) => {
                    if let Unread::Poison { .. } = unread {
                        self.keep_snapshot(log).await;
                    }
                    return Err(self.unreadable(&unread).await);
                }
            }
            let is_late = deadline.duration_since(self.clock.now()) < FOLDING_ENDS_BEFORE;
            if is_late || log.records_since_snapshot() >= FOLDED_AT_ONCE {
                self.keep_snapshot(log).await;
            }
            if is_late {
                let (plan, seq) = (&self.plan.name, log.state.last_seq);
                let message = format!(
                    "The journal of {plan} is long; this tick read it up to record {seq}, and the next tick \
                     continues from there"
                );
                return Err(Fault::new("journal_unfolded", message));
            }
        }
    }

    /// Keeps a snapshot if one is due, or if the newest is of no use. What goes wrong is a warning, and the readiness
    /// says so.
    pub async fn keep_snapshot(&self, log: &mut Log) {
        let is_due = is_due(log.records_since_snapshot(), self.snapshot_every);
        if log.state.last_seq == 0 || !(is_due || log.has_refused()) {
            return;
        }
        if let Err(why) = self.try_keep_snapshot(log).await {
            tracing::warn!(seq = log.state.last_seq, "the snapshot could not be saved: {why}");
            log.not_kept(why);
        }
    }

    async fn try_keep_snapshot(&self, log: &mut Log) -> Result<(), String> {
        let record = match log.last_digest() {
            Some(digest) => digest.clone(),
            None => self.digest_of_last(log).await?,
        };
        let at = self.clock.now();
        let snapshot = StateSnapshot::of(&self.plan.name, &log.state, record, at);
        let sealed = snapshot.seal().map_err(|refusal| refusal.to_string())?;
        // Never over the one that is known to be good.
        let slot = log.good_slot().map_or(Slot::A, Slot::other);
        let kept = KeptSnapshot { slot, sealed };
        let saved = self.journal.save_snapshot(&self.plan.name, &kept).await;
        saved.map_err(|failure| failure.to_string())?;
        tracing::info!(seq = log.state.last_seq, ?slot, "snapshot saved");
        log.kept(&kept, at);
        Ok(())
    }

    /// After a poison record the last good one is read once more.
    async fn digest_of_last(&self, log: &Log) -> Result<Digest, String> {
        let seq = log.state.last_seq;
        let page = self.journal.load_after(&self.plan.name, seq - 1).await;
        let page = page.map_err(|failure| failure.to_string())?;
        let is_it = page.records.first().is_some_and(|record| record.seq == seq);
        page.first.filter(|_| is_it).ok_or_else(|| format!("record {seq} is no longer in the journal"))
    }
}
