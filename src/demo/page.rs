//! Rows as JSON, with the related rows that were asked for.

use super::link;
use super::model::{Edm, Table};
use super::moment::Precision;
use super::query::{Expand, Query, Selection};
use super::rows::select;
use super::value::{Row, Value, write_integer, write_text};
use super::view::View;

/// How much the service says about its own data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    None,
    Minimal,
    Full,
}

/// What is the same for all rows of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Style {
    /// `http://host/monitorodata`
    pub(crate) root: String,
    pub(crate) detail: Detail,
    pub(crate) expand_page_size: Option<usize>,
    /// How dates are shown.
    pub(crate) precision: Precision,
}

/// How to write the rows of one table, at one level of nesting.
#[derive(Debug)]
pub(crate) struct Plan<'q> {
    table: &'static Table,
    /// Each column with its name, colon included.
    columns: Vec<(usize, Vec<u8>)>,
    expand: Vec<(&'q Expand, Plan<'q>)>,
    style: &'q Style,
}

impl<'q> Plan<'q> {
    pub(crate) fn new(table: &'static Table, query: &'q Query, style: &'q Style) -> Self {
        let columns: Vec<usize> = match &query.select {
            Selection::All => (0..table.properties.len()).collect(),
            Selection::Columns(columns) => columns.clone(),
        };
        Self {
            table,
            columns: columns
                .into_iter()
                .filter_map(|column| Some((column, label(table, column, style.detail)?)))
                .collect(),
            expand: query
                .expand
                .iter()
                .map(|expand| (expand, Self::new(expand.target, &expand.query, style)))
                .collect(),
            style,
        }
    }

    /// Appends rows, separated by commas, and tells how many that are with those within them.
    pub(crate) fn write_all(&self, view: &View<'_>, indexes: &[u64], out: &mut Vec<u8>) -> u64 {
        let mut row = Row::with_capacity(self.table.properties.len());
        let mut shown = 0;
        for (position, index) in indexes.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            shown += self.write(view, *index, &mut row, out);
        }
        shown
    }

    fn write(&self, view: &View<'_>, index: u64, row: &mut Row, out: &mut Vec<u8>) -> u64 {
        view.row(self.table, index, row);
        out.push(b'{');
        let start = out.len();
        if self.style.detail == Detail::Full {
            self.write_identity(row, out);
        }
        for (column, label) in &self.columns {
            if out.len() > start {
                out.push(b',');
            }
            out.extend_from_slice(label);
            row.get(*column)
                .unwrap_or(&Value::Null)
                .write_shown(self.style.precision, out);
        }
        if self.style.detail == Detail::Full {
            self.write_links(row, out);
        }
        let address = match self.style.expand_page_size {
            Some(_) => address(self.table, row, &self.style.root),
            None => String::new(),
        };
        let mut shown = 1;
        for (expand, plan) in &self.expand {
            if out.len() > start {
                out.push(b',');
            }
            shown += plan.write_related(view, (self.table, index, &address), expand, out);
        }
        out.push(b'}');
        shown
    }

    /// The member of a navigation property, with its annotations; tells how many rows it shows.
    fn write_related(
        &self,
        view: &View<'_>,
        owner: (&Table, u64, &str),
        expand: &Expand,
        out: &mut Vec<u8>,
    ) -> u64 {
        let (source, index, address) = owner;
        let name = &expand.navigation.name;
        let related = view.related(source, index, expand.navigation);
        if !expand.navigation.many {
            write_text(name, out);
            out.push(b':');
            return if let Some(index) = related.first() {
                self.write(view, *index, &mut Row::new(), out)
            } else {
                out.extend_from_slice(b"null");
                0
            };
        }
        let query = &expand.query;
        let found = select(view, self.table, query, related);
        if query.count {
            write_text(&format!("{name}@odata.count"), out);
            out.push(b':');
            write_integer(i64::try_from(found.len()).unwrap_or(i64::MAX), out);
            out.push(b',');
        }
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let wanted: Vec<u64> = found
            .into_iter()
            .skip(size(query.skip))
            .take(query.top.map_or(usize::MAX, size))
            .collect();
        let here = self
            .style
            .expand_page_size
            .unwrap_or(usize::MAX)
            .min(wanted.len());
        write_text(name, out);
        out.extend_from_slice(b":[");
        let shown = self.write_all(view, wanted.get(..here).unwrap_or_default(), out);
        out.push(b']');
        if here < wanted.len() {
            let next = link::next(
                &query.source,
                query.skip + here as u64,
                query.top.map(|top| top - here as u64),
            );
            out.push(b',');
            write_text(&format!("{name}@odata.nextLink"), out);
            out.push(b':');
            write_text(&format!("{address}/{name}?{next}"), out);
        }
        shown
    }

    fn write_identity(&self, row: &Row, out: &mut Vec<u8>) {
        let address = address(self.table, row, &self.style.root);
        let kind = format!("#{}", self.table.kind);
        for (position, (name, text)) in [("type", &kind), ("id", &address), ("editLink", &address)]
            .into_iter()
            .enumerate()
        {
            if position > 0 {
                out.push(b',');
            }
            write_text(&format!("@odata.{name}"), out);
            out.push(b':');
            write_text(text, out);
        }
    }

    fn write_links(&self, row: &Row, out: &mut Vec<u8>) {
        let address = address(self.table, row, &self.style.root);
        for navigation in &self.table.navigation {
            let name = &navigation.name;
            out.push(b',');
            write_text(&format!("{name}@odata.associationLink"), out);
            out.push(b':');
            write_text(&format!("{address}/{name}/$ref"), out);
            out.push(b',');
            write_text(&format!("{name}@odata.navigationLink"), out);
            out.push(b':');
            write_text(&format!("{address}/{name}"), out);
        }
    }
}

