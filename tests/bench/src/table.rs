//! Which budgets are kept? One row for each measurement, and one table of them all.

use std::fmt;

/// A measurement, and what it may be at most.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    what: String,
    measured: String,
    budget: String,
    verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Kept,
    Missed,
    /// There is no budget for it.
    Reported,
}

impl Row {
    /// A measurement that must stay below a bound. `shown` and `budget` are what people read of the two numbers.
    pub(crate) fn below(
        what: impl Into<String>,
        value: f64,
        bound: f64,
        shown: impl Into<String>,
        unit: &str,
    ) -> Self {
        // What can't be compared is not below anything.
        Self::compared(what.into(), shown.into(), &format!("< {bound} {unit}"), value < bound)
    }

    /// A measurement that must reach a bound.
    pub(crate) fn at_least(
        what: impl Into<String>,
        value: f64,
        bound: f64,
        shown: impl Into<String>,
        unit: &str,
    ) -> Self {
        Self::compared(what.into(), shown.into(), &format!(">= {bound} {unit}"), value >= bound)
    }

    fn compared(what: String, measured: String, budget: &str, is_kept: bool) -> Self {
        let verdict = if is_kept { Verdict::Kept } else { Verdict::Missed };
        Self { what, measured, budget: budget.trim_end().to_owned(), verdict }
    }

    /// A measurement without a budget.
    pub(crate) fn reported(what: impl Into<String>, shown: impl Into<String>) -> Self {
        Self { what: what.into(), measured: shown.into(), budget: String::new(), verdict: Verdict::Reported }
    }

    fn cells(&self) -> [&str; 4] {
        let verdict = match self.verdict {
            Verdict::Kept => "ok",
            Verdict::Missed => "MISSED",
            Verdict::Reported => "",
        };
        [&self.what, &self.measured, &self.budget, verdict]
    }
}

/// All measurements.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Adds measurements.
    pub(crate) fn extend(&mut self, rows: impl IntoIterator<Item = Row>) {
        self.rows.extend(rows);
    }

    /// How many budgets were missed.
    pub(crate) fn missed(&self) -> usize {
        self.rows.iter().filter(|row| row.verdict == Verdict::Missed).count()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["what", "measured", "budget", "verdict"];
        let lines: Vec<[&str; 4]> = std::iter::once(head).chain(self.rows.iter().map(Row::cells)).collect();
        let mut widths = [0; 4];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = cell.chars().count().max(*width);
            }
        }
        let [first, second, third, fourth] = widths;
        for (index, [what, measured, budget, verdict]) in lines.into_iter().enumerate() {
            let line = format!("{what:<first$}  {measured:<second$}  {budget:<third$}  {verdict}");
            writeln!(f, "{}", line.trim_end())?;
            if index == 0 {
                writeln!(f, "{}", "-".repeat(first + second + third + fourth + 6))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_missed_by_what_reaches_it_and_by_what_is_no_number() {
        use Verdict::{Kept, Missed, Reported};
        let mut table = Table::default();
        table.extend([
            Row::below("size", 3.4, 3.5, "3.40 MB", "MB"),
            Row::below("size", 3.5, 3.5, "3.50 MB", "MB"),
            Row::below("size", f64::NAN, 3.5, "?", "MB"),
            Row::reported("first invoke", "5.00 ms"),
            Row::at_least("faster", 25.0, 25.0, "25.0 times", "times"),
            Row::at_least("faster", 24.9, 25.0, "24.9 times", "times"),
            Row::at_least("faster", f64::NAN, 25.0, "?", "times"),
        ]);
        let verdicts: Vec<Verdict> = table.rows.iter().map(|row| row.verdict).collect();
        assert_eq!(verdicts, [Kept, Missed, Missed, Reported, Kept, Missed, Missed]);
        assert_eq!(table.missed(), 4);
    }

    #[test]
    fn the_columns_stand_below_each_other() {
        let mut table = Table::default();
        table
            .extend([Row::below("zip", 2.0, 3.5, "2.00 MB", "MB"), Row::reported("first invoke", "5.00 ms")]);
        let expected = "\
what          measured  budget    verdict
-----------------------------------------
zip           2.00 MB   < 3.5 MB  ok
first invoke  5.00 ms
";
        assert_eq!(table.to_string(), expected);
    }
}
