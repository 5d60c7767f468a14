//! What is shown of an answer, as a table, as JSON or as tab-separated lines? Nothing of an answer reaches the terminal but
//! through here, where it is made inert.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

use crate::exit::{Exit, Unanswered};
use crate::inert::{inert, inert_json};

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// The function's answer as it came.
    Json,
    /// The rows alone, for `cut` and `awk`.
    Tsv,
}

/// Rows under one head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// With these columns.
    pub fn new(head: &[&'static str], rows: Vec<Vec<String>>) -> Self {
        Self { head: head.to_vec(), rows }
    }
}

/// An answer, and how the program ends with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    /// How the program ends.
    pub exit: Exit,
    /// What there is to say first.
    pub sentence: String,
    /// What stands below it. The first is what `tsv` writes.
    pub grids: Vec<Grid>,
    /// Lines of our own making that stand as they are.
    pub lines: Vec<String>,
    /// The answer itself.
    pub value: Value,
}

impl Screen {
    /// An answer of a function, under its own sentence.
    pub fn of(exit: Exit, value: Value) -> Self {
        Self { exit, sentence: text(&value, "sentence"), grids: Vec::new(), lines: Vec::new(), value }
    }

    /// With rows below it.
    #[must_use]
    pub fn with(mut self, grid: Grid) -> Self {
        self.grids.push(grid);
        self
    }

    /// Writes it.
    pub fn write(&self, format: Format, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Json => write_json(&self.value, out),
            Format::Tsv => self.write_tsv(out),
            Format::Table => self.write_table(out),
        }
    }

    fn write_tsv(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(grid) = self.grids.first() else {
            return writeln!(out, "{}", inert(&self.sentence));
        };
        writeln!(out, "{}", grid.head.join("\t"))?;
        for row in &grid.rows {
            let cells: Vec<String> = row.iter().map(|cell| inert(cell)).collect();
            writeln!(out, "{}", cells.join("\t"))?;
        }
        Ok(())
    }

    fn write_table(&self, out: &mut dyn Write) -> io::Result<()> {
        if !self.sentence.is_empty() {
            writeln!(out, "{}", styled(style_of(self.exit), &inert(&self.sentence)))?;
        }
        for grid in self.grids.iter().filter(|grid| !grid.rows.is_empty()) {
            let mut table = Table::new();
            table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
            table.set_header(grid.head.clone());
            for row in &grid.rows {
                table.add_row(row.iter().map(|cell| inert(cell)));
            }
            for column in table.column_iter_mut() {
                column.set_padding((0, 2));
            }
            writeln!(out)?;
            for (index, line) in table.to_string().lines().enumerate() {
                let line = line.trim_end();
                let is_head = index == 0;
                let line = if is_head { styled(Style::new().bold(), line) } else { line.to_owned() };
                writeln!(out, "{line}")?;
            }
        }
        if !self.lines.is_empty() {
            writeln!(out)?;
        }
        for line in &self.lines {
            writeln!(out, "{}", inert(line))?;
        }
        Ok(())
    }
}

/// Says why there is no answer: to people on one stream, to programs as JSON on the other.
pub fn write_unanswered(
    unanswered: &Unanswered,
    format: Format,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<()> {
    let Unanswered { exit, code, sentence } = unanswered;
    if format == Format::Json {
        return write_json(&json!({ "error": code, "sentence": sentence, "exit": exit.code() }), out);
    }
    let line = format!("{} ({})", inert(sentence), inert(code));
    writeln!(err, "{}", styled(style_of(*exit), &line))
}

fn write_json(value: &Value, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", inert_json(&format!("{value:#}")))
}

/// A text between a style's own sequences: what is written to no terminal loses them on its way.
fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

fn style_of(exit: Exit) -> Style {
    let colour = match exit {
        Exit::Done => AnsiColor::Green,
        Exit::NeedsOperator | Exit::Unknown | Exit::TimedOut => AnsiColor::Yellow,
        Exit::Refused | Exit::Usage | Exit::NotReady => AnsiColor::Red,
    };
    Style::new().bold().fg_color(Some(colour.into()))
}

/// A field of an answer for a cell: a text as it is, nothing where there is nothing, anything else as JSON.
pub fn text(value: &Value, field: &str) -> String {
    cell(&value[field])
}

/// A value for a cell.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A list of an answer; empty where there is none.
pub fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}
