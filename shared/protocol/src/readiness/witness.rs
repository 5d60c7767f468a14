//! Does the witness see the databases of its side? Of a plan that has one. Without it the loss would be estimated by CloudWatch
//! alone, which may be minutes wrong and close the gate.

use jiff::SignedDuration;

use super::facts::seen;
use super::{Check, Scene};
use crate::plan::{Database, Witness};
use crate::witness::{DatabaseSeen, Heartbeat, Sight, Unreached};
use crate::words::{duration, sentence_of};

pub(super) const NAMES: &[&str] = &[SEES];

const SEES: &str = "witness_sees";

/// How much older than one interval the newest heartbeat may be: its writer is invoked each minute, and the first beat of an
/// invocation takes a moment.
const HEARTBEAT_LATE_MAX: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    let seat = scene.plan.seat;
    let Some(witness) = scene.plan.witness.as_ref().filter(|witness| witness.sides[seat].is_some()) else {
        return Vec::new();
    };
    let reached = scene.plan.databases.iter().filter(|database| database.connection(seat).is_some());
    reached.map(|database| sees(scene, witness, database)).collect()
}

fn sees(scene: &Scene<'_>, witness: &Witness, database: &Database) -> Check {
    let name = &database.name;
    let sight = match seen(&scene.facts.witnessed, name) {
        Ok(sight) => sight,
        Err(unseen) => return Check::unknown(SEES, name, &unseen),
    };
    let seen = match sight {
        Sight::Seen(seen) => seen,
        Sight::Unreached(Unreached { code, message }) => {
            let sentence =
                format!("The witness can't ask it ({}): {}.", code.as_str(), message.trim_end_matches('.'));
            return Check::not_ready(SEES, name, sentence, sentence_of(code.remedy()));
        }
    };
    match trouble(scene, witness, database, seen) {
        Some((sentence, remedy)) => Check::not_ready(SEES, name, sentence, remedy),
        None => Check::ready(SEES, name, good(seen)),
    }
}

/// What is wrong with what was seen, and what helps.
fn trouble(
    scene: &Scene<'_>,
    witness: &Witness,
    database: &Database,
    seen: &DatabaseSeen,
) -> Option<(String, String)> {
    let serves_here = scene.serving(&database.name) == scene.plan.seat;
    if serves_here && !seen.is_writable {
        let remedy = "Check that the connection in the plan leads to the instance that serves.".to_owned();
        return Some((
            "It serves here, and the witness sees a database that takes no writes.".to_owned(),
            remedy,
        ));
    }
    if !serves_here {
        let Some(replica) = &seen.replica else {
            let remedy =
                "Check that the connection in the plan leads to the replica, and not to another database.";
            return Some(("The witness sees a database that is no replica.".to_owned(), remedy.to_owned()));
        };
        if !replica.is_streaming {
            let since = replica.heard_at.map(|at| format!(" since {at}")).unwrap_or_default();
            let remedy = "Look at its replication in RDS. If its source has dropped the replication slot, make the replica again.";
            return Some((format!("It receives nothing from its source{since}."), remedy.to_owned()));
        }
    }
    if witness.heartbeat_seconds == 0 {
        return None;
    }
    let remedy = "Check the witness of the side that serves: its schedule, its errors, and its grants in that database.";
    let Some(Heartbeat { beat_at, .. }) = seen.heartbeat else {
        return Some(("It holds no heartbeat: nobody has written one.".to_owned(), remedy.to_owned()));
    };
    let age = seen.at.duration_since(beat_at);
    let age_max = SignedDuration::from_secs(witness.heartbeat_seconds.into()) + HEARTBEAT_LATE_MAX;
    (age > age_max).then(|| {
        let sentence = format!(
            "Its newest heartbeat is {} old, more than {}: nobody writes them, or replication is behind.",
            duration(age),
            duration(age_max)
        );
        (sentence, remedy.to_owned())
    })
}

fn good(seen: &DatabaseSeen) -> String {
    let age = |heartbeat: Heartbeat| duration(seen.at.duration_since(heartbeat.beat_at));
    let heartbeat = seen.heartbeat.map(|heartbeat| format!(", heartbeat {} old", age(heartbeat)));
    let is = if seen.replica.is_some() { "a replica" } else { "writable" };
    format!("The witness sees it: {is}{}.", heartbeat.unwrap_or_default())
}
