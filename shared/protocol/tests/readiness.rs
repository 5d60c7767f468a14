//! Laws of the readiness: whatever was seen, unknown is never ready, what is not ready has a remedy, and the table keeps
//! its order. And a row for each thing that stops a failover.

use crate::shapes::{as_aurora, own_fleet};
use protocol::endpoint::{Endpoint, Setting};
use protocol::plan::FleetAt;
use protocol::side::{Side, Sides};
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use protocol::journal::PoisonRecord;
use protocol::maintenance::{NewestSnapshot, ParameterPass, PassOutcome, SnapshotLook};
use protocol::name::Name;
use protocol::observation::{LagSample, ProbeAnswer, ProbeSeen, ReplicaState};
use protocol::plan::{KeyArns, OptionGroups, Plan, SnapshotPolicy, Tiers};
use protocol::readiness::facts::RefusedAction;
use protocol::readiness::facts::{
    AttachedGroup, CertificateFacts, ClusterFacts, ClusterRole, EndpointHealth, FunctionFacts, GroupFacts,
    InstanceFacts, JournalFacts, KeyGrant, KeyRights, OptionGroupRef, ReadinessFacts, ReplicaFacts,
    RouteFacts, ScheduledAction, Seen, SnapshotFacts, Subscriptions, TargetGroupFacts, TemplateFacts,
    TemplateRef, Unseen,
};
use protocol::readiness::permissions::needs;
use protocol::readiness::{
    Check, Finding, LastReadiness, RECORDS_SINCE_SNAPSHOT_MAX, Readiness, SNAPSHOT_BYTES_WARNED, names,
};
use protocol::state::State;
use protocol::state::holdings::Holdings;
use protocol::words::function_name;

const NOTICES: &str = "arn:aws:sns:us-west-1:123456789012:shop-notices";
const KEY: &str = "arn:aws:kms:us-west-1:123456789012:key/0a1b";
const PRIMARY_KEY: &str = "arn:aws:kms:us-east-2:123456789012:key/2c3d";
const VOLUME_KEY: &str = "arn:aws:kms:us-west-1:123456789012:key/4e5f";
const SERVICE_ROLE: &str =
    "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";
const STANDARD_QUOTA: &str = "L-1216C47A";
const GROUP: &str =
    "arn:aws:autoscaling:us-west-1:123456789012:autoScalingGroup:1:autoScalingGroupName/shop-web-recovery";
const CERTIFICATE: &str = "arn:aws:acm:us-west-1:123456789012:certificate/1";
const BALANCER: &str =
    "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop-recovery/2a3b4c5d6e7f8091";
const PRIMARY: &str = "us-east-2";
const RECOVERY: &str = "us-west-1";
const COMMANDS: &str = "arn:aws:sns:us-west-1:123456789012:shop-commands";

/// How many checks the example has before a failover and after it.
const BEFORE: usize = 53;
const AFTER: usize = 49;

/// The checks that the plan and the journal answer alone.
const OF_THE_PLAN_ALONE: [&str; 2] = ["workload_protected", "chains_short"];

fn plan() -> Plan {
    let mut plan = Plan::from_json(include_str!("plans/shop.json")).expect("the example plan is valid");
    plan.snapshots = Some(SnapshotPolicy {
        schedule: "cron(0 3 * * ? *)".to_owned(),
        keep: Tiers::default(),
        keep_min: 2,
        deletions_max: 3,
        kms_key_arns: KeyArns::default(),
        except: Vec::new(),
        option_groups: Vec::new(),
    });
    assert_eq!(plan.validate(), vec![], "with snapshots too");
    plan
}

fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().expect("a time")
}

/// The state in which these items have moved.
fn moved(names: &[&str]) -> State {
    State { holdings: Holdings::active(names.iter().copied()), ..State::default() }
}

fn everything() -> State {
    let plan = plan();
    let databases = plan.databases.iter().map(|item| &item.name);
    let items = databases.chain(plan.fleets.iter().map(|item| &item.name));
    let items = items.chain(plan.routes.iter().map(|item| &item.name));
    State { holdings: Holdings::active(items.cloned()), ..State::default() }
}

/// What the scheduled jobs found on a good day.
fn pass(state: &State) -> ParameterPass {
    let (from, to) = if state.holdings.has_active() { (RECOVERY, PRIMARY) } else { (PRIMARY, RECOVERY) };
    let outcome = PassOutcome::Compared { same: 120, overridden: 3, differing: 0, why: None };
    ParameterPass { at: ago(12), from: from.to_owned(), to: to.to_owned(), outcome }
}

fn look() -> SnapshotLook {
    let newest = plan().databases.into_iter().flat_map(|database| {
        [PRIMARY, RECOVERY].map(|region| NewestSnapshot {
            database: database.name.clone(),
            region: region.to_owned(),
            taken_at: ago(7 * 60),
        })
    });
    SnapshotLook { at: ago(5), newest: newest.collect(), gaps: Vec::new() }
}

fn ago(minutes: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_mins(minutes)).expect("a time")
}

/// What a good day looks like; of a plan that has moved, a good day after it.
#[expect(clippy::too_many_lines, reason = "one fact after the other")]
fn good(state: &State) -> ReadinessFacts {
    let plan = plan();
    let is_moved = |name: &Name| state.holdings.is_active(name);
    let replica = |name: &Name| ReplicaFacts {
        status: "available".to_owned(),
        replication: if is_moved(name) { ReplicaState::Detached } else { ReplicaState::Replicating },
        backup_retention_days: if is_moved(name) { 7 } else { 0 },
        backup_window: None,
        kms_key: Some(KEY.to_owned()),
        cluster: None,
        instance: Some(instance(KEY)),
    };
    let route = |name: &Name| {
        let open = Endpoint::Open(Setting::Weight(128));
        let (primary, recovery) =
            if is_moved(name) { (Endpoint::Closed, open) } else { (open, Endpoint::Closed) };
        RouteFacts {
            endpoints: Sides { primary, recovery },
            dials_permille: Sides { primary: 1000, recovery: 1000 },
            health: Sides::from_fn(|_| EndpointHealth::Healthy),
        }
    };
    let heard = |topic: &str| (topic.to_owned(), Ok(Some(Subscriptions { confirmed: 4, pending: 0 })));
    let facts = ReadinessFacts {
        replicas: plan.databases.iter().map(|db| (db.name.clone(), Ok(Some(replica(&db.name))))).collect(),
        lag: plan
            .databases
            .iter()
            .map(|db| (db.name.clone(), Ok(Some(LagSample { at: now(), lag_ms: Some(400) }))))
            .collect(),
        groups: plan
            .fleets_at(plan.seat)
            .map(|fleet| {
                let target_groups = fleet.target_groups.clone();
                let (arn, templates) = (GROUP.to_owned(), vec![template()]);
                let group = GroupFacts {
                    target_groups,
                    arn,
                    templates,
                    zones: ["us-west-1a", "us-west-1b"].map(str::to_owned).to_vec(),
                    subnets: ["subnet-a", "subnet-b"].map(str::to_owned).to_vec(),
                    service_role: Some(SERVICE_ROLE.to_owned()),
                    ..GroupFacts::default()
                };
                (fleet.name.clone(), Ok(Some(group)))
            })
            .collect(),
        target_groups: plan
            .fleets_at(plan.seat)
            .flat_map(|fleet| &fleet.at.target_groups)
            .map(|arn| (arn.clone(), Ok(Some(TargetGroupFacts { load_balancers: vec!["alb".to_owned()] }))))
            .collect(),
        healthy: plan.fleets.iter().map(|fleet| (fleet.name.clone(), Ok(2))).collect(),
        routes: plan.routes.iter().map(|item| (item.name.clone(), Ok(route(&item.name)))).collect(),
        probes: plan
            .watched()
            .probes
            .iter()
            .map(|probe| ProbeSeen { name: probe.name().clone(), answer: ProbeAnswer::Good })
            .collect(),
        topics: plan
            .detection
            .topics
            .iter()
            .map(String::as_str)
            .chain([NOTICES, COMMANDS])
            .map(heard)
            .collect(),
        notices_topic: NOTICES.to_owned(),
        commands_topic: COMMANDS.to_owned(),
        parameter_pass: Some(Ok(Some(pass(state)))),
        snapshot_look: Some(Ok(Some(look()))),
        primaries: plan
            .databases
            .iter()
            .map(|db| (db.name.clone(), Ok(Some(instance(PRIMARY_KEY)))))
            .collect(),
        scheduled: plan.fleets.iter().map(|fleet| (fleet.name.clone(), Ok(Vec::new()))).collect(),
        endpoint_groups: plan.routes.iter().map(|route| (route.name.clone(), Ok(2))).collect(),
        journal: Some(compact()),
        ..ReadinessFacts::default()
    };
    with_the_rest(state, facts)
}

/// What an instance is made of on a good day.
fn instance(key: &str) -> InstanceFacts {
    InstanceFacts {
        class: Some("db.r6g.large".to_owned()),
        is_multi_az: true,
        storage_gib: 200,
        engine: "postgres".to_owned(),
        parameter_group: Some("default.postgres16".to_owned()),
        option_groups: Vec::new(),
        kms_key: Some(key.to_owned()),
    }
}

/// The target groups of the recovery load balancer: those of the fleets, empty until they have moved.
fn attached(state: &State) -> Vec<AttachedGroup> {
    let plan = plan();
    let of = |fleet: FleetAt<'_>| {
        let healthy = if state.holdings.is_active(fleet.name) { 2 } else { 0 };
        fleet.target_groups.clone().into_iter().map(move |arn| AttachedGroup { arn, healthy })
    };
    plan.fleets_at(plan.seat).flat_map(of).collect()
}

