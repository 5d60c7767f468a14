//! The functions' packages for the local world: built with the quick profile, one `bootstrap` in each zip.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::process::Command;
use zip::write::SimpleFileOptions;

use crate::checkout;
use crate::world::process::run;

/// The functions, by package name.
pub const FUNCTIONS: [&str; 8] = [
    "alarm-handler",
    "database-witness",
    "promote-replica",
    "readiness-checker",
    "scale-asg",
    "shift-traffic",
    "snapshot-scheduler",
    "ssm-replicator",
];

/// Builds and packs all functions.
pub async fn build() -> Result<()> {
    crate::say("building the functions (quick profile)");
    let mut cargo = Command::new("cargo");
    cargo.current_dir(checkout::root()).args(["build", "--profile", "lab", "--color", "never"]);
    // With the lab itself: on their own the functions would ask for fewer features of the crates they share with it, and
    // all of the SDK would be compiled a second time.
    for package in FUNCTIONS.into_iter().chain(["lab"]) {
        cargo.args(["--package", package]);
    }
    let mut compiled = 0;
    run("cargo build", &mut cargo, |line| {
        if line.trim_start().starts_with("Compiling") {
            compiled += 1;
            if compiled % 25 == 0 {
                crate::say(&format!("  {compiled} crates compiled"));
            }
        }
    })
    .await?;
    pack_all()
}

/// Packs all functions as they were built last.
pub fn pack_all() -> Result<()> {
    let (dir, target) = (checkout::packages_dir(), target_dir()?);
    std::fs::create_dir_all(&dir)?;
    for function in FUNCTIONS {
        let binary = target.join("lab").join(function);
        pack(&binary, &dir.join(format!("{function}.zip")))?;
    }
    Ok(())
}

/// Where cargo builds, by its own word: the environment and its configuration may both say.
fn target_dir() -> Result<PathBuf> {
    let mut cargo = std::process::Command::new("cargo");
    cargo.current_dir(checkout::root()).args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let said = cargo.output().context("cannot ask cargo for its target directory")?;
    let said: serde_json::Value =
        serde_json::from_slice(&said.stdout).context("cargo metadata answered no JSON")?;
    let target = said["target_directory"].as_str().context("cargo metadata names no target directory")?;
    Ok(PathBuf::from(target))
}

fn pack(binary: &Path, package: &Path) -> Result<()> {
    let code = std::fs::read(binary).with_context(|| format!("cannot read {}", binary.display()))?;
    // Under another name until it is whole: another world may be reading the one that is there.
    let unfinished = package.with_extension(format!("part-{}", std::process::id()));
    let mut archive = zip::ZipWriter::new(File::create(&unfinished)?);
    // A fixed time: the same code gives the same package, so that nothing is deployed for nothing.
    let options = SimpleFileOptions::default()
        .unix_permissions(0o755)
        .compression_level(Some(1))
        .last_modified_time(zip::DateTime::default());
    archive.start_file("bootstrap", options)?;
    archive.write_all(&code)?;
    archive.finish()?;
    std::fs::rename(unfinished, package)?;
    Ok(())
}
