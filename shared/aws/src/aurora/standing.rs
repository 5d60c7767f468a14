//! What does RDS's answer say of an Aurora cluster and of the global database it belongs to? Read and judged here, without
//! asking anything.
//!
//! The cluster is writable when both say so: the global database names it as its only writer, and the cluster is online
//! and has an online instance that writes. One of the two alone is not enough: either may be an old answer.

use std::collections::BTreeMap;

use ports::{ReplicaView, Replication};
use protocol::database_status::Condition;
use protocol::observation::ReplicaState;
use protocol::readiness::facts::{ClusterFacts, ClusterRole, ReplicaFacts};

use crate::xml::Element;

/// The statuses of a cluster's instances, by identifier.
pub(super) type Statuses = BTreeMap<String, String>;

/// A global database.
#[derive(Clone, Debug, Default)]
pub(super) struct Global {
    status: String,
    engine_version: Option<String>,
    members: Vec<Member>,
    failover: Option<Failover>,
}

#[derive(Clone, Debug)]
struct Member {
    arn: String,
    is_writer: bool,
    synchronization: Option<String>,
}

/// A failover or a switchover that is under way.
#[derive(Clone, Debug)]
struct Failover {
    status: String,
    to: Option<String>,
}

/// A cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct Cluster {
    status: String,
    /// Its instances, and which of them writes.
    instances: Vec<(String, bool)>,
    /// Whether it names a source or a global database itself.
    follows: bool,
    engine_version: Option<String>,
    backup_retention_days: u32,
    backup_window: Option<String>,
    pub(super) kms_key: Option<String>,
    /// Its security groups, and how they stand.
    security_groups: Vec<(String, Option<String>)>,
}

/// A database's global database and its cluster in the recovery region; nothing where one does not exist.
#[derive(Clone, Debug)]
pub(super) struct ClusterStanding {
    pub(super) arn: String,
    pub(super) global: Option<Global>,
    pub(super) cluster: Option<Cluster>,
}

fn text(element: &Element, path: &[&str]) -> Option<String> {
    element.text(path).map(str::to_owned)
}

fn is_true(element: &Element, path: &[&str]) -> bool {
    element.text(path) == Some("true")
}

fn is_same(arn: &str, other: &str) -> bool {
    arn.eq_ignore_ascii_case(other)
}

/// Whether a cluster or an instance takes writes in a status. A backup of Aurora stops none.
fn is_up(status: &str) -> bool {
    Condition::of(status).takes_writes()
}

impl Global {
    pub(super) fn read(element: &Element) -> Self {
        let member = |member: &Element| {
            Some(Member {
                arn: text(member, &["DBClusterArn"])?,
                is_writer: is_true(member, &["IsWriter"]),
                synchronization: text(member, &["SynchronizationStatus"]),
            })
        };
        let members = element.at(&["GlobalClusterMembers"]);
        Self {
            status: text(element, &["Status"]).unwrap_or_else(|| "unknown".to_owned()),
            engine_version: text(element, &["EngineVersion"]),
            members: members
                .map(|members| members.all("GlobalClusterMember").filter_map(member).collect())
                .unwrap_or_default(),
            failover: text(element, &["FailoverState", "Status"])
                .map(|status| Failover { status, to: text(element, &["FailoverState", "ToDbClusterArn"]) }),
        }
    }

    fn member(&self, arn: &str) -> Option<&Member> {
        self.members.iter().find(|member| is_same(&member.arn, arn))
    }

    /// The failover or switchover that is under way.
    fn moving(&self) -> Option<&str> {
        let by_status = matches!(self.status.as_str(), "failing-over" | "switching-over");
        let failover = self.failover.as_ref().map(|failover| failover.status.as_str());
        failover.or_else(|| by_status.then_some(self.status.as_str()))
    }

