//! Asking the service: one HTTP question, one whole response body, in the customer's lane.
//!
//! This room knows credentials, status codes, retries and the lane. It does not know that answers are cached
//! or joined, and it does not look into rows.
//!
//! Invariants:
//!
//! - No more requests of one customer are under way than its [`Lane`] allows, and none while upstream wants a pause.
//! - A request carries our own headers only, to the configured service alone; redirects are not followed.
//! - A body is handed out whole and plausible, or not at all.
//! - Who is first is decided at each page anew, and nobody waits for ever: neither behind others ([`lane`]) nor for an
//!   upstream that refuses everyone ([`RetryBudget`]).

mod again;
mod backoff;
mod body;
mod budget;
mod error;
mod exchange;
mod fetch;
mod heavy;
mod lane;
mod metrics;
mod retry;
mod spent;
mod target;
#[cfg(test)]
mod tests;
mod trace;
mod transaction;
mod verdict;

pub use budget::RetryBudget;
pub(crate) use error::rounded;
pub use error::{BadResponse, FetchError, Refusal};
pub use fetch::{Checked, Fetched, Query, Settings, Upstream};
pub use lane::{
    Awaited, ByClass, Class, Lane, LaneCounts, LaneSettings, LaneStatus, Party, Pass, Turn, Visit,
    Waiting,
};
pub use metrics::{UpstreamCounts, UpstreamMetrics};
pub use spent::Spent;
