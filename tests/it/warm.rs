//! Questions that are asked by schedule: their answers are there before anybody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use citrix_odata_proxy::clock::{Clock, FollowingClock};
use citrix_odata_proxy::demo::Knobs;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::world::{Answer, World, morning, small};

/// A wall clock that can be set, and goes on while timers stand still.
#[derive(Debug)]
struct Settable {
    clock: FollowingClock,
    minutes: AtomicI64,
}

impl Settable {
    fn leap(&self, minutes: i64) {
        self.minutes.fetch_add(minutes, Ordering::Relaxed);
    }
}

impl Clock for Settable {
    fn now(&self) -> Timestamp {
        let minutes = self.minutes.load(Ordering::Relaxed);
        self.clock.now() + SignedDuration::from_mins(minutes)
    }
}

/// Asks as Power Query does.
async fn power_query(world: &World, below: &str) -> Answer {
    let path = format!("/monitorodata{below}");
    let headers = [
        (
            "accept",
            "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,\
             application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7",
        ),
        ("maxdataserviceversion", "3.0"),
        ("odata-maxversion", "4.0"),
        (
            "user-agent",
            "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)",
        ),
    ];
    world.request(Method::GET, &path, &headers).await
}

/// Whether it came from the cache, and was fresh.
fn is_hit(answer: &Answer) -> bool {
    answer.header("cache-status").contains("; hit; ttl=")
        && !answer.header("cache-status").contains("ttl=-")
}

/// How often upstream was asked for the first page of this set so far.
fn first_pages(world: &World, set: &str) -> usize {
    let path = format!("/monitorodata/{set}");
    let asked = world.asked_upstream();
    let first = |asked: &&String| asked.split('?').next() == Some(&path) && !asked.contains("skip");
    asked.iter().filter(first).count()
}

/// The row of the only question in `/api/status`.
async fn row(world: &World) -> Value {
    world.get("/api/status").await.json()["warm"][0].clone()
}

/// Counts of `warm_refreshes_total` that are not zero, in order: `schedule ok 2`.
pub(crate) async fn counted(world: &World) -> Vec<String> {
    let text = world.get("/metrics").await.text();
    let lines = text.lines().filter_map(|line| {
        let rest = line.strip_prefix("warm_refreshes_total{site=\"main\",why=\"")?;
        let (why, rest) = rest.split_once("\",result=\"")?;
        let (result, count) = rest.split_once("\"} ")?;
        (count != "0").then(|| format!("{why} {result} {count}"))
    });
    let mut counted: Vec<String> = lines.collect();
    counted.sort_unstable();
    counted
}

