//! What must serve before traffic is opened: what the run moves, and what an earlier one moved.

use engine::conductor::Log;
use engine::serving::ServingCheck;
use protocol::name::Name;
use protocol::plan::Plan;
use protocol::state::State;
use protocol::state::holdings::Holdings;

use crate::bench::{Bench, plan, seconds};

fn must_serve(plan: &Plan, state: &State) -> (Vec<String>, Vec<String>) {
    let must = ServingCheck::of(plan, state);
    let databases = must.databases.iter().map(|database| database.name.to_string()).collect();
    (databases, must.fleets.iter().map(|fleet| fleet.name.to_string()).collect())
}

fn moved(names: &[&str]) -> State {
    State { holdings: Holdings::active(names.iter().copied()), ..State::default() }
}

#[test]
fn what_an_earlier_run_moved_must_still_serve_and_what_stays_behind_need_not() {
    let plan = plan();
    let none: (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    assert_eq!(must_serve(&plan, &State::default()), none, "everything stays behind");
    let found = must_serve(&plan, &moved(&["stock", "web"]));
    assert_eq!(found, (vec!["stock".to_owned()], vec!["web".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn what_the_run_under_way_moves_must_serve() {
    let bench = Bench::moving(plan()).await;
    let mut log = Log::default();
    bench.conductor.refresh(&mut log).await.expect("read");
    let found = must_serve(&bench.conductor.plan, &log.state);
    assert_eq!(found, (vec!["orders".to_owned(), "stock".to_owned()], vec!["web".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_database_that_an_earlier_run_moved_and_that_takes_no_writes_is_an_obstacle() {
    let bench = Bench::new(plan());
    let state = moved(&["stock"]);
    let obstacle = async || {
        let must = ServingCheck::of(&bench.conductor.plan, &state);
        must.obstacle(&*bench.world, &*bench.world).await.expect("looked at")
    };
    assert_eq!(obstacle().await.as_deref(), Some("database stock is not writable"));
    let at = ports::Clock::now(&*bench.clock);
    bench.world.inner().databases.get_mut(&Name::from("stock")).expect("it is there").promoted_at = Some(at);
    bench.pass(seconds(240)).await;
    assert_eq!(obstacle().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_fleet_with_one_healthy_target_too_few_is_an_obstacle() {
    let bench = Bench::new(plan());
    let state = moved(&["web"]);
    let web = Name::from("web");
    for (healthy, expected) in [(1, Some("fleet web has 1 of 2 healthy targets")), (2, None)] {
        {
            let mut inner = bench.world.inner();
            let fleet = inner.fleets.get_mut(&web).expect("it is there");
            fleet.capacity.desired = healthy;
            fleet.resized_at = Some(ports::Clock::now(&*bench.clock));
        }
        bench.pass(seconds(100)).await;
        let must = ServingCheck::of(&bench.conductor.plan, &state);
        let obstacle = must.obstacle(&*bench.world, &*bench.world).await.expect("looked at");
        assert_eq!(obstacle.as_deref(), expected);
    }
}
