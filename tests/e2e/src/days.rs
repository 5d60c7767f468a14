//! Weeks of the snapshots' schedule in a minute: taken, copied, pruned in both regions; cut short wherever that can
//! happen; and failing for days.
//!
//! The virtual clock is that of the launcher: the snapshots grow older, which nobody can tell from days that have passed.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gateway::{Effect, Match, Rule};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lab::cloud::Answer;
use lab::say;
use lab::world::{PRIMARY, RECOVERY, pause};
use serde_json::{Value, json};

use crate::keepers::{due, not_due};
use crate::scene::{Part, Scene};
use crate::snapshots::{Shelf, Shown};

/// The stack whose days these are.
const PART: Part = Part::Approval;
const FUNCTION: &str = "snapshot-scheduler";

/// How long a day may take.
const DAY_LIMIT: Duration = Duration::from_mins(1);
const EVERY: Duration = Duration::from_millis(300);

/// How long a call hangs, so that the function can be killed meanwhile; it lands nevertheless.
const HANGS: Duration = Duration::from_millis(1_500);

/// Most attempts at one snapshot.
const ATTEMPTS: usize = 5;

/// What the example's plan keeps.
const DAILY: usize = 7;
const WEEKLY: usize = 4;
const MONTHLY: usize = 6;

/// Both regions, and how often each call was wanted so far.
pub(crate) struct Days<'s, 'w> {
    scene: &'s Scene<'w>,
    primary: Shelf,
    recovery: Shelf,
    taken: u64,
    copied: u64,
}

/// All of it.
pub(crate) async fn go_by(scene: &Scene<'_>) -> Result<()> {
    let database = scene.stack(PART).output(&["databases", "primary"])?;
    let mut days = Days {
        scene,
        primary: Shelf::of(scene, PRIMARY, database).await,
        recovery: Shelf::of(scene, RECOVERY, database).await,
        taken: 0,
        copied: 0,
    };
    days.first().await?;
    days.cut_short_everywhere().await?;
    days.pruned().await?;
    days.nothing_but_failures().await?;
    days.healed().await?;
    days.must_have_cost_no_call_too_many().await?;
    days.leave_something_to_prune().await
}

impl Days<'_, '_> {
    /// The first day: all by the schedule.
    async fn first(&mut self) -> Result<()> {
        due(self.scene, "snapshots").await?;
        let taken = self.primary.until_one_is_available(DAY_LIMIT).await?;
        due(self.scene, "snapshots").await?;
        let copy = self.recovery.until_one_is_available(DAY_LIMIT).await?;
        ensure!(copy.source.as_deref() == Some(taken.arn.as_str()), "{copy:?} is no copy of {taken:?}");
        ensure!(copy.id == taken.id && copy.taken_at == taken.taken_at, "{copy:?} is not as {taken:?}");
        let key = copy.kms_key.unwrap_or_default();
        ensure!(key.contains(RECOVERY), "the copy lies under {key}");
        (self.taken, self.copied) = (1, 1);
        Ok(())
    }

    /// A day each for every place where the function can be killed, and for each thing that can fail. Nothing is deleted
    /// meanwhile, so that there is more than one to be pruned.
    async fn cut_short_everywhere(&mut self) -> Result<()> {
        self.hold().await?;
        for day in 1..=9 {
            self.next_day().await?;
            match day {
                1 => self.killed_at("rds", "DescribeDBSnapshots").await?,
                2 => self.killed_at("rds", "CreateDBSnapshot").await?,
                3 => {
                    self.taken_and_not_copied().await?;
                    self.killed_at("rds", "CopyDBSnapshot").await?;
                }
                4 => {
                    self.taken_and_not_copied().await?;
                    self.scene.keep(PART).await?;
                    self.fail_copy().await?;
                    self.copied += 1;
                }
                5 => self.killed_at("monitoring", "PutMetricData").await?,
                6 => {
                    self.snapshots("failing").await?;
                    self.fails().await?;
                    self.snapshots("working").await?;
                }
                _ => {}
            }
            self.done().await?;
        }
        let kept = self.scene.keep(PART).await?;
        let waits = texts(&kept, "waits");
        ensure!(waits.iter().any(|text| text.contains("a hold by e2e is in force")), "{}", kept.payload);
        self.scene.bring_on(PART).await
    }

    /// What no tier keeps goes, in both regions, also when the function is killed while it deletes.
    async fn pruned(&mut self) -> Result<()> {
        let before = self.count().await?;
        self.killed_at("rds", "DeleteDBSnapshot").await?;
        self.done_again().await?;
        let after = self.count().await?;
        ensure!(after < before, "nothing was pruned of {before} snapshots");
        self.must_be_what_the_tiers_keep().await
    }

