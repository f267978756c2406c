//! What the operator's surface asks of the gateway, so that tests can answer in its place.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::gateway::{Gateway, GatewayStatus};
use crate::odata::name::SiteId;

/// What is watched over.
pub(super) trait Watched: Send + Sync {
    /// How things are.
    fn status(&self) -> GatewayStatus;

    /// The site of `/monitorodata`.
    fn default_site(&self) -> Option<SiteId>;

    /// Forgets stored answers; returns how many.
    fn purge<'a>(&'a self, site: Option<&'a SiteId>, set: Option<&'a str>) -> BoxFuture<'a, usize>;
}

impl Watched for Gateway {
    fn status(&self) -> GatewayStatus {
        self.status()
    }

    fn default_site(&self) -> Option<SiteId> {
        self.default_site().cloned()
    }

    fn purge<'a>(&'a self, site: Option<&'a SiteId>, set: Option<&'a str>) -> BoxFuture<'a, usize> {
        self.purge(site, set).boxed()
    }
}
