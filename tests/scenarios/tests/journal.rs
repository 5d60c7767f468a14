//! The journal is read through snapshots of its state. Whatever becomes of those, the functions do the same; whatever becomes
//! of the log, a person can ask how things stand, and is told once an hour.

use engine::conductor::{ALERT_EVERY, Log};
use engine::fault::Fault as Refused;
use engine::snapshot::FOLDED_AT_ONCE;
use jiff::SignedDuration;
use ports::{Clock, FailureKind, Slot};
use protocol::command::Step;
use protocol::journal::{Event, Record, Rejection};
use protocol::plan::Mode;
use protocol::state::fold;
use protocol::state::snapshot::{SNAPSHOT_EVERY, SNAPSHOT_SCHEMA, SealedSnapshot, StateSnapshot};
use scenarios::{COMMANDS_TOPIC, Stage, awaits_approval, is_over, sns};
use serde_json::{Value, json};
use twin::InjectedFault;
use twin::plans::small_plan;

/// A record that changes nothing but the state's memory of rejections.
fn rejected(stage: &Stage, seq: u64) -> Record {
    Record {
        schema: 1,
        previous: None,
        plan: stage.plan.name.clone(),
        seq,
        run: None,
        at: stage.now(),
        writer: "test".to_owned(),
        attempt: format!("rejected-{seq}"),
        request: None,
        sentence: "Nothing is due.".to_owned(),
        event: Event::SignalRejected {
            source: format!("shape {}", seq % 5),
            reason: Rejection::Unrecognised,
            changed_at: None,
            muted: false,
        },
    }
}

/// A stage whose log has so many records, before anything was read.
fn with_records(count: u64) -> Stage {
    let stage = Stage::new(small_plan(Mode::Automatic));
    let records = (1..=count).map(|seq| rejected(&stage, seq)).collect();
    stage.world.inner().records = records;
    stage
}

/// The same, with a snapshot after some records, and further ones after it.
async fn with_snapshots(first: u64, second: u64, last: u64) -> Stage {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.snapshot_every = SNAPSHOT_EVERY;
    for end in [first, second] {
        grow(&stage, end);
        tick(&mut stage).await.expect("the tick works");
    }
    grow(&stage, last);
    let kept: Vec<u64> = kept(&stage).iter().map(|(_, sealed)| sealed.seq).collect();
    assert_eq!(kept, [first, second], "the snapshots are where the test wants them");
    stage
}

/// Appends records until the log has so many.
fn grow(stage: &Stage, to: u64) {
    let from = stage.world.inner().records.len() as u64 + 1;
    let more: Vec<Record> = (from..=to).map(|seq| rejected(stage, seq)).collect();
    stage.world.inner().records.extend(more);
}

async fn tick(stage: &mut Stage) -> Result<Value, Refused> {
    stage.invoke(json!({ "command": "tick" })).await
}

async fn status(stage: &mut Stage) -> Value {
    stage.invoke(json!({ "command": "status" })).await.expect("the status works in every state")
}

fn kept(stage: &Stage) -> Vec<(Slot, SealedSnapshot)> {
    let inner = stage.world.inner();
    inner.state_snapshots.iter().map(|(slot, sealed)| (*slot, sealed.clone())).collect()
}

fn change(stage: &Stage, slot: Slot, change: impl FnOnce(&mut SealedSnapshot)) {
    change(stage.world.inner().state_snapshots.get_mut(&slot).expect("a snapshot"));
}

/// What a function that begins now makes of the journal, and where it began to read.
async fn read(stage: &Stage) -> (Log, Option<u64>) {
    let conductor = stage.instance("reader/1").context.conductor().await.expect("a plan");
    let mut log = Log::default();
    conductor.refresh(&mut log).await.expect("the journal is read");
    let began = log.facts().snapshot.map(|kept| kept.seq);
    (log, began)
}

