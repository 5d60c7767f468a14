//! What does a status that RDS gives an instance or a cluster mean for a failover? The one place that sorts them.
//!
//! The words are those of AWS's tables of instance and cluster statuses; `tests` has every one of them.

/// What a status of RDS allows, and whether it passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The database works: it takes connections, and writes unless it follows a source. AWS may refuse some changes.
    Online,
    /// It works, and a backup is being taken. RDS does not promote an instance meanwhile.
    BackingUp,
    /// Something is being done to it: it may restart, and a promotion looks like this too. It passes by itself.
    Moving,
    /// It does not leave this status by itself, or ends in one that it does not leave.
    Final,
    /// A word that AWS's tables don't have.
    Unknown,
}

/// AWS calls these fully operational, however long they last; the last one switches a cluster's IAM authentication.
const ONLINE: &[&str] =
    &["available", "storage-optimization", "storage-initialization", "update-iam-db-auth"];

/// The first two are of a global database's failover that is about to begin, or is called off.
const MOVING: &[&str] = &[
    "pending",
    "cancelling",
    "backtracking",
    "converting-to-vpc",
    "creating",
    "failing-over",
    "maintenance",
    "migrating",
    "modifying",
    "moving-to-vpc",
    "preparing-data-migration",
    "promoting",
    "rebooting",
    "renaming",
    "resetting-master-credentials",
    "starting",
    "storage-config-upgrade",
    "switching-over",
    "upgrading",
];

const FINAL: &[&str] = &[
    "delete-precheck",
    "deleting",
    "failed",
    "insufficient-capacity",
    "restore-error",
    "stopped",
    "stopping",
    "storage-full",
];

impl Condition {
    /// What a status means.
    pub fn of(status: &str) -> Self {
        // Monitoring, log exports, IAM authentication and the like: settings around the engine, which goes on.
        let is_online = ONLINE.contains(&status) || status.starts_with("configuring-");
        let is_final = FINAL.contains(&status)
            || status.starts_with("incompatible-")
            || status.starts_with("inaccessible-encryption-credentials")
            || status.ends_with("-failed")
            // AWS's tables write this one with an underscore.
            || status == "upgrade_failed";
        if is_online {
            Self::Online
        } else if is_final {
            Self::Final
        } else if MOVING.contains(&status) {
            Self::Moving
        } else if status == "backing-up" {
            Self::BackingUp
        } else {
            Self::Unknown
        }
    }

    /// Whether a database that follows nobody takes writes.
    pub fn takes_writes(self) -> bool {
        matches!(self, Self::Online | Self::BackingUp)
    }
}

/// What helps against a status that does not pass by itself.
pub fn remedy(status: &str) -> &'static str {
    match status {
        "storage-full" => "give it more storage (aws rds modify-db-instance --allocated-storage)",
        "stopped" | "stopping" => "start it (aws rds start-db-instance, start-db-cluster)",
        "deleting" | "delete-precheck" => {
            "it is being deleted: restore the database from a snapshot, or create another replica"
        }
        "insufficient-capacity" => {
            "AWS has no capacity for its instance class: change the class or wait for capacity, then start it \
             again"
        }
        "incompatible-parameters" => "correct its parameter group, then reboot it",
        "upgrade_failed" | "upgrade-failed" => {
            "its upgrade to a supported version failed: restore it from the snapshot whose name begins with \
             rds-final"
        }
        "incompatible-option-group" => "correct its option group",
        "incompatible-network" => {
            "make sure that its subnet group has free IP addresses and that DNS works in its VPC"
        }
        _ if status.starts_with("inaccessible-encryption-credentials") => {
            "enable its KMS key and the grants of that key, then start it; or restore the database from a \
             snapshot"
        }
        _ => "repair it, or restore the database from a snapshot",
    }
}

#[cfg(test)]
mod tests {
    use super::Condition::{BackingUp, Final, Moving, Online, Unknown};
    use super::*;

    /// Every status in AWS's tables of instances and of clusters, and one that is in none.
    const STATUSES: &[(Condition, &[&str])] = &[
        (
            Online,
            &[
                "available",
                "configuring-activity-stream",
                "configuring-enhanced-monitoring",
                "configuring-iam-database-auth",
                "configuring-log-exports",
                "configuring-performance-insights",
                "storage-initialization",
                "storage-optimization",
                "update-iam-db-auth",
            ],
        ),
        (BackingUp, &["backing-up"]),
        (
            Moving,
            &[
                "backtracking",
                "cancelling",
                "converting-to-vpc",
                "creating",
                "failing-over",
                "maintenance",
                "migrating",
                "modifying",
                "moving-to-vpc",
                "pending",
                "preparing-data-migration",
                "promoting",
                "rebooting",
                "renaming",
                "resetting-master-credentials",
                "starting",
                "storage-config-upgrade",
                "switching-over",
                "upgrading",
            ],
        ),
        (
            Final,
            &[
                "cloning-failed",
                "delete-precheck",
                "deleting",
                "failed",
                "inaccessible-encryption-credentials",
                "inaccessible-encryption-credentials-recoverable",
                "incompatible-create",
                "incompatible-network",
                "incompatible-option-group",
                "incompatible-parameters",
                "incompatible-restore",
                "insufficient-capacity",
                "migration-failed",
                "restore-error",
                "stopped",
                "stopping",
                "storage-full",
                "upgrade-failed",
                "upgrade_failed",
            ],
        ),
        (Unknown, &["unknown", "a-new-word", ""]),
    ];

    #[test]
    fn every_status_of_rds_is_sorted() {
        for (condition, statuses) in STATUSES {
            for status in *statuses {
                assert_eq!(Condition::of(status), *condition, "{status}");
            }
        }
    }

    #[test]
    fn only_online_statuses_take_writes() {
        let taking = [Online, BackingUp, Moving, Final, Unknown].map(Condition::takes_writes);
        assert_eq!(taking, [true, true, false, false, false]);
    }

    #[test]
    fn a_status_that_does_not_pass_names_its_own_remedy() {
        let finals = STATUSES.iter().filter(|(condition, _)| *condition == Final);
        for status in finals.flat_map(|(_, statuses)| *statuses) {
            assert!(!remedy(status).is_empty(), "{status}");
        }
        assert!(remedy("storage-full").contains("more storage"));
        assert!(remedy("stopped").contains("start it"));
        assert!(remedy("deleting").contains("it is being deleted"));
        assert!(remedy("inaccessible-encryption-credentials-recoverable").contains("KMS key"));
        assert!(remedy("failed").contains("restore the database from a snapshot"));
    }
}
