//! What time is it, and how does one wait: the only file of this crate that asks the machine's clock.

use std::time::Duration;
use tokio::time::Instant;

/// Waits in real time: the lab's world runs on the machine's clock, and so do the clients it serves.
#[expect(clippy::disallowed_methods, reason = "the lab is real processes; there is no clock to pass in")]
pub(crate) async fn sleep(wait: Duration) {
    tokio::time::sleep(wait).await;
}

/// The present moment, for measuring how old an answer is.
pub(crate) fn now() -> Instant {
    Instant::now()
}
