//! What goes wrong in the steps of a failover: each step of four stacks meets another harm, all at the same time.
//!
//! The gateway tells the calls of one function from those of all others by its access key, so the stacks don't disturb
//! each other.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures::future::try_join_all;
use gateway::{CountFilter, Effect, ErrorAnswer, Match, Rule, RuleId};
use lab::say;
use lab::world::{RECOVERY, pause};
use protocol::command::Step;
use protocol::state::{Phase, Progress, State};
use serde_json::json;

use crate::scene::{Part, Scene};

/// What happens to the one call that brings a step's effect about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    /// The worker is killed while the call is on its way; the call lands.
    Killed,
    /// The service refuses it some times.
    Throttled,
    /// It is carried out, and its answer never arrives.
    AnswerLost,
    /// The role may not make it, until somebody allows it.
    Denied,
}

/// Which harm meets which step: scale, fence, promote, open.
const HARMS: [(Part, [Harm; 4]); 4] = [
    (Part::Killed, [Harm::Killed, Harm::Throttled, Harm::Killed, Harm::AnswerLost]),
    (Part::Throttled, [Harm::Throttled, Harm::Killed, Harm::Throttled, Harm::Throttled]),
    (Part::LostAnswer, [Harm::AnswerLost, Harm::AnswerLost, Harm::AnswerLost, Harm::Killed]),
    (Part::Denied, [Harm::Denied; 4]),
];

/// The steps in the order of [`HARMS`], with the call that brings each effect about.
const CALLS: [Call; 4] = [
    Call {
        step: Step::Scale,
        subject: "web",
        function: "scale-asg",
        service: "autoscaling",
        action: "UpdateAutoScalingGroup",
    },
    Call {
        step: Step::Fence,
        subject: "front",
        function: "shift-traffic",
        service: "globalaccelerator",
        action: "UpdateEndpointGroup",
    },
    Call {
        step: Step::Promote,
        subject: "orders",
        function: "promote-replica",
        service: "rds",
        action: "PromoteReadReplica",
    },
    Call {
        step: Step::Open,
        subject: "front",
        function: "shift-traffic",
        service: "globalaccelerator",
        action: "UpdateEndpointGroup",
    },
];

/// How long a call hangs at most, so that its worker can be killed meanwhile: as long as the gateway lets it.
const HANGS_MS_MOST: u64 = 600_000;

/// How often a throttled call is refused: more often than the SDK tries by itself.
const REFUSED_TIMES: u64 = 4;

/// How long a harm may take to come: a worker of the step before may have been killed, and its lease has to end.
const COMES_WITHIN: Duration = Duration::from_mins(15);

/// The call of a step.
struct Call {
    step: Step,
    subject: &'static str,
    function: &'static str,
    service: &'static str,
    action: &'static str,
}

impl Call {
    fn begins(&self) -> String {
        format!("Step {} of {} begins", self.step, self.subject)
    }
}

/// Lets a stack fail over while each of its steps meets its harm, and checks that it ends in the one right place.
pub(crate) async fn suffer(scene: &Scene<'_>, part: Part) -> Result<()> {
    let harms = HARMS.into_iter().find_map(|(found, harms)| (found == part).then_some(harms));
    let [scale, fence, promote, open] = harms.context("the part has its harms")?;
    let [scale_call, fence_call, promote_call, open_call] = &CALLS;
    // Set before the run begins; that of the opening only when the fence is done, which is the same kind of call.
    let begun = futures::try_join!(
        set(scene, part, scale_call, scale),
        set(scene, part, fence_call, fence),
        set(scene, part, promote_call, promote),
    )?;
    let opening = async {
        let fenced = |state: &State| is_done(state, Step::Fence);
        scene.until(part, "the fence is done", COMES_WITHIN, fenced).await?;
        let rule = set(scene, part, open_call, open).await?;
        meet(scene, part, open_call, open, rule).await
    };
    scene.bring_on(part).await?;
    if fence == Harm::Denied {
        // A call that is denied is not the last of its step, and the run waits for a person each time.
        let early =
            vec![(scale_call, Some(begun.0)), (fence_call, Some(begun.1)), (promote_call, Some(begun.2))];
        allow_one_after_the_other(scene, part, early, open_call).await?;
    } else {
        futures::try_join!(
            meet(scene, part, scale_call, scale, begun.0),
            meet(scene, part, fence_call, fence, begun.1),
            meet(scene, part, promote_call, promote, begun.2),
            opening,
            async { scene.must_complete(part).await.map(|_| ()) },
        )?;
    }
    for (call, harm) in CALLS.iter().zip([scale, fence, promote, open]) {
        must_have_ended_well(scene, part, call, harm).await?;
    }
    must_have_been_called_once(scene, part, [scale, fence, promote, open]).await
}

