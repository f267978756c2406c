//! Which rows of a table a query is about, and in which order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::estate::Estate;
use super::model::Table;
use super::narrow::Candidates;
use super::query::{Order, Query, Scope};
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
