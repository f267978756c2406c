//! Files that are not what was written, disks that do not work, clocks that were set.

use super::*;

/// A place with an answer, and what its file holds.
async fn written(parts: usize) -> (Place, PathBuf, Vec<u8>) {
    let place = Place::new();
    let cache = place.cache();
    make(&cache, "Users", parts).await;
    cache.settle().await;
    let file = place.file();
    let bytes = fs::read(&file).unwrap();
    (place, file, bytes)
}

/// Whether the answer is found when its file holds this; a file whose answer is not, must not be left.
async fn is_found(place: &Place, file: &PathBuf, bytes: &[u8]) -> bool {
    fs::write(file, bytes).unwrap();
    let cache = place.cache();
    let found = lookup(&cache, "Users").await.is_some();
    scanned(&cache).await;
    assert_eq!(file.exists(), found);
    assert_eq!(cache.disk_size().unwrap().0, u64::from(found));
    found
}

#[tokio::test(start_paused = true)]
async fn no_changed_byte_is_served() {
    let (place, file, bytes) = written(1).await;
    assert!(is_found(&place, &file, &bytes).await);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(!is_found(&place, &file, &changed).await, "byte {at}");
    }
    assert!(is_found(&place, &file, &bytes).await);
}

#[tokio::test(start_paused = true)]
async fn no_torn_file_is_served() {
    let (place, file, bytes) = written(1).await;
    for len in (0..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
        assert!(!is_found(&place, &file, &bytes[..len]).await, "{len} bytes");
        // What a file system may leave of a file whose length was on disk before its content.
        let mut zeros = bytes[..len].to_vec();
        zeros.resize(bytes.len(), 0);
        assert!(!is_found(&place, &file, &zeros).await, "{len} bytes");
    }
    let longer = [&bytes[..], b"!"].concat();
    assert!(!is_found(&place, &file, &longer).await);
}

#[tokio::test(start_paused = true)]
async fn another_version_is_not_read() {
    let (place, file, bytes) = written(1).await;
    for version in [0_u32, 2] {
        let mut other = bytes.clone();
        other[8..12].copy_from_slice(&version.to_le_bytes());
        assert!(!is_found(&place, &file, &other).await, "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_under_another_name_is_not_found() {
    let (place, file, bytes) = written(1).await;
    let cache = place.cache();
    make(&cache, "Machines", 1).await;
    cache.settle().await;
    let machines = place.files().into_iter().find(|other| *other != file);
    fs::write(machines.unwrap(), bytes).unwrap();
    evict(&cache);
    assert!(lookup(&cache, "Machines").await.is_none());
    assert!(lookup(&cache, "Users").await.is_some());
}

#[tokio::test(start_paused = true)]
async fn whatever_else_is_in_the_folder_goes() {
    let (place, file, _) = written(1).await;
    let name = file.file_name().unwrap().to_str().unwrap();
    for stray in [format!("{name}.1234.new"), "notes.txt".to_owned()] {
        fs::write(place.path().join(stray), "half an answer").unwrap();
    }
    fs::create_dir(place.path().join("folder")).unwrap();
    let cache = place.cache();
    scanned(&cache).await;
    assert_eq!(place.files(), [file, place.path().join("folder")]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_from_the_future_has_no_age() {
    for (seconds, found) in [(-59, true), (-60, true), (-61, false), (-86_400, false)] {
        for wait in [false, true] {
            let (place, file, _) = written(1).await;
            place.pass(seconds);
            let cache = place.cache();
            if wait {
                scanned(&cache).await;
            }
            let hit = lookup(&cache, "Users").await;
            assert_eq!(
                hit.map(|hit| hit.age.as_secs()),
                found.then_some(0),
                "{seconds}"
            );
            assert_eq!(file.exists(), found);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fails_leaves_answers_in_memory_and_is_tried_again() {
    let (place, _, _) = written(1).await;
    let cache = place.cache();
    scanned(&cache).await;
    let folder = place.folder.path().join("cache");
    fs::rename(&folder, place.folder.path().join("away")).unwrap();
    fs::write(&folder, "").unwrap();
    assert_eq!(cache.counts().disk_failures, 0);
    make(&cache, "Users", 2).await;
    cache.settle().await;
    assert_eq!(cache.counts().disk_failures, 1);
    assert_eq!(lookup(&cache, "Users").await.unwrap().entry.facts.rows, 2);
    fs::remove_file(&folder).unwrap();
    fs::rename(place.folder.path().join("away"), &folder).unwrap();
    // The older answer must not come back in place of the newer one.
    evict(&cache);
    assert!(lookup(&cache, "Users").await.is_none());
    for (seconds, stored) in [(29, false), (1, true)] {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        make(&cache, "Users", 2).await;
        cache.settle().await;
        evict(&cache);
        assert_eq!(lookup(&cache, "Users").await.is_some(), stored);
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_to_be_written_is_bounded() {
    let place = Place::new();
    let cache = place.cache();
    // Five of these are more than a quarter of the memory, and nothing else runs meanwhile.
    for n in 0..9 {
        make(&cache, &format!("Set{n}"), 4).await;
    }
    cache.settle().await;
    let (answers, _) = cache.disk_size().unwrap();
    assert!((1..=9).contains(&answers), "{answers}");
    assert_eq!(place.files().len() as u64, answers);
}

#[tokio::test(start_paused = true)]
async fn an_older_file_is_not_taken_for_the_answer_that_is_known() {
    let (place, file, older) = written(1).await;
    let cache = place.cache();
    place.pass(5);
    make(&cache, "Users", 2).await;
    cache.settle().await;
    fs::write(&file, older).unwrap();
    let shelf = cache.shelf.as_ref().unwrap();
    assert!(shelf.recall(&key("Users"), &STORED).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_answer_whose_file_is_still_there_does_not_come_back() {
    let (place, file, bytes) = written(1).await;
    let cache = place.cache();
    scanned(&cache).await;
    let shelf = cache.shelf.as_ref().unwrap();
    shelf.forget(&key("Users"));
    tokio::time::sleep(Duration::from_millis(1)).await;
    fs::write(&file, bytes).unwrap();
    assert!(shelf.recall(&key("Users"), &STORED).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_by_a_day_keeps_what_was_used_last() {
    let (mut place, file, _) = written(1).await;
    let bytes = file.metadata().unwrap().len();
    fs::remove_file(file).unwrap();
    place.bytes_max = bytes * 3 + bytes / 2;
    let cache = place.cache();
    let second = || tokio::time::advance(Duration::from_secs(1));
    for set in ["A", "B"] {
        second().await;
        make(&cache, set, 1).await;
    }
    place.pass(-86_400);
    second().await;
    make(&cache, "C", 1).await;
    second().await;
    assert!(lookup(&cache, "A").await.is_some());
    second().await;
    make(&cache, "D", 1).await;
    cache.settle().await;
    evict(&cache);
    for (set, there) in [("A", true), ("B", false), ("C", true), ("D", true)] {
        assert_eq!(lookup(&cache, set).await.is_some(), there, "{set}");
    }
}
