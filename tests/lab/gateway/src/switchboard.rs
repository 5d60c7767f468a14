//! What can be turned and read while the gateway runs? The same for Rust callers and for the control API.

use crate::counts::{CountFilter, Counters, Counts};
use crate::regions::{Blackout, Regions};
use crate::rejected::Rejected;
use crate::rules::{Rule, RuleId, RuleState, Rules, check_region, signing_name};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Where everything listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Addresses {
    /// The one endpoint: what `AWS_ENDPOINT_URL` is set to.
    pub endpoint_url: String,
    /// Where the control API is, without its `/_gateway`.
    pub control_url: String,
    /// The emulator behind the gateway, which also answers under `/_lab`.
    pub upstream_url: String,
    /// Each region's load balancer.
    pub site_urls: BTreeMap<String, String>,
    /// The accelerator, when there is one.
    pub accelerator_url: Option<String>,
}

/// How many connections to the one endpoint are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Connections {
    /// Open now.
    pub open: usize,
    /// Past this, further ones wait to be taken.
    pub max: usize,
}

/// Everything that is set, and what hangs on it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct State {
    /// Where everything listens.
    pub addresses: Addresses,
    /// Where the draws of rules with a probability begin.
    pub seed: u64,
    /// The lost regions.
    pub regions: BTreeMap<String, Blackout>,
    /// How many calls hang in lost regions.
    pub held: usize,
    /// The rules in force, in the order in which they are tried.
    pub rules: Vec<RuleState>,
    /// Connections to the one endpoint.
    pub connections: Connections,
}

/// Loses regions, sets rules, reads counts.
#[derive(Debug)]
pub struct Switchboard {
    pub(crate) regions: Arc<Regions>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) addresses: Addresses,
    pub(crate) seed: u64,
    pub(crate) connections: Arc<Semaphore>,
    pub(crate) connections_max: usize,
}

impl Switchboard {
    /// Loses a region, or changes how a lost one behaves. Calls in flight lose their answers too.
    pub fn lose_region(&self, region: &str, mode: Blackout) -> Result<(), Rejected> {
        check_region("region", region)?;
        self.regions.lose(region, mode);
        Ok(())
    }

    /// Brings a region back and closes the calls that hang in it. Says whether it was lost.
    pub fn return_region(&self, region: &str) -> Result<bool, Rejected> {
        check_region("region", region)?;
        Ok(self.regions.restore(region))
    }

    /// Brings every region back. Says how many were lost.
    pub fn return_all_regions(&self) -> usize {
        self.regions.restore_all()
    }

    /// Puts a rule in force, after those already there.
    pub fn add_rule(&self, rule: Rule) -> Result<RuleId, Rejected> {
        self.rules.add(rule)
    }

    /// Takes a rule away. Says whether there was one.
    pub fn remove_rule(&self, id: RuleId) -> bool {
        self.rules.remove(id)
    }

    /// Takes every rule away. Says how many there were.
    pub fn clear_rules(&self) -> usize {
        self.rules.clear()
    }

    /// The rules in force, and how often each has happened.
    pub fn rules(&self) -> Vec<RuleState> {
        self.rules.list()
    }

    /// The calls that came, went on and were interfered with.
    pub fn counts(&self, filter: &CountFilter) -> Counts {
        let service = filter.service.as_deref().map(|service| signing_name(service).to_owned());
        self.counters.read(&CountFilter { service, ..filter.clone() })
    }

    /// Starts counting anew. Says how many rows there were.
    pub fn clear_counts(&self) -> usize {
        self.counters.clear()
    }

    /// Everything that is set.
    pub fn state(&self) -> State {
        State {
            addresses: self.addresses.clone(),
            seed: self.seed,
            regions: self.regions.list(),
            held: self.regions.held(),
            rules: self.rules.list(),
            connections: Connections {
                open: self.connections_max.saturating_sub(self.connections.available_permits()),
                max: self.connections_max,
            },
        }
    }
}
