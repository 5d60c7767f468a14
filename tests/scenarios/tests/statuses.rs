//! What RDS says of an instance and of its replication, and what Auto Scaling says of a launch: read as AWS means it.

use jiff::SignedDuration;
use ports::{FailureKind, Replication};
use protocol::command::Step;
use protocol::endpoint::Endpoint;
use protocol::evidence::{EvidenceKind, Veto};
use protocol::journal::Event;
use protocol::observation::ProbeAnswer;
use protocol::plan::Mode;
use protocol::state::State;
use scenarios::{GOOD_MINUTES, Stage, has_begun, is_over, needs_operator};
use serde_json::json;
use twin::plans::small_plan;
use twin::{DatabaseTwin, FleetTwin, InjectedFault};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn each_database(stage: &Stage, change: impl Fn(&mut DatabaseTwin)) {
    stage.world.inner().databases.values_mut().for_each(change);
}

fn each_fleet(stage: &Stage, change: impl Fn(&mut FleetTwin)) {
    stage.world.inner().fleets.values_mut().for_each(change);
}

fn promotions(stage: &Stage) -> u32 {
    stage.world.inner().databases.values().map(|database| database.promotions).sum()
}

/// A run that promotes a replica in a status.
async fn promoting(status: &'static str) -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.lose_primary().await;
    each_database(&stage, |database| database.status = Some(status));
    assert!(stage.until(HOUR, has_begun(Step::Promote)).await, "{:#?}", stage.sentences());
    stage
}

#[tokio::test(start_paused = true)]
async fn replica_backing_up_is_not_promoted() {
    let mut stage = promoting("backing-up").await;
    stage.pass(SignedDuration::from_mins(2)).await;
    assert_eq!(stage.world.inner().calls.get("promote"), None);
    assert!(stage.sentences().iter().any(|said| said.contains("orders (backing-up)")));
    each_database(&stage, |database| database.status = None);
    assert!(stage.until(HOUR, is_over).await);
    assert_eq!((stage.phase(), promotions(&stage)), ("completed", 1));
}

#[tokio::test(start_paused = true)]
async fn replica_in_storage_optimization_is_promoted() {
    for status in ["storage-optimization", "storage-initialization", "configuring-log-exports"] {
        let mut stage = promoting(status).await;
        assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
        assert_eq!((stage.phase(), promotions(&stage)), ("completed", 1), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_promotion_that_aws_refuses_for_the_status_is_tried_until_it_is_taken() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    for _ in 0..30 {
        stage.world.fault("promote", InjectedFault::Fails(FailureKind::Conflict));
    }
    stage.lose_primary().await;
    each_database(&stage, |database| database.status = Some("storage-optimization"));
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!((stage.phase(), promotions(&stage)), ("completed", 1));
    assert!(stage.world.inner().calls["promote"] > 30);
    assert!(
        stage.sentences().iter().any(|said| said.contains("Step promote waits: orders (promote")),
        "{:#?}",
        stage.sentences()
    );
}

#[tokio::test(start_paused = true)]
async fn a_promotion_that_aws_refuses_to_the_end_is_told_in_its_words() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    for _ in 0..3_000 {
        stage.world.fault("promote", InjectedFault::Fails(FailureKind::Conflict));
    }
    stage.lose_primary().await;
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    let notices = stage.world.inner().notices.join("\n");
    assert!(
        notices.contains("step promote of orders is past its deadline; last status: orders (promote"),
        "{notices}"
    );
    assert!(notices.contains("a fault of the test"), "{notices}");
}

#[tokio::test(start_paused = true)]
async fn promoted_instance_in_storage_optimization_is_writable() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    each_database(&stage, |database| database.writable_status = Some("storage-optimization"));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!(stage.phase(), "completed");
    let answer = stage.invoke(json!({ "command": "readiness" })).await.expect("readiness");
    let checks = answer["checks"].to_string();
    assert!(checks.contains("accepts writes"), "{answer:#}");
}

#[tokio::test(start_paused = true)]
async fn a_promoted_instance_in_a_status_that_takes_no_writes_is_not_opened() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    each_database(&stage, |database| database.writable_status = Some("rebooting"));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, needs_operator).await);
    assert!(stage.world.inner().routes.values().all(|route| route.endpoints.recovery == Endpoint::Closed));
}

