//! Are people told of what nobody stands by for, and of nothing else?

use jiff::{SignedDuration, Timestamp};
use protocol::attention::{CallChange, Matter};
use protocol::journal::Event;
use protocol::pair::PairSeen;
use protocol::side::Side;
use protocol::state::holdings::Ownership;
use protocol::word::Word;

use super::rules::{begun, holder, now, seen, word};
use super::world::Guard;

const QUARTER: i64 = 15 * 60;
const DAY: i64 = 24 * 3_600;

fn at(second: i64) -> Timestamp {
    now().checked_add(SignedDuration::from_secs(second)).expect("a time")
}

/// What a guard records of its protection at a moment.
fn told(guard: &mut Guard, pair: PairSeen, second: i64) -> Vec<(CallChange, String)> {
    let before = guard.records.len();
    guard.settle(PairSeen { at: at(second), ..pair }, at(second));
    let found = guard.records[before..].iter().filter_map(|record| match record.event {
        Event::Attention { matter: Matter::Unprotected, turn, .. } => Some((turn, record.sentence.clone())),
        _ => None,
    });
    found.collect()
}

fn turns(told: &[(CallChange, String)]) -> Vec<CallChange> {
    told.iter().map(|(turn, _)| *turn).collect()
}

/// What the guard across has said since a moment.
fn said_since(mut word: Word, second: i64) -> Word {
    for said in word.groups.values_mut() {
        said.since = Some(at(second));
    }
    word
}

#[test]
fn the_guard_that_serves_tells_after_a_quarter_of_an_hour_once_a_day_and_when_it_is_over() {
    let mut guard = holder(Side::Primary, Ownership::Active, 0);
    // The other side lost its replica an hour after this one began to serve.
    let lost = said_since(word(&guard, Ownership::Unprotected, 0, None), 3_600);
    let bare = seen(&guard, Some(lost), Vec::new());
    let first = 3_600 + QUARTER;
    assert_eq!(told(&mut guard, bare.clone(), first - 1), vec![]);
    let called = told(&mut guard, bare.clone(), first);
    assert_eq!(turns(&called), [CallChange::Called]);
    let sentence = &called[0].1;
    assert!(sentence.contains("back and front, for 15 min: it is unprotected in us-west-1"), "{sentence}");
    assert_eq!(told(&mut guard, bare.clone(), first + DAY - 1), vec![]);
    assert_eq!(turns(&told(&mut guard, bare, first + DAY)), [CallChange::Called]);
    let well = seen(&guard, Some(word(&guard, Ownership::Standby, 0, None)), Vec::new());
    let ended = told(&mut guard, well.clone(), first + DAY + 60);
    assert_eq!(turns(&ended), [CallChange::Ended]);
    assert!(ended[0].1.contains("shop is protected again"), "{}", ended[0].1);
    assert_eq!(told(&mut guard, well, first + 3 * DAY), vec![]);
}

#[test]
fn one_that_stands_by_for_an_older_term_protects_nothing() {
    let mut guard = holder(Side::Primary, Ownership::Active, 4);
    for (term, is_told) in [(4, false), (3, true)] {
        let pair = seen(&guard, Some(word(&guard, Ownership::Standby, term, None)), Vec::new());
        assert_eq!(!told(&mut guard, pair, QUARTER).is_empty(), is_told, "term {term}");
    }
}

#[test]
fn a_guard_across_that_is_not_heard_is_told_of_once_it_was_silent_for_a_quarter_of_an_hour() {
    for (heard_at, first) in [(Some(at(3_600)), 3_600 + QUARTER), (None, QUARTER)] {
        let mut guard = holder(Side::Primary, Ownership::Active, 0);
        let silent = PairSeen { heard_at, ..seen(&guard, None, Vec::new()) };
        assert_eq!(told(&mut guard, silent.clone(), first - 1), vec![]);
        let called = told(&mut guard, silent, first);
        assert_eq!(turns(&called), [CallChange::Called]);
        assert!(called[0].1.contains("us-west-1 has not been heard for 15 min"), "{}", called[0].1);
    }
}

#[test]
fn of_two_guards_the_one_that_does_not_serve_is_silent_while_the_other_one_does() {
    for (said, is_told) in [
        (Ownership::Active, false),
        (Ownership::Taking, false),
        (Ownership::Unprotected, true),
        (Ownership::Unknown, true),
    ] {
        let mut guard = holder(Side::Recovery, Ownership::Unprotected, 4);
        let pair = seen(&guard, Some(word(&guard, said, 4, None)), Vec::new());
        assert_eq!(told(&mut guard, pair.clone(), QUARTER - 1), vec![], "{said}");
        assert_eq!(!told(&mut guard, pair, QUARTER).is_empty(), is_told, "{said}");
    }
    let mut guard = holder(Side::Recovery, Ownership::Standby, 4);
    let pair = seen(&guard, None, Vec::new());
    assert_eq!(told(&mut guard, pair, DAY), vec![], "it stands by");
}

#[test]
fn a_guard_that_knows_nothing_says_why() {
    let mut guard = begun(Side::Recovery);
    let silent = seen(&guard, None, Vec::new());
    assert_eq!(told(&mut guard, silent.clone(), QUARTER - 1), vec![]);
    let called = told(&mut guard, silent, QUARTER);
    assert!(
        called[0].1.contains("does not know who serves it: the guard in us-east-2 is not heard"),
        "{called:?}"
    );

    let mut guard = holder(Side::Recovery, Ownership::Standby, 4);
    let restored = PairSeen { table_id: "restored".into(), ..seen(&guard, None, Vec::new()) };
    assert_eq!(told(&mut guard, restored.clone(), 60), vec![]);
    let called = told(&mut guard, restored, 60 + QUARTER);
    assert!(called[0].1.contains("the journal in us-west-1 was restored"), "{called:?}");
}
