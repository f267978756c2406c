//! Stored answers, as somebody sees them who may have new ones made.

use std::cmp::Reverse;
use std::time::Duration;

use super::{Ask, Directives, Gateway, Party, Which};
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
    /// The stored answers of `site`, in no order, without pages whose size a client chose: each belongs to one walk from
    /// page to page, and nobody asks for it again. Goes through all that is stored.
    pub fn renewable(&self, site: &SiteId) -> Vec<Renewable> {
        let which = Which {
            site: Some(site),
            set: None,
        };
        let ours = self.renewable_of(which);
        ours.map(|(_, renewable)| renewable).collect()
    }

    /// The `max` stored answers of those that `which` means that clients were given most often, and the sites that gave
    /// them. Leaves out the same as [`Self::renewable`], and those of which new ones are being made.
    pub fn most_used(&self, which: Which<'_>, max: usize) -> Vec<(SiteId, Renewable)> {
        let mut stored: Vec<_> = self
            .renewable_of(which)
            .filter(|(_, renewable)| !renewable.refreshing)
            .collect();
        stored.sort_by_key(|(_, renewable)| Reverse(renewable.hits));
        stored.truncate(max);
        stored
    }

    fn renewable_of(&self, which: Which<'_>) -> impl Iterator<Item = (SiteId, Renewable)> {
        let stored = self.cache.stored().into_iter();
        let meant = stored
            .filter(move |stored| stored.key.page_size().is_none() && which.covers(&stored.key));
        meant.map(|stored| {
            let fresh = self.lifetimes.of(stored.key.question()).fresh;
            let renewable = Renewable {
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
            };
            (stored.key.site().clone(), renewable)
        })
    }
}
