//! From a question to a page: which rows, how many, and what comes next.

use super::estate::Estate;
use super::figures;
use super::model::{Model, Table};
use super::page::{Plan, Style, shape};
use super::query::{Query, QueryError};
use super::resource::Resource;
use super::rows::{Rows, Searches, select};

/// One page of rows.
#[derive(Debug)]
pub(crate) struct Page {
    /// What the rows are, as in `Sessions(SessionKey)`.
    pub(crate) context: String,
    /// All rows, where that was asked for.
    pub(crate) total: Option<u64>,
    /// Rows as JSON, separated by commas.
    pub(crate) rows: Vec<u8>,
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
    pub(crate) searches: Searches,
}

impl Library {
    /// A page of a set.
    pub(crate) fn page(
        &self,
        table: &'static Table,
        query: &Query,
        style: &Style,
        page_size: usize,
    ) -> Result<Page, QueryError> {
        if let Some(steps) = &query.apply {
            return figures::page(&self.estate, table, steps, query, page_size);
        }
        let rows = self.searches.rows(&self.estate, table, query);
        Ok(self.cut(table, table.name(), &rows, query, style, page_size))
    }

    /// A page of the rows related to one row; none when there is no such row.
    pub(crate) fn related(
        &self,
        resource: &Resource,
        query: &Query,
        style: &Style,
        page_size: usize,
    ) -> Option<Page> {
        let Resource::Related(table, key, navigation) = resource else {
            return None;
        };
        let target = Model::published().table(navigation.target)?;
        let index = self.estate.find(table, key)?;
        let related = self.estate.related(table, index, navigation);
        let found = select(&self.estate, target, query, related);
        let rows = Rows::Some(
            found
                .into_iter()
                .filter_map(|index| u32::try_from(index).ok())
                .collect::<Vec<_>>()
                .into(),
        );
        let page_size = style
            .expand_page_size
            .map_or(page_size, |size| size.min(page_size));
        Some(self.cut(target, target.name(), &rows, query, style, page_size))
    }

    /// One row, as an entity.
    pub(crate) fn row(
        &self,
        table: &'static Table,
        index: u64,
        query: &Query,
        style: &Style,
    ) -> Vec<u8> {
        let mut out = Vec::new();
        Plan::new(table, query, style).write_all(&self.estate, &[index], &mut out);
        out
    }

    fn cut(
        &self,
        table: &'static Table,
        name: &str,
        rows: &Rows,
        query: &Query,
        style: &Style,
        page_size: usize,
    ) -> Page {
        let (shown, next) = cut(query, rows.count(), page_size);
        let mut out = Vec::with_capacity(usize::try_from(shown).unwrap_or(0) * 512);
        Plan::new(table, query, style).write_all(
            &self.estate,
            &rows.slice(query.skip, shown),
            &mut out,
        );
        Page {
            context: format!("{name}{}", shape(table, query)),
            total: query.count.then(|| rows.count()),
            rows: out,
            next,
        }
    }
}

/// How many rows to show of `count`, and where to go on.
pub(crate) fn cut(query: &Query, count: u64, page_size: usize) -> (u64, Option<Next>) {
    let left = count.saturating_sub(query.skip);
    let wanted = query.top.map_or(left, |top| top.min(left));
    let shown = wanted.min(page_size as u64);
    let next = (shown < wanted).then(|| Next {
        skip: query.skip + shown,
        top: query.top.map(|top| top - shown),
    });
    (shown, next)
}
