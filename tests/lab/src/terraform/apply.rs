//! Every example applied for real: apply, an empty second plan, what it is there for, destroy, and nothing left over.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::checks::{accounts, failover_check, gate, single_route};
use crate::terraform::Terraform;
use crate::terraform::applied::{self, Blocks};
use crate::terraform::examples::Example;
use crate::terraform::leftovers::{Held, held, since};
use crate::world::ending::{Ending, word_of};
use crate::world::packages;
use crate::world::tools::Tools;
use crate::world::{Settings, World, pause};
use crate::{say, show};

/// What became of an example.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Row {
    example: &'static str,
    resources: usize,
    apply_seconds: u64,
    plan_seconds: u64,
    destroy_seconds: u64,
    /// The resource blocks of `infra/modules` that stood there.
    blocks: Blocks,
    drift: Vec<String>,
    leftovers: Vec<Held>,
    kept: Vec<Held>,
    /// What went wrong otherwise.
    failures: Vec<String>,
}

impl Row {
    fn is_good(&self) -> bool {
        self.drift.is_empty() && self.leftovers.is_empty() && self.failures.is_empty()
    }
}

/// Applies the examples, each in a world of its own, and prints the table.
pub async fn apply(examples: &[Example], ending: &Ending) -> Result<()> {
    let tools = ending.cut(Tools::find()).await?;
    ending.cut(packages::build()).await?;
    let mut rows = Vec::new();
    for example in examples {
        let row = one(&tools, *example, ending).await?;
        // All of them take an hour: what is known is shown at once, whatever comes after.
        table(std::slice::from_ref(&row));
        rows.push(row);
    }
    table(&rows);
    details(&rows);
    let bad: Vec<_> = rows.iter().filter(|row| !row.is_good()).map(|row| row.example).collect();
    if !bad.is_empty() {
        bail!("not as it should be: {}", bad.join(", "));
    }
    Ok(())
}

/// One example from nothing to nothing. Only the word to end is an error; all else stands in the row.
async fn one(tools: &Tools, example: Example, ending: &Ending) -> Result<Row> {
    let mut row = Row { example: example.name(), ..Row::default() };
    let settings = Settings::default();
    let name = format!("apply-{}", example.name());
    let world = ending.cut(World::start_in(tools, &name, &settings, example.regions())).await?;
    let done = ending.cut(Box::pin(live(tools, &world, example, &mut row))).await;
    world.stop().await;
    match done {
        Err(error) if word_of(&error).is_some() => Err(error),
        Err(error) => {
            say(&format!("{}: FAILED: {error:#}", example.name()));
            row.failures.push(format!("{error:#}"));
            Ok(row)
        }
        Ok(()) => Ok(row),
    }
}

async fn live(tools: &Tools, world: &World, example: Example, row: &mut Row) -> Result<()> {
    let home = world.state_dir.join("stack");
    // The example needs a server or a stack that exists: whatever is made for it here is no leftover of its own.
    let before_all = held(world).await?;
    let existing = existing(tools, world, example, &home, row).await?;
    let outputs = existing.as_ref().map_or(Value::Null, |(_, outputs)| outputs.clone());
    let variables = example.variables(world, &outputs).await?;
    let before = held(world).await?;
    let folder = example.folder();
    let stack = Terraform::on_copy(tools, world, example.name(), &home, &folder, &variables).await?;
    if let Some(locals) = example.locals() {
        stack.set_locals(&locals)?;
    }
    row.resources += timed(&mut row.apply_seconds, stack.apply()).await?;
    row.blocks.append(&mut stack.blocks().await?);
    note_drift(&stack, "", row).await?;
    if row.drift.is_empty() {
        applied::record(row.example, &row.blocks)?;
    }
    if let Err(error) = purpose(world, example, &stack).await {
        say(&format!("{}: FAILED: {error:#}", example.name()));
        row.failures.push(format!("{error:#}"));
    }
    // What it is there for may have changed the world; Terraform must not want it back.
    note_drift(&stack, "afterwards: ", row).await?;
    destroy(&stack, variables, row).await?;
    note_leftovers(world, &before, row).await?;
    if let Some((existing, _)) = existing {
        destroy(&existing, Example::existing_variables(), row).await?;
        row.leftovers.clear();
        row.kept.clear();
        note_leftovers(world, &before_all, row).await?;
    }
    Ok(())
}

