//! The tools that the lab needs: found, or asked for in one line; what can be installed goes into the checkout.

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use tokio::process::Command;

use crate::checkout;
use crate::world::process::{output, run};

/// What the lab runs.
#[derive(Clone, Debug)]
pub struct Tools {
    /// Python of the lab's own virtual environment.
    pub python: PathBuf,
    /// Terraform.
    pub terraform: PathBuf,
}

impl Tools {
    /// Finds the tools; installs the emulator into the checkout if it isn't there.
    pub async fn find() -> Result<Self> {
        let terraform = terraform().await?;
        let python = emulator().await?;
        Ok(Self { python, terraform })
    }
}

async fn version_of(program: &str, args: &[&str]) -> Option<(u32, u32)> {
    let (code, out, err) = output("a version", Command::new(program).args(args)).await.ok()?;
    let text = if out.is_empty() { err } else { out };
    let digits = text.find(|c: char| c.is_ascii_digit())?;
    let mut parts = text.get(digits..)?.split(|c: char| !c.is_ascii_digit());
    let version = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    (code == 0).then_some(version)
}

async fn terraform() -> Result<PathBuf> {
    const WANTED: (u32, u32) = (1, 9);
    match version_of("terraform", &["version"]).await {
        Some(found) if found >= WANTED => Ok(PathBuf::from("terraform")),
        Some((major, minor)) => {
            Err(anyhow!("Terraform {major}.{minor} is too old: install Terraform 1.9 or newer"))
        }
        None => Err(anyhow!("terraform is missing: install Terraform 1.9 or newer and put it on the PATH")),
    }
}

/// PostgreSQL's programs, for databases that hold data: the checkout's, which are installed if they can be, or the system's.
pub async fn postgres() -> Result<PathBuf> {
    let program = checkout::launcher_parent().join("launcher/postgres_programs.py");
    let mut install = Command::new("python3");
    run("installing PostgreSQL", install.arg(&program).arg("--install"), |_| {}).await?;
    let (code, out, _) = output("looking for PostgreSQL", Command::new("python3").arg(&program)).await?;
    if code != 0 {
        return Err(anyhow!("{}", out.trim()));
    }
    Ok(PathBuf::from(out.trim()))
}

/// The emulator in a virtual environment of the checkout, as pinned. Made anew when the pins change.
async fn emulator() -> Result<PathBuf> {
    const WANTED: (u32, u32) = (3, 11);
    match version_of("python3", &["--version"]).await {
        Some(version) if version >= WANTED => {}
        Some((major, minor)) => {
            return Err(anyhow!("Python {major}.{minor} is too old: install Python 3.11 or newer"));
        }
        None => {
            return Err(anyhow!("python3 is missing: install Python 3.11 or newer and put it on the PATH"));
        }
    }
    let home = checkout::lab_dir().join("venv");
    std::fs::create_dir_all(checkout::lab_dir())?;
    let mut make = Command::new("python3");
    make.arg(checkout::root().join("tests/environment.py")).arg(&home);
    make.arg(checkout::launcher_parent().join("launcher/requirements.txt"));
    run("making the emulator's environment", &mut make, crate::say).await?;
    Ok(home.join("bin/python"))
}
