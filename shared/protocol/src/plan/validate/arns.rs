//! One ARN: of the right thing, in the right place, of the right account.

use super::super::problem::Findings;
use super::ArnGround;
use crate::arn::Arn;

/// What an ARN must be of, and where.
pub(super) struct Wanted<'a> {
    /// What it must be: "the ARN of …".
    pub(super) what: &'static str,
    /// How such an ARN looks.
    pub(super) example: &'static str,
    /// Whether an ARN is of that thing.
    pub(super) is_it: fn(&Arn<'_>) -> bool,
    /// Where it must lie, and what that region is to the plan; nothing is asked if `None`.
    pub(super) region: Option<(&'a str, &'static str)>,
    /// Whether it is Pilotlight's own or is called with its own rights: it lies in the plan's account, in either region.
    pub(super) is_ours: bool,
    /// Whether it may lie in a primary region's own account.
    pub(super) may_be_elsewhere: bool,
}

/// Checks one ARN. The account must be that of what lies in the ARN's region; what has no region is the plan's.
pub(super) fn check_arn(
    path: &str,
    text: &str,
    wanted: &Wanted<'_>,
    ground: &ArnGround<'_>,
    findings: &mut Findings<'_>,
) {
    let remedy = format!("give the ARN of {}, like {}", wanted.what, wanted.example);
    let Some(arn) = Arn::parse(text) else {
        findings.add(path, "is not an ARN", remedy);
        return;
    };
    if !(wanted.is_it)(&arn) {
        findings.add(path, format!("is not the ARN of {}", wanted.what), remedy.clone());
        return;
    }
    // Where the regions are of another partition, that is said of them, once.
    if let Some(partition) = ground.partition.filter(|partition| *partition != arn.partition) {
        findings.add(
            path,
            format!(
                "is of the partition {}, and the plan's regions are of the partition {partition}",
                arn.partition
            ),
            remedy.clone(),
        );
    }
    if let Some((region, role)) = wanted.region.filter(|(region, _)| *region != arn.region) {
        findings.add(
            path,
            format!("lies in {}, and the {role} region is {region}", arn.region),
            remedy.clone(),
        );
    }
    // Where it should lie says whose it is: one that lies elsewhere is one problem already.
    let region = wanted.region.map_or(arn.region, |(region, _)| region);
    let is_primarys = Some(region) == ground.region_at.primary && !wanted.is_ours;
    let (account, owner) = if is_primarys && ground.has_two_accounts() {
        (ground.accounts.primary, "the account of the primary region")
    } else {
        (ground.accounts.recovery, "the plan's account")
    };
    if let Some(account) = account.filter(|account| *account != arn.account) {
        let whose = if arn.account.is_empty() { "no account" } else { arn.account };
        let remedy = if is_primarys && wanted.may_be_elsewhere && !ground.has_two_accounts() {
            format!(
                "{remedy}, or name its account in sides.primary.account if the primary region lies in another one"
            )
        } else {
            remedy
        };
        findings.add(path, format!("belongs to {whose}, and {owner} is {account}"), remedy);
    }
}
