//! Each rule by itself: what a guard of two becomes by its own look and the other guard's word, and what keeps it from that.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use protocol::command::Step;
use protocol::decide::{Facts, Verdict, decide};
use protocol::endpoint::Setting;
use protocol::graph::ScopeProblem;
use protocol::group::{Group, groups, scope};
use protocol::journal::{Cause, EndpointSeen, Event, RunKind, Scope};
use protocol::name::Name;
use protocol::operator::{OperatorCommand, Overrides};
use protocol::pair::{DatabaseStands, GroupLook, PairSeen};
use protocol::plan::Plan;
use protocol::side::{Side, Sides};
use protocol::state::holdings::{Holding, Ownership};
use protocol::state::{Illegality, Phase, State};
use protocol::word::{GroupWord, JournalPlace, Unheard, WORD_SCHEMA, Word};

use super::world::{Guard, plan};

pub(super) fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

fn name(text: &str) -> Name {
    Name::from(text)
}

fn holding(ownership: Ownership, term: u64) -> Holding {
    Holding { ownership, term }
}

/// What the guard across says of both groups.
pub(super) fn word(to: &Guard, ownership: Ownership, term: u64, serves: Option<bool>) -> Word {
    let of_group =
        GroupWord { holding: holding(ownership, term), since: None, serves, owes_quarantine: false };
    Word {
        schema: WORD_SCHEMA,
        plan: name("shop"),
        seat: to.plan.seat.other(),
        peer: to.plan.own().region.clone(),
        heard_up_to: JournalPlace { table_id: "across".into(), seq: 7 },
        at: now(),
        heard: Some(JournalPlace { table_id: to.table_id.clone(), seq: to.state.last_seq }),
        heard_at: None,
        groups: BTreeMap::from([(name("back"), of_group), (name("front"), of_group)]),
    }
}

fn open() -> EndpointSeen {
    EndpointSeen::Open { setting: Setting::Weight(128) }
}

/// Both groups, on the side of a guard.
fn looks(guard: &Guard, stands: &DatabaseStands, own: &EndpointSeen, other: &EndpointSeen) -> Vec<GroupLook> {
    let endpoint = |side: Side| if side == guard.plan.seat { own.clone() } else { other.clone() };
    let look = |group: Group| GroupLook {
        databases: vec![stands.clone(); group.databases.len()],
        routes: group.routes.iter().map(|_| Sides::from_fn(endpoint)).collect(),
        group: group.name,
    };
    groups(&guard.plan).into_iter().map(look).collect()
}

fn serving(guard: &Guard) -> Vec<GroupLook> {
    looks(guard, &DatabaseStands::Writes, &open(), &EndpointSeen::Closed {})
}

fn following(guard: &Guard) -> Vec<GroupLook> {
    looks(guard, &DatabaseStands::Follows, &EndpointSeen::Closed {}, &open())
}

pub(super) fn seen(guard: &Guard, word: Option<Word>, looks: Vec<GroupLook>) -> PairSeen {
    PairSeen { at: now(), table_id: guard.table_id.clone(), heard: None, heard_at: None, word, looks }
}

fn settle(guard: &mut Guard, word: Option<Word>, looks: Vec<GroupLook>) {
    let pair = seen(guard, word, looks);
    guard.settle(pair, now());
}

/// A guard that has begun and knows nothing yet.
pub(super) fn begun(seat: Side) -> Guard {
    let mut guard = Guard::new(seat);
    let event = Event::GuardStarted { table_id: guard.table_id.clone(), stands_by: Vec::new() };
    guard.write(None, now(), event);
    guard
}

/// One whose groups are all held alike.
pub(super) fn holder(seat: Side, ownership: Ownership, term: u64) -> Guard {
    let mut guard = begun(seat);
    let own_word =
        |guard: &Guard, ownership| word(guard, ownership, term, Some(ownership == Ownership::Active));
    match ownership {
        Ownership::Active => {
            let (word, looks) = (own_word(&guard, Ownership::Standby), serving(&guard));
            settle(&mut guard, Some(word), looks);
        }
        Ownership::Unprotected | Ownership::Standby => {
            let word = own_word(&guard, Ownership::Active);
            settle(&mut guard, Some(word), Vec::new());
            if ownership == Ownership::Standby {
                let (word, looks) = (own_word(&guard, Ownership::Active), following(&guard));
                settle(&mut guard, Some(word), looks);
            }
        }
        Ownership::Unknown | Ownership::Taking => {}
    }
    assert_eq!(held(&guard), [holding(ownership, term); 2]);
    guard
}

