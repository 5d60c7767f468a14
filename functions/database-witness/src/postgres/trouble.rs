//! What kind of trouble is an error of the connection? By what the server says in its code, or by what broke.

use std::error::Error as StdError;
use std::io;

use protocol::witness::{Unreached, UnreachedCode};
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;
use tokio_rustls::rustls;

use super::question::AskedOtherwise;

/// Longest words of a server that are passed on.
const WORDS_MAX: usize = 300;

/// An error as what a guard is told.
pub(super) fn unreached(error: &Error) -> Unreached {
    if let Some(refusal) = error.as_db_error() {
        let message = format!("{} ({})", refusal.message(), refusal.code().code());
        return Unreached { code: of_server(refusal.code()), message: one_line(&message) };
    }
    let causes = causes(error);
    let known = causes.iter().find_map(|cause| of_cause(*cause));
    let known = known.or_else(|| causes.iter().find_map(|cause| of_io(*cause)));
    let code = known.unwrap_or_else(|| {
        // The library has no other mark: a server without TLS is told by these words alone.
        if error.to_string() == "error performing TLS handshake" {
            UnreachedCode::Tls
        } else if error.is_closed() {
            UnreachedCode::NoConnection
        } else {
            UnreachedCode::Refused
        }
    });
    let words: Vec<String> = causes.iter().map(ToString::to_string).collect();
    Unreached { code, message: one_line(&words.join(": ")) }
}

/// What a refusal of the server means.
pub(super) fn of_server(code: &SqlState) -> UnreachedCode {
    match code.code() {
        "28000" | "28P01" => UnreachedCode::LoginRefused,
        "3D000" => UnreachedCode::NoDatabase,
        "3F000" | "42P01" | "42703" | "42501" => UnreachedCode::NotPrepared,
        "57014" | "55P03" => UnreachedCode::NoAnswer,
        _ => UnreachedCode::Refused,
    }
}

/// What broke, from the outermost to the innermost. An I/O error holds what it is about, but its source is that one's source.
fn causes<'e>(error: &'e (dyn StdError + 'static)) -> Vec<&'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |cause: &&'e (dyn StdError + 'static)| {
        let cause: &'e (dyn StdError + 'static) = *cause;
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inner.map(|inner| inner as &'e (dyn StdError + 'static)).or_else(|| cause.source())
    })
    .collect()
}

/// What broke, if that is enough to know.
fn of_cause(cause: &(dyn StdError + 'static)) -> Option<UnreachedCode> {
    if cause.is::<AskedOtherwise>() {
        Some(UnreachedCode::PasswordAsked)
    } else if cause.is::<rustls::Error>() {
        Some(UnreachedCode::Tls)
    } else {
        None
    }
}

/// What a broken connection means. Bytes that can't be read are none.
fn of_io(cause: &(dyn StdError + 'static)) -> Option<UnreachedCode> {
    match cause.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::TimedOut => Some(UnreachedCode::NoAnswer),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => None,
        _ => Some(UnreachedCode::NoConnection),
    }
}

/// Words without line breaks, and not too many of them.
pub(super) fn one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(WORDS_MAX).collect()
}
