//! A part of an answer in its place: in memory, in a file, or both.

use crate::cache::Segment;
use crate::cache::record::Record;

/// A part of an answer.
#[derive(Debug)]
pub(super) enum Slot {
    /// In memory only.
    Memory(Segment),
    /// In a file.
    File {
        /// Where.
        record: Record,
        /// The part itself, for as long as readers who keep up may want it.
        recent: Option<Segment>,
    },
}

impl Slot {
    /// The part itself, when it is in memory.
    pub(super) fn segment(&self) -> Option<&Segment> {
        match self {
            Self::Memory(segment) => Some(segment),
            Self::File { recent, .. } => recent.as_ref(),
        }
    }

    /// Bytes in memory that count as part of the allowance.
    pub(super) fn bytes(&self) -> usize {
        self.segment()
            .map_or(0, |segment| segment.text.stored_len())
    }

    /// The part is in a file, too.
    pub(super) fn file(&mut self, record: Record) {
        if let Self::Memory(segment) = self {
            let recent = Some(segment.clone());
            *self = Self::File { record, recent };
        }
    }

    /// What is in a file need not be in memory.
    pub(super) fn forget_recent(&mut self) {
        if let Self::File { recent, .. } = self {
            *recent = None;
        }
    }
}