    /// Whether a failover or switchover makes another cluster than this one the writer, or takes one back.
    fn moves_away_from(&self, arn: &str) -> Option<&str> {
        let failover = self.failover.as_ref()?;
        let is_ours = failover.to.as_deref().is_some_and(|to| is_same(to, arn));
        let is_certain = matches!(failover.status.as_str(), "failing-over" | "switching-over");
        (!is_ours || !is_certain).then_some(failover.status.as_str())
    }

    fn writers(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.is_writer)
    }

    /// Whether a cluster follows another one that writes: synchronised, and with nothing under way.
    pub(super) fn has_made_a_secondary_of(&self, arn: &str) -> bool {
        let follows = self.member(arn).is_some_and(|member| {
            !member.is_writer && member.synchronization.as_deref() == Some("connected")
        });
        follows && self.moving().is_none() && self.writers().count() == 1
    }
}

impl Cluster {
    pub(super) fn read(element: &Element) -> Self {
        let list = |name: &'static str| element.at(&[name]);
        let instances = list("DBClusterMembers").map(|members| {
            let instance = |member: &Element| {
                let id = text(member, &["DBInstanceIdentifier"])?.to_lowercase();
                Some((id, is_true(member, &["IsClusterWriter"])))
            };
            members.all("DBClusterMember").filter_map(instance).collect()
        });
        let groups = list("VpcSecurityGroups").map(|groups| {
            let group =
                |group: &Element| Some((text(group, &["VpcSecurityGroupId"])?, text(group, &["Status"])));
            groups.all("VpcSecurityGroupMembership").filter_map(group).collect()
        });
        Self {
            status: text(element, &["Status"]).unwrap_or_else(|| "unknown".to_owned()),
            instances: instances.unwrap_or_default(),
            follows: element.text(&["ReplicationSourceIdentifier"]).is_some()
                || element.text(&["GlobalClusterIdentifier"]).is_some(),
            engine_version: text(element, &["EngineVersion"]),
            backup_retention_days: element
                .text(&["BackupRetentionPeriod"])
                .and_then(|days| days.parse().ok())
                .unwrap_or(0),
            backup_window: text(element, &["PreferredBackupWindow"]),
            kms_key: text(element, &["KmsKeyId"]),
            security_groups: groups.unwrap_or_default(),
        }
    }

    /// Whether one security group is its only one, and in effect: while RDS swaps the groups it names both.
    pub(super) fn is_in_group_alone(&self, group: &str) -> bool {
        matches!(self.security_groups.as_slice(), [(only, status)]
            if only == group && status.as_deref().is_none_or(|status| status == "active"))
    }

    /// Whether none of its instances takes writes, by its own word.
    pub(super) fn is_read_only(&self) -> bool {
        is_up(&self.status) && !self.instances.iter().any(|(_, writes)| *writes)
    }

    /// What keeps it from taking writes: its own status, or that of the instance that is to write where no other can take its
    /// place, or what is waited for.
    fn hindrance(&self, statuses: &Statuses) -> Option<String> {
        if !is_up(&self.status) {
            return Some(self.status.clone());
        }
        let lost = self.lost_for_good(statuses);
        let Some((writer, _)) = self.instances.iter().find(|(_, writes)| *writes) else {
            return Some(lost.unwrap_or_else(|| "no instance writes yet".to_owned()));
        };
        match statuses.get(writer) {
            Some(status) if is_up(status) => None,
            Some(status) => Some(lost.unwrap_or_else(|| format!("{writer} is {status}"))),
            None => Some(format!("{writer} does not exist yet")),
        }
    }

    /// A status that its instances don't leave by themselves, where all of them have one: of several Aurora makes another the
    /// writer.
    fn lost_for_good(&self, statuses: &Statuses) -> Option<String> {
        let is_final = |status: &&String| Condition::of(status) == Condition::Final;
        let found: Option<Vec<&String>> =
            self.instances.iter().map(|(id, _)| statuses.get(id).filter(is_final)).collect();
        found?.first().map(|status| (*status).clone())
    }
}

impl ClusterStanding {
    fn member(&self) -> Option<&Member> {
        self.global.as_ref()?.member(&self.arn)
    }

