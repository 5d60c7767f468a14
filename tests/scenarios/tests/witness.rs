//! What does a witness change? The estimate of the loss, and with it whether a person is asked; no evidence, and no step.

use jiff::SignedDuration;
use ports::FailureKind;
use protocol::journal::RunReport;
use protocol::plan::Mode;
use protocol::state::Phase;
use scenarios::{Stage, is_over, needs_operator};
use twin::InjectedFault;
use twin::plans::{replica_sight, small_plan, witnessed};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The primary is lost while it is idle: to CloudWatch its replica is 290 s behind, and nothing is missing. The witness saw a
/// heartbeat of two seconds before the loss replayed.
pub(crate) async fn idle_source(stage: &mut Stage) {
    stage.lose_primary().await;
    let now = stage.now();
    let until = now.checked_sub(SignedDuration::from_secs(2)).expect("a time");
    let mut inner = stage.world.inner();
    for sample in inner.lag.values_mut().flatten() {
        sample.lag_ms = Some(290_000);
    }
    for database in &stage.plan.databases {
        inner.sights.insert(database.name.clone(), replica_sight(now, until));
    }
}

fn report(stage: &Stage) -> RunReport {
    match stage.state().run.expect("a run").phase {
        Phase::Completed { report, .. } => *report,
        phase => panic!("{}", phase.as_str()),
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_source_stops_at_the_gate_by_cloudwatch_and_moves_by_the_witness() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    idle_source(&mut stage).await;
    assert!(stage.until(HOUR, needs_operator).await, "without a witness: {:#?}", stage.sentences());
    assert_eq!(stage.world.inner().calls.get("witness"), None, "a plan without one asks none");

    let mut stage = Stage::new(witnessed(small_plan(Mode::Automatic)));
    idle_source(&mut stage).await;
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    let report = report(&stage);
    let loss = &report.data_loss[0];
    assert!(loss.replayed_until.is_some() && loss.within_limit, "{loss:?}");
    let at_most = report.loss_at_most_ms.expect("a bound");
    assert!(at_most < 60_000, "{at_most} ms");
    assert_eq!(Some(at_most), loss.at_most_ms());
    let said = "s of writes (witness: everything until ";
    assert!(stage.sentences().iter().any(|sentence| sentence.contains(said)), "{:#?}", stage.sentences());
}

#[tokio::test(start_paused = true)]
async fn a_witness_that_gives_no_word_leaves_all_to_cloudwatch() {
    let mut stage = Stage::new(witnessed(small_plan(Mode::Automatic)));
    stage.lose_primary().await;
    for _ in 0..1_000 {
        stage.world.fault("witness", InjectedFault::Fails(FailureKind::Denied));
    }
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    let loss = &report(&stage).data_loss[0];
    assert_eq!((loss.replayed_until, loss.lag_ms), (None, Some(400)));
}

#[tokio::test(start_paused = true)]
async fn what_fell_behind_after_the_last_minute_of_cloudwatch_closes_the_gate() {
    let mut stage = Stage::new(witnessed(small_plan(Mode::Automatic)));
    stage.lose_primary().await;
    let now = stage.now();
    let limit = i64::from(stage.plan.limits.lag_seconds_max);
    // Its last minute said 400 ms. Since then it has replayed nothing, which CloudWatch will say too late.
    let until = now.checked_sub(SignedDuration::from_secs(limit + 200)).expect("a time");
    for samples in stage.world.inner().lag.values_mut() {
        for sample in samples {
            sample.at = sample.at.checked_sub(SignedDuration::from_secs(limit + 210)).expect("a time");
        }
    }
    let name = stage.plan.databases[0].name.clone();
    stage.world.inner().sights.insert(name, replica_sight(now, until));
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
}