/// Whoever reads from the beginning meets a record that can't be read.
fn forbid_the_beginning(stage: &Stage, until: u64) {
    let mut inner = stage.world.inner();
    inner.unreadable = (1..until).map(|seq| (seq, "nobody reads so far back".to_owned())).collect();
}

#[tokio::test(start_paused = true)]
async fn a_whole_failover_reads_nothing_that_lies_before_the_snapshot() {
    let mut stage = with_snapshots(200, 400, 450).await;
    forbid_the_beginning(&stage, 400);
    stage.lose_primary().await;
    assert!(stage.until(SignedDuration::from_mins(30), is_over).await, "{:#?}", stage.world.inner().notices);
    assert_eq!(stage.phase(), "completed");
    assert_eq!(
        stage.world.inner().notices.iter().filter(|notice| notice.contains("can't be read")).count(),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_kept_when_so_many_records_came_and_not_one_before() {
    let mut stage = with_records(SNAPSHOT_EVERY - 1);
    stage.snapshot_every = SNAPSHOT_EVERY;
    tick(&mut stage).await.expect("the tick works");
    assert_eq!(kept(&stage), []);
    grow(&stage, SNAPSHOT_EVERY);
    tick(&mut stage).await.expect("the tick works");
    let first = kept(&stage);
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].1.seq, SNAPSHOT_EVERY);
    grow(&stage, 2 * SNAPSHOT_EVERY - 1);
    tick(&mut stage).await.expect("the tick works");
    assert_eq!(kept(&stage), first, "none is due");
    grow(&stage, 2 * SNAPSHOT_EVERY);
    tick(&mut stage).await.expect("the tick works");
    let seqs: Vec<u64> = kept(&stage).iter().map(|(_, sealed)| sealed.seq).collect();
    assert_eq!(seqs, [SNAPSHOT_EVERY, 2 * SNAPSHOT_EVERY], "two are kept");
    grow(&stage, 3 * SNAPSHOT_EVERY);
    tick(&mut stage).await.expect("the tick works");
    let seqs: Vec<u64> = kept(&stage).iter().map(|(_, sealed)| sealed.seq).collect();
    assert_eq!(seqs, [3 * SNAPSHOT_EVERY, 2 * SNAPSHOT_EVERY], "the older one made room");
}

/// A way to spoil a snapshot.
type Spoil = fn(&mut SealedSnapshot);

