//! Do the statements say what real databases are like? Asked of the lab's, over TLS and with tokens, when one runs that holds data:
//! `PILOTLIGHT_EMULATOR_URL=http://127.0.0.1:5000 cargo test -p database-witness emulator -- --ignored`.
//!
//! Every test makes what it needs under a fresh name. Nothing is waited for by the clock: what is expected shows in the end.

use std::collections::BTreeSet;
use std::time::Duration;

use aws::database_token::SignedTokens;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use futures::future::{join, join_all};
use jiff::SignedDuration;
use ports::{Clock, Ids};
use protocol::name::Name;
use protocol::witness::{Sight, Witnessed};
use runtime::clock::SystemClock;
use runtime::ids::FreshUlids;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_postgres::NoTls;

use super::test_authority::ANOTHER;
use super::*;
use crate::DatabaseWitness;

const SOURCE_REGION: &str = "us-east-2";
const REPLICA_REGION: &str = "us-west-1";
const ACCOUNT: &str = "123456789012";
const MASTER: &str = "lab";
const PASSWORD: &str = "not-a-secret";
const DATABASE: &str = "orders";
const USER: &str = "pilotlight_witness";
/// What the module prints, for this user.
const GRANTS: &str = include_str!("../../../../infra/modules/database-witness/grants.sql.tftpl");
/// It only ends what would never come.
const PATIENCE: u32 = 1200;

fn endpoint() -> String {
    #[expect(clippy::disallowed_methods, reason = "the tests' one setting")]
    std::env::var("PILOTLIGHT_EMULATOR_URL").expect("set PILOTLIGHT_EMULATOR_URL")
}

async fn pause() {
    SystemClock.sleep(Duration::from_millis(100)).await;
}

/// Asks until there is an answer that will do.
async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..PATIENCE {
        if let Some(found) = ask().await {
            return found;
        }
        pause().await;
    }
    panic!("in vain: {what}");
}

/// Asks the lab itself.
async fn control(method: &str, path: &str, body: &Value) -> Value {
    let authority = endpoint().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut stream = TcpStream::connect(&authority).await.unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = format!(
        "{method} /_lab/{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, document) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str(document).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// The account's root: its secret is part of a token.
fn credentials() -> Credentials {
    Credentials::new("test", "test", None, None, "test")
}

fn rds(region: &'static str) -> aws_sdk_rds::Client {
    let base = aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region))
        .endpoint_url(endpoint())
        .credentials_provider(SharedCredentialsProvider::new(credentials()))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    aws_sdk_rds::Client::new(&base.build())
}

/// Where RDS says that an instance is, once it is available.
async fn available(region: &'static str, name: &str) -> Address {
    let rds = rds(region);
    until("an available database", async || {
        let found = rds.describe_db_instances().db_instance_identifier(name).send().await.unwrap();
        let instance = found.db_instances().first()?;
        let endpoint = instance.endpoint().filter(|_| instance.db_instance_status() == Some("available"))?;
        Some(Address {
            name: Name::new(name),
            host: endpoint.address()?.to_owned(),
            port: u16::try_from(endpoint.port()?).unwrap(),
            database: DATABASE.to_owned(),
        })
    })
    .await
}

/// A source and its replica in the other region. The source has the grants.
struct Pair {
    source: Address,
    replica: Address,
}

impl Pair {
    async fn make() -> Self {
        let source = Self::source().await;
        let name = format!("{}-r", source.name);
        let arn = format!("arn:aws:rds:{SOURCE_REGION}:{ACCOUNT}:db:{}", source.name);
        let make = rds(REPLICA_REGION).create_db_instance_read_replica();
        let make = make.db_instance_identifier(&name).source_db_instance_identifier(arn);
        make.enable_iam_database_authentication(true).send().await.unwrap();
        let replica = available(REPLICA_REGION, &name).await;
        Self { source, replica }
    }

