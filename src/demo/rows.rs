//! Which rows of a table a query is about, and in which order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::estate::Estate;
use super::model::{Link, Table};
use super::query::{Comparison, Expr, Order, Query, Scope};
use super::value::{Row, Value};

/// Row numbers, in order.
#[derive(Debug, Clone)]
pub(crate) enum Rows {
    /// All rows in their usual order: nothing to store.
    All(u64),
    Some(Arc<Vec<u32>>),
}

/// The answers to recent searches: paging through a filtered set must not search again for each page.
#[derive(Debug, Default)]
pub(crate) struct Searches {
    recent: Mutex<VecDeque<Found>>,
}

/// A search and its rows.
#[derive(Debug)]
struct Found {
    search: Search,
    rows: Arc<Vec<u32>>,
}

/// What makes two searches the same.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Search {
    table: usize,
    filter: Option<String>,
    order: Option<String>,
}

impl Rows {
    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::All(count) => *count,
            Self::Some(list) => list.len() as u64,
        }
    }

    /// Up to `limit` rows after the first `skip`.
    pub(crate) fn slice(&self, skip: u64, limit: u64) -> Vec<u64> {
        match self {
            Self::All(count) => {
                (skip.min(*count)..skip.saturating_add(limit).min(*count)).collect()
            }
            Self::Some(list) => list
                .iter()
                .skip(usize::try_from(skip).unwrap_or(usize::MAX))
                .take(usize::try_from(limit).unwrap_or(usize::MAX))
                .map(|index| u64::from(*index))
                .collect(),
        }
    }
}

impl Searches {
    /// The rows of a top-level query.
    pub(crate) fn rows(&self, estate: &Estate, table: &'static Table, query: &Query) -> Rows {
        if query.filter.is_none() && query.order.is_empty() {
            return Rows::All(estate.count(table));
        }
        let search = Search {
            table: table.id,
            filter: query.source.value("$filter").map(str::to_owned),
            order: query.source.value("$orderby").map(str::to_owned),
        };
        if let Some(known) = self.known(&search) {
            return Rows::Some(known);
        }
        let candidates = Candidates::of(estate, table, query.filter.as_ref());
        let found = select(estate, table, query, candidates);
        let found = Arc::new(
            found
                .into_iter()
                .filter_map(|index| u32::try_from(index).ok())
                .collect(),
        );
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.push_front(Found {
            search,
            rows: Arc::clone(&found),
        });
        recent.truncate(SEARCHES_MAX);
        Rows::Some(found)
    }

    fn known(&self, search: &Search) -> Option<Arc<Vec<u32>>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent
            .iter()
            .find(|found| found.search == *search)
            .map(|found| Arc::clone(&found.rows))
    }
}

/// Filters and orders these rows.
pub(crate) fn select(
    estate: &Estate,
    table: &'static Table,
    query: &Query,
    candidates: impl IntoIterator<Item = u64>,
) -> Vec<u64> {
    let mut row = Row::with_capacity(table.properties.len());
    let mut found: Vec<u64> = match &query.filter {
        None => candidates.into_iter().collect(),
        Some(filter) => candidates
            .into_iter()
            .filter(|index| {
                estate.row(table, *index, &mut row);
                filter.passes(
                    estate,
                    Scope {
                        table,
                        index: *index,
                        row: Some(&row),
                    },
                )
            })
            .collect(),
    };
    if !query.order.is_empty() {
        sort(estate, table, &query.order, &mut found);
    }
    found
}

/// Rows that could pass, found without looking at all of them.
#[derive(Debug)]
enum Candidates {
    Range(u64, u64),
    List(Vec<u64>),
}

impl Candidates {
    fn of(estate: &Estate, table: &'static Table, filter: Option<&Expr>) -> Self {
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

/// Sorts by all criteria; equal rows keep their usual order.
fn sort(estate: &Estate, table: &'static Table, order: &[Order], found: &mut Vec<u64>) {
    let mut row = Row::new();
    let mut keyed: Vec<(Vec<Value>, u64)> = found
        .iter()
        .map(|index| {
            estate.row(table, *index, &mut row);
            let scope = Scope {
                table,
                index: *index,
                row: Some(&row),
            };
            (
                order
                    .iter()
                    .map(|order| order.by.value(estate, scope))
                    .collect(),
                *index,
            )
        })
        .collect();
    keyed.sort_by(|(left, _), (right, _)| {
        left.iter()
            .zip(right)
            .zip(order)
            .map(|((left, right), order)| {
                let ordering = left.sort_order(right);
                if order.descending {
                    ordering.reverse()
                } else {
                    ordering
                }
            })
            .find(|ordering| ordering.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    found.clear();
    found.extend(keyed.into_iter().map(|(_, index)| index));
}

const SEARCHES_MAX: usize = 8;
