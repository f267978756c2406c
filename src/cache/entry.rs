//! A stored answer.

use std::time::Duration;

use jiff::Timestamp;

use crate::odata::neutral::NeutralText;
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
    /// Time that upstream took for them.
    pub upstream_time: Duration,
}

impl Entry {
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
