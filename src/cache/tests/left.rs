//! Fills that run without readers, or with one who does not read, or off the list.

use super::*;

/// A fill of ten rows, one each second, with this note of how many there will be.
fn ten(
    cache: &Cache<&'static str>,
    wish: Wish,
    expected: Option<u64>,
    part: usize,
) -> Found<&'static str> {
    cache.find(key("Users"), wish, |mut writer| async move {
        if let Some(expected) = expected {
            writer.progress().expect_rows(expected);
        }
        writer.begin(Content::Text);
        for _ in 0..10 {
            writer.room().await;
            writer.push(text(noise(part)), 1).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    })
}

/// Answers that stay fresh for so many seconds.
fn fresh_for(seconds: u64) -> Wish {
    let lifetime = Lifetime {
        fresh: Duration::from_secs(seconds),
        ..Lifetime::default()
    };
    Wish { lifetime, ..STORED }
}

/// Reads so many parts and leaves.
async fn read_some(found: Found<&'static str>, parts: usize) {
    let (Found::Filling(mut coming) | Found::Joined(mut coming)) = found else {
        panic!("stored");
    };
    for _ in 0..parts {
        coming.reader.next().await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_nearly_done_and_will_be_stored_is_finished_for_nobody() {
    let unstored = Wish {
        lifetime: Lifetime::default(),
        ..STORED
    };
    for (case, wish, expected, part, parts, finished) in [
        ("most is there", STORED, Some(10), 500, 8, true),
        ("there were more before", STORED, Some(9), 500, 8, true),
        ("not most", STORED, Some(10), 500, 7, false),
        ("not most of more", STORED, Some(11), 500, 8, false),
        ("nobody knows how many", STORED, None, 500, 9, false),
        ("it is not stored", unstored, Some(10), 500, 9, false),
        ("it is in no memory", STORED, Some(10), 2000, 9, false),
        ("it outgrows memory", STORED, Some(10), 750, 8, false),
    ] {
        let cache = cache();
        read_some(ten(&cache, wish, expected, part), parts).await;
        tokio::task::yield_now().await;
        let goes_on = finished || case == "it outgrows memory";
        assert_eq!(cache.fills_running() == 1, goes_on, "{case}");
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(cache.fills_running(), 0, "{case}");
        let found = ten(&cache, wish, expected, part);
        let stored = matches!(found, Found::Stored(_));
        assert_eq!(stored, finished, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_finished_for_nobody_can_be_joined() {
    let cache = cache();
    read_some(ten(&cache, STORED, Some(10), 500), 8).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let found = ten(&cache, STORED, Some(10), 500);
    assert!(matches!(found, Found::Joined(_)));
    assert_eq!(read(found).await, Ok(10));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_finished_for_nobody_stops_when_it_is_purged() {
    let cache = cache();
    read_some(ten(&cache, STORED, Some(10), 500), 8).await;
    tokio::task::yield_now().await;
    assert_eq!(cache.fills_running(), 1);
    cache.purge(|_| true).await;
    tokio::task::yield_now().await;
    assert_eq!(cache.fills_running(), 0);
}

#[tokio::test(start_paused = true)]
async fn every_answer_in_the_making_is_listed() {
    let cache = cache();
    let first = ten(&cache, STORED, Some(10), 500);
    let joined = ten(&cache, STORED, Some(10), 500);
    tokio::time::sleep(Duration::from_secs(15)).await;
    cache.purge(|_| true).await;
    let second = ten(&cache, STORED, None, 500);
    assert!(matches!(second, Found::Filling(_)));
    tokio::task::yield_now().await;
    let listed = || {
        let running = cache.running().into_iter();
        let listed = running.map(|fill| {
            assert_eq!(fill.key, key("Users"));
            assert!(fill.key.question().set().is_some());
            let progress = fill.progress;
            let seconds = progress.elapsed().as_secs();
            (fill.readers, progress.expected_rows(), seconds)
        });
        listed.collect::<Vec<_>>()
    };
    assert_eq!(listed(), [(2, Some(10), 15), (1, None, 0)]);
    drop(joined);
    assert_eq!(listed(), [(1, Some(10), 15), (1, None, 0)]);
    drop(first);
    tokio::task::yield_now().await;
    assert_eq!(listed(), [(1, None, 0)]);
    assert_eq!(read(second).await, Ok(10));
    tokio::task::yield_now().await;
    assert!(listed().is_empty());
}

/// One client of a fill, who takes the first part and then nothing for so long.
async fn idle_for(cache: &Cache<&'static str>, wish: Wish, idle: Duration) -> Found<&'static str> {
    let mut found = ten(cache, wish, None, 500);
    let (Found::Filling(coming) | Found::Joined(coming)) = &mut found else {
        panic!("stored");
    };
    coming.reader.next().await.unwrap().unwrap();
    tokio::time::sleep(idle).await;
    found
}

#[tokio::test(start_paused = true)]
async fn nobody_joins_an_answer_that_has_stood_still_for_longer_than_it_would_be_stored() {
    let [short, long] = [0, 300].map(fresh_for);
    // It stands still when three parts are there, of which each takes a second.
    for (wish, seconds, joined) in [
        (STORED, 63, true),
        (STORED, 64, false),
        (short, 63, true),
        (short, 64, false),
        (long, 303, true),
        (long, 304, false),
    ] {
        for directives in [NONE, INSISTS.directives] {
            let (cache, wish) = (cache(), Wish { directives, ..wish });
            let idle = idle_for(&cache, wish, Duration::from_secs(seconds)).await;
            let found = ten(&cache, wish, None, 500);
            assert_eq!(matches!(found, Found::Joined(_)), joined, "{wish:?}");
            let (end, other) = tokio::join!(read(idle), read(found));
            assert_eq!((end, other), (Ok(9), Ok(10)));
            // What has stood still is not stored, nor does it take the other one's place.
            if let Found::Stored(hit) = ten(&cache, STORED, None, 500) {
                assert!(hit.age.as_secs() <= 11, "{wish:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_long_can_be_joined_while_it_goes_on() {
    let cache = cache();
    let found = cache.find(key("Users"), STORED, |mut writer| async move {
        writer.begin(Content::Text);
        for _ in 0..10 {
            writer.room().await;
            writer.push(text("x"), 1).await;
            tokio::time::sleep(Duration::from_mins(30)).await;
        }
        Ok(())
    });
    let late = async {
        tokio::time::sleep(Duration::from_hours(4)).await;
        let found = ten(&cache, STORED, None, 500);
        assert!(matches!(found, Found::Joined(_)));
        read(found).await
    };
    assert_eq!(tokio::join!(read(found), late), (Ok(10), Ok(10)));
    // It was over before it ended.
    assert_eq!(cache.size(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_finished_for_nobody_only_while_it_is_fresh() {
    // Eight parts are there after 7 s, all of them after 10 s.
    for (ttl, goes_on_for) in [(7, 0), (9, 2), (11, 3)] {
        let cache = cache();
        let wish = fresh_for(ttl);
        read_some(ten(&cache, wish, Some(10), 500), 8).await;
        let began = Instant::now();
        tokio::task::yield_now().await;
        while cache.fills_running() > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(began.elapsed().as_secs(), goes_on_for, "{ttl}");
        let stored = matches!(ten(&cache, wish, Some(10), 500), Found::Stored(_));
        assert_eq!(stored, ttl == 11, "{ttl}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_go_on_is_finished_for_nobody_only_while_it_is_fresh() {
    let cache = cache();
    let found = cache.find(key("Users"), STORED, |mut writer| async move {
        writer.progress().expect_rows(1);
        writer.begin(Content::Text);
        writer.push(text("x"), 1).await;
        std::future::pending().await
    });
    read_some(found, 1).await;
    for (seconds, running) in [(59, 1), (2, 0)] {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        assert_eq!(cache.fills_running(), running);
    }
}
