//! A stored answer.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::spawn_blocking;

use super::demand::{Demand, Form};
use super::digest::{Digester, Digests};
use super::packed::Packed;
use super::record::Record;
use super::text::Text;
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
    /// No body: a navigation property that leads to nothing (OData 4.0 Protocol, section 11.2.6).
    Empty,
}

/// A part of a body that is written at once: in a collection, the rows of one upstream page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The text.
    pub text: Packed,
    /// How many rows it holds.
    pub rows: u64,
}

/// A complete answer, as it is kept.
#[derive(Debug)]
pub struct Entry {
    /// What is known of it.
    pub facts: Facts,
    /// The body, in order.
    pub(super) blocks: Vec<Block>,
    /// Its text, in place of the packed form in memory. All blocks are in a file then.
    pub(super) text: Option<Text>,
    /// Which form its clients ask for; `None` when it has the one that all of them are best served from.
    pub(super) demand: Option<Demand>,
    /// Set when a part of it could not be read: it is not given any more.
    spoiled: AtomicBool,
}

/// What is known of a stored answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What kind of body.
    pub content: Content,
    /// What tells bodies apart.
    pub digests: Digests,
    /// When its oldest page was asked for.
    pub fetched_at: Timestamp,
    /// Rows in all.
    pub rows: u64,
    /// So many rows at the beginning stand in upstream's own order.
    pub ordered_rows: u64,
    /// Upstream responses it was made of.
    pub pages: u64,
    /// Time that upstream took for them and for failed attempts.
    pub upstream_time: Duration,
    /// Bytes of the text without the service root.
    pub text_len: u64,
}

/// A part of a stored answer's body.
#[derive(Debug, Clone)]
pub(super) enum Block {
    /// In memory.
    Memory(Segment),
    /// In a file.
    File(Record),
}

impl Block {
    fn stored_len(&self) -> usize {
        match self {
            Self::Memory(segment) => segment.text.stored_len(),
            Self::File(_) => 0,
        }
    }

    /// The part itself. Blocks when it is in a file.
    pub(super) fn read(&self) -> io::Result<Segment> {
        match self {
            Self::Memory(segment) => Ok(segment.clone()),
            Self::File(record) => record.read(),
        }
    }

    /// Bytes of its record.
    pub(super) fn record_len(&self) -> u64 {
        match self {
            Self::Memory(segment) => segment.text.encoded_len() as u64,
            Self::File(record) => record.len as u64,
        }
    }
}

impl Entry {
    pub(super) fn new(mut facts: Facts, blocks: Vec<Block>) -> Self {
        let blocks = joined(blocks);
        let mut demand = None;
        if let [Block::Memory(whole)] = blocks.as_slice() {
            // Putting parts together may have changed them.
            facts.digests.packed = Digests::of_packed(&whole.text);
            // What is packed anew for each client is not worth two forms.
            let one_form = whole.text.is_plain() || whole.text.is_linked();
            demand = (!one_form).then(Demand::default);
        }
        Self::of_blocks(facts, blocks, None, demand)
    }

    pub(super) fn of_blocks(
        facts: Facts,
        blocks: Vec<Block>,
        text: Option<Text>,
        demand: Option<Demand>,
    ) -> Self {
        Self {
            facts,
            blocks,
            text,
            demand,
            spoiled: AtomicBool::new(false),
        }
    }

    /// A short answer that was made here and now, of what was asked for at `fetched_at`.
    pub fn of(content: Content, fetched_at: Timestamp, text: &NeutralText, rows: u64) -> Self {
        let packed = Packed::pack(text);
        let mut digester = Digester::default();
        digester.add(text, &packed);
        let (digests, text_len) = digester.digests();
        let facts = Facts {
            content,
            digests,
            fetched_at,
            rows,
            ordered_rows: rows,
            pages: 0,
            upstream_time: Duration::ZERO,
            text_len,
        };
        let text = packed;
        Self::new(facts, vec![Block::Memory(Segment { text, rows })])
    }

    /// The packed form, when all of it is in memory.
    pub fn in_memory(&self) -> Option<&Packed> {
        match self.blocks.as_slice() {
            [Block::Memory(segment)] => Some(&segment.text),
            _ => None,
        }
    }

