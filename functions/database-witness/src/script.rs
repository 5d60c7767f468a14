//! How does the witness divide its time? Asked with databases that behave by a script, on a clock that stands until everybody waits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use ports::Clock;
use protocol::name::Name;
use protocol::witness::{Address, DatabaseSeen, Lsn, Unreached, UnreachedCode};
use serde_json::{Value, json};
use tokio::time::{Instant, advance, sleep_until};

use crate::door::{Door, Session};
use crate::{BEATING_MAX, DATABASES_MAX, DatabaseWitness, LOGINS_MAX, LOOK_MAX, MARGIN};

/// How a database behaves. Everything takes as long as it says.
#[derive(Clone, Debug, Default)]
struct Manner {
    login: Duration,
    answer: Duration,
    /// Logins that fail, counted from the first.
    refused_logins: usize,
    /// Beats that break the session, by their number from 0.
    broken_beats: Vec<usize>,
    /// Beats until it takes writes.
    read_only_beats: usize,
}

/// What was done to a database, and when: seconds since the start.
#[derive(Clone, Debug, Default)]
struct Seen {
    logins: Vec<f64>,
    beats: Vec<f64>,
    closed: usize,
    open_now: usize,
}

struct World {
    manners: BTreeMap<Name, Manner>,
    seen: Mutex<BTreeMap<Name, Seen>>,
    most_logins: Mutex<(usize, usize)>,
    started: Instant,
}

impl World {
    fn with(manners: impl IntoIterator<Item = (&'static str, Manner)>) -> Arc<Self> {
        Self::of(manners.into_iter().map(|(name, manner)| (Name::new(name), manner)).collect())
    }

    fn of(manners: BTreeMap<Name, Manner>) -> Arc<Self> {
        Arc::new(Self {
            manners,
            seen: Mutex::default(),
            most_logins: Mutex::default(),
            started: Instant::now(),
        })
    }

    fn note<T>(&self, name: &Name, note: impl FnOnce(&mut Seen, f64) -> T) -> T {
        let since = self.started.elapsed().as_secs_f64();
        note(self.seen.lock().unwrap().entry(name.clone()).or_default(), since)
    }

    fn seen(&self, name: &str) -> Seen {
        self.seen.lock().unwrap().get(&Name::new(name)).cloned().unwrap_or_default()
    }

    fn command(&self, command: &str) -> Value {
        let address =
            |name: &Name| json!({"name": name, "host": "db.example", "port": 5432, "database": "shop"});
        let databases: Vec<Value> = self.manners.keys().map(address).collect();
        json!({"command": command, "user": "witness", "databases": databases})
    }

    fn beat(&self, seconds: u8) -> Value {
        let mut payload = self.command("beat");
        payload["heartbeat_seconds"] = json!(seconds);
        payload
    }

    /// Asks a witness that has so much time.
    async fn ask(self: &Arc<Self>, payload: &Value, seconds: i64) -> Value {
        let door = Arc::new(ScriptedDoor(Arc::clone(self)));
        let witness = DatabaseWitness { door, clock: Arc::new(StillClock) };
        let deadline = StillClock.now() + SignedDuration::from_secs(seconds);
        witness.handle(payload, deadline).await.unwrap()
    }
}

/// The deadline is counted from here.
struct StillClock;

#[async_trait]
impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        "2026-11-20T03:00:00Z".parse().unwrap()
    }

    async fn sleep(&self, _duration: Duration) {
        unreachable!("the witness waits by its rhythm alone");
    }
}

async fn wait(duration: Duration) {
    sleep_until(Instant::now() + duration).await;
}

struct ScriptedDoor(Arc<World>);

