//! Answers on disk: found again after a restart, and never when they should not be.

mod bad;
mod forms;
mod large;

use std::fs;
use std::path::PathBuf;

use futures_util::future::join_all;
use tempfile::TempDir;

use super::*;

/// A place for answers on disk, and those who use it, one after the other.
struct Place {
    folder: TempDir,
    clock: Arc<SetClock>,
    memory: u64,
    bytes_max: u64,
    realm: Realm,
}

impl Place {
    fn new() -> Self {
        let noon: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        Self {
            folder: TempDir::new().unwrap(),
            clock: Arc::new(SetClock(Mutex::new(noon))),
            memory: 64_000,
            bytes_max: u64::MAX,
            realm: 7,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("cache").join("answers")
    }

    /// A cache that finds what others have left here.
    fn cache(&self) -> Cache<&'static str> {
        let settings = Settings {
            memory: self.memory,
            spool: Some(SpoolFolder {
                path: self.folder.path().join("spool"),
                bytes_max: u64::MAX,
            }),
            shelf: Some(ShelfFolder {
                path: self.path(),
                bytes_max: self.bytes_max,
                realms: [(SiteId::new("main").unwrap(), self.realm)].into(),
            }),
        };
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        Cache::new(settings, clock, Tasks::new())
    }

    fn pass(&self, seconds: i64) {
        *self.clock.0.lock().unwrap() += SignedDuration::from_secs(seconds);
    }

    /// The files that are there.
    fn files(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path()) else {
            return Vec::new();
        };
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    /// The one file.
    fn file(&self) -> PathBuf {
        let files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }
}

