//! What every file under `events/` is taken for, and what no payload at all may be taken for.

#![allow(clippy::too_many_lines, reason = "tables are long")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use proptest::prelude::*;
use protocol::command::{Step, StepCommand};
use protocol::incoming::{Incoming, MESSAGE_BYTES_MAX, StepCommandMessage};
use protocol::name::Name;
use protocol::operator::{OperatorCommand, Overrides};
use protocol::plan::Plan;
use protocol::signal::{AlarmState, Signal, Via};
use serde_json::{Value, json};

const SIGNALS: &str = "arn:aws:sns:us-east-2:123456789012:shop-signals";
const SIGNALS_RECOVERY: &str = "arn:aws:sns:us-west-1:123456789012:shop-signals";
const COMMANDS: &str = "arn:aws:sns:us-west-1:123456789012:shop-commands";
const FOREIGN_SIGNALS: &str = "arn:aws:sns:us-east-2:999999999999:shop-signals";
const FOREIGN_COMMANDS: &str = "arn:aws:sns:us-west-1:999999999999:shop-commands";

const ERRORS: &str = "arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-front-errors";
const ERROR_RATE: &str = "arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-front-error-rate";
const LATENCY: &str = "arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-front-latency-anomaly";
const DOWN: &str = "arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-down";
const LAG: &str = "arn:aws:cloudwatch:us-west-1:123456789012:alarm:shop-orders-replica-lag";

/// The time of the change in most files.
const TEN: &str = "2026-11-20T10:00:00.123Z";

