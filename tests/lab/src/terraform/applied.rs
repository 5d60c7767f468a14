//! Which resource blocks of `infra/modules` were applied: read off a stack's state, and kept in the record that the tests of
//! `infra` compare with the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::checkout;
use crate::say;

/// Blocks, such as `database: aws_db_instance.primary`.
pub type Blocks = BTreeSet<String>;

/// The blocks of modules that stand in a state. `addresses` is what `terraform state list` prints, `modules` what Terraform
/// knows of where each module lies (`.terraform/modules/modules.json`).
pub fn blocks(addresses: &str, modules: &Value) -> Result<Blocks> {
    let entries = modules.get("Modules").and_then(Value::as_array).context("modules.json lists modules")?;
    let text = |entry: &Value, field: &str| entry.get(field).and_then(Value::as_str).map(str::to_owned);
    let folders: BTreeMap<_, _> =
        entries.iter().filter_map(|entry| Some((text(entry, "Key")?, text(entry, "Dir")?))).collect();
    let read = addresses.lines().filter(|line| !line.is_empty()).map(|line| block(line, &folders));
    Ok(read.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// One address; nothing for what is read only, and for what is not of a module in `infra/modules`.
fn block(address: &str, folders: &BTreeMap<String, String>) -> Result<Option<String>> {
    let bare = without_keys(address);
    let mut parts = bare.split('.').peekable();
    let mut path = Vec::new();
    while parts.next_if_eq(&"module").is_some() {
        path.push(parts.next().with_context(|| format!("{address} names no module"))?);
    }
    let resource: Vec<_> = parts.collect();
    if path.is_empty() || resource.first() == Some(&"data") {
        return Ok(None);
    }
    let key = path.join(".");
    let folder = folders.get(&key).with_context(|| format!("{address}: no module {key} is known"))?;
    Ok(shared(folder).map(|name| format!("{name}: {}", resource.join("."))))
}

/// What a folder of `infra/modules` is called: `storage`, or a child module's `storage/region`.
fn shared(folder: &str) -> Option<&str> {
    folder.rsplit_once("../modules/").map(|(_, name)| name)
}

/// An address without the keys of `for_each` and `count`, which may hold dots and brackets of their own.
fn without_keys(address: &str) -> String {
    let (mut bare, mut is_key, mut is_text, mut is_escaped) = (String::new(), false, false, false);
    for letter in address.chars() {
        match letter {
            '"' if is_key && !is_escaped => is_text = !is_text,
            '[' if !is_key => is_key = true,
            ']' if is_key && !is_text => is_key = false,
            _ if !is_key => bare.push(letter),
            _ => {}
        }
        is_escaped = is_text && letter == '\\' && !is_escaped;
    }
    bare
}

/// Where the record lies.
fn path() -> PathBuf {
    checkout::root().join("infra/tests/applied.json")
}

/// Writes down what an example applied; of the others the record says what it said.
pub fn record(example: &str, blocks: &Blocks) -> Result<()> {
    let path = path();
    let old = std::fs::read_to_string(&path).unwrap_or_else(|_| "{}".to_owned());
    let mut known: BTreeMap<String, Blocks> =
        serde_json::from_str(&old).with_context(|| format!("{} is no record", path.display()))?;
    known.insert(example.to_owned(), blocks.clone());
    let new = format!("{}\n", serde_json::to_string_pretty(&known)?);
    if new != old {
        std::fs::write(&path, new)?;
        say(&format!("infra/tests/applied.json says now which resources {example} applied"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_blocks_of_shared_modules_are_named_and_nothing_else_is() {
        let modules = json!({ "Modules": [
            { "Key": "", "Source": "", "Dir": "." },
            { "Key": "database", "Source": "../../modules/database", "Dir": "../../modules/database" },
            { "Key": "state", "Source": "../../modules/terraform-state", "Dir": "../../modules/terraform-state" },
            { "Key": "state.storage", "Source": "../storage", "Dir": "../../modules/storage" },
            { "Key": "state.storage.primary", "Source": "./region", "Dir": "../../modules/storage/region" },
            { "Key": "primary", "Source": "./region", "Dir": "region" },
            { "Key": "far", "Source": "example.com/far", "Dir": ".terraform/modules/far" },
        ] });
        let addresses = "aws_route53_zone.here\n\
            module.database[\"a.b]\\\"[\"].data.aws_region.primary\n\
            module.database[\"a.b]\\\"[\"].aws_rds_cluster_instance.primary[0]\n\
            module.database[\"c\"].aws_rds_cluster_instance.primary[1]\n\
            module.primary.aws_lb.front\n\
            module.far.aws_lb.front\n\
            module.state.module.storage.aws_iam_role.replication\n\
            module.state.module.storage.module.primary.aws_s3_bucket.this[\"tfstate\"]\n";
        let found = blocks(addresses, &modules).unwrap();
        let wanted = [
            "database: aws_rds_cluster_instance.primary",
            "storage/region: aws_s3_bucket.this",
            "storage: aws_iam_role.replication",
        ];
        assert_eq!(found.into_iter().collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn a_module_that_terraform_does_not_know_is_an_error() {
        assert!(blocks("module.x.aws_lb.front", &json!({ "Modules": [] })).is_err());
        assert!(blocks("", &json!({})).is_err());
    }
}