/// What hangs on what was seen first, on a good day.
fn with_the_rest(state: &State, facts: ReadinessFacts) -> ReadinessFacts {
    let plan = plan();
    let names = ["alarm-handler", "promote-replica", "scale-asg", "shift-traffic"]
        .map(|name| function_name(&plan, name));
    let function = |name: &String| FunctionFacts {
        code_sha256: format!("sha256 of {name}"),
        state: "Active".to_owned(),
        last_update: "Successful".to_owned(),
        role: format!("arn:aws:iam::123456789012:role/{name}"),
    };
    let keys = protocol::readiness::keys::keys(&plan, &facts);
    let keys: BTreeSet<String> = keys.into_iter().chain([KEY]).map(str::to_owned).collect();
    let image = TemplateFacts {
        image: Some("ami-1".to_owned()),
        image_state: Some("available".to_owned()),
        instance_type: Some("m6i.large".to_owned()),
        volume_keys: [VOLUME_KEY.to_owned()].into(),
        ..TemplateFacts::default()
    };
    let grant = KeyGrant { grantee: SERVICE_ROLE.to_owned(), operations: vec!["CreateGrant".to_owned()] };
    let granted = KeyRights { grants: vec![grant], ..KeyRights::default() };
    let rights = [KEY, PRIMARY_KEY, VOLUME_KEY].map(|key| (key.to_owned(), Ok(Some(granted.clone()))));
    let zones = ["us-west-1a", "us-west-1b", "us-west-1c"].map(str::to_owned);
    let certificate = CertificateFacts {
        arn: CERTIFICATE.to_owned(),
        status: "ISSUED".to_owned(),
        not_after: now().checked_add(SignedDuration::from_hours(60 * 24)).ok(),
    };
    ReadinessFacts {
        release: Some(Ok(names.iter().map(|name| (name.clone(), format!("sha256 of {name}"))).collect())),
        functions: names.iter().map(|name| (name.clone(), Ok(Some(function(name))))).collect(),
        reserved: names.iter().map(|name| (name.clone(), Ok(Some(3)))).collect(),
        dead_letters: names.iter().map(|name| (format!("{name}-dead-letters"), Ok(Some(0)))).collect(),
        keys: keys.into_iter().map(|key| (key, Ok(Some("Enabled".to_owned())))).collect(),
        templates: BTreeMap::from([(template(), Ok(Some(image)))]),
        certificates: BTreeMap::from([(BALANCER.to_owned(), Ok(Some(vec![certificate])))]),
        attached: BTreeMap::from([(BALANCER.to_owned(), Ok(Some(attached(state))))]),
        offerings: BTreeMap::from([("m6i.large".to_owned(), Ok(zones.into()))]),
        vcpus: BTreeMap::from([("m6i.large".to_owned(), Ok(Some(2)))]),
        quotas: BTreeMap::from([(STANDARD_QUOTA.to_owned(), Ok(64))]),
        free_addresses: ["subnet-a", "subnet-b"].map(|subnet| (subnet.to_owned(), Ok(Some(100)))).into(),
        default_volume_key: Some(Ok(None)),
        key_rights: BTreeMap::from(rights),
        refused: needs(&plan, state, &facts)
            .into_iter()
            .map(|need| (need.action.to_owned(), Ok(Vec::new())))
            .collect(),
        ..facts
    }
}

/// A journal on a good day.
fn compact() -> JournalFacts {
    let snapshot = Some(SnapshotFacts { seq: 12_400, at: ago(3), bytes: 5_000 });
    JournalFacts { records: 12_434, records_since_snapshot: 34, snapshot, ..JournalFacts::default() }
}

fn journal(facts: &mut ReadinessFacts) -> &mut JournalFacts {
    facts.journal.as_mut().expect("it was looked at")
}

fn template() -> TemplateRef {
    TemplateRef { id: "lt-1".to_owned(), version: "$Latest".to_owned() }
}

fn judged(state: &State, facts: &ReadinessFacts) -> Readiness {
    Readiness::of(&plan(), state, facts, now())
}

fn named<'r>(readiness: &'r Readiness, name: &str, subject: &str) -> &'r Check {
    let found = readiness.checks().iter().find(|check| check.name() == name && check.subject() == subject);
    found.unwrap_or_else(|| panic!("no check {name} {subject} in {:#?}", readiness.table()))
}

#[test]
fn a_good_day_is_ready_before_a_failover_and_after_it() {
    let before = judged(&State::default(), &good(&State::default()));
    assert_eq!(
        before.sentence(),
        format!("shop is ready: all {BEFORE} checks are ready."),
        "{:#?}",
        before.table()
    );
    let after = judged(&everything(), &good(&everything()));
    // All that has moved is as it should be, and nothing could take over.
    assert_eq!(
        after.sentence(),
        format!("shop is not ready: of {AFTER} checks 1 is not ready."),
        "{:#?}",
        after.table()
    );
    assert_eq!((after.finding(), after.unready()), (Finding::NotReady, 1));
    assert_eq!((before.finding(), before.unready()), (Finding::Ready, 0));
}

#[test]
fn after_a_failover_the_workload_is_unprotected_and_says_since_when_and_what_is_missing() {
    let active_since = "2026-11-20T09:30:00Z".parse().ok();
    let state = State { active_since, ..everything() };
    let check = judged(&state, &good(&state));
    let check = named(&check, "workload_protected", "shop");
    assert_eq!(check.finding(), Finding::NotReady);
    assert_eq!(
        check.sentence(),
        "The workload is unprotected since 2026-11-20T09:30:00Z. us-west-1 serves, and if it is lost, \
         nothing takes over in us-east-2: it has no replicas of orders and stock and no functions."
    );
    assert!(check.remedy().is_some_and(|remedy| remedy.contains("docs/after-a-failover.md")), "{check:?}");

    // Of a part that has moved it is said of which; without a database there is no replica to miss.
    let part = moved(&["web", "front"]);
    let part = judged(&part, &good(&part));
    let check = named(&part, "workload_protected", "shop");
    assert_eq!(
        (check.finding(), check.sentence()),
        (
            Finding::NotReady,
            "web and front are unprotected. us-west-1 serves, and if it is lost, nothing takes over in \
             us-east-2: it has no functions."
        )
    );
    let before = judged(&State::default(), &good(&State::default()));
    let check = named(&before, "workload_protected", "shop");
    assert_eq!(
        check.sentence(),
        "us-east-2 serves, and us-west-1 is the standby for everything in the plan."
    );
}

#[test]
fn how_full_the_journal_is_stands_in_the_sentence_up_to_its_limits() {
    type FullRow = (fn(&mut JournalFacts), &'static str);
    let rows: [FullRow; 4] = [
        (|_| (), "It has 12434 records, 34 of them since the snapshot of 3 min ago (3 % full)."),
        (
            |f| (f.records, f.records_since_snapshot, f.snapshot) = (150, 150, None),
            "It has 150 records and needs no snapshot yet (15 % full).",
        ),
        (
            |f| f.records_since_snapshot = RECORDS_SINCE_SNAPSHOT_MAX,
            "It has 12434 records, 1000 of them since the snapshot of 3 min ago (100 % full).",
        ),
        (
            |f| f.snapshot.as_mut().expect("a snapshot").bytes = SNAPSHOT_BYTES_WARNED,
            "It has 12434 records, 34 of them since the snapshot of 3 min ago (3 % full).",
        ),
    ];
    for (change, sentence) in rows {
        let mut facts = good(&State::default());
        change(journal(&mut facts));
        let readiness = judged(&State::default(), &facts);
        let check = named(&readiness, "journal_compact", "shop");
        assert_eq!((check.finding(), check.sentence()), (Finding::Ready, sentence));
    }
}

#[test]
fn nothing_seen_is_all_unknown() {
    for state in [State::default(), everything(), moved(&["orders"])] {
        let readiness = judged(&state, &ReadinessFacts::default());
        let looked_at = readiness.checks().iter().filter(|check| !OF_THE_PLAN_ALONE.contains(&check.name()));
        assert!(looked_at.clone().all(|check| check.finding() == Finding::Unknown));
        let verdict = if state.holdings.has_active() { Finding::NotReady } else { Finding::Unknown };
        assert_eq!(readiness.finding(), verdict);
        assert_eq!(readiness.unready(), looked_at.count() + usize::from(state.holdings.has_active()));
    }
}

#[test]
fn a_day_before_and_a_day_after_are_not_taken_for_each_other() {
    let readiness = judged(&everything(), &good(&State::default()));
    for (name, subject) in [
        ("database_writable", "orders"),
        ("backups_on", "orders"),
        ("serving_side_open", "front"),
        ("other_side_closed", "front"),
    ] {
        assert_eq!(named(&readiness, name, subject).finding(), Finding::NotReady, "{name}");
    }
    let readiness = judged(&State::default(), &good(&everything()));
    for (name, subject) in [
        ("replica_available", "orders"),
        ("replica_replicates", "orders"),
        ("serving_side_open", "front"),
        ("other_side_closed", "front"),
    ] {
        assert_eq!(named(&readiness, name, subject).finding(), Finding::NotReady, "{name}");
    }
}

/// One change to a good day, and the one check that must find it, with its sentence.
type Row = (fn(&mut ReadinessFacts), &'static str, &'static str, Finding, &'static str);

fn replica(facts: &mut ReadinessFacts) -> &mut ReplicaFacts {
    match facts.replicas.get_mut(&Name::from("orders")) {
        Some(Ok(Some(replica))) => replica,
        other => panic!("{other:?}"),
    }
}

fn group(facts: &mut ReadinessFacts) -> &mut GroupFacts {
    match facts.groups.get_mut(&Name::from("web")) {
        Some(Ok(Some(group))) => group,
        other => panic!("{other:?}"),
    }
}

fn route(facts: &mut ReadinessFacts) -> &mut RouteFacts {
    match facts.routes.get_mut(&Name::from("front")) {
        Some(Ok(route)) => route,
        other => panic!("{other:?}"),
    }
}

fn topic(facts: &mut ReadinessFacts, topic: &str, confirmed: u32, pending: u32) {
    facts.topics.insert(topic.to_owned(), Ok(Some(Subscriptions { confirmed, pending })));
}

fn parameters(facts: &mut ReadinessFacts) -> &mut ParameterPass {
    match facts.parameter_pass.as_mut() {
        Some(Ok(Some(pass))) => pass,
        other => panic!("{other:?}"),
    }
}

fn snapshots(facts: &mut ReadinessFacts) -> &mut SnapshotLook {
    match facts.snapshot_look.as_mut() {
        Some(Ok(Some(look))) => look,
        other => panic!("{other:?}"),
    }
}

fn function<'f>(facts: &'f mut ReadinessFacts, name: &str) -> &'f mut FunctionFacts {
    match facts.functions.get_mut(name) {
        Some(Ok(Some(function))) => function,
        other => panic!("{other:?}"),
    }
}

