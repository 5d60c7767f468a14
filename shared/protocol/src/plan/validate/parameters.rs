//! Parameters: patterns that can be listed and matched, keys of the right region, and nothing of Pilotlight's own.

use std::collections::HashMap;

use super::super::parameters::Parameters;
use super::super::problem::Findings;
use super::super::{Plan, bounds};
use super::{ArnGround, check_bounds};
use crate::arn::Arn;
use crate::parameters::scope::{NAME_LEVELS_MAX, RESERVED_ROOTS};
use crate::side::Side;

/// Longest name that Parameter Store takes.
const PATTERN_LENGTH_MAX: usize = 1011;
/// Each included pattern is listed on its own.
const INCLUDES_MAX: usize = 50;
/// Each name is held against all of them.
const EXCEPTIONS_MAX: usize = 500;

pub(super) fn check(plan: &Plan, ground: &ArnGround<'_>, findings: &mut Findings<'_>) {
    let Some(parameters) = &plan.parameters else {
        return;
    };
    check_patterns(parameters, findings);
    for (field, value, bounds) in [
        ("puts_per_second", parameters.puts_per_second, bounds::PUTS_PER_SECOND),
        ("deletes_percent_max", parameters.deletes_percent_max, bounds::DELETES_PERCENT),
    ] {
        check_bounds(format!("parameters.{field}"), value, bounds, findings);
    }
    for side in Side::BOTH {
        if let Some(key) = parameters.keys.of(side) {
            let path = format!("parameters.keys.{}", side.as_str());
            check_key(&path, key, ground.region_at[side], ground.partition, findings);
        }
    }
}

fn check_patterns(parameters: &Parameters, findings: &mut Findings<'_>) {
    let lists = [
        ("include", &parameters.include, INCLUDES_MAX),
        ("exclude", &parameters.exclude, EXCEPTIONS_MAX),
        ("overrides", &parameters.overrides, EXCEPTIONS_MAX),
    ];
    let mut first_at: HashMap<&str, String> = HashMap::new();
    for (field, patterns, count_max) in lists {
        for (index, pattern) in patterns.iter().enumerate() {
            let path = format!("parameters.{field}[{index}]");
            if let Some(problem) = pattern_problem(pattern) {
                findings.add(path, problem, "give a name's levels, like /shop/** or /shop/*/url");
            } else if let Some(first) = first_at.get(pattern.as_str()) {
                findings.add_reading(
                    &[first],
                    path,
                    format!("is the same as {first}"),
                    "keep one of the two",
                );
            } else {
                first_at.insert(pattern, path);
            }
        }
        if patterns.len() > count_max {
            findings.add(
                format!("parameters.{field}"),
                format!("holds {} patterns, more than {count_max}", patterns.len()),
                "let fewer patterns stand for more, with * and **",
            );
        }
    }
    if parameters.include.is_empty() {
        findings.add(
            "parameters.include",
            "is empty, so nothing would be copied",
            "give at least one pattern, like /shop/**, or leave parameters out",
        );
    }
}

fn pattern_problem(pattern: &str) -> Option<String> {
    let Some(levels) = pattern.strip_prefix('/') else {
        return Some("does not begin with a slash".to_owned());
    };
    let levels: Vec<&str> = levels.split('/').collect();
    let is_sound = |level: &&str| {
        !level.is_empty()
            && level.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-*".contains(&b))
            && (**level == *"**" || !level.contains("**"))
    };
    if pattern.len() > PATTERN_LENGTH_MAX || levels.len() > NAME_LEVELS_MAX {
        return Some("is longer or deeper than a parameter's name can be".to_owned());
    }
    if !levels.iter().all(is_sound) {
        return Some(
            "has a level that is empty, or holds more than letters, digits, _ . - and * (** stands alone)"
                .to_owned(),
        );
    }
    if levels.len() < 2 || levels[0].contains('*') {
        return Some("has no first level that is named and followed by another".to_owned());
    }
    let root = levels[0].to_ascii_lowercase();
    RESERVED_ROOTS
        .contains(&root.as_str())
        .then(|| format!("lies under /{root}, which is AWS's or Pilotlight's own in each region"))
}

fn check_key(
    path: &str,
    key: &str,
    region: Option<&str>,
    partition: Option<&str>,
    findings: &mut Findings<'_>,
) {
    let is_plain = |text: &str| {
        (1..=256).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_-".contains(&b))
    };
    let example = "give an alias (alias/shop), a key's id or its ARN";
    if !key.starts_with("arn:") {
        if !is_plain(key) || (key.contains('/') && !key.starts_with("alias/")) {
            findings.add(path, "is not a key of KMS", example);
        }
        return;
    }
    let Some(arn) = Arn::parse(key).filter(|arn| {
        let resource = arn.resource;
        arn.service == "kms" && (resource.starts_with("key/") || resource.starts_with("alias/"))
    }) else {
        findings.add(path, "is not the ARN of a key of KMS", example);
        return;
    };
    if let Some(partition) = partition.filter(|partition| *partition != arn.partition) {
        findings.add_reading(
            &["sides.primary.region", "sides.recovery.region"],
            path,
            format!(
                "is of the partition {}, and the plan's regions are of the partition {partition}",
                arn.partition
            ),
            format!("give a key of {}", region.unwrap_or("the side's region")),
        );
    }
    if let Some(region) = region.filter(|region| *region != arn.region) {
        findings.add_reading(
            &["sides.primary.region", "sides.recovery.region"],
            path,
            format!("is a key of {}, and what it encrypts is written in {region}", arn.region),
            format!("give a key of {region}"),
        );
    }
}
