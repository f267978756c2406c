//! Text in one stretch, with marks where the service root goes.

use std::mem::size_of;
use std::ops::Range;

use bytes::Bytes;

use crate::odata::neutral::{NeutralText, Piece};

/// A stretch of text, borrowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marked<'a> {
    /// The bytes without the service root.
    pub(super) bytes: &'a [u8],
    /// Before which of the bytes the service root goes, rising.
    pub(super) roots: &'a [usize],
}

/// A stretch of text that is put together from pieces.
#[derive(Debug, Default)]
pub(super) struct Held {
    bytes: Vec<u8>,
    roots: Vec<usize>,
}

impl Held {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn push_root(&mut self) {
        self.roots.push(self.bytes.len());
    }

    /// Takes over a whole text.
    pub(super) fn copy(&mut self, text: Marked<'_>) {
        self.bytes = text.bytes.to_vec();
        self.roots = text.roots.to_vec();
    }

    /// Forgets what is behind the first `len` bytes.
    pub(super) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
        self.roots.retain(|root| *root < len);
    }

    pub(super) fn clear(&mut self) {
        self.truncate(0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes of memory.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() + self.roots.len() * size_of::<usize>()
    }

    pub(super) fn text(&self) -> Marked<'_> {
        Marked {
            bytes: &self.bytes,
            roots: &self.roots,
        }
    }
}

/// Neutral text in the making, up to a bound. It holds copies: a slice of a chunk would keep all of the chunk in memory
/// for as long as the answer is remembered.
#[derive(Debug)]
pub(super) struct Output {
    text: NeutralText,
    bytes: Vec<u8>,
    /// Bytes that may still be written.
    left: usize,
}

impl Output {
    /// Text of `bytes_max` bytes at most, a few for each place of the service root included.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            text: NeutralText::new(),
            bytes: Vec::new(),
            left: bytes_max,
        }
    }

    /// Appends bytes; `None` when there is no room for them.
    #[must_use]
    pub(super) fn write(&mut self, bytes: &[u8]) -> Option<()> {
        self.left = self.left.checked_sub(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Some(())
    }

    /// Appends a part of `text`, with its places for the service root; `None` when there is no room.
    #[must_use]
    pub(super) fn write_part(&mut self, text: Marked<'_>, part: Range<usize>) -> Option<()> {
        let mut at = part.start;
        let inside = text.roots.iter().filter(|root| part.contains(root));
        for &root in inside {
            self.write(text.bytes.get(at..root)?)?;
            // The place, and the piece behind it.
            self.left = self.left.checked_sub(2 * size_of::<Piece>())?;
            self.end_piece();
            self.text.push_root();
            at = root;
        }
        self.write(text.bytes.get(at..part.end)?)
    }

    pub(super) fn finish(mut self) -> NeutralText {
        self.end_piece();
        self.text
    }

    fn end_piece(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.shrink_to_fit();
        self.text.push(Bytes::from(bytes));
    }
}
