//! Finding, filling, storing and purging.

mod bounds;
mod clocks;
mod disk;
mod left;
mod refreshing;
mod upstream;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;

use super::*;
use crate::clock::FollowingClock;
use crate::odata::name::{EntitySet, SiteId};
use crate::odata::neutral::NeutralText;
use crate::odata::question::Question;

impl Failure for &'static str {
    fn interrupted() -> Self {
        "interrupted"
    }

    fn is_trouble(&self) -> bool {
        !self.starts_with("refused")
    }

    fn retry_after(&self) -> Option<Duration> {
        let (_, seconds) = self.split_once("after ")?;
        seconds.parse().ok().map(Duration::from_secs)
    }
}

/// Fresh for a minute, and of no use after that.
const STORED: Wish = Wish {
    lifetime: Lifetime {
        fresh: Duration::from_mins(1),
        while_revalidate: Duration::ZERO,
        if_error: Duration::ZERO,
    },
    directives: NONE,
};

/// A client that says nothing.
const NONE: Directives = Directives {
    no_cache: false,
    no_store: false,
    max_age: None,
    max_stale: None,
    min_fresh: None,
    only_if_cached: false,
};

const INSISTS: Wish = Wish {
    directives: Directives {
        no_cache: true,
        ..NONE
    },
    ..STORED
};

fn cache() -> Cache<&'static str> {
    cache_with(None)
}

fn cache_with(spool: Option<SpoolFolder>) -> Cache<&'static str> {
    let clock = FollowingClock::starting_at("2026-03-02T08:00:00Z".parse().unwrap());
    let settings = Settings {
        memory: 64_000,
        spool,
        shelf: None,
    };
    Cache::new(settings, Arc::new(clock), Tasks::new())
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

fn text(text: impl Into<bytes::Bytes>) -> NeutralText {
    let mut neutral = NeutralText::new();
    neutral.push(text);
    neutral
}

/// Bytes that nothing makes smaller.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let byte = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_le_bytes()[7]
    };
    std::iter::repeat_with(byte).take(len).collect()
}

