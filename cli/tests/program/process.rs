//! The program as a process, and a server that stands where Lambda would.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::thread::JoinHandle;

use serde_json::{Value, json};

/// The program in an environment of its own, at no terminal.
fn program(endpoint: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pilotlight"))
        .args(arguments)
        .env_clear()
        .envs([("AWS_ENDPOINT_URL", endpoint), ("AWS_REGION", "us-west-1"), ("PILOTLIGHT_PLAN", "shop")])
        .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("USER", "ada")])
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Answers one request, and says what was asked. Without an answer it hangs up when the request is there.
fn server(answer: Option<String>) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = request(&mut stream);
        if let Some(answer) = answer {
            stream.write_all(answer.as_bytes()).unwrap();
        }
        request
    });
    (endpoint, asked)
}

/// Head and body.
fn request(stream: &mut TcpStream) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut buffer).unwrap();
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            body.len() >= length.unwrap_or(0)
        });
        if whole || read == 0 {
            return text;
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a server may also give no answer")]
fn http(status: &str, head: &str, body: &str) -> Option<String> {
    let length = body.len();
    Some(format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{head}\r\n{body}"))
}

#[test]
fn what_lambda_answers_is_how_the_program_ends() {
    let error = "X-Amz-Function-Error: Unhandled\r\n";
    for (answer, code, said) in [
        (http("200 OK", "", r#"{"sentence":"ada released the hold."}"#), 0, "ada released the hold."),
        (
            http("200 OK", error, r#"{"errorType":"refused","errorMessage":"Refused: no."}"#),
            1,
            "Refused: no.",
        ),
        (
            http("200 OK", error, r#"{"errorMessage":"Task timed out after 60.00 seconds"}"#),
            5,
            "outcome is unknown",
        ),
        (http("200 OK", "", "half an ans"), 5, "outcome is unknown"),
        (
            http("403 Forbidden", "x-amzn-errortype: AccessDeniedException\r\n", r#"{"Message":"no"}"#),
            1,
            "no",
        ),
        (
            http(
                "429 Too Many Requests",
                "x-amzn-errortype: TooManyRequestsException\r\n",
                r#"{"message":"slow"}"#,
            ),
            1,
            "slow",
        ),
        (http("502 Bad Gateway", "", "{}"), 5, "outcome is unknown"),
        // The request was heard, and nobody knows what became of it.
        (None, 5, "outcome is unknown"),
    ] {
        let (endpoint, asked) = server(answer.clone());
        let output = program(&endpoint, &["release"]);
        let shown = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{answer:?}: {shown}");
        assert!(shown.contains(said), "{answer:?}: {shown}");
        assert!(!shown.contains('\u{1b}'), "there is no terminal, and colours were written: {shown:?}");
        let asked = asked.join().unwrap();
        assert!(asked.starts_with("POST /2015-03-31/functions/shop-alarm-handler/invocations"), "{asked}");
        let (_, body) = asked.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body, json!({ "command": "release", "by": "ada" }), "{asked}");
    }
}

#[test]
fn a_line_that_is_none_is_a_mistake_of_usage() {
    for line in
        [&["switchover"][..], &["approve"], &["failover", "--reason", "x"], &["status", "--plan", "No"]]
    {
        assert_eq!(program("http://127.0.0.1:1", line).status.code(), Some(2), "{line:?}");
    }
}
