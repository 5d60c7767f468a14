//! What may be asked of Parameter Store, in either region.
//!
//! No call is tried a second time by its adapter: whoever calls knows how many calls a second there may be, and whether
//! a call whose answer was lost may be repeated. A failure never holds a word of what was sent or received.

use async_trait::async_trait;
use protocol::name::Name;
use protocol::parameters::diff::Put;
use protocol::parameters::entry::{Entry, Labels, Tags};

use crate::{Answer, Secret};

/// Most names of one [`ParameterStores::values`].
pub const VALUES_PER_CALL: usize = 10;

/// Parameter Store.
#[async_trait]
pub trait ParameterStores: Send + Sync {
    /// One page of everything below a path, at any depth, without values. `copies_of`: only what is tagged as a copy of
    /// that plan.
    async fn list(
        &self,
        region: &str,
        path: &str,
        copies_of: Option<&Name>,
        after: Option<String>,
    ) -> Answer<ParameterPage>;
    /// One parameter without its value; nothing if it does not exist.
    async fn find(&self, region: &str, name: &str) -> Answer<Option<Entry>>;
    /// The values of up to [`VALUES_PER_CALL`] parameters, decrypted. What does not exist is left out.
    async fn values(&self, region: &str, names: &[&str]) -> Answer<Vec<Value>>;
    /// The tags of a parameter; nothing if it does not exist.
    async fn tags(&self, region: &str, name: &str) -> Answer<Option<Tags>>;
    /// The labels of all versions of a parameter; none if it does not exist.
    async fn labels(&self, region: &str, name: &str) -> Answer<Labels>;
    /// Writes a parameter. One that is to be made and is there already is a `Conflict`.
    async fn put(&self, region: &str, put: &Put, value: &Secret) -> Answer<u64>;
    /// Sets tags, leaving the others.
    async fn tag(&self, region: &str, name: &str, tags: &Tags) -> Answer<()>;
    /// Gives labels to the current version; each is taken from the version that has it.
    async fn label(&self, region: &str, name: &str, labels: &[String]) -> Answer<()>;
    /// Deletes a parameter with all its versions. One that does not exist is deleted.
    async fn delete(&self, region: &str, name: &str) -> Answer<()>;
}

/// Some parameters of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParameterPage {
    /// The parameters.
    pub entries: Vec<Entry>,
    /// Where the next page begins; nothing on the last one.
    pub next: Option<String>,
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Full name.
    pub name: String,
    /// The version that has this value.
    pub version: u64,
    /// The value.
    pub secret: Secret,
}

/// The memory of which pairs were seen to be the same. It is advisory: losing it costs reads.
#[async_trait]
pub trait SeenPairs: Send + Sync {
    /// What was saved last; nothing if nothing ever was.
    async fn load(&self, plan: &Name) -> Answer<Vec<u8>>;
    /// Saves over what was saved before.
    async fn save(&self, plan: &Name, seen: &[u8]) -> Answer<()>;
}
