//! The witness: a function inside the VPC, on one side or on both, that asks the databases there in SQL.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds;
use crate::side::Sides;

/// The witness, and how often it writes a heartbeat into the databases that serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Witness {
    /// The database role that it logs in as, by IAM authentication.
    #[serde(default = "default_user")]
    #[schemars(regex(pattern = r"^[a-z_][a-z0-9_]{0,62}$"))]
    pub user: String,
    /// From one heartbeat to the next, 1 to 60; 0 writes none.
    #[serde(default = "default_heartbeat_seconds")]
    #[schemars(range(min = bounds::HEARTBEAT_SECONDS.min, max = bounds::HEARTBEAT_SECONDS.max))]
    pub heartbeat_seconds: u8,
    /// The function on each side; at least one side has one.
    pub sides: Sides<Option<WitnessSide>>,
}

/// The witness of one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct WitnessSide {
    /// The function's ARN.
    #[schemars(regex(
        pattern = r"^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}$"
    ))]
    pub function: String,
}

/// Where a database takes the witness's connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Host name of its endpoint.
    #[schemars(regex(pattern = r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"))]
    pub host: String,
    /// Port of its endpoint.
    #[serde(default = "default_port")]
    #[schemars(range(min = bounds::PORT.min, max = bounds::PORT.max))]
    pub port: u16,
    /// The database on that server in which the grants were run.
    #[schemars(regex(pattern = r"^[A-Za-z_][A-Za-z0-9_$-]{0,62}$"))]
    pub database: String,
}

pub(super) fn default_user() -> String {
    "pilotlight_witness".to_owned()
}
pub(super) fn default_heartbeat_seconds() -> u8 {
    5
}
pub(super) fn default_port() -> u16 {
    5432
}