#[async_trait]
impl Door for ScriptedDoor {
    async fn open(&self, _user: &str, address: &Address) -> Result<Box<dyn Session>, Unreached> {
        let manner = self.0.manners[&address.name].clone();
        let number = self.0.note(&address.name, |seen, at| {
            seen.logins.push(at);
            seen.logins.len()
        });
        let counted = Counted::begin(&self.0);
        wait(manner.login).await;
        drop(counted);
        if number <= manner.refused_logins {
            return Err(trouble("not yet"));
        }
        self.0.note(&address.name, |seen, _| seen.open_now += 1);
        Ok(Box::new(ScriptedSession { world: Arc::clone(&self.0), name: address.name.clone(), manner }))
    }
}

/// A login under way.
struct Counted<'a>(&'a World);

impl<'a> Counted<'a> {
    fn begin(world: &'a World) -> Self {
        let mut logins = world.most_logins.lock().unwrap();
        logins.0 += 1;
        logins.1 = logins.1.max(logins.0);
        Self(world)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.most_logins.lock().unwrap().0 -= 1;
    }
}

struct ScriptedSession {
    world: Arc<World>,
    name: Name,
    manner: Manner,
}

impl Drop for ScriptedSession {
    fn drop(&mut self) {
        self.world.note(&self.name, |seen, _| seen.open_now -= 1);
    }
}

fn trouble(message: &str) -> Unreached {
    Unreached { code: UnreachedCode::Refused, message: message.to_owned() }
}

#[async_trait]
impl Session for ScriptedSession {
    async fn look(&mut self) -> Result<DatabaseSeen, Unreached> {
        wait(self.manner.answer).await;
        Ok(DatabaseSeen {
            at: StillClock.now(),
            is_writable: true,
            heartbeat: None,
            position: Lsn(1),
            replica: None,
            sessions: 0,
        })
    }

    async fn beat(&mut self) -> Result<Option<u64>, Unreached> {
        let number = self.world.note(&self.name, |seen, at| {
            seen.beats.push(at);
            seen.beats.len() - 1
        });
        wait(self.manner.answer).await;
        if self.manner.broken_beats.contains(&number) {
            return Err(trouble("broken"));
        }
        Ok((number >= self.manner.read_only_beats).then_some(1))
    }

