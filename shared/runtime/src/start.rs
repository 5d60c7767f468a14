//! What has every function when it starts? Its settings, one configuration of the SDK, and what it decides on its plan with.

use std::sync::Arc;

use aws::config::Sdk;
use aws::journal::DynamoJournal;
use aws::plan_source::ParameterPlans;
use aws::publisher::SnsPublisher;
use aws::words::{DynamoWords, PeerTable};
use engine::context::Context;
use ports::{Clock, Words};
use protocol::state::snapshot::SNAPSHOT_EVERY;

use crate::clock::SystemClock;
use crate::ids::FreshUlids;
use crate::settings::{Settings, SettingsError};

/// What a function starts with.
pub struct Start {
    /// What its environment says.
    pub settings: Settings,
    /// The configuration of all its clients.
    pub sdk: Sdk,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// The journal: every function reads it, and some keep something beside it.
    pub journal: Arc<DynamoJournal>,
}

impl Start {
    /// Opens the log and reads the settings. No service is called.
    ///
    /// It needs no plan: the primary region comes with the ARN of each database, and its client is made when first needed.
    ///
    /// # Errors
    /// The environment is not as it should be.
    pub fn from_env() -> Result<Self, SettingsError> {
        crate::log::open_log();
        let settings = Settings::from_env()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let sdk = Sdk::load(&settings.region, settings.endpoint_url.as_deref(), Arc::clone(&clock));
        let journal = Arc::new(DynamoJournal::new(&sdk, &settings.journal_table, Arc::clone(&clock)));
        Ok(Self { settings, sdk, clock, journal })
    }

    /// The words of both guards, for one that is told where the other keeps its journal.
    pub fn words(&self, peer: &PeerTable) -> Arc<dyn Words> {
        Arc::new(DynamoWords::new(&self.sdk, &self.settings.journal_table, peer))
    }

    /// What the function decides on its plan with.
    pub fn context(&self) -> Context {
        let Self { settings, sdk, clock, journal } = self;
        let plan = ParameterPlans::new(sdk, &settings.plan_parameter, settings.plan_parts, Arc::clone(clock));
        Context {
            plans: Arc::new(plan),
            journal: Arc::clone(journal) as _,
            publisher: Arc::new(SnsPublisher::new(sdk, &settings.commands_topic, &settings.notices_topic)),
            clock: Arc::clone(clock),
            ids: Arc::new(FreshUlids),
            writer: settings.writer.clone(),
            region: settings.region.clone(),
            snapshot_every: SNAPSHOT_EVERY,
        }
    }
}
