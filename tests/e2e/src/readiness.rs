//! Each readiness check is broken on purpose, says so in its sentence, and is mended; in the end all are ready.

mod bench;
mod table;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Statistic};
use lab::say;
use lab::world::{RECOVERY, pause};
use serde_json::{Value, json};

use crate::scene::{Part, Scene};
use bench::Bench;
pub(crate) use table::When;
use table::{Breakage, Row, TABLE};

/// The stack that is broken. It is under a hold until its turn comes, so that nothing starts by what is broken.
pub(crate) const PART: Part = Part::Killed;

/// How long a check may take to see what was broken: a figure of `CloudWatch` comes every few seconds. Long enough for any
/// machine, as the next one is.
const SEEN_WITHIN: Duration = Duration::from_mins(5);

/// How long until all is ready again: the worst lag of a minute stands until the minute is over.
const MENDED_WITHIN: Duration = Duration::from_mins(10);

const EVERY: Duration = Duration::from_millis(500);

/// Breaks everything that there is at this time, one after the other.
pub(crate) async fn broken_and_mended(scene: &Scene<'_>, when: When) -> Result<()> {
    let bench = Bench::of(scene, PART).await?;
    if when == When::Moved {
        // They have turned round, and say so once they have looked.
        scene.stack(PART).keep_up(&scene.world.cloud).await?;
    }
    let standing: Vec<&str> =
        TABLE.iter().filter(|row| row.when == when && stands(row)).map(|row| row.check).collect();
    until_all_ready(&bench, &standing).await.context("before anything is broken")?;
    let (mut broken, mut silent) = (0, Vec::new());
    for row in TABLE.iter().filter(|row| row.when == when) {
        let (breaks, mends, finding, words) = match &row.breakage {
            Breakage::By { breaks, mends, finding, words } => (breaks, mends, finding, words),
            Breakage::Stands { finding, words } => {
                silent.extend(
                    until_found(&bench, row.check, finding, words)
                        .await
                        .err()
                        .map(|error| format!("{error:#}")),
                );
                continue;
            }
            Breakage::Impossible { why } => {
                say(&format!("{} is not broken here: {why}", row.check));
                continue;
            }
        };
        let seen = match breaks(&bench).await {
            Ok(()) => until_found(&bench, row.check, finding, words).await,
            Err(error) => Err(error.context(format!("cannot break {}", row.check))),
        };
        // Mended whatever was seen, for those that come after.
        let mended = mends(&bench).await.with_context(|| format!("cannot mend {}", row.check));
        silent.extend([seen, mended].into_iter().filter_map(Result::err).map(|error| format!("{error:#}")));
        broken += 1;
    }
    let mended = until_all_ready(&bench, &standing).await.context("after everything is mended");
    ensure!(silent.is_empty(), "of {broken} broken checks:\n{}", silent.join("\n"));
    mended?;
    say(&format!("{broken} readiness checks were broken and mended"));
    Ok(())
}

/// Whether a check is not ready for as long as the time lasts, whatever anybody does.
fn stands(row: &Row) -> bool {
    matches!(row.breakage, Breakage::Stands { finding: "not_ready", .. })
}

/// Waits until the lag that was put on the replica lies so far back that the data-loss gate, which goes by the last whole
/// minute, does not see it any more.
pub(crate) async fn lag_is_forgotten(scene: &Scene<'_>) -> Result<()> {
    const BACK_SECONDS: i64 = 150;
    let client = aws_sdk_cloudwatch::Client::new(&scene.world.cloud.config(RECOVERY).await);
    let replica = scene.stack(PART).output(&["databases", "replica"])?;
    let mut left = MENDED_WITHIN;
    loop {
        let now = lab::demo::users::now().as_second();
        let answer = client
            .get_metric_statistics()
            .namespace("AWS/RDS")
            .metric_name("ReplicaLag")
            .dimensions(Dimension::builder().name("DBInstanceIdentifier").value(replica).build())
            .start_time(DateTime::from_secs(now - BACK_SECONDS))
            .end_time(DateTime::from_secs(now + 1))
            .period(60)
            .statistics(Statistic::Maximum)
            .send()
            .await?;
        if answer.datapoints().iter().all(|point| point.maximum().is_some_and(|lag| lag < 60.0)) {
            return Ok(());
        }
        left = left.checked_sub(EVERY).context("the lag is still there")?;
        pause(EVERY).await;
    }
}

/// Waits until a check finds what it should, in its words and with a remedy.
async fn until_found(bench: &Bench<'_, '_>, check: &str, finding: &str, words: &[&str]) -> Result<()> {
    let mut left = SEEN_WITHIN;
    loop {
        let readiness = look(bench).await?;
        let checks = readiness.get("checks").and_then(Value::as_array).cloned().unwrap_or_default();
        let is_it = |found: &&Value| {
            text(found, "name") == check && text(found, "finding") == finding && {
                let sentence = text(found, "sentence");
                words.iter().all(|word| sentence.contains(word))
            }
        };
        if let Some(found) = checks.iter().find(is_it) {
            ensure!(!text(found, "remedy").is_empty(), "{found} has no remedy");
            ensure!(
                finding == "note" || text(&readiness, "readiness") == "not_ready",
                "the verdict: {}",
                text(&readiness, "sentence")
            );
            return Ok(());
        }
        let Some(rest) = left.checked_sub(EVERY) else {
            let shown: Vec<_> = checks.iter().filter(|found| text(found, "name") == check).collect();
            bail!("{check} does not say {words:?} when it is broken: {shown:?}");
        };
        left = rest;
        pause(EVERY).await;
    }
}

/// Waits until all is ready, but for what can't be.
async fn until_all_ready(bench: &Bench<'_, '_>, standing: &[&str]) -> Result<()> {
    let mut left = MENDED_WITHIN;
    loop {
        let readiness = look(bench).await?;
        let checks = readiness.get("checks").and_then(Value::as_array).cloned().unwrap_or_default();
        let is_ready = |check: &Value| {
            matches!(text(check, "finding"), "ready" | "note") || standing.contains(&text(check, "name"))
        };
        let verdict = if standing.is_empty() { "ready" } else { "not_ready" };
        if !checks.is_empty() && checks.iter().all(is_ready) && text(&readiness, "readiness") == verdict {
            return Ok(());
        }
        let Some(rest) = left.checked_sub(EVERY) else {
            let table = readiness.get("table").and_then(Value::as_array).cloned().unwrap_or_default();
            let lines: Vec<&str> = table.iter().filter_map(Value::as_str).collect();
            bail!("it is not ready:\n{}", lines.join("\n"));
        };
        left = rest;
        pause(EVERY).await;
    }
}

async fn look(bench: &Bench<'_, '_>) -> Result<Value> {
    bench.scene.operate(bench.part, &json!({ "command": "readiness" })).await
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
