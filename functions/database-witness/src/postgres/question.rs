//! Does the server ask for what a token answers? A token goes out in clear text, over TLS, and in no other way: what asks for a
//! password in another way gets nothing, not even a proof that one is known.
//!
//! The client library answers every way of asking. So this reads along until the login is done, and breaks it off.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// In which other way the server asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server asks for {}", .0.as_str())]
pub(super) struct AskedOtherwise(Way);

/// The ways of PostgreSQL's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Md5,
    Sasl,
    Unknown,
}

impl Way {
    fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "a password's MD5 sum",
            Self::Sasl => "a proof of a password (SCRAM)",
            Self::Unknown => "a login that is not by token",
        }
    }
}

/// The type of messages about the login, and what they say.
const AUTHENTICATION: u8 = b'R';
const DONE: u32 = 0;
const CLEAR_TEXT: u32 = 3;
const MD5: u32 = 5;
const SASL: u32 = 10;
/// A message is a type, its length, and its body. Of one about the login the body begins with what it says.
const HEAD: usize = 5;
const ABOUT_LOGIN: usize = HEAD + 4;

/// What the server has sent so far, as far as it matters.
#[derive(Debug)]
pub(super) enum Reading {
    /// The beginning of a message.
    Head(Vec<u8>),
    /// The rest of one: so many bytes.
    Body(u32),
    /// The login is done: whatever follows is no question.
    Done,
}

impl Reading {
    pub(super) fn new() -> Self {
        Self::Head(Vec::with_capacity(ABOUT_LOGIN))
    }

    /// Takes in what was read.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), AskedOtherwise> {
        bytes.iter().try_for_each(|byte| self.take_byte(*byte))
    }

    fn take_byte(&mut self, byte: u8) -> Result<(), AskedOtherwise> {
        match self {
            Self::Done => {}
            Self::Body(left) => {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    *self = Self::new();
                }
            }
            Self::Head(head) => {
                head.push(byte);
                if let Some(next) = after(head)? {
                    *self = next;
                }
            }
        }
        Ok(())
    }
}

/// What follows a message's beginning, once there is enough of it.
fn after(head: &[u8]) -> Result<Option<Reading>, AskedOtherwise> {
    let number = |at: usize| Some(u32::from_be_bytes(*head.get(at..)?.first_chunk()?));
    let Some(length) = number(1) else { return Ok(None) };
    if head[0] != AUTHENTICATION {
        // The length counts itself, but not the type.
        let left = length.saturating_sub(4);
        return Ok(Some(if left == 0 { Reading::new() } else { Reading::Body(left) }));
    }
    let Some(way) = number(HEAD) else { return Ok(None) };
    let left = length.saturating_sub(8);
    match way {
        DONE => Ok(Some(Reading::Done)),
        CLEAR_TEXT if left == 0 => Ok(Some(Reading::new())),
        CLEAR_TEXT => Ok(Some(Reading::Body(left))),
        MD5 => Err(AskedOtherwise(Way::Md5)),
        SASL => Err(AskedOtherwise(Way::Sasl)),
        _ => Err(AskedOtherwise(Way::Unknown)),
    }
}

/// A stream whose login is read along.
#[derive(Debug)]
pub(super) struct Watched<S> {
    inner: S,
    reading: Reading,
}

impl<S> Watched<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner, reading: Reading::new() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let taken = self.reading.take(&buffer.filled()[before..]);
        Poll::Ready(taken.map_err(|asked| {
            // Who reads gets an error or bytes, never both.
            buffer.set_filled(before);
            io::Error::new(io::ErrorKind::PermissionDenied, asked)
        }))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[kind][..], &length.to_be_bytes(), body].concat()
    }

    fn asked(way: u32, more: &[u8]) -> Vec<u8> {
        message(AUTHENTICATION, &[&way.to_be_bytes()[..], more].concat())
    }

    /// However the bytes are cut.
    fn take(bytes: &[u8]) -> Result<Reading, AskedOtherwise> {
        let mut whole = Reading::new();
        let at_once = whole.take(bytes);
        for size in 1..=bytes.len() {
            let mut reading = Reading::new();
            let taken = bytes.chunks(size).try_for_each(|part| reading.take(part));
            assert_eq!(taken, at_once, "in parts of {size}");
        }
        at_once.map(|()| whole)
    }

    #[test]
    fn a_question_for_clear_text_and_the_end_of_a_login_pass() {
        let login = [message(b'N', b"a notice"), asked(CLEAR_TEXT, b""), asked(DONE, b"")].concat();
        assert!(matches!(take(&login), Ok(Reading::Done)));
        assert!(matches!(take(&message(b'E', b"a refusal")), Ok(Reading::Head(_))));
    }

    #[test]
    fn every_other_question_breaks_the_login_off() {
        for (way, words) in [
            (MD5, "the server asks for a password's MD5 sum"),
            (SASL, "the server asks for a proof of a password (SCRAM)"),
            (2, "the server asks for a login that is not by token"),
            (7, "the server asks for a login that is not by token"),
            (11, "the server asks for a login that is not by token"),
            (u32::MAX, "the server asks for a login that is not by token"),
        ] {
            for before in [vec![], message(b'N', b""), asked(CLEAR_TEXT, b"more than there is to say")] {
                let login = [before, asked(way, b"salt"), asked(DONE, b"")].concat();
                assert_eq!(take(&login).unwrap_err().to_string(), words, "{way}");
            }
        }
    }

    #[test]
    fn after_a_login_nothing_is_taken_for_a_question() {
        let session = [asked(DONE, b""), asked(SASL, b"SCRAM-SHA-256\0\0"), message(b'D', b"R")].concat();
        assert!(matches!(take(&session), Ok(Reading::Done)));
    }

    #[tokio::test]
    async fn a_stream_gives_what_it_reads_until_the_server_asks_otherwise() {
        let question = asked(CLEAR_TEXT, b"");
        let mut stream = Watched::new(&question[..]);
        let mut read = Vec::new();
        stream.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, question);
        let question = asked(SASL, b"SCRAM-SHA-256\0\0");
        let error = Watched::new(&question[..]).read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!(error.get_ref().unwrap().downcast_ref(), Some(&AskedOtherwise(Way::Sasl)));
    }
}
