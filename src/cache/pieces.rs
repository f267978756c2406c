//! A stored answer's text, piece by piece.

use std::io;
use std::sync::Arc;

use super::entry::Entry;
use super::packed::Unpacked;
use crate::odata::neutral::Piece;

/// A stored answer's text, piece by piece. Blocks where it is on disk. Ends after an error.
#[derive(Debug)]
pub struct Pieces {
    entry: Arc<Entry>,
    /// The number of the block that comes next; none does, when the text is in memory.
    next: usize,
    text: Option<Unpacked>,
}

impl Pieces {
    /// The text of this answer.
    pub fn of(entry: Arc<Entry>) -> Self {
        Self {
            entry,
            next: 0,
            text: None,
        }
    }

    fn step(&mut self) -> io::Result<Option<Piece>> {
        loop {
            if let Some(piece) = self.text.as_mut().and_then(Iterator::next) {
                return piece.map(Some);
            }
            if let Some(text) = self.entry.plain()
                && self.next == 0
            {
                self.next = usize::MAX;
                self.text = Some(text.unpacked());
                continue;
            }
            let Some(block) = self.entry.blocks.get(self.next) else {
                return Ok(None);
            };
            self.next += 1;
            self.text = Some(block.read()?.text.unpacked());
        }
    }
}

impl Iterator for Pieces {
    type Item = io::Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step().transpose();
        if let Some(Err(error)) = &step {
            self.entry.spoil(error);
            self.next = usize::MAX;
            self.text = None;
        }
        step
    }
}
