//! Does the program say where it listens, end when told to, and refuse what it can't start with?

use crate::world::{Upstream, address, call, query, unsigned};
use gateway::Addresses;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Ends the program even when the test fails first.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn addresses(line: &str) -> Addresses {
    let said: serde_json::Value = serde_json::from_str(line).unwrap();
    let text = |name: &str| said[name].as_str().unwrap().to_owned();
    let sites: BTreeMap<String, String> = serde_json::from_value(said["site_urls"].clone()).unwrap();
    Addresses {
        endpoint_url: text("endpoint_url"),
        control_url: text("control_url"),
        upstream_url: text("upstream_url"),
        site_urls: sites,
        accelerator_url: Some(text("accelerator_url")),
    }
}

#[tokio::test]
async fn it_says_where_it_listens_serves_and_ends_on_a_signal() {
    let upstream = Upstream::start().await;
    let at = format!("http://{}/", upstream.address);
    let arguments =
        ["--upstream", &at, "--site", "us-east-2=0,us-west-1=0", "--accelerator-port", "0", "--seed", "3"];
    let mut running = Running(program(&arguments).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let addresses = addresses(&line);
    assert_eq!(addresses.site_urls.keys().collect::<Vec<_>>(), ["us-east-2", "us-west-1"]);
    let answer = call(address(&addresses.endpoint_url), query("rds", "us-west-1", "DescribeDBInstances"))
        .await
        .unwrap();
    assert_eq!((answer.status, answer.text()), (200, "upstream"));
    let state =
        call(address(&addresses.control_url), unsigned("GET", "/_gateway/state", "")).await.unwrap().json();
    assert_eq!(
        (state["seed"].as_u64(), state["addresses"]["control_url"].as_str()),
        (Some(3), Some(&*addresses.control_url))
    );
    let id = running.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(running.0.wait().unwrap().success());
}

#[test]
fn it_refuses_what_it_cannot_start_with_and_says_what_to_write_instead() {
    for (arguments, remedy) in [
        (&["--upstream", "localhost"][..], "for example 127.0.0.1:4566"),
        (&["--upstream", "127.0.0.1:1", "--site", "us-east-2"], "give REGION=PORT"),
        (&["--upstream", "127.0.0.1:1", "--site", "mars=0"], "give a region's name"),
    ] {
        let Output { status, stderr, .. } = program(arguments).output().unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert!(!status.success() && said.contains(remedy), "{arguments:?}: {said}");
    }
}
