//! Do users' connections reach the applications of the region that is open, stay there, and fall silent with it?

use crate::data_plane::{front, site, weights};
use crate::world::{EAST, PATIENCE, Upstream, WEST, call, unsigned};
use gateway::{Blackout, Config, Gateway, Handle};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// For how long it is watched that nothing comes.
const SILENCE: Duration = Duration::from_millis(300);

/// A server that answers each byte with its own letter.
async fn application(letter: u8) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut byte = [0];
                while stream.read_exact(&mut byte).await.is_ok() && stream.write_all(&[letter]).await.is_ok()
                {
                }
            });
        }
    });
    port
}

fn applications(upstream: &Upstream, all: &[(&str, u16, &str)]) {
    let all: Vec<Value> = all
        .iter()
        .map(|(region, port, health)| json!({"region": region, "server_port": port, "health": health}))
        .collect();
    upstream.lab("/_lab/applications", &Value::Array(all));
}

/// Two regions with an application each, `e` and `w`; users are let into the first.
async fn world() -> (Arc<Upstream>, Handle) {
    let upstream = Upstream::start().await;
    let (east, west) = (application(b'e').await, application(b'w').await);
    applications(&upstream, &[(EAST, east, "healthy"), (WEST, west, "healthy")]);
    weights(&upstream, &[(EAST, 128, "HEALTHY"), (WEST, 0, "HEALTHY")]);
    let config = Config::new(upstream.address).site(EAST, 0).site(WEST, 0).accelerator(0);
    let mut config = config.applications().users_near(EAST);
    config.limits.launcher_age_max = Duration::ZERO;
    (upstream, Gateway::start(config).await.unwrap())
}

/// A user's connection.
struct User(TcpStream);

impl User {
    async fn connect(to: SocketAddr) -> Self {
        Self(TcpStream::connect(to).await.unwrap())
    }

    async fn send(&mut self) {
        self.0.write_all(b"?").await.unwrap();
    }

    /// The letter of who answers; nothing when the connection has ended.
    async fn hear(&mut self) -> Option<char> {
        let mut byte = [0];
        let read = timeout(PATIENCE, self.0.read(&mut byte)).await.expect("an answer or an end");
        matches!(read, Ok(1)).then(|| char::from(byte[0]))
    }

    async fn ask(&mut self) -> Option<char> {
        self.send().await;
        self.hear().await
    }

    /// Neither an answer nor an end comes.
    async fn hears_nothing(&mut self) -> bool {
        timeout(SILENCE, self.0.read(&mut [0])).await.is_err()
    }
}

async fn asks(to: SocketAddr) -> Option<char> {
    User::connect(to).await.ask().await
}

#[tokio::test]
async fn a_site_carries_connections_to_its_region_s_healthy_applications_in_turn() {
    let (upstream, gateway) = world().await;
    let to = site(&gateway, EAST);
    assert_eq!(asks(to).await, Some('e'));
    assert_eq!(asks(site(&gateway, WEST)).await, Some('w'));
    let (first, second, sick) = (application(b'1').await, application(b'2').await, application(b'x').await);
    applications(
        &upstream,
        &[(EAST, first, "healthy"), (EAST, sick, "unhealthy"), (EAST, second, "healthy")],
    );
    let mut heard = [asks(to).await, asks(to).await, asks(to).await, asks(to).await];
    heard.sort_unstable();
    assert_eq!(heard, [Some('1'), Some('1'), Some('2'), Some('2')]);
    gateway.stop().await;
}

#[tokio::test]
async fn an_application_that_is_dead_already_is_passed_over() {
    let (upstream, gateway) = world().await;
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let alive = application(b'a').await;
    applications(&upstream, &[(EAST, dead, "healthy"), (EAST, alive, "healthy")]);
    let to = site(&gateway, EAST);
    assert_eq!([asks(to).await, asks(to).await], [Some('a'), Some('a')]);
    applications(&upstream, &[(EAST, dead, "healthy")]);
    let answer = call(to, unsigned("POST", "/orders", "{}")).await.unwrap();
    assert_eq!((answer.status, &answer.json()["error"]), (503, &json!("no target takes a connection")));
    gateway.stop().await;
}

#[tokio::test]
async fn a_site_without_an_application_says_so_and_one_with_sick_ones_alone_fails_open() {
    let (upstream, gateway) = world().await;
    let sick = application(b's').await;
    applications(&upstream, &[(EAST, sick, "initial")]);
    let to = site(&gateway, EAST);
    let answer = call(to, unsigned("POST", "/orders", "{}")).await.unwrap();
    assert_eq!(
        (answer.status, answer.json()),
        (503, json!({"region": EAST, "error": "no target is healthy"}))
    );
    applications(&upstream, &[(EAST, sick, "unhealthy")]);
    assert_eq!(asks(to).await, Some('s'));
    gateway.stop().await;
}

