//! Are the budgets kept? Measures the release packages of a directory and the core, and prints one table.
//!
//!     bench target/lambda .lab/test-venv/bin/python
//!
//! Ends with an error when a budget is missed. What is compared with a budget is the first number of its row: the
//! median, where several are measured.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};

use crate::table::Table;

mod cloud;
mod decisions;
mod estate;
mod function;
mod functions;
mod history;
mod journal;
mod long_log;
mod measure;
mod package;
mod parameters;
mod runtime_api;
mod scratch;
mod server;
mod table;

/// What the numbers are of, for whoever reads them.
const NOTES: &str = "\
A budget is compared with the first number of its row, a median where several were measured.
Cold start: from the spawn of the release program to its first request for an invocation.
Python: the interpreter of the tests with boto3; it makes nine clients and does nothing else.
Invocations: plan and journal are read from a stand-in on this machine, without TLS and without a network.
Resident memory: the most at once, program included, after 20 invocations.
Parameters: on stores in memory; each value has 4,000 characters, 40 MB on each side.
";

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(missed) => {
            say(&format!("{missed} budgets are missed"));
            ExitCode::FAILURE
        }
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Measures everything; how many budgets are missed.
fn run() -> Result<usize> {
    ensure!(
        !cfg!(debug_assertions),
        "this is not a release build, its numbers would mean nothing: run `make bench`"
    );
    let mut arguments = std::env::args_os().skip(1);
    let (Some(packages), Some(python), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        bail!(
            "say where the packages and a Python with boto3 are: bench target/lambda .lab/test-venv/bin/python"
        );
    };
    let mut table = Table::default();
    // First of all, while the memory of this process is its own.
    let parameters = parameters::measure()?;
    let journal = journal::measure()?;
    table.extend(functions::measure(Path::new(&packages), &std::path::absolute(python)?)?);
    table.extend(decisions::measure()?);
    table.extend(journal);
    table.extend(parameters);
    let missed = table.missed();
    write!(std::io::stdout(), "\n{table}\n{NOTES}").context("the table can't be printed")?;
    Ok(missed)
}

/// Tells the person who waits.
fn say(what: &str) {
    // Nobody to tell is no reason to stop.
    drop(writeln!(std::io::stderr(), "bench: {what}"));
}
