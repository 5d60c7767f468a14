//! Which good snapshots are kept? By tier: the newest of each of the last days, weeks and months that have one.
//!
//! Periods are counted where there is a snapshot, not back from now: time that passes deletes nothing.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::plan::Tiers;

/// Says of each good snapshot, newest first and each by the day that it counts for, whether it is kept. The newest one
/// always is, and so are the newest `keep_min`.
pub fn kept(newest_first: &[Date], tiers: Tiers, keep_min: u32) -> Vec<bool> {
    let mut kept: Vec<bool> = (0..newest_first.len()).map(|index| index < at_least_one(keep_min)).collect();
    keep_newest_of_each(&mut kept, newest_first, tiers.daily, |date| *date);
    keep_newest_of_each(&mut kept, newest_first, tiers.weekly, |date| {
        let week = date.iso_week_date();
        (week.year(), week.week())
    });
    keep_newest_of_each(&mut kept, newest_first, tiers.monthly, |date| (date.year(), date.month()));
    kept
}

fn at_least_one(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX).max(1)
}

fn keep_newest_of_each<P: Ord>(kept: &mut [bool], dates: &[Date], periods_max: u32, period: fn(&Date) -> P) {
    let mut seen = BTreeSet::new();
    for (kept, date) in kept.iter_mut().zip(dates) {
        if seen.len() >= usize::try_from(periods_max).unwrap_or(usize::MAX) {
            return;
        }
        *kept |= seen.insert(period(date));
    }
}

#[cfg(test)]
mod tests {
    use super::super::mark::day;
    use super::*;

    fn kept_of(times: &[&str], tiers: Tiers, keep_min: u32) -> Vec<usize> {
        let days: Vec<Date> = times.iter().map(|time| day(time.parse().unwrap())).collect();
        let kept = kept(&days, tiers, keep_min);
        kept.iter().enumerate().filter(|(_, kept)| **kept).map(|(index, _)| index).collect()
    }

    const NONE: Tiers = Tiers { daily: 0, weekly: 0, monthly: 0 };

    #[test]
    fn the_newest_of_each_of_the_last_days_that_have_one_is_kept() {
        let times = [
            "2026-11-20T15:00:00Z",
            "2026-11-20T03:00:00Z",
            "2026-11-18T23:59:59Z",
            "2026-11-18T00:00:00Z",
            "2026-11-10T03:00:00Z",
        ];
        assert_eq!(kept_of(&times, Tiers { daily: 2, ..NONE }, 1), [0, 2]);
        assert_eq!(kept_of(&times, Tiers { daily: 9, ..NONE }, 1), [0, 2, 4]);
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let times = [
            "2026-11-16T03:00:00Z", // a Monday
            "2026-11-15T03:00:00Z", // the Sunday before
            "2026-11-09T03:00:00Z", // the Monday of that week
            "2026-11-01T03:00:00Z", // a Sunday
            "2026-10-31T03:00:00Z",
        ];
        assert_eq!(kept_of(&times, Tiers { weekly: 9, ..NONE }, 1), [0, 1, 3]);
        assert_eq!(kept_of(&times, Tiers { monthly: 9, ..NONE }, 1), [0, 4]);
        assert_eq!(kept_of(&times, Tiers { daily: 1, weekly: 2, monthly: 2 }, 1), [0, 1, 4]);
    }

    #[test]
    fn the_first_days_of_a_year_may_belong_to_the_last_week_of_the_year_before() {
        let times = ["2027-01-03T03:00:00Z", "2026-12-28T03:00:00Z", "2026-12-27T03:00:00Z"];
        assert_eq!(kept_of(&times, Tiers { weekly: 9, ..NONE }, 1), [0, 2]);
    }

    #[test]
    fn the_newest_few_are_kept_whatever_the_tiers_say() {
        let times = ["2026-11-20T15:00:00Z", "2026-11-20T14:00:00Z", "2026-11-20T13:00:00Z"];
        assert_eq!(kept_of(&times, Tiers { daily: 1, ..NONE }, 2), [0, 1]);
        assert_eq!(kept_of(&times, NONE, 0), [0]);
        assert_eq!(kept_of(&[], NONE, 3), Vec::<usize>::new());
    }
}
