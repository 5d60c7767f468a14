//! What becomes of a call? The way from a request on the one endpoint to its answer, or to its fault.

use crate::body::{Body, Peeked, drain};
use crate::call::Call;
use crate::counts::{Counters, Tally};
use crate::listener::Stop;
use crate::regions::{Blackout, Closed, Regions};
use crate::rules::{ErrorAnswer, Fault, Rules};
use crate::shapes::{self, Failure};
use crate::upstream::{self, NoAnswer};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// On every answer that was made here: what made it.
const FAULT_HEADER: &str = "x-gateway-fault";

/// As much of a delayed call is read before its delay; a longer one is not carried out without its caller.
const DELAYED_BYTES_MAX: usize = 1024 * 1024;

/// The one endpoint.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) upstream: SocketAddr,
    pub(crate) answer_wait_max: Duration,
    pub(crate) regions: Arc<Regions>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) counters: Arc<Counters>,
    /// Places for exchanges with the upstream, which outlive a caller that hangs up.
    pub(crate) exchanges: Arc<Semaphore>,
    /// Places for calls that a rule delays; they outlive their callers too.
    pub(crate) delayed: Arc<Semaphore>,
    pub(crate) requests: AtomicU64,
    pub(crate) stop: Stop,
}

/// How an exchange with the upstream ended.
enum Exchange {
    Answered(Response<Body>),
    Failed(Failure),
    Lost(Blackout),
}

impl Proxy {
    pub(crate) async fn serve(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, Closed> {
        let (head, body) = request.into_parts();
        let (call, body) = Call::read(&head, body).await.map_err(|_| Closed)?;
        let mut tally = self.counters.open(&call);
        if let Some(mode) = self.regions.mode(&call.region) {
            return self.lost(&call, mode, Some(body), &mut tally).await;
        }
        let verdict = self.rules.judge(&call);
        if verdict.delay.is_zero() {
            return self.carry_out(&call, head, body, verdict.fault, tally).await;
        }
        tally.faulted();
        let mut body = body;
        body.read_on(DELAYED_BYTES_MAX).await.map_err(|_| Closed)?;
        let place = Arc::clone(&self.delayed).acquire_owned().await.map_err(|_| Closed)?;
        // What has arrived is carried out late even when the caller hangs up meanwhile.
        let late = tokio::spawn(async move {
            let _place = place;
            let mut stop = self.stop.clone();
            tokio::select! {
                () = self.rules.delay(&verdict) => {}
                () = stop.wait() => return Err(Closed),
            }
            self.carry_out(&call, head, body, verdict.fault, tally).await
        });
        late.await.map_err(|_| Closed)?
    }

    async fn carry_out(
        &self,
        call: &Call,
        head: Parts,
        body: Peeked,
        fault: Option<Fault>,
        mut tally: Tally,
    ) -> Result<Response<Body>, Closed> {
        if let Some(mode) = self.regions.mode(&call.region) {
            return self.lost(call, mode, Some(body), &mut tally).await;
        }
        let failure = match fault {
            None => return self.pass(call, head, body, tally).await,
            Some(Fault::LoseAnswer) => return self.lose_answer(call, head, body, tally).await,
            Some(Fault::Throttle) => Failure::throttling(&call.service, &call.action, &call.protocol),
            Some(Fault::Error(answer)) => asked_for(&answer),
        };
        tally.faulted();
        self.refuse(call, body, &failure).await
    }

    async fn pass(
        &self,
        call: &Call,
        head: Parts,
        body: Peeked,
        mut tally: Tally,
    ) -> Result<Response<Body>, Closed> {
        match self.exchange(call, head, body, &tally).await? {
            Exchange::Answered(mut response) => {
                upstream::strip_connection_headers(response.headers_mut());
                Ok(response)
            }
            Exchange::Failed(failure) => Ok(self.made_here(call, &failure, "upstream")),
            Exchange::Lost(mode) => self.lost(call, mode, None, &mut tally).await,
        }
    }

    /// The effect happens, its answer never arrives.
    async fn lose_answer(
        &self,
        call: &Call,
        head: Parts,
        body: Peeked,
        mut tally: Tally,
    ) -> Result<Response<Body>, Closed> {
        tally.faulted();
        if let Exchange::Answered(response) = self.exchange(call, head, body, &tally).await? {
            // Broken off or not, the caller gets none of it.
            let _ = drain(&mut response.into_body()).await;
        }
        Err(Closed)
    }

    /// Lets the upstream answer. What has arrived is carried out even when the caller hangs up meanwhile, as it
    /// would be in the cloud, so the exchange has a task of its own.
    async fn exchange(
        &self,
        call: &Call,
        head: Parts,
        body: Peeked,
        tally: &Tally,
    ) -> Result<Exchange, Closed> {
        let place = Arc::clone(&self.exchanges).acquire_owned().await.map_err(|_| Closed)?;
        let (address, wait, tally) = (self.upstream, self.answer_wait_max, tally.clone());
        let mut stop = self.stop.clone();
        let request = upstream::onward(head, body, address);
        let exchange = tokio::spawn(async move {
            let _place = place;
            let answer = async {
                let response = upstream::send(address, request, || tally.forwarded()).await?;
                upstream::in_one_piece(address, response).await
            };
            tokio::select! {
                answer = tokio::time::timeout(wait, answer) => Some(answer),
                () = stop.wait() => None,
            }
        });
        let answer = tokio::select! {
            answer = exchange => answer,
            mode = self.regions.until_lost(&call.region) => return Ok(Exchange::Lost(mode)),
        };
        Ok(match answer.ok().flatten().ok_or(Closed)? {
            Ok(Ok(response)) => Exchange::Answered(response),
            Ok(Err(none)) => Exchange::Failed(no_answer(&none)),
            Err(_elapsed) => Exchange::Failed(Failure::new(
                StatusCode::GATEWAY_TIMEOUT,
                "UpstreamTimeout",
                &format!("{address} did not answer within {} seconds", wait.as_secs()),
            )),
        })
    }

    async fn lost(
        &self,
        call: &Call,
        mode: Blackout,
        body: Option<Peeked>,
        tally: &mut Tally,
    ) -> Result<Response<Body>, Closed> {
        tally.faulted();
        self.regions.meet(&call.region, mode, body).await?;
        Ok(self.made_here(call, &Failure::unavailable(), "region lost"))
    }

    async fn refuse(
        &self,
        call: &Call,
        mut body: Peeked,
        failure: &Failure,
    ) -> Result<Response<Body>, Closed> {
        drain(&mut body).await.map_err(|_| Closed)?;
        Ok(self.made_here(call, failure, "rule"))
    }

    fn made_here(&self, call: &Call, failure: &Failure, made_by: &'static str) -> Response<Body> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let request_id = format!("00000000-0000-4000-8000-{number:012x}");
        let mut response = shapes::answer(&call.service, &call.protocol, failure, &request_id);
        response.headers_mut().insert(FAULT_HEADER, HeaderValue::from_static(made_by));
        response
    }
}

fn asked_for(answer: &ErrorAnswer) -> Failure {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Failure::new(
        status,
        &answer.code,
        answer.message.as_deref().unwrap_or("An error that the gateway was told to give."),
    )
}

fn no_answer(none: &NoAnswer) -> Failure {
    let code = match none {
        NoAnswer::Connect { .. } => "UpstreamUnreachable",
        NoAnswer::Exchange { .. } => "UpstreamBrokeOff",
    };
    Failure::new(StatusCode::BAD_GATEWAY, code, &none.to_string())
}
