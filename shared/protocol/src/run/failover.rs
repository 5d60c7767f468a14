//! Failover: away from a lost region.

use crate::command::Step;

/// Scale at once; fence when committed; promote when all is fenced; open when every database is writable and every
/// fleet healthy; verify what is open.
pub(super) const STEPS: &[Step] = &[Step::Scale, Step::Fence, Step::Promote, Step::Open, Step::Verify];
