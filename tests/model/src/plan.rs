//! Which plan is moved? The smallest that has every step: one database, one fleet, one route, one alarm, one probe; or two
//! databases, or none.

use protocol::name::Name;
use protocol::plan::{Mode, Plan};
use protocol::side::Side;

/// The only alarm.
pub const ALARM: &str = "arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-front-errors";

/// The confirm window of the plan, which no mutant changes.
pub const CONFIRM_SECONDS: i64 = 60;

const TEXT: &str = r#"{
  "schema": 1, "name": "shop", "account": "123456789012",
  "regions": { "primary": "us-east-2", "recovery": "us-west-1" },
  "databases": [{
    "name": "orders", "kind": "rds_replica",
    "primary": "arn:aws:rds:us-east-2:123456789012:db:shop-orders",
    "replica": "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica",
    "quarantine_security_group": "sg-0abc"
  }],
  "fleets": [{
    "name": "web", "kind": "auto_scaling_group", "group": "shop-web-recovery",
    "target_groups": ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0a1b2c3d4e5f6071"],
    "capacity": { "min": 2, "desired": 2, "max": 4 }, "healthy_targets_min": 2
  }],
  "routes": [{
    "name": "front", "kind": "global_accelerator",
    "primary": {
      "endpoint_group": "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/b/endpoint-group/c",
      "endpoint": "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop-primary/1a2b3c4d5e6f7081",
      "weight": 128
    },
    "recovery": {
      "endpoint_group": "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/b/endpoint-group/d",
      "endpoint": "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop-recovery/2a3b4c5d6e7f8091",
      "weight": 128
    },
    "after": ["orders", "web"]
  }],
  "detection": {
    "alarms": ["arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-front-errors"],
    "topics": ["arn:aws:sns:us-east-2:123456789012:shop-signals"],
    "probes": [{ "kind": "tcp", "name": "db", "host": "db.example.com", "port": 5432, "timeout_seconds": 3 }],
    "confirm_seconds": 60, "signal_age_seconds_max": 300, "cooldown_seconds": 60
  },
  "limits": {
    "lag_seconds_max": 60, "rto_seconds": 3600, "approval_seconds_max": 120,
    "function_timeout_seconds": {
      "alarm_handler": 115, "promote_replica": 115, "scale_asg": 115, "shift_traffic": 115
    },
    "step_seconds_max": { "scale": 150, "fence": 150, "promote": 150, "open": 150, "verify": 150, "quarantine": 150 }
  },
  "operator_function": "shop-alarm-handler"
}"#;

/// The plan.
///
/// # Panics
/// Never: the text is a valid plan, and a test says so.
#[expect(clippy::expect_used, reason = "a constant of this crate")]
#[must_use]
pub fn plan(mode: Mode, databases: Databases) -> Plan {
    let mut plan = Plan::from_json(TEXT).expect("the model's plan is valid");
    plan.mode = mode;
    if databases.count() == 2 {
        let mut second = plan.databases[0].clone();
        second.name = database(1);
        *second.arn_mut(Side::Primary) = second.arn(Side::Primary).replace("orders", "stock");
        *second.arn_mut(Side::Recovery) = second.arn(Side::Recovery).replace("orders", "stock");
        if databases == Databases::InARow {
            second.after = vec![database(0)];
        }
        plan.databases.push(second);
    }
    plan.databases.truncate(databases.count());
    let names = (0..databases.count()).map(database);
    plan.routes[0].after = names.chain([fleet()]).collect();
    plan
}

/// Which databases a plan has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Databases {
    /// None.
    None,
    /// One.
    One,
    /// Two, the second after the first.
    InARow,
    /// Two that have nothing to do with each other.
    SideBySide,
}

impl Databases {
    /// How many there are.
    #[must_use]
    pub fn count(self) -> usize {
        match self {
            Self::None => 0,
            Self::One => 1,
            Self::InARow | Self::SideBySide => 2,
        }
    }
}

/// A database.
#[must_use]
pub fn database(item: usize) -> Name {
    Name::from(if item == 0 { "orders" } else { "stock" })
}

/// The fleet.
#[must_use]
pub fn fleet() -> Name {
    Name::from("web")
}

/// The route.
#[must_use]
pub fn route() -> Name {
    Name::from("front")
}
