//! What does the door make of servers that behave in one way or another? They are played here, over real connections.

use std::sync::Mutex;

use ports::{Answer, Secret};
use protocol::name::Name;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::Instant;
use tokio_postgres::error::SqlState;

use super::test_authority::{ANOTHER, PEM, localhost};
use super::trouble::of_server;
use super::*;

/// What goes out as a password, and must show nowhere.
const TOKEN: &str = "canary-of-a-token";

/// Gives the token for `localhost`, unless told otherwise.
#[derive(Default)]
struct Tokens {
    failure: Option<Failure>,
    asked: Mutex<Vec<(String, String)>>,
}

#[async_trait]
impl DatabaseTokens for Tokens {
    async fn token(&self, host: &str, _port: u16, user: &str) -> Answer<Secret> {
        self.asked.lock().unwrap().push((host.to_owned(), user.to_owned()));
        self.failure.clone().map_or_else(|| Ok(Secret::new(TOKEN.to_owned())), Err)
    }
}

/// How a server behaves.
#[derive(Clone, Copy)]
enum Server {
    /// It ends the connection.
    Hangs,
    /// It has no TLS.
    Plain,
    /// It asks so, and then refuses with this code.
    Asks(&'static [u8], &'static str),
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

fn refusal(code: &str) -> Vec<u8> {
    message(b'E', format!("SFATAL\0C{code}\0Min the server's\nwords\0\0").as_bytes())
}

/// The next message of a client: its body.
async fn hear(stream: &mut (impl AsyncRead + Unpin), has_type: bool) -> Option<Vec<u8>> {
    if has_type {
        stream.read_u8().await.ok()?;
    }
    let length = stream.read_u32().await.ok()?;
    let mut body = vec![0; usize::try_from(length).unwrap() - 4];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}

/// Plays the server; gives what came in answer to its question.
async fn play(mut stream: TcpStream, server: Server) -> Option<Vec<u8>> {
    hear(&mut stream, false).await?;
    match server {
        Server::Hangs => None,
        Server::Plain => {
            stream.write_all(b"N").await.unwrap();
            hear(&mut stream, false).await
        }
        Server::Asks(question, code) => {
            stream.write_all(b"S").await.unwrap();
            let mut stream = localhost().accept(stream).await.ok()?;
            ask(&mut stream, question, code).await
        }
    }
}

async fn ask(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    question: &[u8],
    code: &str,
) -> Option<Vec<u8>> {
    hear(stream, false).await?;
    if question.is_empty() {
        stream.write_all(&refusal(code)).await.unwrap();
        stream.flush().await.unwrap();
        return None;
    }
    stream.write_all(&message(b'R', question)).await.unwrap();
    stream.flush().await.unwrap();
    let answer = hear(stream, true).await;
    let _ = stream.write_all(&refusal(code)).await;
    let _ = stream.flush().await;
    answer
}

fn address(host: &str, port: u16) -> Address {
    Address { name: Name::new("orders"), host: host.to_owned(), port, database: "shop".to_owned() }
}

/// What a witness that believes this authority gets from a server at this name; and what the server got as a password.
async fn open_at(host: &str, authority: &str, server: Server) -> (Unreached, Option<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let played = async {
        let (stream, _) = listener.accept().await.unwrap();
        play(stream, server).await
    };
    let door =
        PostgresDoor::new(Arc::new(Tokens::default()), Authorities::from_pem(authority.as_bytes()).unwrap());
    let address = address(host, port);
    let (opened, heard) = tokio::join!(door.open("witness", &address), played);
    (opened.err().unwrap(), heard)
}

async fn open(server: Server) -> (Unreached, Option<Vec<u8>>) {
    open_at("localhost", PEM, server).await
}

const CLEAR_TEXT: &[u8] = &[0, 0, 0, 3];
const MD5: &[u8] = &[0, 0, 0, 5, 1, 2, 3, 4];
const SCRAM: &[u8] = b"\0\0\0\x0aSCRAM-SHA-256\0\0";

#[tokio::test]
async fn the_token_is_sent_to_who_asks_for_clear_text() {
    let (unreached, heard) = open(Server::Asks(CLEAR_TEXT, "28000")).await;
    assert_eq!(heard, Some(format!("{TOKEN}\0").into_bytes()));
    assert_eq!(unreached.code, UnreachedCode::LoginRefused);
    assert_eq!(unreached.message, "in the server's words (28000)");
}

#[tokio::test]
async fn who_asks_for_a_password_in_another_way_gets_nothing() {
    for (question, words) in [
        (MD5, "the server asks for a password's MD5 sum"),
        (SCRAM, "the server asks for a proof of a password (SCRAM)"),
    ] {
        let (unreached, heard) = open(Server::Asks(question, "28P01")).await;
        assert_eq!((unreached.code, heard), (UnreachedCode::PasswordAsked, None));
        assert!(unreached.message.contains(words), "{}", unreached.message);
    }
}

#[tokio::test]
async fn a_server_without_tls_or_with_a_certificate_that_is_not_believed_gets_no_login() {
    let (unreached, heard) = open(Server::Plain).await;
    assert_eq!((unreached.code, heard), (UnreachedCode::Tls, None));
    assert!(unreached.message.contains("server does not support TLS"), "{}", unreached.message);
    for (host, authority, words) in
        [("localhost", ANOTHER, "UnknownIssuer"), ("127.0.0.1", PEM, "not valid for name")]
    {
        let (unreached, heard) = open_at(host, authority, Server::Asks(CLEAR_TEXT, "28000")).await;
        assert_eq!((unreached.code, heard), (UnreachedCode::Tls, None), "{host}");
        assert!(unreached.message.contains(words), "{}", unreached.message);
    }
}

#[tokio::test]
async fn a_refusal_has_the_kind_of_its_code() {
    for (code, expected) in [
        ("28000", UnreachedCode::LoginRefused),
        ("28P01", UnreachedCode::LoginRefused),
        ("3D000", UnreachedCode::NoDatabase),
        ("42501", UnreachedCode::NotPrepared),
        ("53300", UnreachedCode::Refused),
    ] {
        let (unreached, _) = open(Server::Asks(b"", code)).await;
        assert_eq!(unreached.code, expected, "{code}");
        assert_eq!(unreached.message, format!("in the server's words ({code})"));
    }
    for (code, expected) in [
        ("42P01", UnreachedCode::NotPrepared),
        ("3F000", UnreachedCode::NotPrepared),
        ("42703", UnreachedCode::NotPrepared),
        ("57014", UnreachedCode::NoAnswer),
        ("55P03", UnreachedCode::NoAnswer),
        // Functions that Aurora has not.
        ("0A000", UnreachedCode::Refused),
        ("57P01", UnreachedCode::Refused),
        ("57P03", UnreachedCode::Refused),
        ("99999", UnreachedCode::Refused),
    ] {
        assert_eq!(of_server(&SqlState::from_code(code)), expected, "{code}");
    }
}

#[tokio::test]
async fn who_hangs_up_or_does_not_listen_is_no_connection() {
    let (unreached, _) = open(Server::Hangs).await;
    assert_eq!(unreached.code, UnreachedCode::NoConnection);
    // Nobody listens where somebody has just ceased to.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let door = PostgresDoor::new(Arc::new(Tokens::default()), Authorities::from_pem(PEM.as_bytes()).unwrap());
    let unreached = door.open("witness", &address("localhost", port)).await.err().unwrap();
    assert_eq!(unreached.code, UnreachedCode::NoConnection);
    assert!(unreached.message.starts_with(&format!("localhost:{port}: ")), "{}", unreached.message);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_takes_no_connection_is_given_up_after_two_seconds() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let place = listener.local_addr().unwrap();
    // Nobody accepts, and the queue is full: the kernel drops what begins a connection.
    let mut waiting: Vec<_> = (0..8).map(|_| Box::pin(TcpStream::connect(place))).collect();
    for connect in &mut waiting {
        let _ = futures::poll!(connect);
    }
    let door = PostgresDoor::new(Arc::new(Tokens::default()), Authorities::from_pem(PEM.as_bytes()).unwrap());
    let began = Instant::now();
    let unreached = door.open("witness", &address("127.0.0.1", place.port())).await.err().unwrap();
    assert_eq!(unreached.code, UnreachedCode::NoConnection);
    assert_eq!(unreached.message, format!("{place} took no connection in 2 s"));
    assert_eq!(began.elapsed(), CONNECT_MAX);
}

#[tokio::test]
async fn a_host_without_an_address_is_none() {
    let door = PostgresDoor::new(Arc::new(Tokens::default()), Authorities::from_pem(PEM.as_bytes()).unwrap());
    for host in ["no such host", "x/y"] {
        let unreached = door.open("witness", &address(host, 5432)).await.err().unwrap();
        assert_eq!(unreached.code, UnreachedCode::NoAddress, "{host}");
    }
    // A name that DNS has never: RFC 6761.
    let unreached = reach("orders.invalid", 5432).await.unwrap_err();
    assert_eq!(unreached.code, UnreachedCode::NoAddress, "{}", unreached.message);
}

#[tokio::test]
async fn without_a_token_nobody_logs_in() {
    for (kind, expected) in
        [(FailureKind::Denied, UnreachedCode::LoginRefused), (FailureKind::Invalid, UnreachedCode::NoAddress)]
    {
        let failure = Failure {
            kind,
            action: "rds-db:connect",
            code: "unsignable".to_owned(),
            message: "no token".to_owned(),
        };
        let tokens = Arc::new(Tokens { failure: Some(failure), ..Tokens::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let door =
            PostgresDoor::new(Arc::clone(&tokens) as _, Authorities::from_pem(PEM.as_bytes()).unwrap());
        let unreached = door.open("witness", &address("localhost", port)).await.err().unwrap();
        assert_eq!(unreached.code, expected);
        assert_eq!(unreached.message, "rds-db:connect: no token (unsignable)");
        assert_eq!(*tokens.asked.lock().unwrap(), [("localhost".to_owned(), "witness".to_owned())]);
    }
}

#[tokio::test]
async fn a_token_shows_in_nothing_that_is_passed_on() {
    for server in [Server::Asks(CLEAR_TEXT, "28000"), Server::Asks(SCRAM, "28000"), Server::Hangs] {
        let (unreached, _) = open(server).await;
        assert!(!format!("{unreached:?}").contains(TOKEN), "{unreached:?}");
    }
    let mut config = Config::new();
    config.user("witness").password(TOKEN);
    assert!(!format!("{config:?}").contains(TOKEN));
    let authorities = Authorities::from_pem(PEM.as_bytes()).unwrap();
    assert_eq!(format!("{authorities:?}"), "Authorities");
}

#[test]
fn the_words_of_a_server_are_one_line_of_three_hundred_characters_at_most() {
    assert_eq!(one_line("a\n b\tc "), "a b c");
    assert_eq!(one_line(&"é".repeat(300)).chars().count(), 300);
    assert_eq!(one_line(&"é".repeat(301)).chars().count(), 300);
}
