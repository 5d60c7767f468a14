//! Are the functions of one release, able to start, and is nothing left lying that was meant for them?

use std::collections::BTreeMap;

use super::facts::{FunctionFacts, Unseen, seen, seen_one};
use super::{Check, Scene};
use crate::name::Name;
use crate::readiness::names::OF_A_RUN;
use crate::words::{function_name, list};

pub(super) const NAMES: &[&str] = &[RELEASED, RESERVED, QUEUES, CHAINS];

const RELEASED: &str = "functions_released";
const RESERVED: &str = "functions_reserved";
const QUEUES: &str = "dead_letters_empty";
const CHAINS: &str = "chains_short";

/// How often Lambda invokes one function within one chain of messages, before it takes the chain for a loop.
const CHAIN_MAX: usize = 16;

/// So many invocations of one function may come together: a tick, a signal and an operator.
const RESERVED_MIN: u32 = 3;

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    vec![released(scene), reserved(scene), queues(scene), chains(scene)]
}

/// A function without concurrency of its own shares the account's with the workload, which starts in the same minutes.
/// One whose reservation is zero never runs at all: that is how a function is switched off.
fn reserved(scene: &Scene<'_>) -> Check {
    let name = &scene.plan.name;
    let release = match seen_one(scene.facts.release.as_ref()) {
        Ok(release) => release,
        Err(unseen) => return Check::unknown(RESERVED, name, &unseen),
    };
    let of_a_run = OF_A_RUN.map(|function| function_name(scene.plan, function));
    let (mut off, mut short, mut unseen) = (Vec::new(), Vec::new(), None);
    for function in release.keys() {
        let is_of_a_run = of_a_run.contains(function);
        match seen(&scene.facts.reserved, function) {
            Ok(Some(0)) => off.push(function.clone()),
            Ok(Some(count)) if is_of_a_run && *count < RESERVED_MIN => {
                short.push(format!("{function} has {count} reserved"));
            }
            Ok(None) if is_of_a_run => short.push(format!("{function} has none reserved")),
            Ok(_) => {}
            Err(why) => unseen = unseen.or(Some(why)),
        }
    }
    if !off.is_empty() {
        let sentence = format!("The reserved concurrency of {} is 0, so Lambda never runs it.", list(off));
        let remedy = "Apply the orchestrator module, or remove the limit: aws lambda \
                      delete-function-concurrency --function-name <function>.";
        return Check::not_ready(RESERVED, name, sentence, remedy);
    }
    if let Some(unseen) = unseen {
        return Check::unknown(RESERVED, name, &unseen);
    }
    if short.is_empty() {
        let sentence = format!(
            "Each function that a run needs has at least {RESERVED_MIN} reserved concurrent executions."
        );
        return Check::ready(RESERVED, name, sentence);
    }
    let sentence = format!(
        "Of the account's concurrent executions, {}. A workload that starts in {} can use all unreserved \
         executions and throttle its own failover.",
        list(short),
        scene.plan.own().region
    );
    let remedy = "Set reserved_concurrency = 3 in the orchestrator module. The quota \"Concurrent \
                  executions\" must leave 100 for everything else.";
    Check::note(RESERVED, name, sentence, remedy)
}

/// Each item that waits for another of its kind is one more invocation of the same function by its own message.
fn chains(scene: &Scene<'_>) -> Check {
    let plan = scene.plan;
    let databases = longest(plan.databases.iter().map(|item| (&item.name, item.after.as_slice())));
    let fleets = longest(plan.fleets.iter().map(|item| (&item.name, item.after.as_slice())));
    let longest = databases.max(fleets);
    if longest <= CHAIN_MAX {
        let sentence = format!(
            "The longest chain of items that wait for each other has {longest}; Lambda allows {CHAIN_MAX}."
        );
        return Check::ready(CHAINS, &plan.name, sentence);
    }
    let sentence = format!(
        "The longest chain of items that wait for each other (after) has {longest}, and Lambda stops a chain \
         of messages after {CHAIN_MAX}. The tick resumes it within a minute, and each stop leaves a message \
         in a dead-letter queue."
    );
    let remedy = "Shorten the chain (after), or expect one more minute for every 16 items.";
    Check::note(CHAINS, &plan.name, sentence, remedy)
}