/// What a function has to itself; one that the release does not name yet comes with it.
fn reserve(facts: &mut ReadinessFacts, name: &str, count: Option<u32>) {
    if let Some(Ok(release)) = facts.release.as_mut() {
        release.insert(name.to_owned(), format!("sha256 of {name}"));
    }
    let like = function(facts, "shop-scale-asg").clone();
    facts.functions.insert(name.to_owned(), Ok(Some(like)));
    let code = format!("sha256 of {name}");
    function(facts, name).code_sha256 = code;
    facts.reserved.insert(name.to_owned(), Ok(count));
}

#[test]
fn a_function_of_a_run_that_shares_the_accounts_concurrency_is_noted() {
    for (function, count, has) in
        [("shop-shift-traffic", Some(2), "has 2 reserved"), ("shop-alarm-handler", None, "has none reserved")]
    {
        let mut facts = good(&State::default());
        reserve(&mut facts, function, count);
        let readiness = judged(&State::default(), &facts);
        let check = named(&readiness, "functions_reserved", "shop");
        let sentence = format!(
            "Of the account's concurrent executions, {function} {has}. A workload that starts in us-west-1 \
             can use all unreserved executions and throttle its own failover."
        );
        assert_eq!((check.finding(), check.sentence()), (Finding::Note, sentence.as_str()));
        assert_eq!(readiness.finding(), Finding::Ready);
    }
}

#[test]
fn a_scheduled_job_needs_no_more_than_one_of_its_own_and_three_are_enough_for_a_run() {
    let mut facts = good(&State::default());
    reserve(&mut facts, "shop-ssm-replicator", None);
    reserve(&mut facts, "shop-snapshot-scheduler", Some(1));
    reserve(&mut facts, "shop-scale-asg", Some(3));
    let readiness = judged(&State::default(), &facts);
    assert_eq!(named(&readiness, "functions_reserved", "shop").finding(), Finding::Ready);
}

fn messages(facts: &mut ReadinessFacts, queue: &str, count: Option<u64>) {
    facts.dead_letters.insert(queue.to_owned(), Ok(count));
}

fn key(facts: &mut ReadinessFacts, state: Option<&str>) {
    facts.keys.insert(KEY.to_owned(), Ok(state.map(str::to_owned)));
    // The other database's is another one.
    if let Some(Ok(Some(stock))) = facts.replicas.get_mut(&Name::from("stock")) {
        stock.kms_key = None;
    }
}

fn image(facts: &mut ReadinessFacts, image: Option<&str>, state: Option<&str>) {
    let found = template_facts(facts);
    (found.image, found.image_state) = (image.map(str::to_owned), state.map(str::to_owned));
}

fn template_facts(facts: &mut ReadinessFacts) -> &mut TemplateFacts {
    match facts.templates.get_mut(&template()) {
        Some(Ok(Some(template))) => template,
        other => panic!("{other:?}"),
    }
}

/// What a replica is made of.
fn made(facts: &mut ReadinessFacts) -> &mut InstanceFacts {
    replica(facts).instance.as_mut().expect("an instance")
}

fn primary(facts: &mut ReadinessFacts) -> &mut InstanceFacts {
    match facts.primaries.get_mut(&Name::from("orders")) {
        Some(Ok(Some(primary))) => primary,
        other => panic!("{other:?}"),
    }
}

fn attach(facts: &mut ReadinessFacts, name: &str, healthy: u32) {
    let arn = format!("arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/{name}/0a1b");
    match facts.attached.get_mut(BALANCER) {
        Some(Ok(Some(groups))) => groups.push(AttachedGroup { arn, healthy }),
        other => panic!("{other:?}"),
    }
}

fn schedule(facts: &mut ReadinessFacts, min: Option<u32>, desired: Option<u32>, max: Option<u32>) {
    let action = ScheduledAction { name: "night".to_owned(), min, desired, max };
    facts.scheduled.insert(Name::from("web"), Ok(vec![action]));
}

fn rights(facts: &mut ReadinessFacts, key: &str, rights: KeyRights) {
    facts.key_rights.insert(key.to_owned(), Ok(Some(rights)));
}

/// Where an instance type is offered.
fn offered(facts: &mut ReadinessFacts, zones: &[&str]) {
    let zones = zones.iter().map(|zone| (*zone).to_owned()).collect();
    facts.offerings.insert("m6i.large".to_owned(), Ok(zones));
}

/// An Oracle database that encrypts by an option, or another engine's.
fn transparent(facts: &mut ReadinessFacts, option: &str) {
    let primary = primary(facts);
    "oracle-ee".clone_into(&mut primary.engine);
    primary.option_groups = vec!["shop-oracle".to_owned()];
    let group = OptionGroupRef { region: PRIMARY.to_owned(), name: "shop-oracle".to_owned() };
    facts.options.insert(group, Ok(vec![option.to_owned()]));
}

fn read_only(facts: &mut ReadinessFacts, value: Option<&str>) {
    let made = made(facts);
    "mysql".clone_into(&mut made.engine);
    made.parameter_group = Some("shop-mysql".to_owned());
    facts.read_only.insert("shop-mysql".to_owned(), Ok(value.map(str::to_owned)));
}

fn certificate(facts: &mut ReadinessFacts, status: &str, days: Option<i64>) {
    let not_after = days.and_then(|days| now().checked_add(SignedDuration::from_hours(24 * days)).ok());
    let found = CertificateFacts { arn: CERTIFICATE.to_owned(), status: status.to_owned(), not_after };
    facts.certificates.insert(BALANCER.to_owned(), Ok(Some(vec![found])));
}

fn refuse(facts: &mut ReadinessFacts, action: &str, resource: &str, decision: &str) {
    let refusal = RefusedAction {
        action: action.to_owned(),
        resource: resource.to_owned(),
        decision: decision.to_owned(),
    };
    facts.refused.insert(action.to_owned(), Ok(vec![refusal]));
}

fn differing(differing: usize, why: &str) -> PassOutcome {
    PassOutcome::Compared { same: 120, overridden: 0, differing, why: Some(why.to_owned()) }
}

