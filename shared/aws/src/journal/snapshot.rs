//! How is a snapshot of the state kept? In one of two slots under `<plan>#snapshot`, in parts that an item can hold.
//!
//! | attribute | type | |
//! | --- | --- | --- |
//! | `seq` | N | sort key: 0 and 1 are the heads of the slots, 101 and on the further parts of the first, 201 and on of the second |
//! | `after` | N | the sequence number of the record that it was taken after |
//! | `parts` | N | of the head: in how many parts it lies, the head's own among them |
//! | `digest` | S | of the head: SHA-256 of the whole text |
//! | `part` | S | a part of the text |
//!
//! The head is written last. One that has other parts than its own does not match its digest, and is torn.

use aws_sdk_dynamodb::types::AttributeValue;
use ports::{Answer, FailureKind, KeptSnapshot, Slot, Which};
use protocol::digest::Digest;
use protocol::name::Name;
use protocol::state::snapshot::SealedSnapshot;

use super::{DynamoJournal, PUT, QUERY, TableItem};
use crate::failure::{failure, ours};

/// Most bytes of a part. An item holds 400 KB, names and values together; two heads come with one page of 1 MB.
const PART_BYTES_MAX: usize = 300_000;

/// Most parts. The largest plan's state, with a run under way, has fewer than ten.
const PARTS_MAX: usize = 32;

/// The sort key of a slot's head.
fn head_key(slot: Slot) -> u64 {
    match slot {
        Slot::A => 0,
        Slot::B => 1,
    }
}

/// The sort key of a part but the first.
fn part_key(slot: Slot, part: usize) -> u64 {
    100 * (head_key(slot) + 1) + part as u64
}

/// What a head says. What can't be read is nothing that a snapshot could have: it is torn then.
struct Head {
    slot: Slot,
    after: u64,
    parts: usize,
    digest: Digest,
    part: String,
}

impl Head {
    fn read(item: &TableItem) -> Self {
        let text =
            |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
        let number =
            |name: &str| item.get(name).and_then(|value| value.as_n().ok()?.parse().ok()).unwrap_or(0);
        let slot = if number("seq") == head_key(Slot::A) { Slot::A } else { Slot::B };
        let parts = usize::try_from(number("parts")).unwrap_or(0);
        let digest = Digest::kept(text("digest"));
        Self { slot, after: number("after"), parts, digest, part: text("part") }
    }
}

impl DynamoJournal {
    pub(super) async fn load_kept_snapshot(&self, plan: &Name, which: Which) -> Answer<Option<KeptSnapshot>> {
        let heads = self.snapshot_items(plan, head_key(Slot::A), head_key(Slot::B)).await?;
        let mut heads: Vec<Head> = heads.iter().map(Head::read).collect();
        heads.sort_by_key(|head| std::cmp::Reverse(head.after));
        let head = match which {
            Which::Newest => heads.into_iter().next(),
            Which::Older => heads.into_iter().nth(1),
        };
        let Some(Head { slot, after, parts, digest, part: mut text }) = head else { return Ok(None) };
        if (2..=PARTS_MAX).contains(&parts) {
            let (first, last) = (part_key(slot, 1), part_key(slot, parts - 1));
            for item in self.snapshot_items(plan, first, last).await? {
                text.extend(item.get("part").and_then(|value| value.as_s().ok()).map(String::as_str));
            }
        }
        Ok(Some(KeptSnapshot { slot, sealed: SealedSnapshot { seq: after, digest, text } }))
    }

