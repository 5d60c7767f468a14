//! Would anybody see the loss, hear the commands and tell the people?

use super::facts::{Subscriptions, Unseen, seen};
use super::{Check, Scene};
use crate::arn::Arn;
use crate::observation::ProbeAnswer;

pub(super) const NAMES: &[&str] = &[PROBE, SIGNALS, COMMANDS, NOTICES];

const PROBE: &str = "probe_answers";
const SIGNALS: &str = "signals_heard";
const COMMANDS: &str = "commands_heard";
const NOTICES: &str = "people_told";

/// The functions that take step commands, one subscription each.
const STEP_FUNCTIONS: u32 = 4;

const APPLY: &str = "Apply the orchestrator module again.";

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    let mut checks = probes(scene);
    checks.extend(signals(scene));
    checks.push(commands(scene));
    checks.push(notices(scene));
    checks
}

/// A probe that gets no good answer on a good day can show neither loss nor life. When everything has moved, the old
/// side need not answer.
fn probes(scene: &Scene<'_>) -> Vec<Check> {
    if scene.plan.routes.iter().all(|route| scene.state.holdings.is_active(&route.name)) {
        return Vec::new();
    }
    let side = scene.plan.seat.other().as_str();
    let remedy = format!(
        "Check whether the primary serves. If it does, correct detection.sides.{side}.probes of the plan."
    );
    let check = |probe: &crate::plan::Probe| {
        let name = probe.name();
        let remedy = remedy.as_str();
        match scene.facts.probes.iter().find(|seen| seen.name == *name).map(|seen| &seen.answer) {
            Some(ProbeAnswer::Good) => Check::ready(PROBE, name, "The probe gets good answers."),
            Some(ProbeAnswer::Bad { detail }) => Check::not_ready(
                PROBE,
                name,
                format!("The probe gets no good answer: {}.", detail.trim_end_matches('.')),
                remedy,
            ),
            Some(ProbeAnswer::Unknown { detail }) => {
                let why = format!("The probe could not run: {}.", detail.trim_end_matches('.'));
                Check::unknown(PROBE, name, &Unseen::new(why, remedy))
            }
            None => Check::unknown(PROBE, name, &Unseen::not_looked_at()),
        }
    };
    scene.plan.watched().probes.iter().map(check).collect()
}

/// The signals topics of the recovery region. Those of the primary lie where nothing may be depended upon.
fn signals(scene: &Scene<'_>) -> Vec<Check> {
    let of_recovery =
        |topic: &&String| Arn::parse(topic).is_some_and(|arn| arn.region == scene.plan.own().region);
    let check = |topic: &String| {
        let short = short(topic);
        match topic_seen(scene, topic) {
            Err(unseen) => Check::unknown(SIGNALS, short, &unseen),
            Ok(Some(Subscriptions { confirmed: 1.., .. })) => {
                Check::ready(SIGNALS, short, "alarm-handler receives its alarms.")
            }
            Ok(Some(_)) => Check::not_ready(
                SIGNALS,
                short,
                "The topic has no confirmed subscription, so no function receives its alarms.",
                APPLY,
            ),
            Ok(None) => Check::not_ready(SIGNALS, short, "The topic does not exist.", APPLY),
        }
    };
    scene.plan.detection.topics.iter().filter(of_recovery).map(check).collect()
}

fn commands(scene: &Scene<'_>) -> Check {
    let topic = &scene.facts.commands_topic;
    let short = short(topic);
    match topic_seen(scene, topic) {
        Err(unseen) => Check::unknown(COMMANDS, short, &unseen),
        Ok(None) => Check::not_ready(COMMANDS, short, "The topic does not exist.", APPLY),
        Ok(Some(Subscriptions { confirmed, .. })) if *confirmed >= STEP_FUNCTIONS => {
            Check::ready(COMMANDS, short, format!("All {STEP_FUNCTIONS} functions receive the commands."))
        }
        Ok(Some(Subscriptions { confirmed, .. })) => {
            let sentence = format!("Only {confirmed} of {STEP_FUNCTIONS} functions receive the commands.");
            Check::not_ready(COMMANDS, short, sentence, APPLY)
        }
    }
}

fn notices(scene: &Scene<'_>) -> Check {
    let topic = &scene.facts.notices_topic;
    let short = short(topic);
    match topic_seen(scene, topic) {
        Err(unseen) => Check::unknown(NOTICES, short, &unseen),
        Ok(None) => Check::not_ready(NOTICES, short, "The topic does not exist.", APPLY),
        Ok(Some(Subscriptions { confirmed: 0, pending: 0 })) => {
            let remedy = "Add an address to notice_emails of the orchestrator module, or subscribe a pager \
                          to this topic.";
            Check::not_ready(
                NOTICES,
                short,
                "The topic has no subscriber, so no notice reaches a person.",
                remedy,
            )
        }
        Ok(Some(Subscriptions { confirmed, pending: 0 })) => {
            Check::ready(NOTICES, short, format!("Confirmed subscriptions: {confirmed}."))
        }
        Ok(Some(Subscriptions { confirmed, pending })) => {
            let sentence = format!("Confirmed subscriptions: {confirmed}; unconfirmed: {pending}.");
            let remedy = "Confirm the subscription request that SNS sent to each address, or remove the \
                          address.";
            Check::not_ready(NOTICES, short, sentence, remedy)
        }
    }
}

fn topic_seen<'s>(scene: &'s Scene<'_>, topic: &str) -> Result<&'s Option<Subscriptions>, Unseen> {
    seen(&scene.facts.topics, topic)
}

/// A topic's own name.
fn short(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}
