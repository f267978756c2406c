//! Stored answers on disk: they survive a restart, and eviction from memory.
//!
//! Each answer has a file of its own, called after a digest of its key ([`name`]), which holds everything that is known of
//! it ([`mod@format`]). What is in memory is the [`index`], made in the background after the start by reading the beginnings
//! of all files ([`scan`]); until that is done a file is simply looked for by its name. Answers are written behind the
//! clients' backs by one task ([`writer`]), and read when somebody asks for them ([`read`]).
//!
//! Invariants: what is given was checked byte by byte against its checksums; what was purged is not found again, nor is an
//! answer when there was a newer one in this run; an answer of another realm is never found. When the disk fails, answers
//! are in memory only.
//!
//! Locks are taken in this order: the list of fills, [`pending`], the index.
//!
//! There is no database: each file is written once and read as a whole or in order, and checksums take the place of logs.

mod folder;
mod format;
mod index;
mod name;
mod pending;
mod read;
mod scan;
mod trouble;
mod write;
mod writer;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::{MutexGuard as Turn, mpsc, watch};
use tokio::task::spawn_blocking;

use self::folder::Folder;
use self::index::{Index, Known, Limits};
use self::name::Name;
use self::pending::Pending;
use self::read::ReadTrouble;
use self::writer::Message;
use super::CacheKey;
use super::entry::Entry;
use super::uses::Uses;
use super::wish::Wish;
use crate::clock::Clock;
use crate::odata::name::SiteId;
use crate::tasks::Tasks;

pub(super) use self::pending::{Begun, Purging};
pub(super) use self::read::Recalled;
pub(super) use self::writer::{Job, Seat};

pub use self::name::Realm;

/// Where stored answers are on disk.
#[derive(Debug, Clone)]
pub struct ShelfFolder {
    /// The folder, for nothing else; made when it is needed. What is in it that is no answer, is removed.
    pub path: PathBuf,
    /// Bytes that all files in it may take together.
    pub bytes_max: u64,
    /// The realm of each site. Answers of sites that are not here are not stored.
    pub realms: BTreeMap<SiteId, Realm>,
}

/// The answers on disk. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    room: Arc<Room>,
    queue: mpsc::Sender<Message>,
    tasks: Tasks,
}

/// What the tasks of a shelf share.
#[derive(Debug)]
struct Room {
    folder: Folder,
    limits: Limits,
    /// An answer that takes more bytes than this is read part by part.
    memory_each_max: u64,
    realms: BTreeMap<SiteId, Realm>,
    index: Mutex<Index>,
    pending: Arc<Pending>,
    /// One reads an answer, the others wait and find it in memory.
    turns: [tokio::sync::Mutex<()>; TURNS],
    /// Whether all files were looked at.
    scanned: watch::Sender<bool>,
    read_trouble: ReadTrouble,
    /// How often the disk did not do what it should.
    failures: AtomicU64,
    /// Bytes in memory that wait to be written.
    queued: Arc<AtomicU64>,
    queued_max: u64,
    clock: Arc<dyn Clock>,
    uses: Uses,
}

impl Room {
    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a failure of the disk.
    fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    fn name(&self, key: &CacheKey) -> Option<(Realm, Name)> {
        let realm = *self.realms.get(key.site())?;
        Some((realm, Name::new(realm, key)))
    }

    /// Removes an answer and its file. Blocks.
    fn remove(&self, name: Name) {
        self.index().remove(name);
        self.remove_file(name);
    }

    /// Removes the file of an answer that is not in the index any more. Blocks.
    fn remove_file(&self, name: Name) {
        if let Err(error) = self.folder.remove(name) {
            tracing::warn!(%error, "a stored answer's file cannot be removed, and may be found after the next start");
        }
    }

    /// Removes what has to go for a file of so many bytes. Blocks.
    fn make_room(&self, bytes: u64) {
        let removed = self.index().make_room(bytes);
        for name in removed {
            self.remove_file(name);
        }
    }
}

impl Shelf {
    /// Answers in this folder. One that takes up to `memory_each_max` bytes is read as a whole; up to `queued_max` bytes
    /// of memory may wait to be written.
    pub(super) fn new(
        settings: ShelfFolder,
        memory_each_max: u64,
        queued_max: u64,
        clock: Arc<dyn Clock>,
        uses: Uses,
        tasks: Tasks,
    ) -> Self {
        let limits = Limits {
            bytes: settings.bytes_max,
            answers: ANSWERS_MAX,
        };
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let room = Arc::new(Room {
            folder: Folder::new(settings.path, clock.now()),
            limits,
            memory_each_max,
            realms: settings.realms,
            index: Mutex::new(Index::new(limits)),
            pending: Arc::default(),
            turns: std::array::from_fn(|_| tokio::sync::Mutex::default()),
            scanned: watch::Sender::new(false),
            read_trouble: ReadTrouble::default(),
            failures: AtomicU64::new(0),
            queued: Arc::default(),
            queued_max,
            clock,
            uses,
        });
        tasks.spawn("stored answers: scan", scan::run(Arc::clone(&room)));
        tasks.spawn(
            "stored answers: write",
            writer::run(Arc::clone(&room), jobs),
        );
        Self { room, queue, tasks }
    }

    /// How many answers are known, and the bytes of their files.
    pub(super) fn size(&self) -> (u64, u64) {
        let (answers, bytes) = self.room.index().size();
        (answers as u64, bytes)
    }

    /// How often an answer could not be written, or one that is there not be opened.
    pub(super) fn failures(&self) -> u64 {
        self.room.failures.load(Ordering::Relaxed)
    }

