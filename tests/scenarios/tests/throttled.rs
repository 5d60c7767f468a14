//! One question to RDS that fails does not leave every replica unasked: it is asked again at once and in parts, and what was
//! said a moment ago is remembered.

use std::time::Duration;

use ports::{Clock, FailureKind};
use protocol::name::Name;
use protocol::observation::ReplicaState;
use protocol::plan::{Mode, Plan};
use protocol::side::Side;
use protocol::state::State;
use scenarios::Stage;
use twin::InjectedFault;
use twin::plans::{as_aurora, small_plan};

/// Six databases, the last two of them Aurora.
fn plan() -> Plan {
    let mut plan = small_plan(Mode::Automatic);
    let pattern = plan.databases[0].clone();
    for number in 0..5 {
        let mut database = pattern.clone();
        database.name = Name::new(format!("orders-{number}"));
        *database.arn_mut(Side::Primary) = format!("{}-{number}", pattern.arn(Side::Primary));
        *database.arn_mut(Side::Recovery) = format!("{}-{number}", pattern.arn(Side::Recovery));
        plan.databases.push(database);
    }
    plan.databases[4..].iter_mut().for_each(as_aurora);
    plan
}

fn throttle(stage: &Stage, times: usize) {
    for _ in 0..times {
        stage.world.fault("look_databases", InjectedFault::Fails(FailureKind::Throttled));
    }
}

fn unasked(states: &[ReplicaState]) -> usize {
    states.iter().filter(|state| matches!(state, ReplicaState::Unasked { .. })).count()
}

async fn look(stage: &Stage, eyes: &engine::observe::Observer) -> Vec<ReplicaState> {
    let seen = eyes.observe(&stage.plan, &State::default()).await;
    assert!(
        seen.replicas.iter().map(|seen| &seen.database).eq(stage.plan.databases.iter().map(|db| &db.name))
    );
    seen.replicas.into_iter().map(|seen| seen.state).collect()
}

#[tokio::test(start_paused = true)]
async fn one_throttled_question_leaves_nobody_unasked() {
    let stage = Stage::new(plan());
    let eyes = stage.instance("test").observer();
    throttle(&stage, 1);
    assert_eq!(look(&stage, &eyes).await, vec![ReplicaState::Replicating; 6]);
}

#[tokio::test(start_paused = true)]
async fn of_parts_only_the_throttled_one_is_unasked() {
    let stage = Stage::new(plan());
    let eyes = stage.instance("test").observer();
    throttle(&stage, 2);
    assert_eq!(unasked(&look(&stage, &eyes).await), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_replica_said_counts_for_thirty_seconds_and_no_longer() {
    for (seconds, expected) in [(30, 0), (31, 6)] {
        let stage = Stage::new(plan());
        let eyes = stage.instance("test").observer();
        assert_eq!(unasked(&look(&stage, &eyes).await), 0);
        stage.clock.sleep(Duration::from_secs(seconds)).await;
        throttle(&stage, 20);
        assert_eq!(unasked(&look(&stage, &eyes).await), expected, "after {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_is_remembered_is_no_new_evidence() {
    let stage = Stage::new(plan());
    let eyes = stage.instance("test").observer();
    stage.world.inner().primary_lives = false;
    let seen = look(&stage, &eyes).await;
    assert!(seen[..4].iter().all(|state| matches!(state, ReplicaState::Broken { .. })), "{seen:?}");
    throttle(&stage, 20);
    let remembered = look(&stage, &eyes).await;
    assert!(
        remembered[..4].iter().all(
            |state| matches!(state, ReplicaState::Unknown { detail } if detail.contains("not read just now"))
        ),
        "{remembered:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_denied_is_not_asked_again_at_once() {
    let stage = Stage::new(plan());
    let eyes = stage.instance("test").observer();
    stage.world.fault("look_databases", InjectedFault::Fails(FailureKind::Denied));
    assert_eq!(unasked(&look(&stage, &eyes).await), 6);
    assert_eq!(stage.world.inner().calls["look_databases"], 1);
}
