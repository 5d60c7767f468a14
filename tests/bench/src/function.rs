//! How does a function run on this machine? Its release program in Lambda's environment, with Lambda's Runtime API.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cloud::{Cloud, PLAN_PARAMETER};
use crate::measure::now;
use crate::runtime_api::RuntimeApi;

/// A function's process, ended when it is dropped.
pub(crate) struct Function<'a> {
    child: Child,
    log: &'a Path,
    api: RuntimeApi,
}

impl<'a> Function<'a> {
    /// Starts a function and waits until it asks for its first invocation; how long that took from the spawn on.
    pub(crate) fn start(
        name: &str,
        bootstrap: &Path,
        cloud: &Cloud,
        log: &'a Path,
    ) -> Result<(Self, Duration)> {
        let api = RuntimeApi::start()?;
        let mut command = Command::new(bootstrap);
        command.env_clear().envs(environment(name, &api, cloud)).stdin(Stdio::null());
        let out = File::create(log)?;
        command.stderr(out.try_clone()?).stdout(out);
        let started = now();
        let child = command.spawn().with_context(|| format!("cannot start {}", bootstrap.display()))?;
        let mut function = Self { child, log, api };
        match function.api.ready() {
            Ok(ready) => Ok((function, ready.duration_since(started))),
            Err(error) => Err(function.explain(error)),
        }
    }

    /// Invokes it and waits until it is ready again: its answer, and how long that took.
    pub(crate) fn invoke(&mut self, event: &str) -> Result<(Value, Duration)> {
        let answer = self.api.invoke(event).and_then(|answer| {
            self.api.ready()?;
            Ok(answer)
        });
        answer.map_err(|error| self.explain(error))
    }

    /// The most memory that was resident at once so far, in bytes: program, libraries, heap and stacks.
    pub(crate) fn resident_bytes_max(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        read_high_water_mark(&status).with_context(|| format!("{path} has no VmHWM"))
    }

    /// An error, with what the function printed last.
    fn explain(&mut self, error: anyhow::Error) -> anyhow::Error {
        let ended = match self.child.try_wait() {
            Ok(Some(status)) => format!("it ended ({status})"),
            _ => "it still runs".to_owned(),
        };
        let log = std::fs::read_to_string(self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(20).collect();
        let tail: Vec<&str> = lines.into_iter().rev().collect();
        error.context(format!("{ended}, and printed last:\n{}", tail.join("\n")))
    }
}

impl Drop for Function<'_> {
    fn drop(&mut self) {
        // One that has ended already can't be ended again.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn read_high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// What Lambda and Terraform set. Nothing of this machine's own environment.
fn environment(name: &str, api: &RuntimeApi, cloud: &Cloud) -> Vec<(&'static str, String)> {
    let topic = |name: &str| format!("arn:aws:sns:us-west-1:123456789012:shop-{name}");
    vec![
        ("AWS_LAMBDA_RUNTIME_API", api.address()),
        ("AWS_LAMBDA_FUNCTION_NAME", format!("shop-{name}")),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/shop-{name}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/20/[$LATEST]0".to_owned()),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO".to_owned()),
        ("AWS_REGION", "us-west-1".to_owned()),
        ("AWS_DEFAULT_REGION", "us-west-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "not-a-secret".to_owned()),
        ("AWS_SESSION_TOKEN", "not-a-token".to_owned()),
        ("AWS_ENDPOINT_URL", cloud.endpoint()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("PILOTLIGHT_PLAN_PARAMETER", PLAN_PARAMETER.to_owned()),
        ("PILOTLIGHT_PLAN_PARTS", cloud.plan_parts().to_string()),
        ("PILOTLIGHT_JOURNAL_TABLE", "shop-journal".to_owned()),
        ("PILOTLIGHT_COMMANDS_TOPIC", topic("commands")),
        ("PILOTLIGHT_NOTICES_TOPIC", topic("notices")),
        ("PILOTLIGHT_FUNCTION_SECONDS", "120".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_read_in_bytes() {
        let status = "Name:\tbootstrap\nVmPeak:\t   99999 kB\nVmHWM:\t   12288 kB\nVmRSS:\t   10000 kB\n";
        assert_eq!(read_high_water_mark(status), Some(12 * 1024 * 1024));
        assert_eq!(read_high_water_mark("Name:\tbootstrap\n"), None);
    }

    #[test]
    fn this_process_has_a_high_water_mark() {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        assert!(read_high_water_mark(&status).is_some_and(|bytes| bytes > 100_000));
    }
}
