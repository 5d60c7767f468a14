//! Is this payload a command of the witness? Only the guards and a schedule send one; what is wrong is said without a value.

use std::ops::RangeInclusive;

use protocol::witness::{Address, DATABASES_MAX, WitnessCommand};
use serde_json::Value;

/// From one heartbeat to the next.
const HEARTBEAT_SECONDS: RangeInclusive<u8> = 1..=60;
/// Longest name of a role or a database: PostgreSQL cuts what is longer.
const NAME_BYTES_MAX: usize = 63;
/// Longest name of a host in DNS.
const HOST_BYTES_MAX: usize = 253;

const FORM: &str = r#"send {"command":"look","user":"...","databases":[{"name":"...","host":"...","port":5432,"database":"..."}]}, or "beat" with "heartbeat_seconds" besides"#;

/// Reads a payload; the error says what is wrong and what to do.
pub(crate) fn read(payload: &Value) -> Result<WitnessCommand, String> {
    if !matches!(payload["command"].as_str(), Some("look" | "beat")) {
        return Err(format!("`command` is neither look nor beat, so nobody was asked: {FORM}"));
    }
    // Serde's words may hold a value: they stay here.
    let command: WitnessCommand = serde_json::from_value(payload.clone()).map_err(|_| {
        format!("the command's fields are not as they should be, so nobody was asked: {FORM}")
    })?;
    let (user, databases) = match &command {
        WitnessCommand::Look { user, databases } => (user, databases),
        WitnessCommand::Beat { user, heartbeat_seconds, databases } => {
            if !HEARTBEAT_SECONDS.contains(heartbeat_seconds) {
                return Err(format!(
                    "`heartbeat_seconds` is {heartbeat_seconds}: send a whole number from {} to {}",
                    HEARTBEAT_SECONDS.start(),
                    HEARTBEAT_SECONDS.end()
                ));
            }
            (user, databases)
        }
    };
    if !is_name(user, NAME_BYTES_MAX) {
        return Err(format!(
            "`user` is not the name of a role: send 1 to {NAME_BYTES_MAX} bytes without control characters"
        ));
    }
    if databases.is_empty() || databases.len() > DATABASES_MAX {
        return Err(format!(
            "`databases` has {} items: send 1 to {DATABASES_MAX}, and the rest in another request",
            databases.len()
        ));
    }
    match databases.iter().find(|address| !is_address(address)) {
        Some(address) => Err(format!(
            "the address of {} is none: send a host of 1 to {HOST_BYTES_MAX} bytes, a port from 1 on, and the name of a \
             database of 1 to {NAME_BYTES_MAX} bytes",
            address.name
        )),
        None => Ok(command),
    }
}

fn is_address(address: &Address) -> bool {
    is_name(&address.host, HOST_BYTES_MAX) && address.port > 0 && is_name(&address.database, NAME_BYTES_MAX)
}

fn is_name(text: &str, bytes_max: usize) -> bool {
    !text.is_empty() && text.len() <= bytes_max && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn look(change: impl FnOnce(&mut Value)) -> Value {
        let mut payload = json!({
            "command": "look",
            "user": "pilotlight_witness",
            "databases": [{"name": "orders", "host": "db.example", "port": 5432, "database": "shop"}],
        });
        change(&mut payload);
        payload
    }

    fn beat(seconds: &Value) -> Value {
        look(|payload| {
            payload["command"] = json!("beat");
            payload["heartbeat_seconds"] = seconds.clone();
        })
    }

    #[test]
    fn both_commands_are_read() {
        assert!(matches!(read(&look(|_| {})), Ok(WitnessCommand::Look { .. })));
        assert!(matches!(read(&beat(&json!(5))), Ok(WitnessCommand::Beat { heartbeat_seconds: 5, .. })));
    }

    #[test]
    fn the_events_of_the_witness_are_its_commands() {
        for (text, is_look) in [
            (include_str!("../../../events/witness-look.json"), true),
            (include_str!("../../../events/witness-beat.json"), false),
        ] {
            let command = read(&serde_json::from_str(text).unwrap()).unwrap();
            assert_eq!(matches!(command, WitnessCommand::Look { .. }), is_look);
        }
    }

    #[test]
    fn each_bound_holds_at_its_limit_and_not_one_beyond() {
        for (seconds, is_sound) in [(0, false), (1, true), (60, true), (61, false)] {
            assert_eq!(read(&beat(&json!(seconds))).is_ok(), is_sound, "{seconds}");
        }
        for (length, is_sound) in [(0, false), (1, true), (63, true), (64, false)] {
            let text = "x".repeat(length);
            assert_eq!(read(&look(|p| p["user"] = json!(text))).is_ok(), is_sound, "{length}");
            let named = look(|p| p["databases"][0]["database"] = json!(text));
            assert_eq!(read(&named).is_ok(), is_sound, "{length}");
        }
        for (length, is_sound) in [(0, false), (1, true), (253, true), (254, false)] {
            let hosted = look(|p| p["databases"][0]["host"] = json!("x".repeat(length)));
            assert_eq!(read(&hosted).is_ok(), is_sound, "{length}");
        }
        for (port, is_sound) in [(0, false), (1, true), (65_535, true), (65_536, false)] {
            assert_eq!(read(&look(|p| p["databases"][0]["port"] = json!(port))).is_ok(), is_sound, "{port}");
        }
        for (count, is_sound) in [(0, false), (1, true), (500, true), (501, false)] {
            let many = look(|p| p["databases"] = json!(vec![p["databases"][0].clone(); count]));
            assert_eq!(read(&many).is_ok(), is_sound, "{count}");
        }
    }

    #[test]
    fn what_is_no_command_is_refused_with_its_remedy_and_without_a_value() {
        for payload in [
            json!(null),
            json!("look"),
            json!([]),
            json!({}),
            json!({"command": "canary"}),
            json!({"command": 5}),
            json!({"command": "look"}),
            json!({"command": "beat", "canary": 1}),
            look(|p| p["canary"] = json!(1)),
            look(|p| p["user"] = json!(["canary"])),
            look(|p| p["user"] = json!("a\ncanary")),
            look(|p| p["databases"] = json!("canary")),
            look(|p| p["databases"][0]["port"] = json!("canary")),
            look(|p| p["databases"][0]["host"] = json!("a\0canary")),
            look(|p| p["heartbeat_seconds"] = json!(5)),
            beat(&json!("canary")),
        ] {
            let problem = read(&payload).unwrap_err();
            assert!(problem.contains("send ") && !problem.contains("canary"), "{payload}: {problem}");
        }
    }
}
