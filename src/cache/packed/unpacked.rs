//! The text again.

use std::collections::VecDeque;
use std::io;

use super::inflate::{self, Inflate};
use super::{Linked, Packed, Part, Run};
use crate::odata::neutral::Piece;

/// The text of a [`Packed`], piece by piece: none longer than 128 KiB, but where it was never compressed. Ends after an
/// error.
#[derive(Debug)]
pub struct Unpacked {
    packed: Packed,
    /// The number of the part that comes next.
    next: usize,
    run: Option<Inflate>,
    pieces: VecDeque<Piece>,
}

impl Unpacked {
    pub(super) fn new(packed: Packed) -> Self {
        Self {
            packed,
            next: 0,
            run: None,
            pieces: VecDeque::new(),
        }
    }

    fn step(&mut self) -> io::Result<Option<Piece>> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Ok(Some(piece));
            }
            if let Some(run) = &mut self.run {
                if let Some(bytes) = run.next(PIECE_BYTES_MAX)? {
                    return Ok(Some(Piece::Bytes(bytes)));
                }
                self.run = None;
            }
            let Some(part) = self.packed.parts.get(self.next) else {
                return Ok(None);
            };
            self.next += 1;
            match part {
                Part::Text(text) => self.pieces.extend(text.pieces().iter().cloned()),
                Part::Run(Run {
                    plain: Some(plain), ..
                }) => return Ok(Some(Piece::Bytes(plain.clone()))),
                Part::Run(run) => {
                    self.run = Some(Inflate::new(run.deflated.clone(), run.text_len));
                }
                Part::Linked(linked) => self.pieces = pieces(linked)?,
            }
        }
    }
}

impl Iterator for Unpacked {
    type Item = io::Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step().transpose();
        if matches!(step, Some(Err(_))) {
            self.next = usize::MAX;
            self.run = None;
        }
        step
    }
}

/// The pieces of a text with many places for the service root.
pub(super) fn pieces(linked: &Linked) -> io::Result<VecDeque<Piece>> {
    let mut text = inflate::whole(&linked.deflated, linked.text_len)?;
    let mut pieces = VecDeque::new();
    let mut at = 0;
    for &place in &linked.places {
        let len = usize::try_from(place - at).unwrap_or(usize::MAX);
        at = place;
        let bytes = text.split_to(len.min(text.len()));
        if !bytes.is_empty() {
            pieces.push_back(Piece::Bytes(bytes));
        }
        pieces.push_back(Piece::Root);
    }
    if !text.is_empty() {
        pieces.push_back(Piece::Bytes(text));
    }
    Ok(pieces)
}

/// As much as is unpacked at once: a fraction of a millisecond.
const PIECE_BYTES_MAX: usize = 64 * 1024;
