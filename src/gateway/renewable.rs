//! Stored answers, as somebody sees them who may have new ones made.

use std::cmp::Reverse;
use std::time::Duration;

use super::{Ask, Directives, Gateway, Party, SharedError, Which};
use crate::cache::Stored;
use crate::odata::name::SiteId;

/// A stored answer, and the question that has it.
#[derive(Debug, Clone)]
pub struct Renewable {
    /// What it answers. A client who asks this is given it.
    pub ask: Ask,
    /// How long it is fresh, from when it was asked for.
    pub fresh: Duration,
    /// How much of that is left; nothing: it is stale.
    pub remaining: Duration,
    /// How often clients were given it since it was stored.
    pub hits: u64,
    /// Whether a new one is being made.
    pub refreshing: bool,
    /// Whether no new one could be had the last time.
    pub failed: bool,
}

impl Gateway {
    /// The stored answers of `site` that clients were given at least so often, in no order, without pages whose size a client
    /// chose: each belongs to one walk from page to page, and nobody asks for it again. Goes through all that is stored, which
    /// may be a hundred thousand answers, and copies only what it returns.
    pub fn renewable(&self, site: &SiteId, hits_min: u64) -> Vec<Renewable> {
        let which = Which {
            site: Some(site),
            set: None,
        };
        let stored = self.renewable_of(which, hits_min);
        stored
            .iter()
            .map(|stored| self.as_renewable(stored))
            .collect()
    }

    /// The `max` stored answers of those that `which` means that clients were given most often, and the sites that gave
    /// them. Leaves out the same as [`Self::renewable`], and those of which new ones are being made.
    pub fn most_used(&self, which: Which<'_>, max: usize) -> Vec<(SiteId, Renewable)> {
        let mut stored = self.renewable_of(which, 0);
        stored.retain(|stored| !stored.refreshing);
        stored.sort_by_key(|stored| Reverse(stored.hits));
        stored.truncate(max);
        let with_site = |stored: &Stored<_>| (stored.key.site().clone(), self.as_renewable(stored));
        stored.iter().map(with_site).collect()
    }

    fn renewable_of(&self, which: Which<'_>, hits_min: u64) -> Vec<Stored<SharedError>> {
        self.cache.stored_where(|key, hits| {
            hits >= hits_min && key.page_size().is_none() && which.covers(key)
        })
    }

    fn as_renewable(&self, stored: &Stored<SharedError>) -> Renewable {
        let fresh = self.lifetimes.of(stored.key.question()).fresh;
        Renewable {
            ask: Ask {
                question: stored.key.question().clone().into(),
                representation: stored.key.representation(),
                page_size: None,
                directives: Directives::default(),
                party: Party::default(),
            },
            fresh,
            remaining: fresh.saturating_sub(stored.age),
            hits: stored.hits,
            refreshing: stored.refreshing,
            failed: stored.failure.is_some(),
        }
    }
}
