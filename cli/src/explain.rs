//! What does a code mean? The handbook says it, and the program has the handbook inside.

use serde_json::{Value, json};

use crate::exit::{Exit, Unanswered};
use crate::screen::{Grid, Screen};

/// The pages whose tables and headings explain codes.
const PAGES: [&str; 2] = [include_str!("../../docs/operating.md"), include_str!("../../docs/readiness.md")];

/// What the handbook says about a code: each row of a table that begins with it, and each section that has it in its heading.
pub(crate) fn explain(code: &str) -> Result<Screen, Unanswered> {
    let found: Vec<(String, String)> = PAGES.iter().flat_map(|page| said(page, code)).collect();
    if found.is_empty() {
        return Err(Unanswered::usage(format!(
            "The handbook has no code `{code}`: use one as it stands in an answer, such as data_loss or step_overdue"
        )));
    }
    let rows: Vec<Vec<String>> =
        found.iter().map(|(what, words)| vec![what.clone(), words.clone()]).collect();
    let said: Vec<Value> = found.iter().map(|(what, words)| json!({ "what": what, "says": words })).collect();
    let value = json!({ "sentence": format!("{code}:"), "code": code, "handbook": said });
    Ok(Screen::of(Exit::Done, value).with(Grid::new(&["what", "the handbook says"], rows)))
}

fn said(page: &str, code: &str) -> Vec<(String, String)> {
    let quoted = format!("`{code}`");
    let lines: Vec<&str> = page.lines().collect();
    let mut head: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if line.starts_with('|') {
            let cells = cells(line);
            if head.is_empty() {
                head = cells;
            } else if raw_first(line).contains(&quoted) {
                let named = head.iter().zip(&cells).skip(1).filter(|(_, cell)| !cell.is_empty());
                found.extend(named.map(|(name, cell)| {
                    let name = if name.is_empty() { "it" } else { name.as_str() };
                    (name.to_owned(), cell.clone())
                }));
            }
            continue;
        }
        head.clear();
        if line.starts_with('#') && line.contains(&quoted) {
            let below = lines.get(index + 1..).unwrap_or_default().iter().skip_while(|line| line.is_empty());
            let words: Vec<&str> = below.take_while(|line| !line.is_empty()).copied().collect();
            let is_table = words.first().is_none_or(|line| line.starts_with('|'));
            if !is_table {
                found.push((plain(line.trim_start_matches(['#', ' '])), plain(&words.join(" "))));
            }
        }
    }
    found
}

fn raw_first(line: &str) -> &str {
    line.trim_start_matches('|').split('|').next().unwrap_or_default()
}

/// The cells of a row; `\|` is a bar inside of one.
fn cells(line: &str) -> Vec<String> {
    let line = line.replace("\\|", "\u{0}");
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
    inner.split('|').map(|cell| plain(&cell.replace('\u{0}', "|"))).collect()
}

/// Markdown as words: links lose their targets, quotes their marks.
fn plain(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    let mut rest = text.trim();
    while let Some((before, after)) = rest.split_once('[') {
        let link =
            after.split_once("](").and_then(|(label, target)| Some((label, target.split_once(')')?.1)));
        words.push_str(before);
        if let Some((label, behind)) = link {
            words.push_str(label);
            rest = behind;
        } else {
            words.push('[');
            rest = after;
        }
    }
    words.push_str(rest);
    words.replace("**", "").replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_every_kind_are_explained() {
        for code in [
            "run_active",
            "veto",
            "data_loss",
            "other_run",
            "not_waiting",
            "abort_after_promotion",
            "no_hold",
            "denied",
            "replica_missing",
            "step_overdue",
            "approval_expired",
            "plan_invalid",
            "journal_busy",
            "no_answer",
            "snapshots_failed",
            "not_all_copied",
            "people_told",
            "functions_released",
            "unlisted_alarm",
        ] {
            assert!(explain(code).is_ok(), "{code}");
        }
    }

    #[test]
    fn a_refusal_is_explained_in_the_words_of_the_handbook() {
        let page = explain("no_hold").unwrap();
        let said = page.value["handbook"].as_array().unwrap();
        assert_eq!(said[0], json!({ "what": "command", "says": "release" }));
        assert_eq!(said[2], json!({ "what": "what to do", "says": "nothing" }));
    }

    #[test]
    fn a_code_that_is_none_is_a_mistake_of_the_line() {
        assert_eq!(explain("dataloss").unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn links_and_marks_are_left_out() {
        assert_eq!(
            plain("run **`drift`** ([Parameters](#parameters)), [or] not"),
            "run drift (Parameters), [or] not"
        );
    }
}
