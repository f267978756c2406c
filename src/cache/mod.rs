//! Remembering answers, and sharing one fill among all who wait for it.
//!
//! The cache does not know where answers come from: it is handed a future to run on a miss. Nor does it know
//! the client's address: entries are neutral text. How long an answer may be given is decided by our clocks and the
//! caller's rule ([`policy`]); moka only bounds memory.
//!
//! Invariants: for one key at most one fill runs that can be joined; an answer that ended with an error is
//! never stored; an entry is whole; what was asked for before a purge is not given to those who ask after it.
//!
//! moka is used without its lifetimes, its loading and its async form: finding an entry waits for nothing, joining a fill that
//! is being sent needs the [`spool`], and freshness has to follow our clock and the rule of the moment. What is on disk is
//! recalled before the cache is asked, so that finding still waits for nothing.
//!
//! Long answers lie in memory packed, or as [`text`], as their clients ask for them ([`demand`], [`reshape`]).

mod demand;
mod digest;
mod entry;
mod file;
mod fills;
mod found;
mod kept;
mod key;
mod lifetime;
mod packed;
mod pieces;
mod policy;
mod recall;
mod record;
mod refresh;
mod reshape;
mod shelf;
mod spool;
mod text;
mod uses;
mod watch;
mod wish;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use foldhash::quality::RandomState;
use jiff::Timestamp;
use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use self::fills::{Fills, List, Listed};
use self::kept::{Asked, Kept, Used};
use self::policy::Verdict;
use self::shelf::Shelf;
use self::spool::{Allowance, Disk, Purpose, Space, Spool};
use self::uses::Uses;
use self::watch::Counters;
use crate::clock::Clock;
use crate::tasks::Tasks;

pub use demand::Form;
pub use digest::Digests;
pub use entry::{Content, Entry, Facts, Segment};
pub use found::{Coming, Fallback, Found, Hit, HitState, Peeked};
pub use key::CacheKey;
pub use lifetime::Lifetime;
pub use packed::{GzipWriter, Packed, Part, Plain, Unpacked};
pub use pieces::Pieces;
pub use refresh::{Ending, Made, NotNow};
pub use shelf::{Realm, ShelfFolder};
pub use spool::{Progress, Reader, SpoolWriter, Way};
pub use watch::{CacheCounts, Running, Stored};
pub use wish::{Directives, Wish};

/// What a [`Cache`] needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bytes of memory for stored answers, in the form that they have there. One answer may take an eighth of it, and those that are
    /// being made a quarter together.
    pub memory: u64,
    /// Where answers go on that are too large for memory while they are made; `None`: nowhere.
    pub spool: Option<SpoolFolder>,
    /// Where stored answers are on disk; `None`: nowhere.
    pub shelf: Option<ShelfFolder>,
}

/// Where answers go on that are too large for memory while they are made.
#[derive(Debug, Clone)]
pub struct SpoolFolder {
    /// The folder; made when it is needed.
    pub path: PathBuf,
    /// Bytes that all files in it may take together.
    pub bytes_max: u64,
}

/// What may go wrong while an answer is made.
pub trait Failure: fmt::Debug + Clone + Send + Sync + 'static {
    /// What readers are told for whom an answer ends too early: when the program's stop ends their fill, they have kept
    /// others from getting more for too long, or a temporary file cannot be read.
    fn interrupted() -> Self;

    /// Whether a stale answer is better than this: not when upstream said that there is none.
    fn is_trouble(&self) -> bool;

    /// How long upstream wants not to be asked.
    fn retry_after(&self) -> Option<Duration>;
}

/// Stored answers and fills under way. Clones share them. `E` is what may go wrong in a fill.
#[derive(Clone)]
pub struct Cache<E: Failure> {
    entries: moka::sync::Cache<CacheKey, Arc<Kept<E>>, RandomState>,
    fills: Arc<Fills<E>>,
    space: Space<E>,
    shelf: Option<Shelf>,
    /// Room for as many answers as are brought into another form at a time.
    reshaping: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
    uses: Uses,
    tasks: Tasks,
    counters: Arc<Counters>,
}

/// What is stored for a key, and what a client may have of it.
struct Look<E> {
    kept: Arc<Kept<E>>,
    age: Duration,
    verdict: Verdict,
    /// When it was found, by the clock of [`Uses`].
    at: Timestamp,
}

impl<E: Failure> Look<E> {
    fn give(self, state: HitState<E>) -> Hit<E> {
        self.kept.count_hit(self.at);
        Hit {
            entry: Arc::clone(&self.kept.entry),
            age: self.age,
            state,
        }
    }
}

