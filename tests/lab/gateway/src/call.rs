//! What is this request? Everything the gateway knows of one call, read once, before anything is decided.

use crate::action::{self, Asked};
use crate::body::Peeked;
use crate::scope;
use crate::shapes::Protocol;
use hyper::body::Incoming;
use hyper::http::request::Parts;

/// The service that unsigned requests are counted under.
pub(crate) const UNSIGNED: &str = "unsigned";
/// Stands for a region or an action that the request doesn't have.
pub(crate) const NONE: &str = "-";
/// A form larger than this isn't searched for its action any further.
const FORM_BYTES_MAX: usize = 1 << 20;

/// One call, as the rules and the counts see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// Absent when the request isn't signed; then no rule applies to it.
    pub(crate) access_key: Option<String>,
    pub(crate) service: String,
    pub(crate) region: String,
    pub(crate) action: String,
    pub(crate) protocol: Protocol,
}

impl Call {
    /// Reads a call from its head and, only where the protocol demands it, from the beginning of its body.
    pub(crate) async fn read(head: &Parts, body: Incoming) -> Result<(Self, Peeked), hyper::Error> {
        let Some(scope) = scope::of(head) else {
            return Ok((Self::unsigned(head), Peeked::unread(body)));
        };
        let body = if action::stands_in_form(head) {
            Peeked::read_ahead(body, FORM_BYTES_MAX).await?
        } else {
            Peeked::unread(body)
        };
        let Asked { action, protocol } = action::of(head, &scope.service, body.first());
        let call = Self {
            access_key: Some(scope.access_key),
            service: scope.service,
            region: scope.region.unwrap_or_else(|| NONE.to_owned()),
            action,
            protocol,
        };
        Ok((call, body))
    }

    fn unsigned(head: &Parts) -> Self {
        Self {
            access_key: None,
            service: UNSIGNED.to_owned(),
            region: scope::region_of_host(head).unwrap_or_else(|| NONE.to_owned()),
            action: NONE.to_owned(),
            protocol: Protocol::RestJson,
        }
    }
}
