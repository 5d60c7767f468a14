//! The whole program but for AWS and the machine: a line goes in, an exit code and two streams come out.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod fake;
mod process;

use ports::FailureKind;
use serde_json::{Value, json};

use fake::{Said, World, ends, fails, says, status};

/// What a function answers to a command that it accepts.
fn accepted() -> Said {
    says(json!({ "sentence": "Accepted.", "now": "Run 42 is moving.", "run": 42 }))
}

/// A line with single blanks between its words.
fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn one(line: &str, answer: Said) -> (fake::Outcome, Vec<(String, Value)>) {
    let world = World::new([answer]);
    let outcome = world.types(line).await;
    (outcome, world.asked())
}

#[tokio::test]
async fn status_shows_what_both_guards_hold_and_why_one_is_not_heard() {
    let held =
        |state: &str| json!({ "front": { "state": state, "term": 4, "since": "2026-11-20T03:00:00Z" } });
    let mut answer = status(0, "completed", &[]);
    answer["guards"] = json!({
        "own": { "region": "us-west-1", "restored": false, "groups": held("standby") },
        "other": { "region": "us-east-2", "word": { "said": "9 s ago", "groups": held("active") }, "unheard": null },
    });
    let shown = one("status", says(answer.clone())).await.0.out;
    let rows: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    for row in [
        ["us-west-1", "front", "standby", "4", "2026-11-20T03:00:00Z"],
        ["us-east-2", "front", "active", "4", "2026-11-20T03:00:00Z"],
    ] {
        assert!(rows.iter().any(|shown| shown[..] == row), "{shown}");
    }
    assert!(!shown.contains("other guard not heard"), "{shown}");
    answer["guards"]["other"] =
        json!({ "region": "us-east-2", "word": null, "unheard": "no answer within 2 s" });
    let shown = one("status", says(answer)).await.0.out;
    assert!(shown.contains("other guard not heard") && shown.contains("no answer within 2 s"), "{shown}");
    assert!(!shown.contains("us-east-2  front"), "{shown}");
}

#[tokio::test]
async fn status_says_how_things_stand_and_whether_somebody_has_to_come() {
    for (figure, code) in [(0, 0), (1, 3), (2, 3), (3, 3)] {
        let (outcome, asked) =
            one("status", says(status(figure, "moving", &["scale web: done, took 40 s: 3"]))).await;
        assert_eq!(outcome.code, code, "{figure}");
        assert_eq!(asked, [("shop-alarm-handler".to_owned(), json!({ "command": "status" }))]);
        assert!(outcome.out.starts_with("Run 42 is moving.\n"), "{}", outcome.out);
        for line in [
            "last run 42 failover, moving, opened at 2026-11-20T03:00:00Z",
            "scale web: done, took 40 s: 3",
            "lag of orders 900 ms",
            "times decide 75 s",
        ] {
            assert!(outcome.out.lines().any(|shown| words(shown) == line), "{line} in\n{}", outcome.out);
        }
    }
}

#[tokio::test]
async fn json_is_the_functions_answer_and_tsv_its_rows() {
    let answer = status(0, "completed", &[]);
    assert_eq!(one("status -o json", says(answer.clone())).await.0.json(), answer);
    let rows = one("status -o tsv", says(answer)).await.0.out;
    assert!(rows.starts_with("what\tstate\nplan\tshop\nmode\tapprove\n"), "{rows}");
}