/// Every way for a snapshot to be of no use, but a log that is another one.
fn spoils() -> Vec<(&'static str, Spoil)> {
    fn reseal(sealed: &mut SealedSnapshot, change: impl FnOnce(&mut Value)) {
        let mut value: Value = serde_json::from_str(&sealed.text).expect("JSON");
        change(&mut value);
        sealed.text = value.to_string();
        sealed.digest = protocol::digest::Digest::of(&sealed.text);
    }
    vec![
        ("its text is incomplete", |sealed| sealed.text.truncate(sealed.text.len() / 2)),
        ("its text is incomplete", |sealed| sealed.text.clear()),
        ("its schema is", |sealed| reseal(sealed, |value| value["schema"] = json!(SNAPSHOT_SCHEMA + 1))),
        ("it can't be read", |sealed| reseal(sealed, |value| value["state"]["of_the_future"] = json!(1))),
        ("it can't be read", |sealed| sealed.seq += 1),
        ("it belongs to plan", |sealed| reseal(sealed, |value| value["plan"] = json!("other"))),
        ("is not the record that it was taken after", |sealed| {
            reseal(sealed, |value| value["record"] = json!("of another log"));
        }),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_newest_snapshot_of_no_use_falls_back_to_the_one_before_and_is_replaced() {
    for (why, spoil) in spoils() {
        let mut stage = with_snapshots(200, 400, 450).await;
        change(&stage, Slot::B, spoil);
        let (log, began) = read(&stage).await;
        assert_eq!(began, Some(200), "{why}");
        assert_eq!(log.state, stage.state(), "{why}");
        let refused = log.facts().refused.expect(why);
        assert!(refused.contains(why), "{refused}");
        // The next tick keeps a good one at once, in its place: two are good again.
        tick(&mut stage).await.expect("the tick works");
        let seqs: Vec<u64> = kept(&stage).iter().map(|(_, sealed)| sealed.seq).collect();
        assert_eq!(seqs, [200, 450], "{why}");
        assert_eq!(read(&stage).await.1, Some(450), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_snapshots_of_no_use_fall_back_to_the_whole_log_and_are_replaced() {
    for (why, spoil) in spoils() {
        let mut stage = with_snapshots(200, 400, 450).await;
        change(&stage, Slot::A, spoil);
        change(&stage, Slot::B, spoil);
        let (log, began) = read(&stage).await;
        assert_eq!((began, &log.state), (None, &stage.state()), "{why}");
        for _ in 0..2 {
            tick(&mut stage).await.expect("the tick works");
        }
        assert_eq!(read(&stage).await.1, Some(450), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_can_not_be_read_is_no_reason_to_stop() {
    let stage = with_snapshots(200, 400, 450).await;
    for fault in [
        InjectedFault::Fails(FailureKind::Throttled),
        InjectedFault::Fails(FailureKind::Denied),
        InjectedFault::LosesAnswer,
    ] {
        stage.world.fault("load_snapshot", fault.clone());
        let (log, began) = read(&stage).await;
        assert_eq!((began, log.state), (Some(200), stage.state()), "the one before it is used");
        for _ in 0..2 {
            stage.world.fault("load_snapshot", fault.clone());
        }
        let (log, began) = read(&stage).await;
        assert_eq!((began, log.state), (None, stage.state()), "the whole log is");
    }
    assert_eq!(read(&stage).await.1, Some(400));
}

/// A log that was restored from a backup, or begun anew: the snapshots know a future that it never had.
#[tokio::test(start_paused = true)]
async fn a_log_that_was_restored_or_replaced_refuses_the_snapshots_of_the_one_before() {
    // Restored to a point between the two snapshots, and to one before both.
    for (left, began) in [(300, Some(200)), (150, None)] {
        let stage = with_snapshots(200, 400, 450).await;
        stage.world.inner().records.truncate(left);
        let (log, from) = read(&stage).await;
        assert_eq!((log.state.last_seq, from), (left as u64, began));
    }
    // Restored, and gone on from there with other records.
    let mut stage = with_snapshots(200, 400, 450).await;
    stage.world.inner().records.truncate(150);
    grow(&stage, 500);
    stage.world.inner().records.iter_mut().skip(150).for_each(|record| record.attempt.push_str("-another"));
    let (log, from) = read(&stage).await;
    let whole = fold(&stage.records()).expect("legal");
    assert_eq!((log.state, from), (whole, None), "neither is of this log");
    // In the end both are of this log, though those of the other one had higher numbers.
    for _ in 0..2 {
        tick(&mut stage).await.expect("the tick works");
    }
    assert_eq!(read(&stage).await.1, Some(500));
}

#[tokio::test(start_paused = true)]
async fn one_changed_byte_in_the_record_of_a_snapshot_refuses_it() {
    let stage = with_snapshots(200, 400, 450).await;
    stage.world.inner().records[399].sentence.push('!');
    assert_eq!(read(&stage).await.1, Some(200));
    stage.world.inner().records[398].sentence.push('!');
    assert_eq!(read(&stage).await.1, Some(200), "the one before is of another record");
}

#[tokio::test(start_paused = true)]
async fn two_ticks_at_once_leave_a_good_snapshot() {
    for every in [1, 3, 7] {
        let mut stage = with_records(21);
        stage.snapshot_every = every;
        let deadline = stage.now() + SignedDuration::from_mins(3);
        for _ in 0..3 {
            let [one, other] =
                ["alarm-handler/1", "alarm-handler/2"].map(|name| stage.instance(name).alarm_handler());
            let payload = json!({ "command": "tick" });
            let (one, other) = tokio::join!(one.handle(&payload, deadline), other.handle(&payload, deadline));
            one.and(other).expect("both work");
            let (log, began) = read(&stage).await;
            assert!(began.is_some());
            assert_eq!(log.state, stage.state());
            stage.alarm("ALARM").await.expect("it is taken");
        }
    }
}

/// A tick that is stopped at its writes: before one of them, after it, in the middle of it. And one that comes very late.
#[tokio::test(start_paused = true)]
async fn whatever_becomes_of_the_write_of_a_snapshot_the_next_tick_keeps_one() {
    for fault in [
        InjectedFault::Fails(FailureKind::Denied),
        InjectedFault::Fails(FailureKind::Throttled),
        InjectedFault::Fails(FailureKind::Unreachable),
        InjectedFault::LosesAnswer,
    ] {
        let mut stage = with_snapshots(200, 400, 610).await;
        stage.world.fault("save_snapshot", fault.clone());
        tick(&mut stage).await.expect("the tick works without its snapshot");
        let (log, _) = read(&stage).await;
        assert_eq!(log.state, stage.state(), "{fault:?}");
        tick(&mut stage).await.expect("the tick works");
        assert_eq!(read(&stage).await.1, Some(610), "{fault:?}");
    }
    let mut stage = with_snapshots(200, 400, 610).await;
    let late = kept(&stage)[0].1.clone();
    tick(&mut stage).await.expect("the tick works");
    stage.world.inner().state_snapshots.insert(Slot::A, late);
    let (log, began) = read(&stage).await;
    assert_eq!(
        (began, log.state),
        (Some(400), stage.state()),
        "the newest was overwritten by one of long ago"
    );
}

/// What the functions did before there were snapshots: a log of any length, and nothing beside it.
#[tokio::test(start_paused = true)]
async fn a_long_log_without_a_snapshot_is_folded_by_pages_and_keeps_snapshots_on_the_way() {
    let length = 2 * FOLDED_AT_ONCE + 2_500;
    let mut stage = with_records(length);
    stage.snapshot_every = SNAPSHOT_EVERY;
    status(&mut stage).await;
    assert_eq!(kept(&stage), [], "only the tick keeps snapshots");
    tick(&mut stage).await.expect("the tick works");
    let seqs: Vec<u64> = kept(&stage).iter().map(|(_, sealed)| sealed.seq).collect();
    assert!(seqs.contains(&length) && seqs.contains(&(2 * FOLDED_AT_ONCE)), "{seqs:?}");
    let (log, began) = read(&stage).await;
    assert_eq!((began, log.state), (Some(length), stage.state()));
}

#[tokio::test(start_paused = true)]
async fn a_tick_that_can_not_fold_the_log_in_its_time_keeps_what_it_has_and_the_next_goes_on() {
    let length = 9_000;
    let stage = with_records(length);
    let mut folded = Vec::new();
    for _ in 0..10 {
        let handler = stage.instance("alarm-handler/1").alarm_handler();
        // Hardly any time: one page, and no more is begun.
        let deadline = stage.now() + SignedDuration::from_secs(10);
        let answer = handler.handle(&json!({ "command": "tick" }), deadline).await;
        folded.push(read(&stage).await.1.expect("snapshot saved"));
        match answer {
            Ok(_) => break,
            Err(fault) => assert_eq!(fault.code, "journal_unfolded", "{fault}"),
        }
    }
    // A page of 2,000 each, of which the second and later ones begin with the snapshot's own record.
    assert_eq!(folded, [2_000, 3_999, 5_998, 7_997, 9_000]);
}

#[tokio::test(start_paused = true)]
async fn the_status_reads_the_records_of_the_last_run_and_not_the_whole_log() {
    let mut stage = with_snapshots(200, 400, 450).await;
    stage.lose_primary().await;
    assert!(stage.until(SignedDuration::from_mins(30), is_over).await);
    let run = stage.run();
    let shown = status(&mut stage).await;
    forbid_the_beginning(&stage, run.min(400));
    let loads = |stage: &Stage| stage.world.inner().calls.get("load").copied().unwrap_or(0);
    let before = loads(&stage);
    assert_eq!(status(&mut stage).await["timeline"], shown["timeline"]);
    assert_eq!(loads(&stage) - before, 2, "one page for the state, one for the timeline");
    let of_run: Vec<Record> = stage.records().into_iter().filter(|record| record.run == Some(run)).collect();
    let timeline = shown["timeline"].as_array().expect("lines");
    assert_eq!(timeline.len(), of_run.len().min(60));
    let last = timeline.last().and_then(Value::as_str).expect("a line");
    assert!(last.ends_with(&of_run.last().expect("a record").sentence), "{last}");

    // A throttled second page costs the timeline, and nothing else.
    stage.world.fault("load", InjectedFault::Passes);
    stage.world.fault("load", InjectedFault::Fails(FailureKind::Throttled));
    let without = status(&mut stage).await;
    assert_eq!((&without["timeline"], &without["run"]), (&json!([]), &shown["run"]));
    assert!(without["timeline_unread"].as_str().is_some_and(|why| why.contains("load")), "{without}");
    assert_eq!(status(&mut stage).await["timeline_unread"], Value::Null);

    // A year later, in a log that went on: no more than that is read for it.
    grow(&stage, 40_000);
    let before = loads(&stage);
    assert_eq!(status(&mut stage).await["timeline"], shown["timeline"]);
    let pages = 40_000 / 2_000 + 1;
    assert!(loads(&stage) - before <= pages + 8, "{}", loads(&stage) - before);
}

/// A record that nobody's program would write: a run opens under a run.
fn illegal(stage: &Stage) -> Record {
    let last = stage.records().last().expect("a record").clone();
    let opened = stage.records().into_iter().find(|record| matches!(record.event, Event::RunOpened { .. }));
    Record { seq: last.seq + 1, attempt: "forged".to_owned(), at: stage.now(), ..opened.expect("a run") }
}

/// A stage with a run that asks for an approval, and poison at the end of its log.
async fn poisoned() -> (Stage, u64) {
    let mut stage = Stage::new(small_plan(Mode::Approve));
    stage.lose_primary().await;
    assert!(stage.until(SignedDuration::from_mins(5), awaits_approval).await);
    let poison = illegal(&stage);
    let seq = poison.seq;
    stage.world.inner().records.push(poison);
    stage.world.inner().notices.clear();
    (stage, seq)
}

#[tokio::test(start_paused = true)]
async fn the_status_under_a_poison_record_is_that_of_the_last_good_one_and_names_the_runbook() {
    let (mut stage, seq) = poisoned().await;
    for is_unreadable in [false, true] {
        if is_unreadable {
            let mut inner = stage.world.inner();
            inner.records.pop();
            inner.unreadable.insert(seq, "its schema is 2; this version reads 1 to 1".to_owned());
        }
        let shown = status(&mut stage).await;
        let poison = &shown["journal"]["poison_record"];
        assert_eq!(poison["seq"], json!(seq.to_string()));
        let why = poison["why"].as_str().expect("why");
        assert!(why.contains(if is_unreadable { "schema is 2" } else { "one run at a time" }), "{why}");
        assert!(poison["runbook"].as_str().is_some_and(|page| page.starts_with("docs/operating.md#")));
        let sentence = shown["sentence"].as_str().expect("a sentence");
        assert!(sentence.contains(&format!("beyond record {}", seq - 1)), "{sentence}");
        assert!(sentence.contains("does nothing automatically"), "{sentence}");
        assert!(sentence.contains("or keep it"), "one of a newer release is not taken out: {sentence}");
        assert_eq!(shown["records"], json!(seq - 1));
        assert_eq!(shown["run"]["phase"], "awaiting approval", "the last good state");
        assert_eq!(shown["attention"]["figure"], 3, "a person has to take it out");
        assert!(shown["timeline"].as_array().is_some_and(|lines| !lines.is_empty()));
    }
    assert_eq!(stage.world.inner().notices, Vec::<String>::new(), "asking tells nobody");
}

#[tokio::test(start_paused = true)]
async fn commands_that_change_something_are_refused_under_a_poison_record_and_nothing_moves() {
    let (mut stage, seq) = poisoned().await;
    let before = stage.records().len();
    let run = stage.world.inner().records.iter().find_map(|record| record.run).expect("a run");
    for command in [
        json!({ "command": "failover", "reason": "r", "by": "ana" }),
        json!({ "command": "approve", "run": run, "by": "ana" }),
        json!({ "command": "abort", "run": run, "reason": "r", "by": "ana" }),
        json!({ "command": "hold", "minutes": 5, "reason": "r", "by": "ana" }),
        json!({ "command": "release", "by": "ana" }),
        json!({ "command": "acknowledge", "run": run, "by": "ana" }),
    ] {
        let refused = stage.invoke(command.clone()).await.expect_err("nothing is changed");
        assert_eq!(refused.code, "journal_unreadable", "{command}");
        assert!(refused.message.contains(&format!("Record {seq}")), "{refused}");
        assert!(refused.message.contains("A-record") || refused.message.contains("#a-record"), "{refused}");
    }
    assert_eq!(stage.records().len(), before);
    assert_eq!(stage.world.inner().commands.len(), 0);
}

/// A worker gets its command.
async fn work(stage: &Stage) -> Result<Value, Refused> {
    let instance = stage.instance("shift-traffic/1");
    let command = json!({ "plan": stage.plan.name, "run": 1, "step": "fence", "subjects": ["front"] });
    let deadline = stage.now() + SignedDuration::from_mins(2);
    instance.work(Step::Fence, &sns(COMMANDS_TOPIC, &command), deadline).await
}

/// The functions of the steps may not write beside the log, so they can't know who was told.
#[tokio::test(start_paused = true)]
async fn a_worker_leaves_the_news_of_a_poison_record_to_the_tick() {
    let (mut stage, _) = poisoned().await;
    for _ in 0..3 {
        work(&stage).await.expect_err("it fails closed");
    }
    assert_eq!(stage.world.inner().notices.len(), 0);
    assert_eq!(stage.world.inner().calls.get("claim_alert"), None);
    tick(&mut stage).await.expect_err("it fails closed");
    assert_eq!(stage.world.inner().notices.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_poison_record_is_one_mail_an_hour_whoever_notices() {
    let (mut stage, _) = poisoned().await;
    let mut mails = Vec::new();
    for minute in 0..=125_u32 {
        // The tick and both of its retries, a signal, a scheduled job, a worker.
        for _ in 0..3 {
            tick(&mut stage).await.expect_err("it fails closed");
        }
        stage.alarm("ALARM").await.expect_err("it fails closed");
        let instance = stage.instance("shift-traffic/1");
        instance
            .context
            .conductor()
            .await
            .expect("a plan")
            .refresh(&mut Log::default())
            .await
            .expect_err("it fails closed");
        mails.extend(std::mem::take(&mut stage.world.inner().notices).iter().map(|_| minute));
        stage.clock.sleep(std::time::Duration::from_mins(1)).await;
    }
    assert_eq!(mails, [0, 60, 120]);
    assert_eq!(ALERT_EVERY, SignedDuration::from_hours(1));
}

/// The figures of attention that were sent since the last time.
fn figures(stage: &Stage) -> Vec<u64> {
    let samples = std::mem::take(&mut stage.world.inner().samples);
    samples.iter().filter(|sample| sample.name == "Attention").map(|sample| sample.value).collect()
}

#[tokio::test(start_paused = true)]
async fn a_poison_record_asks_for_an_operator_with_every_tick_until_it_is_taken_out() {
    // Nobody was needed before it: a quiet log, and a record of a newer release at its end.
    let mut stage = with_records(20);
    figures(&stage);
    stage.world.inner().unreadable.insert(20, "its schema is 2; this version reads 1 to 1".to_owned());
    for _ in 0..3 {
        tick(&mut stage).await.expect_err("it fails closed");
        assert_eq!(figures(&stage), [3]);
        stage.clock.sleep(std::time::Duration::from_mins(1)).await;
    }
    assert_eq!(status(&mut stage).await["attention"]["meaning"], "needs an operator");
    stage.world.inner().unreadable.clear();
    for _ in 0..5 {
        tick(&mut stage).await.expect("it works again");
        stage.clock.sleep(std::time::Duration::from_mins(1)).await;
    }
    assert_eq!(figures(&stage).last(), Some(&0));
    assert_eq!(status(&mut stage).await["attention"]["figure"], 0);

    // A table that does not answer says nothing of who is needed.
    stage.world.fault("load", InjectedFault::Fails(FailureKind::Unreachable));
    figures(&stage);
    tick(&mut stage).await.expect_err("it fails closed");
    assert_eq!(figures(&stage), Vec::<u64>::new());
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_could_not_be_sent_is_sent_by_whoever_notices_next() {
    let (mut stage, _) = poisoned().await;
    stage.world.fault("notice", InjectedFault::Fails(FailureKind::Unavailable));
    tick(&mut stage).await.expect_err("it fails closed");
    assert_eq!(stage.world.inner().notices.len(), 0);
    for _ in 0..2 {
        tick(&mut stage).await.expect_err("it fails closed");
    }
    assert_eq!(stage.world.inner().notices.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_does_not_answer_is_told_beside_a_poison_record_and_once_an_hour_too() {
    let (mut stage, _) = poisoned().await;
    tick(&mut stage).await.expect_err("it fails closed");
    for _ in 0..5 {
        stage.world.fault("load", InjectedFault::Fails(FailureKind::Unreachable));
        tick(&mut stage).await.expect_err("it fails closed");
    }
    let notices = stage.world.inner().notices.clone();
    assert_eq!(notices.len(), 2, "{notices:#?}");
    assert!(notices[0].contains("can't be read beyond"), "{notices:#?}");
    assert!(notices[1].contains("can't be read, so Pilotlight decides nothing: load"), "{notices:#?}");
}

/// The handbook's way to take a poison record out: a copy of the last one aside, and the last one deleted.
#[tokio::test(start_paused = true)]
async fn once_the_poison_record_is_taken_out_the_run_goes_on_where_it_was() {
    let (mut stage, seq) = poisoned().await;
    tick(&mut stage).await.expect_err("it fails closed");
    let run = status(&mut stage).await["run"]["id"].as_u64().expect("a run");
    let aside = stage.world.inner().records.pop().expect("the last record");
    assert_eq!(aside.seq, seq, "it is the last one, as the status says");
    let shown = status(&mut stage).await;
    assert_eq!(shown["journal"]["poison_record"], Value::Null);
    stage.invoke(json!({ "command": "approve", "run": run, "by": "ana" })).await.expect("it is taken");
    assert!(stage.until(SignedDuration::from_mins(30), is_over).await);
    assert_eq!(stage.phase(), "completed");
}

/// Why never one in the middle: the numbers have a gap then, and the log ends before it.
#[tokio::test(start_paused = true)]
async fn a_record_taken_out_of_the_middle_ends_the_log_there_unless_a_snapshot_lies_after_it() {
    let mut stage = with_snapshots(200, 400, 450).await;
    let deleted = stage.world.inner().records.remove(429);
    assert_eq!(deleted.seq, 430);
    let shown = status(&mut stage).await;
    assert_eq!(shown["records"], json!(429));
    assert_eq!(shown["journal"]["poison_record"]["seq"], "431");
    let why = shown["journal"]["poison_record"]["why"].as_str().expect("why").to_owned();
    assert!(why.contains("the next sequence number is 430"), "{why}");
    // The record that is named is a good one. Put back the one that is missing, and none is lost.
    stage.world.inner().records.insert(429, deleted);
    let shown = status(&mut stage).await;
    assert_eq!((&shown["records"], &shown["journal"]["poison_record"]), (&json!(450), &Value::Null));

    let stage = with_snapshots(200, 400, 450).await;
    stage.world.inner().records.retain(|record| record.seq != 300);
    assert_eq!(read(&stage).await.0.state.last_seq, 450, "nobody reads so far back");
}

/// The middle, put right: what was deleted is put back from the copy, and what is illegal is replaced by nothing.
#[tokio::test(start_paused = true)]
async fn records_after_a_poison_one_are_taken_out_from_the_last_to_the_first() {
    let mut stage = with_snapshots(200, 400, 450).await;
    // Somebody wrote three by hand; the first of them is poison, and so nothing follows it.
    stage.world.inner().unreadable.insert(451, "`event` is missing".to_owned());
    for seq in [452, 453] {
        let record = rejected(&stage, seq);
        stage.world.inner().records.push(record);
    }
    assert_eq!(status(&mut stage).await["records"], json!(450));
    while stage.world.inner().records.last().is_some_and(|record| record.seq > 451) {
        stage.world.inner().records.pop();
        tick(&mut stage).await.expect_err("it is still there");
    }
    stage.world.inner().unreadable.clear();
    tick(&mut stage).await.expect("it works again");
}

#[tokio::test(start_paused = true)]
async fn the_readiness_says_how_full_the_journal_is() {
    let check = |answer: &Value| -> Value {
        let checks = answer["checks"].as_array().expect("checks").clone();
        checks.into_iter().find(|check| check["name"] == "journal_compact").expect("the check")
    };
    let mut stage = with_snapshots(200, 400, 450).await;
    let ask = json!({ "command": "readiness" });
    let found = check(&stage.invoke(ask.clone()).await.expect("it is answered"));
    assert_eq!(found["finding"], "ready");
    let sentence = found["sentence"].as_str().expect("a sentence");
    assert!(sentence.contains("450 records, 50 of them since the snapshot"), "{sentence}");
    assert!(sentence.contains("(5 % full)"), "{sentence}");

    grow(&stage, 610);
    // What the tick can't keep, it leaves word of.
    stage.world.fault("save_snapshot", InjectedFault::Fails(FailureKind::Denied));
    tick(&mut stage).await.expect("it ticks");
    let found = check(&stage.invoke(ask.clone()).await.expect("it is answered"));
    assert_eq!(found["finding"], "not_ready");
    assert!(
        found["sentence"].as_str().is_some_and(|text| text.contains("the next snapshot can't be saved")),
        "{found}"
    );
    tick(&mut stage).await.expect("it ticks");
    let found = check(&stage.invoke(ask.clone()).await.expect("it is answered"));
    assert_eq!(found["finding"], "ready", "kept at the next try: {found}");

    stage.world.inner().unreadable.insert(611, "`event` is missing".to_owned());
    let found = check(&stage.invoke(ask).await.expect("it is answered even so"));
    assert_eq!(found["finding"], "not_ready");
    let sentence = found["sentence"].as_str().expect("a sentence");
    assert!(sentence.contains("beyond record 610. Record 611: `event` is missing"), "{sentence}");
}

/// A snapshot is taken of what the tick has folded, its own records included.
#[tokio::test(start_paused = true)]
async fn a_snapshot_after_a_record_of_ones_own_is_bound_to_that_record() {
    let mut stage = Stage::new(small_plan(Mode::Automatic));
    stage.snapshot_every = 1;
    stage.lose_primary().await;
    assert!(stage.until(SignedDuration::from_mins(30), is_over).await);
    tick(&mut stage).await.expect("the tick works");
    let (log, began) = read(&stage).await;
    assert_eq!((began, &log.state), (Some(log.state.last_seq), &stage.state()));
    let plan = &stage.plan.name;
    let newest = kept(&stage).into_iter().max_by_key(|(_, sealed)| sealed.seq).expect("a snapshot").1;
    let StateSnapshot { program, state, .. } = newest.open(plan).expect("it opens");
    assert_eq!((program.as_str(), state), (env!("CARGO_PKG_VERSION"), stage.state()));
}
