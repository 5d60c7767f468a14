//! What a finished run is measured by.

use jiff::Timestamp;

use crate::command::Step;
use crate::journal::{DataLoss, RunReport};
use crate::state::{Progress, Run};
use crate::words::between_ms;

/// Measures a run whose every step is done.
pub(crate) fn measure(run: &Run, now: Timestamp) -> RunReport {
    let committed_at = run.committed_at.unwrap_or(run.opened_at);
    let opened_at = last_done(run, &[Step::Open]).or_else(|| last_done(run, &[Step::Promote, Step::Scale]));
    let opened_at = opened_at.unwrap_or(now);
    let worst = |of: fn(&DataLoss) -> Option<u64>| {
        let all: Option<Vec<u64>> = run.data_loss.iter().map(of).collect();
        all?.into_iter().max()
    };
    let rto_ms = between_ms(run.first_signal_at, opened_at);
    let detect_ms = run.alive_at.map(|alive_at| between_ms(alive_at, run.first_signal_at));
    RunReport {
        first_signal_at: run.first_signal_at,
        committed_at,
        opened_at,
        verified_at: now,
        rto_ms,
        decision_ms: between_ms(run.first_signal_at, committed_at),
        moving_ms: between_ms(committed_at, opened_at),
        promote_ms: longest_ms(run, Step::Promote),
        scale_ms: longest_ms(run, Step::Scale),
        rpo_estimate_ms: worst(|loss| loss.lag_ms),
        loss_at_most_ms: worst(DataLoss::at_most_ms),
        alive_at: run.alive_at,
        detect_ms,
        total_ms: detect_ms.map(|detect_ms| detect_ms + rto_ms),
        data_loss: run.data_loss.clone(),
    }
}

/// When the last of these steps was done.
fn last_done(run: &Run, steps: &[Step]) -> Option<Timestamp> {
    let done = steps.iter().flat_map(|step| run.steps.of(*step)).filter_map(|(_, progress)| match progress {
        Progress::Done { at, .. } => Some(*at),
        _ => None,
    });
    done.max()
}

fn longest_ms(run: &Run, wanted: Step) -> u64 {
    let took = run.steps.of(wanted).filter_map(|(_, progress)| match progress {
        Progress::Done { took_ms, .. } => Some(*took_ms),
        _ => None,
    });
    took.max().unwrap_or(0)
}
