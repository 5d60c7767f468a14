//! What is proved, all in all? Every configuration, every mutant and every law, side by side on two threads, in one table.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::config::{self, Config};
use crate::count::{COUNTERS, Counter};
use crate::laws::{CASES, Law};
use crate::mutant::{Hunt, hunts};
use crate::property;
use crate::prove::{Outcome, explore, hunt};
use crate::table::{Row, Section, Table, grouped};

/// What must have happened somewhere, or the checks were about nothing.
const MUST_HAPPEN: [Counter; 8] = [
    Counter::Conflict,
    Counter::OwnRecognised,
    Counter::ZombieWoke,
    Counter::ZombieRefused,
    Counter::TakenBack,
    Counter::Completed,
    Counter::Aborted,
    Counter::NeedsOperator,
];

/// How many things are tried at once.
const THREADS: usize = 2;

/// One thing to try.
#[derive(Clone, Debug)]
pub enum Job {
    /// Explore a configuration to its end.
    Explore(Config),
    /// Hunt a mutant.
    Hunt(Hunt),
    /// Try a law.
    Try(Law),
}

/// What came of it.
#[derive(Debug)]
enum Found {
    Explored(Config, Outcome),
    Hunted(Hunt, Result<usize, String>, Duration),
    Tried(Law, Result<u32, String>, Duration),
}

impl Job {
    /// Everything that the model has: the largest configurations first, so that nobody waits for them in the end.
    #[must_use]
    pub fn of_model() -> Vec<Self> {
        let mut configs = config::all();
        configs.sort_by_key(|config| std::cmp::Reverse(config.pinned));
        let configs = configs.into_iter().map(Self::Explore);
        configs.chain(hunts().into_iter().map(Self::Hunt)).collect()
    }

    #[expect(clippy::disallowed_methods, reason = "measures the proof; the model has a clock of its own")]
    fn carry_out(self) -> Found {
        let began = Instant::now();
        match self {
            Self::Explore(config) => {
                let outcome = explore(&config, None);
                Found::Explored(config, outcome)
            }
            Self::Hunt(prey) => {
                let result = hunt(&prey).map(|way| way.len());
                Found::Hunted(prey, result, began.elapsed())
            }
            Self::Try(law) => {
                let result = law.try_cases(CASES);
                Found::Tried(law, result, began.elapsed())
            }
        }
    }
}

impl Found {
    fn row(&self) -> Row {
        match self {
            Self::Explored(config, outcome) => Row {
                name: format!("{}: {}", config.name, config.about),
                size: format!("{} worlds", grouped(outcome.worlds)),
                took: outcome.took,
                verdict: match outcome.complaint(config) {
                    None => Ok(format!("holds, {} actions deep", outcome.depth)),
                    Some(why) => Err(why + &outcome.way()),
                },
            },
            Self::Hunted(prey, result, took) => Row {
                name: format!("{:?}", prey.mutant),
                size: result.as_ref().map_or_else(|_| String::new(), |way| format!("{way} actions")),
                took: *took,
                verdict: result.clone().map(|_| format!("caught by {}", prey.caught_by)),
            },
            Self::Tried(law, result, took) => Row {
                name: format!("{}: {}", law.file, law.name.replace('_', " ")),
                size: match result {
                    Ok(1) => "1 case".to_owned(),
                    Ok(cases) => format!("{} cases", grouped(usize::try_from(*cases).unwrap_or_default())),
                    Err(_) => String::new(),
                },
                took: *took,
                verdict: result.clone().map(|_| "holds".to_owned()),
            },
        }
    }
}

/// Tries everything, says what is done as it is done, and puts it into one table.
#[must_use]
pub fn prove(jobs: Vec<Job>, says: &(dyn Fn(String) + Sync)) -> Table {
    let all = jobs.len();
    let left = Mutex::new(jobs.into_iter().enumerate());
    let found = Mutex::new(Vec::with_capacity(all));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((index, job)) = next else { return };
                    let result = job.carry_out();
                    let row = result.row();
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.push((index, result));
                    says(format!("[{:>3}/{all}] {row}", found.len()));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(index, _)| *index);
    let found: Vec<Found> = found.into_iter().map(|(_, found)| found).collect();
    let rows =
        |is_it: fn(&Found) -> bool| found.iter().filter(|found| is_it(found)).map(Found::row).collect();
    let sections = [
        Section {
            title: "properties of the model: each is asked of every world below, in the same time",
            rows: properties(&found),
        },
        Section {
            title: "configurations: worlds, all of them",
            rows: rows(|found| matches!(found, Found::Explored(..))),
        },
        Section { title: "what the configurations met", rows: what_happened(&found) },
        Section {
            title: "mutants: a guard less, and the shortest way on which that is caught",
            rows: rows(|found| matches!(found, Found::Hunted(..))),
        },
        Section { title: "laws", rows: rows(|found| matches!(found, Found::Tried(..))) },
    ];
    Table { sections: sections.into_iter().filter(|section| !section.rows.is_empty()).collect() }
}

