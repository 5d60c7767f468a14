//! A stack: the small stack's Terraform, as it is, applied to the local world. Only an override file and variables differ.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::checkout;
use crate::cloud::{Answer, Cloud};
use crate::say;
use crate::terraform::databases;
use crate::terraform::examples::architecture;
use crate::terraform::{Drift, Terraform};
use crate::world::process::run;
use crate::world::tools::Tools;
use crate::world::{PRIMARY, RECOVERY, World, pause};

/// Where it lies in `infra`: small, because several of them stand in one world.
const FOLDER: &str = "tests/fixtures/small-stack";

/// How a stack is made.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// The plan's name.
    pub name: String,
    /// `approve` or `automatic`.
    pub mode: String,
    /// How long evidence must hold.
    pub confirm_seconds: u32,
    /// Whether the scheduled jobs come along: those that keep snapshots and parameters.
    pub every_day: bool,
    /// When a snapshot is due; nothing: as the small stack says.
    pub snapshot_schedule: Option<String>,
    /// Whether each side has a witness; its world must hold data.
    pub witness: bool,
    /// How often its tick looks again within the minute; nothing: not at all.
    pub watch_seconds: Option<u32>,
}

/// An applied stack.
pub struct Stack {
    /// The plan's name.
    pub name: String,
    terraform: Terraform,
    /// The outputs of the Terraform.
    pub outputs: Value,
}

/// The lab's certificate authority as a layer for witnesses, packed as a user packs RDS's bundle.
async fn authorities(world: &World, home: &Path) -> Result<PathBuf> {
    let bundle = world.state_dir.join("emulator/databases-ca.pem");
    let packed = home.with_extension("authorities.zip");
    let script = checkout::root().join("infra/modules/database-witness/authorities.py");
    let mut pack = Command::new("python3");
    pack.args([&script, &bundle, &packed]);
    run("authorities.py", &mut pack, |_| {}).await?;
    Ok(packed)
}

impl Stack {
    /// Applies the small stack.
    pub async fn apply(tools: &Tools, world: &World, wishes: &Wishes) -> Result<Self> {
        let home = world.state_dir.join(&wishes.name);
        let mut variables = json!({
            "name": wishes.name,
            "mode": wishes.mode,
            "confirm_seconds": wishes.confirm_seconds,
            "watch_seconds": wishes.watch_seconds,
            "package_dir": checkout::packages_dir(),
            "architecture": architecture(),
            // One that the emulator has in every region: readiness looks for it.
            "image_ids": { "primary": "ami-0c2023a1b2c3d4e5f", "recovery": "ami-0c2023a1b2c3d4e5f" },
            "database_password": databases::PASSWORD,
            "notice_emails": ["on-call@example.com"],
        });
        if let Some(schedule) = &wishes.snapshot_schedule {
            variables["snapshot_schedule"] = json!(schedule);
        }
        if !wishes.every_day {
            variables["snapshot_schedule"] = Value::Null;
            variables["parameter_paths"] = json!([]);
        }
        if wishes.witness {
            variables["witness_authorities"] = json!(authorities(world, &home).await?);
        }
        let terraform = Terraform::on_copy(tools, world, &wishes.name, &home, FOLDER, &variables).await?;
        let made = databases::exist(&terraform, world, wishes).await? + terraform.apply().await?;
        say(&format!("{}: {made} resources applied", wishes.name));
        let outputs = terraform.outputs().await?;
        Ok(Self { name: wishes.name.clone(), terraform, outputs })
    }

    /// A stack that is applied already: one that has the small stack's outputs.
    pub fn of(name: &str, terraform: Terraform, outputs: Value) -> Self {
        Self { name: name.to_owned(), terraform, outputs }
    }

    /// What Terraform would change now. It must be nothing: after an apply, and after a failover too.
    pub async fn drift(&self) -> Result<Drift> {
        self.terraform.plan().await
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

    /// Has the snapshots kept, as an operator does by hand.
    pub async fn keep(&self, cloud: &Cloud) -> Result<Answer> {
        cloud.invoke(RECOVERY, self.function("snapshot-scheduler")?, &json!({ "command": "keep" })).await
    }

    /// Has the parameters compared and copied, as an operator does by hand.
    pub async fn pass(&self, cloud: &Cloud) -> Result<Answer> {
        cloud.invoke(RECOVERY, self.function("ssm-replicator")?, &json!({ "command": "pass" })).await
    }

    /// Has the scheduled jobs do their work until nothing is left of it: in the first minutes of a stack their
    /// schedules have not come yet.
    pub async fn keep_up(&self, cloud: &Cloud) -> Result<()> {
        const KEPT_UP: [&str; 2] = ["parameters_same", "snapshots_fresh"];
        for _ in 0..60 {
            self.pass(cloud).await?;
            self.keep(cloud).await?;
            let answer = self.operate(cloud, &json!({ "command": "readiness" })).await?;
            let checks = answer.payload.get("checks").and_then(Value::as_array).cloned().unwrap_or_default();
            let is = |check: &Value, field: &str, words: &[&str]| {
                check.get(field).and_then(Value::as_str).is_some_and(|found| words.contains(&found))
            };
            let kept_up = |check: &&Value| is(check, "name", &KEPT_UP) && is(check, "finding", &["ready"]);
            if checks.iter().filter(kept_up).count() == KEPT_UP.len() {
                return Ok(());
            }
            pause(Duration::from_secs(1)).await;
        }
        bail!("the scheduled jobs do not come to an end: {}", self.keep(cloud).await?.payload)
    }

    /// Gives an operator's command.
    pub async fn operate(&self, cloud: &Cloud, command: &Value) -> Result<Answer> {
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
        self.terraform.dir()
    }
}
