//! A running scan, in the JSON and on the page.

use serde::Serialize;

use super::html::Text;
use super::page::duration;
use super::status::seconds;
use crate::gateway::{ScanStatus, Way};

/// A collection that is being read.
#[derive(Debug, Serialize)]
pub(super) struct Scan {
    pub site: String,
    pub set: String,
    /// The question without its values.
    pub shape: String,
    /// `links` or `range`, when there is a choice and it is made.
    pub way: Option<&'static str>,
    pub rows: u64,
    pub pages: u64,
    pub rows_per_second: Option<u64>,
    pub expected_rows: Option<u64>,
    pub seconds_left: Option<u64>,
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

/// Those that run; nothing when there are none.
pub(super) fn section(scans: &[Scan]) -> String {
    if scans.is_empty() {
        return String::new();
    }
    let scans: String = scans.iter().map(item).collect();
    format!("<h2>Running scans</h2>\n<dl>\n{scans}</dl>\n")
}

fn item(scan: &Scan) -> String {
    // A bar without a value is one without an end that is known.
    let bar = match scan.expected_rows {
        Some(expected) => format!(r#" value="{}" max="{}""#, scan.rows, expected.max(1)),
        None => String::new(),
    };
    let clients = match scan.clients {
        1 => "1 client".to_owned(),
        clients => format!("{clients} clients"),
    };
    format!(
        "<dt>{set} of {site}</dt><dd><progress{bar}></progress> {words}; for {time}, {clients}<br><code>{shape}</code></dd>\n",
        set = Text(&scan.set),
        site = Text(&scan.site),
        words = Text(&scan.words),
        time = duration(scan.seconds),
        shape = Text(&scan.shape),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_scans_there_is_nothing_of_them() {
        assert_eq!(section(&[]), "");
    }
}
