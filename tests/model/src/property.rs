//! What must hold? The names of the properties; where each is looked at is said in `docs/proof/model.md`.

/// Never two writable databases taking traffic.
pub const S1: &str = "S1 one writable database takes traffic";
/// One promotion per database, brought about by who holds it; one run at a time.
pub const S2: &str = "S2 one promotion, by its holder";
/// Only what can serve is opened.
pub const S3: &str = "S3 only what can serve is opened";
/// A finished run never changes.
pub const S4: &str = "S4 a finished run never changes";
/// An aborted run leaves everything as it was.
pub const S5: &str = "S5 an abort leaves the primary open";
/// No promotion before its fence.
pub const S6: &str = "S6 fence before promote";
/// No promotion without its data-loss gate.
pub const S7: &str = "S7 data-loss gate before promote";
/// Sequence numbers rise by one.
pub const S8: &str = "S8 sequence numbers rise by one";
/// The journal, read again, is the state.
pub const S9: &str = "S9 replay is the state";
/// No abort after a promotion was intended.
pub const S10: &str = "S10 no abort after the intent to promote";
/// One witness, or missing data, moves nothing.
pub const S11: &str = "S11 two witnesses and no veto";
/// The evidence was held for the window.
pub const S12: &str = "S12 the window is waited for";
/// What was heard before changes nothing.
pub const S13: &str = "S13 an old message changes nothing";
/// An operator who is refused was not obeyed, and the other way round.
pub const S14: &str = "S14 the answer is what happened";
/// Every decision is legal.
pub const S15: &str = "S15 every decision is legal";
/// One run at a time.
pub const S16: &str = "S16 one run at a time";
/// Under a hold nothing begins by itself, and nothing moves without a person.
pub const S17: &str = "S17 a hold lets nothing begin by itself";
/// Each after what it waits for.
pub const S18: &str = "S18 each after what it waits for";
/// What is written down as done stands, and was seen right before.
pub const S19: &str = "S19 what is done stands";
/// An intent is of what is due by the journal.
pub const S20: &str = "S20 an intent is of what is due";
/// What is asleep is settled.
pub const L1: &str = "L1 what is quiet is settled";
/// Every run moves on within a bounded time.
pub const L2: &str = "L2 a run settles in time";
/// People are told.
pub const L3: &str = "L3 people are told";

/// Who ends by itself leaves nothing that others wait for.
pub const L4: &str = "L4 who ends lets go";

/// All of them.
pub const ALL: [&str; 24] = [
    S1, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, S12, S13, S14, S15, S16, S17, S18, S19, S20, L1, L2, L3, L4,
];
