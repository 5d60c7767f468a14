//! Two listings side by side: what is known to be the same, what must be compared, and which copies have lost their source.

use std::collections::BTreeMap;

use super::direction::CopyRegions;
use super::entry::Entry;
use super::fingerprints::Fingerprints;
use super::ground::Ground;
use super::scope::Coverage;

/// A region's parameters by name.
pub type ParameterListing = BTreeMap<String, Entry>;

/// A parameter of the source, and what has its name on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair<'l> {
    /// In the region that serves.
    pub source: &'l Entry,
    /// In the other one.
    pub copy: Option<&'l Entry>,
}

/// What two listings amount to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey<'l> {
    /// Pairs whose values must be looked at, by name.
    pub compare: Vec<Pair<'l>>,
    /// Pairs that were seen to be the same and have not changed since, with both sides.
    pub unchanged: Vec<(&'l Entry, &'l Entry)>,
    /// Names without a source that say of themselves that they are copies; each is asked again before it is deleted.
    pub orphans: Vec<&'l str>,
    /// Why no orphan may be deleted, if it is so.
    pub orphans_kept: Option<String>,
    /// How many parameters differ on purpose.
    pub overridden: usize,
    /// Those of them that the other side does not have.
    pub overridden_missing: Vec<&'l str>,
}

/// Puts two whole listings side by side. `copies` is every copy of this plan that the destination knows.
pub fn survey<'l>(
    ground: &Ground<'_>,
    source: &'l ParameterListing,
    destination: &'l ParameterListing,
    copies: &'l [String],
    seen: &Fingerprints,
) -> Survey<'l> {
    let scope = ground.scope();
    let mut survey = Survey::default();
    for entry in source.values() {
        let copy = destination.get(&entry.name);
        match scope.coverage(&entry.name) {
            Coverage::Outside => {}
            Coverage::Overridden => {
                survey.overridden += 1;
                if copy.is_none() {
                    survey.overridden_missing.push(&entry.name);
                }
            }
            Coverage::Copied => match copy {
                Some(copy)
                    if entry.data_type != super::diff::IMAGE
                        && seen.holds(ground.direction, entry, copy)
                        && super::diff::differences(ground, entry, copy).is_empty() =>
                {
                    survey.unchanged.push((entry, copy));
                }
                copy => survey.compare.push(Pair { source: entry, copy }),
            },
        }
    }
    let is_ours =
        |name: &&String| scope.coverage(name) == Coverage::Copied && destination.contains_key(*name);
    let known = copies.iter().filter(is_ours).count();
    survey.orphans = copies
        .iter()
        .filter(is_ours)
        .filter(|name| !source.contains_key(*name))
        .map(String::as_str)
        .collect();
    survey.orphans_kept = kept(ground, source, survey.orphans.len(), known);
    survey
}

/// Most copies that one pass may delete, of so many.
pub fn deletions_max(copies: usize, percent: u32) -> usize {
    let share = copies * usize::try_from(percent).unwrap_or(0) / 100;
    if percent == 0 { 0 } else { share.max(1) }
}

/// The brake: a mistake in the source must not empty the other side.
fn kept(ground: &Ground<'_>, source: &ParameterListing, orphans: usize, copies: usize) -> Option<String> {
    if orphans == 0 {
        return None;
    }
    let CopyRegions { from, to } = ground.direction;
    let percent = ground.parameters.deletes_percent_max;
    let allowed = deletions_max(copies, percent);
    if source.is_empty() {
        return Some(format!(
            "{orphans} copies in {to} are kept although {from} does not have them: {from} has no parameter at \
             all under the plan's paths; if that is intended, delete them by hand"
        ));
    }
    (orphans > allowed).then(|| {
        format!(
            "{orphans} of {copies} copies in {to} are kept although {from} does not have them: one pass \
             deletes at most {allowed} (parameters.deletes_percent_max is {percent}); if that is intended, \
             raise the limit for one pass, or delete them by hand"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_down_and_a_single_copy_may_go_unless_it_is_zero() {
        for (copies, percent, expected) in
            [(100, 10, 10), (109, 10, 10), (5, 10, 1), (1, 10, 1), (0, 10, 1), (5, 0, 0), (7, 100, 7)]
        {
            assert_eq!(deletions_max(copies, percent), expected, "{copies} {percent}");
        }
    }
}