#[tokio::test]
async fn ready_ends_by_the_verdict() {
    let check = json!({ "name": "people_told", "subject": "shop", "finding": "not_ready", "sentence": "Nobody.", "remedy": "Subscribe." });
    let answer =
        |verdict: &str| json!({ "sentence": "Said.", "readiness": verdict, "table": [], "checks": [check] });
    for (verdict, code) in [("ready", 0), ("note", 0), ("not_ready", 4), ("unknown", 4), ("anything", 4)] {
        let (outcome, asked) = one("ready", says(answer(verdict))).await;
        assert_eq!(outcome.code, code, "{verdict}");
        assert_eq!(asked[0].1, json!({ "command": "readiness" }));
        assert!(
            outcome.out.contains("not ready  people_told  shop  Nobody.        Subscribe."),
            "{}",
            outcome.out
        );
    }
    assert_eq!(one("ready", ends("readiness_unknown", "No.")).await.0.code, 4);
    assert_eq!(one("ready", ends("run_under_way", "Run 42 is under way.")).await.0.code, 1);
}

#[tokio::test]
async fn every_command_is_sent_as_its_function_reads_it() {
    for (line, payload) in [
        (
            "failover|--yes|--reason|the region is lost|--route|web|--route|api|--override-vetoes",
            json!({ "command": "failover", "by": "ada", "reason": "the region is lost", "routes": ["web", "api"], "override_vetoes": true }),
        ),
        ("failover --yes --reason x", json!({ "command": "failover", "by": "ada", "reason": "x" })),
        (
            "approve 42 --allow-data-loss --override-fence",
            json!({ "command": "approve", "by": "ada", "run": 42, "allow_data_loss": true, "override_fence": true }),
        ),
        (
            "abort 42 --reason x --by eve",
            json!({ "command": "abort", "by": "eve", "run": 42, "reason": "x" }),
        ),
        (
            "hold --for 2h --reason x",
            json!({ "command": "hold", "by": "ada", "minutes": 120, "reason": "x" }),
        ),
        ("release", json!({ "command": "release", "by": "ada" })),
        ("acknowledge 42", json!({ "command": "acknowledge", "by": "ada", "run": 42 })),
        ("adopt", json!({ "command": "adopt", "by": "ada" })),
    ] {
        let (outcome, asked) = one(line, accepted()).await;
        assert_eq!(outcome.code, 0, "{line}");
        assert_eq!(asked, [("shop-alarm-handler".to_owned(), payload)], "{line}");
        assert_eq!(outcome.out, "Accepted.\n\nwhat  state\nnow   Run 42 is moving.\nrun   42\n", "{line}");
    }
}

#[tokio::test]
async fn how_it_ends_says_what_became_of_a_command() {
    for (answer, code) in [
        (accepted(), 0),
        (ends("refused", "Refused: run 42 is moving."), 1),
        (ends("plan_invalid", "The plan has 2 problems."), 1),
        (fails(FailureKind::Denied), 1),
        (fails(FailureKind::Missing), 1),
        (fails(FailureKind::Throttled), 1),
        (fails(FailureKind::Invalid), 1),
        (ends("bad_command", "`by` is empty."), 2),
        (ends("not_all_copied", "One is left."), 3),
        (fails(FailureKind::Unreachable), 5),
        (fails(FailureKind::Unavailable), 5),
        (ends("Unhandled", "Task timed out after 60.00 seconds"), 5),
        (ends("journal_unwritable", "It may be written."), 5),
        (ends("no_answer", "Not decided."), 5),
    ] {
        let (outcome, asked) = one("approve 42", answer.clone()).await;
        assert_eq!((outcome.code, asked.len()), (code, 1), "{answer:?}");
        assert_eq!(
            outcome.err.contains("run `pilotlight status`")
                || outcome.err.contains("Run `pilotlight status`"),
            code == 5
        );
        assert_eq!(outcome.out.is_empty(), code != 0, "{answer:?}");
    }
}

#[tokio::test]
async fn a_trouble_is_json_for_those_who_asked_for_json() {
    let (outcome, _) = one("approve 42 -o json", ends("refused", "Refused: no.")).await;
    assert_eq!(outcome.json(), json!({ "error": "refused", "sentence": "Refused: no.", "exit": 1 }));
    assert_eq!(outcome.err, "");
    let (outcome, _) = one("approve 42", ends("refused", "Refused: no.")).await;
    assert_eq!(outcome.err, "Refused: no. (refused)\n");
}

