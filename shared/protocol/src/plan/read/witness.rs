//! The witness of a plan, and how it reaches a database.

use super::read_sides;
use crate::plan::bounds;
use crate::plan::section::{Notes, Section};
use crate::plan::witness::{self, Connection, Witness, WitnessSide};

pub(super) fn read(plan: &Section<'_>, notes: &mut Notes) -> Option<Witness> {
    const HINT: &str = "an object with function";
    let document = plan.given("witness")?;
    let fields = ["user", "heartbeat_seconds", "sides"];
    let section = Section::open(&plan.place("witness"), document, &fields, notes);
    let user = section.find("user").map(|_| section.text("user", "the name of a database role", notes));
    Some(Witness {
        user: user.unwrap_or_else(witness::default_user),
        heartbeat_seconds: section.number_or(
            "heartbeat_seconds",
            witness::default_heartbeat_seconds(),
            bounds::HEARTBEAT_SECONDS,
            notes,
        ),
        sides: read_sides(&section, HINT, notes, |sides, side, notes| {
            let document = sides.given(side.as_str())?;
            let section = Section::open(&sides.place(side.as_str()), document, &["function"], notes);
            Some(WitnessSide { function: section.text("function", "the function's ARN", notes) })
        }),
    })
}

pub(super) fn read_connection(instance: &Section<'_>, notes: &mut Notes) -> Option<Connection> {
    let document = instance.given("connection")?;
    let fields = ["host", "port", "database"];
    let section = Section::open(&instance.place("connection"), document, &fields, notes);
    Some(Connection {
        host: section.text("host", "the host name of the instance's endpoint", notes),
        port: section.number_or("port", witness::default_port(), bounds::PORT, notes),
        database: section.text("database", "the name of the database with the witness's schema", notes),
    })
}
