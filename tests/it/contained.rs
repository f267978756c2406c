//! Questions that a stored table answers: the same bytes that upstream would send, without asking it.

use std::time::Duration;

use http::Method;
use tokio::time::{Instant, sleep};

use crate::world::{Answer, World, small};

fn said(answer: &Answer) -> &str {
    let status = answer.header("cache-status");
    status
        .strip_prefix("citrix-odata-proxy; ")
        .unwrap_or_default()
}

fn is_contained(answer: &Answer) -> bool {
    said(answer).ends_with("; detail=contained")
}

/// What is asked when `Sessions` and `Users` are stored.
const QUESTIONS: &[&str] = &[
    "/Sessions?$top=0",
    "/Sessions?$top=1",
    "/Sessions?$top=50",
    "/Sessions?$top=1000",
    "/Sessions?$skip=105",
    "/Sessions?$skip=20&$top=45",
    "/Sessions?$skip=500&$top=5",
    "/Sessions?$count=true",
    "/Sessions?$count=true&$top=3",
    "/Sessions?$count=true&$top=0",
    "/Sessions/$count",
    "/Sessions?$select=SessionKey,StartDate",
    "/Sessions?$select=StartDate&$top=7&$count=true",
    "/Users(3)",
    "/Users?$select=Id,FullName",
    "/Users/$count",
];

#[tokio::test(start_paused = true)]
async fn what_a_stored_table_answers_is_what_upstream_would_say() {
    let (world, other) = (World::new(small(), ""), World::new(small(), ""));
    for set in ["/Sessions", "/Users", "/$metadata"] {
        world.ask(set).await;
    }
    let asked = world.pages_asked();
    for question in QUESTIONS {
        let answer = world.ask(question).await;
        assert!(is_contained(&answer), "{question}: {}", said(&answer));
        assert_eq!(answer.status, 200, "{question}");
        let fetched = other.ask(question).await;
        assert!(!is_contained(&fetched), "{question}");
        for header in ["content-type", "odata-version"] {
            assert_eq!(answer.header(header), fetched.header(header), "{question}");
        }
        let [answer, fetched] = [answer, fetched].map(|answer| answer.text());
        assert_eq!(answer, fetched, "{question}");
    }
    assert_eq!(world.pages_asked(), asked);
}

