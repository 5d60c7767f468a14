//! Seats: what a guard needs on its own side and of the other one, and that at least one guard has it.

use super::super::Plan;
use super::super::problem::{Findings, PlanProblems, Problem};
use crate::side::Side;

impl Plan {
    /// The plan as the guard of a region reads it.
    ///
    /// # Errors
    /// The region is neither side's, or the plan does not say what a guard there needs.
    pub fn seated_in(self, region: &str) -> Result<Self, PlanProblems> {
        let Some(seat) = self.side_of(region) else {
            let own = self.sides.as_ref().map(|place| place.region.as_str());
            return Err(PlanProblems::from(Problem {
                path: "sides".to_owned(),
                problem: format!(
                    "has the regions {} and {}, and this function runs in {region}",
                    own.primary, own.recovery
                ),
                remedy: "deploy the functions into one of the plan's regions, or correct the plan".to_owned(),
            }));
        };
        PlanProblems::of(lacks(&self, seat)).map_or(Ok(self.seated(seat)), Err)
    }
}

/// What a guard with that seat misses in the plan.
fn lacks(plan: &Plan, seat: Side) -> Vec<Problem> {
    let (own, other) = (seat.as_str(), seat.other().as_str());
    let fleets = plan.fleets.iter().enumerate().filter(|(_, fleet)| fleet.sides[seat].is_none());
    let fleets = fleets.map(|(index, _)| Problem {
        path: format!("fleets[{index}].sides.{own}"),
        problem: "is missing".to_owned(),
        remedy: "give its group, target_groups, serving and healthy_targets_min".to_owned(),
    });
    let is_blind = plan.detection.sides[seat.other()].probes.is_empty();
    let probes = is_blind.then(|| Problem {
        path: format!("detection.sides.{other}.probes"),
        problem: format!("is empty, so nothing would look at the {other} region from outside it"),
        remedy: format!("give at least one probe of the {other} region"),
    });
    fleets.chain(probes).collect()
}

/// A plan that no guard can move is no plan; of what is missing, what the guard at the recovery side needs is said.
pub(super) fn check(plan: &Plan, findings: &mut Findings<'_>) {
    let missing = Side::BOTH.map(|seat| lacks(plan, seat));
    if let [of_primary, of_recovery] = missing
        && !of_primary.is_empty()
    {
        for Problem { path, problem, remedy } in of_recovery {
            findings.add(path, problem, remedy);
        }
    }
}