#[tokio::test]
async fn a_failover_is_asked_for_by_the_plans_name() {
    for (typed, code, asked) in
        [(Some("shop"), 0, 1), (Some("shopp"), 1, 0), (Some("yes"), 1, 0), (None, 2, 0)]
    {
        let world = World { typed, ..World::new([accepted()]) };
        let outcome = world.types("failover --reason x").await;
        assert_eq!((outcome.code, world.asked().len()), (code, asked), "{typed:?}");
        assert_eq!(outcome.err.contains("Type the plan's name"), typed.is_some());
    }
}

#[tokio::test]
async fn a_command_without_a_person_is_not_sent() {
    let mut world = World::new([accepted()]);
    world.variables.clear();
    assert_eq!((world.types("release").await.code, world.asked().len()), (2, 0));
    world.variables.insert("PILOTLIGHT_BY", "the pipeline");
    assert_eq!(world.types("release").await.code, 0);
    assert_eq!(world.asked()[0].1["by"], "the pipeline");
}

#[tokio::test]
async fn a_wait_says_each_change_and_ends_with_the_run() {
    let seen = [
        accepted(),
        says(status(0, "moving", &["promote orders: under way for 3.0 s (modifying)"])),
        says(status(0, "moving", &["promote orders: under way for 8.0 s (modifying)"])),
        fails(FailureKind::Unreachable),
        says(status(0, "moving", &["promote orders: done, took 9.0 s: writable"])),
        says(status(0, "completed", &["promote orders: done, took 9.0 s: writable", "verify front: done"])),
    ];
    let outcome = World::new(seen).types("approve 42 --wait").await;
    assert_eq!(outcome.code, 0);
    assert_eq!(outcome.out, "Run 42 is completed.\n");
    let lines: Vec<&str> = outcome.err.lines().collect();
    assert_eq!(
        lines,
        [
            "run 42: moving",
            "run 42: promote orders: under way",
            "run 42: status: no answer, asked again",
            "run 42: promote orders: done, took 9.0 s: writable",
            "run 42: verify front: done",
            "run 42: completed",
        ]
    );
}

#[tokio::test]
async fn a_wait_ends_by_what_the_run_came_to() {
    for (line, phase, code) in [
        ("approve 42 --wait", "completed", 0),
        ("approve 42 --wait", "aborted", 1),
        ("approve 42 --wait", "needs an operator", 3),
        ("failover --yes --reason x --wait", "awaiting approval", 3),
        ("approve 42 --wait=1m", "moving", 6),
        ("abort 42 --reason x --wait", "aborted", 0),
        ("abort 42 --reason x --wait=20s", "aborting", 6),
    ] {
        let outcome = World::new([accepted(), says(status(0, phase, &[]))]).types(line).await;
        assert_eq!(outcome.code, code, "{line}, {phase}");
    }
    let mut other = status(0, "moving", &[]);
    other["run"]["id"] = json!(50);
    assert_eq!(World::new([accepted(), says(other)]).types("approve 42 --wait").await.code, 5);
    let refused = World::new([ends("refused", "No.")]);
    assert_eq!((refused.types("approve 42 --wait").await.code, refused.asked().len()), (1, 1));
}

#[tokio::test]
async fn history_is_the_timeline_of_the_last_run() {
    let (outcome, _) = one("history -o tsv", says(status(0, "moving", &[]))).await;
    let lines: Vec<&str> = outcome.out.lines().collect();
    assert_eq!(outcome.code, 0);
    assert_eq!(lines[1], "0.0 s\tshop-alarm-handler\tA probe fails.");
    assert_eq!(lines[2], "75.0 s\tshop-alarm-handler\tRun 42 moves shop:  all of it.");
    let mut calm = status(0, "moving", &[]);
    (calm["run"], calm["timeline"]) = (Value::Null, json!([]));
    assert_eq!(one("history", says(calm)).await.0.out, "shop has had no run.\n");
}

