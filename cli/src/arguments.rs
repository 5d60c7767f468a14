//! What may be typed?

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use jiff::SignedDuration;

use crate::discovery::Chosen;
use crate::screen::Format;

const AFTER: &str = "Exit codes: 0 done, 1 refused, 2 usage, 3 needs an operator, 4 not ready, 5 outcome unknown (run \
                     `pilotlight status`), 6 timed out waiting.";

/// Asks and steers the functions that guard a workload in two regions.
#[derive(Debug, Parser)]
#[command(name = "pilotlight", version, after_help = AFTER, disable_help_subcommand = true)]
pub struct Arguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// How the answer is written.
    #[arg(long, short, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Format,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Where the functions are.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlaceArguments {
    /// The plan. Otherwise: `PILOTLIGHT_PLAN`, the nearest pilotlight.toml, the only plan of the account and region.
    #[arg(long, short, global = true, value_name = "NAME")]
    plan: Option<String>,
    /// The region that the functions are in, as for the AWS CLI.
    #[arg(long, global = true)]
    region: Option<String>,
    /// The profile, as for the AWS CLI.
    #[arg(long, global = true)]
    profile: Option<String>,
}

impl PlaceArguments {
    /// What was said.
    pub(crate) fn chosen(&self) -> Chosen {
        let Self { plan, region, profile } = self.clone();
        Chosen { plan, region, profile }
    }
}

/// What is asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// How things stand. Changes nothing.
    Status,
    /// Look at a plan's document.
    #[command(subcommand)]
    Plan(PlanVerb),
    /// Would a failover work? Makes a readiness pass.
    Ready,
    /// Start a failover.
    Failover(FailoverArguments),
    /// Let a run go on that waits for an approval or an operator.
    Approve(ApproveArguments),
    /// End a run before a promotion has begun, and roll it back.
    Abort(AbortArguments),
    /// Let evidence start no run for a while.
    Hold(HoldArguments),
    /// End the hold.
    Release {
        #[command(flatten)]
        person: PersonArguments,
    },
    /// End the cooldown after a run.
    Acknowledge {
        /// The number of the run that ended.
        run: u64,
        #[command(flatten)]
        person: PersonArguments,
    },
    /// Let a guard of two that does not know who serves go by what it sees and hears now.
    Adopt {
        #[command(flatten)]
        person: PersonArguments,
    },
    /// What was recorded of the last run, its last 60 records.
    History,
    /// What was measured of the last run, and its timeline.
    Report {
        /// The number of the run; it must be the last one.
        run: Option<u64>,
    },
    /// What a code means and what to do: a refusal, a failed step, an error, a check.
    Explain {
        /// The code, such as `data_loss`.
        code: String,
    },
    /// Parameters that are kept the same in both regions.
    #[command(subcommand)]
    Parameters(ParametersVerb),
    /// Snapshots that are kept in both regions.
    #[command(subcommand)]
    Snapshots(SnapshotsVerb),
    /// Can this program reach the functions, and what is deployed?
    Doctor,
    /// The version of this program.
    Version,
    /// A script that completes lines in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// The manual screen, for man(1).
    Man,
}

/// Of a plan's document.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanVerb {
    /// Check a plan in a file by the rules of the functions. Asks nobody.
    Validate {
        /// The file, JSON; - is the standard input.
        file: PathBuf,
    },
}

/// Of parameters.
#[derive(Debug, Subcommand)]
pub(crate) enum ParametersVerb {
    /// List what differs. Changes nothing; 4 if anything does.
    Drift {
        /// Compare everything, also what an earlier pass found to be the same.
        #[arg(long)]
        deep: bool,
    },
    /// Copy what differs now.
    Pass {
        /// Compare everything, also what an earlier pass found to be the same.
        #[arg(long)]
        deep: bool,
    },
}

/// Of snapshots.
#[derive(Debug, Subcommand)]
pub(crate) enum SnapshotsVerb {
    /// The newest good snapshot of each database in each region.
    List,
    /// Say what is due. Changes nothing; 3 if something is left to a person.
    DryRun,
    /// Take, copy and delete what is due.
    Keep,
}

/// Who gives a command.
#[derive(Args, Debug)]
pub(crate) struct PersonArguments {
    /// Who gives the command. Otherwise: `PILOTLIGHT_BY`, or the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

/// Rules to pass on purpose; each is recorded.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct OverrideArguments {
    /// Pass the data-loss gate: the estimate is accepted, or that it is unknown.
    #[arg(long)]
    pub(crate) allow_data_loss: bool,
    /// Promote though the old side could not be closed.
    #[arg(long)]
    pub(crate) override_fence: bool,
    /// Move though the primary region shows signs of life.
    #[arg(long)]
    pub(crate) override_vetoes: bool,
}