/// The instance that is to write is looked at too: of a cluster that works itself it may be what never will.
#[tokio::test(start_paused = true)]
async fn a_promoted_database_in_a_status_that_does_not_pass_is_told_at_once() {
    for is_cluster in [false, true] {
        let mut plan = small_plan(Mode::Automatic);
        if is_cluster {
            plan.databases.iter_mut().for_each(twin::plans::as_aurora);
        }
        let mut stage = Stage::new(plan);
        each_database(&stage, |database| database.writable_status = Some("incompatible-parameters"));
        stage.lose_primary().await;
        assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
        let said = stage.sentences().join("\n");
        let whose =
            if is_cluster { "of its cluster, or of its future writer instance," } else { "its status" };
        assert!(
            said.contains(&format!("{whose} is incompatible-parameters, which does not clear")),
            "{said}"
        );
        assert_eq!(promotions(&stage), 1);
    }
}

/// A final status is told at once, not after the half hour that a promotion may take.
#[tokio::test(start_paused = true)]
async fn every_status_that_does_not_pass_is_told_at_once_with_its_remedy() {
    for (status, remedy) in [
        ("failed", "restore the database from a snapshot"),
        ("restore-error", "restore the database from a snapshot"),
        ("incompatible-create", "restore the database from a snapshot"),
        ("incompatible-network", "subnet group"),
        ("incompatible-option-group", "option group"),
        ("incompatible-parameters", "parameter group"),
        ("incompatible-restore", "restore the database from a snapshot"),
        ("insufficient-capacity", "no capacity"),
        ("storage-full", "more storage"),
        ("inaccessible-encryption-credentials", "KMS key"),
        ("inaccessible-encryption-credentials-recoverable", "KMS key"),
        ("stopped", "start it"),
        ("stopping", "start it"),
        ("deleting", "it is being deleted"),
        ("delete-precheck", "it is being deleted"),
        ("upgrade_failed", "the snapshot whose name begins with rds-final"),
    ] {
        let mut stage = promoting(status).await;
        assert!(stage.until(SignedDuration::from_secs(10), needs_operator).await, "{status}");
        let said = stage.sentences().join("\n");
        assert!(said.contains("(replica_unusable): its status is"), "{said}");
        assert!(said.contains(&format!("its status is {status}, which does not clear by itself")), "{said}");
        assert!(said.contains(remedy), "{status}: {said}");
        assert_eq!(promotions(&stage), 0, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_passes_is_waited_for() {
    for status in ["modifying", "rebooting", "maintenance", "upgrading", "storage-config-upgrade"] {
        let mut stage = promoting(status).await;
        stage.pass(SignedDuration::from_secs(20)).await;
        assert_eq!((stage.phase(), promotions(&stage)), ("moving", 0), "{status}");
    }
}

fn has_replica_evidence(stage: &Stage) -> bool {
    let is_replica = |event: &Event| match event {
        Event::EvidenceSeen { evidence } => {
            evidence.iter().any(|evidence| evidence.key.kind == EvidenceKind::Replica)
        }
        _ => false,
    };
    stage.records().iter().any(|record| is_replica(&record.event))
}

fn has_replica_veto(stage: &Stage) -> bool {
    let is_veto = |event: &Event| match event {
        Event::VetoesSeen { vetoes } => {
            vetoes.iter().any(|veto| matches!(veto, Veto::SourceReplicates { .. }))
        }
        _ => false,
    };
    stage.records().iter().any(|record| is_veto(&record.event))
}

fn has_moved(state: &State) -> bool {
    state.run.as_ref().is_some_and(|run| run.committed_at.is_some())
}

/// The application is broken, so that probes get bad answers; the database lives, and its replica says something of its own.
async fn bad_deploy(replication: Replication) -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.pass(GOOD_MINUTES).await;
    each_database(&stage, |database| database.replication = Some(replication.clone()));
    let bad = ProbeAnswer::Bad { detail: "503".to_owned() };
    for probe in &stage.plan.detection.sides.primary.probes {
        stage.world.inner().probes.insert(probe.name().clone(), bad.clone());
    }
    stage
}

#[tokio::test(start_paused = true)]
async fn replica_stopped_by_hand_is_no_evidence() {
    for word in ["stopped", "replication stop point reached", "terminated"] {
        let mut stage = bad_deploy(Replication::Halted { detail: word.to_owned() }).await;
        assert!(!stage.until(HOUR, has_moved).await, "{word}: {:#?}", stage.sentences());
        assert!(!has_replica_evidence(&stage), "{word}");
        assert!(!has_replica_veto(&stage), "{word}");
        // While the probes' word is weighed nobody looks.
        assert!(stage.until(HOUR, |state| state.active_run().is_none()).await, "{word}");
        let answer = stage.invoke(json!({ "command": "readiness" })).await.expect("readiness");
        let checks = answer["checks"].to_string();
        assert!(checks.contains(&format!("It does not replicate: {word}.")), "{answer:#}");
    }
}

#[tokio::test(start_paused = true)]
async fn replication_degraded_is_a_living_source() {
    for word in ["replication degraded", "replication stop point set"] {
        let mut stage = bad_deploy(Replication::Degraded { detail: word.to_owned() }).await;
        stage.alarm("ALARM").await.expect("the alarm is taken");
        assert!(!stage.until(HOUR, has_moved).await, "{word}: {:#?}", stage.sentences());
        assert!(!has_replica_evidence(&stage), "{word}");
        assert!(has_replica_veto(&stage), "{word}: {:#?}", stage.sentences());
    }
}

#[tokio::test(start_paused = true)]
async fn replica_error_stays_evidence() {
    let mut stage = bad_deploy(Replication::Broken { detail: "error: cannot connect".to_owned() }).await;
    assert!(stage.until(HOUR, |state| state.run.is_some()).await, "{:#?}", stage.sentences());
    assert!(has_replica_evidence(&stage));
}

#[tokio::test(start_paused = true)]
async fn scale_waiting_quotes_the_last_failed_activity() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.lose_primary().await;
    each_fleet(&stage, |fleet| fleet.has_room = false);
    assert!(stage.until(HOUR, has_begun(Step::Scale)).await, "{:#?}", stage.sentences());
    stage.pass(SignedDuration::from_secs(5)).await;
    let at = stage.now();
    each_fleet(&stage, |fleet| {
        fleet.failure = Some((at, "Client.InternalError: Client error on launch."));
    });
    let quoted = "the last launch failed: Client.InternalError: Client error on launch (usually the \
                  service-linked role of Auto Scaling has no grant on the KMS key of a volume or an image)";
    stage.pass(SignedDuration::from_mins(2)).await;
    assert!(
        stage.sentences().iter().any(|said| said.contains("Step scale waits") && said.contains(quoted)),
        "{:#?}",
        stage.sentences()
    );
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    let notices = stage.world.inner().notices.join("\n");
    assert!(notices.contains("step scale of web is past its deadline; last status: web ("), "{notices}");
    assert!(notices.contains(quoted), "{notices}");
}

#[tokio::test(start_paused = true)]
async fn an_activity_that_failed_before_the_step_is_not_quoted() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    let at = stage.now();
    each_fleet(&stage, |fleet| {
        fleet.has_room = false;
        fleet.failure = Some((at, "VcpuLimitExceeded: an old one"));
    });
    stage.lose_primary().await;
    assert!(stage.until(HOUR, needs_operator).await, "{:#?}", stage.sentences());
    assert!(!stage.sentences().iter().any(|said| said.contains("an old one")));
}

