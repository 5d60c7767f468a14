//! What does a guard see that is one of two? Its own side, and the word of the other guard.

use jiff::Timestamp;

use crate::journal::EndpointSeen;
use crate::name::Name;
use crate::plan::Plan;
use crate::side::{Side, Sides};
use crate::word::{JournalPlace, Word};

/// What a guard of two has in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairSeen {
    /// When it looked at its own side.
    pub at: Timestamp,
    /// Id of the table that its journal is kept in.
    pub table_id: String,
    /// How far it has heard the other guard before.
    pub heard: Option<JournalPlace>,
    /// When it last heard it before.
    pub heard_at: Option<Timestamp>,
    /// The other guard's word, as far as it can be read.
    pub word: Option<Word>,
    /// How the groups stand on its own side; those that could not be looked at are not among them.
    pub looks: Vec<GroupLook>,
}

impl PairSeen {
    /// The other guard's word, where the guard of a plan may go by it.
    pub(crate) fn counting_word(&self, plan: &Plan) -> Option<&Word> {
        self.word.as_ref().filter(|word| word.counts(plan, self.heard.as_ref()).is_ok())
    }

    /// The other guard's word of this moment, however far that one was heard before: after a restore that is not known.
    pub(crate) fn word_now(&self, plan: &Plan) -> Option<&Word> {
        self.word.as_ref().filter(|word| word.counts(plan, None).is_ok())
    }

    /// How a group stands, if it was looked at.
    pub(crate) fn look(&self, group: &Name) -> Option<&GroupLook> {
        self.looks.iter().find(|look| look.group == *group)
    }
}

/// How a group stands, by one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupLook {
    /// The group.
    pub group: Name,
    /// What each of its databases does on the own side.
    pub databases: Vec<DatabaseStands>,
    /// The endpoints of each of its routes.
    pub routes: Vec<Sides<EndpointSeen>>,
}

/// What a database does on a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseStands {
    /// It accepts writes.
    Writes,
    /// It follows the one on the other side.
    Follows,
    /// Neither is known.
    Unclear,
}

impl GroupLook {
    /// Whether the group serves on the side of a guard: its databases accept writes there, users are let in there and nowhere
    /// else.
    pub fn serves(&self, seat: Side) -> bool {
        let writes = self.databases.iter().all(|database| *database == DatabaseStands::Writes);
        let is_open = |endpoint: &EndpointSeen| matches!(endpoint, EndpointSeen::Open { .. });
        let is_closed = |endpoint: &EndpointSeen| matches!(endpoint, EndpointSeen::Closed {});
        writes && self.routes.iter().all(|route| is_open(&route[seat]) && is_closed(&route[seat.other()]))
    }

    /// What a guard may say of it: whether it serves on its side; nothing where neither is sure.
    pub fn served(&self, seat: Side) -> Option<bool> {
        match (self.serves(seat), self.follows(seat)) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }

    /// Whether the group could take over on the side of a guard: its databases follow, and no users are let in there.
    pub fn follows(&self, seat: Side) -> bool {
        let follows = self.databases.iter().all(|database| *database == DatabaseStands::Follows);
        follows && self.routes.iter().all(|route| matches!(route[seat], EndpointSeen::Closed {}))
    }
}
