//! Is a snapshot that was taken once read for as long as its version is? Snapshots of every golden journal after each
//! quarter of it, one folder for each version of their schema. What follows from them and the rest of their journal is what
//! follows from the whole journal, or the version is no longer read.

use std::collections::BTreeSet;
use std::path::PathBuf;

use protocol::digest::Digest;
use protocol::journal::Record;
use protocol::name::Name;
use protocol::state::snapshot::{
    Refusal, SNAPSHOT_SCHEMA, SNAPSHOT_SCHEMA_OLDEST, SealedSnapshot, StateSnapshot,
};
use protocol::state::{State, evolve, fold};
use serde_json::{Value, json};

use super::{Golden, goldens, objects};

fn folder(version: u16) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/state_snapshots/{version}"))
}

fn file(version: u16, golden: &Golden) -> PathBuf {
    folder(version).join(format!("{}-{}.jsonl", golden.version, golden.name))
}

/// The texts that a version of the schema left of a journal.
fn kept(version: u16, golden: &Golden) -> Vec<String> {
    let text = std::fs::read_to_string(file(version, golden)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn sealed(text: &str) -> SealedSnapshot {
    let value: Value = serde_json::from_str(text).expect("JSON");
    let seq = value["state"]["last_seq"].as_u64().expect("a number");
    SealedSnapshot { seq, digest: Digest::of(text), text: text.to_owned() }
}

fn plan_of(golden: &Golden) -> Name {
    golden.records().first().expect("a record").plan.clone()
}

fn digest(record: &Record) -> Digest {
    Digest::of(&serde_json::to_string(record).expect("JSON"))
}

fn taken_after(records: &[Record]) -> StateSnapshot {
    let last = records.last().expect("a record");
    StateSnapshot::of(&last.plan, &fold(records).expect("legal"), digest(last), last.at)
}

/// After each quarter of a journal.
fn quarters(records: &[Record]) -> impl Iterator<Item = StateSnapshot> + '_ {
    (1..=4).map(|quarter| (records.len() * quarter).div_ceil(4)).map(|end| taken_after(&records[..end]))
}

#[test]
fn a_snapshot_of_every_readable_version_and_the_rest_of_its_journal_are_the_whole_journal() {
    for version in SNAPSHOT_SCHEMA_OLDEST..=SNAPSHOT_SCHEMA {
        let mut opened = 0;
        for golden in goldens() {
            let (records, whole) = (golden.records(), golden.state());
            for text in kept(version, &golden) {
                let what = format!("snapshot of version {version} of journal {}", golden.name);
                let open = sealed(&text).open(&plan_of(&golden));
                let snapshot = open.unwrap_or_else(|refusal| panic!("{what}: {refusal}"));
                let after = usize::try_from(snapshot.seq()).expect("small");
                assert_eq!(snapshot.record, digest(&records[after - 1]), "{what}: it is of another journal");
                let rest = records[after..].iter().try_fold(snapshot.state, evolve).expect("legal");
                assert_eq!(
                    rest, whole,
                    "{what} leads to another state than the journal: what old records mean has changed, so raise \
                     SNAPSHOT_SCHEMA and SNAPSHOT_SCHEMA_OLDEST"
                );
                opened += 1;
            }
        }
        assert!(opened >= 4, "version {version} has {opened} golden snapshots");
    }
}

#[test]
fn every_golden_journal_of_the_newest_version_has_its_snapshots() {
    for golden in goldens().iter().filter(|golden| golden.version == protocol::journal::JOURNAL_SCHEMA) {
        assert_eq!(kept(SNAPSHOT_SCHEMA, golden).len(), 4, "{}: pin them anew, see golden.rs", golden.name);
    }
}

/// Whether all that one value has is in another too.
fn is_within(old: &Value, new: &Value, at: &str) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                is_within(value, new.get(key).unwrap_or(&Value::Null), &format!("{at}/{key}"));
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            old.iter().zip(new).for_each(|(old, new)| is_within(old, new, at));
        }
        _ => assert_eq!(old, new, "{at}"),
    }
}

/// No name of a field is changed in passing: a program of before would refuse what is written today.
#[test]
fn a_snapshot_of_the_newest_version_holds_what_it_held_then() {
    for golden in goldens() {
        for text in kept(SNAPSHOT_SCHEMA, &golden) {
            let snapshot = sealed(&text).open(&plan_of(&golden)).expect("it opens");
            let mut now: Value =
                serde_json::from_str(&snapshot.seal().expect("it seals").text).expect("JSON");
            let then: Value = serde_json::from_str(&text).expect("JSON");
            now["program"] = then["program"].clone();
            is_within(&then, &now, "");
        }
    }
}

/// Every field that derived `Debug` shows, wherever it lies.
fn fields_shown(state: &State) -> BTreeSet<String> {
    let shown = format!("{state:#?}");
    let field = |line: &str| {
        let (name, _) = line.trim_start().split_once(": ")?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        is_name.then(|| name.to_owned())
    };
    shown.lines().filter_map(field).collect()
}

