//! The one path from a question to its answer.
//!
//! [`Gateway::answer`] plans ([`plan`](self::plan), pure), asks the cache, and on a miss fills from upstream.
//! It knows nothing of sockets, hosts and headers: that is `web`.

mod error;
mod outcome;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Content, Entry, Reader};
use crate::odata::name::SiteId;
use crate::odata::question::Question;
use crate::odata::representation::Representation;

pub use error::{AnswerError, SharedError};
pub use outcome::{Outcome, Stored};

/// A question with the wishes that came with it.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What is asked.
    pub question: Question,
    /// How it is to be written.
    pub representation: Representation,
    /// `Prefer: odata.maxpagesize`, when the client wants pages.
    pub page_size: Option<NonZeroU32>,
    /// Whether a stored answer will do.
    pub freshness: Freshness,
}

/// Whether a stored answer will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// A stored answer is welcome while it is fresh.
    Stored,
    /// `Cache-Control: no-cache`: ask upstream.
    Fetch,
}

/// What a question is answered with.
#[derive(Debug)]
pub struct Answer {
    /// The kind of body.
    pub content: Content,
    /// How it came about.
    pub outcome: Outcome,
    /// The page size that was applied, for `Preference-Applied`.
    pub page_size: Option<NonZeroU32>,
    /// The body.
    pub body: AnswerBody,
}

/// Where an answer's body comes from.
#[derive(Debug)]
pub enum AnswerBody {
    /// A complete stored answer.
    Stored(Arc<Entry>),
    /// An answer that is being made; it has begun.
    Live(Reader<SharedError>),
}

/// The one path from a question to its answer, for every site.
#[derive(Debug)]
pub struct Gateway {}

impl Gateway {
    /// Answers `ask` from `site`. Returns as soon as the answer has begun.
    pub async fn answer(&self, site: &SiteId, ask: Ask) -> Result<Answer, SharedError> {
        let _ = (site, ask);
        todo!()
    }

    /// The configured sites, in order of their names.
    pub fn sites(&self) -> Vec<SiteId> {
        todo!()
    }

    /// The site that `/monitorodata` without a site's name belongs to: the only one, else `main`.
    pub fn default_site(&self) -> Option<&SiteId> {
        todo!()
    }

    /// Forgets stored answers of `site` (all when `None`) for `set` (all when `None`); returns how many.
    pub fn purge(&self, site: Option<&SiteId>, set: Option<&str>) -> usize {
        let _ = (site, set);
        todo!()
    }

    /// What the operator may want to see.
    pub fn status(&self) -> GatewayStatus {
        todo!()
    }
}

/// What the operator may want to see of the sites and the cache.
#[derive(Debug, Clone)]
pub struct GatewayStatus {
    /// One a site.
    pub sites: Vec<SiteStatus>,
    /// Stored answers.
    pub cache_entries: u64,
    /// Their bytes.
    pub cache_bytes: u64,
    /// Answers being made now.
    pub fills: u64,
}

/// How one site is doing.
#[derive(Debug, Clone)]
pub struct SiteStatus {
    /// Its name.
    pub site: SiteId,
    /// Where its data comes from: scheme, host, path.
    pub endpoint: String,
    /// Whether there is a usable token, or why not, in words for an administrator.
    pub token: TokenState,
    /// Queries in flight at upstream.
    pub in_flight: u64,
    /// Requests waiting for the lane.
    pub queued: u64,
    /// Set while upstream asked for a pause: how much longer.
    pub paused_for: Option<Duration>,
    /// The last failure of an answer, if any: when, and what was told to the client.
    pub last_error: Option<(jiff::Timestamp, String)>,
}

/// The state of a site's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenState {
    /// None was needed yet.
    None,
    /// Valid for so much longer.
    Valid {
        /// Time to its expiry.
        remaining: Duration,
    },
    /// The last request for one failed.
    Failed {
        /// What happened and what to do, without secrets.
        explanation: String,
    },
}
