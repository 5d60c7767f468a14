//! Snapshots: a schedule that comes, counts that don't contradict each other, keys of the right region, known names.

use super::super::problem::Findings;
use super::super::snapshots::SnapshotPolicy;
use super::super::{Database, Plan, bounds};
use super::arns::{Wanted, check_arn};
use super::{ArnGround, check_bounds};
use crate::arn::Arn;
use crate::name::Name;
use crate::schedule::{SCHEDULE_HINT, Schedule};
use crate::side::Side;

pub(super) fn check(plan: &Plan, ground: &ArnGround<'_>, findings: &mut Findings<'_>) {
    let Some(policy) = &plan.snapshots else {
        return;
    };
    if let Err(problem) = Schedule::parse(&policy.schedule) {
        findings.add("snapshots.schedule", problem, format!("give {SCHEDULE_HINT}"));
    }
    check_counts(policy, findings);
    for side in Side::BOTH {
        let wanted = Wanted {
            what: "a KMS key",
            example: "arn:aws:kms:us-west-1:123456789012:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f",
            is_it: is_key,
            region: ground.region_at[side].map(|region| (region, side.as_str())),
            is_ours: false,
            may_be_elsewhere: false,
        };
        if let Some(key) = policy.kms_key_arns.of(side) {
            let path = format!("snapshots.kms_key_arns.{}", side.as_str());
            check_arn(&path, key, &wanted, ground, findings);
        }
    }
    check_names(plan, policy, findings);
    check_option_groups(plan, policy, findings);
}

fn check_option_groups(plan: &Plan, policy: &SnapshotPolicy, findings: &mut Findings<'_>) {
    for (index, groups) in policy.option_groups.iter().enumerate() {
        let (path, name) = (format!("snapshots.option_groups[{index}]"), &groups.database);
        let database = plan.databases.iter().find(|database| database.name == *name);
        let place = format!("{path}.database");
        match database.map(Database::is_aurora) {
            None if findings.names_are_known() => {
                let problem = format!("is {name}, which is no database of the plan");
                findings.add(place, problem, "give a database's name");
            }
            Some(true) => {
                let problem = format!("is {name}, an Aurora global database, which has no option group");
                findings.add(place, problem, "leave it out");
            }
            _ if policy.option_groups[..index].iter().any(|other| other.database == *name) => {
                findings.add(place, format!("is {name} once more"), "give each database once");
            }
            _ => {}
        }
        for (side, group) in [("primary", &groups.primary), ("recovery", &groups.recovery)] {
            if let Some(group) = group.as_deref().filter(|group| !is_option_group(group)) {
                let problem = format!("is {group}, which is no name of an option group");
                let remedy =
                    "give its name: 1 to 255 letters, digits, hyphens and colons, beginning with a letter";
                findings.add(format!("{path}.{side}"), problem, remedy);
            }
        }
    }
}

/// The colon is in the names of RDS's own: `default:oracle-ee-19`.
fn is_option_group(name: &str) -> bool {
    name.len() <= 255
        && name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b':')
}

fn check_counts(policy: &SnapshotPolicy, findings: &mut Findings<'_>) {
    let keep = policy.keep;
    for (tier, count) in [("daily", keep.daily), ("weekly", keep.weekly), ("monthly", keep.monthly)] {
        check_bounds(format!("snapshots.keep.{tier}"), count, bounds::KEEP_TIER, findings);
    }
    check_bounds("snapshots.keep_min", policy.keep_min, bounds::KEEP_MIN, findings);
    check_bounds("snapshots.deletions_max", policy.deletions_max, bounds::DELETIONS, findings);
    if policy.keep_min > keep.sum() {
        findings.add_reading(
            &["snapshots.keep", "snapshots.keep.daily", "snapshots.keep.weekly", "snapshots.keep.monthly"],
            "snapshots.keep_min",
            format!(
                "is {}, more than all of snapshots.keep together, which is {}",
                policy.keep_min,
                keep.sum()
            ),
            "raise a tier or lower keep_min: the tiers say what is kept, keep_min is the floor below them",
        );
    }
}

fn check_names(plan: &Plan, policy: &SnapshotPolicy, findings: &mut Findings<'_>) {
    if findings.names_are_known() {
        for (index, name) in policy.except.iter().enumerate() {
            let path = format!("snapshots.except[{index}]");
            if !plan.databases.iter().any(|database| database.name == *name) {
                findings.add(
                    path,
                    format!("is {name}, which is no database of the plan"),
                    "give a database's name",
                );
            } else if policy.except[..index].contains(name) {
                findings.add(path, format!("is {name} once more"), "give each database once");
            }
        }
    }
    // The names become part of the snapshots' identifiers.
    // That the plan's own name doesn't end with a hyphen, its own rule says.
    let own = Some(("name".to_owned(), &plan.name)).filter(|(_, name)| !name.as_str().ends_with('-'));
    let named = own.into_iter().chain(
        plan.databases
            .iter()
            .enumerate()
            .filter(|(_, database)| !policy.except.contains(&database.name))
            .map(|(index, database)| (format!("databases[{index}].name"), &database.name)),
    );
    for (path, name) in named.filter(|(_, name)| !can_name_a_snapshot(name)) {
        findings.add_reading(
            &["snapshots"],
            path,
            format!("is {name}, which can't be part of a snapshot's identifier"),
            "give a name without two hyphens in a row or one at its end, or leave snapshots out",
        );
    }
}

fn can_name_a_snapshot(name: &Name) -> bool {
    !name.as_str().contains("--") && !name.as_str().ends_with('-')
}

fn is_key(arn: &Arn<'_>) -> bool {
    arn.service == "kms"
        && arn
            .resource
            .strip_prefix("key/")
            .is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
}
