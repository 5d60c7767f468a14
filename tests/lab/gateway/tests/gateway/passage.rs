//! Do calls pass through unharmed?

use crate::world::{
    Client, EAST, PATIENCE, WEST, call, count, endpoint, eventually, query, signed, start, unsigned,
};
use bytes::Bytes;
use chunks::Slow;
use gateway::{Config, Count, CountFilter, Gateway};
use http_body_util::Full;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const MEGABYTE: usize = 1 << 20;

#[tokio::test]
async fn a_call_reaches_the_upstream_as_it_was_sent_and_its_answer_comes_back() {
    let (upstream, gateway) = start().await;
    upstream.script(&[("content-type", "text/xml"), ("x-amzn-requestid", "r-1")], "<ok/>");
    let answer = call(endpoint(&gateway), query("rds", WEST, "DescribeDBInstances")).await.unwrap();
    assert_eq!((answer.status, answer.text()), (200, "<ok/>"));
    assert_eq!(answer.headers["x-amzn-requestid"], "r-1");
    let seen = upstream.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].path, "/");
    assert_eq!(seen[0].headers["host"], "gateway.test");
    assert!(seen[0].headers["authorization"].to_str().unwrap().contains("us-west-1/rds"));
    assert_eq!(seen[0].body, "Action=DescribeDBInstances&Version=2014-10-31");
    gateway.stop().await;
}

#[tokio::test]
async fn one_connection_serves_many_calls_between_faults() {
    let (upstream, gateway) = start().await;
    upstream.script(&[("connection", "close")], "");
    let mut client = Client::connect(endpoint(&gateway)).await;
    let rule = gateway::Rule::new(gateway::Match::service("sns"), gateway::Effect::Throttle);
    gateway.switchboard().add_rule(rule).unwrap();
    for _ in 0..3 {
        assert_eq!(client.call(query("rds", WEST, "DescribeDBInstances")).await.unwrap().status, 200);
        assert_eq!(client.call(query("sns", WEST, "Publish")).await.unwrap().status, 400);
    }
    assert_eq!(upstream.seen().len(), 3);
    assert_eq!(gateway.switchboard().state().connections.open, 1);
    gateway.stop().await;
}

