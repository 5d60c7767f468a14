//! Would a failover work? Asked of the production handlers every half hour, and never in the way of a run.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use ports::{Answer, Clock, Failure, FailureKind, FunctionError, Functions};
use protocol::endpoint::{Endpoint, Setting};
use protocol::maintenance::{ParameterPass, PassOutcome};
use protocol::name::Name;
use protocol::plan::{Mode, Tiers};
use protocol::readiness::facts::RefusedAction;
use protocol::readiness::facts::{AttachedGroup, ScheduledAction, TemplateFacts};
use scenarios::scheduled_job::{PRIMARY, RECOVERY, ScheduledJob, with_snapshots};
use scenarios::{Stage, awaits_approval, is_over};
use serde_json::{Value, json};
use twin::plans::small_plan;
use twin::{InjectedFault, Inner, Looks, REPLICA_KEY};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A stage on a good day, after the tick has seen it.
async fn good_day() -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    copied(&stage, PRIMARY, RECOVERY);
    stage.pass(SignedDuration::from_mins(2)).await;
    stage
}

/// The parameters were just copied from one region to the other.
fn copied(stage: &Stage, from: &str, to: &str) {
    let outcome = PassOutcome::Compared { same: 120, overridden: 0, differing: 0, why: None };
    let pass = ParameterPass { at: stage.now(), from: from.to_owned(), to: to.to_owned(), outcome };
    stage.world.inner().parameter_pass = Some(pass);
}

async fn ask(stage: &mut Stage) -> Value {
    stage.invoke(json!({ "command": "readiness" })).await.expect("it is answered")
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The checks of an answer that are not ready.
fn unready(answer: &Value) -> Vec<String> {
    let checks = answer.get("checks").and_then(Value::as_array).cloned().unwrap_or_default();
    let unready = checks.iter().filter(|check| text(check, "finding") != "ready");
    unready
        .map(|check| format!("{} {} {}", text(check, "finding"), text(check, "name"), text(check, "subject")))
        .collect()
}

/// Notices about the readiness since they were last counted.
fn told(stage: &Stage) -> Vec<String> {
    std::mem::take(&mut stage.world.inner().notices)
}

fn suspend(stage: &Stage, suspended: bool) {
    for fleet in stage.world.inner().fleets.values_mut() {
        fleet.launch_suspended = suspended;
    }
}

/// The figures that the alarm watches, as they were sent.
fn gauged(stage: &Stage) -> Vec<u64> {
    let inner = stage.world.inner();
    assert!(inner.samples.iter().all(|sample| sample.dimensions == [("Plan", "shop".to_owned())]));
    // The tick sends whether somebody is needed, too.
    let (figures, others): (Vec<_>, Vec<_>) =
        inner.samples.iter().partition(|sample| sample.name == "UnreadyChecks");
    assert!(others.iter().all(|sample| sample.name == "Attention"), "{others:?}");
    let figures = figures.into_iter().map(|sample| sample.value);
    figures.collect()
}

#[tokio::test(start_paused = true)]
async fn a_good_day_is_ready_and_nobody_is_bothered() {
    let mut stage = good_day().await;
    let answer = ask(&mut stage).await;
    assert_eq!(text(&answer, "readiness"), "ready", "{answer:#}");
    stage.pass(HOUR).await;
    assert_eq!(told(&stage), Vec::<String>::new());
    let gauged = gauged(&stage);
    assert!((3..=5).contains(&gauged.len()) && gauged.iter().all(|unready| *unready == 0), "{gauged:?}");
}

#[tokio::test(start_paused = true)]
async fn what_breaks_is_told_once_within_half_an_hour_and_once_when_it_is_mended() {
    let mut stage = good_day().await;
    suspend(&stage, true);
    stage.pass(SignedDuration::from_mins(32)).await;
    let notices = told(&stage);
    assert!(
        notices.len() == 1 && notices[0].contains("new: launch_allowed web is not ready"),
        "{notices:#?}"
    );
    assert!(notices[0].contains("aws autoscaling resume-processes"), "{notices:#?}");
    stage.pass(HOUR).await;
    assert_eq!(told(&stage), Vec::<String>::new());
    suspend(&stage, false);
    stage.pass(SignedDuration::from_mins(32)).await;
    let notices = told(&stage);
    assert!(notices.len() == 1 && notices[0].contains("fixed or gone: launch_allowed web"), "{notices:#?}");
    assert_eq!(gauged(&stage).last(), Some(&0));
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_is_unknown_and_the_others_are_judged_all_the_same() {
    let mut stage = good_day().await;
    stage.world.fault("inspect_route", InjectedFault::Fails(FailureKind::Denied));
    let answer = ask(&mut stage).await;
    assert_eq!(text(&answer, "readiness"), "unknown");
    let rows = unready(&answer);
    assert!(
        !rows.is_empty() && rows.iter().all(|row| row.starts_with("unknown") && row.ends_with("front")),
        "{rows:#?}"
    );
    assert!(answer.to_string().contains("the function's role may not call inspect_route"), "{answer:#}");
}

#[tokio::test(start_paused = true)]
async fn no_pass_is_made_while_a_run_is_under_way_and_the_command_says_so() {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, awaits_approval).await);
    let before = gauged(&stage).len();
    stage.pass(SignedDuration::from_mins(45)).await;
    assert_eq!(gauged(&stage).len(), before);
    let answer =
        stage.check(json!({ "command": "pass" })).await.expect("no error, which an alarm would tell of");
    assert!(text(&answer, "sentence").ends_with("so no readiness pass was made."), "{answer}");
    // Whom a person asks makes no difference.
    let of_checker = stage.check(json!({ "command": "readiness" })).await.expect_err("it is refused");
    let fault = stage.invoke(json!({ "command": "readiness" })).await.expect_err("it is refused");
    assert_eq!(fault, of_checker);
    assert_eq!(fault.code, "run_under_way");
    assert!(fault.message.contains("awaiting approval"), "{}", fault.message);
}

