//! What can be moved on its own, and why not: each problem of a scope by its name.

use protocol::graph::{ScopeProblem, scope};
use protocol::journal::Scope;
use protocol::name::Name;
use protocol::operator::{OperatorCommand, Overrides};
use protocol::plan::{Mode, Plan};
use protocol::state::holdings::Holdings;

use super::story::{Seen, Story, look, names, plan};

/// The shop with two routes: `front` needs orders, stock and web; `back` needs what the test says.
fn two_routes(back_needs: &[&str]) -> Plan {
    let mut plan = plan(Mode::Approve);
    let mut back = plan.routes[0].clone();
    back.name = Name::from("back");
    back.after = names(back_needs);
    plan.routes.push(back);
    plan
}

fn of(plan: &Plan, moved: &[&str], routes: &[&str]) -> Result<Scope, ScopeProblem> {
    scope(plan, &Holdings::active(names(moved)), &names(routes))
}

/// How the same problem is said to a person who asks for a failover.
fn refusal(plan: &Plan, moved: &[&str], routes: &[&str]) -> (String, String) {
    let mut story = Story::new(plan.clone());
    story.state.holdings = Holdings::active(names(moved));
    let (by, reason) = ("ana".to_owned(), "r".to_owned());
    let overrides = Overrides::default();
    let command = OperatorCommand::Failover { by, reason, routes: names(routes), overrides };
    story.command(command, Some(look(plan, Seen::Lost, 0))).expect_err("refused")
}

#[test]
fn everything_moves_when_no_route_is_named() {
    let scope = of(&two_routes(&["web"]), &[], &[]).expect("all of it");
    assert_eq!(scope.databases, names(&["orders", "stock"]));
    assert_eq!(scope.fleets, names(&["web"]));
    assert_eq!(scope.routes, names(&["front", "back"]));
}

#[test]
fn a_route_moves_with_all_it_depends_on_and_nothing_else() {
    let mut plan = two_routes(&[]);
    plan.databases[1].after.clear();
    plan.fleets[0].after.clear();
    plan.routes[0].after = names(&["orders", "web"]);
    plan.routes[1].after = names(&["stock"]);
    let scope = of(&plan, &[], &["back"]).expect("a part");
    assert_eq!(scope.databases, names(&["stock"]));
    assert_eq!(scope.fleets, names(&[]));
    assert_eq!(scope.routes, names(&["back"]));
}

#[test]
fn shared_database_one_that_serves_a_route_that_stays_may_not_move_alone() {
    let plan = two_routes(&["orders"]);
    let problem = ScopeProblem::Shared { database: "orders".into(), route: "front".into() };
    assert_eq!(of(&plan, &[], &["back"]), Err(problem));
    let (code, said) = refusal(&plan, &[], &["back"]);
    assert_eq!(code, "shared_database");
    assert!(said.contains("database orders also serves route front, which would stay behind"), "{said}");
    // Not when the other route goes along, or has gone before.
    assert!(of(&plan, &[], &["back", "front"]).is_ok());
    assert!(of(&plan, &["front"], &["back"]).is_ok());
}

#[test]
fn shared_database_one_that_a_route_needs_through_another_item_counts_too() {
    // `front` needs the fleet alone, and the fleet needs orders.
    let mut plan = two_routes(&["orders"]);
    plan.routes[0].after = names(&["web", "stock"]);
    let problem = ScopeProblem::Shared { database: "orders".into(), route: "front".into() };
    assert_eq!(of(&plan, &[], &["back"]), Err(problem));
}

#[test]
fn a_fleet_that_two_routes_share_may_move_with_one_of_them() {
    let mut plan = two_routes(&["web"]);
    plan.fleets[0].after.clear();
    let scope = of(&plan, &[], &["back"]).expect("a fleet is not written to");
    assert_eq!((scope.databases, scope.fleets), (names(&[]), names(&["web"])));
}

#[test]
fn unknown_route_one_that_the_plan_does_not_have_is_named() {
    let plan = two_routes(&["web"]);
    assert_eq!(of(&plan, &[], &["side"]), Err(ScopeProblem::UnknownRoute("side".into())));
    // The name of a database is no route.
    assert_eq!(of(&plan, &[], &["orders"]), Err(ScopeProblem::UnknownRoute("orders".into())));
    let (code, said) = refusal(&plan, &[], &["side"]);
    assert_eq!(code, "unknown_route");
    assert!(said.contains("the plan has no route side; it has front and back"), "{said}");
}

#[test]
fn nothing_left_when_everything_that_was_asked_for_has_moved() {
    let plan = two_routes(&["web"]);
    let all = ["orders", "stock", "web", "front", "back"];
    assert_eq!(of(&plan, &all, &[]), Err(ScopeProblem::NothingLeft));
    assert_eq!(of(&plan, &all, &["front"]), Err(ScopeProblem::NothingLeft));
    let (code, said) = refusal(&plan, &all, &["front"]);
    assert_eq!(code, "nothing_to_move");
    assert!(said.contains("everything you asked for is already in us-west-1"), "{said}");
    // One item that stayed is something to move.
    assert!(of(&plan, &["orders", "stock", "web", "front"], &[]).is_ok());
}

#[test]
fn unclaimed_an_item_that_no_route_says_it_needs_forbids_a_part() {
    let mut plan = two_routes(&["web"]);
    for route in &mut plan.routes {
        route.after.retain(|name| name.as_str() != "stock");
    }
    assert_eq!(of(&plan, &[], &["front"]), Err(ScopeProblem::Unclaimed("stock".into())));
    let (code, said) = refusal(&plan, &[], &["front"]);
    assert_eq!(code, "unclaimed_item");
    assert!(said.contains("add stock to the after of the routes that need it"), "{said}");
    // Everything together needs no claim; and what has moved is no question any more.
    assert!(of(&plan, &[], &[]).is_ok());
    assert!(of(&plan, &["stock"], &["front", "back"]).is_ok());
}
