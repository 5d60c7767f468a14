//! Which laws are there, and do they hold? Builds the property tests and runs each by itself, with as many cases as are
//! asked for.
//!
//! How many cases a law tried is not taken on trust: each is first asked for a few, twice, and what it says of each one is
//! counted. A law that tries another number does not listen, and is a complaint; a test that tries none is a plain one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Where property tests are: the package, its test target, and which of its tests, by the beginning of their names. A test
/// says that no file is forgotten.
pub const FILES: [(&str, &str, &str); 15] = [
    ("protocol", "core", "laws::"),
    ("protocol", "core", "alarms::"),
    ("protocol", "core", "events::no_"),
    ("protocol", "core", "golden::"),
    ("protocol", "core", "envelopes::"),
    ("protocol", "core", "plan_properties::"),
    ("protocol", "core", "snapshot_laws::"),
    ("protocol", "core", "snapshot_calendar::"),
    ("protocol", "core", "readiness::"),
    ("protocol", "core", "parameter_events::"),
    ("protocol", "core", "snapshot_events::"),
    ("protocol", "core", "run_steps::"),
    ("protocol", "core", "terms::"),
    ("protocol", "core", "pair::"),
    ("ssm-replicator", "replicator", "laws::"),
];

/// Cases of each law in a proof.
pub const CASES: u32 = 10_000;

/// Cases of the two questions whether a law listens. A law may try cases that once failed besides, always the same ones.
const ASKED: [usize; 2] = [3, 5];

/// What `proptest` says of each case that holds, when it is asked to talk.
const HELD: &str = "Test case passed";

/// One law, or one plain test beside the laws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Law {
    /// Its file.
    pub file: String,
    /// Its name.
    pub name: String,
    binary: PathBuf,
    directory: PathBuf,
}

/// Builds the test binaries and lists what is in them, without what is only ever run by hand.
///
/// # Errors
/// They can't be built, or one of them is not there or empty.
pub fn all() -> Result<Vec<Law>, String> {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--quiet", "--profile", "lab", "--no-run", "--message-format", "json"]);
    for (package, target, _) in FILES {
        cargo.args(["--package", package, "--test", target]);
    }
    let built = run(cargo.stderr(Stdio::inherit()))?;
    if !built.status.success() {
        return Err("the laws can't be built".into());
    }
    let text = String::from_utf8_lossy(&built.stdout);
    let mut laws = Vec::new();
    for (_, target, module) in FILES {
        let (binary, directory) =
            text.lines().find_map(|line| artifact(line, target)).ok_or(format!("{target} was not built"))?;
        let list = |more: &[&str]| {
            let mut command = Command::new(&binary);
            let listed = run(command.args(["--list", "--format", "terse", module]).args(more))?;
            // The filter finds a part anywhere.
            let mut names = names(&String::from_utf8_lossy(&listed.stdout));
            names.retain(|name| name.starts_with(module));
            Ok::<_, String>(names)
        };
        let by_hand = list(&["--ignored"])?;
        let mut names = list(&[])?;
        names.retain(|name| !by_hand.contains(name));
        if names.is_empty() {
            return Err(format!("{target} holds no test {module}*"));
        }
        laws.extend(names.into_iter().map(|name| Law {
            file: target.to_owned(),
            name,
            binary: binary.clone(),
            directory: directory.clone(),
        }));
    }
    Ok(laws)
}

/// The binary of a test target and its package's folder, if this line of the build speaks of it.
fn artifact(line: &str, target: &str) -> Option<(PathBuf, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_it = message["target"]["name"] == target && message["target"]["kind"][0] == "test";
    let binary = message["executable"].as_str().filter(|_| is_it)?;
    let manifest = Path::new(message["manifest_path"].as_str()?);
    Some((PathBuf::from(binary), manifest.parent()?.to_owned()))
}

/// The tests of a list.
fn names(list: &str) -> Vec<String> {
    list.lines().filter_map(|line| Some(line.strip_suffix(": test")?.to_owned())).collect()
}

fn run(command: &mut Command) -> Result<Output, String> {
    command.stdin(Stdio::null()).output().map_err(|why| format!("{command:?}: {why}"))
}

impl Law {
    fn run(&self, cases: &str, talks: bool) -> Result<Output, String> {
        let mut command = Command::new(&self.binary);
        command.current_dir(&self.directory).args(["--exact", &self.name]);
        command.env("PROPTEST_CASES", cases).env("PROPTEST_VERBOSE", if talks { "2" } else { "0" });
        run(command.args(talks.then_some("--nocapture")))
    }