/// How long the run is followed.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct WaitArguments {
    /// Follow the run until it ends or needs a person, at most so long.
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "10m",
          value_parser = time)]
    pub(crate) wait: Option<Duration>,
}

#[derive(Args, Debug)]
pub(crate) struct FailoverArguments {
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
    /// Only this route and what it depends on; may be given several times. Otherwise all.
    #[arg(long = "route", value_name = "NAME")]
    pub(crate) routes: Vec<String>,
    /// Do not ask for the plan's name.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) overrides: OverrideArguments,
    #[command(flatten)]
    pub(crate) wait: WaitArguments,
    #[command(flatten)]
    pub(crate) person: PersonArguments,
}

#[derive(Args, Debug)]
pub(crate) struct ApproveArguments {
    /// The number of the run, so that an approval never reaches another one.
    pub(crate) run: u64,
    #[command(flatten)]
    pub(crate) overrides: OverrideArguments,
    #[command(flatten)]
    pub(crate) wait: WaitArguments,
    #[command(flatten)]
    pub(crate) person: PersonArguments,
}

#[derive(Args, Debug)]
pub(crate) struct AbortArguments {
    /// The number of the run.
    pub(crate) run: u64,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) wait: WaitArguments,
    #[command(flatten)]
    pub(crate) person: PersonArguments,
}

#[derive(Args, Debug)]
pub(crate) struct HoldArguments {
    /// For how long: 2h, 90m, 1d. At most a week.
    #[arg(long = "for", value_name = "TIME", value_parser = whole_minutes)]
    pub(crate) minutes: u32,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) person: PersonArguments,
}

fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time: write it like 10m, 90s or 1h30m");
    let time: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(time).ok().filter(|time| !time.is_zero()).ok_or_else(wrong)
}

/// The functions count holds in minutes: nobody gets a shorter one than was asked for.
fn whole_minutes(text: &str) -> Result<u32, String> {
    // A day is 24 hours here; the parser leaves days to calendars.
    let hours =
        text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()).map(|days| u64::from(days) * 24);
    let time = match hours {
        Some(hours) => Duration::from_secs(hours * 3600),
        None => time(text)?,
    };
    u32::try_from(time.as_secs().div_ceil(60)).map_err(|_| format!("`{text}` is longer than a week"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parsed(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_grammar_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_verb_is_read() {
        for line in [
            "status",
            "plan validate x.json",
            "ready",
            "failover --reason x --yes",
            "approve 4",
            "abort 4 --reason x",
            "hold --for 2h --reason x",
            "release",
            "acknowledge 4",
            "adopt",
            "history",
            "report",
            "report 4",
            "explain veto",
            "parameters drift --deep",
            "parameters pass",
            "snapshots list",
            "snapshots dry-run",
            "snapshots keep",
            "doctor",
            "version",
            "completions bash",
            "man",
            "status --plan shop --region us-west-1 --profile p -o tsv",
        ] {
            assert!(parsed(&format!("pilotlight {line}")).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_is_missing_or_unknown_is_no_verb() {
        for line in [
            "",
            "failover",
            "approve",
            "approve x",
            "abort 4",
            "hold --reason x",
            "hold --for 2h",
            "acknowledge",
            "switchover",
            "status --output xml",
            "explain",
            "completions tcsh",
            "approve 4 --wait=soon",
        ] {
            assert!(parsed(&format!("pilotlight {line}")).is_err(), "{line}");
        }
    }

    #[test]
    fn a_wait_is_ten_minutes_unless_it_says_otherwise() {
        for (line, seconds) in
            [("", None), (" --wait", Some(600)), (" --wait=90s", Some(90)), (" --wait=1h30m", Some(5400))]
        {
            let Verb::Approve(approve) = parsed(&format!("pilotlight approve 4{line}")).unwrap().verb else {
                panic!()
            };
            assert_eq!(approve.wait.wait, seconds.map(Duration::from_secs), "{line}");
        }
    }

    #[test]
    fn a_hold_is_never_shorter_than_asked_for() {
        for (text, minutes) in [("2h", 120), ("90m", 90), ("90s", 2), ("1d", 1440), ("1 hour", 60)] {
            assert_eq!(whole_minutes(text), Ok(minutes), "{text}");
        }
        for text in ["", "2", "-1h", "0s", "soon"] {
            assert!(whole_minutes(text).is_err(), "{text}");
        }
    }
}
