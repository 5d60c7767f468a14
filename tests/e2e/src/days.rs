//! Weeks of the snapshots' schedule in a minute: taken, copied, pruned in both regions; cut short wherever that can
//! happen; and failing for days.
//!
//! The virtual clock is that of the launcher: the snapshots grow older. To whoever looks, their days are days that have
//! passed, but on the turn of a week or a month the real calendar stands still while they move over it. So what the tiers
//! keep is computed anew of the dates of the moment, and no check asks what was kept a day ago to be kept now.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gateway::{CountFilter, Effect, Match, Rule};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lab::cloud::Answer;
use lab::say;
use lab::world::{PRIMARY, RECOVERY, pause};
use serde_json::{Value, json};

use crate::scene::{HOLD_MINUTES, Part, Scene};
use crate::scheduled_jobs::{due, not_due};
use crate::snapshots::{Shelf, Shown};

/// The stack whose days these are.
const PART: Part = Part::Approval;
const FUNCTION: &str = "snapshot-scheduler";

/// How long a part of a day may take: long enough for any machine, and an end for what would never come.
const DAY_LIMIT: Duration = Duration::from_mins(10);
const EVERY: Duration = Duration::from_millis(300);

/// How long a call hangs at most, so that the function can be killed meanwhile: as long as the gateway lets it.
const HANGS_MOST: Duration = Duration::from_mins(10);

/// Most attempts at one snapshot.
const ATTEMPTS: usize = 5;

/// For how many days every snapshot fails.
const BAD_DAYS: usize = 3;

/// Within so many days of snapshots there is one that no tier keeps, whatever their dates are.
const SURPLUS_WITHIN_DAYS: usize = DAILY + 5;

/// What the stack's plan keeps.
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

/// All of it. However it ends, nothing of it is left to disturb what comes after.
pub(crate) async fn go_by(scene: &Scene<'_>) -> Result<()> {
    let mut days = Days::of(scene).await?;
    let played = days.play().await;
    let ended = days.end().await;
    played.and(ended)
}

/// The schedule of the plan: half a day from now, so that its time does not come while this is played, whenever that is.
pub(crate) fn schedule(now: Timestamp) -> String {
    let hour = now.to_zoned(TimeZone::UTC).hour();
    format!("cron(0 {} * * ? *)", (hour + 12) % 24)
}

/// Days on which nothing is deleted, until each region has good ones that no tier keeps; then one more, whose snapshot is
/// due and not taken.
pub(crate) async fn leave_something_to_prune(scene: &Scene<'_>) -> Result<()> {
    let mut days = Days::of(scene).await?;
    days.hold().await?;
    days.next_day().await?;
    days.done().await?;
    for _ in 0..SURPLUS_WITHIN_DAYS {
        days.next_day().await?;
        let [primary, recovery] = days.dates().await?;
        if has_surplus(&primary) && has_surplus(&recovery) {
            not_due(scene, "snapshots").await?;
            return scene.bring_on(PART).await;
        }
        days.done().await?;
    }
    bail!("the tiers keep all of {:?}", days.dates().await?)
}

impl<'s, 'w> Days<'s, 'w> {
    async fn of(scene: &'s Scene<'w>) -> Result<Self> {
        let database = scene.stack(PART).output(&["databases", "primary"])?;
        let primary = Shelf::of(scene, PRIMARY, database).await;
        let recovery = Shelf::of(scene, RECOVERY, database).await;
        Ok(Self { scene, primary, recovery, taken: 0, copied: 0 })
    }
}

impl Days<'_, '_> {
    async fn play(&mut self) -> Result<()> {
        self.first().await?;
        self.cut_short_everywhere().await?;
        self.nothing_but_failures().await?;
        self.healed().await?;
        self.must_have_cost_no_call_too_many().await
    }

