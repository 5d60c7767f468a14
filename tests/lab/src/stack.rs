//! A stack: the example's Terraform, as it is, applied to the local world. Only an override file and variables differ.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::checkout;
use crate::cloud::{ADMIN_KEY, Cloud};
use crate::process::{clean, output, run};
use crate::say;
use crate::tools::Tools;
use crate::world::{PRIMARY, RECOVERY, World};

/// How a stack is made.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// The plan's name.
    pub name: String,
    /// `approve` or `automatic`.
    pub mode: String,
    /// How long evidence must hold.
    pub confirm_seconds: u32,
    /// Whether the functions of every day come along: those that keep snapshots and parameters.
    pub every_day: bool,
}

/// An applied stack.
pub struct Stack {
    /// The plan's name.
    pub name: String,
    dir: PathBuf,
    terraform: PathBuf,
    endpoint_url: String,
    /// The outputs of the Terraform.
    pub outputs: Value,
}

/// What `terraform plan` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Whether there is nothing to change.
    pub is_empty: bool,
    /// What it printed.
    pub text: String,
}

/// What differs from a real account: the provider must not ask for what only AWS has.
const OVERRIDE: &str = r#"# Written by the lab. On AWS this file does not exist.
provider "aws" {
  alias                       = "primary"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
  max_retries                 = 10
}
provider "aws" {
  alias                       = "recovery"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
  max_retries                 = 10
}
"#;

impl Stack {
    /// Applies the example.
    pub async fn apply(tools: &Tools, world: &World, wishes: &Wishes) -> Result<Self> {
        let home = world.state_dir.join(&wishes.name);
        copy_tree(&checkout::root().join("infra"), &home.join("infra"))?;
        let dir = home.join("infra/examples/pilot-light");
        std::fs::write(dir.join("lab_override.tf"), OVERRIDE)?;
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
        let mut variables = json!({
            "name": wishes.name,
            "mode": wishes.mode,
            "confirm_seconds": wishes.confirm_seconds,
            "package_dir": checkout::packages_dir(),
            "architecture": architecture,
            // One that the emulator has in every region: readiness looks for it.
            "image_ids": { "primary": "ami-0c2023a1b2c3d4e5f", "recovery": "ami-0c2023a1b2c3d4e5f" },
            "database_password": "local-world-only-1",
            "notice_emails": ["on-call@example.com"],
        });
        if !wishes.every_day {
            variables["snapshot_schedule"] = Value::Null;
            variables["parameter_paths"] = json!([]);
        }
        std::fs::write(dir.join("lab.auto.tfvars.json"), serde_json::to_vec_pretty(&variables)?)?;
        let endpoint_url = world.endpoint_url().to_owned();
        let terraform = tools.terraform.clone();
        let mut stack =
            Self { name: wishes.name.clone(), dir, terraform, endpoint_url, outputs: Value::Null };
        stack.init().await?;
        stack.apply_plan().await?;
        stack.outputs = stack.read_outputs().await?;
        Ok(stack)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = clean(&self.terraform);
        command
            .current_dir(&self.dir)
            .args(arguments)
            .env("AWS_ENDPOINT_URL", &self.endpoint_url)
            .env("AWS_ACCESS_KEY_ID", ADMIN_KEY)
            .env("AWS_SECRET_ACCESS_KEY", ADMIN_KEY)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1");
        for name in ["TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR", "SSL_CERT_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    async fn init(&self) -> Result<()> {
        say(&format!("{}: terraform init", self.name));
        run("terraform init", &mut self.command(&["init", "-input=false", "-no-color"]), |_| {}).await
    }

    async fn apply_plan(&self) -> Result<()> {
        say(&format!(
            "{}: terraform apply (two regions; most of the time is the provider's own waiting)",
            self.name
        ));
        let arguments = ["apply", "-auto-approve", "-input=false", "-no-color", "-parallelism=30"];
        let mut made = 0;
        run("terraform apply", &mut self.command(&arguments), |line| {
            if line.contains(": Creation complete") {
                made += 1;
                if made % 20 == 0 {
                    say(&format!("{}:   {made} resources", self.name));
                }
            }
        })
        .await?;
        say(&format!("{}: {made} resources applied", self.name));
        Ok(())
    }

    async fn read_outputs(&self) -> Result<Value> {
        let (code, out, err) =
            output("terraform output", &mut self.command(&["output", "-json", "-no-color"])).await?;
        if code != 0 {
            bail!("terraform output failed: {err}");
        }
        serde_json::from_str(&out).context("terraform output is JSON")
    }

    /// What Terraform would change now. It must be nothing: after an apply, and after a failover too.
    pub async fn drift(&self) -> Result<Drift> {
        let arguments = ["plan", "-detailed-exitcode", "-input=false", "-no-color", "-parallelism=30"];
        let (code, out, err) = output("terraform plan", &mut self.command(&arguments)).await?;
        match code {
            0 => Ok(Drift { is_empty: true, text: out }),
            2 => Ok(Drift { is_empty: false, text: out }),
            _ => bail!("terraform plan failed:\n{out}\n{err}"),
        }
    }

    /// An output, by its path.
    pub fn output(&self, path: &[&str]) -> Result<&str> {
        let mut value =
            self.outputs.get(path.first().copied().unwrap_or_default()).and_then(|o| o.get("value"));
        for part in path.iter().skip(1) {
            value = value.and_then(|value| value.get(part));
        }
        value.and_then(Value::as_str).with_context(|| format!("the stack has no output {}", path.join(".")))
    }

    /// The name of a function.
    pub fn function(&self, short: &str) -> Result<&str> {
        self.output(&["function_names", short])
    }

    /// The journal so far.
    pub async fn journal(&self, cloud: &Cloud) -> Result<Vec<protocol::journal::Record>> {
        cloud.journal(RECOVERY, self.output(&["journal_table"])?, &self.name).await
    }

    /// Gives an operator's command.
    pub async fn operate(&self, cloud: &Cloud, command: &Value) -> Result<crate::cloud::Answer> {
        cloud.invoke(RECOVERY, self.function("alarm-handler")?, command).await
    }

    /// Raises the alarm that says that no server of the primary region is healthy.
    pub async fn raise_alarm(&self, cloud: &Cloud) -> Result<String> {
        let alarm = self.output(&["alarms", "web-unhealthy", "name"])?;
        cloud.set_alarm(PRIMARY, alarm, aws_sdk_cloudwatch::types::StateValue::Alarm).await?;
        Ok(alarm.to_owned())
    }

    /// Where its Terraform lies.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if name == ".terraform" || name.to_string_lossy().contains(".tfstate") {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &to.join(name))?;
        } else {
            std::fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}
