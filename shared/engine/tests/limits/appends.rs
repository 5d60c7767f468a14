//! How many records one call appends, and how many races it loses, before the caller is told to come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use engine::conductor::{Conductor, Log, Written};
use engine::step::attempt::{Attempt, Input, Manner, Moment, Output};
use engine::step::Sight;
use ports::memory::MemoryWorld;
use ports::{Alert, AlertClaim, Answer, Appended, Clock, Journal, KeptSnapshot, Page, Vitals, Which};
use protocol::decide::Facts;
use protocol::journal::{Event, Record};
use protocol::name::Name;
use protocol::plan::Plan;
use protocol::readiness::LastReadiness;
use protocol::signal::{AlarmSignal, AlarmState, Signal, Via};

use crate::bench::{Bench, plan};

/// A journal in which somebody else is quicker for so many appends.
struct Crowded {
    world: Arc<MemoryWorld>,
    lost_left: AtomicUsize,
}

#[async_trait]
impl Journal for Crowded {
    async fn load_after(&self, plan: &Name, seq: u64) -> Answer<Page> {
        self.world.load_after(plan, seq).await
    }

    async fn append(&self, record: &Record) -> Answer<Appended> {
        let lost =
            self.lost_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if lost.is_ok() {
            let event = Event::Noticed { of: 1 };
            let other = Record { writer: "other".to_owned(), event, ..record.clone() };
            self.world.append(&other).await?;
            return Ok(Appended::Taken);
        }
        self.world.append(record).await
    }

    async fn load_snapshot(&self, plan: &Name, which: Which) -> Answer<Option<KeptSnapshot>> {
        self.world.load_snapshot(plan, which).await
    }

    async fn save_snapshot(&self, plan: &Name, kept: &KeptSnapshot) -> Answer<()> {
        self.world.save_snapshot(plan, kept).await
    }

    async fn claim_alert(&self, plan: &Name, claim: &AlertClaim) -> Answer<bool> {
        self.world.claim_alert(plan, claim).await
    }

    async fn yield_alert(&self, plan: &Name, alert: Alert) -> Answer<()> {
        self.world.yield_alert(plan, alert).await
    }

    async fn load_vitals(&self, plan: &Name) -> Answer<Option<Vitals>> {
        self.world.load_vitals(plan).await
    }

    async fn save_vitals(&self, plan: &Name, vitals: &Vitals) -> Answer<()> {
        self.world.save_vitals(plan, vitals).await
    }

    async fn load_readiness(&self, plan: &Name) -> Answer<Option<LastReadiness>> {
        self.world.load_readiness(plan).await
    }

    async fn save_readiness(&self, plan: &Name, last: &LastReadiness) -> Answer<()> {
        self.world.save_readiness(plan, last).await
    }
}

fn crowded(bench: &Bench, races: usize) -> Conductor {
    let journal = Crowded { world: Arc::clone(&bench.world), lost_left: AtomicUsize::new(races) };
    Conductor { journal: Arc::new(journal), ..bench.conductor.clone() }
}

/// A scale-out that was begun, and is asked what it sees.
async fn begun() -> (Attempt, State) {
    let bench = Bench::moving(plan()).await;
    let mut log = Log::default();
    bench.conductor.refresh(&mut log).await.expect("read");
    let now = bench.clock.now();
    let run = log.state.run.as_ref().expect("a run").id;
    let subjects = vec![bench.conductor.plan.fleets[0].name.clone()];
    let command = StepCommand { plan: bench.conductor.plan.name.clone(), run, step: Step::Scale, subjects };
    let mut attempt = Attempt::new(command, Manner::default(), now + seconds(300));
    todo!("drive to the first look after the intent: {attempt:?}")
}

#[tokio::test(start_paused = true)]
async fn a_record_that_loses_sixty_three_races_is_appended_and_one_that_loses_sixty_four_is_not() {
    for (races, stands) in [(63, true), (64, false)] {
        // The outcome of a step is written behind whatever others write meanwhile.
        let (mut attempt, mut state, at) = begun();
        let done = Sight::Stands { detail: "4 of 4".to_owned() };
        let mut output = attempt.next(Input::Looked(Ok(vec![done])), moment(&state, at));
        for _ in 0..races {
            assert!(matches!(&output, Output::Append(draft) if is_done(draft)), "{output:?}");
            output = attempt.next(Input::Raced, moment(&state, at));
        }
        assert_eq!(matches!(&output, Output::Append(draft) if is_done(draft)), stands, "after {races} races");
        assert_eq!(matches!(&output, Output::Busy(_)), !stands, "after {races} races");
    }
}

/// News of so many alarms of the plan, each of which is a record of its own.
fn news(bench: &Bench) -> Facts {
    let signals = bench.conductor.plan.detection.alarms.iter().map(|arn| {
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
    plan.detection.alarms = (0..count).map(alarm).collect();
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
