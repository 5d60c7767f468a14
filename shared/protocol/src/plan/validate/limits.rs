//! Limits: each within its bounds, and function timeout < step deadline < recovery time objective.

use super::super::problem::Findings;
use super::super::{Plan, bounds};
use super::check_bounds;

pub(super) fn check(plan: &Plan, findings: &mut Findings<'_>) {
    let limits = &plan.limits;
    let (timeouts, deadlines) = (&limits.function_timeout_seconds, &limits.step_seconds_max);
    for (field, value, bounds) in [
        ("lag_seconds_max", limits.lag_seconds_max, bounds::LAG_SECONDS),
        ("rto_seconds", limits.rto_seconds, bounds::RTO_SECONDS),
        ("approval_seconds_max", limits.approval_seconds_max, bounds::APPROVAL_SECONDS),
    ] {
        check_bounds(format!("limits.{field}"), value, bounds, findings);
    }
    for (function, timeout) in [
        ("alarm_handler", timeouts.alarm_handler),
        ("promote_replica", timeouts.promote_replica),
        ("scale_asg", timeouts.scale_asg),
        ("shift_traffic", timeouts.shift_traffic),
    ] {
        let path = format!("limits.function_timeout_seconds.{function}");
        check_bounds(path, timeout, bounds::FUNCTION_TIMEOUT_SECONDS, findings);
    }
    for (function, timeout, step, deadline) in [
        ("alarm_handler", timeouts.alarm_handler, "verify", deadlines.verify),
        ("promote_replica", timeouts.promote_replica, "promote", deadlines.promote),
        ("promote_replica", timeouts.promote_replica, "quarantine", deadlines.quarantine),
        ("scale_asg", timeouts.scale_asg, "scale", deadlines.scale),
        ("shift_traffic", timeouts.shift_traffic, "fence", deadlines.fence),
        ("shift_traffic", timeouts.shift_traffic, "open", deadlines.open),
    ] {
        check_step(function, timeout, step, deadline, limits.rto_seconds, findings);
    }
}

/// A step must outlive one invocation of its function, and end before the objective does.
fn check_step(
    function: &str,
    timeout: u32,
    step: &str,
    deadline: u32,
    rto_seconds: u32,
    findings: &mut Findings<'_>,
) {
    let timeout_path = format!("limits.function_timeout_seconds.{function}");
    let deadline_path = format!("limits.step_seconds_max.{step}");
    check_bounds(deadline_path.as_str(), deadline, bounds::STEP_SECONDS, findings);
    if timeout >= deadline {
        findings.add_reading(
            &[&deadline_path],
            timeout_path,
            format!("is {timeout}, not less than {deadline_path}, which is {deadline}"),
            "raise the step's deadline or lower the function's timeout: a step goes on over several invocations",
        );
    }
    if deadline >= rto_seconds {
        findings.add_reading(
            &["limits.rto_seconds"],
            deadline_path,
            format!("is {deadline}, not less than limits.rto_seconds, which is {rto_seconds}"),
            "lower the step's deadline or raise the objective: a step that may take as long can't keep it",
        );
    }
}