    /// Whether it may be that the cluster takes writes: it is a writer, or follows nothing.
    pub(super) fn may_write(&self) -> bool {
        self.role() != ClusterRole::Secondary && self.cluster.is_some()
    }

    /// What the cluster is to its global database. One that the global database doesn't name, and that still names a source or a
    /// global database itself, counts as a follower: it is outside only when both sides say so.
    fn role(&self) -> ClusterRole {
        match self.member() {
            Some(member) if member.is_writer => ClusterRole::Writer,
            Some(_) => ClusterRole::Secondary,
            None if self.cluster.as_ref().is_some_and(|cluster| cluster.follows) => ClusterRole::Secondary,
            None => ClusterRole::Outside,
        }
    }

    pub(super) fn view(&self, statuses: &Statuses) -> ReplicaView {
        let Some(cluster) = &self.cluster else {
            return ReplicaView::Missing;
        };
        if cluster.instances.is_empty() {
            return ReplicaView::Headless;
        }
        if self.role() == ClusterRole::Secondary {
            let moving = self.global.as_ref().and_then(Global::moving);
            let status = moving.unwrap_or(&cluster.status).to_owned();
            return ReplicaView::Replica { status, replication: self.replication() };
        }
        let hindrance = self.objection().or_else(|| cluster.hindrance(statuses));
        hindrance.map_or(ReplicaView::Writable, |status| ReplicaView::Changing { status })
    }

    /// What the global database has against the cluster as its writer.
    fn objection(&self) -> Option<String> {
        let global = self.global.as_ref()?;
        if global.writers().any(|writer| !is_same(&writer.arn, &self.arn)) && self.member().is_some() {
            return Some("the global database names two clusters as its writer".to_owned());
        }
        let status = self.member().and_then(|_| global.moves_away_from(&self.arn))?;
        Some(format!("{status} of the global database"))
    }

    /// What is said of the replication. While a failover is under way nothing is.
    fn replication(&self) -> Replication {
        let is_moving = self.global.as_ref().is_some_and(|global| global.moving().is_some());
        let synchronization = self.member().and_then(|member| member.synchronization.as_deref());
        match synchronization {
            Some("connected") if !is_moving => Replication::Running,
            // It is to be rebuilt from its writer: that says nothing of whether the writer lives.
            Some("pending-resync") if !is_moving => {
                Replication::Halted { detail: "pending-resync".to_owned() }
            }
            _ => Replication::Unknown,
        }
    }

    pub(super) fn facts(&self, statuses: &Statuses) -> Option<ReplicaFacts> {
        let cluster = self.cluster.as_ref()?;
        let role = self.role();
        let replication = match self.replication() {
            _ if role != ClusterRole::Secondary => ReplicaState::Detached,
            Replication::Running => ReplicaState::Replicating,
            Replication::Degraded { detail } => ReplicaState::Degraded { detail },
            Replication::Halted { detail } => ReplicaState::Halted { detail },
            Replication::Broken { detail } => ReplicaState::Broken { detail },
            Replication::Unknown => {
                ReplicaState::Unknown { detail: "the global database does not report it".to_owned() }
            }
        };
        let up = |(id, _): &&(String, bool)| statuses.get(id).is_some_and(|status| is_up(status));
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let moving = self.global.as_ref().and_then(Global::moving);
        Some(ReplicaFacts {
            status: moving.unwrap_or(&cluster.status).to_owned(),
            replication,
            backup_retention_days: cluster.backup_retention_days,
            backup_window: cluster.backup_window.clone(),
            kms_key: cluster.kms_key.clone(),
            cluster: Some(ClusterFacts {
                role,
                instances: count(cluster.instances.len()),
                instances_available: count(cluster.instances.iter().filter(up).count()),
                engine_version: cluster.engine_version.clone(),
                global_engine_version: self.global.as_ref().and_then(|global| global.engine_version.clone()),
            }),
            instance: None,
        })
    }
}
