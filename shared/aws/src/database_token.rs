//! How does a function log in to a database by IAM? With a token: a request to connect as one role at one address, signed
//! with the function's credentials.
//!
//! It is signed here, and no service is called. It is a secret: it appears in no log and in no failure.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use jiff::Timestamp;
use ports::{Answer, Clock, DatabaseTokens, FailureKind, Secret};
use url::{Url, form_urlencoded};

use crate::failure::ours;
use crate::presigned::{SigningScope, presign};

/// What a policy must allow.
const ACTION: &str = "rds-db:connect";
/// How long a token may be used, which is the longest that RDS takes. It is used at once.
const EXPIRES_IN: Duration = Duration::from_mins(15);

/// Signs tokens for the databases of one region.
pub struct SignedTokens {
    credentials: SharedCredentialsProvider,
    region: String,
    clock: Arc<dyn Clock>,
}

impl SignedTokens {
    /// With the credentials that Lambda puts into the environment. They are read for each token.
    pub fn from_env(region: &str, clock: Arc<dyn Clock>) -> Self {
        let credentials = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
        Self { credentials, region: region.to_owned(), clock }
    }

    /// With credentials of one's own.
    pub fn new(credentials: Credentials, region: &str, clock: Arc<dyn Clock>) -> Self {
        Self { credentials: SharedCredentialsProvider::new(credentials), region: region.to_owned(), clock }
    }
}

#[async_trait]
impl DatabaseTokens for SignedTokens {
    async fn token(&self, host: &str, port: u16, user: &str) -> Answer<Secret> {
        // The provider's words may hold what it read: they stay here.
        let credentials = self.credentials.provide_credentials().await.map_err(|_| {
            let why = "the function has no credentials to sign a token with";
            ours(FailureKind::Denied, ACTION, "no_credentials", why)
        })?;
        let login = Login { host, port, user };
        signed(&login, &self.region, &credentials, self.clock.now())
    }
}

/// Where and as whom.
struct Login<'a> {
    host: &'a str,
    port: u16,
    user: &'a str,
}

impl Login<'_> {
    /// The request to connect; nothing where the host is no host name.
    fn url(&self) -> Option<Url> {
        let user: String = form_urlencoded::byte_serialize(self.user.as_bytes()).collect();
        // A form has a plus for a space, a signed request has not.
        let user = user.replace('+', "%20");
        let (host, port) = (self.host, self.port);
        let url = Url::parse(&format!("https://{host}:{port}/?Action=connect&DBUser={user}")).ok()?;
        let is_whole = url.host_str().is_some_and(|found| found.eq_ignore_ascii_case(host));
        (is_whole && url.path() == "/" && url.port_or_known_default() == Some(port)).then_some(url)
    }
}

fn signed(login: &Login<'_>, region: &str, credentials: &Credentials, now: Timestamp) -> Answer<Secret> {
    let unsignable = |why: String| ours(FailureKind::Invalid, ACTION, "unsignable", why);
    let no_host = || unsignable(format!("{} is not a host name", login.host));
    let mut url = login.url().ok_or_else(no_host)?;
    let scope = SigningScope { service: "rds-db", region, expires_in: EXPIRES_IN };
    presign(&mut url, &scope, credentials, now)
        .ok_or_else(|| unsignable("the token can't be signed".to_owned()))?;
    // A token is the URL without its scheme.
    Ok(Secret::new(url.as_str().trim_start_matches("https://").to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::StillClock;

    const HOST: &str = "shop-orders.abc.us-west-1.rds.amazonaws.com";

    async fn token(token: Option<&str>, host: &str, user: &str) -> Answer<Url> {
        let credentials =
            Credentials::new("AKIATEST", "not-a-secret", token.map(str::to_owned), None, "test");
        let tokens = SignedTokens::new(credentials, "us-west-1", StillClock::at("2026-11-20T03:00:00Z"));
        let token = tokens.token(host, 5432, user).await?;
        Ok(Url::parse(&format!("https://{}", token.expose())).unwrap())
    }

    fn value(url: &Url, name: &str) -> String {
        url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap()
    }

    #[tokio::test]
    async fn a_token_asks_one_address_for_a_connection_as_one_role() {
        let url = token(Some("a/session+token="), HOST, "pilotlight_witness").await.unwrap();
        assert_eq!((url.host_str(), url.port(), url.path()), (Some(HOST), Some(5432), "/"));
        for (name, expected) in [
            ("Action", "connect"),
            ("DBUser", "pilotlight_witness"),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", "AKIATEST/20261120/us-west-1/rds-db/aws4_request"),
            ("X-Amz-Date", "20261120T030000Z"),
            ("X-Amz-Expires", "900"),
            ("X-Amz-Security-Token", "a/session+token="),
            ("X-Amz-SignedHeaders", "host"),
        ] {
            assert_eq!(value(&url, name), expected, "{name}");
        }
    }

    /// The signatures that botocore 1.44 gives the same requests.
    #[tokio::test]
    async fn the_signature_is_the_one_that_another_sdk_gives() {
        for (session, user, expected) in [
            (None, "pilotlight_witness", "096d21083dcf28ffcf4142c7c2d9f103d26ac853e02a05612a9cabf481e0dc0a"),
            (
                Some("a/session+token="),
                "pilotlight_witness",
                "1eb8886d630f4b772a93d3b4788ede4686595621c7fc607d7154034ed9a6ceed",
            ),
            (None, "a role+of=ours", "a2536f774fc3e62a33bfaa573c77534dc0ec1b1dd71fae6c56e4d332d003e9cd"),
        ] {
            let url = token(session, HOST, user).await.unwrap();
            assert_eq!(value(&url, "X-Amz-Signature"), expected, "{session:?} {user}");
        }
    }

    #[tokio::test]
    async fn no_token_is_signed_for_what_is_no_host() {
        for host in ["", "a/b", "a?b", "a b", "user@host", "host:1", "a#b"] {
            let failure = token(None, host, "role").await.unwrap_err();
            assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Invalid, "unsignable"), "{host}");
        }
        assert!(token(None, "127.0.0.1", "role").await.is_ok());
    }

    #[tokio::test]
    async fn a_token_shows_nowhere() {
        let credentials = Credentials::new("AKIATEST", "not-a-secret", None, None, "test");
        let tokens = SignedTokens::new(credentials, "us-west-1", StillClock::at("2026-11-20T03:00:00Z"));
        let token = tokens.token(HOST, 5432, "role").await;
        assert_eq!(format!("{token:?}"), "Ok(a secret)");
    }
}
