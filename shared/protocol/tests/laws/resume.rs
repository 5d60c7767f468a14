//! Where does any journal lead, if it is cut off anywhere? With a cloud in which nothing goes wrong any more, a primary that
//! stays lost, and people who answer: always to the same end.

use jiff::SignedDuration;
use proptest::prelude::*;
use protocol::command::Step;
use protocol::decide::{Facts, decide};
use protocol::operator::{OperatorCommand, Overrides};
use protocol::state::Phase;
use protocol::state::holdings::Ownership;

use super::history::{History, happenings, modes};

/// What nobody has done by then, nobody will do: some hours, and every wait of the plan.
const ROUNDS_MAX: usize = 1_500;

/// Long enough for every lease to be over.
const DEAD: SignedDuration = SignedDuration::from_secs(80);

/// What people say when they are asked, or when something stands in the way.
fn word(history: &History) -> Option<OperatorCommand> {
    let by = || "ana".to_owned();
    let state = &history.state;
    if state.hold_at(history.now).is_some() {
        return Some(OperatorCommand::Release { by: by() });
    }
    let run = state.run.as_ref()?;
    let overrides = Overrides { allow_data_loss: true, override_fence: false, override_vetoes: true };
    match run.phase {
        Phase::AwaitingApproval { .. } | Phase::NeedsOperator { .. } => {
            Some(OperatorCommand::Approve { by: by(), run: run.id, overrides })
        }
        Phase::Aborted { .. } if state.acknowledged != Some(run.id) => {
            Some(OperatorCommand::Acknowledge { by: by(), run: run.id })
        }
        _ => None,
    }
}

/// One round: a look, people, and every worker that is asked for does what it should.
fn round(history: &mut History) {
    let pass = |history: &mut History, seconds: i64| {
        history.now = history.now.checked_add(SignedDuration::from_secs(seconds)).expect("a time");
    };
    pass(history, 10);
    let look = |history: &History| Some(history.look(Some(false), Some(false), Some(100)));
    let observation = look(history);
    history.settle(Facts { observation, ..Facts::default() });
    if let Some(operator) = word(history) {
        let observation = look(history);
        history.settle(Facts { operator: Some(operator), observation, ..Facts::default() });
    }
    let observation = look(history);
    let facts = Facts { observation, ..Facts::default() };
    let asked = decide(&history.plan, &history.state, &facts, history.now).commands;
    for command in asked.iter().filter(|command| command.step != Step::Confirm) {
        history.take_command(command);
        pass(history, 1);
        history.finish(command.step);
    }
}

/// Goes on until everything has moved; says after how many rounds.
fn go_on(mut history: History) -> (usize, History) {
    history.now = history.now.checked_add(DEAD).expect("a time");
    let all = history.plan.databases.len() + history.plan.fleets.len() + history.plan.routes.len();
    for rounds in 0..ROUNDS_MAX {
        let is_over = history.state.run.as_ref().is_none_or(|run| run.phase.is_final());
        if is_over
            && history.state.holdings.iter().filter(|(_, held)| held.ownership == Ownership::Active).count()
                == all
        {
            return (rounds, history);
        }
        round(&mut history);
    }
    (ROUNDS_MAX, history)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_prefix_of_any_journal_and_a_cloud_without_faults_lead_to_the_same_end(
        mode in modes(),
        happenings in prop::collection::vec(happenings(), 1..80),
        cut in any::<prop::sample::Index>(),
    ) {
        let lived = History::lived(mode, happenings);
        for end in [cut.index(lived.records.len() + 1), lived.records.len()] {
            let (rounds, ended) = go_on(lived.cut(end));
            let run = ended.state.run.as_ref();
            prop_assert!(
                rounds < ROUNDS_MAX,
                "cut after {end} records it does not end: {run:#?}\n{:#?}",
                ended.records.iter().rev().take(12).map(|record| &record.sentence).collect::<Vec<_>>()
            );
            let run = run.expect("something was moved by a run");
            let is_completed = matches!(run.phase, Phase::Completed { .. });
            prop_assert!(is_completed, "{:?}", run.phase);
            let databases = &ended.plan.databases;
            let is_done = |name| run.is_done(Step::Promote, name);
            let in_scope = databases.iter().filter(|item| run.scope.databases.contains(&item.name));
            prop_assert!(in_scope.into_iter().all(|item| is_done(&item.name)));
            prop_assert!(databases.iter().all(|item| ended.state.cleanup(Step::Quarantine, &item.name).is_some()));
        }
    }
}
