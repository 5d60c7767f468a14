//! What does each database say of itself? All are asked at once, each within its time, and answered in the order asked for.

use std::time::Duration;

use futures::{StreamExt, stream};
use protocol::witness::{Address, Sight, Witnessed};
use protocol::words::list;
use tokio::time::{Instant, timeout_at};

use crate::door::Door;
use crate::{LOGINS_MAX, described, no_answer};

/// Longest look, at however many databases.
pub const LOOK_MAX: Duration = Duration::from_secs(4);

/// Looks at each database once, within what is left of the invocation.
pub(crate) async fn look(
    door: &dyn Door,
    user: &str,
    databases: &[Address],
    left: Duration,
) -> Vec<Witnessed> {
    let until = Instant::now() + left.min(LOOK_MAX);
    let looks = databases.iter().map(|address| async move {
        Witnessed { name: address.name.clone(), sight: look_at(door, user, address, until).await }
    });
    stream::iter(looks).buffered(LOGINS_MAX).collect().await
}

async fn look_at(door: &dyn Door, user: &str, address: &Address, until: Instant) -> Sight {
    let look = async {
        let mut session = door.open(user, address).await?;
        let seen = session.look().await?;
        Ok((session, seen))
    };
    match timeout_at(until, look).await {
        Ok(Ok((session, seen))) => {
            session.close().await;
            Sight::Seen(seen)
        }
        Ok(Err(unreached)) => Sight::Unreached(unreached),
        Err(_) => Sight::Unreached(no_answer("the look ended before the database had answered")),
    }
}

/// What came of a look.
pub(crate) fn sentence(witnessed: &[Witnessed]) -> String {
    let troubles = witnessed.iter().filter_map(|one| match &one.sight {
        Sight::Unreached(why) => Some(described(&one.name, why)),
        Sight::Seen(_) => None,
    });
    let troubles: Vec<String> = troubles.collect();
    let seen = witnessed.len() - troubles.len();
    if troubles.is_empty() {
        format!("Looked at {seen} database(s): all answered.")
    } else {
        format!(
            "Looked at {} database(s): {seen} answered, and these did not: {}.",
            witnessed.len(),
            list(troubles)
        )
    }
}
