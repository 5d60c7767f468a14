//! Can every database be promoted, and with what loss? And does one that has moved accept writes and make backups?

use jiff::SignedDuration;

use super::facts::{ClusterFacts, ClusterRole, ReplicaFacts, Unseen, seen};
use super::{BackupWindow, Check, Scene};
use crate::arn::Arn;
use crate::database_status::{Condition, remedy};
use crate::name::Name;
use crate::observation::ReplicaState;
use crate::plan::{Database, DatabaseKind};
use crate::side::Side;
use crate::witness::Sight;
use crate::words::{duration, of_ms};

pub(super) const NAMES: &[&str] = &[AVAILABLE, REPLICATES, LAG, WINDOW, WRITABLE, BACKUPS];

const AVAILABLE: &str = "replica_available";
const REPLICATES: &str = "replica_replicates";
const LAG: &str = "lag_within_limit";
const WINDOW: &str = "backup_window_clear";
const WRITABLE: &str = "database_writable";
const BACKUPS: &str = "backups_on";

/// Longest age at which a lag sample says something about now. CloudWatch is a minute or two late.
const LAG_AGE_MAX: SignedDuration = SignedDuration::from_mins(5);

/// From this size on the first backup after a promotion is a price worth a word.
const FIRST_BACKUP_GIB_NOTED: u32 = 1_024;

/// A backup that begins within this long is near: a promotion may wait for it.
const WINDOW_LEAD: SignedDuration = SignedDuration::from_mins(15);

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    let check = |database: &Database| {
        if scene.state.holdings.is_active(&database.name) {
            moved(scene, database)
        } else {
            waiting(scene, database)
        }
    };
    scene.plan.databases.iter().flat_map(check).collect()
}

/// A database whose replica waits to be promoted.
fn waiting(scene: &Scene<'_>, database: &Database) -> Vec<Check> {
    let name = &database.name;
    let facts = match instance(scene, database) {
        Ok(facts) => facts,
        Err(check) => {
            let unseen = Unseen::new("The replica could not be read.", format!("See {AVAILABLE}."));
            let rest = [REPLICATES, WINDOW].map(|check| Check::unknown(check, name, &unseen));
            let [replicates, window] = rest;
            return vec![check, replicates, lag(scene, database), window];
        }
    };
    vec![
        available(scene, database, facts),
        replicates(database, facts),
        lag(scene, database),
        window(scene, database, facts),
    ]
}

/// Where the plan says what a database is on a side.
pub(super) fn arn_field(side: Side) -> String {
    format!("databases[].sides.{}.arn", side.as_str())
}

/// What was seen of the instance, or the check that says that it was not.
fn instance<'s>(scene: &'s Scene<'_>, database: &Database) -> Result<&'s ReplicaFacts, Check> {
    let check = if scene.state.holdings.is_active(&database.name) { WRITABLE } else { AVAILABLE };
    match seen(&scene.facts.replicas, &database.name) {
        Ok(Some(facts)) => Ok(facts),
        Ok(None) => Err(Check::not_ready(
            check,
            &database.name,
            format!("The {} {} does not exist.", thing(database), identifier(database.arn(scene.plan.seat))),
            format!("Create it again, or correct {} of the plan.", arn_field(scene.plan.seat)),
        )),
        Err(unseen) => Err(Check::unknown(check, &database.name, &unseen)),
    }
}

fn available(scene: &Scene<'_>, database: &Database, facts: &ReplicaFacts) -> Check {
    let (name, id) = (&database.name, identifier(database.arn(scene.plan.seat)));
    let status = facts.status.as_str();
    if let Some(cluster) = &facts.cluster {
        return cluster_available(database, id, facts, cluster, scene.plan.seat);
    }
    if facts.replication == ReplicaState::Detached {
        let sentence = format!("{id} has no replication source, although no run has promoted it.");
        return Check::not_ready(
            AVAILABLE,
            name,
            sentence,
            "Create a new replica of the primary with this identifier.",
        );
    }
    match Condition::of(status) {
        // A backup has its own check.
        Condition::Online | Condition::BackingUp => {
            Check::ready(AVAILABLE, name, format!("{id} exists, with status {status}."))
        }
        condition => Check::not_ready(
            AVAILABLE,
            name,
            format!("{id} has status {status}. Only an available replica can be promoted."),
            against(status, condition, "instance"),
        ),
    }
}