    /// A place in the queue of what is to be written, for the answer to a key; `None` when it will not be.
    pub(super) fn seat(&self, key: &CacheKey, entry: &Entry) -> Option<Seat> {
        let room = &self.room;
        let bytes = entry.records_len();
        if !room.realms.contains_key(key.site()) || bytes > room.limits.bytes {
            return None;
        }
        let place = self.queue.clone().try_reserve_owned().ok()?;
        Seat::new(place, room, entry.stored_len() as u64)
    }

    /// Whether an answer is too large to stay in memory.
    pub(super) fn is_large(&self, entry: &Entry) -> bool {
        entry.is_filed() || entry.records_len() > self.room.memory_each_max
    }

    /// Has an answer written. Whatever else was begun for its key, is of no use any more.
    pub(super) fn write(&self, seat: Seat, key: &CacheKey, job: impl FnOnce(Begun) -> Job) {
        let begun = self.room.pending.write(key);
        seat.take(job(begun));
    }

    /// Forgets the answer to a key, because there is a newer one in memory, or none any more.
    pub(super) fn forget(&self, key: &CacheKey) {
        let room = &self.room;
        room.pending.stop(key);
        let Some((_, name)) = room.name(key) else {
            return;
        };
        let may_be_there = !matches!(room.index().get(name), Known::Absent);
        if may_be_there {
            room.index().remove(name);
            let room = Arc::clone(room);
            spawn_blocking(move || room.remove_file(name));
        }
    }

    /// Waits for the turn to look for the answer to a key; `None` when it is known not to be there, or to be of no use.
    pub(super) async fn turn(&self, key: &CacheKey, wish: &Wish) -> Option<Turn<'_, ()>> {
        let (_, name) = self.room.name(key)?;
        let known = self.room.index().get(name);
        match known {
            Known::Absent => None,
            Known::There(shelved) if !self.room.is_wanted(&shelved.asked, wish) => None,
            Known::There(_) | Known::Perhaps => {
                let turn = self.room.turns.get(name.stripe(TURNS))?;
                Some(turn.lock().await)
            }
        }
    }

    /// Reads the answer to a key, when it is there and may be of use. To be called by who has the turn.
    pub(super) async fn recall(&self, key: &CacheKey, wish: &Wish) -> Option<Recalled> {
        let (room, key, wish) = (Arc::clone(&self.room), key.clone(), *wish);
        spawn_blocking(move || room.recall(&key, &wish))
            .await
            .ok()?
    }

    /// An answer that takes more bytes than this is not in memory.
    pub(super) fn memory_each_max(&self) -> u64 {
        self.room.memory_each_max
    }

    /// An answer that is in memory, with its text there in place of the packed form; `None` when its file is not there, or
    /// cannot be read.
    pub(super) async fn with_text(&self, key: &CacheKey, entry: &Arc<Entry>) -> Option<Entry> {
        let (room, key, entry) = (Arc::clone(&self.room), key.clone(), Arc::clone(entry));
        let made = spawn_blocking(move || {
            let made = entry.with_text(room.records_of(&key, &entry.facts)?);
            let warn = |error: &std::io::Error| {
                tracing::warn!(%error, "the file of a stored answer cannot be read; the answer is in memory only");
            };
            made.inspect_err(warn).ok()
        });
        made.await.ok()?
    }

    /// Stops the writing and reading of answers whose keys match. Nothing is read for as long as what is returned is there.
    pub(super) fn begin_purge(&self, matches: impl Fn(&CacheKey) -> bool) -> Purging {
        self.room.pending.purge(matches)
    }

    /// Removes the answers whose keys match, those too that were not looked at yet; returns their keys.
    pub(super) async fn purge(
        &self,
        purging: Purging,
        matches: impl Fn(&CacheKey) -> bool + Send + 'static,
    ) -> Vec<CacheKey> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let room = Arc::clone(&self.room);
        // A task of its own, so that it is done though its client leaves.
        self.tasks.spawn("stored answers: purge", async move {
            let mut scanned = room.scanned.subscribe();
            if scanned.wait_for(|done| *done).await.is_err() {
                return;
            }
            let purged = spawn_blocking(move || room.purge(&purging, matches)).await;
            // Nobody may wait for it any more.
            drop(sender.send(purged.unwrap_or_default()));
        });
        receiver.await.unwrap_or_default()
    }

    /// Waits until everything is written that was to be written by now.
    pub(super) async fn settle(&self) {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        if self.queue.send(Message::Settle(sender)).await.is_ok() {
            drop(receiver.await);
        }
    }
}

impl Room {
    /// Removes the answers whose keys match and that are older than the purge. Blocks.
    fn purge(&self, purging: &Purging, matches: impl Fn(&CacheKey) -> bool) -> Vec<CacheKey> {
        let known = self.index().before(purging.number);
        let mut purged = Vec::new();
        for (name, shelved) in known {
            match shelved.key().or_else(|| self.key_in_file(name)) {
                Some(key) if matches(&key) => {
                    self.remove(name);
                    purged.push(key);
                }
                Some(_) => {}
                // It may be one of them.
                None => self.remove(name),
            }
        }
        purged
    }

    fn now(&self) -> (Timestamp, tokio::time::Instant) {
        (self.clock.now(), tokio::time::Instant::now())
    }
}

/// How many answers there may be on disk.
const ANSWERS_MAX: usize = 50_000;

/// How many answers may wait to be written.
const QUEUE_MAX: usize = 256;

/// How many answers can be read at a time.
const TURNS: usize = 64;
