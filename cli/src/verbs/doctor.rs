//! Can the program reach the functions, and what is deployed?

use ports::Failure;
use protocol::incoming::command::Function;
use protocol::name::Name;
use protocol::operator::OperatorCommand;
use serde_json::{Value, json};

use crate::ask::ask;
use crate::desk::version;
use crate::discovery::{Chosen, function_of, plan_of};
use crate::exit::Exit;
use crate::installation::Installation;
use crate::screen::{Grid, Screen};

/// The functions without which no failover works, beside the alarm-handler.
const WORKERS: [&str; 3] = ["promote-replica", "scale-asg", "shift-traffic"];

/// Most characters shown of a code's hash.
const HASH_SHOWN: usize = 12;

/// What is known of one thing.
struct Symptom {
    what: String,
    /// Nothing where it is not known, which is no fault of the installation.
    is_well: Option<bool>,
    words: String,
}

impl Symptom {
    fn new(what: &str, is_well: Option<bool>, words: impl Into<String>) -> Self {
        Self { what: what.to_owned(), is_well, words: words.into() }
    }

    fn word(&self) -> &'static str {
        match self.is_well {
            Some(true) => "ok",
            Some(false) => "wrong",
            None => "unknown",
        }
    }
}

/// Looks at everything between this program and an answer, as far as it comes.
pub(crate) async fn examine(chosen: &Chosen, installation: &dyn Installation) -> Screen {
    let mut symptoms = vec![Symptom::new("program", Some(true), version())];
    symptoms.push(match installation.credentials().await {
        Ok(whose) => Symptom::new("credentials", Some(true), whose),
        Err(Failure { message, .. }) => Symptom::new("credentials", Some(false), message),
    });
    let region = installation.region();
    symptoms.push(match &region {
        Some(region) => Symptom::new("region", Some(true), region),
        None => Symptom::new("region", Some(false), "none is given: use --region"),
    });
    match plan_of(chosen, installation).await {
        Ok(plan) => {
            symptoms.push(Symptom::new("plan", Some(true), plan.as_str()));
            symptoms.push(spoken_to(&plan, installation).await);
            let asked = Function::ALL.map(Function::as_str);
            for name in asked.into_iter().chain(WORKERS) {
                symptoms.push(function(&plan, name, installation).await);
            }
        }
        Err(unanswered) => symptoms.push(Symptom::new("plan", Some(false), unanswered.sentence)),
    }
    screen(&symptoms)
}

async fn spoken_to(plan: &Name, installation: &dyn Installation) -> Symptom {
    let handler = function_of(plan, Function::AlarmHandler);
    match ask(installation, &handler, &OperatorCommand::Status {}).await {
        Ok(status) => {
            let tick = status["last_tick"].as_str().map_or("never".to_owned(), str::to_owned);
            Symptom::new("answer", Some(true), format!("{handler} answers; its last tick: {tick}"))
        }
        Err(unanswered) => Symptom::new("answer", Some(false), unanswered.sentence),
    }
}

async fn function(plan: &Name, name: &str, installation: &dyn Installation) -> Symptom {
    // Only a plan with the sections has these two.
    let is_optional = [Function::SnapshotScheduler, Function::SsmReplicator]
        .iter()
        .any(|function| function.as_str() == name);
    match installation.deployed(&format!("{plan}-{name}")).await {
        Ok(Some(deployed)) => {
            let hash: String = deployed.code.chars().take(HASH_SHOWN).collect();
            let words = format!("{}, code {hash}, changed at {}", deployed.state, deployed.modified);
            // An inactive one is woken by an invocation; some say nothing of it.
            let is_well = !matches!(deployed.state.as_str(), "Failed" | "Pending");
            Symptom::new(name, Some(is_well), words)
        }
        Ok(None) if is_optional => {
            Symptom::new(name, Some(true), "none: the plan may have no section for it")
        }
        Ok(None) => Symptom::new(name, Some(false), format!("there is no function {plan}-{name}")),
        Err(Failure { action, message, .. }) => Symptom::new(name, None, format!("{action}: {message}")),
    }
}

fn screen(symptoms: &[Symptom]) -> Screen {
    let wrong = symptoms.iter().filter(|symptom| symptom.is_well == Some(false)).count();
    let sentence = match wrong {
        0 => "Everything that was looked at is as it should be.".to_owned(),
        1 => "One thing is wrong.".to_owned(),
        wrong => format!("{wrong} things are wrong."),
    };
    let shown: Vec<Value> = symptoms
        .iter()
        .map(|one| json!({ "what": one.what, "finding": one.word(), "detail": one.words }))
        .collect();
    let rows = symptoms.iter().map(|one| vec![one.what.clone(), one.word().to_owned(), one.words.clone()]);
    let grid = Grid::new(&["what", "finding", "detail"], rows.collect());
    let exit = if wrong == 0 { Exit::Done } else { Exit::NotReady };
    Screen::of(exit, json!({ "sentence": sentence, "checks": shown })).with(grid)
}