fn measured() -> Value {
    let at = "2026-11-20T03:00:00Z";
    json!({
        "first_signal_at": at, "committed_at": at, "opened_at": at, "verified_at": at, "rto_ms": 189_300,
        "decision_ms": 75_000, "moving_ms": 114_300, "promote_ms": 90_000, "scale_ms": 40_000, "data_loss": [],
    })
}

#[tokio::test]
async fn report_is_what_was_measured_of_the_last_run() {
    let mut done = status(0, "completed", &[]);
    done["run"]["report"] = measured();
    let (outcome, _) = one("report 42", says(done.clone())).await;
    assert_eq!(outcome.code, 0);
    assert!(
        outcome.out.contains("recovery time (first sign to traffic open)         189.3 s"),
        "{}",
        outcome.out
    );
    assert!(outcome.out.contains("Run 42 moves shop:  all of it."));
    assert_eq!(one("report -o json", says(done.clone())).await.0.json()["report"]["rto_ms"], 189_300);
    for (line, answer) in [("report 41", done), ("report", status(0, "moving", &[]))] {
        assert_eq!(one(line, says(answer)).await.0.code, 1, "{line}");
    }
    let mut none = status(0, "moving", &[]);
    none["run"] = Value::Null;
    assert_eq!(one("report", says(none)).await.0.code, 1);
}

#[tokio::test]
async fn parameters_are_asked_of_their_own_function() {
    let differs = json!([{ "name": "/shop/url", "differs": ["value", "tags"], "sentence": "It differs." }]);
    let drift = |count: u64, unknown: u64| json!({ "sentence": "Said.", "differs": differs, "differing": count, "not_compared": unknown, "standstill": null });
    for (answer, code) in [(drift(0, 0), 0), (drift(1, 0), 4), (drift(0, 3), 4)] {
        let (outcome, asked) = one("parameters drift --deep", says(answer)).await;
        assert_eq!(outcome.code, code);
        assert_eq!(asked, [("shop-ssm-replicator".to_owned(), json!({ "command": "drift", "deep": true }))]);
        assert!(outcome.out.contains("/shop/url  value, tags  It differs."), "{}", outcome.out);
    }
    let (outcome, asked) =
        one("parameters pass", says(json!({ "sentence": "Copied.", "made": 2, "left": 0 }))).await;
    assert_eq!((outcome.code, asked[0].1.clone()), (0, json!({ "command": "pass", "deep": false })));
    assert!(outcome.out.contains("made        2"), "{}", outcome.out);
    assert_eq!(one("parameters pass", ends("not_all_copied", "One is left.")).await.0.code, 3);
}

#[tokio::test]
async fn snapshots_are_asked_of_their_own_function() {
    let ages = json!([{ "database": "orders", "region": "us-west-1", "seconds": 7260 }]);
    let dry = |blocked: Value| json!({ "sentence": "Dry run.", "would": ["Take one."], "waits": [], "blocked": blocked, "age_seconds": ages });
    let (outcome, asked) = one("snapshots list", says(dry(json!([])))).await;
    assert_eq!(
        (outcome.code, asked[0].clone()),
        (0, ("shop-snapshot-scheduler".to_owned(), json!({ "command": "dry_run" })))
    );
    assert!(outcome.out.contains("orders    us-west-1  2 h"), "{}", outcome.out);
    let (outcome, _) = one("snapshots dry-run", says(dry(json!([])))).await;
    assert_eq!(outcome.code, 0);
    assert!(outcome.out.contains("would  Take one."), "{}", outcome.out);
    assert_eq!(one("snapshots dry-run", says(dry(json!(["A key is missing."])))).await.0.code, 3);
    let kept = json!({ "sentence": "Kept.", "done": ["Took one."], "put_off": [], "waits": [] });
    let (outcome, asked) = one("snapshots keep", says(kept)).await;
    assert_eq!((outcome.code, asked[0].1.clone()), (0, json!({ "command": "keep" })));
    assert!(outcome.out.contains("done  Took one."), "{}", outcome.out);
    assert_eq!(one("snapshots keep", ends("snapshots_failed", "No key.")).await.0.code, 3);
}

