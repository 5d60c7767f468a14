//! Which plan is meant, and where? What the line says, then the environment, then a file up the tree, then the account itself if
//! there is one plan only.

use std::path::Path;

use ports::Failure;
use protocol::incoming::command::Function;
use protocol::name::Name;
use serde::Deserialize;

use crate::exit::Unanswered;
use crate::installation::Installation;

/// The file that a repository of a workload may have.
pub const FILE: &str = "pilotlight.toml";

/// What is known before AWS is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// The plan.
    pub plan: Option<String>,
    /// The region that the functions are in; the SDK's own search finds another.
    pub region: Option<String>,
    /// The profile of the AWS CLI; the SDK's own search finds another.
    pub profile: Option<String>,
}

/// Chooses by what was said on the line, by the environment and by the nearest file. The file's region and profile belong to the
/// file's plan: they count only where no other plan was named.
pub fn choose(
    said: &Chosen,
    variable: &dyn Fn(&str) -> Option<String>,
    directory: &Path,
) -> Result<Chosen, Unanswered> {
    let named = said.plan.clone().or_else(|| variable("PILOTLIGHT_PLAN").filter(|name| !name.is_empty()));
    let file = if named.is_none() { nearest_file(directory)? } else { Chosen::default() };
    Ok(Chosen {
        plan: named.or(file.plan),
        region: said.region.clone().or(file.region),
        profile: said.profile.clone().or(file.profile),
    })
}

fn nearest_file(directory: &Path) -> Result<Chosen, Unanswered> {
    for folder in directory.ancestors() {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(Unanswered::usage(format!("{} can't be read: {error}", path.display())));
            }
        };
        return toml::from_str(&text).map_err(|error| {
            let problem = error.message();
            Unanswered::usage(format!(
                "{} can't be understood: {problem}; its fields are plan, region and profile",
                path.display()
            ))
        });
    }
    Ok(Chosen::default())
}

/// The plan that was chosen, or the only one of the account and region.
pub async fn plan_of(chosen: &Chosen, installation: &dyn Installation) -> Result<Name, Unanswered> {
    let Some(region) = installation.region() else {
        return Err(Unanswered::usage(format!(
            "No region is given: use --region, AWS_REGION, the profile's region or {FILE}. It is the region that the \
             functions are in, the recovery region"
        )));
    };
    if let Some(plan) = &chosen.plan {
        let name = Name::new(plan.as_str());
        if name.is_well_formed() {
            return Ok(name);
        }
        return Err(Unanswered::usage(format!(
            "`{plan}` is no name of a plan: it has 1 to 40 characters of a-z, 0-9 and -, and starts with a letter"
        )));
    }
    let names = installation.names().await.map_err(|Failure { action, message, code, .. }| {
        Unanswered::refused(
            &code,
            format!("{action}: {message}. Without it the plan can't be looked for: name it with --plan"),
        )
    })?;
    let ending = format!("-{}", Function::AlarmHandler.as_str());
    let mut plans: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(&ending)).collect();
    plans.sort_unstable();
    match plans.as_slice() {
        [only] => Ok(Name::new(*only)),
        [] => Err(Unanswered::usage(format!(
            "{region} has no function {ending} of a plan in this account: is it the recovery region?"
        ))),
        several => Err(Unanswered::usage(format!(
            "{region} has {} plans: {}. Name one with --plan",
            several.len(),
            several.join(", ")
        ))),
    }
}

/// What a function of the plan is called.
pub fn function_of(plan: &Name, function: Function) -> String {
    format!("{plan}-{}", function.as_str())
}
