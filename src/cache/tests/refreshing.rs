//! New answers that are made behind stale ones.

use super::upstream::{CLOCKS, Does, Upstream, answer, said};
use super::*;

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn first() -> String {
    "answer 1".to_owned()
}

#[tokio::test(start_paused = true)]
async fn hundred_clients_of_a_stale_answer_cause_one_refresh() {
    let upstream = Upstream::with_answer_of(100).await;
    let began = Instant::now();
    for _ in 0..100 {
        let told = "100: stale 40".to_owned();
        assert_eq!(upstream.ask(CLOCKS).await, (told, Ok(first())));
    }
    assert_eq!(began.elapsed(), Duration::ZERO, "nobody waits");
    seconds(2).await;
    assert_eq!(upstream.asked(), 2);
    let (told, given) = upstream.ask(CLOCKS).await;
    assert_eq!(
        (told.as_str(), given),
        ("2: fresh 58", Ok("answer 2".to_owned()))
    );
    let counts = upstream.cache.counts();
    assert_eq!((counts.refreshes, counts.refreshes_failed), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn while_upstream_fails_it_is_asked_less_and_less_and_the_stale_answer_says_why() {
    let upstream = Upstream::with_answer_of(60).await;
    upstream.now(Does::Fails("broken"));
    let mut asked_at = Vec::new();
    for age in 60..160 {
        let before = upstream.asked();
        let (told, given) = upstream.ask(CLOCKS).await;
        assert_eq!(given, Ok(first()));
        seconds(1).await;
        if upstream.asked() > before {
            asked_at.push(age);
            assert_eq!(told, format!("{age}: stale {}", age - 60));
        } else {
            assert_eq!(told, format!("{age}: stale {}, broken", age - 60));
        }
    }
    // Until it fails, and then 15 s, 30 s and 60 s.
    assert_eq!(asked_at, [60, 76, 107]);
    assert_eq!(upstream.cache.counts().refreshes_failed, 3);
    upstream.now(Does::Answers);
    seconds(10).await;
    assert_eq!(upstream.ask(CLOCKS).await.0, "asks, else the stale one");
    assert_eq!(said(&upstream.find(CLOCKS)), "0: fresh 59");
}

#[tokio::test(start_paused = true)]
async fn upstream_is_not_asked_before_it_wants_to_be() {
    let upstream = Upstream::with_answer_of(60).await;
    upstream.now(Does::Fails("broken after 50"));
    upstream.get(CLOCKS).await.unwrap();
    seconds(1).await;
    for _ in 0..50 {
        let told = upstream.ask(CLOCKS).await.0;
        assert!(told.ends_with(", broken after 50"), "{told}");
        let refused = upstream
            .cache
            .refresh(key("Users"), CLOCKS.lifetime, |writer| write(writer, 1));
        assert!(refused.is_err(), "in the background neither");
        seconds(1).await;
    }
    assert_eq!(upstream.asked(), 2);
    assert_eq!(said(&upstream.find(CLOCKS)), "111: stale 51");
    seconds(1).await;
    assert_eq!(upstream.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_works_again_ends_the_pauses() {
    let upstream = Upstream::with_answer_of(60).await;
    upstream.now(Does::Fails("broken"));
    upstream.get(CLOCKS).await.unwrap();
    seconds(17).await;
    upstream.now(Does::Answers);
    upstream.get(CLOCKS).await.unwrap();
    seconds(61).await;
    assert_eq!(said(&upstream.find(CLOCKS)), "61: stale 1", "no failure");
    let stored = upstream.cache.stored();
    assert!(stored.iter().all(|stored| stored.failure.is_none()));
    assert!(stored.iter().all(|stored| stored.refreshing));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_upstream_refuses_to_renew_is_forgotten() {
    for age in [100, 200] {
        let upstream = Upstream::with_answer_of(age).await;
        upstream.now(Does::Fails("refused"));
        let given = upstream.get(CLOCKS).await;
        assert_eq!(
            given,
            if age == 100 {
                Ok(first())
            } else {
                Err("refused")
            }
        );
        seconds(1).await;
        assert_eq!(upstream.cache.size(), (0, 0));
        let told = "asks".to_owned();
        assert_eq!(upstream.ask(CLOCKS).await, (told, Err("refused")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_is_purged_is_for_nobody() {
    let upstream = Upstream::with_answer_of(100).await;
    assert_eq!(upstream.get(CLOCKS).await, Ok(first()));
    tokio::task::yield_now().await;
    assert_eq!(upstream.cache.fills_running(), 1);
    assert_eq!(upstream.cache.purge(|_| true).await, 1);
    tokio::task::yield_now().await;
    assert_eq!(upstream.cache.fills_running(), 0, "nobody reads it");
    assert_eq!(upstream.cache.size(), (0, 0));
    assert_eq!(upstream.ask(CLOCKS).await.0, "asks");
    assert_eq!(upstream.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_ends_well_though_a_client_has_joined_and_left() {
    let upstream = Upstream::with_answer_of(100).await;
    upstream.now(Does::Pours(5));
    assert_eq!(upstream.get(CLOCKS).await, Ok(first()));
    seconds(3).await;
    let insists = Wish {
        directives: INSISTS.directives,
        ..CLOCKS
    };
    let found = upstream.find(insists);
    let Found::Joined(mut coming) = found else {
        panic!("not joined: {found:?}");
    };
    coming.reader.next().await.unwrap().unwrap();
    drop(coming);
    seconds(4).await;
    assert_eq!(said(&upstream.find(CLOCKS)), "7: fresh 53");
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_large_refresh_that_a_client_has_joined_comes_whole_from_its_file() {
    let folder = tempfile::TempDir::new().unwrap();
    let upstream = Upstream::new(cache_with(Some(SpoolFolder {
        path: folder.path().to_owned(),
        bytes_max: u64::MAX,
    })));
    upstream.get(CLOCKS).await.unwrap();
    upstream.now(Does::Pours(30));
    seconds(100).await;
    assert_eq!(upstream.get(CLOCKS).await, Ok(first()));
    seconds(5).await;
    let insists = Wish {
        directives: INSISTS.directives,
        ..CLOCKS
    };
    let found = upstream.find(insists);
    assert_eq!(said(&found), "waits");
    let expected = String::from_utf8_lossy(&noise(1000)).repeat(30);
    assert_eq!(answer(found).await, Ok(expected));
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_cannot_be_kept_is_not_begun_again_by_every_client() {
    let upstream = Upstream::with_answer_of(60).await;
    upstream.now(Does::Pours(30));
    for _ in 0..99 {
        assert_eq!(upstream.get(CLOCKS).await, Ok(first()));
        seconds(1).await;
    }
    let asked = upstream.asked();
    assert!((2..=5).contains(&asked), "{asked}");
    // Who comes after that gets it as it is made.
    seconds(40).await;
    let found = upstream.find(CLOCKS);
    assert_eq!(said(&found), "asks, else the stale one");
    assert_eq!(read(found).await, Ok(30));
}