#[tokio::test]
async fn doctor_says_how_far_the_program_comes() {
    let (outcome, _) = one("doctor", says(status(0, "moving", &[]))).await;
    assert_eq!(outcome.code, 0, "{}", outcome.out);
    for words in [
        "credentials         ok       access key AKIDEXAMPLE",
        "answer              ok       shop-alarm-handler answers; its last tick: 2026-11-20T03:05:00Z",
        "promote-replica     ok       Active, code 3c1f9a7d5e2b, changed at 2026-11-20T03:00:00Z",
        "snapshot-scheduler  ok       none: the plan may have no section for it",
    ] {
        assert!(outcome.out.contains(words), "{words} in\n{}", outcome.out);
    }
    let sound = || World::new([says(status(0, "moving", &[]))]);
    for world in [
        World { has_credentials: false, ..sound() },
        World { region: None, ..sound() },
        World { names: Ok(vec![]), ..sound() },
        World { state: "Failed", ..sound() },
        World::new([fails(FailureKind::Denied)]),
    ] {
        assert_eq!(world.types("doctor").await.code, 4);
    }
}

#[tokio::test]
async fn the_plan_is_what_was_said_then_the_environments_then_the_files_then_the_only_one() {
    let folder = std::env::temp_dir().join(format!("pilotlight-{}", std::process::id()));
    let below = folder.join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    std::fs::write(folder.join("pilotlight.toml"), "plan = \"filed\"\nregion = \"us-west-1\"\n").unwrap();
    let world = |variable: Option<&'static str>, names: Vec<&'static str>, is_below: bool| {
        let mut world = World { names: Ok(names), ..World::new([accepted()]) };
        world.variables.extend(variable.map(|plan| ("PILOTLIGHT_PLAN", plan)));
        if is_below {
            world.directory.clone_from(&below);
        }
        world
    };
    for (line, world, code, function) in [
        ("release --plan said", world(Some("env"), vec![], true), 0, "said-alarm-handler"),
        ("release", world(Some("env"), vec![], true), 0, "env-alarm-handler"),
        ("release", world(None, vec![], true), 0, "filed-alarm-handler"),
        ("release", world(None, vec!["only-alarm-handler", "x-scale-asg"], false), 0, "only-alarm-handler"),
        ("release", world(None, vec!["a-alarm-handler", "b-alarm-handler"], false), 2, ""),
        ("release", world(None, vec![], false), 2, ""),
        ("release --plan No/Name", world(None, vec![], false), 2, ""),
    ] {
        let outcome = world.types(line).await;
        assert_eq!(outcome.code, code, "{line}: {}", outcome.err);
        assert_eq!(world.asked().first().map_or("", |(function, _)| function), function, "{line}");
    }
    std::fs::write(below.join("pilotlight.toml"), "plane = \"x\"\n").unwrap();
    assert_eq!(world(None, vec![], true).types("release").await.code, 2);
    std::fs::remove_dir_all(&folder).unwrap();
    let nowhere = World { region: None, ..World::new([accepted()]) };
    assert_eq!(nowhere.types("release").await.code, 2);
}

#[tokio::test]
async fn what_asks_nobody_needs_no_plan() {
    let world = || World { region: None, has_credentials: false, ..World::new([]) };
    assert_eq!(world().types("version").await.out, format!("pilotlight {}\n", env!("CARGO_PKG_VERSION")));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let outcome = world().types(&format!("completions {shell}")).await;
        assert!(outcome.code == 0 && outcome.out.contains("acknowledge"), "{shell}");
    }
    let man = world().types("man").await;
    assert!(man.code == 0 && man.out.contains(".TH pilotlight 1"), "{}", man.out);
    let explained = world().types("explain no_hold").await;
    assert!(explained.code == 0 && explained.out.contains("no hold is in force"), "{}", explained.out);
    assert_eq!(world().types("explain nonsense").await.code, 2);
}