fn is_done(state: &State, step: Step) -> bool {
    state.run.as_ref().is_some_and(|run| run.steps.of(step).any(|(_, progress)| progress.is_done()))
}

/// Sets the harm for the function's calls; gives the rule's id.
async fn set(scene: &Scene<'_>, part: Part, call: &Call, harm: Harm) -> Result<RuleId> {
    let caller = scene.function(part, call.function).await?.access_key;
    let matching = Match::service(call.service).action(call.action).principal(&caller);
    let rule = match harm {
        Harm::Killed => Rule::new(matching, Effect::DelayMs(HANGS_MS_MOST)).times(1),
        Harm::Throttled => Rule::new(matching, Effect::Throttle).times(REFUSED_TIMES),
        Harm::AnswerLost => Rule::new(matching, Effect::LoseAnswer).times(1),
        Harm::Denied => {
            let (status, message) = (403, Some("not authorized".to_owned()));
            Rule::new(matching, Effect::Error(ErrorAnswer { status, code: "AccessDenied".into(), message }))
        }
    };
    Ok(scene.world.switchboard().add_rule(rule)?)
}

/// Waits until the harm has come as often as it should; kills the worker where that is the harm.
async fn meet(scene: &Scene<'_>, part: Part, call: &Call, harm: Harm, rule: RuleId) -> Result<()> {
    let times = if harm == Harm::Throttled { REFUSED_TIMES } else { 1 };
    let every = Duration::from_millis(50);
    let mut left = COMES_WITHIN;
    while fired(scene, rule) < times {
        left = left.checked_sub(every).with_context(|| {
            format!("{part:?}: {} was not {harm:?} {times} times in its step {}", call.action, call.step)
        })?;
        pause(every).await;
    }
    if harm == Harm::Killed {
        scene.kill(part, call.function).await?;
        // And the call lands without it.
        scene.world.switchboard().remove_rule(rule);
        say(&format!("{}: the worker of step {} is killed", scene.stack(part).name, call.step));
    }
    Ok(())
}

fn fired(scene: &Scene<'_>, rule: RuleId) -> u64 {
    scene.world.switchboard().rules().iter().find(|found| found.id == rule).map_or(0, |found| found.fired)
}

/// Each denied call stops the run for a person, who allows it and approves; nothing goes on without.
async fn allow_one_after_the_other(
    scene: &Scene<'_>,
    part: Part,
    mut rules: Vec<(&Call, Option<RuleId>)>,
    open: &Call,
) -> Result<()> {
    let rests = |state: &State| {
        state
            .run
            .as_ref()
            .is_some_and(|run| matches!(run.phase, Phase::NeedsOperator { .. }) || run.phase.is_final())
    };
    for _ in 0..8 {
        let state = scene.until(part, "the run stops or ends", COMES_WITHIN, rests).await?;
        let run = state.run.as_ref().context("a run")?;
        if run.phase.is_final() {
            let stuck: Vec<_> =
                rules.iter().filter(|(_, rule)| rule.is_some()).map(|(call, _)| call.step).collect();
            ensure!(stuck.is_empty(), "the run ended although {stuck:?} were still denied");
            scene.must_complete(part).await?;
            return Ok(());
        }
        let failed = |step: Step| {
            let found = run.steps.of(step).next();
            found.is_some_and(
                |(_, progress)| matches!(progress, Progress::Failed { code, .. } if code == "denied"),
            )
        };
        let mut allowed = Vec::new();
        for (call, rule) in &mut rules {
            if failed(call.step)
                && let Some(id) = rule.take()
            {
                scene.world.switchboard().remove_rule(id);
                allowed.push(call.step);
            }
        }
        ensure!(!allowed.is_empty(), "the run stopped for something else: {:?}", run.phase);
        if allowed.contains(&Step::Promote) || allowed.contains(&Step::Scale) {
            say(&format!("{}: {allowed:?} are allowed now", scene.stack(part).name));
        }
        ensure!(
            !is_done(&state, Step::Promote) || is_done(&state, Step::Fence),
            "promoted although the fence was denied"
        );
        if is_done(&state, Step::Fence) && !rules.iter().any(|(call, _)| call.step == Step::Open) {
            rules.push((open, Some(set(scene, part, open, Harm::Denied).await?)));
        }
        scene.operate(part, &json!({ "command": "approve", "run": run.id, "by": "ana" })).await?;
        // What was allowed is begun anew; until then the run still shows that it failed.
        let id = run.id;
        let moved_on = move |state: &State| {
            state
                .run
                .as_ref()
                .is_some_and(|run| run.id == id && !matches!(run.phase, Phase::NeedsOperator { .. }))
        };
        scene.until(part, "the approval counts", COMES_WITHIN, moved_on).await?;
    }
    bail!("the run stopped more often than something was denied")
}

