//! Whether a plan can be carried out as it stands: every rule, and what to do where one is broken.

mod accounts;
mod arns;
mod detection;
mod limits;
mod order;
mod parameters;
mod resources;
mod seats;
mod snapshots;
mod witness;

use super::bounds::Bounds;
use super::problem::{Broken, Findings, PlanProblems, Problem, Wording};
use super::section::NAME_HINT;
use super::{PLAN_SCHEMA, Place, Plan, read};
use crate::arn;
use crate::name::Name;
use crate::side::Sides;

impl Plan {
    /// Reads a plan from JSON and checks it.
    ///
    /// The error holds every problem of the text: fields that are missing, unknown, given twice or of the wrong
    /// type, and broken rules. Where a part can't be read, the rest is checked without it.
    pub fn from_json(text: &str) -> Result<Self, PlanProblems> {
        let (plan, notes, words) = read::plan(text)?;
        let mut problems = notes.problems;
        problems.extend(check(&plan, &notes.broken, words));
        PlanProblems::of(problems).map_or(Ok(plan), Err)
    }

    /// Checks every rule of a plan; none is broken if nothing comes back.
    pub fn validate(&self) -> Vec<Problem> {
        check(self, &Broken::default(), |text| text)
    }
}

fn check(plan: &Plan, broken: &Broken, words: Wording) -> Vec<Problem> {
    let mut findings = Findings::new(broken, words);
    let ground = ArnGround::of(plan);
    check_head(plan, &mut findings);
    accounts::check(plan, &mut findings);
    order::check(plan, &mut findings);
    resources::check(plan, &ground, &mut findings);
    detection::check(plan, &ground, &mut findings);
    seats::check(plan, &mut findings);
    limits::check(plan, &mut findings);
    parameters::check(plan, &ground, &mut findings);
    snapshots::check(plan, &ground, &mut findings);
    witness::check(plan, &ground, &mut findings);
    findings.into_problems()
}

/// The one partition that Global Accelerator exists in.
const PARTITION: &str = "aws";

/// What ARNs are compared with, as far as it is sound itself: one slip in the account is one problem, not hundreds.
struct ArnGround<'a> {
    region_at: Sides<Option<&'a str>>,
    accounts: Sides<Option<&'a str>>,
    /// The partition of the regions; nothing if they are of two.
    partition: Option<&'static str>,
}

impl<'a> ArnGround<'a> {
    fn of(plan: &'a Plan) -> Self {
        let places = plan.sides.as_ref();
        let region_at = places.map(|place| Some(place.region.as_str()).filter(|text| arn::is_region(text)));
        let accounts = places.map(|place| Some(place.account.as_str()).filter(|text| arn::is_account(text)));
        let partition = region_at.primary.or(region_at.recovery).map(arn::partition_of);
        Self {
            region_at,
            accounts,
            partition: partition
                .filter(|found| region_at.recovery.is_none_or(|region| arn::partition_of(region) == *found)),
        }
    }

    /// Whether each side has an account of its own.
    fn has_two_accounts(&self) -> bool {
        self.accounts.primary != self.accounts.recovery
    }
}

fn check_head(plan: &Plan, findings: &mut Findings<'_>) {
    if plan.schema != PLAN_SCHEMA {
        findings.add(
            "schema",
            format!("is {}, and this version reads 1 and {PLAN_SCHEMA} only", plan.schema),
            format!("give {PLAN_SCHEMA}"),
        );
    }
    check_name("name", &plan.name, findings);
    if plan.name.is_well_formed() && !is_plan_name(plan.name.as_str()) {
        let problem =
            format!("is {}, which is no name of a plan", crate::nearest::quoted(plan.name.as_str()));
        let remedy = "give 3 to 31 characters of a-z, 0-9 and hyphens, beginning with a letter and not ending with a hyphen";
        findings.add("name", problem, remedy);
    }
    check_regions(plan, findings);
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

fn check_regions(plan: &Plan, findings: &mut Findings<'_>) {
    for (side, Place { region, .. }) in plan.sides.iter() {
        let path = format!("sides.{}.region", side.as_str());
        if !arn::is_region(region) {
            findings.add(path, "does not look like a region", "give a region's code, like us-east-2");
        } else if arn::partition_of(region) != PARTITION {
            findings.add(
                path,
                format!(
                    "lies in the partition {}, and Global Accelerator, which steers the routes, exists in the partition \
                     {PARTITION} only",
                    arn::partition_of(region)
                ),
                format!("give a region of the partition {PARTITION}, like us-east-2"),
            );
        }
    }
    let recovery = &plan.sides.recovery.region;
    if arn::is_region(recovery) && arn::is_opt_in(recovery) {
        findings.add(
            "sides.recovery.region",
            format!(
                "is {recovery}, an opt-in region, and SNS doesn't deliver to a Lambda function of an opt-in region from \
                 another region: the primary's alarms would never arrive"
            ),
            "give a region that needs no opt-in, one of those from before 2019",
        );
    }
    if plan.sides.primary.region == *recovery {
        findings.add_reading(
            &["sides.primary.region"],
            "sides.recovery.region",
            format!("is {recovery}, which is the primary region too"),
            "give another region, one that survives the loss of the primary",
        );
    }
}

/// The name is the prefix of everything that the plan's Terraform module creates.
fn is_plan_name(name: &str) -> bool {
    (3..=31).contains(&name.len()) && !name.ends_with('-')
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