/// What helps against a status in which nothing can be promoted.
fn against(status: &str, condition: Condition, thing: &str) -> String {
    match condition {
        Condition::Final => format!("This status does not clear by itself: {}.", remedy(status)),
        _ => format!("Wait if the status is temporary (modifying, upgrading). Otherwise repair the {thing}."),
    }
}

/// A cluster can be failed over to if it is a secondary, has an instance that could write, and its engine's version is the
/// global database's.
fn cluster_available(
    database: &Database,
    id: &str,
    facts: &ReplicaFacts,
    cluster: &ClusterFacts,
    seat: Side,
) -> Check {
    let (name, status) = (&database.name, facts.status.as_str());
    let global = database.global_cluster().unwrap_or("of the plan");
    let not_ready =
        |sentence: String, remedy: &str| Check::not_ready(AVAILABLE, name, sentence, remedy.to_owned());
    match cluster.role {
        ClusterRole::Secondary => {}
        ClusterRole::Writer => {
            return not_ready(
                format!(
                    "{id} is the writer of the global database {global}, although no run has failed over to it."
                ),
                &format!(
                    "Switch the global database over to the {} region, or swap the plan's sides.",
                    seat.other().as_str()
                ),
            );
        }
        ClusterRole::Outside => {
            return not_ready(
                format!("{id} does not belong to the global database {global}, so it does not replicate."),
                &format!(
                    "Add a cluster in the {} region to the global database, and name it in {}.",
                    seat.as_str(),
                    arn_field(seat)
                ),
            );
        }
    }
    if cluster.instances == 0 {
        return not_ready(
            format!("{id} has no instance, so there is nothing to promote."),
            "Add an instance of the primary's class: aws rds create-db-instance --db-cluster-identifier.",
        );
    }
    if cluster.instances_available == 0 {
        return not_ready(
            format!("None of the {} instances of {id} is available.", cluster.instances),
            "Wait if they are being modified. Otherwise repair one or add another.",
        );
    }
    if let (Some(own), Some(globals)) = (&cluster.engine_version, &cluster.global_engine_version)
        && own != globals
    {
        return not_ready(
            format!(
                "{id} runs engine version {own}, and the global database runs {globals}. A failover needs \
                 the same version."
            ),
            "Upgrade the older one.",
        );
    }
    match Condition::of(status) {
        Condition::Online | Condition::BackingUp => Check::ready(
            AVAILABLE,
            name,
            format!(
                "{id} exists, with status {status} and {} of {} instances available.",
                cluster.instances_available, cluster.instances
            ),
        ),
        condition => not_ready(
            format!("{id} has status {status}. A failover needs an available cluster."),
            &against(status, condition, "cluster"),
        ),
    }
}

fn replicates(database: &Database, facts: &ReplicaFacts) -> Check {
    let name = &database.name;
    match &facts.replication {
        ReplicaState::Replicating => Check::ready(REPLICATES, name, "It replicates."),
        ReplicaState::Broken { detail } | ReplicaState::Halted { detail } => Check::not_ready(
            REPLICATES,
            name,
            format!("It does not replicate: {}.", detail.trim_end_matches('.')),
            "Repair the replication, or create a new replica. A failover loses the writes that the replica \
             lacks.",
        ),
        ReplicaState::Degraded { detail } => Check::not_ready(
            REPLICATES,
            name,
            format!("It receives changes but does not replicate normally: {}.", detail.trim_end_matches('.')),
            "Fix what the replica's RDS events report, or restart its replication without a stop point.",
        ),
        ReplicaState::Detached => Check::not_ready(
            REPLICATES,
            name,
            "It has no replication source.",
            if facts.cluster.is_some() {
                "See replica_available."
            } else {
                "Create a new replica of the primary with this identifier."
            },
        ),
        ReplicaState::Unknown { detail } | ReplicaState::Unasked { detail } => Check::unknown(
            REPLICATES,
            name,
            &Unseen::new(
                format!("Whether it replicates is unknown: {}.", detail.trim_end_matches('.')),
                if facts.cluster.is_some() {
                    "Look at its SynchronizationStatus in aws rds describe-global-clusters. RDS does not \
                     report it during a failover."
                } else {
                    "Look at its StatusInfos in aws rds describe-db-instances. RDS does not report it while \
                     the replica is being created."
                },
            ),
        ),
    }
}

