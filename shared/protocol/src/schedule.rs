//! When is something due? A schedule as EventBridge writes it: `cron(0 3 * * ? *)`, in UTC.
//!
//! The functions ask what was due last, not whether it is due now: an invocation that is late, lost or repeated then
//! changes nothing but time.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What a schedule looks like, in words.
pub const SCHEDULE_HINT: &str = "a schedule of EventBridge in UTC, at most once an hour, like cron(0 3 * * ? *): minute, hour, day of month, month, \
     day of week, year";

/// A schedule of at most one time an hour.
#[derive(Clone, Debug)]
pub struct Schedule(Cron);

impl Schedule {
    /// Reads a schedule; the error is to be read after the text: `has 5 fields, not 6`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let inner = text.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')'));
        let inner = inner.ok_or("is not written as cron(…)")?;
        let fields: Vec<&str> = inner.split_whitespace().collect();
        let [minute, _, day, _, weekday, _] = fields.as_slice() else {
            return Err(format!("has {} fields, not 6", fields.len()));
        };
        if minute.is_empty() || !minute.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!("has the minutes {minute}, and more than one time an hour is too often"));
        }
        if (*day == "?") == (*weekday == "?") {
            return Err("needs a ? as the day of month or as the day of week, not both".to_owned());
        }
        // The library knows more than EventBridge does.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "*?,-/#".contains(c);
        if !fields.iter().all(|field| field.chars().all(is_plain)) {
            return Err("holds a character that no field of a schedule has".to_owned());
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Required)
            .year(Year::Required)
            // EventBridge's week begins with Sunday as 1, and it writes 0/6 for every sixth from 0 on.
            .alternative_weekdays(true)
            .sloppy_ranges(true)
            .build();
        let cron =
            parser.parse(&format!("0 {}", fields.join(" "))).map_err(|error| format!("is wrong: {error}"))?;
        let schedule = Self(cron);
        if schedule.next_after(Timestamp::UNIX_EPOCH).is_none() {
            return Err("names a time that never comes".to_owned());
        }
        Ok(schedule)
    }

    /// The last time that was due at a moment, the moment included; nothing if none ever was.
    pub fn last_due(&self, now: Timestamp) -> Option<Timestamp> {
        let now = now.to_zoned(TimeZone::UTC);
        self.0.find_previous_occurrence(&now, true).ok().map(|due| due.timestamp())
    }

    /// The last time that was due before a moment.
    pub fn before(&self, moment: Timestamp) -> Option<Timestamp> {
        let moment = moment.to_zoned(TimeZone::UTC);
        self.0.find_previous_occurrence(&moment, false).ok().map(|due| due.timestamp())
    }

    /// The first time that is due after a moment.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        let moment = moment.to_zoned(TimeZone::UTC);
        self.0.find_next_occurrence(&moment, false).ok().map(|due| due.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn what_was_due_last_is_the_time_itself_or_the_one_before() {
        for (schedule, now, due, before) in [
            ("cron(0 3 * * ? *)", "2026-11-20T03:00:00Z", "2026-11-20T03:00:00Z", "2026-11-19T03:00:00Z"),
            ("cron(0 3 * * ? *)", "2026-11-20T02:59:59.9Z", "2026-11-19T03:00:00Z", "2026-11-18T03:00:00Z"),
            ("cron(15 0/6 * * ? *)", "2026-11-20T13:00:00Z", "2026-11-20T12:15:00Z", "2026-11-20T06:15:00Z"),
            ("cron(0 3,15 * * ? *)", "2026-11-20T13:00:00Z", "2026-11-20T03:00:00Z", "2026-11-19T15:00:00Z"),
            // 2026-11-20 is a Friday; Sunday is 1.
            ("cron(0 3 ? * 1 *)", "2026-11-20T13:00:00Z", "2026-11-15T03:00:00Z", "2026-11-08T03:00:00Z"),
            (
                "cron(0 3 ? * MON-FRI *)",
                "2026-11-22T13:00:00Z",
                "2026-11-20T03:00:00Z",
                "2026-11-19T03:00:00Z",
            ),
            ("cron(0 3 ? * 2-6 *)", "2026-11-22T13:00:00Z", "2026-11-20T03:00:00Z", "2026-11-19T03:00:00Z"),
            ("cron(30 1 L * ? *)", "2026-03-01T00:00:00Z", "2026-02-28T01:30:00Z", "2026-01-31T01:30:00Z"),
            ("cron(0 3 1 JAN ? *)", "2026-11-20T13:00:00Z", "2026-01-01T03:00:00Z", "2025-01-01T03:00:00Z"),
        ] {
            let parsed = Schedule::parse(schedule).unwrap();
            assert_eq!(parsed.last_due(time(now)), Some(time(due)), "{schedule} at {now}");
            assert_eq!(parsed.before(time(due)), Some(time(before)), "{schedule} before {due}");
            assert_eq!(parsed.next_after(time(before)), Some(time(due)), "{schedule} after {before}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_what_is_wrong() {
        for (text, words) in [
            ("", "is not written as cron(…)"),
            ("0 3 * * ? *", "is not written as cron(…)"),
            ("rate(1 day)", "is not written as cron(…)"),
            ("cron()", "has 0 fields, not 6"),
            ("cron(0 3 * * ?)", "has 5 fields, not 6"),
            ("cron(* 3 * * ? *)", "has the minutes *"),
            ("cron(0,30 3 * * ? *)", "has the minutes 0,30"),
            ("cron(0 3 * * * *)", "needs a ?"),
            ("cron(0 3 ? * ? *)", "needs a ?"),
            ("cron(60 3 * * ? *)", "is wrong: "),
            ("cron(0 24 * * ? *)", "is wrong: "),
            ("cron(0 3 32 * ? *)", "is wrong: "),
            ("cron(0 3 @daily * ? *)", "holds a character"),
            ("cron(0 3 31 2 ? *)", "names a time that never comes"),
            ("cron(0 3 * * ? 1969)", "names a time that never comes"),
        ] {
            let problem = Schedule::parse(text).unwrap_err();
            assert!(problem.starts_with(words), "{text}: {problem}");
        }
    }

    #[test]
    fn a_schedule_that_has_not_begun_has_nothing_due() {
        let schedule = Schedule::parse("cron(0 3 * * ? 2030)").unwrap();
        assert_eq!(schedule.last_due(time("2026-11-20T03:00:00Z")), None);
    }
}
