//! Writing an answer's file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use jiff::Timestamp;

use super::Room;
use super::format::{HEAD_BYTES_MAX, Head, RecordOfHead};
use super::index::Shelved;
use super::writer::Job;
use crate::cache::entry::{Block, Entry};
use crate::cache::record;

/// What came of a job.
#[derive(Debug)]
pub(super) enum Written {
    /// The answer is on disk. When it does not stay in memory as it was, this is what takes its place.
    Stored(Option<Arc<Entry>>),
    /// It was purged, or there is a newer one.
    Stopped,
    /// Its key is one that could not be read again, it is too large, or its parts cannot be read.
    Unfit,
}

impl Room {
    /// Writes an answer to a file of its own. `moves`: it does not stay in memory as it is. Blocks.
    pub(super) fn write(self: &Arc<Self>, job: &Job, moves: bool) -> io::Result<Written> {
        let Job {
            key,
            entry,
            asked,
            used,
            begun,
            ..
        } = job;
        if begun.is_stopped() {
            return Ok(Written::Stopped);
        }
        let Some((realm, name)) = self.name(key) else {
            return Ok(Written::Unfit);
        };
        let records = entry
            .blocks
            .iter()
            .map(described)
            .collect::<Result<_, _>>()?;
        let Some(head) = Head::new(realm, key, &entry.facts, records) else {
            return Ok(Written::Unfit);
        };
        let first = head.to_bytes()?;
        let records_len = head.records_len().unwrap_or(u64::MAX);
        let bytes = records_len.saturating_add(first.len() as u64);
        if bytes > self.limits.bytes || first.len() > HEAD_BYTES_MAX as usize {
            return Ok(Written::Unfit);
        }
        self.make_room(bytes);
        let temporary = self.folder.begin(name)?;
        if !write_all(&temporary.file, &first, &entry.blocks)? {
            return Ok(Written::Unfit);
        }
        if let Ok(used) = Timestamp::from_millisecond(used.milliseconds()) {
            // Only which answer goes first depends on it.
            temporary.file.set_modified(used.into()).unwrap_or_default();
        }
        let handle = moves.then(|| temporary.file.try_clone()).transpose()?;
        let number = begun.number();
        let shelved = Shelved::new(head.key(), number, bytes, *asked, Arc::clone(used));
        let finished = begun.finish(|| {
            self.folder.finish(temporary, name)?;
            self.index().insert(name, shelved);
            io::Result::Ok(())
        });
        match finished {
            None => return Ok(Written::Stopped),
            Some(finished) => finished?,
        }
        let instead = handle.map(|file| self.entry(&head, entry.facts.clone(), file, name, number));
        Ok(Written::Stored(instead.transpose()?))
    }
}

/// What the head says of a part.
fn described(block: &Block) -> io::Result<RecordOfHead> {
    let (checksum, rows) = match block {
        Block::Memory(segment) => {
            let checksum = record::write(&segment.text, &mut io::sink())?;
            (checksum, segment.rows)
        }
        Block::File(record) => (record.checksum, record.rows),
    };
    Ok(RecordOfHead {
        len: block.record_len(),
        checksum,
        rows,
    })
}

/// Returns whether all parts could be read; that one could not, is no fault of this disk.
fn write_all(file: &File, head: &[u8], blocks: &[Block]) -> io::Result<bool> {
    let mut out = BufWriter::with_capacity(WRITTEN_AT_ONCE, file);
    out.write_all(head)?;
    for block in blocks {
        match block {
            Block::Memory(segment) => {
                record::write(&segment.text, &mut out)?;
            }
            Block::File(record) => match record.bytes() {
                Ok(bytes) => out.write_all(&bytes)?,
                Err(_) => return Ok(false),
            },
        }
    }
    out.flush()?;
    Ok(true)
}

const WRITTEN_AT_ONCE: usize = 64 * 1024;
