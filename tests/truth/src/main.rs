//! Plays runs in the local world with real databases, and prints what each reports beside what users saw.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a command: what it prints is what it is for"
)]

mod database;
mod load;
mod play;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use lab::demo::Mode;
use lab::say;
use lab::terraform::stack::{Stack, Wishes};
use lab::world::ending::{CutShort, Ending, word_of};
use lab::world::tools::{Tools, postgres};
use lab::world::{RECOVERY, Settings, World, packages};
use protocol::words::of_ms;
use truth::ledger::Outage;
use truth::scenario::Scenario;
use truth::table::{self, seconds};

use crate::play::{Play, Played, READY};

/// How long evidence must hold.
const CONFIRM_SECONDS: u32 = 10;

/// More orders than any play sends: after one that failed, numbers go on beyond its own.
const NUMBERS_APART: u64 = 1_000_000;

/// Are the figures of a run true? Loses a region under load, and measures from outside.
#[derive(Parser)]
struct Cli {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds, one after the other.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Whether a person approves: the program does, by the printed command.
    #[arg(long, default_value = "automatic")]
    mode: Mode,
    /// Whether each side has a witness, which writes heartbeats.
    #[arg(long)]
    witness: bool,
    /// How often the tick looks again within its minute, 5 to 60; without it, once.
    #[arg(long)]
    watch: Option<u32>,
    /// The functions are built already.
    #[arg(long)]
    prebuilt: bool,
}

fn main() -> ExitCode {
    match start(&Cli::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:?}");
            word_of(&error).map_or(ExitCode::FAILURE, |word| ExitCode::from(word.exit_code()))
        }
    }
}

fn start(cli: &Cli) -> Result<usize> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let ending = Ending::listen()?;
        tokio::select! {
            outcome = run(cli, &ending) => outcome,
            word = ending.told_again() => Err(CutShort(word).into()),
        }
    })
}

/// Gives how many plays did not come to their end, or reported what is not true.
async fn run(cli: &Cli, ending: &Ending) -> Result<usize> {
    let (tools, world) = ending.cut(open(cli)).await?;
    let mut rows = Vec::new();
    let played = ending.cut(Box::pin(play_all(&tools, &world, cli, &mut rows))).await;
    // A function that waits for a lost region would keep the world from ending.
    world.switchboard().return_all_regions();
    world.stop().await;
    if !rows.is_empty() {
        println!();
        for line in table::lines(&rows) {
            println!("{line}");
        }
    }
    if let Ok(failed) = &played {
        println!("{} passed, {failed} failed", rows.len() - failed);
    }
    played
}

async fn open(cli: &Cli) -> Result<(Tools, World)> {
    let tools = Tools::find().await?;
    let programs = postgres().await?;
    if cli.prebuilt {
        packages::pack_all()?;
    } else {
        packages::build().await?;
    }
    let settings = Settings { postgres: Some(programs), ..Settings::default() };
    let world = World::start(&tools, "truth", &settings).await?;
    Ok((tools, world))
}

async fn play_all(tools: &Tools, world: &World, cli: &Cli, rows: &mut Vec<[String; 12]>) -> Result<usize> {
    let wishes = Wishes {
        name: "shop".to_owned(),
        mode: cli.mode.as_str().to_owned(),
        confirm_seconds: CONFIRM_SECONDS,
        every_day: false,
        snapshot_schedule: None,
        witness: cli.witness,
        watch_seconds: cli.watch,
    };
    let stack = Stack::apply(tools, world, &wishes).await?;
    if cli.witness {
        play::prepare_witnesses(world, &stack).await?;
    }
    let mut first = Box::pin(play::live_a_while(world, &stack)).await?;
    world.save(READY).await?;
    let mut failed = 0;
    for seed in cli.seed..cli.seed.saturating_add(cli.seeds) {
        let scenario = Scenario::of(seed);
        say(&format!("seed {seed}: {scenario}"));
        let play = Play { world, stack: &stack, scenario, is_witnessed: cli.witness };
        match Box::pin(play.play(first)).await {
            Ok((played, next)) => {
                first = next;
                show(&played);
                failed += usize::from(!played.untrue.is_empty());
                rows.push(row(&played));
            }
            // Another play begins in the world as it was before.
            Err(error) => {
                say(&format!("  FAILED: {error:#}"));
                first += NUMBERS_APART;
                failed += 1;
                rows.push(row_of_failure(&scenario));
            }
        }
    }
    Ok(failed)
}

/// What came of a play, in sentences.
fn show(played: &Played) {
    let Played { report, audit, ledger, lost_at, served_at, .. } = played;
    let sign = report.first_signal_at.duration_since(*lost_at);
    say(&format!(
        "  first sign {} after the loss; served by {RECOVERY} {} after it",
        seconds(sign),
        seconds(served_at.duration_since(*lost_at))
    ));
    say(&format!(
        "  {} orders: {} lost, {} recovered without an acknowledgement, {} twice, {} that nobody sent",
        ledger.orders().count(),
        audit.lost.len(),
        audit.recovered.len(),
        audit.duplicated.len(),
        audit.unexpected.len()
    ));
    for loss in &report.data_loss {
        let sampled = loss.sampled_at.map(|at| seconds(lost_at.duration_since(at)));
        say(&format!(
            "  {}: lag {:?} ms, {} {} before the loss",
            loss.database,
            loss.lag_ms,
            if loss.replayed_until.is_some() { "witnessed, as of" } else { "sampled" },
            sampled.unwrap_or_default()
        ));
    }
    played.untrue.iter().for_each(|untrue| say(&format!("  UNTRUE: {untrue}")));
}

fn row_of_failure(scenario: &Scenario) -> [String; 12] {
    let mut row: [String; 12] = std::array::from_fn(|_| String::new());
    let [seed, play, .., is_true] = &mut row;
    (*seed, *play, *is_true) = (scenario.seed.to_string(), scenario.to_string(), "did not end".to_owned());
    row
}

fn row(played: &Played) -> [String; 12] {
    let Played { scenario, report, audit, ledger, outage, lost_at, served_at, asked, untrue } = played;
    let seconds_of = |ms: u64| seconds(of_ms(ms));
    let out = |outage: Option<Outage>| outage.map_or_else(String::new, |outage| seconds(outage.lasted()));
    let asked = if asked.is_empty() { String::new() } else { format!(" ({})", asked.join(", ")) };
    [
        scenario.seed.to_string(),
        format!("{scenario}{asked}"),
        seconds(report.first_signal_at.duration_since(*lost_at)),
        seconds_of(report.rto_ms),
        seconds(served_at.duration_since(report.first_signal_at)),
        report.rpo_estimate_ms.map_or_else(|| "unknown".to_owned(), seconds_of),
        report.loss_at_most_ms.map_or_else(|| "unknown".to_owned(), seconds_of),
        seconds(audit.loss),
        audit.lost.len().to_string(),
        out(*outage),
        out(ledger.outage_of_writes()),
        if untrue.is_empty() { "yes".to_owned() } else { "NO".to_owned() },
    ]
}