/// A person lets a guard go by what it sees, and by a word of the other one that says this of both groups.
fn adopt(
    guard: &mut Guard,
    ownership: Ownership,
    term: u64,
    looks: Vec<GroupLook>,
) -> Result<String, String> {
    let said = word(guard, ownership, term, None);
    let pair = seen(guard, Some(said), looks);
    guard.operate(OperatorCommand::Adopt { by: "ana".into() }, pair, now())
}

fn held(guard: &Guard) -> [Holding; 2] {
    let groups = groups(&guard.plan);
    [0, 1].map(|place: usize| groups[place].holding(&guard.state))
}

#[test]
fn a_group_is_what_shares_databases_and_nothing_is_shared_by_a_fleet_alone() {
    let of = |plan: &Plan| {
        let shown = |group: Group| {
            let items: Vec<String> = group.items().map(ToString::to_string).collect();
            format!("{}: {}", group.name, items.join(" "))
        };
        groups(plan).into_iter().map(shown).collect::<Vec<_>>()
    };
    let mut plan = plan();
    assert_eq!(of(&plan), ["back: audit back", "front: orders stock front"]);
    // The fleet that both need comes after a database: it needs that wherever it serves.
    plan.fleets[0].after = vec![name("stock")];
    assert_eq!(of(&plan), ["back: orders stock audit front back"]);
    plan.fleets[0].after.clear();
    // A route that comes after a route.
    plan.routes[1].after.push(name("front"));
    assert_eq!(of(&plan), ["back: orders stock audit front back"]);
    // Databases that no route needs.
    plan.routes.truncate(1);
    assert_eq!(of(&plan), ["audit: audit", "front: orders stock front"]);
    plan.databases[1].after.clear();
    plan.routes[0].after = vec![name("web")];
    assert_eq!(of(&plan), ["audit: audit", "front: front", "orders: orders", "stock: stock"]);
}

#[test]
fn a_new_guard_begins_unknown_and_one_that_was_alone_stands_by_for_what_it_has_not_moved() {
    let mut fresh = Guard::new(Side::Recovery);
    settle(&mut fresh, None, Vec::new());
    assert_eq!(held(&fresh), [holding(Ownership::Unknown, 0); 2]);

    let mut alone = Guard::new(Side::Recovery);
    alone.write(None, now(), Event::HoldReleased { by: "ana".into() });
    alone.state.holdings = protocol::state::holdings::Holdings::active(["audit", "back", "web"]);
    settle(&mut alone, None, Vec::new());
    assert_eq!(held(&alone), [holding(Ownership::Active, 1), holding(Ownership::Standby, 0)]);
    let again = Event::GuardStarted { table_id: "t".into(), stands_by: Vec::new() };
    assert_eq!(refused(&alone, again), Illegality::Started);
}

/// Why an event can't follow.
fn refused(guard: &Guard, event: Event) -> Illegality {
    let mut record = guard.records.last().expect("a record").clone();
    (record.seq, record.event) = (guard.state.next_seq(), event);
    protocol::state::evolve(guard.state.clone(), &record).expect_err("it can't follow").why
}