#[tokio::test]
async fn a_plan_is_checked_by_the_rules_of_the_functions() {
    let mut world = World::new([]);
    world
        .files
        .insert("good.json", include_str!("../../../shared/protocol/tests/plans/shop.json").to_owned());
    world.files.insert("bad.json", "{}".to_owned());
    assert_eq!(world.types("plan validate good.json").await.code, 0);
    let outcome = world.types("plan validate bad.json").await;
    assert!(outcome.code == 1 && outcome.out.contains("is missing"), "{}", outcome.out);
    let problems = world.types("plan validate bad.json -o json").await.json();
    assert!(!problems["problems"].as_array().unwrap().is_empty());
    assert_eq!(world.types("plan validate none.json").await.code, 2);
}

/// Sets a terminal's title, clears it, turns the direction of writing.
const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}drowssap\r\n";

/// An answer in which every text is hostile.
fn poisoned(value: Value) -> Value {
    match value {
        Value::String(text) => json!(format!("{text}{HOSTILE}")),
        Value::Array(items) => items.into_iter().map(poisoned).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, poisoned(value))).collect(),
        other => other,
    }
}

#[tokio::test]
async fn hostile_text_is_inert_whatever_is_asked_and_however_it_is_shown() {
    let mut full = status(3, "moving", &["promote orders: failed (x)"]);
    full["hold"] = json!({ "by": "eve", "reason": "none", "until": "soon" });
    full["evidence"] = json!(["An alarm is on."]);
    let answers = [
        ("status", says(poisoned(full.clone()))),
        ("history", says(poisoned(full))),
        ("ready", says(poisoned(json!({ "sentence": "Said.", "checks": [] })))),
        ("release", says(poisoned(json!({ "sentence": "Done.", "now": "Calm.", "run": 1 })))),
        (
            "parameters drift",
            says(poisoned(json!({ "sentence": "x", "standstill": "y", "differs": [{ "name": "n" }] }))),
        ),
        ("snapshots keep", says(poisoned(json!({ "sentence": "x", "done": ["y"] })))),
        ("approve 42", ends(HOSTILE, HOSTILE)),
        ("doctor", ends(HOSTILE, HOSTILE)),
    ];
    for (line, answer) in answers {
        for format in ["table", "tsv", "json"] {
            let outcome = World::new([answer.clone()]).types_raw(&format!("{line} -o {format}")).await;
            for text in [&outcome.out, &outcome.err] {
                // The program's own colours are all that begins with an escape.
                let own = text.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
                let own = ["31", "32", "33"]
                    .iter()
                    .fold(own, |text, colour| text.replace(&format!("\u{1b}[{colour}m"), ""));
                let own = if format == "tsv" { own.replace('\t', "") } else { own };
                let obeyed = own
                    .chars()
                    .find(|letter| letter.is_control() && *letter != '\n' || *letter == '\u{202e}');
                assert_eq!(obeyed, None, "{line} -o {format}: {text:?}");
            }
        }
    }
}

#[tokio::test]
async fn hostile_text_of_a_run_that_is_waited_for_is_inert() {
    let outcome = World::new([accepted(), says(poisoned(status(0, "moving", &["promote orders: failed"])))]);
    let outcome = outcome.types_raw("approve 42 --wait=10s").await;
    assert!(outcome.err.contains("\\u{1b}]0;owned\\u{7}"), "{}", outcome.err);
    assert!(!outcome.err.contains("\u{1b}]") && !outcome.err.contains('\u{202e}'), "{:?}", outcome.err);
}
