//! How does the witness come into PostgreSQL? Over TLS with a verified certificate, by a token of IAM and never by a password.

mod authorities;
mod question;
mod statements;
mod trouble;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{Either, select};
use jiff::Timestamp;
use ports::{DatabaseTokens, Failure, FailureKind};
use protocol::witness::{Address, DatabaseSeen, Heartbeat, Lsn, Unreached, UnreachedCode, WalReplay};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::types::{FromSqlOwned, PgLsn};
use tokio_postgres::{Client, Config, Connection, Error, Row};

pub use self::authorities::Authorities;
use self::authorities::Channel;
use self::trouble::{one_line, unreached};
use crate::door::{Door, Session};

/// Longest wait until an address takes a connection, its name's resolution included.
pub const CONNECT_MAX: Duration = Duration::from_secs(2);
/// Longest wait for a session to log off.
const CLOSE_MAX: Duration = Duration::from_millis(500);
/// As the server's own lists of sessions show the witness.
const APPLICATION: &str = "pilotlight-witness";

/// The way into databases of PostgreSQL.
pub struct PostgresDoor {
    tokens: Arc<dyn DatabaseTokens>,
    authorities: Authorities,
}

impl PostgresDoor {
    /// With tokens, and whose certificates are believed.
    pub fn new(tokens: Arc<dyn DatabaseTokens>, authorities: Authorities) -> Self {
        Self { tokens, authorities }
    }
}

#[async_trait]
impl Door for PostgresDoor {
    async fn open(&self, user: &str, address: &Address) -> Result<Box<dyn Session>, Unreached> {
        let Address { host, port, database, .. } = address;
        let tls = self.authorities.verifying(host).ok_or_else(|| no_host(host))?;
        let stream = timeout(CONNECT_MAX, reach(host, *port)).await.unwrap_or_else(|_| {
            let message = format!("{host}:{port} took no connection in {} s", CONNECT_MAX.as_secs());
            Err(Unreached { code: UnreachedCode::NoConnection, message })
        })?;
        let token = self.tokens.token(host, *port, user).await.map_err(|failure| untokened(&failure))?;
        let mut config = Config::new();
        config
            .user(user)
            .dbname(database)
            .password(token.expose())
            .application_name(APPLICATION)
            .ssl_mode(SslMode::Require)
            // It belongs to passwords.
            .channel_binding(ChannelBinding::Disable);
        let (client, connection) =
            config.connect_raw(stream, tls).await.map_err(|error| unreached(&error))?;
        Ok(Box::new(PostgresSession { client, connection: Box::pin(connection) }))
    }
}

/// A connection to the address, by the first of its addresses that takes one.
async fn reach(host: &str, port: u16) -> Result<TcpStream, Unreached> {
    let no_address = |why: String| Unreached { code: UnreachedCode::NoAddress, message: one_line(&why) };
    let found = lookup_host((host, port)).await.map_err(|error| no_address(format!("{host}: {error}")))?;
    let found: Vec<SocketAddr> = found.collect();
    if found.is_empty() {
        return Err(no_address(format!("{host} has no address")));
    }
    let stream = TcpStream::connect(&found[..]).await.and_then(without_delay);
    stream.map_err(|error| Unreached {
        code: UnreachedCode::NoConnection,
        message: one_line(&format!("{host}:{port}: {error}")),
    })
}

