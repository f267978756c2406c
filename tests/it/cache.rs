//! What is asked twice is fetched once, for as long as the operator said, and never mixed up.

use std::io::Read;
use std::time::Duration;

use flate2::read::GzDecoder;
use futures_util::future::{join, join_all};
use http::Method;
use tokio::time::sleep;

use crate::world::{Answer, Received, World, small};

/// What `Cache-Status` says behind our name, but for how pages were walked.
fn said(answer: &Answer) -> &str {
    let status = answer.header("cache-status");
    let said = status.strip_prefix("citrix-odata-proxy; ").unwrap();
    said.strip_suffix("; detail=links").unwrap_or(said)
}

fn is_hit(answer: &Answer) -> bool {
    said(answer).starts_with("hit; ")
}

const MISS: &str = "fwd=uri-miss; stored";

#[tokio::test(start_paused = true)]
async fn hundred_clients_with_one_cold_question_cause_one_walk() {
    let mut knobs = small();
    knobs.latency = Duration::from_secs(2);
    let world = World::new(knobs, "");
    let truth = world.rows_of("/Sessions").await;
    let answers = join_all((0..100).map(|_| world.ask("/Sessions"))).await;
    assert_eq!(world.pages_asked(), 6);
    let misses = answers.iter().filter(|answer| said(answer) == MISS);
    assert_eq!(misses.count(), 1);
    for answer in &answers {
        assert_eq!(answer.rows(), truth);
        assert!([MISS, "fwd=uri-miss; collapsed"].contains(&said(answer)));
    }
    assert!(is_hit(&world.ask("/Sessions").await));
}

#[tokio::test(start_paused = true)]
async fn clients_that_come_while_it_is_made_get_it_from_its_beginning() {
    let mut knobs = small();
    knobs.latency = Duration::from_secs(2);
    let world = World::new(knobs, "");
    let truth = world.rows_of("/Sessions").await;
    let ask_after = async |seconds| {
        sleep(Duration::from_secs(seconds)).await;
        world.ask("/Sessions").await
    };
    let answers = join_all([0, 1, 3, 7, 11].map(ask_after)).await;
    for answer in &answers {
        assert_eq!(answer.rows(), truth);
    }
    assert_eq!(world.pages_asked(), 6);
}

