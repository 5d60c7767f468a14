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
        if inner != fields.join(" ") {
            return Err("has other blanks than one between two fields".to_owned());
        }
        let [minute, _, day, _, weekday, _] = fields.as_slice() else {
            return Err(format!("has {} fields, not 6", fields.len()));
        };
        if minute.is_empty() || !minute.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!("has the minutes {minute}, and more than one time an hour is too often"));
        }
        if (*day == "?") == (*weekday == "?") {
            return Err("needs a ? as the day of month or as the day of week, not both".to_owned());
        }
        for (field, text) in FIELDS.iter().zip(&fields) {
            field.check(text).map_err(|problem| format!("is wrong: {problem}"))?;
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

/// What one field may hold: the library knows more than `EventBridge` does, and takes some of it otherwise.
struct FieldRange {
    what: &'static str,
    min: u16,
    max: u16,
    names: &'static [&'static str],
    /// What stands for days that have no number of their own.
    special: fn(&str) -> bool,
}

const FIELDS: [FieldRange; 6] = [
    FieldRange { what: "minute", min: 0, max: 59, names: &[], special: |_| false },
    FieldRange { what: "hour", min: 0, max: 23, names: &[], special: |_| false },
    FieldRange { what: "day of month", min: 1, max: 31, names: &[], special: is_special_day },
    FieldRange {
        what: "month",
        min: 1,
        max: 12,
        names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
        special: |_| false,
    },
    FieldRange { what: "day of week", min: 1, max: 7, names: &WEEKDAYS, special: is_special_weekday },
    FieldRange { what: "year", min: 1970, max: 2199, names: &[], special: |_| false },
];

/// `L` is the last day of the month, `LW` its last weekday, `15W` the weekday nearest to the 15th.
fn is_special_day(element: &str) -> bool {
    let numbered = element.strip_suffix('W').and_then(number);
    element == "L" || element == "LW" || numbered.is_some_and(|day| (1..=31).contains(&day))
}

/// `2#1` is the first Monday of the month, `2L` its last.
fn is_special_weekday(element: &str) -> bool {
    let day = |text: &str| WEEKDAYS.contains(&text) || number(text).is_some_and(|day| (1..=7).contains(&day));
    match element.split_once('#') {
        Some((of, which)) => day(of) && number(which).is_some_and(|which| (1..=5).contains(&which)),
        None => element.strip_suffix('L').is_some_and(day),
    }
}

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

fn number(text: &str) -> Option<u16> {
    let is_number = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

impl FieldRange {
    /// Checks the field's text; `?` stands in one of the two fields of days, which is checked elsewhere.
    fn check(&self, text: &str) -> Result<(), String> {
        if text == "*" || (text == "?" && self.what.starts_with("day")) {
            return Ok(());
        }
        text.to_ascii_uppercase().split(',').try_for_each(|element| self.check_element(element))
    }

    fn check_element(&self, element: &str) -> Result<(), String> {
        if (self.special)(element) {
            return Ok(());
        }
        let (numbers, step) = match element.split_once('/') {
            Some((numbers, step)) => (numbers, Some(number(step).filter(|step| *step > 0))),
            None => (element, None),
        };
        if step == Some(None) || (numbers == "*" && step.is_none()) {
            return Err(format!("`{element}` is no {}", self.what));
        }
        if numbers == "*" {
            return Ok(());
        }
        let (from, to) = numbers.split_once('-').unwrap_or((numbers, numbers));
        let value = |text: &str| {
            let named = self.names.iter().position(|name| *name == text);
            let named = named.and_then(|index| u16::try_from(index + 1).ok());
            named.or_else(|| number(text)).ok_or_else(|| format!("`{element}` is no {}", self.what))
        };
        let (from, to) = (value(from)?, value(to)?);
        for value in [from, to] {
            if !(self.min..=self.max).contains(&value) {
                return Err(format!("{} {value} lies outside {} to {}", self.what, self.min, self.max));
            }
        }
        if from > to { Err(format!("`{element}` ends before it begins")) } else { Ok(()) }
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
            ("cron(0 3 @daily * ? *)", "is wrong: `@DAILY` is no day of month"),
            ("cron(0 3 31 2 ? *)", "names a time that never comes"),
            ("cron(0 3 29 2 ? 2027)", "names a time that never comes"),
            ("cron(0 3 * * ? 1969)", "is wrong: year 1969 lies outside 1970 to 2199"),
            // snap-hour-25, snap-weekday-0, snap-both-days
            ("cron(0 25 * * ? *)", "is wrong: hour 25 lies outside 0 to 23"),
            ("cron(0 3 ? * 0 *)", "is wrong: day of week 0 lies outside 1 to 7"),
            ("cron(0 3 1 * MON *)", "needs a ?"),
            ("cron(0  3 * * ? *)", "has other blanks"),
            ("cron(0 3 ? * 8 *)", "is wrong: day of week 8 lies outside 1 to 7"),
            ("cron(0 3 ? * L *)", "is wrong: `L` is no day of week"),
            ("cron(0 3 ? * 2#6 *)", "is wrong: "),
            ("cron(0 3,* * * ? *)", "is wrong: `*` is no hour"),
            ("cron(0 1//2 * * ? *)", "is wrong: "),
            ("cron(0 1/0 * * ? *)", "is wrong: `1/0` is no hour"),
            ("cron(0 5-3 * * ? *)", "is wrong: `5-3` ends before it begins"),
            ("cron(0 3, * * ? *)", "is wrong: `` is no hour"),
            ("cron(0 3 0W * ? *)", "is wrong: "),
            ("cron(0 3 1 0 ? *)", "is wrong: month 0 lies outside 1 to 12"),
            ("cron(0 3 1 JANUARY ? *)", "is wrong: `JANUARY` is no month"),
        ] {
            let problem = Schedule::parse(text).unwrap_err();
            assert!(problem.starts_with(words), "{text}: {problem}");
        }
    }

    #[test]
    fn whatever_the_fields_may_hold_is_a_schedule() {
        for text in [
            "cron(0 0-23/4,5 1,15,L * ? *)",
            "cron(59 */6 LW 1-12/3 ? 2026-2199)",
            "cron(0 23 15W JAN-jun,12 ? 2030/5)",
            "cron(0 3 ? * sun,TUE-SAT/2,7 *)",
            // snap-week-hash
            "cron(0 3 ? * 2#1,6L *)",
            "cron(0 3 ? * MON#1,friL *)",
            "cron(0 3 29 2 ? 2028)",
            "cron(0 0/30 */9999 * ? 1970-2199/9)",
        ] {
            assert!(Schedule::parse(text).is_ok(), "{text}: {:?}", Schedule::parse(text));
        }
    }

    #[test]
    fn a_schedule_that_has_not_begun_has_nothing_due() {
        let schedule = Schedule::parse("cron(0 3 * * ? 2030)").unwrap();
        assert_eq!(schedule.last_due(time("2026-11-20T03:00:00Z")), None);
    }
}
