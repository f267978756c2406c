//! What an answer is made for.

use std::time::Duration;

use crate::cache::lifetime::Lifetime;
use crate::cache::wish::Wish;

/// What an answer is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cache) struct Purpose {
    /// How long it is fresh.
    pub(in crate::cache) fresh: Duration,
    /// The age from which on it is of no use to anybody.
    pub(in crate::cache) useful: Duration,
    /// Whether it may become an entry.
    pub(in crate::cache) storable: bool,
    /// Whether it is made though nobody reads it.
    pub(in crate::cache) in_background: bool,
}

impl Purpose {
    /// For a client who waits for it.
    pub(in crate::cache) fn of(wish: &Wish) -> Self {
        Self {
            storable: wish.may_store(),
            in_background: false,
            ..Self::background(wish.lifetime)
        }
    }

    /// For those who come later.
    pub(in crate::cache) fn background(lifetime: Lifetime) -> Self {
        Self {
            fresh: lifetime.fresh,
            useful: lifetime.useful(),
            storable: !lifetime.fresh.is_zero(),
            in_background: true,
        }
    }
}