    /// For days every snapshot fails, as often as it is tried. The newest good one stays, in both regions, and so does
    /// every other.
    async fn nothing_but_failures(&mut self) -> Result<()> {
        let good = (ids(&self.primary.good().await?), ids(&self.recovery.good().await?));
        self.snapshots("failing").await?;
        for day in 1..=3 {
            self.next_day().await?;
            for _ in 0..ATTEMPTS {
                self.fails().await?;
            }
            let given_up = self.scene.keep(PART).await?;
            let message = given_up.payload.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
            let words = format!("failed {ATTEMPTS} times, and is not tried again");
            ensure!(given_up.is_error && message.contains(&words), "{}", given_up.payload);
            for (shelf, before) in [(&self.primary, &good.0), (&self.recovery, &good.1)] {
                let now = ids(&shelf.good().await?);
                ensure!(now.len() == before.len(), "after {day} bad days {before:?} have become {now:?}");
            }
        }
        say("three days of failures deleted nothing");
        self.snapshots("working").await
    }

    /// It works again: taken, copied, pruned; what failed goes too.
    async fn healed(&mut self) -> Result<()> {
        self.next_day().await?;
        let mut left = DAY_LIMIT;
        while self.count_failed().await? > 0 {
            left = left.checked_sub(EVERY).context("the failed ones are still there")?;
            self.scene.keep(PART).await?;
            pause(EVERY).await;
        }
        self.done().await?;
        self.must_be_what_the_tiers_keep().await
    }

    /// Three more days on which nothing is deleted: at most one is kept for its week and one for its month, so at least
    /// one is to go.
    async fn leave_something_to_prune(&mut self) -> Result<()> {
        self.hold().await?;
        for _ in 0..3 {
            self.next_day().await?;
            self.done().await?;
        }
        // And one is due.
        self.next_day().await?;
        not_due(self.scene, "snapshots").await?;
        self.scene.bring_on(PART).await
    }

    /// Under a hold snapshots are taken and copied, and none is deleted.
    async fn hold(&self) -> Result<()> {
        let hold = json!({ "command": "hold", "minutes": 30, "by": "e2e", "reason": "nothing is deleted" });
        self.scene.operate(PART, &hold).await?;
        Ok(())
    }

    async fn next_day(&self) -> Result<()> {
        let instance = self.scene.stack(PART).output(&["databases", "primary"])?;
        let older = json!({ "older_by_seconds": 86_400, "instance": instance });
        self.scene.world.disturb("snapshots", &older).await?;
        Ok(())
    }

    /// Invokes until the day's snapshot stands in both regions and nothing more is done.
    async fn done(&mut self) -> Result<()> {
        self.done_again().await?;
        (self.taken, self.copied) = (self.taken + 1, self.copied + 1);
        Ok(())
    }

    /// The same on a day that was done already.
    async fn done_again(&mut self) -> Result<()> {
        let mut left = DAY_LIMIT;
        loop {
            let kept = self.scene.keep(PART).await?;
            ensure!(!kept.is_error, "{}", kept.payload);
            let is_quiet = texts(&kept, "done").is_empty() && texts(&kept, "put_off").is_empty();
            if is_quiet && is_fresh(&kept) {
                return Ok(());
            }
            left =
                left.checked_sub(EVERY).with_context(|| format!("the day does not end: {}", kept.payload))?;
            pause(EVERY).await;
        }
    }

    /// A snapshot that is good in the region where the database serves, and that the other one does not have yet.
    async fn taken_and_not_copied(&self) -> Result<()> {
        self.scene.keep(PART).await?;
        self.until_none_is("creating").await
    }

    async fn until_none_is(&self, status: &str) -> Result<()> {
        let mut left = DAY_LIMIT;
        while self.primary.look().await?.iter().any(|found| found.status == status) {
            left = left.checked_sub(EVERY).with_context(|| format!("one is {status} for too long"))?;
            pause(EVERY).await;
        }
        Ok(())
    }

    /// Kills the function while a call of it is on its way.
    async fn killed_at(&self, service: &str, action: &str) -> Result<()> {
        let switchboard = self.scene.world.switchboard();
        let caller = self.scene.function(PART, FUNCTION).await?.access_key;
        let call = Match::service(service).action(action).principal(&caller);
        let hangs = Effect::DelayMs(u64::try_from(HANGS.as_millis())?);
        let rule = switchboard.add_rule(Rule::new(call, hangs).times(1))?;
        let killing = async {
            let mut left = DAY_LIMIT;
            let fired = || switchboard.rules().iter().any(|found| found.id == rule && found.fired > 0);
            while !fired() {
                let step = Duration::from_millis(20);
                left = left.checked_sub(step).with_context(|| format!("{action} was not called"))?;
                pause(step).await;
            }
            self.scene.kill(PART, FUNCTION).await
        };
        let (answer, killed) = futures::join!(self.scene.keep(PART), killing);
        killed?;
        let has_answered = answer.as_ref().is_ok_and(|answer| !answer.is_error);
        ensure!(!has_answered, "it was killed at {action}, and answered nevertheless: {answer:?}");
        switchboard.remove_rule(rule);
        // What was on its way lands.
        pause(HANGS).await;
        Ok(())
    }