/// What the journal says of a step that met a harm.
async fn must_have_ended_well(scene: &Scene<'_>, part: Part, call: &Call, harm: Harm) -> Result<()> {
    let records = scene.journal(part).await?;
    let begins = call.begins();
    let intents = records.iter().filter(|record| record.sentence.starts_with(&begins)).count();
    match harm {
        Harm::Killed => {
            ensure!(intents >= 2, "{part:?}, {}: no other worker took over: {intents} intents", call.step);
        }
        Harm::Throttled | Harm::AnswerLost => {
            ensure!(intents == 1, "{part:?}, {}: {intents} intents, though its worker lived", call.step);
        }
        Harm::Denied => {
            let service = call.service;
            let words = format!("{service}:{} was denied", call.action);
            let said = records.iter().any(|record| record.sentence.contains(&words));
            ensure!(said, "{part:?}, {}: nobody said that {words}", call.step);
        }
    }
    Ok(())
}

/// One effect of each step: as many calls reached the service as there were steps. Of a lost answer the SDK knows
/// nothing, and calls again: that one is refused, or changes nothing.
async fn must_have_been_called_once(scene: &Scene<'_>, part: Part, harms: [Harm; 4]) -> Result<()> {
    for function in ["scale-asg", "promote-replica", "shift-traffic"] {
        let calls = || CALLS.iter().zip(harms).filter(|(call, _)| call.function == function);
        let steps = calls().count() as u64;
        let lost = calls().filter(|(_, harm)| *harm == Harm::AnswerLost).count() as u64;
        let (call, _) = calls().next().context("a function has a call")?;
        let filter = CountFilter {
            service: Some(call.service.into()),
            action: Some(call.action.into()),
            principal: Some(scene.function(part, function).await?.access_key),
            ..CountFilter::default()
        };
        let count = scene.world.switchboard().counts(&filter).total.forwarded;
        ensure!(
            (steps..=steps + lost).contains(&count),
            "{part:?}: {} reached the service {count} times, for {steps} steps and {lost} lost answers",
            call.action
        );
    }
    Ok(())
}

/// Commands come before they are due and in the reverse order, twice while they are, and once more after the end.
pub(crate) async fn repeated(scene: &Scene<'_>, part: Part) -> Result<()> {
    let begun = |state: &State| state.run.as_ref().is_some_and(|run| run.has_begun(Step::Promote));
    let state = scene.until(part, "the promotion begins", COMES_WITHIN, begun).await?;
    let run = state.run.map_or(0, |run| run.id);
    for step in [Step::Open, Step::Promote, Step::Fence, Step::Scale, Step::Promote] {
        command_again(scene, part, step, run).await?;
    }
    let over = |state: &State| state.run.as_ref().is_some_and(|run| run.phase.is_final());
    scene.until(part, "the run ends", COMES_WITHIN, over).await?;
    out_of_turn(scene, part, run).await
}

/// A command that is not due leaves no trace.
pub(crate) async fn out_of_turn(scene: &Scene<'_>, part: Part, run: u64) -> Result<()> {
    let before = scene.journal(part).await?.len();
    let steps = [Step::Verify, Step::Open, Step::Promote, Step::Fence, Step::Scale];
    try_join_all(steps.map(|step| command_again(scene, part, step, run))).await?;
    // A tick may write what it saw meanwhile; what a step does begins with its intent.
    let since = scene.journal(part).await?.into_iter().skip(before).map(|record| record.sentence);
    let traces: Vec<String> = since.filter(|sentence| sentence.starts_with("Step ")).collect();
    ensure!(traces.is_empty(), "{part:?}: a command that is not due left a trace: {traces:?}");
    Ok(())
}

/// Delivers a command of the commands topic once more, as SNS may.
async fn command_again(scene: &Scene<'_>, part: Part, step: Step, run: u64) -> Result<()> {
    let stack = scene.stack(part);
    let (function, subject) = CALLS
        .iter()
        .find_map(|call| (call.step == step).then_some((call.function, call.subject)))
        .unwrap_or(("alarm-handler", "front"));
    let command = json!({ "plan": stack.name, "run": run, "step": step, "subjects": [subject] });
    let topic = stack.output(&["topic_arns", "commands"])?;
    let event = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "TopicArn": topic, "Message": command.to_string() } }] });
    let answer = scene.world.cloud.invoke(RECOVERY, stack.function(function)?, &event).await?;
    ensure!(!answer.is_error, "{step}: {}", answer.payload);
    Ok(())
}

/// RDS refuses every other look.
pub(crate) async fn refuse_looks(scene: &Scene<'_>, part: Part) -> Result<()> {
    let caller = scene.function(part, "promote-replica").await?.access_key;
    let looks = Match::service("rds").action("DescribeDBInstances").principal(&caller);
    scene.world.switchboard().add_rule(Rule::new(looks, Effect::Throttle).probability(0.5))?;
    Ok(())
}
