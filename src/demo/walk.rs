//! Rows one after the other, no further than anybody wants to see.
//!
//! A client may walk through sessions by date, and each page of such a walk is a new search. So a page starts at
//! its first row without a look at those before, and nothing behind its last row is made.

use std::iter::{from_fn, once};

use super::estate::Estate;
use super::model::Table;
use super::narrow::Span;
use super::query::{Expr, Order, Query, Scope};
use super::rows::sort;
use super::value::Row;
use super::view::View;

/// Rows of a table in an order that needs no list of them all.
#[derive(Debug)]
pub(crate) struct Walk<'q> {
    view: &'q View<'q>,
    table: &'static Table,
    span: Span,
    /// What rows in the span must pass besides; None when all of them are wanted.
    filter: Option<&'q Expr>,
    way: Way<'q>,
}

/// The order of a walk.
#[derive(Debug, Clone, Copy)]
enum Way<'q> {
    /// By number, which is the usual order.
    Usual,
    /// By start date; rows of the same date by the criteria that follow.
    Date { descending: bool, ties: &'q [Order] },
}

/// Rows that are equal in the first criterion, in their usual order.
type Group = Vec<u64>;

/// Groups, one after the other.
type Groups<'w> = Box<dyn Iterator<Item = Group> + 'w>;

impl<'q> Walk<'q> {
    /// A walk in the order that a query asks for, if it is one of these.
    pub(crate) fn of(
        view: &'q View<'q>,
        table: &'static Table,
        query: &'q Query,
        span: Span,
        exact: bool,
    ) -> Option<Self> {
        let way = match query.order.split_first() {
            None => Way::Usual,
            Some((first, ties)) => {
                let column = first.by.own_column()?;
                Estate::rises_with(table, column).then_some(Way::Date {
                    descending: first.descending,
                    ties,
                })?
            }
        };
        Some(Self {
            view,
            table,
            span,
            filter: query.filter.as_ref().filter(|_| !exact),
            way,
        })
    }

    /// All rows of a span in their usual order.
    pub(crate) fn within(view: &'q View<'q>, table: &'static Table, span: Span) -> Self {
        Self {
            view,
            table,
            span,
            filter: None,
            way: Way::Usual,
        }
    }

    /// How many rows there are; None when only a look at each of them could tell.
    pub(crate) fn count(&self) -> Option<u64> {
        if self.filter.is_some() {
            return None;
        }
        if !Estate::holds_sessions(self.table) {
            return Some(self.view.count(self.table));
        }
        let undated = if self.span.undated {
            self.view.undated_count()
        } else {
            0
        };
        Some(undated + self.dated())
    }

    /// Up to `limit` rows after the first `skip`.
    pub(crate) fn take(&self, skip: u64, limit: usize) -> Vec<u64> {
        let (mut skip, groups) = match self.way {
            Way::Usual => self.usual(skip),
            Way::Date {
                descending: false,
                ties,
            } => self.rising(skip, !ties.is_empty()),
            Way::Date {
                descending: true, ..
            } => self.falling(skip),
        };
        let mut row = Row::new();
        let mut taken = Vec::new();
        for mut group in groups {
            if let Some(filter) = self.filter {
                group.retain(|index| self.passes(filter, *index, &mut row));
            }
            if let Way::Date { ties, .. } = self.way
                && group.len() > 1
                && !ties.is_empty()
            {
                sort(self.view, self.table, ties, &mut group);
            }
            let before = skip.min(group.len() as u64);
            skip -= before;
            let room = limit.saturating_sub(taken.len());
            let before = usize::try_from(before).unwrap_or(usize::MAX);
            taken.extend(group.into_iter().skip(before).take(room));
            if taken.len() >= limit {
                break;
            }
        }
        taken
    }

    /// By number; tells also what is left of `skip`.
    fn usual(&self, skip: u64) -> (u64, Groups<'_>) {
        let Span { undated, from, to } = self.span;
        let end = self.view.end(self.table);
        let whole = undated && from == 0 && to == end;
        if whole {
            let (skip, first) = match self.filter {
                None => (0, self.view.nth(self.table, skip)),
                Some(_) => (skip, 0),
            };
            let rows = (first..end).filter(|index| self.view.holds(self.table, *index));
            return (skip, alone(rows));
        }
        if undated && from == to {
            return (skip, alone(self.view.undated_sessions()));
        }
        if undated {
            let rows = (0..end).filter(move |index| {
                self.view.holds(self.table, *index)
                    && ((from..to).contains(index) || self.view.undated(*index))
            });
            return (skip, alone(rows));
        }
        self.rising(skip, false)
    }

