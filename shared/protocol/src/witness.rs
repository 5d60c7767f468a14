//! The witness: what the function inside the VPC is asked, and what it says of the databases that it asked in SQL.
//!
//! It gets everything with the request, for it has no way to AWS: neither a plan nor a journal. What it answers is of a moment,
//! by the clock of the database's own server.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::name::Name;

/// Most databases of one request: each has a connection, and Lambda lets a function open 1,024 files.
pub const DATABASES_MAX: usize = 500;

/// Where a database takes connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The database of the plan.
    pub name: Name,
    /// Its endpoint's host name. A token is good for this name only.
    pub host: String,
    /// The endpoint's port.
    pub port: u16,
    /// The database on that server that holds the witness's schema.
    pub database: String,
}

/// What the witness is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum WitnessCommand {
    /// A guard: look at each database once, and answer.
    Look {
        /// The database role to log in as.
        user: String,
        /// The databases.
        databases: Vec<Address>,
    },
    /// Its schedule: write a heartbeat into each database that takes writes, again and again until the invocation ends.
    Beat {
        /// The database role to log in as.
        user: String,
        /// From one heartbeat to the next, 1 to 60.
        heartbeat_seconds: u8,
        /// The databases.
        databases: Vec<Address>,
    },
}

impl WitnessCommand {
    /// The databases that it is about.
    pub fn databases(&self) -> &[Address] {
        let (Self::Look { databases, .. } | Self::Beat { databases, .. }) = self;
        databases
    }
}

/// What the witness saw of one database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witnessed {
    /// The database.
    pub name: Name,
    /// What was seen.
    pub sight: Sight,
}

/// Whether a database answered in SQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sight {
    /// It did.
    Seen(DatabaseSeen),
    /// It could not be asked. That is never evidence of a loss.
    Unreached(Unreached),
}

/// What a database says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseSeen {
    /// When, by the server's clock.
    pub at: Timestamp,
    /// Whether it takes writes.
    pub is_writable: bool,
    /// The newest heartbeat that it holds; nothing if nobody ever wrote one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Heartbeat>,
    /// How far its log is flushed, or on a replica replayed.
    pub position: Lsn,
    /// What a replica says of its replication; nothing of a database that is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica: Option<WalReplay>,
    /// Sessions of clients, without the witness's own.
    pub sessions: u32,
}

/// A row that the serving side's witness writes again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Counts up from 1.
    pub sequence: u64,
    /// When it was written, by the clock of the server that it was written to.
    pub beat_at: Timestamp,
}

/// What a replica says of its replication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalReplay {
    /// How far it has received its source's log; nothing if it has received none since it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Lsn>,
    /// When the newest transaction that it has replayed was committed, by its source's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<Timestamp>,
    /// Whether it is connected to its source and receives its log.
    pub is_streaming: bool,
    /// When its source last sent something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Timestamp>,
}

impl DatabaseSeen {
    /// How far a replica is behind its source at most.
    pub fn lag(&self) -> Option<SignedDuration> {
        Some(self.at.duration_since(self.replayed_until()?).max(SignedDuration::ZERO))
    }

    /// Everything that the source had committed until then is replayed here; nothing where it is no replica, or nobody can say.
    pub fn replayed_until(&self) -> Option<Timestamp> {
        let replica = self.replica.as_ref()?;
        self.heartbeat.map(|heartbeat| heartbeat.beat_at).max(replica.committed_at)
    }
}

/// Why a database could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreached {
    /// What kind of trouble it is.
    pub code: UnreachedCode,
    /// The words of whoever refused.
    pub message: String,
}

/// The kinds of trouble that a witness can have with a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnreachedCode {
    /// Nothing answers at the address.
    NoConnection,
    /// The name does not resolve.
    NoAddress,
    /// The server has no TLS, or a certificate that the witness's authorities did not issue.
    Tls,
    /// The server does not let the role in with a token.
    LoginRefused,
    /// The server asks the role for a password instead of a token.
    PasswordAsked,
    /// There is no such database on the server.
    NoDatabase,
    /// The schema of the witness is missing, or the role may not use it.
    NotPrepared,
    /// It did not answer in time.
    NoAnswer,
    /// It refused for another reason.
    Refused,
}

impl UnreachedCode {
    /// Its word in answers and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoConnection => "no_connection",
            Self::NoAddress => "no_address",
            Self::Tls => "tls",
            Self::LoginRefused => "login_refused",
            Self::PasswordAsked => "password_asked",
            Self::NoDatabase => "no_database",
            Self::NotPrepared => "not_prepared",
            Self::NoAnswer => "no_answer",
            Self::Refused => "refused",
        }
    }

    /// What a person does about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::NoConnection => {
                "let the database's security group admit the witness's, and check the endpoint's port"
            }
            Self::NoAddress => "check the endpoint's host, and that the witness's VPC resolves it",
            Self::Tls => "give the witness the bundle of RDS's certificate authorities for the region",
            Self::LoginRefused => {
                "enable IAM authentication on the instance, grant the role rds_iam, and allow the function rds-db:connect for it"
            }
            Self::PasswordAsked => {
                "enable IAM authentication on the instance and grant the role rds_iam: the witness has no password"
            }
            Self::NoDatabase => "name the database in which the grants were run",
            Self::NotPrepared => "run the grants that the module prints as `grants`, in that database",
            Self::NoAnswer => "look at the load of the database, and at its network",
            Self::Refused => "look up what the database says",
        }
    }
}

