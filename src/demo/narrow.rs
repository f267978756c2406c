//! Where a search has to look: keys and start dates in a filter spare most of the table.

use super::estate::Estate;
use super::model::{Link, Table};
use super::query::{Comparison, Expr};
use super::value::Value;

/// Rows that could pass, found without looking at all of them.
#[derive(Debug)]
pub(crate) enum Candidates {
    Range(u64, u64),
    List(Vec<u64>),
}

impl Candidates {
    /// What a filter says about keys and start dates narrows the search.
    pub(crate) fn of(estate: &Estate, table: &'static Table, filter: Option<&Expr>) -> Self {
        let all = Self::Range(0, estate.count(table));
        filter.map_or(all, |filter| {
            narrow(estate, table, filter).unwrap_or(Self::Range(0, estate.count(table)))
        })
    }

    fn both(self, other: Self) -> Self {
        match (self, other) {
            (Self::Range(first, last), Self::Range(from, to)) => {
                Self::Range(first.max(from), last.min(to))
            }
            (Self::List(list), _) | (_, Self::List(list)) => Self::List(list),
        }
    }
}

impl IntoIterator for Candidates {
    type Item = u64;
    type IntoIter = Box<dyn Iterator<Item = u64>>;

    fn into_iter(self) -> Self::IntoIter {
        match self {
            Self::Range(from, to) => Box::new(from..to),
            Self::List(list) => Box::new(list.into_iter()),
        }
    }
}

/// What a condition says about keys and start dates.
fn narrow(estate: &Estate, table: &'static Table, filter: &Expr) -> Option<Candidates> {
    match filter {
        Expr::And(left, right) => match (narrow(estate, table, left), narrow(estate, table, right))
        {
            (Some(left), Some(right)) => Some(left.both(right)),
            (left, right) => left.or(right),
        },
        Expr::Compare(comparison, left, right) => match (left.as_ref(), right.as_ref()) {
            (Expr::Column(path, column), Expr::Literal(value))
                if path.scope == 0 && path.steps.is_empty() =>
            {
                by_column(estate, table, *comparison, *column, value)
            }
            _ => None,
        },
        _ => None,
    }
}

fn by_column(
    estate: &Estate,
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
            Some(Candidates::List(estate.having(table, column, value)))
        }
        (Comparison::Equal, Value::Int(_)) if single_key() => {
            Some(Candidates::List(estate.having(table, column, value)))
        }
        (_, Value::Date(moment)) if Estate::rises_with(table, column) => {
            let (count, before) = (estate.count(table), |moment| {
                estate.first_session_since(moment)
            });
            Some(match comparison {
                Comparison::Equal => {
                    Candidates::Range(before(*moment), before(moment.saturating_add(1)))
                }
                Comparison::NotEqual => return None,
                Comparison::Greater => Candidates::Range(before(moment.saturating_add(1)), count),
                Comparison::GreaterOrEqual => Candidates::Range(before(*moment), count),
                Comparison::Less => Candidates::Range(0, before(*moment)),
                Comparison::LessOrEqual => Candidates::Range(0, before(moment.saturating_add(1))),
            })
        }
        _ => None,
    }
}
