//! The page at `/` and what stands behind it: the latest requests, the last hours, and the buttons.

use std::time::Duration;

use citrix_odata_proxy::demo::Knobs;
use http::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::world::{Received, World, small};

const USERS: &str = "/Users?$top=3";
const REFRESH: &str = "/api/cache/refresh";
const PURGE: &str = "/api/cache/purge";

async fn status(world: &World) -> Value {
    world.get("/api/status").await.json()
}

async fn post(world: &World, path: &str) -> Value {
    world.request(Method::POST, path, &[]).await.json()
}

/// Lets answers be made that nobody waits for.
async fn made(world: &World) {
    sleep(Duration::from_secs(5)).await;
    assert!(!world.tasks().names().contains(&"refresh"));
}

/// Turns of the lane that nobody waited for.
async fn background_turns(world: &World) -> String {
    let metrics = world.get("/metrics").await.text();
    let name = "upstream_grants_total{site=\"main\",class=\"background\"} ";
    let mut lines = metrics.lines();
    let value = lines.find_map(|line| line.strip_prefix(name));
    value.unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_made_anew_on_request_in_the_lowest_class() {
    let world = World::new(small(), "");
    world.ask(USERS).await;
    world.ask("/Machines?$top=1").await;
    sleep(Duration::from_secs(100)).await;
    assert_eq!(world.ask(USERS).await.header("age"), "100");
    let asked = world.pages_asked();
    let path = format!("{REFRESH}?site=main&set=users");
    assert_eq!(post(&world, &path).await, json!({"begun": 1}));
    made(&world).await;
    assert_eq!(world.pages_asked(), asked + 1);
    assert_eq!(background_turns(&world).await, "1");
    let anew = world.ask(USERS).await;
    let age: u64 = anew.header("age").parse().unwrap();
    assert!(age <= 5, "{age}");
    assert_eq!(world.pages_asked(), asked + 1, "stored");
    let other = world.ask("/Machines?$top=1").await;
    assert_eq!(other.header("age"), "105", "of another set");
}

#[tokio::test(start_paused = true)]
async fn the_request_does_not_wait_for_the_new_answers() {
    let knobs = Knobs {
        latency: Duration::from_secs(20),
        ..small()
    };
    let world = World::new(knobs, "");
    for top in 1..=3 {
        world.ask(&format!("/Users?$top={top}")).await;
    }
    let began = tokio::time::Instant::now();
    assert_eq!(post(&world, REFRESH).await, json!({"begun": 3}));
    assert_eq!(post(&world, REFRESH).await, json!({"begun": 0}));
    assert_eq!(began.elapsed(), Duration::ZERO);
    sleep(Duration::from_secs(1)).await;
    let page = world.get("/").await.text();
    assert!(page.contains("1 being refreshed"), "{page}");
    assert!(page.contains("<noscript><meta http-equiv=\"refresh\""));
    // One after the other. What is forgotten meanwhile is not made any more, and what is being made is not kept.
    post(&world, &format!("{PURGE}?set=Users")).await;
    sleep(Duration::from_mins(1)).await;
    assert_eq!(background_turns(&world).await, "1");
    assert_eq!(status(&world).await["cache"]["stored_total"], 0);
}

#[tokio::test(start_paused = true)]
async fn twenty_answers_at_most_are_made_anew_for_one_request_those_first_that_are_used_most() {
    let knobs = Knobs {
        page_size: 100,
        ..small()
    };
    let world = World::new(knobs, "");
    for top in 1..=25 {
        world.ask(&format!("/Users?$top={top}")).await;
    }
    for _ in 0..3 {
        world.ask("/Users?$top=24").await;
    }
    let asked = world.asked_upstream().len();
    assert_eq!(post(&world, REFRESH).await, json!({"begun": 20}));
    sleep(Duration::from_mins(1)).await;
    let anew = world.asked_upstream().split_off(asked);
    assert_eq!(anew.len(), 20);
    assert!(anew[0].contains("top=24"), "{}", anew[0]);
}

#[tokio::test(start_paused = true)]
async fn forms_without_a_script_come_back_to_the_page() {
    let world = World::new(small(), "");
    world.ask(USERS).await;
    let page = world.get("/").await.text();
    let browser = [
        ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
        ("origin", "http://localhost:8484"),
        ("sec-fetch-site", "same-origin"),
    ];
    // Only what is in the path is sent along: an option with an empty field would be refused.
    assert!(page.contains(&format!("action=\"{PURGE}\"")), "{page}");
    for form in page.split("<form ").skip(1) {
        let (form, _) = form.split_once("</form>").unwrap();
        assert!(!form.contains(" name="), "{form}");
    }
    for (action, left) in [("refresh", 1), ("purge", 0)] {
        let path = format!("/api/cache/{action}?site=main&set=Users");
        let form = path.replace('&', "&amp;");
        let form = format!("<form method=\"post\" action=\"{form}\">");
        assert!(page.contains(&form), "{form} in\n{page}");
        let answer = world.request(Method::POST, &path, &browser).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, "../../")
        );
        made(&world).await;
        assert_eq!(status(&world).await["cache"]["stored_total"], left);
    }
}

