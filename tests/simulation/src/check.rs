//! The rules that every played world must keep: one file each, judged by what happened and not by what the production
//! code made of it.

use crate::history::History;

mod aborted;
mod fence_first;
mod finished;
mod gate;
mod intent_first;
mod ledger;
mod no_abort;
mod one_promotion;
mod one_side;
mod open_serves;
mod reopened;
mod sequence;
mod settled;
mod snapshots;
mod sound;
mod told;
mod witnesses;

#[cfg(test)]
mod fixture;

/// Judges a history: what is wrong with it, if anything.
pub type Check = fn(&History) -> Result<(), String>;

/// A rule and who judges it.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The rule in words.
    pub says: &'static str,
    /// Its judge.
    pub check: Check,
}

/// Every rule.
pub const RULES: [Rule; 16] = [
    Rule { says: "never two writable databases taking traffic", check: one_side::check },
    Rule { says: "at most one promotion of a database", check: one_promotion::check },
    Rule { says: "never open a region that cannot serve", check: open_serves::check },
    Rule { says: "a finished run never changes, and one run at a time", check: finished::check },
    Rule { says: "an aborted run leaves the primary open and nothing promoted", check: aborted::check },
    Rule { says: "fence before promote, or a person's override", check: fence_first::check },
    Rule { says: "a primary side that somebody else opens is closed again or told", check: reopened::check },
    Rule { says: "no promotion past the data-loss gate without a person's word", check: gate::check },
    Rule { says: "sequence numbers go up by one, and replay is the state", check: sequence::check },
    Rule { says: "a snapshot is what the journal amounts to", check: snapshots::check },
    Rule { says: "no abort after a promotion was intended", check: no_abort::check },
    Rule { says: "one observer or missing data never moves anything", check: witnesses::check },
    Rule { says: "an intent stands before every effect", check: intent_first::check },
    Rule { says: "a healed world comes to rest", check: settled::check },
    Rule { says: "people are told of everything that they should know", check: told::check },
    Rule { says: "no panic, no illegal decision, no deciding without end", check: sound::check },
];

/// The rules that a history breaks, each with how.
pub fn broken(history: &History) -> Vec<String> {
    RULES.iter().filter_map(|rule| Some(format!("{}: {}", rule.says, (rule.check)(history).err()?))).collect()
}
