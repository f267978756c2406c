//! What tells bodies apart.

use std::fmt;

use xxhash_rust::xxh3::Xxh3;

use super::packed::{Packed, Part};
use crate::odata::neutral::{NeutralText, Piece};

/// Digests of a body; equal ones mean equal bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// Of the neutral text: the same whatever address it is asked under, and in however many pages it came.
    pub text: u128,
    /// Of the text as it is packed.
    pub packed: u128,
}

impl Digests {
    /// The digest of a text.
    pub(super) fn of_text(text: &NeutralText) -> u128 {
        let mut digest = Xxh3::new();
        add_text(&mut digest, text);
        digest.digest128()
    }

    /// The digest of a text as it is packed.
    pub(super) fn of_packed(packed: &Packed) -> u128 {
        let mut digest = Xxh3::new();
        add_packed(&mut digest, packed);
        digest.digest128()
    }
}

/// Digests of a body that is being written.
#[derive(Default)]
pub(super) struct Digester {
    text: Xxh3,
    packed: Xxh3,
    text_len: u64,
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digester")
            .field("text_len", &self.text_len)
            .finish_non_exhaustive()
    }
}

impl Digester {
    /// Adds a part.
    pub(super) fn add(&mut self, text: &NeutralText, packed: &Packed) {
        add_text(&mut self.text, text);
        self.text_len += text.len_at(0) as u64;
        add_packed(&mut self.packed, packed);
    }

    /// The digests of what was added, and the length of its text.
    pub(super) fn digests(&self) -> (Digests, u64) {
        let digests = Digests {
            text: self.text.digest128(),
            packed: self.packed.digest128(),
        };
        (digests, self.text_len)
    }
}

/// What decides the bytes that are sent as gzip: the parts, each with its kind and length, so that no two lists of parts
/// look alike.
fn add_packed(digest: &mut Xxh3, packed: &Packed) {
    for part in packed.parts() {
        let (kind, len) = match part {
            Part::Text(text) => (0, text.len_at(0)),
            Part::Run(run) => (1, run.deflated().len()),
            Part::Linked(linked) => (2, linked.deflated().len()),
        };
        digest.update(&[kind]);
        digest.update(&(len as u64).to_le_bytes());
        match part {
            Part::Text(text) => add_text(digest, text),
            Part::Run(run) => digest.update(run.deflated()),
            Part::Linked(linked) => {
                digest.update(linked.deflated());
                for place in linked.places() {
                    digest.update(&place.to_le_bytes());
                }
            }
        }
    }
}

fn add_text(digest: &mut Xxh3, text: &NeutralText) {
    for piece in text.pieces() {
        match piece {
            Piece::Bytes(bytes) => digest.update(bytes),
            Piece::Root => digest.update(&[0]),
        }
    }
}
