//! How does Lambda speak to a function? The Runtime API, as far as a function needs it: next, response, error.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::measure::now;
use crate::server::{Request, Response, Server};

/// Longest wait for a function to do something. Far above every budget: it only ends a function that hangs.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// How long each invocation may take, as the function is told.
const INVOCATION_MAX: Duration = Duration::from_mins(2);

const INVOCATIONS: &str = "/2018-06-01/runtime/invocation/";

/// What a function did.
enum Call {
    /// It is ready for an invocation, and waits for it.
    Next { at: Instant, reply: Sender<Response> },
    /// It answered.
    Answered { at: Instant, body: Vec<u8> },
    /// It failed, in an invocation or before the first.
    Failed { body: Vec<u8> },
}

/// The Runtime API of one function.
pub(crate) struct RuntimeApi {
    // Dropped in this order: a connection that waits for an invocation must learn that none will come.
    pending: Option<Sender<Response>>,
    calls: Receiver<Call>,
    invocations: u32,
    server: Server,
}

impl RuntimeApi {
    /// Listens on a free port.
    pub(crate) fn start() -> Result<Self> {
        let (sender, calls) = channel();
        let server = Server::start(Arc::new(move |request| take(request, &sender)))?;
        Ok(Self { pending: None, calls, invocations: 0, server })
    }

    /// What `AWS_LAMBDA_RUNTIME_API` is to say.
    pub(crate) fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// Waits until the function is ready, and says when it was.
    pub(crate) fn ready(&mut self) -> Result<Instant> {
        match self.call().context("the function did not get ready")? {
            Call::Next { at, reply } => {
                self.pending = Some(reply);
                Ok(at)
            }
            Call::Answered { body, .. } | Call::Failed { body } => {
                bail!("the function did not get ready: {}", String::from_utf8_lossy(&body))
            }
        }
    }

    /// Invokes the function, which must be ready: its answer, and how long it took. An error of the function is one.
    pub(crate) fn invoke(&mut self, event: &str) -> Result<(Value, Duration)> {
        let reply = self.pending.take().context("the function is not ready")?;
        self.invocations += 1;
        let invocation = invocation(self.invocations, event)?;
        let started = now();
        reply.send(invocation).context("the function closed the connection")?;
        match self.call().context("the function gave no answer")? {
            Call::Answered { at, body } => Ok((serde_json::from_slice(&body)?, at.duration_since(started))),
            Call::Failed { body } => bail!("the invocation failed: {}", String::from_utf8_lossy(&body)),
            Call::Next { .. } => bail!("the function asks for the next invocation without an answer"),
        }
    }

    fn call(&self) -> Result<Call> {
        Ok(self.calls.recv_timeout(WAIT_MAX)?)
    }
}

/// Passes a request on, and answers it; a request for the next invocation when there is one.
fn take(request: Request, calls: &Sender<Call>) -> Option<Response> {
    let path = request.path.as_str();
    if request.method == "GET" && path == format!("{INVOCATIONS}next") {
        let (reply, invocation) = channel();
        let at = request.arrived;
        calls.send(Call::Next { at, reply }).ok()?;
        return invocation.recv().ok();
    }
    let call = if path.starts_with(INVOCATIONS) && path.ends_with("/response") {
        Call::Answered { at: request.arrived, body: request.body }
    } else {
        Call::Failed { body: request.body }
    };
    calls.send(call).ok()?;
    Some(Response { status: 202, headers: Vec::new(), body: r#"{"status":"OK"}"#.to_owned() })
}

fn invocation(number: u32, event: &str) -> Result<Response> {
    let deadline = unix_time()? + INVOCATION_MAX;
    let headers = vec![
        ("lambda-runtime-aws-request-id", format!("8476a536-e9f4-11e8-9739-{number:012}")),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-west-1:123456789012:function:shop".to_owned(),
        ),
    ];
    Ok(Response { status: 200, headers, body: event.to_owned() })
}

#[expect(
    clippy::disallowed_methods,
    reason = "a function is told its deadline in the machine's time, by which it also goes"
)]
fn unix_time() -> Result<Duration> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}