#[test]
fn an_unknown_guard_becomes_what_its_look_and_the_other_word_allow() {
    use Ownership::{Active, Standby, Taking, Unknown, Unprotected};
    // What the other one is and by which term, whether it serves; what this one becomes if it serves, and if it does not.
    let rows = [
        (Unknown, 0, Some(false), (Active, 0), (Unknown, 0)),
        (Unknown, 0, None, (Unknown, 0), (Unknown, 0)),
        (Unknown, 0, Some(true), (Unknown, 0), (Unknown, 0)),
        (Standby, 4, Some(false), (Active, 4), (Unknown, 0)),
        (Standby, 4, None, (Active, 4), (Unknown, 0)),
        (Unprotected, 4, Some(false), (Unknown, 0), (Unknown, 0)),
        (Active, 5, Some(true), (Unprotected, 5), (Unprotected, 5)),
        (Active, 0, Some(true), (Unprotected, 0), (Unprotected, 0)),
        (Taking, 5, None, (Unprotected, 5), (Unprotected, 5)),
    ];
    for (ownership, term, serves, if_serving, otherwise) in rows {
        for (is_serving, (expected, by)) in [(true, if_serving), (false, otherwise)] {
            let mut guard = begun(Side::Primary);
            let looks = if is_serving { serving(&guard) } else { following(&guard) };
            let word = word(&guard, ownership, term, serves);
            settle(&mut guard, Some(word), looks);
            assert_eq!(
                held(&guard),
                [holding(expected, by); 2],
                "{ownership} {term} {serves:?} {is_serving}"
            );
        }
    }
    // The first term is of the guard's own parity.
    let mut guard = begun(Side::Recovery);
    let (word, looks) = (word(&guard, Unknown, 0, Some(false)), serving(&guard));
    settle(&mut guard, Some(word), looks);
    assert_eq!(held(&guard), [holding(Active, 1); 2]);
    // Without a word it stays what it is.
    let mut guard = begun(Side::Primary);
    let looks = serving(&guard);
    settle(&mut guard, None, looks);
    assert_eq!(held(&guard), [holding(Unknown, 0); 2]);
}

#[test]
fn a_side_serves_where_it_alone_is_open_and_all_its_databases_write() {
    let guard = begun(Side::Primary);
    let stands = [DatabaseStands::Writes, DatabaseStands::Follows, DatabaseStands::Unclear];
    let endpoints = [
        open(),
        EndpointSeen::Closed {},
        EndpointSeen::Missing {},
        EndpointSeen::Unread { detail: "denied".into() },
    ];
    for (stand, database) in stands.iter().enumerate() {
        for (at, own) in endpoints.iter().enumerate() {
            for (across, other) in endpoints.iter().enumerate() {
                let expected = match (stand, at, across) {
                    (0, 0, 1) => Some(true),
                    (1, 1, _) => Some(false),
                    _ => None,
                };
                for look in looks(&guard, database, own, other) {
                    assert_eq!(look.served(Side::Primary), expected, "{look:?}");
                }
            }
        }
    }
}

#[test]
fn what_the_other_guard_owns_by_a_higher_term_is_left_and_nothing_else_is() {
    use Ownership::{Active, Standby, Taking, Unknown, Unprotected};
    for (own, term) in [(Active, 4), (Unprotected, 5), (Standby, 5)] {
        for (other, by, is_left) in [
            (Active, term + 1, true),
            (Taking, term + 1, true),
            (Active, term, false),
            (Taking, term, false),
            (Standby, term + 1, false),
            (Unprotected, term + 1, false),
            (Unknown, term + 1, false),
        ] {
            let mut guard = holder(Side::Primary, own, term);
            let (word, before) = (word(&guard, other, by, None), guard.state.last_seq);
            settle(&mut guard, Some(word), Vec::new());
            let expected = if is_left { holding(Unprotected, by) } else { holding(own, term) };
            assert_eq!(held(&guard), [expected; 2], "{own} {term}, {other} {by}");
            let written = &guard.records[usize::try_from(before).expect("a number")..];
            let told: Vec<bool> = written.iter().map(|record| record.event.is_notable()).collect();
            // People hear of it where it changes something for them.
            assert_eq!(
                told,
                if is_left { vec![own == Active] } else { vec![] },
                "{own} {term}, {other} {by}"
            );
        }
    }
}

/// A guard opens a run over everything, and intends to promote all databases.
fn begin_to_move(guard: &mut Guard) {
    let scope = scope(&guard.plan, &guard.state, &[]).expect("something to move");
    let run = guard.state.next_seq();
    let cause = Cause::Operator { name: "ana".into(), reason: "r".into() };
    let overrides = Overrides { allow_data_loss: true, override_fence: true, ..Overrides::default() };
    let opened = Event::RunOpened {
        kind: RunKind::Failover,
        scope,
        cause,
        first_signal_at: now(),
        is_dated: false,
        overrides,
    };
    guard.write(Some(run), now(), opened);
    let committed = Event::Committed {
        data_loss: Vec::new(),
        by: Some("ana".into()),
        overrides,
        alive_at: None,
        anew: None,
    };
    guard.write(Some(run), now(), committed);
    let subjects = vec![name("orders"), name("stock"), name("audit")];
    let (step, until) = (Step::Promote, now());
    let intended = Event::StepIntended { step, subjects, until, before: Vec::new(), term: Some(5) };
    guard.write(Some(run), now(), intended);
}

