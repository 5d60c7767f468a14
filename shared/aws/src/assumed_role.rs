//! Who is a function in the primary region's account, where that is not its own? A session of a role there, asked of STS in
//! the function's own region: nothing depends on the region that may be lost.
//!
//! A session is kept and renewed some minutes before it ends; where a renewal fails, the old one serves until it ends. What
//! STS answers is secret but for its errors, so nothing of an answer goes into a failure.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result, future};
use jiff::{SignedDuration, Timestamp};
use ports::{Answer, Clock, Failure, FailureKind};
use protocol::arn::Arn;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::failure::{NoSession, ours};
use crate::signed::{Content, Question, Signed};
use crate::xml::Element;

/// The action, as in a policy. A failure to get a session bears its name.
pub(crate) const ASSUME: &str = "sts:AssumeRole";

/// The version of STS's API.
const API: &str = "2011-06-15";
/// How long a session lasts: the shortest that STS gives.
const SESSION_SECONDS: u32 = 900;
/// A session is renewed when it has this long to go.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_mins(5);
/// A session that ends within this is over: a call begun now must still be in time.
const OVER_BEFORE: SignedDuration = SignedDuration::from_secs(30);
/// Longest wait for a session. A call to the primary region has two seconds in all.
const LONGEST: Duration = Duration::from_millis(1500);
/// Longest name of a session.
const SESSION_NAME_MAX: usize = 64;

/// A role of the primary region's account, and the word that it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrimaryRole {
    /// Its ARN.
    pub arn: String,
    /// The external id that its trust policy names.
    pub external_id: String,
}

impl PrimaryRole {
    /// The account that the role lies in.
    pub fn account(&self) -> &str {
        Arn::parse(&self.arn).map_or("", |arn| arn.account)
    }
}

/// Credentials of a role in the primary region's account.
pub(crate) struct AssumedRole {
    signed: Signed,
    role: PrimaryRole,
    session_name: String,
    clock: Arc<dyn Clock>,
    session: Mutex<Option<RoleSession>>,
}

#[derive(Clone)]
struct RoleSession {
    credentials: Credentials,
    ends_at: Timestamp,
}

impl AssumedRole {
    /// `function` names the session in the other account's trail.
    pub(crate) fn new(signed: Signed, role: &PrimaryRole, function: &str, clock: Arc<dyn Clock>) -> Self {
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(*c);
        let session_name = function.chars().filter(is_plain).take(SESSION_NAME_MAX).collect();
        Self { signed, role: role.clone(), session_name, clock, session: Mutex::new(None) }
    }

    /// A session that holds. Whoever comes while one is asked for waits for the same.
    async fn session(&self) -> Answer<Credentials> {
        let mut kept = self.session.lock().await;
        let left = |session: &RoleSession| session.ends_at.duration_since(self.clock.now());
        if let Some(session) = kept.as_ref().filter(|session| left(session) > RENEW_BEFORE) {
            return Ok(session.credentials.clone());
        }
        let asked = timeout(LONGEST, self.ask()).await.unwrap_or_else(|_| {
            let message = format!("no answer within {} ms", LONGEST.as_millis());
            Err(ours(FailureKind::Unreachable, ASSUME, "timeout", message))
        });
        match asked {
            Ok(session) => Ok(kept.insert(session).credentials.clone()),
            Err(failure) => match kept.as_ref().filter(|session| left(session) > OVER_BEFORE) {
                Some(session) => {
                    tracing::warn!(%failure, "can't renew the primary role's session; using the old one");
                    Ok(session.credentials.clone())
                }
                None => Err(failure),
            },
        }
    }

    async fn ask(&self) -> Answer<RoleSession> {
        let field = |name: &str, value: String| (name.to_owned(), value);
        let fields = vec![
            field("RoleArn", self.role.arn.clone()),
            field("RoleSessionName", self.session_name.clone()),
            field("ExternalId", self.role.external_id.clone()),
            field("DurationSeconds", SESSION_SECONDS.to_string()),
        ];
        let content = Content::Form { version: API, fields };
        let question = Question { action: ASSUME, service: "sts", content };
        let result = self.signed.result(&question).await.map_err(|failure| match failure.code.as_str() {
            // What can't be read may hold half a secret.
            "response" => unreadable(),
            _ => failure,
        })?;
        self.read(&result).ok_or_else(unreadable)
    }

    /// The session that an answer holds, if it is one of the role that was asked for.
    fn read(&self, result: &Element) -> Option<RoleSession> {
        let given = Arn::parse(result.text(&["AssumedRoleUser", "Arn"])?)?;
        if given.account != self.role.account() {
            return None;
        }
        let part = |name: &str| result.text(&["Credentials", name]);
        let ends_at: Timestamp = part("Expiration")?.parse().ok()?;
        let credentials = Credentials::new(
            part("AccessKeyId")?,
            part("SecretAccessKey")?,
            Some(part("SessionToken")?.to_owned()),
            // The SDK's clients keep what they are given until seconds before this. They shall come back for a renewal while
            // the session still has time to go.
            Some(SystemTime::from(ends_at.checked_sub(RENEW_BEFORE).unwrap_or(ends_at))),
            "AssumedRole",
        );
        Some(RoleSession { credentials, ends_at })
    }
}

fn unreadable() -> Failure {
    ours(FailureKind::Unavailable, ASSUME, "response", "the answer lacks a session of the role")
}

impl fmt::Debug for AssumedRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumedRole").field("role", &self.role.arn).finish_non_exhaustive()
    }
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let session: Result =
                self.session().await.map_err(|failure| CredentialsError::provider_error(NoSession(failure)));
            session
        })
    }
}

#[cfg(test)]
mod emulator;
#[cfg(test)]
mod tests;
