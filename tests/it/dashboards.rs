//! The dashboard and the alerts in `deploy` name only metrics and labels that the program exposes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::world::{World, small};

const DASHBOARD: &str = include_str!("../../deploy/grafana/dashboard.json");
const ALERTS: &str = include_str!("../../deploy/prometheus/alerts.yml");
const OPERATING: &str = include_str!("../../docs/operating.md");

/// What Prometheus adds to what it scrapes.
const PROMETHEUS: [&str; 3] = ["up", "job", "instance"];

/// Words of queries that are neither functions nor names.
const GRAMMAR: [&str; 7] = ["by", "on", "and", "unless", "or", "le", "ignoring"];

#[tokio::test(start_paused = true)]
async fn dashboard_and_alerts_name_what_is_exposed() {
    let world = World::new(small(), "");
    world.ask("/Users?$top=1").await.rows();
    let text = world.get("/metrics").await.text();
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let exposed = words(&unquoted(&samples.join("\n")), |_| true);
    let queries = [of_dashboard(), of_alerts()].concat();
    for query in &queries {
        let names = names(query);
        assert!(!names.is_empty(), "no metric: {query}");
        for name in names {
            let known = exposed.contains(&name) || PROMETHEUS.contains(&&*name);
            assert!(known, "`{name}` is not exposed: {query}");
        }
    }
}

#[test]
fn every_alert_says_what_to_do_and_is_in_the_handbook() {
    let alerts: Vec<&str> = ALERTS.split("- alert: ").skip(1).collect();
    assert!(alerts.len() >= 8, "{}", alerts.len());
    for alert in alerts {
        let name = alert.lines().next().unwrap();
        for part in [
            "expr: ",
            "severity: ",
            "summary: ",
            "description: ",
            "runbook: ",
        ] {
            assert!(alert.contains(part), "{name} has no {part}");
        }
        assert!(OPERATING.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn names_are_told_from_the_rest_of_a_query() {
    for (query, expected) in [
        ("up{job=~\".*x.*\"} == 0", "job up"),
        (
            "histogram_quantile(0.5, sum by (le) (rate(a_bucket{x=\"y\"}[$__rate_interval])))",
            "a_bucket x",
        ),
        (
            "a > 0.5 and on (instance) b{site=~\"$site\"}",
            "a b instance site",
        ),
        ("time() - a", "a"),
    ] {
        let found: Vec<String> = names(query).into_iter().collect();
        assert_eq!(found.join(" "), expected, "{query}");
    }
}

/// All queries of the dashboard, those behind its variables included.
fn of_dashboard() -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_str() {
                        Some(query) if name == "expr" => found.push(query.to_owned()),
                        Some(query) if name == "definition" => {
                            let query = query.strip_prefix("label_values").unwrap();
                            found.push(query.to_owned());
                        }
                        _ => collect(value, found),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(&serde_json::from_str(DASHBOARD).unwrap(), &mut found);
    assert!(found.len() > 30, "{}", found.len());
    found
}

/// The queries of the alerts: what stands behind `expr:`, up to the next key.
fn of_alerts() -> Vec<String> {
    let queries = ALERTS.split(" expr: ").skip(1).map(|rest| {
        let lines = rest.lines();
        let query = lines.take_while(|line| {
            let line = line.trim_start();
            !["for:", "labels:"].iter().any(|key| line.starts_with(key))
        });
        query.collect::<Vec<_>>().join(" ").replace(">-", "")
    });
    queries.collect()
}

/// The metrics and labels in a query: its words without texts, durations, variables, functions and grammar.
fn names(query: &str) -> BTreeSet<String> {
    let text = unquoted(query);
    let mut found = words(&text, |rest| {
        !(rest.trim_start().starts_with('(') || rest.starts_with(" by "))
    });
    for (at, _) in text.match_indices('[') {
        let end = text[at..].find(']').unwrap();
        for word in words(&text[at..at + end], |_| true) {
            found.remove(&word);
        }
    }
    for word in GRAMMAR {
        found.remove(word);
    }
    found
}

/// A text without what is in quotes.
fn unquoted(text: &str) -> String {
    let outside: Vec<&str> = text.split('"').step_by(2).collect();
    outside.join(" ")
}

/// The words of a text that begin with a letter; `keep` sees what comes behind each.
fn words(text: &str, keep: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = BTreeSet::new();
    let mut rest = text;
    while let Some(start) = rest.find(part) {
        let word = &rest[start..];
        let end = word.find(|c| !part(c)).unwrap_or(word.len());
        if word.starts_with(|c: char| c.is_ascii_alphabetic()) && keep(&word[end..]) {
            found.insert(word[..end].to_owned());
        }
        rest = &word[end..];
    }
    found
}
