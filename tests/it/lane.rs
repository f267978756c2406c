//! One query at a time, the small ones first, and no work for nobody.

use std::time::Duration;

use citrix_odata_proxy::demo::Knobs;
use futures_util::future::{join, join_all};
use http::Method;
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep, timeout};

use crate::world::{Received, World, read, small};

const PATH: &str = "/monitorodata/Sessions";

fn slow(seconds: u64) -> Knobs {
    Knobs {
        latency: Duration::from_secs(seconds),
        ..small()
    }
}

/// Asks many different questions at once; returns how the answers ended.
async fn rush(world: &World, questions: usize) -> Vec<String> {
    let ask = async |skip| {
        let path = format!("/Sessions?$skip={skip}");
        let answer = world.ask(&path).await;
        if answer.status == 200 {
            assert_eq!(answer.rows(), world.rows_of(&path).await);
            return "whole".to_owned();
        }
        let seconds: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=120).contains(&seconds));
        answer.error()
    };
    join_all((0..questions).map(ask)).await
}

#[tokio::test(start_paused = true)]
async fn questions_at_once_are_asked_one_after_the_other() {
    let world = World::new(slow(1), "");
    let ends = rush(&world, 20).await;
    assert!(ends.iter().all(|end| end == "whole"), "{ends:?}");
    let stats = world.simulator.stats();
    assert_eq!((stats.peak_in_flight, stats.throttled), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_operator_may_widen_the_lane() {
    let knobs = Knobs {
        lanes: 3,
        ..slow(1)
    };
    let world = World::new(knobs, "sites.main.upstream.concurrency = 3");
    let ends = rush(&world, 20).await;
    assert!(ends.iter().all(|end| end == "whole"), "{ends:?}");
    let stats = world.simulator.stats();
    assert_eq!((stats.peak_in_flight, stats.throttled), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn sites_of_one_customer_share_a_lane() {
    let other = "
        sites.other.customer_id = 'NORDHAFEN'
        sites.other.client_id = 'demo-client'
        sites.other.client_secret_env = 'SECRET'
        sites.other.upstream.endpoint = 'https://citrix.test'";
    let world = World::new(slow(1), other);
    let ask = async |n: usize| {
        let site = ["main", "other"][n % 2];
        let path = format!("/{site}/monitorodata/Sessions?$top=30&$skip={n}");
        world.get(&path).await.rows().len()
    };
    let rows = join_all((0..10).map(ask)).await;
    assert_eq!(rows, [30; 10]);
    let stats = world.simulator.stats();
    assert_eq!((stats.peak_in_flight, stats.throttled), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_turns_new_questions_away_and_no_page_of_a_begun_answer() {
    for (limit, served) in [(0, 1), (2, 3), (5, 6)] {
        let settings = format!("sites.main.upstream.queue_limit = {limit}");
        let world = World::new(slow(1), &settings);
        world.ask("/Users?$top=1").await;
        let ends = rush(&world, 10).await;
        let whole = ends.iter().filter(|end| *end == "whole").count();
        assert_eq!(whole, served, "limit {limit}: {ends:?}");
        let busy = ends.iter().filter(|end| *end == "503 UpstreamBusy").count();
        assert_eq!(whole + busy, 10, "{ends:?}");
        assert_eq!(rush(&world, 1).await, ["whole"], "later there is room");
    }
}

#[tokio::test(start_paused = true)]
async fn others_of_the_customer_may_be_in_the_way() {
    // Somebody else's query holds the only place now and then.
    let fault = "every=3,times=always,kind=throttled,retry-after=2"
        .parse()
        .unwrap();
    let world = World::with_fault(slow(1), "", fault);
    let ends = rush(&world, 10).await;
    assert!(ends.iter().all(|end| end == "whole"), "{ends:?}");
    assert!(world.simulator.stats().throttled > 10);
}

#[tokio::test(start_paused = true)]
async fn a_preview_waits_for_one_page_of_a_scan() {
    let world = World::new(slow(10), "");
    // A token and a schema, so that only the lane counts.
    world.get("/monitorodata/Users?$top=1").await;
    let scans = async {
        let all = ["", "?$orderby=StartDate", "?$filter=ExitCode ge 0"];
        let ask = async |options| world.get(&format!("{PATH}{options}")).await;
        join_all(all.map(ask)).await
    };
    let preview = async {
        sleep(Duration::from_secs(34)).await;
        let began = Instant::now();
        let status = async {
            sleep(Duration::from_secs(2)).await;
            world.get("/api/status").await.json()["sites"][0]["lane"].clone()
        };
        let preview = world.get("/monitorodata/Users?$top=2");
        let (preview, lane) = join(preview, status).await;
        assert_eq!(preview.rows().len(), 2);
        // The rest of the page under way, and its own.
        assert_eq!(began.elapsed().as_secs(), 16);
        let waiting: Vec<_> = lane["waiting"].as_array().unwrap().iter().collect();
        assert_eq!(waiting.len(), 3, "{lane}");
        assert_eq!(waiting[0]["class"], "interactive");
        assert_eq!(waiting[0]["seconds"], 2);
        assert_eq!(waiting[1]["class"], "scan");
        assert_eq!(waiting[2]["position"], 3);
        assert_eq!((&lane["level"], &lane["in_flight"]), (&1.into(), &1.into()));
    };
    let (scans, ()) = join(scans, preview).await;
    assert!(scans.iter().all(|answer| answer.status == 200));
    assert_eq!(world.simulator.stats().peak_in_flight, 1);
}

#[tokio::test(start_paused = true)]
async fn the_level_stays_below_what_upstream_refused() {
    // Two at a time, whatever the operator hopes for.
    let knobs = Knobs {
        lanes: 2,
        ..slow(1)
    };
    let world = World::new(knobs, "sites.main.upstream.concurrency = 8");
    let ends = rush(&world, 40).await;
    assert!(ends.iter().all(|end| end == "whole"), "{ends:?}");
    let stats = world.simulator.stats();
    assert!(stats.data_requests > 100, "{stats:?}");
    assert!(stats.throttled <= 3, "{stats:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_stops_the_paging() {
    let world = World::new(slow(1), "");
    let mut body = world.open(Method::GET, PATH, &[]).await.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    drop(body);
    sleep(Duration::from_mins(10)).await;
    assert!(world.pages_asked() <= 3);
    assert_eq!(world.fills(), 0);
    assert_eq!(world.simulator.stats().in_flight, 0);
    assert_eq!(world.get(PATH).await.rows().len(), 110);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_early_gives_its_place_back() {
    let world = World::with_fault(small(), "", "kind=hang".parse().unwrap());
    let impatient = timeout(Duration::from_secs(5), world.get(PATH));
    assert!(impatient.await.is_err());
    world.settle().await;
    assert_eq!(world.fills(), 0);
    assert_eq!(world.simulator.stats().in_flight, 0);
    assert_eq!(world.get(PATH).await.rows().len(), 110);
    assert_eq!(world.pages_asked(), 7);
}

#[tokio::test(start_paused = true)]
async fn clients_that_stay_get_everything_though_the_first_goes_away() {
    let world = World::new(slow(1), "");
    let first = async {
        let mut body = world.open(Method::GET, PATH, &[]).await.into_body();
        body.frame().await.unwrap().unwrap();
    };
    let second = async {
        sleep(Duration::from_millis(500)).await;
        world.get(PATH).await.rows().len()
    };
    let ((), rows) = join(first, second).await;
    assert_eq!(rows, 110);
    assert_eq!(world.pages_asked(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_holds_the_walk_back() {
    let world = World::new(small(), "");
    let response = world.open(Method::GET, PATH, &[]).await;
    sleep(Duration::from_mins(10)).await;
    let asked = world.pages_asked();
    assert!(asked <= 2, "{asked} pages for nobody");
    let Received::Complete(_) = read(response.into_body()).await else {
        panic!("cut");
    };
    assert_eq!(world.pages_asked(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_does_not_hold_back_a_fast_one() {
    let world = World::new(small(), "");
    let slow = world.open(Method::GET, PATH, &[]).await;
    let fast = world.get(PATH).await;
    assert_eq!(fast.rows().len(), 110);
    let Received::Complete(bytes) = read(slow.into_body()).await else {
        panic!("cut");
    };
    assert_eq!(bytes, fast.bytes());
}

#[tokio::test(start_paused = true)]
async fn head_asks_for_one_page_only() {
    let world = World::new(small(), "");
    let head = world.open(Method::HEAD, PATH, &[]).await;
    assert_eq!(head.status(), 200);
    let names = |headers: &http::HeaderMap| {
        let names = headers.keys().map(ToString::to_string);
        names
            .filter(|name| name != "x-request-id")
            .collect::<Vec<_>>()
    };
    let head_names = names(head.headers());
    // Whoever serves the connection sends no body to a HEAD, and drops it.
    drop(head);
    sleep(Duration::from_mins(10)).await;
    assert_eq!(world.pages_asked(), 1);
    let get = world.get(PATH).await;
    assert_eq!(head_names, names(&get.headers));
}

#[tokio::test(start_paused = true)]
async fn blanks_keep_a_slow_answer_alive_and_are_not_kept() {
    let fault = "page=4,kind=throttled,retry-after=100".parse().unwrap();
    let world = World::with_fault(small(), "", fault);
    let truth = world.rows_of("/Sessions").await;
    let first = world.get(PATH).await;
    assert_eq!(first.rows(), truth);
    let hit = world.get(PATH).await;
    assert_eq!(hit.rows(), truth);
    assert_eq!(
        first.bytes().len(),
        hit.bytes().len() + 4,
        "one each 25 seconds"
    );
}

#[tokio::test(start_paused = true)]
async fn stopping_cuts_what_has_begun_and_refuses_what_has_not() {
    let world = World::new(slow(5), "");
    let stop = async {
        sleep(Duration::from_secs(12)).await;
        world.tasks().stop(Duration::from_secs(5)).await
    };
    let waiting = async {
        sleep(Duration::from_secs(6)).await;
        world.ask("/Sessions?$orderby=StartDate&$skip=3").await
    };
    let ((begun, waiting), left) = join(join(world.get(PATH), waiting), stop).await;
    assert_eq!(left, [""; 0]);
    assert!(matches!(begun.body, Received::Cut(_)), "{begun:?}");
    let refused =
        matches!(waiting.body, Received::Cut(_)) || waiting.error() == "503 UpstreamUnavailable";
    assert!(refused, "{waiting:?}");
    let late = world.ask("/Users?$top=1").await;
    assert_eq!(late.error(), "503 UpstreamUnavailable");
}
