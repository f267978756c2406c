//! The tree of a `$filter` or `$orderby` expression, with all names resolved.

use std::cmp::Ordering;

use crate::demo::model::{Edm, Navigation, Table};
use crate::demo::value::Value;

use super::functions::Function;

/// An expression.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Literal(Value),
    /// A column of the row that a path leads to.
    Column(Path, usize),
    /// The row that a path leads to, to be compared with null.
    Row(Path),
    /// How many rows a collection has.
    Size(Path, Relation),
    /// Whether the body holds for one row of a collection, or for all.
    Exists {
        path: Path,
        relation: Relation,
        body: Option<Box<Expr>>,
        all: bool,
    },
    Not(Box<Expr>),
    Negative(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Vec<Expr>),
    Arithmetic(Operator, Box<Expr>, Box<Expr>),
    Call(Function, Vec<Expr>),
}

/// Single navigation from one of the rows in scope.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    /// 0 is the row being filtered; lambda variables follow.
    pub(crate) scope: usize,
    pub(crate) steps: Vec<Relation>,
    /// Where it ends.
    pub(crate) end: &'static Table,
}

/// A navigation property and the table that has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Relation {
    pub(crate) source: &'static Table,
    pub(crate) navigation: &'static Navigation,
}

/// `eq` and its relatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// `add` and its relatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// What an expression gives, as far as it matters for comparing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Truth,
    Number,
    Text,
    Date,
    Guid,
    Row,
}

impl Expr {
    /// The column of the very row that is looked at, when the expression is nothing more.
    pub(crate) fn own_column(&self) -> Option<usize> {
        match self {
            Self::Column(path, column) if path.scope == 0 && path.steps.is_empty() => Some(*column),
            _ => None,
        }
    }
}

impl Comparison {
    pub(crate) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "eq" => Self::Equal,
            "ne" => Self::NotEqual,
            "gt" => Self::Greater,
            "ge" => Self::GreaterOrEqual,
            "lt" => Self::Less,
            "le" => Self::LessOrEqual,
            _ => return None,
        })
    }

    /// The same with the sides exchanged.
    pub(crate) fn turned(self) -> Self {
        match self {
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            same => same,
        }
    }

    /// Two nulls are equal; one null is different from everything and neither more nor less.
    pub(crate) fn holds(self, left: &Value, right: &Value) -> bool {
        let equal = match (left.is_null(), right.is_null()) {
            (true, true) => true,
            (false, false) => left.compare(right) == Some(Ordering::Equal),
            _ => false,
        };
        match self {
            Self::Equal => equal,
            Self::NotEqual => !equal,
            Self::Greater => left.compare(right) == Some(Ordering::Greater),
            Self::Less => left.compare(right) == Some(Ordering::Less),
            Self::GreaterOrEqual => matches!(
                left.compare(right),
                Some(Ordering::Greater | Ordering::Equal)
            ),
            Self::LessOrEqual => {
                matches!(left.compare(right), Some(Ordering::Less | Ordering::Equal))
            }
        }
    }
}

impl Kind {
    pub(crate) fn of(expr: &Expr) -> Self {
        match expr {
            Expr::Literal(value) => Self::of_value(value),
            Expr::Column(path, column) => path.column_kind(*column),
            Expr::Row(_) => Self::Row,
            Expr::Size(..) | Expr::Negative(_) | Expr::Arithmetic(..) => Self::Number,
            Expr::Call(function, _) => function.kind(),
            _ => Self::Truth,
        }
    }

    pub(crate) fn of_edm(edm: Edm) -> Self {
        match edm {
            Edm::Boolean => Self::Truth,
            Edm::Int16 | Edm::Int32 | Edm::Int64 | Edm::Double => Self::Number,
            Edm::String => Self::Text,
            Edm::Guid => Self::Guid,
            Edm::DateTimeOffset => Self::Date,
        }
    }

    pub(crate) fn comparable(self, other: Self) -> bool {
        self == other || self == Self::Null || other == Self::Null
    }

    /// The name in error messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Truth => "Edm.Boolean",
            Self::Number => "Edm.Int32",
            Self::Text => "Edm.String",
            Self::Date => "Edm.DateTimeOffset",
            Self::Guid => "Edm.Guid",
            Self::Row => "an entity",
        }
    }

    fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Truth,
            Value::Int(_) | Value::Double(_) => Self::Number,
            Value::Text(_) => Self::Text,
            Value::Date(_) => Self::Date,
            Value::Guid(_) => Self::Guid,
        }
    }
}

impl Path {
    fn column_kind(&self, column: usize) -> Kind {
        self.end
            .properties
            .get(column)
            .map_or(Kind::Null, |property| Kind::of_edm(property.edm))
    }
}

impl Relation {
    pub(crate) fn target(&self) -> Option<&'static Table> {
        crate::demo::model::Model::published().table(self.navigation.target)
    }
}
