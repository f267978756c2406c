//! Scans that take hours, and what happens in hours.

use std::time::Duration;

use citrix_odata_proxy::demo::{Fault, Knobs};
use futures_util::future::join;
use http::Method;
use http_body_util::BodyExt;
use tokio::time::{Instant, advance, sleep, timeout};

use crate::world::{Received, World, read, small};

const PATH: &str = "/monitorodata/Sessions";

/// `pages` pages of 20 rows, each of which takes `seconds`; a token lasts an hour.
fn long(pages: u64, seconds: u64) -> Knobs {
    Knobs {
        sessions: pages * 20,
        latency: Duration::from_secs(seconds),
        ..small()
    }
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort_unstable();
    rows
}

#[tokio::test(start_paused = true)]
async fn a_scan_of_two_hours_outlives_its_tokens() {
    let world = World::new(long(240, 30), "");
    let truth = sorted(world.rows_of("/Sessions").await);
    let began = Instant::now();
    let answer = world.get(PATH).await;
    assert_eq!(sorted(answer.rows()), truth);
    assert!(began.elapsed() > Duration::from_hours(2));
    let stats = world.simulator.stats();
    assert!((3..=4).contains(&stats.tokens_issued), "{stats:?}");
    assert_eq!(world.answered_with(401), 0);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_revoked_in_the_middle_is_told() {
    let world = World::new(long(240, 30), "");
    let faults = [
        "nth=100,kind=expire-token",
        "set=token,times=always,kind=unauthorized",
    ];
    let later = async {
        sleep(Duration::from_mins(10)).await;
        let faults = faults.iter().map(|fault| fault.parse::<Fault>().unwrap());
        world.simulator.script(faults.collect());
    };
    let (answer, ()) = join(world.get(PATH), later).await;
    assert!(matches!(answer.body, Received::Cut(_)), "{answer:?}");
    let status = world.get("/api/status").await.json();
    let message = status["sites"][0]["last_error"]["message"]
        .as_str()
        .unwrap();
    assert!(message.contains("credentials"), "{message}");
    // Whoever asks now hears it at once, and upstream is left alone.
    let before = world.pages_asked();
    assert_eq!(world.ask("/Users").await.error(), "502 UpstreamCredentials");
    assert_eq!(world.pages_asked(), before);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_sleeps_for_an_hour_goes_on_where_it_was() {
    let world = World::new(long(60, 30), "sites.main.upstream.retry_budget = '1m'");
    let truth = sorted(world.rows_of("/Sessions").await);
    let sleeps = async {
        for _ in 0..3 {
            sleep(Duration::from_secs(200)).await;
            // In the middle of a page: all clocks jump at once, and its time is over.
            advance(Duration::from_hours(1)).await;
        }
    };
    let (answer, ()) = join(world.get(PATH), sleeps).await;
    assert_eq!(sorted(answer.rows()), truth);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_10_kb_a_second_gets_everything() {
    let world = World::new(long(100, 0), "");
    let truth = sorted(world.rows_of("/Sessions").await);
    let mut body = world.open(Method::GET, PATH, &[]).await.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        sleep(Duration::from_secs_f64(
            f64::from(u32::try_from(data.len()).unwrap()) / 1e4,
        ))
        .await;
        bytes.extend_from_slice(&data);
    }
    let rows: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(rows["value"].as_array().unwrap().len(), truth.len());
    assert_eq!(sorted(world.get(PATH).await.rows()), truth);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_at_page_500_frees_the_lane_within_a_page() {
    let world = World::new(long(700, 2), "");
    let leaves = async {
        let mut body = world.open(Method::GET, PATH, &[]).await.into_body();
        for _ in 0..500 {
            body.frame().await.unwrap().unwrap();
        }
    };
    leaves.await;
    world.settle().await;
    assert_eq!(world.fills(), 0);
    let began = Instant::now();
    assert_eq!(world.ask("/Users?$top=5").await.rows().len(), 5);
    assert!(
        began.elapsed() <= Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_scan_that_others_wait_for_goes_on() {
    let world = World::new(long(50, 2), "");
    let truth = sorted(world.rows_of("/Sessions").await);
    let leaves = async {
        let mut body = world.open(Method::GET, PATH, &[]).await.into_body();
        for _ in 0..20 {
            body.frame().await.unwrap().unwrap();
        }
    };
    let stays = async {
        sleep(Duration::from_secs(10)).await;
        read(world.open(Method::GET, PATH, &[]).await.into_body()).await
    };
    let ((), received) = join(leaves, stays).await;
    let Received::Complete(bytes) = received else {
        panic!("cut");
    };
    let rows: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(rows["value"].as_array().unwrap().len(), truth.len());
    let once = world.pages_asked();
    assert!(once <= 60, "{once} pages");
}

#[tokio::test(start_paused = true)]
async fn a_scan_that_is_nearly_done_is_finished_and_kept() {
    for (minutes, kept) in [(1, false), (4, true)] {
        let world = World::new(long(50, 5), "cache.ttl = '1h'");
        let truth = sorted(world.rows_of("/Sessions").await);
        let leaves = async {
            let body = world.open(Method::GET, PATH, &[]).await.into_body();
            timeout(Duration::from_mins(minutes), read(body)).await
        };
        assert!(leaves.await.is_err(), "it takes longer than {minutes} min");
        sleep(Duration::from_mins(5)).await;
        assert_eq!(world.fills(), 0);
        let answer = world.get(PATH).await;
        let hit = answer.header("cache-status").contains("; hit;");
        assert_eq!(hit, kept, "{minutes}");
        assert_eq!(sorted(answer.rows()), truth);
    }
}
