//! What becomes of a run? Asked every few seconds; each change of its state is one line for the person who waits.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use jiff::SignedDuration;
use ports::{Clock, Functions};
use protocol::operator::OperatorCommand;
use serde_json::Value;

use crate::ask::ask;
use crate::exit::{Exit, Unanswered};
use crate::inert::inert;
use crate::screen::{Screen, cell, list, text};

/// How long it is waited between two questions.
const EVERY: Duration = Duration::from_secs(5);

/// A run that somebody waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait<'w> {
    /// Its number.
    pub(crate) run: u64,
    /// How long at most.
    pub(crate) at_most: Duration,
    /// Whether its end without a move is what was asked for.
    pub(crate) is_abort: bool,
    /// The function that knows.
    pub(crate) function: &'w str,
}

impl Wait<'_> {
    /// Follows the run until it ends, needs a person, or the time is over. A question without an answer is asked again.
    pub(crate) async fn follow(
        self,
        functions: &dyn Functions,
        clock: &dyn Clock,
        err: &mut dyn Write,
    ) -> Result<Screen, Unanswered> {
        let began = clock.now();
        let at_most = SignedDuration::try_from(self.at_most).unwrap_or(SignedDuration::MAX);
        let mut shown = BTreeMap::new();
        loop {
            match ask(functions, self.function, &OperatorCommand::Status {}).await {
                Ok(status) => {
                    self.say(&status, &mut shown, err);
                    if let Some(exit) = self.end(&status)? {
                        let sentence = format!("Run {} is {}.", self.run, text(&status["run"], "phase"));
                        return Ok(Screen { sentence, ..Screen::of(exit, status) });
                    }
                }
                Err(unanswered) if unanswered.exit == Exit::Unknown => {
                    self.line("status", "no answer, asked again", &mut shown, err);
                }
                Err(unanswered) => return Err(unanswered),
            }
            if clock.now().duration_since(began) >= at_most {
                let sentence = format!(
                    "Run {} has not ended in the time that was given. It goes on: run `pilotlight status`.",
                    self.run
                );
                return Err(Unanswered { exit: Exit::TimedOut, code: "timed_out".to_owned(), sentence });
            }
            clock.sleep(EVERY).await;
        }
    }

    /// How the program ends, if the run has come to something.
    fn end(self, status: &Value) -> Result<Option<Exit>, Unanswered> {
        let run = &status["run"];
        if run["id"] != self.run {
            let sentence = format!(
                "Run {} is no longer the last run, so what became of it is unknown: run `pilotlight status`.",
                self.run
            );
            return Err(Unanswered { exit: Exit::Unknown, code: "other_run".to_owned(), sentence });
        }
        Ok(match run["phase"].as_str().unwrap_or_default() {
            "completed" => Some(Exit::Done),
            "aborted" => Some(if self.is_abort { Exit::Done } else { Exit::Refused }),
            "needs an operator" | "awaiting approval" => Some(Exit::NeedsOperator),
            _ => None,
        })
    }

    fn say(self, status: &Value, shown: &mut BTreeMap<String, String>, err: &mut dyn Write) {
        let run = &status["run"];
        let phase = text(run, "phase");
        let is_over = matches!(phase.as_str(), "completed" | "aborted");
        if !is_over {
            self.line("run", &phase, shown, err);
        }
        for step in list(run, "steps") {
            let step = cell(step);
            let (what, state) = step.split_once(": ").unwrap_or((&step, ""));
            // How long it has been under way is no change.
            let state = if state.starts_with("under way") { "under way" } else { state };
            self.line(what, state, shown, err);
        }
        if is_over {
            self.line("run", &phase, shown, err);
        }
    }

    /// One line, if it is news. That it can't be written is no reason to leave the run.
    fn line(self, what: &str, state: &str, shown: &mut BTreeMap<String, String>, err: &mut dyn Write) {
        if shown.get(what).is_some_and(|last| last == state) {
            return;
        }
        shown.insert(what.to_owned(), state.to_owned());
        let said = if what == "run" { state.to_owned() } else { format!("{what}: {state}") };
        let _ = writeln!(err, "run {}: {}", self.run, inert(&said));
    }
}