    /// Whether snapshots of the database come to be.
    async fn snapshots(&self, how: &str) -> Result<()> {
        let instance = self.scene.stack(PART).output(&["databases", "primary"])?;
        let path = format!("databases/{PRIMARY}/{instance}");
        self.scene.world.disturb(&path, &json!({ "snapshots": how })).await?;
        Ok(())
    }

    /// One attempt, which fails.
    async fn fails(&mut self) -> Result<()> {
        let kept = self.scene.keep(PART).await?;
        let has_begun = texts(&kept, "done").iter().any(|text| text.starts_with("Take snapshot"));
        ensure!(has_begun, "no attempt was made: {}", kept.payload);
        self.taken += 1;
        self.until_none_is("creating").await
    }

    /// Has the copy that is under way fail.
    async fn fail_copy(&self) -> Result<()> {
        let shown = self.recovery.look().await?;
        let found =
            shown.iter().find(|found| found.status == "copying").context("nothing is being copied")?;
        let path = format!("snapshots/{RECOVERY}/{}", found.id);
        self.scene.world.disturb(&path, &json!({ "status": "failed" })).await?;
        Ok(())
    }

    async fn count(&self) -> Result<u64> {
        Ok((self.primary.look().await?.len() + self.recovery.look().await?.len()) as u64)
    }

    async fn count_failed(&self) -> Result<usize> {
        let all = [self.primary.look().await?, self.recovery.look().await?].concat();
        Ok(all.iter().filter(|found| found.status == "failed").count())
    }

    /// Of every day since the first at most one, and of those what the tiers keep, in both regions.
    async fn must_be_what_the_tiers_keep(&self) -> Result<()> {
        for shelf in [&self.primary, &self.recovery] {
            let good = shelf.good().await?;
            let dates: Vec<Date> = good.iter().filter_map(date).collect();
            ensure!(dates.len() == good.len(), "one has no time: {good:?}");
            let days: BTreeSet<Date> = dates.iter().copied().collect();
            ensure!(days.len() == good.len(), "more than one of a day: {dates:?}");
            let daily = dates.iter().take(DAILY);
            let weekly = firsts(&dates, WEEKLY, |date| {
                (date.iso_week_date().year(), i16::from(date.iso_week_date().week()))
            });
            let monthly = firsts(&dates, MONTHLY, |date| (date.year(), i16::from(date.month())));
            let wanted: BTreeSet<Date> = daily.copied().chain(weekly).chain(monthly).collect();
            ensure!(days == wanted, "there are {days:?}, and the tiers keep {wanted:?}");
        }
        Ok(())
    }

    /// Every call was wanted: however often the function was cut short, nothing was done twice.
    async fn must_have_cost_no_call_too_many(&self) -> Result<()> {
        let calls = self.scene.calls(PART, FUNCTION).await?;
        for (action, wanted) in [
            ("CreateDBSnapshot", self.taken),
            ("CopyDBSnapshot", self.copied),
            // Whatever was made and is no longer there was deleted once.
            ("DeleteDBSnapshot", self.taken + self.copied - self.count().await?),
        ] {
            let made = calls.get(action).copied().unwrap_or_default();
            ensure!(made == wanted, "{action} was called {made} times, and {wanted} were wanted");
        }
        Ok(())
    }
}

/// The newest of each of the last so many periods that have one.
fn firsts(dates: &[Date], most: usize, period: fn(Date) -> (i16, i16)) -> Vec<Date> {
    let mut seen = BTreeSet::new();
    dates.iter().copied().filter(|date| seen.insert(period(*date))).take(most).collect()
}

fn date(shown: &Shown) -> Option<Date> {
    Some(shown.taken_at?.to_zoned(TimeZone::UTC).date())
}

fn ids(shown: &[Shown]) -> BTreeSet<String> {
    shown.iter().map(|found| found.id.clone()).collect()
}

fn texts(answer: &Answer, field: &str) -> Vec<String> {
    let texts = answer.payload.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
    texts.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether both regions have a good one from today.
fn is_fresh(answer: &Answer) -> bool {
    let ages = answer.payload.get("age_seconds").and_then(Value::as_array).cloned().unwrap_or_default();
    let fresh =
        ages.iter().filter_map(|age| age.get("seconds")?.as_i64()).filter(|seconds| *seconds < 43_200);
    fresh.count() == 2
}
