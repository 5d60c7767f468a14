//! When people are told of what nobody has told them.

use engine::append::Written;
use engine::conductor::Log;
use ports::FailureKind;
use protocol::decide::{Draft, Facts};
use protocol::journal::{AbortCause, Event};
use twin::InjectedFault;

use crate::bench::{Bench, plan, seconds};

/// A bench with one record that nobody was told of: its writer died.
async fn untold() -> Bench {
    let bench = Bench::moving(plan()).await;
    let mut log = Log::default();
    bench.conductor.refresh(&mut log).await.expect("read");
    let (run, cause) = (log.state.run.as_ref().map(|run| run.id), AbortCause::Evidence);
    let aborted = Event::Aborted { cause, quiet: false };
    let draft = Draft { run, event: aborted, sentence: "It is over.".to_owned(), answers: None };
    let written = bench.conductor.try_append(&mut log, draft).await.expect("written");
    assert!(matches!(written, Some(Written::As(_))), "{written:?}");
    bench.world.inner().notices.clear();
    bench
}

async fn look_in(bench: &Bench) -> Vec<String> {
    bench.conductor.advance(&mut Log::default(), Facts::default()).await.expect("nothing to append");
    bench.world.inner().notices.clone()
}

#[tokio::test(start_paused = true)]
async fn what_nobody_was_told_of_is_told_when_it_is_thirty_seconds_old_and_not_before() {
    for (age, told) in [(0, false), (29, false), (30, true)] {
        let bench = untold().await;
        bench.pass(seconds(age)).await;
        let notices = look_in(&bench).await;
        assert_eq!(!notices.is_empty(), told, "{age} s old: {notices:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_told_is_told_once() {
    let bench = untold().await;
    bench.pass(seconds(30)).await;
    look_in(&bench).await;
    bench.pass(seconds(60)).await;
    assert_eq!(look_in(&bench).await, ["It is over."]);
}

#[tokio::test(start_paused = true)]
async fn a_notice_that_failed_is_told_again() {
    let bench = untold().await;
    bench.pass(seconds(30)).await;
    bench.world.fault("notice", InjectedFault::Fails(FailureKind::Unavailable));
    assert_eq!(look_in(&bench).await, Vec::<String>::new());
    assert_eq!(look_in(&bench).await, ["It is over."]);
}
