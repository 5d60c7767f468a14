//! An attempt at a step: its lease, the time that an effect needs, how old a look may be, and when it is handed over.

use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use protocol::command::Step;
use protocol::journal::Event;
use protocol::name::Name;

use crate::bench::{Bench, Glimpse, Script, plan, seconds};

/// Long enough for whatever a test waits for.
const LONG: SignedDuration = SignedDuration::from_mins(10);

const NONE: SignedDuration = SignedDuration::ZERO;

fn is_waiting(event: &Event) -> bool {
    matches!(event, Event::StepWaiting { .. })
}

fn is_handed_over(event: &Event) -> bool {
    matches!(event, Event::StepHandedOver { .. })
}

#[tokio::test(start_paused = true)]
async fn an_intent_holds_its_items_for_seventy_five_seconds() {
    let bench = Bench::moving(plan()).await;
    let work = Script::new(&bench, Step::Scale, &[(Glimpse::Wanting, NONE)]);
    bench.carry_out(&work, &["web"], LONG).await;
    let leases = bench.records().into_iter().filter_map(|record| match record.event {
        Event::StepIntended { until, .. } => Some(until.duration_since(record.at)),
        _ => None,
    });
    assert_eq!(leases.collect::<Vec<_>>(), [seconds(75)]);
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_when_less_than_forty_five_seconds_of_it_are_left() {
    // The first look is of before the intent. The second one begins a second after it, and ends with so much left.
    for (left_ms, renewed_at_ms) in [(45_000, 32_000), (44_999, 30_001)] {
        let bench = Bench::moving(plan()).await;
        let takes = SignedDuration::from_millis(75_000 - 1_000 - left_ms);
        let glimpses =
            [(Glimpse::Underway, NONE), (Glimpse::Underway, takes), (Glimpse::Underway, seconds(2))];
        let work = Script::new(&bench, Step::Scale, &glimpses);
        bench.carry_out(&work, &["web"], seconds(25 + 40)).await;
        let first = bench.written_ms(is_waiting).first().copied();
        // At the limit nothing is renewed yet: the next look ends two and a half seconds later.
        let expected = if left_ms == 45_000 { renewed_at_ms + 500 } else { renewed_at_ms };
        assert_eq!(first, Some(expected), "{left_ms} ms left");
    }
}

#[tokio::test(start_paused = true)]
async fn an_effect_begins_only_with_twenty_seconds_of_the_lease_left() {
    // The second look begins a second after the intent: an effect is due.
    for (left_ms, begins) in [(20_000, true), (19_999, false)] {
        let bench = Bench::moving(plan()).await;
        let takes = SignedDuration::from_millis(75_000 - 1_000 - left_ms);
        let glimpses = [(Glimpse::Underway, NONE), (Glimpse::Wanting, takes), (Glimpse::Wanting, NONE)];
        let work = Script::new(&bench, Step::Scale, &glimpses);
        bench.carry_out(&work, &["web"], LONG).await;
        let looked_ms = i128::from(75_000 - left_ms);
        let begun = work.begun_ms(&bench);
        assert_eq!(begun.len(), 1, "one effect");
        assert_eq!(begun[0] == looked_ms, begins, "{left_ms} ms left: begun at {} ms", begun[0]);
        // What was not begun waits for a lease of its own.
        let renewed = bench.written_ms(is_waiting);
        assert_eq!(renewed.first().is_some_and(|at| *at < begun[0]), !begins, "{renewed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_effect_is_given_up_five_seconds_before_the_lease_ends() {
    for (takes, stands) in [(70, true), (71, false)] {
        let bench = Bench::moving(plan()).await;
        let mut work = Script::new(&bench, Step::Scale, &[(Glimpse::Wanting, NONE)]);
        work.act_takes = seconds(takes);
        bench.carry_out(&work, &["web"], seconds(90)).await;
        assert_eq!(work.ended_count() > 0, stands, "an effect that takes {takes} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_of_before_the_intent_is_gone_by_for_five_seconds() {
    // The third look, after the effect, sees it stand.
    for (took, looks) in [(5, 2), (6, 3)] {
        let bench = Bench::moving(plan()).await;
        let work =
            Script::new(&bench, Step::Scale, &[(Glimpse::Wanting, seconds(took)), (Glimpse::Wanting, NONE)]);
        bench.carry_out(&work, &["web"], LONG).await;
        assert_eq!(work.looks(), looks, "the first look took {took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn that_nothing_stood_against_an_effect_at_the_first_look_holds_for_a_second() {
    for (took_ms, asked) in [(1_000, 1), (1_001, 2)] {
        let bench = Bench::moving(plan()).await;
        let took = SignedDuration::from_millis(took_ms);
        let mut work =
            Script::new(&bench, Step::Scale, &[(Glimpse::Wanting, took), (Glimpse::Wanting, NONE)]);
        work.may_object = true;
        bench.carry_out(&work, &["web"], LONG).await;
        assert_eq!(work.asked.load(Ordering::Relaxed), asked, "the first look took {took_ms} ms");
        assert_eq!(work.begun_ms(&bench), [i128::from(took_ms)]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_stood_against_an_effect_at_the_first_look_is_asked_again() {
    for (objections, begun_ms) in
        [(vec![Some("open")], 0), (vec![None, Some("open")], 0), (vec![Some("open"); 2], 2_000)]
    {
        let bench = Bench::moving(plan()).await;
        let mut work = Script::new(&bench, Step::Scale, &[(Glimpse::Wanting, NONE)]);
        work.may_object = true;
        work.objections = objections.clone();
        bench.carry_out(&work, &["web"], LONG).await;
        assert_eq!(work.begun_ms(&bench), [begun_ms], "{objections:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_look_is_good_for_the_first_five_effects_alone() {
    let mut plan = plan();
    let pattern = plan.fleets[0].clone();
    let names: Vec<String> = (0..6).map(|number| format!("web-{number}")).collect();
    let fleet_of = |name: &String| {
        let mut fleet = pattern.clone();
        fleet.name = Name::new(name.clone());
        fleet
    };
    plan.fleets = names.iter().map(fleet_of).collect();
    let bench = Bench::moving(plan).await;
    let mut work = Script::new(&bench, Step::Scale, &[(Glimpse::Wanting, NONE)]);
    work.may_object = true;
    bench.carry_out(&work, &names.iter().map(String::as_str).collect::<Vec<_>>(), LONG).await;
    assert_eq!((work.asked.load(Ordering::Relaxed), work.begun_ms(&bench).len()), (2, 6));
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_does_not_show_is_asked_for_again_after_six_seconds_each_time() {
    let bench = Bench::moving(plan()).await;
    let mut work = Script::new(&bench, Step::Scale, &[(Glimpse::Wanting, NONE)]);
    work.shows = false;
    bench.carry_out(&work, &["web"], seconds(25 + 20)).await;
    assert_eq!(work.begun_ms(&bench), [0, 6_000, 12_000, 18_000]);
}

#[tokio::test(start_paused = true)]
async fn five_effects_are_under_way_at_once_and_no_more() {
    for (count, most) in [(4, 4), (5, 5), (6, 5), (25, 5)] {
        let mut plan = plan();
        let pattern = plan.fleets[0].clone();
        let names: Vec<String> = (0..count).map(|number| format!("web-{number}")).collect();
        plan.fleets = names
            .iter()
            .map(|name| {
                let mut fleet = pattern.clone();
                fleet.name = Name::new(name.clone());
                fleet.after.clear();
                fleet
            })
            .collect();
        let bench = Bench::moving(plan).await;
        let mut work = Script::new(&bench, Step::Scale, &[(Glimpse::Wanting, NONE)]);
        work.act_takes = seconds(1);
        let subjects: Vec<&str> = names.iter().map(String::as_str).collect();
        bench.carry_out(&work, &subjects, LONG).await;
        assert_eq!(work.begun_ms(&bench).len(), count, "each effect once");
        assert_eq!(work.most_at_once(), most, "{count} items");
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_is_handed_over_twenty_five_seconds_before_the_functions_deadline() {
    // It looks at 0, 1, 2 … seconds; the one at 10 is the last of a function with 35 seconds.
    for (time_ms, handed_over_ms) in [(35_000, 10_000), (35_001, 11_000)] {
        let bench = Bench::moving(plan()).await;
        let work = Script::new(&bench, Step::Scale, &[(Glimpse::Underway, NONE)]);
        bench.carry_out(&work, &["web"], SignedDuration::from_millis(time_ms)).await;
        assert_eq!(bench.written_ms(is_handed_over), [handed_over_ms], "a function with {time_ms} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handover_waits_until_an_unanswered_call_can_have_landed() {
    let bench = Bench::moving(plan()).await;
    let mut work =
        Script::new(&bench, Step::Scale, &[(Glimpse::Underway, seconds(2)), (Glimpse::Wanting, NONE)]);
    (work.is_unanswered, work.shows, work.act_takes) = (true, false, seconds(13));
    // The effect begins at 3 s and is given up at 16 s, one second after the time to hand over.
    bench.carry_out(&work, &["web"], seconds(25 + 15)).await;
    assert_eq!(work.begun_ms(&bench), [3_000]);
    assert_eq!(bench.written_ms(is_handed_over), [21_000], "five seconds after the call was given up");
}

#[tokio::test(start_paused = true)]
async fn a_handover_after_an_answered_call_waits_for_nothing() {
    let bench = Bench::moving(plan()).await;
    let mut work =
        Script::new(&bench, Step::Scale, &[(Glimpse::Underway, seconds(2)), (Glimpse::Wanting, NONE)]);
    (work.shows, work.act_takes) = (false, seconds(13));
    bench.carry_out(&work, &["web"], seconds(25 + 15)).await;
    assert_eq!(bench.written_ms(is_handed_over), [16_000]);
}
