//! The options of a query: `$filter`, `$select`, `$expand` and the rest, top level and nested.

use percent_encoding::percent_decode_str;

use crate::demo::model::{Navigation, Table};

use super::QueryError;
use super::apply::{Step, steps};
use super::expr::Expr;
use super::parser;

/// Names and values of a query string, decoded, in the order given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pairs(pub(crate) Vec<(String, String)>);

/// What is asked of a collection.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) filter: Option<Expr>,
    pub(crate) order: Vec<Order>,
    pub(crate) select: Selection,
    pub(crate) expand: Vec<Expand>,
    pub(crate) top: Option<u64>,
    pub(crate) skip: u64,
    pub(crate) count: bool,
    pub(crate) apply: Option<Vec<Step>>,
    /// The options as they were written.
    pub(crate) source: Pairs,
}

/// One criterion of `$orderby`.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) by: Expr,
    pub(crate) descending: bool,
}

/// Which columns to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    All,
    Columns(Vec<usize>),
}

/// Related rows to show within a row.
#[derive(Debug, Clone)]
pub(crate) struct Expand {
    pub(crate) navigation: &'static Navigation,
    pub(crate) target: &'static Table,
    pub(crate) query: Query,
}

impl Pairs {
    /// Takes a query string apart; `+` is a space.
    pub(crate) fn of(query: &str) -> Self {
        let decode = |text: &str| {
            percent_decode_str(&text.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned()
        };
        Self(
            query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| match pair.split_once('=') {
                    Some((name, value)) => (decode(name), decode(value)),
                    None => (decode(pair), String::new()),
                })
                .collect(),
        )
    }

    /// The value of an option.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl Query {
    /// Reads the options for a table; what does not start with `$` is ignored.
    pub(crate) fn parse(pairs: &Pairs, table: &'static Table) -> Result<Self, QueryError> {
        Self::with_depth(pairs, table, 0)
    }

    fn with_depth(pairs: &Pairs, table: &'static Table, depth: usize) -> Result<Self, QueryError> {
        if depth > EXPAND_DEPTH_MAX {
            return Err(QueryError::new(
                "The request includes an $expand path which is too deep.",
            ));
        }
        let mut query = Self {
            filter: None,
            order: Vec::new(),
            select: Selection::All,
            expand: Vec::new(),
            top: None,
            skip: 0,
            count: false,
            apply: None,
            source: pairs.clone(),
        };
        for (name, value) in &pairs.0 {
            let Some(option) = name.strip_prefix('$') else {
                continue;
            };
            match option.to_ascii_lowercase().as_str() {
                // After a transformation, names are those of its result.
                "orderby" if pairs.value("$apply").is_some() => {}
                "filter" if pairs.value("$apply").is_some() => {
                    return Err(QueryError::new(
                        "$filter beside $apply is not supported; put the filter inside.",
                    ));
                }
                "filter" => query.filter = Some(parser::filter(value, table)?),
                "orderby" => query.order = order(value, table)?,
                "select" => query.select = select(value, table)?,
                "expand" => query.expand = expand(value, table, depth)?,
                "top" => query.top = Some(number(name, value)?),
                "skip" | "skiptoken" => query.skip = number(name, value)?,
                "count" => query.count = truth(name, value)?,
                "apply" => query.apply = Some(steps(value, table)?),
                "format" | "levels" => {}
                _ => {
                    return Err(QueryError(format!(
                        "The query parameter '{name}' is not supported."
                    )));
                }
            }
        }
        Ok(query)
    }
}

/// Splits at a separator outside of parentheses and quotes; empty pieces are dropped.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut depth, mut quoted, mut start) = (0_i32, false, 0);
    let mut pieces = Vec::new();
    for (place, letter) in text.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ if letter == separator && depth == 0 && !quoted => {
                pieces.push(text.get(start..place).unwrap_or_default());
                start = place + letter.len_utf8();
            }
            _ => {}
        }
    }
    pieces.push(text.get(start..).unwrap_or_default());
    pieces
        .into_iter()
        .map(str::trim)
        .filter(|piece| !piece.is_empty())
        .collect()
}

