//! The part of OData's language that the service understands, bound to its model.
//!
//! Names are resolved while parsing, so an expression that parsed can be evaluated. This room reads no rows
//! but through the estate, and knows nothing of pages or HTTP.

pub(crate) mod apply;
mod bind;
pub(crate) mod eval;
mod expr;
mod functions;
pub(crate) mod lexer;
mod options;
mod parser;

use thiserror::Error;

pub(crate) use self::eval::Scope;
pub(crate) use self::expr::{Comparison, Expr};
pub(crate) use self::options::{Expand, Order, Pairs, Query, Selection};

/// Why a query cannot be answered; the text goes to the client.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub(crate) struct QueryError(pub(crate) String);

impl QueryError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    pub(crate) fn unknown_property(name: &str, kind: &str) -> Self {
        Self(format!(
            "Could not find a property named '{name}' on type '{kind}'."
        ))
    }
}
