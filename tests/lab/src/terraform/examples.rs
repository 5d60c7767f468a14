//! The examples under `infra/examples`, and what no example uses: what each is applied with, and what must be there before it.

use anyhow::{Context, Result};
use aws_credential_types::Credentials;
use serde_json::{Value, json};

use crate::checkout;
use crate::checks::accounts;
use crate::cloud::ADMIN_KEY;
use crate::cloud::call::Call;
use crate::demo::{CONFIRM_SECONDS, Mode};
use crate::world::World;

/// An example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Example {
    /// The orchestrator alone, pointed at a small stack that exists.
    Brownfield,
    /// The same with the primary region in another account; by name alone.
    TwoAccounts,
    /// A complete workload of three tiers.
    PilotLight,
    /// Three services that move alone.
    MultiService,
    /// As many servers in either region, monitoring in both.
    WarmStandbyEks,
    /// What no example uses.
    OtherModules,
}

impl Example {
    /// All of them, the smallest first.
    pub const ALL: [Self; 6] = [
        Self::TwoAccounts,
        Self::PilotLight,
        Self::OtherModules,
        Self::Brownfield,
        Self::WarmStandbyEks,
        Self::MultiService,
    ];

    /// What it is called: its folder's name, or a word for how it is applied.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brownfield => "brownfield",
            Self::TwoAccounts => "two-accounts",
            Self::PilotLight => "pilot-light",
            Self::MultiService => "multi-service",
            Self::WarmStandbyEks => "warm-standby-eks",
            Self::OtherModules => "other-modules",
        }
    }

    /// Where it lies in `infra`.
    pub fn folder(self) -> String {
        match self {
            Self::OtherModules => format!("tests/fixtures/{}", self.name()),
            Self::TwoAccounts => Self::Brownfield.folder(),
            _ => format!("examples/{}", self.name()),
        }
    }

    /// The regions it is made for: the primary and the recovery region.
    pub fn regions(self) -> [&'static str; 2] {
        match self {
            Self::Brownfield | Self::TwoAccounts | Self::PilotLight | Self::OtherModules => {
                ["us-east-2", "us-west-1"]
            }
            Self::MultiService | Self::WarmStandbyEks => ["eu-south-1", "eu-central-1"],
        }
    }

    /// The stack that must exist before it, by its folder below the example.
    pub fn existing(self) -> Option<&'static str> {
        (self == Self::Brownfield).then_some("existing")
    }

    /// The variables of the stack that exists.
    pub fn existing_variables() -> Value {
        json!({ "image_ids": images(), "database_password": PASSWORD })
    }

    /// Its variables. `existing` holds the outputs of the stack that exists; what else it needs is made.
    pub async fn variables(self, world: &World, existing: &Value) -> Result<Value> {
        let mut variables = match self {
            // Nothing in it is Pilotlight itself.
            Self::OtherModules => json!({}),
            _ => json!({ "package_dir": checkout::packages_dir(), "notice_emails": ["on-call@example.com"] }),
        };
        let more = match self {
            Self::Brownfield => outputs(existing)?,
            Self::TwoAccounts => {
                accounts::prepare(world).await?;
                accounts::variables(world)
            }
            Self::PilotLight => json!({
                "source_instance_id": server(world, self.regions()[0]).await?,
                "database_password": PASSWORD, "mail_token": PASSWORD,
            }),
            Self::MultiService => json!({
                "image_ids": images(), "database_password": PASSWORD, "repository": "your-org/shop",
            }),
            Self::OtherModules => json!({
                "image_ids": images(), "database_password": PASSWORD, "secret": PASSWORD,
            }),
            Self::WarmStandbyEks => json!({
                "source_instance_id": server(world, self.regions()[0]).await?,
                "database_password": PASSWORD,
                "administrator_arns": ["arn:aws:iam::123456789012:role/platform"],
            }),
        };
        if let (Some(all), Value::Object(more)) = (variables.as_object_mut(), more) {
            all.extend(more);
        }
        Ok(variables)
    }

    /// What is changed in its own files.
    pub fn locals(self) -> Option<Value> {
        match self {
            // A failover is run on it.
            Self::PilotLight => Some(json!({
                "architecture": architecture(), "mode": Mode::Automatic.as_str(), "confirm_seconds": CONFIRM_SECONDS,
            })),
            Self::Brownfield
            | Self::TwoAccounts
            | Self::MultiService
            | Self::WarmStandbyEks
            | Self::OtherModules => None,
        }
    }
}

const PASSWORD: &str = "local-world-only-1";

/// What the packages are built for.
pub fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

fn images() -> Value {
    json!({ "primary": "ami-0lab0primary00000", "recovery": "ami-0lab0recovery0000" })
}

/// Outputs as variables of the same names.
fn outputs(outputs: &Value) -> Result<Value> {
    let outputs = outputs.as_object().context("the stack that exists has outputs")?;
    let values = outputs.iter().map(|(name, output)| {
        let value = output.get("value").with_context(|| format!("the output {name} has no value"))?;
        Ok((name.clone(), value.clone()))
    });
    Ok(Value::Object(values.collect::<Result<_>>()?))
}

/// The administrator's keys.
pub fn administrator() -> Credentials {
    Credentials::new(ADMIN_KEY, ADMIN_KEY, None, None, "lab")
}

/// Starts the server that an image is made of, as the example's README has a person do.
async fn server(world: &World, region: &str) -> Result<String> {
    let parameters = [("ImageId", "ami-0abcdef1234567890"), ("MinCount", "1"), ("MaxCount", "1")];
    let call = Call::query("ec2", region, "RunInstances", "2016-11-15", &parameters);
    let text = call.done(world.endpoint_url(), &administrator()).await?;
    let id = text.split_once("<instanceId>").and_then(|(_, rest)| rest.split_once('<'));
    Ok(id.context("a server has an id")?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_of_the_examples_and_of_the_fixtures_is_applied() {
        let infra = checkout::root().join("infra");
        let mut found = Vec::new();
        for above in ["examples", "tests/fixtures"] {
            for entry in std::fs::read_dir(infra.join(above)).unwrap() {
                found.push(format!("{above}/{}", entry.unwrap().file_name().into_string().unwrap()));
            }
        }
        // The end-to-end tests apply it five times over, plan it after their failovers and look at what is there.
        found.retain(|folder| folder != "tests/fixtures/small-stack");
        found.sort();
        let mut known = Example::ALL.map(Example::folder).to_vec();
        known.sort_unstable();
        known.dedup();
        assert_eq!(found, known);
    }

    #[test]
    fn outputs_become_variables() {
        let given = json!({ "regions": { "sensitive": false, "value": { "primary": "a" } } });
        assert_eq!(outputs(&given).unwrap(), json!({ "regions": { "primary": "a" } }));
        assert!(outputs(&Value::Null).is_err());
    }
}
