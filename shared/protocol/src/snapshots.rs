//! Snapshots: what there is in both regions, and what is to be taken, copied and deleted.
//!
//! There is no state of their own: what exists says what was done. [`decide`] looks at the listings of both regions and
//! at the journal's state, and names every effect that is due, each with one sentence. A run that was cut short, or that
//! came twice, is the next run's beginning.

mod decide;
mod decision;
mod inventory;
mod mark;
mod prune;
mod retention;
mod sentence;

pub use decide::decide;
pub use decision::{ATTEMPTS_MAX, Action, Age, COPIES_UNDER_WAY_MAX, Effect, SnapshotDecision};
pub use inventory::{DatabaseSnapshot, SnapshotListing, SourceKind, Status};
pub use mark::{CLOCK_SLACK, Mark, Own, own};
pub use prune::deletion_veto;
pub use retention::kept;
