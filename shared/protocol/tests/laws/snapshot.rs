//! Is a snapshot a cache? Whatever happened, and after whichever record it was taken: restored, with the rest of the
//! journal, it is the whole journal.

use proptest::prelude::*;
use protocol::digest::Digest;
use protocol::state::snapshot::StateSnapshot;
use protocol::state::{State, evolve};

use super::history::{History, happenings, modes};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_of_any_prefix_and_the_rest_are_the_whole(
        mode in modes(),
        happened in prop::collection::vec(happenings(), 1..80),
    ) {
        let lived = History::lived(mode, happened);
        let mut state = State::default();
        for (index, record) in lived.records.iter().enumerate() {
            state = evolve(state, record).expect("a journal that was lived is legal");
            let taken = StateSnapshot::of(&record.plan, &state, Digest::of(&record.attempt), record.at);
            let restored = taken.seal().expect("it seals").open(&record.plan).expect("it opens");
            prop_assert_eq!(&restored, &taken);
            // The whole rest for some prefixes; every prefix is restored and compared above.
            if index % 7 == 0 {
                let rest = lived.records[index + 1..].iter().try_fold(restored.state, evolve);
                prop_assert_eq!(rest.expect("legal"), lived.state.clone());
            }
        }
    }
}
