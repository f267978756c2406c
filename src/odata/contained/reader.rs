//! The text of a stored collection, row by row.

use std::ops::ControlFlow;

use super::edges::{Edge, Edges};
use super::marked::{Held, Marked};
use crate::odata::neutral::Piece;

/// Why reading ends before the text does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// What is wanted is there.
    Enough,
    /// The text is not what it should be, or too long, or does not say for certain what is wanted.
    Unfit,
}

/// Who wants to see the text.
pub(super) trait Visitor {
    /// Everything up to and with the bracket that opens the rows.
    fn opening(&mut self, text: Marked<'_>) -> ControlFlow<Stop>;

    /// A row, from its brace to its brace.
    fn row(&mut self, row: Marked<'_>) -> ControlFlow<Stop>;
}

/// `None` means unfit.
pub(super) fn fit(done: Option<()>) -> ControlFlow<Stop> {
    match done {
        Some(()) => ControlFlow::Continue(()),
        None => ControlFlow::Break(Stop::Unfit),
    }
}

/// A reader of the text that [`crate::odata::splice`] writes, piece by piece. Rows that lie within a piece are not copied.
#[derive(Debug)]
pub(super) struct Reader {
    stage: Stage,
    edges: Edges,
    /// The opening, or a row that began in an earlier piece, as far as it has come.
    held: Held,
    /// More bytes than this are not held.
    held_max: usize,
    /// Rows to be passed over before the first that the visitor sees.
    skip: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Rows,
    /// Behind the rows' bracket.
    Closing,
    /// Behind the last brace.
    Closed,
}

impl Reader {
    /// A reader that does not show the first `skip` rows, and gives up when a row that lies across pieces has more than
    /// `row_bytes_max` bytes.
    pub(super) fn new(skip: u64, row_bytes_max: usize) -> Self {
        Self {
            stage: Stage::Opening,
            edges: Edges::default(),
            held: Held::default(),
            held_max: row_bytes_max,
            skip,
        }
    }

    /// Reads the next piece.
    pub(super) fn push(&mut self, piece: &Piece, visitor: &mut impl Visitor) -> ControlFlow<Stop> {
        match piece {
            Piece::Bytes(bytes) => self.bytes(bytes, visitor),
            Piece::Root => self.root(),
        }
    }

    /// Whether the text has come to its end.
    pub(super) fn is_closed(&self) -> bool {
        self.stage == Stage::Closed
    }

    fn root(&mut self) -> ControlFlow<Stop> {
        match self.stage {
            Stage::Opening => self.held.push_root(),
            Stage::Rows if self.edges.in_string() => {
                if self.skip == 0 {
                    self.held.push_root();
                }
            }
            Stage::Rows | Stage::Closing | Stage::Closed => return fit(None),
        }
        ControlFlow::Continue(())
    }

    fn bytes(&mut self, bytes: &[u8], visitor: &mut impl Visitor) -> ControlFlow<Stop> {
        let mut rest = bytes;
        if self.stage == Stage::Opening {
            rest = self.opening(rest, visitor)?;
        }
        if self.stage == Stage::Rows {
            rest = self.rows(rest, visitor)?;
        }
        if matches!(self.stage, Stage::Closing | Stage::Closed) {
            for byte in rest.iter().filter(|byte| !byte.is_ascii_whitespace()) {
                if *byte != b'}' || self.stage == Stage::Closed {
                    return fit(None);
                }
                self.stage = Stage::Closed;
            }
        }
        ControlFlow::Continue(())
    }

    /// Reads the opening; returns what is behind it.
    fn opening<'a>(
        &mut self,
        bytes: &'a [u8],
        visitor: &mut impl Visitor,
    ) -> ControlFlow<Stop, &'a [u8]> {
        let before = self.held.text().bytes.len();
        let room = OPENING_BYTES_MAX.saturating_sub(before);
        let (head, cut) = bytes.split_at(room.min(bytes.len()));
        self.held.push(head);
        let seen = before.saturating_sub(VALUE.len() - 1);
        match opening_end(self.held.text().bytes, seen) {
            Some(end) => {
                self.held.truncate(end);
                visitor.opening(self.held.text())?;
                self.held.clear();
                self.stage = Stage::Rows;
                let rest = bytes.get(end.saturating_sub(before)..);
                ControlFlow::Continue(rest.unwrap_or_default())
            }
            None if cut.is_empty() => ControlFlow::Continue(cut),
            None => ControlFlow::Break(Stop::Unfit),
        }
    }

    /// Reads rows; returns what is behind the last.
    fn rows<'a>(
        &mut self,
        bytes: &'a [u8],
        visitor: &mut impl Visitor,
    ) -> ControlFlow<Stop, &'a [u8]> {
        // Where the row of this moment begins; a row that began in an earlier piece goes on with the first byte.
        let mut start = 0;
        let mut at = 0;
        while let Some(edge) = self.edges.next(bytes, &mut at) {
            match edge {
                Edge::Begin(begin) => start = begin,
                Edge::End(_) if self.skip > 0 => self.skip -= 1,
                Edge::End(end) => {
                    let text = bytes.get(start..end).unwrap_or_default();
                    self.row(text, visitor)?;
                }
                Edge::Close(end) => {
                    self.stage = Stage::Closing;
                    return ControlFlow::Continue(bytes.get(end..).unwrap_or_default());
                }
                Edge::Stray => return ControlFlow::Break(Stop::Unfit),
            }
        }
        if self.skip == 0 && self.edges.depth() > 0 {
            self.held.push(bytes.get(start..).unwrap_or_default());
            if self.held.len() > self.held_max {
                return ControlFlow::Break(Stop::Unfit);
            }
        }
        ControlFlow::Continue(&[])
    }

    /// A row ends with `text`.
    fn row(&mut self, text: &[u8], visitor: &mut impl Visitor) -> ControlFlow<Stop> {
        if self.held.is_empty() {
            return visitor.row(Marked {
                bytes: text,
                roots: &[],
            });
        }
        self.held.push(text);
        visitor.row(self.held.text())?;
        self.held.clear();
        ControlFlow::Continue(())
    }
}

/// Behind the bracket of the envelope's own `value`, found at `from` or behind it.
///
/// In JSON these bytes cannot be in a string, because its quotes would be escaped; but an annotation may hold an object
/// with a `value` of its own.
fn opening_end(text: &[u8], from: usize) -> Option<usize> {
    let found = memchr::memmem::find_iter(text.get(from..)?, VALUE).map(|at| from + at);
    let own = |at: &usize| {
        let before = text.get(..*at).unwrap_or_default();
        let (mut edges, mut passed) = (Edges::default(), 0);
        edges.next(before, &mut passed) == Some(Edge::Begin(0))
            && edges.next(before, &mut passed).is_none()
            && edges.depth() == 1
    };
    let mut found = found.filter(own);
    found.next().map(|at| at + VALUE.len())
}

/// How [`crate::odata::splice::opening`] opens the rows.
const VALUE: &[u8] = b"\"value\":[";

/// Openings hold a link, a number and annotations: a few hundred bytes.
const OPENING_BYTES_MAX: usize = 64 * 1024;