    /// Tries it; gives the number of cases that held, one for a plain test.
    ///
    /// # Errors
    /// It does not hold, or it does not try as many cases as it is asked for.
    pub fn try_cases(&self, cases: u32) -> Result<u32, String> {
        let [few, more] = ASKED;
        let (tried_few, tried_more) = (self.tries(few)?, self.tries(more)?);
        if (tried_few, tried_more) == (0, 0) {
            return Ok(1);
        }
        if tried_more.checked_sub(tried_few) != Some(more - few) || tried_few < few {
            return Err(format!("of {few} cases it tried {tried_few}, of {more} cases {tried_more}"));
        }
        judge(&self.run(&cases.to_string(), false)?, &self.name)?;
        Ok(cases)
    }

    /// How many cases it tries when it is asked for so many.
    fn tries(&self, cases: usize) -> Result<usize, String> {
        let asked = self.run(&cases.to_string(), true)?;
        judge(&asked, &self.name)?;
        Ok(String::from_utf8_lossy(&asked.stderr).lines().filter(|line| line.contains(HELD)).count())
    }
}

/// Whether exactly one test was run and passed.
fn judge(output: &Output, name: &str) -> Result<(), String> {
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && said.contains("test result: ok. 1 passed; 0 failed") {
        return Ok(());
    }
    let why = said.lines().chain(std::str::from_utf8(&output.stderr).unwrap_or_default().lines());
    let why: Vec<&str> = why.filter(|line| !line.trim().is_empty()).take(40).collect();
    Err(format!("{name} does not hold:\n{}", why.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A test binary that says and does what a script tells it.
    fn law(script: &str) -> Law {
        let directory = std::env::temp_dir();
        let name = format!("pilotlight-law-{}-{:x}", std::process::id(), crate::laws::tests::sum(script));
        let binary = directory.join(name);
        std::fs::write(&binary, format!("#!/bin/sh\n{script}\n")).expect("it can be written");
        let mode = Command::new("chmod").arg("+x").arg(&binary).status().expect("chmod is there");
        assert!(mode.success());
        Law { file: "a_file".into(), name: "a_law".into(), binary, directory }
    }

    fn sum(text: &str) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        hasher.finish()
    }

    const PASSES: &str = "echo 'test result: ok. 1 passed; 0 failed'";

    fn tried(law: &Law) -> Result<u32, String> {
        let result = law.try_cases(500);
        std::fs::remove_file(&law.binary).expect("it is there");
        result
    }

    #[test]
    fn a_law_that_tries_what_it_is_asked_for_has_tried_that() {
        let says = r#"for n in $(seq "$PROPTEST_CASES"); do echo "proptest: Test case passed" >&2; done"#;
        assert_eq!(tried(&law(&format!("{says}\n{PASSES}"))), Ok(500));
    }

    #[test]
    fn a_law_that_first_tries_what_once_failed_listens_too() {
        let says = r#"for n in 0 $(seq "$PROPTEST_CASES"); do echo "proptest: Test case passed" >&2; done"#;
        assert_eq!(tried(&law(&format!("{says}\n{PASSES}"))), Ok(500));
    }

    #[test]
    fn a_test_that_tries_no_cases_is_one_case() {
        assert_eq!(tried(&law(PASSES)), Ok(1));
    }

    #[test]
    fn a_law_with_a_number_of_its_own_is_a_complaint() {
        let says = r#"for n in 1 2 3 4 5; do echo "proptest: Test case passed" >&2; done"#;
        let why = tried(&law(&format!("{says}\n{PASSES}"))).expect_err("it does not listen");
        assert_eq!(why, "of 3 cases it tried 5, of 5 cases 5");
    }

    #[test]
    fn a_law_that_fails_at_many_cases_only_fails() {
        let says = r#"for n in $(seq "$PROPTEST_CASES"); do echo "proptest: Test case passed" >&2; done"#;
        let fails = r#"[ "$PROPTEST_CASES" -lt 100 ] || { echo "minimal failing input: 7"; exit 101; }"#;
        let why = tried(&law(&format!("{says}\n{fails}\n{PASSES}"))).expect_err("it fails");
        assert!(why.contains("a_law does not hold") && why.contains("minimal failing input: 7"), "{why}");
    }

    #[test]
    fn a_binary_that_runs_no_test_has_not_passed() {
        let why = tried(&law("echo 'test result: ok. 0 passed; 0 failed'")).expect_err("nothing was run");
        assert!(why.contains("does not hold"), "{why}");
    }
}
