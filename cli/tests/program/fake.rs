//! Functions that answer what a test says, on a machine that is as a test says.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use clap::Parser;
use jiff::{SignedDuration, Timestamp};
use pilotlight::arguments::Arguments;
use pilotlight::desk::Surroundings;
use pilotlight::installation::{Deployed, Installation};
use pilotlight::program::{answer, answer_locally, refuse};
use ports::{Answer, Clock, Failure, FailureKind, FunctionError, Functions};
use serde_json::{Value, json};

/// What a function does when it is asked.
pub(crate) type Said = Answer<Result<Value, FunctionError>>;

#[expect(clippy::unnecessary_wraps, reason = "as the port gives it")]
pub(crate) fn says(answer: Value) -> Said {
    Ok(Ok(answer))
}

#[expect(clippy::unnecessary_wraps, reason = "as the port gives it")]
pub(crate) fn ends(code: &str, message: &str) -> Said {
    Ok(Err(FunctionError { code: code.to_owned(), message: message.to_owned() }))
}

pub(crate) fn fails(kind: FailureKind) -> Said {
    Err(failure(kind))
}

fn failure(kind: FailureKind) -> Failure {
    Failure {
        kind,
        action: "lambda:InvokeFunction",
        code: "dispatch".to_owned(),
        message: "it broke off".to_owned(),
    }
}

/// The world around one line.
pub(crate) struct World {
    /// What is answered, one after the other; the last one again and again.
    pub(crate) answers: Mutex<VecDeque<Said>>,
    /// What was asked, and of which function.
    pub(crate) asked: Mutex<Vec<(String, Value)>>,
    pub(crate) region: Option<&'static str>,
    pub(crate) has_credentials: bool,
    pub(crate) names: Answer<Vec<&'static str>>,
    pub(crate) state: &'static str,
    pub(crate) variables: BTreeMap<&'static str, &'static str>,
    pub(crate) directory: PathBuf,
    /// What a person at the terminal types, if one sits there.
    pub(crate) typed: Option<&'static str>,
    pub(crate) files: BTreeMap<&'static str, String>,
    pub(crate) now: Mutex<Timestamp>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Outcome {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

impl World {
    pub(crate) fn new(answers: impl IntoIterator<Item = Said>) -> Self {
        Self {
            answers: Mutex::new(answers.into_iter().collect()),
            asked: Mutex::default(),
            region: Some("us-west-1"),
            has_credentials: true,
            names: Ok(vec!["shop-alarm-handler", "shop-scale-asg", "other"]),
            state: "Active",
            variables: BTreeMap::from([("USER", "ada")]),
            directory: PathBuf::from("/nowhere/at/all"),
            typed: None,
            files: BTreeMap::new(),
            now: Mutex::new(Timestamp::UNIX_EPOCH),
        }
    }

    /// Types a line; what it writes has lost its colours, as in a file.
    pub(crate) async fn types(&self, line: &str) -> Outcome {
        let Outcome { code, out, err } = self.types_raw(line).await;
        let plain = |text: String| anstream::adapter::strip_str(&text).to_string();
        Outcome { code, out: plain(out), err: plain(err) }
    }

    /// Types a line; words are parted by single blanks, or by `|` if one is in the line.
    pub(crate) async fn types_raw(&self, line: &str) -> Outcome {
        let words: Vec<&str> =
            if line.contains('|') { line.split('|').collect() } else { line.split(' ').collect() };
        let arguments = Arguments::try_parse_from(std::iter::once("pilotlight").chain(words)).unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = match arguments.place(self) {
            Ok(Some(chosen)) => {
                answer(&arguments, &chosen, self, self, self, (&mut out, &mut err)).await.unwrap()
            }
            Ok(None) => answer_locally(&arguments, self, &mut out, &mut err).unwrap(),
            Err(unanswered) => refuse(&unanswered, arguments.format(), &mut out, &mut err).unwrap(),
        };
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Outcome { code: exit.code(), out: text(out), err: text(err) }
    }

    /// The one thing that was asked.
    pub(crate) fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Functions for World {
    async fn invoke(&self, function: &str, payload: &Value) -> Said {
        self.asked.lock().unwrap().push((function.to_owned(), payload.clone()));
        let mut answers = self.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers.front().cloned().unwrap() }
    }
}

#[async_trait]
impl Installation for World {
    fn region(&self) -> Option<String> {
        self.region.map(str::to_owned)
    }

    async fn credentials(&self) -> Answer<String> {
        let found = self.has_credentials.then(|| "access key AKIDEXAMPLE".to_owned());
        found.ok_or_else(|| failure(FailureKind::Denied))
    }

    async fn names(&self) -> Answer<Vec<String>> {
        self.names.clone().map(|names| names.into_iter().map(str::to_owned).collect())
    }

    async fn deployed(&self, function: &str) -> Answer<Option<Deployed>> {
        if function.ends_with("snapshot-scheduler") {
            return Ok(None);
        }
        let code = "3c1f9a7d5e2b4a6c8d0e".to_owned();
        Ok(Some(Deployed { state: self.state.to_owned(), code, modified: "2026-11-20T03:00:00Z".to_owned() }))
    }
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        let mut now = self.now.lock().unwrap();
        *now = now.checked_add(SignedDuration::try_from(duration).unwrap()).unwrap();
    }
}

impl Surroundings for World {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|value| (*value).to_owned())
    }

    fn directory(&self) -> PathBuf {
        self.directory.clone()
    }

    fn is_attended(&self) -> bool {
        self.typed.is_some()
    }

    fn typed(&self) -> io::Result<String> {
        Ok(format!("{}\n", self.typed.unwrap()))
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        let name = path.to_str().unwrap();
        self.files.get(name).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

/// What the alarm-handler answers to `status`: a run in a phase, with its steps.
pub(crate) fn status(figure: u64, phase: &str, steps: &[&str]) -> Value {
    let meaning = if figure == 0 { "none" } else { "needs an operator" };
    json!({
        "sentence": format!("Run 42 is {phase}."),
        "plan": "shop",
        "mode": "approve",
        "regions": { "primary": "us-east-2", "recovery": "us-west-1" },
        "serving_from": "us-east-2",
        "hold": null,
        "attention": { "figure": figure, "meaning": meaning, "calls": [] },
        "evidence": [],
        "run": {
            "id": 42,
            "kind": "failover",
            "phase": phase,
            "opened_at": "2026-11-20T03:00:00Z",
            "times": { "detect": null, "decide": "75 s", "move": null, "total": null },
            "steps": steps,
            "report": null,
        },
        "quarantine": [],
        "opened_again": [],
        "last_tick": "2026-11-20T03:05:00Z",
        "primary_last_answered": null,
        "last_lag": { "orders": { "at": "2026-11-20T02:59:00Z", "lag_ms": 900 } },
        "readiness": null,
        "timeline": [
            "+    0.0 s  shop-alarm-handler@2026/11/20/[$LATEST]ab  A probe fails.",
            "+   75.0 s  shop-alarm-handler@2026/11/20/[$LATEST]ab  Run 42 moves shop:  all of it.",
        ],
        "timeline_unread": null,
        "records": 57,
        "journal": { "records_since_snapshot": 7, "snapshot": null, "refused_snapshot": null, "poison_record": null },
    })
}
