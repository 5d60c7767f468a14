//! Terraform in a folder of a copy of the checkout's `infra`, against the local world. Only override files and
//! variables differ from what an account gets.

pub mod applied;
pub mod apply;
pub mod databases;
pub mod examples;
pub mod leftovers;
pub mod stack;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::checkout;
use crate::cloud::ADMIN_KEY;
use crate::say;
use crate::terraform::applied::Blocks;
use crate::world::World;
use crate::world::process::{clean, output, run};
use crate::world::tools::Tools;

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

/// Most applies of one folder: see [`is_impatience`].
const APPLIES_MAX: usize = 3;

/// What `terraform plan` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Whether there is nothing to change.
    pub is_empty: bool,
    /// What it printed.
    pub text: String,
}

impl Drift {
    /// The resources that it would change.
    pub fn changes(&self) -> Vec<&str> {
        let marked = self.text.lines().filter_map(|line| line.strip_prefix("  # "));
        marked.filter(|line| line.contains(" will be ") || line.contains(" must be ")).collect()
    }
}

/// A folder in which Terraform runs.
#[derive(Clone)]
pub struct Terraform {
    label: String,
    dir: PathBuf,
    program: PathBuf,
    endpoint_url: String,
}

impl Terraform {
    /// Copies `infra` below `home`, writes the override file into one of its folders, and initialises that.
    pub async fn on_copy(
        tools: &Tools,
        world: &World,
        label: &str,
        home: &Path,
        folder: &str,
        variables: &Value,
    ) -> Result<Self> {
        let infra = home.join("infra");
        if !infra.exists() {
            copy_tree(&checkout::root().join("infra"), &infra)?;
        }
        let terraform = Self {
            label: label.to_owned(),
            dir: infra.join(folder),
            program: tools.terraform.clone(),
            endpoint_url: world.endpoint_url().to_owned(),
        };
        std::fs::write(terraform.dir.join("lab_override.tf"), OVERRIDE)?;
        terraform.set(variables)?;
        say(&format!("{label}: terraform init"));
        run("terraform init", &mut terraform.command(&["init", "-input=false", "-no-color"]), |_| {}).await?;
        Ok(terraform)
    }

    /// Sets the variables, from the next command on.
    pub fn set(&self, variables: &Value) -> Result<()> {
        std::fs::write(self.dir.join("lab.auto.tfvars.json"), serde_json::to_vec_pretty(variables)?)?;
        Ok(())
    }

    /// Gives locals of the folder other values, as a person would who edits its files. Terraform refuses a local that the folder
    /// doesn't have.
    pub fn set_locals(&self, locals: &Value) -> Result<()> {
        let file = self.dir.join("lab_locals_override.tf.json");
        Ok(std::fs::write(file, serde_json::to_vec_pretty(&json!({ "locals": locals }))?)?)
    }

    /// Where it runs.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = clean(&self.program);
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

    /// Applies; gives how many resources were created.
    pub async fn apply(&self) -> Result<usize> {
        say(&format!(
            "{}: terraform apply (two regions; most of the time is the provider's own waiting)",
            self.label
        ));
        self.applied(&[]).await
    }

    /// Applies some resources and what they need; gives how many were created.
    pub async fn apply_only(&self, resources: &[&str]) -> Result<usize> {
        say(&format!("{}: terraform apply of {} resources and what they need", self.label, resources.len()));
        let targets: Vec<_> = resources.iter().map(|resource| format!("-target={resource}")).collect();
        self.applied(&targets).await
    }

    async fn applied(&self, targets: &[String]) -> Result<usize> {
        let mut arguments = vec!["apply", "-auto-approve", "-input=false", "-no-color", "-parallelism=30"];
        arguments.extend(targets.iter().map(String::as_str));
        let mut made = 0;
        for _ in 1..APPLIES_MAX {
            match self.counting("terraform apply", &arguments, ": Creation complete", &mut made).await {
                Err(error) if is_impatience(&error) => {
                    say(&format!("{}: the provider gave up waiting for this machine; once more", self.label));
                }
                ended => return ended.map(|()| made),
            }
        }
        self.counting("terraform apply", &arguments, ": Creation complete", &mut made).await?;
        Ok(made)
    }

    /// What is applied.
    pub async fn state(&self) -> Result<Value> {
        let out = self.printed("terraform show", &["show", "-json", "-no-color"]).await?;
        serde_json::from_str(&out).context("terraform show is JSON")
    }

    /// What a command prints that only reads.
    async fn printed(&self, name: &'static str, arguments: &[&str]) -> Result<String> {
        let (code, out, err) = output(name, &mut self.command(arguments)).await?;
        if code != 0 {
            bail!("{name} failed: {err}");
        }
        Ok(out)
    }

