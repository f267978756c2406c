//! From a question to a page: which rows, how many, and what comes next.

use std::sync::Arc;

use super::arrivals::{Arrivals, Waiting};
use super::estate::Estate;
use super::figures;
use super::model::{Model, Table};
use super::page::{Plan, Style, shape};
use super::query::{Query, QueryError};
use super::resource::Resource;
use super::rows::{Hits, Searches, select};
use super::view::View;

/// One page of rows.
#[derive(Debug)]
pub(crate) struct Page {
    /// What the rows are, as in `Sessions(SessionKey)`.
    pub(crate) context: String,
    /// All rows, where that was asked for.
    pub(crate) total: Option<u64>,
    /// Rows as JSON, separated by commas.
    pub(crate) rows: Vec<u8>,
    /// How many rows that are, those within rows included.
    pub(crate) shown: u64,
    pub(crate) next: Option<Next>,
}

/// Where the next page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Next {
    pub(crate) skip: u64,
    /// What is left of `$top`.
    pub(crate) top: Option<u64>,
}

/// What the simulator knows.
#[derive(Debug)]
pub(crate) struct Library {
    pub(crate) estate: Estate,
    pub(crate) arrivals: Arrivals,
    pub(crate) searches: Searches,
}

impl Library {
    /// The estate as a query sees it when these rows have not arrived.
    pub(crate) fn view(&self, waiting: Arc<Waiting>) -> View<'_> {
        View::new(&self.estate, waiting)
    }

    /// A page of a set.
    pub(crate) fn page(
        &self,
        view: &View<'_>,
        table: &'static Table,
        query: &Query,
        style: &Style,
        page_size: usize,
    ) -> Result<Page, QueryError> {
        if let Some(steps) = &query.apply {
            return figures::page(view, table, steps, query, (style.precision, page_size));
        }
        let hits = self
            .searches
            .page(view, table, query, limit(query, page_size));
        Ok(shown(view, table, &hits, query, style))
    }

    /// How many rows of a set a query finds.
    pub(crate) fn count(&self, view: &View<'_>, table: &'static Table, query: &Query) -> u64 {
        self.searches.count(view, table, query)
    }
}

/// A page of the rows related to one row; none when there is no such row.
pub(crate) fn related(
    view: &View<'_>,
    resource: &Resource,
    query: &Query,
    style: &Style,
    page_size: usize,
) -> Option<Page> {
    let Resource::Related(table, key, navigation) = resource else {
        return None;
    };
    let target = Model::published().table(navigation.target)?;
    let index = view.find(table, key)?;
    let related = view.related(table, index, navigation);
    let found = select(view, target, query, related);
    let page_size = style
        .expand_page_size
        .map_or(page_size, |size| size.min(page_size));
    let hits = Hits::of(found.into_iter(), query, limit(query, page_size));
    Some(shown(view, target, &hits, query, style))
}

/// One row as an entity, and how many rows that shows with those in `$expand`.
pub(crate) fn row(
    view: &View<'_>,
    table: &'static Table,
    index: u64,
    query: &Query,
    style: &Style,
) -> (Vec<u8>, u64) {
    let mut out = Vec::new();
    let shown = Plan::new(table, query, style).write_all(view, &[index], &mut out);
    (out, shown)
}

fn shown(
    view: &View<'_>,
    table: &'static Table,
    hits: &Hits,
    query: &Query,
    style: &Style,
) -> Page {
    let mut out = Vec::with_capacity(hits.rows.len() * 512);
    let shown = Plan::new(table, query, style).write_all(view, &hits.rows, &mut out);
    let own = hits.rows.len() as u64;
    let goes_on = hits.more && query.top.is_none_or(|top| top > own);
    Page {
        context: format!("{}{}", table.name(), shape(table, query)),
        total: hits.total.filter(|_| query.count),
        rows: out,
        shown,
        next: goes_on.then(|| Next {
            skip: query.skip + own,
            top: query.top.map(|top| top - own),
        }),
    }
}

/// How many rows a page may show.
fn limit(query: &Query, page_size: usize) -> usize {
    let top = query.top.and_then(|top| usize::try_from(top).ok());
    top.map_or(page_size, |top| top.min(page_size))
}
