//! What a client wants of a stored answer.

use std::time::Duration;

use super::lifetime::Lifetime;

/// How to look for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wish {
    /// The operator's rule for it.
    pub lifetime: Lifetime,
    /// What the client adds to that.
    pub directives: Directives,
}

/// Cache directives of a request (RFC 9111, section 5.2.1). The default is a client that says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Directives {
    /// A new answer, or one that is being made now.
    pub no_cache: bool,
    /// The answer must not be stored.
    pub no_store: bool,
    /// No answer that is older.
    pub max_age: Option<Duration>,
    /// An answer will do, too, that is stale for no longer than this.
    pub max_stale: Option<Duration>,
    /// No answer that is not fresh for so much longer.
    pub min_fresh: Option<Duration>,
    /// A stored answer or none.
    pub only_if_cached: bool,
}

impl Wish {
    /// Whether an answer that is made now may be stored.
    pub fn may_store(&self) -> bool {
        !self.directives.no_store && !self.lifetime.fresh.is_zero()
    }
}