    async fn source() -> Address {
        let name = format!("witness-{}", FreshUlids.fresh().to_lowercase());
        let make = rds(SOURCE_REGION).create_db_instance().db_instance_identifier(&name);
        let make = make.engine("postgres").db_instance_class("db.t4g.micro").allocated_storage(20);
        let make = make.master_username(MASTER).master_user_password(PASSWORD).db_name(DATABASE);
        let make = make.backup_retention_period(7).enable_iam_database_authentication(true);
        make.send().await.unwrap();
        let source = available(SOURCE_REGION, &name).await;
        // What a person runs may be run again.
        for _ in 0..2 {
            master(&source, DATABASE).await.batch_execute(&GRANTS.replace("${user}", USER)).await.unwrap();
        }
        source
    }
}

/// A session of the master user.
async fn master(address: &Address, database: &str) -> Client {
    let stream = TcpStream::connect((address.host.as_str(), address.port)).await.unwrap();
    let mut config = Config::new();
    config.user(MASTER).password(PASSWORD).dbname(database);
    let (client, connection) = config.connect_raw(stream, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn authority() -> Authorities {
    let databases = control("GET", "databases", &Value::Null).await;
    let path = databases[0]["certificate_authority"].as_str().unwrap().to_owned();
    Authorities::from_pem(&std::fs::read(path).unwrap()).unwrap()
}

async fn door(region: &str) -> PostgresDoor {
    door_of(region, credentials()).await
}

async fn door_of(region: &str, credentials: Credentials) -> PostgresDoor {
    let tokens = SignedTokens::new(credentials, region, Arc::new(SystemClock));
    PostgresDoor::new(Arc::new(tokens), authority().await)
}

async fn witness(region: &str) -> DatabaseWitness {
    DatabaseWitness { door: Arc::new(door(region).await), clock: Arc::new(SystemClock) }
}

/// An invocation of so many seconds.
async fn invoke(region: &str, payload: &Value, seconds: i64) -> Value {
    let deadline = SystemClock.now() + SignedDuration::from_secs(seconds);
    witness(region).await.handle(payload, deadline).await.unwrap()
}

async fn look(region: &str, address: &Address) -> Sight {
    let payload = json!({"command": "look", "user": USER, "databases": [address]});
    let answer = invoke(region, &payload, 60).await;
    let mut witnessed: Vec<Witnessed> = serde_json::from_value(answer["databases"].clone()).unwrap();
    assert_eq!((witnessed.len(), &witnessed[0].name), (1, &address.name));
    witnessed.remove(0).sight
}

/// What a database says of itself, as soon as it answers so.
async fn seen(
    region: &str,
    address: &Address,
    what: &str,
    will_do: impl Fn(&DatabaseSeen) -> bool,
) -> DatabaseSeen {
    until(what, async || match look(region, address).await {
        Sight::Seen(seen) if will_do(&seen) => Some(seen),
        other => {
            eprintln!("{what}: {other:?}");
            None
        }
    })
    .await
}

/// One heartbeat into a database that takes writes.
async fn one_beat(door: &PostgresDoor, address: &Address) -> u64 {
    until("a heartbeat", async || {
        let mut session = door.open(USER, address).await.ok()?;
        let number = session.beat().await.ok()??;
        session.close().await;
        Some(number)
    })
    .await
}

fn sequence(seen: &DatabaseSeen) -> u64 {
    seen.heartbeat.map_or(0, |heartbeat| heartbeat.sequence)
}

#[tokio::test]
#[ignore = "needs an emulator with databases that hold data at PILOTLIGHT_EMULATOR_URL"]
async fn a_source_and_its_replica_say_what_they_are() {
    let pair = Pair::make().await;
    let first = seen(SOURCE_REGION, &pair.source, "a source", |_| true).await;
    assert!(first.is_writable && first.replica.is_none() && first.position > Lsn(0), "{first:?}");
    assert_eq!(first.heartbeat, None, "nobody has written one");
    let door = door(SOURCE_REGION).await;
    assert_eq!(one_beat(&door, &pair.source).await, 1);
    let source = seen(SOURCE_REGION, &pair.source, "a heartbeat", |seen| sequence(seen) >= 1).await;
    assert!(source.position > first.position, "{source:?}");
    assert!(source.heartbeat.unwrap().beat_at >= first.at, "{source:?}");
    let replica = seen(REPLICA_REGION, &pair.replica, "a replica that has it", |seen| {
        seen.heartbeat == source.heartbeat
            && seen.position >= source.position
            && seen.replica.as_ref().is_some_and(|replica| replica.is_streaming)
    })
    .await;
    assert!(!replica.is_writable, "{replica:?}");
    let wal = replica.replica.as_ref().unwrap();
    assert!(wal.received >= Some(source.position) && wal.heard_at.is_some(), "{replica:?}");
    assert!(wal.committed_at >= source.heartbeat.map(|heartbeat| heartbeat.beat_at), "{replica:?}");
    assert!(replica.replayed_until() >= wal.committed_at, "{replica:?}");
}

#[tokio::test]
#[ignore = "needs an emulator with databases that hold data at PILOTLIGHT_EMULATOR_URL"]
async fn sessions_of_clients_are_counted_and_the_witnesss_own_are_not() {
    let source = Pair::source().await;
    let own = door(SOURCE_REGION).await.open(USER, &source).await.unwrap();
    seen(SOURCE_REGION, &source, "no session", |seen| seen.sessions == 0).await;
    let client = master(&source, DATABASE).await;
    let other = master(&source, "postgres").await;
    seen(SOURCE_REGION, &source, "two sessions, of any database", |seen| seen.sessions == 2).await;
    drop((client, other));
    seen(SOURCE_REGION, &source, "none any more", |seen| seen.sessions == 0).await;
    own.close().await;
    let master = master(&source, DATABASE).await;
    until("the witness is logged off", async || {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'pilotlight_witness'";
        let row = master.query_typed_one(count, &[]).await.unwrap();
        (row.get::<_, i64>(0) == 0).then_some(())
    })
    .await;
}

#[tokio::test]
#[ignore = "needs an emulator with databases that hold data at PILOTLIGHT_EMULATOR_URL"]
async fn beats_reach_the_replica_which_takes_its_own_once_it_is_promoted() {
    let pair = Pair::make().await;
    let beat = |address: &Address| json!({"command": "beat", "user": USER, "heartbeat_seconds": 1, "databases": [address]});
    let written = until("an invocation that writes", async || {
        let answer = invoke(SOURCE_REGION, &beat(&pair.source), 8).await;
        answer["databases"][0]["written"].as_u64().filter(|written| *written > 0)
    })
    .await;
    let replica =
        seen(REPLICA_REGION, &pair.replica, "the heartbeats", |seen| sequence(seen) >= written).await;
    // A replica that is asked to takes none, and that is no trouble.
    let answer = until("a replica that was asked", async || {
        let answer = invoke(REPLICA_REGION, &beat(&pair.replica), 8).await;
        answer["databases"][0]["trouble"].is_null().then_some(answer)
    })
    .await;
    assert_eq!(answer["databases"], json!([{"name": pair.replica.name, "written": 0}]));
    let before = sequence(&replica);
    let beats = async {
        loop {
            invoke(REPLICA_REGION, &beat(&pair.replica), 900).await;
        }
    };
    let promotion = async {
        let rds = rds(REPLICA_REGION);
        rds.promote_read_replica().db_instance_identifier(pair.replica.name.as_str()).send().await.unwrap();
        seen(REPLICA_REGION, &pair.replica, "heartbeats of its own", |seen| {
            seen.is_writable && seen.replica.is_none() && sequence(seen) > before
        })
        .await
    };
    let promoted = match select(Box::pin(beats), Box::pin(promotion)).await {
        Either::Right((promoted, _)) => promoted,
        Either::Left(((), _)) => unreachable!("the beats never end"),
    };
    let beat_at = |seen: &DatabaseSeen| seen.heartbeat.map(|heartbeat| heartbeat.beat_at);
    assert!(beat_at(&promoted) > beat_at(&replica), "{promoted:?}");
}

#[tokio::test]
#[ignore = "needs an emulator with databases that hold data at PILOTLIGHT_EMULATOR_URL"]
async fn a_replica_that_lags_has_replayed_until_then_and_hears_from_its_source_all_the_same() {
    let pair = Pair::make().await;
    let door = door(SOURCE_REGION).await;
    one_beat(&door, &pair.source).await;
    let before = seen(REPLICA_REGION, &pair.replica, "a heartbeat", |seen| sequence(seen) >= 1).await;
    let lag = format!("databases/{REPLICA_REGION}/{}/lag", pair.replica.name);
    control("PUT", &lag, &json!({"seconds": 3600})).await;
    let number = one_beat(&door, &pair.source).await;
    let source = seen(SOURCE_REGION, &pair.source, "a newer one", |seen| sequence(seen) >= number).await;
    let beat_at = source.heartbeat.unwrap().beat_at;
    let behind = seen(REPLICA_REGION, &pair.replica, "a later word of the source", |seen| {
        seen.replica.as_ref().is_some_and(|replica| replica.is_streaming && replica.heard_at > Some(beat_at))
    })
    .await;
    assert_eq!(behind.heartbeat, before.heartbeat);
    assert!(behind.replayed_until() < Some(beat_at) && behind.position < source.position, "{behind:?}");
    assert!(behind.replica.as_ref().unwrap().received < Some(source.position), "{behind:?}");
    control("DELETE", &lag, &Value::Null).await;
    seen(REPLICA_REGION, &pair.replica, "all of it", |seen| {
        seen.heartbeat == source.heartbeat
            && seen.position >= source.position
            && seen.replayed_until() >= Some(beat_at)
    })
    .await;
}

#[tokio::test]
#[ignore = "needs an emulator with databases that hold data at PILOTLIGHT_EMULATOR_URL"]
async fn witnesses_at_once_count_up_together() {
    let source = Pair::source().await;
    let door = &door(SOURCE_REGION).await;
    let beats = |_| async { join_all((0..10).map(|_| one_beat(door, &source))).await };
    let (one, other) = join(beats(1), beats(2)).await;
    let numbers: BTreeSet<u64> = one.iter().chain(&other).copied().collect();
    assert_eq!(numbers.len(), 20, "{numbers:?}");
    let last = seen(SOURCE_REGION, &source, "the last of them", |_| true).await;
    assert!(sequence(&last) >= *numbers.last().unwrap(), "{last:?}");
}

#[tokio::test]
#[ignore = "needs an emulator with databases that hold data at PILOTLIGHT_EMULATOR_URL"]
async fn a_database_that_is_set_to_be_read_is_not_written() {
    let source = Pair::source().await;
    let master = master(&source, DATABASE).await;
    master.batch_execute("ALTER DATABASE orders SET default_transaction_read_only = on").await.unwrap();
    let found = seen(SOURCE_REGION, &source, "an answer", |_| true).await;
    assert!(!found.is_writable && found.replica.is_none(), "{found:?}");
    let mut session = door(SOURCE_REGION).await.open(USER, &source).await.unwrap();
    assert_eq!(session.beat().await, Ok(None));
}

/// What comes of a look as a role.
async fn trouble(door: &PostgresDoor, user: &str, address: &Address) -> Unreached {
    let mut session = match door.open(user, address).await {
        Err(unreached) => return unreached,
        Ok(session) => session,
    };
    session.look().await.unwrap_err()
}

#[tokio::test]
#[ignore = "needs an emulator with databases that hold data at PILOTLIGHT_EMULATOR_URL"]
async fn each_trouble_with_a_login_has_its_code() {
    let source = Pair::source().await;
    let setup = "CREATE ROLE unmarked LOGIN PASSWORD 'a-password'; CREATE ROLE locked NOLOGIN; GRANT rds_iam TO locked";
    master(&source, DATABASE).await.batch_execute(setup).await.unwrap();
    let usual = door(SOURCE_REGION).await;
    let at = |change: fn(&mut Address)| {
        let mut address = source.clone();
        change(&mut address);
        address
    };
    for (what, door, user, address, code, words) in [
        ("without rds_iam", &usual, "unmarked", source.clone(), UnreachedCode::PasswordAsked, "(SCRAM)"),
        ("unknown", &usual, "nobody_of_that_name", source.clone(), UnreachedCode::PasswordAsked, "(SCRAM)"),
        (
            "without LOGIN",
            &usual,
            "locked",
            source.clone(),
            UnreachedCode::LoginRefused,
            "not permitted to log in (28000)",
        ),
        (
            "no such database",
            &usual,
            USER,
            at(|address| "nothing".clone_into(&mut address.database)),
            UnreachedCode::NoDatabase,
            "database \"nothing\" does not exist (3D000)",
        ),
        (
            "another region's token",
            &door(REPLICA_REGION).await,
            USER,
            source.clone(),
            UnreachedCode::LoginRefused,
            "PAM authentication failed for user \"pilotlight_witness\" (28000)",
        ),
        (
            "keys of nobody",
            &door_of(SOURCE_REGION, Credentials::new("AKIANOBODY", "not-a-secret", None, None, "test")).await,
            USER,
            source.clone(),
            UnreachedCode::LoginRefused,
            "PAM authentication failed for user",
        ),
        (
            "another authority",
            &PostgresDoor::new(
                Arc::new(SignedTokens::new(credentials(), SOURCE_REGION, Arc::new(SystemClock))),
                Authorities::from_pem(ANOTHER.as_bytes()).unwrap(),
            ),
            USER,
            source.clone(),
            UnreachedCode::Tls,
            "UnknownIssuer",
        ),
        ("a closed port", &usual, USER, at(|address| address.port = 9), UnreachedCode::NoConnection, ":9: "),
    ] {
        let unreached = trouble(door, user, &address).await;
        assert_eq!(unreached.code, code, "{what}: {}", unreached.message);
        assert!(unreached.message.contains(words), "{what}: {}", unreached.message);
    }
}

#[tokio::test]
#[ignore = "needs an emulator with databases that hold data at PILOTLIGHT_EMULATOR_URL"]
async fn each_trouble_with_the_grants_has_its_code() {
    let source = Pair::source().await;
    let owner = master(&source, DATABASE).await;
    let door = door(SOURCE_REGION).await;
    let bare = "CREATE ROLE bare LOGIN; GRANT rds_iam TO bare";
    owner.batch_execute(bare).await.unwrap();
    for (what, then, words) in [
        ("no grant", "", "permission denied for schema pilotlight (42501)"),
        (
            "no table",
            "GRANT USAGE ON SCHEMA pilotlight TO bare",
            "permission denied for table heartbeat (42501)",
        ),
        (
            "no sight of sessions",
            "GRANT SELECT ON pilotlight.heartbeat TO bare",
            "the role is not a member of pg_read_all_stats",
        ),
    ] {
        owner.batch_execute(then).await.unwrap();
        let unreached = trouble(&door, "bare", &source).await;
        assert_eq!(
            (unreached.code, unreached.message.as_str()),
            (UnreachedCode::NotPrepared, words),
            "{what}"
        );
    }
    let elsewhere = Address { database: "postgres".to_owned(), ..source.clone() };
    let unreached = trouble(&door, USER, &elsewhere).await;
    assert_eq!(unreached.code, UnreachedCode::NotPrepared, "{}", unreached.message);
    assert!(unreached.message.contains("does not exist (42P01)"), "{}", unreached.message);
    let mut session = door.open("bare", &source).await.unwrap();
    let unreached = session.beat().await.unwrap_err();
    assert_eq!(
        (unreached.code, unreached.message.as_str()),
        (UnreachedCode::NotPrepared, "permission denied for table heartbeat (42501)")
    );
    // A session that the server ends is of no more use, and says so.
    let mut session = door.open(USER, &source).await.unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'pilotlight_witness'";
    owner.batch_execute(end).await.unwrap();
    let unreached = session.beat().await.unwrap_err();
    let is_ended = unreached.message.contains("(57P01)") || unreached.code == UnreachedCode::NoConnection;
    assert!(is_ended, "{unreached:?}");
    // Who waits for somebody else's lock gives up.
    owner.batch_execute("BEGIN; LOCK TABLE pilotlight.heartbeat").await.unwrap();
    let unreached = door.open(USER, &source).await.unwrap().beat().await.unwrap_err();
    assert_eq!(unreached.code, UnreachedCode::NoAnswer, "{}", unreached.message);
    owner.batch_execute("ROLLBACK; DELETE FROM pilotlight.heartbeat").await.unwrap();
    let unreached = door.open(USER, &source).await.unwrap().beat().await.unwrap_err();
    assert_eq!(
        (unreached.code, unreached.message.as_str()),
        (UnreachedCode::NotPrepared, "the table pilotlight.heartbeat has no row")
    );
    // The script mends it.
    owner.batch_execute(&GRANTS.replace("${user}", USER)).await.unwrap();
    assert_eq!(one_beat(&door, &source).await, 1);
}
