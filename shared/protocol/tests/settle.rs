//! What is decided about one thing that happened, written down until there is nothing more to write.

use jiff::Timestamp;
use protocol::decide::{Facts, decide};
use protocol::journal::{JOURNAL_SCHEMA, Record};
use protocol::plan::Plan;
use protocol::state::{State, evolve};

/// Such a decision comes to rest long before.
const APPENDS_MAX: usize = 50;

/// Folds what is decided into the state, each record once through its JSON; gives the records.
pub(crate) fn settle(plan: &Plan, state: &mut State, facts: &Facts, now: Timestamp) -> Vec<Record> {
    let mut records = Vec::new();
    for _ in 0..APPENDS_MAX {
        let Some(draft) = decide(plan, state, facts, now).append else { return records };
        let seq = state.next_seq();
        let record = Record {
            schema: JOURNAL_SCHEMA,
            previous: None,
            plan: plan.name.clone(),
            seq,
            run: draft.run,
            at: now,
            writer: "test".into(),
            request: None,
            attempt: seq.to_string(),
            sentence: draft.sentence,
            event: draft.event,
        };
        let text = serde_json::to_string(&record).expect("a record is JSON");
        assert_eq!(serde_json::from_str::<Record>(&text).expect("and is read again"), record);
        *state = evolve(state.clone(), &record).expect("a decision is legal");
        records.push(record);
    }
    panic!("deciding does not come to rest");
}