fn explored(found: &[Found]) -> impl Iterator<Item = &Outcome> {
    found.iter().filter_map(|found| match found {
        Found::Explored(_, outcome) => Some(outcome),
        _ => None,
    })
}

/// A row for each property: broken somewhere, or asked of every world; and what it catches.
fn properties(found: &[Found]) -> Vec<Row> {
    let worlds = explored(found).map(|outcome| outcome.worlds).sum();
    let took: Duration = explored(found).map(|outcome| outcome.took).sum();
    if worlds == 0 {
        return Vec::new();
    }
    let row = |name: &&'static str| {
        let broken = explored(found).filter_map(|outcome| outcome.broken.as_ref());
        let broken = broken.filter(|(broken, _)| broken == name).count();
        let catches = found.iter().filter(|found| match found {
            Found::Hunted(prey, result, _) => prey.caught_by == *name && result.is_ok(),
            _ => false,
        });
        let verdict = match (broken, catches.count()) {
            (0, 0) => Err("no mutant shows that it can fail".to_owned()),
            (0, mutants) => Ok(format!("holds, catches {mutants} of the mutants")),
            (broken, _) => Err(format!("broken in {broken} configurations")),
        };
        Row { name: (*name).to_owned(), size: format!("{} worlds", grouped(worlds)), took, verdict }
    };
    property::ALL.iter().map(row).collect()
}

/// A row for each thing that must have happened somewhere.
fn what_happened(found: &[Found]) -> Vec<Row> {
    if explored(found).next().is_none() {
        return Vec::new();
    }
    let row = |(counter, name): &(Counter, &'static str)| {
        let count: u64 = explored(found).map(|outcome| outcome.count(*counter)).sum();
        let is_missed = count == 0 && MUST_HAPPEN.contains(counter);
        Row {
            name: (*name).to_owned(),
            size: format!("{} times", grouped(usize::try_from(count).unwrap_or(usize::MAX))),
            took: Duration::ZERO,
            verdict: if is_missed { Err("never happened".into()) } else { Ok("happened".into()) },
        }
    };
    COUNTERS.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutant::Mutant;

    fn quiet() -> Config {
        config::all().into_iter().find(|config| config.name == "quiet").expect("it is there")
    }

    fn verdict(jobs: Vec<Job>, name: &str) -> Result<String, String> {
        let table = prove(jobs, &|_| {});
        let mut rows = table.sections.into_iter().flat_map(|section| section.rows);
        rows.find(|row| row.name.starts_with(name)).expect("its row").verdict
    }

    #[test]
    fn a_wrong_pinned_number_a_survivor_and_a_property_that_catches_nothing_fail() {
        let pinned = Config { pinned: 1, ..quiet() };
        let why = verdict(vec![Job::Explore(pinned)], "quiet").expect_err("it is not the pinned number");
        assert!(why.contains("1 worlds were pinned"), "{why}");
        let mut prey = hunts().into_iter().find(|hunt| hunt.mutant == Mutant::NoWindow).expect("it is there");
        prey.caught_by = property::S1;
        let why = verdict(vec![Job::Hunt(prey)], "NoWindow").expect_err("it is caught by another");
        assert!(why.contains("not by S1"), "{why}");
        let why = verdict(vec![Job::Explore(quiet())], "S1 ").expect_err("there is no mutant here");
        assert_eq!(why, "no mutant shows that it can fail");
        let why = verdict(vec![Job::Explore(quiet())], "zombies woke").expect_err("there is no fault here");
        assert_eq!(why, "never happened");
    }

    #[test]
    fn a_broken_property_fails_its_configuration_and_itself() {
        let of_mutant = |found: Found| match found {
            Found::Explored(config, _) => {
                let outcome = explore(&config, Some(Mutant::NoWindow));
                Found::Explored(config, outcome)
            }
            found => found,
        };
        let found = of_mutant(Job::Explore(quiet()).carry_out());
        let why = found.row().verdict.expect_err("it is broken");
        assert!(why.contains("S12") && why.lines().count() > 2, "{why}");
        let rows = properties(&[found]);
        let row = rows.iter().find(|row| row.name == property::S12).expect("its row");
        assert_eq!(row.verdict, Err("broken in 1 configurations".to_owned()));
    }
}
