//! What does the program ask of AWS? An answer of a function; and, beside that, which functions there are.

use async_trait::async_trait;
use ports::{Answer, Functions};

/// What is deployed under the name of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// Lambda's state of it: `Active`, if it can be invoked.
    pub state: String,
    /// The hash of its code.
    pub code: String,
    /// When it was last changed.
    pub modified: String,
}

/// The functions of one account and region.
#[async_trait]
pub trait Installation: Functions {
    /// The region; nothing if nobody said which.
    fn region(&self) -> Option<String>;
    /// Whose credentials are used, without a secret.
    async fn credentials(&self) -> Answer<String>;
    /// The names of all functions.
    async fn names(&self) -> Answer<Vec<String>>;
    /// One of them; nothing if there is none of that name.
    async fn deployed(&self, function: &str) -> Answer<Option<Deployed>>;
}
