//! How does one request go to another server and its answer come back?
//!
//! Each request has a connection of its own. A pooled one that the server closes at the wrong moment would look
//! like a fault that nobody asked for, and on the loopback a connection costs next to nothing.

use crate::body::{Body, full};
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::{Body as HttpBody, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, Uri, Version};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// Longest answer that is held until all of it is here.
const WHOLE_BYTES_MAX: u64 = 1 << 20;

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// The request can't have reached anyone.
    #[error("no connection to {address}: {source}")]
    Connect { address: SocketAddr, source: std::io::Error },
    /// The request may have been carried out.
    #[error("the exchange with {address} broke off: {source}")]
    Exchange { address: SocketAddr, source: hyper::Error },
}

/// Sends a request; `connected` is called once it can reach the other side.
pub(crate) async fn send<B>(
    address: SocketAddr,
    request: Request<B>,
    connected: impl FnOnce(),
) -> Result<Response<Incoming>, NoAnswer>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = TcpStream::connect(address).await.map_err(|source| NoAnswer::Connect { address, source })?;
    // Only costs time when it fails, never the exchange.
    let _ = stream.set_nodelay(true);
    connected();
    let broke = |source| NoAnswer::Exchange { address, source };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broke)?;
    // Ends with the exchange: when the answer is read to its end, or when its reader goes away.
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(broke)
}

/// The answer with all of its body, so that both leave in one piece. Go's HTTP client gives an answer up, once in a
/// thousand, when its body comes a moment after its head; the effect has happened by then, and the SDK asks for it
/// again. What says no length, or a large one, is streamed.
pub(crate) async fn in_one_piece(
    address: SocketAddr,
    response: Response<Incoming>,
) -> Result<Response<Body>, NoAnswer> {
    let length = response.body().size_hint().exact();
    if length.is_none_or(|bytes| bytes > WHOLE_BYTES_MAX) {
        return Ok(response.map(BodyExt::boxed_unsync));
    }
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(|source| NoAnswer::Exchange { address, source })?;
    Ok(Response::from_parts(head, full(body.to_bytes())))
}

/// The same request, addressed to the next server: same path, headers and `Host`, without what concerns only the
/// connection it came on.
pub(crate) fn onward<B>(mut head: Parts, body: B, address: SocketAddr) -> Request<B> {
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    head.version = Version::HTTP_11;
    strip_connection_headers(&mut head.headers);
    // This side has already said "continue".
    head.headers.remove("expect");
    if !head.headers.contains_key(HOST)
        && let Ok(host) = HeaderValue::from_str(&address.to_string())
    {
        head.headers.insert(HOST, host);
    }
    Request::from_parts(head, body)
}

/// Removes the headers that belong to one connection and not to the message (RFC 9110, section 7.6.1).
pub(crate) fn strip_connection_headers(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all("connection")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let fixed = ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];
    for name in named.into_iter().chain(fixed.into_iter().map(HeaderName::from_static)) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_on_with_its_path_host_and_signature_but_not_its_connection_headers() {
        let address: SocketAddr = "127.0.0.1:4566".parse().unwrap();
        let request = Request::put("http://other.test/bucket/a%20b?x=1")
            .header("host", "bucket.s3.us-east-2.amazonaws.com")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=...")
            .header("connection", "keep-alive, x-hop")
            .header("x-hop", "1")
            .header("transfer-encoding", "chunked")
            .header("expect", "100-continue");
        let (head, ()) = request.body(()).unwrap().into_parts();
        let onward = onward(head, (), address);
        assert_eq!(onward.uri(), "/bucket/a%20b?x=1");
        let mut names: Vec<&str> = onward.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["authorization", "host"]);
        assert_eq!(onward.headers()["host"], "bucket.s3.us-east-2.amazonaws.com");
    }

    #[test]
    fn a_request_without_a_host_is_given_the_address() {
        let (head, ()) = Request::get("/").body(()).unwrap().into_parts();
        let onward = onward(head, (), "127.0.0.1:4566".parse().unwrap());
        assert_eq!(onward.headers()["host"], "127.0.0.1:4566");
    }
}
