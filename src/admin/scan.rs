//! A running scan, in the JSON and on the page.

use serde::Serialize;

use super::status::seconds;
use crate::gateway::{ScanStatus, Way};

/// A collection that is being read.
#[derive(Debug, Serialize)]
pub struct Scan {
    /// Whose data.
    pub site: String,
    /// The entity set.
    pub set: String,
    /// The question without its values.
    pub shape: String,
    /// `links` or `range`, when there is a choice and it is made.
    pub way: Option<&'static str>,
    /// So far.
    pub rows: u64,
    /// Upstream's, so far.
    pub pages: u64,
    /// Mostly those of the last half minute.
    pub rows_per_second: Option<u64>,
    /// Rows that the whole will have, roughly.
    pub expected_rows: Option<u64>,
    /// How long the rest will take at this rate.
    pub seconds_left: Option<u64>,
    /// Those that wait for it.
    pub clients: usize,
    /// Since it was asked for.
    pub seconds: u64,
    /// For people.
    #[serde(skip)]
    pub words: String,
}

impl Scan {
    /// How a scan is now.
    pub(super) fn new(scan: &ScanStatus) -> Self {
        let pace = &scan.pace;
        Self {
            site: scan.site.to_string(),
            set: scan.set.clone(),
            shape: scan.shape.clone(),
            way: pace.way.map(Way::as_str),
            rows: pace.rows,
            pages: pace.pages,
            rows_per_second: pace.rows_per_second,
            expected_rows: pace.expected_rows,
            seconds_left: pace.left().map(seconds),
            clients: scan.clients,
            seconds: seconds(scan.elapsed),
            words: pace.to_string(),
        }
    }
}
