//! An answer that is fresh no more: given at once while it is made anew, and in place of one that cannot be had.

use std::time::Duration;

use futures_util::future::{join, join_all};
use http::Method;
use tokio::time::{Instant, sleep};

use crate::world::{Answer, Received, World, small};

/// Fresh for a minute; for five minutes more it is given at once, and for an hour when there is no new one.
const CLOCKS: &str = "
cache.ttl = '1m'
cache.stale_while_revalidate = '5m'
cache.stale_if_error = '1h'
cache.rules = []
sites.main.upstream.retry_budget = '20s'
sites.main.upstream.page_timeout = '5s'
";

const PATH: &str = "/monitorodata/Sessions";

/// What `Cache-Status` says behind our name.
fn said(answer: &Answer) -> &str {
    let status = answer.header("cache-status");
    status
        .strip_prefix("citrix-odata-proxy; ")
        .unwrap_or(status)
}

async fn seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

/// A world with an answer that was asked for so many seconds ago.
async fn with_answer_of(age: u64) -> (World, Answer) {
    with_answer_under(CLOCKS, age).await
}

async fn with_answer_under(clocks: &str, age: u64) -> (World, Answer) {
    let world = World::new(small(), clocks);
    let first = world.get(PATH).await;
    assert_eq!(first.rows(), world.rows_of("/Sessions").await);
    seconds(age).await;
    (world, first)
}

fn strike(world: &World, fault: &str) {
    world.simulator.script(vec![fault.parse().unwrap()]);
}

async fn get_with(world: &World, cache_control: &str) -> Answer {
    let headers = [("cache-control", cache_control)];
    world.request(Method::GET, PATH, &headers).await
}

