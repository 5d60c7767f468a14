//! What a region has: its snapshots as its service lists them, ours and everybody's.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::arn::Arn;

/// What a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// An RDS instance.
    Instance,
    /// An Aurora cluster.
    Cluster,
}

impl SourceKind {
    /// What an ARN is of, if snapshots can be taken of it.
    pub fn of(arn: &str) -> Option<Self> {
        let arn = Arn::parse(arn).filter(|arn| arn.service == "rds")?;
        match arn.resource.split_once(':')? {
            ("db", _) => Some(Self::Instance),
            ("cluster", _) => Some(Self::Cluster),
            _ => None,
        }
    }
}

/// A snapshot as its region lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseSnapshot {
    /// Its identifier, unique among those of its kind in its region.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// What it is of.
    pub kind: SourceKind,
    /// How it stands.
    pub status: Status,
    /// Whether somebody took it, as opposed to the service's own backups.
    pub is_manual: bool,
    /// Whether it was made by copying another one.
    pub is_copy: bool,
    /// Whether it is encrypted.
    pub is_encrypted: bool,
    /// From when its data is; never the time of a copy. Nothing when that is not known.
    pub taken_at: Option<Timestamp>,
    /// How far it is, 0 to 100.
    pub progress_percent: Option<u8>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// How a snapshot stands. Only an available one is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It can be restored.
    Available,
    /// It is being taken.
    Creating,
    /// It is being copied.
    Copying,
    /// It will never be good.
    Failed,
    /// It is going away.
    Deleting,
    /// Something else: not good, not failed, nothing to be touched.
    Other(String),
}

impl Status {
    /// Reads the service's word.
    pub fn read(word: &str, is_copy: bool) -> Self {
        match word {
            "available" => Self::Available,
            "creating" | "copying" | "pending" if is_copy => Self::Copying,
            "creating" | "pending" => Self::Creating,
            "copying" => Self::Copying,
            "failed" => Self::Failed,
            "deleting" | "deleted" => Self::Deleting,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Whether it will or may become good: nothing else is begun in its place.
    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::Creating | Self::Copying | Self::Other(_))
    }
}

/// What a region was seen to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotListing {
    /// The region.
    pub region: String,
    /// All manual snapshots of the account that were seen there.
    pub snapshots: Vec<DatabaseSnapshot>,
    /// Why that is not all of them; nothing if it is.
    pub gap: Option<String>,
}

impl SnapshotListing {
    /// Everything that a region has.
    pub fn whole(region: impl Into<String>, snapshots: Vec<DatabaseSnapshot>) -> Self {
        Self { region: region.into(), snapshots, gap: None }
    }

    /// Not everything that a region has, and why.
    pub fn gap(region: impl Into<String>, snapshots: Vec<DatabaseSnapshot>, why: impl Into<String>) -> Self {
        Self { region: region.into(), snapshots, gap: Some(why.into()) }
    }

    /// Whether it holds everything.
    pub fn is_whole(&self) -> bool {
        self.gap.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_known_by_its_arn() {
        for (arn, kind) in [
            ("arn:aws:rds:us-east-2:123456789012:db:shop-orders", Some(SourceKind::Instance)),
            ("arn:aws:rds:us-east-2:123456789012:cluster:shop", Some(SourceKind::Cluster)),
            ("arn:aws:rds:us-east-2:123456789012:snapshot:x", None),
            ("arn:aws:sns:us-east-2:123456789012:db:x", None),
            ("db:x", None),
        ] {
            assert_eq!(SourceKind::of(arn), kind, "{arn}");
        }
    }

    #[test]
    fn a_copy_that_says_creating_or_pending_is_copying() {
        assert_eq!(Status::read("creating", true), Status::Copying);
        assert_eq!(Status::read("pending", true), Status::Copying);
        assert_eq!(Status::read("creating", false), Status::Creating);
        assert_eq!(Status::read("inaccessible", false), Status::Other("inaccessible".to_owned()));
    }
}
