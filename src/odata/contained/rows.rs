//! Some rows of a stored collection, or some of their columns, as a collection of their own.

use std::fmt;
use std::ops::ControlFlow;

use super::columns::Columns;
use super::marked::{Marked, Output};
use super::opening::Opening;
use super::reader::{Stop, Visitor, fit};

/// What is cut out of a stored collection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cut {
    /// Rows that are left out at the beginning.
    pub skip: u64,
    /// How many rows are kept at most; all without.
    pub top: Option<u64>,
    /// What `@odata.count` says; without, there is none.
    pub count: Option<RowCount>,
    /// The columns that are kept; all without.
    pub columns: Option<Columns>,
}

/// How many rows the stored collection has, as `@odata.count` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowCount {
    /// The number.
    pub rows: u64,
    /// Whether 64-bit numbers are strings (OData JSON Format 4.0, section 4.5.4).
    pub ieee754_compatible: bool,
}

impl fmt::Display for RowCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = if self.ieee754_compatible { "\"" } else { "" };
        write!(f, "{quote}{}{quote}", self.rows)
    }
}

/// A [`Cut`] in the making. Its reader leaves out the rows to skip.
#[derive(Debug)]
pub(super) struct Rows {
    cut: Cut,
    out: Output,
    written: u64,
}

impl Rows {
    pub(super) fn new(cut: Cut, bytes_max: usize) -> Self {
        Self {
            cut,
            out: Output::new(bytes_max),
            written: 0,
        }
    }

    /// The body and its number of rows, if there is room for its end.
    pub(super) fn finish(mut self) -> Option<(Output, u64)> {
        self.out.write(b"]}")?;
        Some((self.out, self.written))
    }

    fn write(&mut self, row: Marked<'_>) -> Option<()> {
        if self.written > 0 {
            self.out.write(b",")?;
        }
        self.written += 1;
        match &self.cut.columns {
            Some(columns) => columns.write(row, &mut self.out),
            None => self.out.write_part(row, 0..row.bytes.len()),
        }
    }

    fn unless_enough(&self) -> ControlFlow<Stop> {
        match self.cut.top {
            Some(top) if self.written >= top => ControlFlow::Break(Stop::Enough),
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Visitor for Rows {
    fn opening(&mut self, text: Marked<'_>) -> ControlFlow<Stop> {
        let list = self.cut.columns.as_ref().map(Columns::list);
        let list = list.unwrap_or_default();
        let count = self.cut.count.map(|count| count.to_string());
        let written = Opening::read(text)
            .and_then(|opening| opening.write(&list, count.as_deref(), &mut self.out));
        fit(written)?;
        self.unless_enough()
    }

    fn row(&mut self, row: Marked<'_>) -> ControlFlow<Stop> {
        let written = self.write(row);
        fit(written)?;
        self.unless_enough()
    }
}
