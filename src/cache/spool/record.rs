//! How a part of an answer is written to a file.
//!
//! A record is the text's pieces one after the other: eight bytes with the piece's length, lowest first, then the piece.
//! A length that no piece can have stands for the service root's place. Files do not outlive the program, so
//! there is no version in them.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::disk::SpoolFile;
use crate::cache::Segment;
use crate::odata::neutral::{NeutralText, Piece};

/// Where a part of an answer is in its file. The file is there as long as one of its records.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) file: Arc<SpoolFile>,
    /// Bytes from the file's beginning.
    pub(super) place: u64,
    /// Its length in bytes.
    pub(super) len: usize,
    /// XXH3 over these bytes.
    pub(super) checksum: u64,
    /// How many rows the part holds.
    pub(super) rows: u64,
}

impl Record {
    /// Reads the part. Blocks. A record that is not what was written is an error, and never data.
    pub(super) fn read(&self) -> io::Result<Segment> {
        let text = self.file.read(self.place, self.len, self.checksum)?;
        let rows = self.rows;
        Ok(Segment { text, rows })
    }
}

/// Bytes of a text's record.
pub(super) fn encoded_len(text: &NeutralText) -> usize {
    text.len_at(0) + text.pieces().len() * HEAD_BYTES
}

/// Writes a text's record; returns its checksum.
pub(super) fn encode(text: &NeutralText, out: &mut impl Write) -> io::Result<u64> {
    let mut hash = Xxh3::new();
    let mut put = |bytes: &[u8]| {
        hash.update(bytes);
        out.write_all(bytes)
    };
    for piece in text.pieces() {
        match piece {
            Piece::Bytes(bytes) => {
                put(&(bytes.len() as u64).to_le_bytes())?;
                put(bytes)?;
            }
            Piece::Root => put(&ROOT.to_le_bytes())?,
        }
    }
    Ok(hash.digest())
}

/// The text of a record; `None` when it is not what was written. Its pieces share the record's bytes.
pub(super) fn decode(mut record: Bytes, checksum: u64) -> Option<NeutralText> {
    if xxh3_64(&record) != checksum {
        return None;
    }
    let mut text = NeutralText::new();
    while let Some(head) = record.first_chunk::<HEAD_BYTES>() {
        let head = u64::from_le_bytes(*head);
        record = record.slice(HEAD_BYTES..);
        if head == ROOT {
            text.push_root();
            continue;
        }
        let len = usize::try_from(head)
            .ok()
            .filter(|len| *len <= record.len())?;
        text.push(record.split_to(len));
    }
    record.is_empty().then_some(text)
}

const HEAD_BYTES: usize = size_of::<u64>();

/// In place of a piece's length: here the service root goes in.
const ROOT: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text_of(pieces: &[Option<Vec<u8>>]) -> NeutralText {
        let mut text = NeutralText::new();
        for piece in pieces {
            match piece {
                Some(bytes) => text.push(bytes.clone()),
                None => text.push_root(),
            }
        }
        text
    }

    proptest! {
        #[test]
        fn a_text_comes_back_as_it_was(pieces: Vec<Option<Vec<u8>>>) {
            let (text, mut record) = (text_of(&pieces), Vec::new());
            let checksum = encode(&text, &mut record).unwrap();
            prop_assert_eq!(record.len(), encoded_len(&text));
            prop_assert_eq!(decode(record.into(), checksum), Some(text));
        }

        #[test]
        fn a_record_that_was_changed_is_refused(pieces: Vec<Option<Vec<u8>>>, at: usize, by in 1..=u8::MAX) {
            let mut record = Vec::new();
            let checksum = encode(&text_of(&pieces), &mut record).unwrap();
            prop_assume!(!record.is_empty());
            let at = at % record.len();
            record[at] ^= by;
            prop_assert_eq!(decode(record.into(), checksum), None);
        }

        #[test]
        fn bytes_that_are_no_record_are_refused_or_text(bytes: Vec<u8>) {
            let checksum = xxh3_64(&bytes);
            let whole = bytes.len();
            if let Some(text) = decode(bytes.into(), checksum) {
                prop_assert!(text.len_at(0) < whole.max(1));
            }
        }
    }
}
