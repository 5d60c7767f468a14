//! Parameters: what is copied from the active region's Parameter Store to the other one's, and what must not be.
//!
//! Everything is decided from names, versions and descriptions of parameters. A value never comes in here: whoever asks
//! compares the two and says whether they are the same.

pub mod diff;
pub mod direction;
pub mod entry;
pub mod fingerprints;
pub mod ground;
pub mod request;
pub mod scope;
pub mod survey;

use crate::name::Name;

/// The tag by which a copy is known. Its value is the plan's name.
pub const COPY_TAG: &str = "pilotlight:copied-by";

/// Whether the tags of a parameter say that a plan made it.
pub fn is_copy_of(tags: &entry::Tags, plan: &Name) -> bool {
    tags.get(COPY_TAG).is_some_and(|by| by == plan.as_str())
}
