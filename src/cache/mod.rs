//! Remembering answers, and sharing one fill among all who wait for it.
//!
//! The cache does not know where answers come from: it is handed a future to run on a miss. Nor does it know
//! the client's address: entries are neutral text. Freshness is decided by our clock and the caller's rule;
//! moka only bounds memory.
//!
//! Invariants: for one key at most one fill runs that can be joined; an answer that ended with an error is
//! never stored; an entry is whole; what was asked for before a purge is not given to those who ask after it.

mod entry;
mod fills;
mod key;
mod lifetime;
mod policy;
mod spool;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use moka::policy::EvictionPolicy;
use tokio::time::Instant;

use self::entry::Kept;
use self::fills::{Fills, Listed};
use self::policy::Judgement;
use self::spool::{Allowance, Disk, Space, Spool};
use crate::clock::Clock;
use crate::tasks::Tasks;

pub use entry::{Content, Entry, Segment};
pub use key::CacheKey;
pub use lifetime::Lifetime;
pub use spool::{Progress, Reader, SpoolWriter, Way};

/// What a [`Cache`] needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bytes of memory for stored answers. One answer may take an eighth of it, and those that are being
    /// made a quarter together; larger ones are not stored.
    pub memory: u64,
    /// Where answers go on that are too large for memory while they are made; `None`: nowhere.
    pub spool: Option<SpoolFolder>,
}

/// Where answers go on that are too large for memory while they are made.
#[derive(Debug, Clone)]
pub struct SpoolFolder {
    /// The folder; made when it is needed.
    pub path: PathBuf,
    /// Bytes that all files in it may take together.
    pub bytes_max: u64,
}

/// How to look for an answer.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// How long an answer stays fresh. Zero: it is not stored at all.
    pub ttl: Duration,
    /// Whether a stored answer will do.
    pub freshness: Freshness,
}

/// Whether a stored answer will do (RFC 9111 section 5.2.1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// A stored answer is welcome while it is fresh.
    Stored,
    /// `Cache-Control: no-cache`: a new one, or one that is being made now.
    Fetch,
}

/// Where an answer was found.
#[derive(Debug)]
pub enum Found<E: Clone> {
    /// Stored and fresh.
    Stored {
        /// The answer.
        entry: Arc<Entry>,
        /// Time since its oldest page was asked for.
        age: Duration,
        /// How much longer it is fresh.
        remaining: Duration,
    },
    /// Nowhere: a fill was started.
    Filling(Reader<E>),
    /// In a fill that another client's question had started.
    Joined(Reader<E>),
}

/// An answer that is being made.
#[derive(Debug, Clone)]
pub struct Running {
    /// What it answers.
    pub key: CacheKey,
    /// How far it has come.
    pub progress: Arc<Progress>,
    /// Clients that wait for it.
    pub readers: usize,
}

/// Stored answers and fills under way. Clones share them. `E` is what may go wrong in a fill.
#[derive(Clone)]
pub struct Cache<E: Clone> {
    entries: moka::sync::Cache<CacheKey, Kept>,
    fills: Arc<Fills<E>>,
    space: Space<E>,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
    interrupted: E,
}

/// What is stored for a key.
enum Look<E: Clone> {
    Fresh(Found<E>),
    Expired,
    Nothing,
}