/// A position in PostgreSQL's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lsn(pub u64);

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

/// What is no position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a position in PostgreSQL's log, like 16/B374D848")]
pub struct NoLsn(String);

impl FromStr for Lsn {
    type Err = NoLsn;

    fn from_str(text: &str) -> Result<Self, NoLsn> {
        let half = |text: &str| {
            let is_hex = (1..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
            is_hex.then(|| u64::from_str_radix(text, 16).ok()).flatten()
        };
        let halves = text.split_once('/').and_then(|(high, low)| Some((half(high)?, half(low)?)));
        let (high, low) = halves.ok_or_else(|| NoLsn(text.to_owned()))?;
        Ok(Self(high << 32 | low))
    }
}

impl Serialize for Lsn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Lsn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_position_is_read_as_postgresql_writes_it() {
        for (text, number) in
            [("0/0", 0), ("0/1A2B", 0x1A2B), ("16/B374D848", 0x16_B374_D848), ("FFFFFFFF/FFFFFFFF", u64::MAX)]
        {
            assert_eq!(text.parse(), Ok(Lsn(number)));
            assert_eq!(Lsn(number).to_string(), text);
        }
        assert_eq!("1/00ab".parse(), Ok(Lsn(0x1_0000_00AB)));
        for text in ["", "/", "0", "0/", "/0", "1/2/3", "0/123456789", "g/0", "+1/0", "0/ 1"] {
            assert!(text.parse::<Lsn>().is_err(), "{text}");
        }
        assert!("1/FFFFFFFF".parse::<Lsn>().unwrap() < "2/0".parse().unwrap());
    }

    #[test]
    fn what_is_replayed_is_said_by_the_newer_of_heartbeat_and_transaction() {
        let of = |heartbeat: Option<&str>, committed: Option<&str>| DatabaseSeen {
            at: time("2026-11-20T03:00:10Z"),
            is_writable: false,
            heartbeat: heartbeat.map(|at| Heartbeat { sequence: 7, beat_at: time(at) }),
            position: Lsn(5),
            replica: Some(WalReplay {
                received: Some(Lsn(6)),
                committed_at: committed.map(time),
                is_streaming: true,
                heard_at: None,
            }),
            sessions: 0,
        };
        let (early, late) = ("2026-11-20T03:00:00Z", "2026-11-20T03:00:05Z");
        assert_eq!(of(Some(early), Some(late)).replayed_until(), Some(time(late)));
        assert_eq!(of(Some(early), Some(late)).lag(), Some(SignedDuration::from_secs(5)));
        assert_eq!(
            of(Some("2026-11-20T03:00:11Z"), None).lag(),
            Some(SignedDuration::ZERO),
            "a clock that is ahead"
        );
        assert_eq!(of(None, None).lag(), None);
        assert_eq!(of(Some(late), Some(early)).replayed_until(), Some(time(late)));
        assert_eq!(of(None, Some(early)).replayed_until(), Some(time(early)));
        assert_eq!(of(None, None).replayed_until(), None);
        // A database that is no replica has nothing to replay.
        assert_eq!(DatabaseSeen { replica: None, ..of(Some(early), None) }.replayed_until(), None);
    }

    #[test]
    fn requests_and_answers_have_this_form() {
        let databases = vec![Address {
            name: Name::new("orders"),
            host: "shop-orders.abc.us-west-1.rds.amazonaws.com".to_owned(),
            port: 5432,
            database: "shop".to_owned(),
        }];
        let address = serde_json::json!({
            "name": "orders", "host": "shop-orders.abc.us-west-1.rds.amazonaws.com", "port": 5432, "database": "shop",
        });
        let user = "pilotlight_witness".to_owned();
        for (command, expected) in [
            (
                WitnessCommand::Look { user: user.clone(), databases: databases.clone() },
                serde_json::json!({"command": "look", "user": "pilotlight_witness", "databases": [address.clone()]}),
            ),
            (
                WitnessCommand::Beat { user, heartbeat_seconds: 5, databases },
                serde_json::json!({
                    "command": "beat", "user": "pilotlight_witness", "heartbeat_seconds": 5, "databases": [address],
                }),
            ),
        ] {
            assert_eq!(serde_json::to_value(&command).unwrap(), expected);
            assert_eq!(serde_json::from_value::<WitnessCommand>(expected).unwrap(), command);
        }
        let unreached = Witnessed {
            name: Name::new("orders"),
            sight: Sight::Unreached(Unreached {
                code: UnreachedCode::NoConnection,
                message: "no route".to_owned(),
            }),
        };
        let expected = serde_json::json!({
            "name": "orders", "sight": {"unreached": {"code": "no_connection", "message": "no route"}},
        });
        assert_eq!(serde_json::to_value(&unreached).unwrap(), expected);
        assert_eq!(serde_json::from_value::<Witnessed>(expected).unwrap(), unreached);
    }
}
