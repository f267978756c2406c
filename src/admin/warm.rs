//! A question that is asked by schedule, in the JSON and on the page.

use jiff::Timestamp;
use serde::Serialize;

use super::status::{rfc3339, rfc3339_or_null, seconds};
use crate::warm::{LastRun, RunResult, WarmStatus};

/// A question that is asked by schedule.
#[derive(Debug, Serialize)]
pub struct Warm {
    /// Whose data.
    pub site: String,
    /// The question without its values.
    pub shape: String,
    /// Whether it is being asked now.
    pub running: bool,
    /// When it is due next.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub next: Option<Timestamp>,
    /// The last run that has ended.
    pub last: Option<Last>,
}

/// A run that has ended.
#[derive(Debug, Serialize)]
pub struct Last {
    /// When it began.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// `stored`, `not_kept`, `underway`, `failed`.
    pub result: &'static str,
    /// How long it took, its waiting for turns included.
    pub seconds: u64,
    /// Rows of the answer, when one was made.
    pub rows: Option<u64>,
    /// Why there is none.
    pub error: Option<String>,
}

impl Warm {
    /// How a question is doing.
    pub(super) fn new(status: &WarmStatus) -> Self {
        Self {
            site: status.site.to_string(),
            shape: status.shape.clone(),
            running: status.running,
            next: status.next,
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
            at: run.at,
            result,
            seconds: seconds(run.took),
            rows,
            error,
        }
    }
}