impl<E: Clone + Send + Sync + 'static> Cache<E> {
    /// An empty cache. `interrupted` is what readers are told for whom an answer ends too early: when the
    /// program's stop ends their fill, they have kept others from getting more for too long, or a temporary
    /// file cannot be read.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>, tasks: Tasks, interrupted: E) -> Self {
        let memory = usize::try_from(settings.memory).unwrap_or(usize::MAX);
        Self {
            entries: moka::sync::Cache::builder()
                .max_capacity(settings.memory)
                // moka's default refuses new answers while those in its memory were asked for more often. Ours
                // expire, and it does not know that they have.
                .eviction_policy(EvictionPolicy::lru())
                .weigher(|key: &CacheKey, kept: &Kept| {
                    u32::try_from(kept.entry.stored_len() + key.stored_len()).unwrap_or(u32::MAX)
                })
                .build(),
            fills: Fills::new(),
            space: Space::new(
                Allowance::new(memory / 8, memory / 4),
                settings.spool.map(Disk::new),
            ),
            clock,
            tasks,
            interrupted,
        }
    }

    /// Finds the answer to `key`, or begins to make it with `fill`, which runs as a task of its own until it
    /// is done, or every reader has left and it is not worth finishing.
    pub fn find<F, Work>(&self, key: CacheKey, wish: Wish, fill: F) -> Found<E>
    where
        F: FnOnce(SpoolWriter<E>) -> Work,
        Work: Future<Output = Result<(), E>> + Send + 'static,
    {
        if wish.freshness == Freshness::Stored
            && let Look::Fresh(found) = self.look(&key, wish.ttl)
        {
            return found;
        }
        let mut list = self.fills.lock();
        if let Some(reader) = list.join(&key) {
            return Found::Joined(reader);
        }
        if wish.freshness == Freshness::Stored {
            match self.look(&key, wish.ttl) {
                // A fill that ended between the look above and the lock has left its entry behind.
                Look::Fresh(found) => return found,
                // Nobody will be given it any more. Only here, because outside the lock a fill might just
                // have put a new one in its place.
                Look::Expired => self.entries.invalidate(&key),
                Look::Nothing => {}
            }
        }
        let spool = Spool::new(self.space.clone(), wish.ttl, self.interrupted.clone());
        #[expect(clippy::expect_used, reason = "a new spool lets its first reader in")]
        let reader = spool.join().expect("first reader");
        // Made here and not by the task, which is dropped unpolled when the program is stopping.
        let listed = Listed::new(&self.fills, &mut list, key, Arc::clone(&spool));
        drop(list);
        let work = fill(SpoolWriter::new(spool));
        self.tasks
            .spawn("fill", self.clone().run(listed, wish.ttl, work));
        Found::Filling(reader)
    }

    /// Forgets the answers for which `matches` holds; returns how many. Those that are being made are given
    /// to those who wait for them already, and to nobody else.
    pub fn purge(&self, matches: impl Fn(&CacheKey) -> bool) -> usize {
        // First, so that no fill stores an old answer behind the look at the stored ones.
        self.fills.unlist(&matches);
        let keys: Vec<_> = self
            .entries
            .iter()
            .map(|(key, _)| key)
            .filter(|key| matches(key))
            .collect();
        keys.iter()
            .filter(|key| self.entries.remove(key.as_ref()).is_some())
            .count()
    }

    /// How many answers are stored, and the bytes that they take.
    pub fn size(&self) -> (u64, u64) {
        self.entries.run_pending_tasks();
        (self.entries.entry_count(), self.entries.weighted_size())
    }

    /// The answers that are being made, in the order in which they were begun; those too that nobody can join any more.
    pub fn running(&self) -> Vec<Running> {
        self.fills.running()
    }

    /// How many answers are being made.
    pub fn fills_running(&self) -> usize {
        self.fills.count()
    }

    fn look(&self, key: &CacheKey, ttl: Duration) -> Look<E> {
        let Some(kept) = self.entries.get(key) else {
            return Look::Nothing;
        };
        let age = kept.age(self.clock.now(), Instant::now());
        match policy::judge(age, ttl) {
            Judgement::Fresh { remaining } => Look::Fresh(Found::Stored {
                entry: kept.entry,
                age,
                remaining,
            }),
            Judgement::Expired => Look::Expired,
        }
    }

    async fn run(
        self,
        listed: Listed<E>,
        ttl: Duration,
        work: impl Future<Output = Result<(), E>>,
    ) {
        let spool = &listed.spool;
        let (fetched_at, steady) = (self.clock.now(), Instant::now());
        let end = tokio::select! {
            biased;
            end = work => end,
            () = spool.abandoned() => return,
        };
        // Before the readers hear of the end: whoever has read an answer to its end finds it here.
        if end.is_ok()
            && !ttl.is_zero()
            && let Some((content, segments)) = spool.whole()
        {
            let entry = Entry::new(content, segments, fetched_at, spool.progress());
            let kept = Kept {
                entry: Arc::new(entry),
                fetched_at: steady,
            };
            let age = kept.age(self.clock.now(), Instant::now());
            if policy::judge(age, ttl) != Judgement::Expired {
                listed.store(|key| self.entries.insert(key, kept));
            }
        }
        spool.finish(end);
    }
}

impl<E: Clone> fmt::Debug for Cache<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
