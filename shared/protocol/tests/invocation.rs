//! The line that a notice prints, run by the shells of people: for every name that `whoami` may give, with the answer on a
//! terminal's stand-in, in a pipe and in a file. `aws` and `whoami` are stood in for; the CLI's way to write is kept: it opens
//! its outfile a second time from the beginning, writes the answer there, and then a document of its own to its standard output.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use protocol::incoming::Incoming;
use protocol::operator::OperatorCommand;
use protocol::plan::Plan;
use protocol::words::invocation;
use serde_json::Value;

const ANSWER: &str = r#"{"sentence":"The hold is released.","now":"Nothing to do: us-east-2 serves and no evidence stands.","run":null}"#;

/// The stand-in for the CLI: keeps its standard input and its arguments, and answers.
const AWS: &str = r#"#!/bin/sh
cat > "$PLAYED/payload"
printf '%s\n' "$@" > "$PLAYED/arguments"
for last in "$@"; do :; done
printf '%s' '@ANSWER@' > "$last"
printf '{\n    "StatusCode": 200,\n    "ExecutedVersion": "$LATEST"\n}\n'
"#;

/// A folder of stand-ins.
struct Bench {
    folder: PathBuf,
}

impl Bench {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("invocation-{name}"));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).expect("a folder");
        let bench = Self { folder };
        bench.put("aws", &AWS.replace("@ANSWER@", ANSWER));
        bench.put("whoami", "#!/bin/sh\nprintf '%s\\n' \"$NAME_OF_USER\"\n");
        bench
    }

    fn put(&self, name: &str, script: &str) {
        let path = self.folder.join(name);
        fs::write(&path, script).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    fn kept(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).expect("the stand-in kept it")
    }

    /// Runs a line; gives what came on its standard output.
    #[expect(clippy::disallowed_methods, reason = "the shells lie where the environment says")]
    fn run(&self, shell: &str, line: &str, user: &str) -> String {
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new(shell)
            .arg("-c")
            .arg(line)
            .current_dir(&self.folder)
            .env("PATH", format!("{}:{path}", self.folder.display()))
            .env("PLAYED", &self.folder)
            .env("NAME_OF_USER", user)
            .stdin(Stdio::null())
            .output()
            .expect("the shell runs");
        assert!(output.status.success(), "{shell}: {line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

/// The shells of this machine.
fn shells() -> Vec<&'static str> {
    let is_there = |shell: &&str| {
        Command::new(shell)
            .arg("-c")
            .arg(":")
            .stdin(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    let there: Vec<&str> = ["sh", "bash", "dash", "zsh"].into_iter().filter(is_there).collect();
    assert!(there.contains(&"sh"), "a machine without sh");
    there
}

fn line() -> String {
    let plan = Plan::from_json(include_str!("plans/shop.json")).expect("the example plan is valid");
    invocation(&plan, r#""command":"release""#)
}

/// `by` as the function reads it.
fn by(payload: &str) -> String {
    let payload: Value = serde_json::from_str(payload).unwrap_or_else(|why| panic!("{why}: {payload}"));
    match Incoming::read(&payload) {
        Incoming::Operator(OperatorCommand::Release { by }) => by,
        other => panic!("{other:?}: {payload}"),
    }
}

#[test]
fn operator_domain_user() {
    let bench = Bench::new("users");
    for shell in shells() {
        for (user, expected) in [
            ("ana", "ana"),
            (r"CORP\alice", "CORP/alice"),
            (r"CORP\nina", "CORP/nina"),
            (r"CORP\user", "CORP/user"),
            (r"CORP\\bob", "CORP//bob"),
            ("ana maria lopez", "ana maria lopez"),
            (r#"the "boss""#, "the /boss/"),
            ("o'brien", "o'brien"),
            ("josé.müller", "josé.müller"),
            ("晴美", "晴美"),
            ("ana@example.com", "ana@example.com"),
            ("$HOME `id` $(id)", "$HOME `id` $(id)"),
        ] {
            bench.run(shell, &line(), user);
            assert_eq!(by(&bench.kept("payload")), expected, "{shell}");
        }
    }
}

#[test]
fn operator_cli_payload() {
    let bench = Bench::new("payload");
    for shell in shells() {
        bench.run(shell, &line(), "ana");
        let arguments = bench.kept("arguments");
        let arguments: Vec<&str> = arguments.lines().collect();
        assert_eq!(
            arguments,
            [
                "lambda",
                "invoke",
                "--region",
                "us-west-1",
                "--function-name",
                "shop-alarm-handler",
                "--payload",
                "fileb:///dev/stdin",
                "/dev/stdout"
            ],
            "{shell}: raw bytes by standard input, as both versions of the CLI take them"
        );
        assert_eq!(bench.kept("payload"), "{\"command\":\"release\",\"by\":\"ana\"}\n", "{shell}");
    }
}

#[test]
fn operator_answer_to_file() {
    let bench = Bench::new("answers");
    for shell in shells() {
        let in_a_pipe = bench.run(shell, &line(), "ana");
        bench.run(shell, &format!("{} > answer", line()), "ana");
        bench.run(shell, &format!("printf '%s' kept > appended; {} >> appended", line()), "ana");
        let piped_on = bench.run(shell, &format!("{} | cat", line()), "ana");
        let appended = bench.kept("appended");
        let appended = appended.strip_prefix("kept").expect("what stood there stays");
        for answer in [in_a_pipe.as_str(), bench.kept("answer").as_str(), appended, piped_on.as_str()] {
            let mut documents = serde_json::Deserializer::from_str(answer).into_iter::<Value>();
            let first =
                documents.next().expect("an answer").unwrap_or_else(|why| panic!("{shell}: {why}: {answer}"));
            assert_eq!(first, serde_json::from_str::<Value>(ANSWER).expect("JSON"), "{shell}");
            let second = documents.next().expect("the CLI's own").expect("whole");
            assert_eq!(second["StatusCode"], 200, "{shell}");
        }
        // Without the `cat` a file loses the beginning of the answer: the stand-in writes as the CLI does.
        let bare = line().replace(" | cat", "");
        assert_ne!(bare, line());
        bench.run(shell, &format!("{bare} > spoilt"), "ana");
        assert!(
            !bench.kept("spoilt").contains(ANSWER),
            "{shell}: the stand-in does not write as the CLI does"
        );
    }
}

#[test]
fn every_line_of_the_handbook_is_written_as_the_notices_write_it() {
    let handbook = include_str!("../../../docs/operating.md");
    let lines: Vec<&str> = handbook
        .lines()
        .filter(|line| line.trim_start().starts_with("echo ") && line.contains("lambda invoke"))
        .collect();
    assert!(lines.len() > 10, "{lines:#?}");
    for line in lines {
        assert!(line.ends_with("--payload fileb:///dev/stdin /dev/stdout | cat"), "{line}");
        let asks = line.contains("\"by\":");
        assert_eq!(asks, line.contains(r#""by":"'"$(whoami | tr '\134\042' '//')"'"}'"#), "{line}");
    }
}
