//! The lab's command line.

#![expect(clippy::print_stderr, reason = "this is a command: what it prints is what it is for")]

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use lab::demo::{self, Mode};
use lab::terraform::apply;
use lab::terraform::examples::Example;
use lab::world::ending::{CutShort, Ending, word_of};
use lab::world::{background, up};

/// The local two-region world of Pilotlight.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A primary region is lost, the recovery region serves.
    Demo {
        /// Whether a person approves.
        #[arg(long, default_value = "automatic")]
        mode: Mode,
    },
    /// Starts a world with a small stack in the background, and returns when it is ready.
    Up {
        /// Whether a person approves.
        #[arg(long, default_value = "approve")]
        mode: Mode,
    },
    /// The same in the foreground: stays until it is ended.
    Serve {
        /// Whether a person approves.
        #[arg(long, default_value = "approve")]
        mode: Mode,
        /// Leaves the terminal it was started from.
        #[arg(long, hide = true)]
        detached: bool,
    },
    /// Ends the world that is up.
    Down,
    /// Cuts the primary region of the world that is up off.
    Lose,
    /// Brings it back.
    GiveBack,
    /// Applies the examples, each in a world of its own: apply, an empty second plan, destroy, nothing left over.
    Apply {
        /// Only these; all without any.
        #[arg(value_enum)]
        examples: Vec<Example>,
    },
    /// Prints the environment that a function has in the world that is up.
    Environment {
        /// The function's package, such as alarm-handler.
        function: String,
    },
}

fn main() -> ExitCode {
    match start(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            word_of(&error).map_or(ExitCode::FAILURE, |word| ExitCode::from(word.exit_code()))
        }
    }
}

fn start(command: Command) -> Result<()> {
    if let Command::Serve { detached: true, .. } = command {
        // A session of its own: what becomes of the terminal is nothing to it.
        nix::unistd::setsid()?;
    }
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let ending = Ending::listen()?;
        tokio::select! {
            outcome = run(command, &ending) => outcome,
            word = ending.told_again() => Err(CutShort(word).into()),
        }
    })
}

async fn run(command: Command, ending: &Ending) -> Result<()> {
    match command {
        Command::Demo { mode } => demo::demo(mode, ending).await,
        Command::Up { mode } => background::up(mode, ending).await,
        Command::Serve { mode, .. } => up::serve(mode, ending).await,
        Command::Down => ending.cut(background::down()).await,
        Command::Lose => ending.cut(up::lose()).await,
        Command::GiveBack => ending.cut(up::give_back()).await,
        Command::Apply { examples } if examples.is_empty() => apply::apply(&Example::ALL, ending).await,
        Command::Apply { examples } => apply::apply(&examples, ending).await,
        Command::Environment { function } => ending.cut(Box::pin(up::print_environment(&function))).await,
    }
}
