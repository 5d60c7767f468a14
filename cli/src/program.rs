//! From a line to an exit code: which verb, which plan, whose answer.

use std::io::{self, Write};

use clap::CommandFactory;
use ports::Clock;
use serde_json::json;

use crate::arguments::{Arguments, ParametersVerb, PlanVerb, SnapshotsVerb, Verb};
use crate::desk::{Desk, Surroundings, version};
use crate::discovery::{Chosen, choose, plan_of};
use crate::exit::{Exit, Unanswered};
use crate::explain::explain;
use crate::installation::Installation;
use crate::screen::{Format, Screen, write_unanswered};
use crate::verbs::{commands, doctor, history, parameters, plan, readiness, report, snapshots, status};

impl Arguments {
    /// The place that the line, the environment and the files choose. The verbs that ask nobody need none.
    pub fn place(&self, surroundings: &dyn Surroundings) -> Result<Option<Chosen>, Unanswered> {
        let is_local = matches!(
            self.verb,
            Verb::Plan(PlanVerb::Validate { .. })
                | Verb::Explain { .. }
                | Verb::Version
                | Verb::Completions { .. }
                | Verb::Man
        );
        if is_local {
            return Ok(None);
        }
        choose(&self.place.chosen(), &|name| surroundings.variable(name), &surroundings.directory()).map(Some)
    }

    /// The format that was asked for.
    pub fn format(&self) -> Format {
        self.output
    }
}

/// Answers a verb that asks nobody.
pub fn answer_locally(
    arguments: &Arguments,
    surroundings: &dyn Surroundings,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let answer = match &arguments.verb {
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "pilotlight", &mut script);
            out.write_all(&script)?;
            return Ok(Exit::Done);
        }
        Verb::Man => {
            let mut screen = Vec::new();
            clap_mangen::Man::new(Arguments::command()).render(&mut screen)?;
            out.write_all(&screen)?;
            return Ok(Exit::Done);
        }
        Verb::Plan(PlanVerb::Validate { file }) => plan::validate(file, surroundings),
        Verb::Explain { code } => explain(code),
        _ => {
            Ok(Screen::of(Exit::Done, json!({ "sentence": version(), "version": env!("CARGO_PKG_VERSION") })))
        }
    };
    close(answer, arguments.output, out, err)
}

/// Answers a verb that asks the functions.
pub async fn answer(
    arguments: &Arguments,
    chosen: &Chosen,
    installation: &dyn Installation,
    clock: &dyn Clock,
    surroundings: &dyn Surroundings,
    (out, err): (&mut dyn Write, &mut dyn Write),
) -> io::Result<Exit> {
    let answer = match &arguments.verb {
        Verb::Doctor => Ok(doctor::examine(chosen, installation).await),
        verb => match plan_of(chosen, installation).await {
            Ok(plan) => of_plan(verb, &Desk { plan, installation, clock, surroundings }, err).await,
            Err(unanswered) => Err(unanswered),
        },
    };
    close(answer, arguments.output, out, err)
}

async fn of_plan(verb: &Verb, desk: &Desk<'_>, err: &mut dyn Write) -> Result<Screen, Unanswered> {
    match verb {
        Verb::Status => status::status(desk).await,
        Verb::Ready => readiness::ready(desk).await,
        Verb::Failover(failover) => commands::failover(desk, failover, err).await,
        Verb::Approve(approve) => commands::approve(desk, approve, err).await,
        Verb::Abort(abort) => commands::abort(desk, abort, err).await,
        Verb::Hold(hold) => commands::hold(desk, hold).await,
        Verb::Release { person } => commands::release(desk, person).await,
        Verb::Acknowledge { run, person } => commands::acknowledge(desk, *run, person).await,
        Verb::Adopt { person } => commands::adopt(desk, person).await,
        Verb::History => history::history(desk).await,
        Verb::Report { run } => report::report(desk, *run).await,
        Verb::Parameters(ParametersVerb::Drift { deep }) => parameters::drift(desk, *deep).await,
        Verb::Parameters(ParametersVerb::Pass { deep }) => parameters::pass(desk, *deep).await,
        Verb::Snapshots(SnapshotsVerb::List) => snapshots::newest(desk).await,
        Verb::Snapshots(SnapshotsVerb::DryRun) => snapshots::dry_run(desk).await,
        Verb::Snapshots(SnapshotsVerb::Keep) => snapshots::keep(desk).await,
        // They are answered without a plan.
        Verb::Plan(_)
        | Verb::Explain { .. }
        | Verb::Doctor
        | Verb::Version
        | Verb::Completions { .. }
        | Verb::Man => Err(Unanswered::usage("this verb asks no function")),
    }
}

fn close(
    answer: Result<Screen, Unanswered>,
    format: Format,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    match answer {
        Ok(screen) => {
            screen.write(format, out)?;
            Ok(screen.exit)
        }
        Err(unanswered) => {
            write_unanswered(&unanswered, format, out, err)?;
            Ok(unanswered.exit)
        }
    }
}

/// Says what went wrong before there was a verb to answer.
pub fn refuse(
    unanswered: &Unanswered,
    format: Format,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    write_unanswered(unanswered, format, out, err)?;
    Ok(unanswered.exit)
}
