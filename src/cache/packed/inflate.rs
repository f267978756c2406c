//! Unpacking deflate blocks, a piece at a time.

use std::io;

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};

/// Unpacks the blocks of one run.
#[derive(Debug)]
pub(super) struct Inflate {
    blocks: Bytes,
    engine: Decompress,
    /// Bytes of the text that are still to come.
    left: u64,
}

impl Inflate {
    /// Blocks that hold a text of so many bytes.
    pub(super) fn new(blocks: Bytes, text_len: u64) -> Self {
        Self {
            blocks,
            engine: Decompress::new(false),
            left: text_len,
        }
    }

    /// The next piece of the text, at most `bytes_max` long; `None` behind the end. Blocks that do not hold the text that
    /// they should are an error.
    pub(super) fn next(&mut self, bytes_max: usize) -> io::Result<Option<Bytes>> {
        if self.left == 0 {
            return Ok(None);
        }
        let len = usize::try_from(self.left).map_or(bytes_max, |left| left.min(bytes_max));
        let mut piece = Vec::with_capacity(len);
        while piece.len() < len {
            let before = (self.engine.total_in(), piece.len());
            let input = usize::try_from(before.0).unwrap_or(usize::MAX);
            let rest = self.blocks.get(input..).unwrap_or_default();
            let status = self
                .engine
                .decompress_vec(rest, &mut piece, FlushDecompress::None)?;
            let stands_still = (self.engine.total_in(), piece.len()) == before;
            if status == Status::StreamEnd || stands_still {
                return Err(too_short());
            }
        }
        self.left -= piece.len() as u64;
        Ok(Some(piece.into()))
    }
}

/// The whole text of these blocks.
pub(super) fn whole(blocks: &Bytes, text_len: u64) -> io::Result<Bytes> {
    let len = usize::try_from(text_len).map_err(|_| too_short())?;
    let piece = Inflate::new(blocks.clone(), text_len).next(len)?;
    Ok(piece.unwrap_or_default())
}

fn too_short() -> io::Error {
    let reason = "compressed text is shorter than it should be";
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
