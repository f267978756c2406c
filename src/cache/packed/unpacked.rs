//! The text again.

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;

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

/// The text for one client, in pieces that are worth sending by themselves.
#[derive(Debug)]
pub struct Plain {
    pieces: Unpacked,
    root: Bytes,
    /// Comes next.
    held: Option<Bytes>,
}

impl Plain {
    pub(super) fn new(pieces: Unpacked, root: Bytes) -> Self {
        Self {
            pieces,
            root,
            held: None,
        }
    }

    fn piece(&mut self) -> io::Result<Option<Bytes>> {
        if let Some(held) = self.held.take() {
            return Ok(Some(held));
        }
        Ok(match self.pieces.next().transpose()? {
            Some(Piece::Bytes(bytes)) => Some(bytes),
            Some(Piece::Root) => Some(self.root.clone()),
            None => None,
        })
    }

    fn step(&mut self) -> io::Result<Option<Bytes>> {
        let mut short = Vec::new();
        while let Some(bytes) = self.piece()? {
            if bytes.len() >= SHORT_BYTES_MAX {
                if short.is_empty() {
                    return Ok(Some(bytes));
                }
                self.held = Some(bytes);
                break;
            }
            short.extend_from_slice(&bytes);
            if short.len() >= PIECE_BYTES_MAX {
                break;
            }
        }
        Ok((!short.is_empty()).then(|| short.into()))
    }
}

impl Iterator for Plain {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
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

/// Shorter pieces are copied together: a write to a socket of its own costs more.
pub(super) const SHORT_BYTES_MAX: usize = 4096;

/// As much as is unpacked at once: a fraction of a millisecond.
const PIECE_BYTES_MAX: usize = 64 * 1024;
