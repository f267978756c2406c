//! Packed text as a gzip file of one member (RFC 1952).

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;
use crc32fast::Hasher;

use super::pack::Packer;
use super::unpacked::SHORT_BYTES_MAX;
use super::{Packed, Part, unpacked};
use crate::odata::neutral::{NeutralText, Piece};

/// Writes a gzip file, part by part.
#[derive(Debug)]
pub struct GzipWriter {
    /// CRC-32 of the text so far.
    crc: u32,
    text_len: u64,
    /// Short bytes that go out with what comes next.
    short: Vec<u8>,
}

impl GzipWriter {
    /// The beginning of a file.
    pub fn new() -> Self {
        let mut short = Vec::with_capacity(SHORT_BYTES_MIN);
        short.extend_from_slice(&HEADER);
        Self {
            crc: 0,
            text_len: 0,
            short,
        }
    }

    /// Writes a part for a client with this service root.
    pub fn write(
        &mut self,
        part: &Part,
        root: &Bytes,
        out: &mut VecDeque<Bytes>,
    ) -> io::Result<()> {
        match part {
            Part::Text(text) => self.write_text(text, root),
            Part::Run(run) => {
                self.crc = run.crc.behind(self.crc);
                self.text_len += run.text_len;
                if run.deflated.len() < SHORT_BYTES_MAX {
                    self.short.extend_from_slice(&run.deflated);
                } else {
                    self.flush(out);
                    out.push_back(run.deflated.clone());
                }
            }
            Part::Linked(linked) => {
                let mut packer = Packer::new();
                for piece in unpacked::pieces(linked)? {
                    let bytes = bytes_of(&piece, root);
                    self.count(bytes);
                    packer.add(bytes);
                }
                self.flush(out);
                out.push_back(packer.blocks());
            }
        }
        Ok(())
    }

    /// Hands out what was written and held back, so that it can be sent now.
    pub fn flush(&mut self, out: &mut VecDeque<Bytes>) {
        if !self.short.is_empty() {
            out.push_back(std::mem::take(&mut self.short).into());
        }
    }

    /// Writes the end of the file: an empty last block, and the trailer. Without it no reader takes the file for
    /// complete.
    pub fn end(mut self, out: &mut VecDeque<Bytes>) {
        self.short.extend_from_slice(&LAST_BLOCK);
        self.short.extend_from_slice(&self.crc.to_le_bytes());
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the length modulo 2^32 (RFC 1952, section 2.3.1)"
        )]
        let text_len = self.text_len as u32;
        self.short.extend_from_slice(&text_len.to_le_bytes());
        self.flush(out);
    }

    /// Writes a short text as it is, in blocks that are not compressed.
    pub fn write_text(&mut self, text: &NeutralText, root: &Bytes) {
        let text = text.to_bytes(root);
        self.count(&text);
        put_stored(&text, &mut self.short);
    }

    fn count(&mut self, text: &[u8]) {
        let mut crc = Hasher::new_with_initial(self.crc);
        crc.update(text);
        self.crc = crc.finalize();
        self.text_len += text.len() as u64;
    }
}

impl Default for GzipWriter {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes text as it is, in blocks that are not compressed.
pub(super) fn put_stored(text: &[u8], out: &mut Vec<u8>) {
    for block in text.chunks(STORED_BYTES_MAX) {
        let len = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(STORED);
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(block);
    }
}

/// Bytes of the whole file when the service root is `root_len` bytes long.
pub(super) fn len_at(packed: &Packed, root_len: usize) -> Option<u64> {
    let part = |part: &Part| match part {
        Part::Text(text) => Some(stored_len(text.len_at(root_len))),
        Part::Run(run) => Some(run.deflated.len() as u64),
        Part::Linked(_) => None,
    };
    packed
        .parts()
        .iter()
        .try_fold(FRAME_BYTES, |len, next| Some(len + part(next)?))
}

/// What [`Packed::gzip_len_at`] follows from, for a text that is not at hand.
#[derive(Debug)]
pub(in crate::cache) struct GzipLen {
    /// Bytes that are the same for all clients.
    fixed: u64,
    /// The texts that are not compressed: the length of each without the service root, and its places for it.
    texts: Vec<(usize, usize)>,
}

impl GzipLen {
    /// That of this text; `None` when it is known only once it is packed anew.
    pub(in crate::cache) fn of(packed: &Packed) -> Option<Self> {
        let mut fixed = FRAME_BYTES;
        let mut texts = Vec::new();
        for part in packed.parts() {
            match part {
                Part::Text(text) => {
                    let len = text.len_at(0);
                    texts.push((len, text.len_at(1) - len));
                }
                Part::Run(run) => fixed += run.deflated.len() as u64,
                Part::Linked(_) => return None,
            }
        }
        Some(Self { fixed, texts })
    }

    /// Bytes of the whole file when the service root is `root_len` bytes long.
    pub(in crate::cache) fn at(&self, root_len: usize) -> u64 {
        let texts = self.texts.iter();
        let texts = texts.map(|(len, roots)| stored_len(len + roots * root_len));
        self.fixed + texts.sum::<u64>()
    }
}

/// Bytes of the blocks in which a text of so many bytes is not compressed.
fn stored_len(text_len: usize) -> u64 {
    (text_len + text_len.div_ceil(STORED_BYTES_MAX) * STORED_HEAD_BYTES) as u64
}

fn bytes_of<'a>(piece: &'a Piece, root: &'a Bytes) -> &'a Bytes {
    match piece {
        Piece::Bytes(bytes) => bytes,
        Piece::Root => root,
    }
}

/// Deflate, no name, no time, no operating system (RFC 1952, section 2.3).
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The answer to a small question is not longer.
const SHORT_BYTES_MIN: usize = 1024;
/// A block that is not compressed, and not the last; at the beginning of a byte (RFC 1951, section 3.2.4).
const STORED: u8 = 0;
const STORED_HEAD_BYTES: usize = 5;
const STORED_BYTES_MAX: usize = 65535;
/// An empty block, marked as the last.
const LAST_BLOCK: [u8; 5] = [1, 0, 0, 0xff, 0xff];
const TRAILER_BYTES: usize = 8;
/// Of what stands before the text and behind it.
const FRAME_BYTES: u64 = (HEADER.len() + LAST_BLOCK.len() + TRAILER_BYTES) as u64;