    /// The items from one sort key to another.
    async fn snapshot_items(&self, plan: &Name, first: u64, last: u64) -> Answer<Vec<TableItem>> {
        let (mut items, mut start) = (Vec::new(), None);
        // Every page has at least one of them.
        for _ in 0..=PARTS_MAX {
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("#plan = :plan AND #seq BETWEEN :first AND :last")
                .expression_attribute_names("#plan", "plan")
                .expression_attribute_names("#seq", "seq")
                .expression_attribute_values(":plan", AttributeValue::S(snapshot_partition(plan)))
                .expression_attribute_values(":first", AttributeValue::N(first.to_string()))
                .expression_attribute_values(":last", AttributeValue::N(last.to_string()))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| failure(QUERY, &error))?;
            items.extend(output.items.unwrap_or_default());
            start = output.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                break;
            }
        }
        Ok(items)
    }

    pub(super) async fn keep_snapshot(&self, plan: &Name, kept: &KeptSnapshot) -> Answer<()> {
        let KeptSnapshot { slot, sealed: SealedSnapshot { seq, digest, text } } = kept;
        let parts = cut(text);
        if parts.len() > PARTS_MAX {
            let message = format!("the state has {} bytes, more than {PARTS_MAX} items can hold", text.len());
            return Err(ours(FailureKind::Invalid, PUT, "snapshot_too_large", message));
        }
        let (first, further) = parts.split_first().map_or(("", &[][..]), |(first, rest)| (*first, rest));
        for (index, part) in further.iter().enumerate() {
            let item = self.snapshot_item(plan, part_key(*slot, index + 1), *seq, part);
            item.send().await.map_err(|error| failure(PUT, &error))?;
        }
        self.snapshot_item(plan, head_key(*slot), *seq, first)
            .item("parts", AttributeValue::N(parts.len().to_string()))
            .item("digest", AttributeValue::S(digest.to_string()))
            .send()
            .await
            .map_err(|error| failure(PUT, &error))?;
        Ok(())
    }

    fn snapshot_item(
        &self,
        plan: &Name,
        key: u64,
        after: u64,
        part: &str,
    ) -> aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder {
        self.client
            .put_item()
            .table_name(&self.table)
            .item("plan", AttributeValue::S(snapshot_partition(plan)))
            .item("seq", AttributeValue::N(key.to_string()))
            .item("after", AttributeValue::N(after.to_string()))
            .item("part", AttributeValue::S(part.to_owned()))
    }
}

/// `#` can't stand in a plan's name, so no plan's log is met.
fn snapshot_partition(plan: &Name) -> String {
    format!("{plan}#snapshot")
}