fn lag(facts: &mut ReadinessFacts, age: SignedDuration, lag_ms: u64) {
    let at = now().checked_sub(age).expect("a time");
    facts.lag.insert(Name::from("orders"), Ok(Some(LagSample { at, lag_ms: Some(lag_ms) })));
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (|f| "stopped".clone_into(&mut replica(f).status), "replica_available", "orders", Finding::NotReady,
     "shop-orders-replica has status stopped. Only an available replica can be promoted."),
    (|f| replica(f).replication = ReplicaState::Broken { detail: "error: disk".to_owned() }, "replica_replicates", "orders",
     Finding::NotReady, "It does not replicate: error: disk."),
    (|f| replica(f).replication = ReplicaState::Unknown { detail: "no word".to_owned() }, "replica_replicates", "orders",
     Finding::Unknown, "Whether it replicates is unknown: no word."),
    (|f| lag(f, SignedDuration::ZERO, 60_001), "lag_within_limit", "orders", Finding::NotReady,
     "Its lag is 60 s; the limit is 60 s."),
    (|f| lag(f, SignedDuration::from_secs(301), 0), "lag_within_limit", "orders", Finding::Unknown,
     "CloudWatch has no sample of its lag from the last 5 min."),
    (|f| { f.lag.insert(Name::from("orders"), Ok(Some(LagSample { at: now(), lag_ms: None }))); }, "lag_within_limit", "orders",
     Finding::Unknown, "CloudWatch's newest sample, of 2026-11-20T10:00:00Z, is -1: its lag is not known."),
    (|f| "backing-up".clone_into(&mut replica(f).status), "backup_window_clear", "orders", Finding::NotReady,
     "A backup is running, and RDS can't promote the replica until it ends."),
    (|f| { replica(f).backup_retention_days = 1; replica(f).backup_window = Some("10:10-10:40".to_owned()); },
     "backup_window_clear", "orders", Finding::NotReady,
     "Its backup window 10:10-10:40 UTC is open or about to open. A backup delays a promotion."),
    (|f| replica(f).backup_retention_days = 1, "backup_window_clear", "orders", Finding::Unknown,
     "It has automated backups, but RDS reports no backup window."),
    (|f| group(f).suspended = vec!["AZRebalance".to_owned(), "Launch".to_owned()], "launch_allowed", "web",
     Finding::NotReady, "shop-web-recovery has suspended processes: Launch."),
    (|f| group(f).suspended = vec!["AddToLoadBalancer".to_owned()], "launch_allowed", "web",
     Finding::NotReady, "shop-web-recovery has suspended processes: AddToLoadBalancer."),
    (|f| group(f).target_groups.clear(), "group_attached", "web", Finding::NotReady,
     "shop-web-recovery registers its servers with only 0 of its 1 target groups."),
    (|f| f.target_groups.values_mut().for_each(|seen| *seen = Ok(None)), "target_groups_reached", "web", Finding::NotReady,
     "The target group shop-web/0a1b2c3d4e5f6071 does not exist."),
    (|f| f.target_groups.values_mut().for_each(|seen| *seen = Ok(Some(TargetGroupFacts::default()))),
     "target_groups_reached", "web", Finding::NotReady,
     "No load balancer forwards to the target group shop-web/0a1b2c3d4e5f6071."),
    (|f| route(f).endpoints.primary = Endpoint::Closed, "serving_side_open", "front", Finding::NotReady,
     "The primary endpoint is closed; the plan has weight 128."),
    (|f| route(f).endpoints.recovery = Endpoint::Open(Setting::Weight(128)), "other_side_closed", "front", Finding::NotReady,
     "The recovery endpoint is open with weight 128 and may receive traffic. It must be closed."),
    (|f| route(f).dials_permille.recovery = 375, "recovery_dial_open", "front", Finding::NotReady,
     "The recovery group's traffic dial is at 37.5 %, so it would not receive all users."),
    (|f| f.probes[0].answer = ProbeAnswer::Bad { detail: "HTTP status 503".to_owned() }, "probe_answers", "front-primary",
     Finding::NotReady, "The probe gets no good answer: HTTP status 503."),
    (|f| f.probes[0].answer = ProbeAnswer::Unknown { detail: "the name does not resolve".to_owned() }, "probe_answers",
     "front-primary", Finding::Unknown, "The probe could not run: the name does not resolve."),
    (|f| parameters(f).outcome = differing(2, "/shop/key is locked."), "parameters_same", "parameters", Finding::NotReady,
     "After the full pass 12 min ago, 2 of the parameters differed between us-east-2 and us-west-1: \
      /shop/key is locked."),
    (|f| parameters(f).outcome = PassOutcome::Failed { why: "us-east-2 does not answer".to_owned() }, "parameters_same",
     "parameters", Finding::Unknown, "The last full pass, 12 min ago, failed: us-east-2 does not answer."),
    (|f| parameters(f).at = ago(25 * 60), "parameters_same", "parameters", Finding::Unknown, "The last full pass was 25 h ago."),
    (|f| { let pass = parameters(f); std::mem::swap(&mut pass.from, &mut pass.to); }, "parameters_same", "parameters",
     Finding::Unknown, "The last full pass, 12 min ago, copied us-west-1 to us-east-2, but us-east-2 serves \
                        now."),
    (|f| f.parameter_pass = Some(Ok(None)), "parameters_same", "parameters", Finding::Unknown,
     "No full pass has compared the parameters yet."),
    (|f| snapshots(f).newest[1].taken_at = ago(8 * 60), "snapshots_fresh", "orders", Finding::NotReady,
     "A snapshot was due at 2026-11-20T03:00:00Z, but the newest good one in us-west-1 is 8 h old."),
    (|f| drop(snapshots(f).newest.remove(0)), "snapshots_fresh", "orders", Finding::NotReady,
     "A snapshot was due at 2026-11-20T03:00:00Z, but us-east-2 has no good one."),
    (|f| "old".clone_into(&mut function(f, "shop-scale-asg").code_sha256), "functions_released", "shop", Finding::NotReady,
     "shop-scale-asg does not run the code of the release."),
    (|f| "Inactive".clone_into(&mut function(f, "shop-scale-asg").state), "functions_released", "shop", Finding::NotReady,
     "shop-scale-asg is Inactive, not Active."),
    (|f| "Failed".clone_into(&mut function(f, "shop-scale-asg").last_update), "functions_released", "shop",
     Finding::NotReady, "shop-scale-asg has the last update status Failed."),
    (|f| reserve(f, "shop-scale-asg", Some(0)), "functions_reserved", "shop", Finding::NotReady,
     "The reserved concurrency of shop-scale-asg is 0, so Lambda never runs it."),
    (|f| reserve(f, "shop-snapshot-scheduler", Some(0)), "functions_reserved", "shop", Finding::NotReady,
     "The reserved concurrency of shop-snapshot-scheduler is 0, so Lambda never runs it."),
    (|f| messages(f, "shop-scale-asg-dead-letters", Some(1)), "dead_letters_empty", "shop", Finding::NotReady,
     "shop-scale-asg-dead-letters holds 1 message."),
    (|f| { messages(f, "shop-scale-asg-dead-letters", Some(3)); messages(f, "shop-shift-traffic-dead-letters", None); },
     "dead_letters_empty", "shop", Finding::NotReady,
     "shop-scale-asg-dead-letters holds 3 messages and shop-shift-traffic-dead-letters does not exist."),
    (|f| key(f, Some("Disabled")), "key_enabled", "orders", Finding::NotReady,
     "The key/0a1b is Disabled, so the data that it encrypts is unusable."),
    (|f| key(f, Some("PendingDeletion")), "key_enabled", "orders", Finding::NotReady,
     "The key/0a1b is scheduled for deletion. The data that it encrypts will be lost with it."),
    (|f| key(f, Some("PendingReplicaDeletion")), "key_enabled", "orders", Finding::NotReady,
     "The key/0a1b is scheduled for deletion. The data that it encrypts will be lost with it."),
    (|f| key(f, Some("PendingImport")), "key_enabled", "orders", Finding::NotReady,
     "The key/0a1b is PendingImport, so the data that it encrypts is unusable."),
    (|f| key(f, Some("Updating")), "key_enabled", "orders", Finding::Unknown, "The key/0a1b is being changed: Updating."),
    (|f| key(f, None), "key_enabled", "orders", Finding::NotReady, "The key/0a1b does not exist in us-west-1."),
    (|f| f.templates.values_mut().for_each(|seen| *seen = Ok(None)), "template_and_image", "web", Finding::NotReady,
     "The launch template lt-1 has no version $Latest, or does not exist."),
    (|f| image(f, Some("ami-1"), None), "template_and_image", "web", Finding::NotReady,
     "The image ami-1 of the launch template lt-1 does not exist in us-west-1."),
    (|f| image(f, Some("ami-1"), Some("failed")), "template_and_image", "web", Finding::NotReady,
     "The image ami-1 of the launch template lt-1 is failed, not available in us-west-1."),
    (|f| image(f, None, None), "template_and_image", "web", Finding::NotReady,
     "Version $Latest of the launch template lt-1 names no image."),
    (|f| group(f).templates.clear(), "template_and_image", "web", Finding::Unknown,
     "shop-web-recovery has no launch template."),
    (|f| certificate(f, "ISSUED", Some(29)), "certificates_valid", "front", Finding::NotReady,
     "certificate/1 expires in 29 days."),
    (|f| certificate(f, "ISSUED", Some(-1)), "certificates_valid", "front", Finding::NotReady, "certificate/1 has expired."),
    (|f| certificate(f, "PENDING_VALIDATION", None), "certificates_valid", "front", Finding::NotReady,
     "certificate/1 is PENDING_VALIDATION, not ISSUED."),
    (|f| f.certificates.values_mut().for_each(|seen| *seen = Ok(None)), "certificates_valid", "front", Finding::NotReady,
     "The recovery load balancer does not exist."),
    (|f| refuse(f, "rds:PromoteReadReplica", "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica", "explicitDeny"),
     "role_allowed", "promote-replica", Finding::NotReady,
     "IAM does not allow the role of shop-promote-replica to call rds:PromoteReadReplica on \
      db:shop-orders-replica (explicitDeny)."),
    (|f| drop(f.refused.remove("globalaccelerator:UpdateEndpointGroup")), "role_allowed", "shift-traffic", Finding::Unknown,
     "This was not checked."),
    (|f| topic(f, COMMANDS, 3, 0), "commands_heard", "shop-commands", Finding::NotReady,
     "Only 3 of 4 functions receive the commands."),
    (|f| topic(f, NOTICES, 0, 0), "people_told", "shop-notices", Finding::NotReady,
     "The topic has no subscriber, so no notice reaches a person."),
    (|f| topic(f, NOTICES, 2, 1), "people_told", "shop-notices", Finding::NotReady,
     "Confirmed subscriptions: 2; unconfirmed: 1."),
    (|f| topic(f, "arn:aws:sns:us-west-1:123456789012:shop-signals", 0, 0), "signals_heard", "shop-signals",
     Finding::NotReady, "The topic has no confirmed subscription, so no function receives its alarms."),
    (|f| "storage-full".clone_into(&mut replica(f).status), "replica_available", "orders", Finding::NotReady,
     "shop-orders-replica has status storage-full. Only an available replica can be promoted."),
    // recovery-lb-has-another-target-group
    (|f| attach(f, "other-tg", 0), "balancer_can_be_healthy", "front", Finding::NotReady,
     "The recovery load balancer also forwards to other-tg/0a1b, which has no healthy target and is not \
      filled by a fleet that a failover moves. The accelerator considers a load balancer with such a target \
      group unhealthy."),
    (|f| { attach(f, "other-tg", 0); attach(f, "admin-tg", 0); }, "balancer_can_be_healthy", "front", Finding::NotReady,
     "The recovery load balancer also forwards to other-tg/0a1b and admin-tg/0a1b, which have no healthy \
      target and are not filled by a fleet that a failover moves. The accelerator considers a load balancer \
      with such a target group unhealthy."),
    // instance-type-not-offered
    (|f| offered(f, &[]), "instance_type_offered", "web", Finding::NotReady,
     "None of its zones offers m6i.large: us-west-1a and us-west-1b."),
    (|f| offered(f, &["us-west-1c"]), "instance_type_offered", "web", Finding::NotReady,
     "None of its zones offers m6i.large: us-west-1a and us-west-1b."),
    (|f| schedule(f, Some(2), Some(1), None), "scheduled_actions_clear", "web", Finding::NotReady,
     "After a failover the scheduled action night sets desired to 1, below the plan's 2. The run that scaled \
      the fleet up has ended by then and does not correct it."),
    (|f| rights(f, VOLUME_KEY, KeyRights::default()), "launch_keys_granted", "web", Finding::NotReady,
     "AWSServiceRoleForAutoScaling may not use the keys that encrypt its volumes: key/4e5f."),
    (|f| drop(f.key_rights.insert(VOLUME_KEY.to_owned(), Ok(None))), "launch_keys_granted", "web", Finding::NotReady,
     "AWSServiceRoleForAutoScaling may not use the keys that encrypt its volumes: key/4e5f (it does not \
      exist)."),
    (|f| drop(f.key_rights.remove(VOLUME_KEY)), "launch_keys_granted", "web", Finding::Unknown,
     "This was not checked."),
    (|f| { template_facts(f).has_plain_volume = true; f.default_volume_key = Some(Ok(Some(KEY.to_owned())));
           rights(f, KEY, KeyRights::default()); },
     "launch_keys_granted", "web", Finding::NotReady,
     "AWSServiceRoleForAutoScaling may not use the keys that encrypt its volumes: key/0a1b."),
    (|f| f.free_addresses.values_mut().for_each(|free| *free = Ok(Some(0))), "addresses_free", "web", Finding::NotReady,
     "Its subnets have 0 free addresses. Instances to launch: 2."),
    (|f| drop(f.free_addresses.insert("subnet-b".to_owned(), Ok(None))), "addresses_free", "web", Finding::NotReady,
     "Its subnet subnet-b does not exist."),
    (|f| drop(f.quotas.insert(STANDARD_QUOTA.to_owned(), Ok(3))), "vcpu_quota_suffices", "shop", Finding::NotReady,
     "In us-west-1 the fleets need 4 vCPUs of the quota L-1216C47A, which is 3."),
    (|f| f.quotas.clear(), "vcpu_quota_suffices", "shop", Finding::Unknown, "This was not checked."),
    (|f| read_only(f, Some("1")), "parameter_group_writable", "orders", Finding::NotReady,
     "Its parameter group shop-mysql sets read_only to 1. A promotion keeps the group, so the promoted \
      instance would stay read-only."),
    (|f| transparent(f, "TDE"), "copy_option_group", "orders", Finding::NotReady,
     "It encrypts through the option TDE. RDS refuses to copy such a snapshot to another region without an \
      option group."),
    (|f| image(f, Some("resolve:ssm:/golden/web"), None), "template_and_image", "web", Finding::Unknown,
     "The launch template lt-1 takes its image from the parameter /golden/web, and that parameter can't be \
      read."),
    // shift-traffic-may-read-what-ga-validates
    (|f| refuse(f, "elasticloadbalancing:DescribeLoadBalancers", "*", "implicitDeny"), "role_allowed", "shift-traffic",
     Finding::NotReady,
     "IAM does not allow the role of shop-shift-traffic to call elasticloadbalancing:DescribeLoadBalancers \
      on * (implicitDeny)."),
    (|f| refuse(f, "ec2:DescribeSubnets", "*", "explicitDeny"), "role_allowed", "shift-traffic", Finding::NotReady,
     "IAM does not allow the role of shop-shift-traffic to call ec2:DescribeSubnets on * (explicitDeny)."),
    (|f| journal(f).poison = Some(PoisonRecord { seq: "12435".to_owned(), why: "its schema is 2".to_owned() }),
     "journal_compact", "shop", Finding::NotReady, "It can't be read beyond record 12434. Record 12435: its \
                                                    schema is 2."),
    (|f| { let f = journal(f); f.records_since_snapshot = 200; f.unkept = Some("PutItem was denied".to_owned()); },
     "journal_compact", "shop", Finding::NotReady,
     "It has 200 records since its snapshot, and the next snapshot can't be saved: PutItem was denied."),
    (|f| journal(f).records_since_snapshot = RECORDS_SINCE_SNAPSHOT_MAX + 1, "journal_compact", "shop", Finding::NotReady,
     "It has 1001 records since its snapshot, more than 1000. Every invocation reads them."),
    (|f| journal(f).refused = Some("the snapshot after record 12,400: it is torn".to_owned()), "journal_compact", "shop",
     Finding::NotReady, "A snapshot of it is unusable: the snapshot after record 12,400: it is torn."),
    (|f| journal(f).snapshot.as_mut().expect("a snapshot").bytes = SNAPSHOT_BYTES_WARNED + 1, "journal_compact", "shop",
     Finding::NotReady, "The snapshot of its state has 4.0 MB, more than 4.0 MB. Every invocation reads it."),
    (|f| f.journal = None, "journal_compact", "shop", Finding::Unknown, "This was not checked."),
];

