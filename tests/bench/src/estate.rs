//! How large can a plan be? Valid plans of any size, made after the example plan.

use anyhow::{Context, Result, ensure};
use protocol::name::Name;
use protocol::plan::{Database, Fleet, FleetSide, Mode, Plan, Route};
use protocol::side::{Side, Sides};

use crate::cloud::PLAN;

/// Databases that one route depends on; it depends on half as many fleets.
const DATABASES_PER_ROUTE: usize = 50;

/// The example plan; it goes on without a person.
pub(crate) fn example() -> Result<Plan> {
    let plan = Plan::from_json(PLAN);
    let mut plan = plan.map_err(|problems| anyhow::anyhow!("the example plan is not valid: {problems}"))?;
    plan.mode = Mode::Automatic;
    Ok(plan)
}

/// A plan of so many databases, half as many fleets, and a route for every fifty databases.
pub(crate) fn of(databases: usize) -> Result<Plan> {
    let mut plan = example()?;
    let database = plan.databases.first().context("the example has a database")?.clone();
    let fleet = plan.fleets.first().context("the example has a fleet")?.clone();
    let route = plan.routes.first().context("the example has a route")?.clone();
    plan.databases = (0..databases).map(|index| nth_database(&database, index)).collect();
    plan.fleets = (0..databases / 2).map(|index| nth_fleet(&fleet, index)).collect();
    plan.routes = (0..databases.div_ceil(DATABASES_PER_ROUTE))
        .map(|index| nth_route(&route, index, databases))
        .collect();
    let problems = plan.validate();
    ensure!(problems.is_empty(), "the large plan is not valid: {problems:?}");
    Ok(plan)
}

fn database_name(index: usize) -> Name {
    Name::new(format!("db-{index:04}"))
}

fn fleet_name(index: usize) -> Name {
    Name::new(format!("fleet-{index:04}"))
}

fn nth_database(like: &Database, index: usize) -> Database {
    let mut database = Database {
        name: database_name(index),
        // Some wait for another, as they do in life; not in one long row, for that would take days.
        after: if index % 10 == 9 { vec![database_name(index - 1)] } else { Vec::new() },
        ..like.clone()
    };
    *database.arn_mut(Side::Primary) = format!("arn:aws:rds:us-east-2:123456789012:db:shop-db-{index:04}");
    *database.arn_mut(Side::Recovery) =
        format!("arn:aws:rds:us-west-1:123456789012:db:shop-db-{index:04}-replica");
    database
}

fn nth_fleet(like: &Fleet, index: usize) -> Fleet {
    let target_group = format!(
        "arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-{index:04}/0a1b2c3d4e5f{index:04}"
    );
    let like_side = like.sides.recovery.clone();
    let recovery = like_side.map(|at| FleetSide {
        group: format!("shop-{index:04}-recovery"),
        target_groups: vec![target_group],
        ..at
    });
    Fleet {
        name: fleet_name(index),
        sides: Sides { primary: None, recovery },
        after: if index % 10 == 9 { vec![database_name(2 * index)] } else { Vec::new() },
        ..like.clone()
    }
}

fn nth_route(like: &Route, index: usize, databases: usize) -> Route {
    let first = index * DATABASES_PER_ROUTE;
    let beyond = databases.min(first + DATABASES_PER_ROUTE);
    let mut route = Route {
        name: Name::new(format!("route-{index:04}")),
        after: (first..beyond).map(database_name).chain((first / 2..beyond / 2).map(fleet_name)).collect(),
        ..like.clone()
    };
    for side in [&mut route.sides.primary, &mut route.sides.recovery] {
        side.probe = None;
        side.endpoint_group = format!("{}{index:04}", side.endpoint_group);
        side.endpoint = format!("{}{index:04}", side.endpoint);
    }
    route
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_of_all_sizes_are_valid_and_survive_their_json() {
        for databases in [2, 49, 100, 1000] {
            let plan = of(databases).unwrap();
            assert_eq!((plan.databases.len(), plan.fleets.len()), (databases, databases / 2));
            let text = serde_json::to_string(&plan).unwrap();
            assert_eq!(Plan::from_json(&text).unwrap(), plan);
        }
    }
}
