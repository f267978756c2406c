//! Which rows of a table a query is about, and in which order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::model::Table;
use super::narrow::Candidates;
use super::query::{Order, Query, Scope};
use super::value::{Row, Value};
use super::view::View;

/// What a page shows of a search.
#[derive(Debug)]
pub(crate) struct Hits {
    /// Row numbers, in order.
    pub(crate) rows: Vec<u64>,
    /// Whether more rows follow.
    pub(crate) more: bool,
    /// How many rows the search finds; None when nobody asked, and it was not found out by the way.
    pub(crate) total: Option<u64>,
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
    /// Rows may have arrived since an equal search.
    moment: usize,
}

impl Hits {
    /// A page of these rows.
    pub(crate) fn of(
        found: impl ExactSizeIterator<Item = u64>,
        query: &Query,
        limit: usize,
    ) -> Self {
        let total = found.len() as u64;
        let skip = usize::try_from(query.skip).unwrap_or(usize::MAX);
        let rows: Vec<u64> = found.skip(skip).take(limit).collect();
        Self {
            more: query.skip.saturating_add(rows.len() as u64) < total,
            rows,
            total: Some(total),
        }
    }
}

impl Searches {
    /// Up to `limit` rows of a top-level query, behind those that it skips.
    pub(crate) fn page(
        &self,
        view: &View<'_>,
        table: &'static Table,
        query: &Query,
        limit: usize,
    ) -> Hits {
        let candidates = Candidates::of(view, table, query.filter.as_ref());
        if let Some(walk) = candidates.walk(view, table, query) {
            let total = walk.count();
            // Where each row has to be looked at, a later page would begin at the beginning again. It is better off
            // with the list of all rows, as long as that stays true.
            let alone = query.skip < limit as u64 || view.grows();
            if total.is_some() || (alone && !query.count) {
                let mut rows = walk.take(query.skip, limit.saturating_add(1));
                let more = rows.len() > limit;
                rows.truncate(limit);
                return Hits { rows, more, total };
            }
        }
        let found = self.all(view, table, query, candidates);
        Hits::of(found.iter().map(|index| u64::from(*index)), query, limit)
    }

    /// How many rows a top-level query finds.
    pub(crate) fn count(&self, view: &View<'_>, table: &'static Table, query: &Query) -> u64 {
        let candidates = Candidates::of(view, table, query.filter.as_ref());
        let known = candidates
            .walk(view, table, query)
            .and_then(|walk| walk.count());
        known.unwrap_or_else(|| self.all(view, table, query, candidates).len() as u64)
    }

    /// All rows that a query finds, from memory if possible.
    fn all(
        &self,
        view: &View<'_>,
        table: &'static Table,
        query: &Query,
        candidates: Candidates,
    ) -> Arc<Vec<u32>> {
        let search = Search {
            table: table.id,
            filter: query.source.value("$filter").map(str::to_owned),
            order: query.source.value("$orderby").map(str::to_owned),
            moment: view.moment(),
        };
        if let Some(known) = self.known(&search) {
            return known;
        }
        let found = select(view, table, query, candidates.rows(view, table));
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
        found
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
    view: &View<'_>,
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
                view.row(table, *index, &mut row);
                filter.passes(
                    view,
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
        sort(view, table, &query.order, &mut found);
    }
    found
}

/// Sorts by all criteria; equal rows keep their usual order.
pub(crate) fn sort(view: &View<'_>, table: &'static Table, order: &[Order], found: &mut Vec<u64>) {
    let mut row = Row::new();
    // A single cell is often to be had without its row.
    let single = order.len() == 1;
    let mut keyed: Vec<(Vec<Value>, u64)> = found
        .iter()
        .map(|index| {
            if !single {
                view.row(table, *index, &mut row);
            }
            let scope = Scope {
                table,
                index: *index,
                row: (!single).then_some(&row),
            };
            (
                order
                    .iter()
                    .map(|order| order.by.value(view, scope))
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
