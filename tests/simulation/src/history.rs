//! What happened in a played world, by the world's own clock: what the checkers judge, and what `SEED=` prints.

use protocol::endpoint::Endpoint;
use std::fmt::{self, Write};

use jiff::Timestamp;
use protocol::journal::Record;
use protocol::name::Name;
use protocol::plan::{Capacity, Plan};
use protocol::side::{Side, Sides};
use protocol::signal::AlarmState;
use protocol::state::State;

use crate::scenario::Draw;

/// A played world from its first moment to its last.
#[derive(Clone, Debug)]
pub struct History {
    /// What the seed decided.
    pub draw: Draw,
    /// The plan.
    pub plan: Plan,
    /// When it began.
    pub began_at: Timestamp,
    /// Everything that happened, in order.
    pub entries: Vec<Entry>,
    /// How it ended.
    pub end: End,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, by the world's own clock.
    pub at: Timestamp,
    /// The function's instance that did it; 0 for the world and its people.
    pub by: u32,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// An instance of a function began.
    Began {
        /// Under which name it writes.
        writer: String,
        /// What woke it.
        why: String,
    },
    /// An instance ended by itself.
    Ended {
        /// What it answered.
        answer: String,
    },
    /// An instance was killed in the middle of a call.
    Killed {
        /// The call.
        action: &'static str,
        /// Whether the call had its effect.
        after: bool,
    },
    /// An instance went past its function's time.
    TimedOut,
    /// An instance panicked.
    Panicked,
    /// A call was answered well. Kept only where the whole history is asked for.
    Called {
        /// The call.
        action: &'static str,
    },
    /// A call went wrong.
    Fault {
        /// The call.
        action: &'static str,
        /// How.
        fate: String,
    },
    /// A record stands in the journal.
    Appended(Box<Record>),
    /// Something changed in the cloud.
    Effect(Effect),
    /// A probe of the primary region, or a replica, was asked.
    Saw {
        /// The probe or the database.
        name: Name,
        /// Whether it is a probe.
        is_probe: bool,
        /// What it said.
        said: Said,
    },
    /// CloudWatch was asked for an alarm, and answered.
    Answered {
        /// The alarm's ARN.
        arn: String,
        /// Its state.
        state: AlarmState,
    },
    /// People were told.
    Told {
        /// What.
        text: String,
    },
    /// A snapshot of the state was kept.
    Kept {
        /// After which record.
        seq: u64,
        /// Whether it is what the journal amounts to up to there.
        is_true: bool,
        /// Whether half of it was lost on the way.
        is_torn: bool,
    },
    /// The world changed, or somebody spoke.
    Change(Change),
}

/// What a witness says of the primary region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It lives.
    Good,
    /// It is lost.
    Bad,
    /// Nothing.
    Unknown,
}

/// A change in the cloud that a function asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A promotion began, or was refused.
    Promoted {
        /// The database.
        database: Name,
        /// Whether it was accepted.
        accepted: bool,
    },
    /// An endpoint was closed.
    Closed {
        /// The route.
        route: Name,
        /// The side.
        side: Side,
    },
    /// An endpoint was opened.
    Opened {
        /// The route.
        route: Name,
        /// The side.
        side: Side,
        /// Databases that are not writable and fleets that are not healthy at this moment.
        unready: Vec<Name>,
    },
    /// A fleet got bounds and a size.
    Resized {
        /// The fleet.
        fleet: Name,
        /// Before.
        from: Capacity,
        /// After.
        to: Capacity,
    },
    /// An old primary was cut off.
    Quarantined {
        /// The database.
        database: Name,
    },
}

/// A change that no function made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The primary region stands otherwise.
    Primary(Condition),
    /// A fleet lost or got its room.
    Room {
        /// The fleet.
        fleet: Name,
        /// Whether there is room.
        has_room: bool,
    },
    /// A promotion can't end, or can again.
    Stuck {
        /// The database.
        database: Name,
        /// Whether it can't.
        is_stuck: bool,
    },
    /// A lag sample was taken.
    Lag {
        /// The lag.
        lag_ms: u64,
    },
    /// An alarm changed its state.
    Alarm {
        /// Its ARN.
        arn: String,
        /// The new state.
        state: AlarmState,
    },
    /// Somebody else than the functions opened the primary side of a route.
    Reopened {
        /// The route.
        route: Name,
    },
    /// A person spoke.
    Command(String),
    /// From here on nothing goes wrong.
    Healed,
}

/// How the primary region stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Whether its endpoints answer.
    pub answers: bool,
    /// Whether its databases ship to their replicas.
    pub replicates: bool,
    /// Whether its control plane answers.
    pub controls: bool,
}

impl Condition {
    /// All well.
    pub const WELL: Self = Self { answers: true, replicates: true, controls: true };
    /// Lost.
    pub const LOST: Self = Self { answers: false, replicates: false, controls: false };
}

/// How a played world ended.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// Why it had not come to rest, if it had not.
    pub unrest: Option<String>,
    /// What the journal amounts to.
    pub state: State,
    /// Endpoints by route.
    pub endpoints: Vec<(Name, Sides<Endpoint>)>,
    /// Wanted sizes by fleet.
    pub sizes: Vec<(Name, u32)>,
}

impl History {
    /// All records, in the order in which they came to stand.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.entries.iter().filter_map(|entry| match &entry.what {
            What::Appended(record) => Some(&**record),
            _ => None,
        })
    }

    /// Under which name an instance writes.
    pub fn writer(&self, by: u32) -> Option<&str> {
        self.entries.iter().find_map(|entry| match &entry.what {
            What::Began { writer, .. } if entry.by == by => Some(writer.as_str()),
            _ => None,
        })
    }

    /// The whole history as text, one line for each thing that happened.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for entry in &self.entries {
            let ms = entry.at.duration_since(self.began_at).as_millis();
            // Writing to a text can't fail.
            let _ = writeln!(text, "{:>9}.{:03} #{:<4} {}", ms / 1000, ms % 1000, entry.by, entry.what);
        }
        text
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Began { writer, why } => write!(f, "{writer} begins: {why}"),
            Self::Ended { answer } => write!(f, "ends: {answer}"),
            Self::Killed { action, after: true } => write!(f, "KILLED after {action}"),
            Self::Killed { action, after: false } => write!(f, "KILLED before {action}"),
            Self::TimedOut => f.write_str("TIMED OUT"),
            Self::Panicked => f.write_str("PANICKED"),
            Self::Called { action } => write!(f, "call {action}"),
            Self::Fault { action, fate } => write!(f, "call {action}: {fate}"),
            Self::Appended(record) => write!(
                f,
                "RECORD {} run {:?} by {} at {}: {}",
                record.seq, record.run, record.writer, record.at, record.sentence
            ),
            Self::Effect(effect) => write!(f, "EFFECT {effect:?}"),
            Self::Saw { name, said, .. } => write!(f, "saw {name}: {said:?}"),
            Self::Answered { arn, state } => write!(f, "CloudWatch says {arn}: {state:?}"),
            Self::Told { text } => write!(f, "TOLD {text}"),
            Self::Kept { seq, is_true, is_torn } => {
                write!(f, "SNAPSHOT after {seq}: true {is_true}, torn {is_torn}")
            }
            Self::Change(change) => write!(f, "WORLD {change:?}"),
        }
    }
}