    /// Sessions without a date, then the others by date; tells also what is left of `skip`. Without `ties`, rows of
    /// the same date are groups of their own.
    fn rising(&self, skip: u64, ties: bool) -> (u64, Groups<'_>) {
        let Span { undated, from, to } = self.span;
        let undated = if undated {
            self.view.undated_count()
        } else {
            0
        };
        let starts_dated = self.filter.is_none() && skip >= undated;
        if !starts_dated {
            let first = self.span.undated.then(|| self.undated());
            let first = first.into_iter().flatten();
            return (skip, Box::new(first.chain(self.dated_from(from, ties))));
        }
        let skip = skip - undated;
        let before = self.view.dated_before(from);
        let start = self.view.nth_dated(before.saturating_add(skip)).min(to);
        // All rows of the date at which the page starts.
        let start = if ties && start < to {
            let date = self.view.start_ticks(start);
            self.view.first_since(date).max(from)
        } else {
            start
        };
        let passed = self.view.dated_before(start) - before;
        (skip - passed, self.dated_from(start, ties))
    }

    /// Sessions with a date from this one on.
    fn dated_from(&self, from: u64, ties: bool) -> Groups<'_> {
        let rows = from..self.span.to;
        if ties {
            Box::new(self.groups(rows))
        } else {
            alone(rows.filter(|index| self.is_dated(*index)))
        }
    }

    /// Sessions by date from the last to the first, then those without one; tells also what is left of `skip`.
    fn falling(&self, skip: u64) -> (u64, Groups<'_>) {
        let (mut skip, from, mut to) = (skip, self.span.from, self.span.to);
        if self.filter.is_none() {
            let end = self.view.dated_before(to);
            let passed = skip.min(self.dated());
            let start = match (end - passed).checked_sub(1) {
                Some(place) => self.view.nth_dated(place),
                None => from,
            };
            // All rows of the date at which the page starts.
            to = if passed < self.dated() {
                let behind = self.view.start_ticks(start).saturating_add(1);
                self.view.first_since(behind).min(to)
            } else {
                from
            };
            skip -= end - self.view.dated_before(to);
        }
        let dated = self.groups((from..to).rev()).map(|mut group| {
            group.reverse();
            group
        });
        let last = self.span.undated.then(|| self.undated());
        (skip, Box::new(dated.chain(last.into_iter().flatten())))
    }

    /// Runs of equal dates among these rows.
    fn groups(&self, rows: impl Iterator<Item = u64>) -> impl Iterator<Item = Group> {
        let mut rows = rows
            .filter(|index| self.is_dated(*index))
            .map(|index| (index, self.view.start_ticks(index)))
            .peekable();
        from_fn(move || {
            let (first, date) = rows.next()?;
            let mut group = vec![first];
            while let Some((index, _)) = rows.next_if(|(_, other)| *other == date) {
                group.push(index);
            }
            Some(group)
        })
    }

    /// The group of rows without a date, made when it is its turn.
    fn undated(&self) -> impl Iterator<Item = Group> {
        once(()).map(|()| self.view.undated_sessions().collect())
    }

    /// How many rows of the span have a date.
    fn dated(&self) -> u64 {
        self.view.dated_before(self.span.to) - self.view.dated_before(self.span.from)
    }

    fn is_dated(&self, index: u64) -> bool {
        !self.view.undated(index) && self.view.holds(self.table, index)
    }

    fn passes(&self, filter: &Expr, index: u64, row: &mut Row) -> bool {
        self.view.row(self.table, index, row);
        let scope = Scope {
            table: self.table,
            index,
            row: Some(row),
        };
        filter.passes(self.view, scope)
    }
}

/// Each row as a group of its own.
fn alone<'w>(rows: impl Iterator<Item = u64> + 'w) -> Groups<'w> {
    Box::new(rows.map(|index| vec![index]))
}
