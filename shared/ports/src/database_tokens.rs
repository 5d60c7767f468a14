//! What does a database take in place of a password? A token of IAM, good for one role at one address.

use async_trait::async_trait;

use crate::{Answer, Secret};

/// Tokens of IAM database authentication.
#[async_trait]
pub trait DatabaseTokens: Send + Sync {
    /// A token to log in with now. It is signed here: no service is called.
    async fn token(&self, host: &str, port: u16, user: &str) -> Answer<Secret>;
}
