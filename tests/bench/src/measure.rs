//! How long does something take? Repeated measurements of it, and what they amount to.

use std::time::{Duration, Instant};

/// The moment now. Benchmarks measure the machine's time, the rest of the project is told the time.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures the time that passes on this machine")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// How long one thing took, several times.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    /// The shortest first; never empty.
    sorted: Vec<Duration>,
}

impl Samples {
    /// Takes in measurements; nothing if there are none.
    pub(crate) fn of(mut measured: Vec<Duration>) -> Option<Self> {
        measured.sort_unstable();
        (!measured.is_empty()).then_some(Self { sorted: measured })
    }

    /// Runs something once to warm up and then `times` times. What it gives back is dropped within the time.
    pub(crate) fn take<T>(times: usize, mut run: impl FnMut() -> T) -> Option<Self> {
        std::hint::black_box(run());
        let measured = (0..times).map(|_| {
            let started = now();
            std::hint::black_box(run());
            started.elapsed()
        });
        Self::of(measured.collect())
    }

    /// The shortest: what else the machine does meanwhile only adds to a time, so this is nearest to the thing itself.
    pub(crate) fn min(&self) -> Duration {
        self.at(0)
    }

    /// The one in the middle; of two, the longer.
    pub(crate) fn median(&self) -> Duration {
        self.at(self.sorted.len() / 2)
    }

    /// The one that 99 of 100 do not exceed.
    pub(crate) fn p99(&self) -> Duration {
        self.at((self.sorted.len() * 99).div_ceil(100).saturating_sub(1))
    }

    /// The longest.
    pub(crate) fn max(&self) -> Duration {
        self.at(self.sorted.len() - 1)
    }

    fn at(&self, index: usize) -> Duration {
        self.sorted.get(index).copied().unwrap_or(Duration::MAX)
    }
}

/// A duration in milliseconds, for people.
pub(crate) fn ms(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1000.0;
    if ms < 10.0 { format!("{ms:.2} ms") } else { format!("{ms:.1} ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(ms: impl IntoIterator<Item = u64>) -> Samples {
        Samples::of(ms.into_iter().map(Duration::from_millis).collect()).unwrap()
    }

    #[test]
    fn a_hundred_measurements_have_their_middle_their_ninety_ninth_and_their_longest() {
        let samples = samples((1..=100).rev());
        assert_eq!(samples.min(), Duration::from_millis(1));
        assert_eq!(samples.median(), Duration::from_millis(51));
        assert_eq!(samples.p99(), Duration::from_millis(99));
        assert_eq!(samples.max(), Duration::from_millis(100));
    }

    #[test]
    fn one_measurement_is_all_of_them() {
        let samples = samples([7]);
        assert_eq!([samples.median(), samples.p99(), samples.max()], [Duration::from_millis(7); 3]);
    }

    #[test]
    fn no_measurement_amounts_to_nothing() {
        assert!(Samples::of(Vec::new()).is_none());
    }

    #[test]
    fn what_is_measured_runs_once_more_than_it_is_counted() {
        let mut runs = 0;
        let samples = Samples::take(5, || runs += 1).unwrap();
        assert_eq!((runs, samples.sorted.len()), (6, 5));
    }
}
