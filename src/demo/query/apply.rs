//! The transformations of `$apply`.

use crate::demo::model::Table;

use super::QueryError;
use super::expr::Expr;
use super::options::split;
use super::parser;

/// One transformation of a pipeline.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Filter(Expr),
    /// Groups by columns, and computes figures for each group.
    Group(Vec<Named>, Vec<Figure>),
}

/// A grouping column: the path as it appears in the answer.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) path: Vec<String>,
    pub(crate) value: Expr,
}

/// A computed column.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) method: Method,
    /// None for `$count`.
    pub(crate) value: Option<Expr>,
}

/// How many values become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Sum,
    Average,
    Min,
    Max,
    CountDistinct,
    Count,
}

/// Reads a pipeline: filters first, then at most one grouping.
pub(crate) fn steps(text: &str, table: &'static Table) -> Result<Vec<Step>, QueryError> {
    let mut steps = Vec::new();
    for piece in split(text, '/') {
        if matches!(steps.last(), Some(Step::Group(..))) {
            return Err(QueryError::new(
                "Transformations after groupby or aggregate are not supported.",
            ));
        }
        let (name, inner) = piece
            .split_once('(')
            .and_then(|(name, rest)| Some((name.trim(), rest.strip_suffix(')')?)))
            .ok_or_else(|| {
                QueryError(format!("'{piece}' is not a valid $apply transformation."))
            })?;
        steps.push(match name {
            "filter" => Step::Filter(parser::filter(inner, table)?),
            "aggregate" => Step::Group(Vec::new(), figures(inner, table)?),
            "groupby" => group(inner, table)?,
            other => {
                return Err(QueryError(format!(
                    "The transformation '{other}' is not supported."
                )));
            }
        });
    }
    Ok(steps)
}

fn group(text: &str, table: &'static Table) -> Result<Step, QueryError> {
    let pieces = split(text, ',');
    let broken = || QueryError(format!("'{text}' is not a valid groupby expression."));
    let names = pieces
        .first()
        .and_then(|names| names.strip_prefix('(')?.strip_suffix(')'))
        .ok_or_else(broken)?;
    let columns = split(names, ',')
        .into_iter()
        .map(|path| {
            let value = parser::expression(path, table)?;
            Ok(Named {
                path: path.split('/').map(str::to_owned).collect(),
                value,
            })
        })
        .collect::<Result<_, QueryError>>()?;
    let computed = match pieces.get(1) {
        Some(piece) => {
            let inner = piece
                .strip_prefix("aggregate(")
                .and_then(|rest| rest.strip_suffix(')'));
            figures(inner.ok_or_else(broken)?, table)?
        }
        None => Vec::new(),
    };
    Ok(Step::Group(columns, computed))
}

fn figures(text: &str, table: &'static Table) -> Result<Vec<Figure>, QueryError> {
    split(text, ',')
        .into_iter()
        .map(|piece| figure(piece, table))
        .collect()
}

fn figure(text: &str, table: &'static Table) -> Result<Figure, QueryError> {
    let broken = || QueryError(format!("'{text}' is not a valid aggregate expression."));
    let (source, name) = text.rsplit_once(" as ").ok_or_else(broken)?;
    if source.trim() == "$count" {
        return Ok(Figure {
            name: name.trim().to_owned(),
            method: Method::Count,
            value: None,
        });
    }
    let (value, method) = source.rsplit_once(" with ").ok_or_else(broken)?;
    let method = match method.trim() {
        "sum" => Method::Sum,
        "average" => Method::Average,
        "min" => Method::Min,
        "max" => Method::Max,
        "countdistinct" => Method::CountDistinct,
        _ => return Err(broken()),
    };
    Ok(Figure {
        name: name.trim().to_owned(),
        method,
        value: Some(parser::expression(value.trim(), table)?),
    })
}
