//! Answers that are too large for memory: each client reads at its own pace, as long as there is disk.

use std::time::Duration;

use citrix_odata_proxy::demo::Knobs;
use futures_util::future::{join, join_all};
use http::Method;
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep, timeout};

use crate::world::{Received, World, read, small};

const PATH: &str = "/monitorodata/Sessions";

#[tokio::test(start_paused = true)]
async fn a_large_answer_goes_at_the_pace_of_its_fastest_reader() {
    let world = large("");
    let truth = world.rows_of("/Sessions").await;
    let slow = world.open(Method::GET, PATH, &[]).await;
    let began = Instant::now();
    let fast = read(world.open(Method::GET, PATH, &[]).await.into_body()).await;
    assert_complete(&fast, &truth);
    assert_eq!(began.elapsed(), Duration::ZERO);
    let spool = world.data_folder().join("spool");
    let files = || std::fs::read_dir(&spool).unwrap().count();
    assert!(files() == 0 || cfg!(windows), "they have no names");
    sleep(Duration::from_hours(1)).await;
    assert_eq!(read(slow.into_body()).await, fast);
    assert_eq!(files(), 0, "none is left behind");
    assert_eq!(world.pages_asked(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_large_answer_can_be_joined_until_its_end() {
    let mut knobs = many();
    knobs.latency = Duration::from_secs(1);
    let world = World::new(knobs, LITTLE_MEMORY);
    let truth = world.rows_of("/Sessions").await;
    let ask_after = async |seconds| {
        sleep(Duration::from_secs(seconds)).await;
        read(world.open(Method::GET, PATH, &[]).await.into_body()).await
    };
    for received in join_all([0, 10, 20, 29].map(ask_after)).await {
        assert_complete(&received, &truth);
    }
    assert_eq!(world.pages_asked(), 30);
}

#[tokio::test(start_paused = true)]
async fn links_of_a_large_answer_lead_to_each_client_own_address() {
    let world = large("");
    let full = ("accept", "application/json;odata.metadata=full");
    let open = async |host| world.open(Method::GET, PATH, &[full, ("host", host)]).await;
    let [one, other] = ["localhost:8484", "127.0.0.1:8484"];
    let (slow, fast) = (open(other).await, open(one).await);
    let [fast, slow] = [fast, slow].map(|response| read(response.into_body()));
    let (Received::Complete(fast), Received::Complete(slow)) = (fast.await, slow.await) else {
        panic!("cut");
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (fast, slow) = (text(&fast), text(&slow));
    let root = "http://localhost:8484/monitorodata/";
    assert!(fast.matches(root).count() > 600);
    assert_eq!(slow, fast.replace(one, other));
    assert_eq!(world.pages_asked(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_a_large_answer_stops_the_paging() {
    let world = large("");
    let slow = world.open(Method::GET, PATH, &[]).await;
    let mut fast = world.open(Method::GET, PATH, &[]).await.into_body();
    for _ in 0..20 {
        assert!(fast.frame().await.unwrap().is_ok());
    }
    drop((slow, fast));
    sleep(Duration::from_mins(1)).await;
    assert!(world.pages_asked() < 30);
    assert_eq!(world.fills(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_large_answer_without_disk_goes_at_the_pace_of_its_slowest_reader() {
    // None at all, and none that is worth mentioning.
    for spool in ["0", "10KiB"] {
        let world = large(&format!("cache.spool = '{spool}'"));
        let truth = world.rows_of("/Sessions").await;
        let slow = world.open(Method::GET, PATH, &[]).await;
        let fast = world.open(Method::GET, PATH, &[]).await;
        let fast = read(fast.into_body());
        tokio::pin!(fast);
        let soon = timeout(Duration::from_secs(59), &mut fast);
        assert!(soon.await.is_err());
        // What may be kept, and a few pages more.
        let asked = world.pages_asked();
        assert!(asked <= 10, "{asked} of 30 pages");
        let (slow, fast) = join(read(slow.into_body()), fast).await;
        for received in [slow, fast] {
            assert_complete(&received, &truth);
        }
        assert_eq!(world.pages_asked(), 30);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stands_still_is_cut_off_when_another_waits_and_there_is_no_disk() {
    let world = large("cache.spool = '0'");
    let truth = world.rows_of("/Sessions").await;
    let still = world.open(Method::GET, PATH, &[]).await;
    let fast = read(world.open(Method::GET, PATH, &[]).await.into_body());
    let began = Instant::now();
    assert_complete(&fast.await, &truth);
    assert_eq!(began.elapsed(), Duration::from_secs(61));
    assert_eq!(world.pages_asked(), 30);
    assert!(!world.data_folder().join("spool").exists());
    let still = read(still.into_body()).await;
    assert!(matches!(still, Received::Cut(_)), "{still:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stands_still_alone_is_waited_for() {
    for settings in ["", "cache.spool = '0'"] {
        let world = large(settings);
        let truth = world.rows_of("/Sessions").await;
        let still = world.open(Method::GET, PATH, &[]).await;
        sleep(Duration::from_hours(1)).await;
        assert!(world.pages_asked() <= 2);
        assert_complete(&read(still.into_body()).await, &truth);
    }
}

/// A world whose sessions are too many for memory.
fn large(settings: &str) -> World {
    World::new(many(), &format!("{LITTLE_MEMORY}\n{settings}"))
}

fn many() -> Knobs {
    Knobs {
        sessions: 600,
        ..small()
    }
}

/// One answer may take an eighth of it.
const LITTLE_MEMORY: &str = "scans.range_walk = 'off'\ncache.memory = '128KiB'";

fn assert_complete(received: &Received, rows: &[String]) {
    let Received::Complete(bytes) = received else {
        panic!("cut");
    };
    let text = str::from_utf8(bytes).unwrap();
    assert!(rows.iter().all(|row| text.contains(row)));
}
