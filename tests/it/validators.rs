//! Whoever has an answer already is told so; and only who has exactly these bytes.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{HeaderName, Method};
use tokio::time::sleep;

use crate::world::{Answer, World, small};

const PATH: &str = "/monitorodata/Sessions";

/// The ways in which bodies differ: by the client's address, and by the coding that it takes.
const WAYS: [(&str, &str); 4] = [
    ("localhost:8484", "identity"),
    ("localhost:8484", "gzip"),
    ("127.0.0.1:8484", "identity"),
    ("127.0.0.1:8484", "gzip"),
];

async fn ask(world: &World, method: Method, way: (&str, &str), more: &[(&str, &str)]) -> Answer {
    let headers = [&[("host", way.0), ("accept-encoding", way.1)], more].concat();
    world.request(method, PATH, &headers).await
}

async fn stored() -> World {
    let world = World::new(small(), "cache.ttl = '1h'");
    world.get(PATH).await;
    world
}

#[tokio::test(start_paused = true)]
async fn each_body_has_a_strong_tag_of_its_own() {
    let world = stored().await;
    let mut tags = BTreeSet::new();
    for way in WAYS {
        let whole = ask(&world, Method::GET, way, &[]).await;
        let tag = whole.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
        assert_eq!(ask(&world, Method::GET, way, &[]).await.header("etag"), tag);
        assert!(tags.insert(tag), "{way:?}");
    }
    for way in WAYS {
        let own = ask(&world, Method::GET, way, &[]).await;
        let own = own.header("etag");
        for tag in &tags {
            let answer = ask(&world, Method::GET, way, &[("if-none-match", tag)]).await;
            assert_eq!(answer.status == 304, own == tag, "{way:?} with {tag}");
        }
        let all: Vec<&str> = tags.iter().map(String::as_str).collect();
        let all = all.join(", ");
        let answer = ask(&world, Method::GET, way, &[("if-none-match", &all)]).await;
        assert_eq!(answer.status, 304);
    }
    assert_eq!(world.pages_asked(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_304_has_the_headers_of_its_200_and_no_body() {
    let world = stored().await;
    for way in WAYS {
        let whole = ask(&world, Method::GET, way, &[]).await;
        let condition = [("if-none-match", whole.header("etag"))];
        for method in [Method::GET, Method::HEAD] {
            let answer = ask(&world, method, way, &condition).await;
            assert_eq!((answer.status.as_u16(), answer.bytes().len()), (304, 0));
            for name in ["etag", "vary", "cache-control", "cache-status", "age"] {
                assert_eq!(answer.header(name), whole.header(name), "{name}");
            }
            for name in ["content-type", "content-encoding", "content-length"] {
                assert_eq!(answer.header(name), "", "{name}");
            }
        }
        let vary = whole.header("vary");
        assert_eq!(vary, "Accept, Accept-Encoding, Prefer");
        assert_eq!(whole.header("cache-control"), "private, no-cache");
    }
}

#[tokio::test(start_paused = true)]
async fn head_says_what_get_would() {
    let world = stored().await;
    for way in WAYS {
        let get = ask(&world, Method::GET, way, &[]).await;
        let head = ask(&world, Method::HEAD, way, &[]).await;
        let own = |answer: &Answer| {
            let mut headers = answer.headers.clone();
            headers.remove("x-request-id");
            headers
        };
        assert_eq!((head.status, own(&head)), (get.status, own(&get)));
        assert_eq!(head.header("content-length"), get.bytes().len().to_string());
    }
    assert_eq!(world.pages_asked(), 6);
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_a_part_gets_the_whole() {
    let world = stored().await;
    for way in WAYS {
        let whole = ask(&world, Method::GET, way, &[]).await;
        let (tag, range) = (whole.header("etag"), ("range", "bytes=0-9"));
        for more in [
            vec![range],
            vec![range, ("if-range", tag)],
            vec![range, ("if-range", "\"other\"")],
            vec![("range", "bytes=99999999-")],
            vec![("if-range", tag)],
            // Nothing is written here, and nothing has a date.
            vec![("if-match", "\"other\"")],
            vec![("if-modified-since", "Fri, 06 Mar 2026 09:00:00 GMT")],
            vec![("if-unmodified-since", "Fri, 06 Mar 2020 09:00:00 GMT")],
        ] {
            let answer = ask(&world, Method::GET, way, &more).await;
            assert_eq!(answer.status, 200, "{more:?}");
            assert_eq!(answer.header("accept-ranges"), "none");
            assert_eq!(answer.header("content-range"), "");
            assert_eq!(answer.bytes(), whole.bytes(), "{more:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_rows_have_the_same_tag_after_a_refresh() {
    let world = World::new(small(), "cache.ttl = '1m'");
    world.get(PATH).await;
    let mut tags = BTreeSet::new();
    for _ in 0..3 {
        let answer = ask(&world, Method::GET, WAYS[1], &[]).await;
        tags.insert(answer.header("etag").to_owned());
        // Stale by now: this one is told what the old answer was, and a new one is made.
        sleep(Duration::from_secs(70)).await;
        let condition = [("if-none-match", answer.header("etag"))];
        let stale = ask(&world, Method::GET, WAYS[1], &condition).await;
        assert_eq!(stale.status, 304);
        let status = stale.header("cache-status");
        assert!(status.ends_with("stale-while-revalidate"), "{status}");
        sleep(Duration::from_secs(1)).await;
        assert_eq!(world.get(PATH).await.header("age"), "1");
    }
    assert_eq!(tags.len(), 1, "{tags:?}");
    assert_eq!(world.pages_asked(), 24);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_being_made_has_no_tag_yet() {
    let world = World::new(small(), "");
    let answer = ask(&world, Method::GET, WAYS[0], &[("if-none-match", "*")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, ""));
    assert_eq!(answer.rows().len(), 110);
}

#[tokio::test(start_paused = true)]
async fn all_headers_are_our_own() {
    let world = stored().await;
    let ours = [
        "accept-ranges",
        "age",
        "cache-control",
        "cache-status",
        "content-length",
        "content-type",
        "cross-origin-resource-policy",
        "etag",
        "odata-version",
        "referrer-policy",
        "vary",
        "x-content-type-options",
        "x-request-id",
    ];
    let hit = ask(&world, Method::GET, WAYS[0], &[]).await;
    let names: BTreeSet<&str> = hit.headers.keys().map(HeaderName::as_str).collect();
    assert_eq!(names, BTreeSet::from(ours));
    // Only the end of what is being made is not known yet.
    let anew = ask(
        &world,
        Method::GET,
        WAYS[0],
        &[("cache-control", "no-cache")],
    )
    .await;
    let anew: BTreeSet<&str> = anew.headers.keys().map(HeaderName::as_str).collect();
    let later = ["age", "content-length", "etag"];
    assert_eq!(anew, &names - &BTreeSet::from(later));
    // Nobody in between keeps an error.
    let error = world.ask("/Nonsense").await;
    assert_eq!(
        (error.status.as_u16(), error.header("cache-control")),
        (404, "no-store")
    );
}
