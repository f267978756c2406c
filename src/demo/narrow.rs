//! Where a search has to look: keys and start dates in a filter spare most of the table.

use super::estate::Estate;
use super::model::{Link, Table};
use super::query::{Comparison, Expr, Query};
use super::value::Value;
use super::view::View;
use super::walk::Walk;

/// Rows by number and, for sessions, by whether they have a start date.
///
/// For sessions it is a stretch of time: dates rise with the numbers. Other tables have no rows without a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// All sessions without a start date, whatever their numbers.
    pub(crate) undated: bool,
    /// The first of the others.
    pub(crate) from: u64,
    /// The end of the others, exclusive; not less than `from`.
    pub(crate) to: u64,
}

/// Rows that could pass, found without looking at all of them.
#[derive(Debug)]
pub(crate) struct Candidates {
    pub(crate) place: Place,
    /// Whether all of them pass for certain.
    pub(crate) exact: bool,
}

/// Where candidates are.
#[derive(Debug)]
pub(crate) enum Place {
    Span(Span),
    List(Vec<u64>),
}

impl Span {
    /// Every row of a table.
    pub(crate) fn whole(view: &View<'_>, table: &Table) -> Self {
        Self {
            undated: true,
            from: 0,
            to: view.end(table),
        }
    }

    fn both(self, other: Self) -> Self {
        let from = self.from.max(other.from);
        Self {
            undated: self.undated && other.undated,
            from,
            to: self.to.min(other.to).max(from),
        }
    }

    /// None when there is a gap between the two.
    fn either(self, other: Self) -> Option<Self> {
        let (from, to) = match (self.from == self.to, other.from == other.to) {
            (true, _) => (other.from, other.to),
            (_, true) => (self.from, self.to),
            _ if self.to < other.from || other.to < self.from => return None,
            _ => (self.from.min(other.from), self.to.max(other.to)),
        };
        Some(Self {
            undated: self.undated || other.undated,
            from,
            to,
        })
    }
}

impl Candidates {
    /// What a filter says about keys and start dates narrows the search.
    pub(crate) fn of(view: &View<'_>, table: &'static Table, filter: Option<&Expr>) -> Self {
        let whole = Self {
            place: Place::Span(Span::whole(view, table)),
            exact: filter.is_none(),
        };
        filter
            .and_then(|filter| narrow(view, table, filter))
            .unwrap_or(whole)
    }

    /// A walk through the candidates, if they and the order allow one.
    pub(crate) fn walk<'q>(
        &self,
        view: &'q View<'q>,
        table: &'static Table,
        query: &'q Query,
    ) -> Option<Walk<'q>> {
        match self.place {
            Place::Span(span) => Walk::of(view, table, query, span, self.exact),
            Place::List(_) => None,
        }
    }

    /// Their numbers, in the usual order.
    pub(crate) fn rows(self, view: &View<'_>, table: &'static Table) -> Vec<u64> {
        match self.place {
            Place::Span(span) => Walk::within(view, table, span).take(0, usize::MAX),
            Place::List(list) => list,
        }
    }

    fn exactly(span: Span) -> Self {
        Self {
            place: Place::Span(span),
            exact: true,
        }
    }

    fn listed(list: Vec<u64>) -> Self {
        Self {
            place: Place::List(list),
            exact: false,
        }
    }

    fn inexact(self) -> Self {
        Self {
            exact: false,
            ..self
        }
    }

    fn both(self, other: Self) -> Self {
        match (self.place, other.place) {
            (Place::Span(left), Place::Span(right)) => Self {
                place: Place::Span(left.both(right)),
                exact: self.exact && other.exact,
            },
            (Place::List(list), _) | (_, Place::List(list)) => Self::listed(list),
        }
    }

    fn either(self, other: Self) -> Option<Self> {
        match (self.place, other.place) {
            (Place::Span(left), Place::Span(right)) => Some(Self {
                place: Place::Span(left.either(right)?),
                exact: self.exact && other.exact,
            }),
            _ => None,
        }
    }
}

/// What a condition says about keys and start dates.
fn narrow(view: &View<'_>, table: &'static Table, filter: &Expr) -> Option<Candidates> {
    match filter {
        Expr::And(left, right) => match (narrow(view, table, left), narrow(view, table, right)) {
            (Some(left), Some(right)) => Some(left.both(right)),
            (left, right) => left.or(right).map(Candidates::inexact),
        },
        Expr::Or(left, right) => narrow(view, table, left)?.either(narrow(view, table, right)?),
        Expr::Compare(comparison, left, right) => match (left.as_ref(), right.as_ref()) {
            (column, Expr::Literal(value)) => {
                by_column(view, table, *comparison, column.own_column()?, value)
            }
            (Expr::Literal(value), column) => by_column(
                view,
                table,
                comparison.turned(),
                column.own_column()?,
                value,
            ),
            _ => None,
        },
        _ => None,
    }
}

fn by_column(
    view: &View<'_>,
    table: &'static Table,
    comparison: Comparison,
    column: usize,
    value: &Value,
) -> Option<Candidates> {
    let linked = || {
        table
            .navigation
            .iter()
            .any(|navigation| navigation.link == Link::Foreign(column))
    };
    let single_key = || table.key.as_slice() == [column];
    match (comparison, value) {
        (Comparison::Equal, Value::Guid(_)) if single_key() || linked() => {
            Some(Candidates::listed(view.having(table, column, value)))
        }
        (Comparison::Equal, Value::Int(_)) if single_key() => {
            Some(Candidates::listed(view.having(table, column, value)))
        }
        (_, Value::Date(moment)) if Estate::rises_with(table, column) => {
            by_date(view, table, comparison, *moment).map(Candidates::exactly)
        }
        (_, Value::Null) if Estate::rises_with(table, column) => {
            Some(Candidates::exactly(by_null(view, table, comparison)))
        }
        _ => None,
    }
}

/// Sessions whose start date compares like this with a moment. Those without a date are different from it,
/// which is not a stretch of time.
fn by_date(
    view: &View<'_>,
    table: &'static Table,
    comparison: Comparison,
    moment: i64,
) -> Option<Span> {
    let end = view.end(table);
    let at = || view.first_since(moment);
    let behind = || view.first_since(moment.saturating_add(1));
    let (from, to) = match comparison {
        Comparison::NotEqual => return None,
        Comparison::Equal => (at(), behind()),
        Comparison::Greater => (behind(), end),
        Comparison::GreaterOrEqual => (at(), end),
        Comparison::Less => (0, at()),
        Comparison::LessOrEqual => (0, behind()),
    };
    Some(Span {
        undated: false,
        from,
        to,
    })
}

/// Sessions whose start date compares like this with null: nothing is more or less.
fn by_null(view: &View<'_>, table: &'static Table, comparison: Comparison) -> Span {
    Span {
        undated: comparison == Comparison::Equal,
        from: 0,
        to: if comparison == Comparison::NotEqual {
            view.end(table)
        } else {
            0
        },
    }
}
