//! What Parameter Store says of a parameter without its value.

use std::collections::{BTreeMap, BTreeSet};

/// The tags of a parameter.
pub type Tags = BTreeMap<String, String>;

/// One parameter, as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its full name, with all levels.
    pub name: String,
    /// The number of its current version; it begins again when a parameter is made anew.
    pub version: u64,
    /// When that version was written, in milliseconds since 1970.
    pub modified_ms: i64,
    /// Its type.
    pub kind: Kind,
    /// What its value is checked for, such as `text`.
    pub data_type: String,
    /// Its tier.
    pub tier: Tier,
    /// The key of a secure string.
    pub key: Option<String>,
    /// What people wrote about it.
    pub description: String,
    /// The pattern that its values must match; empty if there is none.
    pub allowed_pattern: String,
    /// The texts of its policies, in order.
    pub policies: Vec<String>,
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// Texts with commas between them.
    TextList,
    /// A text that is kept encrypted.
    SecureString,
}

/// The tier of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Up to 4 KB, without policies.
    Standard,
    /// Up to 8 KB; there is no way back from it.
    Advanced,
    /// The lowest that suffices.
    IntelligentTiering,
}

/// The labels of a parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Of its current version.
    pub current: BTreeSet<String>,
    /// Of all earlier versions.
    pub earlier: BTreeSet<String>,
}