#[tokio::test(start_paused = true)]
async fn spellings_of_one_question_share_an_entry() {
    let world = World::new(small(), "");
    let first = "/monitorodata/Users?$filter=Id%20lt%205%20and%20FullName%20ne%20'a%20b'&$top=3";
    assert_eq!(said(&world.get(first).await), MISS);
    for same in [
        "/monitorodata/Users?$top=3&$filter=Id%20lt%205%20and%20FullName%20ne%20'a%20b'",
        "/monitorodata/Users?%24top=3&%24filter=Id%20lt%205%20and%20FullName%20ne%20%27a%20b%27",
        "/monitorodata/Users?$filter=Id+lt+5+and+FullName+ne+'a+b'&$top=3",
        "/monitorodata/Users?$FILTER=Id%20lt%205%20and%20FullName%20ne%20'a%20b'&$Top=3",
        "/monitorodata/Users?$filter=%49d%20lt%205%20and%20FullName%20ne%20'a%20b'&$top=3&",
        "/monitorodata//Users/?$filter=Id%20lt%205%20and%20FullName%20ne%20'a%20b'&$top=3",
        "/main/monitorodata/Users?$filter=Id%20lt%205%20and%20FullName%20ne%20'a%20b'&$top=3",
        "/monitorodata/Users?$filter=Id%20lt%205%20and%20FullName%20ne%20'a%20b'&$top=3&$format=json",
    ] {
        let answer = world.get(same).await;
        assert!(is_hit(&answer), "{same}: {}", said(&answer));
    }
    assert_eq!(world.pages_asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn different_questions_do_not_share_an_entry() {
    let world = World::new(small(), "");
    let root = "/monitorodata/Users";
    for (path, headers) in [
        ("?$top=3", vec![]),
        ("?$top=4", vec![]),
        ("?$top=3&$skip=1", vec![]),
        ("?$top=3&$count=true", vec![]),
        ("?$top=3&$select=Id", vec![]),
        ("?$top=3&$filter=FullName ne 'a'", vec![]),
        ("?$top=3&$filter=FullName ne 'A'", vec![]),
        ("?$top=3&$filter=FullName ne 'a '", vec![]),
        ("?$top=3&$filter=FullName ne 'a%2B'", vec![]),
        ("?$top=3&x=1", vec![]),
        (
            "?$top=3",
            vec![("accept", "application/json;odata.metadata=none")],
        ),
        (
            "?$top=3",
            vec![("accept", "application/json;odata.metadata=full")],
        ),
        ("?$top=3", vec![("prefer", "odata.maxpagesize=2")]),
        ("?$top=3", vec![("prefer", "odata.maxpagesize=3")]),
        ("/$count", vec![]),
        ("(3)", vec![]),
    ] {
        let path = format!("{root}{path}");
        let answer = world.request(Method::GET, &path, &headers).await;
        assert_eq!(said(&answer), MISS, "{path} {headers:?}");
        let again = world.request(Method::GET, &path, &headers).await;
        assert!(is_hit(&again), "{path} {headers:?}");
        assert_eq!(again.bytes(), answer.bytes(), "{path} {headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_fresh_for_as_long_as_its_rule_says() {
    let settings = "
        cache.ttl = '1m'
        cache.metadata_ttl = '10m'
        cache.rules = [
            { sets = ['Machine*'], ttl = '5m' },
            { sets = ['users'], ttl = '0s' },
            { sets = ['*'], ttl = '2m' },
        ]";
    for (path, seconds) in [
        ("/MachineCosts", 300),
        ("/machines?$top=1", 300),
        ("/Machines/$count", 300),
        ("/Users?$top=1", 0),
        ("/Users(5)", 0),
        ("/Sessions", 120),
        ("", 600),
        ("/$metadata", 600),
    ] {
        let world = World::new(small(), settings);
        let first = world.ask(path).await;
        if seconds == 0 {
            assert_eq!(said(&first), "fwd=uri-miss", "{path}");
            assert_eq!(said(&world.ask(path).await), "fwd=uri-miss", "{path}");
            continue;
        }
        assert_eq!(said(&first), MISS, "{path}");
        sleep(Duration::from_secs(seconds - 1)).await;
        let late = world.ask(path).await;
        assert_eq!(said(&late), "hit; ttl=1", "{path}");
        assert_eq!(late.header("age"), (seconds - 1).to_string(), "{path}");
        assert_eq!(late.bytes(), first.bytes());
        sleep(Duration::from_secs(1)).await;
        let stale = "hit; ttl=0; detail=stale-while-revalidate";
        assert_eq!(said(&world.ask(path).await), stale, "{path}");
        sleep(Duration::from_secs(1)).await;
        assert_eq!(world.ask(path).await.header("age"), "1", "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn age_counts_from_the_first_page() {
    let mut knobs = small();
    knobs.latency = Duration::from_secs(5);
    let world = World::new(knobs, "cache.ttl = '1m'");
    assert_eq!(world.ask("/Sessions").await.rows().len(), 110);
    let hit = world.ask("/Sessions").await;
    assert_eq!((hit.header("age"), said(&hit)), ("30", "hit; ttl=30"));
}

#[tokio::test(start_paused = true)]
async fn no_cache_fetches_anew_for_everyone() {
    let world = World::new(small(), "");
    let path = "/monitorodata/Sessions?$top=5";
    let with = async |value: &str| {
        world
            .request(Method::GET, path, &[("cache-control", value)])
            .await
    };
    assert_eq!(said(&world.get(path).await), MISS);
    assert!(is_hit(&with("max-age=0").await));
    sleep(Duration::from_secs(100)).await;
    assert_eq!(said(&with("no-cache").await), "fwd=request; stored");
    let hit = world.get(path).await;
    assert_eq!((hit.header("age"), said(&hit)), ("0", "hit; ttl=300"));
    assert_eq!(world.pages_asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn clients_that_have_an_answer_are_told_so() {
    let world = World::new(small(), "cache.ttl = '1m'");
    let path = "/monitorodata/Sessions";
    let whole = world.get(path).await;
    let tag = world.get(path).await.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    for (condition, status) in [
        (&*tag, 304),
        (&*format!("W/{tag}"), 304),
        ("\"other\"", 200),
        ("*", 304),
    ] {
        let headers = [("if-none-match", condition)];
        let answer = world.request(Method::GET, path, &headers).await;
        assert_eq!(answer.status, status, "{condition}");
        assert_eq!(answer.header("etag"), tag);
        assert!(is_hit(&answer));
        assert_eq!(answer.bytes().is_empty(), status == 304);
    }
    // The same rows have the same validator, however often they are fetched.
    sleep(Duration::from_mins(2)).await;
    assert_eq!(world.get(path).await.bytes(), whole.bytes());
    let again = world
        .request(Method::GET, path, &[("if-none-match", &tag)])
        .await;
    assert_eq!(again.status, 304);
    let filtered = "/monitorodata/Sessions?$top=5";
    world.get(filtered).await;
    assert_ne!(world.get(filtered).await.header("etag"), tag);
    // The stale answer is being made anew.
    sleep(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn purged_answers_are_fetched_anew() {
    let world = World::new(small(), "");
    let paths = [
        "/Sessions?$top=1",
        "/Sessions/$count",
        "/Users?$top=1",
        "/$metadata",
    ];
    let fill = async || {
        for path in paths {
            world.ask(path).await;
        }
    };
    let purge = async |query: &str| {
        let path = format!("/api/cache/purge{query}");
        world.request(Method::POST, &path, &[]).await
    };
    for (query, purged, hits) in [
        ("?set=sessions", 2, [false, false, true, true]),
        ("?set=Machines", 0, [true, true, true, true]),
        ("?site=main&set=Users", 1, [true, true, false, true]),
        ("?site=main", 4, [false, false, false, false]),
        ("", 4, [false, false, false, false]),
    ] {
        fill().await;
        assert_eq!(purge(query).await.json()["purged"], purged, "{query}");
        for (path, hit) in paths.iter().zip(hits) {
            assert_eq!(is_hit(&world.ask(path).await), hit, "{path} after {query}");
        }
    }
    assert_eq!(purge("?site=other").await.error(), "404 NotFound");
    fill().await;
    for misspelt in ["?sets=Users", "?Site=main", "?set=", "?set=Users&set=Users"] {
        let refused = purge(misspelt).await;
        assert_eq!(refused.error(), "400 InvalidRequest", "{misspelt}");
        let message = refused.json()["error"]["message"].to_string();
        assert!(message.contains("`?site=` and `?set=`"), "{message}");
    }
    for path in paths {
        assert!(is_hit(&world.ask(path).await), "{path}");
    }
    assert_eq!(
        world.get("/api/cache/purge").await.error(),
        "405 MethodNotAllowed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_purge_reaches_answers_that_are_being_made() {
    let mut knobs = small();
    knobs.latency = Duration::from_secs(2);
    let world = World::new(knobs, "");
    let truth = world.rows_of("/Sessions").await;
    let before = world.ask("/Sessions");
    let after = async {
        sleep(Duration::from_secs(7)).await;
        let purge = world.request(Method::POST, "/api/cache/purge", &[]);
        assert_eq!(purge.await.status, 200);
        world.ask("/Sessions").await
    };
    let (before, after) = join(before, after).await;
    for answer in [&before, &after] {
        assert_eq!(said(answer), MISS);
        assert_eq!(answer.rows(), truth);
    }
    assert_eq!(world.pages_asked(), 12);
    let hit = world.ask("/Sessions").await;
    let age: u64 = hit.header("age").parse().unwrap();
    assert!(is_hit(&hit) && age < 24, "{age} s old");
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_too_large_for_memory_are_kept_on_disk_alone() {
    for (disk, pages) in [("0", [6, 6]), ("1GiB", [6, 0])] {
        // One answer may take an eighth of the memory.
        let settings = format!("cache.memory = '128KiB'\ncache.disk = '{disk}'");
        let world = World::new(small(), &settings);
        let truth = world.rows_of("/Sessions").await;
        assert!(truth.concat().len() > 32 * 1024);
        for pages in pages {
            let before = world.pages_asked();
            assert_eq!(world.ask("/Sessions").await.rows(), truth);
            assert_eq!(world.pages_asked() - before, pages);
        }
        let answers = join_all((0..10).map(|_| world.ask("/Sessions"))).await;
        assert!(answers.iter().all(|answer| answer.rows() == truth));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_on_disk_alone_is_listed_as_such() {
    let mut knobs = small();
    knobs.sessions = 1000;
    for (memory, place) in [("128KiB", "disk"), ("64MiB", "memory")] {
        let world = World::new(knobs.clone(), &format!("cache.memory = '{memory}'"));
        world.ask("/Sessions").await;
        assert_eq!(place_of_the_latest(&world, place).await, place);
    }
}

/// Where the answer is that was stored last, when it is there, or after some time.
async fn place_of_the_latest(world: &World, expected: &str) -> String {
    let mut place = String::new();
    // Files are written by a thread of its own.
    for _ in 0..10_000 {
        let status = world.get("/api/status").await.json();
        let latest = &status["cache"]["stored"][0]["place"];
        latest.as_str().unwrap().clone_into(&mut place);
        if place == expected {
            break;
        }
        let turn = || std::thread::park_timeout(Duration::from_millis(1));
        tokio::task::spawn_blocking(turn).await.unwrap();
    }
    place
}

#[tokio::test(start_paused = true)]
async fn a_purge_forgets_what_is_on_disk() {
    let world = World::new(small(), "cache.memory = '128KiB'");
    world.ask("/Sessions").await;
    let purged = async || {
        let reply = world.request(Method::POST, "/api/cache/purge", &[]).await;
        reply.json()["purged"].clone()
    };
    assert_eq!(purged().await, 1);
    assert!(!is_hit(&world.ask("/Sessions").await));
    assert_eq!(purged().await, 1);
    assert_eq!(purged().await, 0);
}

#[tokio::test(start_paused = true)]
async fn sites_do_not_share_entries() {
    let other = "
        sites.other.customer_id = 'nordhafen'
        sites.other.client_id = 'demo-client'
        sites.other.client_secret_env = 'SECRET'
        sites.other.upstream.endpoint = 'https://citrix.test'";
    let world = World::new(small(), other);
    let truth = world.rows_of("/Users?$top=5").await;
    for (path, hit) in [
        ("/main/monitorodata/Users?$top=5", false),
        ("/other/monitorodata/Users?$top=5", false),
        ("/main/monitorodata/Users?$top=5", true),
        ("/other/monitorodata/Users?$top=5", true),
        ("/monitorodata/Users?$top=5", true),
    ] {
        let answer = world.get(path).await;
        assert_eq!(is_hit(&answer), hit, "{path}");
        assert_eq!(answer.rows(), truth);
        let (root, _) = path.split_once("/Users").unwrap();
        let context = format!("http://localhost:8484{root}/$metadata#Users");
        assert_eq!(answer.json()["@odata.context"], context);
    }
    assert_eq!(world.simulator.stats().tokens_issued, 2);
    let unknown = world.get("/third/monitorodata/Users").await;
    assert_eq!(unknown.error(), "404 NotFound");
}

#[tokio::test(start_paused = true)]
async fn compressed_answers_are_the_same() {
    let world = World::new(small(), "");
    let gzip = [("accept-encoding", "gzip, deflate")];
    let truth = world.rows_of("/Sessions").await;
    for _ in 0..2 {
        let mut answer = world
            .request(Method::GET, "/monitorodata/Sessions", &gzip)
            .await;
        assert_eq!(answer.header("content-encoding"), "gzip");
        let mut plain = Vec::new();
        GzDecoder::new(&answer.bytes()[..])
            .read_to_end(&mut plain)
            .unwrap();
        answer.body = Received::Complete(plain.into());
        assert_eq!(answer.rows(), truth);
    }
    world
        .simulator
        .script(vec!["page=4,times=always,kind=forbidden".parse().unwrap()]);
    let path = "/monitorodata/Sessions?$orderby=StartDate";
    let answer = world.request(Method::GET, path, &gzip).await;
    let Received::Cut(bytes) = &answer.body else {
        panic!("{answer:?}");
    };
    let mut plain = Vec::new();
    let broken = GzDecoder::new(&bytes[..]).read_to_end(&mut plain);
    assert!(broken.is_err() && !plain.is_empty());
}
