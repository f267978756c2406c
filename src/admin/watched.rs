//! What the operator's surface asks of the gateway, so that tests can answer in its place.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::gateway::{Gateway, GatewayStatus, StoredAnswers, Which};
use crate::odata::name::SiteId;

/// What is watched over.
pub(super) trait Watched: Send + Sync {
    /// How things are.
    fn status(&self) -> GatewayStatus;

    /// Stored answers: the `max` latest of those that `which` means.
    fn stored(&self, which: Which<'_>, max: usize) -> StoredAnswers;

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

    fn stored(&self, which: Which<'_>, max: usize) -> StoredAnswers {
        self.stored(which, max)
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
