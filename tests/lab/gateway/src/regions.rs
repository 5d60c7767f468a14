//! Which regions are lost, and what happens to a call that is addressed to one?

use crate::body::drain;
use hyper::body::Body as HttpBody;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// How a lost region behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blackout {
    /// Takes the request and never answers. The connection is closed when the region returns.
    Hang,
    /// Closes the connection at once, without an answer.
    Refuse,
    /// Answers every request with 503.
    Error503,
}

/// The connection is to be closed without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("closed without an answer")]
pub(crate) struct Closed;

/// A lost region that answers after all, and says that it can't serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unavailable;

/// The lost regions, and the calls that hang in them.
#[derive(Debug)]
pub(crate) struct Regions {
    lost: watch::Sender<BTreeMap<String, Blackout>>,
    places: Arc<Semaphore>,
    places_max: usize,
}

impl Regions {
    /// At most `held_max` calls are held at a time; those past it are closed at once.
    pub(crate) fn new(held_max: usize) -> Self {
        Self {
            lost: watch::Sender::new(BTreeMap::new()),
            places: Arc::new(Semaphore::new(held_max)),
            places_max: held_max,
        }
    }

    pub(crate) fn lose(&self, region: &str, mode: Blackout) {
        self.lost.send_modify(|lost| {
            lost.insert(region.to_owned(), mode);
        });
    }

    /// Whether the region was lost.
    pub(crate) fn restore(&self, region: &str) -> bool {
        let mut was_lost = false;
        self.lost.send_modify(|lost| was_lost = lost.remove(region).is_some());
        was_lost
    }

    /// How many regions were lost.
    pub(crate) fn restore_all(&self) -> usize {
        self.lost.send_replace(BTreeMap::new()).len()
    }

    pub(crate) fn mode(&self, region: &str) -> Option<Blackout> {
        self.lost.borrow().get(region).copied()
    }

    pub(crate) fn list(&self) -> BTreeMap<String, Blackout> {
        self.lost.borrow().clone()
    }

    /// How many calls hang at the moment.
    pub(crate) fn held(&self) -> usize {
        self.places_max - self.places.available_permits()
    }

    /// Waits until the region is lost.
    pub(crate) async fn until_lost(&self, region: &str) -> Blackout {
        let mut changes = self.lost.subscribe();
        loop {
            if let Some(mode) = changes.borrow_and_update().get(region) {
                return *mode;
            }
            if changes.changed().await.is_err() {
                // The sender lives as long as `self` does, so nothing will ever change again.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits while the region is silent. Cut off, when it is lost in another way.
    pub(crate) async fn until_not_silent(&self, region: &str) -> Result<(), Closed> {
        self.until_not_hanging(region).await;
        if self.mode(region).is_some() { Err(Closed) } else { Ok(()) }
    }

    /// What a call to a lost region meets. Returns when the caller is to be answered, or to be cut off.
    pub(crate) async fn meet<B>(
        &self,
        region: &str,
        mode: Blackout,
        body: Option<B>,
    ) -> Result<Unavailable, Closed>
    where
        B: HttpBody + Unpin,
    {
        match mode {
            Blackout::Refuse => Err(Closed),
            Blackout::Error503 => {
                if let Some(mut body) = body {
                    drain(&mut body).await.map_err(|_| Closed)?;
                }
                Ok(Unavailable)
            }
            Blackout::Hang => {
                let Ok(_place) = self.places.try_acquire() else {
                    return Err(Closed);
                };
                // A caller that gives up ends this wait: the server drops it when the connection is closed,
                // which it can only notice once the whole request has been read.
                tokio::select! {
                    () = swallow(body) => {}
                    () = self.until_not_hanging(region) => {}
                }
                Err(Closed)
            }
        }
    }

    async fn until_not_hanging(&self, region: &str) {
        let mut changes = self.lost.subscribe();
        // An error means that the gateway is going away, which ends the wait as well.
        let _ = changes.wait_for(|lost| lost.get(region) != Some(&Blackout::Hang)).await;
    }
}

/// Reads a body to its end, then never returns; returns early when the body breaks off.
async fn swallow<B: HttpBody + Unpin>(body: Option<B>) {
    if let Some(mut body) = body
        && drain(&mut body).await.is_err()
    {
        return;
    }
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::{Body, full};
    use std::time::Duration;

    fn asked() -> Body {
        full("asked")
    }

    #[tokio::test]
    async fn a_refused_call_is_cut_off_and_a_503_call_is_answered() {
        let regions = Regions::new(1);
        assert_eq!(regions.meet("us-east-2", Blackout::Refuse, Some(asked())).await, Err(Closed));
        assert_eq!(regions.meet("us-east-2", Blackout::Error503, Some(asked())).await, Ok(Unavailable));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_call_waits_until_its_own_region_returns() {
        let regions = Arc::new(Regions::new(1));
        regions.lose("us-east-2", Blackout::Hang);
        regions.lose("us-west-1", Blackout::Hang);
        let meeting = Arc::clone(&regions);
        let call =
            tokio::spawn(async move { meeting.meet("us-east-2", Blackout::Hang, Some(asked())).await });
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!(regions.held(), 1);
        assert!(regions.restore("us-west-1"));
        tokio::time::advance(Duration::from_hours(1)).await;
        assert!(!call.is_finished());
        assert!(regions.restore("us-east-2"));
        assert_eq!(call.await.unwrap(), Err(Closed));
        assert_eq!(regions.held(), 0);
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_gives_up_its_place() {
        let regions = Arc::new(Regions::new(1));
        regions.lose("us-east-2", Blackout::Hang);
        let meeting = Arc::clone(&regions);
        let call =
            tokio::spawn(async move { meeting.meet("us-east-2", Blackout::Hang, Some(asked())).await });
        tokio::task::yield_now().await;
        assert_eq!(regions.held(), 1);
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        assert_eq!(regions.held(), 0);
    }

    #[tokio::test]
    async fn past_the_limit_a_call_is_cut_off_instead_of_held() {
        let regions = Regions::new(0);
        regions.lose("us-east-2", Blackout::Hang);
        assert_eq!(regions.meet("us-east-2", Blackout::Hang, Some(asked())).await, Err(Closed));
    }

    #[tokio::test]
    async fn whoever_waits_for_a_loss_learns_of_it() {
        let regions = Arc::new(Regions::new(1));
        let waiting = Arc::clone(&regions);
        let waiter = tokio::spawn(async move { waiting.until_lost("us-east-2").await });
        regions.lose("us-west-1", Blackout::Refuse);
        regions.lose("us-east-2", Blackout::Error503);
        assert_eq!(waiter.await.unwrap(), Blackout::Error503);
        assert_eq!(regions.restore_all(), 2);
    }
}