/// What the context URL says about the shape of the rows: `(SessionKey,Machine(Name))`.
pub(crate) fn shape(table: &Table, query: &Query) -> String {
    let mut parts: Vec<String> = match &query.select {
        Selection::All => Vec::new(),
        Selection::Columns(columns) => columns
            .iter()
            .filter_map(|column| Some(table.properties.get(*column)?.name.clone()))
            .collect(),
    };
    parts.extend(query.expand.iter().map(|expand| {
        let inner = shape(expand.target, &expand.query);
        let inner = if inner.is_empty() { "()" } else { &inner };
        format!("{}{inner}", expand.navigation.name)
    }));
    if parts.is_empty() {
        String::new()
    } else {
        format!("({})", parts.join(","))
    }
}

/// Where one row lives.
fn address(table: &Table, row: &Row, root: &str) -> String {
    let part = |column: &usize| {
        row.get(*column)
            .map_or(String::new(), |value| link::encode(&value.literal()))
    };
    let key = match table.key.as_slice() {
        [column] => part(column),
        columns => columns
            .iter()
            .filter_map(|column| {
                Some(format!(
                    "{}={}",
                    table.properties.get(*column)?.name,
                    part(column)
                ))
            })
            .collect::<Vec<_>>()
            .join(","),
    };
    format!("{root}/{}({key})", table.name())
}

/// A column's name as JSON, after its type where that is asked for.
fn label(table: &Table, column: usize, detail: Detail) -> Option<Vec<u8>> {
    let property = table.properties.get(column)?;
    let mut label = Vec::new();
    let plain = matches!(
        property.edm,
        Edm::String | Edm::Boolean | Edm::Double | Edm::Int32
    );
    if detail == Detail::Full && !plain {
        write_text(&format!("{}@odata.type", property.name), &mut label);
        label.push(b':');
        write_text(&format!("#{}", property.edm.name()), &mut label);
        label.push(b',');
    }
    write_text(&property.name, &mut label);
    label.push(b':');
    Some(label)
}
