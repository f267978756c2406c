//! The estate as one query sees it: sessions that have not arrived are nowhere.

use std::sync::Arc;

use super::arrivals::Waiting;
use super::estate::Estate;
use super::estate::dates::first;
use super::model::{Model, Navigation, Table};
use super::value::{Row, Value};

/// The estate at one moment. A query sees the same moment from its beginning to its end.
///
/// Row numbers are those of the estate, so they do not change when rows arrive; positions do.
#[derive(Debug, Clone)]
pub(crate) struct View<'e> {
    estate: &'e Estate,
    waiting: Arc<Waiting>,
}

impl<'e> View<'e> {
    pub(crate) fn new(estate: &'e Estate, waiting: Arc<Waiting>) -> Self {
        Self { estate, waiting }
    }

    /// The moment at which everything ends, in milliseconds.
    pub(crate) fn now(&self) -> i64 {
        self.estate.now()
    }

    /// What tells this moment from others: how many rows are still to come.
    pub(crate) fn moment(&self) -> usize {
        self.waiting.all.len()
    }

    /// Whether rows are still to come.
    pub(crate) fn grows(&self) -> bool {
        self.moment() > 0
    }

    /// How many rows a table has.
    pub(crate) fn count(&self, table: &Table) -> u64 {
        let late = if Estate::holds_sessions(table) {
            self.waiting.all.len() as u64
        } else {
            0
        };
        self.estate.count(table) - late
    }

    /// What row numbers stay below; not all rows below it are there.
    pub(crate) fn end(&self, table: &Table) -> u64 {
        self.estate.count(table)
    }

    /// Whether a row is there.
    pub(crate) fn holds(&self, table: &Table, index: u64) -> bool {
        self.waiting.all.is_empty()
            || !Estate::holds_sessions(table)
            || self.waiting.all.binary_search(&index).is_err()
    }

    /// All rows in their usual order.
    pub(crate) fn indexes(&self, table: &Table) -> impl Iterator<Item = u64> {
        (0..self.end(table)).filter(|index| self.holds(table, *index))
    }

    /// Makes row `index`, replacing what is in `out`.
    pub(crate) fn row(&self, table: &Table, index: u64, out: &mut Row) {
        self.estate.row(table, index, out);
    }

    /// Makes one cell of row `index`.
    pub(crate) fn cell(&self, table: &Table, index: u64, column: usize) -> Value {
        self.estate.cell(table, index, column)
    }

    /// The row whose (single) key is this value.
    pub(crate) fn find(&self, table: &Table, key: &Value) -> Option<u64> {
        let found = self.estate.find(table, key);
        found.filter(|index| self.holds(table, *index))
    }

    /// All rows with this value in this column.
    pub(crate) fn having(&self, table: &Table, column: usize, value: &Value) -> Vec<u64> {
        self.present(table, self.estate.having(table, column, value))
    }

    /// The rows of `navigation.target` that belong to row `index` of `source`, in their usual order.
    pub(crate) fn related(&self, source: &Table, index: u64, navigation: &Navigation) -> Vec<u64> {
        let related = self.estate.related(source, index, navigation);
        match Model::published().table(navigation.target) {
            Some(target) => self.present(target, related),
            None => related,
        }
    }

    fn present(&self, table: &Table, mut rows: Vec<u64>) -> Vec<u64> {
        if !self.waiting.all.is_empty() {
            rows.retain(|index| self.holds(table, *index));
        }
        rows
    }
}

/// Sessions by what is in `StartDate`, without looking at all of them.
impl View<'_> {
    /// What is stored as the start of a session that has a date.
    pub(crate) fn start_ticks(&self, session: u64) -> i64 {
        self.estate.start_ticks(session)
    }

    /// The first session that started at or after this moment, whether it is there or not.
    pub(crate) fn first_since(&self, ticks: i64) -> u64 {
        self.estate.first_since(ticks)
    }

    /// Whether a session has no start date.
    pub(crate) fn undated(&self, session: u64) -> bool {
        self.estate.undated(session)
    }

    /// Sessions without a start date, in their usual order.
    pub(crate) fn undated_sessions(&self) -> impl Iterator<Item = u64> {
        let rows = self.estate.undated_sessions();
        rows.filter(|session| self.waiting.undated.binary_search(session).is_err())
    }

    /// How many sessions without a start date are there.
    pub(crate) fn undated_count(&self) -> u64 {
        let all = self.estate.undated_before(self.estate.sessions());
        all - self.waiting.undated.len() as u64
    }

    /// How many sessions with a start date are there before this one.
    pub(crate) fn dated_before(&self, session: u64) -> u64 {
        let late = before(&self.waiting.all, session) - before(&self.waiting.undated, session);
        session - self.estate.undated_before(session) - late
    }

    /// The session with a start date that so many come before; `end` when there are not so many.
    pub(crate) fn nth_dated(&self, place: u64) -> u64 {
        first(self.estate.sessions(), |session| {
            self.dated_before(session + 1) > place
        })
    }

    /// How many sessions are there before this one.
    fn sessions_before(&self, session: u64) -> u64 {
        session - before(&self.waiting.all, session)
    }

    /// The row of a table that so many come before; `end` when there are not so many.
    pub(crate) fn nth(&self, table: &Table, place: u64) -> u64 {
        if !Estate::holds_sessions(table) {
            return place.min(self.end(table));
        }
        first(self.estate.sessions(), |session| {
            self.sessions_before(session + 1) > place
        })
    }
}

/// How many of a rising list are less than this.
fn before(list: &[u64], index: u64) -> u64 {
    list.partition_point(|other| *other < index) as u64
}
