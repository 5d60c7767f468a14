//! How much a plan may hold.

use protocol::name::Name;
use protocol::plan::{Mode, Plan, Probe};

use super::story::plan;

fn with_probes(count: usize) -> Plan {
    let mut plan = plan(Mode::Approve);
    let probe = |number| Probe::Tcp {
        name: Name::new(format!("probe-{number}")),
        host: format!("host-{number}.example.com"),
        port: 443,
        timeout_seconds: 3,
    };
    plan.detection.sides.primary.probes = (0..count).map(probe).collect();
    plan
}

#[test]
fn a_plan_has_thirty_two_probes_at_most() {
    assert_eq!(with_probes(32).validate(), vec![]);
    let problems = with_probes(33).validate();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].to_string().contains("detection.sides.primary.probes"), "{problems:?}");
}
