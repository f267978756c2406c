//! `docs/metrics.md` has every metric that the program exposes, with its type and its labels, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::Method;
use tokio::time::sleep;

use crate::world::{World, small};

const REFERENCE: &str = include_str!("../../docs/metrics.md");

/// Type and labels.
type Kind = (String, BTreeSet<String>);

#[tokio::test(start_paused = true)]
async fn reference_has_every_metric_with_its_type_and_labels() {
    let world = World::new(small(), "");
    world.ask("/Users?$top=1").await.rows();
    let batch = r#"{"requests":[{"id":"1","method":"get","url":"Users?$top=1"}]}"#;
    let json = [("content-type", "application/json")];
    world.post("/monitorodata/$batch", &json, batch).await;
    let text = world.get("/metrics").await.text();
    assert_eq!(exposed(&text), written());

    let accept = [("accept", "application/openmetrics-text")];
    let open = world.request(Method::GET, "/metrics", &accept).await;
    let samples = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| name(line).to_owned()).collect()
    };
    assert_eq!(
        samples(&open.text()),
        samples(&text),
        "the same names in both formats"
    );
}

#[tokio::test(start_paused = true)]
async fn what_upstream_did_is_counted() {
    let fault = "set=Users,times=2,kind=throttled,retry-after=3";
    let world = World::with_fault(small(), "", fault.parse().unwrap());
    world.ask("/Users?$top=1").await.rows();
    let text = world.get("/metrics").await.text();
    for line in [
        "upstream_requests_total{site=\"main\",status_class=\"2xx\"} 1",
        "upstream_requests_total{site=\"main\",status_class=\"4xx\"} 2",
        "upstream_retries_total{site=\"main\"} 2",
        "upstream_throttled_total{site=\"main\"} 2",
        "upstream_unanswered_total{site=\"main\"} 0",
        "auth_token_requests_total{site=\"main\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn how_answers_came_about_is_counted_and_every_word_for_it_is_in_the_reference() {
    let settings = "
        cache.ttl = '1m'
        cache.stale_while_revalidate = '1m'
        cache.stale_if_error = '1h'
        cache.rules = []
        sites.main.upstream.retry_budget = '1s'";
    let world = World::new(small(), settings);
    let path = "/monitorodata/Users?$top=1";
    let get = async |directive| {
        let headers = [("cache-control", directive)];
        let answer = world.request(Method::GET, path, &headers).await;
        answer.bytes().len()
    };
    let bytes = get("").await;
    // The ages at which the answer is given.
    for seconds in [0, 5, 70] {
        sleep(Duration::from_secs(seconds)).await;
        get("").await;
    }
    // The refresh behind the stale one has its end.
    sleep(Duration::from_secs(1)).await;
    get("no-cache").await;
    for path in ["/Sessions", "/Sessions/$count"] {
        world.ask(path).await;
    }
    let fault = "set=Users,times=always,kind=throttled,retry-after=2";
    world.simulator.script(vec![fault.parse().unwrap()]);
    sleep(Duration::from_mins(31)).await;
    get("").await;

    let text = world.get("/metrics").await.text();
    let twice = 2 * bytes;
    for line in [
        r#"web_requests_total{outcome="miss",status_class="2xx"} 2"#.to_owned(),
        r#"web_requests_total{outcome="contained",status_class="2xx"} 1"#.to_owned(),
        r#"web_requests_total{outcome="hit",status_class="2xx"} 2"#.to_owned(),
        r#"web_requests_total{outcome="stale",status_class="2xx"} 1"#.to_owned(),
        r#"web_requests_total{outcome="forced",status_class="2xx"} 1"#.to_owned(),
        r#"web_requests_total{outcome="stale-if-error",status_class="2xx"} 1"#.to_owned(),
        format!(r#"web_body_bytes_total{{outcome="forced"}} {bytes}"#),
        format!(r#"web_body_bytes_total{{outcome="hit"}} {twice}"#),
        r#"web_answer_age_seconds_bucket{le="1.0"} 2"#.to_owned(),
        r#"web_answer_age_seconds_bucket{le="10.0"} 3"#.to_owned(),
        r#"web_answer_age_seconds_bucket{le="60.0"} 3"#.to_owned(),
        r#"web_answer_age_seconds_bucket{le="300.0"} 4"#.to_owned(),
        r#"web_answer_age_seconds_bucket{le="1800.0"} 4"#.to_owned(),
        r#"web_answer_age_seconds_bucket{le="3600.0"} 5"#.to_owned(),
        "web_answer_age_seconds_count 5".to_owned(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }

    let known: BTreeMap<&str, &str> = REFERENCE
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .collect();
    for (label, value) in text.lines().flat_map(pairs) {
        if ["class", "outcome", "reason", "result"].contains(&label.as_str()) {
            let words = known[label.as_str()];
            assert!(words.contains(&format!("`{value}`")), "{label}: {value}");
        }
    }
}

/// The metrics of an exposition in plain text.
fn exposed(text: &str) -> BTreeMap<String, Kind> {
    let mut metrics = BTreeMap::<String, Kind>::new();
    let mut family = String::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            let (name, kind) = head.split_once(' ').unwrap();
            name.clone_into(&mut family);
            metrics.insert(family.clone(), (kind.to_owned(), BTreeSet::new()));
        } else if !line.starts_with('#') {
            assert!(line.starts_with(&family), "{line} is not of {family}");
            let metric = metrics.get_mut(&family).unwrap();
            metric.1.extend(labels(line));
        }
    }
    metrics
}

fn name(sample: &str) -> &str {
    sample.split(['{', ' ']).next().unwrap()
}

/// The names of a sample's labels; the limits of a histogram's buckets are none of ours.
fn labels(sample: &str) -> Vec<String> {
    let names = pairs(sample).into_iter().map(|(name, _)| name);
    names.filter(|name| name != "le").collect()
}

/// A sample's labels with their values.
fn pairs(sample: &str) -> Vec<(String, String)> {
    let between = |text: &str| Some(text.split_once('{')?.1.rsplit_once('}')?.0.to_owned());
    let pairs = between(sample).unwrap_or_default();
    let pairs = pairs.split(',').filter_map(|pair| pair.split_once('='));
    let unquoted = |value: &str| value.trim_matches('"').to_owned();
    pairs
        .map(|(name, value)| (name.to_owned(), unquoted(value)))
        .collect()
}

/// The rows ``| `name` | type | `label`, `label` | meaning |``.
fn written() -> BTreeMap<String, Kind> {
    let rows = REFERENCE.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.split(" | ").collect();
        let [name, kind, labels, _meaning] = *cells else {
            return None;
        };
        let labels = labels.split(", ").filter(|label| *label != "–");
        let labels = labels.map(|label| label.trim_matches('`').to_owned());
        let name = name.trim_end_matches('`').to_owned();
        Some((name, (kind.to_owned(), labels.collect())))
    });
    rows.collect()
}