/// Looks on disk and in memory, and does not fill.
async fn lookup(cache: &Cache<&'static str>, set: &str) -> Option<Hit<&'static str>> {
    cache.recall(&key(set), &STORED).await;
    let wish = Wish {
        directives: Directives {
            only_if_cached: true,
            ..NONE
        },
        ..STORED
    };
    match cache.find(key(set), wish, |writer| write(writer, 1)) {
        Found::Stored(hit) => Some(hit),
        Found::Absent => None,
        found => panic!("{found:?}"),
    }
}

/// Makes an answer of so many parts.
async fn make(cache: &Cache<&'static str>, set: &str, parts: usize) {
    let found = cache.find(key(set), INSISTS, |writer| write(writer, parts));
    assert_eq!(read(found).await, Ok(parts));
}

/// Forgets what is in memory, as if others had taken the room.
fn evict(cache: &Cache<&'static str>) {
    cache.entries.invalidate_all();
    assert_eq!(cache.size(), (0, 0));
}

/// Waits until all files were looked at after the start.
async fn scanned(cache: &Cache<&'static str>) {
    cache.purge(|_| false).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_survives_a_restart_with_its_age() {
    let place = Place::new();
    let cache = place.cache();
    make(&cache, "Users", 3).await;
    let before = lookup(&cache, "Users").await.unwrap();
    cache.settle().await;
    drop(cache);
    place.pass(40);
    for wait in [false, true] {
        let cache = place.cache();
        if wait {
            scanned(&cache).await;
        }
        let after = lookup(&cache, "Users").await.unwrap();
        assert_eq!(after.entry.facts, before.entry.facts);
        assert_eq!(after.age, Duration::from_secs(40));
        let text = |hit: &Hit<_>| {
            let entry = &hit.entry;
            entry.in_memory().unwrap().to_bytes(&"root".into())
        };
        assert_eq!(text(&after), text(&before));
        assert!(lookup(&cache, "Machines").await.is_none());
        // From now on either clock makes it older.
        tokio::time::advance(Duration::from_secs(19)).await;
        assert_eq!(lookup(&cache, "Users").await.unwrap().age.as_secs(), 59);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(lookup(&cache, "Users").await.is_none());
    }
    place.pass(20);
    let cache = place.cache();
    assert!(lookup(&cache, "Users").await.is_none());
    assert!(place.files().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_leaves_memory_comes_back_once_for_all_who_ask() {
    let place = Place::new();
    let cache = place.cache();
    for set in ["Users", "Machines"] {
        make(&cache, set, 1).await;
    }
    cache.settle().await;
    evict(&cache);
    tokio::time::advance(Duration::from_secs(9)).await;
    let hits = join_all((0..64).map(|_| lookup(&cache, "Users"))).await;
    // The steady clock counts though the other one stood still.
    assert!(
        hits.iter()
            .all(|hit| hit.as_ref().unwrap().age.as_secs() == 9)
    );
    assert_eq!(cache.counts().recalls, 1);
    assert_eq!(cache.size().0, 1);
    let (answers, bytes) = cache.disk_size().unwrap();
    let lens = place
        .files()
        .iter()
        .map(|file| file.metadata().unwrap().len())
        .sum();
    assert_eq!((answers, bytes), (2, lens));
}

#[tokio::test(start_paused = true)]
async fn who_insists_on_a_new_answer_waits_for_no_disk() {
    let place = Place::new();
    let cache = place.cache();
    make(&cache, "Users", 1).await;
    cache.settle().await;
    evict(&cache);
    cache.recall(&key("Users"), &INSISTS).await;
    let strict = Directives {
        max_age: Some(Duration::ZERO),
        ..NONE
    };
    place.pass(1);
    cache
        .recall(
            &key("Users"),
            &Wish {
                directives: strict,
                ..STORED
            },
        )
        .await;
    assert_eq!(cache.size().0, 0);
    assert!(lookup(&cache, "Users").await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_newer_answer_takes_the_place_of_an_older_one() {
    let place = Place::new();
    let cache = place.cache();
    for parts in [1, 2, 3] {
        make(&cache, "Users", parts).await;
    }
    cache.settle().await;
    evict(&cache);
    assert_eq!(lookup(&cache, "Users").await.unwrap().entry.facts.rows, 3);
    assert_eq!(
        cache.disk_size().unwrap().1,
        place.file().metadata().unwrap().len()
    );
}

#[tokio::test(start_paused = true)]
async fn what_upstream_has_no_more_is_not_found_on_disk() {
    let place = Place::new();
    let cache = place.cache();
    for set in ["Users", "Machines"] {
        make(&cache, set, 1).await;
    }
    cache.settle().await;
    for (set, error) in [("Users", "refused"), ("Machines", "broken")] {
        let found = cache.find(key(set), INSISTS, |_| async move { Err(error) });
        assert_eq!(read(found).await, Err(error));
    }
    evict(&cache);
    assert!(lookup(&cache, "Users").await.is_none());
    assert!(lookup(&cache, "Machines").await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_purge_reaches_everything_on_disk() {
    let of_users = |key: &CacheKey| key.set().is_some_and(|set| set.as_str() == "Users");
    for case in ["in memory", "evicted", "being written", "restarted"] {
        let place = Place::new();
        let mut cache = place.cache();
        for set in ["Users", "Machines"] {
            make(&cache, set, 1).await;
        }
        if case != "being written" {
            cache.settle().await;
        }
        match case {
            "evicted" => evict(&cache),
            "restarted" => cache = place.cache(),
            _ => {}
        }
        assert_eq!(cache.purge(of_users).await, 1, "{case}");
        for _ in 0..2 {
            assert!(lookup(&cache, "Users").await.is_none(), "{case}");
            assert!(lookup(&cache, "Machines").await.is_some(), "{case}");
            cache.settle().await;
            place.file();
            cache = place.cache();
        }
        assert_eq!(cache.purge(|_| true).await, 1);
        assert!(place.files().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_purge_waits_for_no_answer_that_is_being_read() {
    let place = Place::new();
    for _ in 0..20 {
        let cache = place.cache();
        make(&cache, "Users", 5).await;
        cache.settle().await;
        evict(&cache);
        let (found, purged) = tokio::join!(lookup(&cache, "Users"), cache.purge(|_| true));
        drop(found);
        assert_eq!(purged, 1);
        assert!(lookup(&cache, "Users").await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn answers_of_another_realm_are_not_found() {
    let mut place = Place::new();
    let cache = place.cache();
    make(&cache, "Users", 1).await;
    cache.settle().await;
    place.realm = 8;
    let cache = place.cache();
    assert!(lookup(&cache, "Users").await.is_none());
    scanned(&cache).await;
    assert!(place.files().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_used_last_stays() {
    let mut place = Place::new();
    let cache = place.cache();
    make(&cache, "A", 1).await;
    cache.settle().await;
    let bytes = place.file().metadata().unwrap().len();
    drop(cache);
    // Room for three, but for the little that is made free.
    place.bytes_max = bytes * 3 + bytes / 2;
    let cache = place.cache();
    for set in ["A", "B", "C"] {
        place.pass(1);
        make(&cache, set, 1).await;
    }
    cache.settle().await;
    place.pass(1);
    // From memory, which counts as well.
    assert!(lookup(&cache, "A").await.is_some());
    cache.settle().await;
    drop(cache);
    let cache = place.cache();
    scanned(&cache).await;
    place.pass(1);
    make(&cache, "D", 1).await;
    cache.settle().await;
    evict(&cache);
    for (set, there) in [("A", true), ("B", false), ("C", true), ("D", true)] {
        assert_eq!(lookup(&cache, set).await.is_some(), there, "{set}");
    }
    assert!(cache.disk_size().unwrap().1 <= place.bytes_max);
    // What is already there is no exception.
    drop(cache);
    place.bytes_max = bytes + bytes / 2;
    let cache = place.cache();
    scanned(&cache).await;
    assert_eq!(cache.disk_size().unwrap().0, 1);
    place.file();
}

#[tokio::test(start_paused = true)]
async fn data_that_is_removed_as_a_whole_does_not_come_back() {
    let place = Place::new();
    let cache = place.cache();
    make(&cache, "Users", 1).await;
    cache.settle().await;
    fs::remove_dir_all(place.folder.path()).unwrap();
    make(&cache, "Sessions", 1).await;
    cache.settle().await;
    assert!(!place.folder.path().exists());
    assert!(lookup(&cache, "Sessions").await.is_some(), "from memory");
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_goes_away_is_made_again() {
    let place = Place::new();
    let cache = place.cache();
    make(&cache, "Users", 1).await;
    cache.settle().await;
    fs::remove_dir_all(place.folder.path().join("cache")).unwrap();
    assert!(lookup(&cache, "Users").await.is_some());
    evict(&cache);
    assert!(lookup(&cache, "Users").await.is_none());
    make(&cache, "Users", 1).await;
    cache.settle().await;
    evict(&cache);
    assert!(lookup(&cache, "Users").await.is_some());
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn files_belong_to_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let cache = place.cache();
    make(&cache, "Users", 1).await;
    cache.settle().await;
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.file()), 0o600);
    for folder in [place.path(), place.folder.path().join("cache")] {
        assert_eq!(mode(&folder), 0o700);
    }
}