fn order(text: &str, table: &'static Table) -> Result<Vec<Order>, QueryError> {
    split(text, ',')
        .into_iter()
        .map(|piece| {
            let (by, descending) = match piece.rsplit_once(char::is_whitespace) {
                Some((by, "desc")) => (by, true),
                Some((by, "asc")) => (by, false),
                _ => (piece, false),
            };
            Ok(Order {
                by: parser::expression(by, table)?,
                descending,
            })
        })
        .collect()
}

fn select(text: &str, table: &'static Table) -> Result<Selection, QueryError> {
    let mut columns = Vec::new();
    for name in split(text, ',') {
        if name == "*" {
            return Ok(Selection::All);
        }
        match table.column(name) {
            Some(column) => columns.push(column),
            // Selecting a navigation property only asks for its link.
            None if table.navigation(name).is_some() => {}
            None => return Err(QueryError::unknown_property(name, &table.kind)),
        }
    }
    // Columns come in schema order, whatever the order of asking.
    columns.sort_unstable();
    columns.dedup();
    Ok(if text.trim().is_empty() {
        Selection::All
    } else {
        Selection::Columns(columns)
    })
}

fn expand(text: &str, table: &'static Table, depth: usize) -> Result<Vec<Expand>, QueryError> {
    split(text, ',')
        .into_iter()
        .map(|piece| {
            let (path, options) = match piece.split_once('(') {
                Some((path, rest)) => (
                    path.trim(),
                    rest.strip_suffix(')').ok_or_else(|| {
                        QueryError(format!(
                            "Found an unbalanced bracket expression in '{text}'."
                        ))
                    })?,
                ),
                None => (piece, ""),
            };
            // `Machine/DesktopGroup` is short for `Machine($expand=DesktopGroup)`.
            let (name, options) = match path.split_once('/') {
                Some((name, rest)) if options.is_empty() => (name, format!("$expand={rest}")),
                Some((name, rest)) => (name, format!("$expand={rest}({options})")),
                None => (path, options.to_owned()),
            };
            let navigation = table
                .navigation(name)
                .ok_or_else(|| QueryError::unknown_property(name, &table.kind))?;
            let target = crate::demo::model::Model::published()
                .table(navigation.target)
                .ok_or_else(|| QueryError::unknown_property(name, &table.kind))?;
            let pairs = Pairs(
                split(&options, ';')
                    .into_iter()
                    .filter_map(|option| option.split_once('='))
                    .map(|(name, value)| (name.trim().to_owned(), value.to_owned()))
                    .collect(),
            );
            Ok(Expand {
                navigation,
                target,
                query: Query::with_depth(&pairs, target, depth + 1)?,
            })
        })
        .collect()
}

fn number(name: &str, value: &str) -> Result<u64, QueryError> {
    value
        .trim()
        .parse()
        .map_err(|_| QueryError(format!("Invalid value '{value}' for {name} query option found. The {name} query option requires a non-negative integer value.")))
}

fn truth(name: &str, value: &str) -> Result<bool, QueryError> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(QueryError(format!(
            "Invalid value '{value}' for {name} query option found."
        ))),
    }
}

const EXPAND_DEPTH_MAX: usize = 12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::demo::model::Model;

    #[test]
    fn splits_outside_of_brackets_and_quotes() {
        assert_eq!(split("a(b,c), 'd,e' ,,f,", ','), ["a(b,c)", "'d,e'", "f"]);
    }

    #[test]
    fn reads_plus_and_percent() {
        let pairs = Pairs::of("%24filter=A+eq+%27%2B%27&&x");
        assert_eq!(pairs.value("$FILTER"), Some("A eq '+'"));
        assert_eq!(pairs.value("x"), Some(""));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(
            option in "\\$(filter|orderby|select|expand|apply|top)",
            text in "(Machine|Connections|any|StartDate|2026-0|'|\\(|\\)|,|;|=|/|:| |eq|ü|-|1e|\\PC){0,20}",
        ) {
            if let Some(table) = Model::published().set("Sessions") {
                let _ = Query::parse(&Pairs(vec![(option, text)]), table);
            }
        }
    }
}
