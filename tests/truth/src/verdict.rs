//! Is what a run reported true? Its figures against those of the ledger: never better than what users saw, and not much worse.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

/// The reported recovery time and the measured one differ by no more.
pub const RECOVERY_APART_MAX: SignedDuration = SignedDuration::from_secs(1);

/// An estimate by a heartbeat is no more than one interval and this above the real loss.
pub const ABOVE_HEARTBEAT_MAX: SignedDuration = SignedDuration::from_secs(2);

/// An estimate by CloudWatch's minutes, of a source that writes, is no more than this above the real loss.
pub const ABOVE_CLOUDWATCH_MAX: SignedDuration = SignedDuration::from_secs(120);

/// What a run says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported {
    /// When it saw the first sign of the loss.
    pub first_sign_at: Timestamp,
    /// From the first sign until it serves.
    pub recovery: SignedDuration,
    /// The most that it says is lost; nothing: it says that it doesn't know.
    pub loss: Option<SignedDuration>,
    /// The part of it up to the last sign of life: what it estimates by what it saw. The rest is the time in which nobody looked.
    pub estimate: Option<SignedDuration>,
}

/// What was measured from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// When the first order was acknowledged by the side that serves now.
    pub served_at: Timestamp,
    /// What is really lost ([`crate::ledger::Audit::loss`]).
    pub loss: SignedDuration,
}

/// What the estimate of the loss comes from: it bounds how far above the truth it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimate {
    /// The last heartbeat of a witness that was replayed, one in so long.
    Heartbeat(SignedDuration),
    /// CloudWatch's samples, of a source that writes all the time.
    CloudWatch,
    /// CloudWatch's samples, of a source that may be idle: its lag grows although nothing is missing, without a bound here.
    CloudWatchOfIdle,
}

impl Estimate {
    /// What of the run's figures is bounded: by a witness the estimate, for the most that is lost is as good as the first sign of the
    /// loss; by CloudWatch the most.
    fn bounded(self, reported: Reported) -> Option<SignedDuration> {
        match self {
            Self::Heartbeat(_) => reported.estimate,
            Self::CloudWatch | Self::CloudWatchOfIdle => reported.loss,
        }
    }

    /// How far above the real loss it may be.
    fn above_max(self) -> Option<SignedDuration> {
        match self {
            Self::Heartbeat(every) => Some(every.saturating_add(ABOVE_HEARTBEAT_MAX)),
            Self::CloudWatch => Some(ABOVE_CLOUDWATCH_MAX),
            Self::CloudWatchOfIdle => None,
        }
    }
}

/// A figure that is not true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untrue {
    /// The recovery time is another than users saw.
    Recovery {
        /// As the run says.
        reported: SignedDuration,
        /// As users saw it, from the same first sign.
        measured: SignedDuration,
    },
    /// Less is said to be lost than is lost.
    LossTooSmall {
        /// As the run says.
        reported: SignedDuration,
        /// As the rows say.
        measured: SignedDuration,
    },
    /// Far more is said to be lost than is lost.
    LossTooLarge {
        /// As the run says.
        reported: SignedDuration,
        /// As the rows say.
        measured: SignedDuration,
        /// The most that it may be.
        max: SignedDuration,
    },
    /// It says that it doesn't know, and could have known.
    LossUnknown,
    /// It says that it knows, and couldn't.
    LossKnown {
        /// As the run says.
        reported: SignedDuration,
    },
}

impl fmt::Display for Untrue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = |duration: &SignedDuration| format!("{:.3} s", duration.as_secs_f64());
        match self {
            Self::Recovery { reported, measured } => {
                write!(
                    f,
                    "The run reports a recovery time of {}, and users saw {}.",
                    s(reported),
                    s(measured)
                )
            }
            Self::LossTooSmall { reported, measured } => {
                write!(f, "The run reports a loss of {}, and {} are lost.", s(reported), s(measured))
            }
            Self::LossTooLarge { reported, measured, max } => {
                let (reported, measured, max) = (s(reported), s(measured), s(max));
                write!(
                    f,
                    "The run reports a loss of {reported}; {measured} are lost, so it may say {max} at most."
                )
            }
            Self::LossUnknown => {
                f.write_str("The run says that it doesn't know the loss, and nothing kept it from knowing.")
            }
            Self::LossKnown { reported } => {
                write!(f, "The run reports a loss of {}, which it can't know.", s(reported))
            }
        }
    }
}

/// What is not true. `can_know`: whether something could be asked for the loss before the region was lost.
pub fn of(reported: Reported, measured: Measured, estimate: Estimate, can_know: bool) -> Vec<Untrue> {
    let mut untrue = Vec::new();
    let recovery = measured.served_at.duration_since(reported.first_sign_at);
    if (recovery - reported.recovery).abs() > RECOVERY_APART_MAX {
        untrue.push(Untrue::Recovery { reported: reported.recovery, measured: recovery });
    }
    match (reported.loss, can_know) {
        (None, true) => untrue.push(Untrue::LossUnknown),
        (None, false) => {}
        (Some(loss), false) => untrue.push(Untrue::LossKnown { reported: loss }),
        (Some(loss), true) => untrue.extend(of_loss(loss, reported, measured.loss, estimate)),
    }
    untrue
}

