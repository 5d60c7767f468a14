//! The words of what is decided about snapshots.

use jiff::Timestamp;

use super::decision::{ATTEMPTS_MAX, COPIES_UNDER_WAY_MAX, Effect, SnapshotDecision};
use super::mark::Own;
use crate::name::Name;
use crate::plan::{Plan, SnapshotPolicy};
use crate::side::Side;
use crate::words::list;

pub(super) fn no_policy(plan: &Plan) -> String {
    format!("Pilotlight keeps no snapshots: the plan {} has no section snapshots.", plan.name)
}

pub(super) fn nothing_ever_due(policy: &SnapshotPolicy) -> String {
    format!("Nothing to do: no snapshot has ever been due by the schedule {}.", policy.schedule)
}

pub(super) fn moving(database: &Name, run: u64) -> String {
    format!("No snapshot of {database} is taken while run {run} moves it.")
}

pub(super) fn not_taken_unseen(database: &Name, region: &str, gap: &str) -> String {
    format!("No snapshot of {database} is taken: Pilotlight could not list all snapshots in {region}: {gap}.")
}

pub(super) fn not_copied_unseen(database: &Name, region: &str, gap: &str) -> String {
    format!(
        "No snapshot of {database} is copied: Pilotlight could not list all snapshots in {region}: {gap}."
    )
}

pub(super) fn being_taken(database: &Name, region: &str, own: &Own<'_>) -> String {
    format!("Snapshot {} of {database} is being taken in {region}{}.", own.snapshot.id, progress(own))
}

pub(super) fn being_copied(database: &Name, region: &str, own: &Own<'_>) -> String {
    format!("Snapshot {} of {database} is being copied to {region}{}.", own.snapshot.id, progress(own))
}

fn progress(own: &Own<'_>) -> String {
    own.snapshot.progress_percent.map(|percent| format!(" ({percent} %)")).unwrap_or_default()
}

pub(super) fn take(database: &Name, region: &str, id: &str, due: Timestamp, failures: u32) -> String {
    let again =
        if failures == 0 { "there is none yet".to_owned() } else { format!("{} failed", attempts(failures)) };
    format!("Take snapshot {id} of {database} in {region}: it has been due since {due}, and {again}.")
}

pub(super) fn copy(database: &Name, from: &str, to: &str, id: &str, failures: u32) -> String {
    let again = if failures == 0 {
        format!("{to} does not have it")
    } else {
        format!("{} failed", attempts(failures))
    };
    format!("Copy snapshot {id} of {database} from {from} to {to}: it is the newest good one, and {again}.")
}

fn attempts(failures: u32) -> String {
    if failures == 1 { "one attempt".to_owned() } else { format!("{failures} attempts") }
}

pub(super) fn given_up_taking(database: &Name, region: &str, due: Timestamp, failures: u32) -> String {
    format!(
        "The snapshot of {database} in {region} that was due at {due} failed {failures} times. Pilotlight does \
         not retry before the next one is due. Look for the cause in the RDS events of that region."
    )
}

pub(super) fn given_up_copying(database: &Name, to: &str, own: &Own<'_>, failures: u32) -> String {
    format!(
        "The copy of {} of {database} to {to} failed {failures} times. Pilotlight tries {ATTEMPTS_MAX} times \
         and does not retry any more. Look for the cause in the RDS events of {to}, and check that the role \
         may use both keys.",
        own.snapshot.id
    )
}

pub(super) fn no_key(database: &Name, to: &str, own: &Own<'_>, side: Side) -> String {
    format!(
        "Snapshot {} of {database} is not copied to {to}: it is encrypted, and a copy needs a key of {to}; set \
         snapshots.kms_key_arns.{} in the plan.",
        own.snapshot.id,
        side.as_str()
    )
}

pub(super) fn too_many_copies(database: &Name, to: &str, own: &Own<'_>) -> String {
    format!(
        "Snapshot {} of {database} waits for its copy to {to}: {COPIES_UNDER_WAY_MAX} copies are under way \
         there, which is the maximum.",
        own.snapshot.id
    )
}

pub(super) fn nothing_deleted(database: &Name, region: &str, source: &str, why: &str) -> String {
    format!("No snapshot of {database} (taken from {}) is deleted in {region}: {why}.", short(source))
}

pub(super) fn nothing_good_deleted(database: &Name, region: &str, source: &str, why: &str) -> String {
    format!("No good snapshot of {database} (taken from {}) is deleted in {region}: {why}.", short(source))
}

/// The instance or cluster without the rest of its ARN.
fn short(source: &str) -> &str {
    source.rsplit(':').next().unwrap_or(source)
}

pub(super) fn not_deleted(count: usize, veto: &str) -> String {
    format!("Nothing is deleted, although {} could be: {veto}.", snapshots(count))
}

pub(super) fn put_off(count: usize, most: usize) -> String {
    format!("Deletion of {} is postponed: one pass deletes at most {most}.", snapshots(count))
}

pub(super) fn no_tier(policy: &SnapshotPolicy) -> String {
    let keep = policy.keep;
    format!(
        "it is not one of those kept for {} days, {} weeks and {} months, and at least {} good ones remain",
        keep.daily, keep.weekly, keep.monthly, policy.keep_min
    )
}

pub(super) fn delete(own: &Own<'_>, region: &str, why: &str) -> String {
    let from = own.taken_at.map(|at| format!(" from {at}")).unwrap_or_default();
    format!("Delete snapshot {} of {}{from} in {region}: {why}.", own.snapshot.id, own.mark.database)
}

/// All of a decision in one sentence.
pub(super) fn summary(plan: &Plan, decision: &SnapshotDecision, due: Timestamp) -> String {
    let count =
        |wanted: fn(&Effect) -> bool| decision.actions.iter().filter(|action| wanted(&action.effect)).count();
    let parts = [
        (count(|effect| matches!(effect, Effect::Take { .. })), "to take"),
        (count(|effect| matches!(effect, Effect::Copy { .. })), "to copy"),
        (count(|effect| matches!(effect, Effect::Delete { .. })), "to delete"),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let due_text = format!("snapshots of {}, last due at {due}", plan.name);
    let mut told: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
    if !decision.blocked.is_empty() {
        told.push(format!("{} blocked", decision.blocked.len()));
    }
    if told.is_empty() {
        let waits = match decision.waits.len() {
            0 => String::new(),
            1 => "; waiting for one thing".to_owned(),
            more => format!("; waiting for {more} things"),
        };
        return format!("Nothing to do for the {due_text}{waits}.");
    }
    format!("For the {due_text}: {}.", list(told))
}

fn snapshots(count: usize) -> String {
    if count == 1 { "one snapshot".to_owned() } else { format!("{count} snapshots") }
}
