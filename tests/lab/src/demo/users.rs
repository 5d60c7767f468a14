//! Users: a steady stream of requests through the accelerator, and what each of them got.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::cloud::http;

/// How often a user comes.
const EVERY: Duration = Duration::from_millis(200);

/// How long a user waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// What one user got.
#[derive(Clone, Debug)]
pub struct Visit {
    /// When the user came.
    pub at: Timestamp,
    /// The region that served, if one did.
    pub region: Option<String>,
}

/// A stream of users.
pub struct Users {
    visits: Arc<Mutex<Vec<Visit>>>,
    task: JoinHandle<()>,
}

impl Users {
    /// Begins to send users to an address.
    pub fn start(url: String) -> Self {
        let visits = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&visits);
        let task = tokio::spawn(async move {
            let mut beat = tokio::time::interval(EVERY);
            loop {
                beat.tick().await;
                let (url, seen) = (url.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    let at = now();
                    let region = visit(&url).await;
                    seen.lock().unwrap_or_else(PoisonError::into_inner).push(Visit { at, region });
                });
            }
        });
        Self { visits, task }
    }

    /// All visits so far, in order.
    pub fn visits(&self) -> Vec<Visit> {
        let mut visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner).clone();
        visits.sort_by_key(|visit| visit.at);
        visits
    }

    /// The region that serves now: the last few visits all got the same.
    pub fn served_by(&self) -> Option<String> {
        let visits = self.visits();
        let last = visits.last()?.region.clone()?;
        visits.iter().rev().take(5).all(|visit| visit.region.as_ref() == Some(&last)).then_some(last)
    }
}

impl Drop for Users {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn visit(url: &str) -> Option<String> {
    let (status, body) = http::ask("GET", url, None, PATIENCE).await.ok()?;
    if status != 200 {
        return None;
    }
    let body: Value = serde_json::from_str(&body).ok()?;
    Some(body.get("region")?.as_str()?.to_owned())
}

/// The time now.
#[expect(clippy::disallowed_methods, reason = "the lab lives in real time")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