async fn write(mut writer: SpoolWriter<&'static str>, parts: usize) -> Result<(), &'static str> {
    writer.begin(Content::Text);
    for _ in 0..parts {
        writer.room().await;
        writer.push(text(noise(1000)), 1).await;
    }
    Ok(())
}

/// Age and time left in seconds of a fresh answer.
fn fresh(found: &Found<&'static str>) -> Option<(u64, u64)> {
    match found {
        Found::Stored(Hit {
            age,
            state: HitState::Fresh { remaining },
            ..
        }) => Some((age.as_secs(), remaining.as_secs())),
        _ => None,
    }
}

async fn read(found: Found<&'static str>) -> Result<usize, &'static str> {
    match found {
        Found::Stored(hit) => Ok(usize::try_from(hit.entry.facts.rows).unwrap()),
        Found::Absent => Err("absent"),
        Found::Filling(mut coming) | Found::Joined(mut coming) => {
            let mut parts = 0;
            while let Some(part) = coming.reader.next().await {
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
    assert!(matches!(ask(), Found::Stored(_)));
}

#[tokio::test(start_paused = true)]
async fn stored_until_its_time_is_over() {
    let cache = cache();
    assert_eq!(
        read(cache.find(key("Users"), STORED, |writer| write(writer, 1))).await,
        Ok(1)
    );
    tokio::time::advance(Duration::from_secs(59)).await;
    let found = cache.find(key("Users"), STORED, |writer| write(writer, 1));
    assert_eq!(fresh(&found), Some((59, 1)));
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
        shelf: None,
    };
    let shared = Arc::clone(&clock) as Arc<dyn Clock>;
    let cache = Cache::new(settings, shared, Tasks::new());
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
        let expected = expected.map(|age| (age, 60 - age));
        assert_eq!(fresh(&ask()), expected, "{set}");
    }
}

#[tokio::test(start_paused = true)]
async fn new_answers_take_the_place_of_popular_ones_that_are_over() {
    let cache = cache();
    let ask = async |set: &str| {
        let found = cache.find(key(set), STORED, |writer| write(writer, 3));
        let stored = matches!(found, Found::Stored(_));
        read(found).await.unwrap();
        stored
    };
    for set in (0..9).map(|n| format!("Old{n}")) {
        for again in [false, true, true, true, true] {
            assert_eq!(ask(&set).await, again, "{set}");
            cache.size();
        }
    }
    tokio::time::advance(STORED.lifetime.fresh).await;
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
    tokio::time::advance(STORED.lifetime.fresh).await;
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
async fn answers_larger_than_an_eighth_are_passed_on_and_not_stored() {
    let folder = tempfile::TempDir::new().unwrap();
    let spool = SpoolFolder {
        path: folder.path().to_owned(),
        bytes_max: u64::MAX,
    };
    for spool in [None, Some(spool)] {
        let cache = cache_with(spool);
        assert_eq!(
            read(cache.find(key("Users"), STORED, |writer| write(writer, 30))).await,
            Ok(30)
        );
        assert!(matches!(
            cache.find(key("Users"), STORED, |writer| write(writer, 1)),
            Found::Filling(_)
        ));
    }
}

/// An answer of one part, begun now and ended by the sender.
async fn held(
    mut writer: SpoolWriter<&'static str>,
    text: &'static str,
    end: oneshot::Receiver<()>,
) -> Result<(), &'static str> {
    writer.begin(Content::Text);
    writer.push(self::text(text), 1).await;
    end.await.map_err(|_| "let go")
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_the_making_does_not_outlive_a_purge() {
    let (cache, [one, two]) = (cache(), [oneshot::channel(), oneshot::channel()]);
    let old = cache.find(key("Users"), STORED, |writer| held(writer, "old", one.1));
    let other = cache.find(key("Machines"), STORED, |writer| write(writer, 1));
    let of_users = |key: &CacheKey| key.set().is_some_and(|set| set.as_str() == "Users");
    assert_eq!(cache.purge(of_users).await, 0);
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
        Found::Stored(hit) => hit.entry.in_memory().unwrap().clone(),
        found => panic!("not stored: {found:?}"),
    };
    assert_eq!(stored("Users"), Packed::pack(&text("new")));
    stored("Machines");
    tokio::task::yield_now().await;
    assert_eq!(cache.fills_running(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_ends_after_a_purge_is_not_stored() {
    let (cache, (end, ended)) = (cache(), oneshot::channel());
    let found = cache.find(key("Users"), STORED, |writer| held(writer, "old", ended));
    cache.purge(|_| true).await;
    end.send(()).unwrap();
    assert_eq!(read(found).await, Ok(1));
    assert_eq!(cache.size(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_the_slowest_has_not_read_counts_as_memory_beside_the_entry() {
    let cache = cache();
    let used = || cache.space.allowance.used();
    let fast = cache.find(key("Users"), STORED, |writer| write(writer, 5));
    let slow = cache.find(key("Users"), STORED, |writer| write(writer, 5));
    assert!(matches!(slow, Found::Joined(_)));
    tokio::task::yield_now().await;
    assert!(used() > 1000);
    assert_eq!(read(fast).await, Ok(5));
    assert!(used() > 1000);
    assert_eq!(read(slow).await, Ok(5));
    assert_eq!(used(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_read_an_answer_to_its_end_finds_it() {
    let clock = FollowingClock::starting_at("2026-03-02T08:00:00Z".parse().unwrap());
    let settings = Settings {
        memory: 64 << 20,
        spool: None,
        shelf: None,
    };
    let cache = Cache::new(settings, Arc::new(clock), Tasks::new());
    for set in (0..20).map(|n| format!("Set{n}")) {
        let ask = || {
            cache.find(key(&set), STORED, |mut writer| async move {
                writer.begin(Content::Text);
                // Large, so that storing it takes a while.
                writer.push(text(noise(4 << 20)), 1).await;
                Ok(())
            })
        };
        assert_eq!(read(ask()).await, Ok(1));
        assert!(matches!(ask(), Found::Stored(_)), "{set}");
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
    let found = cache.find(key("Users"), INSISTS, |writer| write(writer, 2));
    assert_eq!(read(found).await, Ok(2));
    assert_eq!(
        cache
            .purge(|key| key.set().is_some_and(|set| set.as_str() == "Users"))
            .await,
        1
    );
    assert!(matches!(
        cache.find(key("Users"), STORED, |writer| write(writer, 1)),
        Found::Filling(_)
    ));
    assert!(matches!(
        cache.find(key("Machines"), STORED, |writer| write(writer, 1)),
        Found::Stored(_)
    ));
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_can_be_told_by_how_often_it_was_given() {
    let cache = cache();
    for (set, given) in [("Users", 0), ("Machines", 1), ("Sessions", 3)] {
        for _ in 0..=given {
            let found = cache.find(key(set), STORED, |writer| write(writer, 1));
            assert_eq!(read(found).await, Ok(1));
        }
    }
    for (least, expected) in [
        (0, "Machines Sessions Users"),
        (1, "Machines Sessions"),
        (3, "Sessions"),
        (4, ""),
    ] {
        let stored = cache.stored_where(|_, given| given >= least);
        let mut sets: Vec<_> = stored
            .iter()
            .map(|stored| stored.key.set().unwrap().as_str())
            .collect();
        sets.sort_unstable();
        assert_eq!(sets.join(" "), expected);
    }
}
