//! How does a user's connection pass through? Byte by byte, both ways, and not at all while its region is silent.
//!
//! Nothing that arrives in a silence is read before it ends, and no end learns that the other has gone: so a network behaves
//! that loses every packet. When the region returns, what was sent meanwhile goes on, as TCP sends it again.

use crate::regions::{Closed, Regions};
use serde_json::Value;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::timeout;

const CHUNK_BYTES: usize = 16 << 10;

/// How long one direction may go on after the other has ended: users hang up both.
const HALF_OPEN_MAX: Duration = Duration::from_secs(5);

/// The region that a connection leads into.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) region: String,
    pub(crate) regions: Arc<Regions>,
}

impl Place {
    /// Waits while it is silent. Cut off, when it is lost in another way.
    async fn until_heard(place: Option<&Self>) -> Result<(), Closed> {
        match place {
            Some(place) => place.regions.until_not_silent(&place.region).await,
            None => Ok(()),
        }
    }

    async fn until_lost(place: Option<&Self>) {
        match place {
            Some(place) => drop(place.regions.until_lost(&place.region).await),
            None => std::future::pending().await,
        }
    }
}

/// Carries a connection to its end. One end that breaks off, or is cut off, is a reset for the other.
pub(crate) async fn join(mut user: TcpStream, mut server: TcpStream, place: Option<Place>) {
    // Only costs time when it fails, never the exchange.
    let _ = server.set_nodelay(true);
    let ended = {
        let (user_in, user_out) = user.split();
        let (server_in, server_out) = server.split();
        let there = pin!(one_way(user_in, server_out, place.as_ref()));
        let back = pin!(one_way(server_in, user_out, place.as_ref()));
        both(there, back).await
    };
    if ended.is_err() {
        reset(&user);
        reset(&server);
    }
}

/// Both directions, each to its end.
async fn both(
    mut there: impl Future<Output = Result<(), Closed>> + Unpin,
    mut back: impl Future<Output = Result<(), Closed>> + Unpin,
) -> Result<(), Closed> {
    tokio::select! {
        ended = &mut there => {
            ended?;
            timeout(HALF_OPEN_MAX, back).await.unwrap_or(Err(Closed))
        }
        ended = &mut back => {
            ended?;
            timeout(HALF_OPEN_MAX, there).await.unwrap_or(Err(Closed))
        }
    }
}

async fn one_way(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, place: Option<&Place>) -> Result<(), Closed> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        Place::until_heard(place).await?;
        let read = tokio::select! {
            read = from.read(&mut chunk) => read,
            () = Place::until_lost(place) => continue,
        };
        // What arrived as the silence began, also that an end has gone.
        Place::until_heard(place).await?;
        let count = read.map_err(|_| Closed)?;
        if count == 0 {
            return to.shutdown().await.map_err(|_| Closed);
        }
        to.write_all(chunk.get(..count).unwrap_or_default()).await.map_err(|_| Closed)?;
    }
}

/// Reads and forgets what a user sends, until he hangs up.
pub(crate) async fn swallow(user: &mut TcpStream) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while user.read(&mut chunk).await.is_ok_and(|count| count > 0) {}
}

/// Has a connection end in a reset when it is dropped.
pub(crate) fn reset(stream: &TcpStream) {
    // Where it fails the other end has gone already.
    let _ = stream.set_zero_linger();
}

/// Answers 503 in the words of HTTP, whatever is asked, and ends the connection.
pub(crate) async fn say_unavailable(mut user: TcpStream, body: &Value) {
    // An answer before the question confuses clients.
    if !user.read(&mut [0; 1]).await.is_ok_and(|count| count > 0) {
        return;
    }
    let body = format!("{body}\n");
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let said = async {
        user.write_all(answer.as_bytes()).await?;
        user.shutdown().await
    };
    if said.await.is_ok() {
        // A connection that is dropped with something unread in it is reset, and its answer with it.
        let _ = timeout(HALF_OPEN_MAX, swallow(&mut user)).await;
    }
}
