//! Work that nobody waits for stays out of the way of those who wait.

use std::time::Duration;

use citrix_odata_proxy::demo::Knobs;
use futures_util::future::join;
use http::Method;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::world::{World, read, small};

const PATH: &str = "/monitorodata/Sessions";

/// A table of which four fifths have been read when the only client leaves: pages of 5 s, and some 40 s to go.
async fn left_nearly_done() -> World {
    let knobs = Knobs {
        sessions: 1000,
        latency: Duration::from_secs(5),
        ..small()
    };
    let world = World::new(knobs, "cache.ttl = '1h'");
    let leaves = async {
        let body = world.open(Method::GET, PATH, &[]).await.into_body();
        timeout(Duration::from_secs(225), read(body)).await
    };
    assert!(leaves.await.is_err(), "it takes longer");
    assert_eq!(world.fills(), 1);
    world
}

async fn lane(world: &World) -> Value {
    world.get("/api/status").await.json()["sites"][0]["lane"].clone()
}

/// The classes of those that wait for their turn.
async fn waiting(world: &World) -> Vec<String> {
    let lane = lane(world).await;
    let waiting = lane["waiting"].as_array().unwrap().iter();
    let classes = waiting.map(|waiting| waiting["class"].as_str().unwrap().to_owned());
    classes.collect()
}

/// One question after the other; returns how long each took.
async fn questions(world: &World, count: usize) -> Vec<u64> {
    let mut took = Vec::new();
    for skip in 0..count {
        let began = Instant::now();
        let path = format!("/monitorodata/Users?$top=1&$skip={skip}");
        assert_eq!(world.get(&path).await.rows().len(), 1);
        took.push(began.elapsed().as_secs());
        sleep(Duration::from_millis(300)).await;
    }
    took
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_finished_for_nobody_yields_to_a_client() {
    let world = left_nearly_done().await;
    let asks = questions(&world, 8);
    let looks = async {
        sleep(Duration::from_secs(12)).await;
        waiting(&world).await
    };
    let (took, waiting) = join(asks, looks).await;
    assert!(took[0] < 10, "the rest of the page under way: {took:?}");
    assert_eq!(took[1..], [5; 7], "as if it were alone");
    assert_eq!(waiting, ["background"]);
    assert_eq!(world.fills(), 1);
    // And goes on when nobody is in its way.
    sleep(Duration::from_mins(2)).await;
    assert_eq!(world.fills(), 0);
    let answer = world.get(PATH).await;
    assert!(answer.header("cache-status").contains("; hit;"));
    assert_eq!(answer.rows().len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_finished_for_nobody_moves_up_when_a_client_comes() {
    let world = left_nearly_done().await;
    let joins = async {
        sleep(Duration::from_secs(12)).await;
        assert_eq!(waiting(&world).await, ["background"]);
        let began = Instant::now();
        let comes = async {
            let answer = world.get(PATH).await;
            assert!(answer.header("cache-status").contains("collapsed"));
            (answer.rows().len(), began.elapsed())
        };
        let look = async {
            sleep(Duration::from_millis(100)).await;
            waiting(&world).await
        };
        let (answer, waiting) = join(comes, look).await;
        assert_eq!(waiting, ["scan"]);
        answer
    };
    let (_, (rows, took)) = join(questions(&world, 100), joins).await;
    assert_eq!(rows, 1000);
    assert!(took < Duration::from_mins(3), "{took:?}");
}
