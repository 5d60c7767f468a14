//! By which term does a guard take items? By one of its own parity, above every term it knows of.

use proptest::prelude::*;
use protocol::name::Name;
use protocol::side::Side;
use protocol::state::holdings::{Holding, Holdings, Ownership};

fn held(items: &[(&str, Ownership, u64)]) -> Holdings {
    let item = |(name, ownership, term): &(&str, Ownership, u64)| {
        let holding = Holding { ownership: *ownership, term: *term };
        ((*name).to_owned(), serde_json::to_value(holding).expect("JSON"))
    };
    serde_json::from_value(items.iter().map(item).collect()).expect("holdings")
}

fn names(items: &[&str]) -> Vec<Name> {
    items.iter().map(|item| Name::new(*item)).collect()
}

#[test]
fn the_first_term_is_1_on_the_recovery_side_and_2_on_the_primary_side() {
    let known = Holdings::default();
    assert_eq!(known.term_to_take(&names(&["orders"]), Side::Recovery), 1);
    assert_eq!(known.term_to_take(&names(&["orders"]), Side::Primary), 2);
}

#[test]
fn a_run_takes_the_rest_of_its_items_by_the_term_that_it_began_with() {
    let known = held(&[("orders", Ownership::Taking, 7), ("other", Ownership::Active, 9)]);
    assert_eq!(known.term_to_take(&names(&["orders", "web"]), Side::Recovery), 7);
    assert_eq!(
        known.term_to_take(&names(&["web"]), Side::Recovery),
        11,
        "that of another run is not its own"
    );
    assert_eq!(known.term_to_take(&names(&["other"]), Side::Recovery), 11, "active is not taking");
}

fn ownership() -> impl Strategy<Value = Ownership> {
    prop::sample::select(vec![
        Ownership::Active,
        Ownership::Standby,
        Ownership::Unprotected,
        Ownership::Unknown,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Two guards never take the same term, and each takes the smallest that is higher than all it knows of.
    #[test]
    fn a_term_is_the_next_one_of_the_seats_own(known in prop::collection::vec((ownership(), 0..1_000_u64), 0..5)) {
        let items: Vec<String> = (0..known.len()).map(|index| format!("item-{index}")).collect();
        let all: Vec<(&str, Ownership, u64)> =
            items.iter().zip(&known).map(|(name, (ownership, term))| (name.as_str(), *ownership, *term)).collect();
        let holdings = held(&all);
        let newest = known.iter().map(|(_, term)| *term).max().unwrap_or_default();
        let [even, odd] = Side::BOTH.map(|seat| holdings.term_to_take(&names(&["item-0", "web"]), seat));
        prop_assert_eq!((even % 2, odd % 2), (0, 1));
        prop_assert!(newest < even && even <= newest + 2, "{} after {}", even, newest);
        prop_assert!(newest < odd && odd <= newest + 2, "{} after {}", odd, newest);
    }
}
