//! Is what is promoted as good as what it replaces? A promotion changes neither class nor storage nor zones, and keeps the
//! parameter group.
//!
//! A smaller replica is a choice that many make on purpose, so it is a note and no alarm.

use super::databases::arn_field;
use super::facts::{InstanceFacts, ReadinessFacts, ReplicaFacts, Unseen, seen};
use super::{Check, Scene};
use crate::plan::{Database, DatabaseKind};
use crate::words::list;

pub(super) const NAMES: &[&str] = &[ALIKE, ZONES, WRITABLE];

const ALIKE: &str = "replica_like_primary";
const ZONES: &str = "database_multi_az";
const WRITABLE: &str = "parameter_group_writable";

/// Engines in which `read_only` of a parameter group keeps everybody from writing.
const READ_ONLY_ENGINES: [&str; 2] = ["mysql", "mariadb"];

/// The sizes of a class, the smallest first.
const SIZES: [&str; 5] = ["micro", "small", "medium", "large", "xlarge"];

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    scene.plan.databases.iter().flat_map(|database| of(scene, database)).collect()
}

/// The parameter groups that have to be looked at.
pub fn parameter_groups(facts: &ReadinessFacts) -> Vec<&str> {
    let replicas = facts.replicas.values().filter_map(|seen| seen.as_ref().ok()?.as_ref()?.instance.as_ref());
    let mut names: Vec<&str> = replicas
        .filter(|instance| is_read_only_engine(instance))
        .filter_map(|instance| instance.parameter_group.as_deref())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn is_read_only_engine(instance: &InstanceFacts) -> bool {
    READ_ONLY_ENGINES.iter().any(|engine| instance.engine == *engine)
}

fn of(scene: &Scene<'_>, database: &Database) -> Vec<Check> {
    let (name, has_moved) = (&database.name, scene.state.holdings.is_active(&database.name));
    let first = if has_moved { ZONES } else { ALIKE };
    let Ok(Some(facts)) = seen(&scene.facts.replicas, name) else {
        let unseen = Unseen::new("The instance could not be read.", "See its other checks.");
        return [first, WRITABLE].map(|check| Check::unknown(check, name, &unseen)).to_vec();
    };
    let like = if has_moved { multi_az(scene, database, facts) } else { alike(scene, database, facts) };
    vec![like, writable(scene, database, facts)]
}

fn alike(scene: &Scene<'_>, database: &Database, facts: &ReplicaFacts) -> Check {
    let name = &database.name;
    if let Some(cluster) = &facts.cluster {
        return match cluster.instances {
            0 | 1 => Check::note(
                ALIKE,
                name,
                "After a failover its cluster has one instance. If that instance fails, no other takes over.",
                "Add an instance in another zone, before or after a failover.",
            ),
            more => Check::ready(
                ALIKE,
                name,
                format!("Its cluster has {more} instances; their classes are not compared."),
            ),
        };
    }
    let Some(replica) = &facts.instance else {
        return Check::unknown(ALIKE, name, &Unseen::not_looked_at());
    };
    let primary = match seen(&scene.facts.primaries, name) {
        Ok(Some(primary)) => primary,
        Ok(None) => {
            let why = "The primary does not exist, so its class is unknown.";
            return Check::unknown(
                ALIKE,
                name,
                &Unseen::new(why, format!("Correct {} of the plan.", arn_field(scene.plan.seat.other()))),
            );
        }
        Err(unseen) => return Check::unknown(ALIKE, name, &unseen),
    };
    let mut less = Vec::new();
    if let (Some(own), Some(theirs)) = (&replica.class, &primary.class)
        && !is_as_large(own, theirs)
    {
        less.push(format!("on {own} (the primary: {theirs})"));
    }
    if primary.is_multi_az && !replica.is_multi_az {
        less.push("in one zone (the primary: Multi-AZ)".to_owned());
    }
    if replica.storage_gib < primary.storage_gib {
        less.push(format!("with {} GiB (the primary: {} GiB)", replica.storage_gib, primary.storage_gib));
    }
    if less.is_empty() {
        let sentence = "The replica has at least the class, zones and storage of the primary.";
        return Check::ready(ALIKE, name, sentence);
    }
    let id = database.arn(scene.plan.seat).rsplit(':').next().unwrap_or_default();
    let remedy = format!(
        "aws rds modify-db-instance --region {} --db-instance-identifier {id} with --db-instance-class, \
         --multi-az or --allocated-storage; or accept this and plan the change for after a failover",
        scene.plan.own().region
    );
    Check::note(ALIKE, name, format!("After a failover it serves {}.", list(less)), remedy)
}

/// Whether one class has at least the other's size; of different kinds it is not known, and so it is not.
fn is_as_large(own: &str, theirs: &str) -> bool {
    if own == theirs {
        return true;
    }
    match (size(own), size(theirs)) {
        (Some((own_kind, own_size)), Some((their_kind, their_size))) => {
            own_kind == their_kind && own_size >= their_size
        }
        _ => false,
    }
}

/// The kind of a class, such as `r`, and its size as a rank: `2xlarge` comes after `xlarge`.
fn size(class: &str) -> Option<(char, u32)> {
    let mut parts = class.strip_prefix("db.")?.split('.');
    let (family, size) = (parts.next()?, parts.next()?);
    let rank =
        |word: &str| SIZES.iter().position(|known| *known == word).and_then(|rank| u32::try_from(rank).ok());
    let times = size.strip_suffix("xlarge").filter(|times| !times.is_empty());
    let rank = match times {
        Some(times) => rank("xlarge")? + times.parse::<u32>().ok()?,
        None => rank(size)?,
    };
    Some((family.chars().next()?, rank))
}

/// A promotion makes no standby: what serves now stays in one zone until somebody changes it.
fn multi_az(scene: &Scene<'_>, database: &Database, facts: &ReplicaFacts) -> Check {
    let name = &database.name;
    if let Some(cluster) = &facts.cluster {
        return match cluster.instances {
            0 | 1 => Check::note(
                ZONES,
                name,
                "Its cluster has one instance. If that instance fails, no other takes over.",
                "Add an instance in another zone.",
            ),
            more => Check::ready(ZONES, name, format!("Its cluster has {more} instances.")),
        };
    }
    let Some(instance) = &facts.instance else {
        return Check::unknown(ZONES, name, &Unseen::not_looked_at());
    };
    if instance.is_multi_az {
        return Check::ready(ZONES, name, "It has a standby in another zone.");
    }
    let id = database.arn(scene.plan.seat).rsplit(':').next().unwrap_or_default();
    let remedy = format!(
        "aws rds modify-db-instance --region {} --db-instance-identifier {id} --multi-az --apply-immediately",
        scene.plan.own().region
    );
    Check::note(
        ZONES,
        name,
        "It serves from one zone: a promotion does not create a Multi-AZ standby.",
        remedy,
    )
}

fn writable(scene: &Scene<'_>, database: &Database, facts: &ReplicaFacts) -> Check {
    let name = &database.name;
    let instance = match (&facts.instance, &database.kind) {
        (Some(instance), DatabaseKind::RdsReplica { .. }) => instance,
        (None, DatabaseKind::RdsReplica { .. }) => {
            return Check::unknown(WRITABLE, name, &Unseen::not_looked_at());
        }
        (_, DatabaseKind::AuroraGlobal { .. }) => {
            let sentence =
                "This check does not apply to an Aurora cluster: no parameter decides which cluster writes.";
            return Check::ready(WRITABLE, name, sentence);
        }
    };
    if !is_read_only_engine(instance) {
        let sentence = format!("No parameter of {} keeps a promoted instance read-only.", instance.engine);
        return Check::ready(WRITABLE, name, sentence);
    }
    let Some(group) = instance.parameter_group.as_deref() else {
        return Check::ready(WRITABLE, name, "It has no parameter group.");
    };
    match seen(&scene.facts.read_only, group) {
        Err(unseen) => Check::unknown(WRITABLE, name, &unseen),
        Ok(Some(value)) if is_on(value) => Check::not_ready(
            WRITABLE,
            name,
            format!(
                "Its parameter group {group} sets read_only to {value}. A promotion keeps the group, so the \
                 promoted instance would stay read-only."
            ),
            format!(
                "aws rds modify-db-parameter-group --region {} --db-parameter-group-name {group} --parameters \
                 'ParameterName=read_only,ParameterValue={{TrueIfReplica}},ApplyMethod=immediate'",
                scene.plan.own().region
            ),
        ),
        Ok(Some(value)) => {
            Check::ready(WRITABLE, name, format!("Its parameter group {group} sets read_only to {value}."))
        }
        Ok(None) => Check::ready(
            WRITABLE,
            name,
            format!("Its parameter group {group} keeps the RDS default for read_only."),
        ),
    }
}

/// Whether a value of `read_only` holds for an instance that is no replica.
fn is_on(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "1" | "on" | "true")
}
