//! What an expression gives for a row.

use std::borrow::Cow;

use crate::demo::model::Table;
use crate::demo::value::{Row, Value};
use crate::demo::view::View;

use super::expr::{Comparison, Expr, Operator, Path, Relation};

/// A row that names can refer to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) table: &'static Table,
    pub(crate) index: u64,
    /// The cells, where they have been made already.
    pub(crate) row: Option<&'a Row>,
}

impl Expr {
    /// Whether a row passes: unknown is no.
    pub(crate) fn passes(&self, view: &View<'_>, scope: Scope<'_>) -> bool {
        self.truth(view, &[scope]) == Some(true)
    }

    /// The value for a row.
    pub(crate) fn value(&self, view: &View<'_>, scope: Scope<'_>) -> Value {
        self.evaluate(view, &[scope]).into_owned()
    }

    fn truth(&self, view: &View<'_>, scopes: &[Scope<'_>]) -> Option<bool> {
        match self {
            Self::Not(inner) => inner.truth(view, scopes).map(|truth| !truth),
            Self::And(left, right) => match left.truth(view, scopes) {
                Some(false) => Some(false),
                Some(true) => right.truth(view, scopes),
                None => right.truth(view, scopes).filter(|truth| !truth),
            },
            Self::Or(left, right) => match left.truth(view, scopes) {
                Some(true) => Some(true),
                Some(false) => right.truth(view, scopes),
                None => right.truth(view, scopes).filter(|truth| *truth),
            },
            Self::Compare(comparison, left, right) => {
                Some(comparison.holds(&left.evaluate(view, scopes), &right.evaluate(view, scopes)))
            }
            Self::In(left, choices) => {
                let left = left.evaluate(view, scopes);
                Some(
                    choices.iter().any(|choice| {
                        Comparison::Equal.holds(&left, &choice.evaluate(view, scopes))
                    }),
                )
            }
            Self::Exists {
                path,
                relation,
                body,
                all,
            } => Some(exists(view, scopes, path, relation, body.as_deref(), *all)),
            other => match other.evaluate(view, scopes).as_ref() {
                Value::Bool(truth) => Some(*truth),
                _ => None,
            },
        }
    }

    fn evaluate<'a>(&'a self, view: &View<'_>, scopes: &[Scope<'a>]) -> Cow<'a, Value> {
        match self {
            Self::Literal(value) => Cow::Borrowed(value),
            Self::Column(path, column) => column_of(view, scopes, path, *column),
            Self::Row(path) => Cow::Owned(match path.resolve(view, scopes) {
                Some(_) => Value::Bool(true),
                None => Value::Null,
            }),
            Self::Size(path, relation) => {
                let rows = path.resolve(view, scopes).map_or(0, |(_, index)| {
                    view.related(relation.source, index, relation.navigation)
                        .len()
                });
                Cow::Owned(Value::Int(i64::try_from(rows).unwrap_or(i64::MAX)))
            }
            Self::Negative(inner) => Cow::Owned(match inner.evaluate(view, scopes).as_ref() {
                Value::Int(number) => Value::Int(number.wrapping_neg()),
                Value::Double(number) => Value::Double(-number),
                _ => Value::Null,
            }),
            Self::Arithmetic(operator, left, right) => Cow::Owned(
                operator.apply(&left.evaluate(view, scopes), &right.evaluate(view, scopes)),
            ),
            Self::Call(function, arguments) => {
                let arguments: Vec<Value> = arguments
                    .iter()
                    .map(|argument| argument.evaluate(view, scopes).into_owned())
                    .collect();
                Cow::Owned(function.call(&arguments, view.now()))
            }
            other => Cow::Owned(other.truth(view, scopes).map_or(Value::Null, Value::Bool)),
        }
    }
}

impl Path {
    /// The table and number of the row at the end, unless a step leads nowhere.
    fn resolve(&self, view: &View<'_>, scopes: &[Scope<'_>]) -> Option<(&'static Table, u64)> {
        let scope = scopes.get(self.scope)?;
        self.steps
            .iter()
            .try_fold((scope.table, scope.index), |(table, index), step| {
                let next = view.related(table, index, step.navigation);
                Some((step.target()?, *next.first()?))
            })
    }
}

impl Operator {
    fn apply(self, left: &Value, right: &Value) -> Value {
        if let (Value::Int(left), Value::Int(right)) = (left, right) {
            let result = match self {
                Self::Add => left.checked_add(*right),
                Self::Subtract => left.checked_sub(*right),
                Self::Multiply => left.checked_mul(*right),
                Self::Divide => left.checked_div(*right),
                Self::Modulo => left.checked_rem(*right),
            };
            return result.map_or(Value::Null, Value::Int);
        }
        let (Some(left), Some(right)) = (left.number(), right.number()) else {
            return Value::Null;
        };
        Value::Double(match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
            Self::Modulo => left % right,
        })
    }
}

fn column_of<'a>(
    view: &View<'_>,
    scopes: &[Scope<'a>],
    path: &Path,
    column: usize,
) -> Cow<'a, Value> {
    if path.steps.is_empty()
        && let Some(value) = scopes
            .get(path.scope)
            .and_then(|scope| scope.row?.get(column))
    {
        return Cow::Borrowed(value);
    }
    Cow::Owned(
        path.resolve(view, scopes)
            .map_or(Value::Null, |(table, index)| {
                view.cell(table, index, column)
            }),
    )
}

fn exists<'a>(
    view: &View<'_>,
    scopes: &[Scope<'a>],
    path: &Path,
    relation: &Relation,
    body: Option<&'a Expr>,
    all: bool,
) -> bool {
    let Some((_, index)) = path.resolve(view, scopes) else {
        return all;
    };
    let Some(target) = relation.target() else {
        return all;
    };
    let rows = view.related(relation.source, index, relation.navigation);
    let Some(body) = body else {
        return !rows.is_empty();
    };
    let mut inner = scopes.to_vec();
    inner.push(Scope {
        table: target,
        index: 0,
        row: None,
    });
    let mut holds = |index: u64| {
        if let Some(scope) = inner.last_mut() {
            scope.index = index;
        }
        body.truth(view, &inner) == Some(true)
    };
    if all {
        rows.into_iter().all(&mut holds)
    } else {
        rows.into_iter().any(&mut holds)
    }
}