#[derive(Debug)]
enum Expected {
    Alarm {
        arn: &'static str,
        state: AlarmState,
        changed_at: &'static str,
        via: Via,
    },
    /// One unrecognised signal whose description begins like this.
    Unrecognised(&'static str),
    /// An alarm and then something unrecognised, or the other way round.
    Signals(&'static [&'static str]),
    Step {
        topic: &'static str,
        step: Step,
        subjects: &'static [&'static str],
    },
    Tick,
    WakeUp {
        source: &'static str,
        detail_type: &'static str,
        resources: usize,
    },
    /// A failover of the orders database within the primary region.
    MultiAzFailover {
        event_id: &'static str,
        at: &'static str,
        via: Via,
    },
    /// A message of one series of an alarm.
    Contributor {
        id: &'static str,
        via: Via,
    },
    /// An alarm in ALARM whose actions are held back.
    HeldBack(&'static str),
    Empty,
    Operator(OperatorCommand),
    BadOperator(&'static str),
    /// No command and no event: what is said of the first key that is not known begins like this.
    NoCommand(&'static str),
    /// No object: what it is instead, and the remedy.
    NoObject(&'static str, &'static str),
    /// A command of another function: the problem begins like this.
    NotForMe(&'static str),
}

use Expected::{BadOperator, Operator, Tick, Unrecognised};

use crate::pointers::pointers;

const WITNESS_LOOK: &str = "`look` is not a command: Commands: failover, approve, abort, hold, release, acknowledge, adopt, \
                            status, readiness, tick.";
const WITNESS_BEAT: &str = "`beat` is not a command: Commands: failover, approve, abort, hold, release, acknowledge, adopt, \
                            status, readiness, tick.";

fn by(topic: &str) -> Via {
    Via::Sns { topic: topic.to_owned() }
}

fn alarm(arn: &'static str, via: Via) -> Expected {
    Expected::Alarm { arn, state: AlarmState::Alarm, changed_at: TEN, via }
}

fn alarm_of(arn: &'static str, state: AlarmState, changed_at: &'static str, via: Via) -> Expected {
    Expected::Alarm { arn, state, changed_at, via }
}

fn step(step: Step, subjects: &'static [&'static str]) -> Expected {
    Expected::Step { topic: COMMANDS, step, subjects }
}

fn rds() -> Expected {
    Expected::WakeUp { source: "aws.rds", detail_type: "RDS DB Instance Event", resources: 1 }
}

fn rds_cluster() -> Expected {
    Expected::WakeUp { source: "aws.rds", detail_type: "RDS DB Cluster Event", resources: 1 }
}

fn asg(detail_type: &'static str) -> Expected {
    Expected::WakeUp { source: "aws.autoscaling", detail_type, resources: 2 }
}

fn ana() -> String {
    "ana".to_owned()
}

fn alarms() -> Vec<(&'static str, Expected)> {
    use AlarmState::{Alarm, InsufficientData, Ok};
    vec![
        ("sns-metric-alarm", alarm(ERRORS, by(SIGNALS))),
        ("sns-metric-math-alarm", alarm(ERROR_RATE, by(SIGNALS))),
        ("sns-composite-alarm", alarm(DOWN, by(SIGNALS))),
        ("sns-anomaly-alarm", alarm(LATENCY, by(SIGNALS))),
        ("sns-null-description", alarm(ERRORS, by(SIGNALS))),
        ("sns-recovery-region-alarm", alarm(LAG, by(SIGNALS_RECOVERY))),
        ("sns-time-without-milliseconds", alarm_of(ERRORS, Alarm, "2026-11-20T10:00:00Z", by(SIGNALS))),
        ("sns-only-the-needed-fields", alarm_of(ERRORS, Alarm, "2026-11-20T10:00:00Z", by(SIGNALS))),
        ("sns-ok", alarm_of(ERRORS, Ok, "2026-11-20T10:12:00.456Z", by(SIGNALS))),
        ("sns-insufficient-data", alarm_of(ERRORS, InsufficientData, TEN, by(SIGNALS))),
        ("eventbridge-metric-alarm", alarm(ERRORS, Via::EventBridge)),
        ("eventbridge-metric-math-alarm", alarm(ERROR_RATE, Via::EventBridge)),
        ("eventbridge-composite-alarm", alarm(DOWN, Via::EventBridge)),
        ("eventbridge-anomaly-alarm", alarm(LATENCY, Via::EventBridge)),
        ("eventbridge-ok", alarm_of(ERRORS, Ok, TEN, Via::EventBridge)),
        ("direct-metric-alarm", alarm(ERRORS, Via::Direct)),
        ("direct-metric-math-alarm", alarm(ERROR_RATE, Via::Direct)),
        ("direct-composite-alarm", alarm(DOWN, Via::Direct)),
        ("direct-anomaly-alarm", alarm(LATENCY, Via::Direct)),
        ("stale-alarm", alarm_of(ERRORS, Alarm, "2026-11-20T04:00:00.123Z", by(SIGNALS))),
        ("future-alarm", alarm_of(ERRORS, Alarm, "2027-11-20T10:00:00.123Z", by(SIGNALS))),
        (
            "foreign-account-alarm",
            alarm("arn:aws:cloudwatch:us-east-2:999999999999:alarm:shop-front-errors", by(SIGNALS)),
        ),
        (
            "sns-primary-account-alarm",
            alarm("arn:aws:cloudwatch:us-east-2:210987654321:alarm:shop-front-errors", by(SIGNALS)),
        ),
        (
            "unlisted-alarm",
            alarm("arn:aws:cloudwatch:us-east-2:123456789012:alarm:someone-elses-alarm", by(SIGNALS)),
        ),
        (
            "forged-region",
            alarm("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:shop-front-errors", by(SIGNALS)),
        ),
        ("forged-topic", alarm(ERRORS, by(FOREIGN_SIGNALS))),
    ]
}

/// What alarms were seen to be like in the field: over several series, held back, by another way, with odd names.
fn alarms_of_the_field() -> Vec<(&'static str, Expected)> {
    let named = |arn| alarm(arn, by(SIGNALS));
    vec![
        ("sns-contributor-alarm", Expected::Contributor { id: "9a8b7c6d5e4f3021", via: by(SIGNALS) }),
        ("direct-contributor-alarm", Expected::Contributor { id: "1f2e3d4c5b6a7988", via: Via::Direct }),
        ("eb-contributor-event", Unrecognised("an event about one time series of an alarm, ")),
        (
            "eb-suppressed",
            Expected::HeldBack("suppressed by Alarm (Actions suppressed by alarm shop-deploying)"),
        ),
        ("eb-wait-period", Expected::HeldBack("suppressed by WaitPeriod (Actions suppressed by WaitPeriod)")),
        ("eb-muted", Expected::HeldBack("muted by a mute rule")),
        ("eb-over-sns", named(ERRORS)),
        ("log-alarm", named(ERRORS)),
        ("anomaly-threshold-metric", named(LATENCY)),
        (
            "name-colon-umlaut",
            named("arn:aws:cloudwatch:us-east-2:123456789012:alarm:Kasse: 5xx \u{fc}ber Soll / S\u{fc}d"),
        ),
        (
            "name-target-tracking-function",
            named(
                "arn:aws:cloudwatch:us-east-2:123456789012:alarm:TargetTracking-function:shop-basket:GREEN-AlarmHigh-\
                 7d6c5b4a-1111-4222-8333-944445555666",
            ),
        ),
        ("name-nfd-event", named("arn:aws:cloudwatch:us-east-2:123456789012:alarm:Kasse-u\u{308}berlastet")),
        ("name-emoji", named("arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-\u{1f525}-front")),
        ("name-wildcards", named("arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-*-fr?nt")),
        (
            "names-odd",
            named("arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop/a\\b \"quoted\" {curly} $HOME `x`"),
        ),
        ("payload-of-2019-without-arn", Unrecognised("an alarm message without the ARN of an alarm: ")),
        ("rds-event-subscription", Unrecognised("a message that is neither an alarm nor a step: ")),
        ("sns-console-test", Unrecognised("a message that is not JSON: ")),
        ("scheduler-default-event", Tick),
    ]
}

fn multi_az_failovers() -> Vec<(&'static str, Expected)> {
    let began = |via| Expected::MultiAzFailover { event_id: "RDS-EVENT-0013", at: TEN, via };
    vec![
        ("sns-multi-az-failover", began(by(SIGNALS))),
        (
            "sns-multi-az-failover-complete",
            Expected::MultiAzFailover {
                event_id: "RDS-EVENT-0049",
                at: "2026-11-20T10:01:10.456Z",
                via: by(SIGNALS),
            },
        ),
        ("rds-event-multi-az-failover", began(Via::EventBridge)),
        ("forged-multi-az-failover", began(by(FOREIGN_SIGNALS))),
    ]
}

fn ticks_wake_ups_and_steps() -> Vec<(&'static str, Expected)> {
    vec![
        ("tick", Tick),
        ("tick-of-old", Tick),
        ("scheduled-event", Tick),
        ("snapshots-scheduled-event", Tick),
        ("rds-event-global-failover", rds_cluster()),
        ("rds-event-restarted", rds()),
        ("rds-event-replication-stopped", rds()),
        ("asg-launch-successful", asg("EC2 Instance Launch Successful")),
        ("asg-launch-unsuccessful", asg("EC2 Instance Launch Unsuccessful")),
        ("asg-terminate-successful", asg("EC2 Instance Terminate Successful")),
        ("sns-step-confirm", step(Step::Confirm, &[])),
        ("sns-step-scale", step(Step::Scale, &["web"])),
        ("sns-step-fence", step(Step::Fence, &["front"])),
        ("sns-step-promote", step(Step::Promote, &["orders"])),
        ("sns-step-open", step(Step::Open, &["front"])),
        ("sns-step-verify", step(Step::Verify, &["front"])),
        ("sns-step-quarantine", step(Step::Quarantine, &["orders", "stock"])),
        ("sns-step-restore", step(Step::Restore, &["web"])),
        ("sns-step-unfence", step(Step::Unfence, &["front"])),
        (
            "forged-step-by-foreign-topic",
            Expected::Step { topic: FOREIGN_COMMANDS, step: Step::Promote, subjects: &["orders"] },
        ),
    ]
}

fn operators() -> Vec<(&'static str, Expected)> {
    let none = Overrides::default();
    let all = Overrides { allow_data_loss: true, override_fence: true, override_vetoes: true };
    let loss = Overrides { allow_data_loss: true, ..none };
    let failover = |reason: &str, routes, overrides| {
        Operator(OperatorCommand::Failover { by: ana(), reason: reason.to_owned(), routes, overrides })
    };
    vec![
        ("operator-failover", failover("us-east-2 is lost", vec![], none)),
        (
            "operator-failover-with-overrides",
            failover("us-east-2 is lost, the loss is accepted", vec![Name::new("front")], all),
        ),
        ("operator-approve", Operator(OperatorCommand::Approve { by: ana(), run: 41, overrides: none })),
        (
            "operator-approve-allow-data-loss",
            Operator(OperatorCommand::Approve { by: ana(), run: 41, overrides: loss }),
        ),
        (
            "operator-abort",
            Operator(OperatorCommand::Abort {
                by: ana(),
                run: 41,
                reason: "the region answers again".to_owned(),
            }),
        ),
        (
            "operator-hold",
            Operator(OperatorCommand::Hold {
                by: ana(),
                minutes: 120,
                reason: "maintenance of the primary database".to_owned(),
            }),
        ),
        ("operator-release", Operator(OperatorCommand::Release { by: ana() })),
        ("operator-acknowledge", Operator(OperatorCommand::Acknowledge { by: ana(), run: 41 })),
        ("operator-adopt", Operator(OperatorCommand::Adopt { by: ana() })),
        ("operator-status", Operator(OperatorCommand::Status {})),
        ("operator-readiness", Operator(OperatorCommand::Readiness {})),
        (
            "operator-bad-readiness",
            BadOperator("`verbose` is not a field of readiness: its only field is `command`."),
        ),
        (
            "operator-bad-command",
            BadOperator(
                "`aprove` is not a command: did you mean `approve`? Commands: failover, approve, abort, hold, \
                 release, acknowledge, adopt, status, readiness, tick.",
            ),
        ),
        (
            "operator-bad-missing-field",
            BadOperator("`run` is missing: give the number of the run, as the command status shows it."),
        ),
        (
            "operator-bad-unknown-field",
            BadOperator("`allow_data_lost` is not a field of approve: did you mean `allow_data_loss`?"),
        ),
        (
            "operator-bad-types",
            BadOperator(
                "`by` is not a string: say who you are. `minutes` is not a whole number: give the length of \
                 the hold in minutes, 1 to 10080. `reason` is not a string: say why, for the record.",
            ),
        ),
    ]
}

/// A direct invocation that is no command is an error to whoever made it.
fn no_commands() -> Vec<(&'static str, Expected)> {
    let missing = |rest: &'static str| Expected::NoCommand(rest);
    let no_object = "send an object, such as {\"command\":\"status\"}.";
    vec![
        ("operator-capital", missing("`Command` is not a field: did you mean `command`?")),
        ("operator-failover-capital", missing("`Command` is not a field: did you mean `command`?")),
        (
            "operator-action",
            missing(
                "`action` is not a field: known: allow_data_loss, by, command, minutes, override_fence, override_vetoes, \
                 reason, routes, run.",
            ),
        ),
        (
            "operator-value-capital",
            BadOperator(
                "`Status` is not a command: did you mean `status`? Commands: failover, approve, abort, hold, release, \
                 acknowledge, adopt, status, readiness, tick.",
            ),
        ),
        ("operator-empty", Expected::Empty),
        ("malformed-empty-object", Expected::Empty),
        ("operator-in-a-list", Expected::NoObject("a list of 1", no_object)),
        ("malformed-list", Expected::NoObject("a list of 2", no_object)),
        ("malformed-nesting", Expected::NoObject("a list of 1", no_object)),
        ("malformed-null", Expected::NoObject("null", no_object)),
        ("malformed-number", Expected::NoObject("a number", no_object)),
        (
            "operator-as-text",
            Expected::NoObject(
                "a string",
                "send the object itself, not a string that contains it, such as {\"command\":\"status\"}.",
            ),
        ),
        (
            "malformed-text",
            Expected::NoObject(
                "a string",
                "send the object itself, not a string that contains it, such as {\"command\":\"status\"}.",
            ),
        ),
        ("malformed-tick-false", missing("`tick` is not a field: known: ")),
        ("forged-step-direct", missing("`plan` is not a field: known: ")),
        ("secret-in-unknown-event", missing("`note` is not a field: known: ")),
        // Requests of the snapshot-scheduler are nothing to the alarm-handler.
        (
            "snapshots-keep",
            Expected::NotForMe("`keep` is a command of snapshot-scheduler, not of alarm-handler. "),
        ),
        (
            "snapshots-dry-run",
            Expected::NotForMe("`dry_run` is a command of snapshot-scheduler, not of alarm-handler. "),
        ),
        // Nor are those of the readiness-checker; it has one command by the same name.
        ("readiness-now", Operator(OperatorCommand::Readiness {})),
        (
            "readiness-pass",
            Expected::NotForMe(
                "`pass` is a command of readiness-checker and ssm-replicator, not of alarm-handler. ",
            ),
        ),
        (
            "readiness-bad-extra-field",
            Expected::NotForMe(
                "`pass` is a command of readiness-checker and ssm-replicator, not of alarm-handler. ",
            ),
        ),
        ("snapshots-keep-of-old", missing("`snapshots` is not a field: known: ")),
        // Those of the witness: nobody but a guard and a schedule sends them.
        ("witness-look", BadOperator(WITNESS_LOOK)),
        ("witness-beat", BadOperator(WITNESS_BEAT)),
        ("snapshots-dry-run-of-old", missing("`snapshots` is not a field: known: ")),
        (
            "snapshots-bad-word",
            BadOperator(
                "`delete_all` is not a command: Commands: failover, approve, abort, hold, release, acknowledge, adopt, status, readiness, tick.",
            ),
        ),
        (
            "snapshots-bad-extra-field",
            Expected::NotForMe("`keep` is a command of snapshot-scheduler, not of alarm-handler. "),
        ),
        ("snapshots-bad-type", Expected::NotForMe("`command` is not a string: ")),
    ]
}

fn unrecognised() -> Vec<(&'static str, Expected)> {
    vec![
        ("event-without-detail-type", Unrecognised("an event without detail-type: an object with ")),
        ("malformed-message-not-json", Unrecognised("a message that is not JSON: ")),
        ("malformed-message-nesting", Unrecognised("a message that is not JSON: ")),
        ("malformed-wrong-types", Unrecognised("an alarm message without the ARN of an alarm: ")),
        ("malformed-no-arn", Unrecognised("an alarm message without the ARN of an alarm: ")),
        ("malformed-unknown-state", Unrecognised("an alarm message without a known state: ")),
        ("malformed-time", Unrecognised("an alarm message without the time of its change: ")),
        (
            "malformed-empty-records",
            Unrecognised("a batch without messages: an object with Records (a list of 0)"),
        ),
        (
            "malformed-multi-az-failover",
            Unrecognised("a Multi-AZ failover event without the ARN of an instance: "),
        ),
        ("malformed-records-not-a-list", Unrecognised("a batch without messages: ")),
        ("malformed-record-without-sns", Unrecognised("a record that is not an SNS message: ")),
        ("malformed-sqs-record", Unrecognised("a record that is not an SNS message: ")),
        (
            "malformed-mixed-batch",
            Expected::Signals(&["a step command in the same batch as other messages", ERRORS]),
        ),
        (
            "malformed-step-unknown",
            Unrecognised(
                "a message that is neither an alarm nor a step: an object with plan (a string), run (a \
                 number), step (a string), subjects (a list of 1)",
            ),
        ),
        ("malformed-step-extra-field", Unrecognised("a message that is neither an alarm nor a step: ")),
        ("malformed-eventbridge-no-resources", Unrecognised("an alarm event without the ARN of an alarm: ")),
        ("malformed-direct-without-state", Unrecognised("a direct alarm action without a known state: ")),
        ("unrelated-ec2-event", Unrecognised("an event that Pilotlight does not handle: ")),
        ("forged-arn-is-no-alarm", Unrecognised("an alarm message without the ARN of an alarm: ")),
        ("forged-operator-by-sns", Unrecognised("a message that is neither an alarm nor a step: ")),
        ("forged-operator-in-event", Unrecognised("an event that Pilotlight does not handle: ")),
        ("forged-tick-by-sns", Unrecognised("a message that is neither an alarm nor a step: ")),
        ("forged-custom-event", Unrecognised("an event that Pilotlight does not handle: ")),
        ("snapshots-forged-by-sns", Unrecognised("a message that is neither an alarm nor a step: ")),
    ]
}

/// What is for the function that copies parameters is nothing to the others; what it is to that one, see
/// `parameter_events.rs`.
fn parameters() -> Vec<(&'static str, Expected)> {
    let changes = [
        "parameter-create",
        "parameter-update",
        "parameter-delete",
        "parameter-label",
        "parameter-tags-changed",
        "parameter-create-in-recovery",
        "parameter-update-in-recovery",
        "parameter-delete-in-recovery",
        "parameter-label-in-recovery",
        "parameter-outside",
        "parameter-override",
        "parameter-own-plan",
        "parameter-foreign-account",
        "parameter-primary-account",
        "parameter-foreign-region",
        "parameter-forged-name-and-region",
        "malformed-parameter-no-resources",
        "malformed-parameter-is-a-document",
        "forged-parameter-custom-event",
    ];
    let mut rows: Vec<(&'static str, Expected)> =
        changes.map(|name| (name, Unrecognised("an event that Pilotlight does not handle: "))).into();
    let commands = [
        (
            "operator-pass",
            "`pass` is a command of readiness-checker and ssm-replicator, not of alarm-handler. ",
        ),
        ("operator-drift", "`drift` is a command of ssm-replicator, not of alarm-handler. "),
        ("operator-bad-drift", "`drift` is a command of ssm-replicator, not of alarm-handler. "),
    ];
    rows.extend(commands.map(|(name, problem)| (name, Expected::NotForMe(problem))));
    rows
}

fn table() -> Vec<(&'static str, Expected)> {
    [
        alarms(),
        alarms_of_the_field(),
        no_commands(),
        multi_az_failovers(),
        ticks_wake_ups_and_steps(),
        operators(),
        parameters(),
        unrecognised(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

fn payload(name: &str) -> Value {
    let path = folder().join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("events/{name}.json: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("events/{name}.json: {error}"))
}

fn assert_classified(name: &str, found: &Incoming, expected: &Expected) {
    match (found, expected) {
        (Incoming::Tick, Tick) | (Incoming::Empty, Expected::Empty) => {}
        (Incoming::Signals(signals), Expected::Contributor { id, via }) => {
            let [Signal::Alarm(found)] = signals.as_slice() else { panic!("{name}: {signals:?}") };
            assert_eq!((found.contributor.as_deref(), &found.via), (Some(*id), via), "{name}");
            assert_eq!((found.arn.as_str(), found.state), (ERRORS, AlarmState::Alarm), "{name}");
        }
        (Incoming::Signals(signals), Expected::HeldBack(why)) => {
            let [Signal::Alarm(found)] = signals.as_slice() else { panic!("{name}: {signals:?}") };
            assert_eq!(found.held_back.as_deref(), Some(*why), "{name}");
            assert_eq!((found.arn.as_str(), found.state), (DOWN, AlarmState::Alarm), "{name}");
        }
        (Incoming::Operator(found), Operator(expected)) => assert_eq!(found, expected, "{name}"),
        (Incoming::BadOperator { problem }, BadOperator(expected)) => assert_eq!(problem, expected, "{name}"),
        (Incoming::BadOperator { problem }, Expected::NoCommand(expected)) => {
            let missing = "`command` is missing, so Pilotlight did nothing: use one of failover, approve, \
                           abort, hold, release, acknowledge, adopt, status, readiness, tick, such as \
                           {\"command\":\"status\"}. ";
            let rest = problem.strip_prefix(missing).unwrap_or_else(|| panic!("{name}: {problem}"));
            assert!(rest.starts_with(expected), "{name}: {rest}");
        }
        (Incoming::BadOperator { problem }, Expected::NoObject(what, remedy)) => {
            assert_eq!(problem, &format!("The payload is {what}: {remedy}"), "{name}");
        }
        (Incoming::BadOperator { problem }, Expected::NotForMe(expected)) => {
            assert!(problem.starts_with(expected), "{name}: {problem}");
        }
        (Incoming::WakeUp { source, detail_type, resources }, Expected::WakeUp { .. }) => {
            let found = format!("{source} {detail_type} {}", resources.len());
            let Expected::WakeUp { source, detail_type, resources } = expected else { unreachable!() };
            assert_eq!(found, format!("{source} {detail_type} {resources}"), "{name}");
        }
        (Incoming::Steps(found), Expected::Step { topic, step, subjects }) => {
            let subjects = subjects.iter().map(|name| Name::new(*name)).collect();
            let command = StepCommand { plan: Name::new("shop"), run: 41, step: *step, subjects };
            assert_eq!(found, &[StepCommandMessage { topic: (*topic).to_owned(), command }], "{name}");
        }
        (Incoming::Signals(signals), Expected::Alarm { arn, state, changed_at, via }) => {
            let [Signal::Alarm(found)] = signals.as_slice() else { panic!("{name}: {signals:?}") };
            assert_eq!((found.arn.as_str(), found.state, &found.via), (*arn, *state, via), "{name}");
            assert_eq!(found.changed_at, changed_at.parse().unwrap(), "{name}");
            assert!(found.reason.chars().count() <= 300, "{name}");
            assert_eq!((&found.contributor, &found.held_back), (&None, &None), "{name}");
        }
        (Incoming::Signals(signals), Expected::MultiAzFailover { event_id, at, via }) => {
            let [Signal::MultiAzFailover(found)] = signals.as_slice() else { panic!("{name}: {signals:?}") };
            let instance = "arn:aws:rds:us-east-2:123456789012:db:shop-orders";
            assert_eq!((found.instance.as_str(), found.event_id.as_str()), (instance, *event_id), "{name}");
            assert_eq!((found.at, &found.via), (at.parse().unwrap(), via), "{name}");
        }
        (Incoming::Signals(signals), Unrecognised(expected)) => {
            let [Signal::Unrecognised { shape }] = signals.as_slice() else { panic!("{name}: {signals:?}") };
            assert!(shape.starts_with(expected), "{name}: {shape}");
        }
        (Incoming::Signals(signals), Expected::Signals(expected)) => {
            let found: Vec<&str> = signals
                .iter()
                .map(|signal| match signal {
                    Signal::Alarm(alarm) => alarm.arn.as_str(),
                    Signal::MultiAzFailover(seen) => seen.instance.as_str(),
                    Signal::Unrecognised { shape } => shape.as_str(),
                })
                .collect();
            assert_eq!(&found, expected, "{name}");
        }
        _ => panic!("{name} is {found:?}, expected {expected:?}"),
    }
}

#[test]
fn every_event_is_taken_for_what_it_is() {
    for (name, expected) in table() {
        assert_classified(name, &Incoming::read(&payload(name)), &expected);
    }
}

#[test]
fn every_event_has_one_row_in_the_table_and_one_in_the_readme() {
    let files: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .collect();
    let rows: BTreeSet<String> = table().iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(rows.len(), table().len(), "a file has two rows in the table");
    assert_eq!(files, rows, "files under events/ and rows of the table differ");
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let mut listed: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once(".json` |").map(|(name, _)| name))
        .collect();
    listed.sort_unstable();
    assert_eq!(listed, Vec::from_iter(&files), "files under events/ and rows of its README differ");
}

#[test]
fn the_plan_of_the_shop_lists_the_alarms_and_topics_that_the_events_come_from() {
    let plan = Plan::from_json(include_str!("plans/shop.json")).unwrap();
    assert_eq!(plan.detection.sides.primary.alarms, [ERRORS, ERROR_RATE, LATENCY, DOWN, LAG]);
    assert_eq!(plan.detection.topics, [SIGNALS, SIGNALS_RECOVERY]);
    for (name, expected) in table() {
        let Expected::Alarm { arn, via, .. } = expected else {
            continue;
        };
        let topic_is_listed = match via {
            Via::Sns { topic } => plan.detection.topics.contains(&topic),
            Via::EventBridge | Via::Direct => true,
        };
        let is_listed =
            topic_is_listed && plan.detection.sides.primary.alarms.iter().any(|listed| listed == arn);
        let must_not_count = [
            "foreign-account-alarm",
            "sns-primary-account-alarm",
            "unlisted-alarm",
            "forged-region",
            "forged-topic",
            "name-colon-umlaut",
            "name-target-tracking-function",
            "name-nfd-event",
            "name-emoji",
            "name-wildcards",
            "names-odd",
        ];
        assert_eq!(is_listed, !must_not_count.contains(&name), "{name}");
    }
}

#[test]
fn region_and_account_are_those_of_the_arn_whatever_the_rest_says() {
    let Incoming::Signals(signals) = Incoming::read(&payload("forged-region")) else { panic!() };
    let [Signal::Alarm(alarm)] = signals.as_slice() else { panic!() };
    assert_eq!((alarm.region(), alarm.account()), (Some("eu-west-1"), Some("123456789012")));
    for (name, key) in [("direct-metric-alarm", "region"), ("eventbridge-metric-alarm", "region")] {
        let mut event = payload(name);
        event[key] = json!("eu-west-1");
        let Incoming::Signals(signals) = Incoming::read(&event) else { panic!() };
        let [Signal::Alarm(alarm)] = signals.as_slice() else { panic!() };
        assert_eq!(alarm.region(), Some("us-east-2"), "{name}");
    }
}

/// Takes the optional fields of the message away one after the other; the needed ones are three, and the topic.
#[test]
fn an_alarm_by_sns_needs_its_arn_state_and_time_and_nothing_else() {
    for name in ["sns-metric-alarm", "sns-metric-math-alarm", "sns-composite-alarm", "sns-anomaly-alarm"] {
        let event = payload(name);
        let body: Value =
            serde_json::from_str(event["Records"][0]["Sns"]["Message"].as_str().unwrap()).unwrap();
        for key in body.as_object().unwrap().keys() {
            for replacement in [None, Some(Value::Null), Some(json!([7])), Some(json!({"x": {}}))] {
                let mut body = body.clone();
                match replacement {
                    None => body.as_object_mut().unwrap().remove(key),
                    Some(value) => body.as_object_mut().unwrap().insert(key.clone(), value),
                };
                let mut event = event.clone();
                event["Records"][0]["Sns"]["Message"] = json!(body.to_string());
                let needed = ["AlarmArn", "NewStateValue", "StateChangeTime"].contains(&key.as_str());
                let Incoming::Signals(signals) = Incoming::read(&event) else { panic!("{name} {key}") };
                assert_eq!(matches!(signals.as_slice(), [Signal::Alarm(_)]), !needed, "{name} without {key}");
            }
        }
    }
}

#[test]
fn an_event_without_the_time_of_the_state_has_its_own_time() {
    for name in ["eventbridge-metric-alarm", "direct-metric-alarm"] {
        let mut event = payload(name);
        let data = if name.starts_with("direct") { "alarmData" } else { "detail" };
        event[data]["state"].as_object_mut().unwrap().remove("timestamp");
        event["time"] = json!("2026-11-20T10:00:05Z");
        let Incoming::Signals(signals) = Incoming::read(&event) else { panic!("{name}") };
        let [Signal::Alarm(alarm)] = signals.as_slice() else { panic!("{name}: {signals:?}") };
        assert_eq!(alarm.changed_at, "2026-11-20T10:00:05Z".parse().unwrap());
        // A time that is there and can't be read is not replaced by another.
        event[data]["state"]["timestamp"] = json!("yesterday");
        let Incoming::Signals(signals) = Incoming::read(&event) else { panic!("{name}") };
        assert!(matches!(signals.as_slice(), [Signal::Unrecognised { .. }]), "{name}");
    }
}

#[test]
fn what_is_larger_than_a_message_can_be_is_not_read() {
    let long = "x".repeat(MESSAGE_BYTES_MAX);
    let mut body: Value =
        serde_json::from_str(payload("sns-metric-alarm")["Records"][0]["Sns"]["Message"].as_str().unwrap())
            .unwrap();
    body["AlarmDescription"] = json!(long);
    let mut by_sns = payload("sns-metric-alarm");
    by_sns["Records"][0]["Sns"]["Message"] = json!(body.to_string());
    let mut by_event = payload("eventbridge-metric-alarm");
    by_event["detail"]["padding"] = json!(long);
    let mut direct = payload("direct-metric-alarm");
    direct["padding"] = json!([long]);
    let operator = json!({"command": "failover", "by": "ana", "reason": long});
    for (event, expected) in [
        (by_sns, "a message larger than SNS sends: a string"),
        (by_event, "larger than any message can be: "),
        (direct, "larger than any message can be: "),
        (operator, "larger than any message can be: "),
    ] {
        let Incoming::Signals(signals) = Incoming::read(&event) else { panic!("{expected}") };
        let [Signal::Unrecognised { shape }] = signals.as_slice() else { panic!("{expected}: {signals:?}") };
        assert!(shape.starts_with(expected) && shape.chars().count() <= 300, "{shape}");
    }
}

#[test]
fn a_long_reason_is_cut_and_its_line_breaks_are_gone() {
    let mut event = payload("eventbridge-metric-alarm");
    event["detail"]["state"]["reason"] = json!("ä\n".repeat(1000));
    let Incoming::Signals(signals) = Incoming::read(&event) else { panic!() };
    let [Signal::Alarm(alarm)] = signals.as_slice() else { panic!() };
    assert_eq!(alarm.reason, "ä ".repeat(150));
}

#[test]
fn many_messages_in_one_batch_are_not_read() {
    let mut event = payload("sns-metric-alarm");
    let record = event["Records"][0].clone();
    event["Records"] = vec![record; 11].into();
    let Incoming::Signals(signals) = Incoming::read(&event) else { panic!() };
    let shape = "a batch with more messages than SNS sends: an object with Records (a list of 11)".to_owned();
    assert_eq!(signals, [Signal::Unrecognised { shape }]);
}

#[test]
fn no_description_of_an_event_holds_a_value_of_it() {
    for (name, _) in table() {
        let event = payload(name);
        let Incoming::Signals(signals) = Incoming::read(&event) else {
            continue;
        };
        for signal in signals {
            let Signal::Unrecognised { shape } = signal else {
                continue;
            };
            for value in ["correct-horse", "shop-front-errors", "123456789012", "destroy", "No value of this"]
            {
                assert!(!shape.contains(value), "{name}: {shape}");
            }
        }
    }
}

/// Arbitrary JSON, of which many keys and texts are those of real events.
fn arbitrary_json() -> impl Strategy<Value = Value> {
    const WORDS: [&str; 40] = [
        "Records",
        "EventSource",
        "aws:sns",
        "Sns",
        "TopicArn",
        "Message",
        SIGNALS,
        "AlarmArn",
        ERRORS,
        "NewStateValue",
        "ALARM",
        "StateChangeTime",
        "2026-11-20T10:00:00.123+0000",
        "detail-type",
        "CloudWatch Alarm State Change",
        "source",
        "aws.cloudwatch",
        "resources",
        "detail",
        "state",
        "value",
        "timestamp",
        "time",
        "alarmArn",
        "alarmData",
        "command",
        "failover",
        "approve",
        "status",
        "by",
        "reason",
        "run",
        "tick",
        "plan",
        "step",
        "promote",
        "subjects",
        "aws.events",
        "Scheduled Event",
        "{\"plan\":\"shop\",\"run\":1,\"step\":\"open\"}",
    ];
    let word =
        prop_oneof![4 => prop::sample::select(WORDS.as_slice()).prop_map(str::to_owned), 1 => ".{0,12}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(word.clone(), inner, 0..8)
                .prop_map(|fields| Value::from_iter(fields.into_iter().collect::<Vec<_>>())),
        ]
    })
}

/// Whether a JSON text holds another text: as a value, or as one of a message, which is JSON within JSON.
fn holds(whole: &str, text: &str) -> bool {
    let within = |text: &str| {
        let quoted = json!(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    [text.to_owned(), within(text), within(&within(text))].iter().any(|text| whole.contains(text))
}

/// Whether a payload has all that is needed to be taken for what it was taken for, said once more in other words.
fn has_the_shape_of(payload: &Value, found: &Incoming) -> bool {
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let alone = ["Records", "detail-type", "alarmData"].iter().all(|key| payload.get(key).is_none());
    match found {
        Incoming::Tick => {
            *payload == json!({"tick": true})
                || *payload == json!({"command": "tick"})
                || (["aws.events", "aws.scheduler"].contains(&text("/source"))
                    && text("/detail-type") == "Scheduled Event")
        }
        Incoming::Operator(_) => alone && payload.get("command").is_some(),
        // Whatever nobody but a person can have sent.
        Incoming::BadOperator { .. } => alone && *payload != json!({}),
        Incoming::Empty => *payload == json!({}),
        Incoming::Steps(steps) => steps.iter().enumerate().all(|(index, step)| {
            let message = text(&format!("/Records/{index}/Sns/Message"));
            text(&format!("/Records/{index}/Sns/TopicArn")) == step.topic
                && serde_json::from_str::<StepCommand>(message).is_ok_and(|command| command == step.command)
        }),
        Incoming::WakeUp { source, detail_type, .. } => {
            text("/source") == source && text("/detail-type") == detail_type
        }
        Incoming::Signals(signals) => {
            !signals.is_empty()
                && signals.iter().all(|signal| match signal {
                    // An ARN and a state that stand nowhere in the payload can't have come from it.
                    Signal::Alarm(alarm) => {
                        let whole = payload.to_string();
                        holds(&whole, &alarm.arn)
                            && ["ALARM", "OK", "INSUFFICIENT_DATA"].iter().any(|state| whole.contains(state))
                    }
                    Signal::MultiAzFailover(seen) => {
                        let whole = payload.to_string();
                        whole.contains(&seen.instance) && whole.contains(&seen.event_id)
                    }
                    Signal::Unrecognised { shape } => !shape.is_empty() && shape.chars().count() <= 300,
                })
        }
    }
}

proptest! {
    #[test]
    fn no_json_panics_or_is_taken_for_what_it_has_not_the_shape_of(payload in arbitrary_json()) {
        let found = Incoming::read(&payload);
        prop_assert!(has_the_shape_of(&payload, &found), "{found:?}");
    }

    #[test]
    fn no_change_to_a_real_event_panics_or_is_taken_for_what_it_has_not_the_shape_of(
        row in 0..table().len(),
        place in any::<prop::sample::Index>(),
        value in arbitrary_json(),
    ) {
        let mut event = payload(table()[row].0);
        let places = pointers(&event);
        *event.pointer_mut(&places[place.index(places.len())]).unwrap() = value;
        let found = Incoming::read(&event);
        prop_assert!(has_the_shape_of(&event, &found), "{found:?}");
    }

    #[test]
    fn no_message_by_sns_is_an_operator_or_a_tick(body in arbitrary_json(), raw in ".{0,40}", is_raw in any::<bool>()) {
        let mut event = payload("sns-metric-alarm");
        event["Records"][0]["Sns"]["Message"] = json!(if is_raw { raw } else { body.to_string() });
        let found = Incoming::read(&event);
        prop_assert!(matches!(found, Incoming::Signals(_) | Incoming::Steps(_)), "{found:?}");
    }
}