    /// Destroys; gives how many resources were destroyed.
    pub async fn destroy(&self) -> Result<usize> {
        say(&format!("{}: terraform destroy", self.label));
        let arguments = ["destroy", "-auto-approve", "-input=false", "-no-color", "-parallelism=30"];
        let mut gone = 0;
        self.counting("terraform destroy", &arguments, ": Destruction complete", &mut gone).await?;
        Ok(gone)
    }

    async fn counting(
        &self,
        name: &'static str,
        arguments: &[&str],
        mark: &str,
        done: &mut usize,
    ) -> Result<()> {
        run(name, &mut self.command(arguments), |line| {
            if line.contains(mark) {
                *done += 1;
                if done.is_multiple_of(20) {
                    say(&format!("{}:   {done} resources", self.label));
                }
            }
        })
        .await
    }

    /// The outputs.
    pub async fn outputs(&self) -> Result<Value> {
        let out = self.printed("terraform output", &["output", "-json", "-no-color"]).await?;
        serde_json::from_str(&out).context("terraform output is JSON")
    }

    /// The blocks of `infra/modules` that are applied.
    pub async fn blocks(&self) -> Result<Blocks> {
        let out = self.printed("terraform state list", &["state", "list"]).await?;
        let modules = std::fs::read(self.dir.join(".terraform/modules/modules.json"))?;
        applied::blocks(&out, &serde_json::from_slice(&modules)?)
    }

    /// What Terraform would change now. It must be nothing: after an apply, and after a failover too.
    pub async fn plan(&self) -> Result<Drift> {
        let arguments = ["plan", "-detailed-exitcode", "-input=false", "-no-color", "-parallelism=30"];
        let (code, out, err) = output("terraform plan", &mut self.command(&arguments)).await?;
        match code {
            0 => Ok(Drift { is_empty: true, text: out }),
            2 => Ok(Drift { is_empty: false, text: out }),
            _ => bail!("terraform plan failed:\n{out}\n{err}"),
        }
    }
}

/// A text in a stack's outputs, by its path.
pub fn text<'v>(outputs: &'v Value, path: &str) -> Result<&'v str> {
    outputs.pointer(path).and_then(Value::as_str).with_context(|| format!("no output {path}"))
}

/// An attribute of a resource of the folder itself, by what is applied.
pub fn attribute<'s>(state: &'s Value, resource: &str, attribute: &str) -> Result<&'s str> {
    let resources = state.pointer("/values/root_module/resources").and_then(Value::as_array);
    let is_it = |found: &&Value| found.get("address").and_then(Value::as_str) == Some(resource);
    let found = resources.and_then(|resources| resources.iter().find(is_it));
    let value = found.and_then(|found| found.pointer(&format!("/values/{attribute}")));
    value.and_then(Value::as_str).with_context(|| format!("the state has no {attribute} of {resource}"))
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

/// Whether an apply failed for nothing but time: the provider waits two or three minutes for what it has made to be seen some times in
/// a row, which no setting of ours makes longer. On a machine that is very busy it gives up before it has looked.
fn is_impatience(error: &anyhow::Error) -> bool {
    let text = format!("{error:#}");
    let errors = text.matches("Error: ").count();
    errors > 0 && errors == text.matches("timeout while waiting for state to become").count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_time_is_given_a_second_chance() {
        let late = "Error: waiting for SQS Queue (q) attributes create: timeout while waiting for state to become 'equal' (last \
                    state: 'equal', timeout: 2m25s)";
        let wrong = "Error: creating KMS Key: AccessDenied";
        for (text, is) in [
            (late.to_owned(), true),
            (format!("{late}\n\n{late}"), true),
            (format!("{late}\n\n{wrong}"), false),
            (wrong.to_owned(), false),
            ("terraform was killed".to_owned(), false),
        ] {
            let error = anyhow::anyhow!(text).context("terraform apply failed (exit status: 1)");
            assert_eq!(is_impatience(&error), is, "{error:#}");
        }
    }

    #[test]
    fn the_resources_of_a_plan_that_would_change_are_named() {
        let text = "Terraform will perform the following actions:\n\n  # aws_lb.front will be updated in-place\n  \
                    ~ resource \"aws_lb\" \"front\" {\n      # (3 unchanged attributes hidden)\n\n  \
                    # aws_db_instance.replica must be replaced\n";
        let drift = Drift { is_empty: false, text: text.to_owned() };
        assert_eq!(
            drift.changes(),
            ["aws_lb.front will be updated in-place", "aws_db_instance.replica must be replaced"]
        );
    }
}
