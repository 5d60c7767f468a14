//! How many records one call appends, and how many races it loses, before the caller is told to come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::conductor::{Conductor, Log};
use engine::step::carry_out;
use jiff::SignedDuration;
use ports::{Answer, Clock, Journal};
use protocol::command::{Step, StepCommand};
use protocol::decide::Facts;
use protocol::journal::{Event, Record};
use protocol::plan::Plan;
use protocol::signal::{AlarmSignal, AlarmState, Signal, Via};
use twin::{Call, MemoryWorld, Policy, Through};

use crate::bench::{Bench, Glimpse, Script, plan, seconds};

/// A journal in which somebody else is quicker for so many appends.
struct Crowded {
    world: Arc<MemoryWorld>,
    /// Appends that nobody is quicker for, before those.
    quiet_left: AtomicUsize,
    lost_left: AtomicUsize,
}

impl Policy for Crowded {
    async fn pass<T: Send + 'static>(
        &self,
        call: Call,
        go: impl Future<Output = Answer<T>> + Send + 'static,
    ) -> Answer<T> {
        let less = |left: usize| left.checked_sub(1);
        if let Call::Append(record) = call
            && self.quiet_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_err()
            && self.lost_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
        {
            let event = Event::Noticed { of: 1 };
            let other = Record { writer: "other".to_owned(), event, ..(*record).clone() };
            self.world.append(&other).await?;
        }
        go.await
    }
}

fn crowded(bench: &Bench, races: usize) -> Conductor {
    crowded_after(bench, 0, races)
}

fn crowded_after(bench: &Bench, quiet: usize, races: usize) -> Conductor {
    let journal = Crowded {
        world: Arc::clone(&bench.world),
        quiet_left: AtomicUsize::new(quiet),
        lost_left: AtomicUsize::new(races),
    };
    Conductor { journal: Through::new(&bench.world, journal), ..bench.conductor.clone() }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_loses_sixty_three_races_is_appended_and_one_that_loses_sixty_four_is_not() {
    for (races, stands) in [(63, true), (64, false)] {
        let bench = Bench::moving(plan()).await;
        let work = Script::new(&bench, Step::Scale, &[(Glimpse::Wanting, SignedDuration::ZERO)]);
        // The intent is written at once; the outcome loses its races.
        let conductor = crowded_after(&bench, 1, races);
        let mut log = Log::default();
        conductor.refresh(&mut log).await.expect("the journal is read");
        let run = log.state.active_run().expect("a run").id;
        let plan = conductor.plan.name.clone();
        let command = StepCommand { plan, run, step: work.step, subjects: vec!["web".into()] };
        let deadline = bench.clock.now().checked_add(seconds(300)).expect("a time");
        let carried = carry_out(&conductor, &work, &command, log, deadline).await;
        let done = bench.records().iter().any(|record| matches!(record.event, Event::StepDone { .. }));
        assert_eq!(done, stands, "after {races} races: {carried:?}");
        let code = carried.err().map(|fault| fault.code);
        assert_eq!(code, (!stands).then_some("journal_busy"), "after {races} races");
    }
}

/// News of so many alarms of the plan, each of which is a record of its own.
fn news(bench: &Bench) -> Facts {
    let signals = bench.conductor.plan.detection.sides.primary.alarms.iter().map(|arn| {
        let (arn, state, reason, via) = (arn.clone(), AlarmState::Ok, "r".to_owned(), Via::EventBridge);
        Signal::Alarm(AlarmSignal {
            arn,
            contributor: None,
            held_back: None,
            state,
            changed_at: bench.clock.now(),
            reason,
            via,
        })
    });
    Facts { signals: signals.collect(), ..Facts::default() }
}

fn with_alarms(count: usize) -> Plan {
    let mut plan = plan();
    let alarm = |number| format!("arn:aws:cloudwatch:us-east-2:123456789012:alarm:alarm-{number}");
    plan.detection.sides.primary.alarms = (0..count).map(alarm).collect();
    plan
}

#[tokio::test(start_paused = true)]
async fn one_call_appends_two_hundred_and_fifty_six_records_at_most() {
    for (count, comes_to_rest) in [(256, true), (257, false)] {
        let bench = Bench::new(with_alarms(count));
        let decided = bench.conductor.advance(&mut Log::default(), news(&bench)).await;
        match decided {
            Ok(advanced) => assert_eq!((comes_to_rest, advanced.appended), (true, count)),
            Err(fault) => assert_eq!((comes_to_rest, fault.code), (false, "no_rest"), "{count} records"),
        }
        // What was appended stands: the next call goes on from there.
        assert_eq!(bench.records().len(), 256);
    }
}

#[tokio::test(start_paused = true)]
async fn one_call_loses_sixty_three_races_at_most_before_it_gives_up() {
    for (races, comes_to_rest) in [(63, true), (64, false)] {
        let bench = Bench::new(with_alarms(1));
        let decided = crowded(&bench, races).advance(&mut Log::default(), news(&bench)).await;
        match decided {
            Ok(advanced) => assert_eq!((comes_to_rest, advanced.appended), (true, 1)),
            Err(fault) => assert_eq!((comes_to_rest, fault.code), (false, "no_rest"), "{races} races"),
        }
    }
}
