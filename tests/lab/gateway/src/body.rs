//! What travels in a message: bodies that pass through, are looked at first, or are made here.

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as HttpBody, Frame, Incoming};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The body of an answer: streamed from the upstream, or made here.
pub(crate) type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, hyper::Error>;

/// A body made here.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// Reads a body to its end and forgets it. A client must have sent everything before it looks at an answer.
pub(crate) async fn drain<B: HttpBody + Unpin>(body: &mut B) -> Result<(), B::Error> {
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(())
}

/// A request body whose beginning may already have been read, and which is sent on from its first byte.
#[derive(Debug)]
pub(crate) struct Peeked {
    first: Bytes,
    rest: Incoming,
}

impl Peeked {
    /// Takes a body as it is, without reading any of it.
    pub(crate) fn unread(rest: Incoming) -> Self {
        Self { first: Bytes::new(), rest }
    }

    /// Reads up to about `bytes_max` bytes ahead.
    pub(crate) async fn read_ahead(mut rest: Incoming, bytes_max: usize) -> Result<Self, hyper::Error> {
        let mut first = BytesMut::new();
        while first.len() < bytes_max {
            let Some(frame) = rest.frame().await else { break };
            if let Ok(data) = frame?.into_data() {
                first.extend_from_slice(&data);
            }
        }
        Ok(Self { first: first.freeze(), rest })
    }

    /// Reads on up to about so many bytes from the beginning: what is sent later has come by then.
    pub(crate) async fn read_on(&mut self, bytes_max: usize) -> Result<(), hyper::Error> {
        let mut first = BytesMut::from(self.first.as_ref());
        while first.len() < bytes_max {
            let Some(frame) = self.rest.frame().await else { break };
            if let Ok(data) = frame?.into_data() {
                first.extend_from_slice(&data);
            }
        }
        self.first = first.freeze();
        Ok(())
    }

    /// What was read ahead.
    pub(crate) fn first(&self) -> &[u8] {
        &self.first
    }
}

// No size hint: a length that is known stands in the request's own `content-length`.
impl HttpBody for Peeked {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.first)))));
        }
        Pin::new(&mut self.rest).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.rest.is_end_stream()
    }
}