#[test]
fn a_run_and_what_it_left_behind_end_where_they_stand_when_the_other_guard_owns_it_all() {
    let mut guard = holder(Side::Recovery, Ownership::Standby, 4);
    begin_to_move(&mut guard);
    assert_eq!(guard.state.cleanups(Step::Quarantine).count(), 3);

    // One group goes: the run has the other one left.
    let mut first = word(&guard, Ownership::Active, 6, Some(true));
    first.groups.retain(|group, _| group.as_str() == "back");
    let partly = seen(&guard, Some(first), Vec::new());
    guard.settle(partly, now());
    let left = guard.state.active_run().expect("it goes on");
    assert_eq!(left.scope.databases, [name("orders"), name("stock")]);
    assert_eq!(left.scope.routes, [name("front")]);
    assert_eq!(left.progress(Step::Promote, &name("audit")), None);
    assert!(left.progress(Step::Promote, &name("orders")).is_some());
    assert_eq!(guard.state.cleanups(Step::Quarantine).count(), 2);

    let all = word(&guard, Ownership::Active, 6, Some(true));
    settle(&mut guard, Some(all), Vec::new());
    let phase = &guard.state.run.as_ref().expect("the last run").phase;
    assert_eq!(*phase, Phase::Superseded { at: now() });
    assert!(phase.is_final() && guard.state.active_run().is_none());
    assert_eq!(guard.state.cleanups(Step::Quarantine).count(), 0);
    assert_eq!(held(&guard), [holding(Ownership::Unprotected, 6); 2]);
}

