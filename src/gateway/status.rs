//! What the operator may want to see of the sites and the cache.

use jiff::Timestamp;

use crate::auth::AuthState;
use crate::odata::name::SiteId;
use crate::upstream::{LaneStatus, UpstreamCounts};

/// The state of everything behind the gateway.
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
    /// Whether there is a usable token.
    pub token: AuthState,
    /// Token requests since the start.
    pub token_requests: u64,
    /// Data requests since the start, and what became of them.
    pub upstream: UpstreamCounts,
    /// Its customer's lane, which it may share with other sites.
    pub lane: LaneStatus,
    /// The last failure of an answer, if any: when, and what happened.
    pub last_error: Option<(Timestamp, String)>,
}
