//! Could a snapshot of what serves be copied into the other region? With the source's own key, and where the data is
//! encrypted by the engine itself, with an option group that can read it.

use std::collections::BTreeSet;

use super::facts::{OptionGroupRef, ReadinessFacts, Unseen, seen};
use super::names::GRANT_FOR_COPIES;
use super::{Check, Scene};
use crate::name::Name;
use crate::plan::{Database, Plan, SnapshotPolicy};
use crate::side::Side;
use crate::state::State;
use crate::words::{function_name, list};

pub(super) const NAMES: &[&str] = &[KEY, OPTIONS];

const KEY: &str = "source_key_allowed";
const OPTIONS: &str = "copy_option_group";

/// The options by which Oracle and SQL Server encrypt by themselves.
const ENCRYPTING: [&str; 2] = ["TDE", "TRANSPARENT_DATA_ENCRYPTION"];

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    let of = |policy: &SnapshotPolicy| {
        kept(scene.plan, policy)
            .flat_map(|database| [source_key(scene, policy, database), option_group(scene, policy, database)])
            .collect::<Vec<_>>()
    };
    scene.plan.snapshots.iter().flat_map(of).collect()
}

fn kept<'p>(plan: &'p Plan, policy: &'p SnapshotPolicy) -> impl Iterator<Item = &'p Database> {
    plan.databases.iter().filter(|database| !policy.except.contains(&database.name))
}

/// What serves of a database: its key, its engine, its option groups.
struct Source {
    region: String,
    key: Option<String>,
    engine: String,
    option_groups: Vec<String>,
}

fn source(plan: &Plan, state: &State, facts: &ReadinessFacts, database: &Database) -> Result<Source, Unseen> {
    let gone = || Unseen::new("The database that serves could not be read.", "See its other checks.");
    if state.holdings.is_active(&database.name) {
        let seen = seen(&facts.replicas, &database.name)?.as_ref().ok_or_else(gone)?;
        let instance = seen.instance.clone().unwrap_or_default();
        return Ok(Source {
            region: plan.own().region.clone(),
            key: seen.kms_key.clone(),
            engine: instance.engine,
            option_groups: instance.option_groups,
        });
    }
    let seen = seen(&facts.primaries, &database.name)?.as_ref().ok_or_else(gone)?;
    Ok(Source {
        region: plan.other().region.clone(),
        key: seen.kms_key.clone(),
        engine: seen.engine.clone(),
        option_groups: seen.option_groups.clone(),
    })
}

/// The keys of what serves and is copied, which the role of snapshot-scheduler must be allowed to use.
pub fn source_keys(plan: &Plan, state: &State, facts: &ReadinessFacts) -> BTreeSet<String> {
    let Some(policy) = &plan.snapshots else { return BTreeSet::new() };
    let databases = kept(plan, policy);
    databases.filter_map(|database| source(plan, state, facts, database).ok()?.key).collect()
}

/// The option groups that have to be looked at.
pub fn option_groups(plan: &Plan, state: &State, facts: &ReadinessFacts) -> BTreeSet<OptionGroupRef> {
    let Some(policy) = &plan.snapshots else { return BTreeSet::new() };
    let sources = kept(plan, policy).filter_map(|database| source(plan, state, facts, database).ok());
    let encrypting = sources.filter(|source| may_encrypt(&source.engine));
    let groups = |source: Source| {
        let region = source.region;
        source.option_groups.into_iter().map(move |name| OptionGroupRef { region: region.clone(), name })
    };
    encrypting.flat_map(groups).collect()
}

fn may_encrypt(engine: &str) -> bool {
    ["oracle", "sqlserver", "custom-oracle", "custom-sqlserver"].iter().any(|start| engine.starts_with(start))
}