#[tokio::test]
async fn weights_decide_for_new_connections_and_those_that_stand_stay() {
    let (upstream, gateway) = world().await;
    let to = front(&gateway);
    let mut early = User::connect(to).await;
    assert_eq!(early.ask().await, Some('e'));
    weights(&upstream, &[(EAST, 0, "HEALTHY"), (WEST, 128, "HEALTHY")]);
    assert_eq!(asks(to).await, Some('w'));
    assert_eq!(early.ask().await, Some('e'));
    weights(&upstream, &[(EAST, 128, "UNHEALTHY"), (WEST, 128, "HEALTHY")]);
    assert_eq!([asks(to).await, asks(to).await], [Some('w'), Some('w')]);
    gateway.stop().await;
}

#[tokio::test]
async fn with_nothing_healthy_connections_go_to_the_region_that_users_are_near_to() {
    let (upstream, gateway) = world().await;
    weights(&upstream, &[(WEST, 128, "UNHEALTHY"), (EAST, 0, "UNHEALTHY")]);
    assert_eq!(asks(front(&gateway)).await, Some('e'));
    gateway.stop().await;
}

#[tokio::test]
async fn an_accelerator_without_a_place_to_go_answers_503() {
    let (upstream, gateway) = world().await;
    weights(&upstream, &[("eu-west-1", 128, "HEALTHY")]);
    let answer = call(front(&gateway), unsigned("POST", "/orders", "{}")).await.unwrap();
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("--site eu-west-1=PORT"), "{}", answer.text());
    gateway.stop().await;
}

#[tokio::test]
async fn a_silent_region_answers_nobody_and_ends_no_connection() {
    let (_upstream, gateway) = world().await;
    let to = front(&gateway);
    let (mut standing, mut idle) = (User::connect(to).await, User::connect(to).await);
    assert_eq!((standing.ask().await, idle.ask().await), (Some('e'), Some('e')));
    gateway.switchboard().lose_region(EAST, Blackout::Hang).unwrap();
    standing.send().await;
    let mut late = User::connect(to).await;
    late.send().await;
    assert!(standing.hears_nothing().await && idle.hears_nothing().await && late.hears_nothing().await);
    assert_eq!(asks(site(&gateway, WEST)).await, Some('w'), "the other region goes on");
    gateway.switchboard().return_region(EAST).unwrap();
    // What was sent arrives; who came in the silence has to come again.
    assert_eq!(standing.hear().await, Some('e'));
    assert_eq!((idle.ask().await, late.hear().await), (Some('e'), None));
    gateway.stop().await;
}

#[tokio::test]
async fn who_is_in_a_silent_region_when_another_opens_gets_there_by_a_new_connection() {
    let (upstream, gateway) = world().await;
    let to = front(&gateway);
    let mut standing = User::connect(to).await;
    assert_eq!(standing.ask().await, Some('e'));
    gateway.switchboard().lose_region(EAST, Blackout::Hang).unwrap();
    weights(&upstream, &[(EAST, 0, "UNHEALTHY"), (WEST, 128, "HEALTHY")]);
    standing.send().await;
    assert!(standing.hears_nothing().await);
    assert_eq!(asks(to).await, Some('w'));
    gateway.stop().await;
}

#[tokio::test]
async fn a_region_that_refuses_resets_connections_and_one_with_errors_says_so() {
    let (_upstream, gateway) = world().await;
    let to = site(&gateway, EAST);
    let mut standing = User::connect(to).await;
    assert_eq!(standing.ask().await, Some('e'));
    gateway.switchboard().lose_region(EAST, Blackout::Refuse).unwrap();
    assert_eq!(standing.hear().await, None);
    let mut late = User::connect(to).await;
    assert_eq!(late.hear().await, None);
    gateway.switchboard().lose_region(EAST, Blackout::Error503).unwrap();
    let answer = call(to, unsigned("GET", "/health", "")).await.unwrap();
    assert_eq!((answer.status, &answer.json()["error"]), (503, &json!("the region is lost")));
    gateway.stop().await;
}

#[tokio::test]
async fn an_end_that_hangs_up_ends_the_other() {
    let (upstream, gateway) = world().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    applications(&upstream, &[(EAST, listener.local_addr().unwrap().port(), "healthy")]);
    let user = User::connect(front(&gateway)).await;
    let (mut server, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    drop(user);
    assert_eq!(timeout(PATIENCE, server.read(&mut [0])).await.unwrap().unwrap(), 0);
    let mut user = User::connect(front(&gateway)).await;
    let (server, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    drop(server);
    assert_eq!(user.hear().await, None);
    gateway.stop().await;
}
