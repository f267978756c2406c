//! A stored answer, in the JSON and on the page.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::status::{rfc3339, seconds, to_the_millisecond};
use crate::gateway::{StoredAnswer, StoredState};

/// A stored answer.
#[derive(Debug, Serialize)]
pub struct Stored {
    /// The site that gave it.
    pub site: String,
    /// The entity set that its question begins at; none has the service document, or `$metadata`.
    pub set: Option<String>,
    /// The question without its values; empty for the service document.
    pub shape: String,
    /// How it is written, when that is not the default: `full;IEEE754Compatible=true`.
    pub representation: Option<String>,
    /// Rows on each page, when the client wanted pages.
    pub page_size: Option<u32>,
    /// In all.
    pub rows: u64,
    /// As it is kept: as text when it is about as long as that.
    pub bytes: u64,
    /// Of its text.
    pub text_bytes: u64,
    /// When its oldest page was asked for.
    #[serde(serialize_with = "rfc3339")]
    pub fetched_at: Timestamp,
    /// Since then.
    pub age_seconds: u64,
    /// `fresh`, `refreshing`, `failed`, `stale` or `expired`.
    #[serde(serialize_with = "word")]
    pub state: StoredState,
    /// Why no new one could be had the last time.
    pub failure: Option<String>,
    /// How much longer it is fresh; negative when it is stale.
    pub fresh_seconds: i64,
    /// How often it was given.
    pub hits: u64,
    /// Upstream's.
    pub pages: u64,
    /// That upstream took for them, to the millisecond.
    #[serde(rename = "upstream_seconds", serialize_with = "to_the_millisecond")]
    pub upstream_time: Duration,
    /// Where it is kept: `memory`, or `disk` alone when it is too large for that.
    pub place: &'static str,
}

impl Stored {
    /// A stored answer as it is now.
    pub(super) fn new(answer: &StoredAnswer) -> Self {
        Self {
            site: answer.site.to_string(),
            set: answer.set.clone(),
            shape: answer.shape.clone(),
            representation: answer.representation.map(|chosen| chosen.to_string()),
            page_size: answer.page_size.map(Into::into),
            rows: answer.rows,
            bytes: answer.bytes,
            text_bytes: answer.text_bytes,
            fetched_at: answer.fetched_at,
            age_seconds: seconds(answer.age),
            state: answer.state,
            failure: answer.failure.clone(),
            fresh_seconds: answer.fresh_for.as_secs(),
            hits: answer.hits,
            pages: answer.pages,
            upstream_time: answer.upstream_time,
            place: answer.place.as_str(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn word<S: Serializer>(state: &StoredState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.as_str())
}