/// A statement is one small packet, and its answer is waited for.
fn without_delay(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn no_host(host: &str) -> Unreached {
    Unreached { code: UnreachedCode::NoAddress, message: one_line(&format!("{host} is not a host name")) }
}

/// No token, no login.
fn untokened(failure: &Failure) -> Unreached {
    let code = match failure.kind {
        FailureKind::Invalid => UnreachedCode::NoAddress,
        _ => UnreachedCode::LoginRefused,
    };
    Unreached { code, message: one_line(&failure.to_string()) }
}

/// A session. Nobody drives its connection but whoever asks, so that it ends where it is dropped.
struct PostgresSession {
    client: Client,
    connection: Pin<Box<Connection<TcpStream, Channel>>>,
}

#[async_trait]
impl Session for PostgresSession {
    async fn look(&mut self) -> Result<DatabaseSeen, Unreached> {
        let Self { client, connection } = self;
        let row = drive(connection, client.query_typed_one(statements::LOOK, &[])).await?;
        seen(&row)
    }

    async fn beat(&mut self) -> Result<Option<u64>, Unreached> {
        let Self { client, connection } = self;
        let row = drive(connection, client.query_typed_one(statements::IS_WRITABLE, &[])).await?;
        if !value::<bool>(&row, "is_writable")? {
            return Ok(None);
        }
        let row = drive(connection, client.query_typed_opt(statements::BEAT, &[])).await?;
        let row = row.ok_or_else(|| not_prepared("the table pilotlight.heartbeat has no row"))?;
        whole(value(&row, "sequence")?).map(Some)
    }

    async fn close(self: Box<Self>) {
        let Self { client, connection } = *self;
        // Without its client a connection says goodbye and ends. One that can't ends all the same.
        drop(client);
        let _ = timeout(CLOSE_MAX, connection).await;
    }
}

/// Asks, and drives the connection meanwhile.
async fn drive<T>(
    connection: &mut Pin<Box<Connection<TcpStream, Channel>>>,
    question: impl Future<Output = Result<T, Error>>,
) -> Result<T, Unreached> {
    let question = std::pin::pin!(question);
    let answer = match select(question, connection.as_mut()).await {
        Either::Left((answer, _)) => answer,
        // Why it ended says more than that it did.
        Either::Right((Err(why), _)) => Err(why),
        Either::Right((Ok(()), question)) => question.await,
    };
    answer.map_err(|error| unreached(&error))
}

/// What a row of a look says.
fn seen(row: &Row) -> Result<DatabaseSeen, Unreached> {
    if !value::<bool>(row, "may_see_sessions")? {
        return Err(not_prepared("the role is not a member of pg_read_all_stats"));
    }
    let sequence: Option<i64> = value(row, "sequence")?;
    let beat_at: Option<Timestamp> = value(row, "beat_at")?;
    let heartbeat = match (sequence, beat_at) {
        (Some(sequence), Some(beat_at)) => Some(Heartbeat { sequence: whole(sequence)?, beat_at }),
        _ => None,
    };
    let replica = if value(row, "is_replica")? {
        Some(WalReplay {
            received: value::<Option<PgLsn>>(row, "received")?.map(lsn),
            committed_at: value(row, "committed_at")?,
            is_streaming: value::<Option<bool>>(row, "is_streaming")?.unwrap_or(false),
            heard_at: value(row, "heard_at")?,
        })
    } else {
        None
    };
    Ok(DatabaseSeen {
        at: value(row, "at")?,
        is_writable: value(row, "is_writable")?,
        heartbeat,
        position: lsn(value(row, "position")?),
        replica,
        sessions: u32::try_from(value::<i64>(row, "sessions")?).unwrap_or(u32::MAX),
    })
}

fn value<T: FromSqlOwned>(row: &Row, column: &str) -> Result<T, Unreached> {
    row.try_get(column).map_err(|error| unreached(&error))
}

fn lsn(position: PgLsn) -> Lsn {
    Lsn(position.into())
}

fn whole(sequence: i64) -> Result<u64, Unreached> {
    u64::try_from(sequence).map_err(|_| not_prepared("the heartbeat's number is less than nothing"))
}

fn not_prepared(message: &str) -> Unreached {
    Unreached { code: UnreachedCode::NotPrepared, message: message.to_owned() }
}

#[cfg(test)]
mod emulator;
#[cfg(test)]
pub(crate) mod test_authority;
#[cfg(test)]
mod tests;
