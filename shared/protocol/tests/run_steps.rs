//! What is counted of a run's steps is what is there, whatever was set, changed and forgotten before.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use protocol::command::Step;
use protocol::name::Name;
use protocol::state::{Progress, Steps};

/// Something that happens to the steps.
#[derive(Clone, Debug)]
enum Change {
    Set(Step, Name, Progress),
    Forget(Step, Name),
    /// All that failed is forgotten; what is held begins anew.
    Resume(Timestamp),
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0i64..6).prop_map(|second| Timestamp::from_second(1_795_000_000 + second).unwrap())
}

fn progress() -> impl Strategy<Value = Progress> {
    let note = String::new;
    prop_oneof![
        (moment(), moment()).prop_map(move |(since, until)| Progress::Held {
            intent: 7,
            since,
            until,
            note: note()
        }),
        moment().prop_map(move |since| Progress::Released { since, note: note() }),
        (moment(), moment()).prop_map(|(since, at)| Progress::Done {
            since,
            at,
            detail: "it stands".to_owned(),
            took_ms: 9
        }),
        (moment(), moment()).prop_map(|(since, at)| Progress::Failed {
            since,
            at,
            code: "denied".to_owned()
        }),
    ]
}

fn key() -> impl Strategy<Value = (Step, Name)> {
    let steps = prop::sample::select(&Step::ALL[..3]);
    (steps, prop::sample::select(vec!["orders", "stock", "web"]))
        .prop_map(|(step, name)| (step, Name::new(name)))
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let set = (key(), progress()).prop_map(|((step, name), progress)| Change::Set(step, name, progress));
    let forget = key().prop_map(|(step, name)| Change::Forget(step, name));
    prop::collection::vec(prop_oneof![6 => set, 2 => forget, 1 => moment().prop_map(Change::Resume)], 0..30)
}

proptest! {
    #[test]
    fn what_is_counted_is_what_is_there(changes in changes()) {
        let mut steps = Steps::default();
        let mut plain: BTreeMap<(Step, Name), Progress> = BTreeMap::new();
        for change in changes {
            match change {
                Change::Set(step, name, progress) => {
                    steps.insert(step, name.clone(), progress.clone());
                    plain.insert((step, name), progress);
                }
                Change::Forget(step, name) => {
                    prop_assert_eq!(steps.remove(step, &name), plain.remove(&(step, name)));
                }
                Change::Resume(at) => {
                    let resume = |progress: &mut Progress| {
                        if let Progress::Held { since, .. } = progress {
                            *since = at;
                        }
                        !matches!(progress, Progress::Failed { .. })
                    };
                    steps.retain(|_, progress| resume(progress));
                    plain.retain(|_, progress| resume(progress));
                }
            }
            let found: Vec<_> = steps.iter().map(|(step, name, progress)| ((step, name.clone()), progress.clone())).collect();
            prop_assert_eq!(&found, &plain.clone().into_iter().collect::<Vec<_>>());
            // Reading counts from the beginning, and what is counted is compared too.
            let text = serde_json::to_string(&steps).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&found).unwrap());
            prop_assert_eq!(&serde_json::from_str::<Steps>(&text).unwrap(), &steps);
        }
    }
}