fn lag(scene: &Scene<'_>, database: &Database) -> Check {
    let name = &database.name;
    // An idle source's replica looks minutes behind to CloudWatch, and is not.
    if let Some(Ok(Sight::Seen(seen))) = scene.facts.witnessed.get(name)
        && let Some(lag) = seen.lag()
    {
        return judged_lag(scene, name, lag, "by the witness ");
    }
    let point = match seen(&scene.facts.lag, name) {
        Ok(Some(point)) if scene.now.duration_since(point.at) <= LAG_AGE_MAX => point,
        Ok(_) => {
            let why = format!("CloudWatch has no sample of its lag from the last {}.", duration(LAG_AGE_MAX));
            let metric = match database.kind {
                DatabaseKind::RdsReplica { .. } => "ReplicaLag",
                DatabaseKind::AuroraGlobal { .. } => "AuroraGlobalDBReplicationLag",
            };
            let remedy = format!(
                "If the replica is new, wait a few minutes. Otherwise check whether CloudWatch has {metric}."
            );
            return Check::unknown(LAG, name, &Unseen::new(why, remedy));
        }
        Err(unseen) => return Check::unknown(LAG, name, &unseen),
    };
    let Some(lag_ms) = point.lag_ms else {
        let why = format!("CloudWatch's newest sample, of {}, is -1: its lag is not known.", point.at);
        let remedy = "See why it doesn't replicate (describe-db-instances, StatusInfos). Until it does, a failover needs \
                      allow_data_loss.";
        return Check::unknown(LAG, name, &Unseen::new(why, remedy));
    };
    judged_lag(scene, name, of_ms(lag_ms), "")
}

/// Whether a lag is within the limit; `by` says who measured it.
fn judged_lag(scene: &Scene<'_>, name: &Name, lag: SignedDuration, by: &str) -> Check {
    let max = SignedDuration::from_secs(i64::from(scene.plan.limits.lag_seconds_max));
    let measured = format!("Its lag {by}is {}; the limit is {}.", duration(lag), duration(max));
    if lag <= max {
        return Check::ready(LAG, name, measured);
    }
    let remedy = "Reduce the load on the primary, or enlarge the replica. Until then a failover needs \
                  allow_data_loss.";
    Check::not_ready(LAG, name, measured, remedy)
}

/// RDS refuses a promotion while the replica is backed up.
fn window(scene: &Scene<'_>, database: &Database, facts: &ReplicaFacts) -> Check {
    let name = &database.name;
    if facts.cluster.is_some() {
        let sentence = "This check does not apply to an Aurora cluster: its backups are continuous and never \
                        delay a failover.";
        return Check::ready(WINDOW, name, sentence);
    }
    let remedy = "Wait for the backup to end. A replica without automated backups (retention 0) avoids this.";
    if facts.status == "backing-up" {
        return Check::not_ready(
            WINDOW,
            name,
            "A backup is running, and RDS can't promote the replica until it ends.",
            remedy,
        );
    }
    if facts.backup_retention_days == 0 {
        return without_backups(database, facts);
    }
    let text = facts.backup_window.as_deref().unwrap_or_default();
    match BackupWindow::parse(text) {
        None => {
            let why = "It has automated backups, but RDS reports no backup window.";
            Check::unknown(
                WINDOW,
                name,
                &Unseen::new(why, "Give the replica a backup window, or set its retention to 0."),
            )
        }
        Some(window) if window.is_near(scene.now, WINDOW_LEAD) => {
            let sentence = format!(
                "Its backup window {text} UTC is open or about to open. A backup delays a promotion."
            );
            Check::not_ready(WINDOW, name, sentence, remedy)
        }
        Some(_) => Check::ready(WINDOW, name, format!("Its backup window {text} UTC is not near.")),
    }
}