/// How many items of one kind wait for each other in the longest row. A plan that was validated has no circle; one that
/// has is cut off.
fn longest<'p>(items: impl Iterator<Item = (&'p Name, &'p [Name])>) -> usize {
    let items: Vec<(&Name, &[Name])> = items.collect();
    let mut depth: BTreeMap<&Name, usize> = items.iter().map(|(name, _)| (*name, 1)).collect();
    for _ in 0..items.len() {
        let mut has_grown = false;
        for (name, after) in &items {
            let before = after.iter().filter_map(|other| depth.get(other)).max().copied().unwrap_or(0);
            let own = depth.entry(name).or_insert(1);
            if *own <= before && before < items.len() {
                *own = before + 1;
                has_grown = true;
            }
        }
        if !has_grown {
            break;
        }
    }
    depth.into_values().max().unwrap_or(0)
}

/// The worst of the functions speaks for all of them.
fn released(scene: &Scene<'_>) -> Check {
    let name = &scene.plan.name;
    let release = match seen_one(scene.facts.release.as_ref()) {
        Ok(release) => release,
        Err(unseen) => return Check::unknown(RELEASED, name, &unseen),
    };
    let (mut wrong, mut unseen) = (Vec::new(), None);
    for (function, code) in release {
        match seen(&scene.facts.functions, function) {
            Ok(None) => wrong.push(format!("{function} does not exist")),
            Ok(Some(facts)) => {
                wrong.extend(trouble(facts, code).map(|trouble| format!("{function} {trouble}")));
            }
            Err(why) => unseen = unseen.or(Some(why)),
        }
    }
    if !wrong.is_empty() {
        let remedy = "Deploy all functions from one build: apply the orchestrator module, or run the \
                      delivery again. To wake an inactive function, invoke it with {}.";
        return Check::not_ready(RELEASED, name, format!("{}.", list(wrong)), remedy);
    }
    if let Some(unseen) = unseen {
        return Check::unknown(RELEASED, name, &unseen);
    }
    match release.len() {
        0 => Check::unknown(
            RELEASED,
            name,
            &Unseen::new("The release names no function.", "Apply the orchestrator module again."),
        ),
        count => Check::ready(
            RELEASED,
            name,
            format!("All {count} functions are active and run the code of one release."),
        ),
    }
}

/// What is wrong with a function, to be read after its name.
fn trouble(facts: &FunctionFacts, code: &str) -> Option<String> {
    let FunctionFacts { code_sha256, state, last_update, .. } = facts;
    if state != "Active" {
        return Some(format!("is {state}, not Active"));
    }
    if last_update != "Successful" {
        return Some(format!("has the last update status {last_update}"));
    }
    (code_sha256 != code).then(|| "does not run the code of the release".to_owned())
}

/// What lies in a queue was not delivered or not handled, and nobody has looked at it yet.
fn queues(scene: &Scene<'_>) -> Check {
    let name = &scene.plan.name;
    let (mut full, mut unseen) = (Vec::new(), None);
    for (queue, messages) in &scene.facts.dead_letters {
        match messages {
            Ok(None) => full.push((queue, format!("{queue} does not exist"))),
            Ok(Some(0)) => {}
            Ok(Some(1)) => full.push((queue, format!("{queue} holds 1 message"))),
            Ok(Some(count)) => full.push((queue, format!("{queue} holds {count} messages"))),
            Err(why) => unseen = unseen.or(Some(why)),
        }
    }
    if let Some((first, _)) = full.first() {
        let region = &scene.plan.own().region;
        let remedy = format!(
            "Read the lost messages and fix their cause, then purge the queue: aws sqs purge-queue --region \
             {region} --queue-url $(aws sqs get-queue-url --region {region} --queue-name {first} --query \
             QueueUrl --output text)"
        );
        return Check::not_ready(
            QUEUES,
            name,
            format!("{}.", list(full.iter().map(|(_, text)| text.clone()))),
            remedy,
        );
    }
    if let Some(unseen) = unseen {
        return Check::unknown(QUEUES, name, unseen);
    }
    match (scene.facts.dead_letters.len(), seen_one(scene.facts.release.as_ref())) {
        (0, Err(unseen)) => Check::unknown(QUEUES, name, &unseen),
        (0, Ok(_)) => Check::unknown(QUEUES, name, &Unseen::not_looked_at()),
        (count, _) => Check::ready(QUEUES, name, format!("All {count} dead-letter queues are empty.")),
    }
}
