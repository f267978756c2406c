//! From text to packed text.

use std::io::Write;

use bytes::Bytes;
use crc32fast::Hasher;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::crc::Crc;
use super::{LINKED_BYTES_MAX, Linked, Packed, Part, Run};
use crate::odata::neutral::{NeutralText, Piece};

/// Packs a text.
pub(super) fn pack(text: &NeutralText) -> Packed {
    let stretches = stretches(text);
    let long = stretches.iter().filter(|stretch| stretch.is_long()).count();
    // Places of the service root are left between runs as long as there are few, or the runs are long.
    if stretches.len() > APART_MAX.max(long * 2) {
        return Packed::of(linked(text));
    }
    let mut parts = Vec::new();
    let mut short = NeutralText::new();
    for (at, stretch) in stretches.into_iter().enumerate() {
        if at > 0 {
            short.push_root();
        }
        if stretch.is_long() {
            push_text(&mut parts, std::mem::take(&mut short));
            parts.push(Part::Run(run(&stretch.pieces)));
        } else {
            for bytes in stretch.pieces {
                // A copy, because a slice would keep all of the page that it was read from.
                short.push(Bytes::copy_from_slice(&bytes));
            }
        }
    }
    push_text(&mut parts, short);
    Packed::of(parts)
}

/// Text between two places of the service root.
#[derive(Default)]
struct Stretch {
    pieces: Vec<Bytes>,
    len: usize,
}

impl Stretch {
    fn is_long(&self) -> bool {
        self.len >= RUN_BYTES_MIN
    }
}

fn stretches(text: &NeutralText) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut stretch = Stretch::default();
    for piece in text.pieces() {
        match piece {
            Piece::Bytes(bytes) => {
                stretch.len += bytes.len();
                stretch.pieces.push(bytes.clone());
            }
            Piece::Root => stretches.push(std::mem::take(&mut stretch)),
        }
    }
    stretches.push(stretch);
    stretches
}

fn run(pieces: &[Bytes]) -> Run {
    let mut crc = Hasher::new();
    let mut text_len = 0;
    let mut packer = Packer::new();
    for bytes in pieces {
        crc.update(bytes);
        text_len += bytes.len() as u64;
        packer.add(bytes);
    }
    let short = text_len <= PLAIN_BYTES_MAX;
    Run {
        deflated: packer.blocks(),
        text_len,
        crc: Crc::new(crc.finalize(), text_len),
        plain: short.then(|| pieces.concat().into()),
    }
}

/// Parts that hold text with many places of the service root, each of a bounded length.
fn linked(text: &NeutralText) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut packer, mut text_len, mut places) = (Packer::new(), 0, Vec::new());
    for piece in text.pieces() {
        match piece {
            Piece::Bytes(bytes) => {
                packer.add(bytes);
                text_len += bytes.len() as u64;
            }
            Piece::Root => places.push(text_len),
        }
        if text_len >= LINKED_BYTES_MAX as u64 {
            let (packer, text_len, places) = (
                std::mem::replace(&mut packer, Packer::new()),
                std::mem::take(&mut text_len),
                std::mem::take(&mut places),
            );
            parts.push(part_of(packer, text_len, places));
        }
    }
    if text_len > 0 || !places.is_empty() {
        parts.push(part_of(packer, text_len, places));
    }
    parts
}

fn part_of(packer: Packer, text_len: u64, places: Vec<u64>) -> Part {
    Part::Linked(Linked {
        deflated: packer.blocks(),
        text_len,
        places,
    })
}

/// Makes deflate blocks that refer to nothing before them and end on a whole byte.
pub(super) struct Packer(DeflateEncoder<Vec<u8>>);

impl Packer {
    pub(super) fn new() -> Self {
        Self(DeflateEncoder::new(Vec::new(), Compression::new(LEVEL)))
    }

    #[expect(
        clippy::expect_used,
        reason = "a panic is better than a text with a hole"
    )]
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0
            .write_all(bytes)
            .expect("memory takes what is written");
    }

    /// The blocks. The encoder's own last block, which would end the whole text, is left out.
    #[expect(
        clippy::expect_used,
        reason = "a panic is better than a text with a hole"
    )]
    pub(super) fn blocks(mut self) -> Bytes {
        self.0.flush().expect("memory takes what is written");
        let mut blocks = std::mem::take(self.0.get_mut());
        blocks.shrink_to_fit();
        blocks.into()
    }
}

/// A text of short stretches. One that has come to hold many places for the service root is kept as such.
fn push_text(parts: &mut Vec<Part>, text: NeutralText) {
    if text.is_empty() {
        return;
    }
    if stretches(&text).len() > APART_MAX {
        parts.extend(linked(&text));
    } else {
        parts.push(Part::Text(text));
    }
}

/// Shorter texts stay as they are. Clients are not offered gzip for less (see `web`).
const RUN_BYTES_MIN: usize = 1024;

/// A text that the service root's places cut into more pieces than this, most of them short, is kept as [`Linked`].
const APART_MAX: usize = 16;

/// Up to so many bytes the text of a run is kept beside its blocks.
pub(super) const PLAIN_BYTES_MAX: u64 = 128 * 1024;

/// Measured on rows of sessions (`cargo bench --bench text`): level 3 makes them a third smaller than level 1 in twice
/// the time, and from there on little is gained.
const LEVEL: u32 = 3;
