//! Reading an answer's file.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::time::Instant;

use super::Room;
use super::format::{Head, Rejected};
use super::index::{Known, Shelved};
use super::name::Name;
use super::pending::Begun;
use super::trouble::Trouble;
use crate::cache::CacheKey;
use crate::cache::entry::{Block, Entry, Facts};
use crate::cache::kept::{Asked, Used};
use crate::cache::policy::{self, Verdict};
use crate::cache::record::{Record, RecordFile};
use crate::cache::wish::Wish;
use crate::odata::shape::shape;

/// An answer that was read.
#[derive(Debug)]
pub(in crate::cache) struct Recalled {
    pub(in crate::cache) entry: Arc<Entry>,
    pub(in crate::cache) asked: Asked,
    pub(in crate::cache) used: Arc<Used>,
    /// To be brought to an end by whoever gives the answer a place.
    pub(in crate::cache) begun: Begun,
}

/// The file of a large answer, open for as long as the answer is known in memory.
#[derive(Debug)]
struct AnswerFile {
    file: File,
    name: Name,
    /// The writing that it comes from.
    writing: u64,
    room: Weak<Room>,
}

/// Files that are there and cannot be opened.
#[derive(Debug, Default)]
pub(super) struct ReadTrouble(Mutex<Trouble>);

impl RecordFile for AnswerFile {
    fn file(&self) -> io::Result<&File> {
        Ok(&self.file)
    }

    fn spoiled(&self) {
        let Some(room) = self.room.upgrade() else {
            return;
        };
        let ours = match room.index().get(self.name) {
            Known::There(shelved) => shelved.writing == self.writing,
            Known::Absent | Known::Perhaps => false,
        };
        // Another one may have taken its place.
        if ours {
            room.remove(self.name);
        }
    }
}

impl Room {
    /// Whether a client may want an answer of that age, be it only when there is no other.
    pub(super) fn is_wanted(&self, asked: &Asked, wish: &Wish) -> bool {
        let (wall, steady) = self.now();
        policy::judge(asked.age(wall, steady), wish) != Verdict::Useless
    }

    /// Reads the answer to `key`, when it is there and this client may want it. Blocks.
    pub(super) fn recall(self: &Arc<Self>, key: &CacheKey, wish: &Wish) -> Option<Recalled> {
        let begun = self.pending.read(key)?;
        let (realm, name) = self.name(key)?;
        let file = self.opened(name)?;
        let read = Head::read(&file).and_then(|(head, records_at)| {
            let facts = head.facts().ok_or(Rejected::Damaged)?;
            let written = head.key().read().ok_or(Rejected::Damaged)?;
            Ok((head, records_at, facts, written))
        });
        let (head, records_at, facts, written) = match read {
            Ok(read) => read,
            Err(rejected) => return self.drop_rejected(name, key, &rejected),
        };
        // Two keys may have one name.
        if written != *key || !head.is_of(realm) {
            return None;
        }
        let known = self.known(name, &head, records_at, &facts);
        let Some(Shelved {
            asked,
            used,
            writing,
            ..
        }) = known
        else {
            self.remove(name);
            return None;
        };
        // The index knows of another one since the file was opened.
        if asked.wall() != facts.fetched_at {
            return None;
        }
        let (wall, steady) = self.now();
        let age = asked.age(wall, steady);
        if age >= wish.lifetime.useful() {
            self.remove(name);
            return None;
        }
        if policy::judge(age, wish) == Verdict::Useless {
            return None;
        }
        match self.entry(&head, facts, file, name, writing) {
            Ok(entry) => Some(Recalled {
                entry,
                asked,
                used,
                begun,
            }),
            Err(error) => {
                let rejected = match error.kind() {
                    ErrorKind::InvalidData | ErrorKind::UnexpectedEof => Rejected::Damaged,
                    _ => Rejected::Io(error),
                };
                self.drop_rejected(name, key, &rejected)
            }
        }
    }

    /// Opens a file. One that is not there is not in the index any more after that.
    fn opened(&self, name: Name) -> Option<File> {
        // Not under the lock: a disk that hangs must not hold up those who only tell of it.
        let opened = self.folder.open(name);
        let mut trouble = self
            .read_trouble
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match opened {
            Ok(file) => {
                trouble.worked();
                Some(file)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.index().remove(name);
                None
            }
            Err(error) => {
                self.failed();
                if trouble.failed(Instant::now()) {
                    tracing::warn!(%error, "stored answers cannot be read from disk");
                }
                None
            }
        }
    }

