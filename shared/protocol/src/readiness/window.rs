//! When does an instance make its automated backup? A window of the day in UTC.

use jiff::{SignedDuration, Timestamp};

const DAY_MINUTES: i64 = 24 * 60;

/// A window of the day, in minutes after midnight UTC. It may go past midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupWindow {
    start: i64,
    length: i64,
}

impl BackupWindow {
    /// As RDS writes it: `03:00-03:30`.
    pub fn parse(text: &str) -> Option<Self> {
        let (start, end) = text.split_once('-')?;
        let (start, end) = (minute_of_day(start)?, minute_of_day(end)?);
        Some(Self { start, length: (end - start).rem_euclid(DAY_MINUTES) })
    }

    /// Whether it is open at a moment, or opens within a time after it.
    pub fn is_near(self, now: Timestamp, lead: SignedDuration) -> bool {
        let minute = now.as_second().div_euclid(60).rem_euclid(DAY_MINUTES);
        let since_start = (minute - self.start).rem_euclid(DAY_MINUTES);
        since_start < self.length || DAY_MINUTES - since_start <= lead.as_mins()
    }
}

fn minute_of_day(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, below: i64| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| digits && *number < below)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-20T{time}:30Z").parse().unwrap()
    }

    #[test]
    fn a_window_is_near_from_its_lead_to_its_end_also_past_midnight() {
        let lead = SignedDuration::from_mins(15);
        for (window, time, expected) in [
            ("03:00-03:30", "02:44", false),
            ("03:00-03:30", "02:45", true),
            ("03:00-03:30", "03:00", true),
            ("03:00-03:30", "03:29", true),
            ("03:00-03:30", "03:30", false),
            ("23:50-00:20", "23:34", false),
            ("23:50-00:20", "23:36", true),
            ("23:50-00:20", "00:10", true),
            ("23:50-00:20", "00:20", false),
            ("00:05-00:35", "23:51", true),
            ("00:05-00:35", "23:49", false),
        ] {
            let parsed = BackupWindow::parse(window).unwrap();
            assert_eq!(parsed.is_near(at(time), lead), expected, "{window} at {time}");
        }
    }

    #[test]
    fn what_is_no_window_is_not_read() {
        for text in ["", "03:00", "3:00-03:30", "24:00-01:00", "03:60-04:00", "03:00-+4:00", "a:b-c:d"] {
            assert_eq!(BackupWindow::parse(text), None, "{text}");
        }
    }
}
