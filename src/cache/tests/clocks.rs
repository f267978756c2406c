//! The three clocks of an answer, and what clients add to them.

use super::upstream::{CLOCKS, Does, TAKES, Upstream, answer, said};
use super::*;

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn with(directives: Directives) -> Wish {
    Wish {
        directives,
        ..CLOCKS
    }
}

const fn for_seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn each_clock_in_its_turn() {
    for (age, told, given, asked) in [
        (59, "59: fresh 1", "answer 1", 1),
        (60, "60: stale 0", "answer 1", 2),
        (159, "159: stale 99", "answer 1", 2),
        (160, "asks, else the stale one", "answer 2", 2),
        (359, "asks, else the stale one", "answer 2", 2),
        (360, "asks", "answer 2", 2),
    ] {
        let upstream = Upstream::with_answer_of(age).await;
        let expected = (told.to_owned(), Ok(given.to_owned()));
        assert_eq!(upstream.ask(CLOCKS).await, expected, "{age}");
        seconds(2).await;
        assert_eq!(upstream.asked(), asked, "{age}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_stands_in_for_a_failure_until_it_is_too_old_for_that() {
    for (age, expected) in [
        (160, Ok("answer 1")),
        (357, Ok("answer 1")),
        (360, Err("broken")),
    ] {
        let upstream = Upstream::with_answer_of(age).await;
        upstream.now(Does::Fails("broken"));
        let given = upstream.get(CLOCKS).await;
        assert_eq!(given.as_deref().map_err(|error| *error), expected, "{age}");
    }
    // Its age counts when it is given, not when it was asked for.
    let upstream = Upstream::with_answer_of(200).await;
    upstream.now(Does::Fails("broken"));
    let Found::Filling(Coming {
        reader, fallback, ..
    }) = upstream.find(CLOCKS)
    else {
        panic!("stored");
    };
    seconds(100).await;
    let error = reader.begun().await.unwrap_err();
    let hit = fallback.unwrap().give(error).unwrap();
    assert_eq!(said(&Found::Stored(hit)), "300: stale 240, broken");
    let upstream = Upstream::with_answer_of(359).await;
    upstream.now(Does::Fails("broken"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(said(&upstream.find(CLOCKS)), "asks, else the stale one");
    assert_eq!(upstream.get(CLOCKS).await, Err("broken"), "too old by then");
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_the_first_part_cuts_and_the_next_client_has_the_stale_answer() {
    let upstream = Upstream::with_answer_of(200).await;
    upstream.now(Does::Breaks("broken"));
    let told = "asks, else the stale one".to_owned();
    assert_eq!(upstream.ask(CLOCKS).await, (told, Err("broken")));
    let told = "201: stale 141, broken".to_owned();
    assert_eq!(
        upstream.ask(CLOCKS).await,
        (told, Ok("answer 1".to_owned()))
    );
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn clients_who_want_something_newer_get_no_older_answer() {
    let no_cache = Directives {
        no_cache: true,
        ..NONE
    };
    let max_age = Directives {
        max_age: Some(for_seconds(70)),
        ..NONE
    };
    let min_fresh = Directives {
        min_fresh: Some(for_seconds(1)),
        ..NONE
    };
    for directives in [no_cache, max_age, min_fresh] {
        for age in [100, 200] {
            let upstream = Upstream::with_answer_of(age).await;
            upstream.now(Does::Fails("broken"));
            let wish = with(directives);
            let told = "asks".to_owned();
            assert_eq!(upstream.ask(wish).await, (told, Err("broken")), "{wish:?}");
            // Others still have the stale one, and hear why; who insists is not kept from asking.
            let told = upstream.ask(CLOCKS).await.0;
            assert!(told.ends_with(", broken"), "{told}");
            upstream.now(Does::Answers);
            assert_eq!(upstream.get(wish).await, Ok("answer 3".to_owned()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_must_not_be_stored_is_shared_all_the_same() {
    let upstream = Upstream::new(cache());
    let no_store = with(Directives {
        no_store: true,
        ..NONE
    });
    let (first, second) = (upstream.find(no_store), upstream.find(CLOCKS));
    assert_eq!(said(&second), "waits");
    assert_eq!(answer(first).await, Ok("answer 1".to_owned()));
    assert_eq!(answer(second).await, Ok("answer 1".to_owned()));
    tokio::task::yield_now().await;
    assert_eq!(upstream.cache.size(), (0, 0));
    assert_eq!(said(&upstream.find(CLOCKS)), "asks");
}

#[tokio::test(start_paused = true)]
async fn clients_who_want_what_is_stored_or_nothing_never_cause_a_question() {
    let only = with(Directives {
        only_if_cached: true,
        ..NONE
    });
    assert_eq!(said(&Upstream::new(cache()).find(only)), "absent");
    for (age, told) in [
        (10, "10: fresh 50"),
        (100, "100: stale 40"),
        (200, "absent"),
        (400, "absent"),
    ] {
        let upstream = Upstream::with_answer_of(age).await;
        assert_eq!(said(&upstream.find(only)), told);
        seconds(5).await;
        assert_eq!(upstream.asked(), 1, "{age}");
    }
    let upstream = Upstream::with_answer_of(200).await;
    upstream.now(Does::Fails("broken"));
    upstream.get(CLOCKS).await.unwrap();
    assert_eq!(said(&upstream.find(only)), "200: stale 140, broken");
}

#[tokio::test(start_paused = true)]
async fn clients_may_accept_what_is_staler_or_want_what_stays_fresh() {
    let max_stale = |seconds| Directives {
        max_stale: Some(for_seconds(seconds)),
        ..NONE
    };
    let min_fresh = |seconds| Directives {
        min_fresh: Some(for_seconds(seconds)),
        ..NONE
    };
    for (age, directives, told) in [
        (340, max_stale(280), "340: stale 280"),
        (341, max_stale(280), "asks, else the stale one"),
        (360, max_stale(9000), "360: stale 300"),
        (40, min_fresh(20), "40: fresh 20"),
        (41, min_fresh(20), "asks"),
    ] {
        let upstream = Upstream::with_answer_of(age).await;
        assert_eq!(said(&upstream.find(with(directives))), told);
        seconds(5).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_by_a_day_makes_no_answer_younger() {
    let clock = Arc::new(SetClock(Mutex::new(
        "2026-03-02T12:00:00Z".parse().unwrap(),
    )));
    let settings = Settings {
        memory: 64_000,
        spool: None,
        shelf: None,
    };
    let shared = Arc::clone(&clock) as Arc<dyn Clock>;
    let upstream = Upstream::new(Cache::new(settings, shared, Tasks::new()));
    upstream.get(CLOCKS).await.unwrap();
    *clock.0.lock().unwrap() -= SignedDuration::from_hours(24);
    tokio::time::sleep(Duration::from_secs(59).saturating_sub(TAKES)).await;
    assert_eq!(said(&upstream.find(CLOCKS)), "59: fresh 1");
    seconds(1).await;
    assert_eq!(said(&upstream.find(CLOCKS)), "60: stale 0");
    seconds(2).await;
    // The new one was made by the clock as it is now.
    assert_eq!(said(&upstream.find(CLOCKS)), "2: fresh 58");
    *clock.0.lock().unwrap() += SignedDuration::from_hours(24);
    assert_eq!(said(&upstream.find(CLOCKS)), "asks");
}
