//! Whether a plan can be carried out as it stands: every rule, and what to do where one is broken.

mod accounts;
mod detection;
mod limits;
mod order;
mod parameters;
mod resources;
mod snapshots;

use super::bounds::Bounds;
use super::problem::{Broken, Findings, PlanProblems, Problem};
use super::section::NAME_HINT;
use super::{PLAN_SCHEMA, Plan, read};
use crate::arn;
use crate::name::Name;

impl Plan {
    /// Reads a plan from JSON and checks it.
    ///
    /// The error holds every problem of the text: fields that are missing, unknown, given twice or of the wrong
    /// type, and broken rules. Where a part can't be read, the rest is checked without it.
    pub fn from_json(text: &str) -> Result<Self, PlanProblems> {
        let (plan, notes) = read::plan(text)?;
        let mut problems = notes.problems;
        problems.extend(check(&plan, &notes.broken));
        PlanProblems::of(problems).map_or(Ok(plan), Err)
    }

    /// Checks every rule of a plan; none is broken if nothing comes back.
    pub fn validate(&self) -> Vec<Problem> {
        check(self, &Broken::default())
    }
}

fn check(plan: &Plan, broken: &Broken) -> Vec<Problem> {
    let mut findings = Findings::new(broken);
    let ground = Ground::of(plan);
    check_head(plan, &mut findings);
    accounts::check(plan, &mut findings);
    order::check(plan, &mut findings);
    resources::check(plan, &ground, &mut findings);
    detection::check(plan, &ground, &mut findings);
    limits::check(plan, &mut findings);
    parameters::check(plan, &ground, &mut findings);
    snapshots::check(plan, &ground, &mut findings);
    findings.into_problems()
}

/// What ARNs are compared with, as far as it is sound itself: one slip in the account is one problem, not hundreds.
struct Ground<'a> {
    account: Option<&'a str>,
    /// The account of the primary region: `account` where the plan names no other.
    primary_account: Option<&'a str>,
    primary: Option<&'a str>,
    recovery: Option<&'a str>,
}

impl<'a> Ground<'a> {
    fn of(plan: &'a Plan) -> Self {
        let region = |text: &'a str| Some(text).filter(|text| arn::is_region(text));
        let (primary, recovery) = (region(&plan.regions.primary), region(&plan.regions.recovery));
        let account = |text: &'a str| Some(text).filter(|text| arn::is_account(text));
        Self {
            account: account(&plan.account),
            primary_account: account(plan.primary_account.as_ref().unwrap_or(&plan.account)),
            primary,
            recovery,
        }
    }
}

fn check_head(plan: &Plan, findings: &mut Findings<'_>) {
    if plan.schema != PLAN_SCHEMA {
        findings.add(
            "schema",
            format!("is {}, and this version reads {PLAN_SCHEMA} only", plan.schema),
            format!("give {PLAN_SCHEMA}"),
        );
    }
    check_name("name", &plan.name, findings);
    if !arn::is_account(&plan.account) {
        findings.add("account", "is not an AWS account", "give its 12 digits in quotes");
    }
    for (path, region) in
        [("regions.primary", &plan.regions.primary), ("regions.recovery", &plan.regions.recovery)]
    {
        if !arn::is_region(region) {
            findings.add(path, "does not look like a region", "give a region's code, like us-east-2");
        }
    }
    if plan.regions.primary == plan.regions.recovery {
        findings.add_reading(
            &["regions.primary"],
            "regions.recovery",
            format!("is {}, which is the primary region too", plan.regions.recovery),
            "give another region, one that survives the loss of the primary",
        );
    }
    if !is_function_name(&plan.operator_function) {
        findings.add(
            "operator_function",
            "is not the name of a Lambda function",
            "give the alarm-handler's name: 1 to 64 characters of a-z, A-Z, 0-9, hyphen and underscore",
        );
    }
    if plan.routes.is_empty() {
        findings.add_reading(
            &["routes"],
            "routes",
            "is empty, so nothing could be fenced before a promotion and no traffic would move",
            "give at least one route",
        );
    }
}

fn is_function_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn check_name(path: impl Into<String>, name: &Name, findings: &mut Findings<'_>) {
    if !name.is_well_formed() {
        let problem =
            format!("is {}, which is not a well-formed name", crate::nearest::quoted(name.as_str()));
        findings.add(path, problem, format!("give {NAME_HINT}"));
    }
}

fn check_bounds(path: impl Into<String>, value: impl Into<u64>, bounds: Bounds, findings: &mut Findings<'_>) {
    let value = value.into();
    if !bounds.hold(value) {
        findings.add(
            path,
            format!("is {value}, outside {bounds}"),
            format!("give a whole number from {bounds}"),
        );
    }
}
