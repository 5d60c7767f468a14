//! Which parameters a plan speaks of, and under which paths they are listed.

use crate::plan::Parameters;

/// Most levels that a parameter's name has.
pub const NAME_LEVELS_MAX: usize = 15;

/// First levels that are each region's own: AWS's, and the plan's documents.
pub const RESERVED_ROOTS: [&str; 3] = ["aws", "ssm", "pilotlight"];

/// What the plan says of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// It is copied.
    Copied,
    /// It must be there in both regions and is written in neither.
    Overridden,
    /// The plan does not speak of it.
    Outside,
}

/// The patterns of a plan.
#[derive(Clone, Copy, Debug)]
pub struct ParameterScope<'p> {
    parameters: &'p Parameters,
}

impl<'p> ParameterScope<'p> {
    /// Of a plan's section.
    pub fn of(parameters: &'p Parameters) -> Self {
        Self { parameters }
    }

    /// What the plan says of a name. An exclusion goes before an override, and both before an inclusion.
    pub fn coverage(&self, name: &str) -> Coverage {
        let matches = |patterns: &[String]| patterns.iter().any(|pattern| is_match(pattern, name));
        let Parameters { include, exclude, overrides, .. } = self.parameters;
        if !matches(include) || matches(exclude) || is_reserved(name) {
            Coverage::Outside
        } else if matches(overrides) {
            Coverage::Overridden
        } else {
            Coverage::Copied
        }
    }

    /// The paths that hold every included name: none lies within another.
    pub fn roots(&self) -> Vec<String> {
        let mut roots: Vec<&str> = self.parameters.include.iter().map(|pattern| root(pattern)).collect();
        roots.sort_unstable();
        roots.dedup();
        let is_within =
            |root: &str, other: &str| root.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'));
        let outermost = roots.iter().filter(|root| !roots.iter().any(|other| is_within(root, other)));
        outermost.map(|root| (*root).to_owned()).collect()
    }
}

/// The levels of a pattern that have no wildcard, without the last level: a path does not hold itself.
fn root(pattern: &str) -> &str {
    let wild = pattern.find('*').unwrap_or(pattern.len());
    let end = pattern.get(..wild).and_then(|plain| plain.rfind('/')).unwrap_or(0);
    pattern.get(..end).unwrap_or_default()
}

fn is_match(pattern: &str, name: &str) -> bool {
    // A path does not list itself, so that `/shop/**` must not stand for `/shop`.
    let below = name.strip_prefix(root(pattern)).is_some_and(|rest| rest.starts_with('/') && rest.len() > 1);
    below && fast_glob::glob_match(pattern, name)
}

fn is_reserved(name: &str) -> bool {
    let first = name.trim_start_matches('/').split('/').next().unwrap_or_default();
    RESERVED_ROOTS.iter().any(|root| first.eq_ignore_ascii_case(root))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Existing, Keys};

    fn parameters(include: &[&str], exclude: &[&str], overrides: &[&str]) -> Parameters {
        let owned = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        Parameters {
            include: owned(include),
            exclude: owned(exclude),
            overrides: owned(overrides),
            existing: Existing::Keep,
            keys: Keys::default(),
            puts_per_second: 2,
            deletes_percent_max: 10,
        }
    }

    #[test]
    fn one_star_stays_in_its_level_and_two_stars_do_not() {
        for (pattern, name, expected) in [
            ("/shop/**", "/shop/a", true),
            ("/shop/**", "/shop/a/b/c", true),
            ("/shop/**", "/shop", false),
            ("/shop/**", "/shop/", false),
            ("/shop/**", "/shopping/a", false),
            ("/shop/*", "/shop/a", true),
            ("/shop/*", "/shop/a/b", false),
            ("/shop/*/url", "/shop/db/url", true),
            ("/shop/*/url", "/shop/a/b/url", false),
            ("/shop/**/url", "/shop/a/b/url", true),
            ("/shop/db-*", "/shop/db-1", true),
            ("/shop/db-*", "/shop/cache", false),
            ("/shop/db/url", "/shop/db/url", true),
            ("/shop/db/url", "/shop/db/url2", false),
            ("/shop/db.url", "/shop/dbxurl", false),
        ] {
            assert_eq!(is_match(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn an_exclusion_goes_before_an_override_and_both_before_an_inclusion() {
        let parameters = parameters(&["/shop/**"], &["/shop/tmp/**"], &["/shop/*/host", "/shop/tmp/host"]);
        let scope = ParameterScope::of(&parameters);
        assert_eq!(scope.coverage("/shop/db/url"), Coverage::Copied);
        assert_eq!(scope.coverage("/shop/db/host"), Coverage::Overridden);
        assert_eq!(scope.coverage("/shop/tmp/x"), Coverage::Outside);
        assert_eq!(scope.coverage("/shop/tmp/host"), Coverage::Outside);
        assert_eq!(scope.coverage("/other/x"), Coverage::Outside);
        assert_eq!(scope.coverage("plain"), Coverage::Outside);
    }

    #[test]
    fn what_is_each_regions_own_is_outside_whatever_the_plan_says() {
        let parameters = parameters(&["/pilotlight/**", "/aws/**", "/SSM/**"], &[], &[]);
        let scope = ParameterScope::of(&parameters);
        for name in ["/pilotlight/shop/plan/0", "/aws/x/y", "/SSM/x/y", "/Pilotlight/x/y"] {
            assert_eq!(scope.coverage(name), Coverage::Outside, "{name}");
        }
    }

    #[test]
    fn the_roots_hold_every_pattern_once() {
        let parameters = parameters(
            &["/shop/web/**", "/shop/*", "/back/db/url", "/back/db/host", "/backup/x-*/y", "/shop/web/a/b"],
            &[],
            &[],
        );
        assert_eq!(ParameterScope::of(&parameters).roots(), ["/back/db", "/backup", "/shop"]);
    }
}
