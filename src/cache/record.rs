//! A part of an answer in a file.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::Segment;
use super::file::At;
use super::packed::Packed;

/// A file with records in it.
pub(super) trait RecordFile: Debug + Send + Sync {
    /// The file, open for reading.
    fn file(&self) -> io::Result<&File>;

    /// A record of it cannot be read, or is damaged.
    fn spoiled(&self) {}
}

/// Where a part of an answer is in its file. The file is there as long as one of its records.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) file: Arc<dyn RecordFile>,
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
        let bytes = self.bytes()?;
        let rows = self.rows;
        let text = Packed::decode(bytes);
        let segment = text.map(|text| Segment { text, rows });
        self.told(segment.ok_or_else(damaged))
    }

    /// The record's bytes, checked. Blocks.
    pub(super) fn bytes(&self) -> io::Result<Bytes> {
        let mut bytes = vec![0; self.len];
        let read = self.file.file().and_then(|file| {
            At::new(file, self.place).read_exact(&mut bytes)?;
            let intact = xxh3_64(&bytes) == self.checksum;
            intact.then_some(()).ok_or_else(damaged)
        });
        self.told(read).map(|()| bytes.into())
    }

    /// Tells the file when there is something wrong with it.
    fn told<T>(&self, read: io::Result<T>) -> io::Result<T> {
        if read.is_err() {
            self.file.spoiled();
        }
        read
    }
}

fn damaged() -> io::Error {
    let reason = "what was read is not what was written";
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Writes a text's record; returns its checksum.
pub(super) fn write(text: &Packed, out: &mut impl Write) -> io::Result<u64> {
    let mut out = Summing {
        out,
        sum: Xxh3::new(),
    };
    text.encode(&mut out)?;
    Ok(out.sum.digest())
}

/// Sums up what is written.
struct Summing<'a, W> {
    out: &'a mut W,
    sum: Xxh3,
}

impl<W: Write> Write for Summing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.sum.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
