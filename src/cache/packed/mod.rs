//! Text compressed once, in a form that every client can be served from.
//!
//! A gzip file is a header, a stream of deflate blocks, and a trailer with the text's CRC and length (RFC 1952). Deflate
//! blocks may be put together at will where no block refers to text before it, and ends on a whole byte (RFC 1951): so
//! long texts are kept as such blocks ([`Run`]), and what depends on the client's address is put between them as blocks
//! that are not compressed. All of it is one member, because many clients stop behind the first. The CRC of the
//! whole follows from those of its parts, without looking at the text.
//!
//! Who takes gzip gets the blocks as they are; for others they are unpacked, a bounded piece at a time, unless the text is
//! kept.

mod crc;
mod gzip;
mod inflate;
mod join;
mod pack;
mod record;
mod unpacked;

use std::io;
use std::sync::{Arc, Weak};

use bytes::Bytes;

use self::crc::Crc;
use crate::odata::neutral::{NeutralText, Piece};

pub(super) use gzip::GzipLen;

pub use gzip::GzipWriter;
pub use unpacked::{Plain, Unpacked};

/// Neutral text, compressed where that pays. Clones share it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packed {
    parts: Arc<Vec<Part>>,
}

/// A [`Packed`] that others may hold.
#[derive(Debug, Default)]
pub(super) struct WeakPacked(Weak<Vec<Part>>);

/// A part of a packed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Short text, and the service root's places in it.
    Text(NeutralText),
    /// Long text without a place for the service root.
    Run(Run),
    /// Text with so many places for the service root that it has to be packed anew for each client.
    Linked(Linked),
}

/// Deflate blocks that refer to nothing before them and end on a whole byte, none of them marked as the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    deflated: Bytes,
    /// Bytes of the text.
    text_len: u64,
    /// Of the text.
    crc: Crc,
    /// The text itself, of short runs, for clients that do not take gzip.
    plain: Option<Bytes>,
}

/// Text and the service root's places in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The text without the service root, as in a [`Run`]. At most [`LINKED_BYTES_MAX`] unpacked, or one piece.
    deflated: Bytes,
    text_len: u64,
    /// Where the service root goes: offsets in that text, in order.
    places: Vec<u64>,
}

impl Packed {
    /// Packs a text. Takes the processor for about 4 ms a megabyte.
    pub fn pack(text: &NeutralText) -> Self {
        pack::pack(text)
    }

    /// Texts one behind the other as one, with as few parts as possible. Copies what is compressed, but where there is one
    /// run of it alone.
    #[must_use]
    pub fn joined(texts: &[Self]) -> Self {
        join::join(texts)
    }

    /// From its parts.
    pub(super) fn of(mut parts: Vec<Part>) -> Self {
        parts.shrink_to_fit();
        Self {
            parts: Arc::new(parts),
        }
    }

    /// The parts in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// A text that is kept as it is, however long: whoever takes gzip must not be given it.
    pub(super) fn bare(text: NeutralText) -> Self {
        Self::of(vec![Part::Text(text)])
    }

    /// Whether all of the text is there, and nothing has to be unpacked for those who do not take gzip.
    pub fn is_plain(&self) -> bool {
        self.parts.iter().all(|part| match part {
            Part::Text(_) => true,
            Part::Run(run) => run.plain.is_some(),
            Part::Linked(_) => false,
        })
    }

    /// Whether it has so many places for the service root that it is packed anew for each client.
    pub(super) fn is_linked(&self) -> bool {
        let linked = |part: &Part| matches!(part, Part::Linked(_));
        self.parts.iter().any(linked)
    }

    /// The whole text, with one piece for all that lies between two places of the service root. Takes the processor for
    /// less than 1 ms a megabyte.
    pub(super) fn text(&self) -> io::Result<NeutralText> {
        let len = usize::try_from(self.len_at(0)).map_err(io::Error::other)?;
        let mut whole = Vec::with_capacity(len);
        let mut places = Vec::new();
        for piece in self.unpacked() {
            match piece? {
                Piece::Bytes(bytes) => whole.extend_from_slice(&bytes),
                Piece::Root => places.push(whole.len()),
            }
        }
        let mut rest = Bytes::from(whole);
        let mut text = NeutralText::new();
        let mut at = 0;
        for place in places {
            text.push(rest.split_to(place - at));
            text.push_root();
            at = place;
        }
        text.push(rest);
        Ok(text)
    }