#[tokio::test(start_paused = true)]
async fn the_latest_requests_are_told_without_their_values() {
    let fault = "page=2,set=Sessions,times=always,kind=status,status=400";
    let world = World::with_fault(small(), "", fault.parse().unwrap());
    let smith = "/Users?$filter=UserName ne 'Smith'&$top=3";
    for _ in 0..2 {
        world.ask(smith).await.rows();
        sleep(Duration::from_secs(1)).await;
    }
    let cut = world.ask("/Sessions").await;
    assert!(matches!(cut.body, Received::Cut(_)), "{cut:?}");
    world.ask("/Nonsense").await;
    post(&world, &format!("{PURGE}?set=Users")).await;
    // What an operator looks at is not told, but for what the explorer asks as a client.
    for path in ["/", "/metrics", "/readyz", "/explore", "/connect"] {
        world.get(path).await;
    }
    let status = status(&world).await;
    let recent = status["recent"].as_array().unwrap();
    let told: Vec<String> = recent
        .iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap_or("-").to_owned();
            format!(
                "{} {} {} {} {} {} {} {}",
                one["number"],
                text("method"),
                text("shape"),
                text("set"),
                one["status"],
                text("outcome"),
                one["rows"],
                text("ended")
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    6 GET $metadata - 200 hit 0 complete
    5 POST /api/cache/purge - 200 - 0 complete
    4 GET Nonsense Nonsense 404 - 0 complete
    3 GET Sessions Sessions 200 miss 20 cut
    2 GET Users?$filter=UserName ne ?&$top=3 Users 200 hit 3 complete
    1 GET Users?$filter=UserName ne ?&$top=3 Users 200 miss 3 complete
    ");
    let error = recent[3]["error"].as_str().unwrap();
    assert!(error.contains("status 400"), "{error}");
    assert_eq!(recent[5]["at"], "2026-03-06T08:20:00Z");
    assert_eq!(recent[5]["error"], Value::Null);
    assert!(recent[5]["bytes"].as_u64().unwrap() > 100);
    let page = world.get("/").await.text();
    let (_, row) = page.split_once("class=\"cut\"").unwrap();
    let (row, _) = row.split_once("</tr>").unwrap();
    assert!(row.contains(error) && row.contains(">cut<"), "{row}");
    for text in [status.to_string(), page] {
        assert!(!text.contains("Smith"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_hours_are_told_by_the_minute() {
    let knobs = Knobs {
        latency: Duration::from_secs(15),
        ..small()
    };
    let world = World::new(knobs, "cache.refresh_ahead = false");
    assert_eq!(status(&world).await["history"], json!([]));
    world.start();
    for _ in 0..3 {
        world.ask(USERS).await.rows();
    }
    world.ask("/Nonsense").await;
    sleep(Duration::from_mins(2)).await;
    let status = status(&world).await;
    let history = status["history"].as_array().unwrap();
    assert_eq!(history[0]["at"], "2026-03-06T08:20:00Z");
    let sum = |name: &str| -> f64 { history.iter().map(|one| one[name].as_f64().unwrap()).sum() };
    let counts = ["from_cache", "fetched", "failed"].map(|name| sum(name).to_string());
    assert_eq!(counts, ["2", "1", "1"]);
    // Two questions of fifteen seconds each, and `$metadata` for the names of sets that there are.
    let pages = world.asked_upstream().len();
    let expected = f64::from(u32::try_from(pages).unwrap()) * 15.0;
    assert!((sum("busy_seconds") - expected).abs() < 0.1, "{history:?}");
    assert!(sum("seconds") >= 140.0, "{history:?}");
    let page = world.get("/").await.text();
    let expected = "2 answered from the cache, 1 by Citrix Cloud, 1 without an answer.";
    assert!(page.contains(expected), "{page}");
}

#[tokio::test(start_paused = true)]
async fn sets_are_told_with_their_answers_put_together() {
    let world = World::new(small(), "");
    for path in ["/Users?$top=1", "/Users/$count", "/Sessions/$count", ""] {
        world.ask(path).await;
        sleep(Duration::from_secs(1)).await;
    }
    world.ask("/Users?$top=1").await;
    let cache = status(&world).await["cache"].clone();
    assert_eq!(cache["sets_total"], 3);
    let sets = cache["sets"].as_array().unwrap();
    let told: Vec<Value> = sets
        .iter()
        .map(|set| {
            json!([
                set["set"],
                set["answers"]["total"],
                set["answers"]["fresh"],
                set["rows"],
                set["age_seconds"],
                set["idle_seconds"],
                set["hits"]
            ])
        })
        .collect();
    let expected = [
        json!([null, 1, 1, 0, 1, 1, 0]),
        json!(["Sessions", 1, 1, 0, 2, 2, 0]),
        json!(["Users", 2, 2, 1, 3, 0, 1]),
    ];
    assert_eq!(told, expected);
    let bytes: u64 = sets.iter().map(|set| set["bytes"].as_u64().unwrap()).sum();
    assert_eq!(cache["bytes"], bytes);
}
