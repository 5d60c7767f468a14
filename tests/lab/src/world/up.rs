//! A world for use by hand: started with a small stack, and there until it is told to end.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::json;

use crate::cloud::Cloud;
use crate::cloud::http;
use crate::demo::{self, Mode};
use crate::terraform::stack::{Stack, Wishes};
use crate::world::ending::{Ending, Word, word_of};
use crate::world::lock::{Claim, Desk, Note};
use crate::world::packages;
use crate::world::tools::Tools;
use crate::world::{PRIMARY, RECOVERY, World};
use crate::{say, show};

/// Serves a world until it is told to end, which is its success.
pub async fn serve(mode: Mode, ending: &Ending) -> Result<()> {
    let claim = Desk::of_checkout()?.claim().await?;
    let mut is_ready = false;
    let outcome = stay(mode, ending, &claim, &mut is_ready).await;
    match outcome.as_ref().err().and_then(word_of) {
        Some(Word::Terminate) => Ok(()),
        Some(_) if is_ready => Ok(()),
        _ => outcome,
    }
}

async fn stay(mode: Mode, ending: &Ending, claim: &Claim, is_ready: &mut bool) -> Result<()> {
    let (tools, mut world) = ending.cut(demo::open("lab")).await?;
    let told = ending.cut(live(&tools, &mut world, mode, claim, is_ready)).await;
    say("ending the world");
    world.stop().await;
    say("everything that was started has ended");
    told
}

/// Makes the world ready; then comes back only when it fails.
async fn live(
    tools: &Tools,
    world: &mut World,
    mode: Mode,
    claim: &Claim,
    is_ready: &mut bool,
) -> Result<()> {
    let mode = mode.as_str().to_owned();
    let wishes = Wishes {
        name: "shop".to_owned(),
        mode,
        confirm_seconds: demo::CONFIRM_SECONDS,
        every_day: true,
        snapshot_schedule: None,
        witness: false,
        watch_seconds: None,
    };
    let stack = Stack::apply(tools, world, &wishes).await?;
    Box::pin(stack.keep_up(&world.cloud)).await?;
    let note = note(world, &stack)?;
    print_help(&stack, &note.accelerator_url)?;
    claim.publish(&note, &demo::environment(&note.endpoint_url))?;
    *is_ready = true;
    Err(world.failed().await)
}

fn note(world: &World, stack: &Stack) -> Result<Note> {
    let addresses = world.gateway.addresses();
    // Of a plan without a witness, say, there is no function for it.
    let function = |short: &str| Some((short.to_owned(), stack.function(short).ok()?.to_owned()));
    Ok(Note {
        pid: std::process::id(),
        endpoint_url: addresses.endpoint_url.clone(),
        control_url: addresses.control_url.clone(),
        upstream_url: addresses.upstream_url.clone(),
        accelerator_url: world.accelerator_url()?,
        site_urls: addresses.site_urls.clone(),
        functions: packages::FUNCTIONS.into_iter().filter_map(function).collect::<BTreeMap<_, _>>(),
    })
}

fn print_help(stack: &Stack, accelerator_url: &str) -> Result<()> {
    let alarm = stack.output(&["alarms", "web-unhealthy", "name"])?;
    let status = stack.output(&["status_command"])?;
    show("\nThe world is up. In any terminal, from the checkout's root:\n");
    show("  . .lab/env                # points the AWS CLI at it");
    show(&format!("  {status}"));
    show(&format!("  curl {accelerator_url}    # what a user gets"));
    show(&format!("  make lab-lose             # cuts {PRIMARY} off; make lab-return brings it back"));
    show(&format!(
        "  aws cloudwatch set-alarm-state --region {PRIMARY} --alarm-name {alarm} --state-value ALARM --state-reason drill"
    ));
    show("  make watch                # serves the functions from source, against it");
    show("  make lab-down             # ends it\n");
    show(&format!("Plan {}: {PRIMARY} -> {RECOVERY}. Ready.", stack.name));
    Ok(())
}

/// Cuts the primary region of the world that is up off.
pub async fn lose() -> Result<()> {
    let note = Desk::of_checkout()?.note().await?;
    http::json("PUT", &gateway_url(&note), Some(&json!({ "mode": "hang" }))).await?;
    http::json("PUT", &emulator_url(&note), Some(&json!({ "lost": true }))).await?;
    say(&format!("{PRIMARY} is cut off: no API call, no user, no probe gets through"));
    Ok(())
}

/// Brings it back.
pub async fn give_back() -> Result<()> {
    let note = Desk::of_checkout()?.note().await?;
    http::json("PUT", &emulator_url(&note), Some(&json!({ "lost": false }))).await?;
    http::json("DELETE", &gateway_url(&note), None).await?;
    say(&format!("{PRIMARY} is back"));
    Ok(())
}

fn gateway_url(note: &Note) -> String {
    format!("{}/_gateway/regions/{PRIMARY}", note.control_url)
}

fn emulator_url(note: &Note) -> String {
    format!("{}/_lab/regions/{PRIMARY}", note.upstream_url)
}

/// Prints the environment of a function that is deployed in the world that is up, one `NAME=value` in each line.
pub async fn print_environment(function: &str) -> Result<()> {
    let note = Desk::of_checkout()?.note().await?;
    let name = note.functions.get(function).with_context(|| {
        let known: Vec<&str> = note.functions.keys().map(String::as_str).collect();
        format!("there is no function {function}; say one of: {}", known.join(", "))
    })?;
    let variables = Cloud::new(&note.endpoint_url).environment_of(RECOVERY, name).await?;
    for (name, value) in variables {
        show(&format!("{name}={value}"));
    }
    show(&format!("AWS_REGION={RECOVERY}"));
    show(&format!("AWS_ENDPOINT_URL={}", note.endpoint_url));
    Ok(())
}
