//! The operator's program on this machine: its arguments, terminal, environment, files and clock.

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use async_trait::async_trait;
use clap::Parser;
use jiff::Timestamp;
use pilotlight::arguments::Arguments;
use pilotlight::desk::Surroundings;
use pilotlight::exit::Exit;
use pilotlight::lambda::LambdaInstallation;
use pilotlight::program;
use ports::Clock;

/// Longest file that is taken for a plan.
const PLAN_BYTES_MAX: u64 = 4 * 1024 * 1024;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // What is written to a pipe that nobody reads any more is no mistake of the line.
    let exit = run(&arguments).unwrap_or(Exit::Refused);
    ExitCode::from(exit.code())
}

fn run(arguments: &Arguments) -> io::Result<Exit> {
    let (mut out, mut err) = (anstream::stdout(), anstream::stderr());
    let (out, err): (&mut dyn Write, &mut dyn Write) = (&mut out, &mut err);
    let machine = Machine;
    let chosen = match arguments.place(&machine) {
        Ok(Some(chosen)) => chosen,
        Ok(None) => return program::answer_locally(arguments, &machine, out, err),
        Err(unanswered) => return program::refuse(&unanswered, arguments.format(), out, err),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let installation = LambdaInstallation::new(&chosen).await;
        program::answer(arguments, &chosen, &installation, &WallClock, &machine, (out, err)).await
    })
}

/// This machine.
struct Machine;

impl Surroundings for Machine {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place of the program that reads the environment"
    )]
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn directory(&self) -> PathBuf {
        std::env::current_dir().unwrap_or_default()
    }

    fn is_attended(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    fn typed(&self) -> io::Result<String> {
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        Ok(line)
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        let source: Box<dyn Read> =
            if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(std::fs::File::open(path)?) };
        let mut text = String::new();
        source.take(PLAN_BYTES_MAX).read_to_string(&mut text)?;
        Ok(text)
    }
}

/// The machine's clock.
struct WallClock;

#[async_trait]
impl Clock for WallClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place of the program that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place of the program that sleeps")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