#[tokio::test(start_paused = true)]
async fn activities_that_cannot_be_read_fail_nothing() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    for _ in 0..40 {
        stage.world.fault("last_failure", InjectedFault::Fails(FailureKind::Denied));
    }
    stage.lose_primary().await;
    assert!(stage.until(HOUR, is_over).await, "{:#?}", stage.sentences());
    assert_eq!(stage.phase(), "completed");
}

#[tokio::test(start_paused = true)]
async fn the_last_failed_activity_is_asked_for_again_after_fifteen_seconds() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.lose_primary().await;
    each_fleet(&stage, |fleet| fleet.has_room = false);
    let asked = |stage: &Stage| stage.world.inner().calls.get("last_failure").copied().unwrap_or_default();
    while asked(&stage) == 0 {
        stage.beat().await;
    }
    let began = stage.now();
    let mut asked_at = Vec::new();
    while stage.now() < began + SignedDuration::from_secs(50) {
        let before = asked(&stage);
        stage.beat().await;
        if asked(&stage) > before {
            asked_at.push(stage.now().duration_since(began).as_secs());
        }
    }
    assert_eq!(asked_at.len(), 3, "{asked_at:?}");
    // Asked with the first look after fifteen seconds; one comes every second or two.
    assert!(asked_at.iter().zip([15, 30, 45]).all(|(at, due)| (due..due + 6).contains(at)), "{asked_at:?}");
}
