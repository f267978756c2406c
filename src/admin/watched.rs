//! What the operator's surface asks of the gateway, so that tests can answer in its place.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::gateway::{
    Ask, Gateway, GatewayStatus, Refreshed, SharedError, StoredAnswers, Told, Which,
};
use crate::odata::name::SiteId;

/// What is watched over.
pub(super) trait Watched: Send + Sync {
    /// How things are.
    fn status(&self) -> GatewayStatus;

    /// Stored answers that `which` means, as many as are to be `told`.
    fn stored(&self, which: Which<'_>, told: Told) -> StoredAnswers;

    /// The questions of the `max` stored answers that `which` means and that clients were given most often.
    fn most_used(&self, which: Which<'_>, max: usize) -> Vec<(SiteId, Ask)>;

    /// Has a new answer made that nobody waits for, and waits for its end.
    fn refresh<'a>(
        &'a self,
        site: &'a SiteId,
        ask: Ask,
    ) -> BoxFuture<'a, Result<Refreshed, SharedError>>;

    /// The configured sites.
    fn sites(&self) -> Vec<SiteId>;

    /// The site of `/monitorodata`.
    fn default_site(&self) -> Option<SiteId>;

    /// Forgets stored answers; returns how many.
    fn purge<'a>(&'a self, which: Which<'a>) -> BoxFuture<'a, usize>;
}

impl Watched for Gateway {
    fn status(&self) -> GatewayStatus {
        self.status()
    }

    fn stored(&self, which: Which<'_>, told: Told) -> StoredAnswers {
        self.stored(which, told)
    }

    fn most_used(&self, which: Which<'_>, max: usize) -> Vec<(SiteId, Ask)> {
        let stored = self.most_used(which, max).into_iter();
        stored.map(|(site, answer)| (site, answer.ask)).collect()
    }

    fn refresh<'a>(
        &'a self,
        site: &'a SiteId,
        ask: Ask,
    ) -> BoxFuture<'a, Result<Refreshed, SharedError>> {
        self.refresh(site, ask).boxed()
    }

    fn sites(&self) -> Vec<SiteId> {
        self.sites()
    }

    fn default_site(&self) -> Option<SiteId> {
        self.default_site().cloned()
    }

    fn purge<'a>(&'a self, which: Which<'a>) -> BoxFuture<'a, usize> {
        self.purge(which).boxed()
    }
}
