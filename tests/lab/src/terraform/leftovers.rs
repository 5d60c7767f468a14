//! What an account still holds after a destroy: asked from the emulator's own memory, not from any state.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::world::World;

/// What outlives a stack on purpose, by kind and the beginning of its id.
const OUTLIVES: [(&str, &str, &str); 1] = [(
    "rds.snapshots",
    "pilotlight-",
    "a snapshot that snapshot-scheduler took outlives its database: that is what it is for",
)];

/// Why a copied parameter may stay: after a failover it is what serves.
const COPY_OUTLIVES: &str = "ssm-replicator copied it, and no state knows it";

/// A resource that the account holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// Its kind, as the emulator keeps it, such as `sqs.queues`.
    pub kind: String,
    /// Its region; empty where it has none.
    pub region: String,
    /// Its id.
    pub id: String,
    /// Why it may stay, if it may.
    pub why: Option<String>,
}

/// Everything that the account holds now.
pub async fn held(world: &World) -> Result<BTreeSet<Held>> {
    let rows = world.lab("inventory").await?;
    rows.as_array().context("the inventory is a list")?.iter().map(read).collect()
}

fn read(row: &Value) -> Result<Held> {
    let text = |field: &str| row.get(field).and_then(Value::as_str).map(str::to_owned);
    let missing = |field: &str| format!("a row of the inventory has no {field}: {row}");
    let kind = text("kind").with_context(|| missing("kind"))?;
    let id = text("id").with_context(|| missing("id"))?;
    let outlives = OUTLIVES.iter().find(|(of, begins, _)| kind == *of && id.starts_with(begins));
    let copied = text("copied_by").map(|_| COPY_OUTLIVES.to_owned());
    let why = outlives.map(|(_, _, why)| (*why).to_owned()).or_else(|| text("waits")).or(copied);
    Ok(Held { region: text("region").with_context(|| missing("region"))?, kind, id, why })
}

/// What is there now and was not before: what may not stay, and what may, with its reason.
pub fn since(before: &BTreeSet<Held>, now: &BTreeSet<Held>) -> (Vec<Held>, Vec<Held>) {
    let known: BTreeSet<_> = before.iter().map(|held| (&held.kind, &held.region, &held.id)).collect();
    let new = now.iter().filter(|held| !known.contains(&(&held.kind, &held.region, &held.id)));
    new.cloned().partition(|held| held.why.is_none())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(rows: &[Value]) -> BTreeSet<Held> {
        rows.iter().map(|row| read(row).unwrap()).collect()
    }

    #[test]
    fn what_came_and_stayed_is_left_over_and_what_was_there_before_is_not() {
        let before = rows(&[json!({ "kind": "ec2.vpcs", "region": "us-east-2", "id": "vpc-1" })]);
        let now = rows(&[
            json!({ "kind": "ec2.vpcs", "region": "us-east-2", "id": "vpc-1" }),
            json!({ "kind": "ec2.vpcs", "region": "us-west-1", "id": "vpc-1" }),
            json!({ "kind": "kms.keys", "region": "us-west-1", "id": "k", "waits": "its deletion is scheduled" }),
            json!({ "kind": "rds.snapshots", "region": "us-west-1", "id": "pilotlight-shop-orders-1" }),
            json!({ "kind": "rds.snapshots", "region": "us-west-1", "id": "by-hand" }),
            json!({ "kind": "ssm.parameters", "region": "us-west-1", "id": "/copy", "copied_by": "shop" }),
            json!({ "kind": "ssm.parameters", "region": "us-west-1", "id": "/own" }),
        ]);
        let (left, kept) = since(&before, &now);
        let ids = |held: &[Held]| held.iter().map(|held| held.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&left), ["vpc-1", "by-hand", "/own"]);
        assert_eq!(ids(&kept), ["k", "pilotlight-shop-orders-1", "/copy"]);
    }

    #[test]
    fn a_row_without_an_id_is_an_error() {
        assert!(read(&json!({ "kind": "ec2.vpcs", "region": "" })).is_err());
    }
}
