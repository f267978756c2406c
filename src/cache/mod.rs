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
mod policy;
mod spool;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use moka::policy::EvictionPolicy;
use tokio::time::Instant;

use self::entry::Kept;
use self::fills::{Fills, Listed};
use self::policy::Judgement;
use self::spool::{Allowance, Spool};
use crate::clock::Clock;
use crate::tasks::Tasks;

pub use entry::{Content, Entry, Segment};
pub use key::CacheKey;
pub use spool::{Progress, Reader, SpoolWriter, Way};

/// What a [`Cache`] needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bytes of memory for stored answers. One answer may take an eighth of it, and those that are being
    /// made a quarter together; larger ones are passed on and not kept.
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
    allowance: Arc<Allowance>,
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
    /// program's stop ends their fill, or they have kept others from getting more for too long.
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
            allowance: Arc::new(Allowance {
                each_max: memory / 8,
                all_max: memory / 4,
                used: AtomicUsize::new(0),
            }),
            clock,
            tasks,
            interrupted,
        }
    }

    /// Finds the answer to `key`, or begins to make it with `fill`, which runs as a task of its own until it
    /// is done or every reader has left.
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
        let spool = Spool::new(Arc::clone(&self.allowance), self.interrupted.clone());
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

    /// The answers that are being made.
    pub fn running(&self) -> Vec<Running> {
        Vec::new()
    }

    /// How many answers are being made.
    pub fn fills_running(&self) -> usize {
        self.fills.running()
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
            () = spool.deserted() => return,
        };
        // Before the readers hear of the end: whoever has read an answer to its end finds it here.
        if end.is_ok()
            && !ttl.is_zero()
            && let Some((content, segments)) = spool.kept()
        {
            let entry = Entry::new(content, segments, fetched_at, spool.progress());
            let kept = Kept {
                entry: Arc::new(entry),
                fetched_at: steady,
            };
            listed.store(|key| self.entries.insert(key, kept));
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
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use jiff::{SignedDuration, Timestamp};
    use tokio::sync::oneshot;

    use super::*;
    use crate::clock::FollowingClock;
    use crate::odata::name::{EntitySet, SiteId};
    use crate::odata::neutral::NeutralText;
    use crate::odata::question::Question;

    const STORED: Wish = Wish {
        ttl: Duration::from_mins(1),
        freshness: Freshness::Stored,
    };

    fn cache() -> Cache<&'static str> {
        let clock = FollowingClock::starting_at("2026-03-02T08:00:00Z".parse().unwrap());
        let settings = Settings {
            memory: 64_000,
            spool: None,
        };
        Cache::new(settings, Arc::new(clock), Tasks::new(), "interrupted")
    }

    fn key(set: &str) -> CacheKey {
        let site = SiteId::new("main").unwrap();
        let question = Question::collection(EntitySet::new(set).unwrap());
        CacheKey::new(
            site,
            question,
            crate::odata::representation::Representation::default(),
            None,
        )
    }

    fn segment(text: impl Into<bytes::Bytes>) -> Segment {
        let mut neutral = NeutralText::new();
        neutral.push(text);
        Segment {
            text: neutral,
            rows: 1,
        }
    }

    async fn write(
        mut writer: SpoolWriter<&'static str>,
        parts: usize,
    ) -> Result<(), &'static str> {
        writer.begin(Content::Text);
        for _ in 0..parts {
            writer.room().await;
            writer.push(segment(vec![b'x'; 1000])).await;
        }
        Ok(())
    }

    async fn read(found: Found<&'static str>) -> Result<usize, &'static str> {
        match found {
            Found::Stored { entry, .. } => Ok(entry.segments.len()),
            Found::Filling(mut reader) | Found::Joined(mut reader) => {
                let mut parts = 0;
                while let Some(part) = reader.next().await {
                    part?;
                    parts += 1;
                }
                Ok(parts)
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn hundred_clients_with_one_cold_question_cause_one_fill() {
        let cache = cache();
        let fills = AtomicUsize::new(0);
        let ask = || {
            cache.find(key("Users"), STORED, |writer| {
                fills.fetch_add(1, Ordering::Relaxed);
                write(writer, 3)
            })
        };
        let clients: Vec<_> = (0..100).map(|_| read(ask())).collect();
        for parts in futures_util::future::join_all(clients).await {
            assert_eq!(parts, Ok(3));
        }
        assert_eq!(fills.load(Ordering::Relaxed), 1);
        assert!(matches!(ask(), Found::Stored { .. }));
    }

    #[tokio::test(start_paused = true)]
    async fn stored_until_its_time_is_over() {
        let cache = cache();
        assert_eq!(
            read(cache.find(key("Users"), STORED, |writer| write(writer, 1))).await,
            Ok(1)
        );
        tokio::time::advance(Duration::from_secs(59)).await;
        let Found::Stored { age, remaining, .. } =
            cache.find(key("Users"), STORED, |writer| write(writer, 1))
        else {
            panic!("not stored");
        };
        assert_eq!((age.as_secs(), remaining.as_secs()), (59, 1));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(matches!(
            cache.find(key("Users"), STORED, |writer| write(writer, 1)),
            Found::Filling(_)
        ));
    }

    /// A wall clock that somebody sets, and that stands still otherwise.
    #[derive(Debug)]
    struct SetClock(Mutex<Timestamp>);

    impl Clock for SetClock {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn either_clock_makes_an_answer_older() {
        let noon: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        let clock = Arc::new(SetClock(Mutex::new(noon)));
        let settings = Settings {
            memory: 64_000,
            spool: None,
        };
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        let cache = Cache::new(settings, shared, Tasks::new(), "interrupted");
        for (set, seconds, passed, expected) in [
            ("Both", 40, 40, Some(40)),
            ("SetBack", -3600, 59, Some(59)),
            ("SetBackForLong", -3600, 60, None),
            ("Slept", 59, 10, Some(59)),
            ("SleptForLong", 60, 10, None),
        ] {
            let ask = || cache.find(key(set), STORED, |writer| write(writer, 1));
            assert_eq!(read(ask()).await, Ok(1));
            *clock.0.lock().unwrap() += SignedDuration::from_secs(seconds);
            tokio::time::advance(Duration::from_secs(passed)).await;
            let age = match ask() {
                Found::Stored { age, remaining, .. } => {
                    assert_eq!(age + remaining, STORED.ttl);
                    Some(age.as_secs())
                }
                _ => None,
            };
            assert_eq!(age, expected, "{set}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn new_answers_take_the_place_of_popular_ones_that_are_over() {
        let cache = cache();
        let ask = async |set: &str| {
            let found = cache.find(key(set), STORED, |writer| write(writer, 6));
            let stored = matches!(found, Found::Stored { .. });
            read(found).await.unwrap();
            stored
        };
        for set in (0..9).map(|n| format!("Old{n}")) {
            for again in [false, true, true, true, true] {
                assert_eq!(ask(&set).await, again, "{set}");
                cache.size();
            }
        }
        tokio::time::advance(STORED.ttl).await;
        for set in (0..9).map(|n| format!("New{n}")) {
            ask(&set).await;
            cache.size();
            assert!(ask(&set).await, "{set}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_that_is_found_to_be_over_is_forgotten() {
        let cache = cache();
        read(cache.find(key("Users"), STORED, |writer| write(writer, 1)))
            .await
            .unwrap();
        assert_eq!(cache.size().0, 1);
        tokio::time::advance(STORED.ttl).await;
        let found = cache.find(key("Users"), STORED, |_| async { Err("broken") });
        assert_eq!(read(found).await, Err("broken"));
        assert_eq!(cache.size(), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn errors_are_told_to_all_who_wait_and_not_stored() {
        let cache = cache();
        let fail = |_: SpoolWriter<&'static str>| async {
            tokio::task::yield_now().await;
            Err("broken")
        };
        let first = cache.find(key("Users"), STORED, fail);
        let second = cache.find(key("Users"), STORED, fail);
        assert!(matches!(second, Found::Joined(_)));
        assert_eq!(read(first).await, Err("broken"));
        assert_eq!(read(second).await, Err("broken"));
        tokio::task::yield_now().await;
        assert!(matches!(
            cache.find(key("Users"), STORED, fail),
            Found::Filling(_)
        ));
        assert_eq!(cache.size().0, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fill_that_nobody_reads_stops() {
        let cache = cache();
        let found = cache.find(key("Users"), STORED, |writer| async move {
            let _writer = writer;
            std::future::pending().await
        });
        tokio::task::yield_now().await;
        assert_eq!(cache.fills_running(), 1);
        drop(found);
        tokio::task::yield_now().await;
        assert_eq!(cache.fills_running(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_programs_stop_leaves_no_reader_waiting() {
        let cache = cache();
        let found = cache.find(key("Users"), STORED, |writer| async move {
            let _writer = writer;
            std::future::pending().await
        });
        tokio::task::yield_now().await;
        cache.tasks.stop(Duration::from_secs(1)).await;
        assert_eq!(read(found).await, Err("interrupted"));
    }

    #[tokio::test(start_paused = true)]
    async fn answers_larger_than_an_eighth_are_passed_on_and_not_kept() {
        let cache = cache();
        assert_eq!(
            read(cache.find(key("Users"), STORED, |writer| write(writer, 30))).await,
            Ok(30)
        );
        assert!(matches!(
            cache.find(key("Users"), STORED, |writer| write(writer, 1)),
            Found::Filling(_)
        ));
    }

    /// An answer of one part, begun now and ended by the sender.
    async fn held(
        mut writer: SpoolWriter<&'static str>,
        text: &'static str,
        end: oneshot::Receiver<()>,
    ) -> Result<(), &'static str> {
        writer.begin(Content::Text);
        writer.push(segment(text)).await;
        end.await.map_err(|_| "let go")
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_in_the_making_does_not_outlive_a_purge() {
        let (cache, [one, two]) = (cache(), [oneshot::channel(), oneshot::channel()]);
        let old = cache.find(key("Users"), STORED, |writer| held(writer, "old", one.1));
        let other = cache.find(key("Machines"), STORED, |writer| write(writer, 1));
        let of_users = |key: &CacheKey| key.set().is_some_and(|set| set.as_str() == "Users");
        assert_eq!(cache.purge(of_users), 0);
        let new = cache.find(key("Users"), STORED, |writer| held(writer, "new", two.1));
        assert!(matches!(new, Found::Filling(_)));
        assert_eq!(cache.fills_running(), 3);
        // The new one ends first; the old one must not take its place.
        for (end, found) in [(two.0, new), (one.0, old)] {
            end.send(()).unwrap();
            assert_eq!(read(found).await, Ok(1));
        }
        assert_eq!(read(other).await, Ok(1));
        let stored = |set| match cache.find(key(set), STORED, |writer| write(writer, 1)) {
            Found::Stored { entry, .. } => entry.segments[0].clone(),
            found => panic!("not stored: {found:?}"),
        };
        assert_eq!(stored("Users"), segment("new"));
        stored("Machines");
        tokio::task::yield_now().await;
        assert_eq!(cache.fills_running(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_ends_after_a_purge_is_not_stored() {
        let (cache, (end, ended)) = (cache(), oneshot::channel());
        let found = cache.find(key("Users"), STORED, |writer| held(writer, "old", ended));
        cache.purge(|_| true);
        end.send(()).unwrap();
        assert_eq!(read(found).await, Ok(1));
        assert_eq!(cache.size(), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stored_answer_is_in_the_making_no_more_though_somebody_still_reads_it() {
        let cache = cache();
        let used = || cache.allowance.used.load(Ordering::Relaxed);
        let fast = cache.find(key("Users"), STORED, |writer| write(writer, 5));
        let slow = cache.find(key("Users"), STORED, |writer| write(writer, 5));
        assert!(matches!(slow, Found::Joined(_)));
        tokio::task::yield_now().await;
        assert!(used() > 1000);
        assert_eq!(read(fast).await, Ok(5));
        assert_eq!(used(), 0);
        assert_eq!(read(slow).await, Ok(5));
        assert_eq!(used(), 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whoever_has_read_an_answer_to_its_end_finds_it() {
        let clock = FollowingClock::starting_at("2026-03-02T08:00:00Z".parse().unwrap());
        let settings = Settings {
            memory: 64 << 20,
            spool: None,
        };
        let cache = Cache::new(settings, Arc::new(clock), Tasks::new(), "interrupted");
        for set in (0..20).map(|n| format!("Set{n}")) {
            let ask = || {
                cache.find(key(&set), STORED, |mut writer| async move {
                    writer.begin(Content::Text);
                    // Large, so that storing it takes a while.
                    writer.push(segment(vec![b'x'; 4 << 20])).await;
                    Ok(())
                })
            };
            assert_eq!(read(ask()).await, Ok(1));
            assert!(matches!(ask(), Found::Stored { .. }), "{set}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_may_insist_and_a_set_may_be_purged() {
        let cache = cache();
        for set in ["Users", "Machines"] {
            read(cache.find(key(set), STORED, |writer| write(writer, 1)))
                .await
                .unwrap();
        }
        let insist = Wish {
            freshness: Freshness::Fetch,
            ..STORED
        };
        let found = cache.find(key("Users"), insist, |writer| write(writer, 2));
        assert_eq!(read(found).await, Ok(2));
        assert_eq!(
            cache.purge(|key| key.set().is_some_and(|set| set.as_str() == "Users")),
            1
        );
        assert!(matches!(
            cache.find(key("Users"), STORED, |writer| write(writer, 1)),
            Found::Filling(_)
        ));
        assert!(matches!(
            cache.find(key("Machines"), STORED, |writer| write(writer, 1)),
            Found::Stored { .. }
        ));
    }
}
