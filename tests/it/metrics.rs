//! `docs/metrics.md` has every metric that the program exposes, with its type and its labels, and no other.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;

use crate::world::{World, small};

const REFERENCE: &str = include_str!("../../docs/metrics.md");

/// Type and labels.
type Kind = (String, BTreeSet<String>);

#[tokio::test(start_paused = true)]
async fn reference_has_every_metric_with_its_type_and_labels() {
    let world = World::new(small(), "");
    world.ask("/Users?$top=1").await.rows();
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
    let between = |text: &str| Some(text.split_once('{')?.1.rsplit_once('}')?.0.to_owned());
    let pairs = between(sample).unwrap_or_default();
    let names = pairs.split(',').filter_map(|pair| pair.split_once('='));
    let names = names.map(|(name, _)| name.to_owned());
    names.filter(|name| name != "le").collect()
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
