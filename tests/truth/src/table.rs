//! How do people read what came of the plays? One row each: what the run reports beside what users saw.

use jiff::SignedDuration;

/// The heading.
pub const HEADING: [&str; 12] = [
    "seed",
    "play",
    "sign after",
    "recovery: run",
    "users",
    "estimate: run",
    "at most: run",
    "measured",
    "rows lost",
    "users out",
    "writes out",
    "true?",
];

/// Lines with the columns one below the other.
pub fn lines(rows: &[[String; 12]]) -> Vec<String> {
    let heading = HEADING.map(str::to_owned);
    let all = || std::iter::once(&heading).chain(rows);
    let widths: Vec<usize> = (0..HEADING.len())
        .map(|column| {
            all().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let line = |row: &[String; 12]| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            // Words to the left, figures to the right.
            if column == 1 || column == 11 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all().map(line).collect()
}

/// A duration as the table has it.
pub fn seconds(duration: SignedDuration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_with_figures_to_the_right() {
        let row = |play: &str, lost: &str| {
            let mut row: [String; 12] = std::array::from_fn(|_| String::new());
            (row[0], row[1], row[8], row[11]) =
                ("7".to_owned(), play.to_owned(), lost.to_owned(), "yes".to_owned());
            row
        };
        let lines = lines(&[row("silence, 20/s", "0"), row("killed", "1234")]);
        assert_eq!(lines.len(), 3);
        assert!(lines[1].starts_with("   7  silence, 20/s  ") && lines[1].ends_with("  yes"), "{}", lines[1]);
        let end = |line: &str, words: &str| line.find(words).unwrap() + words.len();
        assert_eq!(end(&lines[2], "1234"), end(&lines[0], "lost"));
        assert_eq!(end(&lines[1], "  0"), end(&lines[0], "lost"));
    }

    #[test]
    fn a_duration_is_shown_to_the_hundredth_of_a_second() {
        assert_eq!(seconds(SignedDuration::from_millis(12_345)), "12.35 s");
        assert_eq!(seconds(SignedDuration::from_millis(-500)), "-0.50 s");
    }
}
