//! Who writes an answer.

use std::io;
use std::sync::Arc;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use super::disk::SpoolFile;
use super::{
    Disk, Keep, LOOK_AGAIN_AFTER, Progress, Record, Room, STANDSTILL_MAX, Spool, ready, wait,
};
use crate::cache::packed::Packed;
use crate::cache::{Content, Failure, Segment};
use crate::odata::neutral::NeutralText;

/// Writes an answer.
#[derive(Debug)]
pub struct SpoolWriter<E: Failure> {
    spool: Arc<Spool<E>>,
    /// The answer's file, once it has one.
    pub(super) file: Option<Arc<SpoolFile>>,
    /// The write of the last part, while it is under way.
    writing: Option<Writing>,
}

/// A write under way: the answer's file, and where in it the part is.
type Writing = JoinHandle<io::Result<(Arc<SpoolFile>, Record)>>;

impl<E: Failure> SpoolWriter<E> {
    pub(in crate::cache) fn new(spool: Arc<Spool<E>>) -> Self {
        Self {
            spool,
            file: None,
            writing: None,
        }
    }

    /// Says what kind of body comes; to be called once, before the first [`SpoolWriter::push`].
    pub fn begin(&mut self, content: Content) {
        self.spool.state().content = Some(content);
    }

    /// Writes a part with so many rows: packed; to a file, when it is too much for memory. Readers have it at once, and
    /// the file is written while the next part is being fetched; what is waited for here is the write before. When
    /// there is no writing to the file, what is there already can still be read, and the rest of the answer goes on
    /// without one.
    ///
    /// The last part of an answer stays in memory: nobody waits for its write.
    pub async fn push(&mut self, text: NeutralText, rows: u64) {
        let text = self.pack(text).await;
        self.put(Segment { text, rows }).await;
    }

    /// Packs a text, and adds it to the answer's digests.
    async fn pack(&self, text: NeutralText) -> Packed {
        let packed = if text.len_at(0) <= PACKED_AT_ONCE_BYTES_MAX {
            Packed::pack(&text)
        } else {
            let shared = text.clone();
            let packed = spawn_blocking(move || Packed::pack(&shared)).await;
            // When the program stops, other threads take no more work.
            packed.unwrap_or_else(|_| Packed::pack(&text))
        };
        self.spool.state().digester.add(&text, &packed);
        packed
    }

    pub(super) async fn put(&mut self, segment: Segment) {
        self.settle().await;
        self.spool.make_room(&segment).await;
        if self.spool.publish(segment.clone()) == Keep::File {
            self.writing = Some(self.write(segment));
        }
    }

    /// Waits for the write that is under way.
    async fn settle(&mut self) {
        let Some(writing) = &mut self.writing else {
            return;
        };
        let written = writing.await.map_err(io::Error::other).flatten();
        self.writing = None;
        match written {
            Ok((file, record)) => {
                self.file = Some(file);
                self.spool.filed(record);
            }
            Err(error) => {
                tracing::warn!(
                    %error,
                    "an answer that is too large for memory cannot be kept in a temporary file while it is made; its \
                     slowest client sets its pace"
                );
                self.file = None;
                self.spool.not_filed();
            }
        }
    }

    fn write(&self, segment: Segment) -> Writing {
        let file = self.file.clone();
        let disk = self.spool.space.disk.clone();
        spawn_blocking(move || {
            let made = || disk.as_ref().map(Disk::file).transpose();
            let file = match file {
                Some(file) => file,
                None => Arc::new(made()?.ok_or(io::ErrorKind::NotFound)?),
            };
            let record = file.append(&segment)?;
            Ok((file, record))
        })
    }

    /// Whether somebody waits for more than there is, or nearly.
    pub fn has_room(&self) -> bool {
        self.spool.room() == Room::Yes
    }

    /// Waits until it is worth fetching more, and drops readers who stand in the way of others for too long.
    pub async fn room(&self) {
        let spool = &self.spool;
        loop {
            let room = spool.room();
            let changed = wait(&spool.writer_wake, || ready(spool.room() != room));
            match room {
                Room::Yes => return,
                Room::No => changed.await,
                // Readers only go forward, so that as long as it is this part, nobody there has moved.
                Room::HeldAt(part) => {
                    tokio::pin!(changed);
                    if timeout(STANDSTILL_MAX, changed.as_mut()).await.is_err()
                        && timeout(LOOK_AGAIN_AFTER, changed).await.is_err()
                    {
                        spool.drop_readers_at(part);
                    }
                }
            }
        }
    }

    /// How far the answer has come.
    pub fn progress(&self) -> &Arc<Progress> {
        self.spool.progress()
    }
}

/// Packing so much text takes less time than handing it to another thread.
const PACKED_AT_ONCE_BYTES_MAX: usize = 16 * 1024;
