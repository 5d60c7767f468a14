//! Two accounts: that the primary region's is another one, and that nothing is asked of the two that AWS can't do.

use super::super::Plan;
use super::super::problem::Findings;
use crate::arn;

pub(super) fn check(plan: &Plan, findings: &mut Findings<'_>) {
    let Some(primary) = &plan.primary_account else {
        return;
    };
    if !arn::is_account(primary) {
        findings.add(
            "primary_account",
            "is not an AWS account",
            "give its 12 digits in quotes, or leave it out",
        );
        return;
    }
    if *primary == plan.account {
        findings.add_reading(
            &["account"],
            "primary_account",
            "is the plan's account too",
            "leave it out where both regions lie in one account",
        );
        return;
    }
    if !plan.databases.is_empty() {
        findings.add_reading(
            &["primary_account"],
            "databases",
            format!(
                "holds {}, and the two regions lie in the accounts {primary} and {}: RDS makes a replica in the account of \
                 its source only",
                plan.databases.len(),
                plan.account
            ),
            "keep both regions in one account, or leave the databases out and replicate and promote them by other means",
        );
    }
    if plan.snapshots.is_some() {
        findings.add_reading(
            &["primary_account"],
            "snapshots",
            "is about the plan's databases, and a plan of two accounts has none",
            "leave it out",
        );
    }
}
