//! A client with a stale answer at hand does not wait long for a new one.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::world::{World, small};

#[tokio::test(start_paused = true)]
async fn a_slow_upstream_is_waited_for_ten_seconds_and_its_answer_kept() {
    let mut knobs = small();
    knobs.latency = Duration::from_secs(20);
    let settings =
        "cache.ttl = '5m'\ncache.stale_while_revalidate = '0s'\ncache.stale_if_error = '10h'";
    let world = World::new(knobs, settings);
    let path = "/Sessions?$top=20";
    world.ask(path).await;
    sleep(Duration::from_hours(1)).await;
    let asked = world.pages_asked();
    let began = Instant::now();
    let stale = world.ask(path).await;
    assert_eq!(began.elapsed(), Duration::from_secs(10));
    let status = stale.header("cache-status");
    assert!(
        status.ends_with("detail=stale-while-revalidate"),
        "{status}"
    );
    // Who comes later has waited long enough at once.
    sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    assert_eq!(world.ask(path).await.bytes(), stale.bytes());
    assert_eq!(began.elapsed(), Duration::ZERO);
    sleep(Duration::from_secs(20)).await;
    let fresh = world.ask(path).await;
    assert!(fresh.header("cache-status").contains("; hit; ttl=2"));
    assert_eq!(world.pages_asked(), asked + 1);
}

#[tokio::test(start_paused = true)]
async fn a_quick_upstream_gives_the_new_answer() {
    let settings =
        "cache.ttl = '5m'\ncache.stale_while_revalidate = '0s'\ncache.stale_if_error = '10h'";
    let world = World::new(small(), settings);
    world.ask("/Sessions?$top=20").await;
    sleep(Duration::from_hours(1)).await;
    let fresh = world.ask("/Sessions?$top=20").await;
    assert!(fresh.header("cache-status").contains("fwd=stale; stored"));
}
