//! How are connections taken in? One bounded accept loop, used by every server of this crate.

use crate::body::Body;
use crate::clock;
use crate::regions::Closed;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

/// When no connection can be taken, for example because file descriptors ran out, trying at once again is no use.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// A port of this machine that nobody else on the network can reach; 0 takes any free one.
pub(crate) async fn bind(port: u16) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// The gateway's end: true, or the other side dropped.
#[derive(Debug, Clone)]
pub(crate) struct Stop(pub(crate) watch::Receiver<bool>);

impl Stop {
    pub(crate) async fn wait(&mut self) {
        // An error means that the handle was dropped, which ends the gateway as well.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }
}

/// Serves HTTP until the gateway stops, then cuts off the connections that are open. A service that fails has its
/// connection closed without an answer.
pub(crate) async fn serve<S, F>(listener: TcpListener, places: Arc<Semaphore>, stop: Stop, service: S)
where
    S: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Body>, Closed>> + Send + 'static,
{
    take(listener, places, stop, move |stream| {
        let service = service.clone();
        async move {
            let connection =
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(service));
            // Clients that go away and answers that are withheld end here as errors; both are daily business.
            let _ = connection.await;
        }
    })
    .await;
}

/// Takes connections, whatever they carry, until the gateway stops; then cuts off those that are open.
pub(crate) async fn take<S, F>(listener: TcpListener, places: Arc<Semaphore>, mut stop: Stop, service: S)
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    // Dropped at the end of this function, which ends every task in it.
    let mut open = JoinSet::new();
    loop {
        let (stream, place) = tokio::select! {
            connection = accept(&listener, &places) => connection,
            () = stop.wait() => break,
        };
        while open.try_join_next().is_some() {}
        let connection = service(stream);
        open.spawn(async move {
            let _place = place;
            connection.await;
        });
    }
}

/// The next connection, once there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let stream = loop {
        match listener.accept().await {
            Ok((stream, _)) => break stream,
            Err(_) => clock::sleep(ACCEPT_RETRY).await,
        }
    };
    // Only costs time when it fails, never the exchange.
    let _ = stream.set_nodelay(true);
    match Arc::clone(places).acquire_owned().await {
        Ok(place) => (stream, place),
        // Nobody closes this semaphore.
        Err(_) => std::future::pending().await,
    }
}