/// One change to a good day, and the check that has a note by it: a failover would work, at a price.
type NoteRow = (fn(&mut ReadinessFacts), &'static str, &'static str, &'static str);

#[rustfmt::skip]
const NOTES: &[NoteRow] = &[
    (|f| made(f).class = Some("db.t4g.medium".to_owned()), "replica_like_primary", "orders",
     "After a failover it serves on db.t4g.medium (the primary: db.r6g.large)."),
    (|f| made(f).is_multi_az = false, "replica_like_primary", "orders",
     "After a failover it serves in one zone (the primary: Multi-AZ)."),
    (|f| made(f).storage_gib = 1024, "backup_window_clear", "orders",
     "It has no automated backups, so no backup delays a promotion. The first backup after the promotion \
      copies all 1024 GiB. Until it completes, the promoted instance can't be restored."),
    (|f| made(f).storage_gib = 100, "replica_like_primary", "orders",
     "After a failover it serves with 100 GiB (the primary: 200 GiB)."),
    (|f| offered(f, &["us-west-1b"]), "instance_type_offered", "web",
     "It has zones that offer none of its types: us-west-1a. All of its instances would run in us-west-1b."),
    (|f| { group(f).suspended = vec!["ScheduledActions".to_owned()]; schedule(f, Some(0), None, Some(2)); },
     "scheduled_actions_clear", "web",
     "The process ScheduledActions is suspended. Once it is resumed, the scheduled action night sets min to \
      0, below the plan's 2 and max to 2, below the plan's 4."),
    (|f| template_facts(f).hidden_volumes = 2, "launch_keys_granted", "web",
     "Of the keys of its volumes, those of 2 volumes of its image belong to another account. Whether \
      AWSServiceRoleForAutoScaling may use them is not visible from this account."),
    (|f| template_facts(f).volume_keys = ["arn:aws:kms:us-west-1:210987654321:key/7a8b".to_owned()].into(),
     "launch_keys_granted", "web",
     "Of the keys of its volumes, key/7a8b belongs to another account. Whether AWSServiceRoleForAutoScaling \
      may use it is not visible from this account."),
    (|f| group(f).subnets.clear(), "addresses_free", "web",
     "It names no subnets, so it launches into those of the default VPC, which this check does not read."),
    (|f| drop(f.endpoint_groups.insert(Name::from("front"), Ok(4))), "endpoint_groups_tried", "front",
     "The listener has 4 endpoint groups, and the accelerator tries only the 3 nearest to a user. If none of \
      those has an open endpoint, it sends the user to a fenced one."),
    // snapshot-role-may-use-the-sources-own-key
    (|f| { rights(f, PRIMARY_KEY, KeyRights::default()); refuse(f, "kms:CreateGrant", PRIMARY_KEY, "implicitDeny");
           if let Some(Ok(Some(stock))) = f.primaries.get_mut(&Name::from("stock")) { stock.kms_key = None; } },
     "source_key_allowed", "orders",
     "It is encrypted with key/2c3d, and the role of shop-snapshot-scheduler may not use that key. RDS may \
      refuse a copy to the other region."),
];

#[test]
fn a_price_is_noted_and_leaves_the_plan_ready() {
    for (change, name, subject, sentence) in NOTES {
        let mut facts = good(&State::default());
        change(&mut facts);
        let readiness = judged(&State::default(), &facts);
        let check = named(&readiness, name, subject);
        assert_eq!((check.finding(), check.sentence()), (Finding::Note, *sentence));
        assert_eq!(
            (readiness.finding(), readiness.unready()),
            (Finding::Ready, 0),
            "{:#?}",
            readiness.table()
        );
        let verdict = format!("shop is ready: all {BEFORE} checks are ready, 1 of them with a note.");
        assert_eq!(readiness.sentence(), verdict);
    }
}

/// One change to a good day that is just good enough.
type FineRow = (fn(&mut ReadinessFacts), &'static str, &'static str, &'static str);

#[rustfmt::skip]
const FINE: &[FineRow] = &[
    (|f| attach(f, "lambda", 1), "balancer_can_be_healthy", "front",
     "Fleets that a failover moves fill 1 of its target groups. The others (1) have healthy targets now."),
    (|f| schedule(f, Some(2), Some(2), Some(4)), "scheduled_actions_clear", "web",
     "Its scheduled action does not shrink it below the plan's size."),
    (|f| f.free_addresses.values_mut().for_each(|free| *free = Ok(Some(1))), "addresses_free", "web",
     "Its subnets have 2 free addresses. Instances to launch: 2."),
    (|f| drop(f.quotas.insert(STANDARD_QUOTA.to_owned(), Ok(4))), "vcpu_quota_suffices", "shop",
     "The fleets take 4 of 4 vCPUs (L-1216C47A). Other instances in the account are not counted."),
    (|f| drop(f.endpoint_groups.insert(Name::from("front"), Ok(3))), "endpoint_groups_tried", "front",
     "The accelerator tries all 3 endpoint groups of the listener."),
    (|f| made(f).class = Some("db.r7g.2xlarge".to_owned()), "replica_like_primary", "orders",
     "The replica has at least the class, zones and storage of the primary."),
    (|f| made(f).storage_gib = 1023, "backup_window_clear", "orders",
     "It has no automated backups, so no backup delays a promotion."),
    (|f| read_only(f, Some("{TrueIfReplica}")), "parameter_group_writable", "orders",
     "Its parameter group shop-mysql sets read_only to {TrueIfReplica}."),
    (|f| read_only(f, None), "parameter_group_writable", "orders",
     "Its parameter group shop-mysql keeps the RDS default for read_only."),
    (|f| transparent(f, "STATSPACK"), "copy_option_group", "orders",
     "It does not encrypt through an option, so its copies need no option group."),
    (|f| rights(f, PRIMARY_KEY, KeyRights { is_of_aws: true, ..KeyRights::default() }), "source_key_allowed", "orders",
     "The key/2c3d is managed by AWS, and RDS may use it for this account."),
    (|f| rights(f, VOLUME_KEY, KeyRights { policy: policy_for(SERVICE_ROLE, "kms:*"), ..KeyRights::default() }),
     "launch_keys_granted", "web", "AWSServiceRoleForAutoScaling may use the key of its volumes."),
    (|f| group(f).chooses_types = true, "instance_type_offered", "web",
     "It selects instance types by attributes, so it skips a type that a zone does not offer."),
];

fn policy_for(principal: &str, action: &str) -> String {
    let statement = serde_json::json!({
        "Effect": "Allow", "Principal": { "AWS": [principal] }, "Action": ["kms:DescribeKey", action], "Resource": "*",
    });
    serde_json::json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}

#[test]
fn what_is_just_good_enough_is_ready_without_a_note() {
    for (change, name, subject, sentence) in FINE {
        let mut facts = good(&State::default());
        change(&mut facts);
        let readiness = judged(&State::default(), &facts);
        let check = named(&readiness, name, subject);
        assert_eq!((check.finding(), check.sentence()), (Finding::Ready, *sentence));
        let verdict = format!("shop is ready: all {BEFORE} checks are ready.");
        assert_eq!(readiness.sentence(), verdict, "{:#?}", readiness.table());
    }
}

/// Only a statement that allows the service's role itself, or everybody, what EC2 needs: the account's administrators do not
/// pass their right on to a role whose policies nobody can change.
#[test]
fn a_keys_policy_counts_only_for_the_role_that_launches() {
    let root = "arn:aws:iam::123456789012:root";
    for (principal, action, expected) in [
        (SERVICE_ROLE, "kms:CreateGrant", Finding::Ready),
        (SERVICE_ROLE, "kms:Create*", Finding::Ready),
        ("*", "kms:*", Finding::Ready),
        (SERVICE_ROLE, "kms:Decrypt", Finding::NotReady),
        (root, "kms:*", Finding::NotReady),
    ] {
        let mut facts = good(&State::default());
        let policy = policy_for(principal, action);
        rights(&mut facts, VOLUME_KEY, KeyRights { policy: policy.clone(), ..KeyRights::default() });
        let readiness = judged(&State::default(), &facts);
        assert_eq!(named(&readiness, "launch_keys_granted", "web").finding(), expected, "{policy}");
    }
    let mut facts = good(&State::default());
    let other = KeyGrant { grantee: SERVICE_ROLE.to_owned(), operations: vec!["Decrypt".to_owned()] };
    rights(&mut facts, VOLUME_KEY, KeyRights { grants: vec![other], ..KeyRights::default() });
    let readiness = judged(&State::default(), &facts);
    assert_eq!(named(&readiness, "launch_keys_granted", "web").finding(), Finding::NotReady);
}

#[test]
fn an_option_group_of_the_plan_goes_along_with_the_copies_of_its_direction() {
    let mut plan = plan();
    let groups = OptionGroups {
        database: Name::from("orders"),
        primary: None,
        recovery: Some("shop-oracle-tde".to_owned()),
    };
    plan.snapshots.as_mut().expect("snapshots").option_groups = vec![groups];
    assert_eq!(plan.validate(), vec![]);
    let mut facts = good(&State::default());
    transparent(&mut facts, "TDE");
    let readiness = Readiness::of(&plan, &State::default(), &facts, now());
    let check = named(&readiness, "copy_option_group", "orders");
    assert_eq!(check.sentence(), "Its copies use the option group shop-oracle-tde.");
    // After the failover they go the other way.
    let mut facts = good(&everything());
    let made = made(&mut facts);
    "oracle-ee".clone_into(&mut made.engine);
    made.option_groups = vec!["shop-oracle-tde".to_owned()];
    let group = OptionGroupRef { region: RECOVERY.to_owned(), name: "shop-oracle-tde".to_owned() };
    facts.options.insert(group, Ok(vec!["TDE".to_owned()]));
    let readiness = Readiness::of(&plan, &everything(), &facts, now());
    let check = named(&readiness, "copy_option_group", "orders");
    assert_eq!(check.finding(), Finding::NotReady);
    assert!(check.remedy().is_some_and(|remedy| remedy.contains("in the primary region")), "{check:?}");
}

#[test]
fn what_was_opened_must_be_healthy_for_the_accelerator_too_and_each_of_its_target_groups() {
    let state = everything();
    for (health, finding, words) in [
        (
            EndpointHealth::Unhealthy { reason: "no healthy targets".to_owned() },
            Finding::NotReady,
            "reports the recovery endpoint as unhealthy (no healthy targets)",
        ),
        (EndpointHealth::Initial { reason: String::new() }, Finding::Unknown, "its first health check"),
        (EndpointHealth::Unknown, Finding::Unknown, "reports no health"),
    ] {
        let mut facts = good(&state);
        route(&mut facts).health.recovery = health;
        let readiness = judged(&state, &facts);
        let check = named(&readiness, "endpoint_healthy", "front");
        assert_eq!(check.finding(), finding, "{check:?}");
        assert!(check.sentence().contains(words), "{check:?}");
    }
    let mut facts = good(&state);
    facts.attached.insert(BALANCER.to_owned(), Ok(Some(attached(&State::default()))));
    let readiness = judged(&state, &facts);
    let check = named(&readiness, "balancer_can_be_healthy", "front");
    assert_eq!(check.finding(), Finding::NotReady, "a fleet that has moved must fill its own: {check:?}");
    let mut facts = good(&state);
    made(&mut facts).is_multi_az = false;
    let readiness = judged(&state, &facts);
    assert_eq!(named(&readiness, "database_multi_az", "orders").finding(), Finding::Note);
}

#[test]
fn a_row_of_more_than_sixteen_that_wait_for_each_other_is_noted() {
    for (count, expected) in [(16, Finding::Ready), (17, Finding::Note)] {
        let mut plan = plan();
        let first = plan.databases.remove(0);
        let database = |n: usize| protocol::plan::Database {
            name: Name::new(format!("db-{n}")),
            // In no order: the last one is listed first.
            after: (n > 0).then(|| Name::new(format!("db-{}", n - 1))).into_iter().collect(),
            ..first.clone()
        };
        plan.databases = (0..count).rev().map(database).collect();
        // So that all of its checks are kept, also those that are ready.
        (plan.fleets, plan.routes) = (Vec::new(), Vec::new());
        let readiness = Readiness::of(&plan, &State::default(), &ReadinessFacts::default(), now());
        let check = named(&readiness, "chains_short", "shop");
        assert_eq!(check.finding(), expected, "{count}: {check:?}");
        assert!(check.sentence().contains(&count.to_string()), "{check:?}");
    }
}

/// The order of the quotas' families, as AWS lists them.
#[test]
fn a_type_counts_against_the_quota_of_its_family() {
    for (named_type, code) in [
        ("m7i-flex.large", Some("L-1216C47A")),
        ("im4gn.large", Some("L-1216C47A")),
        ("t3.micro", Some("L-1216C47A")),
        ("g5.xlarge", Some("L-DB2E81BA")),
        ("p4d.24xlarge", Some("L-417A185B")),
        ("x2idn.16xlarge", Some("L-7295265B")),
        ("inf2.xlarge", Some("L-1945791B")),
        ("trn1.2xlarge", Some("L-2C3B7624")),
        ("mac2.metal", None),
        ("hpc7a.96xlarge", None),
    ] {
        let mut facts = good(&State::default());
        template_facts(&mut facts).instance_type = Some(named_type.to_owned());
        let quotas = protocol::readiness::launches::quotas(&facts);
        assert_eq!(
            quotas.into_iter().collect::<Vec<_>>(),
            code.into_iter().collect::<Vec<_>>(),
            "{named_type}"
        );
    }
}

#[test]
fn each_thing_that_stops_a_failover_is_found_by_its_own_check_alone() {
    for (change, name, subject, finding, sentence) in ROWS {
        let mut facts = good(&State::default());
        change(&mut facts);
        let readiness = judged(&State::default(), &facts);
        let check = named(&readiness, name, subject);
        assert_eq!((check.finding(), check.sentence()), (*finding, *sentence));
        // Nothing else turns, but for what can't be known without it; and that says so.
        let others = readiness.checks().iter().filter(|other| !other.finding().is_ready() && *other != check);
        for other in others {
            let sees = other.remedy().is_some_and(|remedy| remedy.contains(name));
            assert!(other.finding() == Finding::Unknown && sees, "{name} {subject} turned {other:?}");
        }
        assert_eq!(readiness.finding(), *finding);
    }
}

/// A good day of the plan with its first database as an Aurora global database, with one change.
fn judged_as_aurora(state: &State, change: impl FnOnce(&mut ReplicaFacts)) -> Readiness {
    let mut plan = plan();
    let database = &mut plan.databases[0];
    as_aurora(database, "shop-orders");
    let mut facts = good(state);
    let role = if state.holdings.has_active() { ClusterRole::Writer } else { ClusterRole::Secondary };
    let seen = replica(&mut facts);
    seen.backup_retention_days = 7;
    seen.backup_window = Some("03:00-03:30".to_owned());
    seen.cluster = Some(ClusterFacts {
        role,
        instances: 2,
        instances_available: 1,
        engine_version: Some("16.4".to_owned()),
        global_engine_version: Some("16.4".to_owned()),
    });
    change(seen);
    seen.instance = None;
    for action in ["rds:FailoverGlobalCluster", "rds:ModifyDBCluster"] {
        facts.refused.insert(action.to_owned(), Ok(Vec::new()));
    }
    Readiness::of(&plan, state, &facts, now())
}

fn cluster(facts: &mut ReplicaFacts) -> &mut ClusterFacts {
    facts.cluster.as_mut().expect("a cluster")
}

/// One change to a cluster on a good day, and the sentence of the check that must find it.
type ClusterRow = (fn(&mut ReplicaFacts), &'static str);

#[test]
fn an_aurora_cluster_is_judged_by_what_a_cluster_is_and_what_it_has_not_is_said() {
    let good = judged_as_aurora(&State::default(), |_| ());
    for (check, sentence) in [
        (
            "replica_available",
            "shop-orders-replica exists, with status available and 1 of 2 instances available.",
        ),
        ("replica_replicates", "It replicates."),
        (
            "backup_window_clear",
            "This check does not apply to an Aurora cluster: its backups are continuous and never delay a \
             failover.",
        ),
    ] {
        let check = named(&good, check, "orders");
        assert_eq!((check.finding(), check.sentence()), (Finding::Ready, sentence));
    }
    let allowed = named(&good, "role_allowed", "promote-replica");
    assert!(allowed.sentence().contains("rds:FailoverGlobalCluster"), "{}", allowed.sentence());

    let rows: [ClusterRow; 6] = [
        (
            |facts| cluster(facts).instances = 0,
            "shop-orders-replica has no instance, so there is nothing to promote.",
        ),
        (
            |facts| cluster(facts).instances_available = 0,
            "None of the 2 instances of shop-orders-replica is available.",
        ),
        (
            |facts| cluster(facts).engine_version = Some("16.3".to_owned()),
            "shop-orders-replica runs engine version 16.3, and the global database runs 16.4. A failover \
             needs the same version.",
        ),
        (
            |facts| cluster(facts).role = ClusterRole::Writer,
            "shop-orders-replica is the writer of the global database shop-orders, although no run has failed over to it.",
        ),
        (
            |facts| cluster(facts).role = ClusterRole::Outside,
            "shop-orders-replica does not belong to the global database shop-orders, so it does not \
             replicate.",
        ),
        (
            |facts| facts.status = "failing-over".to_owned(),
            "shop-orders-replica has status failing-over. A failover needs an available cluster.",
        ),
    ];
    for (change, sentence) in rows {
        let readiness = judged_as_aurora(&State::default(), change);
        let check = named(&readiness, "replica_available", "orders");
        assert_eq!((check.finding(), check.sentence()), (Finding::NotReady, sentence));
    }
}

#[test]
fn an_aurora_cluster_that_has_moved_must_have_an_instance_that_writes() {
    let good = judged_as_aurora(&everything(), |_| ());
    assert_eq!(named(&good, "database_writable", "orders").sentence(), "shop-orders-replica accepts writes.");
    let headless = judged_as_aurora(&everything(), |facts| cluster(facts).instances_available = 0);
    let check = named(&headless, "database_writable", "orders");
    assert_eq!(
        (check.finding(), check.sentence()),
        (Finding::NotReady, "shop-orders-replica has status available and no available instance.")
    );
    let unsaved = judged_as_aurora(&everything(), |facts| facts.backup_retention_days = 0);
    let check = named(&unsaved, "backups_on", "orders");
    assert!(
        check
            .remedy()
            .expect("a remedy")
            .contains("modify-db-cluster --region us-west-1 --db-cluster-identifier"),
        "{check:?}"
    );
}

#[test]
fn what_does_not_exist_is_not_ready_and_what_hangs_on_it_is_unknown() {
    let mut facts = good(&State::default());
    facts.replicas.insert(Name::from("orders"), Ok(None));
    facts.groups.insert(Name::from("web"), Ok(None));
    let readiness = judged(&State::default(), &facts);
    let finding = |name: &str, subject: &str| named(&readiness, name, subject).finding();
    assert_eq!(finding("replica_available", "orders"), Finding::NotReady);
    assert_eq!(finding("replica_replicates", "orders"), Finding::Unknown);
    assert_eq!(finding("group_exists", "web"), Finding::NotReady);
    assert_eq!(finding("launch_allowed", "web"), Finding::Unknown);
    assert_eq!(finding("template_and_image", "web"), Finding::Unknown);
    assert_eq!(finding("key_enabled", "orders"), Finding::Unknown);
    assert_eq!(finding("role_allowed", "scale-asg"), Finding::Unknown);
    assert_eq!(finding("replica_like_primary", "orders"), Finding::Unknown);
    assert_eq!(finding("instance_type_offered", "web"), Finding::Unknown);
    let sentence = format!("shop is not ready: of {BEFORE} checks 2 are not ready and 14 are unknown.");
    assert_eq!(readiness.sentence(), sentence);
}

#[test]
fn an_endpoint_that_is_missing_is_neither_open_nor_closed() {
    let mut facts = good(&State::default());
    route(&mut facts).endpoints.recovery = Endpoint::Missing;
    let readiness = judged(&State::default(), &facts);
    assert_eq!(named(&readiness, "endpoints_present", "front").finding(), Finding::NotReady);
    assert_eq!(named(&readiness, "other_side_closed", "front").finding(), Finding::Unknown);
    assert_eq!(named(&readiness, "serving_side_open", "front").finding(), Finding::Ready);
}

/// A failover that moved one of two routes leaves no region whose parameters are the ones to copy.
#[test]
fn parameters_of_a_workload_in_two_places_are_not_ready() {
    let mut plan = plan();
    let mut second = plan.routes[0].clone();
    second.name = Name::from("back");
    plan.routes.push(second);
    let readiness = Readiness::of(&plan, &moved(&["front"]), &good(&State::default()), now());
    let check = named(&readiness, "parameters_same", "parameters");
    assert_eq!(check.finding(), Finding::NotReady);
    assert!(
        check.sentence().ends_with("so Pilotlight can't choose which region to copy from; move the rest.")
    );
    assert!(check.remedy().is_some_and(|remedy| remedy.starts_with("echo ")), "{check:?}");
}

#[test]
fn what_nobody_looked_at_within_the_hour_or_could_not_list_is_unknown() {
    let mut facts = good(&State::default());
    snapshots(&mut facts).at = ago(61);
    let readiness = judged(&State::default(), &facts);
    let check = named(&readiness, "snapshots_fresh", "orders");
    assert_eq!(
        (check.finding(), check.sentence()),
        (Finding::Unknown, "The snapshots were last checked 61 min ago.")
    );
    let mut facts = good(&State::default());
    let look = snapshots(&mut facts);
    look.newest.retain(|one| one.region == RECOVERY);
    look.gaps.push((PRIMARY.to_owned(), "no answer.".to_owned()));
    let readiness = judged(&State::default(), &facts);
    let check = named(&readiness, "snapshots_fresh", "orders");
    let sentence = "The snapshots of us-east-2 (no answer) could not be listed.";
    assert_eq!((check.finding(), check.sentence()), (Finding::Unknown, sentence));
}

/// While the one that was due is still being made, the one before is the newest there can be.
#[test]
fn a_snapshot_that_is_being_made_has_two_hours() {
    let mut facts = good(&State::default());
    let at = |text: &str| -> Timestamp { text.parse().expect("a time") };
    for one in &mut snapshots(&mut facts).newest {
        one.taken_at = at("2026-11-19T03:04:00Z");
    }
    for (time, expected) in
        [("2026-11-20T04:59:00Z", Finding::Ready), ("2026-11-20T05:01:00Z", Finding::NotReady)]
    {
        snapshots(&mut facts).at = at(time);
        let readiness = Readiness::of(&plan(), &State::default(), &facts, at(time));
        assert_eq!(named(&readiness, "snapshots_fresh", "orders").finding(), expected, "{time}");
    }
}

#[test]
fn people_are_told_once_what_is_new_and_once_what_is_mended() {
    let mut broken = good(&State::default());
    group(&mut broken).suspended = vec!["Launch".to_owned()];
    let fine = judged(&State::default(), &good(&State::default()));
    let broken = judged(&State::default(), &broken);

    let first = LastReadiness::untold(fine.clone(), None);
    assert_eq!(first.news(), None, "the first pass has nothing to say if all is ready");
    let second = LastReadiness::untold(broken.clone(), Some(&first));
    assert_eq!(
        second.news().expect("something changed"),
        format!(
            "shop is not ready: of {BEFORE} checks 1 is not ready; new: launch_allowed web is not ready \
             (shop-web-recovery has suspended processes: Launch. Remedy: aws autoscaling resume-processes \
             --region us-west-1 --auto-scaling-group-name shop-web-recovery --scaling-processes Launch)."
        )
    );
    let again = LastReadiness::untold(broken.clone(), Some(&second));
    assert_eq!(again.news(), second.news(), "what nobody was told of is still news");
    let told = LastReadiness::untold(broken, Some(&second.as_told()));
    assert_eq!(told.news(), None);
    let mended = LastReadiness::untold(fine, Some(&told));
    assert_eq!(
        mended.news().expect("something changed"),
        format!("shop is ready: all {BEFORE} checks are ready; fixed or gone: launch_allowed web.")
    );
}

#[test]
fn a_plan_of_a_thousand_databases_keeps_what_is_not_ready_and_stays_small() {
    let mut plan = plan();
    let first = plan.databases.remove(0);
    plan.databases = (0..1000)
        .map(|n| {
            let name = Name::new(format!("db-{n}"));
            let replica = format!("arn:aws:rds:us-west-1:123456789012:db:db-{n}");
            let mut database = protocol::plan::Database { name, after: Vec::new(), ..first.clone() };
            *database.arn_mut(Side::Recovery) = replica;
            database
        })
        .collect();
    let readiness = Readiness::of(&plan, &State::default(), &ReadinessFacts::default(), now());
    assert_eq!(readiness.unready(), BEFORE - OF_THE_PLAN_ALONE.len() + 10 * (1000 - 2));
    let last = LastReadiness::untold(readiness, None).as_told();
    let json = serde_json::to_string(&last).expect("it is written");
    assert!(json.len() < 300_000, "{} bytes are too many for one item", json.len());
    assert_eq!(serde_json::from_str::<LastReadiness>(&json).expect("it is read"), last);
}

/// The page for operators has a row for each check.
#[test]
fn every_check_is_in_the_handbook() {
    let handbook = include_str!("../../../docs/operating.md");
    let all: Vec<&str> = names().collect();
    for name in &all {
        assert!(handbook.contains(&format!("| `{name}` |")), "docs/operating.md has no row for {name}");
    }
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "no name is used twice");
}

fn unseen<T: Clone + std::fmt::Debug>(seen: impl Strategy<Value = T>) -> impl Strategy<Value = Seen<T>> {
    prop_oneof![
        3 => seen.prop_map(Ok),
        1 => Just(Err(Unseen::new("It was not seen.", "Look again.")))
    ]
}

fn replicas() -> impl Strategy<Value = Seen<Option<ReplicaFacts>>> {
    let status = prop::sample::select(vec!["available", "backing-up", "stopped", ""]);
    let replication = prop_oneof![
        Just(ReplicaState::Replicating),
        Just(ReplicaState::Detached),
        Just(ReplicaState::Broken { detail: "x".to_owned() }),
        Just(ReplicaState::Unknown { detail: "x".to_owned() }),
    ];
    let window = prop::option::of("[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}");
    let role = prop::sample::select(vec![ClusterRole::Secondary, ClusterRole::Writer, ClusterRole::Outside]);
    let cluster = (role, 0..3u32, any::<bool>()).prop_map(|(role, instances, is_same)| ClusterFacts {
        role,
        instances,
        instances_available: instances / 2,
        engine_version: Some("16.4".to_owned()),
        global_engine_version: is_same.then(|| "16.4".to_owned()),
    });
    let cluster = prop::option::of(cluster);
    let facts = (status, replication, 0..9u32, window, cluster).prop_map(
        |(status, replication, days, window, cluster)| ReplicaFacts {
            status: status.to_owned(),
            replication,
            backup_retention_days: days,
            backup_window: window,
            kms_key: Some(KEY.to_owned()),
            instance: cluster.is_none().then(|| instance(KEY)),
            cluster,
        },
    );
    unseen(prop::option::of(facts))
}

fn maps<T: Clone + std::fmt::Debug>(
    names: &'static [&'static str],
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = BTreeMap<Name, T>> {
    prop::collection::vec(prop::option::of(value), names.len()).prop_map(|values| {
        let pairs = names.iter().zip(values);
        pairs.filter_map(|(name, value)| Some((Name::from(*name), value?))).collect()
    })
}

fn any_facts() -> impl Strategy<Value = ReadinessFacts> {
    let lag = (-400..400i64, any::<Option<u64>>()).prop_map(|(age, lag_ms)| LagSample {
        at: now().checked_sub(SignedDuration::from_secs(age)).expect("a time"),
        lag_ms,
    });
    let group = prop::sample::subsequence(vec!["Launch", "AddToLoadBalancer", "Terminate"], 0..=3).prop_map(
        |suspended| GroupFacts {
            suspended: suspended.into_iter().map(str::to_owned).collect(),
            target_groups: own_fleet(&mut plan(), 0).target_groups.clone(),
            arn: GROUP.to_owned(),
            templates: vec![template()],
            zones: vec!["us-west-1a".to_owned()],
            subnets: vec!["subnet-a".to_owned()],
            ..GroupFacts::default()
        },
    );
    let endpoint = prop_oneof![
        any::<u8>().prop_map(|weight| Endpoint::Open(Setting::Weight(weight))),
        Just(Endpoint::Closed),
        Just(Endpoint::Missing)
    ];
    let route = (endpoint.clone(), endpoint, any::<u32>()).prop_map(|(primary, recovery, dial)| RouteFacts {
        endpoints: Sides { primary, recovery },
        dials_permille: Sides { primary: 1000, recovery: dial },
        health: Sides::from_fn(|_| EndpointHealth::Unhealthy { reason: "no healthy targets".to_owned() }),
    });
    let answer = prop_oneof![
        Just(ProbeAnswer::Good),
        Just(ProbeAnswer::Bad { detail: String::new() }),
        Just(ProbeAnswer::Unknown { detail: ".".to_owned() })
    ];
    let subscriptions =
        (0..9u32, 0..3u32).prop_map(|(confirmed, pending)| Subscriptions { confirmed, pending });
    (
        maps(&["orders", "stock"], replicas()),
        maps(&["orders", "stock"], unseen(prop::option::of(lag))),
        maps(&["web"], unseen(prop::option::of(group))),
        maps(&["web"], unseen(0..9u32)),
        maps(&["front"], unseen(route)),
        prop::collection::vec(answer, 0..3),
        unseen(prop::option::of(subscriptions)),
    )
        .prop_map(|(replicas, lag, groups, healthy, routes, sights, heard)| {
            let mut facts = good(&State::default());
            let probes = facts.probes.iter().zip(sights);
            facts.probes = probes.map(|(probe, answer)| ProbeSeen { answer, ..probe.clone() }).collect();
            facts.topics.insert(NOTICES.to_owned(), heard);
            ReadinessFacts { replicas, lag, groups, healthy, routes, ..facts }
        })
        .prop_flat_map(|facts| later().prop_map(move |later| later.of(facts.clone())))
}

/// Something of what is seen last, in any state.
#[derive(Clone, Debug)]
struct Later {
    word: Seen<Option<&'static str>>,
    count: Seen<Option<u64>>,
    not_after: Option<Timestamp>,
    release: Option<Seen<BTreeMap<String, String>>>,
    rights: Seen<Option<KeyRights>>,
    scheduled: Seen<Vec<ScheduledAction>>,
}

fn later() -> impl Strategy<Value = Later> {
    let words = vec!["Active", "Enabled", "ISSUED", "available", "PendingDeletion", ""];
    let word = unseen(prop::option::of(prop::sample::select(words)));
    let released = BTreeMap::from([("shop-scale-asg".to_owned(), "x".to_owned())]);
    let release = prop::option::of(unseen(prop_oneof![Just(released), Just(BTreeMap::new())]));
    let not_after = any::<Option<i32>>().prop_map(|at| Timestamp::from_second(at?.into()).ok());
    let policy = prop::sample::select(vec!["", "{}", "[", r#"{"Statement":{"Effect":"Allow"}}"#]);
    let rights = (any::<bool>(), policy).prop_map(|(is_of_aws, policy)| KeyRights {
        is_of_aws,
        grants: vec![KeyGrant::default()],
        policy: policy.to_owned(),
    });
    let size = || prop::option::of(0..9u32);
    let action = (size(), size(), size()).prop_map(|(min, desired, max)| ScheduledAction {
        name: "night".to_owned(),
        min,
        desired,
        max,
    });
    let scheduled = unseen(prop::collection::vec(action, 0..3));
    let rights = unseen(prop::option::of(rights));
    (word, unseen(prop::option::of(0..3u64)), not_after, release, rights, scheduled).prop_map(
        |(word, count, not_after, release, rights, scheduled)| Later {
            word,
            count,
            not_after,
            release,
            rights,
            scheduled,
        },
    )
}

impl Later {
    /// What was seen, made of the word.
    fn seen<T>(&self, make: impl Fn(String) -> T) -> Seen<Option<T>> {
        self.word.clone().map(|word| word.map(|word| make(word.to_owned())))
    }

    fn of(&self, facts: ReadinessFacts) -> ReadinessFacts {
        let image = |state: String| TemplateFacts {
            image: Some("ami-1".to_owned()),
            instance_type: (!state.is_empty()).then(|| "m6i.large".to_owned()),
            volume_keys: [VOLUME_KEY.to_owned()].into(),
            hidden_volumes: u32::from(state == "Active"),
            has_plain_volume: state == "ISSUED",
            image_state: Some(state),
        };
        let count = |count: Option<u64>| count.and_then(|count| u32::try_from(count).ok());
        let number = self.count.clone().map(count);
        let quota = number.clone().map(Option::unwrap_or_default);
        let zones = self.word.clone().map(|word| {
            word.map(|word| if word == "Active" { "us-west-1a" } else { "us-west-1c" }.to_owned())
                .into_iter()
                .collect()
        });
        let groups = quota.clone().map(|healthy| {
            Some(vec![AttachedGroup { arn: "arn:aws:other".to_owned(), healthy }]).filter(|_| healthy < 2)
        });
        let function = |state| FunctionFacts {
            code_sha256: "x".to_owned(),
            state,
            last_update: "Successful".to_owned(),
            role: String::new(),
        };
        let certificates = |status| {
            vec![CertificateFacts { arn: CERTIFICATE.to_owned(), status, not_after: self.not_after }]
        };
        let refusal = |decision| RefusedAction { action: "a".to_owned(), resource: "r".to_owned(), decision };
        let refused = self.seen(refusal).map(|refusal| refusal.into_iter().collect());
        ReadinessFacts {
            keys: BTreeMap::from([(KEY.to_owned(), self.seen(|state| state))]),
            functions: BTreeMap::from([("shop-scale-asg".to_owned(), self.seen(function))]),
            templates: BTreeMap::from([(template(), self.seen(image))]),
            certificates: BTreeMap::from([(BALANCER.to_owned(), self.seen(certificates))]),
            dead_letters: BTreeMap::from([("shop-scale-asg-dead-letters".to_owned(), self.count.clone())]),
            refused: BTreeMap::from([("rds:PromoteReadReplica".to_owned(), refused)]),
            release: self.release.clone(),
            key_rights: BTreeMap::from([
                (VOLUME_KEY.to_owned(), self.rights.clone()),
                (PRIMARY_KEY.to_owned(), self.rights.clone()),
            ]),
            scheduled: BTreeMap::from([(Name::from("web"), self.scheduled.clone())]),
            offerings: BTreeMap::from([("m6i.large".to_owned(), zones)]),
            vcpus: BTreeMap::from([("m6i.large".to_owned(), number.clone())]),
            quotas: BTreeMap::from([(STANDARD_QUOTA.to_owned(), quota.clone())]),
            free_addresses: BTreeMap::from([("subnet-a".to_owned(), number)]),
            endpoint_groups: BTreeMap::from([(Name::from("front"), quota)]),
            attached: BTreeMap::from([(BALANCER.to_owned(), groups)]),
            ..facts
        }
    }
}

proptest! {
    #[test]
    fn unknown_is_never_ready_and_what_is_not_ready_has_a_remedy(
        facts in any_facts(),
        moved in prop::sample::subsequence(vec!["orders", "stock", "web", "front"], 0..=4),
    ) {
        let state = State { holdings: Holdings::active(moved), ..State::default() };
        let readiness = judged(&state, &facts);
        let all_ready = readiness.checks().iter().all(|check| check.finding().is_ready());
        prop_assert_eq!(readiness.finding() == Finding::Ready, all_ready);
        for check in readiness.checks() {
            let has_remedy = check.remedy().is_some_and(|remedy| !remedy.trim().is_empty());
            prop_assert_eq!(has_remedy, check.finding() != Finding::Ready, "{:?}", check);
            prop_assert!(check.sentence().ends_with('.') && check.sentence().len() > 5, "{:?}", check);
        }
    }

    #[test]
    fn the_same_is_judged_the_same_and_the_order_does_not_depend_on_what_was_seen(
        one in any_facts(),
        other in any_facts(),
    ) {
        let rows = |readiness: &Readiness| -> Vec<(String, String)> {
            let checks = readiness.checks().iter();
            checks.map(|check| (check.name().to_owned(), check.subject().to_owned())).collect()
        };
        let readiness = judged(&State::default(), &one);
        prop_assert_eq!(&readiness, &judged(&State::default(), &one));
        prop_assert_eq!(rows(&readiness), rows(&judged(&State::default(), &other)));
        let distinct: BTreeSet<(String, String)> = rows(&readiness).into_iter().collect();
        prop_assert_eq!(distinct.len(), rows(&readiness).len(), "no row is there twice");
        let known: BTreeSet<&str> = names().collect();
        prop_assert!(rows(&readiness).iter().all(|(name, _)| known.contains(name.as_str())));
    }

    #[test]
    fn what_was_told_is_no_news_and_a_difference_always_is(one in any_facts(), other in any_facts()) {
        let (one, other) = (judged(&State::default(), &one), judged(&State::default(), &other));
        let told = LastReadiness::untold(one.clone(), None).as_told();
        prop_assert_eq!(LastReadiness::untold(one.clone(), Some(&told)).news(), None);
        let findings = |readiness: &Readiness| -> Vec<Finding> {
            readiness.checks().iter().map(Check::finding).collect()
        };
        let differs = findings(&one) != findings(&other);
        prop_assert_eq!(LastReadiness::untold(other, Some(&told)).news().is_some(), differs);
    }
}

#[test]
fn what_makes_a_key_usable_again_is_said_of_the_state_that_it_has() {
    for (state, remedy) in [
        ("Disabled", "aws kms enable-key"),
        ("PendingDeletion", "aws kms cancel-key-deletion"),
        ("PendingReplicaDeletion", "aws kms cancel-key-deletion"),
        ("PendingImport", "import-key-material"),
        ("Unavailable", "connect-custom-key-store"),
    ] {
        let mut facts = good(&State::default());
        key(&mut facts, Some(state));
        let readiness = judged(&State::default(), &facts);
        let said = named(&readiness, "key_enabled", "orders").remedy().unwrap_or_default().to_owned();
        assert!(said.contains(remedy), "{state}: {said}");
    }
}

#[test]
fn an_instance_that_serves_in_a_status_that_does_not_pass_has_its_own_remedy() {
    let mut facts = good(&everything());
    "storage-full".clone_into(&mut replica(&mut facts).status);
    let readiness = judged(&everything(), &facts);
    let said = named(&readiness, "database_writable", "orders").remedy().unwrap_or_default().to_owned();
    assert!(said.contains("give it more storage") && said.contains("does not clear by itself"), "{said}");
}
