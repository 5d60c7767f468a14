//! How is a proof told to people? Rows of one table: what was tried, how much of it, how long it took, and the verdict.

use std::fmt;
use std::time::Duration;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What must hold, or what was tried.
    pub name: String,
    /// How much: worlds, cases, actions.
    pub size: String,
    /// How long it took.
    pub took: Duration,
    /// Good, with a word on it; or what is wrong.
    pub verdict: Result<String, String>,
}

/// Rows of one kind, under a title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What these rows are, and what their sizes count.
    pub title: &'static str,
    /// The rows.
    pub rows: Vec<Row>,
}

/// The whole table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its parts.
    pub sections: Vec<Section>,
}

impl Table {
    /// The rows that are not as they should be.
    pub fn failures(&self) -> impl Iterator<Item = &Row> {
        self.rows().filter(|row| row.verdict.is_err())
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.sections.iter().flat_map(|section| &section.rows)
    }
}

/// A number with its thousands apart.
#[must_use]
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match &self.verdict {
            Ok(good) => good.clone(),
            // What follows its first line is told below the table.
            Err(why) => format!("FAILED: {}", why.lines().next().unwrap_or_default()),
        };
        let Self { name, size, took, .. } = self;
        write!(f, "{name:<78} {size:>18} {:>8.1}  {verdict}", took.as_secs_f64())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<78} {:>18} {:>8}  verdict", "property", "states or cases", "seconds")?;
        for section in &self.sections {
            writeln!(f, "-- {}", section.title)?;
            for row in &section.rows {
                writeln!(f, "{row}")?;
            }
        }
        for row in self.failures() {
            if let Err(why) = &row.verdict
                && why.lines().nth(1).is_some()
            {
                writeln!(f, "\n{}: {why}", row.name)?;
            }
        }
        let failed = self.failures().count();
        write!(f, "{} passed, {failed} failed", self.rows().count() - failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(verdict: Result<String, String>) -> Row {
        Row { name: "a law".into(), size: "3 cases".into(), took: Duration::from_millis(1_250), verdict }
    }

    #[test]
    fn what_failed_is_counted_and_told_in_full() {
        let rows = vec![row(Ok("holds".into())), row(Err("broken\nby this".into()))];
        let table = Table { sections: vec![Section { title: "laws", rows }] };
        let text = table.to_string();
        assert_eq!(table.failures().count(), 1);
        assert!(text.contains("FAILED: broken\n") && text.contains("a law: broken\nby this"), "{text}");
        assert!(text.ends_with("1 passed, 1 failed"), "{text}");
        assert!(text.contains("3 cases      1.2  holds"), "{text}");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1_000, 1_010_186].map(grouped), ["0", "999", "1,000", "1,010,186"]);
    }
}