/// Cuts a text into parts that an item can hold, between characters.
fn cut(text: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let (part, left) = rest.split_at(rest.floor_char_boundary(PART_BYTES_MAX));
        parts.push(part);
        rest = left;
    }
    parts
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aws_smithy_http_client::test_util::StaticReplayClient;
    use ports::{Clock, Journal};
    use protocol::state::snapshot::{Refusal, StateSnapshot};
    use protocol::state::{State, Unnoticed};
    use serde_json::{Value, json};

    use super::*;
    use crate::config::Sdk;
    use crate::replay::{StillClock, replay, sent};

    fn plan() -> Name {
        Name::new("shop")
    }

    fn journal(http: &StaticReplayClient) -> DynamoJournal {
        let clock: Arc<dyn Clock> = StillClock::at("2026-11-20T03:00:00Z");
        DynamoJournal::new(&Sdk::on(http.clone()), "shop-journal", clock)
    }

    /// A snapshot of a state with so many things to tell.
    fn kept(slot: Slot, seq: u64, things: u64) -> KeptSnapshot {
        let at = "2026-11-20T03:00:00Z".parse().unwrap();
        // Two of different sizes share no part.
        let letter = if things.is_multiple_of(2) { "é" } else { "ü" };
        let unnoticed =
            |seq| (seq, Unnoticed { at, title: "moves".to_owned(), sentence: letter.repeat(500) });
        let unnoticed = (0..things).map(unnoticed).collect();
        let state = State { last_seq: seq, unnoticed, ..State::default() };
        let sealed = StateSnapshot::of(&plan(), &state, Digest::of("a record"), at).seal().unwrap();
        KeptSnapshot { slot, sealed }
    }

    /// The items that a snapshot is written as, in the order of their writing.
    async fn items(kept: &KeptSnapshot) -> Vec<Value> {
        let http = replay(&[(200, "{}"); PARTS_MAX]);
        journal(&http).save_snapshot(&plan(), kept).await.unwrap();
        sent(&http).iter().map(|body| serde_json::from_str::<Value>(body).unwrap()["Item"].clone()).collect()
    }

    fn page(items: &[&Value]) -> String {
        json!({ "Items": items }).to_string()
    }

    async fn load(pages: &[String], which: Which) -> (Option<KeptSnapshot>, Vec<Value>) {
        let answers: Vec<(u16, &str)> = pages.iter().map(|page| (200, page.as_str())).collect();
        let http = replay(&answers);
        let found = journal(&http).load_snapshot(&plan(), which).await.unwrap();
        (found, sent(&http).iter().map(|body| serde_json::from_str(body).unwrap()).collect())
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_snapshot_is_one_item_and_reads_back_the_same() {
        let kept = kept(Slot::B, 400, 1);
        let items = items(&kept).await;
        assert_eq!(items.len(), 1);
        assert_eq!(items[0]["plan"]["S"], "shop#snapshot");
        assert_eq!((&items[0]["seq"]["N"], &items[0]["parts"]["N"]), (&json!("1"), &json!("1")));
        let (found, asked) = load(&[page(&[&items[0]])], Which::Newest).await;
        assert_eq!(found, Some(kept));
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0]["ConsistentRead"], true);
        assert_eq!(asked[0]["ExpressionAttributeValues"][":plan"]["S"], "shop#snapshot");
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_the_one_after_the_later_record_is_the_newest() {
        let (one, other) = (kept(Slot::A, 600, 1), kept(Slot::B, 400, 1));
        let (a, b) = (items(&one).await, items(&other).await);
        let heads = page(&[&a[0], &b[0]]);
        assert_eq!(load(std::slice::from_ref(&heads), Which::Newest).await.0, Some(one));
        assert_eq!(load(&[heads], Which::Older).await.0, Some(other));
        assert_eq!(load(&[page(&[&a[0]])], Which::Older).await.0, None);
        assert_eq!(load(&[page(&[])], Which::Newest).await.0, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_snapshot_lies_in_parts_its_head_is_written_last_and_it_reads_back_the_same() {
        let kept = kept(Slot::A, 400, 700);
        let items = items(&kept).await;
        let keys: Vec<&str> = items.iter().filter_map(|item| item["seq"]["N"].as_str()).collect();
        assert_eq!(keys, ["101", "102", "0"], "{} bytes", kept.sealed.text.len());
        for item in &items {
            let part = item["part"]["S"].as_str().unwrap();
            assert!((PART_BYTES_MAX / 3..=PART_BYTES_MAX).contains(&part.len()), "{}", part.len());
        }
        let pages = [page(&[&items[2]]), page(&[&items[0], &items[1]])];
        let (found, asked) = load(&pages, Which::Newest).await;
        assert_eq!(found, Some(kept));
        let values = &asked[1]["ExpressionAttributeValues"];
        assert_eq!((&values[":first"]["N"], &values[":last"]["N"]), (&json!("101"), &json!("102")));
    }

    /// Killed after each of its writes, over an older one.
    #[tokio::test(start_paused = true)]
    async fn a_half_written_snapshot_is_torn() {
        let (older, newer) = (items(&kept(Slot::A, 400, 700)).await, items(&kept(Slot::A, 800, 701)).await);
        let mix = |written: usize| -> Vec<&Value> {
            (0..3).map(|index| if index < written { &newer[index] } else { &older[index] }).collect()
        };
        for (written, is_whole) in [(0, true), (1, false), (2, false), (3, true)] {
            let there = mix(written);
            let pages = [page(&[there[2]]), page(&[there[0], there[1]])];
            let found = load(&pages, Which::Newest).await.0.unwrap();
            let opened = found.sealed.open(&plan());
            assert_eq!(opened.is_ok(), is_whole, "{written}");
            assert!(is_whole || opened == Err(Refusal::Torn), "{written}: {opened:?}");
        }
        let pages = [page(&[&newer[2]]), page(&[&newer[0]])];
        let found = load(&pages, Which::Newest).await.0.unwrap();
        assert_eq!(found.sealed.open(&plan()), Err(Refusal::Torn), "a part is missing");
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_can_not_be_read_is_torn_and_the_oldest() {
        let good = items(&kept(Slot::A, 400, 1)).await;
        for broken in [
            json!({ "plan": { "S": "shop#snapshot" }, "seq": { "N": "1" } }),
            json!({ "plan": { "S": "shop#snapshot" }, "seq": { "N": "1" }, "after": { "S": "?" }, "parts": { "N": "99" },
                "digest": { "N": "1" }, "part": { "S": "x" } }),
        ] {
            let heads = page(&[&good[0], &broken]);
            assert_eq!(load(std::slice::from_ref(&heads), Which::Newest).await.0.unwrap().slot, Slot::A);
            let found = load(&[heads], Which::Older).await.0.unwrap();
            assert_eq!((found.slot, found.sealed.open(&plan())), (Slot::B, Err(Refusal::Torn)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_state_that_no_items_hold_is_refused_before_anything_is_written() {
        let most = PARTS_MAX * PART_BYTES_MAX;
        for (bytes, is_taken) in [(most, true), (most + 1, false)] {
            let text = "x".repeat(bytes);
            let sealed = SealedSnapshot { seq: 1, digest: Digest::of("x"), text };
            let http = replay(&[(200, "{}"); PARTS_MAX]);
            let saved = journal(&http).save_snapshot(&plan(), &KeptSnapshot { slot: Slot::A, sealed }).await;
            assert_eq!(saved.is_ok(), is_taken);
            assert_eq!(http.actual_requests().count(), if is_taken { PARTS_MAX } else { 0 });
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let text = format!("{}é{}", "x".repeat(PART_BYTES_MAX - 1), "y".repeat(10));
        let parts = cut(&text);
        assert_eq!(parts.concat(), text);
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [PART_BYTES_MAX - 1, 12]);
        assert!(cut("").is_empty());
    }
}
