//! When is a heartbeat written, and into which database? By a fixed rhythm, into each that takes writes at that moment.
//!
//! A database that takes none is asked again at the next beat: it may have been promoted. So is one that can't be asked, by a new
//! connection.

use std::time::Duration;

use futures::future::join_all;
use protocol::name::Name;
use protocol::witness::{Address, Unreached};
use protocol::words::list;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::door::{Door, Session};
use crate::{LOGINS_MAX, described, no_answer};

/// Longest beating: a schedule invokes the witness once a minute, and the next invocation finds this one ended.
pub const BEATING_MAX: Duration = Duration::from_secs(58);
/// Longest wait for one heartbeat.
const BEAT_MAX: Duration = Duration::from_secs(4);

/// What came of the beats of one database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Beaten {
    /// The database.
    pub name: Name,
    /// How many heartbeats were written.
    pub written: u32,
    /// The last trouble, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Unreached>,
}

/// Beats in all databases at the same rhythm, for what is left of the invocation.
pub(crate) async fn beat(
    door: &dyn Door,
    user: &str,
    databases: &[Address],
    every: Duration,
    left: Duration,
) -> Vec<Beaten> {
    let until = Instant::now() + left.min(BEATING_MAX);
    let logins = Semaphore::new(LOGINS_MAX);
    let of = |address| Heart { door, user, address, logins: &logins, session: None }.beat(every, until);
    join_all(databases.iter().map(of)).await
}

/// The beats of one database.
struct Heart<'a> {
    door: &'a dyn Door,
    user: &'a str,
    address: &'a Address,
    logins: &'a Semaphore,
    session: Option<Box<dyn Session>>,
}

impl Heart<'_> {
    async fn beat(mut self, every: Duration, until: Instant) -> Beaten {
        let mut beaten = Beaten { name: self.address.name.clone(), written: 0, trouble: None };
        let started = Instant::now();
        let mut due = started;
        while due < until {
            sleep_until(due).await;
            let session = self.session.take();
            let end = until.min(Instant::now() + BEAT_MAX);
            match timeout_at(end, self.once(session)).await {
                Ok(Ok(Some(_))) => beaten.written += 1,
                Ok(Ok(None)) => {}
                Ok(Err(trouble)) => beaten.trouble = Some(trouble),
                Err(_) => beaten.trouble = Some(no_answer("the heartbeat was not acknowledged in time")),
            }
            due = started + next_due(every, started.elapsed());
        }
        if let Some(session) = self.session {
            session.close().await;
        }
        beaten
    }

    /// One heartbeat. The session is kept only if all went well.
    async fn once(&mut self, session: Option<Box<dyn Session>>) -> Result<Option<u64>, Unreached> {
        let mut session = match session {
            Some(session) => session,
            None => self.open().await?,
        };
        let written = session.beat().await?;
        self.session = Some(session);
        Ok(written)
    }

    async fn open(&self) -> Result<Box<dyn Session>, Unreached> {
        // It is never closed.
        let _login = self.logins.acquire().await;
        self.door.open(self.user, self.address).await
    }
}

/// When the next beat is due, after so much time. One that took longer than the rhythm leaves others out and shifts none.
fn next_due(every: Duration, elapsed: Duration) -> Duration {
    let into_this_one = elapsed.as_nanos() % every.as_nanos().max(1);
    elapsed + every.saturating_sub(Duration::from_nanos(u64::try_from(into_this_one).unwrap_or(0)))
}

/// What came of the beats.
pub(crate) fn sentence(beaten: &[Beaten]) -> String {
    let written: u32 = beaten.iter().map(|one| one.written).sum();
    let into = beaten.iter().filter(|one| one.written > 0).count();
    let troubles = beaten.iter().filter_map(|one| Some(described(&one.name, one.trouble.as_ref()?)));
    let troubles: Vec<String> = troubles.collect();
    let counted = format!("Wrote {written} heartbeat(s) into {into} of {} database(s)", beaten.len());
    if troubles.is_empty() {
        format!("{counted}.")
    } else {
        format!("{counted}; there was trouble with {}.", list(troubles))
    }
}
