//! The witness: a function where its side is, and databases that it can reach.

use super::super::problem::Findings;
use super::super::witness::{Connection, Witness};
use super::super::{Plan, bounds};
use super::arns::{Wanted, check_arn};
use super::{ArnGround, check_bounds, is_function_name};
use crate::arn::Arn;
use crate::side::Side;

pub(super) fn check(plan: &Plan, ground: &ArnGround<'_>, findings: &mut Findings<'_>) {
    check_connections(plan, findings);
    let Some(witness) = &plan.witness else {
        return;
    };
    check_bounds("witness.heartbeat_seconds", witness.heartbeat_seconds, bounds::HEARTBEAT_SECONDS, findings);
    if !is_role(&witness.user) {
        findings.add(
            "witness.user",
            "is not the name of a database role",
            "give 1 to 63 characters of a-z, 0-9 and underscore, not beginning with a digit",
        );
    }
    check_heartbeat(plan, witness, findings);
    if witness.sides.values().all(Option::is_none) {
        let remedy = "give the function of the recovery side, or leave witness out";
        findings.add("witness.sides", "names no function on either side", remedy);
    }
    for (side, at) in witness.sides.iter() {
        let Some(at) = at else { continue };
        let path = format!("witness.sides.{}.function", side.as_str());
        let wanted = Wanted {
            what: "a Lambda function, without a version or an alias",
            example: "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness",
            is_it: is_function,
            region: ground.region_at[side].map(|region| (region, side.as_str())),
            is_ours: false,
            may_be_elsewhere: false,
        };
        check_arn(&path, &at.function, &wanted, ground, findings);
        let has_work = plan.databases.iter().any(|database| database.connection(side).is_some());
        if !has_work {
            findings.add_reading(
                &["databases"],
                path,
                format!("is given, and no database has a connection on the {} side", side.as_str()),
                "give the connection of at least one RDS instance there, or leave the function out",
            );
        }
    }
}

/// What an idle source looks to be behind: a heartbeat that is not yet due.
fn check_heartbeat(plan: &Plan, witness: &Witness, findings: &mut Findings<'_>) {
    let (heartbeat, limit) = (u32::from(witness.heartbeat_seconds), plan.limits.lag_seconds_max);
    if heartbeat > 0 && heartbeat >= limit {
        findings.add_reading(
            &["limits.lag_seconds_max"],
            "witness.heartbeat_seconds",
            format!("is {heartbeat}, not less than limits.lag_seconds_max, which is {limit}"),
            "lower it or raise the limit: a healthy replica is up to one heartbeat behind",
        );
    }
}

fn check_connections(plan: &Plan, findings: &mut Findings<'_>) {
    for (index, database) in plan.databases.iter().enumerate() {
        for side in Side::BOTH {
            let Some(Connection { host, port, database }) = database.connection(side) else { continue };
            let side_path = side.as_str();
            let path = format!("databases[{index}].sides.{side_path}.connection");
            if !is_host(host) {
                findings.add(
                    format!("{path}.host"),
                    "is not a host name",
                    "give the host name of the instance's endpoint, without a port",
                );
            }
            check_bounds(format!("{path}.port"), *port, bounds::PORT, findings);
            if !is_database(database) {
                findings.add(
                    format!("{path}.database"),
                    "is not the name of a database",
                    "give 1 to 63 letters, digits, underscores, dollar signs and hyphens, beginning with a letter or an \
                     underscore",
                );
            }
            if plan.witness.as_ref().is_none_or(|witness| witness.sides[side].is_none()) {
                findings.add_reading(
                    &["witness", &format!("witness.sides.{side_path}")],
                    path,
                    format!("is given, and witness.sides.{side_path} is not"),
                    "give the function that asks the database there, or leave the connection out",
                );
            }
        }
    }
}

fn is_function(arn: &Arn<'_>) -> bool {
    arn.service == "lambda" && arn.resource.strip_prefix("function:").is_some_and(is_function_name)
}

/// A role's name that needs no quotes.
fn is_role(text: &str) -> bool {
    let mut bytes = text.bytes();
    let is_first = |b: u8| b.is_ascii_lowercase() || b == b'_';
    text.len() <= 63 && bytes.next().is_some_and(is_first) && bytes.all(|b| is_first(b) || b.is_ascii_digit())
}

fn is_database(text: &str) -> bool {
    let mut bytes = text.bytes();
    let is_first = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let is_other = |b: u8| is_first(b) || b.is_ascii_digit() || b == b'$' || b == b'-';
    text.len() <= 63 && bytes.next().is_some_and(is_first) && bytes.all(is_other)
}

fn is_host(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}