fn fields_written(value: &Value, found: &mut BTreeSet<String>) {
    let mut places = Vec::new();
    objects(value, "", &mut places);
    for place in places {
        let fields = value.pointer(&place).and_then(Value::as_object).expect("an object");
        found.extend(fields.keys().cloned());
    }
}

/// The name in a snapshot of a field: fields have been renamed in the code since the first snapshot was kept.
fn written_as(field: &str) -> String {
    field.replace("multi_az_failovers", "zone_failovers")
}

/// What a snapshot forgets would be another state after it is restored.
#[test]
fn no_field_of_a_state_is_forgotten_by_its_snapshot() {
    let (mut shown, mut written) = (BTreeSet::new(), BTreeSet::new());
    for golden in goldens() {
        let mut state = State::default();
        for record in golden.records() {
            state = evolve(state, &record).expect("legal");
            let snapshot = StateSnapshot::of(&record.plan, &state, digest(&record), record.at);
            let restored = snapshot.seal().expect("it seals").open(&record.plan).expect("it opens");
            assert_eq!(restored.state, state, "{}, record {}", golden.name, record.seq);
            shown.extend(fields_shown(&state).iter().map(|field| written_as(field)));
            fields_written(&serde_json::to_value(&state).expect("JSON"), &mut written);
        }
    }
    assert!(shown.len() > 50, "the fields of a state are seen: {shown:?}");
    // Optional fields of journal types are left out where they are empty; some record has them.
    let forgotten: Vec<&String> = shown.difference(&written).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}

/// Places of a snapshot that hold fields of the state's own, with an example of each in a golden journal.
const OWN: &[&str] = &[
    "/state",
    "/state/hold",
    "/state/run",
    "/state/run/phase/completed",
    "/state/run/phase/aborted",
    "/state/run/phase/needs_operator",
    "/state/run/steps/0/1/done",
    "/state/evidence/0/1",
    "/state/alarms/arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-front-errors",
    "/state/holdings/orders",
    "/state/cleanup/0/1",
];

/// A newer program's field would be lost in silence, and what it means with it.
#[test]
fn a_field_that_is_not_known_is_refused() {
    let mut tried = BTreeSet::new();
    for golden in goldens() {
        let records = golden.records();
        for end in 1..=records.len() {
            let text = taken_after(&records[..end]).seal().expect("it seals").text;
            for place in OWN {
                let mut value: Value = serde_json::from_str(&text).expect("JSON");
                let Some(Value::Object(fields)) = value.pointer_mut(place) else { continue };
                fields.insert("of_the_future".to_owned(), json!(1));
                let refusal = sealed(&value.to_string()).open(&plan_of(&golden)).expect_err(place);
                let named = matches!(&refusal, Refusal::Unreadable(why) if why.contains("of_the_future"));
                assert!(named, "{refusal}");
                tried.insert(place);
            }
        }
    }
    assert_eq!(tried.len(), OWN.len(), "{tried:?}");
}

#[test]
fn what_is_torn_changed_or_of_another_version_or_plan_is_refused() {
    let golden = goldens().into_iter().next().expect("a journal");
    let (records, plan) = (golden.records(), plan_of(&golden));
    let good = taken_after(&records).seal().expect("it seals");
    assert_eq!(good.open(&plan).map(|snapshot| snapshot.state), Ok(golden.state()));
    let torn = SealedSnapshot { text: good.text[..good.text.len() / 2].to_owned(), ..good.clone() };
    assert_eq!(torn.open(&plan), Err(Refusal::Torn));
    let changed =
        SealedSnapshot { text: good.text.replacen("\"holdings\":{", "\"holdings\": {", 1), ..good.clone() };
    assert_ne!(changed, good);
    assert_eq!(changed.open(&plan), Err(Refusal::Torn));
    for schema in [0, SNAPSHOT_SCHEMA + 1] {
        let mut value: Value = serde_json::from_str(&good.text).expect("JSON");
        value["schema"] = json!(schema);
        // A shape that nobody knows yet: it is not even looked at.
        value["state"] = json!({ "last_seq": good.seq });
        assert_eq!(sealed(&value.to_string()).open(&plan), Err(Refusal::Schema(schema)));
    }
    assert_eq!(good.open(&Name::new("other")), Err(Refusal::OtherPlan(plan.clone())));
    let moved = SealedSnapshot { seq: good.seq + 1, ..good.clone() };
    assert!(matches!(moved.open(&plan), Err(Refusal::Unreadable(_))));
    let nonsense = SealedSnapshot { seq: 1, digest: Digest::of("nonsense"), text: "nonsense".to_owned() };
    assert!(matches!(nonsense.open(&plan), Err(Refusal::Unreadable(_))));
}

#[test]
#[ignore = "writes files; see the head of golden.rs"]
fn pin_the_snapshots_of_the_golden_journals_anew() {
    std::fs::create_dir_all(folder(SNAPSHOT_SCHEMA)).expect("a folder");
    for golden in goldens() {
        let records = golden.records();
        let texts = quarters(&records).map(|snapshot| snapshot.seal().expect("it seals").text + "\n");
        std::fs::write(file(SNAPSHOT_SCHEMA, &golden), texts.collect::<String>()).expect("a file");
    }
}