impl<E: Failure> Cache<E> {
    /// An empty cache.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>, tasks: Tasks) -> Self {
        let memory = usize::try_from(settings.memory).unwrap_or(usize::MAX);
        let filed_min = settings.memory / FILED_ENTRIES_MAX;
        let uses = Uses::from(clock.now(), Instant::now());
        let shelf = settings.shelf.map(|folder| {
            let (each_max, queued_max) = (settings.memory / 8, settings.memory / 4);
            Shelf::new(
                folder,
                each_max,
                queued_max,
                Arc::clone(&clock),
                uses,
                tasks.clone(),
            )
        });
        let counters = Arc::<Counters>::default();
        let counted = Arc::clone(&counters);
        Self {
            entries: moka::sync::Cache::builder()
                .max_capacity(settings.memory)
                // moka's default refuses new answers while those in its memory were asked for more often. Ours
                // expire, and it does not know that they have.
                .eviction_policy(EvictionPolicy::lru())
                .weigher(move |key: &CacheKey, kept: &Arc<Kept<E>>| {
                    let entry = &kept.entry;
                    let bytes = (entry.stored_len() + key.stored_len()) as u64;
                    let min = if entry.is_filed() { filed_min } else { 0 };
                    u32::try_from(bytes.max(min)).unwrap_or(u32::MAX)
                })
                .eviction_listener(move |_, _, cause| {
                    if cause == RemovalCause::Size {
                        counted.evicted();
                    }
                })
                // Keys are long, and clients of this server are few and known.
                .build_with_hasher(RandomState::default()),
            fills: Fills::new(),
            space: Space::new(
                Allowance::new(memory / 8, memory / 4),
                settings.spool.map(Disk::new),
            )
            .where_files_stay(shelf.is_some()),
            shelf,
            reshaping: Arc::new(Semaphore::new(RESHAPED_AT_ONCE)),
            clock,
            uses,
            tasks,
            counters,
        }
    }

    /// Finds the answer to `key`, or begins to make it with `fill`, which runs as a task of its own until it
    /// is done, or every reader has left and it is not worth finishing. When a stale answer is given at once, `fill`
    /// makes a new one in the background, unless that is being done already, or was tried in vain just now.
    pub fn find<F, Work>(&self, key: CacheKey, wish: Wish, fill: F) -> Found<E>
    where
        F: FnOnce(SpoolWriter<E>) -> Work,
        Work: Future<Output = Result<(), E>> + Send + 'static,
    {
        // Most answers that are found are fresh, and need no lock.
        if let Some(look) = self.look(&key, &wish)
            && let Verdict::Fresh { remaining } = look.verdict
        {
            return Found::Stored(look.give(HitState::Fresh { remaining }));
        }
        let only_if_cached = wish.directives.only_if_cached;
        let mut list = self.fills.lock();
        let mut fallback = None;
        // Again, because a fill that ended meanwhile has left its entry behind.
        if let Some(look) = self.look(&key, &wish) {
            let in_vain = look.kept.pausing(Instant::now());
            match (look.verdict, in_vain) {
                (Verdict::Fresh { remaining }, _) => {
                    return Found::Stored(look.give(HitState::Fresh { remaining }));
                }
                (Verdict::Stale { over } | Verdict::IfError { over }, Some(error)) => {
                    return Found::Stored(look.give(HitState::Failed { over, error }));
                }
                (Verdict::Stale { over }, None) => {
                    if !only_if_cached && !list.is_listed(&key) {
                        let purpose = Purpose::background(wish.lifetime);
                        self.begin(&mut list, key, purpose, fill);
                    }
                    return Found::Stored(look.give(HitState::Stale { over }));
                }
                (Verdict::IfError { .. }, None) => {
                    let clock = Arc::clone(&self.clock);
                    fallback = Some(Fallback::new(look.kept, wish, clock, self.uses));
                }
                // Nobody will be given it any more. Only here, because outside the lock a fill might just have put a
                // new one in its place.
                (Verdict::Useless, _) if look.age >= wish.lifetime.useful() => {
                    self.entries.invalidate(&key);
                }
                (Verdict::Useless, _) => {}
            }
        }
        if only_if_cached {
            return Found::Absent;
        }
        if let Some(reader) = list.join(&key) {
            return Found::Joined(Coming { reader, fallback });
        }
        let spool = self.begin(&mut list, key, Purpose::of(&wish), fill).0;
        #[expect(clippy::expect_used, reason = "a new spool lets its first reader in")]
        let reader = spool.join().expect("first reader");
        Found::Filling(Coming { reader, fallback })
    }

    /// Has a new answer made in the background, unless that is being done already, or was tried in vain just now. What
    /// is returned resolves at its end.
    pub fn refresh<F, Work>(
        &self,
        key: CacheKey,
        lifetime: Lifetime,
        fill: F,
    ) -> Result<Ending<E>, NotNow<E>>
    where
        F: FnOnce(SpoolWriter<E>) -> Work,
        Work: Future<Output = Result<(), E>> + Send + 'static,
    {
        let mut list = self.fills.lock();
        let kept = self.entries.get(&key);
        if list.is_listed(&key) {
            return Err(NotNow::Underway);
        }
        if let Some(error) = kept.and_then(|kept| kept.pausing(Instant::now())) {
            return Err(NotNow::InVain(error));
        }
        let purpose = Purpose::background(lifetime);
        Ok(self.begin(&mut list, key, purpose, fill).1)
    }

    fn look(&self, key: &CacheKey, wish: &Wish) -> Option<Look<E>> {
        let kept = self.entries.get(key)?;
        if kept.entry.is_spoiled() {
            return None;
        }
        self.reshape(key, &kept);
        let (wall, steady) = (self.clock.now(), Instant::now());
        let age = kept.age(wall, steady);
        let verdict = policy::judge(age, wish);
        Some(Look {
            kept,
            age,
            verdict,
            at: self.uses.at(wall, steady),
        })
    }

    /// Starts a fill; returns its spool, and what resolves at its end.
    fn begin<F, Work>(
        &self,
        list: &mut List<E>,
        key: CacheKey,
        purpose: Purpose,
        fill: F,
    ) -> (Arc<Spool<E>>, Ending<E>)
    where
        F: FnOnce(SpoolWriter<E>) -> Work,
        Work: Future<Output = Result<(), E>> + Send + 'static,
    {
        let spool = Spool::new(self.space.clone(), purpose);
        // Made here and not by the task, which is dropped unpolled when the program is stopping.
        let listed = Listed::new(&self.fills, list, key, Arc::clone(&spool));
        let (running, ended) = oneshot::channel();
        let work = fill(SpoolWriter::new(Arc::clone(&spool)));
        let cache = self.clone();
        self.tasks.spawn("fill", async move {
            let end = cache.run(listed, purpose, work).await;
            // Mostly nobody wants to know.
            let _ = running.send(end);
        });
        (spool, ended)
    }

    async fn run(
        self,
        listed: Listed<E>,
        purpose: Purpose,
        work: impl Future<Output = Result<(), E>>,
    ) -> Result<Made, E> {
        let mut kept = false;
        let spool = &listed.spool;
        let (fetched_at, steady) = (self.clock.now(), Instant::now());
        let end = tokio::select! {
            biased;
            end = work => end,
            () = spool.abandoned() => {
                // One that cannot be kept is not begun again by every client.
                if spool.is_in_background() {
                    listed.if_listed(|key| {
                        self.counters.refreshed(false);
                        self.failed(key, &E::interrupted());
                    });
                }
                let rows = spool.progress().rows();
                return Ok(Made { rows, kept });
            }
        };
        // Before the readers hear of the end: whoever has read an answer to its end finds it here.
        match &end {
            Ok(()) if purpose.storable => {
                if let Some(entry) = made(spool, fetched_at).await {
                    let now = (self.clock.now(), Instant::now());
                    let asked = Asked::at(fetched_at, steady);
                    let used = Used::at(self.uses.at(now.0, now.1));
                    let new = Kept::new(Arc::new(entry), asked, used);
                    if new.age(now.0, now.1) < purpose.useful {
                        kept = self.keep(&listed, new);
                    }
                }
            }
            Ok(()) => {}
            Err(error) => {
                listed.if_listed(|key| self.failed(key, error));
                // Else the file of an answer that was taken out would stay open until somebody changes something.
                self.entries.run_pending_tasks();
            }
        }
        if purpose.in_background {
            self.counters.refreshed(end.is_ok());
        }
        let rows = spool.progress().rows();
        let made = end.clone().map(|()| Made { rows, kept });
        spool.finish(end);
        made
    }

    /// No new answer to `key` could be had.
    fn failed(&self, key: &CacheKey, error: &E) {
        if !error.is_trouble() {
            self.entries.invalidate(key);
            self.forget_on_disk(key);
        } else if let Some(kept) = self.entries.get(key) {
            kept.failed(error.clone(), error.retry_after(), Instant::now());
        }
    }
}

/// The answer that is in `spool`, when all of it can be kept.
async fn made<E: Failure>(spool: &Spool<E>, fetched_at: Timestamp) -> Option<Entry> {
    let (facts, blocks) = spool.answer(fetched_at)?;
    if facts.text_len <= MADE_AT_ONCE_BYTES_MAX {
        return Some(Entry::new(facts, blocks));
    }
    let made = spawn_blocking(move || Entry::new(facts, blocks));
    made.await.ok()
}

impl<E: Failure> fmt::Debug for Cache<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

/// Entries that are partly in a file keep it open, and systems allow a process so many; so each of them weighs this part
/// of all memory at least.
const FILED_ENTRIES_MAX: u64 = 512;

/// An answer is in memory in both forms while it is brought from one into the other.
const RESHAPED_AT_ONCE: usize = 1;

/// Putting together the packed parts of so much text takes less time than handing them to another thread.
const MADE_AT_ONCE_BYTES_MAX: u64 = 256 * 1024;

#[cfg(test)]
mod tests;