/// AWS's pages differ on whether a copy within one account uses the right to the source's key: a note, not an alarm. A copy
/// that fails is found by `snapshots_fresh`.
fn source_key(scene: &Scene<'_>, policy: &SnapshotPolicy, database: &Database) -> Check {
    let name = &database.name;
    let source = match source(scene.plan, scene.state, scene.facts, database) {
        Ok(source) => source,
        Err(unseen) => return Check::unknown(KEY, name, &unseen),
    };
    let Some(key) = source.key else {
        return Check::ready(KEY, name, "It is not encrypted, so its copies need no key.");
    };
    let short = key.rsplit(':').next().unwrap_or(&key).to_owned();
    match seen(&scene.facts.key_rights, key.as_str()) {
        Ok(Some(rights)) if rights.is_of_aws => {
            return Check::ready(
                KEY,
                name,
                format!("The {short} is managed by AWS, and RDS may use it for this account."),
            );
        }
        Ok(_) => {}
        Err(unseen) => return Check::unknown(KEY, name, &unseen),
    }
    if Side::BOTH.into_iter().any(|side| policy.kms_key_arns.of(side) == Some(&key)) {
        return Check::ready(KEY, name, format!("The {short} is one of snapshots.kms_key_arns."));
    }
    match seen(&scene.facts.refused, GRANT_FOR_COPIES) {
        Err(unseen) => Check::unknown(KEY, name, &unseen),
        Ok(refusals) if refusals.iter().any(|refusal| refusal.resource == key) => {
            let function = function_name(scene.plan, "snapshot-scheduler");
            let sentence = format!(
                "It is encrypted with {short}, and the role of {function} may not use that key. RDS may \
                 refuse a copy to the other region."
            );
            let remedy = format!("Add {key} to snapshots.source_key_arns of the orchestrator module.");
            Check::note(KEY, name, sentence, remedy)
        }
        Ok(_) => Check::ready(KEY, name, format!("IAM allows its copies to use {short}.")),
    }
}

fn option_group(scene: &Scene<'_>, policy: &SnapshotPolicy, database: &Database) -> Check {
    let name = &database.name;
    if database.is_aurora() {
        return Check::ready(OPTIONS, name, "An Aurora cluster has no option group.");
    }
    let source = match source(scene.plan, scene.state, scene.facts, database) {
        Ok(source) => source,
        Err(unseen) => return Check::unknown(OPTIONS, name, &unseen),
    };
    if !may_encrypt(&source.engine) {
        let sentence = format!(
            "{} does not encrypt through an option, so its copies need no option group.",
            source.engine
        );
        return Check::ready(OPTIONS, name, sentence);
    }
    let mut encrypting = BTreeSet::new();
    for group in source.option_groups {
        let named = OptionGroupRef { region: source.region.clone(), name: group };
        match seen(&scene.facts.options, &named) {
            Ok(options) => {
                encrypting
                    .extend(options.iter().filter(|option| ENCRYPTING.contains(&option.as_str())).cloned());
            }
            Err(unseen) => return Check::unknown(OPTIONS, name, &unseen),
        }
    }
    if encrypting.is_empty() {
        return Check::ready(
            OPTIONS,
            name,
            "It does not encrypt through an option, so its copies need no option group.",
        );
    }
    let to = scene.serving(name).other();
    match policy.option_group(name, to) {
        Some(group) => Check::ready(OPTIONS, name, format!("Its copies use the option group {group}.")),
        None => without_group(name, encrypting, to),
    }
}

fn without_group(name: &Name, encrypting: BTreeSet<String>, to: Side) -> Check {
    let side = to.as_str();
    let sentence = format!(
        "It encrypts through the option {}. RDS refuses to copy such a snapshot to another region without an \
         option group.",
        list(encrypting)
    );
    let remedy = format!(
        "Create an option group with the same option in the {side} region, and name it in \
         snapshots.option_groups: {{ database = \"{name}\", {side} = \"...\" }}."
    );
    Check::not_ready(OPTIONS, name, sentence, remedy)
}