#[tokio::test(start_paused = true)]
async fn a_second_refresh_is_answered_at_once_and_makes_one_new_answer() {
    let (world, first) = with_answer_of(70).await;
    strike(&world, "kind=slow,seconds=4,times=always");
    let began = Instant::now();
    for answer in join_all((0..100).map(|_| world.get(PATH))).await {
        assert_eq!(said(&answer), "hit; ttl=-10; detail=stale-while-revalidate");
        assert_eq!(answer.header("age"), "70");
        assert_eq!(answer.bytes(), first.bytes());
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    // Six pages of four seconds: until then it is the old one.
    seconds(23).await;
    assert_eq!(world.get(PATH).await.header("age"), "93");
    seconds(2).await;
    let new = world.get(PATH).await;
    assert_eq!((said(&new), new.header("age")), ("hit; ttl=35", "25"));
    assert_eq!(new.bytes(), first.bytes());
    assert_eq!(world.pages_asked(), 12);
}

#[tokio::test(start_paused = true)]
async fn whatever_is_wrong_upstream_nobody_waits_for_it() {
    for (fault, code) in [
        ("kind=throttled,times=always", "UpstreamBusy"),
        ("kind=throttled,retry-after=7,times=always", "UpstreamBusy"),
        ("kind=status,status=503,times=always", "UpstreamUnavailable"),
        ("kind=status,status=500,times=always", "UpstreamUnavailable"),
        ("kind=hang,times=always", "UpstreamTimeout"),
        ("kind=cut-body,after=10,times=always", "UpstreamUnavailable"),
        (
            "page=4,kind=cut-body,after=10,times=always",
            "UpstreamUnavailable",
        ),
        ("kind=html,times=always", "UpstreamBadResponse"),
        ("page=3,kind=loop-link,times=always", "UpstreamBadResponse"),
        ("kind=forbidden,times=always", "UpstreamCredentials"),
        ("kind=unauthorized,times=always", "UpstreamCredentials"),
    ] {
        let (world, first) = with_answer_of(70).await;
        strike(&world, fault);
        let failed = format!("; detail=stale-if-error/{code}");
        let mut told = 0;
        for age in 70..270 {
            let (began, asked) = (Instant::now(), world.pages_asked());
            let answer = world.get(PATH).await;
            assert_eq!(began.elapsed(), Duration::ZERO, "{fault} at {age}");
            assert_eq!(answer.bytes(), first.bytes(), "{fault}");
            assert_eq!(answer.header("age"), age.to_string(), "{fault}");
            let hit = format!("hit; ttl=-{}", age - 60);
            let why = said(&answer).strip_prefix(&hit);
            let why = why.unwrap_or_else(|| panic!("{fault}: {}", said(&answer)));
            if why == failed {
                told += 1;
                // After a failure nobody asks for a while.
                world.settle().await;
                assert_eq!(world.pages_asked(), asked, "{fault} at {age}");
            } else {
                assert_eq!(why, "; detail=stale-while-revalidate", "{fault}");
            }
            seconds(1).await;
        }
        assert!(told > 100, "{fault}: {told} times told why");
        world.simulator.script(Vec::new());
        seconds(400).await;
        let well = world.get(PATH).await;
        assert_eq!(well.rows().len(), 110, "{fault}");
        assert!(said(&well).starts_with("fwd=stale; stored"), "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_are_revoked_leave_what_is_stored() {
    let (world, first) = with_answer_of(70).await;
    strike(&world, "set=token,kind=status,status=401,times=always");
    world.simulator.revoke_tokens();
    assert!(said(&world.get(PATH).await).ends_with("stale-while-revalidate"));
    seconds(5).await;
    let answer = world.get(PATH).await;
    let why = "hit; ttl=-15; detail=stale-if-error/UpstreamCredentials";
    assert_eq!((said(&answer), answer.bytes()), (why, first.bytes()));
    let new = world.get("/monitorodata/Users").await;
    assert_eq!(new.error(), "502 UpstreamCredentials");
}

#[tokio::test(start_paused = true)]
async fn later_a_client_gets_the_stale_answer_only_when_upstream_fails() {
    let (world, first) = with_answer_of(400).await;
    strike(&world, "kind=forbidden,times=always");
    let answers = join_all((0..10).map(|_| world.get(PATH))).await;
    let why = "detail=stale-if-error/UpstreamCredentials";
    for answer in &answers {
        assert_eq!(said(answer), format!("fwd=stale; ttl=-340; {why}"));
        assert_eq!(answer.header("age"), "400");
        assert_eq!(answer.bytes(), first.bytes());
    }
    let asked = world.pages_asked();
    let next = world.get(PATH).await;
    assert_eq!(said(&next), format!("hit; ttl=-340; {why}"));
    assert_eq!(world.pages_asked(), asked);
    // Who wants something newer hears the error.
    for wish in ["no-cache", "max-age=60", "min-fresh=1"] {
        let answer = get_with(&world, wish).await;
        assert_eq!(answer.error(), "502 UpstreamCredentials", "{wish}");
    }
    // As everyone does when it is too old.
    seconds(3600).await;
    assert_eq!(world.get(PATH).await.error(), "502 UpstreamCredentials");
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_for_long_gets_the_stale_answer_with_its_age_of_then() {
    let patient = CLOCKS.replace("'20s'", "'2m'");
    let (world, first) = with_answer_under(&patient, 400).await;
    strike(&world, "kind=throttled,times=always");
    let began = Instant::now();
    for answer in join_all((0..10).map(|_| world.get(PATH))).await {
        assert_eq!(
            said(&answer),
            "fwd=stale; ttl=-350; detail=stale-while-revalidate"
        );
        assert_eq!(answer.header("age"), "410");
        assert_eq!(answer.bytes(), first.bytes());
    }
    assert_eq!(began.elapsed().as_secs(), 10);
    // Who comes then has not waited.
    let next = world.get(PATH).await;
    assert_eq!(said(&next), "hit; ttl=-350; detail=stale-while-revalidate");
    // The attempt goes on until its patience ends, which is after two minutes or a pause before.
    for _ in 0..50 {
        seconds(3).await;
        let next = world.get(PATH).await;
        if said(&next).ends_with("detail=stale-if-error/UpstreamBusy") {
            return;
        }
    }
    panic!("nobody is told that upstream is busy");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_what_metadata_says_when_that_is_known() {
    let patient = CLOCKS.replace("'20s'", "'2m'") + "cache.metadata_ttl = '1m'\n";
    let world = World::new(small(), &patient);
    let row = world.ask("/Users(3)").await;
    seconds(400).await;
    let down = "kind=status,status=503,times=always";
    let faults = [down.to_owned(), format!("set=$metadata,{down}")];
    world
        .simulator
        .script(faults.map(|fault| fault.parse().unwrap()).into());
    let began = Instant::now();
    for _ in 0..2 {
        let stale = world.ask("/Users(3)").await;
        assert_eq!(stale.text(), row.text());
        assert!(said(&stale).ends_with("stale-while-revalidate"));
    }
    // For what it says, and for the row.
    assert!(began.elapsed() <= Duration::from_secs(20));
    // Until upstream is given up.
    seconds(300).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_becomes_too_old_while_a_client_waits_is_not_given() {
    let (world, _) = with_answer_of(3659).await;
    strike(&world, "kind=status,status=503,times=always");
    assert_eq!(world.get(PATH).await.error(), "503 UpstreamUnavailable");
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_the_middle_cuts_and_the_next_client_has_the_stale_answer() {
    let (world, first) = with_answer_of(400).await;
    strike(&world, "page=3,kind=forbidden,times=always");
    let cut = world.get(PATH).await;
    assert!(matches!(cut.body, Received::Cut(_)), "{cut:?}");
    assert!(
        said(&cut).starts_with("fwd=stale; stored"),
        "{}",
        said(&cut)
    );
    let next = world.get(PATH).await;
    let why = "hit; ttl=-340; detail=stale-if-error/UpstreamCredentials";
    assert_eq!((said(&next), next.bytes()), (why, first.bytes()));
}

#[tokio::test(start_paused = true)]
async fn what_upstream_has_no_more_is_forgotten() {
    let (world, _) = with_answer_of(70).await;
    strike(&world, "kind=status,status=404,times=always");
    assert_eq!(world.get(PATH).await.status, 200);
    seconds(1).await;
    for _ in 0..2 {
        assert_eq!(world.get(PATH).await.status, 404);
    }
}

#[tokio::test(start_paused = true)]
async fn a_purge_ends_what_is_being_refreshed() {
    let (world, _) = with_answer_of(70).await;
    strike(&world, "kind=slow,seconds=4,times=always");
    assert_eq!(world.get(PATH).await.header("age"), "70");
    seconds(5).await;
    let purge = world.request(Method::POST, "/api/cache/purge", &[]).await;
    assert_eq!(purge.json()["purged"], 1);
    world.settle().await;
    assert_eq!(world.fills(), 0);
    let new = world.get(PATH).await;
    assert!(said(&new).starts_with("fwd=uri-miss; stored"));
    assert_eq!(world.get(PATH).await.header("age"), "24");
}

#[tokio::test(start_paused = true)]
async fn clients_say_what_they_want_of_a_stored_answer() {
    for (age, wish, expected) in [
        (10, "", "hit; ttl=50"),
        (10, "max-age=10", "hit; ttl=50"),
        (10, "max-age=9", "fwd=request; stored"),
        (10, "no-cache", "fwd=request; stored"),
        (10, "no-cache, no-store", "fwd=request"),
        (10, "no-store", "hit; ttl=50"),
        (10, "min-fresh=50", "hit; ttl=50"),
        (10, "min-fresh=51", "fwd=request; stored"),
        (10, "only-if-cached", "hit; ttl=50"),
        (70, "max-age=60", "fwd=request; stored"),
        (70, "max-age=70", "fwd=request; stored"),
        (
            70,
            "max-age=70, max-stale",
            "hit; ttl=-10; detail=stale-while-revalidate",
        ),
        (70, "min-fresh=1", "fwd=request; stored"),
        (
            70,
            "only-if-cached",
            "hit; ttl=-10; detail=stale-while-revalidate",
        ),
        (400, "", "fwd=stale; stored"),
        (400, "no-store", "fwd=stale"),
        (400, "max-stale=339", "fwd=stale; stored"),
        (
            400,
            "max-stale=340",
            "hit; ttl=-340; detail=stale-while-revalidate",
        ),
        (
            400,
            "max-stale",
            "hit; ttl=-340; detail=stale-while-revalidate",
        ),
        (3660, "", "fwd=uri-miss; stored"),
        (
            3660,
            "max-stale",
            "hit; ttl=-3600; detail=stale-while-revalidate",
        ),
        (3660, "max-stale, max-age=3600", "fwd=request; stored"),
    ] {
        let (world, first) = with_answer_of(age).await;
        let answer = get_with(&world, wish).await;
        let said = said(&answer);
        let said = said.strip_suffix("; detail=links").unwrap_or(said);
        assert_eq!(said, expected, "{wish} at {age}");
        assert_eq!(answer.bytes(), first.bytes());
        seconds(1).await;
        let silent = said.starts_with("hit; ttl=") && !said.ends_with("revalidate");
        let asked = if silent || wish == "only-if-cached" {
            6
        } else {
            12
        };
        assert_eq!(world.pages_asked(), asked, "{wish} at {age}");
    }
    for age in [400, 3660] {
        let (world, _) = with_answer_of(age).await;
        let answer = get_with(&world, "only-if-cached").await;
        assert_eq!(answer.error(), "504 NotStored");
        assert_eq!(world.pages_asked(), 6);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_client_forbids_to_store_is_shared_and_not_stored() {
    let mut knobs = small();
    knobs.latency = Duration::from_secs(1);
    let world = World::new(knobs, CLOCKS);
    let no_store = get_with(&world, "no-store");
    let other = async {
        seconds(2).await;
        world.get(PATH).await
    };
    let (first, second) = join(no_store, other).await;
    assert_eq!(said(&first), "fwd=uri-miss; detail=links");
    assert_eq!(said(&second), "fwd=uri-miss; collapsed; detail=links");
    assert_eq!(first.bytes(), second.bytes());
    assert_eq!(world.pages_asked(), 6);
    assert!(said(&world.get(PATH).await).starts_with("fwd=uri-miss; stored"));
}

#[tokio::test(start_paused = true)]
async fn an_old_pragma_means_nothing() {
    let (world, _) = with_answer_of(10).await;
    let headers = [("pragma", "no-cache"), ("cache-control", "no-transform")];
    let answer = world.request(Method::GET, PATH, &headers).await;
    assert_eq!(said(&answer), "hit; ttl=50");
}