    async fn close(self: Box<Self>) {
        self.world.note(&self.name, |seen, _| seen.closed += 1);
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The databases of an answer: name, and what came of it.
fn codes(answer: &Value) -> Vec<(&str, &str)> {
    let of = |one: &'_ Value| {
        let code = one["sight"]["unreached"]["code"].as_str();
        code.map_or("seen", |code| match code {
            "no_answer" => "no_answer",
            "refused" => "refused",
            other => panic!("{other}"),
        })
    };
    answer["databases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), of(one)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_look_answers_in_the_order_asked_for_and_logs_off() {
    let world = World::with([
        ("a", Manner { login: seconds(3), ..Manner::default() }),
        ("b", Manner { refused_logins: 1, ..Manner::default() }),
        ("c", Manner { answer: seconds(1), ..Manner::default() }),
    ]);
    let answer = world.ask(&world.command("look"), 60).await;
    assert_eq!(codes(&answer), [("a", "seen"), ("b", "refused"), ("c", "seen")]);
    assert_eq!(
        answer["sentence"],
        "Looked at 3 database(s): 2 answered, and these did not: b (not yet: look up what the database says)."
    );
    for name in ["a", "c"] {
        let seen = world.seen(name);
        assert_eq!((seen.logins.len(), seen.closed, seen.open_now), (1, 1, 0), "{name}");
    }
    assert_eq!(world.started.elapsed(), seconds(3));
}

#[tokio::test(start_paused = true)]
async fn a_look_ends_after_four_seconds_whoever_is_silent() {
    let silent = Manner { login: seconds(600), ..Manner::default() };
    let slow = Manner { login: seconds(2), answer: Duration::from_millis(1999), ..Manner::default() };
    let late = Manner { login: seconds(2), answer: Duration::from_millis(2001), ..Manner::default() };
    let world = World::with([("late", late), ("silent", silent), ("slow", slow)]);
    let answer = world.ask(&world.command("look"), 60).await;
    assert_eq!(codes(&answer), [("late", "no_answer"), ("silent", "no_answer"), ("slow", "seen")]);
    assert_eq!(world.started.elapsed(), LOOK_MAX);
    for name in ["late", "silent", "slow"] {
        assert_eq!(world.seen(name).open_now, 0, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_ends_before_the_invocation_does() {
    let silent = Manner { login: seconds(600), ..Manner::default() };
    let world = World::with([("silent", silent)]);
    world.ask(&world.command("look"), 5).await;
    assert_eq!(world.started.elapsed(), seconds(5).saturating_sub(MARGIN));
    // Without time nobody is asked in vain.
    let answer = world.ask(&world.command("look"), 1).await;
    assert_eq!(codes(&answer), [("silent", "no_answer")]);
}

fn many(count: usize, manner: &Manner) -> Arc<World> {
    let name = |number| Name::new(format!("db-{number:03}"));
    World::of((0..count).map(|number| (name(number), manner.clone())).collect())
}

#[tokio::test(start_paused = true)]
async fn at_most_thirty_two_databases_are_logged_in_to_at_once() {
    let manner = Manner { login: Duration::from_millis(200), ..Manner::default() };
    let world = many(DATABASES_MAX, &manner);
    let answer = world.ask(&world.command("look"), 60).await;
    assert!(codes(&answer).iter().all(|(_, code)| *code == "seen"), "{answer}");
    assert_eq!(world.most_logins.lock().unwrap().1, LOGINS_MAX);
    let world = many(DATABASES_MAX, &manner);
    let answer = world.ask(&world.beat(60), 62).await;
    assert!(answer["databases"].as_array().unwrap().iter().all(|one| one["written"] == 1), "{answer}");
    assert_eq!(world.most_logins.lock().unwrap().1, LOGINS_MAX);
    // Those that there is no time for are not asked, and the answer says so.
    let world = many(DATABASES_MAX, &Manner { login: Duration::from_millis(1001), ..Manner::default() });
    let answer = world.ask(&world.command("look"), 60).await;
    let seen = codes(&answer).iter().take_while(|(_, code)| *code == "seen").count();
    assert_eq!(seen, 3 * LOGINS_MAX, "the first that fit into less than 4 s");
    assert!(codes(&answer)[4 * LOGINS_MAX..].iter().all(|(_, code)| *code == "no_answer"));
    assert_eq!(world.started.elapsed(), LOOK_MAX);
}

#[tokio::test(start_paused = true)]
async fn beats_are_due_by_a_rhythm_that_a_slow_database_does_not_shift() {
    let slow = Manner { login: seconds(2), answer: Duration::from_millis(700), ..Manner::default() };
    let world = World::with([("orders", slow)]);
    let answer = world.ask(&world.beat(5), 900).await;
    let beats: Vec<f64> = [2.0].into_iter().chain((1..12).map(|number| f64::from(number) * 5.0)).collect();
    assert_eq!(world.seen("orders").beats, beats);
    assert_eq!(answer["databases"], json!([{"name": "orders", "written": 12}]));
    assert_eq!(answer["sentence"], "Wrote 12 heartbeat(s) into 1 of 1 database(s).");
    // One session for all of them.
    let seen = world.seen("orders");
    assert_eq!((seen.logins.len(), seen.closed, seen.open_now), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_beat_that_is_late_is_left_out_and_the_next_is_on_time() {
    let slow = Manner { answer: Duration::from_millis(2500), ..Manner::default() };
    let world = World::with([("orders", slow)]);
    world.ask(&world.beat(2), 12).await;
    assert_eq!(world.seen("orders").beats, [0.0, 4.0, 8.0]);
}

#[tokio::test(start_paused = true)]
async fn beats_end_before_the_invocation_does_and_after_fifty_eight_seconds() {
    for (left, every, expected) in [
        (12, 5, 2),
        (13, 5, 3),
        (2, 1, 0),
        (1, 1, 0),
        (3, 1, 1),
        (60, 1, 58),
        (61, 1, 58),
        (900, 29, 2),
        (900, 60, 1),
    ] {
        let world = World::with([("orders", Manner::default())]);
        let answer = world.ask(&world.beat(every), left).await;
        assert_eq!(answer["databases"][0]["written"], expected, "{left} s, every {every} s");
        // Nobody waits for an end when no beat is due any more.
        let last = seconds(u64::from(every)) * u32::try_from(expected).unwrap().saturating_sub(1);
        assert_eq!(world.started.elapsed(), last, "{left} s, every {every} s");
    }
    let world = World::with([("orders", Manner { login: seconds(600), ..Manner::default() })]);
    world.ask(&world.beat(57), 900).await;
    assert_eq!(world.started.elapsed(), BEATING_MAX, "what is under way is broken off");
}

#[tokio::test(start_paused = true)]
async fn a_database_that_takes_no_writes_is_asked_until_it_does() {
    let world = World::with([
        ("primary", Manner::default()),
        ("replica", Manner { read_only_beats: 4, ..Manner::default() }),
        ("standby", Manner { read_only_beats: 100, ..Manner::default() }),
    ]);
    let answer = world.ask(&world.beat(5), 32).await;
    assert_eq!(
        answer["databases"],
        json!([{"name": "primary", "written": 6}, {"name": "replica", "written": 2}, {"name": "standby", "written": 0}])
    );
    assert_eq!(answer["sentence"], "Wrote 8 heartbeat(s) into 2 of 3 database(s).");
    assert_eq!(world.seen("standby").logins.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_at_the_next_beat_by_a_new_session() {
    let world = World::with([
        ("away", Manner { refused_logins: 2, ..Manner::default() }),
        ("broken", Manner { broken_beats: vec![1, 2], ..Manner::default() }),
        ("silent", Manner { login: seconds(600), ..Manner::default() }),
    ]);
    let answer = world.ask(&world.beat(5), 32).await;
    let refused = |message: &str| json!({"code": "refused", "message": message});
    let late = json!({"code": "no_answer", "message": "the heartbeat was not acknowledged in time"});
    assert_eq!(
        answer["databases"],
        json!([
            {"name": "away", "written": 4, "trouble": refused("not yet")},
            {"name": "broken", "written": 4, "trouble": refused("broken")},
            {"name": "silent", "written": 0, "trouble": late},
        ])
    );
    assert_eq!(world.seen("away").logins, [0.0, 5.0, 10.0]);
    assert_eq!(world.seen("broken").logins, [0.0, 10.0, 15.0]);
    assert_eq!(world.seen("silent").logins, [0.0, 5.0, 10.0, 15.0, 20.0, 25.0]);
    for name in ["away", "broken", "silent"] {
        assert_eq!(world.seen(name).open_now, 0, "{name}");
    }
    assert!(
        answer["sentence"].as_str().unwrap().starts_with(
            "Wrote 8 heartbeat(s) into 2 of 3 database(s); there was trouble with away (not yet: look up what"
        ),
        "{answer}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_is_waited_for_four_seconds() {
    for (ms, written) in [(3999, 1), (4001, 0)] {
        let manner = Manner { answer: Duration::from_millis(ms), ..Manner::default() };
        let world = World::with([("orders", manner)]);
        let answer = world.ask(&world.beat(60), 60).await;
        assert_eq!(answer["databases"][0]["written"], written, "{ms} ms");
        assert_eq!(world.seen("orders").open_now, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_command_is_a_fault() {
    advance(seconds(1)).await;
    let world = World::with([("orders", Manner::default())]);
    let witness =
        DatabaseWitness { door: Arc::new(ScriptedDoor(Arc::clone(&world))), clock: Arc::new(StillClock) };
    let deadline = StillClock.now() + SignedDuration::from_secs(60);
    let fault = witness.handle(&json!({"command": "status"}), deadline).await.unwrap_err();
    assert_eq!(fault.code, "bad_command");
    assert!(
        fault.message.starts_with("`command` is neither look nor beat, so nobody was asked: send "),
        "{fault}"
    );
    assert!(world.seen("orders").logins.is_empty());
}
