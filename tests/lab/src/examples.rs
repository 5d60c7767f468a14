//! The examples under `infra/examples`: what each is applied with, and what must be there before it.

use anyhow::{Context, Result, bail};
use aws_credential_types::Credentials;
use serde_json::{Value, json};

use crate::accounts;
use crate::call::{Call, Shape};
use crate::checkout;
use crate::cloud::ADMIN_KEY;
use crate::world::World;

/// An example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Example {
    /// The orchestrator alone, pointed at a small stack that exists.
    Brownfield,
    /// The same with the primary region in another account.
    TwoAccounts,
    /// A complete small workload.
    PilotLight,
    /// Three services that move alone.
    MultiService,
    /// As many servers in either region, monitoring in both.
    WarmStandbyEks,
}

impl Example {
    /// All of them, the smallest first.
    pub const ALL: [Self; 5] =
        [Self::PilotLight, Self::Brownfield, Self::TwoAccounts, Self::MultiService, Self::WarmStandbyEks];

    /// What it is called: its folder's name, or a word for how it is applied.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brownfield => "brownfield",
            Self::TwoAccounts => "two-accounts",
            Self::PilotLight => "pilot-light",
            Self::MultiService => "multi-service",
            Self::WarmStandbyEks => "warm-standby-eks",
        }
    }

    /// Where it lies in `infra`.
    pub fn folder(self) -> String {
        let folder = if self == Self::TwoAccounts { Self::Brownfield } else { self };
        format!("examples/{}", folder.name())
    }

    /// The regions it is made for: the primary and the recovery region.
    pub fn regions(self) -> [&'static str; 2] {
        match self {
            Self::Brownfield | Self::TwoAccounts | Self::PilotLight => ["us-east-2", "us-west-1"],
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
        let mut variables = json!({
            "package_dir": checkout::packages_dir(),
            "notice_emails": ["on-call@example.com"],
        });
        let more = match self {
            Self::Brownfield => outputs(existing)?,
            Self::TwoAccounts => {
                accounts::prepare(world).await?;
                accounts::variables(world)
            }
            Self::PilotLight => json!({
                "image_ids": images(), "database_password": PASSWORD,
                "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" },
            }),
            Self::MultiService => json!({ "image_ids": images(), "database_password": PASSWORD }),
            Self::WarmStandbyEks => json!({
                "source_instance_id": server(world, self.regions()[0]).await?,
                "database_password": PASSWORD,
            }),
        };
        if let (Some(all), Value::Object(more)) = (variables.as_object_mut(), more) {
            all.extend(more);
        }
        Ok(variables)
    }
}

const PASSWORD: &str = "local-world-only-1";

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
    let parameters = parameters.map(|(name, value)| (name, value.to_owned())).to_vec();
    let call = Call {
        service: "ec2",
        region: region.to_owned(),
        action: "RunInstances",
        shape: Shape::Query("2016-11-15", parameters),
    };
    let reply = call.send(world.endpoint_url(), &administrator()).await?;
    if !reply.is_done() {
        bail!("no server was started in {region}: {}", reply.text);
    }
    let id = reply.text.split_once("<instanceId>").and_then(|(_, rest)| rest.split_once('<'));
    Ok(id.context("a server has an id")?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_of_the_examples_is_applied() {
        let folder = checkout::root().join("infra/examples");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        let mut known = Example::ALL.map(Example::folder).to_vec();
        known.sort_unstable();
        known.dedup();
        let known: Vec<_> = known.iter().map(|folder| folder.strip_prefix("examples/").unwrap()).collect();
        assert_eq!(found, known);
    }

    /// Every `.tf` file below a folder.
    fn source(folder: std::path::PathBuf) -> String {
        let mut folders = vec![folder];
        let mut texts = String::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "tf") {
                    texts.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        texts
    }

    #[test]
    fn what_no_example_applies_is_said_in_the_readme_and_nothing_else_is() {
        let infra = checkout::root().join("infra");
        let examples = source(infra.join("examples"));
        let within = source(infra.join("modules"));
        let mut left_out: Vec<String> = std::fs::read_dir(infra.join("modules"))
            .unwrap()
            .map(|module| module.unwrap().file_name().into_string().unwrap())
            .filter(|name| {
                !examples.contains(&format!("modules/{name}\""))
                    && !within.contains(&format!("\"../{name}\""))
            })
            .collect();
        if !examples.contains("aurora_global") {
            left_out.push("database with kind = \"aurora_global\"".to_owned());
        }
        let readme = std::fs::read_to_string(infra.join("README.md")).unwrap();
        let (_, table) = readme.split_once("| not applied |").unwrap();
        let (table, _) = table.split_once("\n\n").unwrap();
        let said = table
            .lines()
            .filter_map(|line| line.strip_prefix("| `"))
            .map(|line| line.split_once("` |").unwrap().0);
        let mut said: Vec<_> = said.map(str::to_owned).collect();
        said.sort();
        left_out.sort();
        assert_eq!(said, left_out);
    }

    #[test]
    fn outputs_become_variables() {
        let given = json!({ "regions": { "sensitive": false, "value": { "primary": "a" } } });
        assert_eq!(outputs(&given).unwrap(), json!({ "regions": { "primary": "a" } }));
        assert!(outputs(&Value::Null).is_err());
    }
}
