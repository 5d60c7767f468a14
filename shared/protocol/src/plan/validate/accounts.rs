//! Accounts: that each is one, and that nothing is asked of two that AWS can't do.

use super::super::Plan;
use super::super::problem::Findings;
use crate::arn;

pub(super) fn check(plan: &Plan, findings: &mut Findings<'_>) {
    let (primary, recovery) = (&plan.sides.primary.account, &plan.sides.recovery.account);
    if !arn::is_account(recovery) {
        findings.add("sides.recovery.account", "is not an AWS account", "give its 12 digits in quotes");
        return;
    }
    if primary == recovery {
        return;
    }
    if !arn::is_account(primary) {
        findings.add("sides.primary.account", "is not an AWS account", "give its 12 digits in quotes");
        return;
    }
    if !plan.databases.is_empty() {
        findings.add_reading(
            &["sides.primary.account"],
            "databases",
            format!(
                "holds {}, and the two regions lie in the accounts {primary} and {recovery}: RDS makes a replica in the \
                 account of its source only",
                plan.databases.len()
            ),
            "keep both regions in one account, or leave the databases out and replicate and promote them by other means",
        );
    }
    if plan.snapshots.is_some() {
        findings.add_reading(
            &["sides.primary.account"],
            "snapshots",
            "is about the plan's databases, and a plan of two accounts has none",
            "leave it out",
        );
    }
}