    /// What the index knows of an answer that was found, or knows from now on; `None` when it must not be
    /// found any more, or nobody knows how old it is.
    fn known(&self, name: Name, head: &Head, records_at: u64, facts: &Facts) -> Option<Shelved> {
        let now = self.now();
        let mut index = self.index();
        match index.get(name) {
            Known::There(shelved) => return Some(shelved),
            // Its file is about to be removed.
            Known::Absent => return None,
            Known::Perhaps => {}
        }
        let asked = Asked::before(facts.fetched_at, now)?;
        let bytes = records_at.saturating_add(head.records_len()?);
        let used = Used::at(self.uses.at(now.0, now.1));
        let found = Shelved::new(head.key(), OF_ANOTHER_RUN, bytes, asked, used);
        index.discover(name, || found.clone());
        Some(found)
    }

    /// The answer in a file: as a whole when memory has room for it, else with parts that are read when they are wanted.
    pub(super) fn entry(
        self: &Arc<Self>,
        head: &Head,
        facts: Facts,
        file: File,
        name: Name,
        writing: u64,
    ) -> io::Result<Arc<Entry>> {
        let records = self.records(head, file, name, writing)?;
        let records_len = head.records_len().unwrap_or(u64::MAX);
        let block = |record: Record| {
            Ok(if records_len <= self.memory_each_max {
                Block::Memory(record.read()?)
            } else {
                Block::File(record)
            })
        };
        let blocks = records.into_iter().map(block).collect::<io::Result<_>>()?;
        Ok(Arc::new(Entry::new(facts, blocks)))
    }

    /// Where the parts of an answer are in its file.
    fn records(
        self: &Arc<Self>,
        head: &Head,
        file: File,
        name: Name,
        writing: u64,
    ) -> io::Result<Vec<Record>> {
        let len = file.metadata()?.len();
        let mut place = len.saturating_sub(head.records_len().unwrap_or(u64::MAX));
        let file: Arc<dyn RecordFile> = Arc::new(AnswerFile {
            file,
            name,
            writing,
            room: Arc::downgrade(self),
        });
        let mut records = Vec::with_capacity(head.records.len());
        for described in &head.records {
            records.push(Record {
                file: Arc::clone(&file),
                place,
                len: usize::try_from(described.len).map_err(io::Error::other)?,
                checksum: described.checksum,
                rows: described.rows,
            });
            place = place.saturating_add(described.len);
        }
        Ok(records)
    }

    /// Where the parts of an answer that is in memory are in its file; `None` when that is not there, or is another one's.
    /// Blocks.
    pub(super) fn records_of(
        self: &Arc<Self>,
        key: &CacheKey,
        facts: &Facts,
    ) -> Option<Vec<Record>> {
        // Nothing is read that is on its way out.
        let _begun = self.pending.read(key)?;
        let (realm, name) = self.name(key)?;
        let Known::There(Shelved { asked, writing, .. }) = self.index().get(name) else {
            return None;
        };
        if asked.wall() != facts.fetched_at {
            return None;
        }
        let file = self.opened(name)?;
        let head = match Head::read(&file) {
            Ok((head, _)) => head,
            Err(rejected) => return self.drop_rejected(name, key, &rejected),
        };
        let written = head.facts()?;
        let is_it = head.is_of(realm)
            && head.key().read().as_ref() == Some(key)
            && written.fetched_at == facts.fetched_at
            && written.digests.text == facts.digests.text;
        is_it.then(|| self.records(&head, file, name, writing).ok())?
    }

    /// What the answer in a file answers. Blocks.
    pub(super) fn key_in_file(&self, name: Name) -> Option<CacheKey> {
        let file = self.folder.open(name).ok()?;
        let (head, _) = Head::read(&file).ok()?;
        head.key().read()
    }

    /// Removes a file that is no answer.
    fn drop_rejected<T>(&self, name: Name, key: &CacheKey, rejected: &Rejected) -> Option<T> {
        self.remove(name);
        tracing::warn!(
            reason = %rejected,
            question = shape(key.question()),
            "a stored answer on disk cannot be used; its file was removed"
        );
        None
    }
}

/// The writing that an answer comes from that was there before this run.
pub(super) const OF_ANOTHER_RUN: u64 = 0;
