//! The one endpoint of the local world: a reverse proxy that can lose a region.
//!
//! Everything that speaks to AWS in the local world speaks to the gateway, which passes it on to the emulator. From the
//! credential scope of each call it knows service and region, from its protocol the action, so it can black out a region,
//! throttle, delay or fail a service or an action, lose an answer after its effect, and count. Beside the endpoint it
//! serves each region's load balancer and the accelerator in front of them, as the launcher reports their health; where real
//! applications stand behind them, both carry connections to those. It knows nothing of who uses it or why.
//!
//! ```no_run
//! use gateway::{Blackout, Config, Effect, Gateway, Match, Rule};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let upstream = "127.0.0.1:4566".parse()?;
//! let gateway = Gateway::start(Config::new(upstream).site("us-east-2", 0).accelerator(0)).await?;
//! println!("AWS_ENDPOINT_URL={}", gateway.addresses().endpoint_url);
//!
//! let switchboard = gateway.switchboard();
//! switchboard.add_rule(Rule::new(Match::service("rds").action("PromoteReadReplica"), Effect::LoseAnswer).times(1))?;
//! switchboard.lose_region("us-east-2", Blackout::Hang)?;
//! gateway.stop().await;
//! # Ok(())
//! # }
//! ```

mod accelerator;
mod action;
mod balancer;
mod body;
mod call;
mod carriage;
mod clock;
mod control;
mod counts;
mod gateway;
mod launcher;
mod listener;
mod proxy;
mod regions;
mod rejected;
mod rules;
mod scope;
mod shapes;
mod sites;
mod switchboard;
mod upstream;

pub use counts::{Count, CountFilter, CountRow, Counts};
pub use gateway::{Config, Gateway, Handle, Limits, StartError};
pub use regions::Blackout;
pub use rejected::Rejected;
pub use rules::{Effect, ErrorAnswer, Match, Rule, RuleId, RuleState};
pub use switchboard::{Addresses, Connections, State, Switchboard};
