//! Plans in other shapes: the same databases as Aurora's, and what tests look up often.

use protocol::plan::{AuroraCluster, Database, DatabaseKind, FleetSide, Plan};
use protocol::side::{Side, Sides};

/// Makes an Aurora global database of a database.
pub(crate) fn as_aurora(database: &mut Database, global_cluster: &str) {
    let cluster = |side: Side| AuroraCluster {
        arn: database.arn(side).replace(":db:", ":cluster:"),
        quarantine_security_group: database.quarantine_security_group(side).map(str::to_owned),
    };
    let (global_cluster, sides) = (global_cluster.to_owned(), Sides::from_fn(cluster));
    database.kind = DatabaseKind::AuroraGlobal { global_cluster, sides };
}

/// The ARN of the first database's primary.
pub(crate) fn first_primary(plan: &Plan) -> String {
    plan.databases[0].arn(plan.seat.other()).to_owned()
}

/// The ARN of the first database's replica.
pub(crate) fn first_replica(plan: &Plan) -> String {
    plan.databases[0].arn(plan.seat).to_owned()
}

/// A fleet of the plan, on the guard's own side.
pub(crate) fn own_fleet(plan: &mut Plan, index: usize) -> &mut FleetSide {
    plan.fleets[index].sides[plan.seat].as_mut().expect("the plan has it on this side")
}