#[tokio::test(start_paused = true)]
async fn what_is_in_doubt_is_asked_upstream() {
    let world = World::new(small(), "");
    for set in ["/Sessions", "/Users", "/$metadata"] {
        world.ask(set).await;
    }
    for question in [
        "/Sessions?$top=5&$orderby=StartDate desc",
        "/Sessions?$top=5&$filter=SessionKey ne null",
        "/Sessions?$top=5&$expand=User",
        "/Sessions?$select=Nonsense",
        "/Users(9999)",
        "/Users(3)?$select=Id",
        "/Users(3)/Sessions",
    ] {
        let asked = world.pages_asked();
        let answer = world.ask(question).await;
        assert!(!is_contained(&answer), "{question}");
        assert!(world.pages_asked() > asked, "{question}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_of_a_filtered_answer_too() {
    let world = World::new(small(), "");
    let filtered = "/Sessions?$filter=SessionKey ne null&$orderby=StartDate desc";
    let whole = world.ask(filtered).await.rows();
    let asked = world.pages_asked();
    let part = world.ask(&format!("{filtered}&$top=30&$skip=20")).await;
    assert!(is_contained(&part), "{}", said(&part));
    assert_eq!(part.rows(), whole[20..50]);
    assert_eq!(world.pages_asked(), asked);
}

#[tokio::test(start_paused = true)]
async fn rows_that_were_read_by_date_are_cut_only_as_far_as_upstreams_order_goes() {
    let mut knobs = small();
    knobs.sessions = 400;
    let (world, other) = (World::new(knobs.clone(), ""), World::new(knobs, ""));
    let whole = world.ask("/Sessions").await;
    assert!(said(&whole).ends_with("detail=range"), "{}", said(&whole));
    for (question, contained) in [
        ("/Sessions?$top=20", true),
        ("/Sessions?$top=21", false),
        ("/Sessions?$top=5&$skip=15", true),
        ("/Sessions?$top=5&$skip=16", false),
        ("/Sessions?$top=0", true),
        ("/Sessions/$count", true),
        ("/Sessions?$top=400", true),
    ] {
        let answer = world.ask(question).await;
        assert_eq!(is_contained(&answer), contained, "{question}");
        if question != "/Sessions?$top=400" {
            assert_eq!(
                answer.text(),
                other.ask(question).await.text(),
                "{question}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_is_as_old_as_the_whole_which_is_made_anew_when_it_is_stale() {
    let world = World::new(
        small(),
        "cache.ttl = '1m'\ncache.stale_while_revalidate = '10m'",
    );
    world.ask("/Sessions").await;
    sleep(Duration::from_secs(40)).await;
    let part = world.ask("/Sessions?$top=5").await;
    assert_eq!(said(&part), "hit; ttl=20; detail=contained");
    assert_eq!(part.header("age"), "40");
    let asked = world.pages_asked();
    sleep(Duration::from_secs(40)).await;
    // The columns cannot be stale.
    let probe = world.ask("/Sessions?$top=0").await;
    assert_eq!(said(&probe), "hit; ttl=-20; detail=contained");
    sleep(Duration::from_secs(5)).await;
    assert_eq!(world.pages_asked(), asked);
    let count = world.ask("/Sessions/$count").await;
    assert_eq!(said(&count), "hit; ttl=-25; detail=contained");
    sleep(Duration::from_secs(5)).await;
    assert_eq!(world.pages_asked(), asked + 6, "all of it");
    let part = world.ask("/Sessions?$top=5").await;
    assert_eq!(said(&part), "hit; ttl=55; detail=contained");
}

/// Parts for which the order of the rows does not matter.
const ORDERLESS: [&str; 4] = [
    "/Users?$top=0",
    "/Users/$count",
    "/Users?$select=Id,FullName",
    "/Users(3)",
];

const DOWN: &str = "kind=status,status=503,times=always";

/// A world with a table that is given only in place of an error, in which upstream fails in this way.
async fn with_a_stale_table(fault: &str) -> World {
    let world = World::new(
        small(),
        "
cache.ttl = '1m'
cache.stale_while_revalidate = '5m'
cache.stale_if_error = '1h'
cache.rules = []
sites.main.upstream.retry_budget = '2m'
",
    );
    world.ask("/$metadata").await;
    world.ask("/Users").await;
    sleep(Duration::from_secs(400)).await;
    world.simulator.script(vec![fault.parse().unwrap()]);
    world
}

#[tokio::test(start_paused = true)]
async fn a_part_of_a_stale_table_stands_in_for_an_error() {
    let truth = World::new(small(), "");
    for question in ORDERLESS {
        let world = with_a_stale_table("kind=forbidden,times=always").await;
        let why = "detail=stale-if-error/UpstreamCredentials";
        let answer = world.ask(question).await;
        assert_eq!(said(&answer), format!("fwd=stale; ttl=-340; {why}"));
        assert_eq!(answer.header("age"), "400", "{question}");
        assert_eq!(answer.text(), truth.ask(question).await.text());
        // For a while nobody asks again, whatever is wanted of the table.
        let asked = world.pages_asked();
        for question in ORDERLESS {
            let answer = world.ask(question).await;
            assert_eq!(said(&answer), format!("hit; ttl=-340; {why}"), "{question}");
        }
        assert_eq!(world.pages_asked(), asked);
        // The others of these rows may come from upstream.
        let some = world.ask("/Users?$top=3").await;
        assert_eq!(some.error(), "502 UpstreamCredentials");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_what_a_stale_table_holds() {
    for question in ORDERLESS {
        let world = with_a_stale_table(DOWN).await;
        let began = Instant::now();
        let answer = world.ask(question).await;
        let how = "fwd=stale; ttl=-350; detail=stale-while-revalidate";
        assert_eq!(said(&answer), how, "{question}");
        let again = world.ask(question).await;
        assert_eq!(said(&again), how.replace("fwd=stale", "hit"), "{question}");
        assert_eq!(began.elapsed(), Duration::from_secs(10), "{question}");
        // Until upstream is given up.
        sleep(Duration::from_mins(3)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_is_no_answer_when_upstream_has_no_such_thing_or_the_table_is_too_old() {
    let world = with_a_stale_table("kind=status,status=404,times=always").await;
    assert_eq!(world.ask("/Users/$count").await.status, 404);
    let world = with_a_stale_table(DOWN).await;
    sleep(Duration::from_hours(1)).await;
    let answer = world.ask("/Users/$count").await;
    assert_eq!(answer.error(), "503 UpstreamUnavailable");
}

#[tokio::test(start_paused = true)]
async fn a_table_counts_as_given_when_a_part_of_it_is_given() {
    let mut knobs = small();
    knobs.sessions = 400;
    let world = World::new(knobs, "");
    world.ask("/Sessions").await;
    let hits = async || {
        let status = world.get("/api/status?set=Sessions").await.json();
        let stored = status["cache"]["stored"].as_array().unwrap().clone();
        let whole = stored.iter().find(|stored| stored["shape"] == "Sessions");
        whole.unwrap()["hits"].as_u64().unwrap()
    };
    // It is in the order of dates, and so of no use for these.
    for question in ["/Sessions?$top=100", "/Sessions?$skip=100"] {
        assert!(!is_contained(&world.ask(question).await), "{question}");
    }
    assert_eq!(hits().await, 0);
    world.ask("/Sessions/$count").await;
    assert_eq!(hits().await, 1);
}

#[tokio::test(start_paused = true)]
async fn some_of_the_rows_are_not_cut_from_a_stale_table() {
    let world = World::new(small(), "cache.ttl = '1m'");
    world.ask("/Sessions").await;
    sleep(Duration::from_secs(90)).await;
    // Perhaps the client asks for the others next, and those come from upstream.
    for question in ["/Sessions?$top=5", "/Sessions?$top=5&$skip=5"] {
        let asked = world.pages_asked();
        assert!(!is_contained(&world.ask(question).await), "{question}");
        assert_eq!(world.pages_asked(), asked + 1, "{question}");
    }
}

#[tokio::test(start_paused = true)]
async fn clients_may_insist_on_a_new_part() {
    let world = World::new(small(), "");
    world.ask("/Sessions").await;
    sleep(Duration::from_secs(10)).await;
    for directive in ["no-cache", "max-age=5"] {
        let path = "/monitorodata/Sessions?$top=5";
        let asked = world.pages_asked();
        let headers = [("cache-control", directive)];
        let answer = world.request(Method::GET, path, &headers).await;
        assert!(said(&answer).starts_with("fwd=request"), "{directive}");
        assert_eq!(world.pages_asked(), asked + 1, "{directive}");
        sleep(Duration::from_secs(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_wants_what_is_stored_or_nothing_gets_parts_too() {
    let clocks = "cache.ttl = '1m'\ncache.stale_while_revalidate = '5m'\ncache.rules = []";
    let world = World::new(small(), clocks);
    let count = async || {
        let headers = [("cache-control", "only-if-cached")];
        let path = "/monitorodata/Sessions/$count";
        world.request(Method::GET, path, &headers).await
    };
    assert_eq!(count().await.error(), "504 NotStored");
    world.ask("/Sessions").await;
    let asked = world.pages_asked();
    assert_eq!(said(&count().await), "hit; ttl=60; detail=contained");
    sleep(Duration::from_secs(100)).await;
    assert_eq!(said(&count().await), "hit; ttl=-40; detail=contained");
    sleep(Duration::from_mins(5)).await;
    assert_eq!(count().await.error(), "504 NotStored");
    assert_eq!(world.pages_asked(), asked);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_cut_from_a_table_that_was_purged() {
    let world = World::new(small(), "");
    world.ask("/Sessions").await;
    assert!(is_contained(&world.ask("/Sessions/$count").await));
    let purge = "/api/cache/purge?site=main&set=sessions";
    let purged = world.request(Method::POST, purge, &[]).await.json();
    assert_eq!(purged["purged"], 1);
    let count = world.ask("/Sessions/$count").await;
    assert_eq!(said(&count), "fwd=uri-miss; stored");
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_by_itself_comes_before_what_is_cut() {
    let world = World::new(small(), "");
    world.ask("/Sessions?$top=5").await;
    world.ask("/Sessions").await;
    assert!(!is_contained(&world.ask("/Sessions?$top=5").await));
}
