//! Answers that are too large for memory.

use super::*;

/// More than an eighth of the memory.
const PARTS: usize = 30;

/// How many rows can be read, and whether that is all.
async fn rows(hit: &Hit<&'static str>) -> (u64, bool) {
    let (mut rows, mut at) = (0, 0);
    while let Some(part) = hit.entry.part(at).await {
        let Ok(part) = part else {
            return (rows, false);
        };
        let bytes = part.text.to_bytes(&"".into());
        assert_eq!(bytes, noise(1000));
        rows += part.rows;
        at += 1;
    }
    (rows, true)
}

#[tokio::test(start_paused = true)]
async fn a_large_answer_is_kept_on_disk_alone() {
    let place = Place::new();
    let cache = place.cache();
    make(&cache, "Users", PARTS).await;
    let used = || cache.space.disk.as_ref().unwrap().used();
    // At once: from its temporary file, unless the writer was faster.
    let early = lookup(&cache, "Users").await.unwrap();
    cache.settle().await;
    let hit = lookup(&cache, "Users").await.unwrap();
    assert_eq!(rows(&early).await, (30, true));
    drop(early);
    // It goes with its last reader, on a thread of its own.
    for _ in 0..10_000 {
        if used() == 0 {
            break;
        }
        let turn = || std::thread::park_timeout(Duration::from_millis(1));
        let waited = spawn_blocking(turn);
        waited.await.unwrap();
    }
    assert_eq!(used(), 0, "the temporary file is gone");
    assert_eq!(rows(&hit).await, (30, true));
    assert!(hit.entry.in_memory().is_none() && hit.entry.stored_len() < 8000);
    evict(&cache);
    for cache in [cache, place.cache()] {
        let hit = lookup(&cache, "Users").await.unwrap();
        assert_eq!(rows(&hit).await, (30, true));
        assert!(hit.entry.in_memory().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_answer_is_finished_for_those_who_come_later() {
    let place = Place::new();
    let cache = place.cache();
    let found = cache.find(key("Users"), STORED, |writer| async move {
        writer.progress().expect_rows(PARTS as u64);
        write(writer, PARTS).await
    });
    let Found::Filling(mut coming) = found else {
        panic!("stored");
    };
    for _ in 0..PARTS - 2 {
        coming.reader.next().await.unwrap().unwrap();
    }
    drop(coming);
    while cache.fills_running() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(lookup(&cache, "Users").await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_large_answer_that_cannot_be_written_is_not_kept() {
    let mut place = Place::new();
    fs::write(place.folder.path().join("cache"), "").unwrap();
    let cache = place.cache();
    make(&cache, "Users", PARTS).await;
    cache.settle().await;
    assert!(lookup(&cache, "Users").await.is_none());
    fs::remove_file(place.folder.path().join("cache")).unwrap();
    // Nor is one that is larger than all there may be.
    place.bytes_max = 20_000;
    let cache = place.cache();
    make(&cache, "Users", PARTS).await;
    assert!(lookup(&cache, "Users").await.is_none());
    cache.settle().await;
    assert!(place.files().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_purge_reaches_a_large_answer_wherever_it_is() {
    for settled in [false, true] {
        let place = Place::new();
        let cache = place.cache();
        make(&cache, "Users", PARTS).await;
        if settled {
            cache.settle().await;
        }
        assert_eq!(cache.purge(|_| true).await, 1);
        cache.settle().await;
        assert!(lookup(&cache, "Users").await.is_none());
        assert!(place.files().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_part_is_an_error_and_the_end_of_its_answer() {
    let place = Place::new();
    let cache = place.cache();
    make(&cache, "Users", PARTS).await;
    cache.settle().await;
    let hit = lookup(&cache, "Users").await.unwrap();
    let file = place.file();
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    let (read, whole) = rows(&hit).await;
    assert!((5..25).contains(&read) && !whole, "{read}");
    assert!(lookup(&cache, "Users").await.is_none());
    assert!(place.files().is_empty());
    assert_eq!(cache.disk_size(), Some((0, 0)));
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn who_reads_an_answer_gets_all_of_it_though_there_is_a_newer_one() {
    let place = Place::new();
    let cache = place.cache();
    make(&cache, "Users", PARTS).await;
    cache.settle().await;
    let hit = lookup(&cache, "Users").await.unwrap();
    make(&cache, "Users", PARTS + 5).await;
    cache.settle().await;
    assert_eq!(rows(&hit).await, (30, true));
    drop(hit);
    let hit = lookup(&cache, "Users").await.unwrap();
    assert_eq!(rows(&hit).await, (35, true));
}
