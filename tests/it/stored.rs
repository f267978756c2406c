//! What an operator sees of the stored answers, and what is left of them after a purge.

use std::time::Duration;

use citrix_odata_proxy::demo::Knobs;
use http::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::world::{World, small};

/// Fresh for a minute, refreshed behind clients for two more, and given for ten when there is trouble.
const CLOCKS: &str = "
    cache.ttl = '1m'
    cache.stale_while_revalidate = '2m'
    cache.stale_if_error = '10m'
    cache.rules = []";

const USERS: &str = "/Users?$top=3";

async fn cache(world: &World, query: &str) -> Value {
    let path = format!("/api/status{query}");
    world.get(&path).await.json()["cache"].clone()
}

/// The only stored answer.
async fn only(world: &World) -> Value {
    let cache = cache(world, "").await;
    assert_eq!(cache["stored_total"], 1, "{cache}");
    cache["stored"][0].clone()
}

async fn purge(world: &World, query: &str) -> Value {
    let path = format!("/api/cache/purge{query}");
    let answer = world.request(Method::POST, &path, &[]).await;
    answer.json()["purged"].clone()
}

fn shapes(cache: &Value) -> Vec<&str> {
    let stored = cache["stored"].as_array().unwrap().iter();
    stored.map(|one| one["shape"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn stored_answers_are_listed_with_what_is_known_of_them() {
    let world = World::new(small(), CLOCKS);
    let bytes = world.ask("/Sessions").await.bytes().len();
    sleep(Duration::from_secs(10)).await;
    let path = "/monitorodata/Users?$filter=UserName ne 'Smith'";
    let wishes = [
        ("accept", "application/json;odata.metadata=full"),
        ("prefer", "odata.maxpagesize=7"),
    ];
    for _ in 0..3 {
        let answer = world.request(Method::GET, path, &wishes).await;
        assert_eq!(answer.rows().len(), 7);
    }
    let cache = cache(&world, "").await;
    // A collection of several pages wants `$metadata`, too.
    assert_eq!(cache["stored_total"], cache["entries"]);
    let found = &cache["stored"][0];
    for (name, expected) in [
        ("site", json!("main")),
        ("set", json!("Users")),
        ("shape", json!("Users?$filter=UserName ne ?")),
        ("representation", json!("full")),
        ("page_size", json!(7)),
        ("rows", json!(7)),
        ("fetched_at", json!("2026-03-06T08:20:10Z")),
        ("age_seconds", json!(0)),
        ("state", json!("fresh")),
        ("failure", Value::Null),
        ("fresh_seconds", json!(60)),
        ("hits", json!(2)),
        ("pages", json!(1)),
        ("place", json!("memory")),
    ] {
        assert_eq!(found[name], expected, "{name} of {found}");
    }
    let all = cache["stored"].as_array().unwrap();
    let sizes: u64 = all.iter().map(|one| one["bytes"].as_u64().unwrap()).sum();
    assert_eq!(cache["bytes"], sizes);
    let sessions = all.iter().find(|one| one["set"] == "Sessions").unwrap();
    assert_eq!(
        (&sessions["rows"], &sessions["pages"]),
        (&json!(110), &json!(6))
    );
    assert_eq!(sessions["representation"], Value::Null);
    assert_eq!(sessions["fresh_seconds"], 50);
    let text_bytes = sessions["text_bytes"].as_u64().unwrap();
    assert!(text_bytes < bytes as u64, "without the service root");
}

#[tokio::test(start_paused = true)]
async fn a_site_and_a_set_choose_among_them() {
    let world = World::new(small(), "");
    for path in ["/Users?$top=1", "/Users/$count", "/Sessions/$count"] {
        world.ask(path).await;
        sleep(Duration::from_secs(1)).await;
    }
    for (query, expected) in [
        ("", &["Sessions/$count", "Users/$count", "Users?$top=1"][..]),
        ("?site=main&set=users", &["Users/$count", "Users?$top=1"]),
        ("?set=Sessions", &["Sessions/$count"]),
        ("?set=Machines", &[]),
    ] {
        let cache = cache(&world, query).await;
        assert_eq!(shapes(&cache), expected, "{query}");
        assert_eq!(cache["stored_total"], expected.len(), "{query}");
        assert_eq!(cache["entries"], 3, "{query}");
    }
    let other = world.get("/api/status?site=other").await;
    assert_eq!(other.error(), "404 NotFound");
}

#[tokio::test(start_paused = true)]
async fn of_very_many_the_latest_are_shown() {
    let world = World::new(small(), "");
    for top in 1..=250 {
        world.ask(&format!("/Users?$top={top}")).await;
        sleep(Duration::from_millis(100)).await;
    }
    let cache = cache(&world, "").await;
    assert_eq!(cache["stored_total"], 250);
    let expected: Vec<String> = (51..=250)
        .rev()
        .map(|top| format!("Users?$top={top}"))
        .collect();
    assert_eq!(shapes(&cache), expected);
    let page = world.get("/").await.text();
    // One row for the set, with the eight latest of its answers.
    assert_eq!(page.matches("<tr id=\"set-").count(), 1);
    let (_, answers) = page.split_once("class=\"answers\"").unwrap();
    let (answers, after) = answers.split_once("</ul>").unwrap();
    assert_eq!(answers.matches("<li>").count(), 8);
    assert!(answers.contains("$top=243<") && !answers.contains("$top=242<"));
    assert!(after.contains("242 more, as JSON"));
}

#[tokio::test(start_paused = true)]
async fn their_state_follows_the_clocks() {
    let world = World::new(small(), CLOCKS);
    world.ask(USERS).await;
    let state = async || {
        let found = only(&world).await;
        let seconds = found["fresh_seconds"].as_i64().unwrap();
        (found["state"].as_str().unwrap().to_owned(), seconds)
    };
    for (wait, expected) in [
        (0, ("fresh", 60)),
        (59, ("fresh", 1)),
        (1, ("stale", 0)),
        (120, ("stale", -120)),
        (479, ("stale", -599)),
        (1, ("expired", -600)),
    ] {
        sleep(Duration::from_secs(wait)).await;
        let (state, seconds) = state().await;
        assert_eq!((state.as_str(), seconds), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn refreshes_and_their_failures_show() {
    let knobs = Knobs {
        latency: Duration::from_secs(5),
        ..small()
    };
    let world = World::new(knobs, CLOCKS);
    world.ask(USERS).await;
    sleep(Duration::from_mins(1)).await;
    world.ask(USERS).await;
    let found = only(&world).await;
    assert_eq!(
        (&found["state"], &found["hits"]),
        (&json!("refreshing"), &json!(1))
    );
    sleep(Duration::from_secs(10)).await;
    let found = only(&world).await;
    assert_eq!(
        (&found["state"], &found["hits"]),
        (&json!("fresh"), &json!(0))
    );

    let fault = "set=Users,times=always,kind=status,status=500";
    world.simulator.script(vec![fault.parse().unwrap()]);
    sleep(Duration::from_mins(1)).await;
    world.ask(USERS).await;
    while world.fills() > 0 {
        sleep(Duration::from_secs(1)).await;
    }
    let found = only(&world).await;
    assert_eq!(found["state"], "failed");
    let failure = found["failure"].as_str().unwrap();
    assert!(
        failure.starts_with("upstream gave no answer: "),
        "{failure}"
    );
    assert!(world.get("/").await.text().contains(failure), "{failure}");
    let metrics = world.get("/metrics").await.text();
    for line in [
        "cache_refreshes_total{result=\"failed\"} 1",
        "cache_refreshes_total{result=\"ok\"} 1",
        "cache_evictions_total 0",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line} in\n{metrics}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_purge_forgets_stale_answers_too() {
    let world = World::new(small(), CLOCKS);
    for (seconds, query) in [(90, "?set=users"), (300, "?site=main"), (700, "")] {
        world.ask(USERS).await;
        sleep(Duration::from_secs(seconds)).await;
        assert_eq!(purge(&world, query).await, 1, "after {seconds} s");
        assert_eq!(cache(&world, "").await["stored_total"], 0);
        let stored_only = [("cache-control", "only-if-cached, max-stale=9999")];
        let path = format!("/monitorodata{USERS}");
        let answer = world.request(Method::GET, &path, &stored_only).await;
        assert_eq!(answer.error(), "504 NotStored", "after {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_purge_reaches_refreshes_that_run() {
    let knobs = Knobs {
        latency: Duration::from_secs(5),
        ..small()
    };
    for query in ["", "?set=Users"] {
        let world = World::new(knobs.clone(), CLOCKS);
        world.ask(USERS).await;
        sleep(Duration::from_secs(90)).await;
        let stale = world.ask(USERS).await;
        assert!(
            stale
                .header("cache-status")
                .contains("stale-while-revalidate")
        );
        sleep(Duration::from_secs(2)).await;
        assert_eq!(only(&world).await["state"], "refreshing");
        assert_eq!(purge(&world, query).await, 1);
        sleep(Duration::from_mins(1)).await;
        assert_eq!(world.fills(), 0);
        assert_eq!(cache(&world, "").await["stored_total"], 0, "{query}");
        let answer = world.ask(USERS).await;
        assert!(answer.header("cache-status").contains("uri-miss"));
        assert_eq!(answer.header("age"), "");
    }
}