#[tokio::test(start_paused = true)]
async fn the_first_pass_after_a_run_comes_within_five_minutes() {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, awaits_approval).await);
    stage.pass(SignedDuration::from_mins(45)).await;
    let before = gauged(&stage).len();
    let abort = json!({ "command": "abort", "run": stage.run(), "by": "ana", "reason": "it is back" });
    stage.invoke(abort).await.expect("aborted");
    assert!(stage.until(HOUR, is_over).await);
    stage.pass(SignedDuration::from_mins(5)).await;
    assert_eq!(gauged(&stage).len(), before + 1);
}

/// A function that can't be asked, or comes to no good end.
struct Broken(Answer<Result<Value, FunctionError>>);

#[async_trait]
impl Functions for Broken {
    async fn invoke(&self, function: &str, payload: &Value) -> Answer<Result<Value, FunctionError>> {
        assert_eq!((function, payload), ("shop-readiness-checker", &json!({ "command": "readiness" })));
        self.0.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn a_checker_that_gives_no_answer_is_named_with_the_line_that_asks_it_directly() {
    let denied = Failure {
        kind: FailureKind::Denied,
        action: "lambda:InvokeFunction",
        code: "AccessDeniedException".to_owned(),
        message: "not allowed".to_owned(),
    };
    let killed = FunctionError {
        code: "Sandbox.Timedout".to_owned(),
        message: "Task timed out after 60.00 seconds".to_owned(),
    };
    let direct = "To ask shop-readiness-checker directly: echo '{\"command\":\"readiness\"}' | aws lambda invoke \
                  --region us-west-1 --function-name shop-readiness-checker --payload fileb:///dev/stdin /dev/stdout | \
                  cat";
    for (answer, why) in [
        (Err(denied), "gave no answer: lambda:InvokeFunction: not allowed (AccessDeniedException)."),
        (Ok(Err(killed)), "ended with Sandbox.Timedout: Task timed out after 60.00 seconds."),
    ] {
        let stage = good_day().await;
        let mut handler = stage.instance("alarm-handler/1").alarm_handler();
        handler.functions = Arc::new(Broken(answer));
        let deadline = stage.now().checked_add(SignedDuration::from_secs(170)).expect("a time");
        let fault = handler.handle(&json!({ "command": "readiness" }), deadline).await.expect_err("an error");
        assert_eq!(fault.code, "readiness_unknown");
        let words = format!("Readiness could not be checked: shop-readiness-checker {why}");
        assert!(fault.message.starts_with(&words) && fault.message.ends_with(direct), "{}", fault.message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_none_is_refused_before_anything_is_read() {
    let stage = Stage::new(small_plan(Mode::Approve));
    for payload in
        [json!({}), json!({ "command": "status" }), json!({ "command": "pass", "now": true }), json!(null)]
    {
        let fault = stage.check(payload).await.expect_err("refused");
        assert_eq!(fault.code, "bad_command");
    }
    assert!(stage.world.inner().calls.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_last_seen_and_can_not_be_read_is_an_error_of_the_pass_and_none_to_a_person() {
    let stage = good_day().await;
    stage.world.fault("load_readiness", InjectedFault::Fails(FailureKind::Unavailable));
    let fault = stage.check(json!({ "command": "pass" })).await.expect_err("it fails loudly");
    assert_eq!(fault.code, "readiness_unreadable");
    stage.world.fault("load_readiness", InjectedFault::Fails(FailureKind::Unavailable));
    stage.check(json!({ "command": "readiness" })).await.expect("it is answered");
}

#[tokio::test(start_paused = true)]
async fn after_a_failover_all_is_ready_the_other_way_round_but_nothing_could_take_over() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, is_over).await);
    assert_eq!(stage.phase(), "completed");
    copied(&stage, PRIMARY, RECOVERY);
    assert_eq!(
        unready(&ask(&mut stage).await),
        ["not_ready workload_protected shop", "unknown parameters_same parameters"],
        "they have to turn round"
    );
    copied(&stage, RECOVERY, PRIMARY);
    // What has moved is as it should be. Nothing could take over any more, and that is said for as long as it is so.
    let answer = ask(&mut stage).await;
    assert_eq!(unready(&answer), ["not_ready workload_protected shop"], "{answer:#}");
    assert_eq!(text(&answer, "readiness"), "not_ready");
    for route in stage.world.inner().routes.values_mut() {
        route.endpoints.primary = Endpoint::Open(Setting::Weight(128));
    }
    let rows = ["not_ready workload_protected shop", "not_ready other_side_closed front"];
    assert_eq!(unready(&ask(&mut stage).await), rows);
}

#[tokio::test(start_paused = true)]
async fn after_a_failover_people_are_told_once_that_nothing_can_take_over_and_the_figure_says_so() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.lose_primary().await;
    assert!(stage.until(HOUR, is_over).await);
    let moved_at = stage.state().active_since.expect("it has moved");
    copied(&stage, RECOVERY, PRIMARY);
    told(&stage);
    stage.pass(HOUR).await;
    let notices = told(&stage);
    let words = format!(
        "The workload is unprotected since {moved_at}. {RECOVERY} serves, and if it is lost, nothing takes \
         over in {PRIMARY}"
    );
    let speaking: Vec<_> = notices.iter().filter(|notice| notice.contains("workload_protected")).collect();
    assert!(speaking.len() == 1 && speaking[0].contains(&words), "{notices:#?}");
    stage.pass(HOUR).await;
    assert!(told(&stage).iter().all(|notice| !notice.contains("unprotected since")));
    assert!(gauged(&stage).last().is_some_and(|unready| *unready > 0), "the alarm stays on");
}

/// What only the further looks see: what is broken, the check that turns, and what it says.
type FurtherBreakage = (fn(&mut Inner), &'static str, &'static str);

const FURTHER: &[FurtherBreakage] = &[
    (
        |world| {
            let arn = "arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/other-tg/1".to_owned();
            world.looks.attached = vec![AttachedGroup { arn, healthy: 0 }];
        },
        "not_ready balancer_can_be_healthy front",
        "also forwards to other-tg/1",
    ),
    (
        |world| world.looks.zones.clear(),
        "not_ready instance_type_offered web",
        "None of its zones offers m6i.large: us-west-1a and us-west-1b.",
    ),
    (
        |world| {
            let night =
                ScheduledAction { name: "night".to_owned(), desired: Some(0), ..ScheduledAction::default() };
            world.looks.scheduled = vec![night];
        },
        "not_ready scheduled_actions_clear web",
        "the scheduled action night sets desired to 0",
    ),
    (|world| world.looks.free_addresses = 0, "not_ready addresses_free web", "0 free addresses"),
    (|world| world.looks.quota = 1, "not_ready vcpu_quota_suffices shop", "L-1216C47A, which is 1."),
    (
        |world| {
            "mysql".clone_into(&mut world.looks.replica.engine);
            world.looks.read_only = Some("1".to_owned());
        },
        "not_ready parameter_group_writable orders",
        "sets read_only to 1",
    ),
    (
        |world| world.looks.replica.class = Some("db.t3.small".to_owned()),
        "note replica_like_primary orders",
        "After a failover it serves on db.t3.small",
    ),
    (|world| world.looks.endpoint_groups = 5, "note endpoint_groups_tried front", "5 endpoint groups"),
];

#[tokio::test(start_paused = true)]
async fn each_further_look_turns_its_own_check() {
    let mut stage = good_day().await;
    for (break_it, row, sentence) in FURTHER {
        break_it(&mut stage.world.inner());
        let answer = ask(&mut stage).await;
        assert_eq!(unready(&answer), [*row]);
        assert!(answer.to_string().contains(sentence), "{answer:#}");
        let is_ready = text(&answer, "readiness") == "ready";
        assert_eq!(is_ready, row.starts_with("note"), "{answer:#}");
        stage.world.inner().looks = Looks::default();
    }
    assert_eq!(unready(&ask(&mut stage).await), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_cannot_be_kept_disturbs_no_tick_and_bothers_nobody() {
    let mut stage = good_day().await;
    suspend(&stage, true);
    for _ in 0..200 {
        stage.world.fault("save_readiness", InjectedFault::Fails(FailureKind::Unavailable));
        stage.world.fault("put_metrics", InjectedFault::Fails(FailureKind::Denied));
    }
    stage.pass(SignedDuration::from_mins(40)).await;
    assert_eq!(told(&stage), Vec::<String>::new());
    let ticked_at = stage.world.inner().vitals.clone().and_then(|vitals| vitals.ticked_at).expect("it ticks");
    assert!(stage.now().duration_since(ticked_at) < SignedDuration::from_mins(2));
    stage.alarm("ALARM").await.expect("signals are taken all the same");
    assert!(stage.state().run.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_notice_that_was_not_sent_is_sent_by_the_next_pass() {
    let mut stage = good_day().await;
    suspend(&stage, true);
    stage.world.fault("notice", InjectedFault::Fails(FailureKind::Unavailable));
    stage.pass(SignedDuration::from_mins(32)).await;
    assert_eq!(told(&stage), Vec::<String>::new());
    stage.pass(SignedDuration::from_mins(31)).await;
    assert_eq!(told(&stage).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_status_shows_what_the_last_pass_saw() {
    let mut stage = good_day().await;
    suspend(&stage, true);
    ask(&mut stage).await;
    let status = stage.invoke(json!({ "command": "status" })).await.expect("it is answered");
    let readiness = status.get("readiness").cloned().unwrap_or_default();
    assert!(text(&readiness, "sentence").starts_with("shop is not ready: of "), "{readiness:#}");
    let checks = readiness.get("checks").and_then(Value::as_array).cloned().unwrap_or_default();
    let line = checks.iter().filter_map(Value::as_str).find(|line| line.starts_with("not ready"));
    assert!(
        line.is_some_and(|line| line.contains("launch_allowed") && line.contains("Remedy: ")),
        "{checks:#?}"
    );
    assert!(stage.world.inner().fleets.contains_key(&Name::from("web")));
}

/// What snapshot-scheduler really found, read by the readiness.
#[tokio::test(start_paused = true)]
async fn snapshots_are_ready_when_both_regions_have_a_fresh_one_and_not_when_they_are_no_longer_made() {
    let mut plan = with_snapshots(small_plan(Mode::Approve), Tiers { daily: 7, weekly: 0, monthly: 0 }, 2);
    plan.parameters = None;
    let mut job = ScheduledJob::new(plan);
    job.stage.pass(SignedDuration::from_mins(2)).await;
    let rows = unready(&ask(&mut job.stage).await);
    assert_eq!(rows, ["unknown snapshots_fresh orders"], "nobody has looked yet");
    job.pass(HOUR * 2).await;
    job.stage.world.sample_lag(400);
    assert_eq!(unready(&ask(&mut job.stage).await), Vec::<String>::new());
    // Nobody looks any more; then somebody looks, and may make none.
    job.stage.clock.sleep(HOUR.unsigned_abs() * 9).await;
    job.stage.world.sample_lag(400);
    assert_eq!(unready(&ask(&mut job.stage).await), ["unknown snapshots_fresh orders"]);
    for _ in 0..9 {
        job.snapshots.fault("take", InjectedFault::Fails(FailureKind::Denied));
    }
    drop(job.keep().await);
    let answer = ask(&mut job.stage).await;
    assert_eq!(unready(&answer), ["not_ready snapshots_fresh orders"]);
    assert!(answer.to_string().contains("the newest good one in us-west-1 is"), "{answer:#}");
}

/// What is broken in the world, the one check that turns not ready by it, and what its sentence says.
type Breakage = (fn(&mut Inner), &'static str, &'static str);

const BREAKAGES: &[Breakage] = &[
    (
        |world| drop(world.functions.insert("shop-scale-asg".to_owned(), None)),
        // Its role is not known then.
        "unknown role_allowed scale-asg, not_ready functions_released shop",
        "shop-scale-asg does not exist.",
    ),
    (
        |world| {
            world.dead_letters.insert("shop-shift-traffic-dead-letters".to_owned(), Some(2));
        },
        "not_ready dead_letters_empty shop",
        "shop-shift-traffic-dead-letters holds 2 messages.",
    ),
    (
        |world| drop(world.keys.insert(REPLICA_KEY.to_owned(), Some("Disabled".to_owned()))),
        "not_ready key_enabled orders",
        "The key/replica is Disabled, so the data that it encrypts is unusable.",
    ),
    (
        |world| {
            let gone = TemplateFacts {
                image: Some("ami-1".to_owned()),
                instance_type: Some("m6i.large".to_owned()),
                ..TemplateFacts::default()
            };
            world.templates.insert("lt-web".to_owned(), Some(gone));
        },
        "not_ready template_and_image web",
        "The image ami-1 of the launch template lt-web does not exist in us-west-1.",
    ),
    (
        |world| {
            let balancers = world.plan.split('"').filter(|text| text.contains(":loadbalancer/"));
            let gone: Vec<String> = balancers.map(str::to_owned).collect();
            world.certificates.extend(gone.into_iter().map(|arn| (arn, None)));
        },
        "not_ready certificates_valid front, not_ready balancer_can_be_healthy front",
        "The recovery load balancer does not exist.",
    ),
    (
        |world| {
            let (action, resource) = ("rds:PromoteReadReplica".to_owned(), "db".to_owned());
            let refusal =
                RefusedAction { action: action.clone(), resource, decision: "implicitDeny".to_owned() };
            world.refused.insert(action, vec![refusal]);
        },
        "not_ready role_allowed promote-replica",
        "IAM does not allow the role of shop-promote-replica to call rds:PromoteReadReplica on db \
         (implicitDeny).",
    ),
];

#[tokio::test(start_paused = true)]
async fn each_breakage_turns_its_own_check_and_mended_all_is_ready() {
    let mut stage = good_day().await;
    for (break_it, rows, sentence) in BREAKAGES {
        break_it(&mut stage.world.inner());
        let answer = ask(&mut stage).await;
        assert_eq!(unready(&answer).join(", "), *rows);
        assert!(answer.to_string().contains(sentence), "{answer:#}");
        let mut world = stage.world.inner();
        (world.functions, world.dead_letters, world.keys) = Default::default();
        (world.templates, world.certificates, world.refused) = Default::default();
    }
    assert_eq!(unready(&ask(&mut stage).await), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn each_new_look_that_is_denied_is_unknown_and_names_what_the_role_may_not() {
    let mut stage = good_day().await;
    for (action, row) in [
        ("release", "unknown functions_released shop"),
        ("inspect_function", "unknown functions_released shop"),
        ("inspect_reserved", "unknown functions_reserved shop"),
        ("inspect_queue", "unknown dead_letters_empty shop"),
        ("inspect_key", "unknown key_enabled orders"),
        ("inspect_template", "unknown template_and_image web"),
        ("inspect_certificates", "unknown certificates_valid front"),
        ("simulate", "unknown role_allowed promote-replica"),
        ("load_parameter_pass", "unknown parameters_same parameters"),
        ("inspect_primaries", "unknown replica_like_primary orders"),
        ("inspect_endpoint_groups", "unknown endpoint_groups_tried front"),
        ("inspect_balancer", "unknown balancer_can_be_healthy front"),
        ("inspect_scheduled", "unknown scheduled_actions_clear web"),
        ("inspect_zones", "unknown instance_type_offered web"),
        ("inspect_vcpus", "unknown vcpu_quota_suffices shop"),
        ("inspect_quota", "unknown vcpu_quota_suffices shop"),
        ("inspect_subnet", "unknown addresses_free web"),
    ] {
        for _ in 0..8 {
            stage.world.fault(action, InjectedFault::Fails(FailureKind::Denied));
        }
        let answer = ask(&mut stage).await;
        let rows = unready(&answer);
        assert!(rows.iter().any(|found| found == row), "{action}: {rows:?}");
        assert!(rows.iter().all(|found| found.starts_with("unknown")), "{action}: {rows:?}");
        assert!(
            answer.to_string().contains(&format!("the function's role may not call {action}")),
            "{answer:#}"
        );
        stage.world.inner().faults.clear();
    }
}
