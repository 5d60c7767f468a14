//! Who answers the function under test? A small HTTP/1.1 server on 127.0.0.1, in this process.
//!
//! Plain blocking threads: nothing stands between the arrival of a request and the moment that is noted for it. It
//! knows as much of HTTP as the Lambda runtime and the SDK speak to it, and refuses the rest.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::measure::now;

/// Largest head and largest body that is taken.
const BYTES_MAX: u64 = 1 << 20;

/// A request that arrived in full.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// When its last byte was read.
    pub(crate) arrived: Instant,
    /// Such as `GET`.
    pub(crate) method: String,
    /// Such as `/2018-06-01/runtime/invocation/next`.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of a header; an empty text if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// What a request is answered with.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    /// The status.
    pub(crate) status: u16,
    /// Headers beside those of the body.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body, JSON.
    pub(crate) body: String,
}

/// Answers requests; nothing closes the connection. Called from several threads.
type Handler = dyn Fn(Request) -> Option<Response> + Send + Sync;

type Connections = Arc<Mutex<Vec<(TcpStream, JoinHandle<()>)>>>;

/// A server that ends, with all its connections and threads, when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    ending: Arc<AtomicBool>,
    connections: Connections,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on a free port.
    pub(crate) fn start(handler: Arc<Handler>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port of 127.0.0.1 is free")?;
        let address = listener.local_addr()?;
        let ending = Arc::new(AtomicBool::new(false));
        let connections = Connections::default();
        let accepting = std::thread::spawn({
            let (ending, connections) = (Arc::clone(&ending), Arc::clone(&connections));
            move || accept(&listener, &handler, &connections, &ending)
        });
        Ok(Self { address, ending, connections, accepting: Some(accepting) })
    }

    /// Host and port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        // Wakes the accepting thread up; if it can't be reached, it has ended already.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        for (stream, thread) in connections.drain(..) {
            drop(stream.shutdown(Shutdown::Both));
            drop(thread.join());
        }
    }
}

fn accept(listener: &TcpListener, handler: &Arc<Handler>, connections: &Connections, ending: &AtomicBool) {
    while let Ok((stream, _)) = listener.accept() {
        if ending.load(Ordering::SeqCst) {
            return;
        }
        let Ok(own) = stream.try_clone() else { return };
        let handler = Arc::clone(handler);
        let thread = std::thread::spawn(move || serve(stream, &*handler));
        let mut connections = connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.push((own, thread));
    }
}

/// Serves a connection to its end. One that breaks is closed: the function under test notices, and so does whoever
/// waits for it.
fn serve(mut stream: TcpStream, handler: &Handler) {
    let Ok(own) = stream.set_nodelay(true).and_then(|()| stream.try_clone()) else {
        return;
    };
    let mut reader = BufReader::new(own);
    loop {
        let response = match read(&mut reader) {
            Ok(Some(request)) => handler(request),
            Ok(None) => None,
            Err(error) => Some(refusal(&error)),
        };
        let Some(response) = response else { break };
        let is_refusal = response.status == 400;
        if stream.write_all(&write(&response)).is_err() || is_refusal {
            break;
        }
    }
    // The server keeps a handle of its own on the connection; without this the other side would wait.
    drop(stream.shutdown(Shutdown::Both));
}

fn refusal(error: &anyhow::Error) -> Response {
    Response {
        status: 400,
        headers: Vec::new(),
        body: serde_json::json!({ "message": format!("{error:#}") }).to_string(),
    }
}

/// The next request; nothing when the other side has closed the connection.
fn read(reader: &mut impl BufRead) -> Result<Option<Request>> {
    let mut head = reader.take(BYTES_MAX);
    let mut line = String::new();
    if head.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_ascii_whitespace();
    let (Some(method), Some(path), Some("HTTP/1.1")) = (words.next(), words.next(), words.next()) else {
        bail!("not a request of HTTP/1.1");
    };
    let (method, path) = (method.to_owned(), path.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        ensure!(head.read_line(&mut line)? > 0, "the head does not end");
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').context("a header without a colon")?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { arrived: now(), method, path, headers, body: Vec::new() };
    ensure!(request.header("transfer-encoding").is_empty(), "a body of unknown length");
    let length = match request.header("content-length") {
        "" => 0,
        digits => digits.parse::<u64>()?,
    };
    ensure!(length <= BYTES_MAX, "a body of {length} bytes");
    request.body = vec![0; usize::try_from(length)?];
    reader.read_exact(&mut request.body)?;
    request.arrived = now();
    Ok(Some(request))
}

fn write(response: &Response) -> Vec<u8> {
    let Response { status, headers, body } = response;
    let length = body.len();
    let mut lines = vec![
        // No reason phrase: nobody reads it.
        format!("HTTP/1.1 {status} "),
        "content-type: application/json".to_owned(),
        format!("content-length: {length}"),
    ];
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    format!("{}\r\n\r\n{body}", lines.join("\r\n")).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(requests: &str) -> String {
        let server = Server::start(Arc::new(|request: Request| {
            let body = String::from_utf8(request.body).unwrap();
            Some(Response { status: 200, headers: vec![("x-path", request.path)], body })
        }))
        .unwrap();
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(requests.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn two_requests_on_one_connection_are_answered_in_their_order() {
        let answer = ask(
            "GET /first HTTP/1.1\r\nhost: x\r\n\r\nPOST /second HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        );
        let (first, second) = answer.split_once("x-path: /second").unwrap();
        assert!(first.contains("x-path: /first"), "{answer}");
        assert!(second.ends_with("\r\n\r\nabc"), "{answer}");
    }

    #[test]
    fn what_is_not_understood_is_refused_and_not_guessed() {
        for request in [
            "nonsense\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        ] {
            let answer = ask(request);
            assert!(answer.starts_with("HTTP/1.1 400 "), "{request}: {answer}");
        }
    }
}
