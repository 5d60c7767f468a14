//! Can every KMS key of the recovery region be used that a failover, or the day after it, needs?

use std::collections::BTreeSet;

use super::facts::{ReadinessFacts, ReplicaFacts, Seen, Unseen, seen};
use super::{Check, Scene};
use crate::plan::{Database, Plan};

pub(super) const NAMES: &[&str] = &[ENABLED];

const ENABLED: &str = "key_enabled";

/// The keys of the recovery region that the plan names, by what they are used for. The other region's are its own affair
/// until a failback.
fn named(plan: &Plan) -> Vec<(&'static str, &str)> {
    let snapshots = plan.snapshots.as_ref().and_then(|policy| policy.kms_key_arns.of(plan.seat));
    let parameters = plan.parameters.as_ref().and_then(|policy| policy.keys.of(plan.seat));
    let snapshots = snapshots.map(|key| ("snapshots", key));
    snapshots.into_iter().chain(parameters.map(|key| ("parameters", key))).collect()
}

/// Every key that has to be looked at: those that the plan names, and those that the replicas are encrypted with.
pub fn keys<'k>(plan: &'k Plan, facts: &'k ReadinessFacts) -> BTreeSet<&'k str> {
    let of_replica = |seen: &'k Seen<Option<ReplicaFacts>>| seen.as_ref().ok()?.as_ref()?.kms_key.as_deref();
    let replicas = facts.replicas.values().filter_map(of_replica);
    named(plan).into_iter().map(|(_, key)| key).chain(replicas).collect()
}

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    let replicas = scene.plan.databases.iter().map(|database| of_replica(scene, database));
    let named = named(scene.plan);
    replicas.chain(named.into_iter().map(|(subject, key)| of(scene, subject, key))).collect()
}

/// Without its key a replica can't be started again, promoted or not.
fn of_replica(scene: &Scene<'_>, database: &Database) -> Check {
    let name = database.name.to_string();
    match seen(&scene.facts.replicas, &database.name) {
        Ok(Some(ReplicaFacts { kms_key: Some(key), .. })) => of(scene, &name, key),
        Ok(Some(ReplicaFacts { kms_key: None, .. })) => {
            Check::ready(ENABLED, &name, "It is not encrypted, so it needs no key.")
        }
        Ok(None) | Err(_) => {
            let unseen = Unseen::new(
                "The instance could not be read, so its key is unknown.",
                "See its other checks.",
            );
            Check::unknown(ENABLED, &name, &unseen)
        }
    }
}

fn of(scene: &Scene<'_>, subject: &str, key: &str) -> Check {
    let region = &scene.plan.own().region;
    let short = key.rsplit(':').next().unwrap_or(key);
    match seen(&scene.facts.keys, key) {
        Err(unseen) => Check::unknown(ENABLED, subject, &unseen),
        Ok(None) => Check::not_ready(
            ENABLED,
            subject,
            format!("The {short} does not exist in {region}."),
            "The data that it encrypted is lost. Name another key in the plan, and recreate what the old key \
             encrypted.",
        ),
        Ok(Some(state)) => match state.as_str() {
            "Enabled" => Check::ready(ENABLED, subject, format!("The {short} is enabled.")),
            "PendingDeletion" | "PendingReplicaDeletion" => Check::not_ready(
                ENABLED,
                subject,
                format!(
                    "The {short} is scheduled for deletion. The data that it encrypts will be lost with it."
                ),
                format!(
                    "aws kms cancel-key-deletion --region {region} --key-id {key}; then aws kms enable-key \
                     with the same arguments"
                ),
            ),
            "Creating" | "Updating" => {
                let why = format!("The {short} is being changed: {state}.");
                Check::unknown(ENABLED, subject, &Unseen::new(why, "Check again in a few minutes."))
            }
            _ => Check::not_ready(
                ENABLED,
                subject,
                format!("The {short} is {state}, so the data that it encrypts is unusable."),
                against(state, region, key),
            ),
        },
    }
}

/// What makes a key usable again.
fn against(state: &str, region: &str, key: &str) -> String {
    match state {
        "PendingImport" => {
            format!(
                "Import its key material again (aws kms import-key-material --region {region} --key-id \
                 {key})."
            )
        }
        "Unavailable" => "Reconnect its key store (aws kms connect-custom-key-store).".to_owned(),
        _ => format!("aws kms enable-key --region {region} --key-id {key}"),
    }
}