    /// Finds it again as long as somebody else holds it.
    pub(super) fn downgrade(&self) -> WeakPacked {
        WeakPacked(Arc::downgrade(&self.parts))
    }

    /// Bytes held in memory, roughly.
    pub fn stored_len(&self) -> usize {
        let held: usize = self.parts.iter().map(Part::stored_len).sum();
        held + self.parts.capacity() * size_of::<Part>()
    }

    /// Bytes of the text when the service root is `root_len` bytes long.
    pub fn len_at(&self, root_len: usize) -> u64 {
        self.parts.iter().map(|part| part.len_at(root_len)).sum()
    }

    /// Bytes of the whole as a gzip file when the service root is `root_len` bytes long; `None` when that is known only
    /// once it is packed anew.
    pub fn gzip_len_at(&self, root_len: usize) -> Option<u64> {
        gzip::len_at(self, root_len)
    }

    /// The whole text with `root` in its open places.
    #[cfg(test)]
    pub(crate) fn to_bytes(&self, root: &Bytes) -> Bytes {
        let pieces = self.plain(root).map(Result::unwrap);
        pieces.collect::<Vec<_>>().concat().into()
    }

    /// The whole text for a client with this service root, when it is short and nothing of it has to be unpacked.
    pub fn short(&self, root: &Bytes) -> Option<Bytes> {
        let len = usize::try_from(self.len_at(root.len())).ok()?;
        if len > unpacked::SHORT_BYTES_MAX {
            return None;
        }
        let mut whole = Vec::with_capacity(len);
        for part in self.parts() {
            match part {
                Part::Text(text) => text.write(root, &mut whole),
                Part::Run(run) => whole.extend_from_slice(run.plain.as_ref()?),
                Part::Linked(_) => return None,
            }
        }
        Some(whole.into())
    }

    /// The text again, in pieces of bounded size.
    pub fn unpacked(&self) -> Unpacked {
        Unpacked::new(self.clone())
    }

    /// The text for a client with this service root, in pieces of bounded size.
    pub fn plain(&self, root: &Bytes) -> Plain {
        Plain::new(self.unpacked(), root.clone())
    }
}

impl WeakPacked {
    /// It, when somebody still holds it.
    pub(super) fn upgrade(&self) -> Option<Packed> {
        let parts = self.0.upgrade()?;
        Some(Packed { parts })
    }
}

impl Part {
    fn stored_len(&self) -> usize {
        match self {
            Self::Text(text) => text.stored_len(),
            Self::Run(run) => run.deflated.len() + run.plain.as_ref().map_or(0, Bytes::len),
            Self::Linked(linked) => {
                linked.deflated.len() + linked.places.capacity() * size_of::<u64>()
            }
        }
    }

    fn len_at(&self, root_len: usize) -> u64 {
        match self {
            Self::Text(text) => text.len_at(root_len) as u64,
            Self::Run(run) => run.text_len,
            Self::Linked(linked) => linked.text_len + (linked.places.len() * root_len) as u64,
        }
    }
}

impl Run {
    /// The deflate blocks.
    pub fn deflated(&self) -> &Bytes {
        &self.deflated
    }
}

impl Linked {
    /// The deflate blocks of the text without the service root.
    pub fn deflated(&self) -> &Bytes {
        &self.deflated
    }

    /// Where the service root goes: offsets in the text, in order.
    pub fn places(&self) -> &[u64] {
        &self.places
    }
}

/// Bytes of text after which a part with many places for the service root ends, because it is unpacked as a whole.
const LINKED_BYTES_MAX: usize = 128 * 1024;

#[cfg(test)]
mod tests;