    /// The text, when all of it is in memory, and nothing has to be unpacked.
    pub fn plain(&self) -> Option<&Packed> {
        match &self.text {
            Some(text) => Some(text.plain()),
            None => self.in_memory().filter(|packed| packed.is_plain()),
        }
    }

    /// A client asks for its body in this form. The answer may be brought into the form that most ask for.
    pub fn asked_for(&self, form: Form) {
        if let Some(demand) = &self.demand {
            demand.asked(form);
        }
    }

    /// Its text cannot be had in place of the packed form, for now.
    pub(super) fn refuse_text(&self) {
        if let Some(demand) = &self.demand {
            demand.refused();
        }
    }

    /// Bytes of the text when the service root is `root_len` bytes long, when it is in memory.
    pub fn len_at(&self, root_len: usize) -> Option<u64> {
        let text = match &self.text {
            Some(text) => text.plain(),
            None => self.in_memory()?,
        };
        Some(text.len_at(root_len))
    }

    /// Bytes of the whole as a gzip file, when that is known.
    pub fn gzip_len_at(&self, root_len: usize) -> Option<u64> {
        match &self.text {
            Some(text) => text.gzip_len_at(root_len),
            None => self.in_memory()?.gzip_len_at(root_len),
        }
    }

    /// How many parts the packed form has.
    pub fn parts(&self) -> usize {
        match self.text {
            Some(_) => 1,
            None => self.blocks.len(),
        }
    }

    /// A part of the packed form, from 0 on; `None` behind the last. An entry of which a part cannot be read is not given
    /// any more, unless its text is in memory.
    pub async fn part(self: &Arc<Self>, at: usize) -> Option<io::Result<Segment>> {
        if let Some(text) = &self.text {
            return match at {
                0 => Some(self.read_packed(text).await.map(|text| Segment {
                    text,
                    rows: self.facts.rows,
                })),
                _ => None,
            };
        }
        let record = match self.blocks.get(at)? {
            Block::Memory(segment) => return Some(Ok(segment.clone())),
            Block::File(record) => record.clone(),
        };
        let read = spawn_blocking(move || record.read()).await;
        let read = read.map_err(io::Error::other).flatten();
        if let Err(error) = &read {
            self.spoil(error);
        }
        Some(read)
    }

    /// A part of it cannot be read: it is not given any more.
    pub(super) fn spoil(&self, error: &io::Error) {
        self.spoiled.store(true, Ordering::Relaxed);
        tracing::warn!(%error, "a stored answer cannot be read from disk; it is forgotten");
    }

    /// Whether a part of it could not be read.
    pub(super) fn is_spoiled(&self) -> bool {
        self.spoiled.load(Ordering::Relaxed)
    }

    /// Whether a part of it is in a file.
    pub fn is_filed(&self) -> bool {
        let filed = |block: &Block| matches!(block, Block::File(_));
        self.blocks.iter().any(filed)
    }

    /// Bytes of the body in a file.
    pub(super) fn records_len(&self) -> u64 {
        self.blocks.iter().map(Block::record_len).sum()
    }

    /// Bytes held in memory.
    pub fn stored_len(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(Block::stored_len).sum();
        let text = self
            .text
            .as_ref()
            .map_or(0, |text| text.plain().stored_len());
        blocks + text + self.blocks.capacity() * size_of::<Block>() + size_of::<Self>()
    }
}

/// What is in memory as a whole is put together, so that it is sent in few pieces.
fn joined(blocks: Vec<Block>) -> Vec<Block> {
    let segments: Option<Vec<&Segment>> = blocks
        .iter()
        .map(|block| match block {
            Block::Memory(segment) => Some(segment),
            Block::File(_) => None,
        })
        .collect();
    let Some(segments) = segments else {
        return blocks;
    };
    let rows = segments.iter().map(|segment| segment.rows).sum();
    let texts: Vec<Packed> = segments.iter().map(|s| s.text.clone()).collect();
    let text = Packed::joined(&texts);
    vec![Block::Memory(Segment { text, rows })]
}
