//! New answers that nobody waits for.

use std::sync::Arc;

use super::{AnswerError, Ask, Gateway, Party, Prepared, SharedError, Site};
use crate::cache::{Ending, Made, NotNow};
use crate::odata::name::SiteId;
use crate::upstream::Class;

/// What became of the wish for a new answer.
#[derive(Debug, Clone)]
pub enum Refreshed {
    /// It was made.
    Made(Made),
    /// It is being made already.
    Underway,
    /// It was tried just now, and this went wrong; nobody asked again.
    InVain(SharedError),
}

impl Gateway {
    /// Has a new answer to `ask` made in the background, and waits for its end. Returns at once when that is being done
    /// already, or was tried in vain just now. The error is why there is no new one; the old one stays if that may pass.
    pub async fn refresh(&self, site: &SiteId, ask: Ask) -> Result<Refreshed, SharedError> {
        let site = self.site(site)?;
        let prepared = self.prepare(site, &ask).await?;
        let end = match self.begin_refresh(site, prepared) {
            Ok(end) => end.await,
            Err(NotNow::Underway) => return Ok(Refreshed::Underway),
            Err(NotNow::InVain(error)) => return Ok(Refreshed::InVain(error)),
        };
        // It has no end when the program stops.
        let made = end.unwrap_or_else(|_| Err(AnswerError::Interrupted.into()));
        made.map(Refreshed::Made)
    }

    /// The same without waiting for its end.
    pub(super) fn begin_refresh(
        &self,
        site: &Arc<Site>,
        prepared: Prepared,
    ) -> Result<Ending<SharedError>, NotNow<SharedError>> {
        let Prepared {
            key,
            plan,
            lifetime,
        } = prepared;
        let fill = self.filling(site, &key, plan, Party::default());
        self.cache.refresh(key, lifetime, fill)
    }

    /// Whether somebody waits for a turn in the lane of `site` who has a client waiting.
    pub fn is_awaited(&self, site: &SiteId) -> bool {
        let lane = self.sites.get(site).map(|site| site.upstream().lane());
        lane.is_some_and(|lane| {
            let waiting = lane.status().waiting;
            waiting
                .iter()
                .any(|waiting| waiting.class != Class::Background)
        })
    }
}