fn of_loss(
    at_most: SignedDuration,
    reported: Reported,
    measured: SignedDuration,
    estimate: Estimate,
) -> Option<Untrue> {
    if at_most < measured {
        return Some(Untrue::LossTooSmall { reported: at_most, measured });
    }
    let (reported, above) = (estimate.bounded(reported)?, estimate.above_max()?);
    let max = measured.saturating_add(above);
    (reported > max).then_some(Untrue::LossTooLarge { reported, measured, max })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: i64) -> SignedDuration {
        SignedDuration::from_millis(millis)
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH.checked_add(ms(millis)).unwrap()
    }

    /// First sign at 10 s, served again at 50 s, 800 ms of writes lost.
    const MEASURED_LOSS: i64 = 800;

    fn measured() -> Measured {
        Measured { served_at: at(50_000), loss: ms(MEASURED_LOSS) }
    }

    fn reported(recovery: i64, loss: Option<i64>) -> Reported {
        let loss = loss.map(ms);
        Reported { first_sign_at: at(10_000), recovery: ms(recovery), loss, estimate: loss }
    }

    fn judged(reported: Reported, estimate: Estimate) -> Vec<Untrue> {
        of(reported, measured(), estimate, true)
    }

    const BEAT: Estimate = Estimate::Heartbeat(SignedDuration::from_secs(5));

    #[test]
    fn figures_that_agree_are_true() {
        assert_eq!(judged(reported(40_000, Some(MEASURED_LOSS)), BEAT), []);
    }

    #[test]
    fn a_recovery_time_may_be_a_second_apart_and_no_more() {
        for recovery in [39_000, 41_000] {
            assert_eq!(judged(reported(recovery, Some(MEASURED_LOSS)), BEAT), [], "{recovery}");
        }
        for recovery in [38_999, 41_001] {
            let untrue = Untrue::Recovery { reported: ms(recovery), measured: ms(40_000) };
            assert_eq!(judged(reported(recovery, Some(MEASURED_LOSS)), BEAT), [untrue], "{recovery}");
        }
    }

    #[test]
    fn a_loss_is_never_smaller_than_the_real_one() {
        for estimate in [BEAT, Estimate::CloudWatch, Estimate::CloudWatchOfIdle] {
            let untrue = Untrue::LossTooSmall { reported: ms(799), measured: ms(800) };
            assert_eq!(judged(reported(40_000, Some(799)), estimate), [untrue]);
        }
    }

    #[test]
    fn a_loss_is_above_the_real_one_by_what_its_source_allows_and_no_more() {
        for (estimate, above) in [(BEAT, 7_000), (Estimate::CloudWatch, 120_000)] {
            let max = MEASURED_LOSS + above;
            assert_eq!(judged(reported(40_000, Some(max)), estimate), [], "{estimate:?}");
            let untrue = Untrue::LossTooLarge { reported: ms(max + 1), measured: ms(800), max: ms(max) };
            assert_eq!(judged(reported(40_000, Some(max + 1)), estimate), [untrue]);
        }
        assert_eq!(judged(reported(40_000, Some(300_000)), Estimate::CloudWatchOfIdle), []);
    }

    #[test]
    fn what_nobody_looked_at_is_no_part_of_a_witnesss_estimate() {
        // The first sign came half a minute after the loss: so much more may be lost, and it is said.
        let late = Reported { loss: Some(ms(35_000)), ..reported(40_000, Some(5_000)) };
        assert_eq!(judged(late, BEAT), []);
        let too_small = Reported { loss: Some(ms(799)), ..late };
        let untrue = Untrue::LossTooSmall { reported: ms(799), measured: ms(800) };
        assert_eq!(judged(too_small, BEAT), [untrue], "however good the estimate is");
        assert_eq!(judged(Reported { loss: Some(ms(120_801)), ..late }, Estimate::CloudWatch).len(), 1);
    }

    #[test]
    fn unknown_is_true_only_where_nobody_could_know() {
        assert_eq!(judged(reported(40_000, None), BEAT), [Untrue::LossUnknown]);
        assert_eq!(of(reported(40_000, None), measured(), BEAT, false), []);
        let untrue = Untrue::LossKnown { reported: ms(900) };
        assert_eq!(of(reported(40_000, Some(900)), measured(), BEAT, false), [untrue]);
    }

    #[test]
    fn everything_that_is_untrue_is_said_with_both_figures() {
        let said: Vec<_> =
            judged(reported(30_000, Some(9_000)), BEAT).iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "The run reports a recovery time of 30.000 s, and users saw 40.000 s.",
                "The run reports a loss of 9.000 s; 0.800 s are lost, so it may say 7.800 s at most.",
            ]
        );
    }
}
