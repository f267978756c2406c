//! Answers that clients ask for again and again are made anew before they are stale.

use std::time::Duration;

use futures_util::future::{join, join_all};
use http::Method;
use tokio::time::sleep;

use crate::warm::counted;
use crate::world::{Answer, ROOT, World, small};

/// Five minutes for all sets.
const TTL: &str = "cache.ttl = '5m'\ncache.rules = []";

/// Time to live, as `Cache-Status` says it, of an answer that was stored; `None` for one that was made.
fn remaining(answer: &Answer) -> Option<i64> {
    let (_, rest) = answer.header("cache-status").split_once("ttl=")?;
    let number = rest.split(';').next().unwrap();
    Some(number.trim().parse().unwrap())
}

async fn seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn clients_who_come_again_and_again_never_find_a_popular_answer_stale() {
    let world = World::new(small(), TTL);
    world.start();
    assert_eq!(remaining(&world.ask("/Machines").await), None);
    for _ in 0..60 {
        seconds(60).await;
        let left = remaining(&world.ask("/Machines").await);
        assert!(left.is_some_and(|left| left > 0), "{left:?}");
    }
    let asked = world.pages_asked();
    let pages = world.rows_of("/Machines").await.len().div_ceil(20);
    // An hour is made of twelve times five minutes, and each is given up a tenth before its end.
    assert_eq!(asked, 14 * pages);
    assert_eq!(counted(&world).await, ["ahead ok 13"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_asks_for_any_more_is_left_to_go_stale() {
    let world = World::new(small(), TTL);
    world.start();
    for _ in 0..3 {
        world.ask("/Catalogs").await.rows();
    }
    // Asked for once: by chance, perhaps.
    for _ in 0..2 {
        world.ask("/Machines").await.rows();
    }
    seconds(290).await;
    assert_eq!(
        counted(&world).await,
        ["ahead ok 1"],
        "the one that was asked for"
    );
    seconds(3600).await;
    assert_eq!(counted(&world).await, ["ahead ok 1"], "and not again");
    assert!(remaining(&world.ask("/Catalogs").await).is_none_or(|left| left < 0));
    seconds(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_quarter_of_the_time_is_used_at_most() {
    let mut knobs = small();
    knobs.latency = Duration::from_secs(4);
    let settings = "cache.ttl = '60s'\ncache.stale_while_revalidate = '0s'\ncache.rules = []";
    let world = World::new(knobs, settings);
    world.start();
    // Twelve, four seconds apart: to keep all of them fresh would take nearly all the time.
    let popular: Vec<String> = (1..=12)
        .map(|top| format!("{ROOT}/Catalogs?$top={top}"))
        .collect();
    for path in &popular {
        world.get(path).await.rows();
    }
    let asked = world.pages_asked();
    for _ in 0..80 {
        seconds(5).await;
        for path in &popular {
            // So that no client has upstream asked.
            let stored_or_none = [("cache-control", "only-if-cached")];
            world.request(Method::GET, path, &stored_or_none).await;
        }
    }
    let refreshed = world.pages_asked() - asked;
    // 400 s, and 16 for each.
    assert!((15..=25).contains(&refreshed), "{refreshed}");
    seconds(60).await;
}

#[tokio::test(start_paused = true)]
async fn none_is_begun_while_clients_wait() {
    let mut knobs = small();
    knobs.latency = Duration::from_secs(20);
    let world = World::new(knobs, TTL);
    world.start();
    for _ in 0..3 {
        world.ask("/Catalogs?$top=1").await.rows();
    }
    seconds(245).await;
    let before = world.pages_asked();
    // Through all of the last tenth of its time somebody waits for a turn.
    let clients = (1..=4).map(|top| {
        let world = &world;
        async move { world.ask(&format!("/Users?$top={top}")).await.rows().len() }
    });
    let looks = async {
        for _ in 0..55 {
            seconds(1).await;
            let lane = world.get("/api/status").await.json()["sites"][0]["lane"].clone();
            let waiting = lane["waiting"].as_array().unwrap();
            assert!(
                waiting
                    .iter()
                    .all(|waiting| waiting["class"] != "background")
            );
        }
    };
    let (rows, ()) = join(join_all(clients), looks).await;
    assert_eq!(rows, [1, 2, 3, 4]);
    assert_eq!(world.pages_asked(), before + 4);
    assert_eq!(counted(&world).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn off_is_off() {
    let world = World::new(small(), &format!("{TTL}\ncache.refresh_ahead = 'off'"));
    world.start();
    for _ in 0..5 {
        world.ask("/Catalogs").await.rows();
    }
    let asked = world.pages_asked();
    seconds(299).await;
    assert_eq!(world.pages_asked(), asked);
    assert!(!world.tasks().names().contains(&"ahead"));
}

#[tokio::test(start_paused = true)]
async fn pages_of_a_clients_own_size_are_not_made_anew() {
    let world = World::new(small(), TTL);
    world.start();
    let prefer = [("prefer", "odata.maxpagesize=10")];
    let mut path = "/monitorodata/Machines".to_owned();
    for _ in 0..2 {
        for _ in 0..4 {
            world.request(Method::GET, &path, &prefer).await.rows();
        }
        let page = world.request(Method::GET, &path, &prefer).await.json();
        let next = page["@odata.nextLink"].as_str().unwrap().to_owned();
        next.strip_prefix("http://localhost:8484")
            .unwrap()
            .clone_into(&mut path);
    }
    let asked = world.pages_asked();
    seconds(299).await;
    assert_eq!(world.pages_asked(), asked);
    assert_eq!(counted(&world).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_made_anew_is_tried_once() {
    let world = World::new(small(), TTL);
    world.start();
    for _ in 0..5 {
        world.ask("/Catalogs").await.rows();
    }
    let fault = "set=Catalogs,times=1000,kind=status,status=500";
    world.simulator.script(vec![fault.parse().unwrap()]);
    seconds(299).await;
    assert!(remaining(&world.ask("/Catalogs").await).is_some_and(|left| left > 0));
    assert_eq!(counted(&world).await, ["ahead failed 1"]);
}
