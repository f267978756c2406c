//! A stored answer.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use xxhash_rust::xxh3::Xxh3;

use super::spool::Progress;
use crate::odata::neutral::{NeutralText, Piece};
use crate::odata::representation::Representation;

/// What kind of body an answer has; its media type follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// `application/json` at this level.
    Json(Representation),
    /// `application/xml`: `$metadata`.
    Xml,
    /// `text/plain`: `/$count`.
    Text,
    /// No body: a navigation property that leads to nothing (OData 4.0 Protocol, section 11.2.6).
    Empty,
}

/// A part of a body that is written at once: in a collection, the rows of one upstream page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The text.
    pub text: NeutralText,
    /// How many rows it holds.
    pub rows: u64,
}

/// A complete answer, as it is kept.
#[derive(Debug)]
pub struct Entry {
    /// What kind of body.
    pub content: Content,
    /// The body, in order.
    pub segments: Vec<Segment>,
    /// A weak validator's opaque part: a digest of the body, so that equal bodies share it.
    pub digest: String,
    /// When its oldest page was asked for.
    pub fetched_at: Timestamp,
    /// Rows in all.
    pub rows: u64,
    /// Upstream responses it was made of.
    pub pages: u64,
    /// Time that upstream took for them and for failed attempts.
    pub upstream_time: Duration,
}

impl Entry {
    pub(super) fn new(
        content: Content,
        segments: Vec<Segment>,
        fetched_at: Timestamp,
        progress: &Progress,
    ) -> Self {
        Self {
            content,
            digest: digest(&segments),
            segments,
            fetched_at,
            rows: progress.rows(),
            pages: progress.pages(),
            upstream_time: progress.upstream_time(),
        }
    }

    /// Bytes held in memory.
    pub fn stored_len(&self) -> usize {
        self.segments
            .iter()
            .map(|segment| segment.text.stored_len())
            .sum()
    }

    /// Bytes on the wire when the client's service root is `root_len` bytes long.
    pub fn len_at(&self, root_len: usize) -> usize {
        self.segments
            .iter()
            .map(|segment| segment.text.len_at(root_len))
            .sum()
    }
}

/// An entry in its place in the cache.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) entry: Arc<Entry>,
    /// When its oldest page was asked for, by the steady clock.
    pub(super) fetched_at: Instant,
}

impl Kept {
    /// Time since its oldest page was asked for. The wall clock may be set back; the steady clock stands
    /// still on some systems while the machine sleeps. Whichever is further, counts.
    pub(super) fn age(&self, wall: Timestamp, steady: Instant) -> Duration {
        let by_wall = wall.duration_since(self.entry.fetched_at);
        let by_wall = Duration::try_from(by_wall).unwrap_or_default();
        by_wall.max(steady.saturating_duration_since(self.fetched_at))
    }
}

/// 128 bits over the neutral text, so that the same rows have the same validator whatever address they are
/// asked under.
fn digest(segments: &[Segment]) -> String {
    let mut hash = Xxh3::new();
    for piece in segments.iter().flat_map(|segment| segment.text.pieces()) {
        match piece {
            Piece::Bytes(bytes) => hash.update(bytes),
            Piece::Root => hash.update(&[0]),
        }
    }
    format!("{:032x}", hash.digest128())
}
