//! What the surface asks of the gateway, so that tests can answer in its place.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::gateway::{Answer, Ask, Gateway, Unanswered};
use crate::odata::name::SiteId;

/// Answers questions.
pub(crate) trait Source: Send + Sync {
    /// Answers `ask` from `site`; returns as soon as the answer has begun.
    fn answer<'a>(
        &'a self,
        site: &'a SiteId,
        ask: Ask,
    ) -> BoxFuture<'a, Result<Answer, Unanswered>>;

    /// The configured sites.
    fn sites(&self) -> Vec<SiteId>;

    /// The site of `/monitorodata`.
    fn default_site(&self) -> Option<SiteId>;
}

impl Source for Gateway {
    fn answer<'a>(
        &'a self,
        site: &'a SiteId,
        ask: Ask,
    ) -> BoxFuture<'a, Result<Answer, Unanswered>> {
        self.answer(site, ask).boxed()
    }

    fn sites(&self) -> Vec<SiteId> {
        self.sites()
    }

    fn default_site(&self) -> Option<SiteId> {
        self.default_site().cloned()
    }
}