#[tokio::test]
async fn megabytes_pass_in_both_directions() {
    let (upstream, gateway) = start().await;
    let bytes: Vec<u8> = (0..12 * MEGABYTE).map(|at| u8::try_from(at % 251).unwrap()).collect();
    upstream.script(&[], bytes.clone());
    let request = signed("PUT", "/artifacts/shop.zip", "s3", WEST, Full::<Bytes>::from(bytes.clone()));
    let answer = call(endpoint(&gateway), request).await.unwrap();
    assert!(answer.body == bytes, "the answer came back changed");
    let seen = upstream.seen();
    assert!(seen[0].body == bytes, "the request arrived changed");
    assert_eq!(seen[0].headers["content-length"], (12 * MEGABYTE).to_string());
    assert_eq!(count(&gateway, "PutObject").forwarded, 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_of_unknown_length_is_passed_on_in_chunks() {
    let (upstream, gateway) = start().await;
    let request = signed("PUT", "/artifacts/shop.zip", "s3", WEST, Slow::new(&["one ", "two ", "three"]));
    assert_eq!(call(endpoint(&gateway), request).await.unwrap().status, 200);
    let seen = upstream.seen();
    assert_eq!(seen[0].body, "one two three");
    assert!(!seen[0].headers.contains_key("content-length"));
    gateway.stop().await;
}

/// An upstream that answers one call in pieces, each a moment after the one before, and hangs up.
async fn in_pieces(pieces: &'static [&'static str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
        let mut moments = tokio::time::interval(Duration::from_millis(50));
        for piece in pieces {
            moments.tick().await;
            stream.write_all(piece.as_bytes()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn an_answer_whose_body_comes_after_its_head_leaves_in_one_piece() {
    let upstream = in_pieces(&["HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", "<ok>", "</ok>\n"]).await;
    let gateway = Gateway::start(Config::new(upstream)).await.unwrap();
    let mut caller = TcpStream::connect(endpoint(&gateway)).await.unwrap();
    caller.write_all(b"GET / HTTP/1.1\r\nhost: gateway.test\r\n\r\n").await.unwrap();
    let mut answer = [0; 4096];
    let length = tokio::time::timeout(PATIENCE, caller.read(&mut answer)).await.unwrap().unwrap();
    let answer = std::str::from_utf8(&answer[..length]).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n<ok></ok>\n"), "{answer}");
    gateway.stop().await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_said_to() {
    let upstream = in_pieces(&["HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", "<ok>"]).await;
    let gateway = Gateway::start(Config::new(upstream)).await.unwrap();
    let answer = call(endpoint(&gateway), query("rds", WEST, "DescribeDBInstances")).await.unwrap();
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("<Code>UpstreamBrokeOff</Code>"), "{}", answer.text());
    gateway.stop().await;
}

#[tokio::test]
async fn a_form_larger_than_what_is_read_ahead_arrives_whole() {
    let (upstream, gateway) = start().await;
    let form = format!("Action=CreateStack&TemplateBody={}", "x".repeat(3 * MEGABYTE));
    let mut request = query("cloudformation", WEST, "");
    *request.body_mut() = Full::from(form.clone());
    assert_eq!(call(endpoint(&gateway), request).await.unwrap().status, 200);
    assert!(upstream.seen()[0].body == form, "the form arrived changed");
    assert_eq!(count(&gateway, "CreateStack").forwarded, 1);
    gateway.stop().await;
}

#[tokio::test]
async fn unsigned_requests_pass_through_even_while_regions_are_lost_and_rules_match_everything() {
    let (upstream, gateway) = start().await;
    gateway.switchboard().lose_region(EAST, gateway::Blackout::Refuse).unwrap();
    let rule = gateway::Rule::new(gateway::Match::any(), gateway::Effect::Throttle);
    gateway.switchboard().add_rule(rule).unwrap();
    let answer = call(endpoint(&gateway), unsigned("GET", "/_emulator/health?deep=1", "")).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(upstream.seen()[0].path, "/_emulator/health?deep=1");
    let counted = gateway.switchboard().counts(&CountFilter::default());
    assert_eq!(counted.rows[0].service, "unsigned");
    assert_eq!(counted.total, Count { seen: 1, forwarded: 1, faulted: 0 });
    gateway.stop().await;
}

#[tokio::test]
async fn what_has_arrived_is_carried_out_even_when_the_caller_hangs_up() {
    let (upstream, gateway) = start().await;
    upstream.hold_answers();
    let mut client = Client::connect(endpoint(&gateway)).await;
    let calling =
        tokio::spawn(async move { client.call(query("rds", WEST, "PromoteReadReplica")).await.is_ok() });
    eventually("the call is with the upstream", || upstream.seen().len() == 1).await;
    calling.abort();
    eventually("the caller is gone", || gateway.switchboard().state().connections.open == 0).await;
    upstream.release();
    assert_eq!(count(&gateway, "PromoteReadReplica"), Count { seen: 1, forwarded: 1, faulted: 0 });
    gateway.stop().await;
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_said_to_be_and_not_counted_as_reached() {
    let nobody: SocketAddr = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let gateway = Gateway::start(Config::new(nobody)).await.unwrap();
    let answer = call(endpoint(&gateway), query("rds", WEST, "DescribeDBInstances")).await.unwrap();
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("<Code>UpstreamUnreachable</Code>"), "{}", answer.text());
    assert!(answer.text().contains(&nobody.to_string()));
    assert_eq!(answer.headers["x-gateway-fault"], "upstream");
    assert_eq!(count(&gateway, "DescribeDBInstances"), Count { seen: 1, forwarded: 0, faulted: 0 });
    gateway.stop().await;
}

#[tokio::test]
async fn an_upstream_that_takes_too_long_is_given_up() {
    let upstream = crate::world::Upstream::start().await;
    upstream.hold_answers();
    let mut config = Config::new(upstream.address);
    config.limits.answer_wait_max = Duration::from_millis(50);
    let gateway = Gateway::start(config).await.unwrap();
    let answer = call(endpoint(&gateway), query("rds", WEST, "DescribeDBInstances")).await.unwrap();
    assert_eq!(answer.status, 504);
    assert!(answer.text().contains("<Code>UpstreamTimeout</Code>"), "{}", answer.text());
    gateway.stop().await;
}

#[tokio::test]
async fn a_stopped_gateway_frees_its_ports_and_cuts_off_its_callers() {
    let (upstream, gateway) = start().await;
    upstream.hold_answers();
    let to = endpoint(&gateway);
    let calling = tokio::spawn(call(to, query("rds", WEST, "PromoteReadReplica")));
    eventually("the call is with the upstream", || upstream.seen().len() == 1).await;
    gateway.stop().await;
    assert!(calling.await.unwrap().is_err());
    let mut config = Config::new(upstream.address);
    config.port = to.port();
    Gateway::start(config).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_its_purpose() {
    let (upstream, gateway) = start().await;
    let mut config = Config::new(upstream.address);
    config.control_port = endpoint(&gateway).port();
    let error = Gateway::start(config).await.unwrap_err().to_string();
    assert!(
        error.contains(&endpoint(&gateway).to_string()) && error.contains("for the control API"),
        "{error}"
    );
    let error = Gateway::start(Config::new(upstream.address).site("mars", 0)).await.unwrap_err().to_string();
    assert!(error.contains("\"mars\" is no region"), "{error}");
    gateway.stop().await;
}

mod chunks {
    //! A body that doesn't say how long it is.

    use bytes::Bytes;
    use hyper::body::{Body, Frame};
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    pub(crate) struct Slow(VecDeque<&'static str>);

    impl Slow {
        pub(crate) fn new(parts: &[&'static str]) -> Self {
            Self(parts.iter().copied().collect())
        }
    }

    impl Body for Slow {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(|part| Ok(Frame::data(Bytes::from_static(part.as_bytes())))))
        }
    }
}