    /// Snapshots come to be again, and no hold is in force, whatever went wrong.
    async fn end(&self) -> Result<()> {
        let (working, released) = futures::join!(self.snapshots("working"), self.scene.release_if_held(PART));
        working.and(released)
    }

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
        must_wait(&kept, "a hold by e2e is in force")
    }

    /// For days every snapshot fails, as often as it is tried. Every good one stays, in both regions: also those that no
    /// tier keeps, of which the hold has left some.
    async fn nothing_but_failures(&mut self) -> Result<()> {
        self.snapshots("failing").await?;
        for day in 1..=BAD_DAYS {
            self.next_day().await?;
            let before = self.dates().await?;
            ensure!(before.iter().all(|dates| has_surplus(dates)), "the tiers keep all of {before:?}");
            for attempt in 0..ATTEMPTS {
                self.fails().await?;
                if (day, attempt) == (1, 0) {
                    // From here on the failure alone keeps them.
                    self.scene.bring_on(PART).await?;
                }
            }
            let given_up = self.scene.keep(PART).await?;
            let message = given_up.payload.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
            let words = format!("failed {ATTEMPTS} times. Pilotlight does not retry");
            ensure!(given_up.is_error && message.contains(&words), "{}", given_up.payload);
            let now = self.dates().await?;
            ensure!(now == before, "after {day} bad days {before:?} have become {now:?}");
        }
        say(&format!("{BAD_DAYS} days of failures deleted nothing"));
        self.snapshots("working").await
    }

    /// It works again: taken, copied, pruned. What no tier keeps goes, in both regions, also when the function is killed
    /// while it deletes, and so does what failed.
    async fn healed(&mut self) -> Result<()> {
        self.hold().await?;
        self.next_day().await?;
        self.done().await?;
        let before = self.dates().await?;
        self.scene.bring_on(PART).await?;
        self.killed_at("rds", "DeleteDBSnapshot").await?;
        self.done_again().await?;
        let failed = self.count_failed().await?;
        ensure!(failed == 0, "{failed} failed ones are still there");
        for (before, after) in before.iter().zip(self.dates().await?) {
            let wanted = tiers_keep(before);
            ensure!(after.len() < before.len(), "nothing was pruned of {before:?}");
            ensure!(after == wanted, "of {before:?} there are {after:?}, and the tiers keep {wanted:?}");
        }
        Ok(())
    }

    /// Under a hold snapshots are taken and copied, and none is deleted.
    async fn hold(&self) -> Result<()> {
        let hold = json!({ "command": "hold", "minutes": HOLD_MINUTES, "by": "e2e", "reason": "nothing is deleted" });
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

    /// Kills the function while a call of it is on its way, and lets the call land then.
    async fn killed_at(&self, service: &str, action: &str) -> Result<()> {
        let switchboard = self.scene.world.switchboard();
        let caller = self.scene.function(PART, FUNCTION).await?.access_key;
        let call = Match::service(service).action(action).principal(&caller);
        let hangs = Effect::DelayMs(u64::try_from(HANGS_MOST.as_millis())?);
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
        let landed = || switchboard.counts(&of(&caller, action)).total.forwarded;
        let before = landed();
        switchboard.remove_rule(rule);
        killed?;
        let has_answered = answer.as_ref().is_ok_and(|answer| !answer.is_error);
        ensure!(!has_answered, "it was killed at {action}, and answered nevertheless: {answer:?}");
        let mut left = DAY_LIMIT;
        while landed() == before {
            left = left.checked_sub(EVERY).with_context(|| format!("{action} did not land"))?;
            pause(EVERY).await;
        }
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

    /// For which days each region has a good one, newest first; of each day at most one.
    async fn dates(&self) -> Result<[Vec<Date>; 2]> {
        let (primary, recovery) = futures::try_join!(dates(&self.primary), dates(&self.recovery))?;
        Ok([primary, recovery])
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

async fn dates(shelf: &Shelf) -> Result<Vec<Date>> {
    let good = shelf.good().await?;
    let dates: Vec<Date> = good.iter().filter_map(Shown::day).collect();
    ensure!(dates.len() == good.len(), "one names no day: {good:?}");
    ensure!(dates.is_sorted_by(|newer, older| newer > older), "more than one of a day: {dates:?}");
    Ok(dates)
}

/// Of these days, newest first, those that the plan's tiers keep.
fn tiers_keep(dates: &[Date]) -> Vec<Date> {
    let weekly = firsts(dates, WEEKLY, |date| {
        let week = date.iso_week_date();
        (week.year(), week.week())
    });
    let monthly = firsts(dates, MONTHLY, |date| (date.year(), date.month()));
    let daily = dates.iter().copied().take(DAILY);
    let kept: BTreeSet<Date> = daily.chain(weekly).chain(monthly).collect();
    kept.into_iter().rev().collect()
}

fn has_surplus(dates: &[Date]) -> bool {
    tiers_keep(dates).len() < dates.len()
}

/// The newest of each of the last so many periods that have one.
fn firsts(dates: &[Date], most: usize, period: fn(Date) -> (i16, i8)) -> Vec<Date> {
    let mut seen = BTreeSet::new();
    dates.iter().copied().filter(|date| seen.insert(period(*date))).take(most).collect()
}

fn must_wait(answer: &Answer, words: &str) -> Result<()> {
    let is_said = texts(answer, "waits").iter().any(|text| text.contains(words));
    ensure!(!answer.is_error && is_said, "{words:?} is missing in {}", answer.payload);
    Ok(())
}

/// What a caller has called.
fn of(caller: &str, action: &str) -> CountFilter {
    let (principal, action) = (Some(caller.to_owned()), Some(action.to_owned()));
    CountFilter { principal, action, ..CountFilter::default() }
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

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;

    use super::*;

    /// Every day of eight years: leap days, years of 53 weeks, months that end on each day of a week.
    fn every_day() -> impl Iterator<Item = Date> {
        date(2024, 1, 1).series(1.day()).take(8 * 366)
    }

    fn days_before(today: Date, days: impl IntoIterator<Item = i64>) -> Vec<Date> {
        days.into_iter().map(|days| today.saturating_sub(days.days())).collect()
    }

    #[test]
    fn the_schedule_does_not_come_within_hours_of_any_moment() {
        for minute in 0..24 * 60 {
            let now = Timestamp::from_second(1_795_910_400 + minute * 60).unwrap();
            let schedule = protocol::schedule::Schedule::parse(&schedule(now)).unwrap();
            let near = 11 * 3_600;
            assert!(schedule.next_after(now).unwrap().duration_since(now).as_secs() >= near, "{now}");
            assert!(now.duration_since(schedule.last_due(now).unwrap()).as_secs() >= near, "{now}");
        }
    }

    #[test]
    fn on_every_date_the_days_without_deletions_leave_a_surplus_for_the_failures() {
        for today in every_day() {
            for bad in 1..=i64::try_from(BAD_DAYS).unwrap() {
                assert!(has_surplus(&days_before(today, bad..bad + 10)), "after {bad} bad days on {today}");
            }
            let healed = std::iter::once(0).chain(4..14);
            assert!(has_surplus(&days_before(today, healed)), "healed on {today}");
        }
    }

    #[test]
    fn on_every_date_some_days_without_deletions_leave_something_to_prune() {
        for today in every_day() {
            // Whatever the tiers keep of what was there, and also when nothing was.
            for had in [0..0, 0..7, 0..14, 3..40] {
                let mut dates = tiers_keep(&days_before(today, had));
                dates = days_before(today, [0]).into_iter().chain(older(&dates)).collect();
                let surplus = (0..SURPLUS_WITHIN_DAYS).find(|_| {
                    dates = older(&dates);
                    let found = has_surplus(&dates);
                    dates.insert(0, today);
                    found
                });
                assert!(surplus.is_some(), "on {today}");
            }
        }
    }

    fn older(dates: &[Date]) -> Vec<Date> {
        dates.iter().map(|date| date.saturating_sub(1.day())).collect()
    }
}