/// Applies what must exist before the example.
async fn existing(
    tools: &Tools,
    world: &World,
    example: Example,
    home: &Path,
    row: &mut Row,
) -> Result<Option<(Terraform, Value)>> {
    let Some(folder) = example.existing() else { return Ok(None) };
    let folder = format!("{}/{folder}", example.folder());
    let label = format!("{} (what exists)", example.name());
    let variables = Example::existing_variables();
    let stack = Terraform::on_copy(tools, world, &label, home, &folder, &variables).await?;
    row.resources += timed(&mut row.apply_seconds, stack.apply()).await?;
    row.blocks.append(&mut stack.blocks().await?);
    note_drift(&stack, "what exists: ", row).await?;
    let outputs = stack.outputs().await?;
    Ok(Some((stack, outputs)))
}

/// Plans, and notes what Terraform would change.
async fn note_drift(stack: &Terraform, when: &str, row: &mut Row) -> Result<()> {
    let drift = timed(&mut row.plan_seconds, stack.plan()).await?;
    let mut changes: Vec<_> = drift.changes().iter().map(|change| format!("{when}{change}")).collect();
    if !drift.is_empty && changes.is_empty() {
        // Outputs alone, for one.
        changes.push(format!("{when}a plan that is not empty"));
    }
    for change in &changes {
        say(&format!("{}: drift: {change}", row.example));
    }
    row.drift.extend(changes);
    Ok(())
}

/// What only an applied stack can show.
async fn purpose(world: &World, example: Example, stack: &Terraform) -> Result<()> {
    match example {
        Example::PilotLight => failover_check::with_its_own_functions(world, stack).await,
        Example::MultiService => single_route::moves(world, example.regions(), &stack.outputs().await?).await,
        Example::TwoAccounts => accounts::are_bridged(world).await,
        Example::OtherModules => gate::moves(world, example.regions(), &stack.outputs().await?).await,
        Example::Brownfield | Example::WarmStandbyEks => Ok(()),
    }
}

/// As the READMEs say: deletion protection off, then destroy.
async fn destroy(stack: &Terraform, mut variables: Value, row: &mut Row) -> Result<()> {
    variables["deletion_protection"] = json!(false);
    stack.set(&variables)?;
    timed(&mut row.destroy_seconds, stack.apply()).await.context("taking deletion protection off")?;
    timed(&mut row.destroy_seconds, stack.destroy()).await?;
    Ok(())
}

async fn note_leftovers(
    world: &World,
    before: &std::collections::BTreeSet<Held>,
    row: &mut Row,
) -> Result<()> {
    // What the functions had under way when they were deleted.
    pause(Duration::from_secs(2)).await;
    (row.leftovers, row.kept) = since(before, &held(world).await?);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the lab lives in real time")]
async fn timed<T>(seconds: &mut u64, work: impl Future<Output = Result<T>>) -> Result<T> {
    let began = std::time::Instant::now();
    let done = work.await;
    *seconds += began.elapsed().as_secs();
    done
}

fn table(rows: &[Row]) {
    show(&format!(
        "\n{:<18} {:>9} {:>8} {:>7} {:>10} {:>6} {:>10}",
        "example", "resources", "apply s", "plan s", "destroy s", "drift", "leftovers"
    ));
    for row in rows {
        show(&line(row));
    }
}

/// What made rows bad, and what stays on purpose.
fn details(rows: &[Row]) {
    for row in rows {
        let told = row.failures.iter().map(|failure| format!("failed: {failure}"));
        let drift = row.drift.iter().map(|change| format!("drift: {change}"));
        let left =
            row.leftovers.iter().map(|held| format!("left over: {} {} {}", held.kind, held.region, held.id));
        let kept = row.kept.iter().map(|held| {
            let why = held.why.as_deref().unwrap_or_default();
            format!("stays: {} {} {} ({why})", held.kind, held.region, held.id)
        });
        for words in told.chain(drift).chain(left).chain(kept) {
            show(&format!("{}: {words}", row.example));
        }
    }
}

fn line(row: &Row) -> String {
    let word = if row.is_good() { "" } else { "  FAILED" };
    format!(
        "{:<18} {:>9} {:>8} {:>7} {:>10} {:>6} {:>10}{word}",
        row.example,
        row.resources,
        row.apply_seconds,
        row.plan_seconds,
        row.destroy_seconds,
        row.drift.len(),
        row.leftovers.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_a_leftover_and_a_failure_are_each_bad_and_what_stays_on_purpose_is_not() {
        let held = Held { kind: "k".into(), region: String::new(), id: "i".into(), why: Some("w".into()) };
        let good = Row { example: "e", resources: 3, kept: vec![held.clone()], ..Row::default() };
        assert!(good.is_good() && !line(&good).contains("FAILED"));
        let bad = [
            Row { drift: vec!["x will be updated".into()], ..good.clone() },
            Row { leftovers: vec![held], ..good.clone() },
            Row { failures: vec!["no".into()], ..good },
        ];
        assert!(bad.iter().all(|row| !row.is_good() && line(row).ends_with("FAILED")));
    }
}