/// No backup stands in the way of a promotion, and the first one after it is of the whole database (decision 0007).
fn without_backups(database: &Database, facts: &ReplicaFacts) -> Check {
    let (name, none) = (&database.name, "It has no automated backups, so no backup delays a promotion");
    match facts.instance.as_ref().map(|instance| instance.storage_gib) {
        Some(gib) if gib >= FIRST_BACKUP_GIB_NOTED => Check::note(
            WINDOW,
            name,
            format!(
                "{none}. The first backup after the promotion copies all {gib} GiB. Until it completes, the \
                 promoted instance can't be restored."
            ),
            "Either accept a first backup that takes hours, or enable backups on the replica: a promotion \
             then waits for a backup that is running.",
        ),
        _ => Check::ready(WINDOW, name, format!("{none}.")),
    }
}

/// A database that has moved: the recovery region is where it lives.
fn moved(scene: &Scene<'_>, database: &Database) -> Vec<Check> {
    let name = &database.name;
    let facts = match instance(scene, database) {
        Ok(facts) => facts,
        Err(check) => {
            let unseen = Unseen::new("The instance could not be read.", format!("See {WRITABLE}."));
            return vec![check, Check::unknown(BACKUPS, name, &unseen)];
        }
    };
    let id = identifier(database.arn(scene.plan.seat));
    let follows = facts.replication != ReplicaState::Detached;
    let headless = facts.cluster.as_ref().is_some_and(|cluster| cluster.instances_available == 0);
    let writable = match facts.status.as_str() {
        status if !follows && !headless && Condition::of(status).takes_writes() => {
            Check::ready(WRITABLE, name, format!("{id} accepts writes."))
        }
        status if headless => Check::not_ready(
            WRITABLE,
            name,
            format!("{id} has status {status} and no available instance."),
            "Repair an instance or add one. This cluster serves the users.",
        ),
        status => Check::not_ready(
            WRITABLE,
            name,
            format!("{id} has status {status} and {} replication source.", if follows { "a" } else { "no" }),
            match Condition::of(status) {
                Condition::Final if !follows => {
                    format!(
                        "This instance serves the users, and its status does not clear by itself: {}.",
                        remedy(status)
                    )
                }
                _ => "Repair the instance. It serves the users.".to_owned(),
            },
        ),
    };
    let days = facts.backup_retention_days;
    let wanted = match &database.kind {
        DatabaseKind::RdsReplica { sides } => sides[scene.plan.seat].backup_retention_days,
        // Aurora's own least: a cluster always makes backups.
        DatabaseKind::AuroraGlobal { .. } => 1,
    };
    let backups = if days > 0 {
        Check::ready(BACKUPS, name, format!("Its backups are kept for {days} days."))
    } else {
        Check::not_ready(
            BACKUPS,
            name,
            "It has no automated backups. Point-in-time restore and new replicas are impossible.",
            format!(
                "aws rds modify-db-{thing} --region {} --db-{thing}-identifier {id} --backup-retention-period {} \
                 --apply-immediately",
                scene.plan.own().region,
                wanted,
                thing = thing(database),
            ),
        )
    };
    vec![writable, backups]
}

/// The identifier at the end of an instance's or a cluster's ARN.
fn identifier(arn: &str) -> &str {
    Arn::parse(arn)
        .and_then(|arn| arn.resource.strip_prefix("db:").or_else(|| arn.resource.strip_prefix("cluster:")))
        .unwrap_or(arn)
}

/// What the database is, as the command line calls it.
fn thing(database: &Database) -> &'static str {
    match database.kind {
        DatabaseKind::RdsReplica { .. } => "instance",
        DatabaseKind::AuroraGlobal { .. } => "cluster",
    }
}