/// The whole course of a guard that stands by, begins to move, and is overtaken; and of one that serves and is left.
fn courses() -> [(&'static str, Guard); 2] {
    let mut standby = holder(Side::Recovery, Ownership::Standby, 4);
    begin_to_move(&mut standby);
    let overtaken = word(&standby, Ownership::Active, 6, Some(true));
    settle(&mut standby, Some(overtaken), Vec::new());
    standby.table_id = "restored".into();
    settle(&mut standby, None, Vec::new());
    // The other guard had heard more of it than there is.
    let mut said = word(&standby, Ownership::Active, 6, Some(true));
    said.heard = Some(JournalPlace { table_id: "restored".into(), seq: standby.state.last_seq + 9 });
    let pair = seen(&standby, Some(said), Vec::new());
    standby.operate(OperatorCommand::Adopt { by: "ana".into() }, pair, now()).expect("it is adopted");
    let mut serving = holder(Side::Primary, Ownership::Active, 4);
    let taken = word(&serving, Ownership::Taking, 5, Some(true));
    settle(&mut serving, Some(taken), Vec::new());
    [("two-guards-standby", standby), ("two-guards-serving", serving)]
}

#[test]
#[ignore = "writes files: the golden journals of two guards, once for each version of the schema"]
fn write_the_golden_journals_of_two_guards() {
    let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/journals")
        .join(protocol::journal::JOURNAL_SCHEMA.to_string());
    for (name, guard) in courses() {
        let lines = guard.records.iter().map(|record| serde_json::to_string(record).expect("JSON") + "\n");
        std::fs::write(folder.join(format!("{name}.jsonl")), lines.collect::<String>()).expect("a file");
    }
}

#[test]
fn the_fleets_that_served_what_was_left_serve_nothing_any_more() {
    let mut guard = Guard::new(Side::Recovery);
    guard.write(None, now(), Event::HoldReleased { by: "ana".into() });
    let every = ["orders", "stock", "audit", "web", "front", "back"];
    guard.state.holdings = protocol::state::holdings::Holdings::active(every);
    settle(&mut guard, None, Vec::new());
    let mut first = word(&guard, Ownership::Active, 2, Some(true));
    let both = first.clone();
    first.groups.retain(|group, _| group.as_str() == "back");
    settle(&mut guard, Some(first), Vec::new());
    assert!(guard.state.holdings.is_active(&name("web")), "front needs it still");
    settle(&mut guard, Some(both), Vec::new());
    assert!(!guard.state.holdings.is_active(&name("web")));
    assert!(!guard.state.holdings.has_active() && guard.state.active_since.is_none());
}

#[test]
fn there_is_one_way_to_stand_by() {
    type Change = fn(&mut PairSeen);
    let ways: [(&str, bool, Change); 9] = [
        ("as it must be", true, |_| ()),
        ("the other one is taking it", false, |pair| {
            of_groups(pair, |of| of.holding.ownership = Ownership::Taking);
        }),
        ("the other one stands by, too", false, |pair| {
            of_groups(pair, |of| of.holding.ownership = Ownership::Standby);
        }),
        ("by an older term", false, |pair| of_groups(pair, |of| of.holding.term = 3)),
        ("old primaries are not handed over", false, |pair| of_groups(pair, |of| of.owes_quarantine = true)),
        ("the other one has not heard that it was left", false, |pair| heard(pair, |heard| heard.seq = 1)),
        ("it has heard that of another journal", false, |pair| {
            heard(pair, |heard| heard.table_id = "x".into());
        }),
        ("what is here was looked at too long ago", false, |pair| {
            pair.at = pair.at.checked_sub(SignedDuration::from_secs(31)).expect("a time");
        }),
        ("a database here still writes", false, |pair| {
            for look in &mut pair.looks {
                look.databases[0] = DatabaseStands::Writes;
            }
        }),
    ];
    for (way, stands_by, change) in ways {
        let mut guard = holder(Side::Recovery, Ownership::Unprotected, 4);
        let word = word(&guard, Ownership::Active, 4, Some(true));
        let mut pair = seen(&guard, Some(word), following(&guard));
        change(&mut pair);
        guard.settle(pair, now());
        let expected = if stands_by { Ownership::Standby } else { Ownership::Unprotected };
        assert_eq!(held(&guard), [holding(expected, 4); 2], "{way}");
    }
    // An open route here would let users in on both sides.
    let mut guard = holder(Side::Recovery, Ownership::Unprotected, 4);
    let looks = looks(&guard, &DatabaseStands::Follows, &open(), &open());
    let word = word(&guard, Ownership::Active, 4, Some(true));
    settle(&mut guard, Some(word), looks);
    assert_eq!(held(&guard), [holding(Ownership::Unprotected, 4); 2]);
}

fn of_groups(pair: &mut PairSeen, change: impl Fn(&mut GroupWord)) {
    pair.word.iter_mut().flat_map(|word| word.groups.values_mut()).for_each(change);
}

fn heard(pair: &mut PairSeen, change: impl Fn(&mut JournalPlace)) {
    pair.word.iter_mut().filter_map(|word| word.heard.as_mut()).for_each(change);
}

#[test]
fn a_restored_journal_is_believed_in_nothing() {
    type Change = fn(&mut PairSeen);
    let ways: [(&str, bool, Change); 4] = [
        ("all is as it was", false, |_| ()),
        ("it lies in another table", true, |pair| pair.table_id = "restored".into()),
        ("more of it was heard than there is", true, |pair| heard(pair, |heard| heard.seq += 1)),
        ("that much was heard of another journal", false, |pair| {
            heard(pair, |heard| {
                heard.seq += 1;
                heard.table_id = "older".into();
            });
        }),
    ];
    for (way, is_restored, change) in ways {
        let mut guard = holder(Side::Recovery, Ownership::Standby, 4);
        let word = word(&guard, Ownership::Active, 4, Some(true));
        let mut pair = seen(&guard, Some(word), following(&guard));
        change(&mut pair);
        let again = pair.clone();
        guard.settle(pair, now());
        let expected =
            if is_restored { holding(Ownership::Unknown, 0) } else { holding(Ownership::Standby, 4) };
        assert_eq!(held(&guard), [expected; 2], "{way}");
        // Whatever it sees from now on, a person has to say what is so.
        let before = guard.state.last_seq;
        guard.settle(again, now());
        assert_eq!(guard.state.last_seq, before, "{way}");
        let may = scope(&guard.plan, &guard.state, &[]);
        assert_eq!(may.is_err(), is_restored, "{way}: {may:?}");
    }
}

#[test]
fn a_word_counts_that_is_of_this_plan_from_the_guard_across_to_this_one_and_not_older_than_another() {
    let guard = begun(Side::Recovery);
    let good = word(&guard, Ownership::Active, 0, Some(true));
    let heard = |table: &str, seq| Some(JournalPlace { table_id: table.into(), seq });
    for seq in [6, 7] {
        assert_eq!(good.counts(&guard.plan, heard("across", seq).as_ref()), Ok(()));
    }
    assert_eq!(good.counts(&guard.plan, heard("across", 8).as_ref()), Err(Unheard::Older));
    assert_eq!(good.counts(&guard.plan, heard("another", 8).as_ref()), Ok(()));
    let other = Word { plan: name("shop-2"), ..good.clone() };
    assert_eq!(other.counts(&guard.plan, None), Err(Unheard::OtherPlan(name("shop-2"))));
    for wrong in
        [Word { seat: Side::Recovery, ..good.clone() }, Word { peer: "eu-west-1".into(), ..good.clone() }]
    {
        assert!(matches!(wrong.counts(&guard.plan, None), Err(Unheard::NotToMe { .. })));
        // Nothing follows from it.
        let mut deaf = begun(Side::Recovery);
        let before = deaf.state.last_seq;
        settle(&mut deaf, Some(wrong), Vec::new());
        assert_eq!(deaf.state.last_seq, before);
    }
}

#[test]
fn a_word_is_read_as_it_was_written_and_a_newer_one_is_refused() {
    let guard = holder(Side::Primary, Ownership::Active, 4);
    let serves = BTreeMap::from([(name("back"), true)]);
    let said = Word::of(&guard.plan, &guard.state, &guard.table_id, &serves, now());
    let text = serde_json::to_string(&said).expect("JSON");
    assert_eq!(Word::read(&text), Ok(said.clone()));
    assert_eq!(said.groups[&name("back")].serves, Some(true));
    assert_eq!(said.groups[&name("front")].serves, None);
    assert_eq!(said.groups[&name("front")].owned_by(), Some(4));
    assert_eq!((said.seat, said.peer.as_str()), (Side::Primary, "us-west-1"));
    // What a later version adds is not in the way of this one.
    let added = text.replacen('{', r#"{"asks":{"run":7},"#, 1);
    assert_eq!(Word::read(&added), Ok(said));
    let newer = text.replacen(r#""schema":1"#, r#""schema":2"#, 1);
    assert_eq!(Word::read(&newer), Err(Unheard::Schema(2)));
    for wrong in ["", "[]", "{}", r#"{"schema":1}"#] {
        assert!(matches!(Word::read(wrong), Err(Unheard::Unreadable(_))), "{wrong}");
    }
}

#[test]
fn a_guard_of_two_moves_groups_that_it_stands_by_for_and_says_why_not_the_others() {
    let mut guard = holder(Side::Recovery, Ownership::Standby, 4);
    let whole = scope(&guard.plan, &guard.state, &[]).expect("all of it");
    let names = |names: &[&str]| names.iter().map(|text| name(text)).collect::<Vec<_>>();
    assert_eq!(whole.databases, names(&["orders", "stock", "audit"]));
    assert_eq!((whole.fleets, whole.routes), (names(&["web"]), names(&["front", "back"])));
    // Of two groups one is left: the other may still move, by itself and by name.
    let mut first = word(&guard, Ownership::Active, 6, Some(true));
    first.groups.retain(|group, _| group.as_str() == "back");
    settle(&mut guard, Some(first), Vec::new());
    let part =
        Scope { databases: names(&["orders", "stock"]), fleets: names(&["web"]), routes: names(&["front"]) };
    assert_eq!(scope(&guard.plan, &guard.state, &[]), Ok(part.clone()));
    assert_eq!(scope(&guard.plan, &guard.state, &names(&["front"])), Ok(part));
    let problem = ScopeProblem::NotStandby { group: name("back"), ownership: Ownership::Unprotected };
    for routes in [&["back"][..], &["front", "back"]] {
        assert_eq!(scope(&guard.plan, &guard.state, &names(routes)), Err(problem.clone()));
    }
    let (by, reason, overrides) = ("ana".to_owned(), "r".to_owned(), Overrides::default());
    let command = OperatorCommand::Failover { by, reason, routes: names(&["back"]), overrides };
    let facts = Facts { operator: Some(command), ..Facts::default() };
    let draft = decide(&guard.plan, &guard.state, &facts, now()).append.expect("an answer");
    assert_eq!(draft.answers, Some(Verdict::Refused));
    assert!(draft.sentence.contains("group back is unprotected in us-west-1"), "{}", draft.sentence);
    // And a record can't say otherwise.
    let cause = Cause::Evidence;
    let scope = Scope { databases: names(&["audit"]), ..Scope::default() };
    let opened = Event::RunOpened {
        kind: RunKind::Failover,
        scope,
        cause,
        first_signal_at: now(),
        is_dated: false,
        overrides,
    };
    assert!(matches!(refused(&guard, opened), Illegality::Ownership { .. }));
    // Who serves everything has nothing left to move.
    let holder = holder(Side::Primary, Ownership::Active, 4);
    assert_eq!(scope_of(&holder), Err(ScopeProblem::NothingLeft));
}

fn scope_of(guard: &Guard) -> Result<Scope, ScopeProblem> {
    scope(&guard.plan, &guard.state, &[])
}

#[test]
fn a_record_of_a_guard_of_two_follows_only_what_it_may() {
    let term = |items: &[&str], term| protocol::journal::GroupTerm {
        group: name("back"),
        items: items.iter().map(|item| name(item)).collect(),
        term,
    };
    let standby = holder(Side::Recovery, Ownership::Standby, 4);
    let unprotected = holder(Side::Recovery, Ownership::Unprotected, 4);
    let active = holder(Side::Primary, Ownership::Active, 4);
    let all = ["audit", "back"];
    let wrong = [
        (&active, Event::GroupsActive { groups: vec![term(&all, 4)] }),
        (&standby, Event::GroupsActive { groups: vec![term(&all, 4)] }),
        (&unprotected, Event::GroupsStandBy { groups: vec![term(&all, 6)] }),
        (&active, Event::GroupsStandBy { groups: vec![term(&all, 4)] }),
        (&active, Event::GroupsLeft { groups: vec![term(&all, 4)], fleets: Vec::new(), quiet: false }),
    ];
    for (guard, event) in wrong {
        let why = refused(guard, event.clone());
        assert!(matches!(why, Illegality::Ownership { .. }), "{event:?}: {why}");
    }
    assert_eq!(
        State::default().holding(&name("audit")),
        holding(Ownership::Standby, 0),
        "a guard that is alone"
    );
}

/// One that was restored, and knows nothing of groups any more.
fn restored(seat: Side) -> Guard {
    let mut guard = holder(seat, Ownership::Standby, 4);
    guard.table_id = "restored".into();
    settle(&mut guard, None, Vec::new());
    assert_eq!(held(&guard), [Holding { ownership: Ownership::Unknown, term: 0 }; 2]);
    guard
}

#[test]
fn what_a_person_adopts_is_active_where_it_serves_and_nobody_claims_it_and_else_unprotected() {
    type Looks = fn(&Guard) -> Vec<GroupLook>;
    let table: [(Ownership, u64, Looks, Holding); 7] = [
        (Ownership::Standby, 4, serving, holding(Ownership::Active, 4)),
        (Ownership::Unprotected, 4, serving, holding(Ownership::Active, 4)),
        // By a term of its own: the other one had taken that.
        (Ownership::Unprotected, 5, serving, holding(Ownership::Active, 6)),
        (Ownership::Unknown, 0, serving, holding(Ownership::Active, 0)),
        (Ownership::Active, 5, serving, holding(Ownership::Unprotected, 5)),
        (Ownership::Taking, 5, serving, holding(Ownership::Unprotected, 5)),
        (Ownership::Standby, 4, following, holding(Ownership::Unprotected, 4)),
    ];
    for (said, term, looks, expected) in table {
        let mut guard = restored(Side::Primary);
        let looks = looks(&guard);
        adopt(&mut guard, said, term, looks).expect("it is adopted");
        assert_eq!(held(&guard), [expected; 2], "{said} {term}");
        assert!(guard.state.guard.as_ref().is_some_and(|guard| !guard.is_restored));
    }
    let mut guard = restored(Side::Recovery);
    let looks = serving(&guard);
    let sentence = adopt(&mut guard, Ownership::Unprotected, 4, looks).expect("it is adopted");
    assert_eq!(held(&guard), [holding(Ownership::Active, 5); 2]);
    assert_eq!(
        sentence,
        "ana lets the guard in us-west-1 go by what it sees and hears: back and front is served in us-west-1."
    );
}

#[test]
fn what_nobody_looked_at_is_not_adopted_as_served() {
    let mut guard = restored(Side::Primary);
    let mut looks = serving(&guard);
    looks.retain(|look| look.group == name("front"));
    adopt(&mut guard, Ownership::Standby, 4, looks).expect("it is adopted");
    assert_eq!(held(&guard), [holding(Ownership::Unprotected, 4), holding(Ownership::Active, 4)]);
}

#[test]
fn nothing_is_adopted_that_is_known_or_without_a_word_of_this_moment() {
    let command = || OperatorCommand::Adopt { by: "ana".into() };
    let mut known = holder(Side::Primary, Ownership::Active, 4);
    let pair = seen(&known, Some(word(&known, Ownership::Standby, 4, None)), Vec::new());
    let refused = known.operate(command(), pair, now()).expect_err("it is known");
    assert!(refused.contains("knows of every group who serves it"), "{refused}");

    let mut unheard = restored(Side::Primary);
    let foreign = Word { peer: "eu-west-1".into(), ..word(&unheard, Ownership::Standby, 4, None) };
    for word in [None, Some(foreign)] {
        let pair = seen(&unheard, word, serving(&unheard));
        let refused = unheard.operate(command(), pair, now()).expect_err("nobody is heard");
        assert!(refused.contains("us-west-1 is not heard now"), "{refused}");
    }

    let alone = Guard::new(Side::Recovery);
    let facts = Facts { operator: Some(command()), ..Facts::default() };
    let draft = decide(&alone.plan, &alone.state, &facts, now()).append.expect("an answer");
    assert!(draft.sentence.contains("this guard is alone"), "{}", draft.sentence);
}

#[test]
fn a_journal_that_lost_its_end_is_told_once_and_adopted_above_all_that_was_heard() {
    let mut guard = holder(Side::Recovery, Ownership::Standby, 4);
    let far = |guard: &Guard| {
        let mut said = word(guard, Ownership::Active, 4, Some(true));
        said.heard = Some(JournalPlace { table_id: guard.table_id.clone(), seq: 100 });
        said
    };
    let (said, before, looks) = (far(&guard), guard.records.len(), following(&guard));
    settle(&mut guard, Some(said.clone()), looks.clone());
    settle(&mut guard, Some(said.clone()), looks.clone());
    let written: Vec<_> = guard.records[before..].iter().map(|record| &record.event).collect();
    assert!(matches!(written[..], [Event::GuardRestored { .. }]), "{written:?}");
    let pair = seen(&guard, Some(said.clone()), looks.clone());
    guard.operate(OperatorCommand::Adopt { by: "ana".into() }, pair, now()).expect("it is adopted");
    assert_eq!(held(&guard), [holding(Ownership::Unprotected, 4); 2]);
    // What the other one had heard before says nothing of what is new, and its own words are news to it.
    let own = Word::of(&guard.plan, &guard.state, &guard.table_id, &BTreeMap::new(), now());
    assert_eq!(own.heard_up_to.seq, 101);
    settle(&mut guard, Some(said), looks.clone());
    assert_eq!(held(&guard), [holding(Ownership::Unprotected, 4); 2]);
    let mut heard = far(&guard);
    heard.heard = Some(own.heard_up_to);
    settle(&mut guard, Some(heard), looks);
    assert_eq!(held(&guard), [holding(Ownership::Standby, 4); 2]);
}

#[test]
fn a_route_that_stays_is_named_whichever_database_it_shares() {
    let mut guard = holder(Side::Recovery, Ownership::Standby, 4);
    // The first of the group's databases is needed by the route that stays alone.
    let mut stays = guard.plan.routes[0].clone();
    stays.name = name("admin");
    stays.after = vec![name("audit"), name("orders")];
    guard.plan.routes.push(stays);
    guard.plan.routes.retain(|route| route.name != name("back"));
    guard.plan.databases.sort_by(|one, other| one.name.cmp(&other.name));
    let known = holding(Ownership::Standby, 4);
    guard.hold(&[name("audit"), name("orders"), name("stock"), name("front"), name("admin")], known);
    let found = scope(&guard.plan, &guard.state, &[name("front")]);
    assert_eq!(found, Err(ScopeProblem::Shared { database: name("orders"), route: name("admin") }));
    let both = scope(&guard.plan, &guard.state, &[name("front"), name("admin")]).expect("nothing stays");
    assert_eq!(both.routes, [name("front"), name("admin")]);
}
