//! Which plans do tests play? The example, smaller ones, and the same in other shapes.

use jiff::Timestamp;
use protocol::name::Name;
use protocol::plan::{
    AuroraCluster, Connection, Database, DatabaseKind, Mode, Place, Plan, Witness, WitnessSide,
};
use protocol::side::{Side, Sides};
use protocol::witness::{DatabaseSeen, Heartbeat, Lsn, Sight, WalReplay};

/// The example plan: several databases, fleets and routes that depend on each other.
///
/// # Panics
/// When the example plan is not valid.
#[expect(clippy::expect_used, reason = "an invalid example fails whatever test it appears in")]
pub fn example_plan(mode: Mode) -> Plan {
    let text = include_str!("../../protocol/tests/plans/shop.json");
    let mut plan = Plan::from_json(text).expect("the example plan is valid");
    plan.mode = mode;
    plan
}

/// A workload that each side describes for both: a guard of either can move it. Its ticks look once.
///
/// # Panics
/// When it is not valid.
#[expect(clippy::expect_used, reason = "an invalid example fails whatever test it appears in")]
pub fn both_ways(mode: Mode) -> Plan {
    let text = include_str!("../../protocol/tests/plans/both-ways.json");
    let mut plan = Plan::from_json(text).expect("the plan is valid");
    plan.mode = mode;
    plan.detection.watch_seconds = None;
    assert_eq!(plan.validate(), vec![]);
    plan
}

/// One database, one fleet, one route: the common case.
///
/// # Panics
/// When it is not valid.
pub fn small_plan(mode: Mode) -> Plan {
    let mut plan = example_plan(mode);
    plan.databases.truncate(1);
    plan.fleets.truncate(1);
    plan.routes.truncate(1);
    plan.fleets.iter_mut().for_each(|fleet| fleet.after.clear());
    let after: Vec<Name> = plan.databases.iter().map(|item| item.name.clone()).collect();
    let after = after.into_iter().chain(plan.fleets.iter().map(|item| item.name.clone())).collect::<Vec<_>>();
    plan.routes.iter_mut().for_each(|route| route.after.clone_from(&after));
    assert_eq!(plan.validate(), vec![]);
    plan
}

/// The same workload with a witness on both sides, which reaches every RDS database.
///
/// # Panics
/// When that is not valid.
pub fn witnessed(mut plan: Plan) -> Plan {
    let sides = plan.sides.as_ref().map(|Place { region, account }| {
        let function = format!("arn:aws:lambda:{region}:{account}:function:shop-database-witness");
        Some(WitnessSide { function })
    });
    plan.witness = Some(Witness { user: "pilotlight_witness".to_owned(), heartbeat_seconds: 5, sides });
    for database in &mut plan.databases {
        let DatabaseKind::RdsReplica { sides } = &mut database.kind else { continue };
        for side in Side::BOTH {
            let host = format!("{}.{}.rds.amazonaws.com", database.name, side.as_str());
            sides[side].connection = Some(Connection { host, port: 5432, database: "shop".to_owned() });
        }
    }
    assert_eq!(plan.validate(), vec![]);
    plan
}

/// What the witness says of a replica that has replayed everything until then.
pub fn replica_sight(at: Timestamp, until: Timestamp) -> Sight {
    let heartbeat = Some(Heartbeat { sequence: 7, beat_at: until });
    let replica =
        Some(WalReplay { received: None, committed_at: None, is_streaming: true, heard_at: Some(until) });
    Sight::Seen(DatabaseSeen { at, is_writable: false, heartbeat, position: Lsn(1), replica, sessions: 0 })
}

/// The same workload with its two sides exchanged, and its guard with them: everything that the plan calls `primary` is what
/// it called `recovery`. Whatever the code makes of those names, the same things happen in the same regions.
pub fn exchanged(mut plan: Plan) -> Plan {
    fn exchange<T>(sides: &mut Sides<T>) {
        std::mem::swap(&mut sides.primary, &mut sides.recovery);
    }
    exchange(&mut plan.sides);
    exchange(&mut plan.detection.sides);
    for database in &mut plan.databases {
        match &mut database.kind {
            DatabaseKind::RdsReplica { sides } => exchange(sides),
            DatabaseKind::AuroraGlobal { sides, .. } => exchange(sides),
        }
    }
    plan.fleets.iter_mut().for_each(|fleet| exchange(&mut fleet.sides));
    plan.routes.iter_mut().for_each(|route| exchange(&mut route.sides));
    if let Some(witness) = &mut plan.witness {
        exchange(&mut witness.sides);
    }
    if let Some(parameters) = &mut plan.parameters {
        std::mem::swap(&mut parameters.keys.primary, &mut parameters.keys.recovery);
    }
    if let Some(snapshots) = &mut plan.snapshots {
        std::mem::swap(&mut snapshots.kms_key_arns.primary, &mut snapshots.kms_key_arns.recovery);
        for groups in &mut snapshots.option_groups {
            std::mem::swap(&mut groups.primary, &mut groups.recovery);
        }
    }
    plan.seat = plan.seat.other();
    plan
}

/// Makes an Aurora global database of a database.
pub fn as_aurora(database: &mut Database) {
    let cluster = |side| AuroraCluster {
        arn: database.arn(side).replace(":db:", ":cluster:"),
        quarantine_security_group: database.quarantine_security_group(side).map(str::to_owned),
    };
    let sides = Sides::from_fn(cluster);
    database.kind = DatabaseKind::AuroraGlobal { global_cluster: format!("shop-{}", database.name), sides };
}
