//! What do the further checks of the readiness look at? As on a good day, until a test changes it.

use std::collections::BTreeSet;

use protocol::readiness::facts::{AttachedGroup, InstanceFacts, KeyRights, ScheduledAction};

/// What only the further checks of the readiness look at: as on a good day, until a test changes it.
#[derive(Clone, Debug)]
pub struct Looks {
    /// What every primary is made of.
    pub primary: InstanceFacts,
    /// What every replica is made of.
    pub replica: InstanceFacts,
    /// What a parameter group sets `read_only` to.
    pub read_only: Option<String>,
    /// The options of every option group.
    pub options: Vec<String>,
    /// Target groups that the recovery load balancers send to besides those of the plan's fleets.
    pub attached: Vec<AttachedGroup>,
    /// The endpoint groups of every listener.
    pub endpoint_groups: u32,
    /// The scheduled actions of every group.
    pub scheduled: Vec<ScheduledAction>,
    /// The zones that offer every instance type.
    pub zones: BTreeSet<String>,
    /// The vCPUs that the account may run.
    pub quota: u32,
    /// The free addresses of every subnet.
    pub free_addresses: u32,
    /// Who may use every key.
    pub key_rights: KeyRights,
}

impl Default for Looks {
    fn default() -> Self {
        let instance = InstanceFacts {
            class: Some("db.r6g.large".to_owned()),
            is_multi_az: true,
            storage_gib: 100,
            engine: "postgres".to_owned(),
            parameter_group: Some("default.postgres16".to_owned()),
            option_groups: Vec::new(),
            kms_key: Some("arn:aws:kms:us-east-2:123456789012:key/primary".to_owned()),
        };
        Self {
            primary: instance.clone(),
            replica: instance,
            read_only: None,
            options: Vec::new(),
            attached: Vec::new(),
            endpoint_groups: 2,
            scheduled: Vec::new(),
            zones: ["us-west-1a", "us-west-1b"].map(str::to_owned).into(),
            quota: 640,
            free_addresses: 250,
            key_rights: KeyRights { is_of_aws: true, ..KeyRights::default() },
        }
    }
}
