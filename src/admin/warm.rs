//! A question that is asked by schedule, in the JSON and on the page.

use serde::Serialize;

use super::html::Text;
use super::page::duration;
use super::status::{seconds, whole_seconds};
use crate::warm::{LastRun, RunResult, WarmStatus};

/// A question that is asked by schedule.
#[derive(Debug, Serialize)]
pub(super) struct Warm {
    pub site: String,
    /// The question without its values.
    pub shape: String,
    /// Whether it is being asked now.
    pub running: bool,
    pub next: Option<String>,
    /// The last run that has ended.
    pub last: Option<Last>,
}

/// A run that has ended.
#[derive(Debug, Serialize)]
pub(super) struct Last {
    pub at: String,
    /// `stored`, `not_kept`, `underway`, `failed`.
    pub result: &'static str,
    pub seconds: u64,
    pub rows: Option<u64>,
    pub error: Option<String>,
}

impl Warm {
    /// How a question is doing.
    pub(super) fn new(status: &WarmStatus) -> Self {
        Self {
            site: status.site.to_string(),
            shape: status.shape.clone(),
            running: status.running,
            next: status.next.map(whole_seconds),
            last: status.last.as_ref().map(Last::new),
        }
    }
}

impl Last {
    fn new(run: &LastRun) -> Self {
        let (result, rows, error) = match &run.result {
            RunResult::Stored { rows } => ("stored", Some(*rows), None),
            RunResult::NotKept { rows } => ("not_kept", Some(*rows), None),
            RunResult::Underway => ("underway", None, None),
            RunResult::Failed { error } => ("failed", None, Some(error.clone())),
        };
        Self {
            at: whole_seconds(run.at),
            result,
            seconds: seconds(run.took),
            rows,
            error,
        }
    }
}

/// All of them; nothing when there are none.
pub(super) fn section(warm: &[Warm]) -> String {
    if warm.is_empty() {
        return String::new();
    }
    let warm: String = warm.iter().map(item).collect();
    format!("<h2>Asked in advance</h2>\n<dl>\n{warm}</dl>\n")
}

fn item(warm: &Warm) -> String {
    let last = match &warm.last {
        Some(last) => format!("; last at {}: {}", last.at, outcome(last)),
        None => String::new(),
    };
    let next = match (&warm.next, warm.running) {
        (_, true) => "being asked now".to_owned(),
        (Some(next), false) => format!("next at {next}"),
        (None, false) => "not asked again".to_owned(),
    };
    format!(
        "<dt>{site}</dt><dd><code>{shape}</code><br>{next}{last}</dd>\n",
        site = Text(&warm.site),
        shape = Text(&warm.shape),
    )
}

fn outcome(last: &Last) -> String {
    let rows = last.rows.unwrap_or_default();
    let time = duration(last.seconds);
    match (last.result, &last.error) {
        (_, Some(error)) => format!(r#"<span class="bad">{}</span>, after {time}"#, Text(error)),
        ("stored", _) => format!("{rows} rows in {time}"),
        ("not_kept", _) => {
            format!(r#"<span class="bad">{rows} rows in {time}, and not kept</span>"#)
        }
        _ => "it was being made already".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_questions_there_is_nothing_of_them() {
        assert_eq!(section(&[]), "");
    }
}