async fn minutes(minutes: u64) {
    sleep(Duration::from_mins(minutes)).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_there_before_anybody_asks() {
    let settings = "cache.ttl = '2h'\n\
                    [[warm]]\nquestion = 'Sessions?$select=SessionKey,StartDate'\nevery = '1h'";
    let world = World::new(small(), settings);
    assert_eq!(world.pages_asked(), 0, "nothing before the start");
    world.start();
    minutes(1).await;
    let asked = world.pages_asked();
    for below in [
        "/Sessions?$select=SessionKey,StartDate",
        "/Sessions?%24select=SessionKey%2CStartDate",
    ] {
        let answer = power_query(&world, below).await;
        assert!(is_hit(&answer), "{below}: {:?}", answer.headers);
        assert_eq!(answer.rows().len(), 110);
    }
    assert_eq!(world.pages_asked(), asked, "none of them cost anything");

    let row = row(&world).await;
    assert_eq!(row["shape"], "Sessions?$select=SessionKey,StartDate");
    assert_eq!(row["next"], "2026-03-06T09:20:00Z");
    assert_eq!(row["last"]["at"], "2026-03-06T08:20:00Z");
    assert_eq!(row["last"]["result"], "stored");
    assert_eq!(row["last"]["rows"], 110);
    assert_eq!(counted(&world).await, ["schedule ok 1"]);

    // It is asked again by its schedule, though the answer is still fresh.
    minutes(60).await;
    assert_eq!(counted(&world).await, ["schedule ok 2"]);
    let answer = power_query(&world, "/Sessions?$select=SessionKey,StartDate").await;
    assert_eq!(answer.header("age"), "60");
}

#[tokio::test(start_paused = true)]
async fn the_questions_of_a_site_are_asked_one_after_the_other() {
    let mut knobs = small();
    knobs.latency = Duration::from_secs(10);
    let settings = "[[warm]]\nquestion = 'Users?$top=5'\nevery = '1h'\n\
                    [[warm]]\nquestion = '$metadata'\nevery = '1h'\n\
                    [[warm]]\nquestion = 'Catalogs'\nevery = '1h'";
    let world = World::new(knobs, settings);
    world.start();
    let mut running = Vec::new();
    for _ in 0..200 {
        sleep(Duration::from_secs(5)).await;
        let status = world.get("/api/status").await.json();
        let rows = status["warm"].as_array().unwrap();
        let now: Vec<_> = rows.iter().filter(|row| row["running"] == true).collect();
        assert!(now.len() <= 1, "{now:?}");
        let now = now
            .first()
            .map(|row| row["shape"].as_str().unwrap().to_owned());
        if let Some(now) = now.filter(|now| running.last() != Some(now)) {
            running.push(now);
        }
    }
    assert_eq!(running, ["Users?$top=5", "$metadata", "Catalogs"]);
}

#[tokio::test(start_paused = true)]
async fn cron_follows_the_clocks_of_its_zone() {
    // The world begins on a Friday at 8:20 in UTC, 9:20 in Berlin.
    let settings =
        "[[warm]]\nquestion = 'Catalogs'\ncron = '0 10 * * 1-5'\ntime_zone = 'Europe/Berlin'";
    let world = World::new(small(), settings);
    world.start();
    minutes(39).await;
    assert_eq!(first_pages(&world, "Catalogs"), 1, "at the start");
    assert_eq!(row(&world).await["next"], "2026-03-06T09:00:00Z");
    minutes(2).await;
    assert_eq!(first_pages(&world, "Catalogs"), 2);
    let row = row(&world).await;
    assert_eq!(row["last"]["at"], "2026-03-06T09:00:00Z");
    assert_eq!(row["next"], "2026-03-09T09:00:00Z", "not at the weekend");
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_while_one_ran_is_caught_up_once() {
    let mut knobs = small();
    // The first takes five minutes and a half, in which two more were due.
    knobs.faults = vec![
        "set=Catalogs,times=1,kind=slow,seconds=330"
            .parse()
            .unwrap(),
    ];
    let settings = "sites.main.upstream.page_timeout = '10m'\n\
                    [[warm]]\nquestion = 'Catalogs'\nevery = '2m'";
    let world = World::new(knobs, settings);
    world.start();
    sleep(Duration::from_secs(320)).await;
    assert_eq!(first_pages(&world, "Catalogs"), 1);
    sleep(Duration::from_secs(20)).await;
    assert_eq!(first_pages(&world, "Catalogs"), 2, "at once, and once");
    sleep(Duration::from_secs(100)).await;
    assert_eq!(first_pages(&world, "Catalogs"), 2);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(first_pages(&world, "Catalogs"), 3, "two minutes later");
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_while_the_machine_slept_is_caught_up_once() {
    let clock = Arc::new(Settable {
        clock: morning(),
        minutes: AtomicI64::new(0),
    });
    let settings = "[[warm]]\nquestion = 'Catalogs'\nevery = '1h'\n\
                    [[warm]]\nquestion = 'Machines?$top=1'\ncron = '0 * * * *'";
    let shared: Arc<dyn Clock> = Arc::<Settable>::clone(&clock);
    let world = World::at(&shared, small(), settings);
    world.start();
    minutes(5).await;
    let asked = || {
        (
            first_pages(&world, "Catalogs"),
            first_pages(&world, "Machines"),
        )
    };
    assert_eq!(asked(), (1, 1));
    clock.leap(10 * 60);
    sleep(Duration::from_secs(31)).await;
    assert_eq!(asked(), (2, 2), "it is 18:25");
    minutes(33).await;
    assert_eq!(asked(), (2, 2));
    minutes(2).await;
    assert_eq!(asked(), (2, 3), "it is 19:00");
    // It was wrong, and is set: nothing waits until tomorrow.
    clock.leap(-10 * 60);
    minutes(61).await;
    assert_eq!(asked(), (3, 4), "it is 10:01");
}

#[tokio::test(start_paused = true)]
async fn a_failing_upstream_is_asked_again_soon_and_not_all_the_time() {
    let fault = "set=Catalogs,times=10,kind=status,status=500";
    let settings = "[[warm]]\nquestion = 'Catalogs'\nevery = '6h'";
    let world = World::with_fault(small(), settings, fault.parse().unwrap());
    world.start();
    let began = Instant::now();
    while !counted(&world).await.contains(&"schedule ok 1".to_owned()) {
        sleep(Duration::from_secs(1)).await;
        assert!(began.elapsed() < Duration::from_mins(10));
    }
    // Five attempts each.
    assert_eq!(
        counted(&world).await,
        ["schedule failed 2", "schedule ok 1"]
    );
    assert!(is_hit(&power_query(&world, "/Catalogs").await));
    assert_eq!(row(&world).await["last"]["result"], "stored");
}

#[tokio::test(start_paused = true)]
async fn a_set_that_is_not_offered_is_not_asked_for() {
    // Its own name is refused with the settings; the way there is known from `$metadata` only.
    let settings = "sets.deny = ['Users']\n\
                    [[warm]]\nquestion = 'Sessions?$expand=User'\nevery = '1h'";
    let world = World::new(small(), settings);
    world.start();
    minutes(50).await;
    assert_eq!(world.pages_asked(), 0);
    assert_eq!(counted(&world).await, ["schedule failed 1"]);
    let row = row(&world).await;
    assert_eq!(row["last"]["result"], "failed");
    assert!(
        row["last"]["error"]
            .as_str()
            .unwrap()
            .contains("is blocked")
    );
    assert_eq!(row["next"], "2026-03-06T09:20:00Z", "by schedule");
    let page = world.get("/").await.text();
    assert!(page.contains("Asked in advance") && page.contains("is blocked"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_kept_is_told_of() {
    let settings =
        "cache.memory = '64KiB'\ncache.disk = 0\n[[warm]]\nquestion = 'Sessions'\nevery = '1h'";
    let knobs = Knobs {
        sessions: 3000,
        ..small()
    };
    let world = World::new(knobs, settings);
    world.start();
    minutes(30).await;
    assert_eq!(row(&world).await["last"]["result"], "not_kept");
    assert_eq!(counted(&world).await, ["schedule not_kept 1"]);
    assert!(
        world.pages_asked() < 150,
        "given up as soon as that is known"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_meanwhile_shares_it() {
    let mut knobs = small();
    knobs.latency = Duration::from_secs(5);
    let world = World::new(knobs, "[[warm]]\nquestion = 'Sessions'\nevery = '1h'");
    world.start();
    sleep(Duration::from_secs(12)).await;
    let answer = power_query(&world, "/Sessions").await;
    assert!(answer.header("cache-status").contains("collapsed"));
    assert_eq!(answer.rows().len(), 110);
    assert_eq!(first_pages(&world, "Sessions"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_a_client_has_made_is_not_made_twice() {
    let mut knobs = small();
    knobs.latency = Duration::from_secs(5);
    let world = World::new(knobs, "[[warm]]\nquestion = 'Sessions'\nevery = '1h'");
    let waits = power_query(&world, "/Sessions");
    let starts = async {
        sleep(Duration::from_secs(12)).await;
        world.start();
    };
    let (answer, ()) = tokio::join!(waits, starts);
    assert_eq!(answer.rows().len(), 110);
    assert_eq!(row(&world).await["last"]["result"], "underway");
    assert_eq!(first_pages(&world, "Sessions"), 1);
}
